//! A patient's personal calendar feed (kalenderprenumeration): an address that a calendar program fetches by itself.
//!
//! Whoever has the address reads the feed: it holds 256 random bits, is shown once, stored as a hash, and can be
//! changed or revoked at any time. What stands in the feed is the patient's own choice, as in reminders.

pub mod read;
pub mod turn;

use crate::crypto::sha256;

/// The hash under which a secret is stored. The secret is random, so that it needs no key.
pub(crate) fn hash(secret: &str) -> Vec<u8> {
    sha256(&[b"calendar feed", secret.as_bytes()])
}

/// The path of a feed under its secret.
pub fn path(secret: &str) -> String {
    format!("/calendar/{secret}.ics")
}
