//! How requests for an agreement went from unit to unit.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementRequestId, AgreementRequestPassId, AssignmentId, CareProviderId, CareUnitId, PatientId, Sealed,
};

/// One step: from one unit to the one that owns the row. Never altered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agreement_request_pass")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgreementRequestPassId,
    pub request_id: AgreementRequestId,
    pub patient_id: PatientId,
    /// The unit that it was passed to.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub from_unit_id: CareUnitId,
    pub passed_by: AssignmentId,
    pub reason: Sealed,
    pub passed_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
