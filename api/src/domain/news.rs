//! What patients do that their unit is told of (nytt från patienter): bookings, messages, proposals, answers; and what
//! other units do with its times.
//!
//! Nothing is stored for it: it is the domain events of the unit that somebody else made happen, so that it cannot be
//! forgotten and never contradicts what happened. What must be acted on is a task besides.

/// What has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMoved,
    Assent,
    Message,
    Proposal,
    TimeWish,
}

/// Staff of another unit have cancelled a time of the unit: beside the event that everybody hears of.
pub const CANCELLED_BY_OTHER_UNIT: &str = "appointment.cancelled_by_other_unit";

/// The event that tells a unit what another one has done with its time.
pub fn by_other_unit(event: &str) -> Option<&'static str> {
    // Other units neither book nor move its times.
    (event == "appointment.cancelled").then_some(CANCELLED_BY_OTHER_UNIT)
}

/// The events that a unit is told of, each with what it stands for.
pub const EVENTS: &[(&str, Kind)] = &[
    ("agreement.activated", Kind::Assent),
    ("agreement.assented", Kind::Assent),
    ("agreement.countered", Kind::Proposal),
    ("agreement.proposed", Kind::Proposal),
    ("appointment.booked", Kind::AppointmentBooked),
    ("appointment.cancelled", Kind::AppointmentCancelled),
    (CANCELLED_BY_OTHER_UNIT, Kind::AppointmentCancelled),
    ("appointment.rebooked", Kind::AppointmentMoved),
    ("goal.added", Kind::Proposal),
    ("plan_item.proposed", Kind::Proposal),
    ("thread.message_sent", Kind::Message),
    ("thread.started", Kind::Message),
    ("time_wish.left", Kind::TimeWish),
];

impl Kind {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AppointmentBooked => "APPOINTMENT_BOOKED",
            Self::AppointmentCancelled => "APPOINTMENT_CANCELLED",
            Self::AppointmentMoved => "APPOINTMENT_MOVED",
            Self::Assent => "ASSENT",
            Self::Message => "MESSAGE",
            Self::Proposal => "PROPOSAL",
            Self::TimeWish => "TIME_WISH",
        }
    }

    /// What an event of this kind stands for.
    pub fn of(event: &str) -> Option<Self> {
        EVENTS.iter().find(|(kind, _)| *kind == event).map(|(_, news)| *news)
    }
}
