//! Taking a goal out of the plan: of the draft, or as a proposal on top of what is in force. What became of it stays
//! on record.

use entity::GoalId;
use serde::Serialize;

use crate::{
    domain::{
        act::{self, Receipt},
        agreement::{change, edit::Edit, version::event},
    },
    error::Fault,
    session::Session,
};

/// Which goal.
#[derive(Clone, Debug, Serialize)]
pub struct Remove {
    pub goal: GoalId,
    /// Of the agreement.
    pub expected_row_version: i32,
}

const ACTION: &str = "goalRemove";

/// Takes the goal out. Items that served it stay.
pub async fn remove(session: &Session, key: &str, cmd: &Remove) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (mut agreement, target) =
            change::of_goal(tx, session, cmd.goal, cmd.expected_row_version).await?;
        let edits = [Edit::RemoveGoal(cmd.goal)];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION).await?;
        act::emit(tx, session, [event(&agreement, "goal.removed", cmd.goal.0)]).await?;
        Ok(changed.done(&agreement, "goal", cmd.goal.0))
    })
    .await
}
