//! Closing a thread, and opening it again: acts of the units whose conversation it is. Who waits for an answer is answered
//! first; a unit that waits for another's answer itself may close, and asks no more.

use entity::{ThreadId, task, thread};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde::Serialize;
use serde_json::json;

use super::{answerer::answers, emit, follow::hold, reach, rules, sides};
use crate::{
    auth::policy::Action,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change, Owner},
        task::{Ending, end, words::Words},
    },
    error::{Fault, Problem, ProblemCode, Stop},
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
        // None is written between the look and the act.
        let row = hold(tx, granted.id).await?;
        if !takes_part(tx, session, &row).await? {
            return Err(Problem::new(
                ProblemCode::Forbidden,
                "Konversationen hör till en annan enhet. Bara den kan avsluta den eller öppna den igen.",
                "The conversation belongs to another unit. Only that unit can close it or open it again.",
            )
            .at("threadId")
            .into());
        }
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
        if to == thread::Status::Closed
            && let Some(waits) = waiting(tx, row.id).await?
        {
            take_back(tx, session, &row, &waits).await?;
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

/// Whether the caller is of a unit whose conversation it is.
async fn takes_part(tx: &Tx, session: &Session, of: &thread::Model) -> Result<bool, Fault> {
    let Some(staff) = session.actor.staff() else { return Ok(false) };
    Ok(of.from_unit_id == Some(staff.care_unit) || answers(tx, session, of, staff).await?)
}

/// Ends the other unit's task of answering with the question of whoever closes. Everybody else who waits is answered first.
async fn take_back(tx: &Tx, session: &Session, of: &thread::Model, waits: &task::Model) -> Result<(), Stop> {
    let unit = session.actor.staff().map(|staff| staff.care_unit);
    let asked = of.kind == thread::Kind::CareCare
        && unit != Some(waits.care_unit_id)
        && sides(of).any(|side| Some(side) == unit);
    if !asked {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Någon väntar på svar här. Svara först, eller avsluta uppgiften med hur svaret gavs.",
            "Somebody waits for an answer here. Answer first, or end the task saying how it was answered.",
        )
        .at("threadId")
        .into());
    }
    let words = Words::ours(
        "Den som frågade har avslutat konversationen. Inget svar behövs.",
        "Whoever asked has closed the conversation. No answer is needed.",
    );
    end(tx, session, task::Kind::UnansweredMessage, of.id.0, Ending::Superseded, Some(words)).await?;
    Ok(())
}

async fn waiting(tx: &Tx, thread: ThreadId) -> Result<Option<task::Model>, Fault> {
    let open = task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::UnansweredMessage))
        .filter(task::Column::SubjectId.eq(thread.0))
        .filter(task::Column::Status.eq(task::Status::Open));
    Ok(open.one(tx).await?)
}
