//! What an agreement says, in words: days, times and rules of recurrence as people say them, in both languages.

use chrono::{Datelike, NaiveDate, Weekday};
use entity::plan_item_revision::{Category, Owner, Timing};

use super::{
    canonical::ItemWording,
    content::{Light, Measurement, Medicine, WarningSign},
};
use crate::{domain::plan_item::recurrence, error::Text, locale};

/// The same in both languages: what people wrote.
pub fn as_written(text: impl Into<String>) -> Text {
    let text = text.into();
    Text { sv: text.clone(), en: text }
}

fn both(sv: &str, en: &str) -> Text {
    Text::new(sv, en)
}

/// Such as "1 mars 2027".
pub fn day(day: NaiveDate) -> Text {
    let (sv, en) = locale::month(&day);
    Text::new(format!("{} {sv} {}", day.day(), day.year()), format!("{} {en} {}", day.day(), day.year()))
}

/// When an item happens; none when it says nothing of it.
pub fn time(item: &ItemWording) -> Option<Text> {
    let until = |text: Text, sv: &str, en: &str| match item.due_on.map(day) {
        Some(day) => {
            Text::new(format!("{} {sv} {}", text.sv, day.sv), format!("{} {en} {}", text.en, day.en))
        }
        None => text,
    };
    match item.timing {
        Timing::Date => item.due_on.map(day),
        Timing::Period => item.starts_on.map(day).map(|from| until(from, "till", "to")),
        Timing::Recurrence => {
            let rule = rule(item.recurrence.as_deref()?);
            let from = item.starts_on.map(day);
            let text = match from {
                Some(from) => Text::new(
                    format!("{} från {}", rule.sv, from.sv),
                    format!("{} from {}", rule.en, from.en),
                ),
                None => rule,
            };
            Some(until(text, "till", "to"))
        }
        Timing::Trigger => item
            .trigger
            .clone()
            .map(as_written)
            .map(|what| until(what, "– följs upp senast", "– followed up by")),
    }
}

/// A rule of recurrence, such as "varje vecka på måndag, torsdag". The weekdays of a month or a year are all of them in it,
/// "varje måndag"; where the rule names days of the month too, it happens on those that are both.
pub fn rule(rule: &str) -> Text {
    let part = |name: &str| rule.split(';').find_map(|p| p.strip_prefix(name)?.strip_prefix('='));
    let every: u32 = part("INTERVAL").and_then(|n| n.parse().ok()).unwrap_or(1);
    let freq = part("FREQ").unwrap_or("DAILY");
    let weekdays: Vec<_> =
        part("BYDAY").map_or_else(Vec::new, |days| days.split(',').filter_map(recurrence::weekday).collect());
    let month_days = part("BYMONTHDAY").map(|days| days.replace(',', ", "));
    let month_days = month_days.map(|days| Text::new(format!("den {days}"), format!("day {days}")));
    let named = weekdays.iter().any(|(which, _)| which.is_some());
    let period = period(freq, every);
    let mut text = match (freq, month_days) {
        (_, None) if weekdays.is_empty() => period,
        ("WEEKLY", _) => period.and([" på ", " on "], &listed(&weekdays, ["", ""])),
        ("DAILY", days) if every > 1 => {
            let text = days.map_or_else(|| period.clone(), |days| period.and(WHEN, &days));
            if weekdays.is_empty() { text } else { text.and(WHEN, &listed(&weekdays, ["", "a "])) }
        }
        (_, days) => {
            let is_monthly = freq == "MONTHLY";
            let month = if is_monthly { period.clone() } else { both("varje månad", "every month") };
            let says_period = every == 1 || is_monthly && (named || days.is_some());
            let text = match days {
                Some(days) if weekdays.is_empty() => month.and([" ", " on "], &days),
                Some(days) => month.and([" ", " on "], &days).and(WHEN, &listed(&weekdays, ["", "a "])),
                None if named => month.and([" ", " on "], &listed(&weekdays, ["varje ", "every "])),
                None => listed(&weekdays, ["varje ", "every "]),
            };
            if says_period { text } else { period.and([", ", ", "], &text) }
        }
    };
    if let Some(times) = part("COUNT") {
        text = text.and([", ", ", "], &Text::new(format!("{times} gånger"), format!("{times} times")));
    }
    if let Some(last) = part("UNTIL").and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok()) {
        text = text.and([", till ", ", until "], &day(last));
    }
    text
}

/// Before what else has to be so on a day of a rule.
const WHEN: [&str; 2] = [", när det är ", ", when it is "];

/// How often a rule comes round, such as "varannan vecka".
fn period(freq: &str, every: u32) -> Text {
    let (sv, neuter, en) = match freq {
        "WEEKLY" => ("vecka", false, "week"),
        "MONTHLY" => ("månad", false, "month"),
        "YEARLY" => ("år", true, "year"),
        _ => ("dag", false, "day"),
    };
    Text::new(
        format!("{} {sv}", nth(every, neuter)),
        if every == 1 { format!("every {en}") } else { format!("every {every} {en}s") },
    )
}

/// The weekdays of a rule: "måndag", with `each` before it, or which one of a month, "den sista fredagen".
fn listed(weekdays: &[(Option<i8>, Weekday)], each: [&str; 2]) -> Text {
    let said: Vec<_> = weekdays
        .iter()
        .map(|(which, day)| {
            let (sv, en) = locale::weekday(*day);
            let (nth_sv, nth_en) = match which {
                None => return Text::new(format!("{}{sv}", each[0]), format!("{}{en}", each[1])),
                Some(1) => ("första", "first"),
                Some(2) => ("andra", "second"),
                Some(3) => ("tredje", "third"),
                Some(4) => ("fjärde", "fourth"),
                Some(5) => ("femte", "fifth"),
                Some(-2) => ("näst sista", "last but one"),
                Some(_) => ("sista", "last"),
            };
            Text::new(format!("den {nth_sv} {sv}en"), format!("the {nth_en} {en}"))
        })
        .collect();
    let list = |pick: fn(&Text) -> &str| said.iter().map(pick).collect::<Vec<_>>().join(", ");
    Text::new(list(|day| &day.sv), list(|day| &day.en))
}

/// Which ones: "varje", "varannan", "var tredje", "var 14:e".
fn nth(every: u32, neuter: bool) -> String {
    const ORDINALS: [&str; 10] =
        ["tredje", "fjärde", "femte", "sjätte", "sjunde", "åttonde", "nionde", "tionde", "elfte", "tolfte"];
    let which = if neuter { "vart" } else { "var" };
    match every {
        0 | 1 => "varje".to_owned(),
        2 if neuter => "vartannat".to_owned(),
        2 => "varannan".to_owned(),
        n => match ORDINALS.get(n as usize - 3) {
            Some(ordinal) => format!("{which} {ordinal}"),
            None if matches!(n % 10, 1 | 2) && !matches!(n % 100, 11 | 12) => format!("{which} {n}:a"),
            None => format!("{which} {n}:e"),
        },
    }
}

/// Who does it.
pub fn owner(item: &ItemWording) -> Text {
    match (item.owner, &item.relative_name) {
        (Owner::Patient, _) => both("patienten", "the patient"),
        (Owner::Care, _) => both("vården", "care"),
        (Owner::Relative, None) => both("en närstående", "a relative"),
        (Owner::Relative, Some(name)) => {
            Text::new(format!("{name} (närstående)"), format!("{name} (relative)"))
        }
    }
}

/// What kind of item.
pub fn category(category: Category) -> Text {
    match category {
        Category::Coordination => both("samordning", "coordination"),
        Category::Contact => both("kontakt", "contact"),
        Category::SelfCare => both("egenvård", "self-care"),
        Category::Examination => both("undersökning", "examination"),
        Category::Treatment => both("behandling", "treatment"),
        Category::FollowUp => both("uppföljning", "follow-up"),
        Category::Referral => both("remiss", "referral"),
        Category::Information => both("information", "information"),
        Category::LoanOfEquipment => both("hjälpmedel", "loan of equipment"),
    }
}

/// Parts of a thing, each with its label, in one line.
fn joined(parts: Vec<(&str, &str, Option<Text>)>) -> Text {
    let mut out = Text::new("", "");
    for (sv, en, value) in parts {
        let Some(value) = value else { continue };
        for (out, label, value) in [(&mut out.sv, sv, value.sv), (&mut out.en, en, value.en)] {
            if !out.is_empty() {
                out.push_str("; ");
            }
            if !label.is_empty() {
                out.push_str(label);
                out.push_str(": ");
            }
            out.push_str(&value);
        }
    }
    out
}

/// A warning sign whole.
pub fn sign(sign: &WarningSign) -> Text {
    let light = match sign.light {
        Light::Red => both("rött", "red"),
        Light::Yellow => both("gult", "yellow"),
        Light::Green => both("grönt", "green"),
    };
    let text = |text: &Option<String>| text.clone().map(as_written);
    joined(vec![
        ("", "", Some(light)),
        ("", "", Some(as_written(&sign.sign))),
        ("gör så här", "do this", text(&sign.action)),
        ("ring", "call", text(&sign.phone)),
        ("vardagar", "weekdays", text(&sign.weekdays)),
        ("helger", "weekends", text(&sign.weekends)),
    ])
}

/// A medicine whole.
pub fn medicine(medicine: &Medicine) -> Text {
    joined(vec![
        ("", "", Some(as_written(&medicine.name))),
        ("dos", "dose", Some(as_written(&medicine.dose))),
        ("när", "when", Some(as_written(&medicine.when))),
        ("högst", "at most", medicine.at_most.clone().map(as_written)),
        ("enligt", "according to", medicine.source.clone().map(as_written)),
        ("daterad", "dated", medicine.source_on.map(day)),
    ])
}

/// A measurement whole.
pub fn measurement(measurement: &Measurement) -> Text {
    let limit = |number: &Option<String>| {
        number.as_ref().map(|number| {
            Text::new(
                format!("{} {}", number.replace('.', ","), measurement.unit),
                format!("{number} {}", measurement.unit),
            )
        })
    };
    let text = |text: &Option<String>| text.clone().map(as_written);
    joined(vec![
        ("", "", Some(as_written(&measurement.what))),
        ("mäts i", "measured in", Some(as_written(&measurement.unit))),
        ("undre gräns", "lower limit", limit(&measurement.lower)),
        ("övre gräns", "upper limit", limit(&measurement.upper)),
        ("hur ofta", "how often", Some(as_written(&measurement.how_often))),
        ("läses av", "read by", text(&measurement.read_by)),
        ("läses", "read", text(&measurement.read_when)),
        ("utanför gränserna", "outside the limits", text(&measurement.outside)),
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn rules_are_said_as_people_say_them() {
        for (given, sv, en) in [
            ("FREQ=DAILY;COUNT=14", "varje dag, 14 gånger", "every day, 14 times"),
            ("FREQ=WEEKLY;BYDAY=MO,TH", "varje vecka på måndag, torsdag", "every week on Monday, Thursday"),
            (
                "FREQ=MONTHLY;BYDAY=1MO,-1FR",
                "varje månad den första måndagen, den sista fredagen",
                "every month on the first Monday, the last Friday",
            ),
            ("FREQ=WEEKLY;INTERVAL=2", "varannan vecka", "every 2 weeks"),
            ("FREQ=MONTHLY;INTERVAL=3", "var tredje månad", "every 3 months"),
            ("FREQ=YEARLY;INTERVAL=2", "vartannat år", "every 2 years"),
            ("FREQ=DAILY;INTERVAL=14", "var 14:e dag", "every 14 days"),
            ("FREQ=DAILY;INTERVAL=21", "var 21:a dag", "every 21 days"),
            ("FREQ=MONTHLY;BYDAY=MO", "varje måndag", "every Monday"),
            ("FREQ=YEARLY;BYDAY=MO,TH", "varje måndag, varje torsdag", "every Monday, every Thursday"),
            ("FREQ=DAILY;BYDAY=MO", "varje måndag", "every Monday"),
            (
                "FREQ=MONTHLY;INTERVAL=3;BYDAY=MO;COUNT=9",
                "var tredje månad, varje måndag, 9 gånger",
                "every 3 months, every Monday, 9 times",
            ),
            (
                "FREQ=MONTHLY;INTERVAL=2;BYDAY=1MO,FR",
                "varannan månad den första måndagen, varje fredag",
                "every 2 months on the first Monday, every Friday",
            ),
            (
                "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
                "varje månad den 13, när det är fredag",
                "every month on day 13, when it is a Friday",
            ),
            ("FREQ=YEARLY;BYMONTHDAY=15", "varje månad den 15", "every month on day 15"),
            (
                "FREQ=YEARLY;INTERVAL=2;BYMONTHDAY=15",
                "vartannat år, varje månad den 15",
                "every 2 years, every month on day 15",
            ),
            (
                "FREQ=DAILY;INTERVAL=2;BYDAY=MO",
                "varannan dag, när det är måndag",
                "every 2 days, when it is a Monday",
            ),
            (
                "FREQ=MONTHLY;BYMONTHDAY=1,15;UNTIL=20271231",
                "varje månad den 1, 15, till 31 december 2027",
                "every month on day 1, 15, until 31 December 2027",
            ),
        ] {
            assert_eq!(rule(given), Text::new(sv, en));
        }
    }

    #[test]
    fn days_have_their_month_by_name() {
        let first = NaiveDate::from_ymd_opt(2027, 3, 1).unwrap();
        assert_eq!(day(first), Text::new("1 mars 2027", "1 March 2027"));
    }
}
