#![allow(clippy::unwrap_used)]

use GuaranteeKind::{Assessment, DecidedTreatment, FirstContact, FirstSpecialistVisit};
use PauseKind::{Medical, PatientChosen};

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn pause(kind: PauseKind, from: &str, until: Option<&str>) -> Pause {
    Pause { kind, from: day(from), until: until.map(day) }
}

fn last(kind: GuaranteeKind, from: &str, pauses: &[Pause]) -> Option<NaiveDate> {
    clock(&Guarantee::default(), kind, day(from), pauses, None, day(from)).last_day
}

/// "0-3-90-90, calendar days": over weekends, holidays, the ends of months and the leap day.
#[test]
fn the_days_are_calendar_days_over_every_border() {
    assert_eq!(last(FirstContact, "2027-12-24", &[]), Some(day("2027-12-24")));
    assert_eq!(last(Assessment, "2027-12-30", &[]), Some(day("2028-01-02")));
    assert_eq!(last(FirstSpecialistVisit, "2027-12-01", &[]), Some(day("2028-02-29")));
    assert_eq!(last(DecidedTreatment, "2028-02-29", &[]), Some(day("2028-05-29")));
    assert_eq!(last(DecidedTreatment, "2027-02-28", &[]), Some(day("2027-05-29")));
    assert_eq!(last(DecidedTreatment, "2026-12-31", &[]), Some(day("2027-03-31")));
}

/// "Patient-chosen and medical waiting excluded."
#[test]
fn waiting_that_the_patient_chose_or_that_is_medically_needed_does_not_count() {
    let ten = pause(PatientChosen, "2027-07-01", Some("2027-07-10"));
    assert_eq!(last(Assessment, "2027-06-30", &[ten]), Some(day("2027-07-13")));
    // Two reasons for the same days are the same days.
    let same = pause(Medical, "2027-07-05", Some("2027-07-12"));
    assert_eq!(last(Assessment, "2027-06-30", &[ten, same]), Some(day("2027-07-15")));
    // A pause after the last day changes nothing; one that begins on the day of the start moves day 0.
    let after = pause(PatientChosen, "2027-07-04", Some("2027-08-01"));
    assert_eq!(last(Assessment, "2027-06-30", &[after]), Some(day("2027-07-03")));
    let first = pause(Medical, "2027-06-30", Some("2027-07-01"));
    assert_eq!(last(FirstContact, "2027-06-30", &[first]), Some(day("2027-07-02")));
    let over_leap_day = pause(PatientChosen, "2028-02-20", Some("2028-03-01"));
    assert_eq!(last(FirstSpecialistVisit, "2027-12-01", &[over_leap_day]), Some(day("2028-03-11")));
}

#[test]
fn a_region_that_counts_such_waiting_has_its_way() {
    let strict = Guarantee { patient_chosen_excluded: false, ..Guarantee::default() };
    let chosen = pause(PatientChosen, "2027-07-01", None);
    let at = clock(&strict, Assessment, day("2027-06-30"), &[chosen], None, day("2027-07-01"));
    assert_eq!((at.last_day, at.paused), (Some(day("2027-07-03")), false));
}

#[test]
fn a_pause_until_further_notice_has_no_last_day_and_nothing_is_broken_meanwhile() {
    let endless = pause(Medical, "2027-07-02", None);
    let at = clock(&Guarantee::default(), Assessment, day("2027-06-30"), &[endless], None, day("2027-12-01"));
    assert_eq!(at, Clock { last_day: None, days_left: None, kept: None, paused: true });
    let done = clock(
        &Guarantee::default(),
        Assessment,
        day("2027-06-30"),
        &[endless],
        Some(day("2027-11-01")),
        day("2027-12-01"),
    );
    assert_eq!(done.kept, Some(true));
}

#[test]
fn it_tells_the_days_left_and_whether_it_was_kept() {
    let read = |done: Option<&str>, today: &str| {
        clock(&Guarantee::default(), DecidedTreatment, day("2027-01-01"), &[], done.map(day), day(today))
    };
    assert_eq!(read(None, "2027-01-01").days_left, Some(90));
    assert_eq!(read(None, "2027-03-31").days_left, Some(1));
    let on_the_last = read(None, "2027-04-01");
    assert_eq!((on_the_last.days_left, on_the_last.kept), (Some(0), None));
    assert_eq!(read(None, "2027-04-02").kept, Some(false));
    assert_eq!(read(Some("2027-04-01"), "2027-05-01").kept, Some(true));
    assert_eq!(read(Some("2027-04-02"), "2027-05-01").kept, Some(false));
    assert_eq!(read(Some("2027-04-02"), "2027-05-01").days_left, None);
    let paused = pause(PatientChosen, "2027-02-01", Some("2027-02-10"));
    let at =
        clock(&Guarantee::default(), DecidedTreatment, day("2027-01-01"), &[paused], None, day("2027-01-31"));
    assert_eq!((at.last_day, at.days_left), (Some(day("2027-04-11")), Some(60)));
}

/// "Runs only for first contact, assessment, first specialist visit and decided treatment, not for follow-ups."
#[test]
fn it_never_runs_for_a_follow_up_or_for_what_the_patient_does() {
    assert!(may_run(Owner::Care, Category::Treatment).is_ok());
    assert!(may_run(Owner::Care, Category::FollowUp).is_err());
    assert!(may_run(Owner::Patient, Category::Treatment).is_err());
}
