//! Assenting to a version: to exactly the text that was read, named by its digest.

use entity::{AgreementId, AgreementVersionId};
use serde::Serialize;

use super::{consent, version::Locked};
use crate::{
    auth::policy::Action,
    domain::act::{self, Done, Receipt},
    error::Fault,
    session::Session,
};

/// Which version, and what the caller read.
#[derive(Clone, Debug, Serialize)]
pub struct GiveAssent {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    /// SHA-256; empty when what the client sent is no digest, which fits no version.
    pub digest: Vec<u8>,
    /// Of the agreement.
    pub expected_row_version: Option<i32>,
}

const ACTION: &str = "agreementAssent";

/// Gives the caller's assent. When both sides have assented, the version comes into force.
pub async fn assent(session: &Session, key: &str, cmd: &GiveAssent) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let mut agreement = Locked::reach(tx, session, Action::Assent, cmd.agreement).await?;
        let version = agreement.version(tx, cmd.version, "versionId").await?;
        agreement.expect_row_version(cmd.expected_row_version)?;
        consent::assent(tx, session, &mut agreement, &version, Some(&cmd.digest), ACTION).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", version.id.0))
    })
    .await
}
