//! The care guarantee clock of plan items.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::PlanItemId;

use super::{
    payload::{Answer, payload},
    plan::plan_item_id,
};
use crate::{
    domain::plan_item::guarantee::{PauseClock, Resume, Start, pause, resume, start},
    graphql::{
        read::node,
        scalars::Date,
        types::{
            agreement::PlanItem,
            enums::{CareGuaranteeKind, CareGuaranteePauseKind},
        },
        user_error::session,
    },
};

/// From when the care guarantee (vårdgaranti) runs for a plan item, and for what.
#[derive(InputObject)]
pub struct CareGuaranteeStartInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// What is promised.
    kind: CareGuaranteeKind,
    /// The day from which the days count; today or earlier.
    from: Date,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Days that the care guarantee does not count.
#[derive(InputObject)]
pub struct CareGuaranteePauseInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// Why.
    kind: CareGuaranteePauseKind,
    /// The first day.
    from: Date,
    /// The last day; until further notice when left out.
    until: Option<Date>,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The end of days that the care guarantee does not count.
#[derive(InputObject)]
pub struct CareGuaranteeResumeInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// Which pause: the one of this kind that is until further notice.
    kind: CareGuaranteePauseKind,
    /// The last day that does not count.
    until: Date,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `careGuaranteeStart`.
    CareGuaranteeStartPayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `careGuaranteePause`.
    CareGuaranteePausePayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `careGuaranteeResume`.
    CareGuaranteeResumePayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

/// The care guarantee clock.
#[derive(Default)]
pub struct GuaranteeMutation;

/// The care guarantee clock.
#[Object(serial)]
impl GuaranteeMutation {
    /// Starts the care guarantee clock (vårdgaranti) of a plan item, or corrects it, by care. Only for what care does, and
    /// never for follow-ups. How many days each promise has is the region's setting; 0-3-90-90 calendar days by default.
    async fn care_guarantee_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: CareGuaranteeStartInput,
    ) -> Result<CareGuaranteeStartPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = Start {
            plan_item,
            kind: input.kind.into(),
            from: input.from.0,
            expected_row_version: input.expected_row_version,
        };
        let outcome = start(session, &input.idempotency_key, &cmd).await;
        Ok(CareGuaranteeStartPayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Records days that the care guarantee does not count, by care: the patient chose to wait, or waiting is medically
    /// needed. That such days are left out is the region's setting; by default they are. `WRONG_STATE` when the item is
    /// closed, `CONFLICT` when it is paused for the same reason on one of those days.
    async fn care_guarantee_pause(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: CareGuaranteePauseInput,
    ) -> Result<CareGuaranteePausePayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = PauseClock {
            plan_item,
            kind: input.kind.into(),
            from: input.from.0,
            until: input.until.map(|day| day.0),
            expected_row_version: input.expected_row_version,
        };
        let outcome = pause(session, &input.idempotency_key, &cmd).await;
        Ok(CareGuaranteePausePayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Ends a pause of the care guarantee that was until further notice, by care.
    async fn care_guarantee_resume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: CareGuaranteeResumeInput,
    ) -> Result<CareGuaranteeResumePayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = Resume {
            plan_item,
            kind: input.kind.into(),
            until: input.until.0,
            expected_row_version: input.expected_row_version,
        };
        let outcome = resume(session, &input.idempotency_key, &cmd).await;
        Ok(CareGuaranteeResumePayload(Answer::on_item(session, outcome, plan_item)?))
    }
}
