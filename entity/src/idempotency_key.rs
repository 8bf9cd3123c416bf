//! Idempotency keys: a repeated mutation gives the same answer and acts once.

use sea_orm::entity::prelude::*;

use crate::Sealed;

/// One key of one actor for one mutation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// SHA-256 over actor, acting-for, mutation and key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scope: Vec<u8>,
    /// SHA-256 over the input: the same key with another input is refused.
    pub input_hash: Vec<u8>,
    /// Ids and codes as JSON; none only inside the first transaction.
    pub result: Option<Sealed>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
