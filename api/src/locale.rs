//! The languages that ship, and which of them a reader gets.
//!
//! Messages leave the service when nobody is there to ask, so the language is a value that travels with them.

use chrono::{Datelike, Weekday};
use serde::{Deserialize, Serialize};

/// A language that every text of the service exists in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// Swedish (svenska), which everything falls back to.
    #[default]
    Sv,
    /// English (engelska).
    En,
}

impl Locale {
    /// Every language, for tests and for checking the texts at start.
    pub const ALL: [Self; 2] = [Self::Sv, Self::En];

    /// The language subtag (RFC 5646), which is also the name of the template folder.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Sv => "sv",
            Self::En => "en",
        }
    }

    /// The language of a tag such as `en-GB`; Swedish when it is another one.
    pub fn from_tag(tag: &str) -> Self {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("en") { Self::En } else { Self::Sv }
    }

    /// Swedish, unless `Accept-Language` weighs English higher, or the same and names it first.
    pub fn preferred(accept: Option<&str>) -> Self {
        let weighed = accept.unwrap_or_default().split(',').filter_map(|part| {
            let mut parts = part.trim().split(';').map(str::trim);
            let tag = parts.next()?.get(..2)?.to_ascii_lowercase();
            let weight = parts
                .find_map(|p| p.strip_prefix("q="))
                .map_or(Some(1.0), |q| q.trim().parse::<f32>().ok())?;
            (["sv", "en"].contains(&tag.as_str()) && weight > 0.0).then_some((tag, weight))
        });
        let first = weighed.reduce(|best, next| if next.1 > best.1 { next } else { best });
        first.map_or_else(Self::default, |(tag, _)| Self::from_tag(&tag))
    }

    /// The text in this language.
    pub const fn pick<'t>(self, sv: &'t str, en: &'t str) -> &'t str {
        match self {
            Self::Sv => sv,
            Self::En => en,
        }
    }
}

/// The name of a weekday, in Swedish and in English.
pub const fn weekday(day: Weekday) -> (&'static str, &'static str) {
    match day {
        Weekday::Mon => ("måndag", "Monday"),
        Weekday::Tue => ("tisdag", "Tuesday"),
        Weekday::Wed => ("onsdag", "Wednesday"),
        Weekday::Thu => ("torsdag", "Thursday"),
        Weekday::Fri => ("fredag", "Friday"),
        Weekday::Sat => ("lördag", "Saturday"),
        Weekday::Sun => ("söndag", "Sunday"),
    }
}

/// The name of the month of a day, in Swedish and in English.
pub fn month(day: &impl Datelike) -> (&'static str, &'static str) {
    const MONTHS: [(&str, &str); 12] = [
        ("januari", "January"),
        ("februari", "February"),
        ("mars", "March"),
        ("april", "April"),
        ("maj", "May"),
        ("juni", "June"),
        ("juli", "July"),
        ("augusti", "August"),
        ("september", "September"),
        ("oktober", "October"),
        ("november", "November"),
        ("december", "December"),
    ];
    MONTHS.get(day.month0() as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Locale;

    #[test]
    fn a_region_subtag_does_not_change_the_language_and_an_unknown_one_is_swedish() {
        assert_eq!(Locale::from_tag("en-GB"), Locale::En);
        assert_eq!(Locale::from_tag("EN"), Locale::En);
        assert_eq!(Locale::from_tag("sv-FI"), Locale::Sv);
        assert_eq!(Locale::from_tag("so"), Locale::Sv);
        assert_eq!(Locale::from_tag(""), Locale::Sv);
    }

    #[test]
    fn the_language_is_the_one_that_the_client_weighs_highest() {
        for (accept, locale) in [
            ("", Locale::Sv),
            ("fi, de", Locale::Sv),
            ("en-GB, sv", Locale::En),
            ("en;q=0.1, sv;q=0.9", Locale::Sv),
            ("sv;q=0, en", Locale::En),
            ("sv;q=0.5,en;q=0.9", Locale::En),
            ("sv-SE;q=x, en;q=0.2", Locale::En),
        ] {
            assert_eq!(Locale::preferred(Some(accept)), locale, "{accept}");
        }
        assert_eq!(Locale::preferred(None), Locale::Sv);
    }
}
