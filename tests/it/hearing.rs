//! Listening to what happens, as the engine lets a WebSocket listen.

use std::time::Duration;

use async_graphql::{Request, Response};
use axum::http::HeaderMap;
use futures_util::{StreamExt as _, stream::BoxStream};
use harness::{TestApp, TestPatient};
use patientkontrakt::{auth::token::Identity, http::graphql::Engine as _};
use serde_json::Value;

/// The longest that a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a subscription answers, for oneself or for another patient; not asked for anything yet.
pub async fn subscribe(
    app: &TestApp,
    who: &Identity,
    acting_for: Option<&TestPatient>,
    query: &str,
) -> BoxStream<'static, Response> {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", app.token(who)).parse().unwrap());
    if let Some(patient) = acting_for {
        headers.insert("patientkontrakt-acting-for", patient.global_id().parse().unwrap());
    }
    let caller = app.service.authenticate(&headers).await.unwrap();
    app.service.execute_stream(caller, Request::new(query))
}

/// A listener that hears of everything from now on.
pub async fn listen_for(
    app: &TestApp,
    who: &Identity,
    acting_for: Option<&TestPatient>,
    query: &str,
) -> BoxStream<'static, Response> {
    let mut stream = subscribe(app, who, acting_for, query).await;
    // It listens once it has been asked; nothing has happened yet.
    assert!(futures_util::poll!(stream.next()).is_pending());
    stream
}

/// [`listen_for`] oneself.
pub async fn listen(app: &TestApp, who: &Identity, query: &str) -> BoxStream<'static, Response> {
    listen_for(app, who, None, query).await
}

/// The next answer, which must come.
pub async fn next(stream: &mut BoxStream<'static, Response>) -> Value {
    let answer = tokio::time::timeout(PATIENCE, stream.next()).await.expect("in time");
    serde_json::to_value(answer.expect("an answer")).unwrap()
}
