//! Requests for an agreement (önskan om patientkontrakt): a task with a deadline that care can pass on but not close.
//!
//! A request ends when an agreement is proposed, or when the patient takes it back: here, or by word of mouth to staff who
//! write down how. Its task goes from unit to unit, and the request with it.

pub mod ask;
pub mod pass;
pub mod withdraw;

use entity::{
    AgreementRequestId, AgreementRequestPassId, CareUnitId, agreement,
    agreement_offer::Way,
    agreement_request::{self, Status},
    agreement_request_pass, patient,
    task::{self, Kind},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect, Select};
use serde_json::json;

use super::{
    act::{self, Event},
    history::{self, Change, Owner},
    task::{Ending, Raise, end, raise, words::Words},
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
    }
}

/// What the task says when the agreement that had been proposed has come to nothing.
pub const ENDED: (&str, &str) = (
    "Patienten vill ha ett patientkontrakt. Det som var påbörjat har avslutats, så önskan väntar igen.",
    "The patient wants an agreement. The one that had been begun has ended, so the request waits again.",
);
/// What it says when care has written down that the patient does not want it.
pub const DECLINED: (&str, &str) = (
    "Patienten ville inte ha det patientkontrakt som var föreslaget, men önskan står kvar. Fråga patienten, och föreslå \
     ett annat eller anteckna att patienten tar tillbaka sin önskan.",
    "The patient did not want the agreement that had been proposed, but the request stands. Ask the patient, and propose \
     another or write down that the patient takes the request back.",
);
/// What it says when the proposal is a draft again.
pub const UNPROPOSED: (&str, &str) = (
    "Patienten vill ha ett patientkontrakt. Förslaget har tagits tillbaka och är ett utkast, så önskan väntar igen.",
    "The patient wants an agreement. The proposal was taken back and is a draft, so the request waits again.",
);
/// What it says when the patient's side has said no to the proposal, which is a draft again.
pub const PATIENT_SAID_NO: (&str, &str) = (
    "Patienten vill ha ett patientkontrakt, men patientens sida har sagt nej till förslaget. Det är ett utkast igen: prata \
     med patienten, och lämna ett förslag som passar.",
    "The patient wants an agreement, but their side has said no to the proposal. It is a draft again: talk with the \
     patient, and propose what suits them.",
);
/// What it says when care has said no to what the patient's side proposed.
pub const CARE_SAID_NO: (&str, &str) = (
    "Patienten vill ha ett patientkontrakt. Vården har sagt nej till det som patientens sida föreslog, och det är ett \
     utkast igen, så önskan väntar.",
    "The patient wants an agreement. Care has said no to what the patient's side proposed, and it is a draft again, so \
     the request waits.",
);

/// The request that a task is about, as it is now, held until the transaction ends: what passes it on and what ends it come
/// one after the other. It is held before its task, as everything is before the task about it. None when the task is
/// about an accepted offer.
pub async fn hold(tx: &Tx, id: AgreementRequestId) -> Result<Option<agreement_request::Model>, Fault> {
    Ok(agreement_request::Entity::find_by_id(id).lock_exclusive().one(tx).await?)
}

/// Puts the request on the list of its unit. The task opens the record to it.
async fn wait(
    tx: &Tx,
    session: &Session,
    request: &agreement_request::Model,
    note: Option<Words>,
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
    let held = hold(tx, AgreementRequestId(task.subject_id)).await?;
    let Some(request) = held.filter(|request| request.status == Status::Open) else { return Ok(()) };
    agreement_request::Entity::update_many()
        .set(agreement_request::ActiveModel {
            care_unit_id: Set(to),
            row_version: Set(request.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(agreement_request::Column::Id.eq(request.id))
        .exec(tx)
        .await?;
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
    /// How the patient told staff that they take it back.
    told: Option<Way>,
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
            ended_how: Set(how.told),
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
    end(tx, session, Kind::AgreementRequest, request.id.0, how.task, how.words.map(Words::own)).await?;
    let change = Change {
        kind: "agreement_request",
        subject: request.id.0,
        before: Some(json!({ "status": Status::Open })),
        after: Some(json!({ "status": how.status, "how": how.told, "words": how.words })),
    };
    let mut owner = Owner::from(request);
    owner.agreement = how.agreement.map(|a| a.id);
    history::record(tx, session, owner, how.action, [change]).await?;
    act::emit(tx, session, [event("agreement.request_ended", request)]).await?;
    Ok(true)
}

/// What waits of what the patient has asked the agreement's care provider for. A request to another provider stands,
/// for its end would tell of this one. Whoever ends it holds it first, and then sees where it has been passed to.
fn waiting(of: &agreement::Model) -> Select<agreement_request::Entity> {
    agreement_request::Entity::find()
        .filter(agreement_request::Column::PatientId.eq(of.patient_id))
        .filter(agreement_request::Column::Region.eq(of.region.as_str()))
        .filter(agreement_request::Column::CareProviderId.eq(of.care_provider_id))
        .filter(agreement_request::Column::Status.eq(Status::Open))
}

/// An agreement has been proposed: what the patient had asked for is done.
pub async fn fulfilled(tx: &Tx, session: &Session, by: &agreement::Model) -> Result<(), Fault> {
    for request in waiting(by).lock_exclusive().all(tx).await? {
        let how = Ended {
            status: Status::Fulfilled,
            task: Ending::Done,
            agreement: Some(by),
            told: None,
            words: None,
            action: "agreementPropose",
        };
        settle(tx, session, &request, &how).await?;
    }
    Ok(())
}

/// The patient has left the draft of what they had asked for: they no longer ask for it.
pub async fn taken_back(
    tx: &Tx,
    session: &Session,
    left: &agreement::Model,
    words: Option<&str>,
) -> Result<(), Fault> {
    for request in waiting(left).lock_exclusive().all(tx).await? {
        let how = Ended {
            status: Status::Withdrawn,
            task: Ending::Withdrawn,
            agreement: None,
            told: None,
            words,
            action: "agreementRequestWithdraw",
        };
        settle(tx, session, &request, &how).await?;
    }
    Ok(())
}

/// The proposal has come to nothing before it was agreed on: what the patient asked for waits again, with the deadline it
/// had. `why` is what the task says.
pub async fn unfulfilled(
    tx: &Tx,
    session: &Session,
    by: &agreement::Model,
    why: (&str, &str),
    action: &'static str,
) -> Result<(), Fault> {
    use agreement_request::Column as C;
    if answered_otherwise(tx, by).await? {
        return Ok(());
    }
    let done = agreement_request::Entity::find()
        .filter(C::PatientId.eq(by.patient_id))
        .filter(C::AgreementId.eq(by.id))
        .filter(C::Status.eq(Status::Fulfilled));
    for row in done.all(tx).await? {
        agreement_request::Entity::update_many()
            .set(agreement_request::ActiveModel {
                status: Set(Status::Open),
                agreement_id: Set(None),
                ended_at: Set(None),
                ended_by_kind: Set(None),
                ended_by_id: Set(None),
                row_version: Set(row.row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(C::Id.eq(row.id))
            .exec(tx)
            .await?;
        wait(tx, session, &row, Some(why.into())).await?;
        let change = Change {
            kind: "agreement_request",
            subject: row.id.0,
            before: Some(json!({ "status": row.status })),
            after: Some(json!({ "status": Status::Open, "dueAt": row.due_at })),
        };
        history::record(tx, session, (&row).into(), action, [change]).await?;
        act::emit(tx, session, [event("agreement.requested", &row)]).await?;
    }
    Ok(())
}

/// Whether something else answers what the patient has asked this care provider for: another agreement, or a request
/// that waits already.
pub async fn answered_otherwise(tx: &Tx, but: &agreement::Model) -> Result<bool, Fault> {
    use agreement::Column as A;
    let another = agreement::Entity::find()
        .filter(A::PatientId.eq(but.patient_id))
        .filter(A::Region.eq(but.region.as_str()))
        .filter(A::CareProviderId.eq(but.care_provider_id))
        .filter(A::Id.ne(but.id))
        .filter(A::Status.ne(agreement::Status::Ended));
    if another.one(tx).await?.is_some() {
        return Ok(true);
    }
    Ok(waiting(but).one(tx).await?.is_some())
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
        .filter(agreement_request::Column::Status.eq(Status::Open))
        .lock_exclusive();
    for request in open.all(tx).await? {
        let how = Ended {
            status: Status::Deceased,
            task: Ending::Superseded,
            agreement: None,
            told: None,
            words: None,
            action,
        };
        settle(tx, session, &request, &how).await?;
    }
    Ok(())
}
