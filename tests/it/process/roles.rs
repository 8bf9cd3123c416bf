//! On PostgreSQL the tables have an owner, and the service signs in as somebody else.

use futures_util::future::join_all;
use harness::{
    database::Kind,
    process::{self, PATIENCE, Stage},
};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::json;

use super::act;
use crate::acts::global;

/// The address with another user.
fn as_user(url: &str, user: &str) -> String {
    let mut url = reqwest::Url::parse(url).unwrap();
    url.set_username(user).unwrap();
    url.set_password(Some("hemligt")).unwrap();
    url.to_string()
}

#[tokio::test]
async fn the_role_of_the_service_does_its_work_and_cannot_touch_what_is_logged() {
    if Kind::picked() != Kind::Postgres {
        return;
    }
    let stage = Stage::new().await;
    let role = format!("pk_service_{}", std::process::id());
    let owner = Database::connect(&stage.database.url).await.unwrap();
    let _ = owner.execute_unprepared(&format!("DROP ROLE IF EXISTS {role}")).await;
    owner.execute_unprepared(&format!("CREATE ROLE {role} LOGIN PASSWORD 'hemligt'")).await.unwrap();

    let granting = [("PK_DATABASE__SERVICE_ROLE", role.as_str())];
    let up = async || process::run(&mut stage.command(&["migrate", "up"], &granting)).await;
    for up in join_all([up(), up(), up()]).await {
        assert!(up.status.success(), "{up:?}");
    }
    let url = as_user(&stage.database.url, &role);
    let settings = [("PK_DATABASE__URL", url.as_str())];
    let mut serve = stage.serve(&settings).await;
    let token = stage.token(&stage.world.p1.identity);
    let me =
        serve.run(&token, "{ me { givenName threads { nodes { id } } } }", json!({})).await.unwrap().ok();
    assert_eq!(me.text("/me/givenName"), "Etta");
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, stage.world.s1.unit), "subject": "Recept", "body": "Hej",
    });
    let started =
        act(&stage, &serve, &stage.world.p1.identity, "threadStart", "thread { id }", input).await.ok();
    assert!(started.text("/threadStart/thread/id").len() > 8, "{started:?}");
    serve.terminate().await;
    assert!(serve.ended(PATIENCE).await.success());

    let service = Database::connect(&url).await.unwrap();
    for forbidden in [
        "DELETE FROM access_event_patient",
        "UPDATE access_event SET action = 'x'",
        "TRUNCATE access_event_patient",
        "ALTER TABLE access_event DISABLE TRIGGER ALL",
        "DELETE FROM change_entry",
        "UPDATE thread_message SET body = body",
        "UPDATE schema_text SET statements = ''",
        "CREATE TABLE public.mine (id integer)",
    ] {
        let refused = service.execute_unprepared(forbidden).await.expect_err(forbidden).to_string();
        assert!(
            refused.contains("permission denied") || refused.contains("must be owner"),
            "{forbidden}: {refused}"
        );
    }
    service.close().await.unwrap();
    let up = process::run(&mut stage.command(&["migrate", "up"], &settings)).await;
    assert!(!up.status.success() && up.err.contains("run as the owner of the tables"), "{up:?}");

    for (said, settings) in [
        ("ok       the database lets the service add to the access log, and no more", &settings[..]),
        ("problem  the service signs in to the database as one who may alter the access log", &[]),
    ] {
        let doctor = process::run(&mut stage.command(&["doctor"], settings)).await;
        assert!(doctor.out.contains(said), "{doctor:?}");
    }
    // Where nothing can be logged, nothing is given out, and both who look say so.
    let rights = |verb: &str, way: &str| format!("{verb} INSERT ON access_event_patient {way} {role}");
    let serve = stage.serve(&settings).await;
    owner.execute_unprepared(&rights("REVOKE", "FROM")).await.unwrap();
    let (status, ready) = serve.get("/readyz").await;
    assert_eq!(status, 503);
    assert!(ready.contains(r#""access log":"the service may not add to the access log""#), "{ready}");
    let doctor = process::run(&mut stage.command(&["doctor"], &settings)).await;
    assert!(doctor.out.contains("problem  the service may not add to the access log"), "{doctor:?}");
    // A role that was given nothing is told what it lacks, and not that the database is behind.
    owner
        .execute_unprepared(&format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}"))
        .await
        .unwrap();
    let status = process::run(&mut stage.command(&["migrate", "status"], &settings)).await;
    assert!(
        !status.status.success() && status.err.contains("(no right to it); name this role"),
        "{status:?}"
    );
    owner.execute_unprepared(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    owner.close().await.unwrap();
}

#[tokio::test]
async fn looking_at_the_state_of_a_database_that_is_not_there_makes_none() {
    let stage = Stage::new().await;
    let file = stage.data_dir().join("none.db");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    for command in [&["migrate", "status"][..], &["doctor"]] {
        let said = process::run(&mut stage.command(command, &[("PK_DATABASE__URL", &url)])).await;
        let all = format!("{}{}", said.out, said.err);
        assert!(
            !said.status.success() && all.contains("none.db yet; `patientkontrakt migrate up` makes it"),
            "{all}"
        );
        assert!(!file.exists(), "{command:?} made a file");
    }
}
