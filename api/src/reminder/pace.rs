//! How fast one channel sends from this process: its rate, the waits that the receiver asks for, and its breaker.
//!
//! All of it is asked before anything is claimed, and the wait once more of each that was: one of them may have been
//! answered with it. So nothing lies claimed that may not leave, and no attempt is counted that was none. Each process keeps its own: of three processes the gateway sees three times the rate.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    breaker::{Breaker, Lets},
    channel::{FailureCode, Outcome},
};

/// The pace of one channel.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Messages a second; none is no bound.
    per_second: Option<u32>,
    /// What may leave now, at most a second's worth.
    left: f64,
    counted_at: DateTime<Utc>,
    not_before: Option<DateTime<Utc>>,
    breaker: Breaker,
}

impl Pace {
    pub fn new(per_second: Option<u32>, now: DateTime<Utc>) -> Self {
        let left = f64::from(per_second.unwrap_or_default());
        Self { per_second, left, counted_at: now, not_before: None, breaker: Breaker::default() }
    }

    /// How many may leave now, of at most `batch`.
    pub fn room(&mut self, now: DateTime<Utc>, batch: u64) -> u64 {
        if self.waits(now) {
            return 0;
        }
        let batch = match self.breaker.lets(now) {
            Lets::Everything => batch,
            Lets::Trial => 1,
            Lets::Nothing => return 0,
        };
        let Some(rate) = self.per_second.map(f64::from) else { return batch };
        let passed = (now - self.counted_at).num_milliseconds().max(0) as f64 / 1000.0;
        self.left = (self.left + passed * rate).min(rate);
        self.counted_at = now;
        batch.min(self.left as u64)
    }

    /// Notes that so many leave.
    pub fn take(&mut self, count: usize) {
        if self.per_second.is_some() {
            self.left -= count as f64;
        }
    }

    /// Learns from what became of a message.
    pub fn learn(&mut self, outcome: &Outcome, now: DateTime<Utc>) {
        match outcome {
            Outcome::Accepted { .. } => self.breaker.good(),
            Outcome::Retry { reason, after } => {
                if let Some(after) = after.and_then(|after| TimeDelta::from_std(after).ok()) {
                    self.not_before = self.not_before.max(Some(now + after));
                }
                self.judge(*reason, now);
            }
            Outcome::Fail { reason } | Outcome::Unknown { reason } => self.judge(*reason, now),
            Outcome::Withheld => {}
        }
    }

    fn judge(&mut self, reason: FailureCode, now: DateTime<Utc>) {
        if reason.is_of_the_way() {
            self.breaker.bad(now);
        } else if reason != FailureCode::BadMessage {
            self.breaker.good();
        }
    }

    /// What keeps it from sending.
    pub fn trouble(&self, now: DateTime<Utc>) -> Option<&'static str> {
        if self.breaker.is_open() {
            Some("does not take messages; tried with one now and then")
        } else {
            self.waits(now).then_some("has asked us to wait")
        }
    }

    /// Whether nothing leaves for at least so long.
    pub fn is_out_for(&self, now: DateTime<Utc>, so_long: TimeDelta) -> bool {
        self.breaker.is_open() || self.waits(now + so_long)
    }

    /// Whether the receiver has asked for a wait that is not over.
    pub fn waits(&self, now: DateTime<Utc>) -> bool {
        self.not_before.is_some_and(|at| now < at)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_gives_room_for_a_seconds_worth_and_no_more_is_saved() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let mut pace = Pace::new(Some(5), start);
        assert_eq!(pace.room(start, 50), 5);
        pace.take(5);
        assert_eq!(pace.room(start, 50), 0);
        assert_eq!(pace.room(start + TimeDelta::milliseconds(400), 50), 2);
        pace.take(2);
        assert_eq!(pace.room(start + TimeDelta::hours(1), 50), 5);
        // A clock that goes backwards gives nothing.
        pace.take(5);
        assert_eq!(pace.room(start, 50), 0);
        assert_eq!(Pace::new(None, start).room(start, 50), 50);
    }

    #[test]
    fn a_wait_that_was_asked_for_holds_for_every_message() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let mut pace = Pace::new(None, start);
        let after = Some(Duration::from_secs(90));
        pace.learn(&Outcome::Retry { reason: FailureCode::TooMany, after }, start);
        pace.learn(&Outcome::Accepted { provider_ref: None }, start);
        assert_eq!(pace.room(start + TimeDelta::seconds(89), 50), 0);
        assert_eq!(pace.room(start + TimeDelta::seconds(90), 50), 50);
    }
}
