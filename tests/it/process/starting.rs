//! A process starts and says so, or does not start and says why.

use std::{fs::File, io::pipe, process::Stdio};

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::{
    database::{self, Kind},
    process::{self, PATIENCE, Stage},
};
use patientkontrakt::auth::token::Identity;
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
        (200, r#"{"ready":true,"checks":{"access log":"ok","database":"ok","token keys":"ok"},"alerts":{}}"#)
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
    let second = process::run(&mut stage.command(&["serve"], &[])).await;
    refused(&second, &["test.db is in use by another patientkontrakt process; stop it first"]);
    let worker = async |stage: &Stage| {
        let worker = process::run(&mut stage.command(&["worker"], &[])).await;
        refused(&worker, &["on SQLite `serve` contains the worker; `worker` is for PostgreSQL"]);
    };
    worker(&stage).await;
    assert_eq!(serve.get("/readyz").await.0, 200, "the first one goes on");
    drop(serve);
    worker(&Stage::new().await).await;
}

/// R: nothing is sent until the region has recorded its decision; who starts the service is told.
#[tokio::test]
async fn a_start_without_the_regions_decision_says_that_nothing_is_sent() {
    let stage = Stage::new().await;
    let of = |name: &str| stage.data_dir().join(name);
    let (keys, jwks) = (std::fs::read_to_string(of("demo-encryption.key")).unwrap(), of("demo-jwks.json"));
    let production = [
        ("PK_MODE", "production"),
        ("PK_AUTH__ISSUER", "https://idp.example.se/"),
        ("PK_AUTH__AUDIENCE", "patientkontrakt"),
        ("PK_AUTH__JWKS_FILE", jwks.to_str().unwrap()),
        ("PK_ENCRYPTION__KEYS", keys.trim()),
        ("PK_REGION__NAME", "Region Exempel"),
        ("PK_REGION__COORDINATING_REGION", "99"),
    ];
    // The demo has its decision.
    for (settings, told) in [(&production[..], true), (&[], false)] {
        let serve = stage.serve(settings).await;
        let log = serve.log();
        assert_eq!(log.contains("nothing is sent before reminders.risk_analysis_reference"), told, "{log}");
    }
}

#[tokio::test]
async fn what_the_database_refuses_at_the_start_is_said_in_words() {
    if Kind::picked() != Kind::Postgres {
        return;
    }
    let stage = Stage::new().await;
    let mut nowhere = reqwest::Url::parse(stage.url()).unwrap();
    nowhere.set_path("/nowhere");
    let mut stranger = reqwest::Url::parse(stage.url()).unwrap();
    stranger.set_username("nobody_at_all").unwrap();
    for (url, words) in [(nowhere, "there is no such database"), (stranger, "sign-in refused")] {
        for command in ["serve", "doctor"] {
            let settings = [("PK_DATABASE__URL", url.as_str())];
            let said = process::run(&mut stage.command(&[command], &settings)).await;
            assert_eq!(said.status.code(), Some(1), "{command} {said:?}");
            assert!(format!("{}{}", said.out, said.err).contains(words), "{command} {said:?}");
        }
    }
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
async fn a_token_is_issued_for_one_person_with_a_number_that_somebody_can_have() {
    let stage = Stage::new().await;
    let issue = async |more: &[&str]| {
        process::run(&mut stage.command(&[&["token", "issue"][..], more].concat(), &[])).await
    };
    for good in
        [&["--patient", "19121212-1212"][..], &["--staff", "--ttl", "60"], &["--patient", "--ttl", "60"]]
    {
        let said = issue(good).await;
        assert!(said.status.success() && said.out.trim().split('.').count() == 3, "{said:?}");
    }
    refused(&issue(&["--patient", "19121212-1213"]).await, &["--patient: The last digit does not fit"]);
    refused(&issue(&["--patient", "--ttl", "0"]).await, &["1 second to 366 days"]);
    for (bad, word) in [
        (&[][..], "--patient [<NUMBER>]|--staff [<HSA-ID>]"),
        (&["--patient", "--staff"][..], "cannot be used with"),
        (&["--patient", "--assignment", "x"][..], "cannot be used with"),
    ] {
        let said = issue(bad).await;
        assert!(said.status.code() == Some(2) && said.err.contains(word), "{said:?}");
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
    let up = async || process::run(&mut stage.command(&["migrate", "up"], &settings)).await;
    for up in join_all([up(), up()]).await {
        assert!(up.status.success() && !up.out.contains("missing"), "{up:?}");
    }
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

/// `schema print | head -1` is no fault of the command; a disk that is full is.
#[tokio::test]
async fn a_command_whose_reader_leaves_goes_on_to_its_end() {
    let stage = Stage::new().await;
    for arguments in [
        &["schema", "print"][..],
        &["config", "example"],
        &["config", "check"],
        &["migrate", "status"],
        &["doctor"],
        &["reminders", "plan"],
        &["token", "issue", "--patient"],
    ] {
        let whole = process::run(&mut stage.command(arguments, &[])).await;
        let into = async |out: Stdio| {
            let mut command = stage.command(arguments, &[]);
            let child = command.stdout(out).stderr(Stdio::piped()).spawn().unwrap();
            let ended = child.wait_with_output().await.unwrap();
            (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
        };
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        assert_eq!(into(writer.into()).await, (whole.status.code(), whole.err), "{arguments:?}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, err) = into(full.into()).await;
        assert!(code == Some(1) && err.contains("the output cannot be written: "), "{arguments:?} {err}");
    }
}

#[tokio::test]
async fn the_schema_is_brought_up_to_date_without_keys_or_identity_provider() {
    let (empty, folder) = (database::empty(Kind::picked()).await, tempfile::tempdir().unwrap());
    for (mode, command) in
        [("demo", "status"), ("demo", "up"), ("production", "status"), ("production", "up")]
    {
        let run = async |url: &str| {
            let mut command = process::command(&["migrate", command]);
            command.env("PK_MODE", mode).env("PK_DATABASE__URL", url).current_dir(folder.path());
            process::run(&mut command).await
        };
        let said = run(&empty.url).await;
        let well = (mode, command) != ("demo", "status");
        assert_eq!((said.status.success(), said.err.as_str()), (well, ""), "{mode} {command} {said:?}");
        assert_eq!(said.out.contains("missing  "), !well, "{mode} {command} {said:?}");
        refused(&run("sqlite://").await, &["PK_DATABASE__URL: database.url must name a file"]);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing else was made");
}

/// The demo's clock can be moved, and what is served from its folder later is not: the tokens follow who serves.
#[tokio::test]
async fn a_token_is_issued_by_the_clock_of_the_one_that_serves_last() {
    let stage = Stage::new().await;
    let ahead = TimeDelta::hours(12).num_microseconds().unwrap();
    std::fs::write(stage.data_dir().join("demo-clock"), ahead.to_string()).unwrap();
    let serve = stage.serve(&[]).await;
    let Identity::Patient { number } = &stage.world.p1.identity else { panic!("a patient") };
    let issued = process::run(&mut stage.command(&["token", "issue", "--patient", number], &[])).await;
    let me = serve.run(issued.out.trim(), "{ me { givenName } }", json!({})).await.unwrap().ok();
    assert_eq!(me.text("/me/givenName"), "Etta");
}

#[tokio::test]
async fn a_token_is_issued_for_a_demo_that_there_is() {
    let stage = Stage::new().await;
    let wrong = stage.data_dir().join("wrong");
    let issue = ["token", "issue", "--patient", "--data-dir", wrong.to_str().unwrap()];
    let said = process::run(&mut stage.command(&issue, &[])).await;
    refused(&said, &["no demo has been started in ", "wrong: ", "--data-dir"]);
    assert!(said.out.is_empty() && !wrong.exists(), "{said:?}");
}

#[tokio::test]
async fn a_demo_lives_at_a_time_that_can_be() {
    for at in
        ["9999-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59+01:00", "2101-01-01T00:00:00Z"]
    {
        let said = process::run(&mut process::command(&["demo", "--clock", at])).await;
        assert!(said.status.code() == Some(2) && said.err.contains("from 2020 to 2100"), "{said:?}");
    }
    let said = process::run(&mut process::command(&["demo", "--clock", "i morgon"])).await;
    assert!(said.status.code() == Some(2) && said.err.contains("--clock"), "{said:?}");
}
