//! What time does to contacts: a planned one begins, one that has come to its planned end is over.
//!
//! Done for one patient whenever their contacts are changed, and by the sweep for those that nobody touches.

use entity::{
    CareContactId, PatientId,
    care_contact::{self, Consultation, Status},
    register_event, task,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, sea_query::ExprTrait,
};
use serde_json::json;

use super::{guard, register, request_answered};
use crate::{
    crypto::Place,
    db::Tx,
    domain::{
        act,
        history::{self, Change},
        patient::lock_all,
        reason,
        task::Ending,
        task::words::Words,
    },
    error::Fault,
    session::Session,
};

/// The name of what time does, in the history.
const ACTION: &str = "contactSweep";

/// Brings the statuses of a patient's contacts up to now, under a lock on them. Gives how many it moved.
pub async fn settle(tx: &Tx, session: &Session, patient: PatientId) -> Result<usize, Fault> {
    settle_all(tx, session, &[patient]).await
}

/// [`settle`] of several patients: as many statements as of one, and a few for each contact whose time has come.
///
/// Row versions stay as they are: nobody has edited anything, and who read the contact before may still act on it.
pub async fn settle_all(tx: &Tx, session: &Session, patients: &[PatientId]) -> Result<usize, Fault> {
    use care_contact::Column as C;
    let now = session.now();
    lock_all(tx, patients).await?;
    let begun = C::Status.eq(Status::Planned).and(C::ValidFrom.lte(now));
    let moved = care_contact::Entity::find()
        .filter(C::PatientId.is_in(patients.iter().copied()))
        .filter(C::Status.ne(Status::Ended))
        .filter(Condition::any().add(C::ValidUntil.lte(now)).add(begun))
        .order_by_asc(C::PatientId)
        .order_by_asc(C::ValidFrom)
        .all(tx)
        .await?;
    if moved.is_empty() {
        return Ok(0);
    }
    // Those that are over first: they make room.
    let (over, begun): (Vec<_>, Vec<_>) =
        moved.iter().partition(|contact| contact.valid_until.is_some_and(|until| until <= now));
    for contact in &over {
        expire(tx, session, contact).await?;
    }
    for contact in &begun {
        activate(tx, session, contact).await?;
    }
    // Who follows has begun by now.
    for contact in &over {
        if let Some(consultation) = contact.consultation {
            let how = (contact.valid_until.unwrap_or(now), consultation);
            request_answered::left(tx, session, contact, how, ACTION).await?;
        }
    }
    let told = over.iter().filter(|contact| contact.consultation == Some(Consultation::Told));
    let told: Vec<CareContactId> = told.map(|contact| contact.id).collect();
    guard::settle_with(tx, session, patients, &told).await?;
    Ok(moved.len())
}

async fn expire(tx: &Tx, session: &Session, contact: &care_contact::Model) -> Result<(), Fault> {
    let keys = &session.core.keys;
    let place = Place::new("care_contact.end_reason", contact.id.0);
    let given = keys.open_opt(place, contact.end_reason.as_ref())?;
    let why = given.as_deref().unwrap_or(reason::PLANNED_END.0);
    let ended =
        care_contact::Model { status: Status::Ended, ended_at: contact.valid_until, ..contact.clone() };
    care_contact::Entity::update_many()
        .set(care_contact::ActiveModel {
            status: Set(ended.status),
            ended_at: Set(ended.ended_at),
            end_reason: Set(Some(keys.seal(place, why)?)),
            ..Default::default()
        })
        .filter(care_contact::Column::Id.eq(contact.id))
        .exec(tx)
        .await?;
    let words = Some(Words::ours("Uppdraget tog slut som planerat.", "The role ended as planned."));
    crate::domain::task::end(tx, session, task::Kind::ContactReview, contact.id.0, Ending::Superseded, words)
        .await?;
    let change = Change {
        kind: "care_contact",
        subject: contact.id.0,
        before: Some(json!({ "status": contact.status })),
        after: Some(json!({ "status": Status::Ended, "reason": why })),
    };
    history::record(tx, session, contact.into(), ACTION, [change]).await?;
    register::tell(tx, session, &ended, register_event::Change::Ended).await
}

async fn activate(tx: &Tx, session: &Session, contact: &care_contact::Model) -> Result<(), Fault> {
    care_contact::Entity::update_many()
        .set(care_contact::ActiveModel { status: Set(Status::Active), ..Default::default() })
        .filter(care_contact::Column::Id.eq(contact.id))
        .exec(tx)
        .await?;
    let change = Change {
        kind: "care_contact",
        subject: contact.id.0,
        before: Some(json!({ "status": contact.status })),
        after: Some(json!({ "status": Status::Active })),
    };
    history::record(tx, session, contact.into(), ACTION, [change]).await?;
    act::emit(tx, session, [register::event(contact, "contact.activated")]).await?;
    request_answered::begun(tx, session, contact, ACTION).await
}
