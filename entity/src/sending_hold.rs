//! Holds and releases of the sending of reminders and notices.

use sea_orm::entity::prelude::*;

use crate::SendingHoldId;

text_enum! {
    /// Whether sending stops or goes on.
    What {
        /// Nothing leaves.
        Hold = "HOLD",
        /// It goes on.
        Release = "RELEASE",
    }
}

text_enum! {
    /// Why.
    Cause {
        /// Somebody in operations said so.
        Operator = "OPERATOR",
        /// The database is older than what an instance remembers: it was restored from a backup.
        DatabaseWentBack = "DATABASE_WENT_BACK",
    }
}

/// One hold or release. Written once; the latest says how it is.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sending_hold")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SendingHoldId,
    pub what: What,
    pub cause: Cause,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
