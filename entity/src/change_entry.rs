//! The change history: who changed what, when, from what to what.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, CareProviderId, CareUnitId, ChangeEntryId, PatientId, Sealed, access_event::ActorKind,
};

/// One change of one thing of one patient. Never altered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "change_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ChangeEntryId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub agreement_id: Option<AgreementId>,
    /// The noun: `agreement`, `goal`, `plan_item`, `care_contact` …
    pub subject_kind: String,
    pub subject_id: Uuid,
    /// The mutation, such as `planItemComplete`.
    pub action: String,
    pub by_kind: ActorKind,
    /// The patient, representative or assignment that acted; zero for the system.
    pub by_id: Uuid,
    pub acting_for: Option<PatientId>,
    /// JSON of the fields that changed, as they were.
    pub before: Option<Sealed>,
    /// The same fields, as they became.
    pub after: Option<Sealed>,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
