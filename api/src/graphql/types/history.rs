//! The change history as people read it.

use chrono::{DateTime, Utc};

use super::enums::ActorKind;
use crate::graphql::plain::plain_object;

plain_object! {
    /// One change (ändring): who, when, and from what to what, in plain words.
    HistoryEntry {
        /// When.
        at: DateTime<Utc>,
        /// What kind of person or system acted: a representative (ombud) is always shown as such.
        by: ActorKind,
        /// Who acted, in the caller's language: "du" for the patient's own acts, staff with title and unit.
        by_name: String,
        /// The act by its name in this API, such as `planItemComplete`.
        action: String,
        /// What happened, in plain words, in the caller's language.
        what: String,
        /// What kind of thing changed, such as `plan_item`.
        subject_kind: String,
        /// Field by field, from what to what. Empty where nothing but the act itself is to be told.
        changes: Vec<HistoryChange>,
    }
}

plain_object! {
    /// One field of a change.
    HistoryChange {
        /// The field by its name in the record, such as `content.story`.
        field: String,
        /// Its name in plain words, in the caller's language.
        label: String,
        /// What it was; null when it is new, or not shown to the caller.
        from: Option<String>,
        /// What it became; null when it was taken away, or is not shown to the caller.
        to: Option<String>,
    }
}
