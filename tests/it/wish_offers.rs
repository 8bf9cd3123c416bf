//! Offers of freed times: taken by booking, withdrawn with their time, and looked for however many wait.

use std::time::Duration;

use chrono::TimeDelta;
use entity::{SlotId, TimeWishId, notice, slot, time_offer, time_wish};
use harness::{TestApp, TestPatient, database::Kind, relate, world::crowd};
use patientkontrakt::{
    domain::sweep,
    graphql::scalars::NodeKind,
    reminder::{
        recheck::{self, Verdict},
        render,
    },
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QuerySelect, Statement, TransactionTrait,
    sea_query::{Expr, LockBehavior, LockType},
};
use serde_json::{Value, json};

use crate::{
    acts::{act, global, row},
    booking::{book, publish},
    holds::invariants,
    wishes::{answer, any, leave, mine, offers, open_seats, say_yes},
};

/// Times with nobody named, with so many seats.
async fn times(app: &TestApp, starts: &[String], seats: i32) -> Vec<String> {
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "startsLocal": starts, "seats": seats });
    let answer = act(app, &app.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let slots = answer.at("/slotPublish/slots").as_array().unwrap().clone();
    slots.iter().map(|slot| slot["id"].as_str().unwrap().to_owned()).collect()
}

/// The patient waits, and is offered a time of its own.
async fn offered(app: &TestApp, whom: &TestPatient, start: &str) -> (String, Value) {
    leave(app, whom, any()).await.ok();
    let slot = publish(app, &[start]).await.remove(0);
    sweep::run(&app.core).await.unwrap();
    let offer = mine(app, whom).await["offer"].clone();
    assert_eq!(offer["slot"]["id"], slot.as_str());
    (slot, offer)
}

/// How the offers and the wishes of a patient stand, in order.
async fn stand(app: &TestApp, whom: &TestPatient) -> (Vec<time_offer::Status>, Vec<time_wish::Status>) {
    let mut wishes = time_wish::Entity::find()
        .filter(time_wish::Column::PatientId.eq(whom.id))
        .all(app.core.db.reader())
        .await
        .unwrap();
    wishes.sort_by_key(|wish| wish.id);
    let of = |offer: &time_offer::Model| (offer.patient_id == whom.id).then_some(offer.status);
    (offers(app).await.iter().filter_map(of).collect(), wishes.iter().map(|wish| wish.status).collect())
}

#[tokio::test]
async fn to_book_the_time_that_is_offered_or_to_move_there_is_to_accept_the_offer() {
    use time_offer::Status::{Accepted, Open};
    let app = TestApp::new().await;
    let (s1, p1, p2, p3) = (&app.world.s1, &app.world.p1, &app.world.p2, &app.world.p3);
    let booked = time_wish::Status::Booked;
    // By the patient.
    let (slot, offer) = offered(&app, p1, "2027-03-01T09:00").await;
    assert_eq!(book(&app, &p2.identity, &slot).await.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    let held = act(&app, &p1.identity, "slotHold", "hold { id }", json!({ "slotId": slot })).await;
    assert_eq!(held.user_error_codes("slotHold"), ["CONFLICT"], "it is kept for them as it is");
    book(&app, &p1.identity, &slot).await.ok();
    assert_eq!(stand(&app, p1).await, (vec![Accepted], vec![booked]));
    assert_eq!(open_seats(&app, &slot).await, 0);
    let late = answer(&app, p1, "timeOfferAccept", &offer).await;
    assert_eq!(late.user_error_codes("timeOfferAccept"), ["WRONG_STATE"]);
    // By staff, whom the patient has called.
    relate(&app.core, s1, p2).await;
    let (slot, _) = offered(&app, p2, "2027-03-02T09:00").await;
    let input = json!({ "slotId": slot, "patientId": p2.global_id(), "bookingChannel": "PHONE" });
    act(&app, &s1.identity, "appointmentBook", "appointment { id }", input).await.ok();
    assert_eq!(stand(&app, p2).await, (vec![Accepted], vec![booked]));
    // Who has a time already, and waits for an earlier one, moves it there.
    let later = publish(&app, &["2027-03-20T09:00"]).await;
    let mut time = book(&app, &p3.identity, &later[0]).await.ok().at("/appointmentBook/appointment").clone();
    let (slot, _) = offered(&app, p3, "2027-03-03T09:00").await;
    assert_eq!(stand(&app, p3).await, (vec![Open], vec![time_wish::Status::Open]));
    let input = json!({
        "appointmentId": time["id"], "expectedRowVersion": time["rowVersion"], "slotId": slot,
    });
    let moved = act(&app, &p3.identity, "appointmentRebook", "appointment { id startsAt }", input).await.ok();
    assert_eq!(moved.text("/appointmentRebook/appointment/startsAt"), "2027-03-03T08:00:00+00:00");
    assert_eq!(stand(&app, p3).await, (vec![Accepted], vec![booked]));
    assert_eq!((open_seats(&app, &slot).await, open_seats(&app, &later[0]).await), (0, 1));
    let wish = time_wish::Entity::find().filter(time_wish::Column::PatientId.eq(p3.id));
    let wish = wish.one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(global(NodeKind::Appointment, wish.appointment_id.unwrap()), time["id"].take());
    invariants(&app.core).await;
    // When the time to answer is over, it is too late for this too, whether or not a sweep has been by.
    let (slot, _) = offered(&app, p1, "2027-03-04T09:00").await;
    app.clock.advance(TimeDelta::hours(2));
    let late = book(&app, &p1.identity, &slot).await;
    assert_eq!(late.user_error_codes("appointmentBook"), ["TOO_LATE"]);
    assert_eq!(late.user_error_fields("appointmentBook"), ["slotId"]);
    assert_eq!(stand(&app, p1).await.0, [Accepted, Open]);
    invariants(&app.core).await;
}

#[tokio::test]
async fn of_a_time_with_many_seats_who_has_one_is_offered_none_and_who_is_offered_one_gets_that() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let slot = times(&app, &["2027-03-01T09:00".to_owned()], 5).await.remove(0);
    book(&app, &p1.identity, &slot).await.ok();
    for whom in [p1, p2] {
        leave(&app, whom, any()).await.ok();
    }
    sweep::run(&app.core).await.unwrap();
    assert!(stand(&app, p1).await.0.is_empty());
    assert_eq!(stand(&app, p2).await.0, [time_offer::Status::Open]);
    assert_eq!(open_seats(&app, &slot).await, 3);
    book(&app, &p2.identity, &slot).await.ok();
    assert_eq!(stand(&app, p2).await.0, [time_offer::Status::Accepted]);
    assert_eq!(open_seats(&app, &slot).await, 3, "the seat that was kept");
    invariants(&app.core).await;
}

#[tokio::test]
async fn what_a_patient_holds_gives_way_to_the_offer_that_they_accept() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let (_, offer) = offered(&app, p1, "2027-03-01T09:00").await;
    let over = times(&app, &["2027-03-01T09:15".to_owned()], 1).await.remove(0);
    act(&app, &p1.identity, "slotHold", "hold { id }", json!({ "slotId": over })).await.ok();
    answer(&app, p1, "timeOfferAccept", &offer).await.ok();
    assert_eq!(open_seats(&app, &over).await, 1);
    invariants(&app.core).await;
}

/// Nobody waits any more, and the time is gone, unless it is booked.
async fn tidy(app: &TestApp, whom: &TestPatient, slot: &str) {
    let wish = mine(app, whom).await;
    let input = json!({ "wishId": wish["id"], "expectedRowVersion": wish["rowVersion"] });
    act(app, &whom.identity, "timeWishWithdraw", "wish { id }", input).await;
    act(app, &app.world.s1.identity, "slotWithdraw", "withdrawn", json!({ "slotIds": [slot] })).await;
}

/// R: whoever answers and whoever takes the time back have slot and offer in one order: the one waits for the other, and
/// neither for ever.
#[tokio::test]
async fn an_offer_that_is_answered_while_its_time_is_taken_back_waits_for_the_time() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    for (n, how) in
        ["timeOfferDecline", "timeOfferAccept", "timeWishWithdraw", "sweep"].into_iter().enumerate()
    {
        let (slot, offer) = offered(&app, p1, &format!("2027-03-0{}T09:00", n + 1)).await;
        let wish = mine(&app, p1).await;
        let answer = async {
            match how {
                "sweep" => {
                    app.clock.advance(TimeDelta::hours(2));
                    sweep::run(&app.core).await.unwrap();
                }
                "timeWishWithdraw" => {
                    let input = json!({ "wishId": wish["id"], "expectedRowVersion": wish["rowVersion"] });
                    act(&app, &p1.identity, how, "wish { id }", input).await.ok();
                }
                _ => drop(answer(&app, p1, how, &offer).await.ok()),
            }
        };
        if Kind::picked() == Kind::Postgres {
            // Somebody is taking the time back: they have the slot, and come to what is offered of it.
            let other = app.core.db.reader().begin().await.unwrap();
            slot::Entity::find_by_id(SlotId(row(&slot))).lock_exclusive().one(&other).await.unwrap();
            let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event_type = 'Lock'";
            let take_back = async {
                let statement = Statement::from_string(DatabaseBackend::Postgres, waiting);
                while app.core.db.reader().query_one_raw(statement.clone()).await.unwrap().is_none() {}
                time_offer::Entity::find()
                    .filter(time_offer::Column::Status.eq(time_offer::Status::Open))
                    .lock_with_behavior(LockType::Update, LockBehavior::Nowait)
                    .one(&other)
                    .await
                    .unwrap_or_else(|error| panic!("{how} has the offer without its slot: {error}"));
                other.commit().await.unwrap();
            };
            let both = async { tokio::join!(answer, take_back) };
            tokio::time::timeout(Duration::from_secs(20), both).await.unwrap();
        } else {
            answer.await;
        }
        tidy(&app, p1, &slot).await;
    }
    // And as it happens: each is answered, whoever comes first.
    for n in 0..8 {
        let (slot, offer) = offered(&app, p1, &format!("2027-03-1{n}T09:00")).await;
        let input = json!({ "slotIds": [slot] });
        let (answered, withdrawn) = tokio::join!(
            answer(&app, p1, "timeOfferDecline", &offer),
            act(&app, &app.world.s1.identity, "slotWithdraw", "withdrawn", input),
        );
        withdrawn.ok();
        let codes = answered.user_error_codes("timeOfferDecline");
        assert!(answered.body.get("errors").is_none(), "{}", answered.body);
        assert!(codes.is_empty() || codes == ["WRONG_STATE"], "{codes:?}");
        tidy(&app, p1, &slot).await;
        assert_eq!(open_seats(&app, &slot).await, 1, "the seat is given back once");
    }
}

/// The notices of a patient that tell of a wish, as the worker would send them now.
async fn told(app: &TestApp, whom: &TestPatient) -> Vec<(String, render::Kind)> {
    let of = notice::Entity::find()
        .filter(notice::Column::PatientId.eq(whom.id))
        .filter(notice::Column::Kind.eq(notice::Kind::Offer))
        .filter(notice::Column::State.eq(notice::State::Planned));
    let mut told = Vec::new();
    for notice in of.all(app.core.db.reader()).await.unwrap() {
        let verdict = recheck::foresee(&app.core, &notice, notice.due_at).await.unwrap();
        let Some(Verdict::Send(ready)) = verdict else { panic!("{notice:?}: {verdict:?}") };
        app.core.texts.render(&ready.facts).unwrap();
        told.push((notice.rule, ready.facts.kind));
    }
    told
}

/// The messages of offers have left.
async fn send(app: &TestApp) {
    notice::Entity::update_many()
        .col_expr(notice::Column::State, Expr::value(notice::State::Sent))
        .filter(notice::Column::State.eq(notice::State::Planned))
        .filter(notice::Column::Kind.eq(notice::Kind::Offer))
        .exec(app.core.db.reader())
        .await
        .unwrap();
}

#[tokio::test]
async fn who_has_heard_of_an_offer_hears_that_its_time_is_gone_and_nobody_else_does() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    say_yes(&app, p1).await;
    let gone = [("OFFER_WITHDRAWN".to_owned(), render::Kind::OfferWithdrawn)];
    let withdraw = async |slot: &str| {
        let input = json!({ "slotIds": [slot] });
        act(&app, &s1.identity, "slotWithdraw", "withdrawn", input).await.ok();
    };
    let (slot, _) = offered(&app, p1, "2027-03-01T09:00").await;
    assert_eq!(told(&app, p1).await, [("OFFER".to_owned(), render::Kind::Offer)]);
    withdraw(&slot).await;
    assert_eq!(told(&app, p1).await, [], "nobody has told of it yet");
    // By hand, and with whoever was to be met.
    let next = publish(&app, &["2027-03-02T09:00", "2027-03-03T09:00"]).await;
    sweep::run(&app.core).await.unwrap();
    send(&app).await;
    withdraw(&next[0]).await;
    assert_eq!(told(&app, p1).await, gone);
    send(&app).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(
        mine(&app, p1).await["offer"]["slot"]["id"],
        next[1].as_str(),
        "the place in the queue is kept"
    );
    send(&app).await;
    let input = json!({
        "who": { "assignmentId": global(NodeKind::Assignment, s1.assignment) },
        "from": "2027-03-03T00:00:00+01:00", "until": "2027-03-04T00:00:00+01:00",
    });
    act(&app, &s1.identity, "contactAbsenceRegister", "absence { id }", input).await.ok();
    assert_eq!(told(&app, p1).await, gone);
    send(&app).await;
    // Who ends it themselves needs no message.
    let last = publish(&app, &["2027-03-05T09:00"]).await;
    sweep::run(&app.core).await.unwrap();
    send(&app).await;
    let wish = mine(&app, p1).await;
    assert_eq!(wish["offer"]["slot"]["id"], last[0].as_str());
    let input = json!({ "wishId": wish["id"], "expectedRowVersion": wish["rowVersion"] });
    act(&app, &p1.identity, "timeWishWithdraw", "wish { id }", input).await.ok();
    assert_eq!(told(&app, p1).await, []);
    // What runs out does, once.
    leave(&app, p1, json!({ "until": "2027-02-03" })).await.ok();
    app.clock.advance(TimeDelta::days(9));
    for _ in 0..2 {
        sweep::run(&app.core).await.unwrap();
        assert_eq!(told(&app, p1).await, [("WISH_EXPIRED".to_owned(), render::Kind::WishExpired)]);
    }
}

/// However many free times and wishes do not go together, each that does is found after a few sweeps, and no sweep reads
/// more than it may.
#[tokio::test]
async fn a_wish_is_not_hidden_behind_many_that_nothing_free_fits() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let db = app.core.db.reader();
    let on = |day: &str| json!({ "until": "2027-04-30", "weekdays": [day] });
    // Two hundred times on Mondays, and sixty who can come on Tuesdays.
    let days = ["03-01", "03-08", "03-15", "03-22", "03-29"];
    let mondays: Vec<String> = days
        .iter()
        .flat_map(|day| (0..40).map(move |n| format!("2027-{day}T{:02}:{:02}", 8 + n / 4, n % 4 * 15)))
        .collect();
    times(&app, &mondays, 1).await;
    let like = leave(&app, p1, on("TUESDAY")).await.ok();
    let like = TimeWishId(row(&like.text("/timeWishLeave/wish/id")));
    let like = time_wish::Entity::find_by_id(like).one(db).await.unwrap().unwrap();
    for person in crowd(&app.core, p1, 59).await {
        let id = TimeWishId(app.core.clock.uuid());
        let wish = time_wish::Model { id, patient_id: person.id, ..like.clone() };
        wish.into_active_model().reset_all().insert(db).await.unwrap();
    }
    leave(&app, p2, on("THURSDAY")).await.ok();
    let found = async |start: &str, who: &TestPatient| {
        let slot = times(&app, &[start.to_owned()], 1).await.remove(0);
        for _ in 0..3 {
            let (swept, statements) = app.all_statements(sweep::run(&app.core)).await;
            swept.unwrap();
            let looks = statements.iter().filter(|sql| sql.contains("FROM time_wish w JOIN slot")).count();
            assert!((1..=5).contains(&looks), "{looks}");
            if mine(&app, who).await["offer"]["slot"]["id"] == slot.as_str() {
                return;
            }
        }
        panic!("nobody is offered {start}");
    };
    // One before the place where the first sweep leaves off, and one behind all the others.
    sweep::run(&app.core).await.unwrap();
    found("2027-03-04T09:00", p2).await;
    assert_eq!(offers(&app).await.len(), 1);
    let wish = mine(&app, p2).await;
    answer(&app, p2, "timeOfferDecline", &wish["offer"]).await.ok();
    found("2027-04-01T09:00", p2).await;
    assert_eq!(time_wish::Entity::find().count(db).await.unwrap(), 61);
}

/// The one whom a time fits is found in the act that frees it, however many before them it does not fit.
#[tokio::test]
async fn a_freed_time_passes_over_everybody_whom_it_does_not_fit() {
    let app = TestApp::new().await;
    let (p1, p2, p3) = (&app.world.p1, &app.world.p2, &app.world.p3);
    let db = app.core.db.reader();
    let thursday = times(&app, &["2027-03-04T09:00".to_owned()], 1).await.remove(0);
    let booked = book(&app, &p3.identity, &thursday).await.ok();
    let on = |day: &str| json!({ "until": "2027-04-30", "weekdays": [day] });
    let like = leave(&app, p1, on("TUESDAY")).await.ok();
    let like = TimeWishId(row(&like.text("/timeWishLeave/wish/id")));
    let like = time_wish::Entity::find_by_id(like).one(db).await.unwrap().unwrap();
    let many: Vec<_> = crowd(&app.core, p1, 520)
        .await
        .iter()
        .map(|person| {
            let id = TimeWishId(app.core.clock.uuid());
            time_wish::Model { id, patient_id: person.id, ..like.clone() }.into_active_model().reset_all()
        })
        .collect();
    for some in many.chunks(100) {
        time_wish::Entity::insert_many(some.to_vec()).exec_without_returning(db).await.unwrap();
    }
    app.clock.advance(TimeDelta::minutes(1));
    leave(&app, p2, on("THURSDAY")).await.ok();
    let booked = booked.at("/appointmentBook/appointment");
    let input = json!({ "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"] });
    act(&app, &p3.identity, "appointmentCancel", "appointment { id }", input).await.ok();
    assert_eq!(mine(&app, p2).await["offer"]["slot"]["id"], thursday.as_str());
}

/// Whoever books, or moves to, one of the times that they wished for waits no more; whoever wishes for another does.
#[tokio::test]
async fn a_booking_of_what_was_wished_for_fulfils_the_wish_and_its_offer_goes_to_the_next() {
    use time_offer::Status as Offer;
    use time_wish::Status::{Booked, Open};
    let app = TestApp::new().await;
    let (p1, p2, p3) = (&app.world.p1, &app.world.p2, &app.world.p3);
    let (kept, _) = offered(&app, p1, "2027-03-01T09:00").await;
    app.clock.advance(TimeDelta::minutes(1));
    leave(&app, p2, any()).await.ok();
    // Published just now, and found in the search before any sweep has offered it.
    let own = times(&app, &["2027-03-02T09:00".to_owned(), "2027-04-20T09:00".to_owned()], 1).await;
    let booked = book(&app, &p1.identity, &own[0]).await.ok();
    assert_eq!(stand(&app, p1).await, (vec![Offer::Withdrawn], vec![Booked]));
    let wish = time_wish::Entity::find().filter(time_wish::Column::PatientId.eq(p1.id));
    let wish = wish.one(app.core.db.reader()).await.unwrap().unwrap();
    let time = booked.text("/appointmentBook/appointment/id");
    assert_eq!(global(NodeKind::Appointment, wish.appointment_id.unwrap()), time);
    assert_eq!(mine(&app, p2).await["offer"]["slot"]["id"], kept.as_str(), "the next in turn");
    invariants(&app.core).await;
    // A time after the last day that was wished for: the patient goes on waiting for an earlier one.
    leave(&app, p3, any()).await.ok();
    let later = book(&app, &p3.identity, &own[1]).await.ok();
    assert_eq!(stand(&app, p3).await.1, [Open]);
    // Moved to one that they wished for, they wait no more.
    let earlier = publish(&app, &["2027-03-08T09:00"]).await.remove(0);
    let time = later.at("/appointmentBook/appointment");
    let input =
        json!({ "appointmentId": time["id"], "expectedRowVersion": time["rowVersion"], "slotId": earlier });
    act(&app, &p3.identity, "appointmentRebook", "appointment { id }", input).await.ok();
    assert_eq!(stand(&app, p3).await.1, [Booked]);
    invariants(&app.core).await;
}

#[tokio::test]
async fn an_offer_is_never_over_the_patients_own_time_and_is_made_again_when_a_time_comes_back() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    // One that the patient has at that hour, and has not wished for.
    let own = times(&app, &["2027-04-05T09:10".to_owned()], 1).await.remove(0);
    let until = json!({ "until": "2027-04-30", "times": [{ "from": "09:30", "until": "12:00" }] });
    book(&app, &p1.identity, &own).await.ok();
    leave(&app, p1, until).await.ok();
    let over = publish(&app, &["2027-04-05T09:30"]).await.remove(0);
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["offer"], Value::Null);
    assert_eq!(open_seats(&app, &over).await, 1);
    // The other patient is offered it; whom they were to meet is away; and then is not.
    leave(&app, p2, json!({ "until": "2027-04-30" })).await.ok();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p2).await["offer"]["slot"]["id"], over.as_str());
    let input = json!({
        "who": { "assignmentId": global(NodeKind::Assignment, s1.assignment) },
        "from": "2027-04-05T00:00:00+02:00", "until": "2027-04-06T00:00:00+02:00",
    });
    let away =
        act(&app, &s1.identity, "contactAbsenceRegister", "absence { id rowVersion }", input).await.ok();
    assert_eq!(mine(&app, p2).await["offer"], Value::Null);
    let absence = away.at("/contactAbsenceRegister/absence");
    let input = json!({ "absenceId": absence["id"], "expectedRowVersion": absence["rowVersion"] });
    act(&app, &s1.identity, "contactAbsenceCancel", "absence { id }", input).await.ok();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p2).await["offer"]["slot"]["id"], over.as_str());
    assert_eq!(offers(&app).await.len(), 2);
    // What the patient has said no to is not asked again.
    let wish = mine(&app, p2).await;
    answer(&app, p2, "timeOfferDecline", &wish["offer"]).await.ok();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p2).await["offer"], Value::Null);
    invariants(&app.core).await;
}
