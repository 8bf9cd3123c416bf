//! Versions as they were worded, and what differs between them.

use std::sync::Arc;

use async_graphql::{Enum, Name, Value};

use super::enums::{PlanItemCategory, PlanItemOwner, PlanItemTiming};
use crate::{
    domain::agreement::{
        canonical::{Document, ItemWording},
        difference::{Difference, Kind, Names, Subject},
    },
    graphql::{
        plain::{At, Plain, plain_object},
        scalars::{Date, GlobalId, NodeKind},
    },
    locale::Locale,
};

plain_object! {
    /// A goal (mål) as one version words it. What has become of it since is in `Goal`.
    VersionGoal {
        /// The goal's global id.
        id: GlobalId,
        /// The goal, as the patient puts it.
        text: String,
        /// 1 first.
        priority: i32,
        /// By when.
        target_on: Option<Date>,
    }
}

plain_object! {
    /// A plan item (insats) as one version words it. What has become of it since is in `PlanItem`.
    VersionPlanItem {
        /// The plan item's global id.
        id: GlobalId,
        /// What, in plain words.
        title: String,
        /// More about it.
        description: Option<String>,
        /// What kind of item.
        category: PlanItemCategory,
        /// Who does it.
        owner: PlanItemOwner,
        /// The relative who does it, when one does.
        relative_name: Option<String>,
        /// How its time is told.
        timing: PlanItemTiming,
        /// The date, the last day of the period, or the latest follow-up.
        due_on: Option<Date>,
        /// The first day of a period or recurrence.
        starts_on: Option<Date>,
        /// RFC 5545 recurrence rule.
        recurrence: Option<String>,
        /// What it waits for, such as "när provsvaret kommit".
        trigger: Option<String>,
        /// The name of the unit that answers for it.
        responsible_unit_name: Option<String>,
        /// The name of the person who answers for it.
        responsible_staff_name: Option<String>,
        /// The name of the contact who answers for it.
        responsible_contact_name: Option<String>,
        /// The goal it serves, as the same version words it.
        goal: Option<Arc<VersionGoal>>,
        /// How the result is told.
        result_how: Option<String>,
        /// By when the result is told.
        result_by: Option<Date>,
    }
}

/// What became of a field, a goal or an item from one version to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AgreementChangeKind {
    /// New (nytt).
    Added,
    /// Gone (borttaget).
    Removed,
    /// Worded anew (ändrat).
    Changed,
}

impl Plain for AgreementChangeKind {
    fn write(&self, _: &At<'_>) -> Value {
        Value::Enum(Name::new(match self {
            Self::Added => "ADDED",
            Self::Removed => "REMOVED",
            Self::Changed => "CHANGED",
        }))
    }
}

plain_object! {
    /// One thing that differs between two versions, in words for patient and staff.
    AgreementChange {
        /// What became of it.
        kind: AgreementChangeKind,
        /// The field, as the schema calls it; `goal` or `planItem` when a whole one was added or removed.
        field: String,
        /// The field in words.
        label: String,
        /// The goal's text or the plan item's title, when it concerns one.
        name: Option<String>,
        /// The global id of the goal or plan item that it concerns.
        subject_id: Option<GlobalId>,
        /// What it said before.
        before: Option<String>,
        /// What it says after.
        after: Option<String>,
        /// The whole difference as one sentence.
        sentence: String,
    }
}

impl AgreementChange {
    pub fn of(difference: Difference, locale: Locale) -> Self {
        let sentence = difference.sentence().in_locale(locale).to_owned();
        Self {
            kind: match difference.kind {
                Kind::Added => AgreementChangeKind::Added,
                Kind::Removed => AgreementChangeKind::Removed,
                Kind::Changed => AgreementChangeKind::Changed,
            },
            field: difference.field.to_owned(),
            label: difference.label.in_locale(locale).to_owned(),
            name: difference.name,
            subject_id: match difference.subject {
                Subject::Agreement => None,
                Subject::Goal(id) => Some(GlobalId::new(NodeKind::Goal, id)),
                Subject::Item(id) => Some(GlobalId::new(NodeKind::PlanItem, id)),
            },
            before: difference.before.map(|text| text.in_locale(locale).to_owned()),
            after: difference.after.map(|text| text.in_locale(locale).to_owned()),
            sentence,
        }
    }
}

/// The goals and items of a version, as it words them.
pub fn wordings(document: &Document, names: &Names) -> (Vec<Arc<VersionGoal>>, Vec<VersionPlanItem>) {
    let goals: Vec<Arc<VersionGoal>> = document
        .goals
        .iter()
        .map(|goal| {
            Arc::new(VersionGoal {
                id: GlobalId::new(NodeKind::Goal, goal.id),
                text: goal.text.clone(),
                priority: goal.priority,
                target_on: goal.target_on.map(Date),
            })
        })
        .collect();
    let items = document.items.iter().map(|item| plan_item(item, &goals, names)).collect();
    (goals, items)
}

fn plan_item(item: &ItemWording, goals: &[Arc<VersionGoal>], names: &Names) -> VersionPlanItem {
    VersionPlanItem {
        id: GlobalId::new(NodeKind::PlanItem, item.id),
        title: item.title.clone(),
        description: item.description.clone(),
        category: item.category.into(),
        owner: item.owner.into(),
        relative_name: item.relative_name.clone(),
        timing: item.timing.into(),
        due_on: item.due_on.map(Date),
        starts_on: item.starts_on.map(Date),
        recurrence: item.recurrence.clone(),
        trigger: item.trigger.clone(),
        responsible_unit_name: item.responsible_unit.and_then(|id| names.units.get(&id).cloned()),
        responsible_staff_name: item.responsible_assignment.and_then(|id| names.people.get(&id).cloned()),
        responsible_contact_name: item.responsible_contact.and_then(|id| names.contacts.get(&id).cloned()),
        goal: item.goal.and_then(|id| goals.iter().find(|goal| goal.id.id == id.0)).map(Arc::clone),
        result_how: item.result_how.clone(),
        result_by: item.result_by.map(Date),
    }
}
