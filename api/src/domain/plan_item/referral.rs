//! How far a referral (remiss) has come.

use chrono::NaiveDate;
use entity::{
    PlanItemId,
    plan_item::{self, ReferralState},
    plan_item_revision::Category,
};
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde_json::json;

use super::{
    live::{Live, Told},
    rules,
};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    domain::act::{self, Receipt},
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which referral, and how far.
#[derive(Clone, Debug, Serialize)]
pub struct SetState {
    pub plan_item: PlanItemId,
    pub state: ReferralState,
    /// Since when; today when left out.
    pub on: Option<NaiveDate>,
    pub expected_row_version: i32,
}

const ACTION: &str = "referralStateSet";

/// Records how far the referral has come, by care.
pub async fn set_state(session: &Session, key: &str, cmd: &SetState) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        policy::check(&session.actor, Noun::PlanItem, Action::Set)?;
        let live = Live::take(tx, session, Action::Set, cmd.plan_item).await?;
        if live.not_called_off()?.category != Category::Referral {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Insatsen är ingen remiss.",
                "The item is not a referral.",
            )
            .into());
        }
        let today = to_local(session.now()).date_naive();
        let on = cmd.on.unwrap_or(today);
        let mut problems = Vec::new();
        rules::happened("on", on, live.item.referral_on, today, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let row = plan_item::ActiveModel {
            referral_state: Set(Some(cmd.state)),
            referral_on: Set(Some(on)),
            ..Default::default()
        };
        let told = Told {
            action: ACTION,
            event: "plan_item.referral",
            before: Some(
                json!({ "referral": live.item.referral_state, "referralOn": live.item.referral_on }),
            ),
            after: json!({ "referral": cmd.state, "referralOn": on }),
        };
        live.write(tx, session, cmd.expected_row_version, row, told).await
    })
    .await
}
