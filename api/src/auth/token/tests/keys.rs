//! The issuer's keys: fetched when needed, never more often, and from nowhere else.

use chrono::TimeDelta;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use super::*;

/// An identity provider that publishes `signers`.
async fn provider(server: &MockServer, signers: &[&Signer]) {
    server.reset().await;
    let keys: Vec<_> = signers.iter().map(|signer| &signer.jwk).collect();
    let answer = ResponseTemplate::new(200).set_body_json(json!({ "keys": keys }));
    Mock::given(method("GET")).respond_with(answer).mount(server).await;
}

async fn fetches(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

fn by_url(server: &MockServer, clock: &Clock) -> Known {
    let auth = config::Auth { jwks_url: Some(format!("{}/jwks", server.uri())), ..auth() };
    Known {
        verifier: Verifier::new(&auth, clock.clone()).unwrap(),
        _file: tempfile::NamedTempFile::new().unwrap(),
    }
}

#[tokio::test]
async fn a_flood_of_unknown_key_ids_makes_one_fetch_a_minute() {
    let (server, clock) = (MockServer::start().await, clock());
    let (old, new) = (Signer::ed("old"), Signer::ed("new"));
    provider(&server, &[&old]).await;
    let known = by_url(&server, &clock);
    known.verifier.verify(&old.token(&patient())).await.unwrap();
    assert_eq!(fetches(&server).await, 1);

    provider(&server, &[&old, &new]).await;
    let token = new.token(&patient());
    for _ in 0..20 {
        known.refuses(&token, TokenError::UnknownKey).await;
    }
    assert_eq!(fetches(&server).await, 0, "the keys were fetched less than a minute ago");

    clock.advance(TimeDelta::seconds(60));
    let together = (0..20).map(|_| known.verifier.verify(&token));
    assert!(futures_util::future::join_all(together).await.iter().all(Result::is_ok));
    assert_eq!(fetches(&server).await, 1, "twenty at once make one fetch");
}

#[tokio::test]
async fn an_issuer_that_is_down_keeps_its_known_keys_and_is_asked_again_soon_when_there_are_none() {
    let (server, clock) = (MockServer::start().await, clock());
    let signer = Signer::ed("k");
    let token = signer.token(&patient());
    let known = by_url(&server, &clock);
    known.refuses(&token, TokenError::KeysUnavailable).await;
    known.refuses(&token, TokenError::KeysUnavailable).await;
    assert!(known.verifier.jwks().available().await.is_err());
    assert_eq!(fetches(&server).await, 1);

    provider(&server, &[&signer]).await;
    clock.advance(TimeDelta::seconds(5));
    known.verifier.jwks().available().await.unwrap();
    known.verifier.verify(&token).await.unwrap();

    server.reset().await;
    clock.advance(TimeDelta::seconds(61));
    assert!(known.verifier.jwks().refresh().await.is_err());
    known.verifier.verify(&token).await.unwrap();
}

#[tokio::test]
async fn a_withdrawn_key_stops_working_though_no_id_is_unknown() {
    let (server, clock) = (MockServer::start().await, clock());
    let (old, new) = (Signer::ed("old"), Signer::ed("new"));
    provider(&server, &[&old, &new]).await;
    let known = by_url(&server, &clock);
    let token = old.token(&with(json!({"exp": NOW + 3600})));
    known.verifier.verify(&token).await.unwrap();
    provider(&server, &[&new]).await;
    clock.advance(TimeDelta::minutes(10));
    let withdrawn = async {
        while known.verifier.verify(&token).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), withdrawn).await.unwrap();
    known.refuses(&token, TokenError::UnknownKey).await;
}

#[tokio::test]
async fn redirects_and_oversized_answers_are_not_followed() {
    let (server, other) = (MockServer::start().await, MockServer::start().await);
    let signer = Signer::ed("k");
    provider(&other, &[&signer]).await;
    let moved = ResponseTemplate::new(302).insert_header("location", format!("{}/jwks", other.uri()));
    Mock::given(method("GET")).respond_with(moved).mount(&server).await;
    let known = by_url(&server, &clock());
    assert!(matches!(known.verifier.jwks().refresh().await, Err(JwksError::Status(302))));
    assert_eq!(fetches(&other).await, 0);

    server.reset().await;
    let huge = ResponseTemplate::new(200).set_body_string("x".repeat(300_000));
    Mock::given(method("GET")).respond_with(huge).mount(&server).await;
    assert!(matches!(known.verifier.jwks().refresh().await, Err(JwksError::TooLarge)));
}

#[test]
fn keys_are_fetched_by_https_only_except_from_this_machine() {
    let auth = config::Auth { jwks_url: Some("http://idp.example.se/jwks".to_owned()), ..auth() };
    assert!(matches!(Verifier::new(&auth, clock()).err(), Some(JwksError::NotHttps)));
}
