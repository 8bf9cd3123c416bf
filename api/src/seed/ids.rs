//! Ids and choices that come from the plan of a seed alone.
//!
//! The clock's ids are random: two databases that are seeded alike would differ in every row. Here an id follows from
//! the seed, the day and a running number, and keeps the form of a UUIDv7, so that rows lie in the order in which
//! they were made, before all that come later in the day.

use chrono::{DateTime, NaiveTime, Utc};
use uuid::Uuid;

use crate::crypto::sha256;

/// Makes the same ids in the same order for the same day and name.
#[derive(Clone, Debug)]
pub struct Ids {
    day_millis: u64,
    name: u64,
    made: u64,
}

/// Bits of an id that count; the rest tells one seed from another.
const COUNTER_BITS: u32 = 40;
const NAME_BITS: u32 = 74 - COUNTER_BITS;

impl Ids {
    /// Ids of the day of `now`, apart from those of any other `name`.
    pub fn new(now: DateTime<Utc>, name: &str) -> Self {
        let midnight = now.date_naive().and_time(NaiveTime::MIN).and_utc();
        Self {
            day_millis: u64::try_from(midnight.timestamp_millis()).unwrap_or(0),
            name: first_bits(&sha256(&[name.as_bytes()])),
            made: 0,
        }
    }

    /// The next id.
    pub fn next<T: From<Uuid>>(&mut self) -> T {
        self.made += 1;
        let counter = u128::from(self.made & ((1 << COUNTER_BITS) - 1));
        let name = u128::from(self.name >> (u64::BITS - NAME_BITS));
        let rest = (counter << NAME_BITS) | name;
        // 48 bits of time, the version, 12 bits, the variant, 62 bits.
        let (high, low) = (rest >> 62, rest & ((1 << 62) - 1));
        let bits = (u128::from(self.day_millis & ((1 << 48) - 1)) << 80)
            | (7 << 76)
            | (high << 64)
            | (0b10 << 62)
            | low;
        T::from(Uuid::from_u128(bits))
    }
}

fn first_bits(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// A choice that depends on nothing but its arguments, spread evenly: one round of `SplitMix64`.
pub fn mix(seed: u64, number: u64, purpose: u64) -> u64 {
    let mut z = seed
        .wrapping_add(number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
        .wrapping_add(purpose.wrapping_mul(0xD1B5_4A32_D192_ED03));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// One of `choices`; the first when there is none to choose.
pub fn pick<T: Copy + Default>(choices: &[T], number: u64) -> T {
    let index = usize::try_from(number % (choices.len().max(1) as u64)).unwrap_or(0);
    choices.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn some(now: &str, name: &str) -> Vec<Uuid> {
        let mut ids = Ids::new(at(now), name);
        (0..1000).map(|_| ids.next()).collect()
    }

    #[test]
    fn ids_are_the_same_all_day_and_differ_by_name_and_day() {
        let ids = some("2027-03-01T08:00:00Z", "a");
        assert_eq!(ids, some("2027-03-01T17:30:00Z", "a"));
        for other in [some("2027-03-01T08:00:00Z", "b"), some("2027-03-02T08:00:00Z", "a")] {
            assert!(ids.iter().all(|id| !other.contains(id)));
        }
    }

    #[test]
    fn ids_are_uuids_of_version_7_in_order_and_older_than_the_day_s_own() {
        let ids = some("2027-03-01T08:00:00Z", "a");
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        let later = crate::clock::Clock::manual(at("2027-03-01T00:00:01Z")).uuid();
        assert!(ids.iter().all(|id| *id < later));
    }
}
