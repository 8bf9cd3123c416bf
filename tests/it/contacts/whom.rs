//! Whom to turn to, when messages are read, and who may be a contact.

use chrono::TimeDelta;
use harness::{TestApp, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use serde_json::{Value, json};

use super::{CONTACT, appoint, to_role};
use crate::acts::{act, global};

const WHOM: &str = "query($at: DateTime, $about: TreatingKind) { me { whoToContact(at: $at, concerning: $about) \
    { emergency kind name phone message until contact { name } ownContactOpensAt } } }";

#[tokio::test]
async fn the_answer_follows_hour_weekday_holiday_and_what_it_concerns() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let mut lead = to_role(p1, "FAST_VARDKONTAKT", s1);
    lead["takesCalls"] = json!([{ "weekdays": ["MONDAY", "TUESDAY"], "from": "09:00", "until": "11:00" }]);
    appoint(&app, s1, lead).await;
    let named = json!({
        "patientId": p1.global_id(), "role": "BEHANDLANDE_ROLL", "treatingKind": "DIABETES_NURSE",
        "person": { "named": { "name": "Dia Exempel", "function": "diabetessjuksköterska", "phone": "070-174 06 05" } },
    });
    appoint(&app, s1, named).await;
    let whom = async |at: &str, about: Value| {
        let answer = app.run(&p1.identity, WHOM, json!({ "at": at, "about": about })).await.ok();
        answer.at("/me/whoToContact").clone()
    };
    let morning = whom("2027-02-01T09:30:00+01:00", Value::Null).await;
    assert_eq!((&morning["kind"], &morning["name"]), (&json!("CONTACT"), &json!("Stina Exempel")));
    assert_eq!(morning["until"], "2027-02-01T10:00:00+00:00");
    assert!(morning["emergency"].as_str().unwrap().starts_with("Ring 112 direkt"));
    let noon = whom("2027-02-01T12:00:00+01:00", Value::Null).await;
    assert_eq!((&noon["kind"], &noon["contact"]["name"]), (&json!("UNIT"), &json!("Stina Exempel")));
    let diabetes = whom("2027-02-01T12:00:00+01:00", json!("DIABETES_NURSE")).await;
    assert_eq!((&diabetes["name"], &diabetes["phone"]), (&json!("Dia Exempel"), &json!("+46701740605")));
    for closed in ["2027-02-06T12:00:00+01:00", "2027-06-25T10:00:00+02:00", "2027-02-01T22:00:00+01:00"] {
        let answer = whom(closed, Value::Null).await;
        assert_eq!((&answer["kind"], &answer["phone"]), (&json!("NATIONAL"), &json!("1177")));
    }
}

#[tokio::test]
async fn a_moment_in_an_absurd_year_is_refused_in_plain_words() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    for at in ["9999-12-31T23:59:59-12:00", "1500-01-01T00:00:00Z", "2040-01-01T00:00:00Z"] {
        let answer = app.run(&p1.identity, WHOM, json!({ "at": at })).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{at}: {}", answer.body);
    }
    app.run(&p1.identity, WHOM, json!({ "at": "2036-01-01T00:00:00Z" })).await.ok();
}

/// R: every place where a message is written says when it is read and whom to call instead.
#[tokio::test]
async fn where_a_message_is_written_it_says_when_it_is_read_and_whom_to_call() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let unit = global(NodeKind::CareUnit, s1.unit);
    let query = "query($u: ID!) { careUnit(id: $u) { phone messageHours } }";
    let answer = app.run(&p1.identity, query, json!({ "u": unit })).await.ok();
    let (phone, shown) = (answer.text("/careUnit/phone"), answer.text("/careUnit/messageHours"));
    let call = format!("ring {phone} när enheten har öppet");
    for part in ["måndag–fredag 08.00–17.00", "inom 2 arbetsdagar", &call, "annars 1177", "ring 112"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let input = json!({ "careUnitId": unit, "subject": "Fråga", "body": "Hej" });
    let thread = act(&app, &p1.identity, "threadStart", "thread { messageHours }", input).await.ok();
    assert_eq!(thread.text("/threadStart/thread/messageHours"), shown);
}

/// The manager sets which functions may be contacts; analysts and administrators never are.
#[tokio::test]
async fn the_manager_decides_which_functions_may_be_contacts() {
    let app = TestApp::new().await;
    let (s1, p1, manager) = (&app.world.s1, &app.world.p1, &app.world.manager);
    relate(&app.core, s1, p1).await;
    for who in [&app.world.admin, &app.world.analyst] {
        let answer =
            act(&app, &s1.identity, "contactAppoint", CONTACT, to_role(p1, "FAST_VARDKONTAKT", who)).await;
        assert_eq!(answer.text("/contactAppoint/userErrors/0/field"), "person.assignmentId");
    }
    let unit = global(NodeKind::CareUnit, s1.unit);
    let set = |functions: &[&str], number: i64| json!({ "careUnitId": unit, "functions": functions, "expectedNumber": number });
    let selection = "careUnit { contactFunctions { number functions } }";
    let by_care = act(&app, &s1.identity, "contactFunctionsSet", selection, set(&[], 0)).await;
    assert_eq!(by_care.user_error_codes("contactFunctionsSet"), ["FORBIDDEN"]);
    act(&app, &manager.identity, "contactFunctionsSet", selection, set(&["Kurator"], 0)).await.ok();
    let stale = act(&app, &manager.identity, "contactFunctionsSet", selection, set(&["Kurator"], 0)).await;
    assert_eq!(stale.user_error_codes("contactFunctionsSet"), ["STALE_ROW_VERSION"]);
    let refused =
        act(&app, &s1.identity, "contactAppoint", CONTACT, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    assert_eq!(refused.user_error_codes("contactAppoint"), ["BAD_USER_INPUT"]);
    let wider =
        act(&app, &manager.identity, "contactFunctionsSet", selection, set(&["Kurator", "LÄKARE"], 1))
            .await
            .ok();
    assert_eq!(wider.at("/contactFunctionsSet/careUnit/contactFunctions/number"), &json!(2));
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
}

/// R: a fast läkarkontakt is a doctor, now, as planned and by handover; whoever answers meanwhile need not be.
#[tokio::test]
async fn only_a_doctor_becomes_a_fast_lakarkontakt() {
    let doctor = "FAST_LAKARKONTAKT";
    let app = TestApp::new().await;
    let (s1, nurse, p1) = (&app.world.s1, &app.world.coordinator, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let named = |function: &str| {
        let mut input = to_role(p1, doctor, s1);
        let person = json!({ "name": "Dia Exempel", "function": function, "phone": "070-174 06 05" });
        input["person"] = json!({ "named": person });
        input
    };
    let mut wrong = to_role(p1, doctor, nurse);
    wrong["treatingKind"] = json!("DIABETES_NURSE");
    let mut planned = to_role(p1, doctor, nurse);
    planned["validFrom"] = json!((app.clock.now() + TimeDelta::days(10)).to_rfc3339());
    let refusals = [
        (wrong, vec!["treatingKind", "person.assignmentId"]),
        (planned, vec!["person.assignmentId"]),
        (named("Läkarsekreterare"), vec!["person.named.function"]),
    ];
    for (input, fields) in refusals {
        let refused = act(&app, &s1.identity, "contactAppoint", CONTACT, input).await;
        assert_eq!(refused.user_error_fields("contactAppoint"), fields, "{}", refused.body);
    }
    // Another role anybody in care can have.
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", nurse)).await;
    let contact = appoint(&app, s1, to_role(p1, doctor, s1)).await;
    let over = json!({ "fromAssignmentId": global(NodeKind::Assignment, s1.assignment),
                       "toAssignmentId": global(NodeKind::Assignment, nurse.assignment), "reason": " " });
    let refused = act(&app, &s1.identity, "contactHandover", "contacts { id }", over).await;
    assert_eq!(refused.user_error_fields("contactHandover"), ["reason", "toAssignmentId"]);
    let away = json!({ "who": { "contactId": contact["id"] }, "from": "2027-02-03T00:00:00+01:00",
                       "until": "2027-02-06T00:00:00+01:00",
                       "substituteId": global(NodeKind::Assignment, nurse.assignment) });
    act(&app, &s1.identity, "contactAbsenceRegister", "absence { id }", away).await.ok();

    let app = TestApp::with(&[("region.doctor_titles", "Sköterska, psykiater")]).await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    appoint(&app, s1, to_role(p1, doctor, &app.world.coordinator)).await;
}

/// What is rarely asked costs one statement each, whatever there is.
#[tokio::test]
async fn contacts_with_absences_requests_offers_and_past_roles_cost_a_statement_each() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s1)).await;
    for days in [1, 5, 9] {
        let at = |day: i64| (app.clock.now() + TimeDelta::days(day)).to_rfc3339();
        let input = json!({ "who": { "assignmentId": global(NodeKind::Assignment, s1.assignment) }, "from": at(days), "until": at(days + 2) });
        act(&app, &s1.identity, "contactAbsenceRegister", "absence { id }", input).await.ok();
    }
    let cost = async |fields: &str| {
        let query = format!("{{ me {{ id {fields} }} }}");
        app.run(&p1.identity, &query, json!({})).await.ok();
        let (answer, statements) = app.statements(app.run(&p1.identity, &query, json!({}))).await;
        answer.ok();
        statements.len()
    };
    let plain = cost("fixedCareContact { name }").await;
    for fields in [
        "contacts { name absence { message } } plannedContacts { name } whoToContact { name until }",
        "contactRequests { why passes { toUnitName } contact { name } }",
        "contactOffers { words }",
        "pastContacts { reason }",
    ] {
        assert_eq!(cost(fields).await, plain + 1, "{fields}");
    }
}
