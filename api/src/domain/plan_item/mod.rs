//! Plan items (insatser): what will happen, when, and who does it.

pub mod accept;
pub mod concern;
pub mod guarantee;
pub mod live;
pub mod occurrence;
pub mod owed;
pub mod propose;
pub mod recurrence;
pub mod referral;
pub mod relative;
pub mod remove;
pub mod result;
pub mod revise;
pub mod rules;
pub mod turn;
mod wording;
pub mod work_note;
