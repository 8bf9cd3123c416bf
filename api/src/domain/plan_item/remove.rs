//! Taking a plan item out of the plan: of the draft, or as a proposal on top of what is in force. What became of it
//! stays on record.

use entity::PlanItemId;
use serde::Serialize;

use crate::{
    domain::{
        act::{self, Receipt},
        agreement::{change, edit::Edit, version::event},
    },
    error::Fault,
    session::Session,
};

/// Which item.
#[derive(Clone, Debug, Serialize)]
pub struct Remove {
    pub plan_item: PlanItemId,
    /// Of the agreement.
    pub expected_row_version: i32,
}

const ACTION: &str = "planItemRemove";

/// Takes the item out.
pub async fn remove(session: &Session, key: &str, cmd: &Remove) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let id = cmd.plan_item;
        let (mut agreement, target) = change::of_item(tx, session, id, cmd.expected_row_version).await?;
        let edits = [Edit::RemoveItem(id)];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION).await?;
        act::emit(tx, session, [event(&agreement, "plan_item.removed", id.0)]).await?;
        Ok(changed.done(&agreement, "planItem", id.0))
    })
    .await
}
