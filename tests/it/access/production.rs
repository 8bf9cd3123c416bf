//! What production settings close: the schema is told to nobody, and the demo's helps are not there.

use std::net::SocketAddr;

use harness::TestApp;
use patientkontrakt::{
    app::{Role, start},
    config::Mode,
    http::{self, graphql::Endpoint, health::Readiness, rate::Rate},
};
use serde_json::{Value, json};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The same service behind the router of production.
fn production(app: &mut TestApp) {
    app.config.mode = Mode::Production;
    app.config.graphql.introspection = false;
    let schema = patientkontrakt::graphql::schema::build(&app.config.limits());
    let endpoint = Endpoint::new(
        app.service.clone(),
        schema.clone(),
        &schema.sdl(),
        app.config.limits(),
        Rate::new(&app.config.http),
        app.config.graphql.introspection,
    )
    .unwrap();
    let (stop, sockets) = (CancellationToken::new(), TaskTracker::new());
    app.router =
        http::router(&app.config, &app.service, &endpoint, Readiness::default(), &stop, &sockets, None);
}

/// A50: introspection is refused to everyone, in whatever form; a wrong name is not answered with the right ones.
#[tokio::test]
async fn introspection_and_suggestions_are_refused_in_production() {
    let mut app = TestApp::new().await;
    production(&mut app);
    let who = [
        None,
        Some(app.token(&app.world.p1.identity)),
        Some(app.token(&app.world.s1.identity)),
        Some(app.token(&app.world.admin.identity)),
    ];
    for token in who {
        for query in [
            "{ __schema { types { name } } }",
            "{ a: __schema { queryType { name } } }",
            "{ __type(name: \"Patient\") { fields { name } } }",
            "{ ...F } fragment F on Query { __schema { types { name } } }",
            "query($x: Boolean = true) { ... @include(if: $x) { __schema { types { name } } } }",
        ] {
            let answer = app.post(token.as_deref(), &json!({ "query": query })).await;
            assert_eq!(answer.error_codes(), ["INTROSPECTION_DISABLED"], "{query}: {}", answer.body);
            assert!(answer.body.get("data").is_none_or(Value::is_null));
        }
        for (query, right) in [
            ("{ mee { givenName } }", "\"me\""),
            ("{ me { givenNam } }", "givenName"),
            ("{ me(id: 1) { givenName } }", "Did you mean"),
            ("mutation { goalAd(input: {}) { userErrors { code } } }", "goalAdd"),
            ("{ node(id: \"x\") { ... on Patien { id } } }", "\"Patient\""),
        ] {
            let answer = app.post(token.as_deref(), &json!({ "query": query })).await;
            let text = answer.body.to_string().replace('\\', "");
            assert_eq!(answer.status, 400, "{query}: {text}");
            assert!(
                !text.contains(right) && !text.to_lowercase().contains("did you mean"),
                "{query}: {text}"
            );
        }
        let typename = app.post(token.as_deref(), &json!({ "query": "{ __typename }" })).await;
        assert_eq!(typename.body["data"], json!({ "__typename": "Query" }));
    }
}

/// What a running service of this mode answers at `path`.
async fn statuses(mode: Mode, paths: &[&str]) -> Vec<u16> {
    let app = TestApp::new().await;
    let mut config = app.config.clone();
    config.mode = mode;
    config.http.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let running = start(&config, app.core.clone(), None, Role::Serve, None).await.unwrap();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let mut found = Vec::new();
    for path in paths {
        let answer = client.get(format!("http://{}{path}", running.address)).send().await.unwrap();
        found.push(answer.status().as_u16());
    }
    drop(client);
    running.stop().await.unwrap();
    found
}

/// A50: the explorer and the demo's pages are not there in production.
#[tokio::test]
async fn the_explorer_and_the_demos_pages_are_not_there_in_production() {
    let pages = ["/", "/explorer", "/explorer/app.js", "/explorer/settings.json", "/demo/identities"];
    assert!(statuses(Mode::Demo, &pages).await.iter().all(|status| *status < 400));
    assert!(statuses(Mode::Production, &pages).await.iter().all(|status| *status == 404));
    assert_eq!(statuses(Mode::Production, &["/livez"]).await, [200]);
}
