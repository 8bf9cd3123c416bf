//! What a kind of appointment asks of the patient (villkor): accepted before the time is theirs, and kept with it as it
//! read then.

use chrono::{DateTime, Utc};
use entity::{access_event::ActorKind, appointment, appointment_type};

use crate::error::Problem;

/// That the type's conditions are accepted, where it has any.
pub fn accepted(kind: &appointment_type::Model, said: bool) -> Result<(), Problem> {
    if kind.conditions.is_none() || said {
        return Ok(());
    }
    Err(Problem::input(
        "conditionsAccepted",
        "Tiden har villkor. Läs dem och godkänn dem först.",
        "The time has conditions. Read and accept them first.",
    ))
}

/// [`accepted`] for a time that is moved: what was accepted for it before is not asked again.
pub fn accepted_anew(
    booked: &appointment::Model,
    kind: &appointment_type::Model,
    said: bool,
) -> Result<(), Problem> {
    if kind.conditions == booked.conditions { Ok(()) } else { accepted(kind, said) }
}

/// A time that care moves without having asked the patient: nobody has accepted anything then.
pub fn nobody_was_asked(said: bool) -> Result<(), Problem> {
    if !said {
        return Ok(());
    }
    Err(Problem::input(
        "conditionsAccepted",
        "Ange i bookingChannel hur patienten sa det, eller utelämna att villkoren är godkända.",
        "Say in bookingChannel how the patient told you, or leave out that the conditions are accepted.",
    ))
}

/// Writes down what has been accepted: the text itself, for the type may say something else tomorrow.
pub fn keep(
    booked: &mut appointment::Model,
    kind: &appointment_type::Model,
    by: ActorKind,
    at: DateTime<Utc>,
) {
    if kind.conditions.is_some() && kind.conditions != booked.conditions {
        booked.conditions.clone_from(&kind.conditions);
        booked.conditions_version = Some(kind.row_version);
        booked.conditions_accepted_at = Some(at);
        booked.conditions_accepted_by = Some(by);
    }
}
