//! Letters (brev) to those who have chosen no other way to be told: a task, for nobody is left out for that.

use chrono::TimeDelta;
use entity::task::Kind;
use uuid::Uuid;

use super::{Raise, raise, words::Words};
use crate::{db::Tx, domain::history::Owner, error::Fault, session::Session};

/// A letter goes out within this time.
const WITHIN: TimeDelta = TimeDelta::days(3);

/// Puts a letter about `subject` on the unit's list, with what it is to say.
pub async fn write(
    tx: &Tx,
    session: &Session,
    owner: Owner,
    subject: Uuid,
    note: Words,
) -> Result<(), Fault> {
    let letter = Raise {
        kind: Kind::Letter,
        owner,
        assignee: None,
        subject,
        due_at: session.now() + WITHIN,
        note: Some(note),
    };
    raise(tx, session, &letter).await?;
    Ok(())
}
