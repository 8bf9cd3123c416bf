#![allow(clippy::unwrap_used)]

use entity::{CareContactId, ContactAbsenceId};
use uuid::Uuid;

use super::*;
use crate::domain::contact::rules::tests::{holder, now};

fn days(n: i64) -> DateTime<Utc> {
    now() + TimeDelta::days(n)
}

fn contact(id: u128, until: Option<i64>) -> care_contact::Model {
    care_contact::Model {
        id: CareContactId(Uuid::from_u128(id)),
        valid_until: until.map(days),
        ..holder(Role::FastVardkontakt, true)
    }
}

fn absence(from: i64, until: i64, substitute: bool) -> contact_absence::Model {
    contact_absence::Model {
        id: ContactAbsenceId(Uuid::nil()),
        care_unit_id: entity::CareUnitId(Uuid::nil()),
        care_provider_id: entity::CareProviderId(Uuid::nil()),
        contact_id: Some(CareContactId(Uuid::from_u128(1))),
        assignment_id: None,
        from_at: days(from),
        until_at: days(until),
        substitute_id: substitute.then_some(AssignmentId(Uuid::from_u128(9))),
        created_by: Uuid::nil(),
        created_at: now(),
        cancelled_at: None,
        cancelled_by: None,
        row_version: 1,
    }
}

fn found(
    all: &[care_contact::Model],
    leaves: Option<i64>,
    absences: &[contact_absence::Model],
) -> Option<Gap> {
    let held = Held { contact: &all[0], leaves_at: leaves.map(days), absences };
    gap(&held, all, now(), days(14))
}

#[test]
fn an_end_within_the_lead_time_is_a_gap_unless_somebody_follows_at_once() {
    assert_eq!(found(&[contact(1, None)], None, &[]), None);
    assert_eq!(found(&[contact(1, Some(15))], None, &[]), None);
    let ends = Some(Gap { at: days(10), why: Why::Ends });
    assert_eq!(found(&[contact(1, Some(10))], None, &[]), ends);
    let successor = |from: i64| care_contact::Model {
        valid_from: days(from),
        status: Status::Planned,
        ..contact(2, None)
    };
    assert_eq!(found(&[contact(1, Some(10)), successor(10)], None, &[]), None);
    assert_eq!(found(&[contact(1, Some(10)), successor(11)], None, &[]), ends);
    // Another role, or one of several without the main responsibility, is no successor.
    let doctor = care_contact::Model { role: Role::FastLakarkontakt, is_lead: false, ..successor(10) };
    let helper = care_contact::Model { is_lead: false, ..successor(0) };
    assert_eq!(found(&[contact(1, Some(10)), doctor, helper], None, &[]), ends);
}

#[test]
fn the_end_of_the_persons_assignment_is_an_end_too() {
    assert_eq!(found(&[contact(1, None)], Some(5), &[]), Some(Gap { at: days(5), why: Why::Leaves }));
    assert_eq!(found(&[contact(1, Some(3))], Some(5), &[]), Some(Gap { at: days(3), why: Why::Ends }));
}

#[test]
fn an_absence_is_a_gap_unless_somebody_steps_in() {
    let all = [contact(1, None)];
    assert_eq!(found(&all, None, &[absence(3, 6, false)]), Some(Gap { at: days(3), why: Why::Absent }));
    assert_eq!(found(&all, None, &[absence(3, 6, true)]), None);
    assert_eq!(found(&all, None, &[absence(20, 26, false)]), None);
    // It goes on now; over; called off.
    assert_eq!(found(&all, None, &[absence(-2, 6, false)]), Some(Gap { at: now(), why: Why::Absent }));
    assert_eq!(found(&all, None, &[absence(-6, -2, false)]), None);
    let cancelled = contact_absence::Model { cancelled_at: Some(now()), ..absence(3, 6, false) };
    assert_eq!(found(&all, None, &[cancelled]), None);
}

#[test]
fn a_role_that_ran_out_is_a_gap_until_somebody_has_it_and_one_that_was_ended_is_none() {
    let ran_out =
        care_contact::Model { status: Status::Ended, ended_at: Some(days(-1)), ..contact(1, Some(-1)) };
    assert_eq!(found(std::slice::from_ref(&ran_out), None, &[]), Some(Gap { at: days(-1), why: Why::Ends }));
    let planned = care_contact::Model { status: Status::Planned, valid_from: days(3), ..contact(2, None) };
    assert_eq!(found(&[ran_out.clone(), planned], None, &[]), None);
    let ended = care_contact::Model { consultation: Some(care_contact::Consultation::Consulted), ..ran_out };
    assert_eq!(found(&[ended], None, &[]), None);
}
