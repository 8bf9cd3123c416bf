//! Done-marks: what became of one occurrence of a recurring plan item.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, CareProviderId, CareUnitId, PatientId, PlanItemId, PlanItemMarkId, Sealed,
    access_event::ActorKind,
};

text_enum! {
    /// What became of one occurrence.
    Outcome {
        /// Done (gjort).
        Done = "DONE",
        /// It did not happen (blev inte av).
        NotDone = "NOT_DONE",
    }
}

/// One occurrence of one item; at most one mark a day. Marking again changes it, and the history tells.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_item_mark")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanItemMarkId,
    pub plan_item_id: PlanItemId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The day of the occurrence.
    pub on_day: Date,
    pub outcome: Outcome,
    pub reason: Option<Sealed>,
    pub by_kind: ActorKind,
    /// The patient, representative or assignment that marked it.
    pub by_id: Uuid,
    pub marked_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
