//! What the search shows is what can be had, and what cannot be had any more is refused with something else to take.

use harness::{Staff, TestApp, relate};
use patientkontrakt::{auth::token::Identity, domain::sweep, graphql::scalars::NodeKind};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{book, publish},
    wishes::{answer, leave, mine},
};

/// Times of the visit at U1 with nobody named.
async fn times(app: &TestApp, staff: &Staff, seats: i32, at: &[&str]) -> Vec<String> {
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "startsLocal": at, "seats": seats });
    let answer = act(app, &staff.identity, "slotPublish", "slots { id }", input).await.ok();
    let slots = answer.at("/slotPublish/slots").as_array().unwrap().clone();
    slots.iter().map(|slot| slot["id"].as_str().unwrap().to_owned()).collect()
}

/// What of the visit at U1 is free for a patient, in order.
async fn free(app: &TestApp, who: &Identity, patient: Option<String>, moving: Option<&Value>) -> Vec<String> {
    let query = "query($f: FreeSlotFilter, $p: ID) { freeSlots(filter: $f, patientId: $p, first: 50) { nodes { id } } }";
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let filter = json!({ "appointmentTypeIds": [kind], "movingAppointmentId": moving });
    let seen = app.run(who, query, json!({ "f": filter, "p": patient })).await.ok();
    let nodes = seen.at("/freeSlots/nodes").as_array().unwrap().clone();
    nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_time_that_the_patient_has_is_not_free_for_them_to_staff_either() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    relate(&app.core, s1, p1).await;
    relate(&app.core, s1, p2).await;
    let group = times(&app, s1, 3, &["2027-03-01T09:00"]).await;
    let over = times(&app, s1, 1, &["2027-03-01T09:15"]).await;
    let booked = book(&app, &p1.identity, &group[0]).await.ok();
    let both = [group[0].clone(), over[0].clone()];
    let for_p1 = free(&app, &s1.identity, Some(p1.global_id()), None).await;
    assert_eq!(for_p1, over, "what overlaps can be agreed on");
    assert_eq!(free(&app, &s1.identity, Some(p2.global_id()), None).await, both);
    assert_eq!(free(&app, &s1.identity, None, None).await, both);
    let time = booked.at("/appointmentBook/appointment");
    let input = json!({ "appointmentId": time["id"], "expectedRowVersion": time["rowVersion"] });
    act(&app, &p1.identity, "appointmentCancel", "appointment { id }", input).await.ok();
    assert_eq!(free(&app, &s1.identity, Some(p1.global_id()), None).await, both);
}

#[tokio::test]
async fn who_moves_a_time_sees_those_that_overlap_it_and_none_over_another() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    let group = times(&app, s1, 3, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let over = times(&app, s1, 1, &["2027-03-01T09:15", "2027-03-02T09:15"]).await;
    let booked = book(&app, &p1.identity, &group[0]).await.ok();
    book(&app, &p1.identity, &group[1]).await.ok();
    let theirs = book(&app, &p2.identity, &group[0]).await.ok();
    let time = booked.at("/appointmentBook/appointment");
    assert!(free(&app, &p1.identity, None, None).await.is_empty());
    assert_eq!(free(&app, &p1.identity, None, Some(&time["id"])).await, over[..1]);
    let others = theirs.at("/appointmentBook/appointment/id");
    assert!(free(&app, &p1.identity, None, Some(others)).await.is_empty(), "another's time moves nothing");
    let input =
        json!({ "appointmentId": time["id"], "slotId": over[0], "expectedRowVersion": time["rowVersion"] });
    act(&app, &p1.identity, "appointmentRebook", "appointment { id }", input).await.ok();
}

#[tokio::test]
async fn a_time_that_was_taken_back_is_refused_with_others_to_take_and_held_no_more() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    relate(&app.core, s1, p1).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00"]).await;
    act(&app, &p1.identity, "slotHold", "hold { id }", json!({ "slotId": slots[0] })).await.ok();
    act(&app, &s1.identity, "slotWithdraw", "withdrawn", json!({ "slotIds": [slots[0]] })).await.ok();
    let held = app.run(&p1.identity, "{ me { slotHolds { id } } }", json!({})).await.ok();
    assert_eq!(held.at("/me/slotHolds"), &json!([]));
    let near = [slots[1].as_str(), slots[2].as_str()];
    let instead = |answer: &harness::Answer, act: &str| {
        assert_eq!(answer.user_error_codes(act), ["SLOT_TAKEN"], "{}", answer.body);
        for (n, slot) in near.iter().enumerate() {
            assert_eq!(answer.text(&format!("/{act}/alternatives/{n}/id")), *slot);
        }
    };
    for who in [&p1.identity, &p2.identity] {
        instead(&book(&app, who, &slots[0]).await, "appointmentBook");
    }
    let input = json!({ "slotId": slots[0] });
    let lost = act(&app, &p1.identity, "slotHold", "hold { id } alternatives { id }", input).await;
    instead(&lost, "slotHold");
    let input = json!({ "slotId": slots[0], "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    let selection = "appointment { id } alternatives { id }";
    instead(&act(&app, &s1.identity, "appointmentBook", selection, input).await, "appointmentBook");
}

#[tokio::test]
async fn who_holds_a_time_that_is_booked_by_the_unit_alone_from_now_on_hears_that_it_is_gone() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    act(&app, &p1.identity, "slotHold", "hold { id }", json!({ "slotId": slots[0] })).await.ok();
    let query = "query($id: ID!) { node(id: $id) { ... on AppointmentType { rowVersion } } }";
    let id = global(NodeKind::AppointmentType, app.world.visit);
    let now = app.run(&app.world.s1.identity, query, json!({ "id": id })).await.ok();
    let terms = json!({ "name": "Återbesök", "mode": "VISIT", "lengthMinutes": 30, "webBooking": "NOBODY" });
    let input =
        json!({ "appointmentTypeId": id, "terms": terms, "expectedRowVersion": now.at("/node/rowVersion") });
    act(&app, &app.world.s1.identity, "appointmentTypeChange", "appointmentType { id }", input).await.ok();
    assert_eq!(book(&app, &p1.identity, &slots[0]).await.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    let other = book(&app, &p2.identity, &slots[0]).await;
    assert_eq!(other.user_error_codes("appointmentBook"), ["NOT_FOUND"], "they know nothing of it");
}

#[tokio::test]
async fn who_accepts_an_offer_over_another_time_is_told_so_of_the_offer() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let early = json!({ "until": "2027-03-31", "times": [{ "from": "08:00", "until": "09:10" }] });
    leave(&app, p1, early).await.ok();
    publish(&app, &["2027-03-01T09:00"]).await;
    sweep::run(&app.core).await.unwrap();
    let offer = mine(&app, p1).await["offer"].clone();
    let over = times(&app, s1, 1, &["2027-03-01T09:15"]).await;
    book(&app, &p1.identity, &over[0]).await.ok();
    let refused = answer(&app, p1, "timeOfferAccept", &offer).await;
    assert_eq!(refused.user_error_codes("timeOfferAccept"), ["ALREADY_OCCUPIED"]);
    assert_eq!(refused.text("/timeOfferAccept/userErrors/0/field"), "offerId");
    let said = refused.text("/timeOfferAccept/userErrors/0/message");
    assert!(said.contains("erbjudandet"), "{said}");
}
