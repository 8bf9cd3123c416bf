//! The personal calendar feed.

use chrono::{DateTime, Utc};

use super::enums::ReminderDetail;
use crate::graphql::plain::plain_object;

plain_object! {
    /// The patient's calendar feed (kalenderprenumeration), without its address: that was shown once.
    CalendarFeed {
        /// How much stands in it. What is sensitive, or under a protected identity, never shows more than the time.
        detail: ReminderDetail,
        /// When the address that is valid now was made.
        address_from: DateTime<Utc>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}
