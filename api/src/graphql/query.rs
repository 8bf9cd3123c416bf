//! The roots of all reading.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use entity::{CareUnitId, patient_identity};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{
    assignment::Assignment,
    care_unit::CareUnit,
    mutation::{SchedulePatternInput, SchedulePreview, schedule_preview},
    node::Node,
    page::{MOST, Page, how_many},
    patient::Patient,
    read::{node, representative},
    scalars::{GlobalId, NodeKind, PersonalIdentityNumber},
    slots::{FreeSlotFilter, free_slots},
    types::{
        battery::QuestionBattery, beginning::PatientGroup, booking::Slot, representative::Representation,
        template::Template,
    },
    user_error::{coded, fault, refused, session, told},
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun},
    },
    calendar::to_local,
    domain::patient::{IDENTITY_LOOKUP, personal_number::PersonalNumber},
    error::Fault,
    session::Session,
};

/// Everything that can be read.
#[derive(Default)]
pub struct Query;

/// Everything that can be read. Who may read what is decided anew at every request.
#[Object(serial)]
impl Query {
    /// The signed-in patient: the agreement, the plan, the next step, whom to turn to. With the header
    /// `Patientkontrakt-Acting-For` the patient whom the caller represents (företräder), within the rights they have.
    /// FORBIDDEN for staff.
    async fn me(&self, ctx: &Context<'_>) -> Result<Option<Patient>> {
        let session = session(ctx);
        match session.actor.patient() {
            Some(id) if policy::check(&session.actor, Noun::Patient, Action::Read).is_ok() => {
                Patient::load(ctx, id).await
            }
            _ => Err(refused(session)),
        }
    }

    /// The assignment (medarbetaruppdrag) that the signed-in staff member acts under. FORBIDDEN for patients.
    async fn my_assignment(&self, ctx: &Context<'_>) -> Result<Option<Assignment>> {
        match &session(ctx).actor {
            Actor::Staff(staff) => node::assignment(ctx, staff.assignment).await,
            _ => Err(refused(session(ctx))),
        }
    }

    /// A patient by number, for staff with a care relation (vårdrelation). Null for everyone else, whether the
    /// person exists or not; a care relation is registered with `careRelationRegister`.
    async fn patient(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Personnummer, samordningsnummer, national or regional reserve number.")]
        number: PersonalIdentityNumber,
        #[graphql(
            desc = "Why the record is opened, in a few words; at most 200 characters. It is part of the access log."
        )]
        reason: String,
    ) -> Result<Option<Patient>> {
        let session = session(ctx);
        if session.actor.staff().is_none()
            || policy::check(&session.actor, Noun::Patient, Action::Read).is_err()
        {
            return Err(refused(session));
        }
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > 200 {
            return Err(told(
                "BAD_USER_INPUT",
                "Skriv varför du öppnar journalen, högst 200 tecken.",
                "Write why you open the record, in at most 200 characters.",
            ));
        }
        let today = to_local(session.now()).date_naive();
        let number = PersonalNumber::parse(&number.0, today)
            .map_err(|e| coded("BAD_USER_INPUT", e.text(session.locale)))?;
        session.trail.because(reason);
        let hashes = session.core.keys.lookup_hashes(IDENTITY_LOOKUP, number.as_str());
        let found: Option<entity::PatientId> = session
            .core
            .db
            .read(async |db| -> Result<_, Fault> {
                Ok(patient_identity::Entity::find()
                    .select_only()
                    .column(patient_identity::Column::PatientId)
                    .filter(patient_identity::Column::Lookup.is_in(hashes))
                    .into_tuple()
                    .one(db)
                    .await?)
            })
            .await
            .map_err(|e| fault(session, &e))?;
        // The same statements run whether the number is known or not.
        Patient::load(ctx, found.unwrap_or(entity::PatientId(uuid::Uuid::nil()))).await
    }

    /// The groups that agreements are counted under (patientgrupper): those that ship, and the region's own.
    async fn patient_groups(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 100 when left out.")] first: Option<i32>,
    ) -> Result<Option<Vec<PatientGroup>>> {
        let first = how_many(first, MOST)?;
        let session = session(ctx);
        if policy::check(&session.actor, Noun::CareUnit, Action::Read).is_err() {
            return Err(refused(session));
        }
        Ok(Some(PatientGroup::all(session).into_iter().take(first).collect()))
    }

    /// Whom the signed-in person may act for now (företräda), as guardian, god man or by grant: send the patient's id in
    /// the header `Patientkontrakt-Acting-For`. Answers also those who are no patients themselves.
    async fn representing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 100 when left out.")] first: Option<i32>,
    ) -> Result<Option<Vec<Representation>>> {
        let first = how_many(first, MOST)?;
        representative::representing(ctx, first).await.map(Some)
    }

    /// A care unit (vårdenhet). Anyone signed in sees how to reach it; its lists are for its own staff.
    async fn care_unit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The unit's global id.")] id: ID,
    ) -> Result<Option<CareUnit>> {
        let id =
            GlobalId::row::<CareUnitId>(&id, NodeKind::CareUnit).unwrap_or(CareUnitId(uuid::Uuid::nil()));
        CareUnit::load(ctx, id).await
    }

    /// Free times (lediga tider) that can be booked. To a patient their own doctor's (fast läkarkontakt) come first, then
    /// those of their other contacts in care, then the rest; within each the soonest first. Patients see those that they
    /// may book themselves, staff those of their own unit. Empty when staff name a patient who is out of their reach.
    async fn free_slots(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which of them; at the patient's own units when left out.")] filter: Option<
            FreeSlotFilter,
        >,
        #[graphql(desc = "For staff: the patient whom the time is for. Patients leave it out.")]
        patient_id: Option<ID>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Option<Page<Slot>>> {
        free_slots(ctx, filter.unwrap_or_default(), patient_id, first, after.as_deref()).await.map(Some)
    }

    /// What a schedule (tidbok) would publish, what clashes, and what a change of it would take away, before anything is
    /// done. For staff of the unit.
    async fn schedule_preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What kind of appointment (besökstyp) the times are for.")] appointment_type_id: ID,
        #[graphql(desc = "When there are times.")] pattern: SchedulePatternInput,
        #[graphql(desc = "The schedule that would be changed to it; a new one when left out.")]
        schedule_id: Option<ID>,
    ) -> Result<Option<SchedulePreview>> {
        schedule_preview(ctx, &appointment_type_id, pattern, schedule_id.as_ref()).await.map(Some)
    }

    /// The question batteries (frågebatterier) that are asked now: those that ship with the service, and the region's
    /// own. Texts are in the language of `Accept-Language`.
    async fn question_batteries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 100 when left out.")] first: Option<i32>,
    ) -> Result<Option<Vec<Arc<QuestionBattery>>>> {
        let first = how_many(first, MOST)?;
        let session = readable(session(ctx), Noun::QuestionBattery)?;
        let library = &session.core.library;
        let batteries = library.batteries().take(first);
        Ok(Some(batteries.map(|battery| Arc::new(QuestionBattery::of(battery, session))).collect()))
    }

    /// One question battery (frågebatteri). Null when there is none with this name.
    async fn question_battery(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its name, such as `five-questions`.")] key: String,
    ) -> Result<Option<Arc<QuestionBattery>>> {
        let session = readable(session(ctx), Noun::QuestionBattery)?;
        let battery = session.core.library.battery(&key);
        Ok(battery.map(|battery| Arc::new(QuestionBattery::of(battery, session))))
    }

    /// The templates (mallar för vårdförlopp) that can be put into an agreement: those that ship with the service, and
    /// the region's own. Texts are in the language of `Accept-Language`.
    async fn templates(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 100 when left out.")] first: Option<i32>,
    ) -> Result<Option<Vec<Template>>> {
        let first = how_many(first, MOST)?;
        let session = readable(session(ctx), Noun::Template)?;
        let templates = session.core.library.templates().take(first);
        Ok(Some(templates.map(|template| Template::of(template, session)).collect()))
    }

    /// Any object by its global id, under the same rules as anywhere else. Null when there is none that the
    /// caller can reach.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "A global id from any `id` field.")] id: ID,
    ) -> Result<Option<Node>> {
        let session = session(ctx);
        if session.actor == Actor::Anonymous {
            return Err(refused(session));
        }
        if let Ok(id) = id.parse::<GlobalId>() {
            Node::load(ctx, id).await
        } else {
            session.trail.denied("NOT_FOUND", None);
            Ok(None)
        }
    }
}

/// What tells nothing of a patient, for everyone whose role may read it.
fn readable(session: &Session, noun: Noun) -> Result<&Session> {
    match policy::check(&session.actor, noun, Action::Read) {
        Ok(()) => Ok(session),
        Err(_) => Err(refused(session)),
    }
}
