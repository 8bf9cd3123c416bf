//! Booking: publishing times, booking, moving and cancelling them.
//!
//! Nobody is booked twice. The database refuses it, not the program: a slot's open seats never fall below zero, a
//! seat has one claim, booked or held, and staff and patients hold five-minute cells of which each has one holder.
//! Every use case takes its locks in one order - patient, appointment, slots by id, offers, claims, cells by time -
//! so that two of them never wait for each other. A wish changes its state behind its patient. An act for several patients takes one patient in each transaction.

pub mod away;
pub mod away_calls;
pub mod away_rebook;
pub(crate) mod away_slots;
pub mod book;
pub mod cancel;
pub mod clash;
pub mod conditions;
pub mod confirm;
pub mod hold;
pub mod outcome;
pub mod publish;
pub mod rebook;
pub mod rules;
pub(crate) mod seat;
pub mod told;

use entity::{appointment, care_relation, care_unit};

use crate::{
    calendar::{CancelRule, ClosingDays, cancel_by, to_instant, to_local},
    db::Tx,
    domain::relation::{self, Opening},
    error::Fault,
    session::Session,
};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

/// A booked visit opens the record to the unit until this long after it: for notes, results and answers.
pub(crate) const RELATION_AFTER: TimeDelta = TimeDelta::days(30);

/// The days on which a unit is closed beside weekends and holidays.
pub(crate) fn closing_days(unit: &care_unit::Model) -> Result<ClosingDays, Fault> {
    serde_json::from_str(&unit.closing_days).map_err(Fault::internal)
}

/// Until when the patient may cancel a time at `unit`.
fn deadline(
    starts_at: DateTime<Utc>,
    working_days: i32,
    unit: &care_unit::Model,
) -> Result<DateTime<Utc>, Fault> {
    let rule = CancelRule { working_days: u32::try_from(working_days).map_err(Fault::internal)? };
    Ok(cancel_by(starts_at, rule, &closing_days(unit)?))
}

/// [`deadline`] of a time that care moves a patient to unasked: whoever hears of it has a day at least to say no, while
/// it has not begun. It is the end of a day, for the texts name the last day.
fn deadline_unasked(deadline: DateTime<Utc>, starts_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    let after = to_local(now + TimeDelta::hours(24)).date_naive() + Days::new(1);
    Ord::max(deadline, Ord::min(to_instant(after.and_time(NaiveTime::MIN)), starts_at))
}

/// Opens the care relation (vårdrelation) that the appointment brings.
async fn open_relation(tx: &Tx, session: &Session, booked: &appointment::Model) -> Result<(), Fault> {
    let opening = Opening {
        patient: booked.patient_id,
        care_unit: booked.care_unit_id,
        care_provider: booked.care_provider_id,
        source: care_relation::Source::Appointment,
        subject: Some(booked.id.0),
        from: session.now(),
        until: Some(booked.ends_at + RELATION_AFTER),
        declared: None,
    };
    relation::open(tx, session, &opening).await?;
    Ok(())
}

/// Sets the end of the relation that the appointment brought. Others of the same unit stay as they are.
async fn end_relation(tx: &Tx, booked: &appointment::Model, until: DateTime<Utc>) -> Result<(), Fault> {
    relation::move_end(tx, booked.patient_id, care_relation::Source::Appointment, booked.id.0, Some(until))
        .await
}
