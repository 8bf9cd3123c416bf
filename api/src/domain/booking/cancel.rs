//! Cancelling a time (avboka).

use chrono::{DateTime, Days, NaiveTime, Utc};
use entity::{
    AppointmentId, PatientId,
    appointment::{self, BookingChannel},
    appointment_type, care_unit,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use super::{
    away::settled,
    end_relation,
    rules::{self, Standing},
    seat,
    told::{Told, tell},
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Granted},
    },
    calendar::{to_instant, to_local},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        notice::{
            self,
            known::known_before,
            unasked::{Unasked, make_known},
        },
        patient,
        time_wish::offer::offer_open,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which appointment, as the caller last read it.
#[derive(Clone, Debug, Serialize)]
pub struct Cancel {
    pub appointment: AppointmentId,
    /// How the patient reached staff; patients leave it out, and staff whom no patient has asked.
    pub channel: Option<BookingChannel>,
    pub expected_row_version: i32,
}

/// Cancels: frees the seat and the patient's time, takes the reminders back and tells the patient.
pub async fn cancel(session: &Session, key: &str, cmd: &Cancel) -> Result<Receipt, Fault> {
    act::perform(session, "appointmentCancel", key, cmd, async |tx| {
        let channel = rules::channel(&session.actor, cmd.channel)?;
        let mut booked =
            within(tx, session, Action::Cancel, cmd.appointment, rules::may_change).await?.into_row();
        let whom = patient::lock(tx, booked.patient_id).await?;
        booked.known_starts_at = known_before(tx, session, &booked, channel.is_some()).await?;
        let told = Told { act: "appointmentCancel", event: "appointment.cancelled", channel };
        if !free(tx, session, &booked, cmd.expected_row_version, told).await? {
            return Err(Problem::stale().into());
        }
        end_relation(tx, &booked, relation_end(&session.actor, &booked, session.now())).await?;
        notice::plan_cancellation(tx, session, &whom, &booked).await?;
        if channel.is_none() {
            make_known(tx, session, &whom, Unasked::Cancelled(&booked)).await?;
        }
        offer_open(tx, session, booked.slot_id).await?;
        Ok(Done::on(booked.patient_id).with("appointment", booked.id.0))
    })
    .await
}

/// Gives the seat and the patient's time back, and takes the reminders back; false when it was cancelled or changed
/// meanwhile. The patient is behind [`patient::lock`].
pub async fn free(
    tx: &Tx,
    session: &Session,
    booked: &appointment::Model,
    row_version: i32,
    told: Told,
) -> Result<bool, Fault> {
    let after = appointment::Model {
        status: appointment::Status::Cancelled,
        cancelled_at: Some(session.now()),
        cancelled_by: Some(session.actor.kind()),
        row_version: row_version.saturating_add(1),
        ..booked.clone()
    };
    let cancelled = appointment::Entity::update_many()
        .set(appointment::ActiveModel {
            status: Set(after.status),
            cancelled_at: Set(after.cancelled_at),
            cancelled_by: Set(after.cancelled_by),
            known_starts_at: Set(after.known_starts_at),
            row_version: Set(after.row_version),
            ..Default::default()
        })
        .filter(appointment::Column::Id.eq(booked.id))
        .filter(appointment::Column::RowVersion.eq(row_version))
        .filter(appointment::Column::Status.eq(appointment::Status::Booked))
        .exec(tx)
        .await?
        .rows_affected;
    if cancelled == 0 {
        return Ok(false);
    }
    seat::release(tx, booked.slot_id, booked.id.0).await?;
    seat::vacate_booked(tx, booked.patient_id, (booked.id.0, booked.starts_at, booked.ends_at)).await?;
    notice::withdraw(tx, session, booked, "CANCELLED").await?;
    settled(tx, session, booked.id).await?;
    tell(tx, session, told, Some(booked), &after).await?;
    Ok(true)
}

/// Frees every time that a patient who has died has ahead, at every care provider, and what is held. Nobody is told
/// of it.
pub(crate) async fn free_all(tx: &Tx, session: &Session, patient: PatientId) -> Result<(), Fault> {
    let ahead = appointment::Entity::find()
        .filter(appointment::Column::PatientId.eq(patient))
        .filter(appointment::Column::Status.eq(appointment::Status::Booked))
        .filter(appointment::Column::EndsAt.gt(session.now()))
        .order_by_asc(appointment::Column::SlotId)
        .lock_exclusive()
        .all(tx)
        .await?;
    let holds = seat::holds(tx, patient).await?;
    let slots = ahead.iter().map(|booked| booked.slot_id).chain(holds.iter().map(|held| held.slot_id));
    seat::lock(tx, slots).await?;
    for held in &holds {
        seat::give_up(tx, held).await?;
    }
    let told = Told { act: "patientDeceasedRecord", event: "appointment.cancelled", channel: None };
    for booked in &ahead {
        free(tx, session, booked, booked.row_version, told).await?;
    }
    for booked in ahead {
        offer_open(tx, session, booked.slot_id).await?;
    }
    Ok(())
}

/// What decides about a button and about the act behind it.
type Rule = fn(&Actor, &Standing<'_>, DateTime<Utc>) -> Result<(), Problem>;

/// The appointment, if the caller reaches it and the rule lets them act on it now.
pub(super) async fn within(
    tx: &Tx,
    session: &Session,
    action: Action,
    id: AppointmentId,
    rule: Rule,
) -> Result<Granted<appointment::Model>, Stop> {
    Ok(with_place(tx, session, action, id, rule).await?.0)
}

/// [`within`], with what kind of time it is and where.
pub(super) async fn with_place(
    tx: &Tx,
    session: &Session,
    action: Action,
    id: AppointmentId,
    rule: Rule,
) -> Result<(Granted<appointment::Model>, appointment_type::Model, care_unit::Model), Stop> {
    let now = session.now();
    let booked =
        policy::reach::<appointment::Entity>(tx, &session.actor, action, id, "appointmentId", now).await?;
    let gone = || Fault::internal("an appointment without its type or unit");
    let kind = appointment_type::Entity::find_by_id(booked.appointment_type_id).one(tx).await?;
    let unit = care_unit::Entity::find_by_id(booked.care_unit_id).one(tx).await?;
    let (kind, unit) = (kind.ok_or_else(gone)?, unit.ok_or_else(gone)?);
    rule(&session.actor, &Standing::of(&booked, &kind, &unit), now)
        .map_err(|problem| problem.at("appointmentId"))?;
    Ok((booked, kind, unit))
}

/// When the relation that the appointment brought ends: at once when the patient cancels; when staff do, at the end
/// of the day, so that they can finish what the call was about. Never later than it would have ended anyway.
pub(super) fn relation_end(actor: &Actor, booked: &appointment::Model, now: DateTime<Utc>) -> DateTime<Utc> {
    if actor.staff().is_none() {
        return now;
    }
    let tomorrow = to_local(now).date_naive() + Days::new(1);
    Ord::min(to_instant(tomorrow.and_time(NaiveTime::MIN)), booked.ends_at + super::RELATION_AFTER)
}
