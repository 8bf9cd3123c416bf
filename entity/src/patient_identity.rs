//! Identity numbers of patients. Old numbers still find the person.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, LookupHash, PatientId, PatientIdentityId, Sealed};

text_enum! {
    /// What kind of number.
    Kind {
        /// Personnummer.
        Personnummer = "PERSONNUMMER",
        /// Samordningsnummer.
        Samordningsnummer = "SAMORDNINGSNUMMER",
        /// National reserve number (nationellt reservnummer).
        NationalReserve = "NATIONAL_RESERVE",
        /// Regional reserve number.
        RegionalReserve = "REGIONAL_RESERVE",
    }
}

/// One number of one patient; its keyed hash is unique.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "patient_identity")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PatientIdentityId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: Kind,
    /// The region that issued a regional reserve number.
    pub issuer: Option<String>,
    pub number: Sealed,
    pub lookup: LookupHash,
    /// The one that is shown.
    pub is_current: bool,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
