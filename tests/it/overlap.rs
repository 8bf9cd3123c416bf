//! A patient is never in two places by their own doing, whoever kept the seat for them.

use entity::{SlotId, seat_claim, slot};
use futures_util::future::join_all;
use harness::{Answer, Staff, TestApp, relate};
use patientkontrakt::{auth::token::Identity, db::is_unique_violation, graphql::scalars::NodeKind};
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};

use crate::{
    acts::{act, global, row},
    booking::{book, publish},
    holds::invariants,
};

const BOOKED: &str = "appointment { id rowVersion } alternatives { id startsAt }";

/// Times of a kind of appointment, with nobody named.
async fn times(
    app: &TestApp,
    staff: &Staff,
    kind: entity::AppointmentTypeId,
    seats: i32,
    at: &[&str],
) -> Vec<String> {
    let kind = global(NodeKind::AppointmentType, kind);
    let input = json!({ "appointmentTypeId": kind, "startsLocal": at, "seats": seats });
    let answer = act(app, &staff.identity, "slotPublish", "slots { id }", input).await.ok();
    let slots = answer.at("/slotPublish/slots").as_array().unwrap().clone();
    slots.iter().map(|slot| slot["id"].as_str().unwrap().to_owned()).collect()
}

async fn open_seats(app: &TestApp, id: &str) -> i32 {
    slot::Entity::find_by_id(SlotId(row(id))).one(app.core.db.reader()).await.unwrap().unwrap().open_seats
}

fn ids(of: &Value) -> Vec<&str> {
    of.as_array().unwrap().iter().map(|slot| slot["id"].as_str().unwrap()).collect()
}

async fn free(app: &TestApp, who: &Identity, patient: Option<String>) -> Answer {
    let query = "query($t: ID!, $p: ID) { freeSlots(filter: { appointmentTypeIds: [$t] }, patientId: $p, first: 50) { \
         nodes { id } } }";
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    app.run(who, query, json!({ "t": kind, "p": patient })).await.ok()
}

/// Staff may keep a time that overlaps the patient's own; to book it is decided by who books.
#[tokio::test]
async fn a_time_that_staff_hold_over_a_booked_one_is_booked_over_it_by_staff_alone() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let own = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &p1.identity, &own[0]).await.ok();
    // The same half hour, with nobody named.
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
        "startsLocal": ["2027-03-01T09:15"],
    });
    let over = act(&app, &s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let over = over.text("/slotPublish/slots/0/id").clone();
    let refused = ["ALREADY_OCCUPIED"];
    assert_eq!(book(&app, &p1.identity, &over).await.user_error_codes("appointmentBook"), refused);

    let hold = json!({ "slotId": over, "patientId": p1.global_id(), "allowOverlap": true });
    act(&app, &s1.identity, "slotHold", "hold { id }", hold).await.ok();
    assert_eq!(book(&app, &p1.identity, &over).await.user_error_codes("appointmentBook"), refused);
    let mut input = json!({ "slotId": over, "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    let plain = act(&app, &s1.identity, "appointmentBook", "appointment { id }", input.clone()).await;
    assert_eq!(plain.user_error_codes("appointmentBook"), refused);
    input["allowOverlap"] = json!(true);
    act(&app, &s1.identity, "appointmentBook", "appointment { id }", input).await.ok();
}

/// Whoever books, holds or moves, and whatever staff allow.
#[tokio::test]
async fn nobody_gets_two_seats_of_one_time() {
    let app = TestApp::new().await;
    let (s1, p1, visit) = (&app.world.s1, &app.world.p1, app.world.visit);
    relate(&app.core, s1, p1).await;
    let group = times(&app, s1, visit, 9, &["2027-03-01T09:00", "2027-03-03T09:00"]).await;
    let refused = ["ALREADY_OCCUPIED"];
    book(&app, &p1.identity, &group[0]).await.ok();
    let again = book(&app, &p1.identity, &group[0]).await;
    assert_eq!(again.user_error_codes("appointmentBook"), refused);
    assert_eq!(again.text("/appointmentBook/userErrors/0/message"), "Du har redan den här tiden.");
    let mut over = json!({
        "slotId": group[0], "patientId": p1.global_id(), "allowOverlap": true, "bookingChannel": "PHONE",
    });
    let by_staff = act(&app, &s1.identity, "appointmentBook", BOOKED, over.clone()).await;
    assert_eq!(by_staff.user_error_codes("appointmentBook"), refused);
    over.as_object_mut().unwrap().remove("bookingChannel");
    let held = act(&app, &s1.identity, "slotHold", "hold { id }", over).await;
    assert_eq!(held.user_error_codes("slotHold"), refused);
    // Nor by moving another time there.
    let other = publish(&app, &["2027-03-02T09:00"]).await;
    let other = book(&app, &p1.identity, &other[0]).await.ok().at("/appointmentBook/appointment").clone();
    let input = json!({
        "appointmentId": other["id"], "expectedRowVersion": other["rowVersion"], "slotId": group[0],
        "allowOverlap": true,
    });
    let moved = act(&app, &s1.identity, "appointmentRebook", "appointment { startsAt }", input).await;
    assert_eq!(moved.user_error_codes("appointmentRebook"), refused);
    assert_eq!(moved.text("/appointmentRebook/appointment/startsAt"), "2027-03-02T08:00:00+00:00");
    assert_eq!(open_seats(&app, &group[0]).await, 8);
    // By several at once: one of them.
    let input = json!({
        "slotId": group[1], "patientId": p1.global_id(), "allowOverlap": true, "bookingChannel": "PHONE",
    });
    let at_once = (0..8).map(|_| act(&app, &s1.identity, "appointmentBook", BOOKED, input.clone()));
    let codes: Vec<_> =
        join_all(at_once).await.iter().map(|a| a.user_error_codes("appointmentBook")).collect();
    assert_eq!(codes.iter().filter(|codes| codes.is_empty()).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|codes| **codes == refused).count(), 7, "{codes:?}");
    assert_eq!(open_seats(&app, &group[1]).await, 8);
    invariants(&app.core).await;
    // The database itself refuses it.
    let db = app.core.db.reader();
    let claim = seat_claim::Entity::find().one(db).await.unwrap().unwrap();
    let second = seat_claim::Model { id: app.core.clock.uuid(), seat_no: 7, ..claim };
    let error = second.into_active_model().reset_all().insert(db).await.unwrap_err();
    assert!(is_unique_violation(&error), "{error}");
}

#[tokio::test]
async fn what_a_patient_is_shown_instead_can_be_booked_and_costs_the_same_whatever_else_they_have() {
    let app = TestApp::new().await;
    let (world, p1, p2) = (&app.world, &app.world.p1, &app.world.p2);
    let wanted = publish(&app, &["2027-03-01T09:00"]).await;
    let near = ["2027-03-01T09:45", "2027-03-01T10:15", "2027-03-01T10:30", "2027-03-01T11:00"];
    let near = times(&app, &world.s1, world.visit, 1, &near).await;
    let own = times(&app, &world.s2, world.visit_u2, 1, &["2027-03-01T10:00"]).await;
    book(&app, &p2.identity, &wanted[0]).await.ok();
    let at = "/appointmentBook/alternatives";
    book(&app, &p1.identity, &wanted[0]).await;
    let before = book(&app, &p1.identity, &wanted[0]);
    let (before, cost) = app.statements(before).await;
    assert_eq!(ids(before.at(at)), near, "nothing is in their way");
    book(&app, &p1.identity, &own[0]).await.ok();
    let (after, same) = app.statements(book(&app, &p1.identity, &wanted[0])).await;
    assert_eq!(after.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    assert_eq!(ids(after.at(at)), [&near[2], &near[3]], "10:00 to 10:30 is theirs already");
    assert_eq!(cost.len(), same.len(), "{same:#?}");
    let seen = free(&app, &p1.identity, None).await;
    assert_eq!(ids(seen.at("/freeSlots/nodes")), [&near[2], &near[3]]);
    let others = free(&app, &world.p3.identity, None).await;
    assert_eq!(ids(others.at("/freeSlots/nodes")), near, "nobody else's list is shorter for it");
    // Staff see every time, and may agree on one over another; what they are shown instead can be booked as it is.
    relate(&app.core, &world.s1, p1).await;
    let seen = free(&app, &world.s1.identity, Some(p1.global_id())).await;
    assert_eq!(ids(seen.at("/freeSlots/nodes")), near);
    let input = json!({ "slotId": near[1], "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    let refused = act(&app, &world.s1.identity, "appointmentBook", BOOKED, input).await;
    assert_eq!(refused.user_error_codes("appointmentBook"), ["ALREADY_OCCUPIED"]);
    let shown = ids(refused.at(at)).into_iter().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(shown, near[2..]);
    let booked = book(&app, &p1.identity, &shown[0]).await.ok().at("/appointmentBook/appointment").clone();
    // Of a time that is to be moved, its own half hour is not in the way.
    let input = json!({
        "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"], "slotId": wanted[0],
    });
    let more = times(&app, &world.s1, world.visit, 1, &["2027-03-01T10:35"]).await;
    let lost = act(&app, &p1.identity, "appointmentRebook", BOOKED, input).await;
    assert_eq!(lost.user_error_codes("appointmentRebook"), ["SLOT_TAKEN"]);
    assert_eq!(ids(lost.at("/appointmentRebook/alternatives")), [&more[0], &near[3]]);
}

#[tokio::test]
async fn staff_are_not_told_by_what_is_missing_of_times_that_are_out_of_their_reach() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    relate(&app.core, &world.s3, p1).await;
    let theirs = times(&app, &world.s3, world.visit_u3, 1, &["2027-03-01T09:00", "2027-03-01T10:00"]).await;
    let own = publish(&app, &["2027-03-01T10:00"]).await;
    book(&app, &p1.identity, &own[0]).await.ok();
    let input = |slot: &str, whom: &harness::TestPatient| json!({ "slotId": slot, "patientId": whom.global_id(), "bookingChannel": "PHONE" });
    relate(&app.core, &world.s3, &world.p2).await;
    let first = input(&theirs[0], &world.p2);
    act(&app, &world.s3.identity, "appointmentBook", BOOKED, first).await.ok();
    let lost = act(&app, &world.s3.identity, "appointmentBook", BOOKED, input(&theirs[0], p1)).await;
    assert_eq!(lost.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    assert_eq!(ids(lost.at("/appointmentBook/alternatives")), [&theirs[1]]);
}
