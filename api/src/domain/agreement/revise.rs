//! Revising an agreement in force: a draft of the next version, in which both sides write until one proposes it.

use entity::{AgreementId, agreement_version::Status};
use serde::Serialize;
use serde_json::json;

use super::{change, rules, version::Locked};
use crate::{
    auth::policy::Action,
    domain::act::{self, Receipt},
    error::Fault,
    session::Session,
};

/// Which agreement, as the caller read it.
#[derive(Clone, Debug, Serialize)]
pub struct Revise {
    pub agreement: AgreementId,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementRevise";

/// Opens the draft. The version in force stays in force.
pub async fn revise(session: &Session, key: &str, cmd: &Revise) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let mut agreement = Locked::reach(tx, session, Action::Propose, cmd.agreement).await?;
        rules::not_ended(agreement.status)?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        rules::revise(agreement.status, agreement.draft(tx).await?.is_some())?;
        let base = agreement.current(tx).await?;
        let draft = change::open_draft(tx, session, &agreement, &base, Some(base.id), None).await?;
        let after = json!({ "status": Status::Draft, "base": base.id });
        change::opened(tx, session, &mut agreement, draft, after, (ACTION, "agreement.revised")).await
    })
    .await
}
