//! Booking: publishing times, booking, moving and cancelling them.
//!
//! Nobody is booked twice. The database refuses it, not the program: a slot's open seats never fall below zero, a
//! seat has one booked appointment, and staff and patients hold five-minute cells of which each has one holder.
//! Every use case takes its locks in one order - appointment, slots by id, cells by time - so that two of them
//! never wait for each other. Moving, which holds cells of a patient and asks for others, locks the patient first.

pub mod book;
pub mod cancel;
pub mod publish;
pub mod rebook;
pub mod rules;
mod seat;

use entity::{CareRelationId, appointment, care_relation, care_unit};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};

use crate::{
    calendar::{CancelRule, ClosingDays, cancel_by},
    db::Tx,
    error::Fault,
    session::Session,
};
use chrono::{DateTime, TimeDelta, Utc};

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

/// Opens the care relation (vårdrelation) that the appointment brings.
async fn open_relation(tx: &Tx, session: &Session, booked: &appointment::Model) -> Result<(), Fault> {
    let row = care_relation::ActiveModel {
        id: Set(CareRelationId(session.core.clock.uuid())),
        patient_id: Set(booked.patient_id),
        care_unit_id: Set(booked.care_unit_id),
        care_provider_id: Set(booked.care_provider_id),
        source: Set(care_relation::Source::Appointment),
        reason: Set(None),
        declaration: Set(None),
        declared_by: Set(None),
        subject_id: Set(Some(booked.id.0)),
        valid_from: Set(session.now()),
        valid_until: Set(Some(booked.ends_at + RELATION_AFTER)),
        created_at: Set(session.now()),
    };
    care_relation::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// Sets the end of the relation that the appointment brought. Others of the same unit stay as they are.
async fn end_relation(tx: &Tx, booked: &appointment::Model, until: DateTime<Utc>) -> Result<(), Fault> {
    care_relation::Entity::update_many()
        .col_expr(care_relation::Column::ValidUntil, Expr::value(until))
        .filter(care_relation::Column::PatientId.eq(booked.patient_id))
        .filter(care_relation::Column::CareUnitId.eq(booked.care_unit_id))
        .filter(care_relation::Column::Source.eq(care_relation::Source::Appointment))
        .filter(care_relation::Column::SubjectId.eq(booked.id.0))
        .exec(tx)
        .await?;
    Ok(())
}
