//! Outcomes of visits, and what they do to the plan item that a visit was for.

mod again;

use chrono::TimeDelta;
use entity::task;
use harness::{Answer, Staff, TestApp, TestPatient, relate, represent};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::{
    acts::{act, active, global, item},
    booking::{book, publish},
};

const TIME: &str = "appointment { id status rowVersion }";
const ITEM: &str = "Ta prover";

/// P1's plan in force, a time booked for its item of care's, and the moment at which it begins.
async fn begun(app: &TestApp, slot: &str) -> Value {
    let p1 = &app.world.p1;
    let input = json!({ "slotId": slot, "planItemId": item(app, p1, ITEM).await["id"] });
    let booked = act(app, &p1.identity, "appointmentBook", TIME, input).await.ok();
    app.clock.set("2027-03-01T08:00:00Z".parse().unwrap());
    booked.at("/appointmentBook/appointment").clone()
}

async fn record(app: &TestApp, of: &Value, outcome: &str, keep: bool) -> Value {
    let input = json!({
        "appointmentId": of["id"], "expectedRowVersion": of["rowVersion"], "outcome": outcome,
        "keepPlanItem": keep,
    });
    let name = "appointmentOutcomeRecord";
    let done = act(app, &app.world.s1.identity, name, TIME, input).await.ok();
    done.at("/appointmentOutcomeRecord/appointment").clone()
}

async fn stands(app: &TestApp) -> String {
    item(app, &app.world.p1, ITEM).await["status"].as_str().unwrap().to_owned()
}

async fn tasks(app: &TestApp, kind: task::Kind) -> Vec<task::Status> {
    let of = task::Entity::find().filter(task::Column::Kind.eq(kind));
    of.all(app.core.db.reader()).await.unwrap().iter().map(|task| task.status).collect()
}

async fn with_plan(app: &TestApp) -> (&Staff, &TestPatient) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(app, s1, p1).await;
    (s1, p1)
}

#[tokio::test]
async fn a_visit_that_was_does_the_item_and_a_corrected_outcome_corrects_the_item() {
    let app = TestApp::new().await;
    with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let booked = begun(&app, &slots[0]).await;
    assert_eq!(stands(&app).await, "ACCEPTED");
    let attended = record(&app, &booked, "ATTENDED", false).await;
    assert_eq!(stands(&app).await, "DONE");
    let missed = record(&app, &attended, "MISSED", false).await;
    assert_eq!(stands(&app).await, "NOT_DONE");
    assert_eq!(tasks(&app, task::Kind::VisitMissed).await, [task::Status::Open]);
    record(&app, &missed, "ATTENDED", false).await;
    assert_eq!(stands(&app).await, "DONE");
    assert_eq!(tasks(&app, task::Kind::VisitMissed).await, [task::Status::Superseded]);
}

/// A corrected outcome takes back what the first one did to the item, and nothing that somebody else did.
#[tokio::test]
async fn an_item_that_somebody_else_closed_stays_closed_when_an_outcome_is_corrected() {
    let app = TestApp::new().await;
    let (s1, p1) = with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let booked = begun(&app, &slots[0]).await;
    let missed = record(&app, &booked, "MISSED", false).await;
    assert_eq!(stands(&app).await, "NOT_DONE");
    let attended = record(&app, &missed, "ATTENDED", true).await;
    assert_eq!(stands(&app).await, "ACCEPTED", "what the first outcome did is taken back");
    app.clock.advance(TimeDelta::minutes(1));
    let of = item(&app, p1, ITEM).await;
    let input = json!({ "planItemId": of["id"], "expectedRowVersion": of["rowVersion"] });
    act(&app, &s1.identity, "planItemComplete", "planItem { id }", input).await.ok();
    app.clock.advance(TimeDelta::minutes(1));
    let missed = record(&app, &attended, "MISSED", true).await;
    assert_eq!(stands(&app).await, "DONE", "by hand");
    record(&app, &missed, "ATTENDED", false).await;
    assert_eq!(stands(&app).await, "DONE");
}

/// What a time is for stands with it, for those who may see the plan; and who cancelled it.
#[tokio::test]
async fn a_time_says_what_it_is_for_and_who_cancelled_it_to_those_who_may_see_that() {
    let app = TestApp::new().await;
    let (s1, p1) = with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let whole = "appointment { id rowVersion status planItem { id title } cancelledAt cancelledBy }";
    let of = item(&app, p1, ITEM).await["id"].clone();
    let input = json!({ "slotId": slots[0], "planItemId": of });
    let booked = act(&app, &p1.identity, "appointmentBook", whole, input).await.ok();
    let booked = booked.at("/appointmentBook/appointment").clone();
    assert_eq!(booked["planItem"], json!({ "id": of, "title": ITEM }));
    assert_eq!((&booked["cancelledAt"], &booked["cancelledBy"]), (&Value::Null, &Value::Null));
    let plain = act(&app, &p1.identity, "appointmentBook", whole, json!({ "slotId": slots[1] })).await.ok();
    assert_eq!(plain.at("/appointmentBook/appointment/planItem"), &Value::Null);
    // However many times are read, it is no statement more.
    let list = |more: &str| format!("{{ me {{ appointments(first: 10) {{ nodes {{ id {more} }} }} }} }}");
    let asked =
        async |more: &str| app.statements(app.run(&p1.identity, &list(more), json!({}))).await.1.len();
    assert_eq!(asked("planItem { title } cancelledAt").await, asked("startsAt").await);
    // Who may see bookings alone sees the time, and not what it is for.
    let query = "query($id: ID!) { node(id: $id) { ... on Appointment { startsAt planItem { title } } } }";
    let kind = entity::representative::Kind::Relative;
    let seen = async |ombud: &harness::Ombud| {
        let variables = json!({ "id": booked["id"] });
        let seen = app.run_for(&ombud.identity, &p1.global_id(), query, variables).await.ok();
        assert!(seen.at("/node/startsAt").is_string());
        seen.at("/node/planItem").clone()
    };
    let books = represent(&app.core, p1, kind, "197001019802", r#"{"BOOKING":"ACT"}"#, false).await;
    assert_eq!(seen(&books).await, Value::Null);
    let both = r#"{"BOOKING":"READ","AGREEMENT":"READ"}"#;
    let both = represent(&app.core, p1, kind, "198001019804", both, false).await;
    assert_eq!(seen(&both).await, json!({ "title": ITEM }));
    // Staff of another unit of the same provider who treat the patient do; of another provider, not even the time.
    let variables = json!({ "id": booked["id"] });
    relate(&app.core, &app.world.s2, p1).await;
    let theirs = app.run(&app.world.s2.identity, query, variables.clone()).await.ok();
    assert_eq!(theirs.at("/node/planItem/title"), &json!(ITEM));
    relate(&app.core, &app.world.s3, p1).await;
    let nothing = app.run(&app.world.s3.identity, query, variables).await.ok();
    assert_eq!(nothing.at("/node"), &Value::Null);
    let input = json!({
        "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"], "bookingChannel": "PHONE",
    });
    let gone = act(&app, &s1.identity, "appointmentCancel", whole, input).await.ok();
    let gone = gone.at("/appointmentCancel/appointment");
    let now = app.clock.now().to_rfc3339();
    assert_eq!((&gone["cancelledBy"], &gone["cancelledAt"]), (&json!("STAFF"), &json!(now)));
}

/// A time of another provider for an item of this one's plan shows the item to the patient, and not to that provider.
#[tokio::test]
async fn staff_do_not_see_what_plan_of_another_provider_a_time_is_for() {
    let app = TestApp::new().await;
    let (_, p1) = with_plan(&app).await;
    let s3 = &app.world.s3;
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit_u3),
        "startsLocal": ["2027-03-01T09:00"],
    });
    let slot = act(&app, &s3.identity, "slotPublish", "slots { id }", input).await.ok();
    let input = json!({
        "slotId": slot.text("/slotPublish/slots/0/id"), "planItemId": item(&app, p1, ITEM).await["id"],
    });
    let booked =
        act(&app, &p1.identity, "appointmentBook", "appointment { id planItem { title } }", input).await.ok();
    let booked = booked.at("/appointmentBook/appointment");
    assert_eq!(booked["planItem"]["title"], ITEM);
    let query = "query($id: ID!) { node(id: $id) { ... on Appointment { startsAt planItem { title } } } }";
    let theirs = app.run(&s3.identity, query, json!({ "id": booked["id"] })).await.ok();
    assert!(theirs.at("/node/startsAt").is_string());
    assert_eq!(theirs.at("/node/planItem"), &Value::Null);
}

#[tokio::test]
async fn an_item_that_goes_on_after_a_missed_visit_is_met_by_a_new_time_and_the_task_ends() {
    let app = TestApp::new().await;
    let (_, p1) = with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-08T09:00"]).await;
    let booked = begun(&app, &slots[0]).await;
    record(&app, &booked, "MISSED", true).await;
    assert_eq!(stands(&app).await, "ACCEPTED");
    assert_eq!(tasks(&app, task::Kind::VisitMissed).await, [task::Status::Open]);
    let input = json!({ "slotId": slots[1], "planItemId": item(&app, p1, ITEM).await["id"] });
    act(&app, &p1.identity, "appointmentBook", TIME, input).await.ok();
    assert_eq!(tasks(&app, task::Kind::VisitMissed).await, [task::Status::Done]);
}

/// Takes the item of care's through a turn.
async fn turn(app: &TestApp, name: &str, reason: Option<&str>) {
    let of = item(app, &app.world.p1, ITEM).await;
    let mut input = json!({ "planItemId": of["id"], "expectedRowVersion": of["rowVersion"] });
    if let Some(reason) = reason {
        input["reason"] = json!(reason);
    }
    act(app, &app.world.s1.identity, name, "planItem { status }", input).await.ok();
}

async fn book_for_item(app: &TestApp, slot: &str) -> Answer {
    let p1 = &app.world.p1;
    let input = json!({ "slotId": slot, "planItemId": item(app, p1, ITEM).await["id"] });
    act(app, &p1.identity, "appointmentBook", TIME, input).await
}

#[tokio::test]
async fn a_time_is_booked_for_no_item_that_is_done_or_called_off() {
    let app = TestApp::new().await;
    with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    for (name, reason) in [("planItemComplete", None), ("planItemCancel", Some("Inte nu"))] {
        turn(&app, name, reason).await;
        let refused = book_for_item(&app, &slots[0]).await;
        assert_eq!(refused.user_error_codes("appointmentBook"), ["WRONG_STATE"], "{name}");
        assert_eq!(refused.user_error_fields("appointmentBook"), ["planItemId"]);
        assert_eq!(refused.at("/appointmentBook/appointment"), &Value::Null);
        turn(&app, "planItemReopen", None).await;
    }
    book_for_item(&app, &slots[0]).await.ok();
    turn(&app, "planItemStart", None).await;
    book_for_item(&app, &slots[1]).await.ok();
}

#[tokio::test]
async fn an_item_that_a_missed_visit_left_undone_gets_a_new_time_which_ends_the_task() {
    let app = TestApp::new().await;
    with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-08T09:00"]).await;
    let booked = begun(&app, &slots[0]).await;
    record(&app, &booked, "MISSED", false).await;
    assert_eq!(tasks(&app, task::Kind::VisitMissed).await, [task::Status::Open]);
    book_for_item(&app, &slots[1]).await.ok();
    assert_eq!(tasks(&app, task::Kind::VisitMissed).await, [task::Status::Done]);
}

#[tokio::test]
async fn a_visit_for_no_item_or_for_one_that_is_over_leaves_the_plan_alone() {
    let app = TestApp::new().await;
    let (s1, p1) = with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-01T08:30"]).await;
    let other = act(&app, &p1.identity, "appointmentBook", TIME, json!({ "slotId": slots[1] })).await.ok();
    let booked = begun(&app, &slots[0]).await;
    record(&app, other.at("/appointmentBook/appointment"), "MISSED", false).await;
    assert_eq!(stands(&app).await, "ACCEPTED");
    let now = item(&app, p1, ITEM).await;
    let input =
        json!({ "planItemId": now["id"], "expectedRowVersion": now["rowVersion"], "reason": "Inte nu" });
    act(&app, &s1.identity, "planItemCancel", "planItem { status }", input).await.ok();
    record(&app, &booked, "ATTENDED", false).await;
    assert_eq!(stands(&app).await, "CANCELLED");
}

#[tokio::test]
async fn an_outcome_is_recorded_after_the_start_corrected_with_history_and_missed_is_a_task() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let booked = book(&app, &p1.identity, &slots[0]).await.ok().at("/appointmentBook/appointment").clone();
    let record = |outcome: &str, version: i64| {
        let input =
            json!({ "appointmentId": booked["id"], "outcome": outcome, "expectedRowVersion": version });
        act(&app, &s1.identity, "appointmentOutcomeRecord", TIME, input)
    };
    let early = record("ATTENDED", 1).await;
    assert_eq!(early.user_error_codes("appointmentOutcomeRecord"), ["WRONG_STATE"]);
    app.clock.set("2027-03-01T08:00:00Z".parse().unwrap());
    let open = async |kind| {
        let of = task::Entity::find().filter(task::Column::Kind.eq(kind));
        of.filter(task::Column::Status.eq(task::Status::Open)).count(app.core.db.reader()).await.unwrap()
    };
    let missed = record("MISSED", 1).await.ok();
    assert_eq!(missed.text("/appointmentOutcomeRecord/appointment/status"), "MISSED");
    assert_eq!(open(task::Kind::VisitMissed).await, 1);
    assert_eq!(record("MISSED", 2).await.user_error_codes("appointmentOutcomeRecord"), ["WRONG_STATE"]);
    assert_eq!(
        record("ATTENDED", 1).await.user_error_codes("appointmentOutcomeRecord"),
        ["STALE_ROW_VERSION"]
    );
    record("ATTENDED", 2).await.ok();
    assert_eq!(open(task::Kind::VisitMissed).await, 0);
    let query = "query($id: ID!) { me { appointmentHistory(appointmentId: $id) { nodes { action } } } }";
    let told = app.run(&p1.identity, query, json!({ "id": booked["id"] })).await.ok();
    assert_eq!(told.at("/me/appointmentHistory/nodes").as_array().unwrap().len(), 3);
    let own = json!({ "appointmentId": booked["id"], "outcome": "MISSED", "expectedRowVersion": 3 });
    let refused = act(&app, &p1.identity, "appointmentOutcomeRecord", TIME, own).await;
    assert_eq!(refused.user_error_codes("appointmentOutcomeRecord"), ["FORBIDDEN"]);
}

#[tokio::test]
async fn what_nobody_says_the_outcome_of_becomes_a_task_that_ends_with_it() {
    let app = TestApp::new().await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let booked = book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    let booked = booked.at("/appointmentBook/appointment").clone();
    let missing = async || {
        let of = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::OutcomeMissing));
        let all = of.all(app.core.db.reader()).await.unwrap();
        all.iter().map(|task| task.status).collect::<Vec<_>>()
    };
    app.clock.set("2027-03-04T08:29:00Z".parse().unwrap());
    sweep::run(&app.core).await.unwrap();
    assert!(missing().await.is_empty());
    app.clock.set("2027-03-04T08:30:00Z".parse().unwrap());
    sweep::run(&app.core).await.unwrap();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(missing().await, [task::Status::Open]);
    let input = json!({ "appointmentId": booked["id"], "outcome": "ATTENDED", "expectedRowVersion": 1 });
    act(&app, &app.world.s1.identity, "appointmentOutcomeRecord", TIME, input).await.ok();
    assert_eq!(missing().await, [task::Status::Done]);
}
