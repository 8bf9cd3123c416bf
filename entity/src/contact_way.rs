//! How a patient can be reached: mail, phone.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, ContactWayId, LookupHash, PatientId, Sealed};

text_enum! {
    /// A way a message can take.
    Channel {
        /// Mail (e-post).
        Mail = "MAIL",
        /// SMS.
        Sms = "SMS",
        /// A letter: on the print list.
        Letter = "LETTER",
        /// A phone call: on the call list.
        Phone = "PHONE",
    }
}

text_enum! {
    /// Whether the address works.
    Status {
        /// Believed to work.
        Good = "GOOD",
        /// A message bounced for good.
        Bad = "BAD",
    }
}

/// One address of one patient.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_way")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContactWayId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub channel: Channel,
    /// A mail address, or a phone number in E.164.
    pub address: Sealed,
    /// Finds the row from a reply such as STOPP.
    pub lookup: LookupHash,
    pub status: Status,
    /// When the address was given.
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
