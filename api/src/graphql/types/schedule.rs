//! Schedules, as the schema shows them.

use chrono::{DateTime, Utc};

use super::{
    booking::{AppointmentType, Slot},
    people::StaffSummary,
};
use crate::graphql::{
    plain::plain_object,
    scalars::{Date, GlobalId},
};

plain_object! {
    /// A span of the wall clock in Sweden within one day.
    ClockSpan {
        /// From, such as `08:00`.
        from: String,
        /// Until, such as `12:00`; `24:00` is the end of the day.
        until: String,
    }
}

plain_object! {
    /// A pattern of times (tidbok) of a unit, of one of its staff, or of several together.
    Schedule implements Node {
        /// Global id.
        id: GlobalId,
        /// What kind of appointment (besökstyp) its times are for.
        appointment_type: AppointmentType,
        /// Who is in each of its times, the one whom the patient meets first; nobody for times of the unit.
        staff: Vec<StaffSummary>,
        /// The days, as an RFC 5545 recurrence rule.
        rule: String,
        /// The first day.
        valid_from: Date,
        /// The last day, where there is one.
        valid_until: Option<Date>,
        /// The working block (pass) that is filled with times.
        block: ClockSpan,
        /// Without times (pauser).
        pauses: Vec<ClockSpan>,
        /// Days without times (undantag).
        except_days: Vec<Date>,
        /// Days with times beside the rule (extra dagar).
        extra_days: Vec<Date>,
        /// Whether there are times on holidays, midsommarafton, julafton, nyårsafton and the unit's closing days too.
        on_closed_days: bool,
        /// Seats of each time.
        seats: i32,
        /// Whether its times can be booked on the web by those whom the type allows; else the unit books them.
        web_bookable: bool,
        /// The days until and with this one have become times that can be booked.
        published_until: Date,
        /// Booked times ahead that have fallen out of it, the soonest 100: nobody new can book them, and their patients need
        /// another time (ombokning). A change that has them in the pattern again takes them back in.
        to_rebook: Vec<Slot>,
        /// When it was ended, if it was.
        ended_at: Option<DateTime<Utc>>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// A time that a schedule would publish.
    ScheduleTime {
        /// Start.
        starts_at: DateTime<Utc>,
        /// End.
        ends_at: DateTime<Utc>,
        /// The wall clock in Sweden at the start, such as `2027-03-01T09:00`.
        local_start: String,
    }
}
