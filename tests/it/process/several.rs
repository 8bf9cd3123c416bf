//! Two serving processes on one PostgreSQL are one service.

use std::{collections::BTreeMap, time::Duration};

use entity::appointment;
use futures_util::{SinkExt as _, StreamExt as _, future::join_all};
use harness::{
    database::Kind,
    process::{Serve, Stage},
    relate,
};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::{act, publish};

/// Two processes; none on SQLite, where a second one is refused.
async fn two() -> Option<(Stage, Serve, Serve)> {
    if Kind::picked() != Kind::Postgres {
        return None;
    }
    let stage = Stage::new().await;
    let (one, other) = (stage.serve(&[]).await, stage.serve(&[]).await);
    Some((stage, one, other))
}

#[tokio::test]
async fn of_a_hundred_who_book_one_time_over_two_processes_exactly_one_gets_it() {
    let Some((stage, one, other)) = two().await else { return };
    assert_ne!(one.address, other.address);
    let slots = publish(&stage, &one, 3).await;
    let world = &stage.world;
    let people = [&world.p1.identity, &world.p2.identity, &world.p3.identity];
    let answers = join_all((0..100).map(|n| {
        let serve = if n % 2 == 0 { &one } else { &other };
        let input = json!({ "slotId": slots[1] });
        act(&stage, serve, people[n % 3], "appointmentBook", "appointment { id }", input)
    }))
    .await;
    let mut codes: BTreeMap<String, usize> = BTreeMap::new();
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
        *codes.entry(answer.user_error_codes("appointmentBook").join(",")).or_default() += 1;
    }
    assert_eq!(codes, BTreeMap::from([(String::new(), 1), ("SLOT_TAKEN".to_owned(), 99)]));
    assert_eq!(appointment::Entity::find().count(stage.core.db.reader()).await.unwrap(), 1);
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

#[tokio::test]
async fn who_listens_at_one_process_hears_of_a_change_made_at_the_other() {
    let Some((stage, one, other)) = two().await else { return };
    let (s1, p1) = (&stage.world.s1, &stage.world.p1);
    relate(&stage.core, s1, p1).await;
    let input = json!({ "patientId": p1.global_id(), "title": "Min plan" });
    let plan = act(&stage, &one, &s1.identity, "agreementCreate", "agreement { id }", input).await.ok();
    let plan = plan.text("/agreementCreate/agreement/id");

    let mut request = format!("ws://{}/graphql/ws", other.address).into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    headers.insert("authorization", format!("Bearer {}", stage.token(&p1.identity)).parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let mut say = async |message: Value| socket.send(Message::text(message.to_string())).await.unwrap();
    let authorization = format!("Bearer {}", stage.token(&p1.identity));
    say(json!({ "type": "connection_init", "payload": { "Authorization": authorization } })).await;
    say(json!({ "id": "1", "type": "subscribe", "payload": {
        "query": "subscription($id: ID!) { agreementChanged(agreementId: $id) { id goals { text } } }",
        "variables": { "id": plan },
    }}))
    .await;

    // A listener hears what happens once it listens, which nothing tells from outside: so change until it hears.
    let mut heard = None;
    for n in 0..20 {
        let text = format!("Mål {n}");
        let input = json!({ "agreementId": plan, "text": text });
        act(&stage, &one, &s1.identity, "goalAdd", "goal { id }", input).await.ok();
        let next = async {
            while let Some(message) = socket.next().await {
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
        if let Ok(payload) = tokio::time::timeout(Duration::from_secs(2), next).await {
            heard = Some(payload);
            break;
        }
    }
    let heard = heard.expect("a change is heard");
    assert_eq!(heard["data"]["agreementChanged"]["id"], plan.as_str(), "{heard}");
    assert!(heard["data"]["agreementChanged"]["goals"].to_string().contains("Mål "), "{heard}");
}
