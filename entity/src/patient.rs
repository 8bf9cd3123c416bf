//! Patients.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, PatientId, Sealed};

text_enum! {
    /// Protected identity (skyddade personuppgifter).
    ProtectedIdentity {
        /// None.
        None = "NONE",
        /// Sekretessmarkering.
        Sekretessmarkering = "SEKRETESSMARKERING",
        /// Skyddad folkbokföring.
        SkyddadFolkbokforing = "SKYDDAD_FOLKBOKFORING",
    }
}

/// One patient, under an id that outlives numbers.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "patient")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PatientId,
    /// The unit where the patient is listed.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub given_name: String,
    pub family_name: String,
    /// `family given`, lower case: LIKE folds case differently on the two databases.
    pub name_search: String,
    /// May differ from the number.
    pub birth_date: Date,
    /// BCP 47; of reminders and notices.
    pub language: String,
    pub protected_identity: ProtectedIdentity,
    /// BCP 47; follows every booking.
    pub interpreter_language: Option<String>,
    pub access_needs: Option<Sealed>,
    pub deceased_on: Option<Date>,
    /// The system that is master of the row; `OWN` for ours.
    pub source: String,
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
