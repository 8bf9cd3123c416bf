//! Patients: who they are and how their numbers are written.

pub mod personal_number;
