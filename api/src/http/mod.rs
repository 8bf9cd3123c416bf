//! The transport: GraphQL over HTTP and WebSocket, and the probes of operators.

#[cfg(test)]
mod audit;
mod calendar;
pub mod demo;
pub mod explorer;
pub mod graphql;
pub mod health;
pub mod hooks;
mod in_time;
mod links;
pub mod outbox_page;
pub mod rate;
pub mod samples;
pub mod serve;
pub mod ws;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::{catch_panic::CatchPanicLayer, set_header::SetResponseHeaderLayer};

use crate::{clock::Clock, config::Config, engine::Service};
use graphql::{Endpoint, REQUEST_ID};
use health::Readiness;

/// Every route of a serving process.
pub fn router(
    config: &Config,
    service: &Service,
    endpoint: &Endpoint<Service>,
    readiness: Readiness,
    stop: &CancellationToken,
    sockets: &TaskTracker,
    demo: Option<demo::Demo>,
) -> Router {
    let api = in_time::limited(endpoint.routes("/graphql"), config.http.request_timeout_seconds);
    let sockets = ws::routes(endpoint, "/graphql/ws", config.ws_limits(), stop.clone(), sockets.clone());
    let feeds = calendar::routes(&service.core, &config.mail_domain());
    let feeds = feeds.merge(links::routes(&service.core));
    let feeds = in_time::limited(feeds, config.http.request_timeout_seconds);
    let mut app = api.merge(sockets).merge(rate::by_address(feeds, &endpoint.rate));
    if let Some(hooks) = hooks::routes(&service.core, config.sms_channel()) {
        let hooks = in_time::limited(hooks, config.http.request_timeout_seconds);
        app = app.merge(rate::by_failed_proofs(hooks, &endpoint.rate));
    }
    if let Some(demo) = demo {
        app = app.merge(demo::router(config, service, demo));
    }
    let nosniff = (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    app.merge(health::router(readiness))
        .layer(SetResponseHeaderLayer::if_not_present(nosniff.0, nosniff.1))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn_with_state(service.core.clock.clone(), trace))
}

/// Gives each request an id of our own making (a client's is never trusted), and one log line without its content.
async fn trace(State(clock): State<Clock>, mut request: Request, next: Next) -> Response {
    let id = clock.uuid().simple().to_string();
    let name = HeaderName::from_static(REQUEST_ID);
    let value = HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static(""));
    request.headers_mut().insert(name.clone(), value.clone());
    let (method, path) = (request.method().clone(), known_path(request.uri().path()));
    let started = std::time::Instant::now();
    let mut response = next.run(request).await;
    response.headers_mut().insert(name, value);
    let (status, took) = (response.status().as_u16(), started.elapsed());
    metrics::histogram!("http_request_seconds", "path" => path).record(took.as_secs_f64());
    metrics::counter!("http_requests_total", "path" => path, "status" => status.to_string()).increment(1);
    tracing::info!(request_id = %id, %method, path, status, micros = took.as_micros() as u64, "request");
    response
}

/// The path if it is one of ours: anything else could carry personal data into the log.
fn known_path(path: &str) -> &'static str {
    // The address of a feed, or of the page of a message, is its secret.
    if path.starts_with("/r/") {
        return "/r";
    }
    if path.starts_with("/calendar/") {
        return "/calendar";
    }
    if path.starts_with("/hooks/") {
        return "/hooks";
    }
    ["/graphql", "/graphql/ws", "/livez", "/readyz", "/"]
        .into_iter()
        .find(|known| *known == path)
        .unwrap_or("other")
}
