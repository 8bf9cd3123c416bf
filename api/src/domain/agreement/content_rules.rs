//! What may stand in the sections of an agreement. Every problem of every section at once.

use super::content::{
    AgreementContent, MAX_MEASUREMENTS, MAX_MEDICINES, MAX_SIGNS, Measurement, Medicine, Section,
    TextSection, WarningSign,
};
use crate::{
    domain::{phone::callable, text},
    error::Problem,
    locale::Locale,
};

/// The texts of a new agreement, with the problems found so far.
pub fn first(given: &AgreementContent, mut problems: Vec<Problem>) -> Result<AgreementContent, Vec<Problem>> {
    let mut out = AgreementContent::default();
    for section in TextSection::ALL {
        let field = name(section);
        let text = given.text(section).unwrap_or_default();
        let text = if section == TextSection::Title {
            text::required(field, text, text::TITLE, &mut problems)
        } else {
            text::optional(field, Some(text), text::TEXT, &mut problems).unwrap_or_default()
        };
        out.set(Section::Text(section, text));
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// The edits, cleaned. The field of a problem is `sections.<n>.<part>`, counted from 0.
pub fn sections(given: &[Section]) -> Result<Vec<Section>, Vec<Problem>> {
    let mut problems = Vec::new();
    if given.is_empty() {
        problems.push(Problem::input(
            "sections",
            "Ange minst en del av planen att ändra.",
            "Give at least one section to change.",
        ));
    }
    let mut out: Vec<Section> = Vec::with_capacity(given.len().min(16));
    for (n, section) in given.iter().enumerate() {
        if out.iter().any(|other| same(other, section)) {
            problems.push(Problem::input(
                &format!("sections.{n}"),
                "Samma del står två gånger.",
                "The same section is given twice.",
            ));
            continue;
        }
        out.push(self::section(&format!("sections.{n}"), section, &mut problems));
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

fn same(a: &Section, b: &Section) -> bool {
    match (a, b) {
        (Section::Text(a, _), Section::Text(b, _)) => a == b,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

fn section(at: &str, given: &Section, problems: &mut Vec<Problem>) -> Section {
    match given {
        Section::Text(TextSection::Title, text) => Section::Text(
            TextSection::Title,
            text::required(&format!("{at}.text"), text, text::TITLE, problems),
        ),
        Section::Text(section, text) => Section::Text(
            *section,
            text::optional(&format!("{at}.text"), Some(text), text::TEXT, problems).unwrap_or_default(),
        ),
        Section::WarningSigns(signs) => {
            Section::WarningSigns(list(&format!("{at}.warningSigns"), signs, MAX_SIGNS, sign, problems))
        }
        Section::AsNeededMedication(medicines) => Section::AsNeededMedication(list(
            &format!("{at}.asNeededMedication"),
            medicines,
            MAX_MEDICINES,
            medicine,
            problems,
        )),
        Section::OwnMeasurements(measurements) => Section::OwnMeasurements(list(
            &format!("{at}.ownMeasurements"),
            measurements,
            MAX_MEASUREMENTS,
            measurement,
            problems,
        )),
    }
}

fn list<T>(
    at: &str,
    given: &[T],
    most: usize,
    check: fn(&str, &T, &mut Vec<Problem>) -> T,
    problems: &mut Vec<Problem>,
) -> Vec<T> {
    if given.len() > most {
        problems.push(Problem::input(
            at,
            format!("Högst {most} stycken får plats."),
            format!("At most {most} of them fit."),
        ));
    }
    given.iter().take(most).enumerate().map(|(n, one)| check(&format!("{at}.{n}"), one, problems)).collect()
}

fn sign(at: &str, given: &WarningSign, problems: &mut Vec<Problem>) -> WarningSign {
    let phone = given.phone.as_deref().filter(|number| !number.trim().is_empty()).and_then(|number| {
        callable(number)
            .map_err(|e| {
                problems.push(Problem::input(&format!("{at}.phone"), e.text(Locale::Sv), e.text(Locale::En)));
            })
            .ok()
    });
    WarningSign {
        light: given.light,
        sign: text::required(&format!("{at}.sign"), &given.sign, text::TITLE, problems),
        action: optional(at, "action", given.action.as_deref(), problems),
        phone,
        weekdays: optional(at, "weekdays", given.weekdays.as_deref(), problems),
        weekends: optional(at, "weekends", given.weekends.as_deref(), problems),
    }
}

fn medicine(at: &str, given: &Medicine, problems: &mut Vec<Problem>) -> Medicine {
    let required = |part: &str, text: &str, problems: &mut Vec<Problem>| {
        text::required(&format!("{at}.{part}"), text, text::TITLE, problems)
    };
    Medicine {
        name: required("name", &given.name, problems),
        dose: required("dose", &given.dose, problems),
        when: required("when", &given.when, problems),
        at_most: optional(at, "atMost", given.at_most.as_deref(), problems),
        source: optional(at, "source", given.source.as_deref(), problems),
        source_on: given.source_on,
    }
}

fn measurement(at: &str, given: &Measurement, problems: &mut Vec<Problem>) -> Measurement {
    let required = |part: &str, text: &str, problems: &mut Vec<Problem>| {
        text::required(&format!("{at}.{part}"), text, text::TITLE, problems)
    };
    let limit = |part: &str, text: Option<&str>, problems: &mut Vec<Problem>| {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let number = decimal(text);
        if number.is_none() {
            problems.push(Problem::input(
                &format!("{at}.{part}"),
                "Ange ett tal, till exempel 98,5. Högst sex siffror före kommat och tre efter.",
                "Give a number, such as 98.5. At most six digits before the point and three after it.",
            ));
        }
        number
    };
    let (lower, upper) =
        (limit("lower", given.lower.as_deref(), problems), limit("upper", given.upper.as_deref(), problems));
    if let (Some(low), Some(high)) = (&lower, &upper)
        && thousandths(low) > thousandths(high)
    {
        problems.push(Problem::input(
            &format!("{at}.upper"),
            "Den övre gränsen kan inte vara lägre än den undre.",
            "The upper limit cannot be below the lower one.",
        ));
    }
    Measurement {
        what: required("what", &given.what, problems),
        unit: required("unit", &given.unit, problems),
        lower,
        upper,
        how_often: required("howOften", &given.how_often, problems),
        read_by: optional(at, "readBy", given.read_by.as_deref(), problems),
        read_when: optional(at, "readWhen", given.read_when.as_deref(), problems),
        outside: optional(at, "outside", given.outside.as_deref(), problems),
    }
}

fn optional(at: &str, part: &str, given: Option<&str>, problems: &mut Vec<Problem>) -> Option<String> {
    text::optional(&format!("{at}.{part}"), given, text::TITLE * 5, problems)
}

/// The one form of a decimal number: a point, no leading or trailing zeros, no plus. None when it is none, or too
/// long for any measurement.
pub fn decimal(text: &str) -> Option<String> {
    let text = text.replace(',', ".").replace('−', "-");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, part) = digits.split_once('.').map_or((digits, "0"), |(whole, part)| (whole, part));
    let numeric =
        |s: &str, most: usize| !s.is_empty() && s.len() <= most && s.bytes().all(|b| b.is_ascii_digit());
    if !numeric(whole, 6) || !numeric(part, 3) {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        rest => rest,
    };
    let part = part.trim_end_matches('0');
    let number = if part.is_empty() { whole.to_owned() } else { format!("{whole}.{part}") };
    Some(if number == "0" { number } else { format!("{sign}{number}") })
}

/// [`decimal`]'s form as a whole number of thousandths, to be compared.
fn thousandths(text: &str) -> i64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let number: i64 = format!("{whole}{part:0<3}").parse().unwrap_or(0);
    sign * number
}

/// The name of a text section as a field.
pub const fn name(section: TextSection) -> &'static str {
    use TextSection as S;
    match section {
        S::Title => "title",
        S::Story => "story",
        S::WhatMatters => "whatMatters",
        S::SharedGoal => "sharedGoal",
        S::Ambition => "ambition",
        S::OwnResponsibility => "ownResponsibility",
        S::Resources => "resources",
        S::Wishes => "wishes",
        S::SelfCare => "selfCare",
        S::WhenToSeekHelp => "whenToSeekHelp",
        S::HowResultsCome => "howResultsCome",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::domain::agreement::content::Light;

    fn yellow(sign: &str) -> WarningSign {
        WarningSign {
            light: Light::Yellow,
            sign: sign.into(),
            action: None,
            phone: None,
            weekdays: None,
            weekends: None,
        }
    }

    fn weight(lower: &str, upper: &str) -> Measurement {
        Measurement {
            what: "Vikt".into(),
            unit: "kg".into(),
            lower: Some(lower.into()),
            upper: Some(upper.into()),
            how_often: "Varje morgon".into(),
            read_by: None,
            read_when: None,
            outside: None,
        }
    }

    #[test]
    fn a_number_has_one_form_however_it_is_written() {
        for (written, kept) in [
            ("98,5", "98.5"),
            ("098.50", "98.5"),
            ("-0", "0"),
            ("−2", "-2"),
            ("7.000", "7"),
            ("0.125", "0.125"),
        ] {
            assert_eq!(decimal(written).as_deref(), Some(kept), "{written}");
        }
        for written in ["", ".", "1.", ".5", "1e3", "1.2345", "1234567", "--1", "1 000", "NaN", "½"] {
            assert_eq!(decimal(written), None, "{written}");
        }
    }

    #[test]
    fn limits_are_compared_as_numbers() {
        assert!(sections(&[Section::OwnMeasurements(vec![weight("9,5", "10")])]).is_ok());
        assert!(sections(&[Section::OwnMeasurements(vec![weight("-10", "-9.5")])]).is_ok());
        let problems = sections(&[Section::OwnMeasurements(vec![weight("10.25", "10.2")])]).unwrap_err();
        assert_eq!(problems[0].field.as_deref(), Some("sections.0.ownMeasurements.0.upper"));
    }

    #[test]
    fn every_problem_of_every_section_is_told_at_once() {
        let bad_phone = WarningSign { phone: Some("ring mig".into()), ..yellow("Andfådd") };
        let problems = sections(&[
            Section::Text(TextSection::Title, " ".into()),
            Section::Text(TextSection::Story, "å".repeat(4_001)),
            Section::WarningSigns(vec![yellow(" "), bad_phone]),
            Section::OwnMeasurements(vec![weight("nio", "10")]),
            Section::Text(TextSection::Story, "igen".into()),
        ])
        .unwrap_err();
        let fields: Vec<_> = problems.iter().filter_map(|p| p.field.as_deref()).collect();
        assert_eq!(
            fields,
            [
                "sections.0.text",
                "sections.1.text",
                "sections.2.warningSigns.0.sign",
                "sections.2.warningSigns.1.phone",
                "sections.3.ownMeasurements.0.lower",
                "sections.4",
            ]
        );
        let many = sections(&[Section::WarningSigns(vec![yellow("Andfådd"); 31])]).unwrap_err();
        assert_eq!(many[0].field.as_deref(), Some("sections.0.warningSigns"));
        assert_eq!(sections(&[]).unwrap_err()[0].field.as_deref(), Some("sections"));
    }

    #[test]
    fn numbers_to_call_are_kept_in_one_form_and_short_numbers_are_allowed() {
        let call = |number: &str| {
            let sign = WarningSign { phone: Some(number.into()), ..yellow("Andfådd") };
            match sections(&[Section::WarningSigns(vec![sign])]).unwrap().remove(0) {
                Section::WarningSigns(mut signs) => signs.remove(0).phone,
                _ => None,
            }
        };
        assert_eq!(call("08-465 004 10").as_deref(), Some("+46846500410"));
        assert_eq!(call(" 112 ").as_deref(), Some("112"));
        assert_eq!(call("1177").as_deref(), Some("1177"));
    }
}
