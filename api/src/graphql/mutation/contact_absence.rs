//! Absences of contacts and who steps in, handover, and who may be a contact at all.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result, SimpleObject};
use chrono::{DateTime, Utc};
use entity::{AppointmentId, AssignmentId, CareContactId, CareUnitId, ContactAbsenceId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::{
        booking::{
            away::MOST,
            away_rebook::{AwayRebook, rebook},
        },
        contact::{
            absence::{Absence, Who, register},
            absence_cancel::{Cancel, cancel},
            functions::{SetFunctions, set},
            handover::{Handover, hand_over, made},
        },
    },
    graphql::{
        care_unit::CareUnit,
        read::{away, contact_work},
        scalars::{GlobalId, NodeKind},
        types::{
            booking::Appointment,
            people::{CareContact, ContactAbsence},
        },
        user_error::{UserError, fault, session, user_errors},
    },
};

/// An absence.
#[derive(InputObject)]
pub struct ContactAbsenceRegisterInput {
    /// Who is away.
    who: AbsentInput,
    /// From when.
    from: DateTime<Utc>,
    /// Until when; at most two years ahead.
    until: DateTime<Utc>,
    /// Who steps in (ersättare): an assignment of the same care provider, also at another unit, which then has the task of
    /// answering the messages that wait. None: a handover task is raised in time.
    substitute_id: Option<ID>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Who is away: one of these.
#[derive(OneofObject)]
pub enum AbsentInput {
    /// One contact of one patient: the contact's global id.
    ContactId(ID),
    /// A person at the caller's own unit, in every contact role: the assignment's global id.
    AssignmentId(ID),
}

/// An absence is called off or ends early.
#[derive(InputObject)]
pub struct ContactAbsenceCancelInput {
    /// The absence's global id.
    absence_id: ID,
    /// The absence's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A handover of contact roles.
#[derive(InputObject)]
pub struct ContactHandoverInput {
    /// Whose roles: an assignment at the caller's own unit.
    from_assignment_id: ID,
    /// Who takes over: an assignment of the same care provider.
    to_assignment_id: ID,
    /// Which roles, by the contacts' global ids; all that the caller reaches when left out. At most 200.
    contact_ids: Option<Vec<ID>>,
    /// Why, also for the patients; at most 4 000 characters.
    reason: String,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A decision on who may be a contact at a unit.
#[derive(InputObject)]
pub struct ContactFunctionsSetInput {
    /// The unit, the caller's own.
    care_unit_id: ID,
    /// The functions, as titles are written at the unit; case does not matter. An empty list allows any. At most 50.
    functions: Vec<String>,
    /// The `number` of the decision as it was read; 0 when there was none.
    expected_number: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Times of somebody who is away, to move to others.
#[derive(InputObject)]
pub struct AbsenceRebookInput {
    /// The absence of a person at the caller's own unit: its global id.
    absence_id: ID,
    /// Which of the booked times, by their global ids; the soonest that can be moved when left out. At most 200.
    appointment_ids: Option<Vec<ID>>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters. A repeated action goes on
    /// where the first one stopped.
    idempotency_key: String,
}

/// What became of moving them.
#[derive(SimpleObject)]
pub struct AbsenceRebookPayload {
    /// How many were moved; their patients are told, or phoned where they want no message. A time that was cancelled
    /// meanwhile counts neither as moved nor as left.
    moved_count: i32,
    /// How many could not be moved: each is a task, `CANCELLATION_CALL`.
    left_count: i32,
    /// How many were not come to although something free fits, because one action moves at most 200: move on with a new
    /// key.
    remaining_count: i32,
    /// The times that were moved, as they are now, as far as the caller may see them.
    moved: Vec<Appointment>,
    /// The times that could not be moved, as far as the caller may see them: the soonest 200.
    left: Vec<Appointment>,
    /// Why nothing was done, everything at once.
    user_errors: Vec<UserError>,
}

payload! {
    /// Answer to `contactAbsenceRegister`.
    ContactAbsenceRegisterPayload of ContactAbsenceId {
        /// The absence.
        absence: ContactAbsence = contact_work::absence
    }
}

payload! {
    /// Answer to `contactAbsenceCancel`.
    ContactAbsenceCancelPayload of ContactAbsenceId {
        /// The absence as it was, or as it is now when the act was refused.
        absence: ContactAbsence = contact_work::absence
    }
}

payload! {
    /// Answer to `contactFunctionsSet`.
    ContactFunctionsSetPayload of CareUnitId {
        /// The unit as it is now, also when the act was refused.
        care_unit: CareUnit = CareUnit::load
    }
}

/// Answer to `contactHandover`.
pub struct ContactHandoverPayload {
    contacts: Vec<CareContact>,
    user_errors: Vec<UserError>,
}

/// Answer to `contactHandover`.
#[Object(serial)]
impl ContactHandoverPayload {
    /// The roles as they are held now, as far as the caller's unit reaches them.
    async fn contacts(&self) -> &[CareContact] {
        &self.contacts
    }

    /// Why it was refused, everything at once; empty when it was done.
    async fn user_errors(&self) -> &[UserError] {
        &self.user_errors
    }
}

/// Absences, handover, and who may be a contact.
#[derive(Default)]
pub struct ContactAbsenceMutation;

/// Absences, handover, and who may be a contact.
#[Object(serial)]
impl ContactAbsenceMutation {
    /// Registers that a contact is away, and who steps in (frånvaro och ersättare): shown to the patient, and part of
    /// the answer to whom to turn to. Without a substitute, or where the substitute is away too, a handover task is
    /// raised before the gap. Of a person, the free times are withdrawn, and each booked time is a task to phone
    /// (ringa återbud): see `absenceRebook`.
    async fn contact_absence_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is away, when, and who steps in.")] input: ContactAbsenceRegisterInput,
    ) -> Result<ContactAbsenceRegisterPayload> {
        let session = session(ctx);
        let cmd = Absence {
            who: match input.who {
                AbsentInput::ContactId(id) => Who::Contact(
                    GlobalId::row(&id, NodeKind::CareContact).unwrap_or(CareContactId(Uuid::nil())),
                ),
                AbsentInput::AssignmentId(id) => Who::Assignment(assignment(&id)),
            },
            from: input.from,
            until: input.until,
            substitute: input.substitute_id.as_ref().map(assignment),
        };
        let outcome = register(session, &input.idempotency_key, &cmd).await;
        Ok(ContactAbsenceRegisterPayload(Answer::new(session, outcome, "absence", None)?))
    }

    /// Calls an absence off, or ends it early (är tillbaka). Free times that were withdrawn for it can be booked again, and
    /// messages that wait are the person's again, unless somebody has taken them.
    async fn contact_absence_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which absence.")] input: ContactAbsenceCancelInput,
    ) -> Result<ContactAbsenceCancelPayload> {
        let session = session(ctx);
        let absence = GlobalId::row(&input.absence_id, NodeKind::ContactAbsence)
            .unwrap_or(ContactAbsenceId(Uuid::nil()));
        let cmd = Cancel { absence, expected_row_version: input.expected_row_version };
        let outcome = cancel(session, &input.idempotency_key, &cmd).await;
        Ok(ContactAbsenceCancelPayload(Answer::new(session, outcome, "absence", Some(absence))?))
    }

    /// Moves booked times of somebody who is away to others of the unit (massombokning): all that can be moved, or those
    /// chosen, one by one, and tells each patient. What cannot be moved stays a task to phone (ringa återbud).
    async fn absence_rebook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which absence, and which of its times.")] input: AbsenceRebookInput,
    ) -> Result<AbsenceRebookPayload> {
        let session = session(ctx);
        let time = |id: &ID| GlobalId::row(id, NodeKind::Appointment).unwrap_or(AppointmentId(Uuid::nil()));
        let cmd = AwayRebook {
            absence: GlobalId::row(&input.absence_id, NodeKind::ContactAbsence)
                .unwrap_or(ContactAbsenceId(Uuid::nil())),
            appointments: input.appointment_ids.map(|ids| ids.iter().map(time).collect()),
        };
        let done = rebook(session, &input.idempotency_key, &cmd).await.map_err(|e| fault(session, &e))?;
        let count = |ids: &[AppointmentId]| i32::try_from(ids.len()).unwrap_or(i32::MAX);
        let shown =
            async |ids: &[AppointmentId]| away::shown(session, ids).await.map_err(|e| fault(session, &e));
        Ok(AbsenceRebookPayload {
            moved_count: count(&done.moved),
            left_count: count(&done.left),
            remaining_count: i32::try_from(done.remaining).unwrap_or(i32::MAX),
            moved: shown(&done.moved).await?,
            left: shown(done.left.get(..MOST as usize).unwrap_or(&done.left)).await?,
            user_errors: user_errors(&done.receipt, session.locale),
        })
    }

    /// Hands contact roles over to somebody else when staff leave (överlämning), in one act: all of them or those
    /// listed, a fast läkarkontakt only to a doctor. Where everything goes to a colleague at the same unit, the open
    /// tasks go too. What the patient had asked for follows the role. Everything is checked first, and every patient is
    /// told.
    async fn contact_handover(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who hands over what to whom.")] input: ContactHandoverInput,
    ) -> Result<ContactHandoverPayload> {
        let session = session(ctx);
        let contact =
            |id: &ID| GlobalId::row(id, NodeKind::CareContact).unwrap_or(CareContactId(Uuid::nil()));
        let cmd = Handover {
            from: assignment(&input.from_assignment_id),
            to: assignment(&input.to_assignment_id),
            contacts: input.contact_ids.map(|ids| ids.iter().map(contact).collect()),
            reason: input.reason,
        };
        let receipt =
            hand_over(session, &input.idempotency_key, &cmd).await.map_err(|e| fault(session, &e))?;
        let contacts =
            contact_work::taken_over(session, &made(&receipt)).await.map_err(|e| fault(session, &e))?;
        Ok(ContactHandoverPayload { contacts, user_errors: user_errors(&receipt, session.locale) })
    }

    /// Decides which functions may be contacts at the unit (vilka funktioner som får vara kontakter), by its manager.
    /// Until then any care role may.
    async fn contact_functions_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The decision.")] input: ContactFunctionsSetInput,
    ) -> Result<ContactFunctionsSetPayload> {
        let session = session(ctx);
        let unit = GlobalId::row(&input.care_unit_id, NodeKind::CareUnit).unwrap_or(CareUnitId(Uuid::nil()));
        let cmd = SetFunctions { unit, functions: input.functions, expected_number: input.expected_number };
        let outcome = set(session, &input.idempotency_key, &cmd).await;
        Ok(ContactFunctionsSetPayload(Answer::new(session, outcome, "unit", Some(unit))?))
    }
}

fn assignment(id: &ID) -> AssignmentId {
    GlobalId::row(id, NodeKind::Assignment).unwrap_or(AssignmentId(Uuid::nil()))
}
