//! The result promise: when and how a result was told, against when and how it was promised.

use chrono::NaiveDate;
use entity::{
    PlanItemId,
    plan_item::{self, Status},
};
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde_json::json;

use super::{
    live::{Live, Told},
    owed, rules,
};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    crypto::Place,
    domain::{
        act::{self, Receipt},
        text,
    },
    error::Fault,
    session::Session,
};

/// A result that was told.
#[derive(Clone, Debug, Serialize)]
pub struct ResultTold {
    pub plan_item: PlanItemId,
    pub how: String,
    /// Today when left out.
    pub on: Option<NaiveDate>,
    pub expected_row_version: i32,
}

const ACTION: &str = "resultTold";

/// Records that the patient has got the result, by care.
pub async fn told(session: &Session, key: &str, cmd: &ResultTold) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        policy::check(&session.actor, Noun::PlanItem, Action::Set)?;
        let live = Live::take_even_ended(tx, session, Action::Set, cmd.plan_item).await?;
        live.result_promised()?;
        let mut problems = Vec::new();
        let how = text::required("how", &cmd.how, text::TEXT, &mut problems);
        let today = to_local(session.now()).date_naive();
        let on = cmd.on.unwrap_or(today);
        rules::happened("on", on, live.item.result_told_on, today, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let place = Place::new("plan_item.result_told_how", live.item.id.0);
        let row = plan_item::ActiveModel {
            result_told_on: Set(Some(on)),
            result_told_how: Set(Some(session.core.keys.seal(place, &how)?)),
            ..Default::default()
        };
        let told = Told {
            action: ACTION,
            event: "plan_item.result_told",
            before: Some(json!({ "resultToldOn": live.item.result_told_on })),
            after: json!({ "resultToldOn": on, "resultToldHow": how }),
        };
        let done = live.write(tx, session, cmd.expected_row_version, row, told).await?;
        owed::settle(tx, session, live.agreement.id).await?;
        Ok(done)
    })
    .await
}

/// Whether the result of an item is still owed after the day it was promised for: of what has not been agreed, did not
/// happen or was called off there is none.
pub fn is_overdue(
    status: Status,
    promised_by: Option<NaiveDate>,
    told_on: Option<NaiveDate>,
    today: NaiveDate,
) -> bool {
    matches!(status, Status::Accepted | Status::InProgress | Status::Done)
        && told_on.is_none()
        && promised_by.is_some_and(|by| by < today)
}

/// [`is_overdue`] as a condition on the aliases of `plan_item` and `plan_item_revision`, but for the status; `today` is a
/// parameter.
pub fn overdue_sql(item: &str, revision: &str, today: &str) -> String {
    format!("{item}.result_told_on IS NULL AND {revision}.result_by < {today}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_overdue_the_day_after_it_was_promised_until_it_is_told() {
        let day = |n| NaiveDate::from_ymd_opt(2027, 2, n);
        let today = day(10).unwrap_or_default();
        let is_overdue = |by, told| is_overdue(Status::Done, by, told, today);
        assert!(!is_overdue(None, None));
        assert!(!is_overdue(day(10), None));
        assert!(is_overdue(day(9), None));
        assert!(!is_overdue(day(9), day(10)));
        for status in [Status::Proposed, Status::NotDone, Status::Cancelled] {
            assert!(!super::is_overdue(status, day(9), None, today));
        }
    }
}
