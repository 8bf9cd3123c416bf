//! Which functions may be contacts at a unit: the manager's decisions.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, ContactFunctionRuleId};

/// One decision; the one with the highest number holds. Never altered, so that it can be seen who decided what, and when.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_function_rule")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContactFunctionRuleId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// From 1, in the order of the decisions.
    pub number: i32,
    /// The functions as a JSON list, as they were written; an empty list allows any.
    pub functions: String,
    /// The assignment that decided.
    pub set_by: Uuid,
    pub set_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
