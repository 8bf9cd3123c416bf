//! What stands wherever a message is written: when it is read, by when it is answered, and whom to call instead.

use chrono::Weekday;

use super::{whom::Desk, words};
use crate::{calendar::OpenSpan, locale::Locale};

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// The text for a unit whose service after hours is `after_hours` (name and number), `last_resort` where it has none.
pub fn text(
    unit: &Desk,
    after_hours: Option<(&str, &str)>,
    last_resort: &str,
    answer_days: u32,
    locale: Locale,
) -> String {
    let hours = week(unit, locale);
    let read = match (hours.is_empty(), locale) {
        (false, Locale::Sv) => format!("Meddelanden läses {hours}, inte på helgdagar."),
        (false, Locale::En) => format!("Messages are read {hours}, not on public holidays."),
        (true, Locale::Sv) => "Enheten har inga fasta tider då meddelanden läses.".to_owned(),
        (true, Locale::En) => "The unit has no fixed hours at which messages are read.".to_owned(),
    };
    let (other, number) = after_hours.unwrap_or(("1177", last_resort));
    let other = if other == number { other.to_owned() } else { format!("{other}, {number}") };
    let phone = &unit.phone;
    match locale {
        Locale::Sv => format!(
            "{read} Du får svar inom {answer_days} arbetsdagar. Kan det inte vänta: ring {phone} när enheten har öppet, annars {other}. Vid fara för livet: ring 112."
        ),
        Locale::En => format!(
            "{read} You get an answer within {answer_days} working days. If it cannot wait: call {phone} when the unit is open, otherwise {other}. When life is in danger: call 112."
        ),
    }
}

/// The week in words: "måndag–torsdag 08.00–17.00, fredag 08.00–12.00". Empty when the unit is never open.
pub fn week(unit: &Desk, locale: Locale) -> String {
    let mut runs: Vec<(Weekday, Weekday, &[OpenSpan])> = Vec::new();
    for day in WEEK {
        let spans = unit.opening.on_weekday(day);
        match runs.last_mut() {
            Some((_, last, same)) if *same == spans && last.succ() == day => *last = day,
            _ => runs.push((day, day, spans)),
        }
    }
    let runs = runs.iter().filter(|(_, _, spans)| !spans.is_empty());
    let told = runs.map(|(first, last, spans)| {
        let days = if first == last {
            words::weekday(*first, locale).to_owned()
        } else {
            format!("{}–{}", words::weekday(*first, locale), words::weekday(*last, locale))
        };
        let hours: Vec<String> = spans.iter().map(|span| told(*span, locale)).collect();
        format!("{days} {}", hours.join(locale.pick(" och ", " and ")))
    });
    told.collect::<Vec<_>>().join(", ")
}

fn told(span: OpenSpan, locale: Locale) -> String {
    let [from, until]: [String; 2] = span.into();
    match locale {
        Locale::Sv => format!("{}–{}", from.replace(':', "."), until.replace(':', ".")),
        Locale::En => format!("{from}–{until}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::calendar::OpeningHours;

    fn unit(json: &str) -> Desk {
        let opening: OpeningHours = serde_json::from_str(json).unwrap();
        Desk { name: "Granen".into(), phone: "+4684650010".into(), opening, ..Desk::default() }
    }

    #[test]
    fn the_text_says_when_it_is_read_by_when_it_is_answered_and_whom_to_call() {
        let open = unit(
            r#"{"monday": [["08:00","17:00"]], "tuesday": [["08:00","17:00"]], "wednesday": [["08:00","12:00"],["13:00","17:00"]],
               "friday": [["08:00","15:30"]]}"#,
        );
        assert_eq!(
            week(&open, Locale::Sv),
            "måndag–tisdag 08.00–17.00, onsdag 08.00–12.00 och 13.00–17.00, fredag 08.00–15.30"
        );
        let sv = text(&open, Some(("Jourmottagningen", "+4684650099")), "1177", 2, Locale::Sv);
        assert!(sv.contains("inom 2 arbetsdagar") && sv.contains("ring +4684650010"), "{sv}");
        assert!(sv.contains("annars Jourmottagningen, +4684650099.") && sv.ends_with("ring 112."), "{sv}");
        let en = text(&open, None, "1177", 2, Locale::En);
        assert!(en.contains("Monday–Tuesday 08:00–17:00") && en.contains("otherwise 1177."), "{en}");
    }

    #[test]
    fn a_unit_without_hours_says_so() {
        let sv = text(&unit("{}"), None, "1177", 2, Locale::Sv);
        assert!(sv.starts_with("Enheten har inga fasta tider"), "{sv}");
    }
}
