//! The patient takes a request for a contact back: the only end beside an appointment.

use entity::{
    ContactRequestId,
    contact_request::{self, Status},
    task,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::request::{ENDING, event, over, owner};
use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        task::{self as tasks, Ending},
        text,
    },
    error::{Fault, Problem},
    session::Session,
};

/// Which request, and why if the patient wants to say.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    pub request: ContactRequestId,
    pub why: Option<String>,
    pub expected_row_version: i32,
}

const ACTION: &str = "contactRequestWithdraw";

/// Takes it back.
pub async fn withdraw(session: &Session, key: &str, cmd: &Withdraw) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let row = policy::reach::<contact_request::Entity>(
            tx,
            &session.actor,
            Action::Withdraw,
            cmd.request,
            "requestId",
            now,
        )
        .await?;
        let mut problems = Vec::new();
        let why = text::optional("why", cmd.why.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        super::lock(tx, row.patient_id).await?;
        if row.status != Status::Open {
            return Err(over().into());
        }
        let place = Place::new(ENDING, row.id.0);
        let changed = contact_request::Entity::update_many()
            .set(contact_request::ActiveModel {
                status: Set(Status::Withdrawn),
                ended_at: Set(Some(now)),
                ending: Set(session.core.keys.seal_opt(place, why.as_deref())?),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(contact_request::Column::Id.eq(row.id))
            .filter(contact_request::Column::RowVersion.eq(cmd.expected_row_version))
            .filter(contact_request::Column::Status.eq(Status::Open))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let words = why.as_deref().or(Some("Patienten tog tillbaka sin begäran."));
        tasks::end(tx, session, task::Kind::AppointContact, row.id.0, Ending::Withdrawn, words).await?;
        let change = Change {
            kind: "contact_request",
            subject: row.id.0,
            before: Some(json!({ "status": row.status })),
            after: Some(json!({ "status": Status::Withdrawn, "why": why })),
        };
        history::record(tx, session, owner(&row), ACTION, [change]).await?;
        act::emit(tx, session, [event(&row, "contact.request_ended")]).await?;
        Ok(Done::on(row.patient_id).with("request", row.id.0))
    })
    .await
}
