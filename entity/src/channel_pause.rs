//! Channels that the operator has paused.

use sea_orm::entity::prelude::*;

/// While the row is there, no instance sends by the channel.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "channel_pause")]
pub struct Model {
    /// The stored text of a [`crate::contact_way::Channel`].
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel: String,
    pub paused_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
