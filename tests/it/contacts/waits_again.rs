//! What becomes of a request that an appointment has answered, when that comes to nothing.

use entity::{
    change_entry,
    task::{Kind, Status},
};
use harness::{TestApp, TestPatient, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{REQUEST, appoint, stand, sweep, tasks, to_role, wish};
use crate::acts::{act, global, row};

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

/// R: nor can care close it by saying that the patient was consulted: the request is the patient's to take back, and staff
/// write down how they said so.
#[tokio::test]
async fn a_request_waits_again_when_the_role_soon_ends_in_consultation_and_only_the_patient_takes_it_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_LAKARKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request/id").clone();
    let end = async |contact: &Value, more: Value| {
        let mut input = json!({ "contactId": contact["id"], "reason": "Behövs inte", "consultation": "CONSULTED",
                                "expectedRowVersion": contact["rowVersion"] });
        for (key, value) in more.as_object().unwrap() {
            input[key] = value.clone();
        }
        act(&app, &s1.identity, "contactEnd", super::CONTACT, input).await.ok();
    };
    let waits = json!({ "status": "OPEN", "contact": null });
    // At once, and as planned.
    let first = appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s1)).await;
    end(&first, json!({})).await;
    assert_eq!(asked_for(&app, p1).await, waits);
    let turn = app.clock.now() + chrono::TimeDelta::days(3);
    let second = appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s1)).await;
    end(&second, json!({ "endsAt": turn.to_rfc3339() })).await;
    assert_eq!(asked_for(&app, p1).await["status"], "APPOINTED", "until then");
    app.clock.set(turn);
    sweep(&app).await;
    assert_eq!(asked_for(&app, p1).await, waits);
    assert_eq!(stand(&app, Kind::AppointContact, &request).await, [Status::Done, Status::Done, Status::Open]);
    for contact in [&first, &second] {
        assert!(!stand(&app, Kind::Handover, &contact["id"]).await.contains(&Status::Open));
    }
    let query = "{ me { contactRequests { rowVersion } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    let back = json!({ "requestId": request, "how": "PHONE", "words": "Behöver ingen",
                       "expectedRowVersion": me.at("/me/contactRequests/0/rowVersion") });
    act(&app, &s1.identity, "contactRequestWithdraw", "request { id }", back).await.ok();
    assert_eq!(asked_for(&app, p1).await["status"], "WITHDRAWN");
    // What has been answered for longer than that ends with the patient's agreement.
    act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_LAKARKONTAKT")).await.ok();
    let third = appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s1)).await;
    app.clock.advance(chrono::TimeDelta::days(31));
    end(&third, json!({})).await;
    let query = "{ me { contactRequests { status } } }";
    let me = app.run(&p1.identity, query, json!({})).await.ok();
    assert!(!me.at("/me/contactRequests").to_string().contains("OPEN"), "{}", me.body);
}

/// The role that the patient has, or is to have.
async fn role_of(app: &TestApp, patient: &TestPatient) -> Value {
    let query = "{ me { contacts { id rowVersion } plannedContacts { id rowVersion } } }";
    let me = app.run(&patient.identity, query, json!({})).await.ok().at("/me").clone();
    let [held, planned] = ["contacts", "plannedContacts"].map(|which| me[which][0].clone());
    if held.is_null() { planned } else { held }
}

/// What the patient has asked for.
async fn asked_for(app: &TestApp, patient: &TestPatient) -> Value {
    let query = "{ me { contactRequests { status contact { name } } } }";
    app.run(&patient.identity, query, json!({})).await.ok().at("/me/contactRequests/0").clone()
}

/// The patient is told that the role ends now.
async fn told(app: &TestApp, contact: &Value) {
    let end = json!({ "contactId": contact["id"], "reason": "Slutar", "consultation": "TOLD",
                      "toldGround": "STAFF_LEAVES", "expectedRowVersion": contact["rowVersion"] });
    act(app, &app.world.s1.identity, "contactEnd", super::CONTACT, end).await.ok();
}

/// R: so it is when the role was handed over, however long ago it was given, and before it begins: whoever has it now is
/// who answers what was asked for.
#[tokio::test]
async fn a_request_goes_with_the_role_that_is_handed_over_and_waits_again_when_that_ends_too() {
    for (begins, meanwhile) in [(Value::Null, 40), (json!("2027-02-05T08:00:00Z"), 0)] {
        let app = TestApp::new().await;
        let (s1, s2, p1, p2) = (&app.world.s1, &app.world.s2, &app.world.p1, &app.world.p2);
        let mut requests = Vec::new();
        for patient in [p1, p2] {
            relate(&app.core, s1, patient).await;
            let asked = act(&app, &patient.identity, "contactRequest", REQUEST, wish("FAST_LAKARKONTAKT"));
            requests.push(asked.await.ok().at("/contactRequest/request/id").clone());
            let mut input = to_role(patient, "FAST_LAKARKONTAKT", s1);
            input["validFrom"] = begins.clone();
            appoint(&app, s1, input).await;
        }
        app.clock.advance(chrono::TimeDelta::days(meanwhile));
        let over = json!({
            "fromAssignmentId": global(NodeKind::Assignment, s1.assignment),
            "toAssignmentId": global(NodeKind::Assignment, s2.assignment), "reason": "Slutar",
        });
        act(&app, &s1.identity, "contactHandover", "contacts { id }", over).await.ok();
        let answered = json!({ "status": "APPOINTED", "contact": { "name": "Sven Exempel" } });
        for (patient, request) in [p1, p2].into_iter().zip(&requests) {
            assert_eq!(asked_for(&app, patient).await, answered, "{begins}");
            assert_eq!(stand(&app, Kind::AppointContact, request).await, [Status::Done], "{begins}");
            let entries = change_entry::Entity::find()
                .filter(change_entry::Column::SubjectId.eq(row(request.as_str().unwrap())))
                .filter(change_entry::Column::Action.eq("contactHandover"));
            assert_eq!(entries.count(app.core.db.reader()).await.unwrap(), 1, "{begins}");
        }
        told(&app, &role_of(&app, p1).await).await;
        let waits = json!({ "status": "OPEN", "contact": null });
        assert_eq!(asked_for(&app, p1).await, waits, "{begins}");
        let tasks = stand(&app, Kind::AppointContact, &requests[0]).await;
        assert_eq!(tasks, [Status::Done, Status::Open], "{begins}");
        assert_eq!(asked_for(&app, p2).await, answered, "{begins}");
    }
}

/// R: whoever is to have the role next answers it; should they not come, it waits again.
#[tokio::test]
async fn a_request_goes_to_the_next_contact_and_waits_again_when_they_do_not_come() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let asked = act(&app, &p1.identity, "contactRequest", REQUEST, wish("FAST_LAKARKONTAKT")).await.ok();
    let request = asked.at("/contactRequest/request/id").clone();
    appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s1)).await;
    // The next one is planned for a moment before the deadline, and the first one leaves sooner than that.
    let first = role_of(&app, p1).await;
    let turn = "2027-02-05T08:00:00Z";
    let end = json!({ "contactId": first["id"], "reason": "Slutar", "consultation": "CONSULTED", "endsAt": turn,
                      "expectedRowVersion": first["rowVersion"] });
    act(&app, &s1.identity, "contactEnd", super::CONTACT, end).await.ok();
    let mut next = to_role(p1, "FAST_LAKARKONTAKT", s2);
    next["validFrom"] = json!(turn);
    let next = appoint(&app, s1, next).await;
    told(&app, &role_of(&app, p1).await).await;
    assert_eq!(
        asked_for(&app, p1).await,
        json!({ "status": "APPOINTED", "contact": { "name": "Sven Exempel" } })
    );
    assert_eq!(stand(&app, Kind::AppointContact, &request).await, [Status::Done]);
    told(&app, &next).await;
    assert_eq!(asked_for(&app, p1).await, json!({ "status": "OPEN", "contact": null }));
    assert_eq!(stand(&app, Kind::AppointContact, &request).await, [Status::Done, Status::Open]);
}
