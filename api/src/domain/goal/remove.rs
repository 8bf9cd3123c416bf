//! Taking a goal out of the plan: of the draft, or as a proposal on top of what is in force. What became of it stays
//! on record.

use entity::{GoalId, goal};
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
        let (actor, now) = (&session.actor, session.now());
        policy::check(actor, Noun::Agreement, Action::Propose)?;
        let granted =
            policy::reach::<goal::Entity>(tx, actor, Action::Create, cmd.goal, "goalId", now).await?;
        let mut agreement = Locked::of_goal(tx, &granted).await?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        let target = Target::of(tx, session, &agreement).await?;
        let edits = [Edit::RemoveGoal(cmd.goal)];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION).await?;
        act::emit(tx, session, [event(&agreement, "goal.removed", cmd.goal.0)]).await?;
        Ok(Done::on(agreement.patient_id)
            .with("goal", cmd.goal.0)
            .with("agreement", agreement.id.0)
            .with("version", changed.version.0))
    })
    .await
}
