//! Safety instructions (säkerhetsanvisningar): what care lays over an agreement at once, before it is agreed on.
//!
//! A warning sign, a medicine, whom to call: they cannot wait for an answer. The patient is told, sees that it is not
//! agreed yet, and the next version that comes into force agrees on it or leaves it standing. Of a plan that holds
//! without the patient's decision a version may say it while it still is care's word alone.

pub mod add;
pub mod remove;
pub mod withdraw;

use std::collections::BTreeSet;

use entity::{
    AgreementId, AgreementVersionId, SafetyInstructionId, Sealed,
    agreement_version::{self, Party},
    safety_instruction::{self, Status},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::ExprTrait,
};
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

/// How many stand over one agreement at most that the version in force does not say.
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

fn says(wordings: &[SafetyWording], id: SafetyInstructionId) -> bool {
    wordings.iter().any(|wording| wording.id == id)
}

/// What a version that is about to be proposed says of safety: what it said already and has not been taken back since,
/// and, where care proposes it, what waits to be agreed on and its `base` does not say: what that says and the new one
/// does not has been taken out. Proposing is an assent: the patient's side does not give it to what care has laid over
/// the plan unless they are asked.
pub async fn to_be_agreed(
    tx: &Tx,
    session: &Session,
    agreement: AgreementId,
    base: &[SafetyWording],
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
    let asked = session.actor.party() == Some(Party::Care);
    for row in open.into_iter().filter(|row| asked && !says(base, row.id) && !says(said, row.id)) {
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

/// The versions that say it: in force, or proposed.
async fn said_by(
    tx: &Tx,
    session: &Session,
    instruction: &safety_instruction::Model,
) -> Result<Vec<agreement_version::Model>, Fault> {
    use agreement_version::{Column as V, Status as S};
    let mut carrying = agreement_version::Entity::find()
        .filter(V::AgreementId.eq(instruction.agreement_id))
        .filter(V::Status.eq(S::Proposed).or(V::Status.is_in(S::IN_FORCE)))
        .all(tx)
        .await?;
    let mut failed = None;
    carrying.retain(|version| match content(&session.core.keys, version) {
        Ok(content) => says(&content.safety, instruction.id),
        Err(fault) => {
            failed = Some(fault);
            false
        }
    });
    failed.map_or(Ok(carrying), Err)
}

/// Whether care has taken back something that the version says: it is not to be agreed on.
pub async fn taken_back(
    tx: &Tx,
    session: &Session,
    version: &agreement_version::Model,
) -> Result<bool, Fault> {
    let said = content(&session.core.keys, version)?.safety;
    Ok(!withdrawn(tx, said.iter().map(|wording| wording.id)).await?.is_empty())
}

/// Those of them that care has taken back.
pub async fn withdrawn(
    db: &impl ConnectionTrait,
    said: impl Iterator<Item = SafetyInstructionId>,
) -> Result<BTreeSet<SafetyInstructionId>, Fault> {
    let said: BTreeSet<_> = said.collect();
    if said.is_empty() {
        return Ok(said);
    }
    let gone = safety_instruction::Entity::find()
        .filter(safety_instruction::Column::Id.is_in(said))
        .filter(safety_instruction::Column::Status.eq(Status::Withdrawn))
        .all(db)
        .await?;
    Ok(gone.into_iter().map(|row| row.id).collect())
}

/// Both sides have assented to a version: what it says of safety is agreed on.
pub async fn agreed(
    tx: &Tx,
    session: &Session,
    version: &agreement_version::Model,
) -> Result<Vec<Change>, Fault> {
    let said = content(&session.core.keys, version)?.safety;
    let mut newly = open(tx, version.agreement_id).await?;
    newly.retain(|row| says(&said, row.id));
    settle(tx, session, newly, Status::Agreed, Some(version.id)).await
}

/// A version has come into force, with the patient's decision or without: what the one before said of safety and it no
/// longer says has ended.
pub async fn left_out(
    tx: &Tx,
    session: &Session,
    version: &agreement_version::Model,
) -> Result<Vec<Change>, Fault> {
    let Some(base) = version.base_version_id else { return Ok(Vec::new()) };
    let mut over = safety_instruction::Entity::find()
        .filter(safety_instruction::Column::AgreementId.eq(version.agreement_id))
        .filter(safety_instruction::Column::Status.is_in([Status::Open, Status::Agreed]))
        .order_by_asc(safety_instruction::Column::Id)
        .all(tx)
        .await?;
    if over.is_empty() {
        return Ok(Vec::new());
    }
    let base = agreement_version::Entity::find_by_id(base)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a version without the one that it changes"))?;
    let keys = &session.core.keys;
    let (before, now) = (content(keys, &base)?.safety, content(keys, version)?.safety);
    over.retain(|row| says(&before, row.id) && !says(&now, row.id));
    settle(tx, session, over, Status::Ended, None).await
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
                agreed_version_id: Set(agreed_in.or(row.agreed_version_id)),
                settled_at: Set(Some(session.now())),
                row_version: Set(row.row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(safety_instruction::Column::Id.eq(row.id))
            .filter(safety_instruction::Column::Status.eq(row.status))
            .exec(tx)
            .await?;
        changes.push(Change {
            kind: "safety_instruction",
            subject: row.id.0,
            before: Some(json!({ "status": row.status })),
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
