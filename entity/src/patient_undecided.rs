//! Versions that came into force without the patient's decision (utan patientens ställningstagande), and why.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AgreementVersionId, AssignmentId, CareProviderId, CareUnitId, PatientId, PatientUndecidedId,
    Sealed,
};

/// One record that the patient cannot decide about a version now. Written once; a new one follows when the patient
/// has been asked again. Never a relative's assent in the patient's place.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "patient_undecided")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PatientUndecidedId,
    pub agreement_id: AgreementId,
    pub version_id: AgreementVersionId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// Why the patient cannot decide.
    pub reason: Sealed,
    /// What is known of the patient's will.
    pub known_will: Sealed,
    /// When the patient is to be asked again.
    pub ask_again_on: Date,
    pub recorded_by: AssignmentId,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
