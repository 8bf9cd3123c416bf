//! What patients ask for.

use entity::{
    change_entry, contact_request, domain_event, notice,
    task::{Kind, Status},
};
use harness::{Staff, TestApp, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{REQUEST, appoint, offers::OFFER, stand, sweep, tasks, to_role, wish};
use crate::acts::{act, global, row};

/// R: a patient's request opens a task with a deadline; it ends in an appointment. The patient sees state and deadline.
#[tokio::test]
async fn a_request_is_a_task_with_a_deadline_that_ends_when_a_contact_is_appointed() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_VARDKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request").clone();
    assert_eq!(
        (request["status"].as_str(), request["careUnit"]["name"].as_str()),
        (Some("OPEN"), Some("Vårdcentralen Granen"))
    );
    // Monday 1 February and five working days: the end of Monday the 8th.
    assert_eq!(request["dueAt"], "2027-02-08T23:00:00+00:00");
    let again = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_VARDKONTAKT")).await;
    assert_eq!(again.user_error_codes("contactRequest"), ["CONFLICT"]);
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Open]);

    // The task opens the record to the unit: another role's appointment does not end it, the one asked for does.
    let mut treating = to_role(p1, "BEHANDLANDE_ROLL", s1);
    treating["treatingKind"] = json!("DIABETES_NURSE");
    appoint(&app, s1, treating).await;
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Open]);
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Done]);
    let query = "{ me { contactRequests { status endedAt contact { name } } contacts { name } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(me.text("/me/contactRequests/0/status"), "APPOINTED");
    assert_eq!(me.text("/me/contactRequests/0/contact/name"), "Stina Exempel");
}

/// R: care cannot refuse a request or close it silently; the patient takes it back.
#[tokio::test]
async fn care_cannot_close_a_request_and_the_patient_can() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_LAKARKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request").clone();
    let task = &tasks(&app, Kind::AppointContact, &request["id"]).await[0];
    let end =
        json!({ "taskId": global(NodeKind::Task, task.id), "words": "Behövs inte", "expectedRowVersion": 1 });
    let closed = act(&app, &s1.identity, "taskEnd", "task { id }", end).await;
    assert_eq!(closed.user_error_codes("taskEnd"), ["WRONG_STATE"]);
    let back = |row_version: i64| json!({ "requestId": request["id"], "words": "Jag har ångrat mig", "expectedRowVersion": row_version });
    let by_care = act(&app, &s1.identity, "contactRequestWithdraw", REQUEST, back(1)).await;
    assert_eq!(
        by_care.user_error_codes("contactRequestWithdraw"),
        ["BAD_USER_INPUT"],
        "how the patient said so"
    );
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Open]);
    let stale = act(&app, &p1.identity, "contactRequestWithdraw", REQUEST, back(9)).await;
    assert_eq!(stale.user_error_codes("contactRequestWithdraw"), ["STALE_ROW_VERSION"]);
    let done = act(&app, &p1.identity, "contactRequestWithdraw", REQUEST, back(1)).await.ok();
    assert_eq!(done.text("/contactRequestWithdraw/request/status"), "WITHDRAWN");
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Withdrawn]);
    let twice = act(&app, &p1.identity, "contactRequestWithdraw", REQUEST, back(2)).await;
    assert_eq!(twice.user_error_codes("contactRequestWithdraw"), ["WRONG_STATE"]);
}

/// R: it may pass to another unit, with the chain kept, and rises to the manager when it is overdue.
#[tokio::test]
async fn a_request_is_passed_on_with_its_deadline_and_chain_and_rises_when_it_is_late() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_VARDKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request").clone();
    let pass = |unit, row_version: i64| {
        json!({ "requestId": request["id"], "careUnitId": global(NodeKind::CareUnit, unit), "reason": "Ni känner patienten",
                "expectedRowVersion": row_version })
    };
    let foreign = act(&app, &s1.identity, "contactRequestPass", REQUEST, pass(app.world.s3.unit, 1)).await;
    assert_eq!(foreign.user_error_codes("contactRequestPass"), ["NOT_FOUND"]);
    let not_theirs = act(&app, &s2.identity, "contactRequestPass", REQUEST, pass(s1.unit, 1)).await;
    assert_eq!(not_theirs.user_error_codes("contactRequestPass"), ["NOT_FOUND"]);
    act(&app, &s1.identity, "contactRequestPass", REQUEST, pass(s2.unit, 1)).await.ok();
    let task = &tasks(&app, Kind::AppointContact, &request["id"]).await[0];
    assert_eq!(
        (task.care_unit_id, task.due_at.to_rfc3339()),
        (s2.unit, "2027-02-08T23:00:00+00:00".to_owned())
    );

    app.clock.set(task.due_at + chrono::TimeDelta::minutes(1));
    sweep(&app).await;
    let query = "{ me { contactRequests { status raisedToManagerAt careUnit { name } passes { fromUnitName toUnitName reason } } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    let seen = me.at("/me/contactRequests/0");
    assert_eq!((&seen["status"], &seen["raisedToManagerAt"].is_string()), (&json!("OPEN"), &true));
    assert_eq!(
        seen["passes"],
        json!([{ "fromUnitName": "Vårdcentralen Granen", "toUnitName": "Hjärtmottagningen Ekens sjukhus", "reason": "Ni känner patienten" }])
    );
    // The unit that has it now appoints.
    appoint(&app, s2, to_role(p1, "FAST_VARDKONTAKT", s2)).await;
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Done]);
}

/// A task passed by the list of tasks takes the request with it.
#[tokio::test]
async fn a_request_goes_with_its_task() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_VARDKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request").clone();
    let task = &tasks(&app, Kind::AppointContact, &request["id"]).await[0];
    let input = json!({ "taskId": global(NodeKind::Task, task.id), "careUnitId": global(NodeKind::CareUnit, s2.unit),
                        "reason": "Hjärtat", "expectedRowVersion": 1 });
    act(&app, &s1.identity, "taskPass", "task { id }", input).await.ok();
    let me = app
        .run(
            &p1.identity,
            "{ me { contactRequests { careUnit { name } passes { toUnitName } } } }",
            json!({}),
        )
        .await
        .ok();
    assert_eq!(me.text("/me/contactRequests/0/careUnit/name"), "Hjärtmottagningen Ekens sjukhus");
    assert_eq!(me.text("/me/contactRequests/0/passes/0/toUnitName"), "Hjärtmottagningen Ekens sjukhus");
}

/// Of whom care has appointed, the patient hears as of the one who leaves.
#[tokio::test]
async fn the_patient_hears_of_a_contact_that_is_appointed() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    crate::agreement::hears_of_the_plan(&app, p1).await;
    relate(&app.core, s1, p1).await;
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    let news = notice::Entity::find().filter(notice::Column::Rule.eq("CONTACT"));
    assert_eq!(news.count(app.core.db.reader()).await.unwrap(), 1);
}

/// A fast omsorgskontakt is found in a municipality alone.
#[tokio::test]
async fn a_fast_omsorgskontakt_is_asked_of_and_appointed_by_a_municipality_alone() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_OMSORGSKONTAKT")).await;
    assert_eq!(asked.text("/contactRequest/userErrors/0/field"), "careUnitId");
    relate(&app.core, s1, p1).await;
    let input = to_role(p1, "FAST_OMSORGSKONTAKT", s1);
    let answer = act(&app, &s1.identity, "contactAppoint", super::CONTACT, input.clone()).await;
    assert_eq!(answer.text("/contactAppoint/userErrors/0/field"), "role");
    entity::care_provider::Entity::update_many()
        .set(entity::care_provider::ActiveModel {
            kind: sea_orm::ActiveValue::Set(entity::care_provider::Kind::Municipality),
            ..Default::default()
        })
        .exec(app.core.db.reader())
        .await
        .unwrap();
    appoint(&app, s1, input).await;
    act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_OMSORGSKONTAKT")).await.ok();
}

/// Whoever comes first decides what became of the request: taken back or appointed, with one end on record.
#[tokio::test]
async fn a_request_taken_back_while_somebody_is_appointed_has_one_end() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_VARDKONTAKT")).await.ok();
    let id = asked.at("/contactRequest/request/id").clone();
    let back = json!({ "requestId": id, "expectedRowVersion": 1 });
    let (_, taken_back) = tokio::join!(
        appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)),
        act(&app, &p1.identity, "contactRequestWithdraw", REQUEST, back),
    );
    let subject = row(id.as_str().unwrap());
    let stored = contact_request::Entity::find_by_id(entity::ContactRequestId(subject));
    let stored = stored.one(app.core.db.reader()).await.unwrap().unwrap();
    let withdrawn = taken_back.user_error_codes("contactRequestWithdraw").is_empty();
    let expected =
        if withdrawn { contact_request::Status::Withdrawn } else { contact_request::Status::Appointed };
    assert_eq!(stored.status, expected);
    let entries = change_entry::Entity::find().filter(change_entry::Column::SubjectId.eq(subject));
    assert_eq!(entries.count(app.core.db.reader()).await.unwrap(), 2, "asked, and one end");
    let ended = domain_event::Entity::find()
        .filter(domain_event::Column::SubjectId.eq(subject))
        .filter(domain_event::Column::Kind.eq("contact.request_ended"));
    assert_eq!(ended.count(app.core.db.reader()).await.unwrap(), 1);
}

/// "Nothing reveals": the patient can ask each care provider, and neither is told of what is asked of the other.
#[tokio::test]
async fn what_is_asked_of_one_care_provider_neither_stops_nor_is_told_at_another() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s3, p1).await;
    let ask = async |by: &Staff, of: &Staff, role: &str, kind: Value| {
        let mut input = json!({ "role": role, "treatingKind": kind, "why": "Jag vill ha en egen kontakt.",
                                "careUnitId": global(NodeKind::CareUnit, of.unit) });
        let mut who = &p1.identity;
        if by.unit == s3.unit {
            (input["patientId"], who) = (json!(p1.global_id()), &s3.identity);
        }
        act(&app, who, "contactRequest", REQUEST, input).await
    };
    let roles = [("FAST_LAKARKONTAKT", Value::Null), ("BEHANDLANDE_ROLL", json!("PHYSIOTHERAPIST"))];
    for (role, kind) in &roles {
        ask(s1, s1, role, kind.clone()).await.ok();
    }
    let query = "query($id: ID!) { node(id: $id) { ... on Patient { contactRequests { id } } } }";
    let seen = app.run(&s3.identity, query, json!({ "id": p1.global_id() })).await.ok();
    assert_eq!(seen.at("/node/contactRequests"), &json!([]));
    for (role, kind) in &roles {
        ask(s3, s3, role, kind.clone()).await.ok();
        for of in [s1, s3] {
            let again = ask(s1, of, role, kind.clone()).await;
            assert_eq!(again.user_error_codes("contactRequest"), ["CONFLICT"], "{role}");
        }
    }
    // A role that never begins leaves the one request waiting, whatever is asked of the other.
    let mut planned = to_role(p1, "FAST_LAKARKONTAKT", s1);
    planned["validFrom"] = json!("2027-02-05T08:00:00Z");
    let contact = appoint(&app, s1, planned).await;
    let end = json!({ "contactId": contact["id"], "reason": "Slutar", "consultation": "CONSULTED",
                      "expectedRowVersion": contact["rowVersion"] });
    act(&app, &s1.identity, "contactEnd", super::CONTACT, end).await.ok();
    // And what the one offers can be said yes to.
    ask(s1, s1, "FAST_VARDKONTAKT", Value::Null).await.ok();
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT" });
    let offer = act(&app, &s3.identity, "contactOffer", OFFER, input).await.ok();
    let yes =
        json!({ "offerId": offer.at("/contactOffer/offer/id"), "accepted": true, "expectedRowVersion": 1 });
    act(&app, &p1.identity, "contactOfferAnswer", OFFER, yes).await.ok();
    let query = "{ me { contactRequests { role status } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    for role in ["FAST_LAKARKONTAKT", "BEHANDLANDE_ROLL", "FAST_VARDKONTAKT"] {
        let open = json!({ "role": role, "status": "OPEN" });
        let requests = me.at("/me/contactRequests").as_array().unwrap();
        assert_eq!(requests.iter().filter(|request| **request == open).count(), 2, "{role} {requests:?}");
    }
}

/// R: whoever wants help to coordinate their care has asked their own unit, whatever is asked of another care provider.
#[tokio::test]
async fn help_to_coordinate_is_asked_of_the_patients_own_unit_whatever_another_care_provider_is_asked() {
    let app = TestApp::new().await;
    let (s3, p1) = (&app.world.s3, &app.world.p1);
    relate(&app.core, s3, p1).await;
    let mut said = wish("FAST_VARDKONTAKT");
    said["patientId"] = json!(p1.global_id());
    act(&app, &s3.identity, "contactRequest", REQUEST, said).await.ok();
    let yes = json!({ "battery": "eight-questions", "version": 1,
                      "answers": [{ "question": "hjalp-att-samordna", "choice": "YES" }] });
    act(&app, &p1.identity, "batteryAnswer", "batteryAnswers { id }", yes).await.ok();
    let query = "{ me { contactRequests { status careUnit { name } } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    let requests = me.at("/me/contactRequests").as_array().unwrap();
    assert_eq!(requests.len(), 2);
    for unit in ["Vårdcentralen Granen", "Rehab Björken"] {
        assert!(requests.contains(&json!({ "status": "OPEN", "careUnit": { "name": unit } })), "{unit}");
    }
}
