//! Slots: times that can be booked.

use sea_orm::entity::prelude::*;

use crate::{AppointmentTypeId, AssignmentId, CareProviderId, CareUnitId, ScheduleId, SlotId};

/// One published time. Its staff member's cells in [`crate::occupancy`] are claimed when it is published.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "slot")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SlotId,
    pub schedule_id: ScheduleId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub appointment_type_id: AppointmentTypeId,
    pub assignment_id: Option<AssignmentId>,
    pub starts_at: DateTimeUtc,
    pub ends_at: DateTimeUtc,
    /// Wall clock, such as `2027-03-01T09:00`.
    pub local_start: String,
    /// IANA time zone.
    pub zone: String,
    pub seats: i32,
    /// Seats nobody has booked; never below zero, enforced by the database.
    pub open_seats: i32,
    pub web_bookable: bool,
    /// The system that is master of the row; `OWN` for ours.
    pub source: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
