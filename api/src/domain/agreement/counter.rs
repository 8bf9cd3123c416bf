//! Answering a proposal with another one (motförslag): a draft that begins as what was proposed.
//!
//! The proposal stands, and can still be assented to, until the answer is itself proposed.

use entity::{AgreementId, AgreementVersionId, agreement_version::Status};
use serde::Serialize;
use serde_json::json;

use super::{change, rules, version::Locked};
use crate::{
    auth::policy::Action,
    domain::act::{self, Receipt},
    error::{Fault, Problem},
    session::Session,
};

/// Which proposal, as the caller read the agreement.
#[derive(Clone, Debug, Serialize)]
pub struct Counter {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementCounter";

/// Opens the answer as a draft.
pub async fn counter(session: &Session, key: &str, cmd: &Counter) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let mut agreement = Locked::reach(tx, session, Action::Propose, cmd.agreement).await?;
        let side = session.actor.party().ok_or_else(Problem::forbidden)?;
        let answered = agreement.version(tx, cmd.version, "versionId").await?;
        rules::not_ended(agreement.status)?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        let draft = agreement.draft(tx).await?.is_some();
        rules::counter(agreement.status, draft, answered.status, answered.proposed_by, side)?;
        let base = answered.base_version_id;
        let draft = change::open_draft(tx, session, &agreement, &answered, base, Some(answered.id)).await?;
        let after = json!({ "status": Status::Draft, "answers": answered.id });
        change::opened(tx, session, &mut agreement, draft, after, (ACTION, "agreement.countered")).await
    })
    .await
}
