//! How a request for a contact was passed on, unit by unit.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, ContactRequestId, ContactRequestPassId, PatientId, Sealed};

/// One passing on, from the owning unit to another. Never altered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_request_pass")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContactRequestPassId,
    pub request_id: ContactRequestId,
    pub patient_id: PatientId,
    /// The unit that passed it on.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub to_unit_id: CareUnitId,
    pub reason: Sealed,
    /// The assignment that passed it on.
    pub by_id: Uuid,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
