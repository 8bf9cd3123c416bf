//! Publishing times (lägga ut tider).

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AppointmentTypeId, AssignmentId, ScheduleId, SlotId, StaffMemberId, appointment_type, assignment,
    occupancy, slot, slot_staff,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter};
use serde::Serialize;

use super::{
    away_slots,
    rules::{self, NewTime, wall_clock},
    seat,
};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::{ZONE, time_slice},
    db::Tx,
    domain::act::{self, Done, Receipt},
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Times of one type, for the unit or for one of its staff.
#[derive(Clone, Debug, Serialize)]
pub struct Publish {
    pub appointment_type: AppointmentTypeId,
    pub assignment: Option<AssignmentId>,
    /// Wall clock in Sweden, such as `2027-03-01T09:00`.
    pub starts_local: Vec<String>,
    /// The type's when left out.
    pub seats: Option<i32>,
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
        enough(&kind, usize::from(staff.is_some()))?;
        let length = TimeDelta::minutes(i64::from(kind.length_minutes));
        let seats = cmd.seats.unwrap_or(kind.seats);
        let times = rules::times(&cmd.starts_local, length, seats, staff.is_some(), now)?;
        if kind.retired_at.is_some() {
            return Err(retired().into());
        }
        let slots: Vec<(SlotId, NewTime)> =
            times.into_iter().map(|time| (SlotId(session.core.clock.uuid()), time)).collect();
        away_slots::keep_present(tx, cmd.assignment).await?;
        let away =
            away_slots::away_at(tx, cmd.assignment.as_slice(), slots.iter().map(|(_, time)| time)).await?;
        if !away.is_empty() {
            return Err(is_away(&away).into());
        }
        if let Some(staff) = staff {
            let spans = slots.iter().map(|(id, time)| (id.0, time.starts_at, time.ends_at));
            if !seat::occupy(tx, staff.0, spans).await? {
                return Err(clashing(tx, staff, &slots).await?.into());
            }
        }
        let shape = Shape { schedule: None, kind: &kind, seats, web_bookable: true, created_at: now };
        insert(tx, &shape, cmd.assignment.as_slice(), &slots).await?;
        let done = Done::impersonal();
        Ok(slots.iter().enumerate().fold(done, |done, (n, (id, _))| done.with(&receipt_name(n), id.0)))
    })
    .await
}

/// A time has as many staff as its type needs. One act names one at most.
fn enough(kind: &appointment_type::Model, named: usize) -> Result<(), Problem> {
    let needed = usize::try_from(kind.staff_needed).unwrap_or(0);
    if named >= needed {
        return Ok(());
    }
    Err(match needed {
        1 => Problem::input(
            "assignmentId",
            "Besökstypen kräver en medarbetare. Ange vem patienten möter.",
            "The appointment type takes a staff member. Say whom the patient meets.",
        ),
        _ => Problem::input(
            "assignmentId",
            format!(
                "Besökstypen kräver {needed} medarbetare. Lägg ut tiderna med en tidbok (schedulePublish)."
            ),
            format!(
                "The appointment type takes {needed} staff. Publish the times by a schedule (schedulePublish)."
            ),
        ),
    })
}

/// The person of an assignment in force at the unit of the appointment type.
pub(crate) async fn assignment_at(
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

/// What the slots of one publication have in common.
pub(crate) struct Shape<'a> {
    pub schedule: Option<ScheduleId>,
    pub kind: &'a appointment_type::Model,
    pub seats: i32,
    pub web_bookable: bool,
    pub created_at: DateTime<Utc>,
}

/// Slots in one statement: with their columns, a third of the parameters that SQLite takes.
const ROWS: usize = 500;

/// Writes the slots. Their staff, the one whom the patient meets first, must be occupied by them already.
pub(crate) async fn insert(
    tx: &Tx,
    shape: &Shape<'_>,
    staff: &[AssignmentId],
    slots: &[(SlotId, NewTime)],
) -> Result<(), Fault> {
    for some in slots.chunks(ROWS) {
        slot::Entity::insert_many(some.iter().map(|(id, time)| slot::ActiveModel {
            id: Set(*id),
            schedule_id: Set(shape.schedule),
            care_unit_id: Set(shape.kind.care_unit_id),
            care_provider_id: Set(shape.kind.care_provider_id),
            appointment_type_id: Set(shape.kind.id),
            assignment_id: Set(staff.first().copied()),
            starts_at: Set(time.starts_at),
            ends_at: Set(time.ends_at),
            local_start: Set(time.local_start.clone()),
            zone: Set(ZONE.name().to_owned()),
            time_slice: Set(time_slice(time.starts_at)),
            seats: Set(shape.seats),
            open_seats: Set(shape.seats),
            web_bookable: Set(shape.web_bookable),
            withdrawn_at: Set(None),
            withdrawal: Set(None),
            withdrawn_for: Set(None),
            source: Set("OWN".to_owned()),
            created_at: Set(shape.created_at),
        }))
        .exec_without_returning(tx)
        .await?;
        for assignment in staff {
            slot_staff::Entity::insert_many(some.iter().map(|(id, time)| slot_staff::ActiveModel {
                slot_id: Set(*id),
                assignment_id: Set(*assignment),
                starts_at: Set(time.starts_at),
            }))
            .exec_without_returning(tx)
            .await?;
        }
    }
    Ok(())
}

/// Nobody is met by somebody who is away.
fn is_away(times: &[&NewTime]) -> Problem {
    let list = times.iter().map(|time| wall_clock(time.starts_at)).collect::<Vec<_>>().join(", ");
    Problem::new(
        ProblemCode::Conflict,
        format!("Medarbetaren är borta då: {list}. Inga tider har lagts ut."),
        format!("The staff member is away then: {list}. No times were published."),
    )
    .at("startsLocal")
}

/// A type that is no longer offered gets no new times.
pub(crate) fn retired() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Besökstypen erbjuds inte längre.",
        "The appointment type is no longer offered.",
    )
    .at("appointmentTypeId")
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
