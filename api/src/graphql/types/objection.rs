//! Objections to what others said or wrote down as the patient's side's yes to a version.

use chrono::{DateTime, Utc};

use super::{
    enums::{ActorKind, WayOfTelling},
    people::StaffSummary,
};
use crate::graphql::{
    plain::{plain_enum, plain_object},
    scalars::GlobalId,
};

plain_enum! {
    /// Why an objection (invändning) stands no longer.
    ObjectionEnding = entity::version_objection::Ending {
        /// Whoever objected has assented to the version.
        Dropped,
        /// A representative's (ombud): the patient has spoken, by objecting or assenting.
        Overruled,
        /// A representative's (ombud), who has no say about it any more: they may assent no longer, or care has recorded
        /// that their yes is not needed.
        Lapsed,
        /// Another version came into force, or the agreement ended.
        Superseded,
        /// The proposal that it was to was taken back, declined or countered.
        Withdrawn,
    }
}

plain_object! {
    /// One objection (invändning) to what others said or wrote down as the patient's side's yes to a version.
    VersionObjection {
        /// Whose it is: a representative (ombud) is always shown as such.
        by: ActorKind,
        /// The name of the representative; none for the patient.
        name: Option<String>,
        /// The representative's global id, where one objected.
        representative_id: Option<GlobalId>,
        /// When.
        at: DateTime<Utc>,
        /// What is wrong, in the words of whoever objected; not shown to representatives.
        words: Option<String>,
        /// Who wrote it down, where the patient said it to staff.
        recorded_by: Option<StaffSummary>,
        /// How the patient said it to them.
        how: Option<WayOfTelling>,
        /// Since when it stands no longer. None while it stands.
        ended_at: Option<DateTime<Utc>>,
        /// Why it stands no longer.
        ending: Option<ObjectionEnding>,
    }
}
