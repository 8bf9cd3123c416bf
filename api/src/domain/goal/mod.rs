//! Goals (mål), in the patient's words.

pub mod add;
pub mod live;
pub mod remove;
pub mod revise;
mod rules;
