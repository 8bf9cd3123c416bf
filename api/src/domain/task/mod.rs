//! Tasks (uppgifter) of staff: one place to see what must be done, for whom, by when.
//!
//! Whatever asks something of care raises a task in its own transaction, and whatever answers ends it. Raising is
//! idempotent: there is one open task per kind and subject, kept so by a unique key. Nothing in the list vanishes: an
//! end has a person, a time and a way.

use chrono::{DateTime, Utc};
use entity::{
    AssignmentId, TaskId,
    task::{self, Kind, Status},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, TryInsertResult};
use serde_json::json;
use uuid::Uuid;

use super::{
    act::{self, Event},
    history::{self, Change, Owner},
};
use crate::{crypto::Place, db::Tx, error::Fault, session::Session};

/// A task to be raised.
#[derive(Clone, Debug)]
pub struct Raise<'a> {
    pub kind: Kind,
    /// Whose record it belongs to, and the unit that must act.
    pub owner: Owner,
    /// The person at the unit, where it is somebody's.
    pub assignee: Option<AssignmentId>,
    /// What it is about. One open task per kind and subject.
    pub subject: Uuid,
    pub due_at: DateTime<Utc>,
    /// More about it, in words for staff. Sealed.
    pub note: Option<&'a str>,
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

/// Raises a task, unless one of this kind about this subject is open. Gives the new one.
pub async fn raise(tx: &Tx, session: &Session, raise: &Raise<'_>) -> Result<Option<TaskId>, Fault> {
    let id = TaskId(session.core.clock.uuid());
    let (created_by_kind, created_by_id) = act::by(session);
    let row = task::ActiveModel {
        id: Set(id),
        patient_id: Set(raise.owner.patient),
        care_unit_id: Set(raise.owner.care_unit),
        care_provider_id: Set(raise.owner.care_provider),
        kind: Set(raise.kind),
        subject_id: Set(raise.subject),
        agreement_id: Set(raise.owner.agreement),
        assignee_id: Set(raise.assignee),
        note: Set(session.core.keys.seal_opt(Place::new("task.note", id.0), raise.note)?),
        due_at: Set(raise.due_at),
        raised_to_manager_at: Set(None),
        status: Set(Status::Open),
        created_by_kind: Set(created_by_kind),
        created_by_id: Set(created_by_id),
        created_at: Set(session.now()),
        ended_at: Set(None),
        ended_by_kind: Set(None),
        ended_by_id: Set(None),
        ending: Set(None),
        row_version: Set(1),
    };
    let stored = task::Entity::insert(row).on_conflict_do_nothing().exec_without_returning(tx).await?;
    if !matches!(stored, TryInsertResult::Inserted(n) if n > 0) {
        return Ok(None);
    }
    let after = json!({
        "kind": raise.kind, "status": Status::Open, "dueAt": raise.due_at, "assignee": raise.assignee,
        "note": raise.note,
    });
    let change = Change { kind: "task", subject: id.0, before: None, after: Some(after) };
    history::record(tx, session, raise.owner, "taskRaise", [change]).await?;
    act::emit(tx, session, [event("task.raised", raise.owner, id)]).await?;
    Ok(Some(id))
}

/// Ends the open task of this kind about `subject`, if there is one.
pub async fn end(
    tx: &Tx,
    session: &Session,
    kind: Kind,
    subject: Uuid,
    ending: Ending,
    words: Option<&str>,
) -> Result<Option<TaskId>, Fault> {
    let open = task::Entity::find()
        .filter(task::Column::Kind.eq(kind))
        .filter(task::Column::SubjectId.eq(subject))
        .filter(task::Column::Status.eq(Status::Open))
        .one(tx)
        .await?;
    let Some(row) = open else { return Ok(None) };
    Ok(close(tx, session, &row, ending, words).await?.then_some(row.id))
}

/// Ends this task; false when somebody else ended or changed it meanwhile.
pub async fn close(
    tx: &Tx,
    session: &Session,
    row: &task::Model,
    ending: Ending,
    words: Option<&str>,
) -> Result<bool, Fault> {
    let (by_kind, by_id) = act::by(session);
    let changed = task::Entity::update_many()
        .set(task::ActiveModel {
            status: Set(ending.status()),
            ended_at: Set(Some(session.now())),
            ended_by_kind: Set(Some(by_kind)),
            ended_by_id: Set(Some(by_id)),
            ending: Set(session.core.keys.seal_opt(Place::new("task.ending", row.id.0), words)?),
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
    let owner = Owner {
        patient: row.patient_id,
        care_unit: row.care_unit_id,
        care_provider: row.care_provider_id,
        agreement: row.agreement_id,
    };
    let change = Change {
        kind: "task",
        subject: row.id.0,
        before: Some(json!({ "kind": row.kind, "status": Status::Open })),
        after: Some(json!({ "kind": row.kind, "status": ending.status(), "ending": words })),
    };
    history::record(tx, session, owner, "taskEnd", [change]).await?;
    act::emit(tx, session, [event("task.ended", owner, row.id)]).await?;
    Ok(true)
}

fn event(kind: &'static str, owner: Owner, task: TaskId) -> Event {
    Event {
        kind,
        patient: owner.patient,
        care_unit: owner.care_unit,
        care_provider: owner.care_provider,
        subject: task.0,
        for_register: false,
    }
}
