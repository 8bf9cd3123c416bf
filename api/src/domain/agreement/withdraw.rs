//! Taking back (återta): a draft, or a proposal of one's own side that nobody has answered.
//!
//! What becomes of the agreement:
//! - in force: it stays in force as it is;
//! - a first version that was proposed: what it says goes on as a draft, to be changed and proposed again - or, where
//!   the other side has begun a counter-proposal, that draft goes on;
//! - a first draft: there is nothing left to agree on, and the agreement ends.

use entity::{
    AgreementId, AgreementVersionId,
    agreement::{self, EndReason},
    agreement_version::{self, Status, Withdrawal},
};
use serde::Serialize;

use super::{
    change,
    end::{self, Finish},
    members, rules,
    version::{Locked, event},
};
use crate::{
    auth::policy::Action,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which version, as the caller read the agreement.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
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
        act::emit(tx, session, [event(&agreement, "agreement.withdrawn", version.id.0)]).await?;
        let ended = take_back(tx, session, &mut agreement, version).await?;
        if ended {
            let how = Finish { reason: EndReason::NeverAgreed, words: None, action: ACTION };
            end::finish(tx, session, &agreement, &how).await?;
        }
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", cmd.version.0))
    })
    .await
}

/// Takes the version back, and tells whether nothing is left to agree on.
async fn take_back(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    version: agreement_version::Model,
) -> Result<bool, Stop> {
    let current = agreement.current_version_id;
    let next = match (agreement.status, version.status) {
        (agreement::Status::Proposed, Status::Proposed) => Some(match agreement.draft(tx).await? {
            Some(answer) => answer.id,
            None => change::open_draft(tx, session, agreement, &version, None, None).await?,
        }),
        _ => None,
    };
    let was = agreement.status;
    let changes = members::withdraw(tx, session, agreement, vec![version], Withdrawal::TakenBack).await?;
    history::record(tx, session, (&**agreement).into(), ACTION, changes).await?;
    match next {
        Some(draft) => agreement.touch(tx, session, agreement::Status::Draft, draft).await?,
        None => agreement.touch(tx, session, was, current).await?,
    }
    Ok(next.is_none() && was == agreement::Status::Draft)
}
