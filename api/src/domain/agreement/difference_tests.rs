#![allow(clippy::unwrap_used)]

use chrono::NaiveDate;
use entity::{AgreementId, CareContactId, CareUnitId, GoalId, PlanItemId, plan_item_revision::Owner};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    canonical::{
        Document, GoalWording, ItemWording,
        tests::{OF_THE_TEXT, full},
    },
    content::{AgreementContent, Light, WarningSign},
    difference::{Kind, Names, Subject, between},
};

fn item(n: u128) -> ItemWording {
    ItemWording::sample(n, "Ta prover", (2027, 3, 1))
}

fn goal(n: u128, text: &str) -> GoalWording {
    GoalWording { id: GoalId(Uuid::from_u128(n)), text: text.into(), priority: 1, target_on: None }
}

fn document() -> Document {
    Document {
        format: 2,
        agreement: AgreementId(Uuid::nil()),
        number: 1,
        base: None,
        content: AgreementContent { title: "Min plan".into(), ..Default::default() },
        goals: vec![goal(1, "Orka mer")],
        items: vec![item(2)],
    }
}

/// A field-by-field difference of any two versions is readable by both sides.
#[test]
fn every_field_that_differs_is_told_with_what_it_was_and_is() {
    let from = document();
    let mut to = document();
    to.content.story = Some("Jag heter Asta.".into());
    to.goals[0].target_on = NaiveDate::from_ymd_opt(2027, 6, 1);
    to.items[0].owner = Owner::Relative;
    to.items[0].relative_name = Some("Anna".into());
    to.items[0].due_on = NaiveDate::from_ymd_opt(2027, 4, 1);
    to.items[0].responsible_unit = Some(CareUnitId(Uuid::nil()));
    to.items[0].goal = Some(GoalId(Uuid::from_u128(1)));
    let mut names = Names::default();
    names.units.insert(CareUnitId(Uuid::nil()), "Granen".into());
    let found = between(&from, &to, &names);
    let told: Vec<_> = found.iter().map(|d| (d.field, d.sentence().sv)).collect();
    assert_eq!(
        told,
        [
            ("story", "Min berättelse: nytt – Jag heter Asta.".to_owned()),
            ("targetOn", "”Orka mer”, Till när: nytt – 1 juni 2027".to_owned()),
            ("owner", "”Ta prover”, Vem som gör det: Anna (närstående) (förut: vården)".to_owned()),
            ("timing", "”Ta prover”, När: 1 april 2027 (förut: 1 mars 2027)".to_owned()),
            ("responsibleUnit", "”Ta prover”, Ansvarig mottagning: nytt – Granen".to_owned()),
            ("goal", "”Ta prover”, Mål som insatsen bidrar till: nytt – Orka mer".to_owned()),
        ]
    );
    assert_eq!(found[3].sentence().en, "”Ta prover”, When: 1 April 2027 (before: 1 March 2027)");
    assert_eq!(found[2].subject, Subject::Item(PlanItemId(Uuid::from_u128(2))));
}

/// Whatever a version says to people, a change of it is told, once and in words.
#[test]
fn no_part_that_is_agreed_changes_without_being_told() {
    let mut names = Names::default();
    names.units.insert(CareUnitId(Uuid::nil()), "Granen".into());
    names.contacts.insert(CareContactId(Uuid::from_u128(6)), "Maria".into());
    for (i, change) in OF_THE_TEXT.into_iter().enumerate() {
        let mut changed = full();
        change(&mut changed);
        let found = between(&full(), &changed, &names);
        assert!(!found.is_empty(), "change {i}");
        assert!(found.iter().all(|told| told.before != told.after), "change {i}: {found:?}");
        assert_eq!(between(&changed, &full(), &names).len(), found.len(), "change {i}");
    }
}

#[test]
fn what_is_new_and_what_is_gone_is_told_whole() {
    let from = document();
    let mut to = document();
    to.items = vec![ItemWording { title: "Röntgen".into(), ..item(3) }];
    to.goals.clear();
    let found = between(&from, &to, &Names::default());
    let kinds: Vec<_> = found.iter().map(|d| (d.kind, d.field)).collect();
    assert_eq!(kinds, [(Kind::Removed, "goal"), (Kind::Added, "planItem"), (Kind::Removed, "planItem")]);
    assert_eq!(
        found[1].sentence().sv,
        "Insats: nytt – Röntgen; typ av insats: uppföljning; vem som gör det: vården; när: 1 mars 2027"
    );
}

#[test]
fn entries_of_lists_are_the_same_when_they_are_called_the_same() {
    let sign = |sign: &str, phone: &str| WarningSign {
        light: Light::Yellow,
        sign: sign.into(),
        action: None,
        phone: Some(phone.into()),
        weekdays: None,
        weekends: None,
    };
    let (mut from, mut to) = (document(), document());
    from.content.warning_signs = vec![sign("Feber", "1177"), sign("Andfådd", "1177"), sign("Trött", "1177")];
    to.content.warning_signs = vec![sign("Andfådd", "112"), sign("Feber", "1177"), sign("Yr", "1177")];
    let found = between(&from, &to, &Names::default());
    let told: Vec<_> = found.iter().map(|d| (d.kind, d.sentence().sv)).collect();
    assert_eq!(
        told,
        [
            (
                Kind::Changed,
                "Varningstecken: gult; Andfådd; ring: 112 (förut: gult; Andfådd; ring: 1177)".to_owned()
            ),
            (Kind::Added, "Varningstecken: nytt – gult; Yr; ring: 1177".to_owned()),
            (Kind::Removed, "Varningstecken: borttaget – gult; Trött; ring: 1177".to_owned()),
        ]
    );
}

fn any_document() -> impl Strategy<Value = Document> {
    let text = prop::option::of("[a-c]{1,2}");
    let items = prop::collection::btree_map(0_u128..4, ("[a-c]", prop::option::of(1_u32..4)), 0..4);
    let goals = prop::collection::btree_map(0_u128..4, ("[a-c]", 1_i32..3), 0..4);
    (text.clone(), text, items, goals).prop_map(|(story, wishes, items, goals)| {
        let mut document = document();
        document.content.story = story;
        document.content.wishes = wishes;
        document.goals = goals
            .into_iter()
            .map(|(n, (text, priority))| GoalWording { priority, ..goal(n, &text) })
            .collect();
        document.items = items
            .into_iter()
            .map(|(n, (title, day))| ItemWording {
                title,
                due_on: day.and_then(|day| NaiveDate::from_ymd_opt(2027, 1, day)),
                ..item(n)
            })
            .collect();
        document
    })
}

proptest! {
    #[test]
    fn there_is_a_difference_exactly_where_the_texts_differ_and_it_reads_backwards_the_other_way(
        a in any_document(), b in any_document(),
    ) {
        let there = between(&a, &b, &Names::default());
        let back = between(&b, &a, &Names::default());
        prop_assert_eq!(there.is_empty(), a.digest().unwrap() == b.digest().unwrap());
        prop_assert_eq!(there.len(), back.len());
        for difference in &there {
            prop_assert!(difference.before != difference.after);
            prop_assert!(back.iter().any(|other| other.subject == difference.subject
                && other.field == difference.field
                && other.before == difference.after
                && other.after == difference.before));
        }
    }
}
