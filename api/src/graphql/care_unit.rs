//! A care unit as the schema shows it, with the list its staff work from.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entity::{AssignmentId, CareUnitId, care_unit};
use uuid::Uuid;

use super::{
    assignment::tasks_at,
    page::{Page, page_request},
    read::{
        away,
        call::{self, CallLogFilter, CallPlace, Of},
        candidates::{self, CandidatePlace},
        colleagues::{self, ColleaguePlace},
        contact_work,
        desk::UnitDesk,
        ladder, news, schedule,
        task::TaskFilter,
        time_wish::{self, WishPlace},
        undelivered::{self, UndeliveredPlace},
        unit::{self, Filter, ListPlace, Sort},
        visits::{self, VisitPlace},
    },
    scalars::{Date, GlobalId, HsaId, NodeKind, PhoneNumber},
    types::{
        agreement::AgreementSummary,
        beginning::AgreementCandidate,
        booking::AppointmentType,
        calls::CallLogEntry,
        clash::TouchedTime,
        enums::AgreementStatus,
        news::UnitNews,
        people::{AssignmentSummary, ContactFunctions},
        reminders::{ReminderLadder, UndeliveredReminder},
        schedule::Schedule,
        tasks::Task,
        time_wish::TimeWish,
        visits::Visit,
    },
    user_error::{fault, refused, session, told},
};
use crate::{
    auth::policy::{self, Action, Noun},
    domain::booking::away::Away,
};

/// A care unit. Its facts are not read when only its lists are asked for, by its own staff.
pub struct CareUnit {
    id: CareUnitId,
    facts: Option<care_unit::Model>,
}

impl CareUnit {
    /// The unit, for anyone signed in.
    pub async fn load(ctx: &Context<'_>, id: CareUnitId) -> Result<Option<Self>> {
        let session = session(ctx);
        if policy::check(&session.actor, Noun::CareUnit, Action::Read).is_err() {
            return Err(refused(session));
        }
        let own = session.actor.staff().is_some_and(|staff| staff.care_unit == id);
        let look = ctx.look_ahead();
        if own
            && !["name", "hsaId", "phone", "address", "messageHours"]
                .into_iter()
                .any(|fact| look.field(fact).exists())
        {
            return Ok(Some(Self { id, facts: None }));
        }
        let facts = unit::facts(session, id).await.map_err(|e| fault(session, &e))?;
        Ok(facts.map(|facts| Self { id, facts: Some(facts) }))
    }

    fn facts(&self) -> Result<&care_unit::Model> {
        self.facts.as_ref().ok_or_else(|| {
            told("INTERNAL", "Uppgifterna om enheten lästes inte.", "The unit's facts were not read.")
        })
    }
}

/// Which agreements to list.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AgreementFilter {
    /// Where the agreement stands; `ACTIVE` when left out.
    pub status: Option<AgreementStatus>,
    /// The beginning of the patient's family name; case does not matter.
    pub family_name: Option<String>,
    /// The code of a patient group (patientgrupp): one of `patientGroups`.
    pub patient_group: Option<String>,
}

/// Which patients without an agreement to list.
#[derive(Clone, Debug, Default, InputObject)]
pub struct CandidateFilter {
    /// The beginning of the patient's family name; case does not matter.
    pub family_name: Option<String>,
    /// Only those who have asked for an agreement and wait (har önskat).
    #[graphql(default = false)]
    pub requested: bool,
}

/// In which order to list agreements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum AgreementSort {
    /// The latest change first.
    #[default]
    UpdatedDesc,
    /// By the patient's family name, then given name.
    PatientName,
}

/// A care unit (vårdenhet).
#[Object(serial)]
impl CareUnit {
    /// Global id.
    async fn id(&self) -> GlobalId {
        GlobalId::new(NodeKind::CareUnit, self.id)
    }

    /// Its name.
    async fn name(&self) -> Result<&str> {
        Ok(&self.facts()?.name)
    }

    /// Its HSA-id, where it has one.
    async fn hsa_id(&self) -> Result<Option<HsaId>> {
        Ok(self.facts()?.hsa_id.clone().map(HsaId))
    }

    /// Its phone number.
    async fn phone(&self) -> Result<PhoneNumber> {
        Ok(PhoneNumber(self.facts()?.phone.clone()))
    }

    /// Its visiting address, where it has one.
    async fn address(&self) -> Result<Option<&str>> {
        Ok(self.facts()?.address.as_deref())
    }

    /// What stands wherever a message to the unit is written (när meddelanden läses): when it is read, by when it is
    /// answered, and whom to call instead; 112 when life is in danger.
    async fn message_hours(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(UnitDesk::of(self.facts()?).message_hours(session(ctx)))
    }

    /// Which functions may be contacts at the unit (funktioner som får vara kontakter): its manager's decision.
    async fn contact_functions(&self, ctx: &Context<'_>) -> Result<ContactFunctions> {
        let session = session(ctx);
        let rule = contact_work::function_rule(session, self.id).await.map_err(|e| fault(session, &e))?;
        Ok(ContactFunctions { number: rule.number, functions: rule.functions })
    }

    /// Which reminders the unit sends (påminnelsetrappor): its own choice for all its appointments, or the default; then
    /// the kinds of appointment that have a ladder of their own. At most 101.
    async fn reminder_ladders(&self, ctx: &Context<'_>) -> Result<Vec<ReminderLadder>> {
        let session = session(ctx);
        ladder::of_unit(session, self.id).await.map_err(|e| fault(session, &e))
    }

    /// The kinds of appointment it offers (besökstyper), by name; patients see those they may book themselves. At
    /// most 100.
    async fn appointment_types(&self, ctx: &Context<'_>) -> Result<Vec<AppointmentType>> {
        let session = session(ctx);
        unit::appointment_types(session, self.id).await.map_err(|e| fault(session, &e))
    }

    /// Who works here now (medarbetare), by name: whom a task, a role or a time can be given to. For staff; none for
    /// those of another care provider. FORBIDDEN for others.
    async fn assignments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<AssignmentSummary>>> {
        let session = session(ctx);
        if policy::check(&session.actor, Noun::Assignment, Action::Read).is_err() {
            return Err(refused(session));
        }
        let request = page_request::<ColleaguePlace>(first, after.as_deref(), 50)?;
        let page = colleagues::of_unit(session, self.id, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }

    /// The agreements that the unit has drawn up, for its own staff. FORBIDDEN for others.
    async fn agreements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which agreements.")] filter: Option<AgreementFilter>,
        #[graphql(desc = "In which order.", default)] sort: AgreementSort,
    ) -> Result<Option<Page<AgreementSummary>>> {
        let session = session(ctx);
        let Ok(own) = policy::own_unit(&session.actor, Noun::CareUnit, Action::List, self.id, "careUnit")
        else {
            return Err(refused(session));
        };
        let request = page_request::<ListPlace>(first, after.as_deref(), 50)?;
        let filter = filter.unwrap_or_default();
        let filter = Filter {
            status: filter.status.map(Into::into),
            family_name: filter.family_name,
            patient_group: filter.patient_group,
        };
        let sort = match sort {
            AgreementSort::UpdatedDesc => Sort::UpdatedDesc,
            AgreementSort::PatientName => Sort::PatientName,
        };
        let page =
            unit::agreements(session, &own, &filter, sort, &request).await.map_err(|e| fault(session, &e))?;
        let total = if ctx.look_ahead().field("totalCount").exists() {
            Some(unit::count(session, &own, &filter).await.map_err(|e| fault(session, &e))?)
        } else {
            None
        };
        Ok(Some(page.with_total(total)))
    }

    /// The booked visits of a day (dagens besök), in order of time, each with what is missing for the patient: no
    /// agreement, gaps in its four parts, no next step after the visit, unanswered questions, an interpreter. For the
    /// unit's own staff; FORBIDDEN for others.
    async fn visits_on(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which day; today when left out.")] date: Option<Date>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<Visit>>> {
        let session = session(ctx);
        let Ok(own) = policy::own_unit(&session.actor, Noun::CareUnit, Action::List, self.id, "careUnit")
        else {
            return Err(refused(session));
        };
        let request = page_request::<VisitPlace>(first, after.as_deref(), 50)?;
        let day = date.map_or_else(|| visits::today(session), |date| date.0);
        visits::of_day(session, &own, day, &request).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// The booked times that an absence touches (tider som berörs av frånvaro), in order of time, each with what could
    /// take its place: before it is registered or after. At most 200, for the unit's own staff and managers; FORBIDDEN
    /// for others.
    async fn touched_times(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is away: an assignment at the unit.")] assignment_id: ID,
        #[graphql(desc = "From when.")] from: DateTime<Utc>,
        #[graphql(desc = "Until when.")] until: DateTime<Utc>,
        #[graphql(desc = "Who steps in (ersättare), if anybody does: their times come first.")]
        substitute_id: Option<ID>,
    ) -> Result<Option<Vec<TouchedTime>>> {
        let session = session(ctx);
        let own =
            policy::own_unit(&session.actor, Noun::ContactAbsence, Action::Register, self.id, "careUnit");
        let Ok(own) = own else { return Err(refused(session)) };
        let row = |id: &ID| AssignmentId(GlobalId::row(id, NodeKind::Assignment).unwrap_or(Uuid::nil()));
        let away = Away {
            unit: own.care_unit,
            person: row(&assignment_id),
            from,
            until,
            substitute: substitute_id.as_ref().map(row),
        };
        away::touched(session, &away).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// Who waits for a time at the unit (önskemål om tid), the oldest wish first, for its own staff. FORBIDDEN for others.
    async fn time_wishes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<TimeWish>>> {
        let session = session(ctx);
        let own = policy::own_unit(&session.actor, Noun::TimeWish, Action::Read, self.id, "careUnit");
        let Ok(own) = own else { return Err(refused(session)) };
        let request = page_request::<WishPlace>(first, after.as_deref(), 50)?;
        let page = time_wish::of_unit(session, own.care_unit, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }

    /// The unit's call log (samtalslista), for its own staff: calls to make, or those that are over. FORBIDDEN for
    /// others.
    async fn call_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which of them.", default)] filter: CallLogFilter,
    ) -> Result<Option<Page<CallLogEntry>>> {
        let session = session(ctx);
        if policy::own_unit(&session.actor, Noun::CallLog, Action::Read, self.id, "careUnit").is_err() {
            return Err(refused(session));
        }
        let request = page_request::<CallPlace>(first, after.as_deref(), 50)?;
        let page = call::page(session, Of::Unit(self.id), filter, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }

    /// Messages to patients that did not arrive (påminnelser som inte kom fram), those of the nearest visits first, each with
    /// why, until a day after the visit. `reminderHandle` takes one off the list, and what told of a time that has been
    /// moved or cancelled since is not on it. For the unit's own staff: care sees those of the patients within
    /// reach, managers all of them without whom they are about. FORBIDDEN for others.
    async fn undelivered_reminders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<UndeliveredReminder>>> {
        let session = session(ctx);
        let Ok(own) = policy::own_unit(&session.actor, Noun::Reminder, Action::List, self.id, "careUnit")
        else {
            return Err(refused(session));
        };
        let request = page_request::<UndeliveredPlace>(first, after.as_deref(), 50)?;
        undelivered::of_unit(session, &own, &request).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// What patients and their representatives have done lately (nytt från patienter): bookings, messages, proposals and
    /// assents, the latest first, for the unit's own staff. What must be acted on is a task too. FORBIDDEN for others.
    async fn news(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<UnitNews>>> {
        let session = session(ctx);
        let Ok(own) = policy::own_unit(&session.actor, Noun::CareUnit, Action::List, self.id, "careUnit")
        else {
            return Err(refused(session));
        };
        let request = page_request::<Uuid>(first, after.as_deref(), 50)?;
        news::of_unit(session, &own, &request).await.map(Some).map_err(|e| fault(session, &e))
    }

    /// What the unit has to do (uppgifter), what is due first before the rest, for its own staff. Managers see what has
    /// risen to them, without whom it is about. FORBIDDEN for others.
    async fn tasks(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which of them; the open ones when left out.")] filter: Option<TaskFilter>,
    ) -> Result<Option<Page<Task>>> {
        tasks_at(ctx, self.id, None, (first, after), filter).await
    }

    /// The unit's schedules (tidböcker), the oldest first, for its own staff. FORBIDDEN for others.
    async fn schedules(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<Schedule>>> {
        let session = session(ctx);
        let Ok(own) = policy::own_unit(&session.actor, Noun::Schedule, Action::Read, self.id, "careUnit")
        else {
            return Err(refused(session));
        };
        let request = page_request::<Uuid>(first, after.as_deref(), 50)?;
        let page = schedule::of_unit(session, own.care_unit, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }

    /// The unit's patients without an agreement (möjliga patienter för patientkontrakt), by name, for its own staff:
    /// those with a care relation in force. Only what the unit's care provider knows counts: ask the patient whether
    /// there is an agreement elsewhere (fråga patienten). FORBIDDEN for others.
    async fn candidates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 50 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which patients.")] filter: Option<CandidateFilter>,
    ) -> Result<Option<Page<AgreementCandidate>>> {
        let session = session(ctx);
        let Ok(own) = policy::own_unit(&session.actor, Noun::CareUnit, Action::List, self.id, "careUnit")
        else {
            return Err(refused(session));
        };
        let request = page_request::<CandidatePlace>(first, after.as_deref(), 50)?;
        let CandidateFilter { family_name, requested } = filter.unwrap_or_default();
        let filter = candidates::Filter { family_name, requested };
        let page = candidates::of_unit(session, &own, &filter, &request).await;
        page.map(Some).map_err(|e| fault(session, &e))
    }
}
