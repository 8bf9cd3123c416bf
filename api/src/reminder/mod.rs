//! Reminders and notices: when they are due, what they say and how they leave.
//!
//! What is said is free of content by rule: a message names a time, a place to call and a sender, never a reason,
//! a profession or a person.

pub mod channel;
pub mod claim;
pub mod ladder;
pub mod recheck;
pub mod record;
pub mod render;
pub mod worker;

pub use entity::{appointment_type::Mode, contact_way::Channel as ChannelKind, reminder_preference::Detail};

/// A rung of the ladder of reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// At booking (bekräftelse).
    Confirmation,
    /// Seven days before.
    WeekBefore,
    /// 24 hours before the last moment to cancel: the main one.
    BeforeDeadline,
    /// At 18:00 the evening before.
    EveningBefore,
    /// On the day, phone and video only.
    SameDay,
}

impl Rule {
    /// Every rung, in the order of the ladder.
    pub const ALL: [Self; 5] =
        [Self::Confirmation, Self::WeekBefore, Self::BeforeDeadline, Self::EveningBefore, Self::SameDay];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmation => "CONFIRMATION",
            Self::WeekBefore => "WEEK_BEFORE",
            Self::BeforeDeadline => "BEFORE_DEADLINE",
            Self::EveningBefore => "EVENING_BEFORE",
            Self::SameDay => "SAME_DAY",
        }
    }

    /// Whether it is left out at sending time if the patient has confirmed the appointment.
    pub const fn unless_confirmed(self) -> bool {
        matches!(self, Self::EveningBefore)
    }

    /// The rung with this stored text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }
}
