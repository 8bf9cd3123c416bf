//! Booked times (bokade tider).

use sea_orm::entity::prelude::*;

use crate::{
    AppointmentId, AppointmentTypeId, AssignmentId, CareProviderId, CareUnitId, PatientId, PlanItemId,
    SlotId, access_event::ActorKind, appointment_type::Mode,
};

text_enum! {
    /// Where the appointment stands.
    Status {
        /// Booked and ahead, or not yet followed up.
        Booked = "BOOKED",
        /// Cancelled (avbokad).
        Cancelled = "CANCELLED",
        /// The patient came.
        Attended = "ATTENDED",
        /// The patient did not come (uteblivet besök).
        Missed = "MISSED",
    }
}

text_enum! {
    /// How the time came about.
    Origin {
        /// Booked together with care (överenskommen tid).
        Agreed = "AGREED",
        /// Booked by the patient (självbokad).
        SelfBooked = "SELF_BOOKED",
    }
}

text_enum! {
    /// The way a booking was made.
    BookingChannel {
        /// In the app or on the web.
        Web = "WEB",
        /// By phone, entered by staff.
        Phone = "PHONE",
        /// At the unit, entered by staff.
        OnSite = "ON_SITE",
    }
}

/// One appointment. No two BOOKED ones share a seat of a slot, enforced by the database; unless cancelled it has a
/// [`crate::seat_claim`] of the same id.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "appointment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AppointmentId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub slot_id: SlotId,
    /// 1 up to the slot's seats.
    pub seat_no: i32,
    pub appointment_type_id: AppointmentTypeId,
    /// Whom the patient meets, when it is a named person.
    pub assignment_id: Option<AssignmentId>,
    pub plan_item_id: Option<PlanItemId>,
    pub status: Status,
    pub origin: Origin,
    pub booking_channel: BookingChannel,
    pub mode: Mode,
    pub starts_at: DateTimeUtc,
    pub ends_at: DateTimeUtc,
    /// The patient may cancel or rebook until this instant.
    pub cancel_by: DateTimeUtc,
    /// Rises only when time, place or mode changes: part of the reminder key.
    pub schedule_version: i32,
    /// When it began as far as the patient knew, before care moved it to this time, or cancelled it.
    pub known_starts_at: Option<DateTimeUtc>,
    pub confirmed_at: Option<DateTimeUtc>,
    pub cancelled_at: Option<DateTimeUtc>,
    pub cancelled_by: Option<ActorKind>,
    pub booked_by: ActorKind,
    pub confirmed_by: Option<ActorKind>,
    /// When it was recorded whether the patient came, if it has been.
    pub outcome_at: Option<DateTimeUtc>,
    /// When the outcome closed the plan item, if it did: the item's own time of that.
    pub item_closed_at: Option<DateTimeUtc>,
    /// The type's conditions (villkor) as they were accepted, if it had any.
    pub conditions: Option<String>,
    /// The type's row version that said so.
    pub conditions_version: Option<i32>,
    pub conditions_accepted_at: Option<DateTimeUtc>,
    pub conditions_accepted_by: Option<ActorKind>,
    /// The system that is master of the row; `OWN` for ours.
    pub source: String,
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "crate::care_unit::Entity",
        from = "Column::CareUnitId",
        to = "crate::care_unit::Column::Id"
    )]
    CareUnit,
}

impl Related<crate::care_unit::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::CareUnit.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
