//! Who hears of a no: the other side, and everybody of the patient's own but whoever said it.
//!
//! Care hears in a task, which names whoever said no for the patient. Messages about the plan go to the patient alone, as
//! the patient has chosen; whom none of them reaches gets a letter: the patient, and the guardians who have a say.

use entity::{
    AgreementVersionId, RepresentativeId,
    access_event::ActorKind,
    agreement,
    agreement_version::{self, Party},
    patient::{self, ProtectedIdentity},
    patient_identity,
    representative::{self as named, Kind},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{decline_rules::Voice, signal, standing};
use crate::{
    auth::policy::{Action, Noun, Rights},
    crypto::Place,
    db::Tx,
    domain::{
        notice::{self, Heard},
        patient::IDENTITY_LOOKUP,
        representative::{self, NUMBER},
        task::{letter, words::Words},
    },
    error::{Fault, Stop, Text},
    session::Session,
};

/// Tells of it.
pub(super) async fn told(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: &agreement_version::Model,
    voice: Voice,
    words: &str,
) -> Result<(), Stop> {
    let theirs = representative::in_force(tx, session, agreement.patient_id).await?;
    let to_what = match version.proposed_by {
        Some(Party::Patient) => ("ett förslag från patientens sida", "a proposal of the patient's side"),
        _ => ("ett förslag från vården", "a proposal of care's"),
    };
    let said = said(tx, session, &theirs, voice, to_what).await?;
    if voice != Voice::Care {
        let note = Words::ours(format!("{}: {words}", said.sv), format!("{}: {words}", said.en));
        signal::about(tx, session, agreement, version.id, note).await?;
    }
    if let Some(whom) = whom_nothing_reaches(tx, session, agreement, version.id, &theirs).await? {
        let note = match voice {
            Voice::Care => Words::ours(
                format!("{}. Skriv eller ring till {}, och berätta varför.", said.sv, whom.sv),
                format!("{}. Write to or phone {}, and tell them why.", said.en, whom.en),
            ),
            Voice::WrittenDown => Words::ours(
                format!(
                    "Skicka en bekräftelse till {} på att patienten har sagt nej till {}, så som det är antecknat.",
                    whom.sv, to_what.0
                ),
                format!(
                    "Send {} a confirmation that the patient has said no to {}, as it was written down.",
                    whom.en, to_what.1
                ),
            ),
            Voice::PatientsSide => Words::ours(
                format!("{}. Skriv eller ring till {}, och berätta det.", said.sv, whom.sv),
                format!("{}. Write to or phone {}, and tell them.", said.en, whom.en),
            ),
        };
        letter::anew(tx, session, agreement.into(), version.id.0, note).await?;
    }
    Ok(())
}

/// Who has said no, to what.
async fn said(
    tx: &Tx,
    session: &Session,
    theirs: &[(named::Model, Rights)],
    voice: Voice,
    (to_what_sv, to_what_en): (&str, &str),
) -> Result<Text, Fault> {
    let said_for = if session.actor.kind() == ActorKind::Representative {
        let by = RepresentativeId(session.actor.id());
        Some(match theirs.iter().find(|(row, _)| row.id == by) {
            Some((row, _)) => called(tx, session, row).await?,
            None => Text::new("ett ombud", "a representative"),
        })
    } else {
        None
    };
    Ok(match (voice, said_for) {
        (Voice::Care, _) => Text::new(
            format!("Vården har sagt nej till {to_what_sv}"),
            format!("Care has said no to {to_what_en}"),
        ),
        (_, Some(who)) => Text::new(
            format!("För patienten har {} sagt nej till {to_what_sv}", who.sv),
            format!("For the patient, {} has said no to {to_what_en}", who.en),
        ),
        (_, None) => Text::new(
            format!("Patienten har sagt nej till {to_what_sv}"),
            format!("The patient has said no to {to_what_en}"),
        ),
    })
}

/// Those of the patient's side but whoever said no whom no message tells of it, if there are any.
async fn whom_nothing_reaches(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    theirs: &[(named::Model, Rights)],
) -> Result<Option<Text>, Fault> {
    let by = session.actor.kind();
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
    let heard = by == ActorKind::Patient
        || notice::plan_notice(tx, session, agreement, version, "PLAN_DECLINED").await? == Heard::Told;
    // A child who does not decide is told by the guardians.
    let is_written_to = !heard
        && (representative::patient_may_assent(tx, session, agreement.patient_id).await?
            || (by == ActorKind::Staff && guardians.is_empty()));
    let patient = is_written_to.then(|| Text::new("patienten", "the patient"));
    let all: Vec<Text> = patient.into_iter().chain(guardians).collect();
    Ok(all.into_iter().reduce(|before, next| {
        Text::new(format!("{} och {}", before.sv, next.sv), format!("{} and {}", before.en, next.en))
    }))
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
