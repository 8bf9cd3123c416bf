//! The file of SQLite: a disk that is full and has room again, somebody who writes or reads for long beside the service.

use std::time::Duration;

use harness::{
    database::Kind,
    process::{self, Serve, Stage},
};
use sea_orm::{ConnectionTrait as _, Statement, TransactionTrait as _};
use serde_json::{Value, json};
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use super::{
    crashes::{Asked, all_there_and_nothing_half, send},
    thread as start,
};

async fn me(stage: &Stage, serve: &Serve) -> harness::Answer {
    let token = stage.token(&stage.world.p1.identity);
    serve.run(&token, "{ me { givenName } }", Value::Null).await.unwrap()
}

/// The largest file that the process may write from now on.
pub(crate) async fn room(serve: &Serve, bytes: &str) {
    let limit = [format!("--fsize={bytes}:unlimited"), format!("--pid={}", serve.id())];
    let said = process::run(Command::new("prlimit").args(&limit)).await;
    assert!(said.status.success(), "{said:?}");
}

/// The size of the database's log of writes.
pub(crate) fn log_size(stage: &Stage) -> u64 {
    let file = stage.url().trim_start_matches("sqlite://").to_owned() + "-wal";
    std::fs::metadata(file).map_or(0, |meta| meta.len())
}

/// F30: no room is told as such, in time; reading the plan needs the access log and is refused alike; nothing is
/// damaged; with room again everything goes on without a restart.
#[tokio::test]
async fn a_full_disk_is_told_and_once_there_is_room_the_service_goes_on_by_itself() {
    if Kind::picked() != Kind::Sqlite {
        return;
    }
    let stage = Stage::new().await;
    // What a full disk does to a file, a limit on the size of files does too, without a disk of its own.
    let serve = stage.serve_ignoring_file_limits(&[]).await;
    let thread = start(&stage, &serve).await;
    let asked = Asked::default();
    let ask = async |key: String| {
        asked.lock().unwrap().insert(key.clone(), None);
        let answer = send(&stage, &serve, &thread, &key).await;
        asked.lock().unwrap().insert(key, answer.clone());
        answer
    };
    assert!(ask("före".to_owned()).await.is_some());
    room(&serve, &(log_size(&stage) + 50_000).to_string()).await;
    let mut refused = None;
    for n in 0..200 {
        let begun = Instant::now();
        let key = format!("full {n}");
        let input = json!({ "threadId": thread, "body": format!("Meddelande {key}"), "idempotencyKey": key });
        asked.lock().unwrap().insert(key.clone(), None);
        let token = stage.token(&stage.world.p1.identity);
        let answer = serve.act(&token, "messageSend", "message { id }", input).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(6));
        if answer.status == 200 {
            asked.lock().unwrap().insert(key, Some(answer.ok().text("/messageSend/message/id")));
        } else {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("the disk fills up");
    assert_eq!((refused.status, refused.error_codes()), (503, vec!["UNAVAILABLE".to_owned()]), "{refused:?}");
    // What touches no patient is still read; the probes answer.
    let token = stage.token(&stage.world.s1.identity);
    let read = serve.run(&token, "{ myAssignment { id } }", Value::Null).await.unwrap().ok();
    assert!(read.at("/myAssignment/id").is_string());
    assert_eq!(serve.get("/livez").await.0, 200);
    // Reads of a patient go on while the log of accesses finds room; one that it cannot note is not served.
    for _ in 0..20 {
        let read = me(&stage, &serve).await;
        let told = (read.status, read.error_codes());
        assert!(told == (200, Vec::new()) || told == (503, vec!["UNAVAILABLE".to_owned()]), "{read:?}");
    }
    room(&serve, "unlimited").await;
    let begun = Instant::now();
    let unanswered: Vec<String> = {
        let asked = asked.lock().unwrap();
        asked.iter().filter(|(_, id)| id.is_none()).map(|(key, _)| key.clone()).collect()
    };
    for key in unanswered {
        while ask(key.clone()).await.is_none() {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", serve.log());
            sleep(Duration::from_millis(50)).await;
        }
    }
    me(&stage, &serve).await.ok();
    all_there_and_nothing_half(&stage, &asked).await;
    assert!(!serve.log().contains("panicked"), "{}", serve.log());
}

/// F33: a backup that reads for long holds up nobody, and sees one state.
#[tokio::test]
async fn a_long_reader_of_the_file_holds_up_nobody() {
    if Kind::picked() != Kind::Sqlite {
        return;
    }
    let stage = Stage::new().await;
    let serve = stage.serve(&[]).await;
    let thread = start(&stage, &serve).await;
    let backup = stage.core.db.reader().begin().await.unwrap();
    let count = async || {
        let sql =
            Statement::from_string(backup.get_database_backend(), "SELECT count(*) FROM thread_message");
        let row = backup.query_one_raw(sql).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap()
    };
    assert_eq!(count().await, 1);
    for n in 0..100 {
        let begun = Instant::now();
        assert!(send(&stage, &serve, &thread, &format!("k{n}")).await.is_some(), "{}", serve.log());
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
    assert_eq!(count().await, 1, "the backup sees what was when it began");
    backup.rollback().await.unwrap();
    assert!(!serve.log().contains("locked"), "{}", serve.log());
}

/// F22, on both databases: while somebody holds what every writer needs, writers are told in time that it cannot be
/// done now; nobody waits for ever; and when it is let go, everything goes on.
#[tokio::test]
async fn when_every_connection_waits_each_caller_is_told_in_time_and_all_goes_on_afterwards() {
    let stage = Stage::new().await;
    let serve = stage.serve(&[("PK_DATABASE__MAX_CONNECTIONS", "3")]).await;
    let thread = start(&stage, &serve).await;
    assert!(send(&stage, &serve, &thread, "före").await.is_some());
    let held = stage.core.db.reader().begin().await.unwrap();
    let hold = match stage.kind() {
        Kind::Postgres => "LOCK TABLE thread IN ACCESS EXCLUSIVE MODE",
        Kind::Sqlite => "UPDATE thread SET status = status",
    };
    held.execute_unprepared(hold).await.unwrap();
    let begun = Instant::now();
    let all = futures_util::future::join_all((0..20).map(|n| {
        let input = json!({ "threadId": thread, "body": "Hej", "idempotencyKey": format!("trångt {n}") });
        let token = stage.token(&stage.world.p1.identity);
        let serve = &serve;
        async move { serve.act(&token, "messageSend", "message { id }", input).await.unwrap() }
    }))
    .await;
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
    for answer in &all {
        assert_eq!(
            (answer.status, answer.error_codes()),
            (503, vec!["UNAVAILABLE".to_owned()]),
            "{answer:?}"
        );
    }
    held.rollback().await.unwrap();
    let begun = Instant::now();
    for n in 0..20 {
        while send(&stage, &serve, &thread, &format!("sedan {n}")).await.is_none() {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", serve.log());
        }
    }
}
