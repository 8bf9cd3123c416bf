//! What becomes of a request that an appointment answers.
//!
//! It has ended, and keeps whose role answered it: a role that ends before it began, or that care ends soon, has answered
//! nothing, and the request waits again. That the patient was consulted about the end takes nothing back: only their own
//! withdrawal does. Whoever the role is handed over to, or who has it next, answers it from then on.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    care_contact::{self, Consultation, Role},
    care_unit,
    contact_request::{self, Status},
    task,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::LockType,
};
use serde_json::json;

use super::{offer, request};
use crate::{
    db::Tx,
    domain::{
        act,
        history::{self, Change},
        task::{self as tasks, Ending, words::Words},
    },
    error::Fault,
    session::Session,
};

/// What the task says when a role has ended before it began.
const AGAIN: (&str, &str) = (
    "Den kontakt som var planerad blev inte av. Patienten väntar fortfarande på en kontakt.",
    "The contact that was planned came to nothing. The patient still waits for a contact.",
);
/// What the task says when a role has ended, and the patient was told and not consulted.
const LEFT: (&str, &str) = (
    "Kontakten har slutat. Patienten har informerats men inte varit med och bestämt, och väntar på en ny kontakt.",
    "The contact's role has ended. The patient was told and not consulted, and waits for a new contact.",
);
/// What the task says when a role has soon ended, and the patient was consulted.
const LEFT_AGREED: (&str, &str) = (
    "Kontakten slutade i samråd med patienten, men patientens begäran är kvar. Utse en ny kontakt. Vill patienten inte ha \
     någon, anteckna att patienten tar tillbaka sin begäran och hur det sades.",
    "The contact's role ended in consultation with the patient, but the patient's request stands. Appoint a new contact. If \
     the patient wants none, write down that the patient takes the request back, and how they said so.",
);
/// A role that ends this soon after it began has not answered what was asked for.
const SOON: TimeDelta = TimeDelta::days(30);

/// Ends the requests that the appointment answers, and every other task to appoint somebody to the role. A role that
/// is planned to begin after their deadline answers them when it begins.
pub(super) async fn fulfil(
    tx: &Tx,
    session: &Session,
    requests: &[contact_request::Model],
    contact: &care_contact::Model,
    action: &'static str,
) -> Result<(), Fault> {
    let now = session.now();
    let in_time = |due_at: DateTime<Utc>| contact.valid_from <= due_at.max(now);
    for row in requests.iter().filter(|row| in_time(row.due_at)) {
        let changed = contact_request::Entity::update_many()
            .set(contact_request::ActiveModel {
                status: Set(Status::Appointed),
                ended_at: Set(Some(now)),
                contact_id: Set(Some(contact.id)),
                row_version: Set(row.row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(contact_request::Column::Id.eq(row.id))
            .filter(contact_request::Column::Status.eq(Status::Open))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            continue;
        }
        let change = Change {
            kind: "contact_request",
            subject: row.id.0,
            before: Some(json!({ "status": row.status })),
            after: Some(json!({ "status": Status::Appointed, "contact": contact.id })),
        };
        history::record(tx, session, request::owner(row), action, [change]).await?;
        act::emit(tx, session, [request::event(row, "contact.request_ended")]).await?;
    }
    let open = task::Entity::find()
        .filter(task::Column::PatientId.eq(contact.patient_id))
        .filter(task::Column::CareProviderId.eq(contact.care_provider_id))
        .filter(task::Column::Kind.eq(task::Kind::AppointContact))
        .filter(task::Column::Status.eq(task::Status::Open))
        .order_by_asc(task::Column::Id)
        // Somebody may take one of them or note something in it just now, and must not keep it from being ended.
        .lock(LockType::NoKeyUpdate)
        .all(tx)
        .await?;
    for task in open.into_iter().filter(|task| in_time(task.due_at)) {
        if asks_for(tx, &task, contact).await? {
            let words = Some(Words::ours("En kontakt är utsedd.", "A contact has been appointed."));
            tasks::close(tx, session, &task, Ending::Done, words).await?;
        }
    }
    Ok(())
}

/// The role has begun: what it was planned too late for is answered now, and what was offered meanwhile is overtaken.
pub(super) async fn begun(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
    action: &'static str,
) -> Result<(), Fault> {
    let (patient, provider) = (contact.patient_id, contact.care_provider_id);
    let requests = request::answered_by(tx, patient, provider, contact.role, contact.treating_kind).await?;
    fulfil(tx, session, &requests, contact, action).await?;
    offer::overtaken(tx, session, contact, action).await
}

/// The role has ended before it began: what it answered waits again, with the deadline it had.
pub(super) async fn unfulfilled(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
    action: &'static str,
) -> Result<(), Fault> {
    for row in of(tx, std::slice::from_ref(contact)).await? {
        wait_again(tx, session, &row, AGAIN.into(), action).await?;
    }
    Ok(())
}

/// The role ended at `at`, as care says with or without consulting the patient: care cannot close what the patient asked
/// for by ending what answered it. It waits again where its deadline has not passed, or where the role ends [`SOON`] after it
/// began, unless somebody else at the care provider has the role by then. The deadline is the one it had or, where that
/// has passed, a new one. What has been answered for longer stays so: where the patient was only told, the guard raises
/// the gap.
pub(super) async fn left(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
    (at, consultation): (DateTime<Utc>, Consultation),
    action: &'static str,
) -> Result<(), Fault> {
    let note = match consultation {
        Consultation::Told => LEFT,
        Consultation::Consulted => LEFT_AGREED,
    };
    let soon = at.signed_duration_since(contact.valid_from) <= SOON;
    for row in of(tx, std::slice::from_ref(contact)).await? {
        if !soon && row.due_at <= at {
            continue;
        }
        let due_at = if row.due_at > session.now() {
            row.due_at
        } else {
            let unit = care_unit::Entity::find_by_id(row.care_unit_id).one(tx).await?;
            request::deadline(session, &unit.ok_or_else(|| Fault::internal("a request without its unit"))?)?
        };
        if let Some(next) = follower(tx, contact, due_at).await? {
            by_next(tx, session, &row, &next, action).await?;
            continue;
        }
        let row = contact_request::Model { due_at, ..row };
        wait_again(tx, session, &row, note.into(), action).await?;
    }
    Ok(())
}

/// The requests that these roles have answered.
pub(super) async fn of(
    tx: &Tx,
    contacts: &[care_contact::Model],
) -> Result<Vec<contact_request::Model>, Fault> {
    use contact_request::Column as C;
    Ok(contact_request::Entity::find()
        .filter(C::PatientId.is_in(contacts.iter().map(|contact| contact.patient_id)))
        .filter(C::ContactId.is_in(contacts.iter().map(|contact| contact.id)))
        .filter(C::Status.eq(Status::Appointed))
        .order_by_asc(C::Id)
        .all(tx)
        .await?)
}

/// Somebody else at the care provider who has the role by `due_at`.
async fn follower(
    tx: &Tx,
    contact: &care_contact::Model,
    due_at: DateTime<Utc>,
) -> Result<Option<care_contact::Model>, Fault> {
    use care_contact::Column as C;
    let other = care_contact::Entity::find()
        .filter(C::PatientId.eq(contact.patient_id))
        .filter(C::CareProviderId.eq(contact.care_provider_id))
        .filter(C::Role.eq(contact.role))
        .filter(match contact.treating_kind {
            Some(kind) => C::TreatingKind.eq(kind),
            None => C::TreatingKind.is_null(),
        })
        .filter(C::Status.ne(care_contact::Status::Ended))
        .filter(C::ValidFrom.lte(due_at))
        .filter(C::Id.ne(contact.id))
        .order_by_asc(C::ValidFrom)
        .order_by_asc(C::Id);
    Ok(other.one(tx).await?)
}

/// What one contact had answered is answered by the next one. Should that one come to nothing, it waits again.
pub(super) async fn by_next(
    tx: &Tx,
    session: &Session,
    row: &contact_request::Model,
    next: &care_contact::Model,
    action: &'static str,
) -> Result<(), Fault> {
    contact_request::Entity::update_many()
        .set(contact_request::ActiveModel {
            contact_id: Set(Some(next.id)),
            row_version: Set(row.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(contact_request::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    let change = Change {
        kind: "contact_request",
        subject: row.id.0,
        before: Some(json!({ "contact": row.contact_id })),
        after: Some(json!({ "contact": next.id })),
    };
    history::record(tx, session, request::owner(row), action, [change]).await
}

/// An answered request waits again until its `due_at`, unless the same has been asked for anew.
async fn wait_again(
    tx: &Tx,
    session: &Session,
    row: &contact_request::Model,
    note: Words,
    action: &'static str,
) -> Result<(), Fault> {
    let (patient, provider) = (row.patient_id, row.care_provider_id);
    if !request::answered_by(tx, patient, provider, row.role, row.treating_kind).await?.is_empty() {
        return Ok(());
    }
    contact_request::Entity::update_many()
        .set(contact_request::ActiveModel {
            status: Set(Status::Open),
            due_at: Set(row.due_at),
            ended_at: Set(None),
            contact_id: Set(None),
            row_version: Set(row.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(contact_request::Column::Id.eq(row.id))
        .exec(tx)
        .await?;
    request::hand_to_unit(tx, session, row, note).await?;
    let change = Change {
        kind: "contact_request",
        subject: row.id.0,
        before: Some(json!({ "status": row.status })),
        after: Some(json!({ "status": Status::Open, "dueAt": row.due_at })),
    };
    history::record(tx, session, request::owner(row), action, [change]).await?;
    act::emit(tx, session, [request::event(row, "contact.requested")]).await
}

/// Whether a task to appoint somebody is about the role that now is given. One that follows no request asks for
/// a fast vårdkontakt.
async fn asks_for(tx: &Tx, task: &task::Model, contact: &care_contact::Model) -> Result<bool, Fault> {
    let wanted = (contact.role, contact.treating_kind);
    if let Some(row) = contact_request::Entity::find_by_id(task.subject_id).one(tx).await? {
        return Ok(wanted == (row.role, row.treating_kind));
    }
    Ok(contact.role == Role::FastVardkontakt)
}
