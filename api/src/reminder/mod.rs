//! Reminders and notices: when they are due, what they say and how they leave.
//!
//! What is said is free of content by rule: a message names a time, a place to call and a sender, never a reason,
//! a profession or a person.

pub mod ladder;

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

/// A way that a message leaves the service by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChannelKind {
    /// Mail (e-post).
    Mail,
    /// SMS.
    Sms,
}

/// How patient and care meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// At the unit (besök).
    Visit,
    /// By video.
    Video,
    /// By phone.
    Phone,
    /// In the patient's home (hembesök).
    Home,
}
