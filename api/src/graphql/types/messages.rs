//! Messages and reminder choices.

use chrono::{DateTime, Utc};

use super::enums::{ActorKind, Channel, ReminderDetail, ReminderKind};
use crate::graphql::{plain::plain_object, scalars::GlobalId};

plain_object! {
    /// A message (meddelande) in a thread.
    ThreadMessage implements Node {
        /// Global id.
        id: GlobalId,
        /// The text, as plain text.
        body: String,
        /// Who wrote it: patient, representative (ombud) or staff.
        author_kind: ActorKind,
        /// The writer's name, as the reader may see it.
        author_name: String,
        /// Whether the caller wrote it.
        is_own: bool,
        /// When it was sent.
        sent_at: DateTime<Utc>,
        /// When the other side first read it (läst), if they have.
        read_at: Option<DateTime<Utc>>,
    }
}

plain_object! {
    /// What the patient has said about reminders or notices of one kind in one channel. No decision is no.
    ReminderPreference implements Node {
        /// Global id.
        id: GlobalId,
        /// What it is about.
        kind: ReminderKind,
        /// The channel.
        channel: Channel,
        /// Yes or no.
        opted_in: bool,
        /// How much may stand in it.
        detail: ReminderDetail,
        /// The exact text the patient decided on.
        text_shown: String,
        /// When it was decided.
        decided_at: DateTime<Utc>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}
