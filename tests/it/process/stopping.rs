//! A process that is told to stop finishes what it has begun; one that is killed loses nothing it has answered.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use entity::{NoticeId, ThreadMessageId, notice, thread_message};
use futures_util::future::join_all;
use harness::{
    process::{PATIENCE, Serve, Stage},
    smtp::{SmtpOptions, SmtpServer},
};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, EntityTrait, IntoActiveModel as _, PaginatorTrait, QueryFilter,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{act, publish, thread, yes_to_mail};
use crate::acts::row;

/// Messages by key; the id when the service has answered.
type Sent = Mutex<BTreeMap<String, Option<String>>>;

/// How many have been answered.
fn answered(sent: &Sent) -> usize {
    sent.lock().unwrap().values().flatten().count()
}

/// Writes in the thread as P1, one message after the other in each of four rows, until the service is gone.
async fn write_until_gone(stage: &Stage, serve: &Serve, thread: &str, sent: &Sent) {
    let token = stage.token(&stage.world.p1.identity);
    let rows = (0..4).map(|writer| {
        let token = &token;
        async move {
            for n in 0..2_000 {
                let key = format!("{writer}-{n}");
                sent.lock().unwrap().insert(key.clone(), None);
                let Ok(answer) = send(serve, token, thread, &key).await else { break };
                if answer.status == 503 {
                    break;
                }
                let id = answer.ok().text("/messageSend/message/id");
                sent.lock().unwrap().insert(key, Some(id));
            }
        }
    });
    join_all(rows).await;
}

async fn send(
    serve: &Serve,
    token: &str,
    thread: &str,
    key: &str,
) -> Result<harness::Answer, reqwest::Error> {
    let input = json!({ "threadId": thread, "body": format!("Meddelande {key}"), "idempotencyKey": key });
    serve.act(token, "messageSend", "message { id }", input).await
}

async fn stored(stage: &Stage, id: &str) -> bool {
    let found =
        thread_message::Entity::find_by_id(ThreadMessageId(row(id))).one(stage.core.db.reader()).await;
    found.unwrap().is_some()
}

async fn messages(stage: &Stage) -> u64 {
    thread_message::Entity::find().count(stage.core.db.reader()).await.unwrap()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn told_to_stop_a_process_answers_what_it_has_begun_and_lets_go_of_what_it_has_claimed() {
    let stage = Stage::new().await;
    let mail = SmtpServer::start(SmtpOptions::default()).await;
    let port = mail.port.to_string();
    let settings = [
        ("PK_SMTP__HOST", "localhost"),
        ("PK_SMTP__PORT", port.as_str()),
        ("PK_SMTP__TLS", "none"),
        ("PK_SMTP__FROM", "paminnelse@exempel.se"),
        ("PK_REMINDERS__POLL_INTERVAL_SECONDS", "0.1"),
    ];
    let mut serve = stage.serve(&settings).await;
    yes_to_mail(&stage, &serve, &stage.world.p1.identity).await;
    let thread = thread(&stage, &serve).await;
    let slots = publish(&stage, &serve, 1).await;
    let input = json!({ "slotId": slots[0] });
    act(&stage, &serve, &stage.world.p1.identity, "appointmentBook", "appointment { id }", input).await.ok();
    crowd(&stage, 400).await;

    let sent = Sent::default();
    let stop = async {
        until("mail leaves and messages are answered", || mail.count("accepted") > 5 && answered(&sent) > 20)
            .await;
        serve.terminate().await;
    };
    tokio::join!(write_until_gone(&stage, &serve, &thread, &sent), stop);
    let status = serve.ended(PATIENCE).await;
    assert_eq!(status.code(), Some(0), "{}", serve.log());
    assert!(serve.log().contains("\"stopped\""), "it says so");

    let sent = sent.into_inner().unwrap();
    for id in sent.values().flatten() {
        assert!(stored(&stage, id).await, "an answered message is kept");
    }
    // What was not answered may have been written or not; nothing else was.
    let (least, most) = (1 + sent.values().flatten().count() as u64, 1 + sent.len() as u64);
    let kept = messages(&stage).await;
    assert!((least..=most).contains(&kept), "{least} <= {kept} <= {most}");

    let notices = notice::Entity::find().all(stage.core.db.reader()).await.unwrap();
    let of = |state| notices.iter().filter(|n| n.state == state).count();
    assert_eq!(of(notice::State::Claimed), 0);
    assert!(notices.iter().all(|n| n.lease_token.is_none() || n.state != notice::State::Planned));
    assert_eq!(of(notice::State::Sent), mail.count("accepted"), "what left is recorded, what did not waits");
    assert!(of(notice::State::Planned) > 0, "it stopped in the middle");
}

/// Adds notices that are due at once, as copies of one of a real booking.
pub(crate) async fn crowd(stage: &Stage, count: usize) {
    let db = stage.core.db.reader();
    let confirmation = notice::Entity::find().filter(notice::Column::Rule.eq("CONFIRMATION"));
    let one = confirmation.one(db).await.unwrap().unwrap();
    let copies: Vec<_> = (0..count)
        .map(|n| {
            let mut copy = one.clone();
            copy.id = NoticeId(stage.core.clock.uuid());
            copy.dedupe_key = format!("{}:{n}", one.dedupe_key);
            copy.state = notice::State::Planned;
            (copy.lease_token, copy.leased_until, copy.sent_at, copy.attempts) = (None, None, None, 0);
            copy.reason = None;
            copy.into_active_model().reset_all()
        })
        .collect();
    for some in copies.chunks(500) {
        notice::Entity::insert_many(some.to_vec()).exec_without_returning(db).await.unwrap();
    }
}

#[tokio::test]
async fn killed_in_the_middle_a_process_has_kept_what_it_answered_and_a_repetition_writes_once() {
    let stage = Stage::new().await;
    let mut serve = stage.serve(&[]).await;
    let thread = thread(&stage, &serve).await;
    let sent = Sent::default();
    let kill = async {
        until("messages are answered", || answered(&sent) > 30).await;
        serve.kill().await;
    };
    tokio::join!(write_until_gone(&stage, &serve, &thread, &sent), kill);
    assert!(!serve.ended(PATIENCE).await.success());

    let sent = sent.into_inner().unwrap();
    let again = stage.serve(&[]).await;
    assert!(sent.values().any(Option::is_none), "it was killed in the middle");
    for id in sent.values().flatten() {
        assert!(stored(&stage, id).await, "an answered message is kept");
    }
    let token = stage.token(&stage.world.p1.identity);
    let mut ids = Vec::new();
    for (key, first) in &sent {
        for _ in 0..2 {
            let id = send(&again, &token, &thread, key).await.unwrap().ok().text("/messageSend/message/id");
            assert_eq!(first.as_ref().unwrap_or(&id), &id, "a repetition answers as the first time");
            ids.push(id);
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), sent.len());
    assert_eq!(messages(&stage).await, 1 + sent.len() as u64, "the thread's first, and each once");
    let query = "{ me { threads(first: 5) { nodes { messages(first: 1) { totalCount nodes { body } } } } } }";
    let seen = again.run(&token, query, Value::Null).await.unwrap().ok();
    assert_eq!(seen.at("/me/threads/nodes/0/messages/totalCount"), &json!(1 + sent.len()));
}

/// A request that is answered, and after which the connection stays open.
const WHOLE: &str = "GET /livez HTTP/1.1\r\nhost: patientkontrakt\r\n\r\n";

/// What a client sends that falls silent in the middle of a head.
const HALF: &str = "POST /graphql HTT";

/// A connection on which this has been sent.
async fn having_sent(serve: &Serve, text: &str) -> TcpStream {
    let mut client = TcpStream::connect(serve.address).await.unwrap();
    client.write_all(text.as_bytes()).await.unwrap();
    client
}

/// A connection on which one request has been answered, and then this been sent.
async fn having_sent_again(serve: &Serve, text: &str) -> TcpStream {
    let mut client = having_sent(serve, WHOLE).await;
    until_said(&mut client, "{\"alive\":true}").await;
    client.write_all(text.as_bytes()).await.unwrap();
    client
}

/// A connection with a request that waits for its body, which is `{}`.
async fn having_begun(stage: &Stage, serve: &Serve) -> TcpStream {
    let token = stage.token(&stage.world.p1.identity);
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: patientkontrakt\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\
         connection: close\r\n\r\n"
    );
    let mut client = having_sent(serve, &head).await;
    until_said(&mut client, "100 Continue\r\n\r\n").await;
    client
}

/// Reads until the service has said this.
async fn until_said(client: &mut TcpStream, end: &str) {
    let mut said = Vec::new();
    while !said.ends_with(end.as_bytes()) {
        let some = timeout(PATIENCE, client.read_buf(&mut said)).await.expect("the service goes on");
        assert_ne!(some.unwrap(), 0, "{}", String::from_utf8_lossy(&said));
    }
}

/// What comes until the service closes the connection.
async fn until_closed(client: &mut TcpStream) -> String {
    let mut rest = Vec::new();
    let closed = timeout(PATIENCE, client.read_to_end(&mut rest)).await;
    // Closed is closed, also where what it had not read makes that a reset.
    _ = closed.expect("the service closes the connection");
    String::from_utf8(rest).unwrap()
}

#[tokio::test]
async fn told_to_stop_a_process_waits_for_nobody_who_has_not_sent_a_whole_head() {
    let stage = Stage::new().await;
    // Longer than the grace: only the stop ends them.
    let settings = [("PK_HTTP__HEAD_TIMEOUT_SECONDS", "60"), ("PK_HTTP__IDLE_SECONDS", "600")];
    let mut serve = stage.serve(&settings).await;
    let mut waiting = Vec::new();
    for text in ["", HALF] {
        waiting.push(having_sent(&serve, text).await);
        waiting.push(having_sent_again(&serve, text).await);
    }
    let mut begun = having_begun(&stage, &serve).await;

    serve.terminate().await;
    for client in &mut waiting {
        assert_eq!(until_closed(client).await, "");
    }
    begun.write_all(b"{}").await.unwrap();
    let answer = until_closed(&mut begun).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "what was under way is answered: {answer}");
    let status = serve.ended(PATIENCE).await;
    assert_eq!(status.code(), Some(0), "{}", serve.log());
}

#[tokio::test]
async fn a_head_that_does_not_become_whole_is_waited_for_so_long_and_no_longer() {
    let stage = Stage::new().await;
    let settings = [
        ("PK_HTTP__HEAD_TIMEOUT_SECONDS", "0.5"),
        ("PK_HTTP__IDLE_SECONDS", "1"),
        ("PK_HTTP__REQUEST_TIMEOUT_SECONDS", "300"),
    ];
    let serve = stage.serve(&settings).await;
    let mut begun = having_begun(&stage, &serve).await;
    for text in ["", HALF] {
        let since = Instant::now();
        assert_eq!(until_closed(&mut having_sent(&serve, text).await).await, "");
        assert!(since.elapsed() >= Duration::from_millis(500), "no sooner");
        let since = Instant::now();
        assert_eq!(until_closed(&mut having_sent_again(&serve, text).await).await, "");
        assert!(since.elapsed() >= Duration::from_secs(1), "no sooner");
    }
    begun.write_all(b"{}").await.unwrap();
    let answer = until_closed(&mut begun).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "a body has the time of its request: {answer}");
    assert_eq!(serve.get("/livez").await.0, 200);
}
