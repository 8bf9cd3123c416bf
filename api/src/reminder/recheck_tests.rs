#![allow(clippy::unwrap_used, clippy::expect_used)]

use entity::{AppointmentId, CareProviderId, CareUnitId, NoticeId, PatientId, access_event::ActorKind};

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn notice() -> notice::Model {
    notice::Model {
        id: NoticeId(Uuid::nil()),
        patient_id: PatientId(Uuid::nil()),
        care_unit_id: CareUnitId(Uuid::nil()),
        care_provider_id: CareProviderId(Uuid::nil()),
        kind: Kind::Reminder,
        rule: "EVENING_BEFORE".to_owned(),
        channel: Channel::Mail,
        contact_way_id: None,
        guardian_reminder_id: None,
        staff_notice_id: None,
        appointment_id: Some(AppointmentId(Uuid::nil())),
        schedule_version: Some(1),
        thread_id: None,
        agreement_id: None,
        due_at: at("2027-02-01T17:00:00Z"),
        useless_at: at("2027-02-02T08:00:00Z"),
        state: State::Claimed,
        reason: None,
        attempts: 1,
        leased_until: None,
        lease_token: None,
        claimed_at: None,
        dedupe_key: String::new(),
        link_hash: None,
        provider_ref: None,
        sent_at: None,
        report_by: None,
        ended_at: None,
        created_at: at("2027-01-01T08:00:00Z"),
        handled_as: None,
        handled_by: None,
        handled_at: None,
    }
}

fn row() -> Now {
    Now {
        status: Some(appointment::Status::Booked),
        schedule_version: Some(1),
        starts_at: Some(at("2027-02-02T08:00:00Z")),
        ends_at: Some(at("2027-02-02T08:30:00Z")),
        cancel_by: Some(at("2027-01-31T23:00:00Z")),
        known_starts_at: None,
        confirmed_at: None,
        language: "sv".to_owned(),
        protected_identity: ProtectedIdentity::None,
        deceased_on: None,
        birth_date: at("1980-01-01T00:00:00Z").date_naive(),
        opted_in: Some(true),
        by_kind: Some(ActorKind::Staff),
        decided_at: None,
        detail: Some(Detail::TimeOnly),
        way_id: None,
        address: None,
        way_status: None,
        unit_name: "Vårdcentralen".to_owned(),
        unit_address: None,
        unit_phone: "+4686174000".to_owned(),
        sensitive: false,
        provider_name: "Region Exempel".to_owned(),
        guardian: None,
        offer: None,
    }
}

fn held(notice: &notice::Model, row: &Now, now: &str) -> Option<(State, &'static str)> {
    match objection(notice, row, at(now), SendingHours::default()) {
        Some(Verdict::Hold { state, reason }) => Some((state, reason)),
        None => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_has_changed_since_planning_holds_the_notice_back() {
    let evening = "2027-02-01T17:00:00Z";
    assert_eq!(held(&notice(), &row(), evening), None);
    let cases = [
        (Now { status: Some(appointment::Status::Cancelled), ..row() }, State::Withdrawn, "CANCELLED"),
        (Now { schedule_version: Some(2), ..row() }, State::Withdrawn, "REBOOKED"),
        (Now { opted_in: Some(false), ..row() }, State::Suppressed, "OPTED_OUT"),
        (Now { opted_in: None, by_kind: None, ..row() }, State::Suppressed, "OPTED_OUT"),
        (Now { confirmed_at: Some(at(evening)), ..row() }, State::Suppressed, "CONFIRMED"),
        (Now { deceased_on: Some("2027-01-15".parse().unwrap()), ..row() }, State::Suppressed, "DECEASED"),
        (
            Now { protected_identity: ProtectedIdentity::Sekretessmarkering, ..row() },
            State::Suppressed,
            "PROTECTED_IDENTITY",
        ),
    ];
    for (row, state, reason) in cases {
        assert_eq!(held(&notice(), &row, evening), Some((state, reason)));
    }
}

#[test]
fn an_offer_that_is_no_longer_open_is_not_told_of() {
    use time_offer::Status;
    let notice = notice::Model { kind: Kind::Offer, rule: "OFFER".to_owned(), ..notice() };
    let offered = |offer| held(&notice, &Now { offer, ..row() }, "2027-02-01T17:00:00Z");
    assert_eq!(offered(Some(Status::Open)), None);
    for over in [None, Some(Status::Accepted), Some(Status::Unanswered), Some(Status::Withdrawn)] {
        assert_eq!(offered(over), Some((State::Withdrawn, "ANSWERED")), "{over:?}");
    }
}

#[test]
fn a_protected_patient_who_asked_in_person_gets_the_notice() {
    let row = Now {
        protected_identity: ProtectedIdentity::SkyddadFolkbokforing,
        by_kind: Some(ActorKind::Patient),
        ..row()
    };
    assert_eq!(held(&notice(), &row, "2027-02-01T17:00:00Z"), None);
}

#[test]
fn a_notice_waits_for_the_morning_unless_the_visit_comes_first() {
    let late = objection(&notice(), &row(), at("2027-02-01T19:30:00Z"), SendingHours::default());
    assert!(matches!(late, Some(Verdict::Later(opens)) if opens == at("2027-02-02T07:00:00Z")));
    let early = notice::Model { useless_at: at("2027-02-02T06:30:00Z"), ..notice() };
    assert_eq!(held(&early, &row(), "2027-02-01T19:30:00Z"), Some((State::Missed, "SENDING_HOURS")));
    assert_eq!(held(&notice(), &row(), "2027-02-02T08:00:00Z"), Some((State::Missed, "TOO_LATE")));
    let confirmation =
        notice::Model { rule: "CONFIRMATION".to_owned(), created_at: at("2027-02-01T19:00:00Z"), ..notice() };
    assert_eq!(held(&confirmation, &row(), "2027-02-01T19:30:00Z"), None);
    let later = objection(&confirmation, &row(), at("2027-02-01T20:00:00Z"), SendingHours::default());
    assert!(matches!(later, Some(Verdict::Later(_))), "an hour later it wakes nobody");
}

#[test]
fn a_moved_time_is_told_as_moved_and_a_cancelled_one_has_a_higher_sequence() {
    let confirmation = notice::Model { rule: "CONFIRMATION".to_owned(), ..notice() };
    let moved = told(&confirmation, Now { schedule_version: Some(2), ..row() }).unwrap();
    assert_eq!((moved.kind, moved.visit.unwrap().sequence), (render::Kind::Moved, 2));
    let cancelled = told(&notice::Model { kind: Kind::Cancellation, ..notice() }, row()).unwrap();
    assert_eq!((cancelled.kind, cancelled.visit.unwrap().sequence), (render::Kind::Cancelled, 2));
}
