//! Whose requests are counted together, as clients see it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};

use super::super::limits::Limits;
use super::http::{post, send};
use super::toy::limited;
use crate::clock::Clock;
use crate::http::rate::Rate;

const BURST: u32 = 3;

fn app() -> Router {
    let rate = Rate::of(Duration::from_hours(1), BURST, &[]);
    limited(Clock::system(), Limits::default(), true, rate).0.routes("/graphql")
}

/// The status for a request with `token` from an address, and seconds to wait.
async fn ask(app: &Router, token: Option<&str>, address: &str) -> (StatusCode, Option<u64>) {
    let mut request = post().body(Body::from(r#"{"query":"{ echo }"}"#)).unwrap();
    if let Some(token) = token {
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }
    let peer: std::net::SocketAddr = format!("{address}:4711").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    let (status, response, json) = send(app.clone(), request).await;
    let wait = response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap().parse().unwrap());
    assert_eq!(
        status == StatusCode::TOO_MANY_REQUESTS,
        json["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
    );
    (status, wait)
}

#[tokio::test]
async fn a_person_has_one_room_for_all_tokens_and_from_everywhere() {
    let app = app();
    for (token, address) in [("good", "192.0.2.1"), ("good too", "192.0.2.1"), ("good", "192.0.2.2")] {
        assert_eq!(ask(&app, Some(token), address).await, (StatusCode::OK, None));
    }
    for token in ["good", "good too"] {
        let (status, wait) = ask(&app, Some(token), "192.0.2.3").await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        assert!(wait.unwrap() >= 1);
    }
    // Somebody else at the same address has their own.
    assert_eq!(ask(&app, Some("short-60"), "192.0.2.1").await.0, StatusCode::OK);
}

#[tokio::test]
async fn tokens_that_are_refused_count_together_against_the_address_and_give_no_fresh_room() {
    let app = app();
    let (there, elsewhere) = ("192.0.2.1", "192.0.2.2");
    for n in 0..BURST {
        let token = format!("random {n}");
        assert_eq!(ask(&app, Some(&token), there).await.0, StatusCode::UNAUTHORIZED);
    }
    for token in [Some("another random one"), Some("down"), None] {
        assert_eq!(ask(&app, token, there).await.0, StatusCode::TOO_MANY_REQUESTS, "{token:?}");
    }
    assert_eq!(ask(&app, Some("random"), elsewhere).await.0, StatusCode::UNAUTHORIZED);
    // Whoever guesses tokens takes nothing from those who share the address.
    assert_eq!(ask(&app, Some("good"), there).await.0, StatusCode::OK);
}

#[tokio::test]
async fn anonymous_requests_count_against_the_address() {
    let app = app();
    for _ in 0..BURST {
        assert_eq!(ask(&app, None, "192.0.2.1").await.0, StatusCode::OK);
    }
    assert_eq!(ask(&app, None, "192.0.2.1").await.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(&app, None, "192.0.2.2").await.0, StatusCode::OK);
}
