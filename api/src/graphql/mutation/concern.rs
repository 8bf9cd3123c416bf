//! Concerns: "råden går inte ihop" and "jag klarar inte detta nu".

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::ItemConcernId;
use uuid::Uuid;

use super::{
    payload::{Answer, payload},
    plan::plan_item_id,
};
use crate::{
    domain::plan_item::concern::{self, RaiseConcern, Withdraw, answer, raise, withdraw},
    graphql::{
        read::node,
        scalars::{GlobalId, NodeKind},
        types::{enums::PlanItemConcernKind, life::PlanItemConcern},
        user_error::session,
    },
};

/// What the patient says of a plan item.
#[derive(InputObject)]
pub struct PlanItemConcernRaiseInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// What is said.
    kind: PlanItemConcernKind,
    /// In the patient's words; at most 4 000 characters.
    words: Option<String>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Care's answer to a concern.
#[derive(InputObject)]
pub struct PlanItemConcernAnswerInput {
    /// The concern's global id.
    concern_id: ID,
    /// The answer, in words that the patient sees; at most 4 000 characters.
    answer: String,
    /// The concern's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A concern that is taken back.
#[derive(InputObject)]
pub struct PlanItemConcernWithdrawInput {
    /// The concern's global id.
    concern_id: ID,
    /// The concern's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `planItemConcernRaise`.
    PlanItemConcernRaisePayload of ItemConcernId {
        /// The concern.
        concern: PlanItemConcern = node::concern
    }
}

payload! {
    /// Answer to `planItemConcernAnswer`.
    PlanItemConcernAnswerPayload of ItemConcernId {
        /// The concern as it is now, also when the act was refused.
        concern: PlanItemConcern = node::concern
    }
}

payload! {
    /// Answer to `planItemConcernWithdraw`.
    PlanItemConcernWithdrawPayload of ItemConcernId {
        /// The concern as it is now, also when the act was refused.
        concern: PlanItemConcern = node::concern
    }
}

fn concern_id(id: &ID) -> ItemConcernId {
    GlobalId::row(id, NodeKind::PlanItemConcern).unwrap_or(ItemConcernId(Uuid::nil()))
}

/// Concerns about plan items.
#[derive(Default)]
pub struct ConcernMutation;

/// Concerns about plan items.
#[Object(serial)]
impl ConcernMutation {
    /// Says that advice conflicts ("råden går inte ihop") or that an item is too much now ("jag klarar inte detta nu"), of
    /// any plan item. It becomes a task of care at once. Staff may take it down for a patient who says it by phone or on
    /// site; it is shown as taken down by them.
    async fn plan_item_concern_raise(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is said, of which plan item.")] input: PlanItemConcernRaiseInput,
    ) -> Result<PlanItemConcernRaisePayload> {
        let session = session(ctx);
        let cmd = RaiseConcern {
            plan_item: plan_item_id(&input.plan_item_id),
            kind: input.kind.into(),
            words: input.words,
        };
        let outcome = raise(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemConcernRaisePayload(Answer::new(session, outcome, "concern", None)?))
    }

    /// Answers a concern, by care, in words that the patient sees. It ends the task.
    async fn plan_item_concern_answer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which concern, and the answer.")] input: PlanItemConcernAnswerInput,
    ) -> Result<PlanItemConcernAnswerPayload> {
        let session = session(ctx);
        let concern = concern_id(&input.concern_id);
        let cmd = concern::Answer {
            concern,
            answer: input.answer,
            expected_row_version: input.expected_row_version,
        };
        let outcome = answer(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemConcernAnswerPayload(Answer::new(session, outcome, "concern", Some(concern))?))
    }

    /// Takes a concern back, by the patient. Staff only what they took down for the patient.
    async fn plan_item_concern_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which concern.")] input: PlanItemConcernWithdrawInput,
    ) -> Result<PlanItemConcernWithdrawPayload> {
        let session = session(ctx);
        let concern = concern_id(&input.concern_id);
        let cmd = Withdraw { concern, expected_row_version: input.expected_row_version };
        let outcome = withdraw(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemConcernWithdrawPayload(Answer::new(session, outcome, "concern", Some(concern))?))
    }
}
