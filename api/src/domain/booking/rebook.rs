//! Moving a time (omboka): the old time is given back only when the new one is got.

use entity::{AppointmentId, SlotId, appointment, patient};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType},
};
use serde::Serialize;

use super::{
    RELATION_AFTER,
    book::{clash_is_theirs, event, offer},
    cancel::changeable,
    deadline, end_relation, rules, seat,
};
use crate::{
    auth::policy::{self, Action},
    db::Tx,
    domain::{
        act::{self, Done, Receipt, emit, on_unique},
        notice,
        patient::alive,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which appointment, to which slot.
#[derive(Clone, Debug, Serialize)]
pub struct Rebook {
    pub appointment: AppointmentId,
    pub slot: SlotId,
    /// Staff move although the patient is occupied then.
    pub allow_overlap: bool,
    pub expected_row_version: i32,
}

/// Moves the appointment to another time of the same type at the same unit, and replaces its reminders.
pub async fn rebook(session: &Session, key: &str, cmd: &Rebook) -> Result<Receipt, Fault> {
    act::perform(session, "appointmentRebook", key, cmd, async |tx| {
        let now = session.now();
        let actor = &session.actor;
        let old = changeable(tx, session, Action::Book, cmd.appointment).await?.into_row();
        let time = policy::slot(tx, actor, Action::Book, cmd.slot, "slotId").await?;
        if cmd.allow_overlap && actor.staff().is_none() {
            return Err(Problem::input(
                "allowOverlap",
                "Det här anges bara av vården. Utelämna det.",
                "Only staff say this. Leave it out.",
            )
            .into());
        }
        // The patient, then the appointment, before the slots: see the order of locks.
        let whom = patient::Entity::find_by_id(old.patient_id)
            .lock(LockType::NoKeyUpdate)
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("an appointment without its patient"))?;
        alive(&whom)?;
        let locked = appointment::Entity::find_by_id(old.id).lock_exclusive().one(tx).await?;
        if locked.is_none_or(|row| row.row_version != cmd.expected_row_version) {
            return Err(Problem::stale().into());
        }
        if time.id == old.slot_id
            || (time.care_unit_id, time.appointment_type_id) != (old.care_unit_id, old.appointment_type_id)
        {
            return Err(Problem::input(
                "slotId",
                "Välj en annan tid av samma slag på samma mottagning.",
                "Choose another time of the same kind at the same unit.",
            )
            .into());
        }
        if time.starts_at <= now {
            return Err(rules::slot_past().into());
        }
        let (kind, unit) = offer(tx, &time).await?;
        let seat_no = swap_seats(tx, old.slot_id, time.id).await?.ok_or_else(rules::slot_taken)?;
        let mut moved = old.clone();
        moved.slot_id = time.id;
        moved.seat_no = seat_no;
        moved.assignment_id = time.assignment_id;
        moved.mode = kind.mode;
        moved.starts_at = time.starts_at;
        moved.ends_at = time.ends_at;
        moved.cancel_by = deadline(time.starts_at, kind.cancel_working_days, &unit)?;
        moved.schedule_version += 1;
        moved.confirmed_at = None;
        moved.row_version += 1;
        store(tx, &old, &moved).await?;
        seat::vacate(tx, old.id.0).await?;
        let free = seat::occupy(tx, old.patient_id.0, [(old.id.0, moved.starts_at, moved.ends_at)]).await?;
        if !free && !cmd.allow_overlap && clash_is_theirs(tx, session, &moved).await? {
            return Err(rules::patient_occupied(actor).into());
        }
        end_relation(tx, &moved, moved.ends_at + RELATION_AFTER).await?;
        notice::withdraw(tx, old.id, "REBOOKED").await?;
        notice::plan_reminders(tx, session, &whom, &moved, now).await?;
        emit(tx, session, [event("appointment.rebooked", &moved)]).await?;
        Ok(Done::on(old.patient_id).with("appointment", old.id.0))
    })
    .await
}

/// Gives the old seat back and takes one of the new slot, in the order of their ids: two patients who change
/// places wait for each other in turn, not for ever.
async fn swap_seats(tx: &Tx, old: SlotId, new: SlotId) -> Result<Option<i32>, Fault> {
    if old < new {
        seat::release(tx, old).await?;
        seat::take(tx, new).await
    } else {
        let seat = seat::take(tx, new).await?;
        seat::release(tx, old).await?;
        Ok(seat)
    }
}

async fn store(tx: &Tx, old: &appointment::Model, moved: &appointment::Model) -> Result<(), Stop> {
    use appointment::Column as C;
    let stored = appointment::Entity::update_many()
        .col_expr(C::SlotId, Expr::value(moved.slot_id))
        .col_expr(C::SeatNo, Expr::value(moved.seat_no))
        .col_expr(C::AssignmentId, Expr::value(moved.assignment_id))
        .col_expr(C::Mode, Expr::value(moved.mode))
        .col_expr(C::StartsAt, Expr::value(moved.starts_at))
        .col_expr(C::EndsAt, Expr::value(moved.ends_at))
        .col_expr(C::CancelBy, Expr::value(moved.cancel_by))
        .col_expr(C::ScheduleVersion, Expr::value(moved.schedule_version))
        .col_expr(C::ConfirmedAt, Expr::value(moved.confirmed_at))
        .col_expr(C::RowVersion, Expr::value(moved.row_version))
        .filter(C::Id.eq(old.id))
        .filter(C::RowVersion.eq(old.row_version))
        .filter(C::Status.eq(appointment::Status::Booked))
        .exec(tx)
        .await
        .map_err(|error| on_unique(error, rules::slot_taken))?
        .rows_affected;
    if stored == 1 { Ok(()) } else { Err(Problem::stale().into()) }
}
