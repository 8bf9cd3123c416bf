//! A language of the messages: how it writes days and times, and who has reviewed it.
//!
//! Swedish and English are in the binary, and the region's settings say who has reviewed them. Another language is a
//! folder of the same files; until somebody has put their name to the review it is checked like the others, and never
//! sent.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Timelike, Utc};
use serde::Deserialize;

use crate::{calendar::to_local, locale::Locale};

/// The primary subtag of a language (RFC 5646), lower case: the name of its folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// Of a tag such as `en-GB`.
    pub fn of(tag: &str) -> Self {
        Self(tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a folder of this name can be a language.
    pub(super) fn is_one(&self) -> bool {
        (2..=3).contains(&self.0.len()) && self.0.bytes().all(|b| b.is_ascii_lowercase())
    }
}

impl From<Locale> for Tag {
    fn from(locale: Locale) -> Self {
        Self(locale.tag().to_owned())
    }
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// `language.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// What it calls itself.
    pub name: String,
    /// The person who answers for every text in it; without one it is not sent, unless it ships with the service.
    pub reviewed_by: Option<String>,
    pub reviewed_on: Option<NaiveDate>,
    /// Whether the texts are those of the binary.
    #[serde(skip)]
    pub(super) ships: bool,
    /// From Monday on.
    weekdays: [String; 7],
    months: [String; 12],
    /// With `{weekday}`, `{day}` and `{month}`.
    date: String,
    /// With `{year}` too.
    date_with_year: String,
    /// With `{date}`, `{hour}` and `{minute}`.
    time: String,
    /// The title in a calendar.
    pub booked_time: String,
    /// Before a phone number.
    pub call: String,
}

/// Whether this can be the name of a person, who has at least two: a system or a unit does not review.
pub fn is_a_name(text: &str) -> bool {
    text.split_whitespace().filter(|part| part.chars().any(char::is_alphabetic)).count() >= 2
}

impl Language {
    /// Whether its texts may be sent: a person has reviewed them, by name and day, or they ship with the service.
    pub fn is_reviewed(&self) -> bool {
        self.ships || (self.reviewed_by.as_deref().is_some_and(is_a_name) && self.reviewed_on.is_some())
    }

    /// The patterns that lack one of their places.
    pub(super) fn lacks(&self) -> Option<&'static str> {
        let lacks = |pattern: &str, places: &[&str]| places.iter().any(|place| !pattern.contains(place));
        if lacks(&self.date, &["{weekday}", "{day}", "{month}"]) {
            Some("date")
        } else if lacks(&self.date_with_year, &["{weekday}", "{day}", "{month}", "{year}"]) {
            Some("date_with_year")
        } else if lacks(&self.time, &["{date}", "{hour}", "{minute}"]) {
            Some("time")
        } else {
            None
        }
    }

    /// `onsdag 23 juni` in the local zone.
    fn day(&self, at: DateTime<Utc>, year: bool) -> String {
        let local = to_local(at);
        let word = |words: &[String], n: u32| words.get(n as usize).cloned().unwrap_or_default();
        let pattern = if year { &self.date_with_year } else { &self.date };
        pattern
            .replace("{weekday}", &word(&self.weekdays, local.weekday().num_days_from_monday()))
            .replace("{day}", &local.day().to_string())
            .replace("{month}", &word(&self.months, local.month0()))
            .replace("{year}", &local.year().to_string())
    }

    /// Day, date and time, within a sentence: `onsdag 23 juni 2027 kl. 10.00`.
    pub fn moment(&self, at: DateTime<Utc>, year: bool) -> String {
        let local = to_local(at);
        self.time
            .replace("{date}", &self.day(at, year))
            .replace("{hour}", &format!("{:02}", local.hour()))
            .replace("{minute}", &format!("{:02}", local.minute()))
    }

    /// The same as a sentence begins: `Onsdag 23 juni 2027 kl. 10.00`.
    pub fn when(&self, at: DateTime<Utc>, year: bool) -> String {
        let text = self.moment(at, year);
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    /// The weekday of [`Self::last_day`].
    pub fn last_weekday(&self, cancel_by: DateTime<Utc>) -> String {
        let day = to_local(cancel_by - TimeDelta::seconds(1)).weekday().num_days_from_monday();
        self.weekdays.get(day as usize).cloned().unwrap_or_default()
    }

    /// The last whole day on which cancelling is possible.
    pub fn last_day(&self, cancel_by: DateTime<Utc>) -> String {
        self.day(cancel_by - TimeDelta::seconds(1), false)
    }
}
