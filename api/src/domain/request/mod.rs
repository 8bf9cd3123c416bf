//! Requests for an agreement (önskan om patientkontrakt): a task with a deadline that care can pass on but not close.
//!
//! A request ends when an agreement is begun, or when the patient takes it back. Its task goes from unit to unit, and
//! the request with it.

pub mod ask;
pub mod pass;
pub mod withdraw;

use entity::{
    AgreementRequestId, AgreementRequestPassId, CareUnitId, agreement,
    agreement_request::{self, Status},
    agreement_request_pass, patient,
    task::{self, Kind},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use super::{
    act::{self, Event},
    history::{self, Change, Owner},
    task::{Ending, Raise, end, raise},
};
use crate::{crypto::Place, db::Tx, error::Fault, session::Session};

impl From<&agreement_request::Model> for Owner {
    fn from(row: &agreement_request::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: None,
        }
    }
}

/// Something happened to a request.
fn event(kind: &'static str, request: &agreement_request::Model) -> Event {
    Event {
        kind,
        patient: request.patient_id,
        care_unit: request.care_unit_id,
        care_provider: request.care_provider_id,
        subject: request.id.0,
        for_register: false,
    }
}

/// Puts the request on the list of its unit. The task opens the record to it.
async fn wait(
    tx: &Tx,
    session: &Session,
    request: &agreement_request::Model,
    note: Option<&str>,
) -> Result<(), Fault> {
    let task = Raise {
        kind: Kind::AgreementRequest,
        owner: request.into(),
        assignee: None,
        subject: request.id.0,
        due_at: request.due_at,
        note,
    };
    raise(tx, session, &task).await?;
    Ok(())
}

/// The task about the request has gone to another unit: the request goes with it, and keeps the way it went.
pub async fn passed_on(
    tx: &Tx,
    session: &Session,
    task: &task::Model,
    to: CareUnitId,
    reason: &str,
) -> Result<(), Fault> {
    let Some(by) = session.actor.staff() else { return Ok(()) };
    // The task may be about an accepted offer instead.
    let open = agreement_request::Entity::find_by_id(AgreementRequestId(task.subject_id))
        .filter(agreement_request::Column::Status.eq(Status::Open));
    let Some(request) = open.one(tx).await? else { return Ok(()) };
    let changed = agreement_request::Entity::update_many()
        .set(agreement_request::ActiveModel {
            care_unit_id: Set(to),
            row_version: Set(request.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(agreement_request::Column::Id.eq(request.id))
        .filter(agreement_request::Column::Status.eq(Status::Open))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Ok(());
    }
    let step = AgreementRequestPassId(session.core.clock.uuid());
    let sealed = session.core.keys.seal(Place::new("agreement_request_pass.reason", step.0), reason)?;
    agreement_request_pass::Entity::insert(agreement_request_pass::ActiveModel {
        id: Set(step),
        request_id: Set(request.id),
        patient_id: Set(request.patient_id),
        care_unit_id: Set(to),
        care_provider_id: Set(request.care_provider_id),
        from_unit_id: Set(request.care_unit_id),
        passed_by: Set(by.assignment),
        reason: Set(sealed),
        passed_at: Set(session.now()),
    })
    .exec_without_returning(tx)
    .await?;
    let change = Change {
        kind: "agreement_request",
        subject: request.id.0,
        before: Some(json!({ "unit": request.care_unit_id })),
        after: Some(json!({ "unit": to, "reason": reason })),
    };
    let moved = agreement_request::Model { care_unit_id: to, ..request };
    history::record(tx, session, (&moved).into(), "agreementRequestPass", [change]).await?;
    act::emit(tx, session, [event("agreement.request_passed", &moved)]).await
}

/// How a request ends.
struct Ended<'a> {
    status: Status,
    task: Ending,
    agreement: Option<&'a agreement::Model>,
    words: Option<&'a str>,
    action: &'static str,
}

/// Ends an open request; false when it ended or changed meanwhile.
async fn settle(
    tx: &Tx,
    session: &Session,
    request: &agreement_request::Model,
    how: &Ended<'_>,
) -> Result<bool, Fault> {
    let (by_kind, by_id) = act::by(session);
    let words = Place::new("agreement_request.end_words", request.id.0);
    let changed = agreement_request::Entity::update_many()
        .set(agreement_request::ActiveModel {
            status: Set(how.status),
            agreement_id: Set(how.agreement.map(|a| a.id)),
            ended_at: Set(Some(session.now())),
            ended_by_kind: Set(Some(by_kind)),
            ended_by_id: Set(Some(by_id)),
            end_words: Set(session.core.keys.seal_opt(words, how.words)?),
            row_version: Set(request.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(agreement_request::Column::Id.eq(request.id))
        .filter(agreement_request::Column::RowVersion.eq(request.row_version))
        .filter(agreement_request::Column::Status.eq(Status::Open))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Ok(false);
    }
    end(tx, session, Kind::AgreementRequest, request.id.0, how.task, how.words).await?;
    let change = Change {
        kind: "agreement_request",
        subject: request.id.0,
        before: Some(json!({ "status": Status::Open })),
        after: Some(json!({ "status": how.status, "words": how.words })),
    };
    let mut owner = Owner::from(request);
    owner.agreement = how.agreement.map(|a| a.id);
    history::record(tx, session, owner, how.action, [change]).await?;
    act::emit(tx, session, [event("agreement.request_ended", request)]).await?;
    Ok(true)
}

/// An agreement has been begun: what the patient had asked this care provider for is done. A request to another
/// provider stands, for its end would tell of this one.
pub async fn fulfilled(tx: &Tx, session: &Session, by: &agreement::Model) -> Result<(), Fault> {
    let open = agreement_request::Entity::find()
        .filter(agreement_request::Column::PatientId.eq(by.patient_id))
        .filter(agreement_request::Column::Region.eq(by.region.as_str()))
        .filter(agreement_request::Column::CareProviderId.eq(by.care_provider_id))
        .filter(agreement_request::Column::Status.eq(Status::Open));
    for request in open.all(tx).await? {
        let how = Ended {
            status: Status::Fulfilled,
            task: Ending::Done,
            agreement: Some(by),
            words: None,
            action: "agreementCreate",
        };
        settle(tx, session, &request, &how).await?;
    }
    Ok(())
}

/// The patient has died: no request waits any longer.
pub async fn after_death(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    action: &'static str,
) -> Result<(), Fault> {
    let open = agreement_request::Entity::find()
        .filter(agreement_request::Column::PatientId.eq(whom.id))
        .filter(agreement_request::Column::Status.eq(Status::Open));
    for request in open.all(tx).await? {
        let how = Ended {
            status: Status::Superseded,
            task: Ending::Superseded,
            agreement: None,
            words: None,
            action,
        };
        settle(tx, session, &request, &how).await?;
    }
    Ok(())
}
