//! Who has which seat of a slot: by a booked time, or by a hold for the minutes in which a patient decides.

use sea_orm::entity::prelude::*;

use crate::{CareProviderId, CareUnitId, PatientId, SlotId, access_event::ActorKind};

/// One seat of one slot. A second claim of it is refused by the database, whatever the first one is.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "seat_claim")]
pub struct Model {
    /// The appointment's id, or the hold's own; a hold that is booked gives it on to the appointment.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub slot_id: SlotId,
    /// 1 up to the slot's seats.
    pub seat_no: i32,
    /// As the slot has them: what a patient is busy with is read from here.
    pub starts_at: DateTimeUtc,
    pub ends_at: DateTimeUtc,
    /// Of a hold: until when. From then on anybody who wants the seat may delete it.
    pub held_until: Option<DateTimeUtc>,
    pub by_kind: ActorKind,
    pub by_id: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
