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
    let people = People::default();
    let held =
        Held { contact: &all[0], leaves_at: leaves.map(days), absences, people: &people, asked: false };
    gap(&held, all, now(), days(14))
}

/// The gap of one contact whose substitute is away in these times, and leaves then.
fn covered(
    absences: &[contact_absence::Model],
    away: &[(i64, i64)],
    leaves: Option<i64>,
) -> Option<DateTime<Utc>> {
    let substitute = AssignmentId(Uuid::from_u128(9));
    let spans = away.iter().map(|(from, until)| (days(*from), days(*until))).collect();
    let people = People {
        leaving: leaves.map(|at| (substitute, days(at))).into_iter().collect(),
        away: HashMap::from([(substitute, spans)]),
    };
    let all = [contact(1, None)];
    let held = Held { contact: &all[0], leaves_at: None, absences, people: &people, asked: false };
    let found = gap(&held, &all, now(), days(14))?;
    assert_eq!(found.why, Why::Absent);
    Some(found.at)
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

/// When the substitute is away and when they leave, and from when there is a gap: days from now.
type Case<'a> = (&'a [(i64, i64)], Option<i64>, Option<i64>);

#[test]
fn a_substitute_who_is_away_too_or_leaves_is_a_gap_from_that_moment() {
    let absences = [absence(3, 9, true)];
    let cases: [Case<'_>; 10] = [
        (&[], None, None),
        (&[(5, 6)], None, Some(5)),
        (&[(2, 4)], None, Some(3)),
        (&[(1, 20)], None, Some(3)),
        (&[(7, 8), (5, 6)], None, Some(5)),
        (&[(1, 3), (9, 12)], None, None),
        (&[], Some(7), Some(7)),
        (&[], Some(2), Some(3)),
        (&[], Some(9), None),
        (&[(5, 6)], Some(7), Some(5)),
    ];
    for (away, leaves, gap) in cases {
        assert_eq!(covered(&absences, away, leaves), gap.map(days), "{away:?} {leaves:?}");
    }
    // Of what goes on: the time in which the substitute was away is over, or still goes on.
    let absences = [absence(-4, 9, true)];
    assert_eq!(covered(&absences, &[(-3, -1)], None), None);
    assert_eq!(covered(&absences, &[(-3, 2)], None), Some(now()));
    assert_eq!(covered(&absences, &[(-3, -1), (4, 5)], None), Some(days(4)));
}

#[test]
fn an_absence_is_no_gap_while_somebody_steps_in_by_another_of_the_same_contact() {
    let alone = absence(3, 9, false);
    assert_eq!(covered(&[alone.clone(), absence(2, 9, true)], &[], None), None);
    assert_eq!(covered(&[absence(3, 12, true), alone.clone()], &[], None), None);
    assert_eq!(covered(&[alone.clone(), absence(5, 12, true)], &[], None), Some(days(3)));
    assert_eq!(covered(&[absence(1, 5, true), alone.clone()], &[], None), Some(days(5)));
    assert_eq!(covered(&[alone.clone(), absence(2, 9, true)], &[(4, 6)], None), Some(days(4)));
    let cancelled = contact_absence::Model { cancelled_at: Some(now()), ..absence(2, 9, true) };
    assert_eq!(covered(&[cancelled, alone], &[], None), Some(days(3)));
}

#[test]
fn a_role_of_which_the_patient_was_only_told_is_a_gap_until_somebody_has_it_or_it_is_asked_for() {
    let told = |contact| care_contact::Model {
        status: Status::Ended,
        ended_at: Some(days(-1)),
        consultation: Some(Consultation::Told),
        ..contact
    };
    let ends = Some(Gap { at: days(-1), why: Why::Ends });
    let lead = told(contact(1, None));
    assert_eq!(found(std::slice::from_ref(&lead), None, &[]), ends);
    let people = People::default();
    let asked = Held { contact: &lead, leaves_at: None, absences: &[], people: &people, asked: true };
    assert_eq!(gap(&asked, std::slice::from_ref(&lead), now(), days(14)), None);
    let at = |provider: u128, contact| care_contact::Model {
        care_provider_id: entity::CareProviderId(Uuid::from_u128(provider)),
        ..contact
    };
    assert_eq!(found(&[lead.clone(), at(1, contact(2, None))], None, &[]), None, "whoever employs them");
    // A treating role is its care provider's.
    let nurse = |id| care_contact::Model {
        role: Role::BehandlandeRoll,
        treating_kind: Some(care_contact::TreatingKind::DiabetesNurse),
        is_lead: false,
        ..contact(id, None)
    };
    assert_eq!(found(&[told(nurse(1)), nurse(2)], None, &[]), None);
    assert_eq!(found(&[told(nurse(1)), at(1, nurse(2))], None, &[]), ends);
}

#[test]
fn a_successor_beyond_the_lead_time_hides_no_gap_of_which_the_patient_was_only_told() {
    let told = care_contact::Model {
        status: Status::Ended,
        ended_at: Some(days(-1)),
        consultation: Some(Consultation::Told),
        ..contact(1, None)
    };
    let successor = |from: i64| care_contact::Model {
        status: Status::Planned,
        valid_from: days(from),
        ..contact(2, None)
    };
    assert_eq!(found(&[told.clone(), successor(14)], None, &[]), None);
    assert_eq!(found(&[told, successor(15)], None, &[]), Some(Gap { at: days(-1), why: Why::Ends }));
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
