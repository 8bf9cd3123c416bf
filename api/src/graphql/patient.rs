//! The patient as the schema shows them: the four parts, the next steps, whom to turn to, the timeline.

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use entity::PatientId;
use uuid::Uuid;

use super::{
    page::{Page, page_request},
    read::{
        access_log, battery, beginning, calendar_feed,
        call::{self, CallLogFilter, CallPlace, Of},
        contact, contact_work,
        life::{self, Lists, asks_for_columns},
        plan::{self, PatientPlan, Wanted},
        representative,
        steps::{self, AgreementPart, PartKind, TimelineEntry},
        version::VersionsWanted,
    },
    scalars::{Date, GlobalId, LanguageTag, NodeKind, PersonalIdentityNumber},
    thread::{ThreadConnection, threads_of},
    types::{
        agreement::{Agreement, NextSteps},
        battery::BatteryAnswerSet,
        beginning::{AgreementOffer, AgreementRequest, PatientAgreement},
        booking::Appointment,
        calendar::CalendarFeed,
        calls::CallLogEntry,
        enums::{AppointmentStatus, ProtectedIdentity, TreatingKind},
        life::ProgressNote,
        messages::ReminderPreference,
        people::{
            AccessLogEntry, CareContact, CareUnitSummary, ContactAdvice, ContactOffer, ContactRequest,
            PastContact,
        },
        representative::Representative,
    },
    user_error::{coded, fault, refused, session},
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun},
    },
    crypto::Place,
    domain::patient::personal_number::PersonalNumber,
    error::Fault,
    session::Session,
};

/// A patient, with everything that was asked for already in memory.
pub struct Patient {
    plan: PatientPlan,
}

impl Patient {
    /// Loads what the selection at `ctx` asks for. None when out of reach; both are told to the access log.
    pub async fn load(ctx: &Context<'_>, id: PatientId) -> Result<Option<Self>> {
        let session = session(ctx);
        let look = ctx.look_ahead();
        let asks = |name: &str| look.field(name).exists();
        let agreement = look.field("agreement");
        let derived = ["nextSteps", "parts", "timeline"].into_iter().any(asks);
        let (goals, items) = (agreement.field("goals"), agreement.field("planItems"));
        let timed = look.field("timeline").field("nodes").field("planItem");
        let stepped = look.field("nextSteps");
        let lists =
            [timed, stepped.field("patient").field("planItem"), stepped.field("care").field("planItem")]
                .iter()
                .map(|items| Lists::asked(&items.field("goal"), items))
                .fold(Lists::asked(&goals, &items), Lists::or);
        let wanted = Wanted {
            goals: goals.exists() || asks("parts"),
            items: items.exists() || derived,
            life: derived || asks_for_columns(&items),
            lists,
            contacts: ["contacts", "plannedContacts", "whoToContact", "parts"].into_iter().any(asks)
                || look.field("fixedCareContact").field("absence").exists(),
            preferences: asks("reminderPreferences"),
            appointments: asks("appointments") || asks("timeline"),
            versions: VersionsWanted::of_agreement(&agreement),
        };
        let plan = load(session, id, None, wanted).await.map_err(|e| fault(session, &e))?;
        Ok(plan.map(|plan| Self { plan }))
    }
}

/// [`plan::load`], told to the access log.
pub async fn load(
    session: &Session,
    id: PatientId,
    agreement: Option<Uuid>,
    wanted: Wanted,
) -> Result<Option<PatientPlan>, Fault> {
    let plan = plan::load(session, id, agreement, wanted).await?;
    match &plan {
        Some(plan) => session.trail.read(plan.id),
        None => session.trail.denied("NOT_FOUND", None),
    }
    Ok(plan)
}

/// FORBIDDEN for the field when its noun is out of the caller's scope; siblings are served.
fn in_scope(ctx: &Context<'_>, noun: Noun) -> Result<()> {
    let session = session(ctx);
    if policy::check(&session.actor, noun, Action::Read).is_err() { Err(refused(session)) } else { Ok(()) }
}

/// A patient (patient): the person the agreement is about. Representatives (ombud) and young people see the parts that
/// are within their rights; the others are null with FORBIDDEN.
#[Object(serial)]
impl Patient {
    /// Global id.
    async fn id(&self) -> GlobalId {
        GlobalId::new(NodeKind::Patient, self.plan.id)
    }

    /// The current personal identity number (personnummer, samordningsnummer eller reservnummer). FORBIDDEN for
    /// representatives (ombud).
    async fn personal_identity_number(&self, ctx: &Context<'_>) -> Result<Option<PersonalIdentityNumber>> {
        let session = session(ctx);
        if session.actor.acting_for().is_some() {
            return Err(refused(session));
        }
        let Some((row, sealed)) = &self.plan.number else { return Ok(None) };
        let kept = session
            .core
            .keys
            .open(Place::new("patient_identity.number", *row), sealed)
            .map_err(|e| fault(session, &e))?;
        let today = crate::calendar::to_local(session.now()).date_naive();
        let shown = PersonalNumber::parse(&kept, today).map_or(kept, |number| number.shown());
        Ok(Some(PersonalIdentityNumber(shown)))
    }

    /// Given name (förnamn).
    async fn given_name(&self) -> &str {
        &self.plan.given_name
    }

    /// Family name (efternamn).
    async fn family_name(&self) -> &str {
        &self.plan.family_name
    }

    /// Birth date (födelsedatum); it may differ from the number.
    async fn birth_date(&self) -> Date {
        Date(self.plan.birth_date)
    }

    /// The language of reminders and notices.
    async fn language(&self) -> LanguageTag {
        LanguageTag(self.plan.language.clone())
    }

    /// Whether the person has a protected identity (skyddade personuppgifter): handle with care.
    async fn protected_identity(&self) -> ProtectedIdentity {
        self.plan.protected_identity.into()
    }

    /// The unit where the patient is listed (listad).
    async fn care_unit(&self) -> &CareUnitSummary {
        &self.plan.unit.summary
    }

    /// The agreement (överenskommelsen): the one in force, else the one being drawn up.
    async fn agreement(&self, ctx: &Context<'_>) -> Result<Option<&Agreement>> {
        in_scope(ctx, Noun::Agreement)?;
        Ok(self.plan.agreement.as_ref())
    }

    /// All agreements (patientkontrakt), the latest first: the ones that have ended stay readable.
    async fn agreements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Page<PatientAgreement>> {
        let session = session(ctx);
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        beginning::agreements_of(session, self.plan.id, &request).await.map_err(|e| fault(session, &e))
    }

    /// Offers of an agreement (erbjudanden), the latest first, each with its answer. At most 50.
    async fn agreement_offers(&self, ctx: &Context<'_>) -> Result<Vec<AgreementOffer>> {
        let session = session(ctx);
        beginning::offers_to(session, self.plan.id).await.map_err(|e| fault(session, &e))
    }

    /// What the patient has asked for (önskemål om patientkontrakt), the latest first. At most 50.
    async fn agreement_requests(&self, ctx: &Context<'_>) -> Result<Vec<AgreementRequest>> {
        let session = session(ctx);
        beginning::requests_of(session, self.plan.id).await.map_err(|e| fault(session, &e))
    }

    /// The main fast vårdkontakt.
    async fn fixed_care_contact(&self, ctx: &Context<'_>) -> Result<Option<&CareContact>> {
        in_scope(ctx, Noun::CareContact)?;
        Ok(self.plan.lead.as_ref().map(|lead| &lead.contact))
    }

    /// Everyone with a contact role now: fast vårdkontakt, fast läkarkontakt, behandlande roller. At most 100.
    async fn contacts(&self, ctx: &Context<'_>) -> Result<Option<Vec<CareContact>>> {
        in_scope(ctx, Noun::CareContact)?;
        Ok(Some(self.plan.contacts.iter().map(|reachable| reachable.contact.clone()).collect()))
    }

    /// The next booked time (överenskommen tid).
    async fn next_appointment(&self, ctx: &Context<'_>) -> Result<Option<&Appointment>> {
        in_scope(ctx, Noun::Appointment)?;
        Ok(self.plan.next_appointment.as_deref())
    }

    /// The four parts of the patientkontrakt, each with what is missing from it. Within narrower rights only the parts
    /// that are in scope.
    async fn parts(&self, ctx: &Context<'_>) -> Result<Option<Vec<AgreementPart>>> {
        in_scope(ctx, Noun::Agreement)?;
        let session = session(ctx);
        let mut parts = steps::parts(&self.plan, steps::Today::of(session), session.locale);
        parts.retain(|part| {
            let noun = match part.part {
                PartKind::Agreement | PartKind::CoherentPlan => Noun::Agreement,
                PartKind::FixedContact => Noun::CareContact,
                PartKind::AgreedTime => Noun::Appointment,
            };
            policy::check(&session.actor, noun, Action::Read).is_ok()
        });
        Ok(Some(parts))
    }

    /// The next step (nästa steg): the patient's and care's.
    async fn next_steps(&self, ctx: &Context<'_>) -> Result<Option<NextSteps>> {
        in_scope(ctx, Noun::Agreement)?;
        let session = session(ctx);
        Ok(Some(steps::next_steps(&self.plan, steps::Today::of(session), session.locale)))
    }

    /// Whom to turn to (vem ska jag vända mig till) at a moment: always an answer, last of all 1177. What stands in
    /// `emergency` stands first.
    async fn who_to_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The moment; now when left out. At most ten years away.")] at: Option<DateTime<Utc>>,
        #[graphql(desc = "What it is about: the contact for it comes first. About anything when left out.")]
        concerning: Option<TreatingKind>,
    ) -> Result<Option<ContactAdvice>> {
        in_scope(ctx, Noun::CareContact)?;
        let session = session(ctx);
        let (now, last_resort) = (session.now(), &session.core.settings.after_hours_phone);
        let at = at.unwrap_or(now);
        if !contact::can_tell(at, now) {
            let text = session
                .locale
                .pick("Välj en tid inom tio år (`at`).", "Choose a moment within ten years (`at`).");
            return Err(coded("BAD_USER_INPUT", text));
        }
        let concerning = concerning.map(Into::into);
        Ok(Some(contact::advice(&self.plan, concerning, last_resort, at, session.locale)))
    }

    /// Contacts who are appointed from a moment that lies ahead (planerade kontakter).
    async fn planned_contacts(&self, ctx: &Context<'_>) -> Result<Option<Vec<CareContact>>> {
        in_scope(ctx, Noun::CareContact)?;
        Ok(Some(self.plan.contacts_ahead.iter().map(|reachable| reachable.contact.clone()).collect()))
    }

    /// Contacts whose role is over (tidigare kontakter), the latest end first. At most 100.
    async fn past_contacts(&self, ctx: &Context<'_>) -> Result<Option<Vec<PastContact>>> {
        in_scope(ctx, Noun::CareContact)?;
        let session = session(ctx);
        let past = contact_work::past(session, self.plan.id).await;
        past.map(Some).map_err(|e| fault(session, &e))
    }

    /// What the patient has asked for (begäran om kontakt), open requests first, then the newest. At most 100.
    async fn contact_requests(&self, ctx: &Context<'_>) -> Result<Option<Vec<ContactRequest>>> {
        in_scope(ctx, Noun::ContactRequest)?;
        let session = session(ctx);
        let requests = contact_work::requests(session, self.plan.id).await;
        requests.map(Some).map_err(|e| fault(session, &e))
    }

    /// Contacts that care has offered (erbjudanden), the newest first. At most 100.
    async fn contact_offers(&self, ctx: &Context<'_>) -> Result<Option<Vec<ContactOffer>>> {
        in_scope(ctx, Noun::ContactOffer)?;
        let session = session(ctx);
        let offers = contact_work::offers(session, self.plan.id).await;
        offers.map(Some).map_err(|e| fault(session, &e))
    }

    /// The coherent plan (sammanhållen planering): items and booked times across all units, in order of time.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many entries, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<TimelineEntry>>> {
        in_scope(ctx, Noun::Agreement)?;
        let request = page_request::<Option<Uuid>>(first, after.as_deref(), 50)?;
        Ok(Some(Page::of_all(steps::timeline(&self.plan), &request, steps::entry_id)))
    }

    /// Booked times (bokade tider), the latest first; the newest 500 of them.
    async fn appointments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those still ahead, the soonest first.", default = false)] upcoming_only: bool,
    ) -> Result<Option<Page<Appointment>>> {
        in_scope(ctx, Noun::Appointment)?;
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let now = session(ctx).now();
        let mut times: Vec<Appointment> = self
            .plan
            .appointments
            .iter()
            .filter(|t| !upcoming_only || (t.status == AppointmentStatus::Booked && t.starts_at >= now))
            .map(|t| (**t).clone())
            .collect();
        if upcoming_only {
            times.reverse();
        }
        Ok(Some(Page::of_all(times, &request, |time| time.id.id)))
    }

    /// Threads of messages (meddelandetrådar), the one with the latest message first.
    async fn threads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<ThreadConnection>> {
        threads_of(ctx, self.plan.id, first, after.as_deref()).await.map(Some)
    }

    /// Answers to question batteries (svar på frågor), the newest first; corrections and what they correct too.
    async fn battery_answers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only those to this battery, by its name.")] battery: Option<String>,
        #[graphql(
            desc = "Only the latest answers to each battery, corrected ones as they were corrected.",
            default = false
        )]
        latest_only: bool,
    ) -> Result<Page<BatteryAnswerSet>> {
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let session = session(ctx);
        let wanted = battery::Wanted { battery, latest_only };
        battery::of_patient(session, self.plan.id, &wanted, &request).await.map_err(|e| fault(session, &e))
    }

    /// Calls about the patient (samtalslista) of the caller's care provider, for staff. FORBIDDEN for others.
    async fn call_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which of them.", default)] filter: CallLogFilter,
    ) -> Result<Option<Page<CallLogEntry>>> {
        let session = session(ctx);
        if policy::check(&session.actor, Noun::CallLog, Action::Read).is_err() {
            return Err(refused(session));
        }
        let request = page_request::<CallPlace>(first, after.as_deref(), 20)?;
        let page = call::page(session, Of::Patient(self.plan.id), filter, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }

    /// Who has reached the patient's data (loggutdrag): unit, time and what came of every access, the latest first,
    /// attempts that failed too, and each as a sentence to show. For the patient alone; FORBIDDEN for others.
    async fn access_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many entries, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<AccessLogEntry>>> {
        let session = session(ctx);
        let own = session.actor == Actor::Patient { id: self.plan.id };
        if !own || policy::check(&session.actor, Noun::AccessLog, Action::Read).is_err() {
            return Err(refused(session));
        }
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let page = access_log::of_patient(session, self.plan.id, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }

    /// Who may act for the patient (ombud), and who has: the latest first, at most 100. FORBIDDEN for representatives.
    async fn representatives(&self, ctx: &Context<'_>) -> Result<Option<Vec<Representative>>> {
        representative::of_patient(ctx, self.plan.id).await.map(Some)
    }

    /// Progress notes (hur det går) by patient and care, the latest first: all of them, or those about one goal or
    /// plan item.
    async fn progress_notes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id of a goal or plan item.")] about: Option<ID>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<ProgressNote>>> {
        in_scope(ctx, Noun::ProgressNote)?;
        let session = session(ctx);
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let about = about.map(|id| {
            let goal = GlobalId::row::<Uuid>(&id, NodeKind::Goal);
            goal.or_else(|| GlobalId::row(&id, NodeKind::PlanItem)).unwrap_or_default()
        });
        life::notes(session, self.plan.id, about, &request).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// The patient's calendar feed (kalenderprenumeration), without its address. FORBIDDEN for everybody else.
    async fn calendar_feed(&self, ctx: &Context<'_>) -> Result<Option<CalendarFeed>> {
        calendar_feed::of_patient(ctx, self.plan.id).await
    }

    /// What the patient has said about reminders and notices. At most one for each kind and channel.
    async fn reminder_preferences(&self, ctx: &Context<'_>) -> Result<Option<&[ReminderPreference]>> {
        in_scope(ctx, Noun::ReminderPreference)?;
        Ok(Some(&self.plan.preferences))
    }
}
