//! Each time somebody called: reached or not, and what was said.

use sea_orm::entity::prelude::*;

use crate::{AssignmentId, CallAttemptId, CallId, CareProviderId, CareUnitId, PatientId, Sealed};

/// One attempt at a call. Written once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "phone_call_attempt")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CallAttemptId,
    pub call_id: CallId,
    pub patient_id: PatientId,
    pub care_unit_id: CareUnitId,
    pub care_provider_id: CareProviderId,
    pub reached: bool,
    /// What was said, or how it went.
    pub words: Option<Sealed>,
    /// Who called.
    pub by: AssignmentId,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
