//! Wishes for a time, and the offers of freed ones, as the schema shows them.

use chrono::{DateTime, Utc};

use super::{
    booking::{AppointmentType, Slot},
    enums::{AppointmentMode, Weekday},
    people::{CareUnitSummary, PatientSummary, StaffSummary},
};
use crate::graphql::{
    plain::{plain_enum, plain_object},
    scalars::{Date, GlobalId},
};

plain_enum! {
    /// Whether a patient still waits for a time.
    TimeWishStatus = entity::time_wish::Status {
        /// Waits for a time (väntar).
        Open,
        /// Got a time (bokad).
        Booked,
        /// Taken back (återtagen).
        Withdrawn,
        /// Its last day has passed, or the kind of appointment is not offered any more (utgången).
        Expired,
    }
}

plain_enum! {
    /// What became of an offer of a freed time.
    TimeOfferStatus = entity::time_offer::Status {
        /// Waits for an answer; the time is kept for the patient.
        Open,
        /// Accepted: the time is booked.
        Accepted,
        /// Declined (nej tack).
        Declined,
        /// Nobody answered in time (obesvarad).
        Unanswered,
        /// Taken back: the time or the wish is no more, or the patient has another time then.
        Withdrawn,
    }
}

plain_object! {
    /// A part of the day (del av dagen).
    DaySpan {
        /// From, such as `08:00`.
        from: String,
        /// Until, such as `12:00`.
        until: String,
    }
}

plain_object! {
    /// An offer of a freed time (erbjudande om återbudstid): the time is kept for the patient while it stands.
    TimeOffer implements Node {
        /// Global id.
        id: GlobalId,
        /// What became of it.
        status: TimeOfferStatus,
        /// The time.
        slot: Slot,
        /// When it was offered.
        offered_at: DateTime<Utc>,
        /// Until when it can be accepted.
        answer_by: DateTime<Utc>,
    }
}

plain_object! {
    /// A wish for a time (önskemål om tid), when nothing that is free fits.
    TimeWish implements Node {
        /// Global id.
        id: GlobalId,
        /// Where it stands.
        status: TimeWishStatus,
        /// Who waits.
        patient: PatientSummary,
        /// For what kind of appointment (besökstyp).
        appointment_type: AppointmentType,
        /// Where.
        care_unit: CareUnitSummary,
        /// Whom the patient wants to meet; anybody when null.
        staff: Option<StaffSummary>,
        /// On which days of the week.
        weekdays: Vec<Weekday>,
        /// Within which parts of the day the time begins; at any hour when empty.
        times: Vec<DaySpan>,
        /// In which ways; in any when empty.
        modes: Vec<AppointmentMode>,
        /// From which day.
        from: Date,
        /// Until which day.
        until: Date,
        /// The shortest notice that the patient can come on, in minutes.
        notice_minutes: i32,
        /// Whether the patient may be phoned about it.
        by_phone: bool,
        /// The place in the queue (n:e i tur), 1 for the next; null when the wish has ended.
        place: Option<i32>,
        /// By when something is to have been offered; after that it is a task of the unit.
        answer_by: DateTime<Utc>,
        /// The freed time that is offered just now.
        offer: Option<TimeOffer>,
        /// Offers that were not answered in time.
        unanswered_offers: i32,
        /// When it was left.
        created_at: DateTime<Utc>,
        /// When it ended.
        ended_at: Option<DateTime<Utc>>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}
