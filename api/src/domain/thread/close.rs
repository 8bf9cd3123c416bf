//! Closing a thread, and opening it again: care's acts. A patient who waits for an answer is answered first.

use entity::{ThreadId, task, thread};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};
use serde::Serialize;
use serde_json::json;

use super::{emit, reach, rules};
use crate::{
    auth::policy::Action,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change, Owner},
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which thread.
#[derive(Clone, Debug, Serialize)]
pub struct Close {
    pub thread: ThreadId,
}

/// Closes it: nothing more is written there.
pub async fn close(session: &Session, key: &str, cmd: &Close) -> Result<Receipt, Fault> {
    turn(session, "threadClose", key, cmd, thread::Status::Closed, "thread.closed").await
}

/// Opens it again.
pub async fn reopen(session: &Session, key: &str, cmd: &Close) -> Result<Receipt, Fault> {
    turn(session, "threadReopen", key, cmd, thread::Status::Open, "thread.reopened").await
}

async fn turn(
    session: &Session,
    action: &'static str,
    key: &str,
    cmd: &Close,
    to: thread::Status,
    kind: &'static str,
) -> Result<Receipt, Fault> {
    act::perform(session, action, key, cmd, async |tx| {
        let granted = reach(tx, session, Action::End, cmd.thread).await?;
        // Behind the lock that a message takes: none is written between the look and the act.
        let row = thread::Entity::find_by_id(granted.id)
            .lock_exclusive()
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("a granted thread vanished"))?;
        if row.status == to {
            return Err(match to {
                thread::Status::Closed => rules::closed(),
                thread::Status::Open => Problem::new(
                    ProblemCode::WrongState,
                    "Konversationen pågår redan.",
                    "The conversation is open already.",
                )
                .at("threadId"),
            }
            .into());
        }
        if to == thread::Status::Closed && waits(tx, row.id).await? {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Någon väntar på svar här. Svara först, eller avsluta uppgiften med hur svaret gavs.",
                "Somebody waits for an answer here. Answer first, or end the task saying how it was answered.",
            )
            .at("threadId")
            .into());
        }
        thread::Entity::update_many()
            .col_expr(thread::Column::Status, Expr::value(to))
            .filter(thread::Column::Id.eq(row.id))
            .exec(tx)
            .await?;
        let change = Change {
            kind: "thread",
            subject: row.id.0,
            before: Some(json!({ "status": row.status })),
            after: Some(json!({ "status": to })),
        };
        history::record(tx, session, Owner::from(&row), action, [change]).await?;
        emit(tx, session, &row, kind).await?;
        Ok(Done::on(row.patient_id).with("thread", row.id.0))
    })
    .await
}

async fn waits(tx: &crate::db::Tx, thread: ThreadId) -> Result<bool, Fault> {
    let open = task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::UnansweredMessage))
        .filter(task::Column::SubjectId.eq(thread.0))
        .filter(task::Column::Status.eq(task::Status::Open));
    Ok(open.one(tx).await?.is_some())
}
