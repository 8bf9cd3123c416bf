//! The one place that reads the wall clock and makes ids.
//!
//! Every rule about time takes a [`Clock`], so that tests and the demo decide what time it is. Instants are
//! truncated to microseconds because PostgreSQL keeps no more: a stored instant equals the one that was written.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::{Timestamp, Uuid};

/// A shared clock. Clones show the same time; moving one moves all.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
enum Inner {
    /// The machine's clock, plus an offset that only the demo moves. Microseconds.
    System { offset: AtomicI64 },
    /// Stands still until it is moved, as a clock of one's own or as the machine's. Microseconds since the epoch.
    Manual { at: AtomicI64, is_the_machines: bool },
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Arc::new(Inner::System { offset: AtomicI64::new(0) }))
    }

    /// A clock that shows `at` until it is moved.
    pub fn manual(at: DateTime<Utc>) -> Self {
        Self(Arc::new(Inner::Manual { at: AtomicI64::new(at.timestamp_micros()), is_the_machines: false }))
    }

    /// The same, for a machine whose clock somebody sets: it can jump.
    pub fn machine_by_hand(at: DateTime<Utc>) -> Self {
        Self(Arc::new(Inner::Manual { at: AtomicI64::new(at.timestamp_micros()), is_the_machines: true }))
    }

    /// The present instant, in whole microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &*self.0 {
            Inner::System { offset } => machine_micros().saturating_add(offset.load(Ordering::Relaxed)),
            Inner::Manual { at, .. } => at.load(Ordering::Relaxed),
        };
        DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// Moves the clock by `by` (negative: backwards).
    pub fn advance(&self, by: TimeDelta) {
        let micros = by.num_microseconds().unwrap_or(0);
        match &*self.0 {
            Inner::System { offset: at } | Inner::Manual { at, .. } => {
                at.fetch_add(micros, Ordering::Relaxed)
            }
        };
    }

    /// Makes the clock show `at` now; a system clock goes on from there.
    pub fn set(&self, at: DateTime<Utc>) {
        match &*self.0 {
            Inner::System { offset } => {
                offset.store(at.timestamp_micros().saturating_sub(machine_micros()), Ordering::Relaxed);
            }
            Inner::Manual { at: shown, .. } => shown.store(at.timestamp_micros(), Ordering::Relaxed),
        }
    }

    /// What the machine's clock shows, whatever a demo has moved; none where the clock is driven by hand.
    pub fn machine(&self) -> Option<DateTime<Utc>> {
        match &*self.0 {
            Inner::System { .. } => DateTime::from_timestamp_micros(machine_micros()),
            Inner::Manual { is_the_machines: true, .. } => Some(self.now()),
            Inner::Manual { .. } => None,
        }
    }

    /// How far a system clock was moved from the machine's, in microseconds; 0 for a manual one.
    pub fn offset_micros(&self) -> i64 {
        match &*self.0 {
            Inner::System { offset } => offset.load(Ordering::Relaxed),
            Inner::Manual { .. } => 0,
        }
    }

    /// A new UUIDv7 at the clock's present time. Ids made by one process sort by creation, also within one
    /// microsecond or while a manual clock stands still (up to 2^18 of them).
    pub fn uuid(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        let count = u128::from(MADE.fetch_add(1, Ordering::Relaxed) & ((1 << COUNTER_BITS) - 1));
        Uuid::new_v7(Timestamp::from_unix_time(seconds, now.timestamp_subsec_nanos(), count, COUNTER_BITS))
    }
}

/// Ids made by this process, to keep those of one instant in order; the rest of an id is random.
static MADE: AtomicU64 = AtomicU64::new(0);
const COUNTER_BITS: u8 = 18;

#[expect(clippy::disallowed_methods, reason = "this is the clock")]
fn machine_micros() -> i64 {
    Utc::now().timestamp_micros()
}
