#![allow(clippy::unwrap_used)]

use chrono::{Datelike, Days, Weekday};
use proptest::prelude::*;

use super::*;

fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, month, day).unwrap()
}

fn written(rule: &str, from: &str, until: &str) -> Written {
    Written {
        rule: rule.to_owned(),
        valid_from: day(1, 1),
        valid_until: None,
        block: (from.to_owned(), until.to_owned()),
        pauses: Vec::new(),
        except_days: Vec::new(),
        extra_days: Vec::new(),
        on_closed_days: false,
    }
}

const WEEKDAYS: &str = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR";

fn starts(pattern: &Pattern, day: NaiveDate, minutes: i64) -> Vec<String> {
    pattern
        .times(day, TimeDelta::minutes(minutes))
        .into_iter()
        .map(|time| time.local_start[11..].to_owned())
        .collect()
}

#[test]
fn a_block_is_filled_from_its_beginning_and_from_the_end_of_each_pause() {
    let mut text = written(WEEKDAYS, "08:00", "10:20");
    text.pauses = vec![("08:50".to_owned(), "09:15".to_owned())];
    let pattern = text.read(TimeDelta::minutes(30)).unwrap();
    assert_eq!(starts(&pattern, day(2, 1), 30), ["08:00", "09:15", "09:45"]);
}

#[test]
fn in_the_night_of_28_march_no_time_lies_in_the_hour_that_is_not_there_and_none_overlap() {
    let pattern = written("FREQ=DAILY", "01:00", "05:00").read(TimeDelta::minutes(30)).unwrap();
    assert_eq!(starts(&pattern, day(3, 28), 30), ["01:00", "01:30", "03:00", "03:30", "04:00", "04:30"]);
    assert_eq!(starts(&pattern, day(3, 27), 30).len(), 8);
    let pattern = written("FREQ=DAILY", "02:00", "03:00").read(TimeDelta::minutes(30)).unwrap();
    assert!(starts(&pattern, day(3, 28), 30).is_empty(), "the whole block is not there");
}

#[test]
fn in_the_night_of_31_october_the_first_of_the_hour_that_comes_twice_is_taken() {
    let pattern = written("FREQ=DAILY", "01:00", "04:00").read(TimeDelta::minutes(30)).unwrap();
    let times = pattern.times(day(10, 31), TimeDelta::minutes(30));
    assert_eq!(times.len(), 6);
    assert_eq!(times[2].starts_at, "2027-10-31T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
    assert_eq!(times[4].starts_at, "2027-10-31T02:00:00Z".parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn midsummer_week_and_christmas_2027_have_the_days_that_care_works() {
    let pattern = written(WEEKDAYS, "08:00", "12:00").read(TimeDelta::minutes(30)).unwrap();
    let none = ClosingDays::new();
    let days = |from, to| pattern.days(&none, from, to).into_iter().collect::<Vec<_>>();
    // Midsommarafton is the 25th.
    assert_eq!(days(day(6, 21), day(6, 27)), [day(6, 21), day(6, 22), day(6, 23), day(6, 24)]);
    // Julafton is a Friday, and so is nyårsafton.
    assert_eq!(days(day(12, 20), day(12, 31)), [20, 21, 22, 23, 27, 28, 29, 30].map(|n| day(12, n)));
    let always = Pattern { on_closed_days: true, ..pattern.clone() };
    assert_eq!(always.days(&none, day(6, 21), day(6, 27)).len(), 5);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let mut text = written("HOURLY", "09:03", "08:00");
    text.valid_until = Some(day(1, 1) - Days::new(1));
    text.pauses = vec![("x".to_owned(), "24:00".to_owned())];
    let problems = text.read(TimeDelta::minutes(30)).unwrap_err();
    let fields: Vec<_> = problems.iter().filter_map(|p| p.field.as_deref()).collect();
    assert_eq!(fields, ["rule", "block", "pauses", "validUntil"]);
}

const NAMES: [(&str, Weekday); 7] = [
    ("MO", Weekday::Mon),
    ("TU", Weekday::Tue),
    ("WE", Weekday::Wed),
    ("TH", Weekday::Thu),
    ("FR", Weekday::Fri),
    ("SA", Weekday::Sat),
    ("SU", Weekday::Sun),
];

proptest! {
    /// Day by day and five minutes by five minutes, as somebody with a calendar would.
    #[test]
    fn a_pattern_gives_what_a_calendar_and_a_clock_give(
        weekdays in proptest::collection::btree_set(0..7usize, 1..7),
        first in 0..365u64, long in proptest::option::of(0..60u64),
        from in 0..200i64, cells in 1..80i64, pause in proptest::option::of((0..280i64, 1..20i64)),
        off in proptest::collection::btree_set(0..400u64, 0..8),
        extra in proptest::collection::btree_set(0..400u64, 0..4),
        closing in proptest::collection::btree_set(0..400u64, 0..8),
        on_closed_days: bool, length in 1..12i64,
    ) {
        let year = day(1, 1);
        let dates = |all: &BTreeSet<u64>| all.iter().map(|n| year + Days::new(*n)).collect::<BTreeSet<_>>();
        let valid_from = year + Days::new(first);
        let until = long.map(|long| valid_from + Days::new(long));
        let length = TimeDelta::minutes(5 * length);
        let rule = weekdays.iter().map(|n| NAMES[*n].0).collect::<Vec<_>>().join(",");
        let pattern = Pattern {
            rule: format!("FREQ=WEEKLY;BYDAY={rule}"),
            from: valid_from,
            until,
            block: Span { from: 5 * from, until: Ord::min(5 * (from + cells), 1440) },
            pauses: pause.iter().map(|(at, long)| Span { from: 5 * at, until: Ord::min(5 * (at + long), 1440) }).collect(),
            off: dates(&off),
            extra: dates(&extra),
            on_closed_days,
        };
        let closing: ClosingDays = dates(&closing);
        let (start, end) = (year + Days::new(60), year + Days::new(360));
        let mut naive = BTreeSet::new();
        let mut at = start;
        while at <= end {
            let valid = at >= valid_from && until.is_none_or(|until| at <= until);
            let ruled = weekdays.iter().any(|n| NAMES[*n].1 == at.weekday())
                && (on_closed_days || (!is_holiday(at) && !closing.contains(&at)));
            if valid && (ruled || pattern.extra.contains(&at)) && !pattern.off.contains(&at) {
                naive.insert(at);
            }
            at = at + Days::new(1);
        }
        prop_assert_eq!(pattern.days(&closing, start, end), naive);
        for at in [day(3, 28), day(10, 31), day(6, 1)] {
            let times = pattern.times(at, length);
            for pair in times.windows(2) {
                prop_assert!(pair[0].ends_at <= pair[1].starts_at);
            }
            for time in &times {
                prop_assert_eq!(time.ends_at - time.starts_at, length);
                let local = to_local(time.starts_at).naive_local();
                prop_assert_eq!(local.date(), at);
                prop_assert_eq!(to_instant(local), time.starts_at, "the first of two");
            }
        }
        // On an ordinary day: a time begins where the one before, or a pause, ended, and nothing more fits.
        let mut clock = pattern.block.from;
        let mut expected = Vec::new();
        while clock + length.num_minutes() <= pattern.block.until {
            let taken = (clock..clock + length.num_minutes()).any(|minute| {
                pattern.pauses.iter().any(|pause| (pause.from..pause.until).contains(&minute))
            });
            if taken {
                clock = pattern.pauses.iter().map(|pause| pause.until).filter(|end| *end > clock).min().unwrap_or(1440);
            } else {
                expected.push(super::clock(clock));
                clock += length.num_minutes();
            }
        }
        prop_assert_eq!(starts(&pattern, day(6, 1), length.num_minutes()), expected);
    }
}
