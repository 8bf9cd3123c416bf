//! What a unit is told of its patients.

use chrono::{DateTime, Utc};

use super::people::PatientSummary;
use crate::{
    domain::news::Kind,
    graphql::plain::{plain_enum, plain_object},
};

plain_enum! {
    /// What a patient, or a representative (ombud), has done.
    UnitNewsKind = Kind {
        /// Booked a time (ny bokning).
        AppointmentBooked,
        /// Cancelled a time (avbokning); also staff of another unit for the patient.
        AppointmentCancelled,
        /// Moved a time (ombokning).
        AppointmentMoved,
        /// Assented to the agreement (godkännande).
        Assent,
        /// Written a message (nytt meddelande).
        Message,
        /// Proposed something in the agreement (förslag).
        Proposal,
        /// Left a wish for a time (önskemål om tid).
        TimeWish,
    }
}

plain_object! {
    /// One thing that a patient, or another unit for the patient, has done and the unit is told of (nytt från patienter).
    UnitNews {
        /// What it is.
        kind: UnitNewsKind,
        /// Whom it is about.
        patient: PatientSummary,
        /// When it happened.
        at: DateTime<Utc>,
    }
}
