//! Patients: who they are and how their numbers are written.

pub mod personal_number;

use entity::patient;

use crate::error::{Problem, ProblemCode};

/// Under which a personal identity number is hashed for look-up, in its kept form.
pub const IDENTITY_LOOKUP: &str = "identity number";

/// Death ends what can be done for a patient.
pub fn alive(patient: &patient::Model) -> Result<(), Problem> {
    if patient.deceased_on.is_some() {
        return Err(Problem::new(
            ProblemCode::Conflict,
            "Patienten är avliden. Det här kan inte göras.",
            "The patient has died. This cannot be done.",
        ));
    }
    Ok(())
}
