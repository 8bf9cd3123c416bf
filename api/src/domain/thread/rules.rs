//! What a message may be, and when its answer is promised: pure.

use chrono::{DateTime, Utc};

use crate::{
    calendar::{ClosingDays, OpeningHours, add_working_days, to_local},
    domain::text,
    error::Problem,
};

/// Care answers within this many working days.
pub const ANSWER_DAYS: u32 = 2;

/// When an answer is promised to a message written at `now`: at the closing time of the second working day after
/// it; on the next day with opening hours if the unit has none that day.
pub fn answer_by(hours: &OpeningHours, closing: &ClosingDays, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let today = to_local(now).date_naive();
    (ANSWER_DAYS..ANSWER_DAYS + 14)
        .map(|days| add_working_days(today, days, closing))
        .find_map(|day| hours.closes_at(day, closing))
}

/// The body of a message, or what is wrong with it.
pub fn body(written: &str) -> Result<String, Vec<Problem>> {
    let mut problems = Vec::new();
    let body = text::required("body", written, text::MESSAGE, &mut problems);
    if problems.is_empty() { Ok(body) } else { Err(problems) }
}

/// Subject and body of a first message, or what is wrong with both.
pub fn first(subject: &str, written: &str) -> Result<(String, String), Vec<Problem>> {
    let mut problems = Vec::new();
    let subject = text::required("subject", subject, text::TITLE, &mut problems);
    let body = text::required("body", written, text::MESSAGE, &mut problems);
    if subject.contains(['\n', '\t']) {
        problems.push(Problem::input("subject", "Skriv ämnet på en rad.", "Write the subject on one line."));
    }
    if problems.is_empty() { Ok((subject, body)) } else { Err(problems) }
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
