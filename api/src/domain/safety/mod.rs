//! Safety instructions (säkerhetsanvisningar): what care lays over an agreement at once, before it is agreed on.
//!
//! A warning sign, a medicine, whom to call: they cannot wait for an answer. The patient is told, sees that it is not
//! agreed yet, and the next version that comes into force agrees on it or leaves it standing.

pub mod add;
pub mod withdraw;

use entity::{
    AgreementId, AgreementVersionId, Sealed, agreement_version,
    safety_instruction::{self, Status},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::json;

use super::{
    agreement::{content::SafetyWording, version::content},
    history::{Change, Owner},
};
use crate::{
    crypto::Place,
    db::Tx,
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// How many stand over one agreement at most without being agreed on.
const MOST: usize = 30;

impl From<&safety_instruction::Model> for Owner {
    fn from(row: &safety_instruction::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: Some(row.agreement_id),
        }
    }
}

/// Those in force by care's word alone, the oldest first.
async fn open(tx: &Tx, agreement: AgreementId) -> Result<Vec<safety_instruction::Model>, Fault> {
    Ok(safety_instruction::Entity::find()
        .filter(safety_instruction::Column::AgreementId.eq(agreement))
        .filter(safety_instruction::Column::Status.eq(Status::Open))
        .order_by_asc(safety_instruction::Column::Id)
        .all(tx)
        .await?)
}

/// What a version that is about to be proposed says of safety: what it said already and has not been taken back since,
/// and what waits to be agreed on.
pub async fn to_be_agreed(
    tx: &Tx,
    session: &Session,
    agreement: AgreementId,
    said: &[SafetyWording],
) -> Result<Vec<SafetyWording>, Fault> {
    let keys = &session.core.keys;
    let settling = safety_instruction::Entity::find()
        .filter(safety_instruction::Column::AgreementId.eq(agreement))
        .filter(safety_instruction::Column::Status.ne(Status::Agreed))
        .order_by_asc(safety_instruction::Column::Id)
        .all(tx)
        .await?;
    let (open, gone): (Vec<_>, Vec<_>) = settling.into_iter().partition(|row| row.status == Status::Open);
    let holds = |wording: &&SafetyWording| !gone.iter().any(|row| row.id == wording.id);
    let mut wordings: Vec<_> = said.iter().filter(holds).cloned().collect();
    for row in open {
        if said.iter().any(|wording| wording.id == row.id) {
            continue;
        }
        let opened = |column, sealed: Option<&Sealed>| keys.open_opt(Place::new(column, row.id.0), sealed);
        wordings.push(SafetyWording {
            id: row.id,
            kind: row.kind,
            text: keys.open(Place::new("safety_instruction.text", row.id.0), &row.text)?,
            action: opened("safety_instruction.action", row.action.as_ref())?,
            phone: row.phone.clone(),
            source: opened("safety_instruction.source", row.source.as_ref())?,
            source_on: row.source_on,
        });
    }
    Ok(wordings)
}

/// The proposals that say it: they can no longer come into force once it is taken back.
async fn proposals_with(
    tx: &Tx,
    session: &Session,
    instruction: &safety_instruction::Model,
) -> Result<Vec<agreement_version::Model>, Fault> {
    let mut carrying = agreement_version::Entity::find()
        .filter(agreement_version::Column::AgreementId.eq(instruction.agreement_id))
        .filter(agreement_version::Column::Status.eq(agreement_version::Status::Proposed))
        .all(tx)
        .await?;
    let mut failed = None;
    carrying.retain(|version| match content(&session.core.keys, version) {
        Ok(says) => says.safety.iter().any(|wording| wording.id == instruction.id),
        Err(fault) => {
            failed = Some(fault);
            false
        }
    });
    failed.map_or(Ok(carrying), Err)
}

/// A version has come into force: what it says of safety is agreed on.
pub async fn agreed(
    tx: &Tx,
    session: &Session,
    version: &agreement_version::Model,
) -> Result<Vec<Change>, Fault> {
    let waiting = open(tx, version.agreement_id).await?;
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let said = content(&session.core.keys, version)?.safety;
    let now_said = waiting.into_iter().filter(|row| said.iter().any(|wording| wording.id == row.id));
    settle(tx, session, now_said, Status::Agreed, Some(version.id)).await
}

/// The agreement has ended: what stood over it without being agreed on ends with it.
pub async fn agreement_ended(
    tx: &Tx,
    session: &Session,
    agreement: AgreementId,
) -> Result<Vec<Change>, Fault> {
    settle(tx, session, open(tx, agreement).await?, Status::Ended, None).await
}

async fn settle(
    tx: &Tx,
    session: &Session,
    waiting: impl IntoIterator<Item = safety_instruction::Model>,
    status: Status,
    agreed_in: Option<AgreementVersionId>,
) -> Result<Vec<Change>, Fault> {
    let mut changes = Vec::new();
    for row in waiting {
        safety_instruction::Entity::update_many()
            .set(safety_instruction::ActiveModel {
                status: Set(status),
                agreed_version_id: Set(agreed_in),
                settled_at: Set(Some(session.now())),
                row_version: Set(row.row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(safety_instruction::Column::Id.eq(row.id))
            .filter(safety_instruction::Column::Status.eq(Status::Open))
            .exec(tx)
            .await?;
        changes.push(Change {
            kind: "safety_instruction",
            subject: row.id.0,
            before: Some(json!({ "status": Status::Open })),
            after: Some(json!({ "status": status })),
        });
    }
    Ok(changes)
}

/// Too many to keep in view.
fn too_many() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        format!(
            "{MOST} säkerhetsanvisningar väntar redan på att bli överenskomna. Föreslå en ny version av planen."
        ),
        format!(
            "{MOST} safety instructions already wait to be agreed on. Propose a new version of the plan."
        ),
    )
}
