//! Who hears that the patient's side has left an agreement, or that one of joint guardians (vårdnadshavare) wants to.

use entity::{
    agreement::{self, EndReason},
    representative::Kind,
};
use serde_json::json;

use super::{heard, signal};
use crate::{
    db::Tx,
    domain::{
        history::{self, Change},
        representative,
        task::{letter, words::Words},
    },
    error::{Fault, Text},
    session::Session,
};

/// The name in the history of what one guardian wants, which ends nothing.
const WANTED: &str = "agreementEndAsk";

/// The patient's side has ended the agreement: care hears who did, and so does everybody of that side but whoever did.
pub(super) async fn told(tx: &Tx, session: &Session, agreement: &agreement::Model) -> Result<(), Fault> {
    let left = left(tx, session, agreement).await?;
    signal::patient_has_left(tx, session, agreement, &left).await?;
    let theirs = representative::in_force(tx, session, agreement.patient_id).await?;
    let about = (agreement.current_version_id, "PLAN_ENDED");
    let whom = heard::whom_nothing_reaches(tx, session, agreement, about, &theirs).await?;
    let Some(whom) = whom else { return Ok(()) };
    let note = Words::ours(
        format!("{}. Skriv eller ring till {}, och berätta det.", left.sv, whom.sv),
        format!("{}. Write to or phone {}, and tell them.", left.en, whom.en),
    );
    let subject = agreement.current_version_id.0;
    letter::anew(tx, session, agreement.into(), subject, note).await
}

/// What care reads of an agreement that the patient's side has left.
pub(super) async fn left(tx: &Tx, session: &Session, agreement: &agreement::Model) -> Result<Text, Fault> {
    let theirs = representative::in_force(tx, session, agreement.patient_id).await?;
    Ok(match heard::representing(tx, session, &theirs).await? {
        Some(who) => Text::new(
            format!("För patienten har {} avslutat patientkontraktet", who.sv),
            format!("For the patient, {} has ended the agreement", who.en),
        ),
        None => Text::new("Patienten har avslutat patientkontraktet", "The patient has ended the agreement"),
    })
}

/// What is in force by the yes of joint guardians one of them does not end alone: care hears that they want to, and talks
/// with both. False when nobody else has a say.
pub(super) async fn wanted_by_one(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    reason: EndReason,
    words: Option<&str>,
) -> Result<bool, Fault> {
    let theirs = representative::in_force(tx, session, agreement.patient_id).await?;
    let is_guardian =
        theirs.iter().any(|(row, _)| row.kind == Kind::Guardian && row.id.0 == session.actor.id());
    if !is_guardian {
        return Ok(false);
    }
    let others = heard::other_guardians(tx, session, agreement, &theirs).await?;
    let who = heard::representing(tx, session, &theirs).await?;
    let Some((who, others)) = who.zip(heard::listed(others)) else {
        return Ok(false);
    };
    let mut note = Text::new(
        format!(
            "{} vill avsluta patientkontraktet, men {} har lika mycket att säga till om. Prata med båda, och avsluta det \
             om de är överens.",
            who.sv, others.sv
        ),
        format!(
            "{} wants to end the agreement, but {} has as much of a say. Talk with both, and end it if they agree.",
            who.en, others.en
        ),
    );
    if let Some(words) = words {
        note = note.and([" ", " "], &Text::new(words, words));
    }
    signal::wants_to_leave(tx, session, agreement, Words::Ours(note)).await?;
    let change = Change {
        kind: "agreement",
        subject: agreement.id.0,
        before: None,
        after: Some(json!({ "reason": reason })),
    };
    history::record(tx, session, agreement.into(), WANTED, [change]).await?;
    Ok(true)
}
