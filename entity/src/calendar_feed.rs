//! Personal calendar feeds (kalenderprenumerationer).

use sea_orm::entity::prelude::*;

use crate::{CalendarFeedId, CareProviderId, CareUnitId, PatientId, reminder_preference::Detail};

/// The one feed of a patient, read by whoever has its address. The secret in the address is stored as a hash only.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_feed")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CalendarFeedId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// SHA-256 of the secret; none once the feed is revoked.
    pub secret_hash: Option<Vec<u8>>,
    /// How much may stand in it, by the patient's own choice.
    pub detail: Detail,
    /// When the address that is valid now was made.
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
