//! An assent by word of mouth (muntligt): staff write down the patient's yes, with its circumstances.
//!
//! It counts as the patient's, is shown as oral and counted apart, and the patient hears of it and may object at any
//! time. The same person may give care's assent and record the patient's: that is allowed, and shown.

use entity::{
    AgreementId, AgreementVersionId, RepresentativeId, access_event::ActorKind, agreement_version::Party,
    version_assent::Setting,
};
use serde::Serialize;

use super::{
    consent::{self, Giver, Oral},
    rules,
    version::Locked,
};
use crate::{
    auth::policy::Action,
    domain::{
        act::{self, Done, Receipt},
        notice::{News, news},
        representative, text,
    },
    error::{Fault, Problem},
    session::Session,
};

/// What was read out, who said yes to it, and how.
#[derive(Clone, Debug, Serialize)]
pub struct RecordOral {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    /// SHA-256; empty when what the client sent is no digest, which fits no version.
    pub digest: Vec<u8>,
    /// The representative who said yes; none when it was the patient.
    pub representative: Option<RepresentativeId>,
    pub setting: Setting,
    pub interpreter: Option<String>,
    pub present: Option<String>,
    /// Of the agreement.
    pub expected_row_version: Option<i32>,
}

const ACTION: &str = "agreementAssentRecordOral";

/// Records the assent. When care has assented too, the version comes into force.
pub async fn record_oral(session: &Session, key: &str, cmd: &RecordOral) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let actor = &session.actor;
        let mut agreement = Locked::reach(tx, session, Action::RecordAssent, cmd.agreement).await?;
        let staff = actor.staff().ok_or_else(Problem::forbidden)?;
        let version = agreement.version(tx, cmd.version, "versionId").await?;
        agreement.expect_row_version(cmd.expected_row_version)?;
        let mut problems = Vec::new();
        let interpreter =
            text::optional("interpreter", cmd.interpreter.as_deref(), text::TITLE, &mut problems);
        let present = text::optional("present", cmd.present.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let (kind, id) = match cmd.representative {
            None if !representative::patient_may_assent(tx, session, agreement.patient_id).await? => {
                return Err(rules::too_young().at("representativeId").into());
            }
            None => (ActorKind::Patient, agreement.patient_id.0),
            Some(id) => {
                let may = representative::may_assent(tx, session, agreement.patient_id, id).await?;
                if !may {
                    return Err(Problem::not_found("representativeId").into());
                }
                (ActorKind::Representative, id.0)
            }
        };
        let oral = Oral {
            recorded_by: staff.assignment,
            setting: cmd.setting,
            interpreter: interpreter.as_deref(),
            present: present.as_deref(),
        };
        let giver = Giver { side: Party::Patient, kind, id, oral: Some(oral) };
        consent::give(tx, session, &mut agreement, &version, Some(&cmd.digest), &giver, ACTION).await?;
        news::tell_of_version(tx, session, &agreement, version.id, News::OralCopy).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", version.id.0))
    })
    .await
}
