//! Who is to hear of what is done to an agreement, and what they are called.
//!
//! Messages about the plan go to the patient alone, as the patient has chosen; whom none of them reaches gets a letter: the
//! patient, and the guardians who have a say. Care reads who acted for the patient.

use entity::{
    AgreementVersionId, RepresentativeId,
    access_event::ActorKind,
    agreement,
    patient::{self, ProtectedIdentity},
    patient_identity,
    representative::{self as named, Kind},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::standing;
use crate::{
    auth::policy::{Action, Noun, Rights},
    crypto::Place,
    db::Tx,
    domain::{
        notice::{self, Heard},
        patient::IDENTITY_LOOKUP,
        representative::{self, NUMBER},
    },
    error::{Fault, Text},
    session::Session,
};

/// Those of the patient's side but whoever acts whom no message of this version, of what `rule` is called, tells of it, if
/// there are any.
pub(super) async fn whom_nothing_reaches(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    (version, rule): (AgreementVersionId, &'static str),
    theirs: &[(named::Model, Rights)],
) -> Result<Option<Text>, Fault> {
    let by = session.actor.kind();
    let guardians = other_guardians(tx, session, agreement, theirs).await?;
    let heard = by == ActorKind::Patient
        || notice::plan_notice(tx, session, agreement, version, rule).await? == Heard::Told;
    // A child who does not decide is told by the guardians.
    let is_written_to = !heard
        && (representative::patient_may_assent(tx, session, agreement.patient_id).await?
            || (by == ActorKind::Staff && guardians.is_empty()));
    let patient = is_written_to.then(|| Text::new("patienten", "the patient"));
    Ok(listed(patient.into_iter().chain(guardians)))
}

/// The guardians who have a say, but for whoever acts.
pub(super) async fn other_guardians(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    theirs: &[(named::Model, Rights)],
) -> Result<Vec<Text>, Fault> {
    let excepted = standing::excepted(tx, agreement.id).await?;
    let have_a_say = theirs.iter().filter(|(row, rights)| {
        row.kind == Kind::Guardian
            && row.id != RepresentativeId(session.actor.id())
            && rights.cover(Noun::Agreement, Action::Read)
            && !excepted.contains(&row.id)
    });
    let have_a_say: Vec<&named::Model> = have_a_say.map(|(row, _)| row).collect();
    let mut guardians = Vec::new();
    for row in have_a_say {
        guardians.push(called(tx, session, row).await?);
    }
    Ok(guardians)
}

/// The representative who acts for the patient, if one does.
pub(super) async fn representing(
    tx: &Tx,
    session: &Session,
    theirs: &[(named::Model, Rights)],
) -> Result<Option<Text>, Fault> {
    if session.actor.kind() != ActorKind::Representative {
        return Ok(None);
    }
    let by = RepresentativeId(session.actor.id());
    Ok(Some(match theirs.iter().find(|(row, _)| row.id == by) {
        Some((row, _)) => called(tx, session, row).await?,
        None => Text::new("ett ombud", "a representative"),
    }))
}

/// All of them in one phrase; none of nobody.
pub(super) fn listed(all: impl IntoIterator<Item = Text>) -> Option<Text> {
    all.into_iter().reduce(|before, next| before.and([" och ", " and "], &next))
}

/// What staff read a representative called: by name, unless the identity of either is protected, and by what they are
/// to the patient.
async fn called(tx: &Tx, session: &Session, row: &named::Model) -> Result<Text, Fault> {
    let (sv, en) = match row.kind {
        Kind::Guardian => ("vårdnadshavare", "guardian"),
        Kind::GodMan => ("god man", "god man"),
        Kind::Relative => ("närstående", "relative"),
    };
    if is_protected(tx, session, row).await? {
        return Ok(Text::new(format!("en {sv}"), format!("a {en}")));
    }
    let name = &row.display_name;
    Ok(Text::new(format!("{name} ({sv})"), format!("{name} ({en})")))
}

/// Whether the patient's identity is protected, or that of the representative, who may be a patient here too.
async fn is_protected(tx: &Tx, session: &Session, row: &named::Model) -> Result<bool, Fault> {
    let keys = &session.core.keys;
    let number = keys.open(Place::new(NUMBER, row.id.0), &row.number)?;
    let own = patient_identity::Entity::find()
        .filter(patient_identity::Column::Lookup.is_in(keys.lookup_hashes(IDENTITY_LOOKUP, &number)))
        .all(tx)
        .await?;
    let people = own.iter().map(|identity| identity.patient_id).chain([row.patient_id]);
    let protected = patient::Entity::find()
        .filter(patient::Column::Id.is_in(people))
        .filter(patient::Column::ProtectedIdentity.ne(ProtectedIdentity::None))
        .one(tx)
        .await?;
    Ok(protected.is_some())
}
