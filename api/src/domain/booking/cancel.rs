//! Cancelling a time (avboka).

use chrono::{DateTime, Days, NaiveTime, Utc};
use entity::{AppointmentId, PatientId, appointment, care_unit};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;

use super::{
    book::event,
    end_relation,
    rules::{self, Changeable},
    seat,
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Granted},
    },
    calendar::{to_instant, to_local},
    db::Tx,
    domain::{
        act::{self, Done, Receipt, emit},
        notice,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which appointment, as the caller last read it.
#[derive(Clone, Debug, Serialize)]
pub struct Cancel {
    pub appointment: AppointmentId,
    pub expected_row_version: i32,
}

/// Cancels: frees the seat and the patient's time, takes the reminders back and tells the patient.
pub async fn cancel(session: &Session, key: &str, cmd: &Cancel) -> Result<Receipt, Fault> {
    act::perform(session, "appointmentCancel", key, cmd, async |tx| {
        let now = session.now();
        let booked = changeable(tx, session, Action::Cancel, cmd.appointment).await?;
        if !free(tx, session, &booked, cmd.expected_row_version).await? {
            return Err(Problem::stale().into());
        }
        end_relation(tx, &booked, relation_end(&session.actor, &booked, now)).await?;
        notice::plan_cancellation(tx, session, &booked).await?;
        Ok(Done::on(booked.patient_id).with("appointment", booked.id.0))
    })
    .await
}

/// Gives the seat and the patient's time back, and takes the reminders back; false when it was cancelled or changed
/// meanwhile.
async fn free(
    tx: &Tx,
    session: &Session,
    booked: &appointment::Model,
    row_version: i32,
) -> Result<bool, Fault> {
    let cancelled = appointment::Entity::update_many()
        .col_expr(appointment::Column::Status, Expr::value(appointment::Status::Cancelled))
        .col_expr(appointment::Column::CancelledAt, Expr::value(session.now()))
        .col_expr(appointment::Column::CancelledBy, Expr::value(session.actor.kind()))
        .col_expr(appointment::Column::RowVersion, Expr::col(appointment::Column::RowVersion).add(1))
        .filter(appointment::Column::Id.eq(booked.id))
        .filter(appointment::Column::RowVersion.eq(row_version))
        .filter(appointment::Column::Status.eq(appointment::Status::Booked))
        .exec(tx)
        .await?
        .rows_affected;
    if cancelled == 0 {
        return Ok(false);
    }
    seat::release(tx, booked.slot_id).await?;
    seat::vacate(tx, booked.id.0).await?;
    notice::withdraw(tx, booked.id, "CANCELLED").await?;
    emit(tx, session, [event("appointment.cancelled", booked)]).await?;
    Ok(true)
}

/// Frees every time that a patient who has died has ahead, at every care provider. Nobody is told of it.
pub(crate) async fn free_all(tx: &Tx, session: &Session, patient: PatientId) -> Result<(), Fault> {
    let ahead = appointment::Entity::find()
        .filter(appointment::Column::PatientId.eq(patient))
        .filter(appointment::Column::Status.eq(appointment::Status::Booked))
        .filter(appointment::Column::EndsAt.gt(session.now()))
        .order_by_asc(appointment::Column::SlotId)
        .all(tx)
        .await?;
    for booked in ahead {
        free(tx, session, &booked, booked.row_version).await?;
    }
    Ok(())
}

/// The appointment, if the caller reaches it and may change it now.
pub(super) async fn changeable(
    tx: &Tx,
    session: &Session,
    action: Action,
    id: AppointmentId,
) -> Result<Granted<appointment::Model>, Stop> {
    let now = session.now();
    let booked =
        policy::reach::<appointment::Entity>(tx, &session.actor, action, id, "appointmentId", now).await?;
    let unit = care_unit::Entity::find_by_id(booked.care_unit_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("an appointment without its unit"))?;
    rules::may_change(&session.actor, &Changeable::of(&booked, &unit.phone), now)
        .map_err(|problem| problem.at("appointmentId"))?;
    Ok(booked)
}

/// When the relation that the appointment brought ends: at once when the patient cancels; when staff do, at the end
/// of the day, so that they can finish what the call was about. Never later than it would have ended anyway.
fn relation_end(actor: &Actor, booked: &appointment::Model, now: DateTime<Utc>) -> DateTime<Utc> {
    if actor.staff().is_none() {
        return now;
    }
    let tomorrow = to_local(now).date_naive() + Days::new(1);
    Ord::min(to_instant(tomorrow.and_time(NaiveTime::MIN)), booked.ends_at + super::RELATION_AFTER)
}
