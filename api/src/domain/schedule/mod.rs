//! Schedules (tidböcker): patterns of availability that become slots.
//!
//! A schedule is changed by writing its pattern anew and bringing its slots in line with it ([`replan`]): what is not
//! booked is taken back and published again, what is booked stays with its patient until somebody moves it ([`fallen`]).
//! The days up to a horizon are slots; the sweep moves it on, each schedule in a transaction of its own that holds the
//! schedule's row, so that several instances publish nothing twice.

pub mod change;
pub mod extend;
pub mod fallen;
pub mod pattern;
pub mod preview;
pub mod publish;
pub mod replan;
pub mod withdraw;

use chrono::{DateTime, Days, NaiveDate, Utc};
use entity::{
    AssignmentId, ScheduleId, StaffMemberId, appointment_type, assignment, care_unit, schedule,
    schedule_staff,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use self::pattern::Pattern;
use super::booking;
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::{ClosingDays, to_local},
    domain::booking::rules::{NewTime, SEATS_AT_MOST},
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Staff of one schedule at most.
pub const STAFF_AT_MOST: usize = 10;

/// Somebody in a schedule.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub assignment: AssignmentId,
    pub person: StaffMemberId,
    /// Nothing is published for after it.
    pub until: Option<DateTime<Utc>>,
}

/// What a schedule is to publish.
#[derive(Clone, Debug)]
pub struct Plan {
    pub kind: appointment_type::Model,
    pub closing: ClosingDays,
    pub pattern: Pattern,
    /// The one whom the patient meets first.
    pub staff: Vec<Member>,
    pub seats: i32,
    pub web_bookable: bool,
}

impl Plan {
    fn assignments(&self) -> Vec<AssignmentId> {
        self.staff.iter().map(|member| member.assignment).collect()
    }

    /// The times of `from..=to`, never before now or after somebody's last day.
    fn times(&self, from: NaiveDate, to: NaiveDate, now: DateTime<Utc>) -> Vec<NewTime> {
        let length = self.kind.length();
        let leaves = self.staff.iter().filter_map(|member| member.until).min();
        let days = self.pattern.days(&self.closing, from, to);
        days.into_iter()
            .flat_map(|day| self.pattern.times(day, length))
            .filter(|time| time.starts_at > now && leaves.is_none_or(|leaves| time.ends_at <= leaves))
            .collect()
    }
}

/// The last day that has slots.
pub fn horizon(session: &Session) -> NaiveDate {
    today(session) + Days::new(u64::from(session.core.settings.schedule_horizon_days))
}

fn today(session: &Session) -> NaiveDate {
    to_local(session.now()).date_naive()
}

/// The type and the closing days of its unit, where the caller publishes times.
async fn offered(
    db: &impl ConnectionTrait,
    session: &Session,
    action: Action,
    id: entity::AppointmentTypeId,
) -> Result<(appointment_type::Model, ClosingDays), Stop> {
    policy::as_staff(&session.actor, Noun::Schedule, action)?;
    let field = "appointmentTypeId";
    let kind = appointment_type::Entity::find_by_id(id).one(db).await?;
    let kind = kind.ok_or_else(|| Problem::not_found(field))?;
    policy::own_unit(&session.actor, Noun::Schedule, action, kind.care_unit_id, field)?;
    if kind.retired_at.is_some() {
        return Err(booking::publish::retired().into());
    }
    let closing = closing(db, &kind).await?;
    Ok((kind, closing))
}

/// The schedule in force, if it is of the caller's own unit.
async fn own(db: &impl ConnectionTrait, session: &Session, id: ScheduleId) -> Result<schedule::Model, Stop> {
    let field = "scheduleId";
    policy::as_staff(&session.actor, Noun::Schedule, Action::Set)?;
    let row = schedule::Entity::find_by_id(id).one(db).await?.ok_or_else(|| Problem::not_found(field))?;
    policy::own_unit(&session.actor, Noun::Schedule, Action::Set, row.care_unit_id, field)?;
    if row.ended_at.is_some() {
        let (sv, en) = ("Tidboken är avslutad.", "The schedule has ended.");
        return Err(Problem::new(ProblemCode::WrongState, sv, en).at(field).into());
    }
    Ok(row)
}

async fn closing(db: &impl ConnectionTrait, kind: &appointment_type::Model) -> Result<ClosingDays, Fault> {
    let unit = care_unit::Entity::find_by_id(kind.care_unit_id).one(db).await?;
    booking::closing_days(&unit.ok_or_else(|| Fault::internal("a type without its unit"))?)
}

/// The staff by their assignments in force at the unit; as many as the type needs.
async fn members(
    db: &impl ConnectionTrait,
    kind: &appointment_type::Model,
    ids: &[AssignmentId],
    now: DateTime<Utc>,
) -> Result<Vec<Member>, Stop> {
    let needed = usize::try_from(kind.staff_needed).unwrap_or(0);
    if ids.len() < needed || ids.len() > STAFF_AT_MOST {
        return Err(Problem::input(
            "assignmentIds",
            format!("Besökstypen kräver {needed}–{STAFF_AT_MOST} medarbetare."),
            format!("The appointment type takes {needed} to {STAFF_AT_MOST} staff."),
        )
        .into());
    }
    let mut members: Vec<Member> = Vec::new();
    for id in ids {
        let row = assignment::Entity::find_by_id(*id)
            .filter(assignment::Column::CareUnitId.eq(kind.care_unit_id))
            .one(db)
            .await?
            .filter(|row| row.valid_from <= now && row.valid_until.is_none_or(|until| until > now))
            .ok_or_else(|| Problem::not_found("assignmentIds"))?;
        if members.iter().any(|member| member.person == row.staff_member_id) {
            return Err(Problem::input(
                "assignmentIds",
                "Samma medarbetare står två gånger.",
                "The same person is named twice.",
            )
            .into());
        }
        members.push(Member { assignment: *id, person: row.staff_member_id, until: row.valid_until });
    }
    Ok(members)
}

/// The staff of a schedule, in order, whatever has become of their assignments.
async fn members_of(db: &impl ConnectionTrait, id: ScheduleId) -> Result<Vec<Member>, Fault> {
    let rows = schedule_staff::Entity::find()
        .filter(schedule_staff::Column::ScheduleId.eq(id))
        .order_by_asc(schedule_staff::Column::Place)
        .all(db)
        .await?;
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        let found = assignment::Entity::find_by_id(row.assignment_id).one(db).await?;
        let found = found.ok_or_else(|| Fault::internal("a schedule's assignment is gone"))?;
        members.push(Member {
            assignment: found.id,
            person: found.staff_member_id,
            until: found.valid_until,
        });
    }
    Ok(members)
}

/// What a stored schedule is to publish.
async fn plan_of(db: &impl ConnectionTrait, row: &schedule::Model) -> Result<Plan, Fault> {
    let kind = appointment_type::Entity::find_by_id(row.appointment_type_id).one(db).await?;
    let kind = kind.ok_or_else(|| Fault::internal("a schedule without its type"))?;
    let closing = closing(db, &kind).await?;
    let pattern = Pattern::of(row)?;
    let staff = members_of(db, row.id).await?;
    Ok(Plan { kind, closing, pattern, staff, seats: row.seats, web_bookable: row.web_bookable })
}

/// The seats of each time.
fn seats(asked: Option<i32>, kind: &appointment_type::Model) -> Result<i32, Problem> {
    let seats = asked.unwrap_or(kind.seats);
    if (1..=SEATS_AT_MOST).contains(&seats) {
        return Ok(seats);
    }
    Err(Problem::input(
        "seats",
        format!("Ange 1–{SEATS_AT_MOST} platser."),
        format!("Give 1 to {SEATS_AT_MOST} seats."),
    ))
}
