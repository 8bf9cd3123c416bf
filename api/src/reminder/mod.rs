//! Reminders and notices: when they are due, what they say and how they leave.
//!
//! What is said is free of content by rule: a message names a time, a place to call and a sender, never a reason,
//! a profession or a person.

pub mod beat;
pub mod breaker;
pub mod channel;
pub mod claim;
pub mod hold;
pub mod outlook;
pub mod pace;
pub mod pause;
pub mod receipt;
pub mod recheck;
pub mod record;
pub mod render;
pub mod survey;
pub mod watch;
pub mod worker;

pub use entity::{appointment_type::Mode, contact_way::Channel as ChannelKind, reminder_preference::Detail};

pub use crate::domain::ladder::Rule;
