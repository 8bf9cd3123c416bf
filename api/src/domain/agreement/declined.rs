//! Who hears of a no: the other side, in a task which names whoever said it for the patient, and everybody of the
//! patient's own but whoever said it.

use entity::{
    agreement,
    agreement_version::{self, Party},
    representative as named,
};

use super::{decline_rules::Voice, heard, signal};
use crate::{
    auth::policy::Rights,
    db::Tx,
    domain::{
        representative,
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
    let about = (version.id, "PLAN_DECLINED");
    if let Some(whom) = heard::whom_nothing_reaches(tx, session, agreement, about, &theirs).await? {
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
    let said_for = heard::representing(tx, session, theirs).await?;
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
