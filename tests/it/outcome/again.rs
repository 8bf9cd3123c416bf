//! An item whose visit was missed, and the new time for it.

use chrono::TimeDelta;
use entity::task;
use harness::TestApp;
use serde_json::Value;

use super::{begun, book_for_item, record, stands, tasks, with_plan};
use crate::booking::publish;

async fn book(app: &TestApp, slot: &str) -> Value {
    book_for_item(app, slot).await.ok().at("/appointmentBook/appointment").clone()
}

#[tokio::test]
async fn a_new_time_opens_the_item_that_a_missed_visit_left_undone_and_the_visit_does_it() {
    let app = TestApp::new().await;
    with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-08T09:00"]).await;
    let first = begun(&app, &slots[0]).await;
    record(&app, &first, "MISSED", false).await;
    assert_eq!(stands(&app).await, "NOT_DONE");
    app.clock.advance(TimeDelta::hours(1));
    // The patient books, though the item is care's.
    let second = book(&app, &slots[1]).await;
    assert_eq!(stands(&app).await, "ACCEPTED");
    app.clock.set("2027-03-08T08:00:00Z".parse().unwrap());
    record(&app, &second, "ATTENDED", false).await;
    assert_eq!(stands(&app).await, "DONE");
}

#[tokio::test]
async fn an_item_left_undone_is_done_by_the_visit_of_another_time_that_was_booked_before() {
    let app = TestApp::new().await;
    with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let second = book(&app, &slots[1]).await;
    let first = begun(&app, &slots[0]).await;
    // Both are over when somebody says what became of the first.
    app.clock.set("2027-03-02T10:00:00Z".parse().unwrap());
    record(&app, &first, "MISSED", false).await;
    assert_eq!(stands(&app).await, "NOT_DONE");
    app.clock.advance(TimeDelta::minutes(1));
    record(&app, &second, "ATTENDED", false).await;
    assert_eq!(stands(&app).await, "DONE");
    assert_eq!(tasks(&app, task::Kind::VisitMissed).await, [task::Status::Superseded]);
}

#[tokio::test]
async fn a_visit_missed_when_the_new_time_is_booked_already_is_no_task_and_leaves_the_item_open() {
    let app = TestApp::new().await;
    with_plan(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-08T09:00"]).await;
    let first = begun(&app, &slots[0]).await;
    let second = book(&app, &slots[1]).await;
    record(&app, &first, "MISSED", false).await;
    assert_eq!(stands(&app).await, "ACCEPTED");
    assert!(tasks(&app, task::Kind::VisitMissed).await.is_empty());
    app.clock.set("2027-03-08T08:00:00Z".parse().unwrap());
    record(&app, &second, "MISSED", false).await;
    assert_eq!(stands(&app).await, "NOT_DONE", "there is no other time ahead");
    assert_eq!(tasks(&app, task::Kind::VisitMissed).await, [task::Status::Open]);
}
