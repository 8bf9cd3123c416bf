//! Kinds of appointment that a unit offers (besökstyper).

use sea_orm::entity::prelude::*;

use crate::{AppointmentTypeId, CareProviderId, CareUnitId};

text_enum! {
    /// How patient and care meet.
    Mode {
        /// At the unit (besök).
        Visit = "VISIT",
        /// By video.
        Video = "VIDEO",
        /// By phone.
        Phone = "PHONE",
        /// In the patient's home (hembesök).
        Home = "HOME",
    }
}

/// One kind of appointment at one unit.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "appointment_type")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AppointmentTypeId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub name: String,
    pub mode: Mode,
    /// A multiple of five.
    pub length_minutes: i32,
    /// Whether patients may book it themselves.
    pub web_bookable: bool,
    /// Whole working days before the visit that cancelling closes.
    pub cancel_working_days: i32,
    /// What every patient is told to prepare.
    pub preparation: Option<String>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
