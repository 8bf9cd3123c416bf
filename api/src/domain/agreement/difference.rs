//! What differs between two versions, field by field, in words that patient and staff both read.

use std::collections::BTreeMap;

use entity::{AssignmentId, CareContactId, CareUnitId, GoalId, PlanItemId};

use super::{
    canonical::{Document, GoalWording, ItemWording},
    content::TextSection,
    words::{self, as_written},
};
use crate::error::Text;

/// What people and units that items name are called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub units: BTreeMap<CareUnitId, String>,
    pub people: BTreeMap<AssignmentId, String>,
    pub contacts: BTreeMap<CareContactId, String>,
}

/// What a difference is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The agreement's own sections.
    Agreement,
    Goal(GoalId),
    Item(PlanItemId),
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Added,
    Removed,
    Changed,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub subject: Subject,
    pub kind: Kind,
    /// As the schema calls it: `story`, `text`, `timing` …; `goal` or `planItem` for a whole one.
    pub field: &'static str,
    /// The field in words.
    pub label: Text,
    /// What the goal or item is called now, or was called last.
    pub name: Option<String>,
    pub before: Option<Text>,
    pub after: Option<Text>,
}

impl Difference {
    /// The difference as one sentence.
    pub fn sentence(&self) -> Text {
        let whole =
            matches!((self.subject, self.field), (Subject::Goal(_), "goal") | (Subject::Item(_), "planItem"));
        let part = |sv: bool| {
            let pick = |text: &Text| if sv { text.sv.clone() } else { text.en.clone() };
            let label = match &self.name {
                Some(name) if !whole => {
                    format!("{}, {}", shortened(name), pick(&self.label))
                }
                _ => pick(&self.label),
            };
            let (before, after) = (self.before.as_ref().map(pick), self.after.as_ref().map(pick));
            match (before, after) {
                (None, Some(after)) if sv => format!("{label}: nytt – {after}"),
                (None, Some(after)) => format!("{label}: new – {after}"),
                (Some(before), None) if sv => format!("{label}: borttaget – {before}"),
                (Some(before), None) => format!("{label}: removed – {before}"),
                (Some(before), Some(after)) if sv => format!("{label}: {after} (förut: {before})"),
                (Some(before), Some(after)) => format!("{label}: {after} (before: {before})"),
                (None, None) => label,
            }
        };
        Text::new(part(true), part(false))
    }
}

/// The beginning of a long text, which still tells which one it is.
fn shortened(name: &str) -> String {
    let mut short: String = name.chars().take(60).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    format!("”{short}”")
}

/// Everything in which `to` differs from `from`: sections first, then goals, then items.
pub fn between(from: &Document, to: &Document, names: &Names) -> Vec<Difference> {
    let mut out = sections(from, to);
    out.extend(objects(&from.goals, &to.goals, |goal| goal.id.0, &GoalWords));
    out.extend(objects(&from.items, &to.items, |item| item.id.0, &ItemWords { from, to, names }));
    out
}

fn changed(
    subject: Subject,
    field: &'static str,
    label: Text,
    name: Option<&str>,
    before: Option<Text>,
    after: Option<Text>,
) -> Option<Difference> {
    if before == after {
        return None;
    }
    let kind = match (&before, &after) {
        (None, _) => Kind::Added,
        (_, None) => Kind::Removed,
        _ => Kind::Changed,
    };
    Some(Difference { subject, kind, field, label, name: name.map(str::to_owned), before, after })
}

fn sections(from: &Document, to: &Document) -> Vec<Difference> {
    let mut out = Vec::new();
    for section in TextSection::ALL {
        let of = |document: &Document| document.content.text(section).map(as_written);
        let (field, label) = section_label(section);
        out.extend(changed(Subject::Agreement, field, label, None, of(from), of(to)));
    }
    let (a, b) = (&from.content, &to.content);
    out.extend(listed(
        "warningSigns",
        &Text::new("Varningstecken", "Warning sign"),
        &a.warning_signs,
        &b.warning_signs,
        |sign| sign.sign.clone(),
        words::sign,
    ));
    out.extend(listed(
        "safety",
        &Text::new("Säkerhetsanvisning", "Safety instruction"),
        &a.safety,
        &b.safety,
        |safety| safety.id.0.to_string(),
        |safety| {
            let parts = [Some(safety.text.as_str()), safety.action.as_deref(), safety.phone.as_deref()];
            as_written(parts.into_iter().flatten().collect::<Vec<_>>().join(" – "))
        },
    ));
    out.extend(listed(
        "asNeededMedication",
        &Text::new("Läkemedel vid behov", "As-needed medicine"),
        &a.as_needed_medication,
        &b.as_needed_medication,
        |medicine| medicine.name.clone(),
        words::medicine,
    ));
    out.extend(listed(
        "ownMeasurements",
        &Text::new("Egen mätning", "Own measurement"),
        &a.own_measurements,
        &b.own_measurements,
        |measurement| measurement.what.clone(),
        words::measurement,
    ));
    out
}

fn section_label(section: TextSection) -> (&'static str, Text) {
    use TextSection as S;
    let (sv, en) = match section {
        S::Title => ("Rubrik", "Heading"),
        S::Story => ("Min berättelse", "My story"),
        S::WhatMatters => ("Vad som är viktigt för mig", "What matters to me"),
        S::SharedGoal => ("Gemensamt mål", "Shared goal"),
        S::Ambition => ("Ambitionsnivå", "Level of ambition"),
        S::OwnResponsibility => ("Vad jag själv kan ansvara för", "What I can take on myself"),
        S::Resources => ("Resurser", "Resources"),
        S::Wishes => ("Önskemål", "Wishes"),
        S::SelfCare => ("Egenvård", "Self-care"),
        S::WhenToSeekHelp => ("När och var jag söker hjälp", "When and where I seek help"),
        S::HowResultsCome => ("Hur provsvar når mig", "How results reach me"),
    };
    (super::content_rules::name(section), Text::new(sv, en))
}

/// Entries of a list that have no id: one is the same as before when it is called the same.
fn listed<T: PartialEq>(
    field: &'static str,
    label: &Text,
    from: &[T],
    to: &[T],
    key: impl Fn(&T) -> String,
    say: impl Fn(&T) -> Text,
) -> Vec<Difference> {
    let mut left: Vec<&T> = from.iter().collect();
    let mut out = Vec::new();
    let mut new = Vec::new();
    for now in to {
        match left
            .iter()
            .position(|was| *was == now)
            .or_else(|| left.iter().position(|was| key(was) == key(now)))
        {
            Some(n) => {
                let was = left.remove(n);
                out.extend(changed(
                    Subject::Agreement,
                    field,
                    label.clone(),
                    None,
                    Some(say(was)),
                    Some(say(now)),
                ));
            }
            None => new.push(now),
        }
    }
    let gone = left.into_iter().map(|was| (Some(say(was)), None));
    let came = new.into_iter().map(|now| (None, Some(say(now))));
    for (before, after) in came.chain(gone) {
        out.extend(changed(Subject::Agreement, field, label.clone(), None, before, after));
    }
    out
}

/// How a goal or an item is said, field by field.
trait Words<T> {
    fn whole(&self) -> (&'static str, Text);
    fn subject(&self, one: &T) -> Subject;
    fn name(&self, one: &T) -> String;
    /// `old`: as the first of the two versions has it.
    fn fields(&self, one: &T, old: bool) -> Vec<(&'static str, Text, Option<Text>)>;
}

fn objects<T: PartialEq, K: Ord>(
    from: &[T],
    to: &[T],
    id: impl Fn(&T) -> K,
    words: &impl Words<T>,
) -> Vec<Difference> {
    let old: BTreeMap<K, &T> = from.iter().map(|one| (id(one), one)).collect();
    let new: BTreeMap<K, &T> = to.iter().map(|one| (id(one), one)).collect();
    let (field, label) = words.whole();
    let whole = |one: &T, is_old: bool| {
        let mut text = as_written(words.name(one));
        for (field, label, value) in words.fields(one, is_old) {
            if let (false, Some(value)) = (field == "title" || field == "text", value) {
                text.sv = format!("{}; {}: {}", text.sv, label.sv.to_lowercase(), value.sv);
                text.en = format!("{}; {}: {}", text.en, label.en.to_lowercase(), value.en);
            }
        }
        Some(text)
    };
    let mut out = Vec::new();
    for one in to {
        let name = words.name(one);
        match old.get(&id(one)) {
            None => {
                out.extend(changed(
                    words.subject(one),
                    field,
                    label.clone(),
                    Some(&name),
                    None,
                    whole(one, false),
                ));
            }
            Some(was) => {
                let pairs = words.fields(was, true).into_iter().zip(words.fields(one, false));
                for ((field, label, before), (_, _, after)) in pairs {
                    out.extend(changed(words.subject(one), field, label, Some(&name), before, after));
                }
            }
        }
    }
    for was in from.iter().filter(|was| !new.contains_key(&id(was))) {
        let name = words.name(was);
        out.extend(changed(words.subject(was), field, label.clone(), Some(&name), whole(was, true), None));
    }
    out
}

struct GoalWords;

impl Words<GoalWording> for GoalWords {
    fn whole(&self) -> (&'static str, Text) {
        ("goal", Text::new("Mål", "Goal"))
    }

    fn subject(&self, goal: &GoalWording) -> Subject {
        Subject::Goal(goal.id)
    }

    fn name(&self, goal: &GoalWording) -> String {
        goal.text.clone()
    }

    fn fields(&self, goal: &GoalWording, _: bool) -> Vec<(&'static str, Text, Option<Text>)> {
        vec![
            ("text", Text::new("Målet", "The goal"), Some(as_written(&goal.text))),
            ("priority", Text::new("Ordning", "Priority"), Some(as_written(goal.priority.to_string()))),
            ("targetOn", Text::new("Till när", "By when"), goal.target_on.map(words::day)),
        ]
    }
}

struct ItemWords<'a> {
    from: &'a Document,
    to: &'a Document,
    names: &'a Names,
}

impl Words<ItemWording> for ItemWords<'_> {
    fn whole(&self) -> (&'static str, Text) {
        ("planItem", Text::new("Insats", "Plan item"))
    }

    fn subject(&self, item: &ItemWording) -> Subject {
        Subject::Item(item.id)
    }

    fn name(&self, item: &ItemWording) -> String {
        item.title.clone()
    }

    fn fields(&self, item: &ItemWording, old: bool) -> Vec<(&'static str, Text, Option<Text>)> {
        let unknown = || Text::new("okänd", "unknown");
        let named = |name: Option<&String>| name.map_or_else(unknown, as_written);
        let text = |text: &Option<String>| text.as_ref().map(as_written);
        let goals = if old { &self.from.goals } else { &self.to.goals };
        let goal = |id: GoalId| {
            goals.iter().find(|goal| goal.id == id).map_or_else(unknown, |g| as_written(&g.text))
        };
        vec![
            ("title", Text::new("Vad", "What"), Some(as_written(&item.title))),
            ("description", Text::new("Mer om det", "More about it"), text(&item.description)),
            ("category", Text::new("Typ av insats", "Kind of item"), Some(words::category(item.category))),
            ("owner", Text::new("Vem som gör det", "Who does it"), Some(words::owner(item))),
            ("timing", Text::new("När", "When"), words::time(item)),
            (
                "responsibleUnit",
                Text::new("Ansvarig mottagning", "Responsible unit"),
                item.responsible_unit.map(|id| named(self.names.units.get(&id))),
            ),
            (
                "responsibleStaff",
                Text::new("Ansvarig person", "Responsible person"),
                item.responsible_assignment.map(|id| named(self.names.people.get(&id))),
            ),
            (
                "responsibleContact",
                Text::new("Ansvarig kontakt", "Responsible contact"),
                item.responsible_contact.map(|id| named(self.names.contacts.get(&id))),
            ),
            ("goal", Text::new("Mål som insatsen bidrar till", "Goal that it serves"), item.goal.map(goal)),
            ("resultHow", Text::new("Hur svaret kommer", "How the result is told"), text(&item.result_how)),
            ("resultBy", Text::new("Svar senast", "Result by"), item.result_by.map(words::day)),
        ]
    }
}
