//! The signal to the fast vårdkontakt: whoever coordinates a patient's care hears of what others do with the plan.
//!
//! Across care providers it needs the patient's consent, which cannot be given yet: until then only a contact of the
//! same provider is told.

use chrono::TimeDelta;
use entity::{AgreementVersionId, agreement, assignment, care_contact, task::Kind};
use sea_orm::EntityTrait;
use uuid::Uuid;

use crate::{
    auth::actor::StaffActor,
    db::Tx,
    domain::{
        contact::fast_vardkontakt,
        history::Owner,
        task::{Raise, note_anew, raise, words::Words},
    },
    error::{Fault, Text},
    session::Session,
};

/// How soon a signal is to be seen.
const SEEN_WITHIN: TimeDelta = TimeDelta::days(3);

/// Somebody in care has drawn up an agreement, or a proposal: the lead fast vårdkontakt is told, unless it is them.
pub async fn drawn_up(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    author: &StaffActor,
) -> Result<(), Fault> {
    let Some(contact) = fast_vardkontakt(tx, session, agreement.patient_id, author.care_provider).await?
    else {
        return Ok(());
    };
    // The same person may act under another assignment.
    if let Some(assignment) = contact.assignment_id {
        let person = assignment::Entity::find_by_id(assignment).one(tx).await?;
        if person.is_some_and(|a| a.staff_member_id == author.staff_member) {
            return Ok(());
        }
    }
    let note = Words::ours(
        "Någon annan har skrivit i patientens patientkontrakt. Läs det som är nytt.",
        "Somebody else has written in the patient's agreement. Read what is new.",
    );
    tell(tx, session, agreement, Some(&contact), note).await
}

/// The patient's side has ended the agreement, as `left` says: the fast vårdkontakt is told, or else the unit that drew
/// it up.
pub(super) async fn patient_has_left(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    left: &Text,
) -> Result<(), Fault> {
    let contact = fast_vardkontakt(tx, session, agreement.patient_id, agreement.care_provider_id).await?;
    let note = Words::ours(
        format!("{}. Se till att det som pågår inte tappas bort.", left.sv),
        format!("{}. See to it that nothing under way is lost.", left.en),
    );
    tell(tx, session, agreement, contact.as_ref(), note).await
}

/// One of joint guardians wants to end the agreement. Each of them has a task of their own, which says what they said
/// last.
pub(super) async fn wants_to_leave(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    note: Words,
) -> Result<(), Fault> {
    let contact = fast_vardkontakt(tx, session, agreement.patient_id, agreement.care_provider_id).await?;
    let subject = session.actor.id();
    note_anew(tx, session, Kind::PlanSignal, subject, &note).await?;
    tell_about(tx, session, agreement, subject, contact.as_ref(), note).await
}

/// Something to deal with about one version: the fast vårdkontakt is told, or else the agreement's unit.
pub async fn about(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    note: Words,
) -> Result<(), Fault> {
    let contact = fast_vardkontakt(tx, session, agreement.patient_id, agreement.care_provider_id).await?;
    tell_about(tx, session, agreement, version.0, contact.as_ref(), note).await
}

async fn tell(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    contact: Option<&care_contact::Model>,
    note: Words,
) -> Result<(), Fault> {
    tell_about(tx, session, agreement, agreement.id.0, contact, note).await
}

async fn tell_about(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    subject: Uuid,
    contact: Option<&care_contact::Model>,
    note: Words,
) -> Result<(), Fault> {
    let mut owner = Owner::from(agreement);
    if let Some(contact) = contact {
        (owner.care_unit, owner.care_provider) = (contact.care_unit_id, contact.care_provider_id);
    }
    let signal = Raise {
        kind: Kind::PlanSignal,
        owner,
        assignee: contact.and_then(|c| c.assignment_id),
        subject,
        due_at: session.now() + SEEN_WITHIN,
        note: Some(note),
    };
    raise(tx, session, &signal).await?;
    Ok(())
}
