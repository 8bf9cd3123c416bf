//! What patients ask for and are offered.

use entity::{
    change_entry, contact_offer, contact_request, domain_event, notice,
    task::{Kind, Status},
};
use harness::{Staff, TestApp, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{REQUEST, appoint, stand, sweep, tasks, to_role};
use crate::acts::{act, global, row};

fn wish(role: &str) -> Value {
    json!({ "role": role, "why": "Jag vill ha en person att vända mig till." })
}

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

pub const OFFER: &str = "offer { id status answeredAt answeredBy answeredHow answerWords rowVersion }";

/// R: an offer that the patient declines is recorded: who, when, by which way; a spoken no by staff.
#[tokio::test]
async fn a_declined_offer_is_on_record_with_who_when_and_how() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let offer = async || {
        let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT", "words": "Stina kan bli din kontakt." });
        let answer = act(&app, &s1.identity, "contactOffer", OFFER, input).await.ok();
        answer.at("/contactOffer/offer").clone()
    };
    let answer = |id: &Value, how: Value| json!({ "offerId": id, "accepted": false, "words": "Nej tack", "how": how, "expectedRowVersion": 1 });
    let first = offer().await;
    let said =
        act(&app, &p1.identity, "contactOfferAnswer", OFFER, answer(&first["id"], Value::Null)).await.ok();
    let seen = said.at("/contactOfferAnswer/offer");
    assert_eq!(
        (&seen["status"], &seen["answeredBy"], &seen["answeredHow"]),
        (&json!("DECLINED"), &json!("PATIENT"), &json!("DIGITAL"))
    );
    let again = act(&app, &p1.identity, "contactOfferAnswer", OFFER, answer(&first["id"], Value::Null)).await;
    assert_eq!(again.user_error_codes("contactOfferAnswer"), ["WRONG_STATE"]);

    let second = offer().await;
    let silent =
        act(&app, &s1.identity, "contactOfferAnswer", OFFER, answer(&second["id"], Value::Null)).await;
    assert_eq!(silent.user_error_codes("contactOfferAnswer"), ["BAD_USER_INPUT"]);
    act(&app, &s1.identity, "contactOfferAnswer", OFFER, answer(&second["id"], json!("PHONE"))).await.ok();
    let stored =
        contact_offer::Entity::find_by_id(entity::ContactOfferId(row(second["id"].as_str().unwrap())));
    let stored = stored.one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(
        (stored.status, stored.answered_by_id),
        (contact_offer::Status::Declined, Some(s1.assignment.0))
    );
    assert_eq!(stored.answered_at, Some(app.clock.now()));
    for (offer, by) in [(&first, p1.id.0), (&second, s1.assignment.0)] {
        let of = change_entry::Column::SubjectId.eq(row(offer["id"].as_str().unwrap()));
        let answered = change_entry::Column::Action.eq("contactOfferAnswer");
        let told = change_entry::Entity::find().filter(of).filter(answered);
        let told = told.one(app.core.db.reader()).await.unwrap().unwrap();
        assert_eq!((told.by_id, told.at), (by, app.clock.now()), "the history says who and when");
    }
    assert!(stand(&app, Kind::AppointContact, &second["id"]).await.is_empty());
}

#[tokio::test]
async fn an_accepted_offer_is_a_request_until_somebody_is_appointed() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT" });
    let offer =
        act(&app, &s1.identity, "contactOffer", OFFER, input).await.ok().at("/contactOffer/offer").clone();
    let yes = json!({ "offerId": offer["id"], "accepted": true, "expectedRowVersion": 1 });
    act(&app, &p1.identity, "contactOfferAnswer", OFFER, yes).await.ok();
    // It is the patient's own request: care can neither refuse nor close it.
    let query = "{ me { contactRequests { id role status } } }";
    let asked = async || app.run(&p1.identity, query, json!({})).await.ok().at("/me/contactRequests").clone();
    let request = asked().await[0].clone();
    assert_eq!((&request["role"], &request["status"]), (&json!("FAST_VARDKONTAKT"), &json!("OPEN")));
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Open]);
    // A second offer that is accepted is the same wish.
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT" });
    let again = act(&app, &s1.identity, "contactOffer", OFFER, input).await.ok();
    let yes =
        json!({ "offerId": again.text("/contactOffer/offer/id"), "accepted": true, "expectedRowVersion": 1 });
    act(&app, &p1.identity, "contactOfferAnswer", OFFER, yes).await.ok();
    assert_eq!(asked().await.as_array().unwrap().len(), 1);
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Done]);
    assert_eq!(asked().await[0]["status"], "APPOINTED");
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

/// R: the request ends in an appointment: somebody holds the role by its deadline, or it waits until somebody does.
#[tokio::test]
async fn a_role_planned_after_the_deadline_answers_a_request_when_it_begins() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_LAKARKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request").clone();
    let mut late = to_role(p1, "FAST_LAKARKONTAKT", s1);
    late["validFrom"] = json!("2027-03-01T08:00:00Z");
    let planned = appoint(&app, s1, late).await;
    assert_eq!(planned["state"], "PLANNED");
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Open]);
    let query = "{ me { contactRequests { status dueAt contact { name } } } }";
    let seen =
        async || app.run(&p1.identity, query, json!({})).await.ok().at("/me/contactRequests/0").clone();
    assert_eq!(seen().await["status"], "OPEN");
    app.clock.set(super::at("2027-03-01T08:00:00Z"));
    sweep(&app).await;
    assert_eq!(stand(&app, Kind::AppointContact, &request["id"]).await, [Status::Done]);
    assert_eq!(
        (&seen().await["status"], &seen().await["contact"]["name"]),
        (&json!("APPOINTED"), &json!("Stina Exempel"))
    );
}

/// R: nor does a role that never begins.
#[tokio::test]
async fn a_request_waits_again_when_the_role_ends_before_it_began() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_LAKARKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request").clone();
    let planned = async || {
        let mut input = to_role(p1, "FAST_LAKARKONTAKT", s1);
        input["validFrom"] = json!("2027-02-05T08:00:00Z");
        appoint(&app, s1, input).await
    };
    let query = "{ me { contactRequests { status dueAt endedAt contact { name } } } }";
    let seen =
        async || app.run(&p1.identity, query, json!({})).await.ok().at("/me/contactRequests/0").clone();
    let contact = planned().await;
    assert_eq!(seen().await["status"], "APPOINTED", "in time");
    let end = json!({ "contactId": contact["id"], "reason": "Slutar", "consultation": "CONSULTED",
                      "expectedRowVersion": contact["rowVersion"] });
    act(&app, &s1.identity, "contactEnd", super::CONTACT, end).await.ok();
    assert_eq!(
        seen().await,
        json!({ "status": "OPEN", "dueAt": request["dueAt"], "endedAt": null, "contact": null })
    );
    let tasks = tasks(&app, Kind::AppointContact, &request["id"]).await;
    assert_eq!(tasks.iter().map(|task| task.status).collect::<Vec<_>>(), [Status::Done, Status::Open]);
    assert_eq!(tasks[0].due_at, tasks[1].due_at);
    // Handed over before it began, the role is still to come.
    planned().await;
    let over = json!({
        "fromAssignmentId": global(NodeKind::Assignment, s1.assignment),
        "toAssignmentId": global(NodeKind::Assignment, s2.assignment), "reason": "Slutar",
    });
    act(&app, &s1.identity, "contactHandover", "contacts { id }", over).await.ok();
    assert_eq!(
        (&seen().await["status"], &seen().await["contact"]["name"]),
        (&json!("APPOINTED"), &json!("Sven Exempel"))
    );
    let open = stand(&app, Kind::AppointContact, &request["id"]).await;
    assert!(!open.contains(&Status::Open), "{open:?}");
}

/// R: care cannot close a request silently, by ending what answered it: the patient who was told still waits.
#[tokio::test]
async fn a_request_waits_again_when_the_patient_is_only_told_that_the_role_has_ended() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_LAKARKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request").clone();
    let query = "{ me { contactRequests { status dueAt endedAt contact { name } } } }";
    let seen =
        async || app.run(&p1.identity, query, json!({})).await.ok().at("/me/contactRequests/0").clone();
    let waits = |due: &str| json!({ "status": "OPEN", "dueAt": due, "endedAt": null, "contact": null });
    let told = async |contact: &Value| {
        let end = json!({ "contactId": contact["id"], "reason": "Slutar", "consultation": "TOLD",
                          "toldGround": "STAFF_LEAVES", "expectedRowVersion": contact["rowVersion"] });
        act(&app, &s1.identity, "contactEnd", super::CONTACT, end).await.ok();
    };
    // At once: with the deadline it had, and no second task about the same.
    let first = appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s1)).await;
    assert_eq!(seen().await["status"], "APPOINTED");
    told(&first).await;
    assert_eq!(seen().await, waits("2027-02-08T23:00:00+00:00"));
    let rows = tasks(&app, Kind::AppointContact, &request["id"]).await;
    assert_eq!(rows.iter().map(|task| task.status).collect::<Vec<_>>(), [Status::Done, Status::Open]);
    assert_eq!(rows[0].due_at, rows[1].due_at);
    assert!(stand(&app, Kind::Handover, &first["id"]).await.is_empty());
    sweep(&app).await;
    assert!(stand(&app, Kind::Handover, &first["id"]).await.is_empty());
    // Three weeks later: with a new deadline, as of Monday 22 February.
    let second = appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s2)).await;
    assert_eq!(seen().await["contact"]["name"], "Sven Exempel");
    app.clock.advance(chrono::TimeDelta::days(21));
    told(&second).await;
    assert_eq!(seen().await, waits("2027-03-01T23:00:00+00:00"));
    assert!(stand(&app, Kind::Handover, &second["id"]).await.is_empty());
    // Somebody who had the role for longer has answered it: the gap is a task, which ends with what became of it.
    let third = appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s1)).await;
    app.clock.advance(chrono::TimeDelta::days(31));
    told(&third).await;
    assert_eq!(seen().await["status"], "APPOINTED");
    let gap = &tasks(&app, Kind::Handover, &third["id"]).await[0];
    assert_eq!((gap.status, gap.due_at), (Status::Open, app.clock.now()));
    let dealt = json!({ "taskId": global(NodeKind::Task, gap.id), "words": "Patienten har listat sig på annan ort.",
                        "expectedRowVersion": gap.row_version });
    act(&app, &s1.identity, "taskEnd", "task { id }", dealt).await.ok();
    sweep(&app).await;
    assert_eq!(stand(&app, Kind::Handover, &third["id"]).await, [Status::Done]);
}

/// R: so it is when the end was planned, and comes.
#[tokio::test]
async fn a_request_waits_again_when_the_planned_end_of_which_the_patient_was_told_comes() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_LAKARKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request/id").clone();
    let contact = appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s1)).await;
    let turn = app.clock.now() + chrono::TimeDelta::days(10);
    let end = json!({ "contactId": contact["id"], "reason": "Slutar", "consultation": "TOLD", "endsAt": turn.to_rfc3339(),
                      "toldGround": "STAFF_LEAVES", "expectedRowVersion": contact["rowVersion"] });
    act(&app, &s1.identity, "contactEnd", super::CONTACT, end).await.ok();
    assert_eq!(stand(&app, Kind::AppointContact, &request).await, [Status::Done]);
    assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [Status::Open]);
    app.clock.set(turn);
    sweep(&app).await;
    sweep(&app).await;
    let query = "{ me { contactRequests { status dueAt contact { name } } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    // Five working days from Thursday 11 February.
    assert_eq!(
        me.at("/me/contactRequests"),
        &json!([{ "status": "OPEN", "dueAt": "2027-02-18T23:00:00+00:00", "contact": null }])
    );
    assert_eq!(stand(&app, Kind::AppointContact, &request).await, [Status::Done, Status::Open]);
    assert_eq!(stand(&app, Kind::Handover, &contact["id"]).await, [Status::Superseded]);
}

/// One offer of a contact waits for an answer at a time; what another care provider has offered is not told of.
#[tokio::test]
async fn of_twenty_offers_of_a_contact_at_once_one_waits() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s1, p1).await;
    relate(&app.core, s3, p1).await;
    let offer =
        |role: &str, kind: Value| json!({ "patientId": p1.global_id(), "role": role, "treatingKind": kind });
    for (role, kind, another) in [
        ("FAST_VARDKONTAKT", Value::Null, ("FAST_LAKARKONTAKT", Value::Null)),
        ("BEHANDLANDE_ROLL", json!("DIABETES_NURSE"), ("BEHANDLANDE_ROLL", json!("PHYSIOTHERAPIST"))),
    ] {
        let once = || act(&app, &s1.identity, "contactOffer", OFFER, offer(role, kind.clone()));
        let answers = futures_util::future::join_all((0..20).map(|_| once())).await;
        let refused = answers.iter().filter(|a| a.user_error_codes("contactOffer") == ["CONFLICT"]).count();
        assert_eq!(refused, 19, "{role}");
        act(&app, &s1.identity, "contactOffer", OFFER, offer(another.0, another.1)).await.ok();
        act(&app, &s3.identity, "contactOffer", OFFER, offer(role, kind.clone())).await.ok();
    }
    // What waits stands first, however much has been answered since.
    let query = "{ me { contactOffers { id role status } } }";
    let all = app.run(&p1.identity, query, json!({})).await.ok().at("/me/contactOffers").clone();
    assert_eq!(all.as_array().unwrap().len(), 6);
    let newest = json!({ "offerId": all[0]["id"], "accepted": false, "expectedRowVersion": 1 });
    act(&app, &p1.identity, "contactOfferAnswer", OFFER, newest).await.ok();
    let then = app.run(&p1.identity, query, json!({})).await.ok().at("/me/contactOffers").clone();
    assert_eq!((&then[5]["id"], &then[5]["status"]), (&all[0]["id"], &json!("DECLINED")));
    assert!((0..5).all(|n| then[n]["status"] == "OPEN"));
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
