//! The wordings of a goal: immutable.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, GoalId, GoalRevisionId, PatientId, Sealed, access_event::ActorKind};

/// One wording. Versions point at it; it never changes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "goal_revision")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GoalRevisionId,
    pub goal_id: GoalId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// In the patient's words.
    pub text: Sealed,
    /// 1 first.
    pub priority: i32,
    pub target_on: Option<Date>,
    pub by_kind: ActorKind,
    /// The patient, representative or assignment that acted; nil for the system.
    pub by_id: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
