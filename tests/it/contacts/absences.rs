//! Who is away, and who steps in: a gap is a task, and the patient sees whom to turn to meanwhile.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    assignment, care_relation, change_entry,
    task::{self, Kind, Status},
};
use harness::{Staff, TestApp, TestPatient, relate, world::crowd};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::{appoint, stand, sweep, tasks, to_role};
use crate::acts::{act, global, row};

const ABSENCE: &str = "absence { id from until message substitute { name } substitutePhone rowVersion }";

/// R: an absence without a substitute is a task before the gap; with one, the patient sees who steps in.
#[tokio::test]
async fn an_absence_is_a_task_until_somebody_steps_in_and_the_patient_sees_who() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let contact = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    let away = |substitute: Value| {
        json!({ "who": { "assignmentId": global(NodeKind::Assignment, s1.assignment) },
                "from": "2027-02-03T00:00:00+01:00", "until": "2027-02-06T00:00:00+01:00", "substituteId": substitute })
    };
    let first = act(&app, &s1.identity, "contactAbsenceRegister", ABSENCE, away(Value::Null)).await.ok();
    assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [Status::Open]);
    let twice = act(&app, &s1.identity, "contactAbsenceRegister", ABSENCE, away(Value::Null)).await;
    assert_eq!(twice.user_error_codes("contactAbsenceRegister"), ["CONFLICT"]);
    let cancel =
        json!({ "absenceId": first.at("/contactAbsenceRegister/absence/id"), "expectedRowVersion": 1 });
    let elsewhere = act(&app, &s2.identity, "contactAbsenceCancel", ABSENCE, cancel.clone()).await;
    assert_eq!(elsewhere.user_error_codes("contactAbsenceCancel"), ["NOT_FOUND"]);
    act(&app, &s1.identity, "contactAbsenceCancel", ABSENCE, cancel).await.ok();
    assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [Status::Done]);

    let own = act(
        &app,
        &s1.identity,
        "contactAbsenceRegister",
        ABSENCE,
        away(json!(global(NodeKind::Assignment, s1.assignment))),
    )
    .await;
    assert_eq!(own.text("/contactAbsenceRegister/userErrors/0/field"), "substituteId");
    let covered = away(json!(global(NodeKind::Assignment, s2.assignment)));
    let covered =
        act(&app, &app.world.manager.identity, "contactAbsenceRegister", ABSENCE, covered).await.ok();
    assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [Status::Done]);
    let relations = care_relation::Entity::find()
        .filter(care_relation::Column::SubjectId.eq(row(&covered.text("/contactAbsenceRegister/absence/id"))))
        .all(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!((relations.len(), relations[0].care_unit_id), (1, s2.unit));
    let query = "{ me { fixedCareContact { absence { message } } whoToContact(at: \"2027-02-03T09:00:00+01:00\") { kind message until } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(
        me.text("/me/fixedCareContact/absence/message"),
        "Stina Exempel är borta från onsdag 3 februari 2027 till lördag 6 februari 2027, Sven Exempel ersätter."
    );
    assert_eq!(
        me.at("/me/whoToContact"),
        &json!({ "kind": "SUBSTITUTE", "until": "2027-02-03T16:00:00+00:00",
                 "message": "Stina Exempel är borta till lördag 6 februari 2027. Ring Sven Exempel, läkare, som ersätter." })
    );
}

/// Gives an assignment an end, or none.
async fn leaves(app: &TestApp, who: &Staff, at: Option<DateTime<Utc>>) {
    let changed = assignment::Entity::update_many()
        .col_expr(assignment::Column::ValidUntil, Expr::value(at))
        .filter(assignment::Column::Id.eq(who.assignment));
    assert_eq!(changed.exec(app.core.db.reader()).await.unwrap().rows_affected, 1);
}

/// An absence of everything that `who` holds, from one day of 2027 to another, registered by themself.
async fn gone(app: &TestApp, who: &Staff, (from, until): (&str, &str), substitute: Option<&Staff>) -> Value {
    let input = json!({
        "who": { "assignmentId": global(NodeKind::Assignment, who.assignment) },
        "from": format!("2027-{from}T00:00:00+01:00"), "until": format!("2027-{until}T00:00:00+01:00"),
        "substituteId": substitute.map(|s| global(NodeKind::Assignment, s.assignment)),
    });
    let answer = act(app, &who.identity, "contactAbsenceRegister", ABSENCE, input).await.ok();
    answer.at("/contactAbsenceRegister/absence").clone()
}

/// R: a substitute who is away too is none: the gap is a task at once, and the patient is not told to ring them.
#[tokio::test]
async fn a_substitute_who_is_away_too_is_a_gap_at_once_until_they_are_back() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let contact = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    gone(&app, s1, ("02-03", "02-06"), Some(s2)).await;
    assert!(stand(&app, Kind::Handover, &contact["id"]).await.is_empty());
    let told = || {
        let of = change_entry::Column::Action.eq("contactAbsenceRegister");
        change_entry::Entity::find().filter(of).count(app.core.db.reader())
    };
    assert_eq!(told().await.unwrap(), 1);
    let also = gone(&app, s2, ("02-04", "02-05"), None).await;
    let open = tasks(&app, Kind::Handover, &contact["id"]).await;
    let due: Vec<_> = open.iter().map(|task| (task.status, task.due_at)).collect();
    assert_eq!(due, [(Status::Open, super::at("2027-02-04T00:00:00+01:00"))]);
    assert_eq!(told().await.unwrap(), 1, "that the contact is away was told before");
    let whom = async |day: &str| {
        let query = format!(
            "{{ me {{ whoToContact(at: \"2027-{day}T09:00:00+01:00\") {{ kind message until }} }} }}"
        );
        app.run(&p1.identity, &query, json!({})).await.ok().at("/me/whoToContact").clone()
    };
    assert_eq!(whom("02-03").await["kind"], "SUBSTITUTE");
    assert_eq!(
        whom("02-04").await,
        json!({ "kind": "UNIT", "until": "2027-02-04T16:00:00+00:00",
                "message": "Stina Exempel är borta till lördag 6 februari 2027. Ring Vårdcentralen Granen." })
    );
    assert_eq!(whom("02-05").await["kind"], "SUBSTITUTE");
    let query = "{ me { fixedCareContact { absence { message substitute { name } } } } }";
    let words = async || {
        let me = app.run(&p1.identity, query, json!({})).await.ok();
        me.at("/me/fixedCareContact/absence").clone()
    };
    assert_eq!(words().await["substitute"]["name"], "Sven Exempel", "there for a part of it");
    // Once what is left of it is the time in which both are away.
    app.clock.set(super::at("2027-02-04T09:00:00+01:00"));
    let more = gone(&app, s2, ("02-05", "02-07"), None).await;
    assert_eq!(
        words().await,
        json!({ "substitute": null,
                "message": "Stina Exempel är borta från onsdag 3 februari 2027 till lördag 6 februari 2027. Ring mottagningen." })
    );
    for absence in [also, more] {
        let cancel = json!({ "absenceId": absence["id"], "expectedRowVersion": 1 });
        act(&app, &s2.identity, "contactAbsenceCancel", ABSENCE, cancel).await.ok();
    }
    assert!(!stand(&app, Kind::Handover, &contact["id"]).await.contains(&Status::Open));
    assert_eq!(words().await["substitute"]["name"], "Sven Exempel");
}

/// R: nor is one who leaves. The sweep finds both as they come near.
#[tokio::test]
async fn the_sweep_finds_a_substitute_who_leaves_or_will_be_away_too() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let contact = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    let open = async || {
        let all = tasks(&app, Kind::Handover, &contact["id"]).await;
        let open = all.into_iter().filter(|task| task.status == Status::Open);
        open.map(|task| task.due_at).collect::<Vec<_>>()
    };
    gone(&app, s1, ("02-03", "02-06"), Some(s2)).await;
    let end = super::at("2027-02-05T00:00:00+01:00");
    leaves(&app, s2, Some(end)).await;
    sweep(&app).await;
    assert_eq!(open().await, [end]);
    leaves(&app, s2, None).await;
    sweep(&app).await;
    assert!(open().await.is_empty());

    gone(&app, s1, ("03-03", "03-06"), Some(s2)).await;
    gone(&app, s2, ("03-04", "03-05"), None).await;
    sweep(&app).await;
    assert!(open().await.is_empty(), "far ahead");
    app.clock.advance(TimeDelta::days(20));
    sweep(&app).await;
    sweep(&app).await;
    assert_eq!(open().await, [super::at("2027-03-04T00:00:00+01:00")]);
}

/// R: of two absences of one contact at once, the one in which somebody steps in counts.
#[tokio::test]
async fn an_absence_of_the_contact_alone_does_not_hide_who_steps_in_for_the_person() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let contact = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    let alone = json!({ "who": { "contactId": contact["id"] },
                        "from": "2027-02-02T00:00:00+01:00", "until": "2027-02-06T00:00:00+01:00" });
    act(&app, &s1.identity, "contactAbsenceRegister", ABSENCE, alone).await.ok();
    gone(&app, s1, ("02-03", "02-05"), Some(s2)).await;
    let due = async || {
        let all = tasks(&app, Kind::Handover, &contact["id"]).await;
        all.into_iter().map(|task| (task.status, task.due_at)).collect::<Vec<_>>()
    };
    let first = super::at("2027-02-02T00:00:00+01:00");
    assert_eq!(due().await, [(Status::Open, first)]);
    let whom = async |day: &str| {
        let query = format!("{{ me {{ whoToContact(at: \"2027-{day}T09:00:00+01:00\") {{ name }} }} }}");
        app.run(&p1.identity, &query, json!({})).await.ok().text("/me/whoToContact/name")
    };
    assert_eq!(whom("02-02").await, "Vårdcentralen Granen");
    assert_eq!(whom("02-03").await, "Sven Exempel");
    assert_eq!(whom("02-05").await, "Vårdcentralen Granen");
    // While Sven steps in, the gap that is left is the day after.
    app.clock.set(super::at("2027-02-03T10:00:00+01:00"));
    sweep(&app).await;
    let last = super::at("2027-02-05T00:00:00+01:00");
    assert_eq!(due().await, [(Status::Superseded, first), (Status::Open, last)]);
    let query = "{ me { fixedCareContact { absence { message } } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(
        me.text("/me/fixedCareContact/absence/message"),
        "Stina Exempel är borta från onsdag 3 februari 2027 till fredag 5 februari 2027, Sven Exempel ersätter."
    );
}

/// The absence of somebody who holds many roles is one act, and costs as many statements for sixty patients as for one:
/// to register it, with and without a substitute, and to take it back.
#[tokio::test]
async fn an_absence_costs_as_many_statements_for_sixty_patients_as_for_one() {
    let app = TestApp::new().await;
    let (s1, s2, coordinator) = (&app.world.s1, &app.world.s2, &app.world.coordinator);
    let patients = crowd(&app.core, &app.world.p1, 60).await;
    let hold = async |patients: &[TestPatient]| {
        for patient in patients {
            relate(&app.core, s1, patient).await;
            appoint(&app, s1, to_role(patient, "FAST_VARDKONTAKT", coordinator)).await;
        }
    };
    // What registering costs, what is open and opened then, and what taking it back costs.
    let away = async |day: &str, substitute: Value| {
        let name = "contactAbsenceRegister";
        let input = json!({ "who": { "assignmentId": global(NodeKind::Assignment, coordinator.assignment) },
            "from": format!("2027-02-{day}T00:00:00+01:00"), "until": format!("2027-02-{day}T12:00:00+01:00"),
            "substituteId": substitute });
        let (answer, registered) = app.statements(act(&app, &s1.identity, name, ABSENCE, input)).await;
        let absence = answer.ok().at(&format!("/{name}/absence/id")).clone();
        let gaps = handovers(&app, Status::Open).await;
        let reached = care_relation::Entity::find()
            .filter(care_relation::Column::SubjectId.eq(row(absence.as_str().unwrap())))
            .filter(care_relation::Column::CareUnitId.eq(s2.unit));
        let reached = reached.count(app.core.db.reader()).await.unwrap();
        let told = change_entry::Entity::find().filter(change_entry::Column::Action.eq(name));
        let told = told.count(app.core.db.reader()).await.unwrap();
        let cancel = json!({ "absenceId": absence, "expectedRowVersion": 1 });
        let cancelled = act(&app, &s1.identity, "contactAbsenceCancel", ABSENCE, cancel);
        let (answer, cancelled) = app.statements(cancelled).await;
        answer.ok();
        assert_eq!(handovers(&app, Status::Open).await, 0);
        ((registered.len(), cancelled.len()), (gaps, reached, told))
    };
    let by = json!(global(NodeKind::Assignment, s2.assignment));
    hold(&patients[..1]).await;
    let ((alone, counts), (covered, with)) = (away("03", Value::Null).await, away("03", by.clone()).await);
    assert_eq!((counts, with), ((1, 0, 1), (0, 1, 2)));
    hold(&patients[1..]).await;
    let ((alone_of_many, counts), (covered_of_many, with)) =
        (away("04", Value::Null).await, away("04", by).await);
    assert_eq!((counts, with), ((60, 0, 62), (0, 60, 122)));
    assert_eq!((alone_of_many, covered_of_many), (alone, covered), "statements to register and to take back");
    assert_eq!(handovers(&app, Status::Done).await, 61);
}

/// How many handover tasks stand so.
async fn handovers(app: &TestApp, status: Status) -> u64 {
    let found = task::Entity::find()
        .filter(task::Column::Kind.eq(Kind::Handover))
        .filter(task::Column::Status.eq(status));
    found.count(app.core.db.reader()).await.unwrap()
}
