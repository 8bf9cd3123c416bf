//! Sealing of what must not be readable in the database, and keyed hashes of what must be found in it.
//!
//! Envelope encryption: a master key from the configuration wraps data keys that live in the `data_key` table;
//! values carry the id of their data key. A new master key rewraps a handful of rows; a new data key serves new
//! values while old ones still open. Sealing is AES-256-GCM-SIV (RFC 8452, random nonces are safe), bound to the
//! table, column and row, so a value moved elsewhere does not open. Look-up hashes are HMAC-SHA-256.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest, hmac,
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use entity::{LookupHash, Sealed, data_key};
use sea_orm::{
    ActiveValue::{Set, Unchanged},
    EntityTrait,
};
use uuid::Uuid;

use crate::{clock::Clock, db::Db, error::Fault};

const FORMAT: u8 = 1;
const KEY_BYTES: usize = 32;

/// A key from the configuration. Only wraps data keys.
#[derive(Clone)]
pub struct MasterKey {
    pub id: String,
    pub key: [u8; KEY_BYTES],
}

/// Where a sealed value belongs: it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// `table.column`.
    pub column: &'static str,
    pub row: Uuid,
}

impl Place {
    pub fn new(column: &'static str, row: impl Into<Uuid>) -> Self {
        Self { column, row: row.into() }
    }
}

struct Inner {
    seal: HashMap<i32, LessSafeKey>,
    seal_with: i32,
    /// Newest first.
    lookup: Vec<(i32, hmac::Key)>,
    random: SystemRandom,
}

/// The unwrapped data keys. Clones share them.
#[derive(Clone)]
pub struct Keyring(Arc<Inner>);

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(…)")
    }
}

impl Keyring {
    /// Loads the data keys and makes the first ones in an empty database. Keys wrapped by an older master key are
    /// rewrapped with the active one, the first of `masters`.
    ///
    /// # Errors
    /// [`Fault::Internal`] when no master key opens a data key.
    pub async fn load(db: &Db, clock: &Clock, masters: &[MasterKey]) -> Result<Self, Fault> {
        let active = masters.first().ok_or_else(|| Fault::internal("no master key is configured"))?.clone();
        let masters: HashMap<String, MasterKey> = masters.iter().map(|m| (m.id.clone(), m.clone())).collect();
        let now = clock.now();
        let rows = db
            .write(async |tx| -> Result<Vec<(data_key::Model, Vec<u8>)>, Fault> {
                let random = SystemRandom::new();
                if data_key::Entity::find().one(tx).await?.is_none() {
                    for (id, purpose) in [(1, data_key::Purpose::Seal), (2, data_key::Purpose::Lookup)] {
                        let mut key = vec![0; KEY_BYTES];
                        random.fill(&mut key).map_err(|_| Fault::internal("no randomness"))?;
                        let row = data_key::ActiveModel {
                            id: Set(id),
                            purpose: Set(purpose),
                            master_key_id: Set(active.id.clone()),
                            wrapped: Set(wrap(&active, id, &key, &random)?),
                            created_at: Set(now),
                        };
                        // Two processes may start at once on an empty database: the first one's keys hold.
                        data_key::Entity::insert(row)
                            .on_conflict_do_nothing()
                            .exec_without_returning(tx)
                            .await?;
                    }
                }
                let mut opened = Vec::new();
                for row in data_key::Entity::find().all(tx).await? {
                    let master = masters.get(&row.master_key_id).ok_or_else(|| {
                        Fault::internal(format!(
                            "master key `{}` is missing from the configuration",
                            row.master_key_id
                        ))
                    })?;
                    let key = unwrap(master, row.id, &row.wrapped)?;
                    if row.master_key_id != active.id {
                        let rewrapped = data_key::ActiveModel {
                            id: Unchanged(row.id),
                            master_key_id: Set(active.id.clone()),
                            wrapped: Set(wrap(&active, row.id, &key, &random)?),
                            ..Default::default()
                        };
                        data_key::Entity::update(rewrapped).exec(tx).await?;
                    }
                    opened.push((row, key));
                }
                Ok(opened)
            })
            .await?;
        Self::from_keys(rows.into_iter().map(|(row, key)| (row.id, row.purpose, key)))
    }

    fn from_keys(keys: impl Iterator<Item = (i32, data_key::Purpose, Vec<u8>)>) -> Result<Self, Fault> {
        let mut seal = HashMap::new();
        let mut lookup = Vec::new();
        for (id, purpose, key) in keys {
            match purpose {
                data_key::Purpose::Seal => {
                    seal.insert(id, aead(&key)?);
                }
                data_key::Purpose::Lookup => lookup.push((id, hmac::Key::new(hmac::HMAC_SHA256, &key))),
            }
        }
        lookup.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let seal_with =
            seal.keys().copied().max().ok_or_else(|| Fault::internal("no data key for sealing"))?;
        if lookup.is_empty() {
            return Err(Fault::internal("no data key for look-up"));
        }
        Ok(Self(Arc::new(Inner { seal, seal_with, lookup, random: SystemRandom::new() })))
    }

    /// Seals a text for one place.
    pub fn seal(&self, place: Place, text: &str) -> Result<Sealed, Fault> {
        let key = self.0.seal.get(&self.0.seal_with).ok_or_else(|| Fault::internal("seal key"))?;
        let mut nonce = [0; NONCE_LEN];
        self.0.random.fill(&mut nonce).map_err(|_| Fault::internal("no randomness"))?;
        let mut bytes = text.as_bytes().to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(place), &mut bytes)
            .map_err(|_| Fault::internal("sealing failed"))?;
        let mut out = Vec::with_capacity(1 + 4 + NONCE_LEN + bytes.len());
        out.push(FORMAT);
        out.extend_from_slice(&self.0.seal_with.to_be_bytes());
        out.extend_from_slice(&nonce);
        out.append(&mut bytes);
        Ok(Sealed(out))
    }

    /// [`Self::seal`] for a text that may be absent.
    pub fn seal_opt(&self, place: Place, text: Option<&str>) -> Result<Option<Sealed>, Fault> {
        text.map(|t| self.seal(place, t)).transpose()
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// [`Fault::Internal`] when the value was sealed for another place, altered, or its key is missing.
    pub fn open(&self, place: Place, sealed: &Sealed) -> Result<String, Fault> {
        let broken = || Fault::internal(format!("a sealed value of {} does not open", place.column));
        let (&format, rest) = sealed.0.split_first().ok_or_else(broken)?;
        if format != FORMAT || rest.len() < 4 + NONCE_LEN {
            return Err(broken());
        }
        let (id, rest) = rest.split_at(4);
        let (nonce, body) = rest.split_at(NONCE_LEN);
        let id = i32::from_be_bytes(id.try_into().map_err(|_| broken())?);
        let key = self.0.seal.get(&id).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut bytes = body.to_vec();
        let length = key.open_in_place(nonce, aad(place), &mut bytes).map_err(|_| broken())?.len();
        bytes.truncate(length);
        String::from_utf8(bytes).map_err(|_| broken())
    }

    /// [`Self::open`] for a value that may be absent.
    pub fn open_opt(&self, place: Place, sealed: Option<&Sealed>) -> Result<Option<String>, Fault> {
        sealed.map(|s| self.open(place, s)).transpose()
    }

    /// A new secret of 256 random bits, as text that can stand in an address.
    pub fn secret(&self) -> Result<String, Fault> {
        let mut bytes = [0; 32];
        self.0.random.fill(&mut bytes).map_err(|_| Fault::internal("no random bytes"))?;
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The hash under which a new row is written. `kind` keeps a number apart from a phone.
    pub fn lookup_hash(&self, kind: &str, value: &str) -> LookupHash {
        self.lookup_hashes(kind, value).into_iter().next().unwrap_or(LookupHash(Vec::new()))
    }

    /// The hashes under which a row may stand: one for each key, newest first.
    pub fn lookup_hashes(&self, kind: &str, value: &str) -> Vec<LookupHash> {
        self.0
            .lookup
            .iter()
            .map(|(id, key)| {
                let mut context = hmac::Context::with_key(key);
                context.update(kind.as_bytes());
                context.update(&[0]);
                context.update(value.as_bytes());
                let mut out = id.to_be_bytes().to_vec();
                out.extend_from_slice(context.sign().as_ref());
                LookupHash(out)
            })
            .collect()
    }
}

/// SHA-256.
pub fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        // Lengths keep ("ab","c") and ("a","bc") apart.
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

fn aead(key: &[u8]) -> Result<LessSafeKey, Fault> {
    UnboundKey::new(&AES_256_GCM_SIV, key)
        .map(LessSafeKey::new)
        .map_err(|_| Fault::internal("bad key length"))
}

fn aad(place: Place) -> Aad<Vec<u8>> {
    Aad::from([place.column.as_bytes(), &[0], place.row.as_bytes()].concat())
}

fn wrap(master: &MasterKey, id: i32, key: &[u8], random: &SystemRandom) -> Result<Vec<u8>, Fault> {
    let mut nonce = [0; NONCE_LEN];
    random.fill(&mut nonce).map_err(|_| Fault::internal("no randomness"))?;
    let mut bytes = key.to_vec();
    aead(&master.key)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(id.to_be_bytes()),
            &mut bytes,
        )
        .map_err(|_| Fault::internal("wrapping failed"))?;
    Ok([nonce.as_slice(), &bytes].concat())
}

fn unwrap(master: &MasterKey, id: i32, wrapped: &[u8]) -> Result<Vec<u8>, Fault> {
    let broken = || Fault::internal(format!("master key `{}` does not open data key {id}", master.id));
    if wrapped.len() < NONCE_LEN {
        return Err(broken());
    }
    let (nonce, body) = wrapped.split_at(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let mut bytes = body.to_vec();
    let length = aead(&master.key)?
        .open_in_place(nonce, Aad::from(id.to_be_bytes()), &mut bytes)
        .map_err(|_| broken())?
        .len();
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(ids: &[i32]) -> Keyring {
        let keys = ids.iter().flat_map(|&id| {
            let key = vec![u8::try_from(id).unwrap(); KEY_BYTES];
            [(id, data_key::Purpose::Seal, key.clone()), (id + 100, data_key::Purpose::Lookup, key)]
        });
        Keyring::from_keys(keys).unwrap()
    }

    #[test]
    fn a_sealed_text_opens_only_in_its_own_place() {
        let (ring, row) = (ring(&[1]), Uuid::from_u128(7));
        let sealed = ring.seal(Place::new("goal.text", row), "Gå i trappor").unwrap();
        assert_eq!(ring.open(Place::new("goal.text", row), &sealed).unwrap(), "Gå i trappor");
        assert!(ring.open(Place::new("goal.text", Uuid::from_u128(8)), &sealed).is_err());
        assert!(ring.open(Place::new("story.text", row), &sealed).is_err());
        assert!(!sealed.0.windows(6).any(|w| w == "trappo".as_bytes()));
    }

    #[test]
    fn old_values_open_and_old_hashes_match_after_a_new_key() {
        let place = Place::new("goal.text", Uuid::from_u128(7));
        let (old, new) = (ring(&[1]), ring(&[1, 2]));
        let sealed = old.seal(place, "text").unwrap();
        assert_eq!(new.open(place, &sealed).unwrap(), "text");
        assert!(old.open(place, &new.seal(place, "text").unwrap()).is_err());
        assert!(new.lookup_hashes("number", "x").contains(&old.lookup_hash("number", "x")));
        assert_ne!(new.lookup_hash("number", "x"), old.lookup_hash("number", "x"));
        assert_ne!(old.lookup_hash("number", "x"), old.lookup_hash("phone", "x"));
    }
}
