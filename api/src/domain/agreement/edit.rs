//! Edits of what an agreement says, as pure functions from one document to the next.
//!
//! Whatever changes an agreement - a small act on one item, a whole template - is a list of edits. Applying them
//! gives a new document or every problem at once; what is written is what differs.

use std::collections::BTreeMap;

use entity::{GoalId, PlanItemId, SafetyInstructionId};
use serde_json::{Value, json};

use super::{
    canonical::{Document, GoalWording, ItemWording},
    content::Section,
    rules,
};
use crate::{
    domain::history::Change,
    error::{Problem, ProblemCode},
};

/// One edit. What it brings has been checked; whether it fits the document has not.
#[derive(Clone, Debug)]
pub enum Edit {
    AddGoal(GoalWording),
    /// The whole new wording of a goal that is there.
    ReviseGoal(GoalWording),
    /// Items that served the goal stay, without it.
    RemoveGoal(GoalId),
    AddItem {
        wording: Box<ItemWording>,
        /// Arbetsanteckning: no part of the document.
        work_note: Option<String>,
    },
    ReviseItem(Box<ItemWording>),
    RemoveItem(PlanItemId),
    /// A safety instruction that the document says.
    RemoveSafety(SafetyInstructionId),
    SetSections(Vec<Section>),
}

/// The document after the edits.
pub fn apply(document: &Document, edits: &[Edit]) -> Result<Document, Vec<Problem>> {
    let mut next = document.clone();
    let mut problems = Vec::new();
    for edit in edits {
        match edit {
            Edit::AddGoal(wording) => next.goals.push(wording.clone()),
            Edit::ReviseGoal(wording) => match next.goals.iter_mut().find(|goal| goal.id == wording.id) {
                Some(goal) => goal.clone_from(wording),
                None => problems.push(not_there("goalId")),
            },
            Edit::RemoveGoal(id) => {
                if !next.goals.iter().any(|goal| goal.id == *id) {
                    problems.push(not_there("goalId"));
                }
                next.goals.retain(|goal| goal.id != *id);
                for item in next.items.iter_mut().filter(|item| item.goal == Some(*id)) {
                    item.goal = None;
                }
            }
            Edit::AddItem { wording, .. } => next.items.push((**wording).clone()),
            Edit::ReviseItem(wording) => match next.items.iter_mut().find(|item| item.id == wording.id) {
                Some(item) => item.clone_from(wording),
                None => problems.push(not_there("planItemId")),
            },
            Edit::RemoveItem(id) => {
                if !next.items.iter().any(|item| item.id == *id) {
                    problems.push(not_there("planItemId"));
                }
                next.items.retain(|item| item.id != *id);
            }
            Edit::RemoveSafety(id) => {
                if !next.content.safety.iter().any(|wording| wording.id == *id) {
                    problems.push(not_there("instructionId"));
                }
                next.content.safety.retain(|wording| wording.id != *id);
            }
            Edit::SetSections(sections) => {
                for section in sections {
                    next.content.set(section.clone());
                }
            }
        }
    }
    if let Err(problem) = rules::fits(next.goals.len(), next.items.len()) {
        problems.push(problem);
    }
    if problems.is_empty() { Ok(next) } else { Err(problems) }
}

fn not_there(field: &str) -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Det här finns inte i planen som den är nu. Läs planen igen.",
        "This is not in the plan as it is now. Read the plan again.",
    )
    .at(field)
}

/// Takes over what `new` changed of `old`, where the draft has not changed the same thing itself: a draft that began
/// on `old` goes on as if it had begun on `new`.
pub fn rebase(old: &Document, new: &Document, draft: &Document) -> Document {
    let goals = merge(&old.goals, &new.goals, &draft.goals, |goal| goal.id);
    let mut items = merge(&old.items, &new.items, &draft.items, |item| item.id);
    for item in &mut items {
        item.goal = item.goal.filter(|id| goals.iter().any(|goal| goal.id == *id));
    }
    let mut content = draft.content.clone();
    for section in super::content::TextSection::ALL {
        if draft.content.text(section) == old.content.text(section) {
            content.set(Section::Text(section, new.content.text(section).unwrap_or_default().to_owned()));
        }
    }
    if draft.content.warning_signs == old.content.warning_signs {
        content.warning_signs.clone_from(&new.content.warning_signs);
    }
    if draft.content.as_needed_medication == old.content.as_needed_medication {
        content.as_needed_medication.clone_from(&new.content.as_needed_medication);
    }
    if draft.content.own_measurements == old.content.own_measurements {
        content.own_measurements.clone_from(&new.content.own_measurements);
    }
    content.safety = merge(&old.content.safety, &new.content.safety, &draft.content.safety, |said| said.id);
    Document { content, goals, items, ..draft.clone() }
}

fn merge<T: Clone + PartialEq, K: Ord>(old: &[T], new: &[T], draft: &[T], id: impl Fn(&T) -> K) -> Vec<T> {
    let by_id = |list: &[T]| -> BTreeMap<K, T> { list.iter().map(|one| (id(one), one.clone())).collect() };
    let (old, new) = (by_id(old), by_id(new));
    let kept = draft.iter().filter_map(|mine| match (old.get(&id(mine)), new.get(&id(mine))) {
        // Untouched in the draft: as the new base has it, gone if it is gone there.
        (Some(was), now) if was == mine => now.cloned(),
        _ => Some(mine.clone()),
    });
    let mut merged: Vec<T> = kept.collect();
    let has = |list: &[T], key: &K| list.iter().any(|one| id(one) == *key);
    for (key, now) in new {
        // What the draft took out stays out.
        if !old.contains_key(&key) && !has(&merged, &key) {
            merged.push(now);
        }
    }
    merged
}

/// Whether `next` is `base` and this one new item, nothing else: then a yes to the item is a yes to the version.
pub fn adds_only(base: &Document, next: &Document, item: PlanItemId) -> bool {
    let others = next.items.iter().filter(|i| i.id != item);
    base.content == next.content
        && base.goals == next.goals
        && base.items.iter().eq(others)
        && next.items.len() == base.items.len() + 1
}

/// What edits did, for the change history: the wordings that differ, and the sections that do.
pub fn history(before: &Document, after: &Document, edits: &[Edit], version: uuid::Uuid) -> Vec<Change> {
    let mut changes = Vec::new();
    let old: BTreeMap<_, _> = before.goals.iter().map(|g| (g.id, g)).collect();
    let new: BTreeMap<_, _> = after.goals.iter().map(|g| (g.id, g)).collect();
    for (id, goal) in &new {
        match old.get(id) {
            None => changes.push(added("goal", id.0, json!(goal))),
            Some(was) if was != goal => changes.push(revised("goal", id.0, json!(was), json!(goal))),
            Some(_) => {}
        }
    }
    for (id, goal) in old.iter().filter(|(id, _)| !new.contains_key(id)) {
        changes.push(removed("goal", id.0, json!(goal)));
    }
    let old: BTreeMap<_, _> = before.items.iter().map(|i| (i.id, i)).collect();
    let new: BTreeMap<_, _> = after.items.iter().map(|i| (i.id, i)).collect();
    for (id, item) in &new {
        match old.get(id) {
            None => {
                let mut change = added("plan_item", id.0, json!(item));
                if let (Some(note), Some(after)) = (note_of(edits, item.id), &mut change.after) {
                    after["workNote"] = json!(note);
                }
                changes.push(change);
            }
            Some(was) if was != item => changes.push(revised("plan_item", id.0, json!(was), json!(item))),
            Some(_) => {}
        }
    }
    for (id, item) in old.iter().filter(|(id, _)| !new.contains_key(id)) {
        changes.push(removed("plan_item", id.0, json!(item)));
    }
    if before.content != after.content {
        let (was, is) = (json!(before.content), json!(after.content));
        let differ = |value: &Value, other: &Value| -> Value {
            let fields = value.as_object().into_iter().flatten();
            fields
                .filter(|(key, v)| other.get(*key) != Some(*v))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        };
        changes.push(Change {
            kind: "agreement_version",
            subject: version,
            before: Some(json!({ "content": differ(&was, &is) })),
            after: Some(json!({ "content": differ(&is, &was) })),
        });
    }
    changes
}

/// The work note that came with a new item.
fn note_of(edits: &[Edit], item: PlanItemId) -> Option<&str> {
    edits.iter().find_map(|edit| match edit {
        Edit::AddItem { wording, work_note } if wording.id == item => work_note.as_deref(),
        _ => None,
    })
}

fn added(kind: &'static str, subject: uuid::Uuid, wording: Value) -> Change {
    // Goals and items are proposed until both sides have assented.
    let after = json!({ "wording": wording, "status": "PROPOSED" });
    Change { kind, subject, before: None, after: Some(after) }
}

fn revised(kind: &'static str, subject: uuid::Uuid, was: Value, is: Value) -> Change {
    let (before, after) = (json!({ "wording": was }), json!({ "wording": is }));
    Change { kind, subject, before: Some(before), after: Some(after) }
}

fn removed(kind: &'static str, subject: uuid::Uuid, was: Value) -> Change {
    let (before, after) = (json!({ "wording": was }), json!({ "wording": Value::Null }));
    Change { kind, subject, before: Some(before), after: Some(after) }
}
