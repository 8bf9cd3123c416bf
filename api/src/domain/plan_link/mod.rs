//! Links from an agreement to existing plans: it builds on them (basedOn), and one of them may be the agreement
//! (fulfilledBy). They are linked, never overwritten, and a link ends rather than disappears.

pub mod add;
pub mod remove;

use entity::{AgreementId, plan_link};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::history::Owner;
use crate::{db::Tx, error::Fault};

impl From<&plan_link::Model> for Owner {
    fn from(row: &plan_link::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: Some(row.agreement_id),
        }
    }
}

/// Whether an existing plan is the agreement: then only what it lacks is asked for.
pub async fn fulfils(tx: &Tx, agreement: AgreementId) -> Result<bool, Fault> {
    let found = plan_link::Entity::find()
        .filter(plan_link::Column::AgreementId.eq(agreement))
        .filter(plan_link::Column::Fulfils.eq(true))
        .filter(plan_link::Column::RemovedAt.is_null())
        .count(tx)
        .await?;
    Ok(found > 0)
}
