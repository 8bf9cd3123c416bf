//! Several instances on one database, a clock that jumps, and what a commit is worth: without a process of their own.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::{slot, time_offer, time_wish};
use futures_util::future::join_all;
use harness::{TestApp, TestPatient, world::crowd};
use patientkontrakt::{
    app::open_core_with, domain::sweep, error::Fault, graphql::scalars::NodeKind, session::Core,
};
use sea_orm::{ColumnTrait, ConnectionTrait as _, EntityTrait, QueryFilter, QueryOrder, Statement};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{book, publish},
    holds::invariants,
};

/// Another instance on the same database, with connections of its own.
async fn other_instance(app: &TestApp) -> Core {
    let mut options = app.config.db_options();
    options.timeout = std::time::Duration::from_mins(1);
    open_core_with(&app.config, &options, &app.clock, false).await.expect("another instance")
}

async fn wish(app: &TestApp, patient: &TestPatient) {
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "content": { "until": "2027-03-31" } });
    act(app, &patient.identity, "timeWishLeave", "wish { id }", input).await.ok();
}

async fn offers(app: &TestApp) -> Vec<time_offer::Model> {
    let all = time_offer::Entity::find().order_by_asc(time_offer::Column::Id);
    all.all(app.core.db.reader()).await.unwrap()
}

/// The first in turn get one each, and no time is offered twice, however many look at once.
#[tokio::test]
async fn of_several_instances_that_sweep_at_once_each_freed_time_is_offered_once_in_turn() {
    let app = TestApp::new().await;
    let other = other_instance(&app).await;
    let people = crowd(&app.core, &app.world.p1, 12).await;
    for person in &people {
        wish(&app, person).await;
        app.clock.advance(TimeDelta::minutes(1));
    }
    let wishes = time_wish::Entity::find()
        .order_by_asc(time_wish::Column::CreatedAt)
        .all(app.core.db.reader())
        .await
        .unwrap();
    let turn = |count: usize| wishes[..count].iter().map(|wish| wish.id).collect::<BTreeSet<_>>();
    let starts: Vec<String> = (0..8).map(|n| format!("2027-03-0{}T09:00", n % 4 + 1)).collect();
    let (early, late) =
        (&starts[..4], ["2027-03-01T13:00", "2027-03-02T13:00", "2027-03-03T13:00", "2027-03-04T13:00"]);
    for (round, times) in
        [early.iter().map(String::as_str).collect::<Vec<_>>(), late.to_vec()].into_iter().enumerate()
    {
        publish(&app, &times).await;
        let sweeps = join_all((0..6).map(|n| sweep::run(if n % 2 == 0 { &app.core } else { &other }))).await;
        assert!(sweeps.into_iter().all(|swept| swept.is_ok()));
        let count = 4 * (round + 1);
        let made = offers(&app).await;
        assert_eq!(made.len(), count);
        assert_eq!(made.iter().map(|offer| offer.slot_id).collect::<BTreeSet<_>>().len(), count);
        assert_eq!(made.iter().map(|offer| offer.wish_id).collect::<BTreeSet<_>>(), turn(count));
    }
    // Nobody answers: at the end of the time each goes to the next, once, whoever looks.
    app.clock.advance(TimeDelta::hours(2));
    let sweeps = join_all((0..6).map(|n| sweep::run(if n % 2 == 0 { &app.core } else { &other }))).await;
    assert!(sweeps.into_iter().all(|swept| swept.is_ok()));
    let all = offers(&app).await;
    let pairs: BTreeSet<_> = all.iter().map(|offer| (offer.wish_id, offer.slot_id)).collect();
    assert_eq!(pairs.len(), all.len(), "nobody is offered the same time again");
    let open: Vec<_> = all.iter().filter(|offer| offer.status == time_offer::Status::Open).collect();
    assert_eq!(open.iter().map(|offer| offer.slot_id).collect::<BTreeSet<_>>().len(), open.len());
    assert_eq!(open.iter().map(|offer| offer.wish_id).collect::<BTreeSet<_>>().len(), open.len());
    let taken =
        slot::Entity::find().filter(slot::Column::OpenSeats.eq(0)).all(app.core.db.reader()).await.unwrap();
    assert_eq!(taken.len(), open.len(), "what is offered is kept, and nothing else");
}

/// F24 for times: an hour ahead, two hours back, a day ahead. What counts is the clock as it is now, and no seat is had
/// twice.
#[tokio::test]
async fn holds_offers_and_bookings_follow_a_clock_that_jumps_and_no_seat_is_had_twice() {
    let app = TestApp::new().await;
    let (p1, p2, p3) = (&app.world.p1, &app.world.p2, &app.world.p3);
    let slots =
        publish(&app, &["2027-02-02T09:00", "2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00"])
            .await;
    let hold = async |who: &TestPatient, slot: &str| {
        act(&app, &who.identity, "slotHold", "hold { id heldUntil }", json!({ "slotId": slot })).await
    };
    let book = async |who: &TestPatient, slot: &str| {
        book(&app, &who.identity, slot).await.user_error_codes("appointmentBook").join(",")
    };
    // An hour ahead: a hold is over at once, and its seat is somebody else's.
    hold(p1, &slots[1]).await.ok();
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(book(p2, &slots[1]).await, "");
    assert_eq!(book(p1, &slots[1]).await, "SLOT_TAKEN");
    // Two hours back: what was held an hour ago by the clock that was wrong stands, and is used once.
    hold(p1, &slots[2]).await.ok();
    app.clock.advance(TimeDelta::hours(-2));
    assert_eq!(book(p2, &slots[2]).await, "SLOT_TAKEN");
    assert_eq!(book(p1, &slots[2]).await, "");
    invariants(&app.core).await;
    // A day ahead: an offer is over, and goes to nobody who has had it; a time that has been cannot be booked.
    wish(&app, p3).await;
    sweep::run(&app.core).await.unwrap();
    let offer = offers(&app).await.pop().unwrap();
    app.clock.advance(TimeDelta::days(1) + TimeDelta::hours(3));
    let input = json!({ "offerId": global(NodeKind::TimeOffer, offer.id) });
    let late = act(&app, &p3.identity, "timeOfferAccept", "appointment { id }", input.clone()).await;
    assert_eq!(late.user_error_codes("timeOfferAccept"), ["TOO_LATE"]);
    assert_eq!(book(p1, &slots[0]).await, "TOO_LATE");
    // And back again: nothing has been lost by it. The offer was not answered yet by any clock that anybody believes.
    app.clock.advance(TimeDelta::days(-1) - TimeDelta::hours(3));
    assert_eq!(book(p1, &slots[0]).await, "SLOT_TAKEN", "it is the one that is offered");
    act(&app, &p3.identity, "timeOfferAccept", "appointment { id }", input).await.ok();
    invariants(&app.core).await;
}

/// F32: what is answered has been written down for good. The service never asks the database for less.
#[tokio::test]
async fn a_commit_is_on_disk_before_it_is_answered() {
    let app = TestApp::new().await;
    let ask = async |sql: &str| {
        let sql = sql.to_owned();
        app.core
            .db
            .write(async |tx| -> Result<Vec<Value>, Fault> {
                let rows = tx.query_all_raw(Statement::from_string(tx.get_database_backend(), sql)).await?;
                let mut found = Vec::new();
                for row in rows {
                    let text = row.try_get_by_index::<String>(0).map(Value::from);
                    found.push(match text {
                        Ok(text) => text,
                        Err(_) => row.try_get_by_index::<i64>(0)?.into(),
                    });
                }
                Ok(found)
            })
            .await
            .unwrap()
    };
    if app.core.db.is_sqlite() {
        assert_eq!(ask("PRAGMA synchronous").await, [json!(2)], "FULL: the log is flushed at each commit");
        assert_eq!(ask("PRAGMA journal_mode").await, [json!("wal")]);
    } else {
        let own = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes') \
            AND source IN ('session', 'client', 'user', 'database', 'database user')";
        assert_eq!(ask(own).await, Vec::<Value>::new(), "what the server's operator has decided holds");
    }
}
