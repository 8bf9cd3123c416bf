//! What becomes of goals and items when a version comes into force: those it holds are agreed, and those that only
//! rival proposals held fall with them.

use entity::{
    AgreementVersionId, GoalId, PlanItemId,
    agreement_version::{self, Status},
    goal, plan_item, version_goal, version_item,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use serde_json::json;

use super::version::Locked;
use crate::{
    crypto::Place,
    db::Tx,
    domain::{act, history::Change},
    error::Fault,
    session::Session,
};

/// Why an item is called off whose proposal can no longer come into force.
const FELL: &str = "Förslaget föll när planen ändrades.";

fn goals_of(versions: SelectStatement) -> SelectStatement {
    Query::select()
        .column(version_goal::Column::GoalId)
        .from(version_goal::Entity)
        .and_where(version_goal::Column::VersionId.in_subquery(versions))
        .to_owned()
}

fn items_of(versions: SelectStatement) -> SelectStatement {
    Query::select()
        .column(version_item::Column::PlanItemId)
        .from(version_item::Entity)
        .and_where(version_item::Column::VersionId.in_subquery(versions))
        .to_owned()
}

fn versions() -> SelectStatement {
    Query::select().column(agreement_version::Column::Id).from(agreement_version::Entity).to_owned()
}

fn moved(
    kind: &'static str,
    id: impl Into<uuid::Uuid>,
    from: &str,
    to: &str,
    reason: Option<&str>,
) -> Change {
    let mut after = json!({ "status": to });
    if let Some(reason) = reason {
        after["reason"] = json!(reason);
    }
    Change { kind, subject: id.into(), before: Some(json!({ "status": from })), after: Some(after) }
}

/// What was only proposed in the version is now agreed, by whoever gave the last assent.
pub async fn agree(tx: &Tx, session: &Session, version: AgreementVersionId) -> Result<Vec<Change>, Fault> {
    let this = || versions().and_where(agreement_version::Column::Id.eq(version)).to_owned();
    let goals = proposed_goals(tx, goals_of(this())).await?;
    let items = proposed_items(tx, items_of(this())).await?;
    set_goals(tx, &goals, goal::Status::Accepted).await?;
    if !items.is_empty() {
        plan_item::Entity::update_many()
            .set(plan_item::ActiveModel {
                status: Set(plan_item::Status::Accepted),
                status_by_kind: Set(Some(act::by(session).0)),
                status_at: Set(Some(session.now())),
                ..Default::default()
            })
            .col_expr(plan_item::Column::RowVersion, Expr::col(plan_item::Column::RowVersion).add(1))
            .filter(plan_item::Column::Id.is_in(items.iter().copied()))
            .exec(tx)
            .await?;
    }
    let goals = goals.into_iter().map(|id| {
        moved("goal", id.0, goal::Status::Proposed.as_str(), goal::Status::Accepted.as_str(), None)
    });
    let (from, to) = (plan_item::Status::Proposed.as_str(), plan_item::Status::Accepted.as_str());
    let items = items.into_iter().map(|id| moved("plan_item", id.0, from, to, None));
    Ok(goals.chain(items).collect())
}

/// Proposals that change `base` can no longer come into force: they are withdrawn, and what no open or active version
/// holds is called off.
pub async fn withdraw_siblings(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    base: AgreementVersionId,
) -> Result<Vec<Change>, Fault> {
    use agreement_version::Column as V;
    let siblings = agreement_version::Entity::find()
        .filter(V::AgreementId.eq(agreement.id))
        .filter(V::BaseVersionId.eq(base))
        .filter(V::Status.eq(Status::Proposed))
        .all(tx)
        .await?;
    if siblings.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = siblings.iter().map(|sibling| sibling.id).collect();
    agreement_version::Entity::update_many()
        .set(agreement_version::ActiveModel { status: Set(Status::Withdrawn), ..Default::default() })
        .col_expr(V::RowVersion, Expr::col(V::RowVersion).add(1))
        .filter(V::Id.is_in(ids.iter().copied()))
        .exec(tx)
        .await?;
    let mut changes: Vec<_> = ids
        .iter()
        .map(|id| {
            moved("agreement_version", id.0, Status::Proposed.as_str(), Status::Withdrawn.as_str(), None)
        })
        .collect();

    let fallen = || versions().and_where(V::Id.is_in(ids.iter().copied())).to_owned();
    let held = || {
        versions()
            .and_where(V::AgreementId.eq(agreement.id))
            .and_where(V::Status.is_in([Status::Proposed, Status::Active]))
            .to_owned()
    };
    let goals = goals_of(fallen())
        .and_where(version_goal::Column::GoalId.not_in_subquery(goals_of(held())))
        .to_owned();
    let goals = proposed_goals(tx, goals).await?;
    set_goals(tx, &goals, goal::Status::Cancelled).await?;
    let (from, to) = (goal::Status::Proposed.as_str(), goal::Status::Cancelled.as_str());
    changes.extend(goals.into_iter().map(|id| moved("goal", id.0, from, to, Some(FELL))));

    let items = items_of(fallen())
        .and_where(version_item::Column::PlanItemId.not_in_subquery(items_of(held())))
        .to_owned();
    let items = proposed_items(tx, items).await?;
    let (from, to) = (plan_item::Status::Proposed.as_str(), plan_item::Status::Cancelled.as_str());
    for id in items {
        let place = Place::new("plan_item.status_reason", id.0);
        plan_item::Entity::update_many()
            .set(plan_item::ActiveModel {
                status: Set(plan_item::Status::Cancelled),
                status_reason: Set(Some(session.core.keys.seal(place, FELL)?)),
                status_by_kind: Set(Some(act::by(session).0)),
                status_at: Set(Some(session.now())),
                ..Default::default()
            })
            .col_expr(plan_item::Column::RowVersion, Expr::col(plan_item::Column::RowVersion).add(1))
            .filter(plan_item::Column::Id.eq(id))
            .exec(tx)
            .await?;
        changes.push(moved("plan_item", id.0, from, to, Some(FELL)));
    }
    Ok(changes)
}

async fn proposed_goals(tx: &Tx, within: SelectStatement) -> Result<Vec<GoalId>, Fault> {
    let found = goal::Entity::find()
        .filter(goal::Column::Status.eq(goal::Status::Proposed))
        .filter(goal::Column::Id.in_subquery(within))
        .all(tx)
        .await?;
    Ok(found.into_iter().map(|goal| goal.id).collect())
}

async fn proposed_items(tx: &Tx, within: SelectStatement) -> Result<Vec<PlanItemId>, Fault> {
    let found = plan_item::Entity::find()
        .filter(plan_item::Column::Status.eq(plan_item::Status::Proposed))
        .filter(plan_item::Column::Id.in_subquery(within))
        .all(tx)
        .await?;
    Ok(found.into_iter().map(|item| item.id).collect())
}

async fn set_goals(tx: &Tx, goals: &[GoalId], status: goal::Status) -> Result<(), Fault> {
    if goals.is_empty() {
        return Ok(());
    }
    goal::Entity::update_many()
        .set(goal::ActiveModel { status: Set(status), ..Default::default() })
        .col_expr(goal::Column::RowVersion, Expr::col(goal::Column::RowVersion).add(1))
        .filter(goal::Column::Id.is_in(goals.iter().copied()))
        .exec(tx)
        .await?;
    Ok(())
}
