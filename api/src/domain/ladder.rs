//! The ladder of reminders for one appointment: which rungs there are and when each is due.
//!
//! A reminder that comes after the last moment to cancel helps nobody, so the main rung hangs on the appointment's
//! own deadline, which counts in working days. A rung that was already past when the time was booked is left out,
//! not sent at once: a patient who books for tomorrow gets one message, not four.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use entity::{appointment_type::Mode, contact_way::Channel};

use crate::calendar::{SendingHours, to_instant, to_local};

/// A rung of the ladder of reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// At booking (bekräftelse).
    Confirmation,
    /// Seven days before.
    WeekBefore,
    /// 24 hours before the last moment to cancel: the main one.
    BeforeDeadline,
    /// At 18:00 the evening before.
    EveningBefore,
    /// On the day, phone and video only.
    SameDay,
}

impl Rule {
    /// Every rung, in the order of the ladder.
    pub const ALL: [Self; 5] =
        [Self::Confirmation, Self::WeekBefore, Self::BeforeDeadline, Self::EveningBefore, Self::SameDay];

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmation => "CONFIRMATION",
            Self::WeekBefore => "WEEK_BEFORE",
            Self::BeforeDeadline => "BEFORE_DEADLINE",
            Self::EveningBefore => "EVENING_BEFORE",
            Self::SameDay => "SAME_DAY",
        }
    }

    /// Whether it is left out at sending time if the patient has confirmed the appointment.
    pub const fn unless_confirmed(self) -> bool {
        matches!(self, Self::EveningBefore)
    }

    /// The rung with this stored text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }
}

/// What the ladder hangs on.
#[derive(Clone, Copy, Debug)]
pub struct Booking {
    /// When the appointment starts.
    pub starts_at: DateTime<Utc>,
    /// When it was booked, or moved to this time.
    pub booked_at: DateTime<Utc>,
    /// Until when it can be cancelled ([`crate::calendar::cancel_by`]).
    pub cancel_by: DateTime<Utc>,
    /// How patient and care meet.
    pub mode: Mode,
}

/// One message of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    pub rule: Rule,
    /// The ways to send it, the preferred first. It goes out by the first that the patient has said yes to.
    pub channels: &'static [Channel],
    pub due_at: DateTime<Utc>,
}

const MAIL_FIRST: &[Channel] = &[Channel::Mail, Channel::Sms];
const SMS_FIRST: &[Channel] = &[Channel::Sms, Channel::Mail];

/// On the same day a reminder is worth its while only this long before the start.
const SAME_DAY_AHEAD: TimeDelta = TimeDelta::minutes(30);

/// The default ladder, in the order of the due times.
///
/// - `CONFIRMATION`: due at booking.
/// - `WEEK_BEFORE`: the same time of day seven days before.
/// - `BEFORE_DEADLINE`: 24 hours before the cancellation deadline.
/// - `EVENING_BEFORE`: at 18:00 by the wall clock, unless confirmed.
/// - `SAME_DAY`: phone and video only, when the sending hours begin.
///
/// All but the confirmation lie within `hours`, moved earlier where needed, after the booking and before the start.
pub fn ladder(booking: &Booking, hours: SendingHours) -> Vec<Rung> {
    let Booking { starts_at, booked_at, cancel_by, mode } = *booking;
    if starts_at <= booked_at {
        return Vec::new();
    }
    let start = to_local(starts_at).naive_local();
    let six_in_the_evening = NaiveTime::MIN + TimeDelta::hours(18);
    let wall = |days: u64, time: NaiveTime| {
        start.date().checked_sub_days(Days::new(days)).map(|day| to_instant(day.and_time(time)))
    };
    let same_day = matches!(mode, Mode::Phone | Mode::Video)
        .then(|| wall(0, hours.from()))
        .flatten()
        .filter(|due| starts_at - *due >= SAME_DAY_AHEAD);
    let rungs = [
        (Rule::WeekBefore, MAIL_FIRST, wall(7, start.time())),
        (Rule::BeforeDeadline, SMS_FIRST, Some(cancel_by - TimeDelta::hours(24))),
        (Rule::EveningBefore, SMS_FIRST, wall(1, six_in_the_evening)),
        (Rule::SameDay, SMS_FIRST, same_day),
    ];
    let mut planned = vec![Rung { rule: Rule::Confirmation, channels: MAIL_FIRST, due_at: booked_at }];
    planned.extend(rungs.into_iter().filter_map(|(rule, channels, due)| {
        let due_at = hours.shift_earlier(due?);
        (due_at > booked_at && due_at < starts_at).then_some(Rung { rule, channels, due_at })
    }));
    planned.sort_by_key(|rung| rung.due_at);
    planned
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use chrono::NaiveDateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::{CancelRule, ClosingDays, cancel_by};

    fn at(text: &str) -> DateTime<Utc> {
        to_instant(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
    }

    fn planned(starts: &str, booked: &str, working_days: u32, mode: Mode) -> Vec<(Rule, String)> {
        let starts_at = at(starts);
        let deadline = cancel_by(starts_at, CancelRule { working_days }, &ClosingDays::new());
        let booking = Booking { starts_at, booked_at: at(booked), cancel_by: deadline, mode };
        ladder(&booking, SendingHours::default())
            .into_iter()
            .map(|rung| (rung.rule, to_local(rung.due_at).format("%Y-%m-%d %H:%M").to_string()))
            .collect()
    }

    fn rungs(expected: &[(Rule, &str)]) -> Vec<(Rule, String)> {
        expected.iter().map(|(rule, due)| (*rule, (*due).to_owned())).collect()
    }

    #[test]
    fn a_visit_booked_well_ahead_has_every_rung_but_the_same_day() {
        assert_eq!(
            planned("2027-06-16 10:00", "2027-06-01 14:05", 1, Mode::Visit),
            rungs(&[
                (Rule::Confirmation, "2027-06-01 14:05"),
                (Rule::WeekBefore, "2027-06-09 10:00"),
                // The deadline is the beginning of the 15th; 24 hours before it is midnight: moved earlier.
                (Rule::BeforeDeadline, "2027-06-13 19:30"),
                (Rule::EveningBefore, "2027-06-15 18:00"),
            ])
        );
    }

    #[test]
    fn midsummer_moves_the_rung_before_the_deadline() {
        // Monday after midsummer: the working day before is Thursday the 24th.
        assert_eq!(
            planned("2027-06-28 10:00", "2027-06-01 14:05", 1, Mode::Home)[2],
            (Rule::BeforeDeadline, "2027-06-22 19:30".to_owned())
        );
        assert_eq!(
            planned("2027-06-28 10:00", "2027-06-01 14:05", 3, Mode::Visit)[1],
            (Rule::BeforeDeadline, "2027-06-20 19:30".to_owned())
        );
    }

    #[test]
    fn phone_and_video_get_a_rung_on_the_same_day() {
        for mode in [Mode::Phone, Mode::Video] {
            assert_eq!(
                planned("2027-06-16 10:00", "2027-06-15 18:30", 1, mode),
                rungs(&[(Rule::Confirmation, "2027-06-15 18:30"), (Rule::SameDay, "2027-06-16 08:00")])
            );
        }
        for mode in [Mode::Visit, Mode::Home] {
            assert_eq!(
                planned("2027-06-16 10:00", "2027-06-15 18:30", 1, mode),
                rungs(&[(Rule::Confirmation, "2027-06-15 18:30")])
            );
        }
        // Nobody is woken for a call at a quarter past eight.
        assert_eq!(planned("2027-06-16 08:15", "2027-06-15 18:30", 1, Mode::Phone).len(), 1);
    }

    #[test]
    fn rungs_already_past_at_booking_are_left_out() {
        assert_eq!(
            planned("2027-06-16 10:00", "2027-06-15 09:00", 1, Mode::Visit),
            rungs(&[(Rule::Confirmation, "2027-06-15 09:00"), (Rule::EveningBefore, "2027-06-15 18:00")])
        );
        assert!(planned("2027-06-16 10:00", "2027-06-16 10:00", 1, Mode::Visit).is_empty());
    }

    #[test]
    fn the_evening_before_is_by_the_wall_clock_when_the_clocks_move() {
        for (starts, evening) in [
            ("2027-03-28 10:00", "2027-03-27 18:00"),
            ("2027-03-29 10:00", "2027-03-28 18:00"),
            ("2027-10-31 10:00", "2027-10-30 18:00"),
            ("2027-11-01 10:00", "2027-10-31 18:00"),
        ] {
            let rungs = planned(starts, "2027-03-01 12:00", 1, Mode::Visit);
            assert!(rungs.contains(&(Rule::EveningBefore, evening.to_owned())), "{starts}: {rungs:?}");
        }
    }

    #[test]
    fn only_the_evening_before_depends_on_the_confirmation() {
        for rule in Rule::ALL {
            assert_eq!(rule.unless_confirmed(), rule == Rule::EveningBefore);
        }
    }

    proptest! {
        #[test]
        fn every_rung_is_within_the_hours_after_the_booking_and_before_the_start(
            start in 0_i64..800_000, ahead in 1_i64..60_000, days in 0_u32..6, mode in 0_usize..4,
        ) {
            let starts_at = at("2026-01-01 00:00") + TimeDelta::minutes(start);
            let booked_at = starts_at - TimeDelta::minutes(ahead);
            let deadline = cancel_by(starts_at, CancelRule { working_days: days }, &ClosingDays::new());
            let mode = [Mode::Visit, Mode::Video, Mode::Phone, Mode::Home][mode];
            let rungs = ladder(&Booking { starts_at, booked_at, cancel_by: deadline, mode }, SendingHours::default());
            prop_assert_eq!((rungs[0].rule, rungs[0].due_at), (Rule::Confirmation, booked_at));
            for rung in &rungs[1..] {
                prop_assert!(rung.due_at > booked_at && rung.due_at < starts_at);
                prop_assert!(SendingHours::default().is_open(rung.due_at));
            }
        }
    }
}
