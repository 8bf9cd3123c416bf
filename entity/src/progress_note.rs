//! Progress notes (hur det går): what patient and care write about a goal or an item as time passes.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, CareProviderId, CareUnitId, GoalId, PatientId, PlanItemId, ProgressNoteId, Sealed,
    access_event::ActorKind,
};

/// One note about one goal or one item. Never altered: a correction is a note of its own, and the original stays.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "progress_note")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProgressNoteId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub goal_id: Option<GoalId>,
    pub plan_item_id: Option<PlanItemId>,
    /// The note that this one corrects.
    pub corrects_id: Option<ProgressNoteId>,
    pub text: Sealed,
    pub by_kind: ActorKind,
    /// The patient, representative or assignment that wrote it.
    pub by_id: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
