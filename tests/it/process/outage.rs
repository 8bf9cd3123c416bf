//! The database goes away while the service runs, and comes back: the service says so, and needs no one's help.

use std::time::Duration;

use harness::{
    Answer,
    database::Kind,
    process::{Serve, Stage},
    proxy::Proxy,
};
use patientkontrakt::auth::token::Identity;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{act, thread};

/// A service that reaches its PostgreSQL over a line that can be cut. SQLite has no line.
pub(super) async fn over_a_line() -> Option<(Stage, Serve, Proxy)> {
    if Kind::picked() != Kind::Postgres {
        return None;
    }
    let stage = Stage::new().await;
    let mut url = reqwest::Url::parse(stage.url()).unwrap();
    let target = url.socket_addrs(|| Some(5432)).unwrap()[0];
    let proxy = Proxy::to(target).await;
    url.set_ip_host(proxy.address.ip()).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    let serve = stage.serve(&[("PK_DATABASE__URL", url.as_str())]).await;
    Some((stage, serve, proxy))
}

/// The answer to a read, and how long it took.
async fn read(stage: &Stage, serve: &Serve, who: &Identity) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = serve.run(&stage.token(who), "{ me { givenName } }", json!({})).await.unwrap();
    (answer, begun.elapsed())
}

/// That everything says clearly, and soon enough, that it cannot be answered now.
async fn unavailable(stage: &Stage, serve: &Serve, thread: &str) {
    let world = &stage.world;
    let p1 = &world.p1.identity;
    // P1 is known to the process already, P2 must be looked up first.
    for who in [p1, &world.p2.identity] {
        let (answer, took) = read(stage, serve, who).await;
        assert!(took < Duration::from_secs(6), "{took:?}");
        assert_eq!(
            (answer.status, answer.error_codes()),
            (503, vec!["UNAVAILABLE".to_owned()]),
            "{answer:?}"
        );
        assert!(!answer.body.to_string().contains("Etta"), "{}", answer.body);
    }
    let begun = Instant::now();
    let input = json!({ "threadId": thread, "body": "Hallå", "idempotencyKey": "under avbrottet" });
    let answer = serve.act(&stage.token(p1), "messageSend", "message { id }", input).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    assert_eq!((answer.status, answer.error_codes()), (503, vec!["UNAVAILABLE".to_owned()]), "{answer:?}");
    let (status, body) = serve.get("/readyz").await;
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("the database does not answer") || body.contains("no answer within"), "{body}");
    assert_eq!(serve.get("/livez").await.0, 200, "it lives all the same");
}

/// That all is well again within ten seconds, without a restart.
async fn recovers(stage: &Stage, serve: &Serve, thread: &str) {
    let begun = Instant::now();
    loop {
        let (answer, _) = read(stage, serve, &stage.world.p1.identity).await;
        if answer.status == 200 {
            answer.ok();
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{answer:?}");
        sleep(Duration::from_millis(50)).await;
    }
    // What could not be answered is tried again with its key, and is there once.
    let input = json!({ "threadId": thread, "body": "Hallå", "idempotencyKey": "under avbrottet" });
    loop {
        let p1 = &stage.world.p1.identity;
        let answer = act(stage, serve, p1, "messageSend", "message { id }", input.clone()).await;
        if answer.status == 200 {
            answer.ok();
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{answer:?}");
    }
    while serve.get("/readyz").await.0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "not ready in time");
    }
    // Every connection is a sound one, not only the first to be tried.
    for _ in 0..20 {
        read(stage, serve, &stage.world.p1.identity).await.0.ok();
    }
}

async fn count(stage: &Stage, serve: &Serve) -> Value {
    let query = "{ me { threads(first: 5) { nodes { messages(first: 1) { totalCount nodes { body } } } } } }";
    let token = stage.token(&stage.world.p1.identity);
    serve
        .run(&token, query, json!({}))
        .await
        .unwrap()
        .ok()
        .at("/me/threads/nodes/0/messages/totalCount")
        .clone()
}

#[tokio::test]
async fn a_database_that_breaks_off_is_told_of_and_used_again_when_it_is_back() {
    let Some((stage, serve, proxy)) = over_a_line().await else { return };
    let thread = thread(&stage, &serve).await;
    read(&stage, &serve, &stage.world.p1.identity).await.0.ok();
    proxy.cut();
    unavailable(&stage, &serve, &thread).await;
    proxy.mend();
    recovers(&stage, &serve, &thread).await;
    assert_eq!(count(&stage, &serve).await, 2);
    assert!(!serve.log().contains("panicked"), "{}", serve.log());
}

#[tokio::test]
async fn a_database_that_falls_silent_holds_nobody_up_and_its_connections_are_not_used_again() {
    let Some((stage, serve, proxy)) = over_a_line().await else { return };
    let thread = thread(&stage, &serve).await;
    read(&stage, &serve, &stage.world.p1.identity).await.0.ok();
    proxy.silence();
    unavailable(&stage, &serve, &thread).await;
    proxy.mend();
    recovers(&stage, &serve, &thread).await;
    assert_eq!(count(&stage, &serve).await, 2);
    assert!(!serve.log().contains("panicked"), "{}", serve.log());
}

/// F23: a database 200 ms away: slower, and right.
#[tokio::test]
async fn a_database_that_is_far_away_is_slower_and_everything_is_right() {
    let Some((stage, serve, proxy)) = over_a_line().await else { return };
    let thread = thread(&stage, &serve).await;
    read(&stage, &serve, &stage.world.p1.identity).await.0.ok();
    proxy.slow(Duration::from_millis(200));
    let p1 = &stage.world.p1.identity;
    let sending = (0..8).map(|n| {
        let input =
            json!({ "threadId": thread, "body": "Hej", "idempotencyKey": format!("långsam {}", n % 4) });
        let (stage, serve) = (&stage, &serve);
        async move {
            // Who is told that it takes too long asks again with the same key.
            for _ in 0..20 {
                let answer = act(stage, serve, p1, "messageSend", "message { id }", input.clone()).await;
                if answer.status != 503 {
                    return answer;
                }
            }
            panic!("never answered: {}", serve.log());
        }
    });
    let begun = Instant::now();
    let answers = futures_util::future::join_all(sending).await;
    assert!(begun.elapsed() >= Duration::from_millis(200), "it was slower");
    for answer in answers {
        answer.ok();
    }
    read(&stage, &serve, p1).await.0.ok();
    assert_eq!(serve.get("/readyz").await.0, 200);
    proxy.mend();
    assert_eq!(count(&stage, &serve).await, 5, "each key once");
}
