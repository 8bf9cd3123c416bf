//! Roles, days and hours in words, for the texts that people read about their contacts.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc, Weekday};
use entity::care_contact::{Role, TreatingKind};

use crate::{
    calendar::to_local,
    locale::{self, Locale},
};

/// A weekday.
pub fn weekday(day: Weekday, language: Locale) -> &'static str {
    let (sv, en) = locale::weekday(day);
    language.pick(sv, en)
}

/// A day, such as "fredag 5 mars 2027".
pub fn date(day: NaiveDate, language: Locale) -> String {
    let (sv, en) = locale::month(&day);
    let (weekday, number, year) = (weekday(day.weekday(), language), day.day(), day.year());
    format!("{weekday} {number} {} {year}", language.pick(sv, en))
}

/// The local day of an instant; midnight belongs to the day that begins.
pub fn day(at: DateTime<Utc>, locale: Locale) -> String {
    date(to_local(at).date_naive(), locale)
}

/// An instant as a patient reads it: "fredag 5 mars 2027", with the time of day when it is not midnight.
pub fn moment(at: DateTime<Utc>, locale: Locale) -> String {
    let local = to_local(at);
    let day = date(local.date_naive(), locale);
    if local.num_seconds_from_midnight() == 0 {
        return day;
    }
    match locale {
        Locale::Sv => format!("{day} kl. {:02}.{:02}", local.hour(), local.minute()),
        Locale::En => format!("{day} at {:02}:{:02}", local.hour(), local.minute()),
    }
}

/// A role as it is called in Swedish; a treating role by what it treats.
pub fn role(role: Role, kind: Option<TreatingKind>) -> &'static str {
    match (role, kind) {
        (Role::FastVardkontakt, _) => "fast vårdkontakt",
        (Role::FastLakarkontakt, _) => "fast läkarkontakt",
        (Role::FastOmsorgskontakt, _) => "fast omsorgskontakt",
        (Role::Supporter, _) => "patientstödjare",
        (Role::BehandlandeRoll, None) => "behandlande roll",
        (Role::BehandlandeRoll, Some(kind)) => match kind {
            TreatingKind::AsthmaCopdNurse => "astma- och KOL-sjuksköterska",
            TreatingKind::DiabetesNurse => "diabetessjuksköterska",
            TreatingKind::HeartFailureNurse => "hjärtsviktssjuksköterska",
            TreatingKind::ResponsibleNurse => "omvårdnadsansvarig sjuksköterska",
            TreatingKind::OccupationalTherapist => "arbetsterapeut",
            TreatingKind::Physiotherapist => "fysioterapeut",
            TreatingKind::Psychologist => "psykolog",
            TreatingKind::Counsellor => "kurator",
            TreatingKind::AssistantNurse => "undersköterska",
        },
    }
}

/// [`role`] in the reader's language. A role that has a name in law keeps it.
pub fn role_in(which: Role, kind: Option<TreatingKind>, language: Locale) -> &'static str {
    let in_english = match (which, kind) {
        (Role::FastVardkontakt | Role::FastLakarkontakt | Role::FastOmsorgskontakt, _) => role(which, kind),
        (Role::Supporter, _) => "patient supporter",
        (Role::BehandlandeRoll, None) => "treating role",
        (Role::BehandlandeRoll, Some(kind)) => match kind {
            TreatingKind::AsthmaCopdNurse => "asthma and COPD nurse",
            TreatingKind::DiabetesNurse => "diabetes nurse",
            TreatingKind::HeartFailureNurse => "heart-failure nurse",
            TreatingKind::ResponsibleNurse => "responsible nurse",
            TreatingKind::OccupationalTherapist => "occupational therapist",
            TreatingKind::Physiotherapist => "physiotherapist",
            TreatingKind::Psychologist => "psychologist",
            TreatingKind::Counsellor => "counsellor",
            TreatingKind::AssistantNurse => "assistant nurse",
        },
    };
    language.pick(role(which, kind), in_english)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn days_read_as_people_say_them() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(day(at("2027-03-05T08:00:00Z"), Locale::Sv), "fredag 5 mars 2027");
        // Stockholm is ahead of UTC.
        assert_eq!(moment(at("2027-06-24T22:00:00Z"), Locale::Sv), "fredag 25 juni 2027");
        assert_eq!(moment(at("2027-03-05T12:05:00Z"), Locale::Sv), "fredag 5 mars 2027 kl. 13.05");
        assert_eq!(moment(at("2027-03-05T12:05:00Z"), Locale::En), "Friday 5 March 2027 at 13:05");
    }
}
