//! The visits of a day: what is missing stands beside who comes.

use entity::{CareContactId, care_contact, patient};
use harness::{Staff, TestApp, TestPatient, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use crate::acts::{act, active, global};

const VISITS: &str = "query($u: ID!, $d: Date) { careUnit(id: $u) { visitsOn(date: $d) { nodes { \
     appointment { startsAt } patient { givenName } interpreterLanguage gaps { kind part message } } } } }";

async fn visits(app: &TestApp, who: &Staff, day: &str) -> Vec<Value> {
    let variables = json!({ "u": global(NodeKind::CareUnit, who.unit), "d": day });
    let answer = app.run(&who.identity, VISITS, variables).await.ok();
    answer.at("/careUnit/visitsOn/nodes").as_array().unwrap().clone()
}

fn kinds(visit: &Value) -> Vec<&str> {
    visit["gaps"].as_array().unwrap().iter().map(|gap| gap["kind"].as_str().unwrap()).collect()
}

/// Times at the unit, booked for the patient by staff.
async fn book(app: &TestApp, staff: &Staff, patient: &TestPatient, times: &[&str]) {
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "startsLocal": times });
    let slots = act(app, &staff.identity, "slotPublish", "slots { id }", input).await.ok();
    for slot in slots.at("/slotPublish/slots").as_array().unwrap() {
        let input =
            json!({ "patientId": patient.global_id(), "slotId": slot["id"], "bookingChannel": "PHONE" });
        act(app, &staff.identity, "appointmentBook", "appointment { id }", input).await.ok();
    }
}

#[tokio::test]
async fn a_visit_tells_what_is_missing_for_who_comes() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    active(&app, s1, p1).await;
    relate(&app.core, s1, p2).await;
    let interpreted = patient::ActiveModel {
        id: sea_orm::ActiveValue::Unchanged(p2.id),
        interpreter_language: sea_orm::ActiveValue::Set(Some("so".to_owned())),
        ..Default::default()
    };
    interpreted.update(app.core.db.reader()).await.unwrap();
    book(&app, s1, p1, &["2027-02-15T09:00", "2027-03-15T09:00"]).await;
    book(&app, s1, p2, &["2027-02-15T08:00", "2027-02-16T00:00"]).await;

    let day = visits(&app, s1, "2027-02-15").await;
    let names: Vec<_> = day.iter().map(|visit| visit["patient"]["givenName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Tvåa", "Etta"], "in order of time, and of that day only");
    // P2 has nothing but a time the day after.
    assert_eq!(
        kinds(&day[0]),
        ["NO_AGREEMENT", "NO_FIXED_CONTACT", "NO_FIXED_DOCTOR", "QUESTIONS_UNANSWERED", "INTERPRETER_NEEDED"]
    );
    assert_eq!(day[0]["interpreterLanguage"], "so");
    assert_eq!(
        day[0]["gaps"][0],
        json!({ "kind": "NO_AGREEMENT", "part": "AGREEMENT",
                                          "message": "Det finns inget patientkontrakt." })
    );
    // P1 has a plan in force that lacks some, and a later time.
    assert_eq!(
        kinds(&day[1]),
        ["NO_GOALS", "NO_WHEN_TO_SEEK_HELP", "NO_FIXED_CONTACT", "NO_FIXED_DOCTOR", "QUESTIONS_UNANSWERED"]
    );
    // At the last visit nothing follows: its items are due before it.
    let last = visits(&app, s1, "2027-03-15").await;
    let missing = kinds(&last[0]);
    assert!(
        missing.contains(&"NO_TIME_AFTER_VISIT") && missing.contains(&"NO_NEXT_STEP_AFTER_VISIT"),
        "{missing:?}"
    );
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT",
                        "person": { "assignmentId": global(NodeKind::Assignment, s1.assignment) } });
    let appointed = act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    assert!(!kinds(&visits(&app, s1, "2027-03-15").await[0]).contains(&"NO_FIXED_CONTACT"));
    // A contact that has ended is none.
    let id = CareContactId(crate::acts::row(&appointed.text("/contactAppoint/contact/id")));
    care_contact::Entity::update_many()
        .col_expr(care_contact::Column::ValidFrom, Expr::value(app.clock.now() - chrono::TimeDelta::days(1)))
        .col_expr(care_contact::Column::ValidUntil, Expr::value(app.clock.now()))
        .filter(care_contact::Column::Id.eq(id))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    assert!(kinds(&visits(&app, s1, "2027-03-15").await[0]).contains(&"NO_FIXED_CONTACT"));
}

#[tokio::test]
async fn the_visits_of_a_day_are_for_the_units_own_staff() {
    let app = TestApp::new().await;
    let (world, unit) = (&app.world, global(NodeKind::CareUnit, app.world.s1.unit));
    relate(&app.core, &world.s1, &world.p1).await;
    book(&app, &world.s1, &world.p1, &["2027-02-15T09:00"]).await;
    for who in [&world.p1.identity, &world.s2.identity, &world.s3.identity, &world.analyst.identity] {
        let answer = app.run(who, VISITS, json!({ "u": unit, "d": "2027-02-15" })).await;
        assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
        assert!(!answer.body.to_string().contains("Etta"));
    }
    assert_eq!(visits(&app, &world.coordinator, "2027-02-15").await.len(), 1);
}

#[tokio::test]
async fn the_visits_of_a_day_cost_one_statement_for_one_and_for_many() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    active(&app, s1, p1).await;
    relate(&app.core, s1, p2).await;
    let variables = json!({ "u": global(NodeKind::CareUnit, s1.unit), "d": "2027-02-15" });
    for (times, rows) in [(&["2027-02-15T09:00"][..], 1), (&["2027-02-15T10:00", "2027-02-15T11:00"], 3)] {
        book(&app, s1, if rows == 1 { p1 } else { p2 }, times).await;
        app.run(&s1.identity, VISITS, variables.clone()).await.ok();
        let (answer, statements) = app.statements(app.run(&s1.identity, VISITS, variables.clone())).await;
        assert_eq!(answer.ok().at("/careUnit/visitsOn/nodes").as_array().unwrap().len(), rows);
        assert_eq!(statements.len(), 1, "{statements:#?}");
    }
}
