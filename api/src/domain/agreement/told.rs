//! Who is told of an assent, and what the history says of it.

use entity::{
    AgreementVersionId, agreement,
    agreement_version::{self, Party, Status},
};
use serde_json::json;

use super::{
    consent::Yes,
    rules::Assented,
    version::{Locked, event, tell_patient},
};
use crate::{
    db::Tx,
    domain::{act, history::Change, task::letter},
    error::Stop,
    session::Session,
};

/// Tells of the assent; gives what it changed in the versions.
pub(super) async fn told(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    version: &agreement_version::Model,
    yes: &Yes<'_>,
    superseded: Option<AgreementVersionId>,
) -> Result<Vec<Change>, Stop> {
    let effect = yes.effect;
    let activated = effect == Assented::Activates;
    let status = if activated { Status::Active } else { version.status };
    let side = yes.giver.map(|giver| giver.side);
    let mut changes = vec![Change {
        kind: "agreement_version",
        subject: version.id.0,
        before: Some(json!({ "status": version.status })),
        after: Some(json!({ "status": status, "assent": side })),
    }];
    if activated && let Some(old) = superseded {
        changes.push(Change {
            kind: "agreement_version",
            subject: old.0,
            before: Some(json!({ "status": Status::Active })),
            after: Some(json!({ "status": Status::Superseded })),
        });
    }
    let mut events = vec![event(agreement, "agreement.assented", version.id.0)];
    if activated {
        events.push(event(agreement, "agreement.activated", agreement.id.0));
        tell_patient(tx, session, agreement, version.id, "PLAN_ACTIVE").await?;
    }
    if let Some((rule, note)) = waits_for_patient(agreement, version, yes)
        && !tell_patient(tx, session, agreement, version.id, rule).await?
    {
        letter::write(tx, session, (&**agreement).into(), version.id.0, note.into()).await?;
    }
    act::emit(tx, session, events).await?;
    Ok(changes)
}

/// What care has said yes to and waits for the patient alone: who is told of it in no other way gets a letter, with
/// what it is to say.
fn waits_for_patient(
    agreement: &agreement::Model,
    version: &agreement_version::Model,
    yes: &Yes<'_>,
) -> Option<(&'static str, (&'static str, &'static str))> {
    let undecided = agreement.status == agreement::Status::PatientUndecided;
    let by_care = yes.giver.is_some_and(|giver| giver.side == Party::Care);
    match yes.effect {
        Assented::AwaitsChoice => Some((
            "PLAN_CHOICE",
            (
                "Patienten har ett förslag till patientkontrakt att ta ställning till. Skicka det, eller ring.",
                "The patient has a proposed agreement to decide on. Send it, or phone.",
            ),
        )),
        Assented::Waits if undecided && version.proposed_by == Some(Party::Patient) => Some((
            "PLAN_ACCEPTED",
            (
                "Vården har godkänt det som patienten föreslog. Skicka planen med ändringen, eller ring: den gäller när \
                 patienten har läst och godkänt hela planen.",
                "Care has assented to what the patient proposed. Send the plan with the change, or phone: it holds when \
                 the patient has read and assented to the whole plan.",
            ),
        )),
        // Proposed for the patient by somebody who may not assent, or by one of joint guardians.
        Assented::Waits if by_care && version.proposed_by == Some(Party::Patient) => Some((
            "PLAN_ACCEPTED",
            (
                "Vården har godkänt det som föreslogs för patienten. Skicka förslaget, eller ring: det gäller när \
                 patientens sida har godkänt det.",
                "Care has assented to what was proposed for the patient. Send the proposal, or phone: it holds when the \
                 patient's side has assented to it.",
            ),
        )),
        _ => None,
    }
}
