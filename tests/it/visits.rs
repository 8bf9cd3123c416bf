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
                                          "message": "Inget patientkontrakt hos er; fråga patienten." })
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

/// "Staff who may not see an existing one get only the neutral 'fråga patienten'": what another care provider has is
/// neither told of nor denied, neither beside a visit nor in the four parts.
#[tokio::test]
async fn what_another_care_provider_has_is_neither_told_of_nor_denied() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    active(&app, s3, p1).await;
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_LAKARKONTAKT",
                        "person": { "assignmentId": global(NodeKind::Assignment, s3.assignment) } });
    act(&app, &s3.identity, "contactAppoint", "contact { id }", input).await.ok();
    relate(&app.core, s1, p1).await;
    let parts = "query($id: ID!) { node(id: $id) { ... on Patient { parts { missing { code message } } } } }";
    let seen = app.run(&s1.identity, parts, json!({ "id": p1.global_id() })).await.ok();
    let messages = |parts: &Value, field: &str| -> Vec<String> {
        let all = parts.as_array().unwrap().iter().flat_map(|part| part["missing"].as_array().unwrap());
        all.map(|missing| missing[field].as_str().unwrap().to_owned()).collect()
    };
    let told = messages(seen.at("/node/parts"), "message");
    let codes = messages(seen.at("/node/parts"), "code");
    assert_eq!(codes, ["AGREEMENT", "FIXED_CONTACT", "FIXED_DOCTOR", "BOOKED_TIME", "PLAN_ITEMS"]);
    assert!(told.iter().all(|text| text.ends_with("hos er; fråga patienten.")), "{told:?}");

    book(&app, s1, p1, &["2027-02-15T09:00"]).await;
    let visit = visits(&app, s1, "2027-02-15").await.remove(0);
    let told: Vec<_> =
        visit["gaps"].as_array().unwrap().iter().map(|gap| gap["message"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "Inget patientkontrakt hos er; fråga patienten.",
            "Ingen fast vårdkontakt hos er; fråga patienten.",
            "Ingen fast läkarkontakt hos er; fråga patienten.",
            "Ingen tid är bokad hos er efter besöket; fråga patienten.",
            "Inget nästa steg hos er efter besöket; fråga patienten.",
            "Inga svar hos er på frågorna inför besöket.",
        ]
    );
    // The patient sees everything, and is told plainly - and as "du".
    let own = app.run(&p1.identity, "{ me { parts { missing { code message } } } }", json!({})).await.ok();
    let told = messages(own.at("/me/parts"), "message");
    assert!(told.contains(&"Fast vårdkontakt saknas.".to_owned()), "{told:?}");
    assert!(
        !told
            .iter()
            .any(|text| text.contains("fråga patienten") || text.contains("Det finns inget patientkontrakt"))
    );
}

#[tokio::test]
async fn what_matters_is_asked_of_the_patient_as_you() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = json!({ "patientId": p1.global_id(), "title": "Min plan" });
    act(&app, &s1.identity, "agreementCreate", "agreement { id }", input).await.ok();
    let own = app.run(&p1.identity, "{ me { parts { missing { message } } } }", json!({})).await.ok();
    assert!(own.body.to_string().contains("Vad som är viktigt för dig saknas."), "{}", own.body);
    let query = "query($id: ID!) { node(id: $id) { ... on Patient { parts { missing { message } } } } }";
    let staff = app.run(&s1.identity, query, json!({ "id": p1.global_id() })).await.ok();
    assert!(staff.body.to_string().contains("Vad som är viktigt för patienten saknas."), "{}", staff.body);
}

/// A recurrence without end has a time and is a step after every visit; without it, there is neither.
#[tokio::test]
async fn a_recurrence_without_end_is_an_item_with_a_time_and_a_step_after_the_visit() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let rule = json!({ "recurrence": { "rule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=FR", "from": "2027-02-05" } });
    let items = [json!({ "title": "Samtal varannan fredag", "timing": rule })];
    crate::plan_life::active_with(&app, s1, p1, &items).await;
    book(&app, s1, p1, &["2027-04-15T09:00"]).await;
    let visit = visits(&app, s1, "2027-04-15").await.remove(0);
    let missing = kinds(&visit);
    assert!(!missing.contains(&"ITEM_WITHOUT_TIME"), "{missing:?}");
    assert!(!missing.contains(&"NO_NEXT_STEP_AFTER_VISIT"), "{missing:?}");
    assert!(missing.contains(&"NO_TIME_AFTER_VISIT"), "{missing:?}");
    let input = json!({ "reason": "Behövs inte" });
    crate::plan_life::on_item(&app, &s1.identity, p1, "Samtal varannan fredag", "planItemCancel", input)
        .await
        .ok();
    let visit = visits(&app, s1, "2027-04-15").await.remove(0);
    assert!(kinds(&visit).contains(&"NO_NEXT_STEP_AFTER_VISIT"));
}
