//! Times: published, booked by one, moved, cancelled - and never got by two.

use std::collections::BTreeMap;

use entity::{SlotId, appointment, care_relation, notice, occupancy, patient, slot};
use futures_util::future::join_all;
use harness::{Answer, TestApp, relate, world::crowd};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::acts::{act, global, row};

pub const APPOINTMENT: &str = "appointment { id status startsAt cancelBy rowVersion canCancel { allowed reason } \
     origin bookingChannel careUnit { id } }";
const BOOKED: &str = "appointment { id status startsAt cancelBy rowVersion origin bookingChannel } \
     alternatives { id startsAt openSeats }";

/// Publishes times of the visit at U1 and gives their ids, by start.
pub async fn publish(app: &TestApp, starts: &[&str]) -> Vec<String> {
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
        "assignmentId": global(NodeKind::Assignment, app.world.s1.assignment),
        "startsLocal": starts,
    });
    let answer = act(app, &app.world.s1.identity, "slotPublish", "slots { id startsAt }", input).await.ok();
    let slots = answer.at("/slotPublish/slots").as_array().unwrap().clone();
    slots.iter().map(|slot| slot["id"].as_str().unwrap().to_owned()).collect()
}

/// Books as a patient.
pub async fn book(app: &TestApp, who: &Identity, slot: &str) -> Answer {
    act(app, who, "appointmentBook", BOOKED, json!({ "slotId": slot })).await
}

fn change(booked: &Value) -> Value {
    json!({ "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"] })
}

async fn open_seats(app: &TestApp, id: &str) -> i32 {
    slot::Entity::find_by_id(SlotId(row(id))).one(app.core.db.reader()).await.unwrap().unwrap().open_seats
}

async fn cells_of(app: &TestApp, subject: uuid::Uuid) -> u64 {
    let of = occupancy::Entity::find().filter(occupancy::Column::SubjectId.eq(subject));
    of.count(app.core.db.reader()).await.unwrap()
}

#[tokio::test]
async fn of_a_hundred_who_want_one_time_exactly_one_gets_it_and_the_others_get_alternatives() {
    let app = TestApp::new().await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-01T10:00", "2027-03-01T08:00"]).await;
    let wanted = &slots[1];
    let people = crowd(&app.core, &app.world.p1, 100).await;
    let answers = join_all(people.iter().map(|who| book(&app, &who.identity, wanted))).await;
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for answer in &answers {
        let code = answer.user_error_codes("appointmentBook").join(",");
        if code == "SLOT_TAKEN" {
            let near = answer.at("/appointmentBook/alternatives").as_array().unwrap();
            assert_eq!(near.len(), 2, "{near:?}");
            assert!(near.iter().all(|slot| slot["id"] != wanted.as_str() && slot["openSeats"] == 1));
        }
        *codes.entry(code).or_default() += 1;
    }
    assert_eq!(codes, BTreeMap::from([(String::new(), 1), ("SLOT_TAKEN".to_owned(), 99)]));
    assert_eq!(open_seats(&app, wanted).await, 0);
    assert_eq!(appointment::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_patient_books_and_the_unit_gets_its_care_relation() {
    let app = TestApp::new().await;
    let p2 = &app.world.p2;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let booked = book(&app, &p2.identity, &slots[0]).await.ok();
    assert_eq!(booked.text("/appointmentBook/appointment/origin"), "SELF_BOOKED");
    assert_eq!(booked.text("/appointmentBook/appointment/bookingChannel"), "WEB");
    // Monday; the working day before is Friday.
    assert_eq!(booked.text("/appointmentBook/appointment/cancelBy"), "2027-02-25T23:00:00+00:00");
    assert_eq!(cells_of(&app, p2.id.0).await, 6);
    let relations: Vec<_> = care_relation::Entity::find()
        .filter(care_relation::Column::PatientId.eq(p2.id))
        .all(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(relations.len(), 1);
    assert_eq!(relations[0].care_unit_id, app.world.s1.unit);
    assert_eq!(relations[0].source, care_relation::Source::Appointment);
    let id = booked.text("/appointmentBook/appointment/id");
    let seen = app
        .run(&app.world.s1.identity, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id }))
        .await
        .ok();
    assert_eq!(seen.text("/node/id"), id);
}

#[tokio::test]
async fn a_patient_cannot_be_in_two_places_but_staff_may_say_so() {
    let app = TestApp::new().await;
    let (s2, p1) = (&app.world.s2, &app.world.p1);
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit_u2),
        "startsLocal": ["2027-03-01T09:15"],
    });
    let other = act(&app, &s2.identity, "slotPublish", "slots { id }", input).await.ok();
    let other = other.text("/slotPublish/slots/0/id");
    let answer = book(&app, &p1.identity, &other).await;
    assert_eq!(answer.user_error_codes("appointmentBook"), ["ALREADY_OCCUPIED"]);
    for name in ["appointmentBook", "slotHold"] {
        let input = json!({ "slotId": other, "allowOverlap": true });
        let forced = act(&app, &p1.identity, name, "alternatives { id }", input).await;
        assert_eq!(forced.user_error_fields(name), ["allowOverlap"], "only staff say so");
    }
    assert_eq!(open_seats(&app, &other).await, 1, "nothing is kept of a refused booking");

    relate(&app.core, s2, p1).await;
    let mut input = json!({ "slotId": other, "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    let refused = act(&app, &s2.identity, "appointmentBook", BOOKED, input.clone()).await;
    assert_eq!(refused.user_error_codes("appointmentBook"), ["ALREADY_OCCUPIED"]);
    input["allowOverlap"] = json!(true);
    let booked = act(&app, &s2.identity, "appointmentBook", BOOKED, input).await.ok();
    assert_eq!(booked.text("/appointmentBook/appointment/origin"), "AGREED");
    assert_eq!(cells_of(&app, p1.id.0).await, 9, "cells taken already stay with their holder");
}

#[tokio::test]
async fn a_time_that_has_begun_is_neither_booked_nor_held_nor_moved_to() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let slots = publish(&app, &["2027-02-01T09:00", "2027-03-01T09:00"]).await;
    let booked = book(&app, &p1.identity, &slots[1]).await.ok().at("/appointmentBook/appointment").clone();
    relate(&app.core, s1, p1).await;
    app.clock.set("2027-02-01T08:00:00Z".parse().unwrap());
    for name in ["appointmentBook", "slotHold"] {
        let mut input = json!({ "slotId": slots[0] });
        let own = act(&app, &p1.identity, name, "alternatives { id }", input.clone()).await;
        input["patientId"] = json!(p1.global_id());
        if name == "appointmentBook" {
            input["bookingChannel"] = json!("PHONE");
        }
        let staffs = act(&app, &s1.identity, name, "alternatives { id }", input).await;
        for answer in [own, staffs] {
            assert_eq!(answer.user_error_codes(name), ["TOO_LATE"], "{}", answer.body);
        }
    }
    let mut input = change(&booked);
    input["slotId"] = json!(slots[0]);
    let moved = act(&app, &p1.identity, "appointmentRebook", APPOINTMENT, input).await;
    assert_eq!(moved.user_error_codes("appointmentRebook"), ["TOO_LATE"], "{}", moved.body);
    assert_eq!(open_seats(&app, &slots[0]).await, 1);
}

#[tokio::test]
async fn staff_are_never_published_twice_at_one_time() {
    let app = TestApp::new().await;
    publish(&app, &["2027-03-01T09:00", "2027-03-01T09:30"]).await;
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
        "assignmentId": global(NodeKind::Assignment, app.world.s1.assignment),
        "startsLocal": ["2027-03-01T09:45", "2027-03-01T11:00"],
    });
    let s1 = &app.world.s1.identity;
    let refused = act(&app, s1, "slotPublish", "slots { id }", input).await;
    assert_eq!(refused.user_error_codes("slotPublish"), ["ALREADY_OCCUPIED"]);
    let message = refused.text("/slotPublish/userErrors/0/message");
    assert!(message.contains("2027-03-01 09:45") && !message.contains("11:00"), "{message}");
    assert_eq!(slot::Entity::find().count(app.core.db.reader()).await.unwrap(), 2);
}

#[tokio::test]
async fn only_staff_of_the_unit_publish() {
    let app = TestApp::new().await;
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
        "startsLocal": ["2027-03-01T09:45"],
    });
    let world = &app.world;
    for (who, code) in [
        (&world.p1.identity, "FORBIDDEN"),
        (&world.analyst.identity, "FORBIDDEN"),
        (&world.s2.identity, "NOT_FOUND"),
        (&world.s3.identity, "NOT_FOUND"),
    ] {
        let refused = act(&app, who, "slotPublish", "slots { id }", input.clone()).await;
        assert_eq!(refused.user_error_codes("slotPublish"), [code]);
    }
}

#[tokio::test]
async fn cancelling_gives_seat_and_time_back_until_the_deadline() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let first = book(&app, &p1.identity, &slots[0]).await.ok().at("/appointmentBook/appointment").clone();
    let stale = json!({ "appointmentId": first["id"], "expectedRowVersion": 7 });
    let refused = act(&app, &p1.identity, "appointmentCancel", APPOINTMENT, stale).await;
    assert_eq!(refused.user_error_codes("appointmentCancel"), ["STALE_ROW_VERSION"]);
    assert_eq!(refused.text("/appointmentCancel/appointment/status"), "BOOKED");
    let done = act(&app, &p1.identity, "appointmentCancel", APPOINTMENT, change(&first)).await.ok();
    assert_eq!(done.text("/appointmentCancel/appointment/status"), "CANCELLED");
    assert_eq!((open_seats(&app, &slots[0]).await, cells_of(&app, p1.id.0).await), (1, 0));
    let again = act(&app, &p1.identity, "appointmentCancel", APPOINTMENT, change(&first)).await;
    assert_eq!(again.user_error_codes("appointmentCancel"), ["WRONG_STATE"]);

    let late = book(&app, &p1.identity, &slots[0]).await.ok().at("/appointmentBook/appointment").clone();
    app.clock.set("2027-02-25T23:00:00Z".parse().unwrap());
    let refused = act(&app, &p1.identity, "appointmentCancel", APPOINTMENT, change(&late)).await;
    assert_eq!(refused.user_error_codes("appointmentCancel"), ["TOO_LATE"]);
    assert!(refused.text("/appointmentCancel/userErrors/0/message").contains("+46"));
    let button = refused.at("/appointmentCancel/appointment/canCancel");
    assert_eq!(button["allowed"], false);
    // Staff help until it begins, and may see what they did.
    let done = act(&app, &app.world.s1.identity, "appointmentCancel", APPOINTMENT, change(&late)).await.ok();
    assert_eq!(done.text("/appointmentCancel/appointment/status"), "CANCELLED");
}

#[tokio::test]
async fn a_move_keeps_the_old_time_until_the_new_one_is_got() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00"]).await;
    let mine = book(&app, &p1.identity, &slots[0]).await.ok().at("/appointmentBook/appointment").clone();
    book(&app, &p2.identity, &slots[1]).await.ok();
    let to = |slot: &str, booked: &Value| {
        let mut input = change(booked);
        input["slotId"] = json!(slot);
        input
    };
    let selection = "appointment { id startsAt status rowVersion } alternatives { id }";
    let lost = act(&app, &p1.identity, "appointmentRebook", selection, to(&slots[1], &mine)).await;
    assert_eq!(lost.user_error_codes("appointmentRebook"), ["SLOT_TAKEN"]);
    assert_eq!(lost.at("/appointmentRebook/appointment/startsAt"), &mine["startsAt"]);
    assert_eq!(lost.text("/appointmentRebook/alternatives/0/id"), slots[2]);
    assert_eq!(open_seats(&app, &slots[0]).await, 0);
    let moved = act(&app, &p1.identity, "appointmentRebook", selection, to(&slots[2], &mine)).await.ok();
    assert_eq!(moved.text("/appointmentRebook/appointment/startsAt"), "2027-03-03T08:00:00+00:00");
    assert_eq!((open_seats(&app, &slots[0]).await, open_seats(&app, &slots[2]).await), (1, 0));
    assert_eq!(cells_of(&app, p1.id.0).await, 6);
    let kept = appointment::Entity::find()
        .filter(appointment::Column::PatientId.eq(p1.id))
        .all(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!((kept.len(), kept[0].schedule_version), (1, 2));
}

#[tokio::test]
async fn two_patients_who_change_places_do_not_wait_for_ever() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
        "startsLocal": ["2027-03-01T09:00", "2027-03-02T09:00"],
        "seats": 2,
    });
    let slots = act(&app, &app.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let slot = |n: usize| slots.text(&format!("/slotPublish/slots/{n}/id"));
    let a = book(&app, &p1.identity, &slot(0)).await.ok().at("/appointmentBook/appointment").clone();
    let b = book(&app, &p2.identity, &slot(1)).await.ok().at("/appointmentBook/appointment").clone();
    let to = |booked: &Value, slot: String| {
        let mut input = change(booked);
        input["slotId"] = json!(slot);
        input
    };
    let (first, second) = tokio::join!(
        act(&app, &p1.identity, "appointmentRebook", "appointment { id }", to(&a, slot(1))),
        act(&app, &p2.identity, "appointmentRebook", "appointment { id }", to(&b, slot(0))),
    );
    first.ok();
    second.ok();
    assert_eq!((open_seats(&app, &slot(0)).await, open_seats(&app, &slot(1)).await), (1, 1));
}

#[tokio::test]
async fn a_patient_who_moves_two_visits_into_each_others_times_is_refused_twice_and_keeps_both() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let times = ["2027-03-01T09:00", "2027-03-01T10:00"];
    let mine = publish(&app, &times).await;
    // Other slots at the same times: the two moves meet in the patient's time alone.
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit), "startsLocal": times,
    });
    let others = act(&app, &app.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let other = |n: usize| others.text(&format!("/slotPublish/slots/{n}/id"));
    let early = book(&app, &p1.identity, &mine[0]).await.ok().at("/appointmentBook/appointment").clone();
    let late = book(&app, &p1.identity, &mine[1]).await.ok().at("/appointmentBook/appointment").clone();
    let rebook = |booked: &Value, slot: String| {
        let mut input = change(booked);
        input["slotId"] = json!(slot);
        act(&app, &p1.identity, "appointmentRebook", "appointment { id startsAt }", input)
    };
    for _ in 0..5 {
        let (first, second) = tokio::join!(rebook(&early, other(1)), rebook(&late, other(0)));
        for answer in [first, second] {
            assert_eq!(answer.user_error_codes("appointmentRebook"), ["ALREADY_OCCUPIED"]);
        }
    }
    assert_eq!((open_seats(&app, &other(0)).await, open_seats(&app, &other(1)).await), (1, 1));
    assert_eq!((open_seats(&app, &mine[0]).await, open_seats(&app, &mine[1]).await), (0, 0));
}

#[tokio::test]
async fn for_the_dead_no_time_is_booked_or_moved() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let booked = book(&app, &p1.identity, &slots[0]).await.ok().at("/appointmentBook/appointment").clone();
    let died = patient::ActiveModel {
        id: Set(p1.id),
        deceased_on: Set(Some(app.clock.now().date_naive())),
        ..Default::default()
    };
    died.update(app.core.db.reader()).await.unwrap();
    let input = json!({ "slotId": slots[1], "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    let answer = act(&app, &s1.identity, "appointmentBook", BOOKED, input).await;
    assert_eq!(answer.user_error_codes("appointmentBook"), ["CONFLICT"]);
    let mut input = change(&booked);
    input["slotId"] = json!(slots[1]);
    let answer = act(&app, &s1.identity, "appointmentRebook", "appointment { startsAt }", input).await;
    assert_eq!(answer.user_error_codes("appointmentRebook"), ["CONFLICT"]);
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, s1.unit), "patientId": p1.global_id(),
        "subject": "Kallelse", "body": "Välkommen.",
    });
    let answer = act(&app, &s1.identity, "threadStart", "thread { id }", input).await;
    assert_eq!(answer.user_error_codes("threadStart"), ["CONFLICT"]);
    assert_eq!(open_seats(&app, &slots[1]).await, 1);
}

#[tokio::test]
async fn a_repeated_key_books_once_and_answers_alike() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let input = json!({ "slotId": slots[0], "idempotencyKey": "samma" });
    let answers =
        join_all((0..20).map(|_| act(&app, &p1.identity, "appointmentBook", BOOKED, input.clone()))).await;
    for answer in &answers {
        assert_eq!(answer.body, answers[0].body);
    }
    answers[0].clone().ok();
    assert_eq!(appointment::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);
    let other = json!({ "slotId": slots[1], "idempotencyKey": "samma" });
    let reused = act(&app, &p1.identity, "appointmentBook", BOOKED, other).await;
    assert_eq!(reused.user_error_codes("appointmentBook"), ["IDEMPOTENCY_KEY_REUSED"]);
}

#[tokio::test]
async fn another_patients_booking_is_out_of_reach_and_left_alone() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let theirs = book(&app, &p2.identity, &slots[0]).await.ok().at("/appointmentBook/appointment").clone();
    let before = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    // A12: cancel; A13: book as.
    let refused = act(&app, &p1.identity, "appointmentCancel", APPOINTMENT, change(&theirs)).await;
    let unknown = json!({
        "appointmentId": global(NodeKind::Appointment, uuid::Uuid::from_u128(1)),
        "expectedRowVersion": 1,
    });
    let nothing = act(&app, &p1.identity, "appointmentCancel", APPOINTMENT, unknown).await;
    assert_eq!(refused.body, nothing.body);
    assert_eq!(refused.user_error_codes("appointmentCancel"), ["NOT_FOUND"]);
    let input = json!({ "slotId": slots[1], "patientId": p2.global_id() });
    let refused = act(&app, &p1.identity, "appointmentBook", BOOKED, input).await;
    assert_eq!(refused.user_error_codes("appointmentBook"), ["NOT_FOUND"]);
    assert_eq!(open_seats(&app, &slots[1]).await, 1);
    assert_eq!(notice::Entity::find().all(app.core.db.reader()).await.unwrap(), before);
}

#[tokio::test]
async fn free_times_come_in_pages_and_two_statements() {
    let app = TestApp::new().await;
    publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00"]).await;
    let query = "query($unit: ID!, $type: ID!, $after: String) { freeSlots(filter: { careUnitIds: [$unit], appointmentTypeIds: [$type] }, \
         first: 2, after: $after) { nodes { id startsAt } pageInfo { hasNextPage endCursor } } }";
    let mut variables = json!({
        "unit": global(NodeKind::CareUnit, app.world.s1.unit),
        "type": global(NodeKind::AppointmentType, app.world.visit),
    });
    let p1 = &app.world.p1.identity;
    app.run(p1, query, variables.clone()).await.ok();
    let (page, statements) = app.statements(app.run(p1, query, variables.clone())).await;
    let page = page.ok();
    assert_eq!(statements.len(), 2, "{statements:?}");
    assert_eq!(page.at("/freeSlots/pageInfo/hasNextPage"), true);
    variables["after"] = page.at("/freeSlots/pageInfo/endCursor").clone();
    let rest = app.run(p1, query, variables.clone()).await.ok();
    assert_eq!(rest.at("/freeSlots/nodes").as_array().unwrap().len(), 1);
    variables["after"] = json!("nonsense");
    assert_eq!(app.run(p1, query, variables).await.error_codes(), ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn staff_of_another_provider_learn_nothing_of_a_clash_that_is_out_of_their_reach() {
    let app = TestApp::new().await;
    let (s3, p1) = (&app.world.s3, &app.world.p1);
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    relate(&app.core, s3, p1).await;
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit_u3),
        "startsLocal": ["2027-03-01T09:00"],
    });
    let theirs = act(&app, &s3.identity, "slotPublish", "slots { id }", input).await.ok();
    let theirs = theirs.text("/slotPublish/slots/0/id");
    let input = json!({ "slotId": theirs, "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    let booked = act(&app, &s3.identity, "appointmentBook", BOOKED, input).await.ok();
    assert_eq!(booked.text("/appointmentBook/appointment/status"), "BOOKED");
}
