//! Who hears that something was taken back before anybody had agreed on it: a draft that said something, which both sides
//! may have written in, and whatever a representative takes back for the patient.

use entity::{
    access_event::ActorKind,
    agreement,
    agreement_version::{self, Party, Status},
};

use super::{
    heard,
    propose::changes_something,
    signal,
    version::{Locked, document},
};
use crate::{
    db::Tx,
    domain::{
        representative,
        task::{letter, words::Words},
    },
    error::{Fault, Stop, Text},
    session::Session,
};

/// Whether somebody is to hear of it. To be asked before the version is withdrawn.
pub(super) async fn is_to_be_told(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    version: &agreement_version::Model,
) -> Result<bool, Stop> {
    if version.status != Status::Draft {
        return Ok(session.actor.kind() == ActorKind::Representative);
    }
    let Some(from) = version.answers_version_id.or(version.base_version_id) else { return Ok(true) };
    let from = agreement.version(tx, from, "versionId").await?;
    let keys = &session.core.keys;
    Ok(changes_something(&document(tx, keys, &from).await?, &document(tx, keys, version).await?).is_ok())
}

/// Tells the other side of a draft, and the patient's own side of what was not the patient's own act.
pub(super) async fn told(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: &agreement_version::Model,
) -> Result<(), Fault> {
    let theirs = representative::in_force(tx, session, agreement.patient_id).await?;
    let is_draft = version.status == Status::Draft;
    let by_care = session.actor.party() == Some(Party::Care);
    let what = if is_draft {
        ("tagit bort ett utkast till planen", "dropped a draft of the plan")
    } else {
        ("tagit tillbaka ett förslag från patientens sida", "taken back a proposal of the patient's side")
    };
    let who = match heard::representing(tx, session, &theirs).await? {
        _ if by_care => Text::new("Vården har", "Care has"),
        Some(who) => {
            Text::new(format!("För patienten har {}", who.sv), format!("For the patient, {} has", who.en))
        }
        None => Text::new("Patienten har", "The patient has"),
    };
    let said = Text::new(format!("{} {}", who.sv, what.0), format!("{} {}", who.en, what.1));
    if is_draft && !by_care {
        let note = Words::ours(
            format!("{}. Det som stod där har inte föreslagits.", said.sv),
            format!("{}. What it said has not been proposed.", said.en),
        );
        signal::about(tx, session, agreement, version.id, note).await?;
    }
    let about = (version.id, "PLAN_TAKEN_BACK");
    if let Some(whom) = heard::whom_nothing_reaches(tx, session, agreement, about, &theirs).await? {
        let note = Words::ours(
            format!("{}. Skriv eller ring till {}, och berätta det.", said.sv, whom.sv),
            format!("{}. Write to or phone {}, and tell them.", said.en, whom.en),
        );
        letter::write(tx, session, agreement.into(), version.id.0, note).await?;
    }
    Ok(())
}
