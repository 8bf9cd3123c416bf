//! Appointment types (besökstyper).

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::AppointmentTypeId;

use super::{
    payload::{Answer, payload},
    schedule::{fallen_out, row},
};
use crate::{
    domain::appointment_type::{Terms, Turn, turn},
    graphql::{
        read::node,
        scalars::NodeKind,
        types::{
            booking::{AppointmentType, Slot},
            enums::{AppointmentMode, WebBooking},
        },
        user_error::{UserError, session},
    },
};

/// What is said of an appointment type (besökstyp).
#[derive(InputObject)]
pub struct AppointmentTypeTerms {
    /// Its name, as patients read it; 200 characters at most.
    name: String,
    /// How patient and care meet.
    mode: AppointmentMode,
    /// Length in minutes, a multiple of five.
    length_minutes: i32,
    /// Seats of a time, where its publisher says nothing else: more than one for group visits.
    #[graphql(default = 1)]
    seats: i32,
    /// Who may book it themselves (webbtidbokning).
    web_booking: WebBooking,
    /// What the patient is to read and confirm before booking (villkor); 4 000 characters at most.
    conditions: Option<String>,
    /// How to prepare; 4 000 characters at most.
    preparation: Option<String>,
    /// Whole working days before the visit during which the patient can no longer cancel (avbokningsregel), 0 to 30.
    #[graphql(default = 1)]
    cancel_working_days: i32,
    /// How many named staff a time takes at least, 0 to 10.
    #[graphql(default = 0)]
    staff_needed: i32,
}

impl From<AppointmentTypeTerms> for Terms {
    fn from(terms: AppointmentTypeTerms) -> Self {
        Self {
            name: terms.name,
            mode: terms.mode.into(),
            length_minutes: terms.length_minutes,
            seats: terms.seats,
            web_booking: terms.web_booking.into(),
            conditions: terms.conditions,
            preparation: terms.preparation,
            cancel_working_days: terms.cancel_working_days,
            staff_needed: terms.staff_needed,
        }
    }
}

/// A new kind of appointment (besökstyp).
#[derive(InputObject)]
pub struct AppointmentTypeCreateInput {
    /// The caller's own unit.
    care_unit_id: ID,
    /// What is said of it.
    terms: AppointmentTypeTerms,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// Other terms of a kind of appointment.
#[derive(InputObject)]
pub struct AppointmentTypeChangeInput {
    /// The kind of appointment.
    appointment_type_id: ID,
    /// What is said of it from now on, whole: what is left out is no longer said.
    terms: AppointmentTypeTerms,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// A kind of appointment that is no longer offered.
#[derive(InputObject)]
pub struct AppointmentTypeRetireInput {
    /// The kind of appointment.
    appointment_type_id: ID,
    /// End its schedules (tidböcker) with it, as `scheduleEnd` does, today; else they must have ended.
    #[graphql(default = false)]
    end_schedules: bool,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

payload! {
    /// Answer to `appointmentTypeCreate`.
    AppointmentTypeCreatePayload of AppointmentTypeId {
        /// The kind of appointment.
        appointment_type: AppointmentType = node::appointment_type
    }
}

payload! {
    /// Answer to `appointmentTypeChange`.
    AppointmentTypeChangePayload of AppointmentTypeId {
        /// The kind of appointment as it is now, also when the act was refused.
        appointment_type: AppointmentType = node::appointment_type
    }
}

/// Answer to `appointmentTypeRetire`.
#[derive(SimpleObject)]
pub struct AppointmentTypeRetirePayload {
    /// The kind of appointment as it is now, also when the act was refused.
    appointment_type: Option<AppointmentType>,
    /// Booked times of the schedules that ended with it, the first 100: they stay booked until somebody moves or cancels
    /// them.
    to_rebook: Vec<Slot>,
    /// Why it was refused, everything at once; empty when it was done.
    user_errors: Vec<UserError>,
}

/// What can be done with appointment types.
#[derive(Default)]
pub struct AppointmentTypeMutation;

/// Appointment types.
#[Object]
impl AppointmentTypeMutation {
    /// Offers a new kind of appointment (besökstyp) at the caller's own unit.
    async fn appointment_type_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is offered.")] input: AppointmentTypeCreateInput,
    ) -> Result<AppointmentTypeCreatePayload> {
        let command =
            Turn::Create { unit: row(&input.care_unit_id, NodeKind::CareUnit), terms: input.terms.into() };
        let outcome = turn(session(ctx), &input.idempotency_key, &command).await;
        Ok(AppointmentTypeCreatePayload(Answer::new(session(ctx), outcome, "appointmentType", None)?))
    }

    /// Changes what is said of a kind of appointment. Published and booked times keep length, seats and deadline.
    async fn appointment_type_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is changed.")] input: AppointmentTypeChangeInput,
    ) -> Result<AppointmentTypeChangePayload> {
        let id = row(&input.appointment_type_id, NodeKind::AppointmentType);
        let expected_row_version = input.expected_row_version;
        let command = Turn::Change { id, expected_row_version, terms: input.terms.into() };
        let outcome = turn(session(ctx), &input.idempotency_key, &command).await;
        Ok(AppointmentTypeChangePayload(Answer::new(session(ctx), outcome, "appointmentType", Some(id))?))
    }

    /// Stops offering a kind of appointment: no new times, and no patient books those that are there. Its schedules have
    /// ended, or end with it; offers of its times are taken back and wishes for it end within a minute, and whoever waited
    /// is told.
    async fn appointment_type_retire(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one.")] input: AppointmentTypeRetireInput,
    ) -> Result<AppointmentTypeRetirePayload> {
        let id = row(&input.appointment_type_id, NodeKind::AppointmentType);
        let command = Turn::Retire {
            id,
            expected_row_version: input.expected_row_version,
            end_schedules: input.end_schedules,
        };
        let outcome = turn(session(ctx), &input.idempotency_key, &command).await;
        let (receipt, to_rebook) = fallen_out(session(ctx), outcome).await?;
        let answer = Answer::new(session(ctx), Ok(receipt), "appointmentType", Some(id))?;
        let appointment_type = match answer.show {
            Some(id) => node::appointment_type(ctx, id).await?,
            None => None,
        };
        Ok(AppointmentTypeRetirePayload { appointment_type, to_rebook, user_errors: answer.errors })
    }
}
