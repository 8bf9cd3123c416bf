//! Signs of life of the workers that send reminders.

use sea_orm::entity::prelude::*;

use crate::WorkerId;

/// One worker, as long as it runs and for a day after.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "worker_beat")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: WorkerId,
    pub started_at: DateTimeUtc,
    pub beat_at: DateTimeUtc,
    /// What keeps it from sending, a line each, for operators; empty when nothing does.
    pub trouble: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
