//! The ladder of reminders for one appointment: which rungs there are and when each is due.
//!
//! A reminder that comes after the last moment to cancel helps nobody, so the main rung hangs on the appointment's
//! own deadline, which counts in working days. A rung that was already past when the time was booked is left out,
//! not sent at once: a patient who books for tomorrow gets one message, not four.

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use entity::{appointment_type::Mode, contact_way::Channel};
use serde::{Deserialize, Serialize};

use crate::calendar::{SendingHours, to_instant, to_local};

/// A rung of the ladder of reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
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

/// The way that a rung goes by when the patient has said yes to both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum First {
    Mail,
    Sms,
}

impl First {
    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "MAIL",
            Self::Sms => "SMS",
        }
    }

    /// Both ways, the preferred one first.
    const fn ways(self) -> &'static [Channel] {
        match self {
            Self::Mail => &[Channel::Mail, Channel::Sms],
            Self::Sms => &[Channel::Sms, Channel::Mail],
        }
    }
}

/// One rung that a unit has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub rule: Rule,
    pub first: First,
}

/// The ladder of every unit that has not chosen another.
pub const DEFAULT: [Step; 5] = [
    Step { rule: Rule::Confirmation, first: First::Mail },
    Step { rule: Rule::WeekBefore, first: First::Mail },
    Step { rule: Rule::BeforeDeadline, first: First::Sms },
    Step { rule: Rule::EveningBefore, first: First::Sms },
    Step { rule: Rule::SameDay, first: First::Sms },
];

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
    /// When the time was that it was moved from.
    pub moved_from: Option<DateTime<Utc>>,
    /// Whether the patient, or somebody for the patient, books: then the confirmation answers what they do just now,
    /// whatever the hour.
    pub by_patient: bool,
}

/// One message of the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    pub rule: Rule,
    /// The ways to send it, the preferred first. It goes out by the first that the patient has said yes to.
    pub channels: &'static [Channel],
    pub due_at: DateTime<Utc>,
}

/// On the same day a reminder is worth its while only this long before the start.
const SAME_DAY_AHEAD: TimeDelta = TimeDelta::minutes(30);

/// When the chosen `steps` are due, in the order of the due times.
///
/// - `CONFIRMATION`: at booking; when care books or moves outside the sending hours, as they next begin, unless the patient
///   would be on the way by then, to the time as it is or as it was.
/// - `WEEK_BEFORE`: the same time of day seven days before.
/// - `BEFORE_DEADLINE`: 24 hours before the cancellation deadline.
/// - `EVENING_BEFORE`: at 18:00 by the wall clock, unless confirmed.
/// - `SAME_DAY`: phone and video only, when the sending hours begin.
///
/// All but the confirmation lie within `hours`, moved earlier where needed, after the booking and before the start.
pub fn ladder(booking: &Booking, hours: SendingHours, steps: &[Step]) -> Vec<Rung> {
    let Booking { starts_at, booked_at, .. } = *booking;
    if starts_at <= booked_at {
        return Vec::new();
    }
    let due = |step: &Step| {
        let due_at = match step.rule {
            Rule::Confirmation => confirmed_at(booking, hours),
            rule => {
                let due_at = hours.shift_earlier(anchor(booking, hours, rule)?);
                (due_at > booked_at && due_at < starts_at).then_some(due_at)?
            }
        };
        Some(Rung { rule: step.rule, channels: step.first.ways(), due_at })
    };
    let mut planned: Vec<Rung> = steps.iter().filter_map(due).collect();
    planned.sort_by_key(|rung| (rung.due_at, rung.rule));
    planned
}

/// When a booking is confirmed.
fn confirmed_at(booking: &Booking, hours: SendingHours) -> DateTime<Utc> {
    if booking.by_patient {
        return booking.booked_at;
    }
    let first = booking.moved_from.map_or(booking.starts_at, |from| from.min(booking.starts_at));
    told_at(hours, booking.booked_at, first)
}

/// Whoever has a time may be on the way to it so long before.
pub(super) const ON_THE_WAY: TimeDelta = TimeDelta::hours(2);

/// When the patient is told what was done at `at` to a time that the patient knows to begin at `starts_at`: within the
/// hours, but at once when the patient would be on the way by then.
pub(super) fn told_at(hours: SendingHours, at: DateTime<Utc>, starts_at: DateTime<Utc>) -> DateTime<Utc> {
    let opens = hours.next_open(at);
    if opens > starts_at - ON_THE_WAY { at } else { opens }
}

/// What a rung hangs on, by the wall clock; none where there is no such rung.
fn anchor(booking: &Booking, hours: SendingHours, rule: Rule) -> Option<DateTime<Utc>> {
    let start = to_local(booking.starts_at).naive_local();
    let wall = |days: u64, time: NaiveTime| {
        start.date().checked_sub_days(Days::new(days)).map(|day| to_instant(day.and_time(time)))
    };
    match rule {
        Rule::Confirmation => None,
        Rule::WeekBefore => wall(7, start.time()),
        Rule::BeforeDeadline => Some(booking.cancel_by - TimeDelta::hours(24)),
        Rule::EveningBefore => wall(1, NaiveTime::MIN + TimeDelta::hours(18)),
        Rule::SameDay => matches!(booking.mode, Mode::Phone | Mode::Video)
            .then(|| wall(0, hours.from()))
            .flatten()
            .filter(|due| booking.starts_at - *due >= SAME_DAY_AHEAD),
    }
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
        let booking = Booking {
            starts_at,
            booked_at: at(booked),
            cancel_by: deadline,
            mode,
            moved_from: None,
            by_patient: true,
        };
        ladder(&booking, SendingHours::default(), &DEFAULT)
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
    fn what_care_books_at_night_is_confirmed_in_the_morning_unless_the_visit_comes_first() {
        let moved = |booked: &str, from: Option<&str>, starts: &str, by_patient| {
            let (booked_at, starts_at, moved_from) = (at(booked), at(starts), from.map(at));
            let mode = Mode::Visit;
            let booking =
                Booking { starts_at, booked_at, cancel_by: starts_at, mode, moved_from, by_patient };
            let due = ladder(&booking, SendingHours::default(), &DEFAULT)[0].due_at;
            to_local(due).format("%d %H:%M").to_string()
        };
        let confirmed = |booked: &str, starts: &str, by_patient| moved(booked, None, starts, by_patient);
        assert_eq!(confirmed("2027-06-01 02:10", "2027-06-03 10:00", false), "01 08:00");
        assert_eq!(confirmed("2027-06-01 02:10", "2027-06-03 10:00", true), "01 02:10");
        assert_eq!(confirmed("2027-06-01 02:10", "2027-06-01 07:30", false), "01 02:10");
        assert_eq!(confirmed("2027-06-01 14:10", "2027-06-03 10:00", false), "01 14:10");
        assert_eq!(
            confirmed("2027-06-01 06:30", "2027-06-01 08:15", false),
            "01 06:30",
            "on the way at eight"
        );
        assert_eq!(confirmed("2027-06-01 06:30", "2027-06-01 10:00", false), "01 08:00");
        let from = |from| moved("2027-06-01 06:30", Some(from), "2027-06-08 10:00", false);
        assert_eq!(from("2027-06-01 07:30"), "01 06:30", "or the patient goes to the time as it was");
        assert_eq!(from("2027-06-01 10:00"), "01 08:00");
    }

    #[test]
    fn a_unit_has_the_rungs_it_chose_and_each_by_the_way_it_prefers() {
        let starts_at = at("2027-06-16 10:00");
        let booking = Booking {
            starts_at,
            booked_at: at("2027-06-01 14:05"),
            cancel_by: starts_at,
            mode: Mode::Visit,
            moved_from: None,
            by_patient: true,
        };
        let step = |rule, first| Step { rule, first };
        let chosen = [step(Rule::EveningBefore, First::Mail), step(Rule::Confirmation, First::Sms)];
        let rungs = ladder(&booking, SendingHours::default(), &chosen);
        let ways: Vec<_> = rungs.iter().map(|rung| (rung.rule, rung.channels[0])).collect();
        assert_eq!(ways, [(Rule::Confirmation, Channel::Sms), (Rule::EveningBefore, Channel::Mail)]);
        assert!(ladder(&booking, SendingHours::default(), &[]).is_empty());
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
            let booking =
                Booking { starts_at, booked_at, cancel_by: deadline, mode, moved_from: None, by_patient: true };
            let rungs = ladder(&booking, SendingHours::default(), &DEFAULT);
            prop_assert_eq!((rungs[0].rule, rungs[0].due_at), (Rule::Confirmation, booked_at));
            for rung in &rungs[1..] {
                prop_assert!(rung.due_at > booked_at && rung.due_at < starts_at);
                prop_assert!(SendingHours::default().is_open(rung.due_at));
            }
        }
    }
}
