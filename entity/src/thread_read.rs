//! How far each reader has read a thread: read receipts, one for each step forward.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, PatientId, ThreadId, ThreadMessageId, access_event::ActorKind};

/// One reader of one thread has read up to one message. Kept, so that it can be said when an older message was read.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "thread_read")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub thread_id: ThreadId,
    /// The patient, representative or assignment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub reader_id: Uuid,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub reader_kind: ActorKind,
    /// The newest message read.
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: ThreadMessageId,
    pub read_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
