#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{basic_auth, body_string_contains, header, method, path},
};

use std::time::Duration;

use super::super::{
    Channel as _, FailureCode, GatewayKind, Outcome, Outgoing, Recipient, Sms, SmsConfig, SmsConfigError,
};
use crate::clock::Clock;
use crate::reminder::render::tests::rendered;
use futures_util::future::BoxFuture;

fn sms(url: &str) -> Sms {
    let config = SmsConfig {
        kind: GatewayKind::Elks,
        honours_key: false,
        hooks: None,
        url: url.parse().unwrap(),
        user: "u123".to_owned(),
        password: "hemligt".to_owned().into(),
        from: "Region".to_owned(),
        timeout: Duration::from_millis(600),
    };
    Sms::new(config, Clock::manual("2027-06-22T10:00:00Z".parse().unwrap())).unwrap()
}

fn yes<'a>() -> BoxFuture<'a, bool> {
    Box::pin(async { true })
}

fn outgoing() -> Outgoing {
    Outgoing::new("key", Recipient::Sms("0701740605".parse().unwrap()), rendered())
}

async fn answer(template: ResponseTemplate) -> (Outcome, MockServer) {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/a1/sms")).respond_with(template).mount(&server).await;
    let outcome = sms(&format!("{}/a1/sms", server.uri())).send(&outgoing(), &yes).await;
    (outcome, server)
}

fn created() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "status": "created", "direction": "outgoing", "from": "Region", "to": "+46701740605", "parts": 1,
        "cost": 3500, "id": "s17a6dafb12d6b1cabc053d57dac2b9d8",
    }))
}

#[tokio::test]
async fn an_accepted_message_gives_the_gateways_id() {
    let server = MockServer::start().await;
    let message = outgoing();
    Mock::given(method("POST"))
        .and(basic_auth("u123", "hemligt"))
        .and(header("Idempotency-Key", message.message_id.as_str()))
        .and(body_string_contains("to=%2B46701740605"))
        .and(body_string_contains("from=Region"))
        .and(body_string_contains("message=Onsdag+23+juni"))
        .respond_with(created())
        .expect(2)
        .mount(&server)
        .await;
    let channel = sms(&server.uri());
    for _attempt in 0..2 {
        let outcome = channel.send(&message, &yes).await;
        let provider_ref = Some("s17a6dafb12d6b1cabc053d57dac2b9d8".to_owned());
        assert_eq!(outcome, Outcome::Accepted { provider_ref });
    }
}

#[tokio::test]
async fn a_success_without_a_yes_is_not_counted_as_sent() {
    let ok = || ResponseTemplate::new(200);
    let retry = Outcome::retry(FailureCode::BadAnswer);
    let unknown = Outcome::Unknown { reason: FailureCode::BadAnswer };
    for (template, expected) in [
        (ok().set_body_json(json!({"error": "no credits"})), retry.clone()),
        (ok().set_body_json(json!({"id": "", "status": "created"})), retry.clone()),
        (ok().set_body_json(json!({"id": "s1"})), retry),
        (
            ok().set_body_json(json!({"id": "s1", "status": "failed"})),
            Outcome::Fail { reason: FailureCode::Refused },
        ),
        (ok().set_body_string("{\"id\": \"s1\", \"sta"), unknown.clone()),
        (ok().set_body_string("<html>OK</html>"), unknown.clone()),
        (ok(), unknown.clone()),
        (ok().set_body_string("x".repeat(100_000)), unknown),
    ] {
        assert_eq!(answer(template).await.0, expected);
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let retry = |reason, after: Option<u64>| Outcome::Retry { reason, after: after.map(Duration::from_secs) };
    let code = ResponseTemplate::new;
    for (template, expected) in [
        (code(429).insert_header("Retry-After", "17"), retry(FailureCode::TooMany, Some(17))),
        (
            code(429).insert_header("Retry-After", "Tue, 22 Jun 2027 10:01:00 GMT"),
            retry(FailureCode::TooMany, Some(60)),
        ),
        (code(429).insert_header("Retry-After", "999999999"), retry(FailureCode::TooMany, Some(86_400))),
        (code(429), retry(FailureCode::TooMany, None)),
        (code(500), retry(FailureCode::Unavailable, None)),
        (code(503).insert_header("Retry-After", "5"), retry(FailureCode::Unavailable, Some(5))),
        (code(401), retry(FailureCode::Auth, None)),
        (code(403), retry(FailureCode::Auth, None)),
        (code(404), retry(FailureCode::Unavailable, None)),
        (code(405), retry(FailureCode::Unavailable, None)),
        (code(407), retry(FailureCode::Unavailable, None)),
        (code(410), retry(FailureCode::Unavailable, None)),
        (code(415), retry(FailureCode::Unavailable, None)),
        (code(421), retry(FailureCode::Unavailable, None)),
        (code(400).set_body_string("Invalid to number"), Outcome::Fail { reason: FailureCode::Refused }),
    ] {
        assert_eq!(answer(template).await.0, expected);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    Mock::given(method("POST")).respond_with(created()).expect(0).mount(&elsewhere).await;
    for status in [301, 302, 307, 308] {
        let redirect = ResponseTemplate::new(status).insert_header("Location", elsewhere.uri().as_str());
        assert_eq!(answer(redirect).await.0, Outcome::retry(FailureCode::Redirected));
    }
}

#[tokio::test]
async fn silence_after_sending_is_unknown_and_tried_once() {
    let (outcome, server) = answer(created().set_delay(Duration::from_secs(5))).await;
    assert_eq!(outcome, Outcome::Unknown { reason: FailureCode::Timeout });
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_tried_again() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    assert_eq!(sms(&url).send(&outgoing(), &yes).await, Outcome::retry(FailureCode::Unreachable));
}

#[tokio::test]
async fn a_connection_that_breaks_after_sending_is_unknown() {
    use tokio::io::AsyncReadExt as _;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let cut = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut first = [0; 16];
        socket.read_exact(&mut first).await.unwrap();
    });
    assert_eq!(
        sms(&url).send(&outgoing(), &yes).await,
        Outcome::Unknown { reason: FailureCode::ConnectionLost }
    );
    cut.await.unwrap();
}

#[tokio::test]
async fn a_number_that_takes_no_text_messages_is_not_sent_to() {
    let to = Recipient::Sms("08-465 004 00".parse().unwrap());
    let outcome = sms("http://127.0.0.1:9").send(&Outgoing::new("key", to, rendered()), &yes).await;
    assert_eq!(outcome, Outcome::Fail { reason: FailureCode::BadAddress });
}

#[test]
fn a_gateway_without_encryption_and_a_sender_that_cannot_be_shown_are_refused() {
    let make = |url: &str, from: &str| {
        let config = SmsConfig {
            kind: GatewayKind::Elks,
            honours_key: false,
            hooks: None,
            url: url.parse().unwrap(),
            user: String::new(),
            password: String::new().into(),
            from: from.to_owned(),
            timeout: Duration::from_secs(1),
        };
        Sms::new(config, Clock::system()).map(|_| ())
    };
    assert!(make("https://gateway.example/a1/sms", "+46701740605").is_ok());
    assert!(matches!(make("http://gateway.example/a1/sms", "Region"), Err(SmsConfigError::NotEncrypted)));
    for from in ["Region Exempel", "RegionExempel", "Ö", "12345", "+46", ""] {
        assert!(matches!(make("https://gateway.example", from), Err(SmsConfigError::Sender)), "{from}");
    }
}

#[tokio::test]
async fn what_is_no_longer_to_leave_is_not_posted() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(created()).expect(0).mount(&server).await;
    let outcome = sms(&server.uri()).send(&outgoing(), &|| Box::pin(async { false })).await;
    assert_eq!(outcome, Outcome::Withheld);
}
