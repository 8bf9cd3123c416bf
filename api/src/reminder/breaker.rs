//! A circuit breaker: a way that fails again and again is left alone for a while, then tried with one message.

use chrono::{DateTime, TimeDelta, Utc};

/// Failures in a row after which the way is left alone.
const FAILURES: u32 = 5;
/// How long at first; doubled each time the trial fails.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(30);
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(5);
/// Each trial of a way that may have taken a message without saying so costs one more of which nobody knows.
const FIRST_DOUBT: TimeDelta = TimeDelta::minutes(5);
const LONGEST_DOUBT: TimeDelta = TimeDelta::hours(2);

/// The breaker of one way. Closed at first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Breaker {
    failures: u32,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    until: DateTime<Utc>,
    wait: TimeDelta,
    /// It may have taken a message without saying so: only one that it takes shows that it does not.
    in_doubt: bool,
    /// A message is on its way, to see.
    on_trial: bool,
}

impl Open {
    /// Those that were under way when it opened change nothing.
    fn is_shut(self, now: DateTime<Utc>) -> bool {
        now < self.until && !self.on_trial
    }
}

/// What a breaker lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lets {
    Everything,
    /// One message, to see.
    Trial,
    Nothing,
}

impl Breaker {
    pub fn lets(&self, now: DateTime<Utc>) -> Lets {
        match self.open {
            None => Lets::Everything,
            Some(open) if now >= open.until => Lets::Trial,
            Some(_) => Lets::Nothing,
        }
    }

    pub const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    pub fn is_in_doubt(&self) -> bool {
        self.open.is_some_and(|open| open.in_doubt)
    }

    /// Lets one message through, or not: of those that come at once, one is the trial. If nothing is heard of it, there is
    /// another after the same wait.
    pub fn admits(&mut self, now: DateTime<Utc>) -> bool {
        match &mut self.open {
            None => true,
            Some(open) if now >= open.until => {
                (open.until, open.on_trial) = (now + open.wait, true);
                true
            }
            Some(_) => false,
        }
    }

    /// The way took a message, or refused one for a reason of that message's.
    pub const fn good(&mut self) {
        self.failures = 0;
        self.open = None;
    }

    /// The way refused a message for a reason of that message's, or the message was taken back: it answers. Whether it
    /// takes what it is given, the next one is to show.
    pub fn answered(&mut self, now: DateTime<Utc>) {
        match &mut self.open {
            Some(open) if open.in_doubt => {
                if open.on_trial {
                    (open.until, open.on_trial) = (now, false);
                }
            }
            _ => self.good(),
        }
    }

    /// The way itself failed.
    pub fn bad(&mut self, now: DateTime<Utc>) {
        self.failures = self.failures.saturating_add(1);
        let wait = match self.open {
            Some(open) if open.is_shut(now) => return,
            Some(open) if open.in_doubt => open.wait,
            Some(open) => Ord::min(open.wait * 2, LONGEST_WAIT),
            None if self.failures < FAILURES => return,
            None => FIRST_WAIT,
        };
        let in_doubt = self.is_in_doubt();
        self.open = Some(Open { until: now + wait, wait, in_doubt, on_trial: false });
    }

    /// The way did not say whether it took a message: it is left alone at once, and for longer.
    pub fn doubtful(&mut self, now: DateTime<Utc>) {
        self.failures = self.failures.saturating_add(1);
        let wait = match self.open {
            Some(open) if open.is_shut(now) && open.in_doubt => return,
            Some(open) => (open.wait * 2).clamp(FIRST_DOUBT, LONGEST_DOUBT),
            None => FIRST_DOUBT,
        };
        self.open = Some(Open { until: now + wait, wait, in_doubt: true, on_trial: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_open_it_a_trial_after_the_wait_decides_and_the_wait_grows() {
        let mut breaker = Breaker::default();
        let mut now = DateTime::<Utc>::UNIX_EPOCH;
        for _ in 0..4 {
            breaker.bad(now);
        }
        breaker.good();
        for _ in 0..4 {
            breaker.bad(now);
        }
        assert_eq!(breaker.lets(now), Lets::Everything, "only failures in a row count");
        for _ in 0..8 {
            breaker.bad(now);
        }
        for wait in [30, 60, 120, 240, 300, 300] {
            assert_eq!(breaker.lets(now + TimeDelta::seconds(wait - 1)), Lets::Nothing, "{wait}");
            now += TimeDelta::seconds(wait);
            assert_eq!(breaker.lets(now), Lets::Trial, "{wait}");
            breaker.bad(now);
        }
        breaker.good();
        assert_eq!(breaker.lets(now), Lets::Everything);
    }

    #[test]
    fn one_message_of_unknown_fate_opens_it_and_the_trials_become_rare() {
        let mut breaker = Breaker::default();
        let mut now = DateTime::<Utc>::UNIX_EPOCH;
        breaker.doubtful(now);
        breaker.doubtful(now);
        for wait in [5, 10, 20, 40, 80, 120, 120] {
            assert_eq!(breaker.lets(now + TimeDelta::seconds(wait * 60 - 1)), Lets::Nothing, "{wait}");
            now += TimeDelta::minutes(wait);
            assert_eq!(breaker.lets(now), Lets::Trial, "{wait}");
            breaker.doubtful(now);
        }
        breaker.good();
        assert_eq!(breaker.lets(now), Lets::Everything);
    }

    #[test]
    fn of_many_at_once_one_is_the_trial_and_a_refusal_does_not_end_a_doubt() {
        let mut breaker = Breaker::default();
        let mut now = DateTime::<Utc>::UNIX_EPOCH;
        assert!(breaker.admits(now) && breaker.admits(now), "closed");
        breaker.doubtful(now);
        breaker.answered(now);
        assert!(!breaker.admits(now), "one that was under way says nothing");
        now += TimeDelta::minutes(5);
        assert!(breaker.admits(now) && !breaker.admits(now) && !breaker.admits(now));
        breaker.answered(now);
        assert!(breaker.admits(now) && !breaker.admits(now), "the next one is to show");
        breaker.doubtful(now);
        assert!(!breaker.admits(now + TimeDelta::minutes(9)), "the trial failed, and the wait is longer");
        now += TimeDelta::minutes(10);
        assert!(breaker.admits(now));
        assert!(!breaker.admits(now + TimeDelta::minutes(9)), "nothing was heard of it");
        now += TimeDelta::minutes(10);
        assert!(breaker.admits(now), "so there is another");
        breaker.bad(now);
        assert!(breaker.is_in_doubt() && !breaker.admits(now + TimeDelta::minutes(9)));
        breaker.good();
        assert!(breaker.admits(now) && breaker.admits(now));
    }

    #[test]
    fn what_is_not_in_doubt_is_well_again_with_an_answer() {
        let mut breaker = Breaker::default();
        let now = DateTime::<Utc>::UNIX_EPOCH;
        for _ in 0..5 {
            breaker.bad(now);
        }
        assert!(!breaker.admits(now) && breaker.admits(now + TimeDelta::seconds(30)));
        breaker.answered(now + TimeDelta::seconds(31));
        assert!(!breaker.is_open());
    }
}
