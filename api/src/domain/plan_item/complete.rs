//! Saying what became of a plan item. A live state: no new version, no new assent.

use entity::{PlanItemId, agreement, plan_item, plan_item_revision, version_item};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Query};
use serde::Serialize;
use serde_json::json;

use super::rules;
pub use super::rules::Completion;
use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        agreement::{
            rules::not_ended,
            version::{Locked, event},
        },
        history::{self, Change},
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// What became of which item.
#[derive(Clone, Debug, Serialize)]
pub struct Complete {
    pub plan_item: PlanItemId,
    pub outcome: Completion,
    pub reason: Option<String>,
    pub expected_row_version: i32,
}

const ACTION: &str = "planItemComplete";

/// Records the outcome, with why, where the one who says it wants to.
pub async fn complete(session: &Session, key: &str, cmd: &Complete) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let granted = policy::reach::<plan_item::Entity>(
            tx,
            &session.actor,
            Action::Complete,
            cmd.plan_item,
            "planItemId",
            now,
        )
        .await?;
        let side = session.actor.party().ok_or_else(Problem::forbidden)?;
        let mut problems = Vec::new();
        let reason = text::optional("reason", cmd.reason.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let agreement = Locked::of_item(tx, &granted).await?;
        not_ended(agreement.status)?;
        // What was agreed says whose it is. An item in no version in force is not agreed.
        let wording = Query::select()
            .column(version_item::Column::PlanItemRevisionId)
            .from(version_item::Entity)
            .and_where(version_item::Column::PlanItemId.eq(granted.id))
            .and_where(version_item::Column::VersionId.eq(agreement.current_version_id))
            .to_owned();
        let wording = plan_item_revision::Entity::find()
            .filter(plan_item_revision::Column::Id.in_subquery(wording))
            .one(tx)
            .await?;
        let (owner, status) = match (&wording, agreement.status) {
            (Some(wording), status) if status.in_force() => (wording.owner, granted.status),
            _ => {
                return Err(Problem::new(
                    ProblemCode::WrongState,
                    "Insatsen är bara föreslagen. Den måste först godkännas.",
                    "The item is only proposed. It has to be accepted first.",
                )
                .into());
            }
        };
        rules::complete(status, owner, side)?;

        let sealed = session
            .core
            .keys
            .seal_opt(Place::new("plan_item.status_reason", granted.id.0), reason.as_deref())?;
        let outcome = plan_item::Status::from(cmd.outcome);
        let changed = plan_item::Entity::update_many()
            .set(plan_item::ActiveModel {
                status: Set(outcome),
                status_reason: Set(sealed),
                status_by_kind: Set(Some(session.actor.kind())),
                status_at: Set(Some(now)),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(plan_item::Column::Id.eq(granted.id))
            .filter(plan_item::Column::RowVersion.eq(cmd.expected_row_version))
            .filter(plan_item::Column::Status.eq(granted.status))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        agreement::Entity::update_many()
            .set(agreement::ActiveModel { updated_at: Set(now), ..Default::default() })
            .filter(agreement::Column::Id.eq(agreement.id))
            .exec(tx)
            .await?;
        let change = Change {
            kind: "plan_item",
            subject: granted.id.0,
            before: Some(json!({ "status": granted.status })),
            after: Some(json!({ "status": outcome, "statusReason": reason })),
        };
        history::record(tx, session, (&*agreement).into(), ACTION, [change]).await?;
        let kind = match cmd.outcome {
            Completion::Done => "plan_item.done",
            Completion::NotDone => "plan_item.not_done",
        };
        act::emit(tx, session, [event(&agreement, kind, granted.id.0)]).await?;
        Ok(Done::on(granted.patient_id).with("planItem", granted.id.0).with("agreement", agreement.id.0))
    })
    .await
}
