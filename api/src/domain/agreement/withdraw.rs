//! Taking back (återta): a draft, or a proposal of one's own side that nobody has answered. What the patient has said yes
//! to themself no representative takes back for them.
//!
//! What becomes of the agreement:
//! - in force: it stays in force as it is;
//! - a first version that was proposed: what it says goes on as a draft, to be changed and proposed again - or, where
//!   the other side has begun a counter-proposal, that draft goes on - and what the patient had asked for waits again
//!   until there is a proposal;
//! - a first draft: there is nothing left to agree on, and the agreement ends. Care says why, and what the patient had
//!   asked for still waits.

use entity::{
    AgreementId, AgreementVersionId,
    agreement::{self, EndReason},
    agreement_offer::Way,
    agreement_version::{self, Party, Status, Withdrawal},
};
use serde::Serialize;
use serde_json::json;

use super::{
    change,
    end::{self, Finish},
    may_say_no::may_take_back,
    members, rules, taken_back,
    version::{Locked, event},
};
use crate::{
    auth::policy::Action,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history, offer, request, text,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which version, as the caller read the agreement.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    /// Why. Care says it when the agreement ends with the draft.
    pub words: Option<String>,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementWithdraw";

/// Takes the version back. It stays readable; goals and items that nothing else holds are called off.
pub async fn withdraw(session: &Session, key: &str, cmd: &Withdraw) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let mut agreement = Locked::reach(tx, session, Action::Propose, cmd.agreement).await?;
        let side = session.actor.party().ok_or_else(Problem::forbidden)?;
        let version = agreement.version(tx, cmd.version, "versionId").await?;
        rules::not_ended(agreement.status)?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        rules::withdraw(agreement.status, version.status, version.proposed_by, side)?;
        may_take_back(tx, session, &agreement, &version).await?;
        let ends = agreement.status == agreement::Status::Draft;
        let words = reason(cmd.words.as_deref(), ends && side == Party::Care)?;
        let is_told = !ends && taken_back::is_to_be_told(tx, session, &agreement, &version).await?;
        act::emit(tx, session, [event(&agreement, "agreement.withdrawn", version.id.0)]).await?;
        let how =
            Fall { withdrawal: Withdrawal::TakenBack, words: words.as_deref(), said: None, action: ACTION };
        fall(tx, session, &mut agreement, version.clone(), &how).await?;
        if is_told {
            taken_back::told(tx, session, &agreement, &version).await?;
        }
        if ends {
            let how = Finish { reason: EndReason::NeverAgreed, words: words.as_deref(), action: ACTION };
            end::leave(tx, session, &agreement, &how).await?;
        }
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", cmd.version.0))
    })
    .await
}

fn reason(words: Option<&str>, needed: bool) -> Result<Option<String>, Vec<Problem>> {
    let mut problems = Vec::new();
    let words = if needed {
        Some(text::required("words", words.unwrap_or_default(), text::TEXT, &mut problems))
    } else {
        text::optional("words", words, text::TEXT, &mut problems)
    };
    if problems.is_empty() { Ok(words) } else { Err(problems) }
}

/// How a version is withdrawn.
pub(super) struct Fall<'a> {
    pub withdrawal: Withdrawal,
    pub words: Option<&'a str>,
    /// In which way it was said to staff who write it down.
    pub said: Option<Way>,
    pub action: &'static str,
}

/// Withdraws the version; a first one that was proposed goes on as a draft.
pub(super) async fn fall(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    version: agreement_version::Model,
    how: &Fall<'_>,
) -> Result<(), Stop> {
    let (was, current, id) = (agreement.status, agreement.current_version_id, version.id.0);
    let next = match (was, version.status) {
        (agreement::Status::Proposed, Status::Proposed) => Some(match agreement.draft(tx).await? {
            Some(answer) => answer.id,
            None => change::open_draft(tx, session, agreement, &version, None, None).await?,
        }),
        _ => None,
    };
    let mut changes = members::withdraw(tx, session, agreement, vec![version], how.withdrawal).await?;
    let after =
        changes.iter_mut().find(|change| change.subject == id).and_then(|change| change.after.as_mut());
    if let Some(after) = after {
        if let Some(words) = how.words {
            after["words"] = json!(words);
        }
        if let Some(said) = how.said {
            after["how"] = json!(said);
        }
    }
    history::record(tx, session, (&**agreement).into(), how.action, changes).await?;
    match next {
        Some(draft) => {
            agreement.touch(tx, session, agreement::Status::Draft, draft).await?;
            let why = match how.withdrawal {
                Withdrawal::Declined if how.said.is_none() && session.actor.party() == Some(Party::Care) => {
                    request::CARE_SAID_NO
                }
                Withdrawal::Declined => request::PATIENT_SAID_NO,
                _ => request::UNPROPOSED,
            };
            request::unfulfilled(tx, session, agreement, why, how.action).await?;
            Ok(offer::unfulfilled(tx, session, agreement, why).await?)
        }
        None => agreement.touch(tx, session, was, current).await,
    }
}
