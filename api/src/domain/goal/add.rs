//! Adding a goal: into the draft, or as a proposal on top of what is in force.

use chrono::NaiveDate;
use entity::{AgreementId, GoalId};
use serde::Serialize;

use super::rules;
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    domain::{
        act::{self, Receipt},
        agreement::{
            canonical::GoalWording,
            change::{self, Target},
            edit::Edit,
            version::{Locked, event},
        },
    },
    error::Fault,
    session::Session,
};

/// A new goal.
#[derive(Clone, Debug, Serialize)]
pub struct Add {
    pub agreement: AgreementId,
    pub text: String,
    /// 1 first; after all others when left out.
    pub priority: Option<i32>,
    pub target_on: Option<NaiveDate>,
}

const ACTION: &str = "goalAdd";

/// Adds a goal. On an agreement in force it is the adder's assent to the next version.
pub async fn add(session: &Session, key: &str, cmd: &Add) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        policy::check(actor, Noun::Goal, Action::Create)?;
        let mut agreement = Locked::reach(tx, session, Action::Propose, cmd.agreement).await?;
        let today = to_local(now).date_naive();
        let text = rules::check(&cmd.text, cmd.priority, cmd.target_on, None, today)?;
        let target = Target::of(tx, session, &agreement).await?;
        let last = target.document().goals.iter().map(|g| g.priority).max().unwrap_or(0);
        let id = GoalId(session.core.clock.uuid());
        let priority = cmd.priority.unwrap_or(last.saturating_add(1));
        let edits = [Edit::AddGoal(GoalWording { id, text, priority, target_on: cmd.target_on })];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION).await?;
        act::emit(tx, session, [event(&agreement, "goal.added", id.0)]).await?;
        Ok(changed.done(&agreement, "goal", id.0))
    })
    .await
}
