//! What a representative (ombud) may say no to in the patient's place, whether they decline it, take it back or end the
//! agreement: nothing that the patient has answered themself, and nothing that needs no yes of theirs.

use entity::{RepresentativeId, access_event::ActorKind, agreement, agreement_version};

use super::{
    decline_rules::{the_patient_has_assented, the_patient_has_objected, the_patient_says_no},
    end::open_versions,
    objection::Objector,
    rules, standing,
};
use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::representative,
    error::Stop,
    session::Session,
};

/// Refuses a representative's no to these versions of the agreement, where it is not theirs to say.
pub(super) async fn may_say_no(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    versions: &[agreement_version::Model],
) -> Result<(), Stop> {
    if session.actor.kind() != ActorKind::Representative {
        return Ok(());
    }
    over_no_word_of_the_patients(tx, session, agreement, versions).await?;
    if agreement.status == agreement::Status::PatientUndecided {
        return Err(the_patient_says_no().into());
    }
    not_excepted(tx, session, agreement).await
}

/// The same of the end of the agreement: it is a no to all that is in force, waits or is being written.
pub(super) async fn may_end(tx: &Tx, session: &Session, agreement: &agreement::Model) -> Result<(), Stop> {
    if session.actor.kind() != ActorKind::Representative {
        return Ok(());
    }
    let open = open_versions(tx, agreement.id).await?;
    may_say_no(tx, session, agreement, &open).await
}

/// The same of what is taken back. Whoever may propose takes back what nobody else has said yes to for the patient; a
/// first draft ends the agreement with it, and takes the right to that.
pub(super) async fn may_take_back(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: &agreement_version::Model,
) -> Result<(), Stop> {
    if session.actor.kind() != ActorKind::Representative {
        return Ok(());
    }
    let versions = std::slice::from_ref(version);
    if agreement.status == agreement::Status::Draft {
        policy::check(&session.actor, Noun::Agreement, Action::End)?;
        return may_say_no(tx, session, agreement, versions).await;
    }
    over_no_word_of_the_patients(tx, session, agreement, versions).await?;
    if version.patient_assent_id.is_none_or(|by| by == session.actor.id()) {
        return Ok(());
    }
    policy::check(&session.actor, Noun::Agreement, Action::Answer)?;
    not_excepted(tx, session, agreement).await
}

/// What the patient has said themself counts as long as they decide.
async fn over_no_word_of_the_patients(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    versions: &[agreement_version::Model],
) -> Result<(), Stop> {
    let assented = |v: &agreement_version::Model| v.patient_assent_kind == Some(ActorKind::Patient);
    let objected = |v: &agreement_version::Model| Objector::of(v) == Some(Objector::Patient);
    let refusal = if versions.iter().any(assented) {
        the_patient_has_assented()
    } else if versions.iter().any(objected) {
        the_patient_has_objected()
    } else {
        return Ok(());
    };
    if representative::patient_may_assent(tx, session, agreement.patient_id).await? {
        return Err(refusal.into());
    }
    Ok(())
}

async fn not_excepted(tx: &Tx, session: &Session, agreement: &agreement::Model) -> Result<(), Stop> {
    if standing::excepted(tx, agreement.id).await?.contains(&RepresentativeId(session.actor.id())) {
        return Err(rules::excepted_guardian().into());
    }
    Ok(())
}
