//! Slots: times that can be booked.

use sea_orm::entity::prelude::*;

use crate::{
    AppointmentTypeId, AssignmentId, CareProviderId, CareUnitId, ContactAbsenceId, ScheduleId, SlotId,
};

text_enum! {
    /// How a time was taken back.
    Withdrawal {
        /// By itself: its schedule does not publish it again.
        ByHand = "BY_HAND",
        /// By a change of its schedule.
        BySchedule = "BY_SCHEDULE",
        /// Until its person, who is away, is back.
        ByAbsence = "BY_ABSENCE",
    }
}

/// One published time. The cells of its staff ([`crate::slot_staff`]) in [`crate::occupancy`] are claimed when it is
/// published. One that was taken back gets no new bookings; what was booked stays until it is moved.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "slot")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SlotId,
    /// None for a time that was published by itself.
    pub schedule_id: Option<ScheduleId>,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub appointment_type_id: AppointmentTypeId,
    /// Whom the patient meets first, of [`crate::slot_staff`].
    pub assignment_id: Option<AssignmentId>,
    pub starts_at: DateTimeUtc,
    pub ends_at: DateTimeUtc,
    /// Wall clock, such as `2027-03-01T09:00`.
    pub local_start: String,
    /// IANA time zone.
    pub zone: String,
    /// Weekday (Monday is 0) times three plus the part of the day, by the wall clock: 0 before noon, 1 before 17, 2 later.
    pub time_slice: i32,
    pub seats: i32,
    /// Seats nobody has booked; never below zero, enforced by the database.
    pub open_seats: i32,
    /// Narrows the type's rule: false keeps the time for the unit to book.
    pub web_bookable: bool,
    pub withdrawn_at: Option<DateTimeUtc>,
    pub withdrawal: Option<Withdrawal>,
    /// The absence, where it was one.
    pub withdrawn_for: Option<ContactAbsenceId>,
    /// The system that is master of the row; `OWN` for ours.
    pub source: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
