//! Staff (medarbetare): identities.

use sea_orm::entity::prelude::*;

use crate::StaffMemberId;

/// One person. What they may do depends on the assignment they act under.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "staff_member")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StaffMemberId,
    /// Of the log-in.
    pub issuer: String,
    /// Unique per issuer; the HSA-id where there is one.
    pub subject: String,
    /// Lower case.
    pub hsa_id: Option<String>,
    /// As shown; staff may be protected too.
    pub display_name: String,
    pub title: String,
    /// The system that is master of the row; `OWN` for ours.
    pub source: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
