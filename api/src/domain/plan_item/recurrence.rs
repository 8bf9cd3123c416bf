//! How often something happens again: the part of RFC 5545 recurrence rules that a plan needs.
//!
//! Read and put into one form here; a library expands the rule. Occurrences are days: an item of a plan has no hour.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime};
use rrule::{RRule, RRuleSet, Tz, Unvalidated};

use crate::error::Problem;

/// More occurrences than are ever looked at together; also more than `COUNT` can ask for.
const MOST: u16 = 1_000;

/// `FREQ`, `INTERVAL`, `COUNT` or `UNTIL`, `BYDAY` and `BYMONTHDAY`, each at most once, in upper case.
pub fn parse(field: &str, rule: &str) -> Result<String, Problem> {
    let rule = rule.trim().to_ascii_uppercase();
    let rule = rule.strip_prefix("RRULE:").unwrap_or(&rule);
    let mut seen = BTreeSet::new();
    let valid = rule.len() <= 200
        && rule.split(';').all(|part| {
            part.split_once('=')
                .is_some_and(|(name, value)| seen.insert(name.to_owned()) && fits(name, value))
        })
        && seen.contains("FREQ")
        && !(seen.contains("COUNT") && seen.contains("UNTIL"))
        && expand(rule, NaiveDate::default(), None).is_some();
    if valid {
        return Ok(rule.to_owned());
    }
    Err(Problem::input(
        field,
        "Regeln går inte att läsa. Skriv till exempel FREQ=WEEKLY;BYDAY=MO,TH.",
        "The rule cannot be read. Write for example FREQ=WEEKLY;BYDAY=MO,TH.",
    ))
}

/// The days of `from..=to` on which it happens, in order; it first may on `first`, and last on `until`.
pub fn days(
    rule: &str,
    first: NaiveDate,
    until: Option<NaiveDate>,
    from: NaiveDate,
    to: NaiveDate,
) -> Vec<NaiveDate> {
    let Some(set) = expand(rule, first, until) else { return Vec::new() };
    let set = set.after(midnight(from)).before(midnight(to));
    set.all(MOST)
        .dates
        .iter()
        .map(DateTime::date_naive)
        .filter(|day| (from..=to).contains(day) && until.is_none_or(|until| *day <= until))
        .collect()
}

/// The first day from `from` on.
pub fn next(rule: &str, first: NaiveDate, until: Option<NaiveDate>, from: NaiveDate) -> Option<NaiveDate> {
    let set = expand(rule, first, until)?.after(midnight(from));
    set.all(2)
        .dates
        .iter()
        .map(DateTime::date_naive)
        .find(|day| *day >= from && until.is_none_or(|until| *day <= until))
}

/// The last day of a rule that ends by itself.
pub fn last(rule: &str, first: NaiveDate) -> Option<NaiveDate> {
    if let Some(until) = until_of(rule) {
        return Some(until);
    }
    let ends = rule.split(';').any(|part| part.starts_with("COUNT="));
    let set = expand(rule, first, None).filter(|_| ends)?;
    set.all(MOST).dates.last().map(DateTime::date_naive)
}

/// The rule from `first` on. None for what the library would not read, or what ends before it begins.
fn expand(rule: &str, first: NaiveDate, until: Option<NaiveDate>) -> Option<RRuleSet> {
    // The library wants a time of day and a zone with `UNTIL`; a plan has days.
    let end = [until, until_of(rule)].into_iter().flatten().min();
    let rest: Vec<&str> = rule.split(';').filter(|part| !part.starts_with("UNTIL=")).collect();
    let mut rule: RRule<Unvalidated> = rest.join(";").parse().ok()?;
    if let Some(end) = end {
        if rule.get_count().is_some() {
            return rule.build(midnight(first)).ok().map(|set| set.before(midnight(end)));
        }
        rule = rule.until(midnight(end));
    }
    rule.build(midnight(first)).ok()
}

fn until_of(rule: &str) -> Option<NaiveDate> {
    let text = rule.split(';').find_map(|part| part.strip_prefix("UNTIL="))?;
    NaiveDate::parse_from_str(text, "%Y%m%d").ok()
}

fn midnight(day: NaiveDate) -> DateTime<Tz> {
    day.and_time(NaiveTime::MIN).and_utc().with_timezone(&Tz::UTC)
}

fn fits(name: &str, value: &str) -> bool {
    let number = |text: &str, least: u32, most: u32| {
        text.bytes().all(|b| b.is_ascii_digit())
            && text.parse().is_ok_and(|n: u32| (least..=most).contains(&n))
    };
    match name {
        "FREQ" => ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"].contains(&value),
        "INTERVAL" | "COUNT" => number(value, 1, 999),
        "UNTIL" => value.len() == 8 && chrono::NaiveDate::parse_from_str(value, "%Y%m%d").is_ok(),
        "BYDAY" => value.split(',').all(|day| ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].contains(&day)),
        "BYMONTHDAY" => value.split(',').all(|day| number(day, 1, 31)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
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
            "FREQ=DAILY;X=\r\nATTACH",
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
        let two_weeks = "FREQ=DAILY;COUNT=14";
        assert_eq!(days(two_weeks, day(2, 1), None, day(1, 1), day(12, 31)).len(), 14);
        assert_eq!(last(two_weeks, day(2, 1)), Some(day(2, 14)));
        assert_eq!(next(two_weeks, day(2, 1), None, day(2, 15)), None);
        assert_eq!(days(two_weeks, day(2, 1), Some(day(2, 3)), day(1, 1), day(12, 31)).len(), 3);
        assert_eq!(last("FREQ=MONTHLY;UNTIL=20270331", day(2, 1)), Some(day(3, 31)));
        assert_eq!(last(weekly, day(2, 1)), None);
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
}
