//! Column types for what must not be readable in the database.
//!
//! The keys never come here: sealing and opening is the keyring's work; these types only carry bytes.

use sea_orm::DeriveValueType;

/// Encrypted text: format byte, key id, nonce, ciphertext. Bound to its table and row, so a value that is
/// moved to another row does not open.
#[derive(Clone, PartialEq, Eq, DeriveValueType)]
pub struct Sealed(pub Vec<u8>);

/// A keyed hash of something that must be found (a personal identity number, a phone number): the key's id,
/// then the hash, so that rows made with an old and a new key coexist.
#[derive(Clone, PartialEq, Eq, Hash, DeriveValueType)]
pub struct LookupHash(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealed(…)")
    }
}

impl std::fmt::Debug for LookupHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LookupHash(…)")
    }
}
