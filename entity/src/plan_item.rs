//! Plan items (insatser, aktiviteter): the live state. What was agreed is in the revisions.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, CareProviderId, CareUnitId, PatientId, PlanItemId, Sealed, access_event::ActorKind,
    agreement_version::Party,
};

text_enum! {
    /// Where the item stands.
    Status {
        /// Proposed by one side.
        Proposed = "PROPOSED",
        /// Agreed by both.
        Accepted = "ACCEPTED",
        /// Begun.
        InProgress = "IN_PROGRESS",
        /// Done (gjort).
        Done = "DONE",
        /// It did not happen (blev inte av).
        NotDone = "NOT_DONE",
        /// Called off, with a reason.
        Cancelled = "CANCELLED",
    }
}

/// One item, under a stable id.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_item")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanItemId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub status: Status,
    pub proposed_by: Party,
    pub status_reason: Option<Sealed>,
    pub status_by_kind: Option<ActorKind>,
    pub status_at: Option<DateTimeUtc>,
    /// Arbetsanteckning: not shown in the app, but part of the record.
    pub work_note: Option<Sealed>,
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
