use chrono::NaiveDate;

use super::*;

fn day(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2027, month, day).unwrap_or_default()
}

#[test]
fn the_rules_of_a_plan_are_read_into_one_form() {
    assert_eq!(parse("rule", " freq=weekly;byday=mo,th ").as_deref(), Ok("FREQ=WEEKLY;BYDAY=MO,TH"));
    assert_eq!(parse("rule", "RRULE:FREQ=DAILY;COUNT=14").as_deref(), Ok("FREQ=DAILY;COUNT=14"));
    assert!(parse("rule", "FREQ=MONTHLY;BYMONTHDAY=1,15;UNTIL=20271231").is_ok());
    assert!(parse("rule", "FREQ=MONTHLY;BYDAY=1MO,-1FR").is_ok());
    for until in ["20271231T235900", "20271231T120000Z", "20271230T230000Z"] {
        let read = parse("rule", &format!("FREQ=DAILY;UNTIL={until}"));
        assert_eq!(read.as_deref(), Ok("FREQ=DAILY;UNTIL=20271231"), "{until}");
    }
}

#[test]
fn what_no_calendar_would_read_is_refused() {
    for rule in [
        "",
        "WEEKLY",
        "BYDAY=MO",
        "FREQ=HOURLY",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=+3",
        "FREQ=DAILY;COUNT=3;UNTIL=20271231",
        "FREQ=DAILY;UNTIL=20270230",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;BYMONTHDAY=3",
        "FREQ=WEEKLY;BYDAY=1MO",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=MONTHLY;BYDAY=+1MO",
        "FREQ=MONTHLY;BYDAY=O",
        "FREQ=MONTHLY;BYDAY=åMO",
        "FREQ=DAILY;UNTIL=20271231T250000",
        "FREQ=DAILY;X=\r\nATTACH",
        "FREQ=DAILY;UNTIL=22000101",
    ] {
        assert!(parse("rule", rule).is_err(), "{rule:?}");
    }
}

#[test]
fn the_days_of_a_rule_are_those_a_calendar_shows() {
    let weekly = "FREQ=WEEKLY;BYDAY=MO,TH";
    // The first of February 2027 is a Monday.
    assert_eq!(
        days(weekly, day(2, 1), None, day(2, 1), day(2, 11)),
        [day(2, 1), day(2, 4), day(2, 8), day(2, 11)]
    );
    assert_eq!(days(weekly, day(2, 1), Some(day(2, 5)), day(2, 2), day(3, 1)), [day(2, 4)]);
    assert_eq!(next(weekly, day(2, 1), None, day(2, 5)), Some(day(2, 8)));
    assert_eq!(next(weekly, day(2, 1), Some(day(2, 5)), day(2, 5)), None);
    assert_eq!(next(weekly, day(2, 9), None, day(2, 1)), Some(day(2, 11)));
    let first_monday = "FREQ=MONTHLY;BYDAY=1MO";
    assert_eq!(days(first_monday, day(2, 2), None, day(2, 1), day(4, 30)), [day(3, 1), day(4, 5)]);
    assert_eq!(next("FREQ=MONTHLY;BYDAY=-1FR", day(2, 1), None, day(2, 1)), Some(day(2, 26)));
    let two_weeks = "FREQ=DAILY;COUNT=14";
    assert_eq!(days(two_weeks, day(2, 1), None, day(1, 1), day(12, 31)).len(), 14);
    assert_eq!(last(two_weeks, day(2, 1), None), Some(day(2, 14)));
    assert_eq!(next(two_weeks, day(2, 1), None, day(2, 15)), None);
    assert_eq!(days(two_weeks, day(2, 1), Some(day(2, 3)), day(1, 1), day(12, 31)).len(), 3);
}

#[test]
fn the_last_day_is_one_on_which_it_happens() {
    let ends = |rule: &str, until| last(rule, day(2, 1), until);
    assert_eq!(ends("FREQ=WEEKLY;BYDAY=MO,TH", None), None);
    // Monday the first; the rule, the plan, or whichever comes first.
    assert_eq!(ends("FREQ=MONTHLY;UNTIL=20270331", None), Some(day(3, 1)));
    assert_eq!(ends("FREQ=MONTHLY;UNTIL=20270301", None), Some(day(3, 1)));
    assert_eq!(ends("FREQ=WEEKLY;BYDAY=MO;UNTIL=20270314", None), Some(day(3, 8)));
    assert_eq!(ends("FREQ=WEEKLY;BYDAY=MO;UNTIL=20270314", Some(day(2, 12))), Some(day(2, 8)));
    assert_eq!(ends("FREQ=WEEKLY;BYDAY=MO;UNTIL=20270314", Some(day(12, 1))), Some(day(3, 8)));
    assert_eq!(ends("FREQ=WEEKLY;BYDAY=MO", Some(day(2, 12))), Some(day(2, 8)));
    assert_eq!(ends("FREQ=WEEKLY;BYDAY=MO", Some(day(2, 1))), Some(day(2, 1)));
    assert_eq!(ends("FREQ=WEEKLY;INTERVAL=2;BYDAY=FR;UNTIL=20270228", None), Some(day(2, 19)));
    assert_eq!(ends("FREQ=MONTHLY;BYMONTHDAY=31;UNTIL=20270630", None), Some(day(5, 31)));
    // A number of times, and fewer where the plan ends it.
    assert_eq!(ends("FREQ=DAILY;COUNT=1", None), Some(day(2, 1)));
    assert_eq!(ends("FREQ=WEEKLY;BYDAY=MO,TH;COUNT=4", None), Some(day(2, 11)));
    assert_eq!(ends("FREQ=WEEKLY;BYDAY=MO,TH;COUNT=4", Some(day(2, 9))), Some(day(2, 8)));
    assert_eq!(ends("FREQ=DAILY;COUNT=999", None), day(2, 1).checked_add_days(chrono::Days::new(998)));
    // It never happens.
    assert_eq!(ends("FREQ=WEEKLY;BYDAY=TH", Some(day(2, 3))), None);
    assert_eq!(ends("FREQ=DAILY;UNTIL=20270131", None), None);
    assert_eq!(ends("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30;UNTIL=20501231", None), None);
    assert_eq!(ends("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30;COUNT=2", None), None);
    // Many years of days are gone through; nothing is planned for ever.
    assert_eq!(ends("FREQ=DAILY;UNTIL=20661231", None), NaiveDate::from_ymd_opt(2066, 12, 31));
    assert_eq!(ends("FREQ=YEARLY;UNTIL=20991231", None), NaiveDate::from_ymd_opt(2099, 2, 1));
    assert_eq!(
        ends("FREQ=DAILY", NaiveDate::from_ymd_opt(9999, 12, 31)),
        NaiveDate::from_ymd_opt(2199, 12, 31)
    );
}

#[test]
fn a_rule_on_the_last_of_the_month_leaves_out_months_without_it_and_a_leap_day_comes_when_it_does() {
    let all = days("FREQ=MONTHLY;BYMONTHDAY=31", day(1, 31), None, day(1, 1), day(6, 30));
    assert_eq!(all, [day(1, 31), day(3, 31), day(5, 31)]);
    let leap = NaiveDate::from_ymd_opt(2028, 2, 29);
    assert_eq!(next("FREQ=MONTHLY;BYMONTHDAY=29", day(1, 29), None, day(1, 1)), Some(day(1, 29)));
    assert_eq!(
        leap.and_then(|leap| next("FREQ=YEARLY", leap, None, leap + chrono::Days::new(1))),
        NaiveDate::from_ymd_opt(2032, 2, 29)
    );
}

/// Whatever its first day is: rows may say anything.
#[test]
fn a_rule_begins_near_the_days_that_are_asked_about_and_gives_the_same_days() {
    let kinds = [
        ("DAILY", &["", ";BYDAY=MO,SA", ";BYMONTHDAY=1,31", ";BYDAY=MO;BYMONTHDAY=1,2,3"][..]),
        ("WEEKLY", &["", ";BYDAY=SU", ";BYDAY=MO,TH,SU"]),
        (
            "MONTHLY",
            &[
                "",
                ";BYDAY=MO",
                ";BYDAY=1MO,-1FR",
                ";BYDAY=5WE",
                ";BYMONTHDAY=29,31",
                ";BYDAY=FR;BYMONTHDAY=13",
            ],
        ),
        ("YEARLY", &["", ";BYDAY=TU", ";BYMONTHDAY=30", ";BYDAY=FR;BYMONTHDAY=13"]),
    ];
    let (from, to) = (day(1, 1), NaiveDate::from_ymd_opt(2029, 3, 1).unwrap_or_default());
    let mut compared = 0;
    for (freq, parts) in kinds {
        for part in parts {
            for interval in [1, 2, 3, 5] {
                for (year, month, date) in [(2019, 1, 31), (2020, 2, 29), (2023, 8, 14), (2026, 12, 30)] {
                    let first = NaiveDate::from_ymd_opt(year, month, date).unwrap_or_default();
                    let rule = format!("FREQ={freq};INTERVAL={interval}{part}");
                    let through = all(&rule, first, to).filter(|day| *day >= from).take(MOST);
                    let through: Vec<_> = through.collect();
                    assert_eq!(days(&rule, first, None, from, to), through, "{rule} from {first}");
                    assert_eq!(
                        last(&rule, first, Some(to)),
                        all(&rule, first, to).last(),
                        "{rule} from {first}"
                    );
                    compared += through.len();
                }
            }
        }
    }
    assert!(compared > 5_000, "{compared}");
    let long_ago = NaiveDate::from_ymd_opt(1850, 1, 1).unwrap_or_default();
    for (rule, at_most) in [("FREQ=DAILY", 2), ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO", 28), ("FREQ=MONTHLY", 730)]
    {
        let begins = near(rule, long_ago, from);
        assert!(begins < from && (from - begins).num_days() <= at_most, "{rule} {begins}");
    }
    assert_eq!(next("FREQ=WEEKLY;BYDAY=MO", long_ago, None, day(2, 2)), Some(day(2, 8)));
    assert_eq!(near("FREQ=DAILY;COUNT=3", long_ago, from), long_ago, "it counts from its first day");
}

/// Its day comes in no month that counts: it is looked for within bounds.
#[test]
fn a_rule_that_never_happens_has_no_next_day() {
    let never = "FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30";
    assert_eq!(next(never, day(2, 1), None, day(2, 1)), None);
    assert!(parse("rule", "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1").is_err());
}
