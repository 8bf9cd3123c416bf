//! What is new for those who have chosen mail, gathered by the quarter of an hour.
//!
//! It is read from the events that the acts wrote in their own transactions, so nothing is lost with a process; the key of
//! a notice is the member and the quarter, so that sweeps that see the same plan it once.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AssignmentId, TaskId,
    access_event::ActorKind,
    assignment::{self, Role},
    contact_way::Status,
    domain_event, notice,
    staff_notice::{self, About},
    task,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    domain::{
        news::{self, EVENTS},
        notice::{StaffNews, plan_staff_news},
    },
    error::Fault,
    session::Session,
};

/// What came within this is one notice.
const QUARTER: TimeDelta = TimeDelta::minutes(15);
/// An act's transaction has ended this long after its time, so that none comes later than the sweep that gathers it.
const SETTLED: TimeDelta = TimeDelta::seconds(30);
/// How far back a sweep looks: a service that was away for longer tells of what is new since then.
const BACK: TimeDelta = TimeDelta::hours(2);

const RAISED: [&str; 3] = ["task.raised", "task.assigned", "task.passed"];
const RISEN: &str = "task.risen";

/// Plans what is to be told. Gives how many notices are new.
pub async fn run(session: &Session) -> Result<usize, Fault> {
    let now = session.now();
    let Some(until) = quarter_before(now - SETTLED) else { return Ok(0) };
    let from = until - BACK;
    let choices = choices(session, now).await?;
    if choices.is_empty() {
        return Ok(0);
    }
    let events = events(session, &choices, from, until).await?;
    let mut news = Vec::new();
    for (choice, member) in &choices {
        let mut told = BTreeSet::new();
        for new in &events {
            let event = &new.event;
            let end = quarter_before(event.at).map(|begin| begin + QUARTER);
            let is_theirs = event.care_unit_id == choice.care_unit_id && event.at > choice.decided_at;
            if is_theirs
                && concerns(choice.about, member, new)
                && let Some(end) = end
                && told.insert(end)
            {
                news.push(StaffNews {
                    to: (member.id, choice.id),
                    care_unit: choice.care_unit_id,
                    care_provider: choice.care_provider_id,
                    first_about: event.patient_id,
                    until: end,
                });
            }
        }
    }
    let known = known(session, &choices, from).await?;
    news.retain(|new| !known.contains(&new.key()));
    if !news.is_empty() {
        session.core.db.write(async |tx| plan_staff_news(tx, session, &news).await).await?;
    }
    Ok(news.len())
}

/// The beginning of the quarter of an hour that an instant is in.
fn quarter_before(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(at.timestamp() - at.timestamp().rem_euclid(QUARTER.num_seconds()), 0)
}

/// Something that happened, and may be new to somebody.
struct New {
    event: domain_event::Model,
    /// Whose task it is about now, where it changed hands last by this event.
    assignee: Option<AssignmentId>,
}

/// Whether it is something new for a member who has chosen `about`.
fn concerns(about: About, member: &assignment::Model, new: &New) -> bool {
    let kind = new.event.kind.as_str();
    if member.role == Role::UnitManager {
        return kind == RISEN;
    }
    match about {
        About::Own => RAISED.contains(&kind) && new.assignee == Some(member.id),
        About::Unit => {
            let by_patient = matches!(new.event.by_kind, ActorKind::Patient | ActorKind::Representative);
            RAISED.contains(&kind) || (by_patient && news::Kind::of(kind).is_some())
        }
    }
}

/// A choice, and whose it is.
type Chosen = (staff_notice::Model, assignment::Model);

/// Who has said yes, works there now, and can be reached.
async fn choices(session: &Session, now: DateTime<Utc>) -> Result<Vec<Chosen>, Fault> {
    let rows = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            Ok(staff_notice::Entity::find()
                .find_also_related(assignment::Entity)
                .filter(staff_notice::Column::OptedIn.eq(true))
                .filter(staff_notice::Column::Status.eq(Status::Good))
                .filter(assignment::Column::ValidFrom.lte(now))
                .filter(
                    Condition::any()
                        .add(assignment::Column::ValidUntil.is_null())
                        .add(assignment::Column::ValidUntil.gt(now)),
                )
                .order_by_asc(staff_notice::Column::Id)
                .all(db)
                .await?)
        })
        .await?;
    Ok(rows.into_iter().filter_map(|(choice, member)| Some((choice, member?))).collect())
}

/// What happened at their units, in order, without what is about tasks that have ended since.
async fn events(
    session: &Session,
    choices: &[Chosen],
    from: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<New>, Fault> {
    use domain_event::Column as C;
    let units: BTreeSet<_> = choices.iter().map(|(choice, _)| choice.care_unit_id).collect();
    let kinds = EVENTS.iter().map(|(kind, _)| *kind).chain(RAISED).chain([RISEN]);
    let (happened, open) = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let happened = domain_event::Entity::find()
                .filter(C::At.gte(from))
                .filter(C::At.lt(until))
                .filter(C::CareUnitId.is_in(units))
                .filter(C::Kind.is_in(kinds))
                .order_by_asc(C::At)
                .order_by_asc(C::Id)
                .all(db)
                .await?;
            let about = happened.iter().filter(|event| is_of_a_task(event)).map(|event| event.subject_id);
            let open = task::Entity::find()
                .select_only()
                .columns([task::Column::Id, task::Column::AssigneeId])
                .filter(task::Column::Id.is_in(about))
                .filter(task::Column::Status.eq(task::Status::Open))
                .into_tuple::<(TaskId, Option<AssignmentId>)>()
                .all(db)
                .await?;
            Ok((happened, open))
        })
        .await?;
    let mut assignees: BTreeMap<TaskId, Option<AssignmentId>> = open.into_iter().collect();
    let open: BTreeSet<TaskId> = assignees.keys().copied().collect();
    let mut new = Vec::with_capacity(happened.len());
    // From the last on, so that a task is whose it is by the event that gave it to them.
    for event in happened.into_iter().rev() {
        let task = TaskId(event.subject_id);
        if !is_of_a_task(&event) {
            new.push(New { event, assignee: None });
        } else if open.contains(&task) {
            let gives = RAISED.contains(&event.kind.as_str());
            let assignee = if gives { assignees.remove(&task).flatten() } else { None };
            new.push(New { event, assignee });
        }
    }
    new.reverse();
    Ok(new)
}

fn is_of_a_task(event: &domain_event::Model) -> bool {
    event.kind.starts_with("task.")
}

/// The keys of what has been planned already.
async fn known(
    session: &Session,
    choices: &[Chosen],
    from: DateTime<Utc>,
) -> Result<BTreeSet<String>, Fault> {
    use notice::Column as C;
    let keys = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            Ok(notice::Entity::find()
                .select_only()
                .column(C::DedupeKey)
                .filter(C::StaffNoticeId.is_in(choices.iter().map(|(choice, _)| choice.id)))
                .filter(C::CreatedAt.gte(from))
                .into_tuple::<String>()
                .all(db)
                .await?)
        })
        .await?;
    Ok(keys.into_iter().collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_quarter_begins_at_the_quarter() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        for (instant, begin) in [
            ("2027-02-01T07:00:00Z", "2027-02-01T07:00:00Z"),
            ("2027-02-01T07:14:59.9Z", "2027-02-01T07:00:00Z"),
            ("2027-02-01T07:59:59Z", "2027-02-01T07:45:00Z"),
        ] {
            assert_eq!(quarter_before(at(instant)), Some(at(begin)));
        }
    }
}
