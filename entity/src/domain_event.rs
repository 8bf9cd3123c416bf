//! Domain events: for subscriptions, the population register and integrations. Ids only.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, DomainEventId, PatientId, access_event::ActorKind};

/// One thing that happened. Written in the transaction that made it happen.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "domain_event")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DomainEventId,
    /// Such as `agreement.activated`.
    pub kind: String,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub subject_id: Uuid,
    /// Belongs to the population register (befolkningsregistret).
    pub for_register: bool,
    /// Which side made it happen.
    pub by_kind: ActorKind,
    pub at: DateTimeUtc,
    /// When every outside receiver has it.
    pub delivered_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
