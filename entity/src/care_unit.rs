//! Care units (vårdenheter).

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId};

text_enum! {
    /// Health care and social care have rules of their own.
    Kind {
        /// Health care (hälso- och sjukvård).
        HealthCare = "HEALTH_CARE",
        /// Social care (socialtjänst).
        SocialCare = "SOCIAL_CARE",
    }
}

/// One unit of a care provider.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "care_unit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CareUnitId,
    pub care_provider_id: CareProviderId,
    /// Lower case; unique.
    pub hsa_id: Option<String>,
    pub name: String,
    pub kind: Kind,
    /// E.164.
    pub phone: String,
    pub address: Option<String>,
    /// The weekly pattern as JSON.
    pub opening_hours: String,
    /// Extra closing days as a JSON list of dates.
    pub closing_days: String,
    pub after_hours_name: Option<String>,
    /// E.164 or a short number such as 1177.
    pub after_hours_phone: Option<String>,
    /// Its name says something about health: never named in a reminder.
    pub sensitive: bool,
    pub source: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
