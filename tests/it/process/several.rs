//! Two serving processes on one PostgreSQL are one service.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use harness::{
    database::Kind,
    process::{Serve, Stage},
    proxy::Proxy,
    relate,
};
use patientkontrakt::auth::token::Identity;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::{act, publish};

/// Two processes; none on SQLite, where a second one is refused.
pub(super) async fn two() -> Option<(Stage, Serve, Serve)> {
    if Kind::picked() != Kind::Postgres {
        return None;
    }
    let stage = Stage::new().await;
    let (one, other) = (stage.serve(&[]).await, stage.serve(&[]).await);
    Some((stage, one, other))
}

#[tokio::test]
async fn what_is_booked_at_one_process_is_read_at_the_other() {
    let Some((stage, one, other)) = two().await else { return };
    let slots = publish(&stage, &one, 1).await;
    let p1 = &stage.world.p1.identity;
    let input = json!({ "slotId": slots[0] });
    let booked = act(&stage, &one, p1, "appointmentBook", "appointment { id startsAt }", input).await.ok();
    let booked = booked.at("/appointmentBook/appointment");
    let query = "{ me { appointments(first: 5) { nodes { id startsAt } } } }";
    let seen = other.run(&stage.token(p1), query, json!({})).await.unwrap().ok();
    assert_eq!(seen.at("/me/appointments/nodes"), &json!([booked]));
}

/// A client that listens at one process.
pub(super) struct Listener {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Listener {
    pub(super) async fn new(
        stage: &Stage,
        at: &Serve,
        who: &Identity,
        query: &str,
        variables: Value,
    ) -> Self {
        let authorization = format!("Bearer {}", stage.token(who));
        let mut request = format!("ws://{}/graphql/ws", at.address).into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        headers.insert("authorization", authorization.parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut listener = Self { socket };
        listener
            .say(json!({ "type": "connection_init", "payload": { "Authorization": authorization } }))
            .await;
        let payload = json!({ "query": query, "variables": variables });
        listener.say(json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
        listener
    }

    async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next event, if it comes in time.
    pub(super) async fn heard(&mut self, within: Duration) -> Option<Value> {
        let next = async {
            while let Some(message) = self.socket.next().await {
                let Message::Text(text) = message.unwrap() else { continue };
                let message: Value = serde_json::from_str(&text).unwrap();
                match message["type"].as_str().unwrap() {
                    "next" => return message["payload"].clone(),
                    "connection_ack" | "ping" => {}
                    _ => panic!("{message}"),
                }
            }
            panic!("the socket ended");
        };
        tokio::time::timeout(within, next).await.ok()
    }
}

/// Promises a call at U1 until `listener` hears of the task: a listener hears what happens once it listens, which
/// nothing tells from outside.
async fn promise_until_heard(
    stage: &Stage,
    at: &Serve,
    listener: &mut Listener,
    within: Duration,
) -> (String, Value) {
    let (s1, p1) = (&stage.world.s1, &stage.world.p1);
    for _ in 0..20 {
        let by = stage.core.clock.now() + chrono::TimeDelta::hours(2);
        let input = json!({
            "patientId": p1.global_id(), "direction": "INCOMING", "withWhom": "Patienten", "about": "Provsvar",
            "callback": { "by": by.to_rfc3339(), "phone": "+46701740605" },
        });
        let added = act(stage, at, &s1.identity, "callLogAdd", "call { id }", input).await.ok();
        if let Some(heard) = listener.heard(within).await {
            return (added.text("/callLogAdd/call/id"), heard);
        }
    }
    panic!("nothing is heard: {}", at.log());
}

const TASKS: &str = "subscription { taskRaised { id kind patient { givenName } subject { id } } }";

#[tokio::test]
async fn a_task_raised_at_one_process_arrives_at_the_others_listener_at_once() {
    let Some((stage, one, other)) = two().await else { return };
    relate(&stage.core, &stage.world.s1, &stage.world.p1).await;
    let mut listener = Listener::new(&stage, &other, &stage.world.s1.identity, TASKS, json!({})).await;
    let soon = Duration::from_secs(2);
    let (_, heard) = promise_until_heard(&stage, &one, &mut listener, soon).await;
    assert_eq!(heard["data"]["taskRaised"]["kind"], "CALL", "{heard}");
    assert_eq!(heard["data"]["taskRaised"]["patient"]["givenName"], "Etta", "{heard}");
    // Now that it listens: every one, in order, each once, sooner than the table would be looked through.
    let mut calls = Vec::new();
    for _ in 0..5 {
        let by = stage.core.clock.now() + chrono::TimeDelta::hours(2);
        let input = json!({
            "patientId": stage.world.p1.global_id(), "direction": "OUTGOING", "withWhom": "Patienten", "about": "Hej",
            "callback": { "by": by.to_rfc3339(), "phone": "+46701740605" },
        });
        let added =
            act(&stage, &one, &stage.world.s1.identity, "callLogAdd", "call { id }", input).await.ok();
        calls.push(added.text("/callLogAdd/call/id"));
    }
    for call in &calls {
        let heard = listener.heard(Duration::from_secs(4)).await.expect("at once");
        assert_eq!(heard["data"]["taskRaised"]["subject"]["id"], call.as_str(), "{heard}");
    }
    assert!(listener.heard(Duration::from_millis(300)).await.is_none(), "each once");
}

/// The connection that listens goes another way than the others, and breaks there: nothing is lost, and it listens again.
#[tokio::test]
async fn nothing_is_lost_when_the_connection_that_listens_breaks_or_falls_silent() {
    if Kind::picked() != Kind::Postgres {
        return;
    }
    let stage = Stage::new().await;
    relate(&stage.core, &stage.world.s1, &stage.world.p1).await;
    let mut url = reqwest::Url::parse(stage.url()).unwrap();
    let proxy = Proxy::to(url.socket_addrs(|| Some(5432)).unwrap()[0]).await;
    url.set_ip_host(proxy.address.ip()).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    let one = stage.serve(&[]).await;
    let other = stage.serve(&[("PK_DATABASE__LISTEN_URL", url.as_str())]).await;
    let mut listener = Listener::new(&stage, &other, &stage.world.s1.identity, TASKS, json!({})).await;
    promise_until_heard(&stage, &one, &mut listener, Duration::from_secs(2)).await;
    for silent in [false, true] {
        if silent {
            proxy.silence();
        } else {
            proxy.cut();
        }
        let by = stage.core.clock.now() + chrono::TimeDelta::hours(2);
        let input = json!({
            "patientId": stage.world.p1.global_id(), "direction": "OUTGOING", "withWhom": "Patienten",
            "about": "Under avbrottet", "callback": { "by": by.to_rfc3339(), "phone": "+46701740605" },
        });
        let added =
            act(&stage, &one, &stage.world.s1.identity, "callLogAdd", "call { id }", input).await.ok();
        let call = added.text("/callLogAdd/call/id");
        // The table tells of it, a little later.
        let mut found = false;
        while let Some(heard) = listener.heard(Duration::from_secs(12)).await {
            found = heard["data"]["taskRaised"]["subject"]["id"] == call.as_str();
            if found {
                break;
            }
        }
        assert!(found, "lost while the line was {}: {}", if silent { "silent" } else { "cut" }, other.log());
        proxy.mend();
        promise_until_heard(&stage, &one, &mut listener, Duration::from_secs(2)).await;
    }
}

#[tokio::test]
async fn who_listens_at_one_process_hears_of_a_change_made_at_the_other() {
    let Some((stage, one, other)) = two().await else { return };
    let (s1, p1) = (&stage.world.s1, &stage.world.p1);
    relate(&stage.core, s1, p1).await;
    let input = json!({ "patientId": p1.global_id(), "title": "Min plan" });
    let plan = act(&stage, &one, &s1.identity, "agreementCreate", "agreement { id }", input).await.ok();
    let plan = plan.text("/agreementCreate/agreement/id");

    let query = "subscription($id: ID!) { agreementChanged(agreementId: $id) { id goals { text } } }";
    let mut listener = Listener::new(&stage, &other, &p1.identity, query, json!({ "id": plan })).await;

    // A listener hears what happens once it listens, which nothing tells from outside: so change until it hears.
    let mut heard = None;
    for n in 0..20 {
        let text = format!("Mål {n}");
        let input = json!({ "agreementId": plan, "text": text });
        act(&stage, &one, &s1.identity, "goalAdd", "goal { id }", input).await.ok();
        heard = listener.heard(Duration::from_secs(2)).await;
        if heard.is_some() {
            break;
        }
    }
    let heard = heard.expect("a change is heard");
    assert_eq!(heard["data"]["agreementChanged"]["id"], plan.as_str(), "{heard}");
    assert!(heard["data"]["agreementChanged"]["goals"].to_string().contains("Mål "), "{heard}");
}
