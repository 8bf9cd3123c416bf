//! A note for colleagues on a task. The one before stays in the history.

use entity::{TaskId, task};
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde_json::json;

use super::{change, words::Words};
use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change, Owner},
        text,
    },
    error::Fault,
    session::Session,
};

/// What to write.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    pub task: TaskId,
    pub note: String,
    pub expected_row_version: i32,
}

const ACTION: &str = "taskNote";

/// Writes the note.
pub async fn note(session: &Session, key: &str, cmd: &Note) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let task = policy::task(tx, &session.actor, Action::Note, cmd.task, "taskId", session.now()).await?;
        let mut problems = Vec::new();
        let note = text::required("note", &cmd.note, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let (keys, place) = (&session.core.keys, Place::new("task.note", task.id.0));
        let before = task.note.as_ref().map(|note| Words::open(keys, place, note)).transpose()?;
        let note = Words::own(note);
        let row = task::ActiveModel { note: Set(Some(note.seal(keys, place)?)), ..Default::default() };
        change(tx, &task, cmd.expected_row_version, row).await?;
        let entry = Change {
            kind: "task",
            subject: task.id.0,
            before: Some(json!({ "note": before })),
            after: Some(json!({ "note": note })),
        };
        history::record(tx, session, Owner::from(&*task), ACTION, [entry]).await?;
        Ok(Done::on(task.patient_id).with("task", task.id.0))
    })
    .await
}
