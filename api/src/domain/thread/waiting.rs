//! A message that waits for an answer is a task of the unit, due when the answer was promised.
//!
//! It is raised with the first message of those that wait: the ones after it, until care has answered, rest on the same
//! promise and the same task. Where words end it, because the answer was given in another way, the promise counts as
//! kept, and the next message raises it anew.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{task, thread};

use super::answerer::{at_unit, other_unit};
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

/// By when a message is owed an answer, under a promise made now. What care writes to the patient waits for none; what
/// a unit writes to another waits as long as a patient's would where nothing is promised.
pub(super) fn owed_by(
    session: &Session,
    of: &thread::Model,
    answer_by: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    let by = answer_by.unwrap_or_else(|| session.now() + WITHOUT_PROMISE);
    (session.actor.staff().is_none() || of.kind == thread::Kind::CareCare).then_some(by)
}

/// Raises the task of answering, unless it is open already: at the other side's unit, for whoever holds the role that
/// was written to.
pub(super) async fn raise(
    tx: &Tx,
    session: &Session,
    waits: &thread::Model,
    due_at: DateTime<Utc>,
) -> Result<(), Fault> {
    let author = session.actor.staff().map(|staff| staff.care_unit);
    let raise = Raise {
        kind: task::Kind::UnansweredMessage,
        owner: Owner { care_unit: other_unit(waits, author), ..Owner::from(waits) },
        assignee: at_unit(tx, session, waits).await?,
        subject: waits.id.0,
        due_at,
        note: None,
    };
    raise_task(tx, session, &raise).await.map(drop)
}

impl From<&thread::Model> for Owner {
    fn from(row: &thread::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: None,
        }
    }
}
