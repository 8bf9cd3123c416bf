//! The live state of a goal: where it stands and how near it is. Both sides may say; it is shown who did.

use entity::{
    GoalId,
    goal::{self, Achievement, Status},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        agreement::{rules::not_ended, version::Locked},
        history::Change,
        plan_item::live::tell,
        text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Where a goal stands.
#[derive(Clone, Debug, Serialize)]
pub struct SetStatus {
    pub goal: GoalId,
    pub to: Status,
    /// Why; required for a goal that is given up.
    pub reason: Option<String>,
    pub expected_row_version: i32,
}

const SET_STATUS: &str = "goalStatusSet";

/// Says where the goal stands.
pub async fn set_status(session: &Session, key: &str, cmd: &SetStatus) -> Result<Receipt, Fault> {
    act::perform(session, SET_STATUS, key, cmd, async |tx| {
        let (goal, agreement) = take(tx, session, cmd.goal).await?;
        may_become(goal.status, cmd.to)?;
        let mut problems = Vec::new();
        let reason = text::optional("reason", cmd.reason.as_deref(), text::TEXT, &mut problems);
        if cmd.to == Status::Cancelled && reason.is_none() && problems.is_empty() {
            text::required("reason", "", text::TEXT, &mut problems);
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let place = Place::new("goal.status_reason", goal.id.0);
        let row = goal::ActiveModel {
            status: Set(cmd.to),
            status_reason: Set(session.core.keys.seal_opt(place, reason.as_deref())?),
            status_by_kind: Set(Some(session.actor.kind())),
            status_at: Set(Some(session.now())),
            ..Default::default()
        };
        let before = json!({ "status": goal.status });
        let after = json!({ "status": cmd.to, "statusReason": reason });
        write(tx, session, &goal, &agreement, cmd.expected_row_version, row, (SET_STATUS, before, after))
            .await
    })
    .await
}

/// How near a goal is.
#[derive(Clone, Debug, Serialize)]
pub struct SetAchievement {
    pub goal: GoalId,
    pub achievement: Achievement,
    pub expected_row_version: i32,
}

const SET_ACHIEVEMENT: &str = "goalAchievementSet";

/// Says how near the goal is.
pub async fn set_achievement(session: &Session, key: &str, cmd: &SetAchievement) -> Result<Receipt, Fault> {
    act::perform(session, SET_ACHIEVEMENT, key, cmd, async |tx| {
        let (goal, agreement) = take(tx, session, cmd.goal).await?;
        if goal.status == Status::Proposed {
            return Err(only_proposed().into());
        }
        let row = goal::ActiveModel {
            achievement: Set(cmd.achievement),
            achievement_by_kind: Set(Some(session.actor.kind())),
            achievement_at: Set(Some(session.now())),
            ..Default::default()
        };
        let before = json!({ "achievement": goal.achievement });
        let after = json!({ "achievement": cmd.achievement });
        let told = (SET_ACHIEVEMENT, before, after);
        write(tx, session, &goal, &agreement, cmd.expected_row_version, row, told).await
    })
    .await
}

/// The goal behind a lock on its agreement, as it is now.
async fn take(tx: &Tx, session: &Session, id: GoalId) -> Result<(goal::Model, Locked), Stop> {
    let granted =
        policy::reach::<goal::Entity>(tx, &session.actor, Action::Set, id, "goalId", session.now()).await?;
    let agreement = Locked::of_goal(tx, &granted).await?;
    not_ended(agreement.status)?;
    let goal = goal::Entity::find_by_id(granted.id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a granted goal vanished"))?;
    Ok((goal, agreement))
}

async fn write(
    tx: &Tx,
    session: &Session,
    goal: &goal::Model,
    agreement: &Locked,
    expected_row_version: i32,
    mut row: goal::ActiveModel,
    (action, before, after): (&'static str, Value, Value),
) -> Result<Done, Stop> {
    row.row_version = Set(expected_row_version.saturating_add(1));
    let changed = goal::Entity::update_many()
        .set(row)
        .filter(goal::Column::Id.eq(goal.id))
        .filter(goal::Column::RowVersion.eq(expected_row_version))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    let change = Change { kind: "goal", subject: goal.id.0, before: Some(before), after: Some(after) };
    tell(tx, session, agreement, action, "goal.changed", goal.id.0, change).await?;
    Ok(Done::on(goal.patient_id).with("goal", goal.id.0).with("agreement", agreement.id.0))
}

/// Whether a goal may go from one status to the other (FHIR goal-status). Agreeing is for the assents.
fn may_become(from: Status, to: Status) -> Result<(), Problem> {
    use Status as S;
    match (from, to) {
        (S::Proposed, _) => Err(only_proposed()),
        (_, S::Proposed | S::Accepted) => Err(Problem::input(
            "to",
            "Det säger ni genom att godkänna planen.",
            "That is said by assenting to the plan.",
        )),
        (from, to) if from == to => Err(Problem::new(
            ProblemCode::WrongState,
            "Målet har redan den statusen.",
            "The goal already stands there.",
        )),
        // A goal that is over, or was given up, can be taken up again.
        (S::Completed | S::Cancelled, S::OnHold | S::Completed | S::Cancelled) => Err(Problem::new(
            ProblemCode::WrongState,
            "Målet är avslutat. Ta upp det igen först.",
            "The goal is over. Take it up again first.",
        )),
        _ => Ok(()),
    }
}

fn only_proposed() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Målet är bara föreslaget. Det måste först godkännas.",
        "The goal is only proposed. It has to be agreed first.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agreed_goal_is_worked_on_paused_reached_given_up_and_taken_up_again() {
        use Status::{Accepted, Active, Cancelled, Completed, OnHold, Proposed};
        let allowed = [
            (Accepted, Active),
            (Accepted, OnHold),
            (Accepted, Completed),
            (Accepted, Cancelled),
            (Active, OnHold),
            (Active, Completed),
            (Active, Cancelled),
            (OnHold, Active),
            (OnHold, Completed),
            (OnHold, Cancelled),
            (Completed, Active),
            (Cancelled, Active),
        ];
        let all = [Proposed, Accepted, Active, OnHold, Completed, Cancelled];
        for (from, to) in all.iter().flat_map(|from| all.iter().map(move |to| (*from, *to))) {
            assert_eq!(may_become(from, to).is_ok(), allowed.contains(&(from, to)), "{from:?} -> {to:?}");
        }
    }
}
