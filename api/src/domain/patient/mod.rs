//! Patients: who they are and how their numbers are written.

pub mod personal_number;

/// Under which a personal identity number is hashed for look-up, in its kept form.
pub const IDENTITY_LOOKUP: &str = "identity number";
