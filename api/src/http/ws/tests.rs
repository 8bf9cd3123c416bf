//! The protocol, rule by rule, over a socket of two channels.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::sink;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;
use crate::clock::Clock;
use crate::http::graphql::limits::Limits;
use crate::http::graphql::tests::toy::{ToyEngine, limited};
use crate::http::rate::Rate;

/// What the service sees as its socket.
struct Wire {
    incoming: BoxStream<'static, Result<Message, axum::Error>>,
    outgoing: Pin<Box<dyn Sink<Message, Error = ()> + Send>>,
}

impl Stream for Wire {
    type Item = Result<Message, axum::Error>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_next_unpin(cx)
    }
}

impl Sink<Message> for Wire {
    type Error = ();
    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.outgoing.poll_ready_unpin(cx)
    }
    fn start_send(mut self: Pin<&mut Self>, item: Message) -> Result<(), ()> {
        self.outgoing.start_send_unpin(item)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.outgoing.poll_flush_unpin(cx)
    }
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        self.outgoing.poll_close_unpin(cx)
    }
}

/// The client's end.
struct Client {
    to: mpsc::UnboundedSender<Message>,
    from: mpsc::Receiver<Message>,
    served: JoinHandle<()>,
    clock: Clock,
    rights: Arc<tokio::sync::Notify>,
    shutdown: CancellationToken,
}

fn limits() -> WsLimits {
    WsLimits { operations: 3, ..WsLimits::default() }
}

fn connect(limits: WsLimits, buffer: usize) -> Client {
    connect_limited(limits, buffer, 1_000_000)
}

fn connect_limited(limits: WsLimits, buffer: usize, burst: u32) -> Client {
    connect_asking(limits, buffer, burst, Duration::from_millis(1))
}

/// With how often the socket asks whether its caller is still who they were.
fn connect_asking(limits: WsLimits, buffer: usize, burst: u32, asks: Duration) -> Client {
    let rate = Rate::of(Duration::from_hours(1), burst, &[]);
    let start = "2026-05-04T08:00:00Z".parse().unwrap();
    let clock = Clock::manual(start);
    let (to, incoming) = mpsc::unbounded_channel::<Message>();
    let (outgoing, from) = mpsc::channel(buffer);
    let shutdown = CancellationToken::new();
    let endpoint = limited(clock.clone(), Limits::default(), false, rate).0;
    let rights = Arc::clone(&endpoint.engine.rights);
    let shared = Shared::<ToyEngine> {
        endpoint,
        limits,
        shutdown: shutdown.clone(),
        sockets: TaskTracker::new(),
        rights: asks,
        tick: Duration::from_millis(1),
    };
    let wire = Wire {
        incoming: stream::unfold(incoming, |mut rx| async { rx.recv().await.map(|m| (Ok(m), rx)) }).boxed(),
        outgoing: Box::pin(sink::unfold(outgoing, |tx, message| async {
            tx.send(message).await.map_err(|_| ())?;
            Ok(tx)
        })),
    };
    let address = Key::Address(std::net::Ipv4Addr::LOCALHOST.into());
    let served = tokio::spawn(async move {
        Socket { shared: &shared, headers: HeaderMap::new(), address, wire }.run().await;
    });
    Client { to, from, served, clock, rights, shutdown }
}

/// The longest that a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

impl Client {
    fn say(&self, text: impl Into<String>) {
        self.to.send(Message::Text(text.into().into())).unwrap();
    }

    fn init(&self, token: &str) {
        self.say(
            json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {token}")}})
                .to_string(),
        );
    }

    fn subscribe(&self, id: &str, query: &str) {
        self.say(json!({"id": id, "type": "subscribe", "payload": {"query": query}}).to_string());
    }

    async fn raw(&mut self) -> Message {
        timeout(PATIENCE, self.from.recv()).await.expect("a message in time").expect("an open socket")
    }

    async fn hear(&mut self) -> Json {
        match self.raw().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Reads on until the service closes; then answers the close, upon which the service is done.
    async fn closed(mut self) -> u16 {
        loop {
            if let Message::Close(frame) = self.raw().await {
                self.to.send(Message::Close(None)).unwrap();
                timeout(PATIENCE, self.served).await.expect("an end").unwrap();
                return frame.unwrap().code;
            }
        }
    }

    async fn ready(token: &str) -> Self {
        let mut client = connect(limits(), 8);
        client.init(token);
        assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
        client
    }
}

#[tokio::test]
async fn a_subscription_says_next_and_then_complete_and_its_id_is_free_again() {
    let mut client = Client::ready("good").await;
    for _ in 0..2 {
        client.subscribe("a", "subscription { counter(to: 2) }");
        assert_eq!(
            client.hear().await,
            json!({"id": "a", "type": "next", "payload": {"data": {"counter": 1}}})
        );
        assert_eq!(
            client.hear().await,
            json!({"id": "a", "type": "next", "payload": {"data": {"counter": 2}}})
        );
        assert_eq!(client.hear().await, json!({"id": "a", "type": "complete"}));
    }
}

#[tokio::test]
async fn a_query_is_answered_once_in_the_order_asked() {
    let mut client = Client::ready("good").await;
    client.subscribe("q", "{ slow { last first } ...F } fragment F on Query { slow { middle } }");
    let Message::Text(text) = client.raw().await else { panic!("text") };
    assert_eq!(
        text.as_str(),
        r#"{"id":"q","type":"next","payload":{"data":{"slow":{"last":1,"first":3,"middle":2}}}}"#
    );
    assert_eq!(client.hear().await, json!({"id": "q", "type": "complete"}));
}

#[tokio::test]
async fn what_cannot_run_is_an_error_and_nothing_after_it() {
    let mut client = Client::ready("good").await;
    for (query, code) in [
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nope }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: counter(to: 1) b: counter(to: 1) }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ __schema { types { name } } }", "INTROSPECTION_DISABLED"),
        ("{ slow { panics } }", "INTERNAL"),
    ] {
        client.subscribe("e", query);
        let message = client.hear().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("e")), "{query}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{query}");
    }
    client.say(r#"{"type":"ping","payload":{"n":1}}"#);
    assert_eq!(
        client.hear().await,
        json!({"type": "pong", "payload": {"n": 1}}),
        "no complete came before it"
    );
}

#[tokio::test]
async fn complete_of_the_client_stops_the_operation() {
    let mut client = Client::ready("good").await;
    client.subscribe("s", "subscription { silent { m n } }");
    assert_eq!(client.hear().await["payload"], json!({"data": {"silent": {"m": 2, "n": 1}}}));
    client.say(r#"{"id":"s","type":"complete"}"#);
    client.say(r#"{"id":"unknown","type":"complete"}"#);
    client.subscribe("s", "{ echo }");
    assert_eq!(client.hear().await["payload"], json!({"data": {"echo": "nothing"}}));
    assert_eq!(client.hear().await, json!({"id": "s", "type": "complete"}));
}

#[tokio::test]
async fn more_operations_than_the_limit_are_refused_one_by_one() {
    let mut client = Client::ready("good").await;
    for id in ["1", "2", "3"] {
        client.subscribe(id, "subscription { silent { n } }");
        assert_eq!(client.hear().await["type"], "next");
    }
    client.subscribe("4", "subscription { silent { n } }");
    let message = client.hear().await;
    assert_eq!((&message["id"], &message["type"]), (&json!("4"), &json!("error")));
    assert_eq!(message["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
}

#[tokio::test]
async fn operations_on_a_socket_are_counted_and_a_refused_one_leaves_the_socket_open() {
    let mut client = connect_limited(limits(), 8, 2);
    client.init("good");
    assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
    client.subscribe("1", "subscription { silent { n } }");
    assert_eq!(client.hear().await["type"], "next");
    client.subscribe("2", "{ echo }");
    assert_eq!(client.hear().await["type"], "next");
    assert_eq!(client.hear().await["type"], "complete");
    for _ in 0..2 {
        client.subscribe("3", "{ echo }");
        let message = client.hear().await;
        assert_eq!((&message["id"], &message["type"]), (&json!("3"), &json!("error")));
        assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED");
    }
    client.say(r#"{"type":"ping"}"#);
    assert_eq!(
        client.hear().await,
        json!({"type": "pong"}),
        "the socket stays, and the first operation runs"
    );
}

#[tokio::test]
async fn a_ping_is_answered_before_the_acknowledgement_too_and_a_pong_is_ignored() {
    let mut client = connect(limits(), 8);
    client.say(r#"{"type":"pong"}"#);
    client.say(r#"{"type":"ping"}"#);
    assert_eq!(client.hear().await, json!({"type": "pong"}));
    client.init("good");
    assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
}

#[tokio::test]
async fn the_order_of_the_protocol_is_kept() {
    let client = connect(limits(), 8);
    client.subscribe("x", "{ echo }");
    assert_eq!(client.closed().await, 4401, "subscribe before the acknowledgement");
    let client = Client::ready("good").await;
    client.init("good");
    assert_eq!(client.closed().await, 4429, "two inits");
    let client = Client::ready("good").await;
    client.subscribe("d", "subscription { silent { n } }");
    client.subscribe("d", "{ echo }");
    assert_eq!(client.closed().await, 4409, "an id in use");
    let client = connect(WsLimits { init_seconds: 0, ..limits() }, 8);
    assert_eq!(client.closed().await, 4408, "no init in time");
}

#[tokio::test]
async fn what_is_no_message_of_the_protocol_closes_the_socket() {
    for text in [
        "hello",
        "[]",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"start","id":"1","payload":{"query":"{echo}"}}"#,
        r#"{"type":"subscribe","payload":{"query":"{echo}"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{echo}"}}"#,
        r#"{"type":"subscribe","id":1,"payload":{"query":"{echo}"}}"#,
        r#"{"type":"subscribe","id":"1"}"#,
        r#"{"type":"subscribe","id":"1","payload":{}}"#,
        r#"{"type":"subscribe","id":"1","payload":{"query":"{echo}","variables":[]}}"#,
        r#"{"type":"complete"}"#,
        r#"{"type":"ping","payload":1}"#,
        r#"{"type":"next","id":"1","payload":{}}"#,
    ] {
        let client = Client::ready("good").await;
        client.say(text);
        assert_eq!(client.closed().await, 4400, "{text}");
        if text.contains("subscribe") {
            continue;
        }
        let client = connect(limits(), 8);
        client.say(text);
        assert_eq!(client.closed().await, 4400, "{text}, before the acknowledgement");
    }
    let client = Client::ready("good").await;
    client.to.send(Message::Binary(vec![1].into())).unwrap();
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn a_socket_needs_a_good_token() {
    for (init, code) in [
        (json!({"type": "connection_init"}), 4403),
        (json!({"type": "connection_init", "payload": {"Authorization": "Bearer wrong"}}), 4403),
        (json!({"type": "connection_init", "payload": {"Authorization": "Bearer\n"}}), 4403),
        (json!({"type": "connection_init", "payload": {"Authorization": "Bearer down"}}), 1013),
        (json!({"type": "connection_init", "payload": "Bearer good"}), 4400),
    ] {
        let client = connect(limits(), 8);
        client.say(init.to_string());
        assert_eq!(client.closed().await, code, "{init}");
    }
}

#[tokio::test]
async fn a_socket_does_not_outlive_its_token() {
    let mut client = Client::ready("short-60").await;
    client.subscribe("s", "subscription { silent { n } }");
    assert_eq!(client.hear().await["type"], "next");
    client.clock.advance(chrono::TimeDelta::seconds(61));
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test]
async fn a_socket_does_not_outlive_the_rights_of_its_caller_though_the_token_lasts() {
    for (token, code) in [("leaving-60", 4401), ("changing-60", 4403)] {
        let mut client = Client::ready(token).await;
        client.subscribe("s", "subscription { silent { n } }");
        assert_eq!(client.hear().await["type"], "next");
        client.clock.advance(chrono::TimeDelta::seconds(60));
        let Message::Close(frame) = client.raw().await else { panic!("something was told after the end") };
        assert_eq!(frame.unwrap().code, code, "{token}");
    }
}

#[tokio::test]
async fn a_socket_asks_at_once_when_it_hears_that_rights_have_changed() {
    let mut client = connect_asking(limits(), 8, 1_000_000, Duration::from_hours(1));
    client.init("leaving-60");
    assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
    client.subscribe("s", "subscription { silent { n } }");
    assert_eq!(client.hear().await["type"], "next");
    // What changed was not this caller's.
    client.rights.notify_one();
    client.say(r#"{"type":"ping"}"#);
    assert_eq!(client.hear().await, json!({"type": "pong"}));
    client.clock.advance(chrono::TimeDelta::seconds(60));
    client.say(r#"{"type":"ping"}"#);
    assert_eq!(client.hear().await, json!({"type": "pong"}), "nothing was said of it yet");
    client.rights.notify_one();
    assert_eq!(client.closed().await, 4401);
}

#[tokio::test]
async fn a_shutdown_tells_the_clients() {
    let client = Client::ready("good").await;
    client.shutdown.cancel();
    assert_eq!(client.closed().await, 1001);
    let client = connect(limits(), 8);
    client.shutdown.cancel();
    assert_eq!(client.closed().await, 1001);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_off() {
    let client = connect(WsLimits { send_seconds: 0, ..limits() }, 1);
    client.init("good");
    client.subscribe("s", "subscription { counter(to: 100000) }");
    timeout(PATIENCE, client.served).await.expect("the socket to be given up").unwrap();
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_cut_off_without_a_sign_of_life() {
    let mut client = connect(WsLimits { idle_seconds: 0, ..limits() }, 8);
    client.init("good");
    assert_eq!(client.hear().await, json!({"type": "connection_ack"}));
    assert!(matches!(client.raw().await, Message::Ping(_)));
    timeout(PATIENCE, client.served).await.expect("the socket to be given up").unwrap();
}
