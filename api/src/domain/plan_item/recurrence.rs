//! How often something happens again: the part of RFC 5545 recurrence rules that a plan needs.
//!
//! Only read and put into one form here; calendars expand the rule.

use std::collections::BTreeSet;

use crate::error::Problem;

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
        && !(seen.contains("COUNT") && seen.contains("UNTIL"));
    if valid {
        return Ok(rule.to_owned());
    }
    Err(Problem::input(
        field,
        "Regeln går inte att läsa. Skriv till exempel FREQ=WEEKLY;BYDAY=MO,TH.",
        "The rule cannot be read. Write for example FREQ=WEEKLY;BYDAY=MO,TH.",
    ))
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
    use super::parse;

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
            "FREQ=DAILY;X=\r\nATTACH",
        ] {
            assert!(parse("rule", rule).is_err(), "{rule:?}");
        }
    }
}
