//! What a patient has said yes to: which reminders and notices, by which channel, with how much in them.

pub mod rules;
pub mod set;
pub mod stop;
pub mod texts;
