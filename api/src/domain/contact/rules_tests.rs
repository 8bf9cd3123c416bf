#![allow(clippy::unwrap_used)]

use entity::{CareContactId, CareProviderId, CareUnitId, PatientId};
use uuid::Uuid;

use super::*;

const NOW: &str = "2026-12-01T09:00:00Z";

pub fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

fn asked(role: Role, is_lead: Option<bool>) -> Asked {
    let treating_kind = (role == Role::BehandlandeRoll).then_some(TreatingKind::DiabetesNurse);
    Asked {
        role,
        treating_kind,
        is_lead,
        valid_from: None,
        valid_until: None,
        review_on: None,
        provider: care_provider::Kind::Region,
    }
}

pub fn holder(role: Role, is_lead: bool) -> care_contact::Model {
    care_contact::Model {
        id: CareContactId(Uuid::nil()),
        patient_id: PatientId(Uuid::nil()),
        care_unit_id: CareUnitId(Uuid::nil()),
        care_provider_id: CareProviderId(Uuid::nil()),
        region: "01".into(),
        role,
        treating_kind: None,
        is_lead,
        assignment_id: None,
        name: "Anna Andersson".into(),
        function: "distriktssköterska".into(),
        phone: None,
        how_to_reach: None,
        reach_hours: None,
        status: care_contact::Status::Active,
        valid_from: now(),
        valid_until: None,
        review_on: None,
        appointed_by: Uuid::nil(),
        on_request: false,
        ended_at: None,
        end_reason: None,
        consultation: None,
        told_ground: None,
        follows_id: None,
        row_version: 1,
    }
}

fn fields(asked: &Asked, policy: FixedContactPolicy) -> Vec<String> {
    check(asked, policy, now(), now().date_naive()).into_iter().filter_map(|p| p.field).collect()
}

#[test]
fn where_one_is_allowed_the_first_leads_and_a_second_is_refused() {
    let one = FixedContactPolicy::Single;
    assert!(lead(&asked(Role::FastVardkontakt, None), one, &[], now()).unwrap());
    let held = [holder(Role::FastVardkontakt, true)];
    let refusal = lead(&asked(Role::FastVardkontakt, None), one, &held, now()).unwrap_err();
    assert!(refusal.problem(true).text.sv.contains("redan en fast vårdkontakt med huvudansvar"));
    assert_eq!(refusal.problem(false), taken());
    for stored in [refusal.problem(true), refusal.problem(false)] {
        let stored = serde_json::to_string(&stored).unwrap();
        assert!(!stored.contains("Anna") && !stored.contains("distriktssköterska"), "{stored}");
    }
}

#[test]
fn where_several_are_allowed_one_leads() {
    let several = FixedContactPolicy::SeveralWithLead;
    let held = [holder(Role::FastVardkontakt, true)];
    assert!(lead(&asked(Role::FastVardkontakt, None), several, &[], now()).unwrap());
    assert!(!lead(&asked(Role::FastVardkontakt, None), several, &held, now()).unwrap());
    assert!(!lead(&asked(Role::FastVardkontakt, Some(false)), several, &held, now()).unwrap());
    assert!(lead(&asked(Role::FastVardkontakt, Some(true)), several, &held, now()).is_err());
}

#[test]
fn one_fast_lakarkontakt_and_any_number_of_treating_roles() {
    let several = FixedContactPolicy::SeveralWithLead;
    let doctor = [holder(Role::FastLakarkontakt, false)];
    assert!(lead(&asked(Role::FastLakarkontakt, None), several, &doctor, now()).is_err());
    let treating = [holder(Role::BehandlandeRoll, false)];
    assert!(!lead(&asked(Role::BehandlandeRoll, None), several, &treating, now()).unwrap());
}

#[test]
fn all_problems_of_a_request_are_told_at_once() {
    let bad = Asked {
        treating_kind: Some(TreatingKind::Psychologist),
        valid_from: Some(now() - TimeDelta::days(2)),
        valid_until: Some(now() - TimeDelta::days(3)),
        review_on: NaiveDate::from_ymd_opt(2026, 11, 1),
        ..asked(Role::FastLakarkontakt, Some(true))
    };
    assert_eq!(
        fields(&bad, FixedContactPolicy::Single),
        ["treatingKind", "isLead", "validFrom", "validUntil", "reviewOn"]
    );
    assert_eq!(fields(&asked(Role::FastVardkontakt, Some(false)), FixedContactPolicy::Single), ["isLead"]);
    assert!(
        fields(&asked(Role::FastVardkontakt, Some(false)), FixedContactPolicy::SeveralWithLead).is_empty()
    );
}

#[test]
fn a_successor_may_be_planned_for_when_the_role_is_free_and_not_before() {
    let until = now() + TimeDelta::days(10);
    let held = [care_contact::Model { valid_until: Some(until), ..holder(Role::FastLakarkontakt, false) }];
    let from = |at| Asked { valid_from: Some(at), ..asked(Role::FastLakarkontakt, None) };
    let one = FixedContactPolicy::Single;
    assert!(lead(&from(until), one, &held, now()).is_ok());
    assert!(lead(&from(until - TimeDelta::seconds(1)), one, &held, now()).is_err());
    let planned = [care_contact::Model { valid_from: until, ..holder(Role::FastLakarkontakt, false) }];
    assert!(lead(&asked(Role::FastLakarkontakt, None), one, &planned, now()).is_err());
    let before = Asked { valid_until: Some(until), ..asked(Role::FastLakarkontakt, None) };
    assert!(lead(&before, one, &planned, now()).is_ok());
}

#[test]
fn only_a_municipality_has_a_fast_omsorgskontakt() {
    let ask = asked(Role::FastOmsorgskontakt, None);
    assert_eq!(fields(&ask, FixedContactPolicy::Single), ["role"]);
    let municipal = Asked { provider: care_provider::Kind::Municipality, ..ask };
    assert!(fields(&municipal, FixedContactPolicy::Single).is_empty());
}

#[test]
fn the_patient_is_consulted_and_told_only_on_a_ground() {
    let found = |consultation, ground| {
        let mut problems = Vec::new();
        consulted(consultation, ground, &mut problems);
        problems.len()
    };
    assert_eq!(found(Consultation::Consulted, None), 0);
    assert_eq!(found(Consultation::Told, None), 1);
    assert_eq!(found(Consultation::Told, Some(ToldGround::StaffLeaves)), 0);
    assert_eq!(found(Consultation::Consulted, Some(ToldGround::PatientUnreachable)), 1);
}

#[test]
fn a_title_is_a_doctors_when_one_of_its_words_ends_in_one_of_the_regions() {
    let fits = |title: &str, words: &[&str]| {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let mut problems = Vec::new();
        doctor(Role::FastLakarkontakt, title, &words, "person", &mut problems);
        problems.is_empty()
    };
    for title in [
        "läkare",
        "Läkare",
        "Distriktsläkare",
        "ST-läkare",
        "Specialistläkare i allmänmedicin",
        "AT/ST-LÄKARE",
    ] {
        assert!(fits(title, &["läkare"]), "{title}");
    }
    for title in ["läkarsekreterare", "Sjuksköterska", "Kardiolog", "Läkarens assistent", ""] {
        assert!(!fits(title, &["läkare"]), "{title}");
    }
    assert!(fits("Kardiolog", &["läkare", "kardiolog"]));
    let mut problems = Vec::new();
    doctor(Role::FastVardkontakt, "Sjuksköterska", &["läkare".to_owned()], "person", &mut problems);
    assert!(problems.is_empty(), "another role");
}
