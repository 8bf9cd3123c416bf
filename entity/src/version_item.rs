//! Which wording of which plan item belongs to which version.

use sea_orm::entity::prelude::*;

use crate::{AgreementVersionId, PlanItemId, PlanItemRevisionId};

/// One plan item in one version.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "version_item")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub version_id: AgreementVersionId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub plan_item_id: PlanItemId,
    pub plan_item_revision_id: PlanItemRevisionId,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
