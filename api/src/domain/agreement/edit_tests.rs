#![allow(clippy::unwrap_used)]

use chrono::NaiveDate;
use entity::{
    AgreementId, GoalId, PlanItemId, SafetyInstructionId,
    plan_item_revision::{Owner, Timing},
    safety_instruction,
};
use uuid::Uuid;

use super::{
    canonical::{Document, GoalWording, ItemWording},
    content::{
        AgreementContent, Light, Measurement, Medicine, SafetyWording, Section, TextSection, WarningSign,
    },
    edit::{Edit, apply, history, rebase},
    gaps::{Gap, complete, gaps},
};
use crate::error::ProblemCode;

fn goal(n: u128, text: &str) -> GoalWording {
    GoalWording { id: GoalId(Uuid::from_u128(n)), text: text.into(), priority: 1, target_on: None }
}

fn item(n: u128, title: &str) -> ItemWording {
    ItemWording::sample(n, title, (2027, 1, 4))
}

fn document(goals: Vec<GoalWording>, items: Vec<ItemWording>) -> Document {
    Document {
        format: 2,
        agreement: AgreementId(Uuid::nil()),
        number: 1,
        base: None,
        content: AgreementContent { title: "Min plan".into(), ..Default::default() },
        goals,
        items,
    }
}

fn text(section: TextSection, text: &str) -> Edit {
    Edit::SetSections(vec![Section::Text(section, text.into())])
}

fn titles(document: &Document) -> Vec<&str> {
    document.items.iter().map(|item| item.title.as_str()).collect()
}

#[test]
fn edits_add_reword_and_take_out_and_leave_the_rest_as_it_is() {
    let before = document(vec![goal(1, "Orka mer")], vec![item(2, "Prov"), item(3, "Samtal")]);
    let after = apply(
        &before,
        &[
            Edit::AddGoal(goal(4, "Sova")),
            Edit::ReviseGoal(goal(1, "Orka gå ut")),
            Edit::ReviseItem(Box::new(item(2, "Nytt prov"))),
            Edit::RemoveItem(PlanItemId(Uuid::from_u128(3))),
            text(TextSection::Story, "Jag heter Asta."),
        ],
    )
    .unwrap();
    assert_eq!(after.goals, [goal(1, "Orka gå ut"), goal(4, "Sova")]);
    assert_eq!(titles(&after), ["Nytt prov"]);
    assert_eq!(after.content.story.as_deref(), Some("Jag heter Asta."));
    assert_eq!(after.content.title, "Min plan");
    assert_eq!(apply(&after, &[text(TextSection::Story, "")]).unwrap().content.story, None);
}

#[test]
fn items_that_served_a_goal_stay_without_it() {
    let serving = ItemWording { goal: Some(GoalId(Uuid::from_u128(1))), ..item(2, "Prov") };
    let before = document(vec![goal(1, "Orka mer")], vec![serving]);
    let after = apply(&before, &[Edit::RemoveGoal(GoalId(Uuid::from_u128(1)))]).unwrap();
    assert_eq!(after.goals, []);
    assert_eq!(after.items, [item(2, "Prov")]);
}

#[test]
fn an_edit_of_what_is_not_there_is_refused_with_all_others() {
    let problems = apply(
        &document(vec![], vec![]),
        &[
            Edit::ReviseGoal(goal(1, "Sova")),
            Edit::RemoveItem(PlanItemId(Uuid::nil())),
            Edit::RemoveGoal(GoalId(Uuid::nil())),
        ],
    )
    .unwrap_err();
    assert_eq!(problems.len(), 3);
    assert!(problems.iter().all(|p| p.code == ProblemCode::WrongState));
}

#[test]
fn a_draft_goes_on_from_what_came_into_force_meanwhile() {
    let old = document(vec![goal(1, "Orka")], vec![item(2, "Prov"), item(3, "Samtal"), item(4, "Vikt")]);
    let draft = apply(
        &old,
        &[
            Edit::ReviseItem(Box::new(item(2, "Nytt prov"))),
            Edit::AddItem { wording: Box::new(item(5, "Mitt")), work_note: None },
            Edit::RemoveItem(PlanItemId(Uuid::from_u128(4))),
            text(TextSection::Wishes, "Hemma"),
        ],
    )
    .unwrap();
    let new = apply(
        &old,
        &[
            Edit::ReviseItem(Box::new(item(2, "Deras prov"))),
            Edit::RemoveItem(PlanItemId(Uuid::from_u128(3))),
            Edit::AddItem { wording: Box::new(item(6, "Deras")), work_note: None },
            Edit::ReviseGoal(goal(1, "Orka mer")),
            text(TextSection::Resources, "Min dotter"),
        ],
    )
    .unwrap();
    let merged = rebase(&old, &new, &draft);
    // The draft's own changes stand, the others' come in, and what the draft took out stays out.
    assert_eq!(titles(&merged), ["Nytt prov", "Mitt", "Deras"]);
    assert_eq!(merged.goals, [goal(1, "Orka mer")]);
    assert_eq!(merged.content.wishes.as_deref(), Some("Hemma"));
    assert_eq!(merged.content.resources.as_deref(), Some("Min dotter"));
    assert_eq!(rebase(&old, &old, &draft), draft);
    assert_eq!(rebase(&old, &new, &old).items, new.items);
}

/// A draft that leaves an instruction out does not leave out another one that has been agreed on meanwhile.
#[test]
fn a_draft_without_a_safety_instruction_keeps_those_that_were_agreed_on_meanwhile() {
    let says = |n: u128| SafetyWording {
        id: SafetyInstructionId(Uuid::from_u128(n)),
        kind: safety_instruction::Kind::WarningSign,
        text: "Ring vid feber".into(),
        action: None,
        phone: None,
        source: None,
        source_on: None,
    };
    let with = |safety: Vec<SafetyWording>| {
        let mut document = document(Vec::new(), Vec::new());
        document.content.safety = safety;
        document
    };
    let old = with(vec![says(1), says(2)]);
    let draft = apply(&old, &[Edit::RemoveSafety(says(1).id)]).unwrap();
    let merged = rebase(&old, &with(vec![says(1), says(2), says(3)]), &draft);
    assert_eq!(merged.content.safety, [says(2), says(3)]);
}

/// Every change is attributable: from what to what.
#[test]
fn the_history_of_an_edit_is_what_differs() {
    let before = document(vec![goal(1, "Orka")], vec![item(2, "Prov"), item(3, "Samtal")]);
    let after = apply(
        &before,
        &[
            Edit::ReviseGoal(goal(1, "Orka mer")),
            Edit::RemoveItem(PlanItemId(Uuid::from_u128(3))),
            text(TextSection::Story, "Jag"),
        ],
    )
    .unwrap();
    let changes = history(&before, &after, &[], Uuid::nil());
    let told: Vec<_> =
        changes.iter().map(|c| (c.kind, c.before.is_some(), c.after.clone().unwrap())).collect();
    assert_eq!(told.len(), 3);
    assert_eq!(told[0].0, "goal");
    assert_eq!(told[0].2["wording"]["text"], "Orka mer");
    assert_eq!(told[1].0, "plan_item");
    assert!(told[1].2["wording"].is_null());
    assert_eq!(told[2].2["content"], serde_json::json!({ "story": "Jag" }));
    assert!(history(&before, &before, &[], Uuid::nil()).is_empty());
}

/// Cannot be proposed unless every item has an owner and a time and there is someone to turn to; the error lists
/// everything that is missing, not the first thing.
#[test]
fn everything_that_is_missing_is_listed_not_the_first_thing() {
    let untimed = |n, timing| ItemWording { timing, due_on: None, ..item(n, "Prov") };
    let mut plan = document(
        vec![],
        vec![
            untimed(1, Timing::Date),
            untimed(2, Timing::Period),
            untimed(3, Timing::Recurrence),
            untimed(4, Timing::Trigger),
            ItemWording { owner: Owner::Relative, ..item(5, "Skjutsa") },
        ],
    );
    plan.content.title = " ".into();
    let sign = |light| WarningSign {
        light,
        sign: "Andfådd".into(),
        action: None,
        phone: None,
        weekdays: None,
        weekends: None,
    };
    plan.content.warning_signs = vec![sign(Light::Red), sign(Light::Green)];
    plan.content.as_needed_medication = vec![Medicine {
        name: "Salbutamol".into(),
        dose: "2 puffar".into(),
        when: "Vid andnöd".into(),
        at_most: None,
        source: None,
        source_on: None,
    }];
    plan.content.own_measurements = vec![Measurement {
        what: "Vikt".into(),
        unit: "kg".into(),
        lower: None,
        upper: None,
        how_often: "Varje morgon".into(),
        read_by: None,
        read_when: None,
        outside: None,
    }];
    let id = |n| PlanItemId(Uuid::from_u128(n));
    let found = gaps(&plan, false);
    assert_eq!(
        found,
        [
            Gap::Title,
            Gap::Time(id(1)),
            Gap::Period(id(2)),
            Gap::Recurrence(id(3)),
            Gap::Trigger(id(4)),
            Gap::LatestFollowUp(id(4)),
            Gap::Relative(id(5)),
            Gap::SignAction(0),
            Gap::SignPhone(0),
            Gap::SignAction(1),
            Gap::MedicineSource(0),
            Gap::MedicineSourceDate(0),
            Gap::MeasurementLimit(0),
            Gap::MeasurementReader(0),
            Gap::MeasurementReadWhen(0),
            Gap::MeasurementOutside(0),
            Gap::Contact,
        ]
    );
    let problems = complete(&plan, &found).unwrap_err();
    assert_eq!(problems.len(), found.len());
    assert!(problems.iter().all(|p| p.code == ProblemCode::Incomplete && p.field.is_some()));
    assert_eq!(gaps(&document(vec![], vec![]), true), [Gap::Empty]);
    assert_eq!(gaps(&document(vec![goal(1, "Sova")], vec![]), true), []);
}

#[test]
fn a_plan_with_a_time_for_everything_and_someone_to_turn_to_can_be_proposed() {
    let day = NaiveDate::from_ymd_opt(2027, 1, 4);
    let items = vec![
        item(1, "Prov"),
        ItemWording { timing: Timing::Period, starts_on: day, ..item(2, "Prov") },
        ItemWording {
            timing: Timing::Recurrence,
            recurrence: Some("FREQ=DAILY".into()),
            starts_on: day,
            ..item(3, "Prov")
        },
        ItemWording {
            timing: Timing::Trigger,
            trigger: Some("när provsvaret kommit".into()),
            ..item(4, "Prov")
        },
        ItemWording { owner: Owner::Relative, relative_name: Some("Anna".into()), ..item(5, "Prov") },
    ];
    let plan = document(vec![], items);
    assert_eq!(gaps(&plan, true), []);
    assert!(complete(&plan, &[]).is_ok());
}
