//! Who at the unit does a task: taking it oneself, or giving it to a colleague.

use entity::{AssignmentId, TaskId, task};
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde_json::json;

use super::{change, colleague, event};
use crate::{
    auth::policy::{self, Action, Granted},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change, Owner},
    },
    error::{Fault, Stop},
    session::Session,
};

/// Who takes it; none puts it back to the unit as a whole.
#[derive(Clone, Debug, Serialize)]
pub struct Assign {
    pub task: TaskId,
    pub assignee: Option<AssignmentId>,
    pub expected_row_version: i32,
}

/// The caller takes it.
#[derive(Clone, Debug, Serialize)]
pub struct Take {
    pub task: TaskId,
    pub expected_row_version: i32,
}

/// Gives the task to somebody at the unit that must act.
pub async fn assign(session: &Session, key: &str, cmd: &Assign) -> Result<Receipt, Fault> {
    const ACTION: &str = "taskAssign";
    act::perform(session, ACTION, key, cmd, async |tx| {
        let task =
            policy::task(tx, &session.actor, Action::Assign, cmd.task, "taskId", session.now()).await?;
        if let Some(id) = cmd.assignee {
            colleague(tx, session, task.care_unit_id, id, "assigneeId").await?;
        }
        give(tx, session, ACTION, &task, cmd.assignee, cmd.expected_row_version).await
    })
    .await
}

/// The caller takes the task.
pub async fn take(session: &Session, key: &str, cmd: &Take) -> Result<Receipt, Fault> {
    const ACTION: &str = "taskTake";
    act::perform(session, ACTION, key, cmd, async |tx| {
        let task =
            policy::task(tx, &session.actor, Action::Accept, cmd.task, "taskId", session.now()).await?;
        let own = session.actor.staff().map(|staff| staff.assignment);
        give(tx, session, ACTION, &task, own, cmd.expected_row_version).await
    })
    .await
}

async fn give(
    tx: &Tx,
    session: &Session,
    action: &'static str,
    task: &Granted<task::Model>,
    to: Option<AssignmentId>,
    expected_row_version: i32,
) -> Result<Done, Stop> {
    // Whoever it is given to by somebody, or takes it, keeps it.
    let row = task::ActiveModel { assignee_id: Set(to), instead_of_id: Set(None), ..Default::default() };
    change(tx, task, expected_row_version, row).await?;
    assigned(tx, session, action, task, to).await?;
    Ok(Done::on(task.patient_id).with("task", task.id.0))
}

/// Writes down that the task has changed hands.
pub(in crate::domain) async fn assigned(
    tx: &Tx,
    session: &Session,
    action: &'static str,
    task: &task::Model,
    to: Option<AssignmentId>,
) -> Result<(), Fault> {
    let owner = Owner::from(task);
    let entry = Change {
        kind: "task",
        subject: task.id.0,
        before: Some(json!({ "assignee": task.assignee_id })),
        after: Some(json!({ "assignee": to })),
    };
    history::record(tx, session, owner, action, [entry]).await?;
    act::emit(tx, session, [event("task.assigned", owner, task.id)]).await
}
