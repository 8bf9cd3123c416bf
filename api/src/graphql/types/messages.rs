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
        /// When the other side first read it (läst), if they have: the patient's side or care, and between units the other
        /// unit, not a colleague at the writer's own.
        read_at: Option<DateTime<Utc>>,
    }
}

plain_object! {
    /// Who answers a thread now (svarar): a person in a role, whoever steps in, or the unit.
    ThreadAnswerer {
        /// Name of the person or the unit.
        name: String,
        /// Title or function of the person; none for a unit.
        function: Option<String>,
        /// The holder of the role, while somebody else answers instead (ersätter).
        instead_of: Option<String>,
        /// Until when the holder is away (borta till).
        away_until: Option<DateTime<Utc>>,
    }
}

plain_object! {
    /// A reader of a thread (läskvitto), and how far they have read.
    ThreadReader {
        /// Whether the reader is the patient, a representative (ombud) or staff.
        kind: ActorKind,
        /// The reader's name.
        name: String,
        /// The newest message they have read; those before it count as read too.
        message_id: GlobalId,
        /// When they read it.
        read_at: DateTime<Utc>,
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
        /// Whether it waits for the young person's own word (väntar på ungdomens eget besked): others wrote this yes down
        /// before the 13th birthday, which has come. Nothing is sent by it until the young person, or staff who have asked
        /// them, decides anew.
        awaits_own_word: bool,
    }
}
