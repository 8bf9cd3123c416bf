//! Held times and confirmations.

mod buttons;
mod random;

use chrono::TimeDelta;
use entity::{appointment, occupancy, representative, seat_claim, slot};
use futures_util::future::join_all;
use harness::{Answer, TestApp, relate, represent};
use patientkontrakt::{auth::token::Identity, domain::booking::hold};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::json;

pub use random::invariants;

use crate::{
    acts::act,
    booking::{book, publish},
};

const HELD: &str = "hold { id heldUntil heldBy slot { id openSeats } } alternatives { id }";
const TIME: &str = "appointment { id status startsAt rowVersion confirmedAt confirmedBy bookedBy \
     canCancel { allowed code } canRebook { allowed code } canConfirm { allowed code } canRecordOutcome { allowed code } }";

async fn held(app: &TestApp, who: &Identity, slot: &str) -> Answer {
    act(app, who, "slotHold", HELD, json!({ "slotId": slot })).await
}

async fn open_seats(app: &TestApp) -> Vec<i32> {
    let mut slots = slot::Entity::find().all(app.core.db.reader()).await.unwrap();
    slots.sort_by_key(|slot| slot.starts_at);
    slots.iter().map(|slot| slot.open_seats).collect()
}

#[tokio::test]
async fn a_held_time_is_nobody_elses_until_it_expires_and_then_anybodys() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1.identity, &app.world.p2.identity);
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let mine = held(&app, p1, &slots[0]).await.ok();
    assert_eq!(mine.text("/slotHold/hold/heldBy"), "PATIENT");
    assert_eq!(mine.text("/slotHold/hold/heldUntil"), "2027-02-01T07:05:00+00:00");
    let lost = book(&app, p2, &slots[0]).await;
    assert_eq!(lost.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    assert_eq!(lost.text("/appointmentBook/alternatives/0/id"), slots[1]);
    assert_eq!(held(&app, p2, &slots[0]).await.user_error_codes("slotHold"), ["SLOT_TAKEN"]);
    // Held again it does not last longer.
    app.clock.advance(TimeDelta::minutes(4));
    let again = held(&app, p1, &slots[0]).await.ok();
    assert_eq!(again.at("/slotHold/hold/heldUntil"), mine.at("/slotHold/hold/heldUntil"));
    app.clock.advance(TimeDelta::minutes(1));
    let anew = held(&app, p1, &slots[0]).await.ok();
    assert_ne!(
        anew.at("/slotHold/hold/id"),
        mine.at("/slotHold/hold/id"),
        "what is over is over for its holder too"
    );
    assert_eq!(anew.text("/slotHold/hold/heldUntil"), "2027-02-01T07:10:00+00:00");
    app.clock.advance(TimeDelta::minutes(5));
    book(&app, p2, &slots[0]).await.ok();
    assert_eq!(book(&app, p1, &slots[0]).await.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    assert_eq!(open_seats(&app).await, [0, 1]);
    let of = occupancy::Column::SubjectId.eq(app.world.p1.id.0);
    let cells = occupancy::Entity::find().filter(of).count(app.core.db.reader()).await.unwrap();
    assert_eq!(cells, 0, "an expired hold occupies nobody");
}

#[tokio::test]
async fn booking_uses_the_hold_and_a_new_hold_gives_the_former_up() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1.identity;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    held(&app, p1, &slots[0]).await.ok();
    held(&app, p1, &slots[1]).await.ok();
    assert_eq!(open_seats(&app).await, [1, 0]);
    let seen = app.run(p1, "{ me { slotHolds { id slot { id } heldBy } } }", json!({})).await.ok();
    assert_eq!(seen.at("/me/slotHolds").as_array().unwrap().len(), 1);
    assert_eq!(seen.text("/me/slotHolds/0/slot/id"), slots[1]);
    book(&app, p1, &slots[1]).await.ok();
    assert_eq!(open_seats(&app).await, [1, 0]);
    let seen = app.run(p1, "{ me { slotHolds { id } } }", json!({})).await.ok();
    assert_eq!(seen.at("/me/slotHolds"), &json!([]));
    let mine = held(&app, p1, &slots[0]).await.ok().text("/slotHold/hold/id");
    let input = json!({ "holdId": mine });
    let given = act(&app, p1, "slotRelease", "slot { openSeats }", input.clone()).await.ok();
    assert_eq!(given.at("/slotRelease/slot/openSeats"), 1);
    let gone = act(&app, p1, "slotRelease", "slot { openSeats }", input).await;
    assert_eq!(gone.user_error_codes("slotRelease"), ["NOT_FOUND"]);
}

#[tokio::test]
async fn a_hold_is_deleted_when_it_is_over_whoever_asks() {
    let app = TestApp::new().await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    held(&app, &app.world.p1.identity, &slots[0]).await.ok();
    assert_eq!(hold::expire(&app.core).await.unwrap(), 0);
    app.clock.advance(TimeDelta::minutes(5));
    assert_eq!(hold::expire(&app.core).await.unwrap(), 1);
    assert_eq!((open_seats(&app).await, hold::expire(&app.core).await.unwrap()), (vec![1], 0));
    assert_eq!(seat_claim::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
}

#[tokio::test]
async fn nobody_elses_hold_is_seen_or_given_back() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let mine = held(&app, &p1.identity, &slots[0]).await.ok().text("/slotHold/hold/id");
    let input = json!({ "holdId": mine });
    let refused = act(&app, &p2.identity, "slotRelease", "slot { id }", input).await;
    assert_eq!(refused.user_error_codes("slotRelease"), ["NOT_FOUND"]);
    let seen = app.run(&p2.identity, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": mine })).await;
    assert!(seen.at("/node").is_null());
    assert_eq!(open_seats(&app).await, [0]);
}

#[tokio::test]
async fn staff_on_the_phone_hold_book_and_confirm_and_the_history_says_who() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let input = json!({ "slotId": slots[0], "patientId": p1.global_id() });
    let by_staff = act(&app, &s1.identity, "slotHold", HELD, input).await.ok();
    assert_eq!(by_staff.text("/slotHold/hold/heldBy"), "STAFF");
    let input = json!({ "slotId": slots[0], "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    let booked = act(&app, &s1.identity, "appointmentBook", TIME, input).await.ok();
    assert_eq!(booked.text("/appointmentBook/appointment/bookedBy"), "STAFF");
    let booked = booked.at("/appointmentBook/appointment").clone();
    let unasked = json!({ "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"] });
    let refused = act(&app, &s1.identity, "appointmentConfirm", TIME, unasked).await;
    assert_eq!(refused.user_error_codes("appointmentConfirm"), ["BAD_USER_INPUT"]);
    assert_eq!(
        refused.user_error_fields("appointmentConfirm"),
        ["bookingChannel"],
        "nobody has asked the patient"
    );
    let input = json!({
        "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"], "bookingChannel": "PHONE",
    });
    let confirmed = act(&app, &s1.identity, "appointmentConfirm", TIME, input.clone()).await.ok();
    let confirmed = confirmed.at("/appointmentConfirm/appointment").clone();
    assert_eq!(confirmed["confirmedBy"], "STAFF");
    assert_eq!(confirmed["canConfirm"], json!({ "allowed": false, "code": "WRONG_STATE" }));
    let again = act(&app, &s1.identity, "appointmentConfirm", TIME, input).await;
    assert_eq!(again.user_error_codes("appointmentConfirm"), ["WRONG_STATE"]);
    let ombud = represent(
        &app.core,
        p1,
        representative::Kind::Relative,
        "197001012380",
        r#"{"BOOKING":"ACT"}"#,
        false,
    )
    .await;
    let move_it = "mutation($input: AppointmentRebookInput!) { appointmentRebook(input: $input) { appointment { rowVersion \
         confirmedAt } userErrors { code message } } }";
    let input = json!({ "input": { "appointmentId": confirmed["id"], "slotId": slots[1], "idempotencyKey": "flytt",
        "expectedRowVersion": confirmed["rowVersion"] } });
    let moved = app.run_for(&ombud.identity, &p1.global_id(), move_it, input).await.ok();
    assert!(
        moved.at("/appointmentRebook/appointment/confirmedAt").is_null(),
        "a moved time is not confirmed"
    );
    let query = "query($id: ID!) { me { appointmentHistory(appointmentId: $id) { nodes { by byName action what \
         changes { label from to } } } } }";
    let told = app.run(&p1.identity, query, json!({ "id": confirmed["id"] })).await.ok();
    let acts: Vec<_> = told.at("/me/appointmentHistory/nodes").as_array().unwrap().clone();
    let said: Vec<_> =
        acts.iter().map(|a| (a["action"].as_str().unwrap(), a["by"].as_str().unwrap())).collect();
    assert_eq!(
        said,
        [
            ("appointmentRebook", "REPRESENTATIVE"),
            ("appointmentConfirm", "STAFF"),
            ("appointmentBook", "STAFF")
        ]
    );
    assert!(acts[0].to_string().contains("2027-03-02 09:00"), "{}", acts[0]);
    assert_eq!(acts[0]["byName"], "Ombud: Olle Ombudsson");
}

#[tokio::test]
async fn one_key_a_hundred_times_at_once_books_once_and_answers_alike() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1.identity;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let input = json!({ "slotId": slots[0], "idempotencyKey": "hundra" });
    let all = join_all((0..100).map(|_| act(&app, p1, "appointmentBook", TIME, input.clone()))).await;
    all[0].clone().ok();
    assert!(all.iter().all(|answer| answer.body == all[0].body));
    assert_eq!(appointment::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);
    // The same key of somebody else is another key.
    let input = json!({ "slotId": slots[0], "idempotencyKey": "hundra" });
    let other = act(&app, &app.world.p2.identity, "appointmentBook", TIME, input).await;
    assert_eq!(other.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
}
