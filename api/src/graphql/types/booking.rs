//! Times: free ones and booked ones.

use chrono::{DateTime, Utc};

use super::{
    enums::{AppointmentMode, AppointmentOrigin, AppointmentStatus, BookingChannel},
    people::{CareUnitSummary, StaffSummary},
};
use crate::graphql::{plain::plain_object, scalars::GlobalId};

plain_object! {
    /// A kind of appointment a unit offers (besökstyp).
    AppointmentType implements Node {
        /// Global id.
        id: GlobalId,
        /// Its name.
        name: String,
        /// How patient and care meet.
        mode: AppointmentMode,
        /// Length in minutes.
        length_minutes: i32,
        /// Whether patients may book it themselves.
        web_bookable: bool,
        /// Whole working days before the visit during which it can no longer be cancelled by the patient.
        cancel_working_days: i32,
        /// How to prepare.
        preparation: Option<String>,
    }
}

plain_object! {
    /// A time that can be booked (ledig tid).
    Slot implements Node {
        /// Global id.
        id: GlobalId,
        /// Start.
        starts_at: DateTime<Utc>,
        /// End.
        ends_at: DateTime<Utc>,
        /// Seats nobody has booked; more than one at group visits.
        open_seats: i32,
        /// Seats in all.
        seats: i32,
        /// What kind of appointment it is for.
        appointment_type: AppointmentType,
        /// Whom the patient meets, when it is a named person.
        staff: Option<StaffSummary>,
        /// Where.
        care_unit: CareUnitSummary,
    }
}

plain_object! {
    /// A booked time (bokad tid).
    Appointment implements Node {
        /// Global id.
        id: GlobalId,
        /// Where it stands.
        status: AppointmentStatus,
        /// How it came about.
        origin: AppointmentOrigin,
        /// The way it was booked.
        booking_channel: BookingChannel,
        /// How patient and care meet.
        mode: AppointmentMode,
        /// Start.
        starts_at: DateTime<Utc>,
        /// End.
        ends_at: DateTime<Utc>,
        /// What kind of appointment it is.
        appointment_type: AppointmentType,
        /// Whom the patient meets, when it is a named person.
        staff: Option<StaffSummary>,
        /// Where.
        care_unit: CareUnitSummary,
        /// The last instant at which the patient may cancel or rebook.
        cancel_by: DateTime<Utc>,
        /// Whether the caller may cancel it now, and if not, why.
        can_cancel: Permission,
        /// Whether the caller may rebook it now, and if not, why.
        can_rebook: Permission,
        /// When the patient confirmed it, if they have.
        confirmed_at: Option<DateTime<Utc>>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// Whether something can be done now: no buttons that fail.
    Permission {
        /// Whether it can.
        allowed: bool,
        /// Why not, and what to do instead, in plain words.
        reason: Option<String>,
    }
}
