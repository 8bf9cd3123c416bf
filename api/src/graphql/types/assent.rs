//! Who said yes to a version, and how; and versions that the patient has not decided about.

use chrono::{DateTime, Utc};

use super::{
    enums::{ActorKind, Party},
    people::StaffSummary,
};
use crate::graphql::{
    plain::{plain_enum, plain_object},
    scalars::{Date, GlobalId},
};

plain_enum! {
    /// How an assent was given.
    AssentGiven = entity::version_assent::Given {
        /// By the one whose it is, in the service.
        Direct,
        /// By word of mouth (muntligt), written down by staff. Counted apart.
        Oral,
    }
}

plain_enum! {
    /// Where an oral assent was given.
    AssentSetting = entity::version_assent::Setting {
        /// At a visit (vid besök).
        AtVisit,
        /// By phone (per telefon).
        ByPhone,
        /// By video (per video).
        ByVideo,
        /// At home (hemma hos patienten).
        AtHome,
    }
}

plain_object! {
    /// One yes to a version (godkännande), by one person, to exactly the text with this digest.
    VersionAssent {
        /// Whose side it is on.
        side: Party,
        /// Who gave it: a representative (ombud) is always shown as such.
        by: ActorKind,
        /// The name of the representative or staff member; none for the patient.
        name: Option<String>,
        /// The representative's global id, where one gave it.
        representative_id: Option<GlobalId>,
        /// When.
        at: DateTime<Utc>,
        /// Fingerprint of the text that was assented to.
        digest: String,
        /// In the service, or by word of mouth (muntligt).
        given: AssentGiven,
        /// Whether it was given by word of mouth (muntligt).
        is_oral: bool,
        /// Of an oral assent: where it was given.
        setting: Option<AssentSetting>,
        /// Of an oral assent: through which interpreter (tolk).
        interpreter: Option<String>,
        /// Of an oral assent: who else was there.
        present: Option<String>,
        /// Of an oral assent: who wrote it down.
        recorded_by: Option<StaffSummary>,
        /// Of an oral assent: whether the one who wrote it down also gave care's assent.
        recorded_by_care_assenter: bool,
    }
}

plain_object! {
    /// Why a version holds without the patient's decision (utan patientens ställningstagande).
    PatientUndecided {
        /// Why the patient cannot decide now.
        reason: String,
        /// What is known of the patient's will (vad man vet om patientens vilja).
        known_will: String,
        /// When the patient is to be asked again.
        ask_again_on: Date,
        /// Who recorded it.
        recorded_by: StaffSummary,
        /// When.
        at: DateTime<Utc>,
    }
}

plain_object! {
    /// That the agreement can come into force without one guardian's assent (undantag för en vårdnadshavare), as care has
    /// recorded it.
    GuardianException {
        /// The guardian's (vårdnadshavare) global id, as a representative.
        representative_id: GlobalId,
        /// Their name.
        name: String,
        /// Why, in care's words; shown to staff alone.
        reason: Option<String>,
        /// Who recorded it.
        recorded_by: Option<StaffSummary>,
        /// When.
        at: DateTime<Utc>,
        /// Since when the guardian is waited for again. None while it holds.
        ended_at: Option<DateTime<Utc>>,
        /// Who ended it; none where the guardian's own assent did.
        ended_by: Option<StaffSummary>,
        /// Why they ended it, in care's words; shown to staff alone.
        end_reason: Option<String>,
    }
}
