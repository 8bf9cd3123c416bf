//! Changing the patient group (patientgrupp) of an agreement: what follow-up counts it as, not what was agreed.

use entity::{AgreementId, agreement};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    patient_group::known,
    rules,
    version::{Locked, event},
};
use crate::{
    auth::policy::Action,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which agreement, and the code of its group; none takes the group away.
#[derive(Clone, Debug, Serialize)]
pub struct SetGroup {
    pub agreement: AgreementId,
    pub group: Option<String>,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementPatientGroupSet";

/// Sets it. No version changes: the group is no part of what was assented to.
pub async fn set_group(session: &Session, key: &str, cmd: &SetGroup) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let mut agreement = Locked::reach(tx, session, Action::Set, cmd.agreement).await?;
        let mut problems = Vec::new();
        let group = known(session, "patientGroup", cmd.group.as_deref(), &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        rules::not_ended(agreement.status)?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        if agreement.patient_group == group {
            return Err(Problem::new(
                ProblemCode::BadUserInput,
                "Patientgruppen är redan den.",
                "That is the patient group already.",
            )
            .at("patientGroup")
            .into());
        }
        agreement::Entity::update_many()
            .set(agreement::ActiveModel { patient_group: Set(group.clone()), ..Default::default() })
            .filter(agreement::Column::Id.eq(agreement.id))
            .exec(tx)
            .await?;
        let change = Change {
            kind: "agreement",
            subject: agreement.id.0,
            before: Some(json!({ "patientGroup": agreement.patient_group })),
            after: Some(json!({ "patientGroup": group })),
        };
        let (status, current) = (agreement.status, agreement.current_version_id);
        agreement.touch(tx, session, status, current).await?;
        history::record(tx, session, (&*agreement).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event(&agreement, "agreement.group_set", agreement.id.0)]).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0))
    })
    .await
}
