//! No gap without a task: planned ends, absences, handover, reviews; and what the register is told.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    CareContactId, assignment, care_contact, care_relation, change_entry, patient, register_event,
    task::{self, Kind, Status},
};
use harness::{Staff, TestApp, TestPatient, relate, world::crowd};
use patientkontrakt::{domain::contact::register, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use super::{CONTACT, appoint, stand, sweep, tasks, to_role};
use crate::acts::{act, global, row};

fn end(contact: &Value, more: Value) -> Value {
    let mut input = json!({
        "contactId": contact["id"], "reason": "Byter mottagning", "consultation": "CONSULTED", "expectedRowVersion": 1,
    });
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    input
}

/// R: ending a role needs a reason and that the patient was consulted; told only on a ground.
#[tokio::test]
async fn the_patient_is_consulted_and_told_only_when_staff_leave_or_cannot_reach_them() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let contact = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    let told = end(&contact, json!({ "consultation": "TOLD" }));
    let answer = act(&app, &s1.identity, "contactEnd", CONTACT, told).await;
    assert_eq!(answer.text("/contactEnd/userErrors/0/field"), "toldGround");
    let told = end(&contact, json!({ "consultation": "TOLD", "toldGround": "STAFF_LEAVES" }));
    act(&app, &s1.identity, "contactEnd", CONTACT, told).await.ok();
    let query =
        "{ me { contacts { name } pastContacts { reason consultation toldGround contact { name state } } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(me.at("/me/contacts"), &json!([]));
    assert_eq!(
        me.at("/me/pastContacts"),
        &json!([{ "reason": "Byter mottagning", "consultation": "TOLD", "toldGround": "STAFF_LEAVES",
                  "contact": { "name": "Stina Exempel", "state": "ENDED" } }])
    );
}

/// A successor is planned ahead; at every moment one holds the role, whether the sweep has run or not.
#[tokio::test]
async fn a_successor_is_planned_ahead_and_takes_over_at_the_moment() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let turn = app.clock.now() + TimeDelta::days(10);
    for role in ["FAST_VARDKONTAKT", "FAST_LAKARKONTAKT"] {
        let first = appoint(&app, s1, to_role(p1, role, s1)).await;
        let mut next = to_role(p1, role, s2);
        next["validFrom"] = json!(turn.to_rfc3339());
        let early = act(&app, &s1.identity, "contactAppoint", CONTACT, next.clone()).await;
        assert_eq!(early.user_error_codes("contactAppoint"), ["CONFLICT"]);
        let planned = end(&first, json!({ "endsAt": turn.to_rfc3339() }));
        act(&app, &s1.identity, "contactEnd", CONTACT, planned).await.ok();
        // Nobody follows yet, and the end is near.
        assert_eq!(stand(&app, Kind::Handover, &first["id"]).await, [Status::Open]);
        let next = appoint(&app, s1, next).await;
        assert_eq!((&next["state"], &next["isActive"]), (&json!("PLANNED"), &json!(false)));
        assert_eq!(stand(&app, Kind::Handover, &first["id"]).await, [Status::Done]);
    }
    let query = "{ me { fixedCareContact { name } contacts { name } plannedContacts { name } } }";
    let me = async || app.run(&p1.identity, query, json!({})).await.ok().at("/me").clone();
    let (stina, sven) = (json!({ "name": "Stina Exempel" }), json!({ "name": "Sven Exempel" }));
    let before =
        json!({ "fixedCareContact": stina, "contacts": [stina, stina], "plannedContacts": [sven, sven] });
    assert_eq!(me().await, before);
    app.clock.set(turn);
    let after = json!({ "fixedCareContact": sven, "contacts": [sven, sven], "plannedContacts": [] });
    assert_eq!(me().await, after);
    sweep(&app).await;
    assert_eq!(me().await, after);
    let stored = care_contact::Entity::find().all(app.core.db.reader()).await.unwrap();
    let of = |status| stored.iter().filter(|contact| contact.status == status).count();
    assert_eq!((of(care_contact::Status::Ended), of(care_contact::Status::Active)), (2, 2));
    // Once more changes nothing.
    sweep(&app).await;
    assert_eq!(care_contact::Entity::find().all(app.core.db.reader()).await.unwrap(), stored);
}

/// R: a planned end without a successor is a handover task before the gap, by the sweep when it comes near.
#[tokio::test]
async fn a_planned_end_far_ahead_becomes_a_task_when_it_comes_near() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let mut input = to_role(p1, "FAST_VARDKONTAKT", s1);
    input["validUntil"] = json!((app.clock.now() + TimeDelta::days(60)).to_rfc3339());
    let contact = appoint(&app, s1, input).await;
    sweep(&app).await;
    assert!(stand(&app, Kind::Handover, &contact["id"]).await.is_empty());
    app.clock.advance(TimeDelta::days(46));
    sweep(&app).await;
    sweep(&app).await;
    assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [Status::Open]);
    // Words alone do not end it while the role lasts: somebody takes over, or the role ends with the patient.
    let named = task::Entity::find().filter(task::Column::Kind.eq(Kind::Handover));
    let open = named.one(app.core.db.reader()).await.unwrap().unwrap();
    let id = global(NodeKind::Task, open.id);
    let words = json!({ "taskId": id, "words": "Det löser sig.", "expectedRowVersion": open.row_version });
    let refused = act(&app, &s1.identity, "taskEnd", "task { canEnd { allowed reason } }", words).await;
    assert_eq!(refused.user_error_codes("taskEnd"), ["WRONG_STATE"]);
    assert_eq!(refused.at("/taskEnd/task/canEnd/allowed"), &json!(false));
    // It ran out with nobody: the task stands until somebody is appointed.
    app.clock.advance(TimeDelta::days(15));
    sweep(&app).await;
    assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [Status::Open]);
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [Status::Done]);
}

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
                 "message": "Stina Exempel är borta till lördag 6 februari 2027. Ring Sven Exempel, sjuksköterska, som ersätter." })
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

/// R: a patient who was only told still has the need: the gap is a task until somebody follows. One who was consulted
/// has agreed.
#[tokio::test]
async fn an_end_of_which_the_patient_was_only_told_is_a_gap_until_somebody_follows() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let leaves = json!({ "consultation": "TOLD", "toldGround": "STAFF_LEAVES" });
    let now = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    act(&app, &s1.identity, "contactEnd", CONTACT, end(&now, leaves.clone())).await.ok();
    let gap = &tasks(&app, Kind::Handover, &now["id"]).await[0];
    assert_eq!((gap.status, gap.due_at, gap.care_unit_id), (Status::Open, app.clock.now(), s1.unit));
    sweep(&app).await;
    assert_eq!(stand(&app, Kind::Handover, &now["id"]).await, [Status::Open]);

    // Planned: the task of the end does not vanish when the end comes.
    for (who, how, then) in [(s2, leaves, Status::Open), (s1, json!({}), Status::Done)] {
        let contact = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", who)).await;
        assert_eq!(stand(&app, Kind::Handover, &now["id"]).await, [Status::Done]);
        let turn = app.clock.now() + TimeDelta::days(10);
        let mut planned = end(&contact, how);
        planned["endsAt"] = json!(turn.to_rfc3339());
        act(&app, &s1.identity, "contactEnd", CONTACT, planned).await.ok();
        assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [Status::Open]);
        app.clock.set(turn);
        sweep(&app).await;
        sweep(&app).await;
        assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [then]);
    }
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

/// R: handover in bulk when staff leave: all roles in one act, everything checked, each patient's record told.
#[tokio::test]
async fn everything_somebody_holds_goes_to_another_in_one_act() {
    let app = TestApp::new().await;
    let (s1, s2) = (&app.world.s1, &app.world.s2);
    let patients = [&app.world.p1, &app.world.p2];
    let mut held = Vec::new();
    for patient in patients {
        relate(&app.core, s1, patient).await;
        held.push(appoint(&app, s1, to_role(patient, "FAST_VARDKONTAKT", s1)).await);
        held.push(appoint(&app, s1, to_role(patient, "FAST_LAKARKONTAKT", s1)).await);
    }
    let input = |contacts: Value| {
        json!({ "fromAssignmentId": global(NodeKind::Assignment, s1.assignment),
                "toAssignmentId": global(NodeKind::Assignment, s2.assignment), "contactIds": contacts, "reason": "Stina slutar" })
    };
    let selection = "contacts { id name role isLead }";
    let unknown = input(json!([held[0]["id"], global(NodeKind::CareContact, uuid::Uuid::new_v4())]));
    let refused = act(&app, &s1.identity, "contactHandover", selection, unknown).await;
    assert_eq!(refused.text("/contactHandover/userErrors/0/field"), "contactIds.1");
    let to_admin = json!({ "fromAssignmentId": global(NodeKind::Assignment, s1.assignment),
        "toAssignmentId": global(NodeKind::Assignment, app.world.admin.assignment), "reason": "Stina slutar" });
    let refused = act(&app, &s1.identity, "contactHandover", selection, to_admin).await;
    assert_eq!(refused.user_error_codes("contactHandover"), ["BAD_USER_INPUT"]);

    let first = act(&app, &s1.identity, "contactHandover", selection, input(json!([held[0]["id"]])));
    let (one, alone) = app.statements(first).await;
    assert_eq!(one.ok().at("/contactHandover/contacts").as_array().unwrap().len(), 1);
    let rest = act(&app, &s1.identity, "contactHandover", selection, input(Value::Null));
    let (three, together) = app.statements(rest).await;
    three.ok();
    // What is looked up about the patients is looked up once; each role is written by itself.
    assert!(together.len() <= alone.len() + 2 * 16, "{together:#?}");
    for patient in patients {
        let query = "{ me { contacts { name isLead } pastContacts { toldGround successor } } }";
        let me = app.run(&patient.identity, query, json!({})).await.ok();
        assert_eq!(
            me.at("/me/contacts"),
            &json!([{ "name": "Sven Exempel", "isLead": true }, { "name": "Sven Exempel", "isLead": false }])
        );
        let past = json!({ "toldGround": "STAFF_LEAVES", "successor": "Sven Exempel" });
        assert_eq!(me.at("/me/pastContacts"), &json!([past, past]));
    }
    let none = act(&app, &s1.identity, "contactHandover", selection, input(Value::Null)).await;
    assert_eq!(none.user_error_codes("contactHandover"), ["CONFLICT"]);
    assert_eq!(register::pending(&app.core).await.unwrap().len(), 4 + 8);
}

/// R: the need is reconsidered: a review day, a task when it comes, and an outcome.
#[tokio::test]
async fn a_review_comes_as_a_task_and_keeps_the_contact_or_ends_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let contact = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    assert_eq!(contact["reviewOn"], "2028-02-01");
    let review = |outcome: Value, row_version: i64| json!({ "contactId": contact["id"], "outcome": outcome, "expectedRowVersion": row_version });
    let keep = |day: &str| json!({ "keep": { "nextReviewOn": day } });
    let past = act(&app, &s1.identity, "contactReview", CONTACT, review(keep("2027-01-01"), 1)).await;
    assert_eq!(past.user_error_codes("contactReview"), ["BAD_USER_INPUT"]);
    let kept = act(&app, &s1.identity, "contactReview", CONTACT, review(keep("2027-03-01"), 1)).await.ok();
    assert_eq!(kept.text("/contactReview/contact/reviewOn"), "2027-03-01");
    let stale = act(&app, &s1.identity, "contactReview", CONTACT, review(keep("2027-03-01"), 1)).await;
    assert_eq!(stale.user_error_codes("contactReview"), ["STALE_ROW_VERSION"]);
    sweep(&app).await;
    assert!(stand(&app, Kind::ContactReview, &contact["id"]).await.is_empty());
    app.clock.set(super::at("2027-03-01T08:00:00+01:00"));
    sweep(&app).await;
    sweep(&app).await;
    assert_eq!(stand(&app, Kind::ContactReview, &contact["id"]).await, [Status::Open]);
    act(&app, &s1.identity, "contactReview", CONTACT, review(keep("2027-09-01"), 2)).await.ok();
    assert_eq!(stand(&app, Kind::ContactReview, &contact["id"]).await, [Status::Done]);
    let over = json!({ "end": { "reason": "Behovet är över", "consultation": "CONSULTED" } });
    let ended = act(&app, &s1.identity, "contactReview", CONTACT, review(over, 3)).await.ok();
    assert_eq!(ended.text("/contactReview/contact/state"), "ENDED");
}

/// R: every appointment and every ending is an event for the population register, with its code, delivered once.
#[tokio::test]
async fn the_register_hears_of_every_appointment_and_ending_with_its_code() {
    use register_event::Change::{Appointed, Ended};

    let app = TestApp::with(&[("region.fixed_contact_policy", "several_with_lead")]).await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let lead = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s2)).await;
    appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s2)).await;
    // Also the fast vårdkontakt may treat.
    let mut treating = to_role(p1, "BEHANDLANDE_ROLL", s1);
    treating["treatingKind"] = json!("HEART_FAILURE_NURSE");
    appoint(&app, s1, treating).await;
    act(&app, &s1.identity, "contactEnd", CONTACT, end(&lead, json!({}))).await.ok();
    let events = register::pending(&app.core).await.unwrap();
    let told: Vec<_> =
        events.iter().map(|event| (event.change, event.code.map(register_event::Code::as_str))).collect();
    assert_eq!(
        told,
        [
            (Appointed, Some("4")),
            (Appointed, Some("1")),
            (Appointed, Some("2")),
            (Appointed, None),
            (Ended, Some("4"))
        ]
    );
    assert_eq!(events[4].contact_id, CareContactId(row(lead["id"].as_str().unwrap())));
    let ids: Vec<_> = events.iter().map(|event| event.id).collect();
    assert_eq!(register::delivered(&app.core, &ids).await.unwrap(), 5);
    assert_eq!(register::delivered(&app.core, &ids).await.unwrap(), 0);
    assert!(register::pending(&app.core).await.unwrap().is_empty());
}

/// The dead have no reviews, and do not stand in the way of the living; what is counted was raised.
#[tokio::test]
async fn the_review_of_somebody_dead_is_neither_raised_nor_found_again() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    relate(&app.core, s1, p1).await;
    relate(&app.core, s1, p2).await;
    let of_the_dead = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    let of_the_living = appoint(&app, s1, to_role(p2, "FAST_VARDKONTAKT", s1)).await;
    // The contact still stands, as one does that was imported after the death.
    patient::Entity::update_many()
        .col_expr(patient::Column::DeceasedOn, Expr::value(app.clock.now().date_naive()))
        .filter(patient::Column::Id.eq(p1.id))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    app.clock.advance(TimeDelta::days(400));
    let (swept, statements) = app.statements(patientkontrakt::domain::sweep::run(&app.core)).await;
    assert_eq!(swept.unwrap().raised, 1);
    assert!(statements.len() < 60, "{}", statements.len());
    assert!(stand(&app, Kind::ContactReview, &of_the_dead["id"]).await.is_empty());
    assert_eq!(stand(&app, Kind::ContactReview, &of_the_living["id"]).await, [Status::Open]);
    assert_eq!(patientkontrakt::domain::sweep::run(&app.core).await.unwrap().raised, 0);
}

/// A role that has begun since it was read stays begun when its end is planned.
#[tokio::test]
async fn a_planned_end_does_not_take_back_that_the_role_has_begun() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let mut input = to_role(p1, "FAST_VARDKONTAKT", s1);
    input["validFrom"] = json!("2027-02-03T08:00:00+01:00");
    let contact = appoint(&app, s1, input).await;
    assert_eq!(contact["state"], "PLANNED");
    app.clock.advance(TimeDelta::days(5));
    let input = end(&contact, json!({ "endsAt": "2027-06-01T08:00:00+02:00" }));
    let answer = act(&app, &s1.identity, "contactEnd", CONTACT, input).await.ok();
    assert_eq!(answer.text("/contactEnd/contact/state"), "ACTIVE");
    let id = CareContactId(row(contact["id"].as_str().unwrap()));
    let stored = care_contact::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(stored.status, care_contact::Status::Active);
}
