//! Messages in threads.

use sea_orm::entity::prelude::*;

use crate::{
    CareProviderId, CareUnitId, PatientId, Sealed, ThreadId, ThreadMessageId, access_event::ActorKind,
};

/// One message. Never altered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "thread_message")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ThreadMessageId,
    pub thread_id: ThreadId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub author_kind: ActorKind,
    /// The patient, representative or assignment.
    pub author_id: Uuid,
    pub body: Sealed,
    pub sent_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
