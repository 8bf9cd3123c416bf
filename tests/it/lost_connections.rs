//! Connections of the pool that the database has given up: no client hears of them. Only PostgreSQL has any.

use std::time::Duration;

use futures_util::future::join_all;
use harness::{TestApp, database::Kind, relate};
use patientkontrakt::{db::Db, graphql::scalars::NodeKind};
use sea_orm::{ConnectionTrait, TransactionTrait};
use serde_json::json;

use crate::{
    acts::{act, global},
    reminders::crowd,
};

/// Ends every session of the service's pool, and waits until they have ended.
async fn end_sessions(from_outside: &Db) {
    let end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity \
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    from_outside.reader().execute_unprepared(end).await.unwrap();
}

#[tokio::test]
async fn a_dead_connection_of_the_pool_reaches_no_reader_and_no_writer() {
    if Kind::picked() != Kind::Postgres {
        return;
    }
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let start =
        json!({ "careUnitId": global(NodeKind::CareUnit, s1.unit), "subject": "Fråga", "body": "Hej" });
    let thread = act(&app, &p1.identity, "threadStart", "thread { id }", start).await.ok();
    let thread = thread.text("/threadStart/thread/id");
    let mut options = app.config.db_options();
    options.max_connections = 1;
    let outside = Db::connect(&options).await.unwrap();
    let read = || app.run(&p1.identity, "{ me { givenName agreement { id } } }", json!({}));
    let send = async |who, body: &str| {
        let input = json!({ "threadId": thread, "body": body });
        act(&app, who, "messageSend", "message { body }", input).await.ok();
    };
    for round in 0..4 {
        // Several connections, all of them fresh.
        for answer in join_all((0..6).map(|_| read())).await {
            answer.ok();
        }
        end_sessions(&outside).await;
        match round {
            0 => drop(read().await.ok()),
            1 => send(&s1.identity, "Från vården").await,
            // The one statement of a patient's further message: it is sent again under its key.
            2 => {
                send(&p1.identity, "Från patienten").await;
                end_sessions(&outside).await;
                send(&p1.identity, "Och en till").await;
            }
            _ => {
                for answer in join_all((0..6).map(|_| read())).await {
                    answer.ok();
                }
            }
        }
    }
    let messages = "{ me { threads(first: 5) { nodes { messages(first: 10) { totalCount } } } } }";
    let found = app.run(&p1.identity, messages, json!({})).await.ok();
    assert_eq!(found.at("/me/threads/nodes/0/messages/totalCount"), 4, "each once");
}

/// F27: a process that stands still in the middle of a transaction keeps from others what it has locked, until the
/// database ends it. SQLite has one process.
#[tokio::test]
async fn a_transaction_that_stands_idle_is_ended_and_what_it_locked_is_free() {
    let app = TestApp::new().await;
    if app.core.db.is_sqlite() {
        return;
    }
    crowd(&app, 1).await;
    let mut options = app.config.db_options();
    options.timeout = Duration::from_millis(300);
    let frozen = Db::connect(&options).await.unwrap();
    let touch = "UPDATE notice SET attempts = attempts";
    let held = frozen.reader().begin().await.unwrap();
    assert!(held.execute_unprepared(touch).await.unwrap().rows_affected() > 0);
    // It waits for the lock, which nobody gives back.
    let freed = app.core.db.reader().execute_unprepared(touch).await.unwrap();
    assert!(freed.rows_affected() > 0);
    assert!(held.commit().await.is_err(), "it is over for the one that stood still");
}
