//! Data keys, wrapped by a master key from the configuration (envelope encryption).

use sea_orm::entity::prelude::*;

text_enum! {
    /// What the key is for.
    Purpose {
        /// Sealing text.
        Seal = "SEAL",
        /// Keyed hashes for look-up.
        Lookup = "LOOKUP",
    }
}

/// One data key. The master key that wraps it can be changed without touching sealed rows.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_key")]
pub struct Model {
    /// Stands in front of every value made with it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    pub purpose: Purpose,
    pub master_key_id: String,
    pub wrapped: Vec<u8>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
