//! What becomes of goals and items when versions change hands: those a version in force holds are agreed, those it no
//! longer holds are called off, and those that only fallen proposals held fall with them.

use entity::{
    AgreementId, AgreementVersionId, GoalId, PlanItemId, agreement,
    agreement_version::{self, Status, Withdrawal},
    goal, plan_item,
    task::Kind,
    version_goal, version_item, version_objection,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};
use serde_json::json;

use super::{canonical::Document, change, edit, objection, proposal, version::stored};
use crate::{
    crypto::Place,
    db::Tx,
    domain::{
        act,
        history::Change,
        next_step,
        plan_item::{guarantee, owed},
        reason::{DECLINED, PROPOSAL_FELL as FELL, REMOVED, TAKEN_BACK},
        safety,
        task::{self, Ending},
    },
    error::{Fault, Stop},
    session::Session,
};

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

fn these(ids: &[AgreementVersionId]) -> SelectStatement {
    Query::select()
        .column(agreement_version::Column::Id)
        .from(agreement_version::Entity)
        .and_where(agreement_version::Column::Id.is_in(ids.iter().copied()))
        .to_owned()
}

/// What is in force, waits for an answer, or is being written.
const OPEN: [Status; 4] = [Status::Draft, Status::Proposed, Status::Active, Status::PatientUndecided];

/// Versions whose goals and items are not to fall: in force, waiting for an answer, or being written.
fn open(agreement: AgreementId) -> SelectStatement {
    Query::select()
        .column(agreement_version::Column::Id)
        .from(agreement_version::Entity)
        .and_where(agreement_version::Column::AgreementId.eq(agreement))
        .and_where(agreement_version::Column::Status.is_in(OPEN))
        .to_owned()
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

/// Brings the goals and items into line with a version that has just come into force, by whoever gave the last
/// assent: what it newly holds is agreed, what it no longer holds is called off, a draft goes on from it, and somebody is
/// told where it has no next step. Without the patient's decision what care has laid over the plan stays care's word
/// alone, until a version leaves it out.
pub async fn agree(tx: &Tx, session: &Session, version: AgreementVersionId) -> Result<Vec<Change>, Stop> {
    let row = agreement_version::Entity::find_by_id(version)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a version in force vanished"))?;
    let mut changes = join(tx, session, &row).await?;
    if row.status == Status::Active {
        changes.extend(safety::agreed(tx, session, &row).await?);
    }
    changes.extend(safety::left_out(tx, session, &row).await?);
    rebase(tx, session, &row).await?;
    if let Some(base) = row.base_version_id {
        // Rival proposals hold what they took over from the base, and fall.
        let this_or_draft =
            agreement_version::Column::Id.eq(row.id).or(agreement_version::Column::Status.eq(Status::Draft));
        let kept = || open(row.agreement_id).and_where(this_or_draft.clone()).to_owned();
        let goals = goals_of(these(&[base]))
            .and_where(version_goal::Column::GoalId.not_in_subquery(goals_of(kept())))
            .to_owned();
        let items = items_of(these(&[base]))
            .and_where(version_item::Column::PlanItemId.not_in_subquery(items_of(kept())))
            .to_owned();
        changes.extend(call_off(tx, session, goals, items, REMOVED.0).await?);
    }
    changes.extend(guarantee::end_by_version(tx, session, row.id).await?);
    next_step::settle(tx, session, row.agreement_id).await?;
    owed::settle(tx, session, row.agreement_id).await?;
    Ok(changes)
}

/// What the version holds and its base did not is agreed now.
async fn join(tx: &Tx, session: &Session, row: &agreement_version::Model) -> Result<Vec<Change>, Fault> {
    let (this, base) = (these(&[row.id]), row.base_version_id.as_slice().to_vec());
    // Something that another version had taken out comes back with this one.
    let goals = goal::Entity::find()
        .filter(goal::Column::Status.is_in([goal::Status::Proposed, goal::Status::Cancelled]))
        .filter(goal::Column::Id.in_subquery(goals_of(this.clone())))
        .filter(goal::Column::Id.not_in_subquery(goals_of(these(&base))))
        .all(tx)
        .await?;
    let items = plan_item::Entity::find()
        .filter(plan_item::Column::Status.is_in([plan_item::Status::Proposed, plan_item::Status::Cancelled]))
        .filter(plan_item::Column::Id.in_subquery(items_of(this)))
        .filter(plan_item::Column::Id.not_in_subquery(items_of(these(&base))))
        .all(tx)
        .await?;
    let ids: Vec<GoalId> = goals.iter().map(|goal| goal.id).collect();
    set_goals(tx, &ids, goal::Status::Accepted).await?;
    if !items.is_empty() {
        plan_item::Entity::update_many()
            .set(plan_item::ActiveModel {
                status: Set(plan_item::Status::Accepted),
                status_reason: Set(None),
                status_by_kind: Set(Some(act::by(session).0)),
                status_at: Set(Some(session.now())),
                ..Default::default()
            })
            .col_expr(plan_item::Column::RowVersion, Expr::col(plan_item::Column::RowVersion).add(1))
            .filter(plan_item::Column::Id.is_in(items.iter().map(|item| item.id)))
            .exec(tx)
            .await?;
    }
    let goals = goals
        .into_iter()
        .map(|goal| moved("goal", goal.id.0, goal.status.as_str(), goal::Status::Accepted.as_str(), None));
    let to = plan_item::Status::Accepted.as_str();
    let items = items.into_iter().map(|item| moved("plan_item", item.id.0, item.status.as_str(), to, None));
    Ok(goals.chain(items).collect())
}

/// A draft that changes what has just been replaced goes on as a change of the version in force now.
async fn rebase(tx: &Tx, session: &Session, active: &agreement_version::Model) -> Result<(), Stop> {
    let keys = &session.core.keys;
    let draft = agreement_version::Entity::find()
        .filter(agreement_version::Column::AgreementId.eq(active.agreement_id))
        .filter(agreement_version::Column::Status.eq(Status::Draft))
        .one(tx)
        .await?;
    let Some(draft) = draft else { return Ok(()) };
    let was = stored(tx, keys, &draft).await?;
    let now = stored(tx, keys, active).await?.document;
    let from = match draft.base_version_id {
        // An answer to what has come into force began as that.
        _ if draft.answers_version_id == Some(active.id) => None,
        Some(base) => agreement_version::Entity::find_by_id(base).one(tx).await?,
        None => None,
    };
    let from = match from {
        Some(base) => stored(tx, keys, &base).await?.document,
        None => now.clone(),
    };
    let mut next = edit::rebase(&from, &now, &was.document);
    next.base = Some(active.id);
    let agreement = agreement::Entity::find_by_id(active.agreement_id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a version without its agreement"))?;
    change::rewrite(tx, session, &agreement, &draft, &was, &next).await
}

/// Proposals that change `base` can no longer come into force: they are withdrawn, and somebody is told what would be
/// lost with them.
pub async fn withdraw_siblings(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    base: AgreementVersionId,
) -> Result<Vec<Change>, Fault> {
    let siblings = agreement_version::Entity::find()
        .filter(agreement_version::Column::AgreementId.eq(agreement.id))
        .filter(agreement_version::Column::BaseVersionId.eq(base))
        .filter(agreement_version::Column::Status.eq(Status::Proposed))
        .all(tx)
        .await?;
    let changes = withdraw(tx, session, agreement, siblings.clone(), Withdrawal::BaseMoved).await?;
    // What was still to be told of them has been taken back by now: this is the news.
    for fallen in &siblings {
        proposal::fell(tx, session, agreement, fallen).await?;
    }
    Ok(changes)
}

/// Withdraws versions, and calls off what no open version holds any more. Nobody waits for an answer to them.
pub async fn withdraw(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    versions: Vec<agreement_version::Model>,
    how: Withdrawal,
) -> Result<Vec<Change>, Fault> {
    use agreement_version::Column as V;
    if versions.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<_> = versions.iter().map(|version| version.id).collect();
    agreement_version::Entity::update_many()
        .set(agreement_version::ActiveModel {
            status: Set(Status::Withdrawn),
            withdrawal: Set(Some(how)),
            objected_at: Set(None),
            objected_by: Set(None),
            ..Default::default()
        })
        .col_expr(V::RowVersion, Expr::col(V::RowVersion).add(1))
        .filter(V::Id.is_in(ids.iter().copied()))
        .exec(tx)
        .await?;
    let to = Status::Withdrawn.as_str();
    let mut changes: Vec<_> = versions
        .iter()
        .map(|v| moved("agreement_version", v.id.0, v.status.as_str(), to, Some(how.as_str())))
        .collect();
    let (ending, words) = match how {
        Withdrawal::TakenBack => (Ending::Withdrawn, TAKEN_BACK),
        Withdrawal::Declined => (Ending::Done, DECLINED),
        Withdrawal::Countered => {
            (Ending::Done, ("Besvarat med ett motförslag.", "Answered with a counter-proposal."))
        }
        Withdrawal::BaseMoved | Withdrawal::AgreementEnded => (Ending::Superseded, FELL),
    };
    let objected: Vec<_> = versions.iter().filter(|v| v.objected_at.is_some()).map(|v| v.id).collect();
    let ended = match how {
        Withdrawal::BaseMoved | Withdrawal::AgreementEnded => version_objection::Ending::Superseded,
        Withdrawal::TakenBack | Withdrawal::Declined | Withdrawal::Countered => {
            version_objection::Ending::Withdrawn
        }
    };
    objection::end(tx, session, &objected, ended).await?;
    for version in &versions {
        proposal::settled(tx, session, version, ending, words.into()).await?;
        for asks in [Kind::Objection, Kind::Letter, Kind::PlanSignal] {
            task::end(tx, session, asks, version.id.0, ending, Some(words.into())).await?;
        }
    }
    let goals = goals_of(these(&ids))
        .and_where(version_goal::Column::GoalId.not_in_subquery(goals_of(open(agreement.id))))
        .to_owned();
    let items = items_of(these(&ids))
        .and_where(version_item::Column::PlanItemId.not_in_subquery(items_of(open(agreement.id))))
        .to_owned();
    let reason = match how {
        Withdrawal::BaseMoved => FELL.0,
        Withdrawal::Declined => DECLINED.0,
        Withdrawal::TakenBack | Withdrawal::Countered | Withdrawal::AgreementEnded => TAKEN_BACK.0,
    };
    changes.extend(call_off_proposed(tx, session, goals, items, reason).await?);
    Ok(changes)
}

/// Calls off what was taken out of the draft and stands nowhere else.
pub async fn dropped_from_draft(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    was: &Document,
    next: &Document,
) -> Result<Vec<Change>, Fault> {
    let goals: Vec<GoalId> =
        was.goals.iter().map(|g| g.id).filter(|id| !next.goals.iter().any(|g| g.id == *id)).collect();
    let items: Vec<PlanItemId> =
        was.items.iter().map(|i| i.id).filter(|id| !next.items.iter().any(|i| i.id == *id)).collect();
    if goals.is_empty() && items.is_empty() {
        return Ok(Vec::new());
    }
    let goals = Query::select()
        .column(goal::Column::Id)
        .from(goal::Entity)
        .and_where(goal::Column::Id.is_in(goals))
        .and_where(goal::Column::Id.not_in_subquery(goals_of(open(agreement.id))))
        .to_owned();
    let items = Query::select()
        .column(plan_item::Column::Id)
        .from(plan_item::Entity)
        .and_where(plan_item::Column::Id.is_in(items))
        .and_where(plan_item::Column::Id.not_in_subquery(items_of(open(agreement.id))))
        .to_owned();
    call_off_proposed(tx, session, goals, items, REMOVED.0).await
}

async fn call_off_proposed(
    tx: &Tx,
    session: &Session,
    goals: SelectStatement,
    items: SelectStatement,
    reason: &'static str,
) -> Result<Vec<Change>, Fault> {
    let goals = goals_within(tx, goals, &[goal::Status::Proposed]).await?;
    let items = items_within(tx, items, &[plan_item::Status::Proposed]).await?;
    cancel(tx, session, goals, items, reason).await
}

async fn call_off(
    tx: &Tx,
    session: &Session,
    goals: SelectStatement,
    items: SelectStatement,
    reason: &'static str,
) -> Result<Vec<Change>, Fault> {
    use goal::Status as G;
    use plan_item::Status as I;
    let goals = goals_within(tx, goals, &[G::Proposed, G::Accepted, G::Active, G::OnHold]).await?;
    let items = items_within(tx, items, &[I::Proposed, I::Accepted, I::InProgress]).await?;
    cancel(tx, session, goals, items, reason).await
}

async fn goals_within(
    tx: &Tx,
    within: SelectStatement,
    statuses: &[goal::Status],
) -> Result<Vec<goal::Model>, Fault> {
    Ok(goal::Entity::find()
        .filter(goal::Column::Status.is_in(statuses.iter().copied()))
        .filter(goal::Column::Id.in_subquery(within))
        .all(tx)
        .await?)
}

async fn items_within(
    tx: &Tx,
    within: SelectStatement,
    statuses: &[plan_item::Status],
) -> Result<Vec<plan_item::Model>, Fault> {
    Ok(plan_item::Entity::find()
        .filter(plan_item::Column::Status.is_in(statuses.iter().copied()))
        .filter(plan_item::Column::Id.in_subquery(within))
        .all(tx)
        .await?)
}

/// Calls off what has not been agreed, or no longer is, with the reason.
pub async fn cancel(
    tx: &Tx,
    session: &Session,
    goals: Vec<goal::Model>,
    items: Vec<plan_item::Model>,
    reason: &'static str,
) -> Result<Vec<Change>, Fault> {
    let ids: Vec<GoalId> = goals.iter().map(|goal| goal.id).collect();
    set_goals(tx, &ids, goal::Status::Cancelled).await?;
    let to = goal::Status::Cancelled.as_str();
    let mut changes: Vec<_> =
        goals.iter().map(|goal| moved("goal", goal.id.0, goal.status.as_str(), to, Some(reason))).collect();
    let to = plan_item::Status::Cancelled.as_str();
    // Each reason is sealed for its own row.
    for item in items {
        let place = Place::new("plan_item.status_reason", item.id.0);
        plan_item::Entity::update_many()
            .set(plan_item::ActiveModel {
                status: Set(plan_item::Status::Cancelled),
                status_reason: Set(Some(session.core.keys.seal(place, reason)?)),
                status_by_kind: Set(Some(act::by(session).0)),
                status_at: Set(Some(session.now())),
                ..Default::default()
            })
            .col_expr(plan_item::Column::RowVersion, Expr::col(plan_item::Column::RowVersion).add(1))
            .filter(plan_item::Column::Id.eq(item.id))
            .exec(tx)
            .await?;
        changes.push(moved("plan_item", item.id.0, item.status.as_str(), to, Some(reason)));
    }
    Ok(changes)
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
