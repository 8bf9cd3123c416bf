//! The canonical form of a version, and its digest: what both sides assent to.
//!
//! Canonical JSON: keys sorted, no white space, goals and items by id, absent values as null. Every version knows
//! the format number it was hashed with, so that the form can change without old digests losing their meaning.
//! Status, achievement, notes and done-marks are not part of it: they live on without a new assent.

use chrono::NaiveDate;
use entity::{
    AgreementId, AgreementVersionId, AssignmentId, CareContactId, CareUnitId, GoalId, PlanItemId,
    plan_item_revision::{Category, Owner, Timing},
};
use serde::Serialize;
use serde_json::{Map, Value};

use super::content::AgreementContent;
use crate::{crypto::sha256, error::Fault};

/// The format this code writes.
pub const FORMAT: i32 = 2;

/// What format 1 had of the content and of an item; whatever else a version says makes it format 2.
const CONTENT_1: [&str; 8] = [
    "howResultsCome",
    "ownResponsibility",
    "selfCare",
    "sharedGoal",
    "story",
    "title",
    "whatMatters",
    "whenToSeekHelp",
];
const ITEM_1: [&str; 15] = [
    "category",
    "description",
    "dueOn",
    "goal",
    "id",
    "owner",
    "recurrence",
    "responsibleAssignment",
    "responsibleUnit",
    "resultBy",
    "resultHow",
    "startsOn",
    "timing",
    "title",
    "trigger",
];

/// Everything that a version says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// The form that it is hashed in: for what has been proposed, the one it was proposed in.
    pub format: i32,
    pub agreement: AgreementId,
    pub number: i32,
    pub base: Option<AgreementVersionId>,
    pub content: AgreementContent,
    pub goals: Vec<GoalWording>,
    pub items: Vec<ItemWording>,
}

/// What a version says of one goal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GoalWording {
    pub id: GoalId,
    pub text: String,
    pub priority: i32,
    pub target_on: Option<NaiveDate>,
}

/// What a version says of one plan item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemWording {
    pub id: PlanItemId,
    pub category: Category,
    pub title: String,
    pub description: Option<String>,
    pub owner: Owner,
    /// The relative's name, where a relative owns it.
    pub relative_name: Option<String>,
    pub timing: Timing,
    pub due_on: Option<NaiveDate>,
    pub starts_on: Option<NaiveDate>,
    pub recurrence: Option<String>,
    pub trigger: Option<String>,
    pub responsible_unit: Option<CareUnitId>,
    pub responsible_assignment: Option<AssignmentId>,
    /// A contact (kontakt) of the patient's, also one without an account.
    pub responsible_contact: Option<CareContactId>,
    pub goal: Option<GoalId>,
    pub result_how: Option<String>,
    pub result_by: Option<NaiveDate>,
}

#[cfg(test)]
impl ItemWording {
    /// Something that care does on a day, and nothing more.
    pub fn sample(id: u128, title: &str, on: (i32, u32, u32)) -> Self {
        Self {
            id: PlanItemId(uuid::Uuid::from_u128(id)),
            category: Category::FollowUp,
            title: title.into(),
            description: None,
            owner: Owner::Care,
            relative_name: None,
            timing: Timing::Date,
            due_on: NaiveDate::from_ymd_opt(on.0, on.1, on.2),
            starts_on: None,
            recurrence: None,
            trigger: None,
            responsible_unit: None,
            responsible_assignment: None,
            responsible_contact: None,
            goal: None,
            result_how: None,
            result_by: None,
        }
    }
}

impl Document {
    /// The canonical text, in the version's own format.
    ///
    /// # Errors
    /// A format that this code does not know, or a version that says more than its format can hold.
    pub fn canonical(&self) -> Result<String, Fault> {
        let mut sorted = self.clone();
        sorted.goals.sort_by_key(|g| g.id);
        sorted.items.sort_by_key(|i| i.id);
        let mut value = serde_json::to_value(sorted).map_err(Fault::internal)?;
        match self.format {
            FORMAT => {}
            1 => reduce(&mut value)?,
            _ => return Err(Fault::internal("a version of an unknown format")),
        }
        let mut out = String::new();
        write(&value, &mut out);
        Ok(out)
    }

    /// SHA-256 over the canonical text.
    pub fn digest(&self) -> Result<Vec<u8>, Fault> {
        Ok(sha256(&[self.canonical()?.as_bytes()]))
    }
}

/// Leaves out what format 1 did not have.
fn reduce(value: &mut Value) -> Result<(), Fault> {
    if let Some(content) = value.get_mut("content").and_then(Value::as_object_mut) {
        keep(content, &CONTENT_1)?;
    }
    for item in value.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(item) = item.as_object_mut() {
            keep(item, &ITEM_1)?;
        }
    }
    Ok(())
}

fn keep(fields: &mut Map<String, Value>, known: &[&str]) -> Result<(), Fault> {
    let says_something =
        |value: &Value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty());
    if fields.iter().any(|(key, value)| !known.contains(&key.as_str()) && says_something(value)) {
        return Err(Fault::internal("a version says more than its format holds"));
    }
    fields.retain(|key, _| known.contains(&key.as_str()));
    Ok(())
}

/// Writes with sorted keys, whatever order the map type of the JSON library keeps.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (i, (key, value)) in fields.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Value::String(key.clone()).to_string());
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Value::Array(values) => {
            out.push('[');
            for (i, value) in values.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        // Strings, whole numbers, null: one form each.
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]

    use entity::{SafetyInstructionId, safety_instruction};
    use uuid::Uuid;

    use super::*;
    use crate::domain::agreement::content::{Light, Measurement, Medicine, SafetyWording, WarningSign};

    fn document() -> Document {
        let goal = |n, text: &str| GoalWording {
            id: GoalId(Uuid::from_u128(n)),
            text: text.to_owned(),
            priority: 1,
            target_on: NaiveDate::from_ymd_opt(2027, 3, 1),
        };
        Document {
            format: 1,
            agreement: AgreementId(Uuid::from_u128(1)),
            number: 2,
            base: Some(AgreementVersionId(Uuid::from_u128(2))),
            content: AgreementContent { title: "Min plan".into(), ..Default::default() },
            goals: vec![goal(4, "Orka \"gå\" ut\n"), goal(3, "Sova")],
            items: vec![ItemWording {
                category: Category::SelfCare,
                owner: Owner::Patient,
                goal: Some(GoalId(Uuid::from_u128(3))),
                ..ItemWording::sample(5, "Gå en runda", (2027, 1, 2))
            }],
        }
    }

    /// With everything that format 2 added.
    pub fn full() -> Document {
        let mut full = Document { format: 2, ..document() };
        let some = |text: &str| Some(text.to_owned());
        full.content.ambition = some("Lagom");
        full.content.resources = some("Min dotter");
        full.content.wishes = some("Sova hemma");
        full.content.warning_signs = vec![WarningSign {
            light: Light::Red,
            sign: "Bröstsmärta".into(),
            action: some("Ring"),
            phone: some("112"),
            weekdays: None,
            weekends: some("Likadant"),
        }];
        full.content.as_needed_medication = vec![Medicine {
            name: "Salbutamol".into(),
            dose: "2 puffar".into(),
            when: "Vid andnöd".into(),
            at_most: some("8 puffar per dygn"),
            source: some("Läkemedelslistan"),
            source_on: NaiveDate::from_ymd_opt(2027, 1, 2),
        }];
        full.content.own_measurements = vec![Measurement {
            what: "Vikt".into(),
            unit: "kg".into(),
            lower: None,
            upper: some("92.5"),
            how_often: "Varje morgon".into(),
            read_by: some("Maria"),
            read_when: some("Måndagar"),
            outside: some("Ring"),
        }];
        full.items[0].owner = Owner::Relative;
        full.items[0].relative_name = some("Anna");
        full.items[0].responsible_contact = Some(CareContactId(Uuid::from_u128(6)));
        full
    }

    /// A changed text here means a new format number.
    #[test]
    fn format_1_is_this_text() {
        let id = |n: u128| Uuid::from_u128(n).to_string();
        let expected = format!(
            "{{\"agreement\":\"{}\",\"base\":\"{}\",\"content\":{{\"howResultsCome\":null,\"ownResponsibility\":null,\
             \"selfCare\":null,\"sharedGoal\":null,\"story\":null,\"title\":\"Min plan\",\"whatMatters\":null,\
             \"whenToSeekHelp\":null}},\"format\":1,\"goals\":[{{\"id\":\"{}\",\"priority\":1,\
             \"targetOn\":\"2027-03-01\",\"text\":\"Sova\"}},{{\"id\":\"{}\",\"priority\":1,\"targetOn\":\"2027-03-01\",\
             \"text\":\"Orka \\\"gå\\\" ut\\n\"}}],\"items\":[{{\"category\":\"SELF_CARE\",\"description\":null,\
             \"dueOn\":\"2027-01-02\",\"goal\":\"{}\",\"id\":\"{}\",\"owner\":\"PATIENT\",\"recurrence\":null,\
             \"responsibleAssignment\":null,\"responsibleUnit\":null,\"resultBy\":null,\"resultHow\":null,\
             \"startsOn\":null,\"timing\":\"DATE\",\"title\":\"Gå en runda\",\"trigger\":null}}],\"number\":2}}",
            id(1),
            id(2),
            id(3),
            id(4),
            id(3),
            id(5),
        );
        assert_eq!(document().canonical().unwrap(), expected);
        assert_eq!(document().digest().unwrap(), sha256(&[expected.as_bytes()]));
    }

    /// A changed text here means a new format number.
    #[test]
    fn format_2_is_this_text() {
        let id = |n: u128| Uuid::from_u128(n).to_string();
        let mut whole = full();
        whole.goals.clear();
        let expected = format!(
            "{{\"agreement\":\"{}\",\"base\":\"{}\",\"content\":{{\"ambition\":\"Lagom\",\"asNeededMedication\":[{{\
             \"atMost\":\"8 puffar per dygn\",\"dose\":\"2 puffar\",\"name\":\"Salbutamol\",\"source\":\"Läkemedelslistan\",\
             \"sourceOn\":\"2027-01-02\",\"when\":\"Vid andnöd\"}}],\"howResultsCome\":null,\"ownMeasurements\":[{{\
             \"howOften\":\"Varje morgon\",\"lower\":null,\"outside\":\"Ring\",\"readBy\":\"Maria\",\"readWhen\":\"Måndagar\",\
             \"unit\":\"kg\",\"upper\":\"92.5\",\"what\":\"Vikt\"}}],\"ownResponsibility\":null,\"resources\":\"Min dotter\",\
             \"safety\":[],\"selfCare\":null,\"sharedGoal\":null,\"story\":null,\"title\":\"Min plan\",\"warningSigns\":[{{\
             \"action\":\"Ring\",\"light\":\"RED\",\"phone\":\"112\",\"sign\":\"Bröstsmärta\",\"weekdays\":null,\
             \"weekends\":\"Likadant\"}}],\"whatMatters\":null,\"whenToSeekHelp\":null,\"wishes\":\"Sova hemma\"}},\
             \"format\":2,\"goals\":[],\"items\":[{{\"category\":\"SELF_CARE\",\"description\":null,\
             \"dueOn\":\"2027-01-02\",\"goal\":\"{}\",\"id\":\"{}\",\"owner\":\"RELATIVE\",\"recurrence\":null,\
             \"relativeName\":\"Anna\",\"responsibleAssignment\":null,\"responsibleContact\":\"{}\",\
             \"responsibleUnit\":null,\"resultBy\":null,\"resultHow\":null,\"startsOn\":null,\"timing\":\"DATE\",\
             \"title\":\"Gå en runda\",\"trigger\":null}}],\"number\":2}}",
            id(1),
            id(2),
            id(3),
            id(5),
            id(6),
        );
        assert_eq!(whole.canonical().unwrap(), expected);
        assert_eq!(whole.digest().unwrap(), sha256(&[expected.as_bytes()]));
    }

    #[test]
    fn a_version_that_says_more_than_its_format_has_no_digest() {
        assert!(full().digest().is_ok());
        assert!(Document { format: 1, ..full() }.digest().is_err());
        assert!(Document { format: 3, ..document() }.digest().is_err());
    }

    #[test]
    fn the_order_of_rows_does_not_change_the_digest() {
        let mut other = document();
        other.goals.reverse();
        assert_eq!(other.digest().unwrap(), document().digest().unwrap());
    }

    /// A change of each thing that [`full`] says to people.
    pub const OF_THE_TEXT: [fn(&mut Document); 48] = [
        |d| d.content.title.push('!'),
        |d| d.content.story = Some("Jag".into()),
        |d| d.content.what_matters = Some("Barnbarnen".into()),
        |d| d.content.shared_goal = Some("Hemma".into()),
        |d| d.content.own_responsibility = Some("Gå ut".into()),
        |d| d.content.self_care = Some("Vila".into()),
        |d| d.content.when_to_seek_help = Some("Vid feber".into()),
        |d| d.content.how_results_come = Some("Brev".into()),
        |d| d.content.ambition = None,
        |d| d.content.resources = None,
        |d| d.content.wishes = None,
        |d| d.content.warning_signs[0].light = Light::Yellow,
        |d| d.content.warning_signs[0].sign.push('!'),
        |d| d.content.warning_signs[0].action = None,
        |d| d.content.warning_signs[0].phone = None,
        |d| d.content.warning_signs[0].weekdays = Some("Ring oss".into()),
        |d| d.content.warning_signs[0].weekends = None,
        |d| d.content.warning_signs.clear(),
        |d| d.content.as_needed_medication[0].name.push('!'),
        |d| d.content.as_needed_medication[0].dose.push('!'),
        |d| d.content.as_needed_medication[0].when.push('!'),
        |d| d.content.as_needed_medication[0].at_most = None,
        |d| d.content.as_needed_medication[0].source = None,
        |d| d.content.as_needed_medication[0].source_on = None,
        |d| d.content.as_needed_medication.clear(),
        |d| d.content.own_measurements[0].what.push('!'),
        |d| d.content.own_measurements[0].unit.push('!'),
        |d| d.content.own_measurements[0].lower = Some("80".into()),
        |d| d.content.own_measurements[0].upper = None,
        |d| d.content.own_measurements[0].how_often.push('!'),
        |d| d.content.own_measurements[0].read_by = None,
        |d| d.content.own_measurements[0].read_when = None,
        |d| d.content.own_measurements[0].outside = None,
        |d| d.content.own_measurements.clear(),
        |d| {
            d.content.safety.push(SafetyWording {
                id: SafetyInstructionId(Uuid::from_u128(7)),
                kind: safety_instruction::Kind::WarningSign,
                text: "Yrsel".into(),
                action: None,
                phone: None,
                source: None,
                source_on: None,
            });
        },
        |d| d.goals[0].text.push('!'),
        |d| d.goals[0].priority = 2,
        |d| d.goals[0].target_on = None,
        |d| d.items[0].category = Category::Treatment,
        |d| d.items[0].title.push('!'),
        |d| d.items[0].description = Some("Långsamt".into()),
        |d| d.items[0].owner = Owner::Care,
        |d| d.items[0].relative_name = Some("Bo".into()),
        |d| d.items[0].due_on = NaiveDate::from_ymd_opt(2027, 1, 3),
        |d| d.items[0].responsible_unit = Some(CareUnitId(Uuid::nil())),
        |d| d.items[0].responsible_contact = None,
        |d| d.items[0].result_how = Some("Brev".into()),
        |d| d.items[0].result_by = NaiveDate::from_ymd_opt(2027, 1, 9),
    ];

    #[test]
    fn every_part_that_is_agreed_changes_the_digest() {
        let original = full().digest().unwrap();
        let beside: [fn(&mut Document); 11] = [
            |d| d.format = 1,
            |d| d.agreement = AgreementId(Uuid::nil()),
            |d| d.number += 1,
            |d| d.base = None,
            |d| d.items[0].due_on = None,
            |d| d.items[0].starts_on = NaiveDate::from_ymd_opt(2027, 1, 1),
            |d| d.items[0].recurrence = Some("FREQ=DAILY".into()),
            |d| d.items[0].trigger = Some("Vid behov".into()),
            |d| d.items[0].timing = Timing::Period,
            |d| d.items[0].responsible_assignment = Some(AssignmentId(Uuid::nil())),
            |d| d.items.clear(),
        ];
        for (i, change) in beside.into_iter().chain(OF_THE_TEXT).enumerate() {
            let mut changed = full();
            change(&mut changed);
            assert_ne!(changed.digest().ok().as_ref(), Some(&original), "change {i}");
        }
    }
}
