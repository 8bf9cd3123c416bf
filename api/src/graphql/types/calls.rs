//! The call log as the schema shows it.

use chrono::{DateTime, Utc};

use super::people::{CareUnitSummary, PatientSummary, StaffSummary};
use crate::graphql::{
    plain::{plain_enum, plain_object},
    scalars::{GlobalId, PhoneNumber},
};

plain_enum! {
    /// Who called whom.
    CallDirection = entity::phone_call::Direction {
        /// Somebody called care (inkommande).
        Incoming,
        /// Care calls (utgående).
        Outgoing,
    }
}

plain_enum! {
    /// Whether there is still a call to make.
    CallStatus = entity::phone_call::Status {
        /// To be made (att ringa).
        ToMake,
        /// Made (ringt).
        Made,
        /// Given up: nobody was reached (ej nådd).
        NotReached,
    }
}

plain_object! {
    /// One attempt at a call (uppringning).
    CallAttempt {
        /// When.
        at: DateTime<Utc>,
        /// Whether the person was reached (nådd).
        reached: bool,
        /// What was said, or how it went.
        words: Option<String>,
        /// Who called.
        by: StaffSummary,
    }
}

plain_object! {
    /// A call about a patient (samtal): one that took place, or one to make.
    CallLogEntry implements Node {
        /// Global id.
        id: GlobalId,
        /// Whom it is about.
        patient: PatientSummary,
        /// Who called whom.
        direction: CallDirection,
        /// Whether there is still a call to make.
        status: CallStatus,
        /// With whom: the patient, a relative, another care giver.
        with_whom: String,
        /// What it is about.
        about: String,
        /// The number to call.
        phone: Option<PhoneNumber>,
        /// By when a call is promised (utlovad återuppringning), or was.
        call_by: Option<DateTime<Utc>>,
        /// Whether that time has passed and nobody has called.
        is_overdue: bool,
        /// The unit that calls.
        care_unit: CareUnitSummary,
        /// Who wrote it down.
        created_by: StaffSummary,
        /// When it was written down.
        created_at: DateTime<Utc>,
        /// Each time somebody called, the first one first; at most 50.
        attempts: Vec<CallAttempt>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}
