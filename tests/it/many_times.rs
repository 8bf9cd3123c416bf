//! A patient with more booked times than a plan holds in memory: nothing is left out, page by page.

use chrono::{TimeDelta, Timelike};
use entity::{AppointmentId, SlotId, appointment};
use harness::{Answer, TestApp, relate};
use sea_orm::{EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{acts, booking};

const MANY: i64 = 230;

/// P1 has met U1 `MANY` times, two and two at the same moment, and has two times ahead.
async fn much_seen() -> TestApp {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    acts::active(&app, s1, p1).await;
    let slots = booking::publish(&app, &["2027-03-01T09:00", "2027-03-02T10:00"]).await;
    for slot in &slots {
        booking::book(&app, &p1.identity, slot).await.ok();
    }
    let slot = SlotId(acts::row(&slots[0]));
    let now = app.core.clock.now().with_nanosecond(0).unwrap();
    let met = (0..MANY).map(|n| {
        let starts_at = now - TimeDelta::days(1 + n / 2);
        appointment::Model {
            id: AppointmentId(Uuid::from_u128(u128::from(n.unsigned_abs()) * 7919 % 1009)),
            patient_id: p1.id,
            care_unit_id: s1.unit,
            care_provider_id: s1.provider,
            slot_id: slot,
            seat_no: 1,
            appointment_type_id: app.world.visit,
            assignment_id: None,
            plan_item_id: None,
            status: appointment::Status::Attended,
            origin: appointment::Origin::Agreed,
            booking_channel: appointment::BookingChannel::Phone,
            mode: entity::appointment_type::Mode::Visit,
            starts_at,
            ends_at: starts_at + TimeDelta::minutes(30),
            cancel_by: starts_at - TimeDelta::days(1),
            schedule_version: 1,
            known_starts_at: None,
            confirmed_at: None,
            confirmed_by: None,
            outcome_at: Some(starts_at),
            item_closed_at: None,
            conditions: None,
            conditions_version: None,
            conditions_accepted_at: None,
            conditions_accepted_by: None,
            booked_by: entity::access_event::ActorKind::Staff,
            cancelled_at: None,
            cancelled_by: None,
            source: "OWN".to_owned(),
            created_at: starts_at,
            row_version: 1,
        }
        .into_active_model()
    });
    appointment::Entity::insert_many(met).exec(app.core.db.reader()).await.unwrap();
    app
}

/// Every node of a connection of `me`, walked with its cursors.
async fn walk(app: &TestApp, field: &str, arguments: &str, node: &str, first: usize) -> Vec<Value> {
    let mut nodes: Vec<Value> = Vec::new();
    let mut after = Value::Null;
    for _ in 0..100 {
        let query = format!(
            "query($after: String) {{ me {{ {field}(first: {first}, after: $after{arguments}) {{ nodes {{ {node} }} \
             pageInfo {{ hasNextPage endCursor }} }} }} }}"
        );
        let page: Answer = app.run(&app.world.p1.identity, &query, json!({ "after": after })).await.ok();
        nodes.extend(page.at(&format!("/me/{field}/nodes")).as_array().unwrap().clone());
        if page.at(&format!("/me/{field}/pageInfo/hasNextPage")) == false {
            return nodes;
        }
        after = page.at(&format!("/me/{field}/pageInfo/endCursor")).clone();
    }
    panic!("{field} never ends");
}

fn places(nodes: &[Value], names: [&str; 2]) -> Vec<(String, String)> {
    let text = |node: &Value, name: &str| node[name].as_str().unwrap_or_default().to_owned();
    nodes.iter().map(|node| (text(node, names[0]), text(node, names[1]))).collect()
}

#[tokio::test]
async fn every_booked_time_of_one_who_has_many_is_found_once_and_in_order() {
    let app = much_seen().await;
    let all = places(&walk(&app, "appointments", "", "startsAt id", 60).await, ["startsAt", "id"]);
    let mut sorted = all.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len() as i64, MANY + 2, "each once");
    sorted.reverse();
    assert_eq!(all, sorted, "the latest first");

    let ahead = walk(&app, "appointments", ", upcomingOnly: true", "startsAt id", 1).await;
    let ahead = places(&ahead, ["startsAt", "id"]);
    assert_eq!(ahead, [all[1].clone(), all[0].clone()], "the soonest first");

    let query = "{ me { all: appointments(first: 1) { totalCount } ahead: appointments(first: 1, upcomingOnly: true) \
                 { totalCount } } }";
    let counted = app.run(&app.world.p1.identity, query, json!({})).await.ok();
    assert_eq!(
        (counted.at("/me/all/totalCount"), counted.at("/me/ahead/totalCount")),
        (&json!(MANY + 2), &json!(2))
    );
}

#[tokio::test]
async fn the_timeline_of_one_who_has_many_times_holds_them_all_between_the_items() {
    let app = much_seen().await;
    let items = "{ me { agreement { planItems { id status } } } }";
    let items = app.run(&app.world.p1.identity, items, json!({})).await.ok();
    let items = items.at("/me/agreement/planItems").as_array().unwrap().len();
    assert!(items > 0);
    let node = "on startsAt planItem { id } appointment { id }";
    for first in [7, 100] {
        let entries = walk(&app, "timeline", "", node, first).await;
        let mut ids: Vec<String> =
            entries.iter().map(|e| format!("{}{}", e["planItem"]["id"], e["appointment"]["id"])).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len() as i64, entries.len() as i64), (MANY + 2 + items as i64, ids.len() as i64));
        let days: Vec<(bool, String, String)> = entries
            .iter()
            .map(|e| {
                let text = |name: &str| e[name].as_str().unwrap_or_default().to_owned();
                (e["on"].is_null(), text("on"), text("startsAt"))
            })
            .collect();
        assert!(days.is_sorted(), "in order of time: {days:?}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_patients_time_gives_nothing() {
    let app = much_seen().await;
    let slot = booking::publish(&app, &["2027-03-03T09:00"]).await.remove(0);
    booking::book(&app, &app.world.p2.identity, &slot).await.ok();
    let query = "{ me { appointments(first: 1) { pageInfo { endCursor } } } }";
    let cursor = app.run(&app.world.p2.identity, query, json!({})).await.ok();
    let cursor = cursor.text("/me/appointments/pageInfo/endCursor");
    let query = "query($after: String) { me { appointments(first: 5, after: $after) { nodes { id } } \
                 timeline(first: 5, after: $after) { nodes { title } } } }";
    let found = app.run(&app.world.p1.identity, query, json!({ "after": cursor })).await.ok();
    assert_eq!(found.at("/me/appointments/nodes"), &json!([]));
    assert_eq!(found.at("/me/timeline/nodes"), &json!([]));
}
