//! Representatives (ombud): guardians, gode män, relatives by the patient's own grant.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, LookupHash, PatientId, RepresentativeId, Sealed};

text_enum! {
    /// On what ground someone represents the patient.
    Kind {
        /// Guardian (vårdnadshavare).
        Guardian = "GUARDIAN",
        /// God man, within the förordnande.
        GodMan = "GOD_MAN",
        /// Relative (närstående) by the patient's own grant.
        Relative = "RELATIVE",
    }
}

/// One grant. Until the access rules for representatives are in force, nobody gets in by one.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "representative")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RepresentativeId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: Kind,
    pub display_name: String,
    pub number: Sealed,
    pub lookup: LookupHash,
    /// Areas and levels as JSON.
    pub rights: String,
    pub may_assent: bool,
    pub valid_from: DateTimeUtc,
    pub valid_until: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
