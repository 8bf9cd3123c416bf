//! A care unit as the schema shows it, with the list its staff work from.

use async_graphql::{Context, Enum, InputObject, Object, Result};
use entity::{CareUnitId, care_unit};
use uuid::Uuid;

use super::{
    assignment::{Assignment, tasks_at},
    page::{MOST, Page, how_many, page_request},
    read::{
        call::{self, CallLogFilter, CallPlace, Of},
        candidates::{self, CandidatePlace},
        contact_work,
        desk::UnitDesk,
        news, node,
        task::TaskFilter,
        unit::{self, Filter, ListPlace, Sort},
        visits::{self, VisitPlace},
    },
    scalars::{Date, GlobalId, HsaId, NodeKind, PhoneNumber},
    types::{
        agreement::AgreementSummary, beginning::AgreementCandidate, booking::AppointmentType,
        calls::CallLogEntry, enums::AgreementStatus, news::UnitNews, people::ContactFunctions, tasks::Task,
        visits::Visit,
    },
    user_error::{coded, fault, refused, session},
};
use crate::auth::policy::{self, Action, Noun};

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
        self.facts.as_ref().ok_or_else(|| coded("INTERNAL", "Uppgifterna om enheten lästes inte."))
    }
}

/// Which agreements to list.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AgreementFilter {
    /// Where the agreement stands; in force when left out.
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
        #[graphql(desc = "How many, 1 to 100; 100 when left out.")] first: Option<i32>,
    ) -> Result<Option<Vec<Assignment>>> {
        let first = how_many(first, MOST)?;
        let session = session(ctx);
        if policy::check(&session.actor, Noun::Assignment, Action::Read).is_err() {
            return Err(refused(session));
        }
        node::colleagues(session, self.id, first).await.map(Some).map_err(|e| fault(session, &e))
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
