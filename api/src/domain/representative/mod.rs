//! Representatives (ombud) and young people: who reaches a patient's data beside, or before, the patient themself.

pub mod rules;

use entity::{PatientId, access_assessment, patient};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};

use crate::error::Fault;

/// Column that holds an assessment's reason.
pub const REASON: &str = "access_assessment.reason";

/// Care's decisions about who reaches the data of `patient`, the oldest first.
pub async fn assessed(
    db: &impl ConnectionTrait,
    patient: PatientId,
) -> Result<Vec<access_assessment::Model>, Fault> {
    Ok(access_assessment::Entity::find()
        .filter(access_assessment::Column::PatientId.eq(patient))
        .order_by_asc(access_assessment::Column::At)
        .order_by_asc(access_assessment::Column::Id)
        .all(db)
        .await?)
}

impl From<&patient::Model> for rules::Principal {
    fn from(row: &patient::Model) -> Self {
        Self {
            born: row.birth_date,
            dead: row.deceased_on.is_some(),
            protected: row.protected_identity != patient::ProtectedIdentity::None,
        }
    }
}
