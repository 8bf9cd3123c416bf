//! Wording a goal anew: in the draft, or as a proposal on top of what is in force. Status and achievement live on.

use chrono::NaiveDate;
use entity::GoalId;
use serde::Serialize;

use super::rules;
use crate::{
    calendar::to_local,
    domain::{
        act::{self, Receipt},
        agreement::{canonical::GoalWording, change, edit::Edit, version::event},
    },
    error::Fault,
    session::Session,
};

/// The whole new wording of a goal.
#[derive(Clone, Debug, Serialize)]
pub struct Revise {
    pub goal: GoalId,
    pub text: String,
    /// 1 first.
    pub priority: i32,
    pub target_on: Option<NaiveDate>,
    /// Of the agreement.
    pub expected_row_version: i32,
}

const ACTION: &str = "goalRevise";

/// Words the goal anew.
pub async fn revise(session: &Session, key: &str, cmd: &Revise) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let (mut agreement, target) =
            change::of_goal(tx, session, cmd.goal, cmd.expected_row_version).await?;
        let was = target.document().goals.iter().find(|g| g.id == cmd.goal).and_then(|g| g.target_on);
        let today = to_local(now).date_naive();
        let text = rules::check(&cmd.text, Some(cmd.priority), cmd.target_on, was, today)?;
        let wording = GoalWording { id: cmd.goal, text, priority: cmd.priority, target_on: cmd.target_on };
        let edits = [Edit::ReviseGoal(wording)];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION).await?;
        act::emit(tx, session, [event(&agreement, "goal.revised", cmd.goal.0)]).await?;
        Ok(changed.done(&agreement, "goal", cmd.goal.0))
    })
    .await
}
