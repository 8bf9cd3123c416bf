//! Wishes for times that nobody books on the web: nothing is offered there, so somebody phones.

use chrono::TimeDelta;
use entity::task::{Kind, Status};
use harness::{Answer, TestApp, TestPatient, relate};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::publish,
    contacts::stand,
    wishes::{any, leave, mine, offers},
};

/// The visit at U1 is booked by the unit alone from now on.
async fn take_off_the_web(app: &TestApp) {
    let id = global(NodeKind::AppointmentType, app.world.visit);
    let query = "query($id: ID!) { node(id: $id) { ... on AppointmentType { rowVersion } } }";
    let now = app.run(&app.world.s1.identity, query, json!({ "id": id })).await.ok();
    let terms = json!({ "name": "Återbesök", "mode": "VISIT", "lengthMinutes": 30, "webBooking": "NOBODY" });
    let input =
        json!({ "appointmentTypeId": id, "terms": terms, "expectedRowVersion": now.at("/node/rowVersion") });
    act(app, &app.world.s1.identity, "appointmentTypeChange", "appointmentType { id }", input).await.ok();
}

/// Staff leave a wish for a patient who calls. Gives its id.
async fn left_by_phone(app: &TestApp, patient: &TestPatient, content: Value) -> Value {
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "patientId": patient.global_id(), "content": content,
        "bookingChannel": "PHONE" });
    let left: Answer = act(app, &app.world.s1.identity, "timeWishLeave", "wish { id }", input).await.ok();
    left.at("/timeWishLeave/wish/id").clone()
}

#[tokio::test]
async fn who_waits_for_what_the_unit_alone_books_is_phoned_about_a_free_time_in_turn() {
    let app = TestApp::new().await;
    let (s1, p1, p2, p3) = (&app.world.s1, &app.world.p1, &app.world.p2, &app.world.p3);
    for patient in [p1, p2, p3] {
        relate(&app.core, s1, patient).await;
    }
    take_off_the_web(&app).await;
    let tuesdays = json!({ "until": "2027-03-31", "weekdays": ["TUESDAY"] });
    let other_day = left_by_phone(&app, p3, tuesdays).await;
    app.clock.advance(TimeDelta::minutes(1));
    let first = left_by_phone(&app, p1, any()).await;
    app.clock.advance(TimeDelta::minutes(1));
    let second = left_by_phone(&app, p2, any()).await;
    sweep::run(&app.core).await.unwrap();
    assert!(stand(&app, Kind::TimeWish, &first).await.is_empty(), "nothing is free");
    // A Monday.
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    for _ in 0..2 {
        sweep::run(&app.core).await.unwrap();
        assert_eq!(stand(&app, Kind::TimeWish, &first).await, [Status::Open]);
        for waits in [&second, &other_day] {
            assert!(stand(&app, Kind::TimeWish, waits).await.is_empty());
        }
    }
    assert!(offers(&app).await.is_empty());
    // The first does not want a time any more: the next is called, and books it.
    let mut input = json!({ "wishId": first, "expectedRowVersion": mine(&app, p1).await["rowVersion"] });
    act(&app, &p1.identity, "timeWishWithdraw", "wish { id }", input).await.ok();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(stand(&app, Kind::TimeWish, &second).await, [Status::Open]);
    input = json!({ "slotId": slots[0], "patientId": p2.global_id(), "bookingChannel": "PHONE" });
    act(&app, &s1.identity, "appointmentBook", "appointment { id }", input).await.ok();
    assert_eq!(stand(&app, Kind::TimeWish, &second).await, [Status::Done]);
    sweep::run(&app.core).await.unwrap();
    assert!(stand(&app, Kind::TimeWish, &other_day).await.is_empty());
}

#[tokio::test]
async fn a_wish_for_what_is_taken_off_the_web_becomes_a_task_again() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let wish = leave(&app, p1, any()).await.ok().at("/timeWishLeave/wish/id").clone();
    publish(&app, &["2027-03-01T09:00"]).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(offers(&app).await.len(), 1);
    take_off_the_web(&app).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["offer"], Value::Null);
    assert!(stand(&app, Kind::TimeWish, &wish).await.contains(&Status::Open));
}
