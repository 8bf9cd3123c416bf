//! Which times fit a wish, and how long its offer stands: pure.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use entity::{appointment_type::Mode, time_wish};

use crate::{
    auth::actor::Actor,
    calendar::{OpenSpan, SendingHours, to_instant, to_local},
    error::{Fault, Problem, ProblemCode},
    session::BookingRules,
};

/// How far ahead a wish may reach.
pub const LONGEST_DAYS: i64 = 366;
/// Spans of the day in one wish at most.
const SPANS: usize = 10;
/// The shortest time to answer an offer: with less, none is made.
pub const LEAST: TimeDelta = TimeDelta::minutes(20);
/// The longest notice that a patient can ask for.
const NOTICE_AT_MOST: i32 = 60 * 24 * 60;
/// Every day of the week.
pub const ANY_DAY: i32 = 0b111_1111;

/// What the patient wishes for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub weekdays: i32,
    pub spans: Vec<OpenSpan>,
    pub modes: Vec<Mode>,
    pub from: NaiveDate,
    pub until: NaiveDate,
    pub notice: TimeDelta,
}

impl Wanted {
    /// As it is stored.
    ///
    /// # Errors
    /// When the stored text cannot be read.
    pub fn of(row: &time_wish::Model) -> Result<Self, Fault> {
        Ok(Self {
            weekdays: row.weekdays,
            spans: serde_json::from_str(&row.spans).map_err(Fault::internal)?,
            modes: modes(&row.modes)?,
            from: row.from_on,
            until: row.until_on,
            notice: TimeDelta::minutes(i64::from(row.notice_minutes)),
        })
    }

    /// Whether `time` is one that the patient wishes for, and can still come to.
    pub fn fits(&self, time: &Time, now: DateTime<Utc>) -> bool {
        time.starts_at > now && time.starts_at - now >= self.notice && self.covers(time)
    }

    /// Whether `time` is one that the patient wishes for, on whatever notice. Whom they meet is asked where the staff of a time
    /// are known: [`super::offer::WITH_WHOM`].
    pub fn covers(&self, time: &Time) -> bool {
        let local = to_local(time.starts_at).naive_local();
        let day = 1 << local.weekday().num_days_from_monday();
        (self.from..=self.until).contains(&local.date())
            && self.weekdays & day != 0
            && (self.spans.is_empty() || self.spans.iter().any(|span| span.contains(local.time())))
            && (self.modes.is_empty() || self.modes.contains(&time.mode))
    }
}

/// Modes as they are stored.
///
/// # Errors
/// When the stored text cannot be read.
pub fn modes(stored: &str) -> Result<Vec<Mode>, Fault> {
    serde_json::from_str(stored).map_err(Fault::internal)
}

/// A time that is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    pub starts_at: DateTime<Utc>,
    pub mode: Mode,
}

/// Until when an offer made now stands; none when the time is too near to be offered.
///
/// The clock runs within the sending hours, in which the patient is told. The nearer the time, the shorter: at most a
/// quarter of what is left. It never ends later than the patient can still come.
pub fn answer_by(
    starts_at: DateTime<Utc>,
    notice: TimeDelta,
    now: DateTime<Utc>,
    hours: SendingHours,
    rules: &BookingRules,
) -> Option<DateTime<Utc>> {
    let latest = starts_at - Ord::max(notice, TimeDelta::minutes(i64::from(rules.offer_latest_minutes)));
    let begin = hours.next_open(now);
    let length = Ord::min(TimeDelta::minutes(i64::from(rules.offer_minutes)), (starts_at - begin) / 4);
    let length = Ord::max(length, LEAST);
    let close = to_instant(to_local(begin).date_naive().and_time(hours.until()));
    let mut end = begin + length;
    if end > close {
        let rolled = hours.next_open(close) + (end - close);
        end = if rolled <= latest { rolled } else { Ord::min(close, latest) };
    }
    (end <= latest && end - begin >= LEAST).then_some(end)
}

/// What is wrong with a wish, everything at once.
pub fn problems(wanted: &Wanted, notice_minutes: i32, today: NaiveDate) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |field: &str, sv: &str, en: &str| problems.push(Problem::input(field, sv, en));
    if wanted.until < wanted.from || wanted.until < today {
        wrong(
            "until",
            "Sista dagen måste vara i dag eller senare, och inte före den första.",
            "The last day must be today or later, and not before the first.",
        );
    } else if (wanted.until - today).num_days() > LONGEST_DAYS {
        wrong(
            "until",
            "Önskemålet kan gälla högst ett år framåt.",
            "The wish can reach a year ahead at most.",
        );
    }
    if wanted.weekdays & ANY_DAY == 0 {
        wrong("weekdays", "Välj minst en veckodag.", "Choose at least one day of the week.");
    }
    if wanted.spans.len() > SPANS {
        wrong("times", "Ange högst tio tider på dagen.", "Give ten times of the day at most.");
    }
    if !(0..=NOTICE_AT_MOST).contains(&notice_minutes) {
        wrong(
            "noticeMinutes",
            "Ange hur kort varsel du klarar, högst 60 dagar.",
            "Say how short a notice you can come on, 60 days at most.",
        );
    }
    problems
}

/// The wish is no longer open.
pub fn over() -> Problem {
    Problem::new(ProblemCode::WrongState, "Önskemålet är redan avslutat.", "The wish has already ended.")
        .at("wishId")
}

/// The patient has got another time that the offered one overlaps.
pub fn occupied(actor: &Actor) -> Problem {
    let (sv, en) = if actor.staff().is_some() {
        (
            "Patienten är upptagen då. Om ni är överens går det att boka tiden ändå, i stället för att svara på \
             erbjudandet.",
            "The patient is occupied then. If you have agreed on it, the time can be booked all the same, instead of \
             answering the offer.",
        )
    } else {
        (
            "Du har redan en annan tid då. Avboka den först, eller tacka nej till erbjudandet.",
            "You already have another appointment then. Cancel it first, or decline the offer.",
        )
    };
    Problem::new(ProblemCode::AlreadyOccupied, sv, en).at("offerId")
}

/// The offer cannot be answered any more.
pub fn offer_over(late: bool) -> Problem {
    let problem = if late {
        Problem::new(
            ProblemCode::TooLate,
            "Tiden för att svara har gått ut. Du står kvar i kön.",
            "The time to answer has passed. You keep your place in the queue.",
        )
    } else {
        Problem::new(
            ProblemCode::WrongState,
            "Erbjudandet gäller inte längre.",
            "The offer no longer stands.",
        )
    };
    problem.at("offerId")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn wanted() -> Wanted {
        Wanted {
            weekdays: 0b1, // Mondays
            spans: vec![OpenSpan::new("08:00", "12:00").unwrap()],
            modes: vec![Mode::Visit],
            from: "2027-03-01".parse().unwrap(),
            until: "2027-03-31".parse().unwrap(),
            notice: TimeDelta::hours(24),
        }
    }

    #[test]
    fn a_time_fits_by_day_hour_way_range_and_notice_on_the_wall_clock() {
        let now = at("2027-02-25T08:00:00Z");
        let fits = |starts: &str, mode| wanted().fits(&Time { starts_at: at(starts), mode }, now);
        assert!(fits("2027-03-01T07:00:00Z", Mode::Visit));
        assert!(!fits("2027-03-01T07:00:00Z", Mode::Video), "another way");
        assert!(!fits("2027-03-02T07:00:00Z", Mode::Visit), "a Tuesday");
        assert!(!fits("2027-03-01T11:00:00Z", Mode::Visit), "noon");
        assert!(!fits("2027-04-05T07:00:00Z", Mode::Visit), "after the range");
        // In summer time the same hour is another instant.
        assert!(fits("2027-03-29T06:00:00Z", Mode::Visit) && !fits("2027-03-29T05:30:00Z", Mode::Visit));
        let near = Time { starts_at: at("2027-03-01T07:00:00Z"), mode: Mode::Visit };
        let late = at("2027-02-28T07:00:01Z");
        assert!(!wanted().fits(&near, late) && wanted().covers(&near), "shorter than the notice");
    }

    #[test]
    fn an_offer_stands_two_hours_less_when_near_and_is_not_made_when_too_near() {
        let (rules, hours) = (BookingRules::default(), SendingHours::default());
        let until =
            |now: &str, starts: &str| answer_by(at(starts), TimeDelta::zero(), at(now), hours, &rules);
        assert_eq!(until("2027-03-01T09:00:00Z", "2027-03-10T09:00:00Z"), Some(at("2027-03-01T11:00:00Z")));
        assert_eq!(until("2027-03-01T09:00:00Z", "2027-03-01T13:00:00Z"), Some(at("2027-03-01T10:00:00Z")));
        assert_eq!(until("2027-03-01T09:00:00Z", "2027-03-01T11:10:00Z"), None);
        // At night the clock stands still; late in the evening it goes on in the morning.
        assert_eq!(until("2027-03-01T22:00:00Z", "2027-03-10T09:00:00Z"), Some(at("2027-03-02T09:00:00Z")));
        assert_eq!(until("2027-03-01T18:00:00Z", "2027-03-10T09:00:00Z"), Some(at("2027-03-02T08:00:00Z")));
        // An early visit tomorrow: the evening is what there is.
        assert_eq!(until("2027-03-01T18:00:00Z", "2027-03-02T07:30:00Z"), Some(at("2027-03-01T19:00:00Z")));
    }

    proptest! {
        #[test]
        fn an_offer_ends_within_the_sending_hours_and_before_it_is_too_late(
            minute in 0i64..60 * 24 * 400, ahead in 0i64..60 * 24 * 20, notice in 0i64..2_000,
        ) {
            let (rules, hours) = (BookingRules::default(), SendingHours::default());
            let now = at("2027-01-01T00:00:00Z") + TimeDelta::minutes(minute);
            let starts_at = now + TimeDelta::minutes(ahead);
            let notice = TimeDelta::minutes(notice);
            if let Some(end) = answer_by(starts_at, notice, now, hours, &rules) {
                prop_assert!(end - hours.next_open(now) >= LEAST);
                prop_assert!(starts_at - end >= Ord::max(notice, TimeDelta::minutes(120)));
                let local = to_local(end).time();
                prop_assert!(local >= hours.from() && local <= hours.until(), "{local}");
            }
        }
    }
}
