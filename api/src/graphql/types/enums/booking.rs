//! The enums of booked times, reminders and messages.

use crate::graphql::plain::plain_enum;

plain_enum! {
    /// Where a booked time stands.
    AppointmentStatus = entity::appointment::Status {
        /// Booked (bokad).
        Booked,
        /// Cancelled (avbokad).
        Cancelled,
        /// The patient came (genomförd).
        Attended,
        /// The patient did not come (uteblev).
        Missed,
    }
}

plain_enum! {
    /// How a booked time came about.
    AppointmentOrigin = entity::appointment::Origin {
        /// Booked together with care (överenskommen tid).
        Agreed,
        /// Booked by the patient (självbokad).
        SelfBooked,
    }
}

plain_enum! {
    /// The way a booking was made.
    BookingChannel = entity::appointment::BookingChannel {
        /// In the app or on the web.
        Web,
        /// By phone, entered by staff.
        Phone,
        /// At the unit, entered by staff.
        OnSite,
    }
}

plain_enum! {
    /// How patient and care meet.
    AppointmentMode = entity::appointment_type::Mode {
        /// At the unit (besök).
        Visit,
        /// By video.
        Video,
        /// By phone (telefon).
        Phone,
        /// In the patient's home (hembesök).
        Home,
    }
}

plain_enum! {
    /// A way a message can take.
    Channel = entity::contact_way::Channel {
        /// Mail (e-post).
        Mail,
        /// SMS.
        Sms,
        /// A letter: on the unit's print list (brev).
        Letter,
        /// A call: on the unit's call list (telefon).
        Phone,
    }
}

plain_enum! {
    /// What reminders or notices a decision is about.
    ReminderKind = entity::reminder_preference::PreferenceKind {
        /// Reminders of booked times (påminnelser om tider).
        Appointment,
        /// Notices of new messages.
        Message,
        /// Notices of changes in the plan.
        Plan,
    }
}

plain_enum! {
    /// How much may stand in a reminder: the patient's own choice.
    ReminderDetail = entity::reminder_preference::Detail {
        /// Only the time and a phone number. The default.
        TimeOnly,
        /// The unit's name too.
        UnitName,
        /// The unit's name and address too.
        UnitAndAddress,
    }
}

plain_enum! {
    /// Who talk in a thread.
    ThreadKind = entity::thread::Kind {
        /// Patient and care.
        PatientCare,
        /// Care givers about a patient.
        CareCare,
    }
}

plain_enum! {
    /// Whether a thread goes on.
    ThreadStatus = entity::thread::Status {
        /// Open.
        Open,
        /// Closed.
        Closed,
    }
}

plain_enum! {
    /// Who may book times of a type themselves (webbtidbokning).
    WebBooking = entity::appointment_type::WebBooking {
        /// Nobody: call the unit.
        Nobody,
        /// The unit's own patients: listed there, or with a care relation (vårdrelation) in force.
        OwnPatients,
        /// Any patient who signs in.
        Everyone,
    }
}

/// A day of the week (veckodag).
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum Weekday {
    /// Måndag.
    Monday,
    /// Tisdag.
    Tuesday,
    /// Onsdag.
    Wednesday,
    /// Torsdag.
    Thursday,
    /// Fredag.
    Friday,
    /// Lördag.
    Saturday,
    /// Söndag.
    Sunday,
}

impl Weekday {
    /// Every day, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Its bit, Monday's the lowest.
    pub const fn bit(self) -> i32 {
        1 << self as i32
    }
}

impl crate::graphql::plain::Plain for Weekday {
    fn write(&self, _: &crate::graphql::plain::At<'_>) -> async_graphql::Value {
        async_graphql::Value::Enum(async_graphql::Name::new(match self {
            Self::Monday => "MONDAY",
            Self::Tuesday => "TUESDAY",
            Self::Wednesday => "WEDNESDAY",
            Self::Thursday => "THURSDAY",
            Self::Friday => "FRIDAY",
            Self::Saturday => "SATURDAY",
            Self::Sunday => "SUNDAY",
        }))
    }
}

/// Whose time it is to the patient; times are offered in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum)]
pub enum SlotTier {
    /// The patient's own doctor (fast läkarkontakt).
    YourDoctor,
    /// Another of the patient's contacts in care (vårdteamet).
    YourTeam,
    /// Others at the unit (enheten).
    TheUnit,
}

impl crate::graphql::plain::Plain for SlotTier {
    fn write(&self, _: &crate::graphql::plain::At<'_>) -> async_graphql::Value {
        async_graphql::Value::Enum(async_graphql::Name::new(match self {
            Self::YourDoctor => "YOUR_DOCTOR",
            Self::YourTeam => "YOUR_TEAM",
            Self::TheUnit => "THE_UNIT",
        }))
    }
}
