//! Killed without warning, again and again, in the middle of a stream of writes: what was answered is there, whole,
//! and nothing else is half there.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use entity::{access_event, domain_event, idempotency_key, thread_message};
use futures_util::future::join_all;
use harness::{
    database::Kind,
    process::{PATIENCE, Serve, Stage},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Statement};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::thread as start;
use crate::acts::row;

/// What was asked for, by key, and what was answered.
pub(super) type Asked = Mutex<BTreeMap<String, Option<String>>>;

/// Asks in `rows` rows, each one after the other, until the service is gone or `until` is over: `ask` takes a key and
/// gives what was answered, none where that cannot be known.
pub(super) async fn stream<F>(
    rows: usize,
    round: usize,
    until: Duration,
    asked: &Asked,
    ask: impl Fn(String) -> F,
) where
    F: Future<Output = Option<String>>,
{
    let begun = Instant::now();
    join_all((0..rows).map(|row| {
        let ask = &ask;
        async move {
            let mut n = 0;
            while begun.elapsed() < until {
                let key = format!("{round}-{row}-{n}");
                n += 1;
                asked.lock().unwrap().insert(key.clone(), None);
                let Some(answer) = ask(key.clone()).await else { return };
                asked.lock().unwrap().insert(key, Some(answer));
            }
        }
    }))
    .await;
}

/// One message; none where there was no answer that tells.
pub(super) async fn send(stage: &Stage, serve: &Serve, thread: &str, key: &str) -> Option<String> {
    let input = json!({ "threadId": thread, "body": format!("Meddelande {key}"), "idempotencyKey": key });
    let token = stage.token(&stage.world.p1.identity);
    let answer = serve.act(&token, "messageSend", "message { id }", input).await.ok()?;
    (answer.status == 200).then(|| answer.ok().text("/messageSend/message/id"))
}

/// Every message that was answered is there; each is whole - with its event, its key and its entry in the access log -
/// and nothing of another is.
pub(super) async fn all_there_and_nothing_half(stage: &Stage, asked: &Asked) {
    let db = stage.core.db.reader();
    let stored = thread_message::Entity::find().all(db).await.unwrap();
    let ids: std::collections::BTreeSet<_> = stored.iter().map(|message| message.id.0).collect();
    let asked = asked.lock().unwrap().clone();
    let gone: Vec<_> =
        asked.iter().filter(|(_, id)| id.as_ref().is_some_and(|id| !ids.contains(&row(id)))).collect();
    assert!(gone.is_empty(), "answered and gone: {gone:?}; {} stored, {} asked", stored.len(), asked.len());
    // The first message came with its thread.
    let sent = stored.len() as u64 - 1;
    assert!(sent <= asked.len() as u64);
    let events = domain_event::Entity::find().filter(domain_event::Column::Kind.eq("thread.message_sent"));
    let log = access_event::Entity::find().filter(access_event::Column::Action.eq("messageSend"));
    let keys = idempotency_key::Entity::find().count(db).await.unwrap();
    assert_eq!(
        (events.count(db).await.unwrap(), keys - 1),
        (sent, sent),
        "events and keys of {sent} messages"
    );
    // What a repeated answer shows is logged once more.
    assert!(log.count(db).await.unwrap() >= sent);
    for message in &stored {
        let place = patientkontrakt::crypto::Place::new("thread_message.body", message.id.0);
        let body = stage.core.keys.open(place, &message.body).unwrap();
        assert!(body.starts_with("Meddelande ") || body.starts_with("Hej "), "{body}");
    }
    if stage.kind() == Kind::Sqlite {
        let check = Statement::from_string(db.get_database_backend(), "PRAGMA integrity_check");
        let said: String = db.query_one_raw(check).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(said, "ok");
    }
}

/// F31, F32, F03 for messages: every acknowledged write is there, on both databases, whenever the process is killed.
#[tokio::test]
async fn killed_two_dozen_times_under_a_stream_of_messages_nothing_answered_is_lost_and_nothing_is_half() {
    const ROUNDS: usize = 24;
    let stage = Stage::new().await;
    let mut serve = stage.serve(&[]).await;
    let thread = start(&stage, &serve).await;
    let asked = Asked::default();
    let test = async {
        for round in 0..ROUNDS {
            let before = asked.lock().unwrap().values().flatten().count();
            let kill = async {
                // After some answers, at a moment of its own each round.
                while asked.lock().unwrap().values().flatten().count() < before + 3 + round % 5 {
                    sleep(Duration::from_millis(2)).await;
                }
                sleep(Duration::from_micros(137 * round as u64)).await;
                serve.kill().await;
            };
            let sending = stream(6, round, Duration::from_secs(20), &asked, |key| {
                let (stage, serve, thread) = (&stage, &serve, &thread);
                async move { send(stage, serve, thread, &key).await }
            });
            tokio::join!(sending, kill);
            assert!(!serve.ended(PATIENCE).await.success());
            serve = stage.serve(&[]).await;
            if round % 6 == 5 {
                all_there_and_nothing_half(&stage, &asked).await;
            }
        }
    };
    timeout(Duration::from_mins(4), test).await.expect("two dozen rounds in time");
    all_there_and_nothing_half(&stage, &asked).await;
    // Repeated, what was not answered is there once, and what was is answered as before.
    let unknown: Vec<_> = asked.lock().unwrap().clone().into_iter().collect();
    assert!(unknown.iter().any(|(_, id)| id.is_none()), "it was killed in the middle");
    for (key, first) in unknown {
        let again = send(&stage, &serve, &thread, &key).await.unwrap();
        assert_eq!(first.as_ref().unwrap_or(&again), &again);
        asked.lock().unwrap().insert(key, Some(again));
    }
    all_there_and_nothing_half(&stage, &asked).await;
    let all = asked.lock().unwrap().len() as u64;
    assert_eq!(thread_message::Entity::find().count(stage.core.db.reader()).await.unwrap(), 1 + all);
}

/// F19: the server of the database crashes again and again under load: what was answered is there, the service needs no
/// restart, and is healthy within ten seconds each time.
#[tokio::test]
async fn a_database_server_that_crashes_again_and_again_loses_nothing_that_was_answered() {
    const ROUNDS: usize = 20;
    if Kind::picked() != Kind::Postgres {
        return;
    }
    let stage = Stage::on(harness::database::crashable().await).await;
    let mut serve = stage.serve(&[]).await;
    let thread = start(&stage, &serve).await;
    let asked = Asked::default();
    let done = std::sync::atomic::AtomicBool::new(false);
    let load = stream(4, 0, Duration::from_mins(4), &asked, |key| {
        let (stage, serve, thread, done) = (&stage, &serve, &thread, &done);
        async move {
            if done.load(std::sync::atomic::Ordering::Relaxed) {
                return None;
            }
            // A client that gets no answer asks again with its key.
            let begun = Instant::now();
            while begun.elapsed() < PATIENCE {
                if let Some(id) = send(stage, serve, thread, &key).await {
                    return Some(id);
                }
                sleep(Duration::from_millis(20)).await;
            }
            panic!("{key} is never answered: {}", serve.log());
        }
    });
    let crashes = async {
        for round in 0..ROUNDS {
            let before = asked.lock().unwrap().values().flatten().count();
            let begun = Instant::now();
            while asked.lock().unwrap().values().flatten().count() < before + 5 {
                assert!(begun.elapsed() < PATIENCE, "nothing is answered in round {round}");
                sleep(Duration::from_millis(5)).await;
            }
            stage.database.crash().await;
            let begun = Instant::now();
            while serve.get("/readyz").await.0 != 200
                || send(&stage, &serve, &thread, "frisk").await.is_none()
            {
                assert!(begun.elapsed() < Duration::from_secs(10), "round {round}: {}", serve.log());
                sleep(Duration::from_millis(50)).await;
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    timeout(Duration::from_mins(5), async { tokio::join!(load, crashes) })
        .await
        .expect("twenty crashes in time");
    // The rows that end leave a key that was never used; the one that proved its health was used each time.
    asked.lock().unwrap().retain(|_, id| id.is_some());
    let fresh = send(&stage, &serve, &thread, "frisk").await;
    asked.lock().unwrap().insert("frisk".to_owned(), fresh);
    all_there_and_nothing_half(&stage, &asked).await;
    let all = asked.lock().unwrap().len() as u64;
    assert_eq!(thread_message::Entity::find().count(stage.core.db.reader()).await.unwrap(), 1 + all);
    assert!(!serve.log().contains("panicked"), "{}", serve.log());
    serve.terminate().await;
    assert!(serve.ended(PATIENCE).await.success(), "the process that began is the one that ends");
}
