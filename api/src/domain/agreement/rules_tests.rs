#![allow(clippy::unwrap_used)]

use chrono::NaiveDate;
use entity::{
    AgreementVersionId, PlanItemId, agreement,
    agreement_version::{Party, Status},
    plan_item_revision::{Category, Owner, Timing},
};
use uuid::Uuid;

use super::{
    canonical::ItemWording,
    rules::{Assented, Facts, Gap, MAX_GOALS, addition, assent, complete, fits, gaps},
};
use crate::error::ProblemCode;

const DIGEST: &[u8] = &[7; 32];

fn proposed() -> Facts<'static> {
    Facts {
        agreement: agreement::Status::Proposed,
        in_force: None,
        status: Status::Proposed,
        base: None,
        digest: Some(DIGEST),
        patient_assented: false,
        care_assented: true,
    }
}

fn refused(facts: &Facts<'_>, side: Party, digest: &[u8]) -> ProblemCode {
    assent(facts, side, Some(digest)).unwrap_err().code
}

#[test]
fn the_second_assent_brings_the_version_into_force() {
    assert_eq!(assent(&proposed(), Party::Patient, Some(DIGEST)).unwrap(), Assented::Activates);
    let first = Facts { care_assented: false, ..proposed() };
    assert_eq!(assent(&first, Party::Patient, Some(DIGEST)).unwrap(), Assented::Waits);
}

#[test]
fn an_assent_to_another_text_is_refused() {
    assert_eq!(refused(&proposed(), Party::Patient, &[8; 32]), ProblemCode::Conflict);
    assert_eq!(refused(&proposed(), Party::Patient, &[]), ProblemCode::Conflict);
}

#[test]
fn a_side_assents_once() {
    assert_eq!(refused(&proposed(), Party::Care, DIGEST), ProblemCode::WrongState);
    let active = Facts {
        agreement: agreement::Status::Active,
        status: Status::Active,
        patient_assented: true,
        ..proposed()
    };
    assert_eq!(refused(&active, Party::Patient, DIGEST), ProblemCode::WrongState);
}

#[test]
fn a_proposal_whose_base_has_moved_is_refused() {
    let (old, new) = (AgreementVersionId(Uuid::from_u128(1)), AgreementVersionId(Uuid::from_u128(2)));
    let moved =
        Facts { agreement: agreement::Status::Active, in_force: Some(new), base: Some(old), ..proposed() };
    assert_eq!(refused(&moved, Party::Patient, DIGEST), ProblemCode::BaseMoved);
}

#[test]
fn an_ended_agreement_takes_neither_assent_nor_change() {
    let ended = Facts { agreement: agreement::Status::Ended, ..proposed() };
    assert_eq!(refused(&ended, Party::Patient, DIGEST), ProblemCode::Conflict);
    assert_eq!(addition(agreement::Status::Ended).unwrap_err().code, ProblemCode::Conflict);
}

fn item(n: u128, timing: Timing) -> ItemWording {
    ItemWording {
        id: PlanItemId(Uuid::from_u128(n)),
        category: Category::FollowUp,
        title: "Prov".into(),
        description: None,
        owner: Owner::Care,
        timing,
        due_on: None,
        starts_on: None,
        recurrence: None,
        trigger: None,
        responsible_unit: None,
        responsible_assignment: None,
        goal: None,
        result_how: None,
        result_by: None,
    }
}

#[test]
fn everything_that_is_missing_is_listed_not_the_first_thing() {
    let items = [
        item(1, Timing::Date),
        item(2, Timing::Period),
        item(3, Timing::Recurrence),
        item(4, Timing::Trigger),
    ];
    let id = |n| PlanItemId(Uuid::from_u128(n));
    let found = gaps(" ", &items, false);
    assert_eq!(
        found,
        [
            Gap::Title,
            Gap::Time(id(1)),
            Gap::Period(id(2)),
            Gap::Recurrence(id(3)),
            Gap::Trigger(id(4)),
            Gap::LatestFollowUp(id(4)),
            Gap::Contact,
        ]
    );
    let problems = complete(&found).unwrap_err();
    assert_eq!(problems.len(), 7);
    assert!(problems.iter().all(|p| p.code == ProblemCode::Incomplete && p.field.is_some()));
}

#[test]
fn a_plan_with_a_time_for_everything_and_someone_to_turn_to_can_be_proposed() {
    let day = NaiveDate::from_ymd_opt(2027, 1, 4);
    let items = [
        ItemWording { due_on: day, ..item(1, Timing::Date) },
        ItemWording { due_on: day, starts_on: day, ..item(2, Timing::Period) },
        ItemWording { recurrence: Some("FREQ=DAILY".into()), starts_on: day, ..item(3, Timing::Recurrence) },
        ItemWording {
            trigger: Some("när provsvaret kommit".into()),
            due_on: day,
            ..item(4, Timing::Trigger)
        },
    ];
    assert_eq!(gaps("Min plan", &items, true), []);
    assert!(complete(&[]).is_ok());
}

#[test]
fn a_plan_has_room_for_fifty_goals() {
    assert!(fits(MAX_GOALS, 300).is_ok());
    assert_eq!(fits(MAX_GOALS + 1, 0).unwrap_err().code, ProblemCode::Conflict);
    assert_eq!(fits(0, 301).unwrap_err().code, ProblemCode::Conflict);
}
