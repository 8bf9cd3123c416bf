//! Which wording of which goal belongs to which version.

use sea_orm::entity::prelude::*;

use crate::{AgreementVersionId, GoalId, GoalRevisionId};

/// One goal in one version.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "version_goal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub version_id: AgreementVersionId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub goal_id: GoalId,
    pub goal_revision_id: GoalRevisionId,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
