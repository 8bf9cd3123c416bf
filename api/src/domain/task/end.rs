//! Ending a task with words, where words are enough.

use chrono::{DateTime, Utc};
use entity::{
    PlanItemId, TaskId, agreement, appointment, care_contact, plan_item,
    task::{self, Kind},
    thread,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};
use serde::Serialize;

use super::{Ending, close, rules, words::Words};
use crate::{
    auth::policy::{self, Action},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        notice::known,
        text,
    },
    error::{Fault, Problem},
    session::Session,
};

/// Which task, and what was done.
#[derive(Clone, Debug, Serialize)]
pub struct End {
    pub task: TaskId,
    pub words: String,
    pub expected_row_version: i32,
}

/// Ends the task as done. Refused for what only its own act, or the patient, may end.
pub async fn end(session: &Session, key: &str, cmd: &End) -> Result<Receipt, Fault> {
    act::perform(session, "taskEnd", key, cmd, async |tx| {
        let task = policy::task(tx, &session.actor, Action::End, cmd.task, "taskId", session.now()).await?;
        if task.kind == Kind::UnansweredMessage {
            hold_thread(tx, &task).await?;
        } else if known::tells_of_time(task.kind) {
            known::hold(tx, &task).await?;
        }
        let stands = match task.kind {
            Kind::Handover => role_is_held(tx, &task).await?,
            // A call about a booked time stands on the list of tasks alone.
            Kind::Call => appointment::Entity::find_by_id(task.subject_id).one(tx).await?.is_none(),
            Kind::ResultOwed => result_can_be_told(tx, &task).await?,
            _ => false,
        };
        rules::may_end_with_words(task.kind, task.status, stands)?;
        let mut problems = Vec::new();
        let words = text::required("words", &cmd.words, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if task.row_version != cmd.expected_row_version
            || !close(tx, session, &task, Ending::Done, Some(Words::own(words))).await?
        {
            return Err(Problem::stale().into());
        }
        if task.kind == Kind::UnansweredMessage {
            settle_promise(tx, &task).await?;
        } else if known::tells_of_time(task.kind) {
            known::told_by_hand(tx, &task).await?;
        }
        Ok(Done::on(task.patient_id).with("task", task.id.0))
    })
    .await
}

/// Holds what a message holds before it ends the task.
async fn hold_thread(tx: &Tx, task: &task::Model) -> Result<(), Fault> {
    let of = thread::Entity::find().filter(thread::Column::Id.eq(task.subject_id)).lock_exclusive();
    of.one(tx).await?;
    Ok(())
}

/// Whether the contact that a handover is about still has the role.
async fn role_is_held(tx: &Tx, task: &task::Model) -> Result<bool, Fault> {
    let held = care_contact::Entity::find_by_id(task.subject_id)
        .filter(care_contact::Column::PatientId.eq(task.patient_id))
        .filter(care_contact::Column::Status.ne(care_contact::Status::Ended));
    Ok(held.one(tx).await?.is_some())
}

/// Whether there is a result to tell, or may be: of what was not done when the agreement ended there is none.
async fn result_can_be_told(tx: &Tx, task: &task::Model) -> Result<bool, Fault> {
    let item = plan_item::Entity::find_by_id(PlanItemId(task.subject_id)).one(tx).await?;
    let Some(item) = item else { return Ok(true) };
    let plan = agreement::Entity::find_by_id(item.agreement_id).one(tx).await?;
    let holds = plan.is_some_and(|plan| plan.status != agreement::Status::Ended);
    Ok(holds || item.status == plan_item::Status::Done)
}

/// The message was answered in another way: the promise of an answer is kept, and the next message gets its own.
async fn settle_promise(tx: &Tx, task: &task::Model) -> Result<(), Fault> {
    thread::Entity::update_many()
        .col_expr(thread::Column::AnswerBy, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(thread::Column::Id.eq(task.subject_id))
        .filter(thread::Column::PatientId.eq(task.patient_id))
        .exec(tx)
        .await?;
    Ok(())
}
