//! A process starts and says so, or does not start and says why.

use harness::{
    database::{self, Kind},
    process::{self, PATIENCE, Stage},
};
use sea_orm::ConnectionTrait as _;
use serde_json::json;

/// That it ended badly, said `word`, and did not break down.
#[track_caller]
fn refused(said: &process::Said, words: &[&str]) {
    assert!(!said.status.success(), "{said:?}");
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word} in {}", said.err);
    }
    assert!(!said.err.contains("panicked"), "{}", said.err);
    // One sentence for the operator is not logged twice.
    assert!(said.err.lines().count() < 5, "{}", said.err);
}

#[tokio::test]
async fn a_serving_process_answers_each_question_at_its_own_address() {
    let stage = Stage::new().await;
    let mut serve = stage.serve(&[]).await;
    assert_eq!(serve.get("/livez").await.0, 200);
    let (status, body) = serve.get("/readyz").await;
    assert_eq!(
        (status, body.as_str()),
        (200, r#"{"ready":true,"checks":{"database":"ok","token keys":"ok"}}"#)
    );
    let token = stage.token(&stage.world.p1.identity);
    let me = serve.run(&token, "{ me { givenName } }", json!({})).await.unwrap().ok();
    assert_eq!((me.status, me.text("/me/givenName").as_str()), (200, "Etta"));
    // What is measured is for the operator alone.
    assert_eq!(serve.get("/metrics").await.0, 404);
    let (status, measured) = serve.get_at(serve.metrics, "/metrics").await;
    assert_eq!(status, 200);
    assert!(measured.contains(r#"http_requests_total{path="/graphql",status="200"} 1"#), "{measured}");
    assert_eq!(serve.get_at(serve.metrics, "/graphql").await.0, 404);

    let listen = serve.address.to_string();
    let settings = [("PK_HTTP__LISTEN", listen.as_str())];
    let ready = process::run(&mut stage.command(&["healthcheck"], &settings)).await;
    assert_eq!((ready.status.code(), ready.out.as_str()), (Some(0), "ready\n"), "{ready:?}");
    serve.terminate().await;
    assert!(serve.ended(PATIENCE).await.success());
    refused(&process::run(&mut stage.command(&["healthcheck"], &settings)).await, &["nothing listens at"]);
}

#[tokio::test]
async fn on_sqlite_a_second_process_is_refused_and_a_worker_has_nothing_to_do() {
    if Kind::picked() != Kind::Sqlite {
        return;
    }
    let stage = Stage::new().await;
    let serve = stage.serve(&[]).await;
    for command in ["serve", "worker"] {
        let second = process::run(&mut stage.command(&[command], &[])).await;
        refused(&second, &["test.db is in use by another patientkontrakt process; stop it first"]);
    }
    assert_eq!(serve.get("/readyz").await.0, 200, "the first one goes on");
    drop(serve);
    let alone = Stage::new().await;
    let worker = process::run(&mut alone.command(&["worker"], &[])).await;
    refused(&worker, &["on SQLite `serve` contains the worker; `worker` is for PostgreSQL"]);
}

#[tokio::test]
async fn a_database_that_does_not_answer_at_the_start_is_named_as_the_reason() {
    let stage = Stage::new().await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("postgres://patientkontrakt:hemligt@{free}/patientkontrakt");
    let garbage = stage.data_dir().join("garbage.db");
    std::fs::write(&garbage, "this is no database\n".repeat(1000)).unwrap();
    let garbage = format!("sqlite://{}", garbage.display());
    for url in [&nobody, &garbage] {
        for command in ["serve", "doctor"] {
            let said = process::run(&mut stage.command(&[command], &[("PK_DATABASE__URL", url)])).await;
            let all = format!("{}{}", said.out, said.err);
            assert_eq!(said.status.code(), Some(1), "{command} {said:?}");
            assert!(all.contains("the database does not answer"), "{command} {all}");
            assert!(all.contains("check database.url"), "{command} {all}");
            assert!(!all.contains("panicked") && !all.contains("hemligt"), "{command} {all}");
        }
    }
}

#[tokio::test]
async fn a_database_without_the_schema_is_not_served() {
    if Kind::picked() != Kind::Postgres {
        return;
    }
    let stage = Stage::new().await;
    let empty = database::empty(Kind::Postgres).await;
    let settings = [("PK_DATABASE__URL", empty.url.as_str())];
    let said = process::run(&mut stage.command(&["serve"], &settings)).await;
    refused(&said, &["the database lacks", "run `patientkontrakt migrate up`"]);
    let up = process::run(&mut stage.command(&["migrate", "up"], &settings)).await;
    assert!(up.status.success() && !up.out.contains("missing"), "{up:?}");
    let status = process::run(&mut stage.command(&["migrate", "status"], &settings)).await;
    assert!(status.status.success(), "{status:?}");
}

#[tokio::test]
async fn a_database_that_another_build_made_is_refused_and_left_as_it_is() {
    let stage = Stage::new().await;
    let db = sea_orm::Database::connect(&stage.database.url).await.unwrap();
    db.execute_unprepared(
        "UPDATE schema_text SET statements = 'CREATE TABLE other (id integer)' WHERE name LIKE '%_task'",
    )
    .await
    .unwrap();
    db.close().await.unwrap();
    for command in [&["serve"][..], &["migrate", "up"]] {
        let said = process::run(&mut stage.command(command, &[])).await;
        refused(&said, &["made by another build", "_task` differs", "start with an empty one"]);
    }
    let status = process::run(&mut stage.command(&["migrate", "status"], &[])).await;
    assert!(!status.status.success() && status.out.contains("differs  m20261122_000012_task"), "{status:?}");
}
