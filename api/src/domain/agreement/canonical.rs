//! The canonical form of a version, and its digest: what both sides assent to.
//!
//! Canonical JSON: keys sorted, no white space, goals and items by id, absent values as null. Every version knows
//! the format number it was hashed with, so that the form can change without old digests losing their meaning.
//! Status, achievement, notes and done-marks are not part of it: they live on without a new assent.

use chrono::NaiveDate;
use entity::{
    AgreementId, AgreementVersionId, AssignmentId, CareUnitId, GoalId, PlanItemId,
    plan_item_revision::{Category, Owner, Timing},
};
use serde::Serialize;
use serde_json::Value;

use super::content::AgreementContent;
use crate::{crypto::sha256, error::Fault};

/// The format this code writes.
pub const FORMAT: i32 = 1;

/// Everything that a version says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
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
    pub timing: Timing,
    pub due_on: Option<NaiveDate>,
    pub starts_on: Option<NaiveDate>,
    pub recurrence: Option<String>,
    pub trigger: Option<String>,
    pub responsible_unit: Option<CareUnitId>,
    pub responsible_assignment: Option<AssignmentId>,
    pub goal: Option<GoalId>,
    pub result_how: Option<String>,
    pub result_by: Option<NaiveDate>,
}

impl Document {
    /// The canonical text.
    pub fn canonical(&self) -> Result<String, Fault> {
        let mut sorted = self.clone();
        sorted.goals.sort_by_key(|g| g.id);
        sorted.items.sort_by_key(|i| i.id);
        let mut value = serde_json::to_value(sorted).map_err(Fault::internal)?;
        if let Value::Object(fields) = &mut value {
            fields.insert("format".to_owned(), FORMAT.into());
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use uuid::Uuid;

    use super::*;

    fn document() -> Document {
        let goal = |n, text: &str| GoalWording {
            id: GoalId(Uuid::from_u128(n)),
            text: text.to_owned(),
            priority: 1,
            target_on: NaiveDate::from_ymd_opt(2027, 3, 1),
        };
        Document {
            agreement: AgreementId(Uuid::from_u128(1)),
            number: 2,
            base: Some(AgreementVersionId(Uuid::from_u128(2))),
            content: AgreementContent { title: "Min plan".into(), ..Default::default() },
            goals: vec![goal(4, "Orka \"gå\" ut\n"), goal(3, "Sova")],
            items: vec![ItemWording {
                id: PlanItemId(Uuid::from_u128(5)),
                category: Category::SelfCare,
                title: "Gå en runda".into(),
                description: None,
                owner: Owner::Patient,
                timing: Timing::Date,
                due_on: NaiveDate::from_ymd_opt(2027, 1, 2),
                starts_on: None,
                recurrence: None,
                trigger: None,
                responsible_unit: None,
                responsible_assignment: None,
                goal: Some(GoalId(Uuid::from_u128(3))),
                result_how: None,
                result_by: None,
            }],
        }
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

    #[test]
    fn the_order_of_rows_does_not_change_the_digest() {
        let mut other = document();
        other.goals.reverse();
        assert_eq!(other.digest().unwrap(), document().digest().unwrap());
    }

    #[test]
    fn every_part_that_is_agreed_changes_the_digest() {
        let original = document().digest().unwrap();
        let changes: [fn(&mut Document); 12] = [
            |d| d.agreement = AgreementId(Uuid::nil()),
            |d| d.number += 1,
            |d| d.base = None,
            |d| d.content.story = Some("Jag".into()),
            |d| d.goals[0].text.push('!'),
            |d| d.goals[0].priority = 2,
            |d| d.items[0].owner = Owner::Care,
            |d| d.items[0].due_on = None,
            |d| d.items[0].responsible_unit = Some(CareUnitId(Uuid::nil())),
            |d| d.items[0].result_how = Some("Brev".into()),
            |d| d.items[0].title.push(' '),
            |d| d.items.clear(),
        ];
        for (i, change) in changes.into_iter().enumerate() {
            let mut changed = document();
            change(&mut changed);
            assert_ne!(changed.digest().unwrap(), original, "change {i}");
        }
    }
}
