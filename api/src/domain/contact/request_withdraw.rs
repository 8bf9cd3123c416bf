//! The patient takes a request for a contact back: the only end beside an appointment. Staff may write down that the patient
//! said so, and how; the patient is told of it.

use entity::{
    ContactRequestId,
    agreement_offer::Way,
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
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        notice::{News, news},
        offer::answer::said_how,
        task::{self as tasks, Ending, words::Words},
        text,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which request, and why if the patient wants to say.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    pub request: ContactRequestId,
    /// How the patient said it to staff; patients leave it out.
    pub how: Option<Way>,
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
        let how = said_how(session, cmd.how, &mut problems);
        let why = text::optional("why", cmd.why.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        super::lock(tx, row.patient_id).await?;
        if row.status != Status::Open {
            return Err(over().into());
        }
        let told = session.actor.staff().map(|_| how);
        take_back(tx, session, &row, cmd.expected_row_version, (told, why), ACTION).await?;
        if told.is_some() {
            news::tell_of_contact(tx, session, owner(&row), row.id.0, News::ContactRequestTakenBack).await?;
        }
        Ok(Done::on(row.patient_id).with("request", row.id.0))
    })
    .await
}

/// Ends an open request as the patient's own act, with how they told staff of it and why. The patient is held.
pub(super) async fn take_back(
    tx: &Tx,
    session: &Session,
    row: &contact_request::Model,
    expected_row_version: i32,
    (told, why): (Option<Way>, Option<String>),
    action: &'static str,
) -> Result<(), Stop> {
    let now = session.now();
    let place = Place::new(ENDING, row.id.0);
    let changed = contact_request::Entity::update_many()
        .set(contact_request::ActiveModel {
            status: Set(Status::Withdrawn),
            ended_at: Set(Some(now)),
            ended_how: Set(told),
            ending: Set(session.core.keys.seal_opt(place, why.as_deref())?),
            row_version: Set(expected_row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(contact_request::Column::Id.eq(row.id))
        .filter(contact_request::Column::RowVersion.eq(expected_row_version))
        .filter(contact_request::Column::Status.eq(Status::Open))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    let words = why.as_deref().map_or_else(
        || Words::ours("Patienten tog tillbaka sin begäran.", "The patient took the request back."),
        Words::own,
    );
    tasks::end(tx, session, task::Kind::AppointContact, row.id.0, Ending::Withdrawn, Some(words)).await?;
    let change = Change {
        kind: "contact_request",
        subject: row.id.0,
        before: Some(json!({ "status": row.status })),
        after: Some(json!({ "status": Status::Withdrawn, "how": told, "why": why })),
    };
    history::record(tx, session, owner(row), action, [change]).await?;
    act::emit(tx, session, [event(row, "contact.request_ended")]).await?;
    Ok(())
}
