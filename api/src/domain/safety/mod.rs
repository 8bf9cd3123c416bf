//! Safety instructions (säkerhetsanvisningar): what care lays over an agreement at once, before it is agreed on.
//!
//! A warning sign, a medicine, whom to call: they cannot wait for an answer. The patient is told, sees that it is not
//! agreed yet, and the next version that comes into force agrees on it or leaves it standing.

pub mod add;
pub mod withdraw;

use entity::{
    AgreementId,
    safety_instruction::{self, Status},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::history::Owner;
use crate::{
    db::Tx,
    error::{Fault, Problem, ProblemCode},
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
