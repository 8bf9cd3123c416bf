//! Exceptions from the rule that joint guardians (vårdnadshavare) both assent.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AssignmentId, CareProviderId, CareUnitId, GuardianExceptionId, PatientId, RepresentativeId,
    Sealed,
};

/// One guardian without whose assent an agreement may come into force, and why. What was recorded
/// stays as it was written; it ends when the guardian
/// assents, or when care says that it no longer holds.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guardian_exception")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GuardianExceptionId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The guardian who does not assent.
    pub representative_id: RepresentativeId,
    pub reason: Sealed,
    pub recorded_by: AssignmentId,
    pub at: DateTimeUtc,
    /// Since when the guardian is waited for again.
    pub ended_at: Option<DateTimeUtc>,
    /// Who ended it, and why; none where the guardian's own assent did.
    pub ended_by: Option<AssignmentId>,
    pub end_reason: Option<Sealed>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
