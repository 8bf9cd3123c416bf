//! Patient groups (patientgrupper): a coded choice, so that follow-up counts the same thing everywhere.
//!
//! A handful of codes ship; a region adds its own by configuration.

use std::{fmt, str::FromStr};

use crate::{
    error::{Problem, Text},
    session::Session,
};

/// One group under a code that never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatientGroup {
    /// Upper case, digits and `_`; at most 40 characters.
    pub code: String,
    pub name: Text,
}

/// Those that every region has.
const SHIPPED: [(&str, &str, &str); 8] = [
    ("FRAIL", "Sköra patienter", "Frail patients"),
    ("MULTIMORBID", "Flera sjukdomar samtidigt", "Several conditions at once"),
    ("CHRONIC", "Långvarig sjukdom", "Long-term condition"),
    ("SURGERY", "Planerad operation", "Planned surgery"),
    ("CANCER", "Cancer", "Cancer"),
    ("MENTAL_HEALTH", "Psykisk ohälsa", "Mental ill-health"),
    ("CHILD", "Barn med stora behov", "Children with large needs"),
    ("OTHER", "Annan grupp", "Another group"),
];

/// The shipped groups and the region's own. A region's group takes the place of a shipped one with its code.
pub fn groups(own: &[PatientGroup]) -> Vec<PatientGroup> {
    let shipped = SHIPPED
        .iter()
        .filter(|(code, ..)| own.iter().all(|group| group.code != *code))
        .map(|(code, sv, en)| PatientGroup { code: (*code).to_owned(), name: Text::new(*sv, *en) });
    shipped.chain(own.iter().cloned()).collect()
}

/// The group's code as it is stored, if the region has it.
pub fn known(
    session: &Session,
    field: &str,
    code: Option<&str>,
    problems: &mut Vec<Problem>,
) -> Option<String> {
    let code = code.map(str::trim).filter(|code| !code.is_empty())?;
    let groups = &session.core.settings.patient_groups;
    if groups.iter().any(|group| group.code == code) {
        return Some(code.to_owned());
    }
    let codes = groups.iter().map(|group| group.code.as_str()).collect::<Vec<_>>().join(", ");
    problems.push(Problem::input(
        field,
        format!("Patientgruppen finns inte. Välj en av {codes}."),
        format!("There is no such patient group. Choose one of {codes}."),
    ));
    None
}

impl FromStr for PatientGroup {
    type Err = ();

    /// `CODE: svenskt namn / English name`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (code, names) = text.split_once(':').ok_or(())?;
        let (sv, en) = names.split_once('/').ok_or(())?;
        let (code, sv, en) = (code.trim(), sv.trim(), en.trim());
        let plain = |c: u8| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_';
        let coded = (1..=40).contains(&code.len()) && code.bytes().all(plain);
        if !coded || sv.is_empty() || en.is_empty() {
            return Err(());
        }
        Ok(Self { code: code.to_owned(), name: Text::new(sv, en) })
    }
}

impl fmt::Display for PatientGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} / {}", self.code, self.name.sv, self.name.en)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn a_region_adds_groups_and_renames_shipped_ones_under_their_codes() {
        let own: Vec<PatientGroup> =
            ["ASTMA_KOL: Astma och kol / Asthma and COPD", "FRAIL: Sköra äldre / Frail elderly"]
                .map(|text| text.parse().unwrap())
                .to_vec();
        let all = groups(&own);
        assert_eq!(all.len(), SHIPPED.len() + 1);
        assert_eq!(all.iter().filter(|group| group.code == "FRAIL").count(), 1);
        assert!(all.contains(&own[0]) && all.contains(&own[1]));
        assert_eq!(own[0].to_string().parse::<PatientGroup>(), Ok(own[0].clone()));
    }

    #[test]
    fn a_group_needs_a_plain_code_and_both_names() {
        for wrong in ["", "X", "X: bara svenska", "x: a / b", "X Y: a / b", ": a / b", "X: / b"] {
            assert_eq!(wrong.parse::<PatientGroup>(), Err(()), "{wrong}");
        }
    }
}
