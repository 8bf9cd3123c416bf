//! Care providers (vårdgivare).

use sea_orm::entity::prelude::*;

use crate::CareProviderId;

text_enum! {
    /// What kind of care provider.
    Kind {
        /// A region.
        Region = "REGION",
        /// A municipality (kommun).
        Municipality = "MUNICIPALITY",
        /// A private provider.
        Private = "PRIVATE",
    }
}

/// One legal care provider.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "care_provider")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CareProviderId,
    /// Lower case.
    pub hsa_id: Option<String>,
    pub name: String,
    pub kind: Kind,
    /// The code of the region it belongs to or works in.
    pub region: String,
    pub source: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
