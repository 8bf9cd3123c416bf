//! A held time stays in the search of those it is held for, and is in nobody else's.

use chrono::TimeDelta;
use entity::{access_event, access_event::ActorKind};
use harness::{Answer, TestApp, relate, represent};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{book, publish},
};

const SEARCH: &str = "query($filter: FreeSlotFilter, $patient: ID, $first: Int, $after: String) { \
     freeSlots(filter: $filter, patientId: $patient, first: $first, after: $after) { \
     nodes { id openSeats heldUntil heldBy } pageInfo { hasNextPage endCursor } } }";

/// Ids with who holds them, in order, two a page.
async fn seen(app: &TestApp, who: &Identity, patient: Option<&str>, filter: &Value) -> Vec<(String, String)> {
    let (mut all, mut after) = (Vec::new(), Value::Null);
    for _ in 0..10 {
        let asked = json!({ "filter": filter, "patient": patient, "first": 2, "after": after });
        let page: Answer = app.run(who, SEARCH, asked).await.ok();
        for node in page.at("/freeSlots/nodes").as_array().unwrap() {
            assert_eq!(node["heldUntil"].is_null(), node["heldBy"].is_null());
            let by = node["heldBy"].as_str().unwrap_or("nobody");
            all.push((node["id"].as_str().unwrap().to_owned(), by.to_owned()));
        }
        if page.at("/freeSlots/pageInfo/hasNextPage") == &json!(false) {
            return all;
        }
        after = page.at("/freeSlots/pageInfo/endCursor").clone();
    }
    panic!("a search without an end");
}

#[tokio::test]
async fn a_held_time_is_in_its_holders_search_marked_with_until_when_and_in_nobody_elses() {
    let app = TestApp::new().await;
    let (world, p1, p2) = (&app.world, &app.world.p1, &app.world.p2);
    relate(&app.core, &world.s1, p1).await;
    relate(&app.core, &world.s1, p2).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-04T09:00"]).await;
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, world.visit),
        "startsLocal": ["2027-03-03T09:00"], "seats": 2,
    });
    let group = act(&app, &world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let group = group.text("/slotPublish/slots/0/id");
    let hold = async |who: &Identity, slot: &str| {
        act(&app, who, "slotHold", "hold { id heldUntil }", json!({ "slotId": slot })).await.ok()
    };
    let all = |marks: [&str; 4]| -> Vec<(String, String)> {
        let ids = [&slots[0], &slots[1], &group, &slots[2]];
        let marked = ids.into_iter().zip(marks).filter(|(_, mark)| *mark != "gone");
        marked.map(|(id, mark)| (id.clone(), mark.to_owned())).collect()
    };
    let any = json!({ "careUnitIds": [global(NodeKind::CareUnit, world.s1.unit)] });
    hold(&p1.identity, &slots[1]).await;
    let mine = all(["nobody", "PATIENT", "nobody", "nobody"]);
    let others = all(["nobody", "gone", "nobody", "nobody"]);
    assert_eq!(seen(&app, &p1.identity, None, &any).await, mine);
    assert_eq!(seen(&app, &p2.identity, None, &any).await, others);
    // Staff see it when they look for its patient.
    let s1 = &world.s1.identity;
    assert_eq!(seen(&app, s1, Some(&p1.global_id()), &any).await, mine);
    assert_eq!(seen(&app, s1, Some(&p2.global_id()), &any).await, others);
    assert_eq!(seen(&app, s1, None, &any).await, others);
    let one = json!({ "fromDay": "2027-03-02", "untilDay": "2027-03-02" });
    let page = app.run(&p1.identity, SEARCH, json!({ "filter": one, "first": 5 })).await.ok();
    let marked = json!([{ "id": slots[1], "openSeats": 0, "heldUntil": "2027-02-01T07:05:00+00:00", "heldBy": "PATIENT" }]);
    assert_eq!(page.at("/freeSlots/nodes"), &marked);
    // Whatever else is asked for narrows it like every other time.
    for nothing in [
        json!({ "modes": ["VIDEO"] }),
        json!({ "fromDay": "2027-03-02", "untilDay": "2027-03-02", "partsOfDay": ["EVENING"] }),
        json!({ "assignmentId": global(NodeKind::Assignment, world.coordinator.assignment) }),
        json!({ "from": "2027-03-02T08:00:01Z", "untilDay": "2027-03-02" }),
    ] {
        assert!(seen(&app, &p1.identity, None, &nothing).await.is_empty(), "{nothing}");
    }
    let person = json!({ "assignmentId": global(NodeKind::Assignment, world.s1.assignment) });
    assert_eq!(seen(&app, &p1.identity, None, &person).await, all(["nobody", "PATIENT", "gone", "nobody"]));
    let (_, statements) = app.statements(app.run(&p1.identity, SEARCH, json!({ "filter": any }))).await;
    assert!(statements.len() <= 2, "{statements:#?}");

    // One seat of a group is held: for others the rest of them is free.
    let kind = entity::representative::Kind::Relative;
    let ombud = represent(&app.core, p1, kind, "197001012380", r#"{"BOOKING":"ACT"}"#, false).await;
    let input = json!({ "input": { "slotId": group, "idempotencyKey": "ombud" } });
    let query = harness::mutation("slotHold", "hold { id }");
    app.run_for(&ombud.identity, &p1.global_id(), &query, input).await.ok();
    let both = all(["nobody", "PATIENT", "REPRESENTATIVE", "nobody"]);
    assert_eq!(seen(&app, &p1.identity, None, &any).await, both);
    let as_ombud = app.run_for(&ombud.identity, &p1.global_id(), SEARCH, json!({ "filter": any })).await.ok();
    let held =
        as_ombud.at("/freeSlots/nodes").as_array().unwrap().iter().filter(|n| !n["heldUntil"].is_null());
    assert_eq!(held.count(), 2);
    assert_eq!(seen(&app, &p2.identity, None, &any).await, others);
    let logged =
        access_event::Entity::find().filter(access_event::Column::ActorKind.eq(ActorKind::Representative));
    let logged = logged.filter(access_event::Column::Action.eq("freeSlots"));
    assert_eq!(logged.count(app.core.db.reader()).await.unwrap(), 1, "who saw what is held for the patient");
    // Who has no part in bookings sees what a stranger sees.
    let plans = represent(&app.core, p1, kind, "199001012389", r#"{"AGREEMENT":"ACT"}"#, false).await;
    let without = app.run_for(&plans.identity, &p1.global_id(), SEARCH, json!({ "filter": any })).await.ok();
    let without: Vec<_> = without.at("/freeSlots/nodes").as_array().unwrap().iter().collect();
    assert_eq!(without.len(), 3);
    assert!(without.iter().all(|node| node["heldUntil"].is_null() && node["id"] != slots[1].as_str()));
    // Booked, or over, it is held no more.
    book(&app, &p1.identity, &slots[1]).await.ok();
    assert_eq!(
        seen(&app, &p1.identity, None, &any).await,
        all(["nobody", "gone", "REPRESENTATIVE", "nobody"])
    );
    hold(&p1.identity, &slots[0]).await;
    app.clock.advance(TimeDelta::minutes(5));
    patientkontrakt::domain::booking::hold::expire(&app.core).await.unwrap();
    for who in [&p1.identity, &p2.identity] {
        assert_eq!(seen(&app, who, None, &any).await, others);
    }
}
