//! Wording goals and plan items anew, and taking them out of the plan.

use async_graphql::{Context, ID, InputObject, Object};
use entity::{AgreementId, GoalId, PlanItemId};
use uuid::Uuid;

use super::{
    payload::{Answer, payload, shows_current},
    plan::PlanItemWordingInput,
};
use crate::{
    domain::{act::Receipt, goal, plan_item},
    error::Fault,
    graphql::{
        read::node,
        scalars::{Date, GlobalId, NodeKind},
        types::agreement::Agreement,
        user_error::session,
    },
    session::Session,
};

/// The whole new wording of a goal (mål).
#[derive(InputObject)]
pub struct GoalReviseInput {
    /// The goal's global id.
    goal_id: ID,
    /// The goal, as the patient puts it; at most 4 000 characters.
    text: String,
    /// 1 first, 99 last.
    priority: i32,
    /// By when; none when left out.
    target_on: Option<Date>,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A goal (mål) to be taken out of the plan.
#[derive(InputObject)]
pub struct GoalRemoveInput {
    /// The goal's global id.
    goal_id: ID,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The whole new wording of a plan item (insats): what is left out is not part of it any more.
#[derive(InputObject)]
pub struct PlanItemReviseInput {
    /// The plan item's global id.
    plan_item_id: ID,
    #[graphql(flatten)]
    wording: PlanItemWordingInput,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A plan item (insats) to be taken out of the plan.
#[derive(InputObject)]
pub struct PlanItemRemoveInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `goalRevise`.
    GoalRevisePayload of AgreementId {
        /// The agreement as it is now, also when the act was refused for having changed.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `goalRemove`.
    GoalRemovePayload of AgreementId {
        /// The agreement as it is now, also when the act was refused for having changed.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `planItemRevise`.
    PlanItemRevisePayload of AgreementId {
        /// The agreement as it is now, also when the act was refused for having changed.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `planItemRemove`.
    PlanItemRemovePayload of AgreementId {
        /// The agreement as it is now, also when the act was refused for having changed.
        agreement: Agreement = node::agreement
    }
}

fn goal_id(id: &ID) -> GoalId {
    GlobalId::row(id, NodeKind::Goal).unwrap_or(GoalId(Uuid::nil()))
}

fn plan_item_id(id: &ID) -> PlanItemId {
    GlobalId::row(id, NodeKind::PlanItem).unwrap_or(PlanItemId(Uuid::nil()))
}

/// The agreement to show with a refusal. What is out of reach is not looked for again.
async fn agreement_of_goal(
    session: &Session,
    goal: GoalId,
    outcome: &Result<Receipt, Fault>,
) -> async_graphql::Result<Option<AgreementId>> {
    if !shows_current(outcome) {
        return Ok(None);
    }
    Ok(node::reach::<entity::goal::Entity>(session, goal).await?.map(|row| row.agreement_id))
}

/// [`agreement_of_goal`] for a plan item.
async fn agreement_of_item(
    session: &Session,
    item: PlanItemId,
    outcome: &Result<Receipt, Fault>,
) -> async_graphql::Result<Option<AgreementId>> {
    if !shows_current(outcome) {
        return Ok(None);
    }
    Ok(node::reach::<entity::plan_item::Entity>(session, item).await?.map(|row| row.agreement_id))
}

/// Goals and plan items, worded anew.
#[derive(Default)]
pub struct PlanEditMutation;

/// Goals and plan items, worded anew.
#[Object(serial)]
impl PlanEditMutation {
    /// Words a goal (mål) anew: in the draft if there is one; else, on an agreement in force, as a proposal on top of
    /// that, with the writer's assent. Its status and achievement live on.
    async fn goal_revise(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which goal, and what it is to say.")] input: GoalReviseInput,
    ) -> async_graphql::Result<GoalRevisePayload> {
        let session = session(ctx);
        let goal = goal_id(&input.goal_id);
        let cmd = goal::revise::Revise {
            goal,
            text: input.text,
            priority: input.priority,
            target_on: input.target_on.map(|day| day.0),
            expected_row_version: input.expected_row_version,
        };
        let outcome = goal::revise::revise(session, &input.idempotency_key, &cmd).await;
        let agreement = agreement_of_goal(session, goal, &outcome).await?;
        Ok(GoalRevisePayload(Answer::new(session, outcome, "agreement", agreement)?))
    }

    /// Takes a goal (mål) out of the plan: of the draft if there is one; else, on an agreement in force, as a proposal.
    /// Items that served it stay.
    async fn goal_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which goal.")] input: GoalRemoveInput,
    ) -> async_graphql::Result<GoalRemovePayload> {
        let session = session(ctx);
        let goal = goal_id(&input.goal_id);
        let cmd = goal::remove::Remove { goal, expected_row_version: input.expected_row_version };
        let outcome = goal::remove::remove(session, &input.idempotency_key, &cmd).await;
        let agreement = agreement_of_goal(session, goal, &outcome).await?;
        Ok(GoalRemovePayload(Answer::new(session, outcome, "agreement", agreement)?))
    }

    /// Words a plan item (insats) anew: in the draft if there is one; else, on an agreement in force, as a proposal on
    /// top of that, with the writer's assent. Its status lives on.
    async fn plan_item_revise(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item, and what it is to say.")] input: PlanItemReviseInput,
    ) -> async_graphql::Result<PlanItemRevisePayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = plan_item::revise::Revise {
            plan_item,
            wanted: input.wording.into(),
            expected_row_version: input.expected_row_version,
        };
        let outcome = plan_item::revise::revise(session, &input.idempotency_key, &cmd).await;
        let agreement = agreement_of_item(session, plan_item, &outcome).await?;
        Ok(PlanItemRevisePayload(Answer::new(session, outcome, "agreement", agreement)?))
    }

    /// Takes a plan item (insats) out of the plan: of the draft if there is one; else, on an agreement in force, as a
    /// proposal. What became of it stays on record.
    async fn plan_item_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: PlanItemRemoveInput,
    ) -> async_graphql::Result<PlanItemRemovePayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = plan_item::remove::Remove { plan_item, expected_row_version: input.expected_row_version };
        let outcome = plan_item::remove::remove(session, &input.idempotency_key, &cmd).await;
        let agreement = agreement_of_item(session, plan_item, &outcome).await?;
        Ok(PlanItemRemovePayload(Answer::new(session, outcome, "agreement", agreement)?))
    }
}
