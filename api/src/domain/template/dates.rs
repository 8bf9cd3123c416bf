//! From "three working days before the operation" to a day. Pure; days are days of the calendar in Sweden.

use chrono::{NaiveDate, TimeDelta};
use entity::plan_item_revision::Timing;

use crate::{
    calendar::{ClosingDays, add_working_days, is_working_day, subtract_working_days},
    domain::plan_item::recurrence::last,
    library::{Count, Offset, When},
};

/// When an item happens, as a plan says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub timing: Timing,
    pub starts_on: Option<NaiveDate>,
    /// The day, the last day, or the latest follow-up.
    pub due_on: Option<NaiveDate>,
}

/// The day at `offset` from the anchor.
pub fn day(anchor: NaiveDate, offset: Offset) -> NaiveDate {
    let closing = ClosingDays::new();
    let (count, before) = (offset.days.unsigned_abs(), offset.days < 0);
    if offset.count == Count::WorkingDays {
        return if before {
            subtract_working_days(anchor, count, &closing)
        } else {
            add_working_days(anchor, count, &closing)
        };
    }
    let day = anchor + TimeDelta::days(i64::from(offset.days));
    if offset.count == Count::Days || is_working_day(day, &closing) {
        day
    } else if before {
        subtract_working_days(day, 1, &closing)
    } else {
        add_working_days(day, 1, &closing)
    }
}

/// The times of an item. What should have been done before a day that is still ahead is done today. None for what
/// belongs to a time that has passed: then there is nothing left to agree on.
pub fn times(when: &When, anchor: NaiveDate, today: NaiveDate) -> Option<Times> {
    let ahead = |day: NaiveDate| match day < today {
        false => Some(day),
        true if anchor >= today => Some(today),
        true => None,
    };
    Some(match when {
        When::On(offset) => {
            Times { timing: Timing::Date, starts_on: None, due_on: Some(ahead(day(anchor, *offset))?) }
        }
        When::Between(from, to) => {
            let (from, to) = (day(anchor, *from), ahead(day(anchor, *to))?);
            Times { timing: Timing::Period, starts_on: Some(from.max(today).min(to)), due_on: Some(to) }
        }
        // Never fewer days than agreed: it begins on its own day, or it is not taken in.
        When::Again { first, rule } => {
            let first = Some(day(anchor, *first)).filter(|day| *day >= today)?;
            Times { timing: Timing::Recurrence, starts_on: Some(first), due_on: last(rule, first, None) }
        }
        When::Trigger { latest, .. } => {
            Times { timing: Timing::Trigger, starts_on: None, due_on: Some(ahead(day(anchor, *latest))?) }
        }
    })
}

/// The days of a daily call, first to last.
pub fn days(first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    first.iter_days().take_while(move |day| *day <= last)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(anchor: &str, days: i32, count: Count) -> String {
        day(date(anchor), Offset { days, count }).to_string()
    }

    #[test]
    fn working_days_step_over_weekends_and_holidays_and_days_off_move_away_from_the_anchor() {
        // Tuesday 30 March 2027 is after Easter, which begins on Good Friday, 26 March.
        assert_eq!(at("2027-03-30", -1, Count::WorkingDays), "2027-03-25");
        assert_eq!(at("2027-03-25", 1, Count::WorkingDays), "2027-03-30");
        assert_eq!(at("2027-03-30", -2, Count::Days), "2027-03-28");
        assert_eq!(at("2027-03-30", -2, Count::ToWorkingDay), "2027-03-25");
        assert_eq!(at("2027-03-25", 3, Count::ToWorkingDay), "2027-03-30");
        assert_eq!(at("2027-03-25", 0, Count::ToWorkingDay), "2027-03-25");
    }

    #[test]
    fn what_is_late_is_done_today_and_what_belongs_to_the_past_is_left_out() {
        let when = When::On(Offset { days: -14, count: Count::Days });
        let due =
            |anchor, today| times(&when, date(anchor), date(today)).map(|t| t.due_on.unwrap().to_string());
        assert_eq!(due("2027-03-15", "2027-02-01").as_deref(), Some("2027-03-01"));
        assert_eq!(due("2027-03-15", "2027-03-10").as_deref(), Some("2027-03-10"));
        assert_eq!(due("2027-03-15", "2027-03-16"), None);
        let waiting =
            When::Between(Offset { days: -42, count: Count::Days }, Offset { days: -1, count: Count::Days });
        let found = times(&waiting, date("2027-03-15"), date("2027-03-10")).unwrap();
        assert_eq!((found.starts_on, found.due_on), (Some(date("2027-03-10")), Some(date("2027-03-14"))));
        let found = times(&waiting, date("2027-03-15"), date("2027-03-15")).unwrap();
        assert_eq!((found.starts_on, found.due_on), (Some(date("2027-03-15")), Some(date("2027-03-15"))));
    }

    #[test]
    fn fourteen_days_are_fourteen_days_also_when_the_clocks_are_moved() {
        let when = When::Again {
            first: Offset { days: 0, count: Count::Days },
            rule: "FREQ=DAILY;COUNT=14".to_owned(),
        };
        // The clocks go forward on 28 March and back on 31 October.
        for first in ["2027-03-20", "2027-10-25"] {
            let found = times(&when, date(first), date(first)).unwrap();
            let days: Vec<_> = days(found.starts_on.unwrap(), found.due_on.unwrap()).collect();
            assert_eq!(days.len(), 14);
            assert!(days.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::days(1)));
        }
        // It cannot begin in the past: it would be fewer.
        assert_eq!(times(&when, date("2027-03-20"), date("2027-03-21")), None);
    }
}
