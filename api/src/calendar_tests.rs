#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A local wall-clock time, `2027-06-24 10:00`.
fn at(text: &str) -> DateTime<Utc> {
    to_instant(NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap())
}

fn shown(at: DateTime<Utc>) -> String {
    to_local(at).format("%Y-%m-%d %H:%M").to_string()
}

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn none() -> ClosingDays {
    ClosingDays::new()
}

#[test]
fn midsummer_week_2027_has_four_working_days() {
    // Midsommarafton is Friday 25 June.
    let working: Vec<_> =
        (21..=27).filter(|d| is_working_day(day(&format!("2027-06-{d}")), &none())).collect();
    assert_eq!(working, [21, 22, 23, 24]);
    assert_eq!(add_working_days(day("2027-06-24"), 1, &none()), day("2027-06-28"));
    assert_eq!(subtract_working_days(day("2027-06-28"), 1, &none()), day("2027-06-24"));
    assert_eq!(subtract_working_days(day("2027-06-28"), 3, &none()), day("2027-06-22"));
}

#[test]
fn holidays_and_the_three_eves_are_not_working_days() {
    for holiday in [
        "2027-01-01",
        "2027-01-06",
        "2027-03-26",
        "2027-03-29",
        "2027-05-06",
        "2026-05-01",
        "2028-06-06",
        "2026-12-24",
        "2026-12-25",
        "2026-12-31",
    ] {
        assert!(!is_working_day(day(holiday), &none()), "{holiday}");
    }
    // Days that many take off, but that are not holidays.
    for ordinary in ["2027-01-05", "2027-03-25", "2027-04-30", "2027-05-07", "2026-12-23"] {
        assert!(is_working_day(day(ordinary), &none()), "{ordinary}");
    }
}

#[test]
fn a_closing_day_of_the_unit_is_not_a_working_day() {
    let closing = ClosingDays::from([day("2027-06-24")]);
    assert!(!is_working_day(day("2027-06-24"), &closing));
    assert_eq!(subtract_working_days(day("2027-06-28"), 1, &closing), day("2027-06-23"));
}

#[test]
fn a_unit_that_is_always_closed_does_not_hang_the_count() {
    let closing: ClosingDays = day("2026-01-01").iter_days().take(1200).collect();
    let stopped = add_working_days(day("2026-01-02"), 1, &closing);
    assert!(stopped > day("2027-01-01"));
}

#[test]
fn a_time_that_does_not_exist_moves_forward_by_the_gap() {
    assert_eq!(at("2027-03-28 02:30"), utc("2027-03-28T01:30:00Z"));
    assert_eq!(shown(at("2027-03-28 02:30")), "2027-03-28 03:30");
    assert_eq!(at("2027-03-28 02:00"), utc("2027-03-28T01:00:00Z"));
    assert_eq!(at("2027-03-28 01:59"), utc("2027-03-28T00:59:00Z"));
    assert_eq!(at("2027-03-28 03:00"), utc("2027-03-28T01:00:00Z"));
}

#[test]
fn a_time_that_exists_twice_is_the_first() {
    assert_eq!(at("2027-10-31 02:30"), utc("2027-10-31T00:30:00Z"));
    assert_eq!(at("2027-10-31 01:59"), utc("2027-10-30T23:59:00Z"));
    assert_eq!(at("2027-10-31 03:00"), utc("2027-10-31T02:00:00Z"));
}

#[test]
fn a_message_outside_the_sending_hours_moves_earlier() {
    let hours = SendingHours::default();
    for (planned, moved) in [
        ("2027-06-22 12:00", "2027-06-22 12:00"),
        ("2027-06-22 08:00", "2027-06-22 08:00"),
        ("2027-06-22 19:59", "2027-06-22 19:59"),
        ("2027-06-22 20:00", "2027-06-22 19:30"),
        ("2027-06-22 23:15", "2027-06-22 19:30"),
        ("2027-06-22 00:00", "2027-06-21 19:30"),
        ("2027-06-22 07:59", "2027-06-21 19:30"),
        // The nights in which the clocks move.
        ("2027-03-28 03:30", "2027-03-27 19:30"),
        ("2027-10-31 02:30", "2027-10-30 19:30"),
    ] {
        assert_eq!(shown(hours.shift_earlier(at(planned))), moved);
    }
}

#[test]
fn the_sending_hours_open_next_by_the_wall_clock() {
    let hours = SendingHours::default();
    assert_eq!(shown(hours.next_open(at("2027-03-27 23:00"))), "2027-03-28 08:00");
    assert_eq!(hours.next_open(at("2027-03-27 23:00")), utc("2027-03-28T06:00:00Z"));
    assert_eq!(shown(hours.next_open(at("2027-06-22 05:00"))), "2027-06-22 08:00");
    assert_eq!(shown(hours.next_open(at("2027-06-22 10:00"))), "2027-06-22 10:00");
    assert!(SendingHours::new(NaiveTime::MIN, NaiveTime::MIN).is_none());
}

#[test]
fn whole_working_days_lie_between_the_cancellation_deadline_and_the_visit() {
    let rule = |working_days| CancelRule { working_days };
    for (visit, days, deadline) in [
        ("2027-06-23 10:00", 1, "2027-06-22 00:00"),
        ("2027-06-21 10:00", 1, "2027-06-18 00:00"),
        ("2027-06-28 10:00", 1, "2027-06-24 00:00"),
        ("2027-06-28 10:00", 3, "2027-06-22 00:00"),
        ("2027-06-26 10:00", 1, "2027-06-24 00:00"),
        ("2027-06-23 10:00", 0, "2027-06-23 10:00"),
        ("2027-03-30 10:00", 1, "2027-03-25 00:00"),
        // In and after the nights in which the clocks move.
        ("2027-03-28 03:30", 1, "2027-03-25 00:00"),
        ("2027-10-31 02:30", 1, "2027-10-29 00:00"),
        ("2027-11-01 10:00", 1, "2027-10-29 00:00"),
        ("2027-11-02 10:00", 1, "2027-11-01 00:00"),
        ("2027-01-04 08:00", 1, "2026-12-30 00:00"),
    ] {
        assert_eq!(shown(cancel_by(at(visit), rule(days), &none())), deadline, "{visit} {days}");
    }
    // By the wall clock of the day of the deadline, not of the visit.
    for (visit, deadline) in [
        ("2027-11-01 10:00", "2027-10-28T22:00:00Z"),
        ("2027-11-02 10:00", "2027-10-31T23:00:00Z"),
        ("2027-03-31 10:00", "2027-03-29T22:00:00Z"),
    ] {
        assert_eq!(cancel_by(at(visit), rule(1), &none()), utc(deadline), "{visit}");
    }
}

fn hours() -> OpeningHours {
    serde_json::from_str(
        r#"{"monday": [["08:00","12:00"],["13:00","17:00"]], "tuesday": [["08:00","17:00"]],
            "thursday": [["08:00","24:00"]], "friday": [["08:00","16:00"]],
            "exceptions": {"2027-06-24": [["10:00","11:00"]], "2027-06-22": []}}"#,
    )
    .unwrap()
}

#[test]
fn a_unit_is_open_by_its_weekly_pattern_its_exceptions_and_the_holidays() {
    let hours = hours();
    for (time, open) in [
        ("2027-06-21 07:59", false),
        ("2027-06-21 08:00", true),
        ("2027-06-21 12:00", false),
        ("2027-06-21 13:00", true),
        ("2027-06-22 10:00", false),
        ("2027-06-23 10:00", false),
        ("2027-06-24 10:30", true),
        ("2027-06-24 11:00", false),
        ("2027-06-25 10:00", false),
        ("2027-07-01 23:59", true),
        ("2027-07-02 10:00", true),
    ] {
        assert_eq!(hours.is_open(at(time), &none()), open, "{time}");
    }
    assert!(!hours.is_open(at("2027-06-21 08:00"), &ClosingDays::from([day("2027-06-21")])));
}

#[test]
fn the_next_opening_skips_holidays_and_closing_days() {
    let hours = hours();
    let next = |time, closing: &ClosingDays| hours.opens_next(at(time), closing).map(shown);
    assert_eq!(next("2027-06-21 09:00", &none()).as_deref(), Some("2027-06-21 09:00"));
    assert_eq!(next("2027-06-21 12:30", &none()).as_deref(), Some("2027-06-21 13:00"));
    assert_eq!(next("2027-06-24 11:00", &none()).as_deref(), Some("2027-06-28 08:00"));
    let closing = ClosingDays::from([day("2027-06-28")]);
    assert_eq!(next("2027-06-24 11:00", &closing).as_deref(), Some("2027-06-29 08:00"));
    assert_eq!(OpeningHours::default().opens_next(at("2027-06-21 09:00"), &none()), None);
}

#[test]
fn opening_hours_that_cannot_be_are_refused() {
    for text in [
        r#"{"monday": [["17:00","08:00"]]}"#,
        r#"{"monday": [["08:00","08:00"]]}"#,
        r#"{"monday": [["8","9"]]}"#,
        r#"{"måndag": []}"#,
        r#"{"exceptions": {"2027-02-30": []}}"#,
    ] {
        assert!(serde_json::from_str::<OpeningHours>(text).is_err(), "{text}");
    }
    let text = serde_json::to_string(&hours()).unwrap();
    assert_eq!(serde_json::from_str::<OpeningHours>(&text).unwrap(), hours());
}

proptest! {
    #[test]
    fn an_instant_has_one_wall_clock_and_a_wall_clock_one_instant(minutes in 0_i64..2_000_000) {
        let instant = utc("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
        let back = to_instant(to_local(instant).naive_local());
        // Only the hour that exists twice reads back as another instant: the first.
        prop_assert!(back == instant || back + TimeDelta::hours(1) == instant);
        prop_assert_eq!(to_local(back).naive_local(), to_local(instant).naive_local());
    }

    #[test]
    fn counting_working_days_there_and_back_returns(offset in 0_u64..1500, n in 1_u32..40) {
        let mut start = day("2026-01-01") + Days::new(offset);
        if !is_working_day(start, &none()) {
            start = add_working_days(start, 1, &none());
        }
        prop_assert_eq!(subtract_working_days(add_working_days(start, n, &none()), n, &none()), start);
    }

    #[test]
    fn a_moved_message_is_never_later_and_always_within_the_hours(minutes in 0_i64..1_500_000) {
        let planned = utc("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
        let hours = SendingHours::default();
        let moved = hours.shift_earlier(planned);
        prop_assert!(moved <= planned && hours.is_open(moved));
        prop_assert!(hours.next_open(planned) >= planned && hours.is_open(hours.next_open(planned)));
    }
}
