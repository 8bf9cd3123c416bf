//! Plan items (insatser): what will happen, when, and who does it.

pub mod accept;
pub mod complete;
pub mod propose;
pub mod recurrence;
pub mod remove;
pub mod revise;
pub mod rules;
mod wording;
