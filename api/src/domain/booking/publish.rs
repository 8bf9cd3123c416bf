//! Publishing times (lägga ut tider).

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AppointmentTypeId, AssignmentId, ScheduleId, SlotId, StaffMemberId, appointment_type, assignment,
    occupancy, schedule, slot,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use super::{
    rules::{self, NewTime, wall_clock},
    seat,
};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::ZONE,
    db::Tx,
    domain::act::{self, Done, Receipt},
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Times of one type, for the unit or for one of its staff.
#[derive(Clone, Debug, Serialize)]
pub struct Publish {
    pub appointment_type: AppointmentTypeId,
    pub assignment: Option<AssignmentId>,
    /// Wall clock in Sweden, such as `2027-03-01T09:00`.
    pub starts_local: Vec<String>,
    pub seats: i32,
}

/// The name under which the receipt holds the nth slot.
pub fn receipt_name(n: usize) -> String {
    format!("slot{n:03}")
}

/// Publishes all the times, or none.
pub async fn publish(session: &Session, key: &str, cmd: &Publish) -> Result<Receipt, Fault> {
    act::perform(session, "slotPublish", key, cmd, async |tx| {
        let now = session.now();
        policy::as_staff(&session.actor, Noun::Slot, Action::Publish)?;
        let kind = appointment_type::Entity::find_by_id(cmd.appointment_type)
            .one(tx)
            .await?
            .ok_or_else(|| Problem::not_found("appointmentTypeId"))?;
        policy::own_unit(
            &session.actor,
            Noun::Slot,
            Action::Publish,
            kind.care_unit_id,
            "appointmentTypeId",
        )?;
        let staff = match cmd.assignment {
            Some(id) => Some(assignment_at(tx, &kind, id, now).await?),
            None => None,
        };
        let length = TimeDelta::minutes(i64::from(kind.length_minutes));
        let times = rules::times(&cmd.starts_local, length, cmd.seats, staff.is_some(), now)?;
        let schedule = schedule_of(tx, session, &kind, cmd.assignment).await?;
        let slots: Vec<(SlotId, NewTime)> =
            times.into_iter().map(|time| (SlotId(session.core.clock.uuid()), time)).collect();
        if let Some(staff) = staff {
            let spans = slots.iter().map(|(id, time)| (id.0, time.starts_at, time.ends_at));
            if !seat::occupy(tx, staff.0, spans).await? {
                return Err(clashing(tx, staff, &slots).await?.into());
            }
        }
        slot::Entity::insert_many(slots.iter().map(|(id, time)| slot::ActiveModel {
            id: Set(*id),
            schedule_id: Set(schedule),
            care_unit_id: Set(kind.care_unit_id),
            care_provider_id: Set(kind.care_provider_id),
            appointment_type_id: Set(kind.id),
            assignment_id: Set(cmd.assignment),
            starts_at: Set(time.starts_at),
            ends_at: Set(time.ends_at),
            local_start: Set(time.local_start.clone()),
            zone: Set(ZONE.name().to_owned()),
            seats: Set(cmd.seats),
            open_seats: Set(cmd.seats),
            web_bookable: Set(kind.web_bookable),
            source: Set("OWN".to_owned()),
            created_at: Set(now),
        }))
        .exec_without_returning(tx)
        .await?;
        let done = Done::impersonal();
        Ok(slots.iter().enumerate().fold(done, |done, (n, (id, _))| done.with(&receipt_name(n), id.0)))
    })
    .await
}

/// The person of an assignment in force at the unit of the appointment type.
async fn assignment_at(
    tx: &Tx,
    kind: &appointment_type::Model,
    id: AssignmentId,
    now: DateTime<Utc>,
) -> Result<StaffMemberId, Stop> {
    use assignment::Column as C;
    let found = assignment::Entity::find_by_id(id)
        .filter(C::CareUnitId.eq(kind.care_unit_id))
        .filter(C::ValidFrom.lte(now))
        .filter(Condition::any().add(C::ValidUntil.is_null()).add(C::ValidUntil.gt(now)))
        .one(tx)
        .await?;
    found.map(|row| row.staff_member_id).ok_or_else(|| Problem::not_found("assignmentId").into())
}

async fn schedule_of(
    tx: &Tx,
    session: &Session,
    kind: &appointment_type::Model,
    assignment: Option<AssignmentId>,
) -> Result<ScheduleId, Fault> {
    use schedule::Column as C;
    let whose = match assignment {
        Some(id) => C::AssignmentId.eq(id),
        None => C::AssignmentId.is_null(),
    };
    let existing = schedule::Entity::find()
        .filter(C::CareUnitId.eq(kind.care_unit_id))
        .filter(whose)
        .order_by_asc(C::Id)
        .one(tx)
        .await?;
    if let Some(row) = existing {
        return Ok(row.id);
    }
    let id = ScheduleId(session.core.clock.uuid());
    let row = schedule::ActiveModel {
        id: Set(id),
        care_unit_id: Set(kind.care_unit_id),
        care_provider_id: Set(kind.care_provider_id),
        assignment_id: Set(assignment),
        created_at: Set(session.now()),
    };
    schedule::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(id)
}

/// Which of the times the staff member cannot take.
async fn clashing(tx: &Tx, staff: StaffMemberId, slots: &[(SlotId, NewTime)]) -> Result<Problem, Fault> {
    use occupancy::Column as C;
    let (Some((_, first)), Some((_, last))) = (slots.first(), slots.last()) else {
        return Err(Fault::internal("no times clash"));
    };
    let ours: BTreeSet<uuid::Uuid> = slots.iter().map(|(id, _)| id.0).collect();
    let busy: BTreeSet<DateTime<Utc>> = occupancy::Entity::find()
        .filter(C::SubjectId.eq(staff.0))
        .filter(C::CellStart.gte(first.starts_at))
        .filter(C::CellStart.lt(last.ends_at))
        .all(tx)
        .await?
        .into_iter()
        .filter(|cell| !ours.contains(&cell.holder_id))
        .map(|cell| cell.cell_start)
        .collect();
    let list: Vec<String> = slots
        .iter()
        .filter(|(_, time)| busy.range(time.starts_at..time.ends_at).next().is_some())
        .map(|(_, time)| wall_clock(time.starts_at))
        .collect();
    Ok(rules::occupied(&list))
}
