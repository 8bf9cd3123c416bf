//! Wording a plan item anew: in the draft, or as a proposal on top of what is in force. What has been done lives on.

use entity::PlanItemId;
use serde::Serialize;

use super::{
    rules::{self, Wanted},
    wording,
};
use crate::{
    calendar::to_local,
    domain::{
        act::{self, Receipt},
        agreement::{change, edit::Edit, version::event},
    },
    error::Fault,
    session::Session,
};

/// The whole new wording of an item.
#[derive(Clone, Debug, Serialize)]
pub struct Revise {
    pub plan_item: PlanItemId,
    pub wanted: Wanted,
    /// Of the agreement.
    pub expected_row_version: i32,
}

const ACTION: &str = "planItemRevise";

/// Words the item anew.
pub async fn revise(session: &Session, key: &str, cmd: &Revise) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (now, id) = (session.now(), cmd.plan_item);
        let (mut agreement, target) = change::of_item(tx, session, id, cmd.expected_row_version).await?;
        let was = target.document().items.iter().find(|item| item.id == id);
        let mut problems = Vec::new();
        let mut wording = rules::check(id, &cmd.wanted, was, to_local(now).date_naive(), &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        wording::resolve(tx, session, &agreement, target.document(), was, &mut wording).await?;
        let edits = [Edit::ReviseItem(Box::new(wording))];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION)
            .await
            .map_err(|stop| wording::named_by_input(stop, id))?;
        act::emit(tx, session, [event(&agreement, "plan_item.revised", id.0)]).await?;
        Ok(changed.done(&agreement, "planItem", id.0))
    })
    .await
}
