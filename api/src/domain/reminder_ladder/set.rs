//! Choosing the ladder, and planning anew what stands ahead.

use entity::{
    AppointmentTypeId, CareUnitId, ReminderLadderId, appointment, appointment_type, reminder_ladder,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use serde::Serialize;
use uuid::Uuid;

use super::rules;
use crate::{
    auth::policy::{self, Action, Noun},
    domain::{
        act::{self, Done, Receipt},
        ladder::Step,
        notice,
    },
    error::{Fault, Problem},
    session::Session,
};

/// A decision.
#[derive(Clone, Debug, Serialize)]
pub struct SetLadder {
    pub unit: CareUnitId,
    /// One kind of appointment; none for all that have no ladder of their own.
    pub appointment_type: Option<AppointmentTypeId>,
    /// None goes back to what stands above: the unit's ladder, or the default.
    pub steps: Option<Vec<Step>>,
    /// The number of the decision that the caller has read; 0 when there was none.
    pub expected_number: i32,
}

const ACTION: &str = "reminderLadderSet";

/// Decides anew. The reminders of the times ahead follow in the same transaction.
pub async fn set(session: &Session, key: &str, cmd: &SetLadder) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let staff =
            policy::own_unit(&session.actor, Noun::ReminderLadder, Action::Set, cmd.unit, "careUnitId")?;
        if let Some(kind) = cmd.appointment_type {
            appointment_type::Entity::find_by_id(kind)
                .filter(appointment_type::Column::CareUnitId.eq(staff.care_unit))
                .one(tx)
                .await?
                .ok_or_else(|| Problem::not_found("appointmentTypeId"))?;
        }
        rules::check(cmd.steps.as_deref().unwrap_or_default())?;
        let subject = cmd.appointment_type.map_or(staff.care_unit.0, |kind| kind.0);
        let number = number(tx, subject).await?;
        if number != cmd.expected_number {
            return Err(Problem::stale().at("expectedNumber").into());
        }
        let rungs = cmd.steps.as_ref().map(serde_json::to_string).transpose().map_err(Fault::internal)?;
        let row = reminder_ladder::ActiveModel {
            id: Set(ReminderLadderId(session.core.clock.uuid())),
            care_unit_id: Set(staff.care_unit),
            care_provider_id: Set(staff.care_provider),
            appointment_type_id: Set(cmd.appointment_type),
            subject_id: Set(subject),
            number: Set(number.saturating_add(1)),
            rungs: Set(rungs),
            set_by: Set(staff.assignment.0),
            set_at: Set(session.now()),
        };
        reminder_ladder::Entity::insert(row)
            .exec_without_returning(tx)
            .await
            .map_err(|e| act::on_unique(e, || Problem::stale().at("expectedNumber")))?;
        let which = Condition::all()
            .add(appointment::Column::CareUnitId.eq(staff.care_unit))
            .add_option(cmd.appointment_type.map(|kind| appointment::Column::AppointmentTypeId.eq(kind)));
        notice::replan_all(tx, session, which).await?;
        Ok(Done::impersonal().with("unit", staff.care_unit.0))
    })
    .await
}

/// The number of the latest decision about a subject; 0 when there is none.
async fn number(db: &impl ConnectionTrait, subject: Uuid) -> Result<i32, Fault> {
    let latest = reminder_ladder::Entity::find()
        .filter(reminder_ladder::Column::SubjectId.eq(subject))
        .order_by_desc(reminder_ladder::Column::Number)
        .one(db)
        .await?;
    Ok(latest.map_or(0, |row| row.number))
}
