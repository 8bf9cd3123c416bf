//! Wishes for a time: in turn, one offer at a time, the seat kept meanwhile; whoever does not answer is not passed over
//! silently.

use chrono::TimeDelta;
use entity::{SlotId, appointment, appointment_type, notice, slot, task, time_offer, time_wish};
use harness::{Answer, TestApp, TestPatient, represent};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QueryOrder};
use serde_json::{Value, json};

use crate::{
    acts::{act, global, row},
    booking::{book, publish},
    contacts::tasks,
};

const WISH: &str = "wish { id status place rowVersion unansweredOffers weekdays times { from until } \
     offer { id answerBy slot { id startsAt } } }";
const MINE: &str = "{ me { timeWishes { id status place unansweredOffers rowVersion \
     offer { id status answerBy slot { id startsAt } } } } }";

pub async fn leave(app: &TestApp, patient: &TestPatient, content: Value) -> Answer {
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "content": content });
    act(app, &patient.identity, "timeWishLeave", WISH, input).await
}

pub fn any() -> Value {
    json!({ "until": "2027-03-31" })
}

pub async fn mine(app: &TestApp, patient: &TestPatient) -> Value {
    app.run(&patient.identity, MINE, json!({})).await.ok().at("/me/timeWishes/0").clone()
}

pub async fn answer(app: &TestApp, patient: &TestPatient, how: &str, offer: &Value) -> Answer {
    let selection =
        if how == "timeOfferAccept" { "appointment { id startsAt status }" } else { "wish { place }" };
    act(app, &patient.identity, how, selection, json!({ "offerId": offer["id"] })).await
}

async fn cancel(app: &TestApp, patient: &TestPatient, booked: &Answer) {
    let booked = booked.at("/appointmentBook/appointment");
    let input = json!({ "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"] });
    act(app, &patient.identity, "appointmentCancel", "appointment { id }", input).await.ok();
}

pub async fn open_seats(app: &TestApp, id: &str) -> i32 {
    slot::Entity::find_by_id(SlotId(row(id))).one(app.core.db.reader()).await.unwrap().unwrap().open_seats
}

pub async fn offers(app: &TestApp) -> Vec<time_offer::Model> {
    time_offer::Entity::find().order_by_asc(time_offer::Column::Id).all(app.core.db.reader()).await.unwrap()
}

pub async fn say_yes(app: &TestApp, patient: &TestPatient) {
    let choice =
        json!({ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Bokad tid" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "tvaa@exempel.se" } });
    act(app, &patient.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

#[tokio::test]
async fn a_cancelled_time_goes_to_the_oldest_wish_that_it_fits_and_is_kept_until_it_is_answered() {
    let app = TestApp::new().await;
    let (p1, p2, p3) = (&app.world.p1, &app.world.p2, &app.world.p3);
    say_yes(&app, p2).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let booked = book(&app, &p1.identity, &slots[0]).await.ok();
    // P3 waits for a Tuesday; P2 came later, and takes any day.
    let tuesdays = json!({ "until": "2027-03-31", "weekdays": ["TUESDAY"], "times": [{ "from": "08:00", "until": "12:00" }] });
    let first = leave(&app, p3, tuesdays).await.ok();
    assert_eq!(first.at("/timeWishLeave/wish/place"), &json!(1));
    app.clock.advance(TimeDelta::minutes(1));
    let second = leave(&app, p2, any()).await.ok();
    assert_eq!(second.at("/timeWishLeave/wish/place"), &json!(2), "others show as a number alone");
    let again = leave(&app, p2, any()).await;
    assert_eq!(again.user_error_codes("timeWishLeave"), ["CONFLICT"]);

    cancel(&app, p1, &booked).await;
    let offered = mine(&app, p2).await;
    assert_eq!(offered["offer"]["slot"]["id"], slots[0]);
    assert_eq!(offered["offer"]["answerBy"], "2027-02-01T09:01:00+00:00", "two hours");
    assert_eq!(mine(&app, p3).await["offer"], Value::Null);
    // Nobody else gets it meanwhile.
    assert_eq!(open_seats(&app, &slots[0]).await, 0);
    assert_eq!(book(&app, &p1.identity, &slots[0]).await.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    let told = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    let of_offer: Vec<_> = told.iter().filter(|n| n.kind == notice::Kind::Offer).collect();
    assert_eq!(of_offer.len(), 1);
    assert_eq!((of_offer[0].patient_id, of_offer[0].appointment_id), (p2.id, None));
    // An offer of somebody else's is out of reach.
    let foreign = answer(&app, p1, "timeOfferAccept", &offered["offer"]).await;
    assert_eq!(foreign.user_error_codes("timeOfferAccept"), ["NOT_FOUND"]);

    let yes = answer(&app, p2, "timeOfferAccept", &offered["offer"]).await.ok();
    assert_eq!(yes.text("/timeOfferAccept/appointment/startsAt"), "2027-03-01T08:00:00+00:00");
    let after = mine(&app, p2).await;
    assert_eq!((after["status"].as_str(), &after["place"]), (Some("BOOKED"), &Value::Null));
    let no = answer(&app, p2, "timeOfferDecline", &offered["offer"]).await;
    assert_eq!(no.user_error_codes("timeOfferDecline"), ["WRONG_STATE"]);
    let (_, statements) = app.statements(app.run(&p2.identity, MINE, json!({}))).await;
    assert!(statements.len() <= 2, "{statements:#?}");
}

#[tokio::test]
async fn an_offer_that_is_out_stands_though_its_wish_is_changed_to_what_it_does_not_fit() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    leave(&app, p1, any()).await.ok();
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    sweep::run(&app.core).await.unwrap();
    let offered = mine(&app, p1).await;
    assert_eq!(offered["offer"]["slot"]["id"], slots[0]);
    let tuesdays = json!({ "until": "2027-03-31", "weekdays": ["TUESDAY"] });
    let input = json!({
        "wishId": offered["id"], "content": tuesdays, "expectedRowVersion": offered["rowVersion"],
    });
    act(&app, &p1.identity, "timeWishChange", WISH, input).await.ok();
    sweep::run(&app.core).await.unwrap();
    let changed = mine(&app, p1).await;
    assert_eq!((&changed["offer"], &changed["place"]), (&offered["offer"], &json!(1)));
    let yes = answer(&app, p1, "timeOfferAccept", &changed["offer"]).await.ok();
    assert_eq!(yes.text("/timeOfferAccept/appointment/startsAt"), "2027-03-01T08:00:00+00:00");
}

#[tokio::test]
async fn no_and_silence_give_the_time_to_the_next_and_silence_shows() {
    use time_offer::Status as S;
    let app = TestApp::new().await;
    let (p1, p2, p3) = (&app.world.p1, &app.world.p2, &app.world.p3);
    for patient in [p1, p2] {
        let phoned = json!({ "until": "2027-03-31", "byPhone": true });
        leave(&app, patient, phoned).await.ok();
        app.clock.advance(TimeDelta::minutes(1));
    }
    leave(&app, p3, any()).await.ok();
    say_yes(&app, p2).await;
    // Newly published: the sweep offers it.
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    sweep::run(&app.core).await.unwrap();
    let first = mine(&app, p1).await;
    answer(&app, p1, "timeOfferDecline", &first["offer"]).await.ok();
    assert_eq!(mine(&app, p1).await["place"], 1, "the place is kept");
    let second = mine(&app, p2).await;
    assert_eq!(second["offer"]["slot"]["id"], slots[0]);
    assert!(
        tasks(&app, task::Kind::TimeWish, &second["id"]).await.is_empty(),
        "a message tells of the offer"
    );
    app.clock.advance(TimeDelta::hours(2));
    // Its time is over although no sweep has been by.
    let late = answer(&app, p2, "timeOfferAccept", &second["offer"]).await;
    assert_eq!(late.user_error_codes("timeOfferAccept"), ["TOO_LATE"]);
    sweep::run(&app.core).await.unwrap();
    let third = mine(&app, p3).await;
    assert_eq!(third["offer"]["slot"]["id"], slots[0]);
    let silent = mine(&app, p2).await;
    assert_eq!((&silent["unansweredOffers"], &silent["status"]), (&json!(1), &json!("OPEN")));
    let raised = tasks(&app, task::Kind::TimeWish, &silent["id"]).await;
    assert_eq!(raised.len(), 1, "who may be phoned is phoned");
    assert_eq!(raised[0].care_unit_id, app.world.s1.unit);
    // The unit sees who waits, the oldest first, and does not see what is another unit's.
    let query = "query($u: ID!) { careUnit(id: $u) { timeWishes { nodes { patient { givenName } unansweredOffers } } } }";
    let unit = json!({ "u": global(NodeKind::CareUnit, app.world.s1.unit) });
    let seen = app.run(&app.world.s1.identity, query, unit.clone()).await.ok();
    let names: Vec<_> = seen
        .at("/careUnit/timeWishes/nodes")
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["patient"]["givenName"].clone())
        .collect();
    assert_eq!(names, ["Etta", "Tvåa", "Trea"]);
    assert_eq!(app.run(&app.world.s2.identity, query, unit).await.error_codes(), ["FORBIDDEN"]);
    // Withdrawn: what was kept goes on, here to nobody, and is free.
    let input = json!({ "wishId": third["id"], "expectedRowVersion": third["rowVersion"] });
    act(&app, &p3.identity, "timeWishWithdraw", WISH, input).await.ok();
    assert_eq!(open_seats(&app, &slots[0]).await, 1);
    let kinds: Vec<_> = offers(&app).await.iter().map(|o| o.status).collect();
    assert_eq!(kinds, [S::Declined, S::Unanswered, S::Withdrawn]);
}

#[tokio::test]
async fn two_sweeps_at_once_make_one_offer_and_yes_races_with_the_end_of_its_time() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    for patient in [p1, p2] {
        leave(&app, patient, any()).await.ok();
        app.clock.advance(TimeDelta::minutes(1));
    }
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let (a, b, c) = tokio::join!(sweep::run(&app.core), sweep::run(&app.core), sweep::run(&app.core));
    a.unwrap();
    b.unwrap();
    c.unwrap();
    assert_eq!(offers(&app).await.len(), 1);
    let offered = mine(&app, p1).await["offer"].clone();
    // Ten answers at once: one booking. A sweep at the same time changes nothing of it.
    app.clock.advance(TimeDelta::minutes(119));
    let answers =
        futures_util::future::join_all((0..10).map(|_| answer(&app, p1, "timeOfferAccept", &offered)));
    let (answers, swept) = tokio::join!(answers, sweep::run(&app.core));
    swept.unwrap();
    let booked = answers.iter().filter(|a| a.user_error_codes("timeOfferAccept").is_empty()).count();
    assert_eq!(booked, 1);
    assert_eq!(appointment::Entity::find().all(app.core.db.reader()).await.unwrap().len(), 1);
    assert_eq!(open_seats(&app, &slots[0]).await, 0);

    // And at the moment itself: either booked, or the next one's, never both.
    let more = publish(&app, &["2027-03-02T09:00"]).await;
    sweep::run(&app.core).await.unwrap();
    let offered = mine(&app, p2).await["offer"].clone();
    app.clock.advance(TimeDelta::hours(2));
    let (yes, swept) = tokio::join!(answer(&app, p2, "timeOfferAccept", &offered), sweep::run(&app.core));
    swept.unwrap();
    assert_eq!(yes.user_error_codes("timeOfferAccept"), ["TOO_LATE"]);
    sweep::run(&app.core).await.unwrap();
    assert_eq!(open_seats(&app, &more[0]).await, 1, "offered once to each, then free");
}

/// Two times are freed in the same moment and the wish takes either: it is offered one, and nobody meets a fault.
#[tokio::test]
async fn two_times_freed_at_once_make_one_offer_of_one_wish() {
    for _ in 0..6 {
        let app = TestApp::new().await;
        let (p1, p2, p3) = (&app.world.p1, &app.world.p2, &app.world.p3);
        let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T10:00"]).await;
        let first = book(&app, &p1.identity, &slots[0]).await.ok();
        let second = book(&app, &p3.identity, &slots[1]).await.ok();
        leave(&app, p2, any()).await.ok();
        tokio::join!(cancel(&app, p1, &first), cancel(&app, p3, &second));
        assert_eq!(offers(&app).await.len(), 1);
        assert_eq!(open_seats(&app, &slots[0]).await + open_seats(&app, &slots[1]).await, 1);
    }
}

/// What the unit took back was no offer that the patient could take: the promise stands.
#[tokio::test]
async fn a_wish_whose_only_offer_was_taken_back_waits_too_long_too() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let wish = leave(&app, p1, any()).await.ok();
    let wish = wish.at("/timeWishLeave/wish/id").clone();
    let slot = publish(&app, &["2027-03-01T09:00"]).await.remove(0);
    sweep::run(&app.core).await.unwrap();
    assert_eq!(offers(&app).await.len(), 1);
    act(&app, &app.world.s1.identity, "slotWithdraw", "withdrawn", json!({ "slotIds": [slot] })).await.ok();
    app.clock.advance(TimeDelta::days(12));
    sweep::run(&app.core).await.unwrap();
    let open = |task: &&task::Model| task.status == task::Status::Open;
    assert_eq!(tasks(&app, task::Kind::TimeWish, &wish).await.iter().filter(open).count(), 1);
}

#[tokio::test]
async fn a_wish_waits_too_long_is_a_task_once_and_ends_with_its_range() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let wish = leave(&app, p1, json!({ "until": "2027-02-20" })).await.ok();
    let wish = wish.at("/timeWishLeave/wish").clone();
    sweep::run(&app.core).await.unwrap();
    assert!(tasks(&app, task::Kind::TimeWish, &wish["id"]).await.is_empty());
    app.clock.advance(TimeDelta::days(8));
    for _ in 0..2 {
        sweep::run(&app.core).await.unwrap();
    }
    assert_eq!(tasks(&app, task::Kind::TimeWish, &wish["id"]).await.len(), 1);
    app.clock.advance(TimeDelta::days(12));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["status"], "EXPIRED");
    let ended = tasks(&app, task::Kind::TimeWish, &wish["id"]).await;
    assert_eq!(ended[0].status, task::Status::Withdrawn);
    // It stands on record, and cannot be brought back.
    let input = json!({ "wishId": wish["id"], "content": any(), "expectedRowVersion": 2 });
    let refused = act(&app, &p1.identity, "timeWishChange", WISH, input).await;
    assert_eq!(refused.user_error_codes("timeWishChange"), ["WRONG_STATE"]);
}

#[tokio::test]
async fn own_doctors_times_come_first_a_death_frees_what_was_kept_and_staff_and_representatives_act_within_their_rights()
 {
    let app = TestApp::new().await;
    let world = &app.world;
    let (s1, p1, p2) = (&world.s1, &world.p1, &world.p2);
    harness::relate(&app.core, s1, p2).await;
    let doctor = crate::contacts::to_role(p2, "FAST_LAKARKONTAKT", s1);
    crate::contacts::appoint(&app, s1, doctor).await;
    leave(&app, p1, any()).await.ok();
    app.clock.advance(TimeDelta::minutes(1));
    // Staff leave one for P2 by phone, and say so.
    let kind = global(NodeKind::AppointmentType, world.visit);
    let mut input = json!({ "appointmentTypeId": kind, "patientId": p2.global_id(), "content": any() });
    let silent = act(&app, &s1.identity, "timeWishLeave", WISH, input.clone()).await;
    assert_eq!(silent.user_error_codes("timeWishLeave"), ["BAD_USER_INPUT"]);
    input["bookingChannel"] = json!("PHONE");
    act(&app, &s1.identity, "timeWishLeave", WISH, input.clone()).await.ok();
    let foreign = act(&app, &world.s2.identity, "timeWishLeave", WISH, input).await;
    assert_eq!(foreign.user_error_codes("timeWishLeave"), ["NOT_FOUND"]);
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p2).await["offer"]["slot"]["id"], slots[0], "S1 is P2's doctor");
    let died = json!({ "patientId": p2.global_id(), "diedOn": "2027-02-01" });
    act(&app, &s1.identity, "patientDeceasedRecord", "patient { id }", died).await.ok();
    assert_eq!(mine(&app, p1).await["offer"]["slot"]["id"], slots[0], "the next in turn");
    let all = time_wish::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert!(all.iter().any(|w| w.patient_id == p2.id && w.status == time_wish::Status::Withdrawn));
    // Who may only read bookings sees the offer and cannot answer it; without bookings it is not there.
    let kind = entity::representative::Kind::Relative;
    let reads = represent(&app.core, p1, kind, "197001019802", r#"{"BOOKING":"READ"}"#, false).await;
    let seen = app.run_for(&reads.identity, &p1.global_id(), MINE, json!({})).await.ok();
    let offer = seen.at("/me/timeWishes/0/offer/id").clone();
    let input = json!({ "input": { "offerId": offer, "idempotencyKey": "ombud" } });
    let accept = harness::mutation("timeOfferAccept", "appointment { id }");
    let refused = app.run_for(&reads.identity, &p1.global_id(), &accept, input).await;
    assert_eq!(refused.user_error_codes("timeOfferAccept"), ["FORBIDDEN"]);
    let plans = represent(&app.core, p1, kind, "198001019804", r#"{"AGREEMENT":"ACT"}"#, false).await;
    let refused = app.run_for(&plans.identity, &p1.global_id(), MINE, json!({})).await;
    assert_eq!(refused.error_codes(), ["FORBIDDEN"]);
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_wish_is_told_at_once() {
    let app = TestApp::new().await;
    let wrong = json!({
        "until": "2026-12-31", "weekdays": [], "times": [{ "from": "12:00", "until": "08:00" }], "noticeMinutes": -1,
        "assignmentId": global(NodeKind::Assignment, app.world.s2.assignment),
    });
    let refused = leave(&app, &app.world.p1, wrong).await;
    let fields: Vec<_> = refused
        .at("/timeWishLeave/userErrors")
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["field"].clone())
        .collect();
    assert_eq!(fields, ["times", "until", "weekdays", "noticeMinutes", "assignmentId"]);
}

#[tokio::test]
async fn conditions_are_accepted_with_the_offer_and_what_the_unit_keeps_is_not_offered() {
    let app = TestApp::new().await;
    let (db, p1) = (app.core.db.reader(), &app.world.p1);
    let conditions = appointment_type::ActiveModel {
        id: Set(app.world.visit),
        conditions: Set(Some("Du har en remiss.".to_owned())),
        ..Default::default()
    };
    conditions.update(db).await.unwrap();
    leave(&app, p1, any()).await.ok();
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let kept =
        slot::ActiveModel { id: Set(SlotId(row(&slots[0]))), web_bookable: Set(false), ..Default::default() };
    kept.update(db).await.unwrap();
    sweep::run(&app.core).await.unwrap();
    let offered = mine(&app, p1).await["offer"].clone();
    assert_eq!(offered["slot"]["id"], slots[1]);
    let refused = answer(&app, p1, "timeOfferAccept", &offered).await;
    assert_eq!(refused.user_error_codes("timeOfferAccept"), ["BAD_USER_INPUT"]);
    assert_eq!(refused.text("/timeOfferAccept/userErrors/0/field"), "conditionsAccepted");
    let input = json!({ "offerId": offered["id"], "conditionsAccepted": true });
    let shown = "appointment { acceptedConditions { text acceptedBy } }";
    let accepted = act(&app, &p1.identity, "timeOfferAccept", shown, input).await.ok();
    let kept = json!({ "text": "Du har en remiss.", "acceptedBy": "PATIENT" });
    assert_eq!(accepted.at("/timeOfferAccept/appointment/acceptedConditions"), &kept);
    assert_eq!(mine(&app, p1).await["status"], "BOOKED");
}

#[tokio::test]
async fn a_time_that_a_patient_gives_up_goes_to_the_next_and_not_back_to_them() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let slots = publish(&app, &["2027-03-01T09:00", "2027-04-06T09:00"]).await;
    let booked = book(&app, &p1.identity, &slots[0]).await.ok();
    // P1 waits for another time in March too, and is first.
    leave(&app, p1, any()).await.ok();
    app.clock.advance(TimeDelta::minutes(1));
    leave(&app, p2, any()).await.ok();
    cancel(&app, p1, &booked).await;
    assert_eq!(mine(&app, p2).await["offer"]["slot"]["id"], slots[0]);
    let offered = mine(&app, p2).await["offer"].clone();
    answer(&app, p2, "timeOfferDecline", &offered).await.ok();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["offer"], Value::Null, "they have given it up");
    // Whoever moves away from a time is not offered it before others either.
    let booked = book(&app, &app.world.p3.identity, &slots[0]).await.ok();
    leave(&app, &app.world.p3, any()).await.ok();
    let booked = booked.at("/appointmentBook/appointment");
    let input = json!({ "appointmentId": booked["id"], "slotId": slots[1], "expectedRowVersion": booked["rowVersion"] });
    act(&app, &app.world.p3.identity, "appointmentRebook", "appointment { id }", input).await.ok();
    assert_eq!(mine(&app, &app.world.p3).await["offer"], Value::Null);
    assert_eq!(open_seats(&app, &slots[0]).await, 1);
}

/// Another kind of appointment at the same unit.
async fn another_kind(app: &TestApp) -> String {
    let s1 = &app.world.s1;
    let terms = json!({ "name": "Samtal", "mode": "VISIT", "lengthMinutes": 30, "webBooking": "EVERYONE" });
    let input = json!({ "careUnitId": global(NodeKind::CareUnit, s1.unit), "terms": terms });
    let made = act(app, &s1.identity, "appointmentTypeCreate", "appointmentType { id }", input).await.ok();
    made.text("/appointmentTypeCreate/appointmentType/id")
}

/// A time of that kind, with nobody in particular.
async fn published_of(app: &TestApp, kind: &str, start: &str) -> String {
    let input = json!({ "appointmentTypeId": kind, "startsLocal": [start] });
    act(app, &app.world.s1.identity, "slotPublish", "slots { id }", input)
        .await
        .ok()
        .text("/slotPublish/slots/0/id")
}

#[tokio::test]
async fn an_offer_over_a_time_that_the_patient_books_goes_to_the_next() {
    let app = TestApp::new().await;
    let (p1, p2, p3) = (&app.world.p1, &app.world.p2, &app.world.p3);
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let other = published_of(&app, &another_kind(&app).await, "2027-03-01T09:15").await;
    let booked = book(&app, &p1.identity, &slots[0]).await.ok();
    leave(&app, p2, any()).await.ok();
    app.clock.advance(TimeDelta::minutes(1));
    leave(&app, p3, any()).await.ok();
    cancel(&app, p1, &booked).await;
    assert_eq!(mine(&app, p2).await["offer"]["slot"]["id"], slots[0]);
    book(&app, &p2.identity, &other).await.ok();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p2).await["offer"], Value::Null);
    assert_eq!(mine(&app, p3).await["offer"]["slot"]["id"], slots[0]);
    assert_eq!(offers(&app).await[0].status, time_offer::Status::Withdrawn);
}

#[tokio::test]
async fn of_two_kinds_nobody_is_offered_two_times_at_once() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let kind = another_kind(&app).await;
    leave(&app, p1, any()).await.ok();
    let input = json!({ "appointmentTypeId": kind, "content": any() });
    act(&app, &p1.identity, "timeWishLeave", WISH, input).await.ok();
    publish(&app, &["2027-03-01T09:00"]).await;
    let other = published_of(&app, &kind, "2027-03-01T09:15").await;
    sweep::run(&app.core).await.unwrap();
    let open = offers(&app).await;
    assert_eq!(open.len(), 1, "{open:?}");
    let late = published_of(&app, &kind, "2027-03-01T13:00").await;
    sweep::run(&app.core).await.unwrap();
    let slots: Vec<_> = offers(&app).await.iter().map(|offer| offer.slot_id.0).collect();
    assert!(slots.contains(&row(&late)) && !slots.contains(&row(&other)), "{slots:?}");
}

#[tokio::test]
async fn what_a_unit_does_not_offer_any_more_is_taken_back_and_wished_for_no_longer() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    say_yes(&app, p2).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let booked = book(&app, &p1.identity, &slots[0]).await.ok();
    leave(&app, p2, any()).await.ok();
    cancel(&app, p1, &booked).await;
    let offered = mine(&app, p2).await["offer"].clone();
    let kind = appointment_type::ActiveModel {
        id: Set(app.world.visit),
        web_booking: Set(appointment_type::WebBooking::Nobody),
        ..Default::default()
    };
    kind.clone().update(app.core.db.reader()).await.unwrap();
    sweep::run(&app.core).await.unwrap();
    let waits = mine(&app, p2).await;
    assert_eq!(
        (waits["status"].as_str(), &waits["offer"]),
        (Some("OPEN"), &Value::Null),
        "the unit may offer again"
    );
    let late = answer(&app, p2, "timeOfferAccept", &offered).await;
    assert_eq!(late.user_error_codes("timeOfferAccept"), ["WRONG_STATE"]);
    let retired = appointment_type::ActiveModel { retired_at: Set(Some(app.clock.now())), ..kind };
    retired.update(app.core.db.reader()).await.unwrap();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p2).await["status"], "EXPIRED");
    let told = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert!(told.iter().any(|n| n.patient_id == p2.id && n.rule == "WISH_EXPIRED"), "{told:?}");
}
