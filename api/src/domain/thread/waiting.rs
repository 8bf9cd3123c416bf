//! A message that waits for an answer is a task of the unit, due when the answer was promised.
//!
//! It is raised with the first message of those that wait: the ones after it, until care has answered, rest on the same
//! promise and the same task. Where words end it, because the answer was given in another way, the promise counts as
//! kept, and the next message raises it anew.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{task, thread};

use crate::{
    db::Tx,
    domain::{
        history::Owner,
        task::{Raise, raise as raise_task},
    },
    error::Fault,
    session::Session,
};

/// By when to answer where the unit has no opening hours that a promise could rest on.
const WITHOUT_PROMISE: TimeDelta = TimeDelta::days(3);

/// By when a patient's message is owed an answer, under a promise made now. Staff's own wait for none.
pub(super) fn owed_by(session: &Session, answer_by: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let by = answer_by.unwrap_or_else(|| session.now() + WITHOUT_PROMISE);
    session.actor.staff().is_none().then_some(by)
}

/// Raises the task of answering, unless it is open already.
pub(super) async fn raise(
    tx: &Tx,
    session: &Session,
    waits: &thread::Model,
    due_at: DateTime<Utc>,
) -> Result<(), Fault> {
    let raise = Raise {
        kind: task::Kind::UnansweredMessage,
        owner: Owner {
            patient: waits.patient_id,
            care_unit: waits.care_unit_id,
            care_provider: waits.care_provider_id,
            agreement: None,
        },
        assignee: None,
        subject: waits.id.0,
        due_at,
        note: None,
    };
    raise_task(tx, session, &raise).await.map(drop)
}
