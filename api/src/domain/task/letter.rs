//! Letters (brev) to those who have chosen no other way to be told: a task, for nobody is left out for that.

use chrono::TimeDelta;
use entity::task::{self, Kind};
use uuid::Uuid;

use super::{Ending, Raise, close, held, note_anew, raise, words::Words};
use crate::{crypto::Place, db::Tx, domain::history::Owner, error::Fault, session::Session};

/// A letter goes out within this time.
const WITHIN: TimeDelta = TimeDelta::days(3);

/// Puts a letter about `subject` on the unit's list, with what it is to say. One that waits there says what it did.
pub async fn write(
    tx: &Tx,
    session: &Session,
    owner: Owner,
    subject: Uuid,
    note: Words,
) -> Result<(), Fault> {
    put(tx, session, owner, subject, note).await?;
    Ok(())
}

/// Puts a letter about `subject` on the unit's list; one that waits there says this instead: it is what is true now.
pub async fn anew(tx: &Tx, session: &Session, owner: Owner, subject: Uuid, note: Words) -> Result<(), Fault> {
    if put(tx, session, owner, subject, note.clone()).await? {
        return Ok(());
    }
    note_anew(tx, session, Kind::Letter, subject, &note).await
}

/// Whether it is new.
async fn put(tx: &Tx, session: &Session, owner: Owner, subject: Uuid, note: Words) -> Result<bool, Fault> {
    let letter = Raise {
        kind: Kind::Letter,
        owner,
        assignee: None,
        subject,
        due_at: session.now() + WITHIN,
        note: Some(note),
    };
    Ok(raise(tx, session, &letter).await?.is_some())
}

/// Takes the letter about `subject` that waits off the list, if it says one of `these`.
pub async fn drop_saying(
    tx: &Tx,
    session: &Session,
    subject: Uuid,
    these: &[Words],
    words: Words,
) -> Result<(), Fault> {
    let Some(row) = held(tx, Kind::Letter, subject).await? else { return Ok(()) };
    if says(session, &row, these)? {
        close(tx, session, &row, Ending::Superseded, Some(words)).await?;
    }
    Ok(())
}

/// Whether a letter says one of `these`.
pub fn says(session: &Session, letter: &task::Model, these: &[Words]) -> Result<bool, Fault> {
    let Some(note) = &letter.note else { return Ok(false) };
    let note = Words::open(&session.core.keys, Place::new("task.note", letter.id.0), note)?;
    Ok(these.contains(&note))
}
