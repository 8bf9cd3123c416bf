//! Fictional people: numbers, names and addresses that can belong to nobody.
//!
//! - Personal identity numbers are of the series that Skatteverket keeps for tests: birth numbers 238 and 239 (of
//!   persons born before 1900: 980 to 999), which no person is given. The same holds for samordningsnummer.
//! - Phone numbers are of the series that Post- och telestyrelsen keeps for books and films.
//! - Mail addresses lie under `.invalid`, which never resolves (RFC 2606).
//! - Family names contain "Test".

use chrono::{Datelike, Days, NaiveDate};

use super::ids::{mix, pick};
use crate::domain::patient::personal_number::check_digit;

const GIVEN_FEMALE: &[&str] = &[
    "Anna", "Karin", "Märta", "Fatima", "Åsa", "Ingrid", "Sara", "Zahra", "Gunnel", "Linnéa", "Ulla",
    "Birgit",
];
const GIVEN_MALE: &[&str] =
    &["Erik", "Ömer", "Nils", "Åke", "Mohammed", "Lars", "Göran", "Per", "Jonas", "Olle", "Sven", "Bengt"];
const FAMILY: &[&str] = &[
    "Testlund",
    "Testberg",
    "Teståker",
    "Testström",
    "Testsjö",
    "Testhägg",
    "Testmark",
    "Testdahl",
    "Testgren",
    "Testby",
    "Testholm",
    "Testqvist",
    "Testenäs",
    "Testvall",
    "Testman",
    "Teststen",
];

/// A person who does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub given_name: &'static str,
    pub family_name: &'static str,
    pub birth_date: NaiveDate,
    /// Twelve digits.
    pub number: String,
    /// A samordningsnummer.
    pub coordination: bool,
}

/// Most patients that one seed can make: what the test series surely hold.
pub const MOST: u32 = 200_000;

/// The `n`th person, from 0. Different `n` have different numbers.
///
/// Adults come first, then the very old and children, then the same days as samordningsnummer, last people born
/// before 1900. The first day of a month is left to people who are written by hand.
pub fn person(seed: u64, n: u32, today: NaiveDate) -> Person {
    let Birth { date, number, coordination } = born(seed, n, today);
    let names = if number % 2 == 1 { GIVEN_MALE } else { GIVEN_FEMALE };
    let nth = u64::from(n);
    Person {
        given_name: pick(names, mix(seed, nth, 1)),
        family_name: pick(FAMILY, mix(seed, nth, 2)),
        birth_date: date,
        number: test_number(date, number, coordination),
        coordination,
    }
}

struct Birth {
    date: NaiveDate,
    /// Odd for men.
    number: u32,
    coordination: bool,
}

fn born(seed: u64, n: u32, today: NaiveDate) -> Birth {
    let this_year = today.year();
    let mut left = n;
    for coordination in [false, true] {
        for years in
            [(this_year - 98, this_year - 20), (1901, this_year - 99), (this_year - 19, this_year - 1)]
        {
            let days = days(years);
            if left < days * 2 {
                return Birth { date: day(seed, years, left / 2), number: 238 + left % 2, coordination };
            }
            left -= days * 2;
        }
    }
    let date = day(seed, (1890, 1899), left / 20);
    Birth { date, number: 980 + left % 20, coordination: false }
}

/// One of the days of these years: a prime step visits every day once before it comes back.
fn day(seed: u64, years: (i32, i32), n: u32) -> NaiveDate {
    let days = u64::from(days(years).max(1));
    nth_day(years.0, (mix(seed, 0, 3) % days + u64::from(n) * 7_919) % days)
}

/// How many days of these years are no first day of a month; none if they are in the wrong order.
fn days((from, until): (i32, i32)) -> u32 {
    let years = u32::try_from(until - from + 1).unwrap_or(0);
    // Leap days are left out, so that every year has the same number.
    years * (365 - 12)
}

/// The `n`th of those days.
fn nth_day(from_year: i32, n: u64) -> NaiveDate {
    let year = from_year + i32::try_from(n / 353).unwrap_or(0);
    let mut left = n % 353;
    for month in 1..=12 {
        let in_month = u64::from(DAYS_OF_MONTH[month - 1] - 1);
        if left < in_month {
            let first = NaiveDate::from_ymd_opt(year, month as u32, 2).unwrap_or_default();
            return first + Days::new(left);
        }
        left -= in_month;
    }
    NaiveDate::default()
}

const DAYS_OF_MONTH: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// A number of the test series with its check digit.
pub fn test_number(birth_date: NaiveDate, birth_number: u32, coordination: bool) -> String {
    let day = birth_date.day() + if coordination { 60 } else { 0 };
    let digits = format!("{:04}{:02}{day:02}{birth_number:03}", birth_date.year(), birth_date.month());
    let check = check_digit(&digits.as_bytes()[2..]).unwrap_or(0);
    format!("{digits}{check}")
}

/// A mobile number (E.164) that nobody has.
pub fn mobile(n: u64) -> String {
    format!("+46701740{:03}", 605 + n % 95)
}

/// A number of a unit (E.164) that nobody has: of the series for Stockholm.
pub fn landline(n: u64) -> String {
    format!("+468465004{:02}", n % 100)
}

/// A mail address that leads nowhere.
pub fn mail(name: &str) -> String {
    format!("{name}@patient.example.invalid")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use super::*;
    use crate::domain::{
        patient::personal_number::{NumberKind, PersonalNumber},
        phone::{EmailAddress, PhoneNumber},
    };

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 3, 1).unwrap()
    }

    #[test]
    fn no_two_people_share_a_number_and_every_number_is_right() {
        let mut seen = HashSet::new();
        // A prime stride through all of them, and the first ones.
        for n in (0..1_500).chain((0..MOST).step_by(13)) {
            let person = person(1, n, today());
            let parsed = PersonalNumber::parse(&person.number, today()).unwrap();
            let kind =
                if person.coordination { NumberKind::Samordningsnummer } else { NumberKind::Personnummer };
            assert_eq!(parsed.kind(), kind);
            assert_eq!(parsed.birth_date(), Some(person.birth_date));
            assert!(person.birth_date < today() && person.birth_date.day() != 1);
            let series: u32 = person.number[8..11].parse().unwrap();
            let before_1900 = person.birth_date.year() < 1900;
            assert!(if before_1900 { series >= 980 } else { [238, 239].contains(&series) });
            if n >= 1_500 || n % 13 != 0 {
                assert!(seen.insert(person.number), "{n} has the number of another");
            }
        }
    }

    #[test]
    fn a_test_number_has_the_published_check_digit() {
        // Published by Skatteverket among its test numbers.
        let day = NaiveDate::from_ymd_opt(2017, 1, 1).unwrap();
        assert_eq!(test_number(day, 239, false), "201701012393");
    }

    #[test]
    fn addresses_are_accepted_by_the_service() {
        assert!((0..95).all(|n| PhoneNumber::parse(&mobile(n)).unwrap().takes_text_messages()));
        assert!((0..100).all(|n| PhoneNumber::parse(&landline(n)).is_ok()));
        assert!(EmailAddress::parse(&mail("p1")).is_ok());
    }
}
