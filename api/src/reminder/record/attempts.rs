//! When a message that was not accepted is tried again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::notice;

use crate::{calendar::SendingHours, domain::notice::leaves_at};

/// When to try again; none when the notice would be useless by then, or could not leave any more: then so much is left of
/// the hours for another way.
///
/// The waits grow, and are spread by `jitter` (0 to 1) so that a crowd that failed together does not come back
/// together. Near the end they shrink: a wait never passes the half of what is left.
pub(super) fn next_attempt(
    now: DateTime<Utc>,
    notice: &notice::Model,
    waits: &[Duration],
    asked: Option<Duration>,
    jitter: f64,
    hours: SendingHours,
    left_for_others: TimeDelta,
) -> Option<DateTime<Utc>> {
    let nth = usize::try_from(notice.attempts - 1).unwrap_or(0).min(waits.len().saturating_sub(1));
    let planned = TimeDelta::from_std(waits.get(nth)?.mul_f64(1.0 + 0.2 * jitter)).ok()?;
    let shortest = TimeDelta::from_std(*waits.first()?).ok()?;
    // What the receiver asks for is a minimum, whatever is left.
    let asked = asked.and_then(|asked| TimeDelta::from_std(asked).ok()).unwrap_or_default();
    let before = |end: DateTime<Utc>| {
        let left = end - now;
        let wait = planned.min(shortest.max(left / 2)).max(asked);
        (wait < left).then(|| now + wait)
    };
    let at = before(notice.useless_at)?;
    if leaves_at(notice, at, hours).is_some() {
        return Some(at);
    }
    // By then the hours have ended, and they begin again too late.
    before(hours.ends(now)? - left_for_others)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use entity::{contact_way::Channel, notice::State};

    use super::*;
    use crate::domain::notice::FOR_THE_OTHER_WAY;

    const WAITS: [Duration; 3] = [Duration::from_mins(1), Duration::from_mins(10), Duration::from_hours(1)];

    fn wait(attempts: i32, left: i64, asked: Option<u64>, jitter: f64) -> Option<i64> {
        wait_from("2027-06-16T10:00:00Z", attempts, left, asked, jitter)
    }

    fn wait_from(now: &str, attempts: i32, left: i64, asked: Option<u64>, jitter: f64) -> Option<i64> {
        wait_leaving(FOR_THE_OTHER_WAY, now, attempts, left, asked, jitter)
    }

    fn wait_leaving(
        left_for_others: TimeDelta,
        now: &str,
        attempts: i32,
        left: i64,
        asked: Option<u64>,
        jitter: f64,
    ) -> Option<i64> {
        let now: DateTime<Utc> = now.parse().unwrap();
        let notice = notice::Model { attempts, useless_at: now + TimeDelta::seconds(left), ..claimed(now) };
        let (asked, hours) = (asked.map(Duration::from_secs), SendingHours::default());
        next_attempt(now, &notice, &WAITS, asked, jitter, hours, left_for_others)
            .map(|at| (at - now).num_seconds())
    }

    fn claimed(now: DateTime<Utc>) -> notice::Model {
        let nil = uuid::Uuid::nil();
        notice::Model {
            id: nil.into(),
            patient_id: nil.into(),
            care_unit_id: nil.into(),
            care_provider_id: nil.into(),
            kind: notice::Kind::Reminder,
            rule: String::new(),
            channel: Channel::Mail,
            contact_way_id: None,
            guardian_reminder_id: None,
            staff_notice_id: None,
            appointment_id: None,
            schedule_version: None,
            thread_id: None,
            agreement_id: None,
            due_at: now,
            useless_at: now,
            state: State::Claimed,
            reason: None,
            attempts: 1,
            leased_until: None,
            lease_token: None,
            claimed_at: None,
            dedupe_key: String::new(),
            link_hash: None,
            provider_ref: None,
            sent_at: None,
            report_by: None,
            ended_at: None,
            created_at: now,
            handled_as: None,
            handled_by: None,
            handled_at: None,
        }
    }

    #[test]
    fn waits_grow_and_are_spread() {
        let day = 86_400;
        assert_eq!(wait(1, day, None, 0.0), Some(60));
        assert_eq!(wait(2, day, None, 0.0), Some(600));
        assert_eq!(wait(9, day, None, 0.0), Some(3600));
        assert_eq!(wait(2, day, None, 1.0), Some(720));
    }

    #[test]
    fn near_the_deadline_waits_shrink_and_then_it_is_given_up() {
        assert_eq!(wait(3, 1000, None, 0.0), Some(500));
        assert_eq!(wait(3, 90, None, 0.0), Some(60));
        assert_eq!(wait(3, 60, None, 0.0), None);
        assert_eq!(wait(1, -5, None, 0.0), None);
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_whatever_is_left() {
        assert_eq!(wait(1, 1000, Some(900), 0.0), Some(900));
        assert_eq!(wait(1, 1000, Some(1000), 0.0), None);
    }

    #[test]
    fn what_could_not_leave_at_the_next_attempt_is_given_up_while_the_hours_still_are_open() {
        // The visit is at half past seven, and the hours end at eight in the evening before.
        let left = |hour: i64, minute: i64| ((24 - hour) * 60 - minute + 7 * 60 + 30) * 60;
        let evening = |clock: &str| format!("2027-06-16T{clock}:00Z");
        // 18.00: an hour on it is still open.
        assert_eq!(wait_from(&evening("16:00"), 3, left(18, 0), None, 0.0), Some(3600));
        // 19.15: half of what is left until a quarter to eight.
        assert_eq!(wait_from(&evening("17:15"), 3, left(19, 15), None, 0.0), Some(15 * 60));
        assert_eq!(wait_from(&evening("17:44"), 3, left(19, 44), None, 0.0), None);
        assert_eq!(wait_from(&evening("17:50"), 3, left(19, 50), None, 0.0), None);
        assert_eq!(
            wait_from(&evening("17:50"), 1, left(19, 50), None, 0.0),
            Some(60),
            "there is time for one more"
        );
        assert_eq!(wait_from(&evening("18:30"), 3, left(20, 30), None, 0.0), None, "they have ended");
        assert_eq!(
            wait_from(&evening("17:00"), 1, left(19, 0), Some(7200), 0.0),
            None,
            "asked to wait too long"
        );
        // Without another way, until the hours end.
        let alone = |clock: &str, hour, minute| {
            wait_leaving(TimeDelta::zero(), &evening(clock), 3, left(hour, minute), None, 0.0)
        };
        assert_eq!(alone("17:50", 19, 50), Some(5 * 60));
        assert_eq!(alone("17:58", 19, 58), Some(60));
        assert_eq!(alone("17:59", 19, 59), None);
        // At ten there is the morning.
        assert_eq!(wait_from(&evening("17:50"), 3, left(19, 50) + 9000, None, 0.0), Some(3600));
    }
}
