//! Times that a patient has moved away from (ombokat sig från).

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, PatientId, SlotId};

/// A slot that a patient had booked and left for another time, because they asked. A time that care moved them from is not
/// among these.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "left_slot")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub slot_id: SlotId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// When they last did.
    pub left_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
