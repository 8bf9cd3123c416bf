//! Taking a plan item out of the plan: of the draft, or as a proposal on top of what is in force. What became of it
//! stays on record.

use entity::{PlanItemId, plan_item};
use serde::Serialize;

use crate::{
    auth::policy::{self, Action, Noun},
    domain::{
        act::{self, Done, Receipt},
        agreement::{
            change::{self, Target},
            edit::Edit,
            version::{Locked, event},
        },
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
        let (actor, now, id) = (&session.actor, session.now(), cmd.plan_item);
        policy::check(actor, Noun::Agreement, Action::Propose)?;
        let granted =
            policy::reach::<plan_item::Entity>(tx, actor, Action::Propose, id, "planItemId", now).await?;
        let mut agreement = Locked::of_item(tx, &granted).await?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        let target = Target::of(tx, session, &agreement).await?;
        let edits = [Edit::RemoveItem(id)];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION).await?;
        act::emit(tx, session, [event(&agreement, "plan_item.removed", id.0)]).await?;
        Ok(Done::on(agreement.patient_id)
            .with("planItem", id.0)
            .with("agreement", agreement.id.0)
            .with("version", changed.version.0))
    })
    .await
}
