//! Goals (mål), in the patient's words.

pub mod add;
