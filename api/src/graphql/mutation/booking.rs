//! Publishing, booking, moving and cancelling times.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use entity::{AppointmentId, SlotId};
use uuid::Uuid;

use crate::{
    domain::{
        act::Receipt,
        booking::{
            book::{Book, book},
            cancel::{Cancel, cancel},
            confirm::{Confirm, confirm},
            outcome::{self, Record, record},
            publish::{Publish, publish, receipt_name},
            rebook::{Rebook, rebook},
        },
    },
    error::ProblemCode,
    graphql::{
        read::node,
        scalars::{GlobalId, NodeKind},
        slots::{self, Whose},
        types::{
            booking::{Appointment, Slot},
            enums::BookingChannel,
        },
        user_error::{UserError, fault, session, user_errors},
    },
    session::Session,
};

/// An id of another kind, or of no form, is the id of nothing.
pub(super) fn row<T: From<Uuid>>(id: &ID, kind: NodeKind) -> T {
    GlobalId::row(id, kind).unwrap_or_else(|| T::from(Uuid::nil()))
}

/// What can be done with times.
#[derive(Default)]
pub struct BookingMutation;

/// Times to publish (lägga ut tider).
#[derive(InputObject)]
pub struct SlotPublishInput {
    /// What kind of appointment (besökstyp) the times are for; it decides unit and length.
    appointment_type_id: ID,
    /// Whose times they are (medarbetaruppdrag at the unit); left out for times of the unit. The person is then
    /// occupied, and cannot get other times at once.
    assignment_id: Option<ID>,
    /// When they start, on the wall clock in Sweden, such as `2027-03-01T09:00`; whole five minutes, 200 at most. A
    /// time that the change to summer time leaves out moves forward by the gap; one that comes twice is the first.
    starts_local: Vec<String>,
    /// Seats of each time, 100 at most; the type's when left out.
    seats: Option<i32>,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of publishing.
#[derive(SimpleObject)]
pub struct SlotPublishPayload {
    /// The published times, the soonest first; none when refused.
    slots: Vec<Slot>,
    /// Why nothing was published.
    user_errors: Vec<UserError>,
}

/// A time to book (boka tid).
#[derive(InputObject)]
pub struct AppointmentBookInput {
    /// The time.
    slot_id: ID,
    /// For staff: whose time it is. Patients leave it out.
    patient_id: Option<ID>,
    /// The plan item (insats) that the time is for, if any. `WRONG_STATE` when it is done or called off.
    plan_item_id: Option<ID>,
    /// For staff: how the patient reached them, PHONE or `ON_SITE`. Patients leave it out.
    booking_channel: Option<BookingChannel>,
    /// For staff: book although the patient is occupied then. Patients leave it out.
    #[graphql(default = false)]
    allow_overlap: bool,
    /// That the patient has read and accepts the type's `conditions` (villkor), where it has any. Staff say it when they
    /// have told the patient.
    #[graphql(default = false)]
    conditions_accepted: bool,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of booking.
#[derive(SimpleObject)]
pub struct AppointmentBookPayload {
    /// The booked time; none when refused.
    appointment: Option<Appointment>,
    /// When the time cannot be had - somebody else got it, the unit took it back, the patient is occupied then, or it is too
    /// late: up to five free ones of the same kind at the same unit, the nearest first. None at which the patient has
    /// another time.
    alternatives: Vec<Slot>,
    /// Why nothing was booked.
    user_errors: Vec<UserError>,
}

/// A time to cancel (avboka).
#[derive(InputObject)]
pub struct AppointmentCancelInput {
    /// The booked time.
    appointment_id: ID,
    /// For staff: how the patient reached them, PHONE or `ON_SITE`, where it was the patient who asked. Patients leave it
    /// out.
    booking_channel: Option<BookingChannel>,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of cancelling.
#[derive(SimpleObject)]
pub struct AppointmentCancelPayload {
    /// The time as it is now.
    appointment: Option<Appointment>,
    /// Why it was not cancelled.
    user_errors: Vec<UserError>,
}

/// A time to move (omboka).
#[derive(InputObject)]
pub struct AppointmentRebookInput {
    /// The booked time.
    appointment_id: ID,
    /// The new time: of the same kind at the same unit.
    slot_id: ID,
    /// For staff: move although the patient is occupied then. Patients leave it out.
    #[graphql(default = false)]
    allow_overlap: bool,
    /// That the patient has read and accepts the type's `conditions` (villkor), where they are others than the
    /// `acceptedConditions` of the time.
    #[graphql(default = false)]
    conditions_accepted: bool,
    /// For staff: how the patient reached them, PHONE or `ON_SITE`, where it was the patient who asked. Patients leave it
    /// out.
    booking_channel: Option<BookingChannel>,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of moving a time.
#[derive(SimpleObject)]
pub struct AppointmentRebookPayload {
    /// The booked time as it is now; the old time is kept when the new one could not be got.
    appointment: Option<Appointment>,
    /// When the new time cannot be had - somebody else got it, the unit took it back, the patient is occupied then, or it is
    /// too late: up to five free ones of the same kind at the same unit, the nearest to it first. None at which the patient
    /// has another time.
    alternatives: Vec<Slot>,
    /// Why it was not moved.
    user_errors: Vec<UserError>,
}

/// A time to confirm (bekräfta).
#[derive(InputObject)]
pub struct AppointmentConfirmInput {
    /// The booked time.
    appointment_id: ID,
    /// For staff, who must give it: how the patient said so, PHONE or `ON_SITE`. Patients leave it out.
    booking_channel: Option<BookingChannel>,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of confirming.
#[derive(SimpleObject)]
pub struct AppointmentConfirmPayload {
    /// The time as it is now.
    appointment: Option<Appointment>,
    /// Why it was not confirmed.
    user_errors: Vec<UserError>,
}

/// Whether the patient came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AppointmentOutcome {
    /// The patient came (genomförd).
    Attended,
    /// The patient did not come (uteblev).
    Missed,
}

/// The outcome of a time (utfall).
#[derive(InputObject)]
pub struct AppointmentOutcomeRecordInput {
    /// The booked time.
    appointment_id: ID,
    /// What happened. Recorded before, it is corrected; the history keeps both.
    outcome: AppointmentOutcome,
    /// The plan item (insats) that the time was for goes on as it is. Otherwise it is done when the patient came, and
    /// "blev inte av" when not; one that recurs is never closed by one time. A missed time leaves the item open where the
    /// patient has another ahead for it, and a new one opens it again.
    #[graphql(default = false)]
    keep_plan_item: bool,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// What became of recording the outcome.
#[derive(SimpleObject)]
pub struct AppointmentOutcomeRecordPayload {
    /// The time as it is now.
    appointment: Option<Appointment>,
    /// Why nothing was recorded.
    user_errors: Vec<UserError>,
}

/// Times.
#[Object]
impl BookingMutation {
    /// Publishes times (lägger ut tider) at the caller's own unit: all of them, or none.
    async fn slot_publish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which times.")] input: SlotPublishInput,
    ) -> Result<SlotPublishPayload> {
        let session = session(ctx);
        let command = Publish {
            appointment_type: row(&input.appointment_type_id, NodeKind::AppointmentType),
            assignment: input.assignment_id.as_ref().map(|id| row(id, NodeKind::Assignment)),
            starts_local: input.starts_local,
            seats: input.seats,
        };
        let receipt =
            publish(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        let ids: Vec<SlotId> = (0..).map_while(|n| receipt.id(&receipt_name(n))).collect();
        let slots = slots::by_ids(session, &ids).await.map_err(|e| fault(session, &e))?;
        Ok(SlotPublishPayload { slots, user_errors: user_errors(&receipt, session.locale) })
    }

    /// Books a time (bokar en tid): patients their own, staff on a patient's behalf. The reminders that the patient
    /// has said yes to are planned at once.
    async fn appointment_book(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which time, for whom.")] input: AppointmentBookInput,
    ) -> Result<AppointmentBookPayload> {
        let session = session(ctx);
        let command = Book {
            slot: row(&input.slot_id, NodeKind::Slot),
            patient: input.patient_id.as_ref().map(|id| row(id, NodeKind::Patient)),
            plan_item: input.plan_item_id.as_ref().map(|id| row(id, NodeKind::PlanItem)),
            channel: input.booking_channel.map(Into::into),
            allow_overlap: input.allow_overlap,
            conditions_accepted: input.conditions_accepted,
        };
        let receipt =
            book(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        Ok(AppointmentBookPayload {
            appointment: appointment(ctx, receipt.id("appointment")).await?,
            alternatives: alternatives(session, &receipt, command.slot, Whose::Patient(command.patient))
                .await?,
            user_errors: user_errors(&receipt, session.locale),
        })
    }

    /// Cancels a booked time (avbokar): patients until `cancelBy`, staff until it begins. Its reminders are taken
    /// back.
    async fn appointment_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which appointment.")] input: AppointmentCancelInput,
    ) -> Result<AppointmentCancelPayload> {
        let session = session(ctx);
        let command = Cancel {
            appointment: row(&input.appointment_id, NodeKind::Appointment),
            channel: input.booking_channel.map(Into::into),
            expected_row_version: input.expected_row_version,
        };
        let receipt =
            cancel(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        Ok(AppointmentCancelPayload {
            appointment: current(ctx, &receipt, command.appointment).await?,
            user_errors: user_errors(&receipt, session.locale),
        })
    }

    /// Confirms a booked time (bekräftar): the patient is coming, and is not reminded the evening before. Moving the time
    /// takes the confirmation back.
    async fn appointment_confirm(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which appointment.")] input: AppointmentConfirmInput,
    ) -> Result<AppointmentConfirmPayload> {
        let session = session(ctx);
        let command = Confirm {
            appointment: row(&input.appointment_id, NodeKind::Appointment),
            channel: input.booking_channel.map(Into::into),
            expected_row_version: input.expected_row_version,
        };
        let receipt =
            confirm(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        Ok(AppointmentConfirmPayload {
            appointment: current(ctx, &receipt, command.appointment).await?,
            user_errors: user_errors(&receipt, session.locale),
        })
    }

    /// Records or corrects the outcome of a time (utfall): whether the patient came. From its start on, by staff of the
    /// unit. Whom nobody met becomes a task.
    async fn appointment_outcome_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which appointment, and what happened.")] input: AppointmentOutcomeRecordInput,
    ) -> Result<AppointmentOutcomeRecordPayload> {
        let session = session(ctx);
        let command = Record {
            appointment: row(&input.appointment_id, NodeKind::Appointment),
            outcome: match input.outcome {
                AppointmentOutcome::Attended => outcome::Outcome::Attended,
                AppointmentOutcome::Missed => outcome::Outcome::Missed,
            },
            keep_plan_item: input.keep_plan_item,
            expected_row_version: input.expected_row_version,
        };
        let receipt =
            record(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        Ok(AppointmentOutcomeRecordPayload {
            appointment: current(ctx, &receipt, command.appointment).await?,
            user_errors: user_errors(&receipt, session.locale),
        })
    }

    /// Moves a booked time (ombokar) to another: the old one is given back only if the new one is got, and the
    /// reminders are replaced with it.
    async fn appointment_rebook(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which appointment, and the time it moves to.")] input: AppointmentRebookInput,
    ) -> Result<AppointmentRebookPayload> {
        let session = session(ctx);
        let command = Rebook {
            appointment: row(&input.appointment_id, NodeKind::Appointment),
            slot: row(&input.slot_id, NodeKind::Slot),
            channel: input.booking_channel.map(Into::into),
            allow_overlap: input.allow_overlap,
            conditions_accepted: input.conditions_accepted,
            expected_row_version: input.expected_row_version,
        };
        let receipt =
            rebook(session, &input.idempotency_key, &command).await.map_err(|e| fault(session, &e))?;
        Ok(AppointmentRebookPayload {
            appointment: current(ctx, &receipt, command.appointment).await?,
            alternatives: alternatives(session, &receipt, command.slot, Whose::Moved(command.appointment))
                .await?,
            user_errors: user_errors(&receipt, session.locale),
        })
    }
}

async fn appointment(ctx: &Context<'_>, id: Option<AppointmentId>) -> Result<Option<Appointment>> {
    match id {
        Some(id) => node::appointment(ctx, id).await,
        None => Ok(None),
    }
}

/// The appointment as it is now, also on a refusal that is not about reaching it.
async fn current(ctx: &Context<'_>, receipt: &Receipt, asked: AppointmentId) -> Result<Option<Appointment>> {
    // What was out of reach is not looked for again.
    let denied = receipt.problems.iter().any(crate::error::Problem::is_denial);
    appointment(ctx, (!denied).then_some(asked)).await
}

pub(super) async fn alternatives(
    session: &Session,
    receipt: &Receipt,
    wanted: SlotId,
    whose: Whose,
) -> Result<Vec<Slot>> {
    let nearest = [ProblemCode::SlotTaken, ProblemCode::AlreadyOccupied, ProblemCode::TooLate];
    if !receipt.problems.iter().any(|p| nearest.contains(&p.code) && p.field.as_deref() == Some("slotId")) {
        return Ok(Vec::new());
    }
    slots::alternatives(session, wanted, whose).await.map_err(|e| fault(session, &e))
}
