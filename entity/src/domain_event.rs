//! Domain events: for subscriptions, staff's news and mail to them. Ids only. What the population register must hear is
//! in [`crate::register_event`].

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
    /// Which side made it happen.
    pub by_kind: ActorKind,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
