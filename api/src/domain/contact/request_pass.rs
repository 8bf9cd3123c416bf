//! A unit passes a request for a contact on to another that can appoint. The deadline and the chain stay with it.

use entity::{
    AssignmentId, CareUnitId, ContactRequestId, ContactRequestPassId,
    contact_request::{self, Status},
    contact_request_pass, task,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;
use serde_json::json;

use super::request::{PASS_REASON, event, over, owner};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        task::pass::hand_over,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which request, to whom, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Pass {
    pub request: ContactRequestId,
    pub to: CareUnitId,
    pub reason: String,
    pub expected_row_version: i32,
}

const ACTION: &str = "contactRequestPass";

/// Passes it on: the other unit gets the task, with the same deadline.
pub async fn pass(session: &Session, key: &str, cmd: &Pass) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let staff = policy::as_staff(&session.actor, Noun::ContactRequest, Action::Pass)?;
        let row = policy::reach::<contact_request::Entity>(
            tx,
            &session.actor,
            Action::Pass,
            cmd.request,
            "requestId",
            now,
        )
        .await?;
        // Held before its task: whoever appoints or passes it on meanwhile comes first or last.
        let row = hold(tx, row.id).await?.ok_or_else(|| Fault::internal("a granted request vanished"))?;
        // Whoever has it passes it on.
        if row.care_unit_id != staff.care_unit {
            return Err(Problem::not_found("requestId").into());
        }
        if row.status == Status::Open && row.row_version != cmd.expected_row_version {
            return Err(Problem::stale().into());
        }
        if row.status != Status::Open {
            return Err(over().into());
        }
        let open = task::Entity::find()
            .filter(task::Column::Kind.eq(task::Kind::AppointContact))
            .filter(task::Column::SubjectId.eq(row.id.0))
            .filter(task::Column::Status.eq(task::Status::Open))
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("an open request without its task"))?;
        hand_over(tx, session, &open, cmd.to, &cmd.reason, ACTION).await?;
        Ok(Done::on(row.patient_id).with("request", row.id.0))
    })
    .await
}

/// The request that a task to appoint somebody follows, as it is now, held until the transaction ends; none when the task
/// follows none.
pub(in crate::domain) async fn hold(
    tx: &Tx,
    id: ContactRequestId,
) -> Result<Option<contact_request::Model>, Fault> {
    Ok(contact_request::Entity::find_by_id(id).lock_exclusive().one(tx).await?)
}

/// A task to appoint somebody is passed on: the request that it follows, if it follows one, goes with it.
pub(in crate::domain) async fn follow(
    tx: &Tx,
    session: &Session,
    task: &task::Model,
    to: CareUnitId,
    reason: &str,
) -> Result<(), Stop> {
    let Some(staff) = session.actor.staff() else {
        return Ok(());
    };
    let Some(row) = hold(tx, ContactRequestId(task.subject_id)).await? else { return Ok(()) };
    let changed = contact_request::Entity::update_many()
        .set(contact_request::ActiveModel {
            care_unit_id: Set(to),
            row_version: Set(row.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(contact_request::Column::Id.eq(row.id))
        .filter(contact_request::Column::RowVersion.eq(row.row_version))
        .filter(contact_request::Column::Status.eq(Status::Open))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    record(tx, session, &row, (to, staff.assignment), reason).await?;
    let change = Change {
        kind: "contact_request",
        subject: row.id.0,
        before: Some(json!({ "careUnit": row.care_unit_id })),
        after: Some(json!({ "careUnit": to, "reason": reason })),
    };
    history::record(tx, session, owner(&row), ACTION, [change]).await?;
    let moved = contact_request::Model { care_unit_id: to, ..row };
    act::emit(tx, session, [event(&moved, "contact.request_passed")]).await?;
    Ok(())
}

/// One link of the chain.
async fn record(
    tx: &Tx,
    session: &Session,
    row: &contact_request::Model,
    (to, by): (CareUnitId, AssignmentId),
    reason: &str,
) -> Result<(), Fault> {
    let id = ContactRequestPassId(session.core.clock.uuid());
    let step = contact_request_pass::ActiveModel {
        id: Set(id),
        request_id: Set(row.id),
        patient_id: Set(row.patient_id),
        care_unit_id: Set(row.care_unit_id),
        care_provider_id: Set(row.care_provider_id),
        to_unit_id: Set(to),
        reason: Set(session.core.keys.seal(Place::new(PASS_REASON, id.0), reason)?),
        by_id: Set(by.0),
        at: Set(session.now()),
    };
    contact_request_pass::Entity::insert(step).exec_without_returning(tx).await?;
    Ok(())
}
