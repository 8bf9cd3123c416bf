//! How often something happens again: the part of RFC 5545 recurrence rules that a plan needs.
//!
//! Read and put into one form here; a library expands the rule. Occurrences are days: an item of a plan has no hour.
//!
//! The library goes through all days since the first, and on without end where a rule never happens. So it begins near the
//! days that are asked about, where the rule does not count from its first day, and ends some decades later. Nothing
//! happens after [`LAST_YEAR`].

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use rrule::{RRule, RRuleSet, Tz, Unvalidated};

use crate::{calendar::to_local, error::Problem};

/// More occurrences than are ever looked at together; also more than `COUNT` can ask for.
const MOST: usize = 1_000;

/// Nothing is planned for later than the end of this year.
const LAST_YEAR: i32 = 2199;

/// Months after a day within which a rule is looked for: what does not happen for so long never does.
const AHEAD: Months = Months::new(40 * 12);

/// The days of a rule of recurrence.
const DAYS: [(&str, Weekday); 7] = [
    ("MO", Weekday::Mon),
    ("TU", Weekday::Tue),
    ("WE", Weekday::Wed),
    ("TH", Weekday::Thu),
    ("FR", Weekday::Fri),
    ("SA", Weekday::Sat),
    ("SU", Weekday::Sun),
];

/// `FREQ`, `INTERVAL`, `COUNT` or `UNTIL`, `BYDAY` and `BYMONTHDAY`, each at most once, in upper case; in a monthly rule
/// days such as `1MO` or `-1FR` too. Of an `UNTIL` with a time of day, the day in Sweden is kept.
pub fn parse(field: &str, rule: &str) -> Result<String, Problem> {
    let rule = rule.trim().to_ascii_uppercase();
    let rule = rule.strip_prefix("RRULE:").unwrap_or(&rule);
    let rule = rule.split(';').map(in_days).collect::<Vec<_>>().join(";");
    let monthly = rule.split(';').any(|part| part == "FREQ=MONTHLY");
    let mut seen = BTreeSet::new();
    let valid = rule.len() <= 200
        && rule.split(';').all(|part| {
            part.split_once('=')
                .is_some_and(|(name, value)| seen.insert(name.to_owned()) && fits(name, value, monthly))
        })
        && seen.contains("FREQ")
        && !(seen.contains("COUNT") && seen.contains("UNTIL"))
        && !(named_days(&rule) && part(&rule, "BYMONTHDAY").is_some())
        && expand(&rule, NaiveDate::default(), NaiveDate::default()).is_some();
    if valid && until_of(&rule).is_some_and(is_too_late) {
        return Err(too_late(field));
    }
    if valid {
        return Ok(rule);
    }
    Err(Problem::input(
        field,
        "Regeln går inte att läsa. Skriv till exempel FREQ=WEEKLY;BYDAY=MO,TH.",
        "The rule cannot be read. Write for example FREQ=WEEKLY;BYDAY=MO,TH.",
    ))
}

/// Whether nothing is planned for a day any more.
pub fn is_too_late(day: NaiveDate) -> bool {
    day.year() > LAST_YEAR
}

/// For a last day that is.
pub fn too_late(field: &str) -> Problem {
    Problem::input(
        field,
        format!("Välj en sista dag senast den 31 december {LAST_YEAR}."),
        format!("Choose a last day by 31 December {LAST_YEAR}."),
    )
}

/// The first of the days back that occurrences are shown for.
pub fn shown_from(today: NaiveDate) -> NaiveDate {
    const SHOWN: Days = Days::new(30);
    today.checked_sub_days(SHOWN).unwrap_or(today)
}

/// The days of `from..=to` on which it happens, in order; it first may on `first`, and last on `until`.
pub fn days(
    rule: &str,
    first: NaiveDate,
    until: Option<NaiveDate>,
    from: NaiveDate,
    to: NaiveDate,
) -> Vec<NaiveDate> {
    let end = end(rule, until).min(to);
    all(rule, near(rule, first, from), end).filter(|day| *day >= from).take(MOST).collect()
}

/// How many times it has happened by the end of `to`.
pub fn times(rule: &str, first: NaiveDate, until: Option<NaiveDate>, to: NaiveDate) -> usize {
    days(rule, first, until, first, to).len()
}

/// The first day from `from` on.
pub fn next(rule: &str, first: NaiveDate, until: Option<NaiveDate>, from: NaiveDate) -> Option<NaiveDate> {
    let end = end(rule, until).min(from.max(first).checked_add_months(AHEAD)?);
    all(rule, near(rule, first, from), end).find(|day| *day >= from)
}

/// The last day on which it happens, where the rule ends by itself or `until` ends it.
pub fn last(rule: &str, first: NaiveDate, until: Option<NaiveDate>) -> Option<NaiveDate> {
    let counts = part(rule, "COUNT").is_some();
    if until.is_none() && until_of(rule).is_none() && !counts {
        return None;
    }
    let end = end(rule, until);
    if counts {
        return all(rule, first, end.min(first.checked_add_months(AHEAD)?)).last();
    }
    // Nearly always there is one in its last weeks, months or years.
    all(rule, near(rule, first, end), end).last().or_else(|| {
        let decades = end.checked_sub_months(AHEAD)?;
        all(rule, near(rule, first, decades), end).last()
    })
}

/// The last day that it may happen on.
fn end(rule: &str, until: Option<NaiveDate>) -> NaiveDate {
    let latest = NaiveDate::from_ymd_opt(LAST_YEAR, 12, 31).unwrap_or(NaiveDate::MAX);
    [until, until_of(rule)].into_iter().flatten().fold(latest, Ord::min)
}

/// A day from which the rule gives the same days from `from` on as from `first`: so many whole periods later, and at least
/// one before `from`. The first itself where the rule counts from it, or where a month has no such day.
fn near(rule: &str, first: NaiveDate, from: NaiveDate) -> NaiveDate {
    let every = part(rule, "INTERVAL").and_then(|n| n.parse().ok()).unwrap_or(1_u32);
    if part(rule, "COUNT").is_some() || from <= first {
        return first;
    }
    let days = |step: u32| {
        let gone = (from - first).num_days() / i64::from(step);
        let whole = u64::try_from(gone - 1).unwrap_or_default() * u64::from(step);
        first.checked_add_days(Days::new(whole))
    };
    let months = |step: u32| {
        let gone = from.years_since(first).unwrap_or_default() * 12 / step;
        let whole = Months::new(gone.saturating_sub(1) * step);
        // Where the rule names no day, it is the first one's.
        let stays = first.day() <= 28 || part(rule, "BYDAY").or(part(rule, "BYMONTHDAY")).is_some();
        first.checked_add_months(whole).filter(|_| stays)
    };
    match part(rule, "FREQ") {
        Some("DAILY") => days(every),
        Some("WEEKLY") => days(7 * every),
        Some("MONTHLY") => months(every),
        _ => months(12 * every),
    }
    .unwrap_or(first)
}

/// Every day from `first` to `end` on which it happens; none for what the library would not read.
fn all(rule: &str, first: NaiveDate, end: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    let set = expand(rule, first, end).filter(|_| first <= end);
    let days = set.into_iter().flat_map(|set| set.limit().into_iter().map(|at| at.date_naive()));
    days.take_while(move |day| *day <= end)
}

fn expand(rule: &str, first: NaiveDate, end: NaiveDate) -> Option<RRuleSet> {
    // The library wants a time of day and a zone with `UNTIL`; a plan has days.
    let rest: Vec<&str> = rule.split(';').filter(|part| !part.starts_with("UNTIL=")).collect();
    let rule: RRule<Unvalidated> = rest.join(";").parse().ok()?;
    if rule.get_count().is_some() {
        return rule.build(midnight(first)).ok().map(|set| set.before(midnight(end)));
    }
    rule.until(midnight(end.max(first))).build(midnight(first)).ok()
}

/// What a rule says of this.
fn part<'a>(rule: &'a str, name: &str) -> Option<&'a str> {
    rule.split(';').filter_map(|part| part.split_once('=')).find(|part| part.0 == name).map(|part| part.1)
}

/// Whether it names days of the month by their weekday, such as the first Monday.
fn named_days(rule: &str) -> bool {
    part(rule, "BYDAY").is_some_and(|days| days.contains(|c: char| c.is_ascii_digit()))
}

/// A part of a rule; calendars write `UNTIL` with a time of day too.
fn in_days(part: &str) -> String {
    let time = part.strip_prefix("UNTIL=").filter(|end| end.contains('T'));
    let day = time.and_then(|end| match end.strip_suffix('Z') {
        Some(utc) => {
            let utc = NaiveDateTime::parse_from_str(utc, "%Y%m%dT%H%M%S").ok()?.and_utc();
            Some(to_local(utc).date_naive())
        }
        None => NaiveDateTime::parse_from_str(end, "%Y%m%dT%H%M%S").ok().map(|end| end.date()),
    });
    day.map_or_else(|| part.to_owned(), |day| format!("UNTIL={}", day.format("%Y%m%d")))
}

/// A day of the week, with which one of the month where one is named: the first is 1, the last -1.
pub fn weekday(text: &str) -> Option<(Option<i8>, Weekday)> {
    let (which, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let which = match which {
        "" => None,
        "1" | "2" | "3" | "4" | "5" | "-1" | "-2" => Some(which.parse().ok()?),
        _ => return None,
    };
    DAYS.iter().find(|named| named.0 == day).map(|named| (which, named.1))
}

fn until_of(rule: &str) -> Option<NaiveDate> {
    let text = rule.split(';').find_map(|part| part.strip_prefix("UNTIL="))?;
    NaiveDate::parse_from_str(text, "%Y%m%d").ok()
}

fn midnight(day: NaiveDate) -> DateTime<Tz> {
    day.and_time(NaiveTime::MIN).and_utc().with_timezone(&Tz::UTC)
}

fn fits(name: &str, value: &str, monthly: bool) -> bool {
    let number = |text: &str, least: u32, most: u32| {
        text.bytes().all(|b| b.is_ascii_digit())
            && text.parse().is_ok_and(|n: u32| (least..=most).contains(&n))
    };
    match name {
        "FREQ" => ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"].contains(&value),
        "INTERVAL" | "COUNT" => number(value, 1, 999),
        "UNTIL" => value.len() == 8 && chrono::NaiveDate::parse_from_str(value, "%Y%m%d").is_ok(),
        "BYDAY" => {
            value.split(',').all(|day| weekday(day).is_some_and(|(which, _)| which.is_none() || monthly))
        }
        "BYMONTHDAY" => value.split(',').all(|day| number(day, 1, 31)),
        _ => false,
    }
}

#[cfg(test)]
#[path = "recurrence_tests.rs"]
mod tests;
