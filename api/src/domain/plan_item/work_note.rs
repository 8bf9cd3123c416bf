//! The work note (arbetsanteckning) of an item: for staff, not shown to the patient here, but part of the record.

use entity::{PlanItemId, plan_item};
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde_json::json;

use super::live::Live;
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    domain::{
        act::{self, Receipt},
        history::{self, Change},
        text,
    },
    error::Fault,
    session::Session,
};

/// A work note; an empty text clears it.
#[derive(Clone, Debug, Serialize)]
pub struct SetNote {
    pub plan_item: PlanItemId,
    pub text: String,
    pub expected_row_version: i32,
}

const ACTION: &str = "workNoteSet";

/// Under which kind the history keeps changes of work notes: only those who may read one may read these.
pub const HISTORY: &str = "work_note";

/// Writes the note. No event and no new time of change: nothing that the patient can see has changed.
pub async fn set(session: &Session, key: &str, cmd: &SetNote) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        policy::check(&session.actor, Noun::WorkNote, Action::Set)?;
        let live = Live::take(tx, session, Action::Read, cmd.plan_item).await?;
        let mut problems = Vec::new();
        let note = text::optional("text", Some(&cmd.text), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let keys = &session.core.keys;
        let place = || Place::new("plan_item.work_note", live.item.id.0);
        let row = plan_item::ActiveModel {
            work_note: Set(keys.seal_opt(place(), note.as_deref())?),
            ..Default::default()
        };
        live.set(tx, cmd.expected_row_version, row).await?;
        let before = keys.open_opt(place(), live.item.work_note.as_ref())?;
        let change = Change {
            kind: HISTORY,
            subject: live.item.id.0,
            before: Some(json!({ "workNote": before })),
            after: Some(json!({ "workNote": note })),
        };
        history::record(tx, session, (&*live.agreement).into(), ACTION, [change]).await?;
        Ok(live.done())
    })
    .await
}
