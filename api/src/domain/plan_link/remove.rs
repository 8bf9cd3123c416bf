//! Ending a link to an existing plan. It stays on record that it was there.

use entity::{PlanLinkId, plan_link};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    domain::{
        act::{self, Done, Event, Receipt},
        history::{self, Change},
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which link, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Remove {
    pub link: PlanLinkId,
    pub reason: String,
    pub expected_row_version: i32,
}

const ACTION: &str = "planLinkRemove";

/// Ends the link; the plan it went to is untouched.
pub async fn remove(session: &Session, key: &str, cmd: &Remove) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let row =
            policy::reach::<plan_link::Entity>(tx, &session.actor, Action::End, cmd.link, "linkId", now)
                .await?;
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if row.removed_at.is_some() {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Länken är redan avslutad.",
                "The link has already ended.",
            )
            .into());
        }
        let (by_kind, by_id) = act::by(session);
        let place = Place::new("plan_link.remove_reason", row.id.0);
        let changed = plan_link::Entity::update_many()
            .set(plan_link::ActiveModel {
                removed_at: Set(Some(now)),
                removed_by_kind: Set(Some(by_kind)),
                removed_by_id: Set(Some(by_id)),
                remove_reason: Set(Some(session.core.keys.seal(place, &reason)?)),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(plan_link::Column::Id.eq(row.id))
            .filter(plan_link::Column::RowVersion.eq(cmd.expected_row_version))
            .filter(plan_link::Column::RemovedAt.is_null())
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let change = Change {
            kind: "plan_link",
            subject: row.id.0,
            before: None,
            after: Some(json!({ "reason": reason })),
        };
        history::record(tx, session, (&*row).into(), ACTION, [change]).await?;
        let event = Event {
            kind: "agreement.plan_unlinked",
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            subject: row.id.0,
        };
        act::emit(tx, session, [event]).await?;
        Ok(Done::on(row.patient_id).with("link", row.id.0))
    })
    .await
}
