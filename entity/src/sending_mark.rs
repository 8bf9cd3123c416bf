//! A number that rises while reminders leave, to be remembered outside the database.

use sea_orm::entity::prelude::*;

/// The one row, under the nil id.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sending_mark")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Made with the row: tells one database from another.
    pub database_id: Uuid,
    /// Microseconds since 1970 when it was last moved, or one more than before.
    pub mark: i64,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
