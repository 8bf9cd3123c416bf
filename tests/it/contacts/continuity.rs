//! No gap without a task: planned ends, handover, reviews; and what the register is told.

use chrono::TimeDelta;
use entity::{
    CareContactId, care_contact, patient, register_event,
    task::{self, Kind, Status},
};
use harness::{TestApp, relate};
use patientkontrakt::{domain::contact::register, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
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

/// R: nor does somebody who is to follow much later hide it.
#[tokio::test]
async fn a_successor_far_off_hides_no_gap_of_which_the_patient_was_only_told() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    for (days, gap) in [(60, vec![Status::Open]), (10, vec![])] {
        let turn = json!((app.clock.now() + TimeDelta::days(days)).to_rfc3339());
        let first = appoint(&app, s1, to_role(p1, "FAST_LAKARKONTAKT", s1)).await;
        act(&app, &s1.identity, "contactEnd", CONTACT, end(&first, json!({ "endsAt": turn }))).await.ok();
        let mut next = to_role(p1, "FAST_LAKARKONTAKT", s2);
        next["validFrom"] = turn;
        let next = appoint(&app, s1, next).await;
        let told = json!({ "consultation": "TOLD", "toldGround": "STAFF_LEAVES", "expectedRowVersion": 2 });
        act(&app, &s1.identity, "contactEnd", CONTACT, end(&first, told)).await.ok();
        let mut stands = stand(&app, Kind::Handover, &first["id"]).await;
        stands.retain(|status| *status == Status::Open);
        assert_eq!(stands, gap, "{days}");
        act(&app, &s1.identity, "contactEnd", CONTACT, end(&next, json!({}))).await.ok();
    }
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
    assert_eq!(refused.user_error_codes("contactHandover"), ["BAD_USER_INPUT"; 2], "nor is he a doctor");

    let first = act(&app, &s1.identity, "contactHandover", selection, input(json!([held[0]["id"]])));
    let (one, alone) = app.statements(first).await;
    assert_eq!(one.ok().at("/contactHandover/contacts").as_array().unwrap().len(), 1);
    let rest = act(&app, &s1.identity, "contactHandover", selection, input(Value::Null));
    let (three, together) = app.statements(rest).await;
    three.ok();
    // What is looked up about the patients is looked up once; each role is written by itself, and told of in a letter.
    assert!(together.len() <= alone.len() + 2 * 24, "{together:#?}");
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
