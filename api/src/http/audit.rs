//! The transport over a real socket, judged by the public audits; the toy schema is behind it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::explorer::{self, Settings};
use super::graphql::limits::Limits;
use super::graphql::tests::toy::endpoint;
use super::samples::Sample;
use super::ws::{self, WsLimits};
use crate::clock::Clock;

/// Serves the toy on a free port and returns its address without the scheme.
async fn serve(introspection: bool) -> String {
    let (endpoint, _) = endpoint(Clock::system(), Limits::default(), introspection);
    let limits = WsLimits { init_seconds: 2, ..WsLimits::default() };
    let sockets = ws::routes(&endpoint, "/graphql/ws", limits, CancellationToken::new(), TaskTracker::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = endpoint.routes("/graphql").merge(sockets).merge(explorer());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// The explorer with a sample for a patient and for staff.
fn explorer() -> Router {
    let sample = |title, who, query| Sample { group: "Leksak", title, who, query, ..Sample::default() };
    let identities = ["Bo Ek", "Eva Al", "Ida Ask"].map(|name| {
        let kind = if name == "Ida Ask" { "staff" } else { "patient" };
        json!({"name": name, "kind": kind, "token": "good"})
    });
    let settings = Settings {
        graphql_path: "/graphql".into(),
        ws_path: "/graphql/ws".into(),
        identities_path: "/demo/identities".into(),
        clock_path: "/demo/clock".into(),
        samples: vec![
            Sample {
                finds: vec!["query Hitta { text: echo(text: \"Hej på dig\") }"],
                ..sample("Säg något", "Bo Ek", "query Sag($text: String!) {\n  echo(text: $text)\n}")
            },
            sample("Räkna", "Ida Ask", "subscription Rakna {\n  counter(to: 3)\n}"),
        ],
    };
    explorer::routes(settings)
        .route("/demo/identities", get(async || Json(identities)))
        .route("/demo/clock", get(async || Json(json!({"now": "2027-02-01T07:00:00Z"}))))
}

async fn run(folder: &str, arguments: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(folder);
    let mut node = Command::new("node");
    node.args(arguments).current_dir(folder).kill_on_drop(true);
    let output = timeout(Duration::from_mins(3), node.output()).await.expect("the audit in time").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs node and `npm ci` in tests/http-audit"]
async fn the_public_audit_of_graphql_over_http_passes_whole() {
    let url = format!("http://{}/graphql", serve(true).await);
    run("http-audit", &["audit.mjs", &url, "Authorization: Bearer good"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs node and `npm ci` in tests/ws"]
async fn every_rule_of_the_websocket_protocol_holds() {
    let url = format!("ws://{}/graphql/ws", serve(false).await);
    let arguments = ["ws.mjs", &url, "--token", "good", "--expired-token", "short-0"];
    let rest =
        ["--short-token", "short-3", "--short-secs", "3", "--init-timeout", "2", "--no-introspection", "1"];
    run("ws", &[&arguments[..], &rest[..], &["--endless", "subscription { silent { n } }"]].concat()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs node and chromium"]
async fn the_explorer_runs_a_sample_in_a_browser_and_asks_nothing_of_others() {
    let origin = format!("http://{}", serve(true).await);
    let picture = std::env::var("EXPLORER_SCREENSHOT").unwrap_or_default();
    let mut arguments = vec!["explorer.mjs", &origin, "Hej på dig"];
    if !picture.is_empty() {
        arguments.push(&picture);
    }
    run("browser", &arguments).await;
}
