//! Who is told of an assent, and what the history says of it.

use entity::{
    AgreementVersionId, agreement,
    agreement_version::{self, Party, Status},
};
use serde_json::json;

use super::{
    consent::Yes,
    rules::Assented,
    version::{Locked, event},
};
use crate::{
    db::Tx,
    domain::{
        act,
        history::Change,
        notice::{News, news},
    },
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
        let by_word = yes.giver.is_some_and(|giver| giver.oral.is_some());
        let told = if by_word { News::ActiveByWord } else { News::Active };
        news::tell_of_version(tx, session, agreement, version.id, told).await?;
    }
    if let Some(waits) = waits_for_patient(agreement, version, yes) {
        news::tell_of_version(tx, session, agreement, version.id, waits).await?;
    }
    act::emit(tx, session, events).await?;
    Ok(changes)
}

/// What care has said yes to and waits for the patient alone.
fn waits_for_patient(
    agreement: &agreement::Model,
    version: &agreement_version::Model,
    yes: &Yes<'_>,
) -> Option<News> {
    let undecided = agreement.status == agreement::Status::PatientUndecided;
    let by_care = yes.giver.is_some_and(|giver| giver.side == Party::Care);
    match yes.effect {
        Assented::AwaitsChoice => Some(News::Choice),
        Assented::Waits if undecided && version.proposed_by == Some(Party::Patient) => {
            Some(News::AcceptedUndecided)
        }
        // Proposed for the patient by somebody who may not assent, or by one of joint guardians.
        Assented::Waits if by_care && version.proposed_by == Some(Party::Patient) => Some(News::AcceptedFor),
        _ => None,
    }
}
