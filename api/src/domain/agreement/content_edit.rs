//! Editing the sections of an agreement: story, what matters, warning signs, measurements and the others.

use entity::AgreementId;
use serde::Serialize;

use super::{
    change::{self, Target},
    content::Section,
    content_rules,
    edit::Edit,
    version::{Locked, event},
};
use crate::{
    auth::policy::Action,
    domain::act::{self, Done, Receipt},
    error::Fault,
    session::Session,
};

/// The sections to change, each with its whole new content.
#[derive(Clone, Debug, Serialize)]
pub struct ContentEdit {
    pub agreement: AgreementId,
    pub sections: Vec<Section>,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementContentEdit";

/// Writes the sections into the draft. Without one, on an agreement in force, it is a proposal at once.
pub async fn content_edit(session: &Session, key: &str, cmd: &ContentEdit) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let mut agreement = Locked::reach(tx, session, Action::Propose, cmd.agreement).await?;
        let sections = content_rules::sections(&cmd.sections)?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        let target = Target::of(tx, session, &agreement).await?;
        let edits = [Edit::SetSections(sections)];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION).await?;
        act::emit(tx, session, [event(&agreement, "agreement.edited", changed.version.0)]).await?;
        Ok(Done::on(agreement.patient_id)
            .with("agreement", agreement.id.0)
            .with("version", changed.version.0))
    })
    .await
}
