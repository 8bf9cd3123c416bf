//! What a message may be, and when its answer is promised: pure.

use chrono::{DateTime, NaiveTime, Utc};
use entity::{care_contact, thread};

use crate::{
    calendar::{ClosingDays, OpeningHours, add_working_days, to_instant, to_local},
    domain::text,
    error::{Problem, ProblemCode},
};

/// Care answers within this many working days.
pub const ANSWER_DAYS: u32 = 2;

/// When an answer is promised to a message written at `now`: at the closing time of the second working day after
/// it; on the next day with opening hours if the unit has none that day. A unit without opening hours has the whole of
/// the second working day.
pub fn answer_by(hours: &OpeningHours, closing: &ClosingDays, now: DateTime<Utc>) -> DateTime<Utc> {
    let today = to_local(now).date_naive();
    let day = |days| add_working_days(today, days, closing);
    let closes = (ANSWER_DAYS..ANSWER_DAYS + 14).find_map(|days| hours.closes_at(day(days), closing));
    closes.unwrap_or_else(|| {
        let last = day(ANSWER_DAYS);
        to_instant(last.succ_opt().unwrap_or(last).and_time(NaiveTime::MIN))
    })
}

/// Whether a contact's role can be written to: it is held, and it is care, which a supporter is not.
pub fn addressable(contact: &care_contact::Model, now: DateTime<Utc>) -> Result<(), Problem> {
    let held = contact.status != care_contact::Status::Ended
        && contact.valid_from <= now
        && contact.valid_until.is_none_or(|until| until > now);
    if !held {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Kontakten har inte uppdraget nu. Skriv till mottagningen i stället.",
            "The contact does not have the role now. Write to the unit instead.",
        )
        .at("contactId"));
    }
    if contact.role == care_contact::Role::Supporter {
        return Err(Problem::input(
            "contactId",
            "En stödperson läser inte meddelanden här. Skriv till mottagningen i stället.",
            "A supporter reads no messages here. Write to the unit instead.",
        ));
    }
    Ok(())
}

/// The conversation is over.
pub fn closed() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Konversationen är avslutad. Starta en ny, eller ring mottagningen.",
        "The conversation is closed. Start a new one, or call the unit.",
    )
    .at("threadId")
}

/// The body of a message in a thread that goes on, or what is wrong with it. Only units say whether they ask for an answer.
pub fn body(written: &str, expects_answer: bool, kind: thread::Kind) -> Result<String, Vec<Problem>> {
    let mut problems = Vec::new();
    let body = text::required("body", written, text::MESSAGE, &mut problems);
    if expects_answer && kind == thread::Kind::PatientCare {
        problems.push(Problem::input(
            "expectsAnswer",
            "Bara mellan enheter kan du begära svar. Skriv frågan i meddelandet i stället.",
            "You can only ask for an answer between units. Write the question in the message instead.",
        ));
    }
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
        assert_eq!(answer_by(&hours, &none, at("2027-02-05T18:00:00Z")), at("2027-02-09T15:30:00Z"));
        let tuesday = ClosingDays::from(["2027-02-09".parse().unwrap()]);
        assert_eq!(answer_by(&hours, &tuesday, at("2027-02-05T18:00:00Z")), at("2027-02-10T15:30:00Z"));
    }

    #[test]
    fn a_unit_without_opening_hours_answers_before_the_second_working_day_is_over() {
        let (hours, none) = (OpeningHours::default(), ClosingDays::new());
        let closed = ClosingDays::from(["2027-02-09".parse().unwrap()]);
        let cases = [
            // Friday: all of Tuesday, or of Wednesday where Tuesday is a closing day.
            (&none, "2027-02-05T09:00:00Z", "2027-02-09T23:00:00Z"),
            (&closed, "2027-02-05T09:00:00Z", "2027-02-10T23:00:00Z"),
            // Wednesday of midsummer week, and Thursday before Easter.
            (&none, "2027-06-23T08:00:00Z", "2027-06-28T22:00:00Z"),
            (&none, "2027-03-25T09:00:00Z", "2027-03-31T22:00:00Z"),
        ];
        for (closing, written, promised) in cases {
            assert_eq!(answer_by(&hours, closing, at(written)), at(promised), "{written}");
        }
        // Open on days alone on which nobody answers: likewise.
        let saturdays = OpeningHours { saturday: vec![OpenSpan::new("10:00", "14:00").unwrap()], ..hours };
        assert_eq!(answer_by(&saturdays, &none, at("2027-02-05T09:00:00Z")), at("2027-02-09T23:00:00Z"));
    }

    /// The unit closes by the clock on its wall, whichever way that was moved in between, and holidays do not count.
    #[test]
    fn a_promise_keeps_to_the_wall_clock_and_to_working_days_around_easter_midsummer_and_the_moved_clocks() {
        let hours = OpeningHours::weekdays(OpenSpan::new("08:00", "16:30").unwrap());
        let cases = [
            // Thursday before Easter, in which the clocks go forward: Tuesday and Wednesday after it.
            ("2027-03-25T09:00:00Z", "2027-03-31T14:30:00Z"),
            // In the night in which they do, at an hour that is not there.
            ("2027-03-28T01:00:00Z", "2027-03-31T14:30:00Z"),
            // Friday before the clocks go back: Monday and Tuesday.
            ("2027-10-29T08:00:00Z", "2027-11-02T15:30:00Z"),
            // In both of the hours that are there twice.
            ("2027-10-31T00:30:00Z", "2027-11-02T15:30:00Z"),
            ("2027-10-31T01:30:00Z", "2027-11-02T15:30:00Z"),
            // Wednesday of midsummer week: Thursday, and Monday after midsommarafton.
            ("2027-06-23T08:00:00Z", "2027-06-28T14:30:00Z"),
            // Late on Thursday, after the unit has closed.
            ("2027-06-24T21:59:59Z", "2027-06-29T14:30:00Z"),
        ];
        for (written, promised) in cases {
            assert_eq!(answer_by(&hours, &ClosingDays::new(), at(written)), at(promised), "{written}");
        }
    }
}
