//! Tasks (uppgifter) of staff: one place to see what must be done, for whom, by when.
//!
//! Whatever asks something of care raises a task in its own transaction, and whatever answers ends it. Raising is
//! idempotent: there is one open task per kind and subject, kept so by a unique key. Nothing in the list vanishes: an
//! end has a person, a time and a way.
//!
//! An open task is a care relation (vårdrelation): those who must act can see whom it is about. The relation goes
//! with the task to another unit, and ends a day after the task.

pub mod assign;
pub mod end;
pub mod handover;
pub mod letter;
mod many;
pub mod note;
pub mod pass;
pub mod rise;
pub mod rules;
pub mod words;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AssignmentId, CareUnitId, PatientId, Sealed, TaskId, assignment, care_relation,
    task::{self, Kind, Status},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect, sea_query::LockType,
};
use serde_json::json;
use uuid::Uuid;

pub use self::many::{Closing, close_all, raise_all};
use self::words::Words;
use super::{
    act::{self, Event},
    history::{self, Change, Owner},
    relation::{self, Opening},
};
use crate::{
    crypto::Place,
    db::Tx,
    error::{Fault, Problem, Stop},
    session::Session,
};

/// The unit still reaches the patient this long after its task has ended.
const RELATION_AFTER: TimeDelta = TimeDelta::days(1);

/// A task to be raised.
#[derive(Clone, Debug)]
pub struct Raise {
    pub kind: Kind,
    /// Whose record it belongs to, and the unit that must act.
    pub owner: Owner,
    /// The person at the unit, where it is somebody's.
    pub assignee: Option<AssignmentId>,
    /// What it is about. One open task per kind and subject.
    pub subject: Uuid,
    pub due_at: DateTime<Utc>,
    /// More about it, for staff. Sealed.
    pub note: Option<Words>,
}

/// How a task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    /// The patient took back what it was about.
    Withdrawn,
    /// Something else took its place.
    Superseded,
}

impl Ending {
    const fn status(self) -> Status {
        match self {
            Self::Done => Status::Done,
            Self::Withdrawn => Status::Withdrawn,
            Self::Superseded => Status::Superseded,
        }
    }
}

/// Raises a task, unless one of this kind about this subject is open. Gives the new one. Sweeps raise nothing about
/// the dead.
pub async fn raise(tx: &Tx, session: &Session, raise: &Raise) -> Result<Option<TaskId>, Fault> {
    let new = raise_all(tx, session, std::slice::from_ref(raise)).await?.pop();
    Ok(new.map(|(id, _)| id))
}

/// The open task of this kind about `subject`, held until the transaction ends: somebody who takes it or notes something
/// in it meanwhile must not keep it from being ended.
async fn held(tx: &Tx, kind: Kind, subject: Uuid) -> Result<Option<task::Model>, Fault> {
    let open = task::Entity::find()
        .filter(task::Column::Kind.eq(kind))
        .filter(task::Column::SubjectId.eq(subject))
        .filter(task::Column::Status.eq(Status::Open))
        .lock(LockType::NoKeyUpdate);
    Ok(open.one(tx).await?)
}

/// Ends the open task of this kind about `subject`, if there is one.
pub async fn end(
    tx: &Tx,
    session: &Session,
    kind: Kind,
    subject: Uuid,
    ending: Ending,
    words: Option<Words>,
) -> Result<Option<TaskId>, Fault> {
    let Some(row) = held(tx, kind, subject).await? else { return Ok(None) };
    Ok(close(tx, session, &row, ending, words).await?.then_some(row.id))
}

/// Ends the open task of this kind about `subject` as done, if it is `unit`'s.
pub async fn end_at(
    tx: &Tx,
    session: &Session,
    kind: Kind,
    subject: Uuid,
    unit: CareUnitId,
) -> Result<(), Fault> {
    if let Some(row) = held(tx, kind, subject).await?.filter(|row| row.care_unit_id == unit) {
        close(tx, session, &row, Ending::Done, None).await?;
    }
    Ok(())
}

/// Moves the time of the open task of this kind about `subject`, if there is one: what is planned anew has not been
/// left undone.
pub async fn move_due(
    tx: &Tx,
    session: &Session,
    kind: Kind,
    subject: Uuid,
    due_at: DateTime<Utc>,
) -> Result<(), Fault> {
    let Some(row) = held(tx, kind, subject).await? else { return Ok(()) };
    let moved = task::ActiveModel {
        due_at: Set(due_at),
        raised_to_manager_at: Set(None),
        row_version: Set(row.row_version.saturating_add(1)),
        ..Default::default()
    };
    task::Entity::update_many()
        .set(moved)
        .filter(task::Column::Id.eq(row.id))
        .filter(task::Column::Status.eq(Status::Open))
        .exec(tx)
        .await?;
    let change = Change {
        kind: "task",
        subject: row.id.0,
        before: Some(json!({ "dueAt": row.due_at })),
        after: Some(json!({ "dueAt": due_at })),
    };
    history::record(tx, session, Owner::from(&row), "taskMove", [change]).await
}

/// Writes the note of the open task of this kind about `subject` anew, if it says something else by now.
pub async fn note_anew(
    tx: &Tx,
    session: &Session,
    kind: Kind,
    subject: Uuid,
    note: &Words,
) -> Result<(), Fault> {
    let Some((row, was)) = noted(tx, session, kind, subject).await? else { return Ok(()) };
    rewrite(tx, session, &row, was.as_ref(), note).await
}

/// [`note_anew`], where the note says `was`: what somebody else has written since stands.
pub async fn note_instead(
    tx: &Tx,
    session: &Session,
    kind: Kind,
    subject: Uuid,
    (was, note): (&Words, &Words),
) -> Result<(), Fault> {
    match noted(tx, session, kind, subject).await? {
        Some((row, Some(says))) if says == *was => rewrite(tx, session, &row, Some(was), note).await,
        _ => Ok(()),
    }
}

/// The open task of this kind about `subject`, with its note.
async fn noted(
    tx: &Tx,
    session: &Session,
    kind: Kind,
    subject: Uuid,
) -> Result<Option<(task::Model, Option<Words>)>, Fault> {
    let open = task::Entity::find()
        .filter(task::Column::Kind.eq(kind))
        .filter(task::Column::SubjectId.eq(subject))
        .filter(task::Column::Status.eq(Status::Open))
        .one(tx)
        .await?;
    let Some(row) = open else { return Ok(None) };
    let place = Place::new("task.note", row.id.0);
    let note = row.note.as_ref().map(|note| Words::open(&session.core.keys, place, note)).transpose()?;
    Ok(Some((row, note)))
}

async fn rewrite(
    tx: &Tx,
    session: &Session,
    row: &task::Model,
    was: Option<&Words>,
    note: &Words,
) -> Result<(), Fault> {
    if was == Some(note) {
        return Ok(());
    }
    let changed = task::Entity::update_many()
        .set(task::ActiveModel {
            note: Set(Some(note.seal(&session.core.keys, Place::new("task.note", row.id.0))?)),
            row_version: Set(row.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(task::Column::Id.eq(row.id))
        .filter(task::Column::Status.eq(Status::Open))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Ok(());
    }
    let change = Change {
        kind: "task",
        subject: row.id.0,
        before: Some(json!({ "note": was })),
        after: Some(json!({ "note": note })),
    };
    history::record(tx, session, Owner::from(row), "taskNote", [change]).await
}

/// Ends this task; false when somebody else ended or changed it meanwhile.
pub async fn close(
    tx: &Tx,
    session: &Session,
    row: &task::Model,
    ending: Ending,
    words: Option<Words>,
) -> Result<bool, Fault> {
    let (by_kind, by_id) = act::by(session);
    let changed = task::Entity::update_many()
        .set(task::ActiveModel {
            status: Set(ending.status()),
            ended_at: Set(Some(session.now())),
            ended_by_kind: Set(Some(by_kind)),
            ended_by_id: Set(Some(by_id)),
            ending: Set(sealed(session, "task.ending", row.id, words.as_ref())?),
            row_version: Set(row.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(task::Column::Id.eq(row.id))
        .filter(task::Column::Status.eq(Status::Open))
        .filter(task::Column::RowVersion.eq(row.row_version))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Ok(false);
    }
    let (owner, change) = many::ended(row, ending, words.as_ref());
    history::record(tx, session, owner, "taskEnd", [change]).await?;
    end_relation(tx, row.patient_id, row.id, session.now() + RELATION_AFTER).await?;
    act::emit(tx, session, [event("task.ended", owner, row.id)]).await?;
    Ok(true)
}

fn sealed(
    session: &Session,
    column: &'static str,
    id: TaskId,
    words: Option<&Words>,
) -> Result<Option<Sealed>, Fault> {
    words.map(|words| words.seal(&session.core.keys, Place::new(column, id.0))).transpose()
}

fn event(kind: &'static str, owner: Owner, task: TaskId) -> Event {
    Event {
        kind,
        patient: owner.patient,
        care_unit: owner.care_unit,
        care_provider: owner.care_provider,
        subject: task.0,
    }
}

impl From<&task::Model> for Owner {
    fn from(row: &task::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: row.agreement_id,
        }
    }
}

/// Changes an open task, if it is still as the caller read it.
async fn change(
    tx: &Tx,
    row: &task::Model,
    expected_row_version: i32,
    mut to: task::ActiveModel,
) -> Result<(), Stop> {
    if row.status != Status::Open {
        return Err(rules::over().into());
    }
    to.row_version = Set(expected_row_version.saturating_add(1));
    let changed = task::Entity::update_many()
        .set(to)
        .filter(task::Column::Id.eq(row.id))
        .filter(task::Column::Status.eq(Status::Open))
        .filter(task::Column::RowVersion.eq(expected_row_version))
        .exec(tx)
        .await?;
    if changed.rows_affected == 1 { Ok(()) } else { Err(Problem::stale().into()) }
}

/// The assignment in force at `unit` that can take a task: somebody who works with care there.
async fn colleague(
    tx: &Tx,
    session: &Session,
    unit: CareUnitId,
    id: AssignmentId,
    field: &str,
) -> Result<assignment::Model, Stop> {
    use assignment::Column as C;
    let found = assignment::Entity::find_by_id(id)
        .filter(C::CareUnitId.eq(unit))
        .filter(C::Role.is_in([assignment::Role::Care, assignment::Role::Coordinator]))
        .filter(C::ValidFrom.lte(session.now()))
        .filter(Condition::any().add(C::ValidUntil.is_null()).add(C::ValidUntil.gt(session.now())))
        .one(tx)
        .await?;
    found.ok_or_else(|| Problem::not_found(field).into())
}

/// While a task is open, its unit reaches the patient.
fn relation_to(session: &Session, owner: Owner, of: TaskId) -> Opening<'static> {
    Opening {
        patient: owner.patient,
        care_unit: owner.care_unit,
        care_provider: owner.care_provider,
        source: care_relation::Source::Task,
        subject: Some(of.0),
        from: session.now(),
        until: None,
        declared: None,
    }
}

async fn end_relation(tx: &Tx, patient: PatientId, of: TaskId, until: DateTime<Utc>) -> Result<(), Fault> {
    relation::end(tx, patient, care_relation::Source::Task, of.0, until).await
}
