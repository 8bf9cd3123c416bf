//! Sending a message in a thread.

use chrono::{DateTime, Utc};
use entity::{ThreadId, access_event::ActorKind, care_unit, thread};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde::Serialize;

use super::{
    Answer, answer_time,
    answerer::{answers, other_unit},
    extend_relation,
    follow::hold,
    mark_read::mark,
    next_id, reach, rules, send_pg, write,
};
use crate::{
    auth::policy::Action,
    domain::{
        act::{self, Done, Receipt},
        patient::{alive, lock},
    },
    error::Fault,
    session::Session,
};

/// A message.
#[derive(Clone, Debug, Serialize)]
pub struct Send {
    pub thread: ThreadId,
    pub body: String,
    /// Between units: whether the other one is to answer.
    pub expects_answer: bool,
}

/// What became of sending.
#[derive(Clone, Debug)]
pub struct Sent {
    pub receipt: Receipt,
    /// What was written just now; none on a refusal and on a repeated request.
    pub fresh: Option<Fresh>,
}

/// A message as it was written.
#[derive(Clone, Debug)]
pub struct Fresh {
    pub body: String,
    pub sent_at: DateTime<Utc>,
}

/// Sends: the message, the promise of an answer, the relation and the notices come together.
pub async fn send(session: &Session, key: &str, cmd: &Send) -> Result<Sent, Fault> {
    if let Some(sent) = send_pg::send(session, key, cmd).await? {
        return Ok(sent);
    }
    let mut written = None;
    let receipt = act::perform(session, "messageSend", key, cmd, async |tx| {
        let now = session.now();
        let to = reach(tx, session, Action::Send, cmd.thread).await?;
        let body = rules::body(&cmd.body, cmd.expects_answer, to.kind)?;
        if to.kind == thread::Kind::PatientCare {
            alive(&lock(tx, to.patient_id).await?)?;
        }
        // Read again behind a lock: somebody may be writing just now, and the promise goes by who wrote last.
        let to = hold(tx, to.id).await?;
        // A promise that care has not kept yet stands, however often the patient writes, or somebody of care who was
        // not asked.
        let (answer_by, answer) = match (session.actor.staff(), to.kind) {
            (None, _) if to.answer_by.is_some() => (to.answer_by, Answer::Unchanged),
            (Some(staff), thread::Kind::PatientCare) => {
                if answers(tx, session, &to, staff).await? {
                    (None, Answer::Given)
                } else {
                    (to.answer_by, Answer::Unchanged)
                }
            }
            // The first message asked; what comes after it is to read, unless it asks too.
            (Some(_), thread::Kind::CareCare) if !cmd.expects_answer => (None, Answer::Unchanged),
            (author, _) => {
                let unit = other_unit(&to, author.map(|staff| staff.care_unit));
                let unit = care_unit::Entity::find_by_id(unit)
                    .one(tx)
                    .await?
                    .ok_or_else(|| Fault::internal("a thread without its unit"))?;
                let by = answer_time(&unit, now)?;
                (author.is_none().then_some(by), Answer::Owed(by))
            }
        };
        let message = next_id(session, to.last_message_id);
        let updated = thread::Entity::update_many()
            .col_expr(thread::Column::LastMessageAt, Expr::value(now))
            .col_expr(thread::Column::LastMessageId, Expr::value(message.0))
            .col_expr(thread::Column::LastAuthor, Expr::value(session.actor.kind()))
            .col_expr(thread::Column::AnswerBy, Expr::value(answer_by))
            .filter(thread::Column::Id.eq(to.id))
            .filter(thread::Column::Status.eq(thread::Status::Open))
            .exec(tx)
            .await?
            .rows_affected;
        if updated == 0 {
            return Err(rules::closed().into());
        }
        extend_relation(tx, &to, now).await?;
        write(tx, session, &to, ("thread.message_sent", message, now), &body, answer).await?;
        // Who writes has read what stands there. A patient whose own message is the last has no more to read.
        let own = session.actor.kind() == ActorKind::Patient && to.last_author == ActorKind::Patient;
        if !own {
            mark(tx, session, &to, message).await?;
        }
        written = Some((message, Fresh { body, sent_at: now }));
        Ok(Done::on(to.patient_id).with("thread", to.id.0).with("message", message.0))
    })
    .await?;
    // A repeated request is rolled back and answered with what the first one wrote.
    let fresh = written.filter(|(id, _)| receipt.id("message") == Some(*id)).map(|(_, fresh)| fresh);
    Ok(Sent { receipt, fresh })
}
