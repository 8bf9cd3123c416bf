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

text_enum! {
    /// Who may book the times themselves (webbtidbokning).
    WebBooking {
        /// Nobody: the unit books.
        Nobody = "NOBODY",
        /// Patients whom the unit treats (vårdrelation) or who are listed there.
        OwnPatients = "OWN_PATIENTS",
        /// Any patient who signs in.
        Everyone = "EVERYONE",
    }
}

/// One kind of appointment at one unit. A retired one gets no new times and no new bookings.
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
    /// Seats of a time, where its publisher says nothing else.
    pub seats: i32,
    pub web_booking: WebBooking,
    /// What a patient sees and confirms before booking (villkor).
    pub conditions: Option<String>,
    /// What every patient is told to prepare.
    pub preparation: Option<String>,
    /// Whole working days before the visit that cancelling closes.
    pub cancel_working_days: i32,
    /// How many named staff a time takes at least.
    pub staff_needed: i32,
    pub retired_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// How long a time of the type is.
    pub fn length(&self) -> chrono::TimeDelta {
        chrono::TimeDelta::minutes(i64::from(self.length_minutes))
    }
}
