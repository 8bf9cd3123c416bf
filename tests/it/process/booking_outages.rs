//! Holds, bookings, moves, cancellations and wishes while the database is silent, far away, crowded or full: everybody is
//! told in time, nothing is half done, and what was asked is done once when it is asked again.

use std::time::Duration;

use entity::{appointment, seat_claim};
use futures_util::future::join_all;
use harness::{
    database::{self, Kind},
    process::{Serve, Stage},
};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, EntityTrait, PaginatorTrait, Statement,
    TransactionTrait as _,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    act,
    booking_crashes::{Life, all_there_and_nothing_half, calm, lives, repeated_it_is_the_same},
    outage::over_a_line,
    storage::{log_size, room},
};
use crate::{acts::global, holds::invariants};

/// What a call may take when the database does not answer it: the limit, and some for a busy machine.
const TOLD_WITHIN: Duration = Duration::from_secs(7);
/// The same where the database answers until it comes to what is held: the queue moves each time a turn passes on, and
/// so does everybody's patience. What is promised then is the limit of the request itself, 20 seconds.
const TOLD_OF_A_HOLD_WITHIN: Duration = Duration::from_secs(22);
/// By when everything goes on again.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// Everybody asks at once; whoever is not answered is told so in time. Gives how many were answered.
async fn all_ask(stage: &Stage, serve: &Serve, lives: &mut [Life]) -> usize {
    all_ask_within(stage, serve, lives, TOLD_WITHIN).await
}

async fn all_ask_within(stage: &Stage, serve: &Serve, lives: &mut [Life], within: Duration) -> usize {
    let asking = lives.iter_mut().map(async |life| {
        life.begin();
        let begun = Instant::now();
        let answered = life.ask(stage, serve).await;
        assert!(begun.elapsed() < within, "{:?}", begun.elapsed());
        answered
    });
    join_all(asking).await.into_iter().filter(|answered| *answered).count()
}

/// What nobody was answered is asked again with its key, until it is done.
async fn all_are_answered(stage: &Stage, serve: &Serve, lives: &mut [Life], within: Duration) {
    let begun = Instant::now();
    let asking = lives.iter_mut().map(async |life| {
        while life.said.last().unwrap().answer.is_none() && !life.ask(stage, serve).await {
            assert!(begun.elapsed() < within, "{}", serve.log());
            sleep(Duration::from_millis(50)).await;
        }
    });
    join_all(asking).await;
}

/// F21: a dozen people at once, each at another act, while the database says nothing.
#[tokio::test]
async fn everybody_who_books_at_a_silent_database_is_told_in_time_and_each_act_is_done_once_afterwards() {
    let Some((stage, serve, proxy)) = over_a_line().await else { return };
    let mut lives = lives(&stage, &serve, 12).await;
    let rules = calm(&stage, &serve, &mut lives[0]).await;
    for (n, life) in lives.iter_mut().enumerate().skip(1) {
        for _ in 0..n % 5 {
            life.begin();
            assert!(life.ask(&stage, &serve).await, "{}", serve.log());
        }
    }
    for _ in 0..3 {
        proxy.silence();
        assert_eq!(all_ask(&stage, &serve, &mut lives).await, 0);
        assert_eq!(serve.get("/readyz").await.0, 503, "not ready meanwhile");
        assert_eq!(serve.get("/livez").await.0, 200);
        proxy.mend();
        all_are_answered(&stage, &serve, &mut lives, BACK_WITHIN).await;
        let begun = Instant::now();
        while serve.get("/readyz").await.0 != 200 {
            assert!(begun.elapsed() < BACK_WITHIN, "not ready in time");
        }
    }
    all_there_and_nothing_half(&stage, &lives, &rules).await;
    repeated_it_is_the_same(&stage, &serve, &mut lives).await;
    assert!(!serve.log().contains("panicked"), "{}", serve.log());
}

/// F21: whoever asks a silent database and does not wait for the answer takes no connection with them.
#[tokio::test]
async fn after_a_silence_in_which_clients_hang_up_everybody_is_served_at_once() {
    let Some((stage, serve, proxy)) = over_a_line().await else { return };
    let mut lives = lives(&stage, &serve, 6).await;
    let rules = calm(&stage, &serve, &mut lives[0]).await;
    let token = stage.token(&stage.world.p1.identity);
    for _ in 0..2 {
        proxy.silence();
        let mut hung_up = 0;
        for _ in 0..3 {
            let ask = async |_| {
                let me = serve.request(Some(&token)).json(&json!({ "query": "{ me { givenName } }" }));
                me.timeout(Duration::from_millis(400)).send().await.is_err()
            };
            hung_up += join_all((0..12).map(ask)).await.into_iter().filter(|gone| *gone).count();
        }
        assert!(hung_up > 12, "{hung_up}");
        proxy.mend();
        lives.iter_mut().for_each(Life::begin);
        all_are_answered(&stage, &serve, &mut lives, BACK_WITHIN).await;
    }
    all_there_and_nothing_half(&stage, &lives, &rules).await;
}

/// F22, on both databases: somebody holds what everybody who books needs.
#[tokio::test]
async fn everybody_who_books_where_all_connections_wait_is_told_in_time_and_served_afterwards() {
    let stage = Stage::new().await;
    let serve = stage.serve(&[("PK_DATABASE__MAX_CONNECTIONS", "3")]).await;
    let mut lives = lives(&stage, &serve, 20).await;
    let rules = calm(&stage, &serve, &mut lives[0]).await;
    all_ask(&stage, &serve, &mut lives).await;
    all_are_answered(&stage, &serve, &mut lives, BACK_WITHIN).await;
    let held = stage.core.db.reader().begin().await.unwrap();
    let hold = match stage.kind() {
        Kind::Postgres => "LOCK TABLE seat_claim, appointment, occupancy IN ACCESS EXCLUSIVE MODE",
        Kind::Sqlite => "UPDATE slot SET seats = seats",
    };
    held.execute_unprepared(hold).await.unwrap();
    assert_eq!(all_ask_within(&stage, &serve, &mut lives, TOLD_OF_A_HOLD_WITHIN).await, 0);
    // A client is told when to come back.
    let token = stage.token(&lives[1].whose.identity);
    let query = harness::mutation("slotHold", "hold { id }");
    let input = json!({ "slotId": lives[1].said[0].input["slotId"], "idempotencyKey": "senare" });
    let body = json!({ "query": query, "variables": { "input": input } });
    let told = serve.request(Some(&token)).json(&body).send().await.unwrap();
    let wait = told.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    assert_eq!((told.status().as_u16(), wait.as_deref()), (503, Some("5")));
    held.rollback().await.unwrap();
    all_are_answered(&stage, &serve, &mut lives, BACK_WITHIN).await;
    all_there_and_nothing_half(&stage, &lives, &rules).await;
    repeated_it_is_the_same(&stage, &serve, &mut lives).await;
}

/// F22: the database takes no more connections; those that the service has go on.
#[tokio::test]
async fn when_the_database_takes_no_more_connections_those_who_book_are_served_or_told_and_nothing_is_lost() {
    if Kind::picked() != Kind::Postgres {
        return;
    }
    let stage = Stage::on(database::crashable().await).await;
    let serve = stage.serve(&[("PK_DATABASE__MAX_CONNECTIONS", "12")]).await;
    let mut lives = lives(&stage, &serve, 16).await;
    let rules = calm(&stage, &serve, &mut lives[0]).await;
    let mut others = Vec::new();
    let full = loop {
        let mut options = ConnectOptions::new(stage.url());
        options.max_connections(1).acquire_timeout(Duration::from_millis(500)).sqlx_logging(false);
        match Database::connect(options).await {
            Ok(connection) => others.push(connection),
            Err(error) => break error,
        }
        assert!(others.len() < 500, "it takes ever more");
    };
    assert!(others.len() > 50, "{full}");
    // A call to find out who asks, and one for the act.
    let served = all_ask_within(&stage, &serve, &mut lives, 2 * TOLD_WITHIN).await;
    assert!(served > 0, "the connections that there are still serve: {}", serve.log());
    for connection in others {
        connection.close().await.unwrap();
    }
    all_are_answered(&stage, &serve, &mut lives, BACK_WITHIN).await;
    all_there_and_nothing_half(&stage, &lives, &rules).await;
    repeated_it_is_the_same(&stage, &serve, &mut lives).await;
}

/// F23: a database 200 ms away. An act on a time is some thirty statements: slow, and right.
#[tokio::test]
async fn at_a_database_that_is_far_away_one_of_those_who_want_a_time_gets_it_and_every_act_is_done() {
    let Some((stage, serve, proxy)) = over_a_line().await else { return };
    let mut lives = lives(&stage, &serve, 3).await;
    let kind = global(NodeKind::AppointmentType, stage.world.visit);
    let starts = stage.times(7).remove(6);
    let input = json!({ "appointmentTypeId": kind, "startsLocal": [starts] });
    let wanted =
        act(&stage, &serve, &stage.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let wanted = wanted.text("/slotPublish/slots/0/id");
    calm(&stage, &serve, &mut lives[0]).await;
    proxy.slow(Duration::from_millis(200));
    let begun = Instant::now();
    for _ in 0..2 {
        for life in &mut lives {
            life.begin();
        }
        all_are_answered(&stage, &serve, &mut lives, Duration::from_mins(2)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(1), "it was slower");
    let asking = lives.iter().enumerate().map(async |(n, life)| {
        let who = &life.whose;
        let input = json!({ "slotId": wanted, "idempotencyKey": format!("långt bort {n}") });
        // Who is told that it takes too long asks again with the same key.
        for _ in 0..20 {
            let answer =
                act(&stage, &serve, &who.identity, "appointmentBook", "appointment { id }", input.clone())
                    .await;
            if answer.status == 200 {
                return answer.user_error_codes("appointmentBook").join(",");
            }
            assert_eq!(answer.status, 503, "{answer:?}");
        }
        panic!("never answered: {}", serve.log());
    });
    let mut codes = join_all(asking).await;
    codes.sort();
    assert_eq!(codes, ["", "SLOT_TAKEN", "SLOT_TAKEN"]);
    proxy.mend();
    invariants(&stage.core).await;
    repeated_it_is_the_same(&stage, &serve, &mut lives).await;
}

/// F30 for bookings: the disk fills up under them, and has room again.
#[tokio::test]
async fn a_disk_that_fills_up_under_bookings_is_told_and_each_act_is_done_once_when_there_is_room() {
    if Kind::picked() != Kind::Sqlite {
        return;
    }
    let stage = Stage::new().await;
    let serve = stage.serve_ignoring_file_limits(&[]).await;
    let mut lives = lives(&stage, &serve, 4).await;
    let rules = calm(&stage, &serve, &mut lives[0]).await;
    for round in 0..3 {
        room(&serve, &(log_size(&stage) + 40_000 + 30_000 * round).to_string()).await;
        let mut asked = 0;
        while all_ask(&stage, &serve, &mut lives).await == lives.len() {
            asked += 1;
            assert!(asked < 300, "the disk does not fill up");
        }
        let token = stage.token(&stage.world.s1.identity);
        let read = serve.run(&token, "{ myAssignment { id } }", Value::Null).await.unwrap().ok();
        assert!(read.at("/myAssignment/id").is_string(), "what touches no patient is still read");
        room(&serve, "unlimited").await;
        all_are_answered(&stage, &serve, &mut lives, BACK_WITHIN).await;
        all_there_and_nothing_half(&stage, &lives, &rules).await;
    }
    repeated_it_is_the_same(&stage, &serve, &mut lives).await;
    assert!(!serve.log().contains("panicked"), "{}", serve.log());
}

/// F33 for bookings: somebody reads the file for long beside the service, as a backup does.
#[tokio::test]
async fn a_long_reader_of_the_file_holds_up_nobody_who_books() {
    if Kind::picked() != Kind::Sqlite {
        return;
    }
    let stage = Stage::new().await;
    let serve = stage.serve(&[]).await;
    let mut lives = lives(&stage, &serve, 6).await;
    let rules = calm(&stage, &serve, &mut lives[0]).await;
    let backup = stage.core.db.reader().begin().await.unwrap();
    let count = async || {
        let sql = Statement::from_string(backup.get_database_backend(), "SELECT count(*) FROM appointment");
        backup.query_one_raw(sql).await.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap()
    };
    let before = count().await;
    for _ in 0..15 {
        assert_eq!(all_ask(&stage, &serve, &mut lives).await, lives.len(), "{}", serve.log());
    }
    assert_eq!(count().await, before, "the backup sees what was when it began");
    assert!(appointment::Entity::find().count(stage.core.db.reader()).await.unwrap() > before as u64);
    backup.rollback().await.unwrap();
    all_there_and_nothing_half(&stage, &lives, &rules).await;
    assert!(!serve.log().contains("locked"), "{}", serve.log());
}

/// F20, F21 for wishes and offers: an answer to an offer that is lost on the way, or meets a silent database, is one
/// booking when it is given again; the time is nobody else's meanwhile.
#[tokio::test]
async fn an_answer_to_an_offer_that_is_lost_on_the_way_is_one_booking_when_it_is_given_again() {
    let Some((stage, serve, proxy)) = over_a_line().await else { return };
    let p1 = &stage.world.p1.identity;
    let kind = global(NodeKind::AppointmentType, stage.world.visit);
    let query = "{ me { timeWishes { offer { id } } } }";
    for round in 0..3 {
        let input = json!({ "appointmentTypeId": kind, "content": { "until": until(&stage) } });
        act(&stage, &serve, p1, "timeWishLeave", "wish { id }", input).await.ok();
        let starts = stage.times(round + 1).remove(round);
        let input = json!({ "appointmentTypeId": kind, "startsLocal": [starts] });
        act(&stage, &serve, &stage.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
        patientkontrakt::domain::sweep::run(&stage.core).await.unwrap();
        let mine = serve.run(&stage.token(p1), query, json!({})).await.unwrap().ok();
        let wishes = mine.at("/me/timeWishes").as_array().unwrap().clone();
        let offer = wishes.iter().find_map(|wish| wish["offer"]["id"].as_str()).expect("an offer").to_owned();
        let input = json!({ "offerId": offer, "idempotencyKey": format!("ja {round}") });
        match round {
            0 => proxy.lose_answers_to(b"COMMIT"),
            1 => proxy.lose_requests(b"COMMIT"),
            _ => proxy.silence(),
        }
        let accept =
            async || act(&stage, &serve, p1, "timeOfferAccept", "appointment { id }", input.clone()).await;
        let first = accept().await;
        assert_eq!((first.status, first.error_codes()), (503, vec!["UNAVAILABLE".to_owned()]), "{first:?}");
        proxy.mend();
        let begun = Instant::now();
        let again = loop {
            let again = accept().await;
            if again.status == 200 {
                break again.ok();
            }
            assert!(begun.elapsed() < BACK_WITHIN, "{}", serve.log());
        };
        assert_eq!(again.body, accept().await.body);
        let db = stage.core.db.reader();
        let (booked, claims) = (
            appointment::Entity::find().count(db).await.unwrap(),
            seat_claim::Entity::find().count(db).await.unwrap(),
        );
        assert_eq!((booked, claims), (round as u64 + 1, round as u64 + 1));
    }
    invariants(&stage.core).await;
}

fn until(stage: &Stage) -> String {
    (stage.core.clock.now().date_naive() + chrono::TimeDelta::days(60)).to_string()
}
