//! The secret in the links of a message.
//!
//! It follows from the notice by a key of the service, so that every attempt carries the same links, and the database
//! holds only its hash: whoever reads the database cannot open a link, and whoever has a link learns no id from it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{LookupHash, NoticeId};

use crate::crypto::{Keyring, sha256};

const PURPOSE: &str = "link of a notice";
/// 128 bits.
const BYTES: usize = 16;
/// The length of a secret as text.
pub const LENGTH: usize = 22;

/// Stands for a secret where a message is only shown: of the same length, so that the text is what would be sent.
pub const HIDDEN: &str = "**********************";

/// The secret under which a new notice is stored.
pub(super) fn secret(keys: &Keyring, notice: NoticeId) -> String {
    shortened(&keys.lookup_hash(PURPOSE, &notice.0.simple().to_string()))
}

/// The secret of a stored notice; none when it was planned under a key that is gone.
pub fn known_secret(keys: &Keyring, notice: NoticeId, stored: &[u8]) -> Option<String> {
    let all = keys.lookup_hashes(PURPOSE, &notice.0.simple().to_string());
    all.iter().map(shortened).find(|secret| hash(secret) == stored)
}

/// The path of the page under a secret.
pub fn path(secret: &str) -> String {
    format!("/r/{secret}")
}

/// What is stored of a secret. It is random enough to need no key.
pub fn hash(secret: &str) -> Vec<u8> {
    sha256(&[b"link of a notice", secret.as_bytes()])
}

/// The end of the keyed hash: its beginning is the number of the key.
fn shortened(hash: &LookupHash) -> String {
    let bytes = hash.0.get(hash.0.len().saturating_sub(BYTES)..).unwrap_or_default();
    URL_SAFE_NO_PAD.encode(bytes)
}
