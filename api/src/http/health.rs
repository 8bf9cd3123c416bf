//! Whether this process lives, whether it can serve, and what it measures.
//!
//! Alive and ready are two questions: a process that has lost its database must not be restarted for it, only
//! be left out until the database is back. So `/livez` asks nothing of the outside, and `/readyz` asks
//! everything that a request needs, with a limit of time.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::future::{BoxFuture, FutureExt, join_all};
use serde::Serialize;

use crate::telemetry::Measurements;

/// Longest time one check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest time the health check of the command line waits for an answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(3);

type Check = Box<dyn Fn() -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What this process needs before it can serve. Clones share the checks and the notice of leaving.
#[derive(Clone, Default)]
pub struct Readiness(Arc<Inner>);

#[derive(Default)]
struct Inner {
    checks: Vec<(&'static str, Check)>,
    alerts: Vec<(&'static str, Check)>,
    leaving: AtomicBool,
}

/// The answer of `/readyz`.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether every check passed and the process is not stopping.
    pub ready: bool,
    /// "ok", or what is wrong, by name of the check.
    pub checks: BTreeMap<&'static str, String>,
    /// What somebody should look at although requests can be served, by name.
    pub alerts: BTreeMap<&'static str, String>,
}

impl Readiness {
    /// The given checks, each with the name it is reported by.
    pub fn new(checks: impl IntoIterator<Item = (&'static str, Check)>) -> Self {
        Self::with_alerts(checks, [])
    }

    /// With states that are told and do not make the process unready: it can still serve.
    pub fn with_alerts(
        checks: impl IntoIterator<Item = (&'static str, Check)>,
        alerts: impl IntoIterator<Item = (&'static str, Check)>,
    ) -> Self {
        let (checks, alerts) = (checks.into_iter().collect(), alerts.into_iter().collect());
        Self(Arc::new(Inner { checks, alerts, leaving: AtomicBool::new(false) }))
    }

    /// Makes a check from a function. Its error is shown to whoever may call `/readyz`, so it says what is wrong
    /// and tells no address, user or statement.
    pub fn check<F, T>(check: F) -> Check
    where
        F: Fn() -> T + Send + Sync + 'static,
        T: Future<Output = Result<(), String>> + Send + 'static,
    {
        Box::new(move || check().boxed())
    }

    /// From now on the process is not ready, so that it gets no new requests while it stops.
    pub fn leave(&self) {
        self.0.leaving.store(true, Ordering::Relaxed);
    }

    /// Runs every check at once, each for two seconds at most.
    pub async fn report(&self) -> Report {
        self.report_within(CHECK_TIMEOUT).await
    }

    async fn report_within(&self, limit: Duration) -> Report {
        let (mut checks, mut alerts) =
            tokio::join!(answers(&self.0.checks, limit), answers(&self.0.alerts, limit));
        alerts.retain(|_, answer| answer != "ok");
        if self.0.leaving.load(Ordering::Relaxed) {
            checks.insert("process", "is stopping".to_owned());
        }
        Report { ready: checks.values().all(|answer| answer == "ok"), checks, alerts }
    }
}

/// Runs checks at once, each within the limit.
async fn answers(checks: &[(&'static str, Check)], limit: Duration) -> BTreeMap<&'static str, String> {
    let running = checks.iter().map(|(name, check)| async move {
        let answer = match tokio::time::timeout(limit, check()).await {
            Ok(Ok(())) => "ok".to_owned(),
            Ok(Err(reason)) => reason,
            Err(_) => format!("no answer within {} s", limit.as_secs_f64()),
        };
        (*name, answer)
    });
    join_all(running).await.into_iter().collect()
}

/// `/livez` and `/readyz`.
pub fn router(readiness: Readiness) -> Router {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).with_state(readiness)
}

/// `/metrics`, for a listener of its own.
pub fn metrics_router(measurements: Measurements) -> Router {
    Router::new().route("/metrics", get(measured)).with_state(measurements)
}

async fn livez() -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(serde_json::json!({ "alive": true }))).into_response()
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    let report = readiness.report().await;
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(report)).into_response()
}

async fn measured(State(measurements): State<Measurements>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], measurements.render()).into_response()
}

/// Asks the service that listens on `listen` whether it is ready. The error says why not.
pub async fn healthcheck(listen: SocketAddr) -> Result<(), String> {
    let url = format!("http://{}/readyz", reachable(listen));
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(CLIENT_TIMEOUT)
        .build()
        .map_err(|e| e.to_string())?;
    let response = client.get(&url).send().await.map_err(|e| match e {
        e if e.is_timeout() => format!("no answer from {url} within {} s", CLIENT_TIMEOUT.as_secs()),
        e if e.is_connect() => format!("nothing listens at {url}"),
        e => format!("{url}: {}", e.without_url()),
    })?;
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let body = response.text().await.unwrap_or_default();
    Err(format!("{url} answered {status}: {body}"))
}

/// The address by which a listener on every address is reached from its own machine.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future;

    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use tower::ServiceExt;

    use super::*;

    fn passing() -> Check {
        Readiness::check(|| async { Ok(()) })
    }

    fn failing() -> Check {
        Readiness::check(|| async { Err("cannot be reached".to_owned()) })
    }

    async fn get(router: Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 100_000).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_process_is_ready_when_every_check_passes() {
        let router = router(Readiness::new([("database", passing()), ("keys", passing())]));
        let (status, body) = get(router, "/readyz").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(body, r#"{"ready":true,"checks":{"database":"ok","keys":"ok"},"alerts":{}}"#);
    }

    #[tokio::test]
    async fn a_failing_check_is_named_and_the_others_still_reported() {
        let readiness = Readiness::new([("database", failing()), ("keys", passing())]);
        let (status, body) = get(router(readiness.clone()), "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            body,
            r#"{"ready":false,"checks":{"database":"cannot be reached","keys":"ok"},"alerts":{}}"#
        );
        assert_eq!(get(router(readiness), "/livez").await.0, StatusCode::OK, "it lives all the same");
    }

    #[tokio::test]
    async fn a_check_that_hangs_is_given_up() {
        let hanging = Readiness::check(future::pending);
        let report = Readiness::new([("database", hanging), ("keys", passing())]);
        let report = report.report_within(Duration::from_millis(50)).await;
        assert!(!report.ready);
        assert_eq!(report.checks["database"], "no answer within 0.05 s");
        assert_eq!(report.checks["keys"], "ok");
    }

    #[tokio::test]
    async fn a_process_that_stops_is_not_ready() {
        let readiness = Readiness::new([("database", passing())]);
        assert!(readiness.report().await.ready);
        readiness.clone().leave();
        assert!(!readiness.report().await.ready);
    }

    #[tokio::test]
    async fn what_was_measured_is_served() {
        let measurements = Measurements::install().unwrap();
        metrics::counter!("served_in_test_total").increment(3);
        let (status, body) = get(metrics_router(measurements), "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("served_in_test_total 3"), "{body}");
    }

    async fn serve(router: Router) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    #[tokio::test]
    async fn the_health_check_says_ready_or_why_not() {
        let ready = serve(router(Readiness::new([("database", passing())]))).await;
        let everywhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), ready.port());
        healthcheck(ready).await.unwrap();
        healthcheck(everywhere).await.unwrap();

        let unready = serve(router(Readiness::new([("database", failing())]))).await;
        let reason = healthcheck(unready).await.unwrap_err();
        assert!(reason.contains("503") && reason.contains("cannot be reached"), "{reason}");

        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let reason = healthcheck(free).await.unwrap_err();
        assert!(reason.starts_with("nothing listens"), "{reason}");
    }
}
