//! Wishes for a time (önskemål om tid): when nothing fits, a patient waits for a freed one.

use sea_orm::entity::prelude::*;

use crate::{
    AppointmentId, AppointmentTypeId, AssignmentId, CareProviderId, CareUnitId, PatientId, TimeWishId,
    access_event::ActorKind, appointment::BookingChannel,
};

text_enum! {
    /// Whether the patient still waits.
    Status {
        /// Waits for a time (väntar).
        Open = "OPEN",
        /// Got a time (bokad).
        Booked = "BOOKED",
        /// Taken back (återtagen).
        Withdrawn = "WITHDRAWN",
        /// Its last day has passed (utgången).
        Expired = "EXPIRED",
    }
}

/// One wish. A patient has at most one OPEN of each kind of appointment, enforced by the database. Never deleted.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "time_wish")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TimeWishId,
    pub patient_id: PatientId,
    /// The unit that owns the row: where the time is wished for.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub appointment_type_id: AppointmentTypeId,
    /// Whom the patient wants to meet; anybody when none.
    pub assignment_id: Option<AssignmentId>,
    /// One bit for each day of the week, Monday the lowest.
    pub weekdays: i32,
    /// Within which the time begins, as JSON `[["08:00","12:00"]]`; at any hour when empty.
    pub spans: String,
    /// In which ways, as a JSON list of modes; in any when empty.
    pub modes: String,
    pub from_on: Date,
    pub until_on: Date,
    /// The shortest notice that the patient can come on.
    pub notice_minutes: i32,
    /// Whether the patient may be phoned about it.
    pub by_phone: bool,
    pub channel: BookingChannel,
    pub status: Status,
    /// When something is to have been offered.
    pub answer_by: DateTimeUtc,
    /// When it became a task of the unit, if it has.
    pub raised_at: Option<DateTimeUtc>,
    /// Offers that were not answered.
    pub unanswered: i32,
    pub appointment_id: Option<AppointmentId>,
    pub created_by_kind: ActorKind,
    pub created_by_id: Uuid,
    pub created_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
    pub ended_by_kind: Option<ActorKind>,
    pub ended_by_id: Option<Uuid>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
