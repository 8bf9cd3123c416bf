//! Notices to staff (aviseringar till medarbetare): who has chosen mail is told that there is something new, never what.
//!
//! What is new is what is in the lists already, tasks and what patients have done: nothing more is stored for it, and one
//! mail stands for everything that came within a while. It leaves by the outbox, the channels and the guards of the
//! patients' reminders.

pub mod set;
pub mod sweep;

/// Where an address is sealed.
pub const ADDRESS: &str = "staff_notice.address";
