//! What a message may be, and when its answer is promised: pure.

use chrono::{DateTime, Utc};

use crate::{
    calendar::{ClosingDays, OpeningHours, add_working_days, to_local},
    error::Problem,
};

/// Characters of a subject line at most.
pub const SUBJECT_AT_MOST: usize = 200;
/// Characters of a message at most.
pub const BODY_AT_MOST: usize = 5_000;

/// Care answers within this many working days.
const ANSWER_DAYS: u32 = 2;

/// When an answer is promised to a message written at `now`: at the closing time of the second working day after
/// it; on the next day with opening hours if the unit has none that day.
pub fn answer_by(hours: &OpeningHours, closing: &ClosingDays, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let today = to_local(now).date_naive();
    (ANSWER_DAYS..ANSWER_DAYS + 14)
        .map(|days| add_working_days(today, days, closing))
        .find_map(|day| hours.closes_at(day, closing))
}

/// A text without surrounding space, if it may be written.
pub fn text(field: &str, written: &str, at_most: usize) -> Result<String, Problem> {
    let text = written.trim();
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.is_empty() {
        return Err(Problem::input(field, "Skriv en text.", "Write a text."));
    }
    if text.chars().count() > at_most {
        return Err(Problem::input(
            field,
            format!("Texten är för lång. Skriv högst {at_most} tecken."),
            format!("The text is too long. Write {at_most} characters at most."),
        ));
    }
    if text.chars().any(control) {
        return Err(Problem::input(
            field,
            "Texten innehåller tecken som inte kan visas. Skriv om den.",
            "The text has characters that cannot be shown. Write it again.",
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::calendar::OpenSpan;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn an_answer_is_promised_by_closing_time_two_working_days_later() {
        let hours = OpeningHours::weekdays(OpenSpan::new("08:00", "16:30").unwrap());
        let none = ClosingDays::new();
        // Friday evening: Tuesday.
        assert_eq!(answer_by(&hours, &none, at("2027-02-05T18:00:00Z")), Some(at("2027-02-09T15:30:00Z")));
        let tuesday = ClosingDays::from(["2027-02-09".parse().unwrap()]);
        assert_eq!(answer_by(&hours, &tuesday, at("2027-02-05T18:00:00Z")), Some(at("2027-02-10T15:30:00Z")));
        assert_eq!(answer_by(&OpeningHours::default(), &none, at("2027-02-05T18:00:00Z")), None);
    }
}
