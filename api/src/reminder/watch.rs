//! A guard against clocks that jump: a wall clock that is suddenly an hour ahead would send everything of that hour.
//!
//! The wall clock is compared with the monotonic one, which never jumps. When they part by more than half a minute,
//! nothing is sent until two clocks agree: the wall clock with the monotonic one again, or with the database's. SQLite
//! has no clock of its own; there a new time is believed when the service is started anew.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// How far two clocks may be apart.
const APART: TimeDelta = TimeDelta::seconds(30);

/// What was last believed.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    wall: DateTime<Utc>,
    monotonic: Duration,
}

impl Watch {
    pub const fn new(wall: DateTime<Utc>, monotonic: Duration) -> Self {
        Self { wall, monotonic }
    }

    /// Whether the wall clock goes as the monotonic one does. Small differences are believed as they come, so that a
    /// clock that is slowly put right never adds up to a jump.
    pub fn agrees(&mut self, wall: DateTime<Utc>, monotonic: Duration) -> bool {
        let passed = TimeDelta::from_std(monotonic.saturating_sub(self.monotonic)).unwrap_or(TimeDelta::MAX);
        let agrees = (wall - self.wall - passed).abs() <= APART;
        if agrees {
            *self = Self { wall, monotonic };
        }
        agrees
    }

    /// Believes a wall clock that has jumped if the database shows the same time.
    pub fn believe(&mut self, wall: DateTime<Utc>, monotonic: Duration, database: DateTime<Utc>) -> bool {
        let agrees = (wall - database).abs() <= APART;
        if agrees {
            *self = Self { wall, monotonic };
        }
        agrees
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_either_way_is_seen_until_two_clocks_agree() {
        let start = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        let second = |n: i64| start + TimeDelta::seconds(n);
        let since = Duration::from_secs;
        for jump in [3600, -7200, 86_400, 31, -31] {
            let mut watch = Watch::new(start, since(0));
            assert!(watch.agrees(second(5), since(5)));
            assert!(!watch.agrees(second(10 + jump), since(10)), "{jump}");
            assert!(!watch.agrees(second(600 + jump), since(600)), "it is not believed by and by");
            assert!(watch.agrees(second(610), since(610)), "back again");
            assert!(!watch.agrees(second(615 + jump), since(615)));
            assert!(
                !watch.believe(second(615 + jump), since(615), second(615)),
                "the database says otherwise"
            );
            assert!(watch.believe(second(620 + jump), since(620), second(621 + jump)));
            assert!(watch.agrees(second(625 + jump), since(625)));
        }
    }

    #[test]
    fn a_clock_that_is_slowly_put_right_is_no_jump() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let mut watch = Watch::new(start, Duration::ZERO);
        for n in 1..100 {
            let wall = start + TimeDelta::seconds(25 * n);
            assert!(watch.agrees(wall, Duration::from_secs(5 * n as u64)), "{n}");
        }
    }
}
