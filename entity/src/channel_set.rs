//! The channels by which what is ahead has been planned, to be told from those that are configured now.

use sea_orm::entity::prelude::*;

/// The one row, under the nil id.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_set")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The stored texts of [`crate::contact_way::Channel`], with commas between them.
    pub channels: String,
    /// Since when these.
    pub taken_at: DateTimeUtc,
    /// The patient up to whom everything has been planned anew by them; none when nothing is left to do.
    pub planned_to: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
