//! The explorer of the demo: GraphiQL from the binary, with sample operations and a choice of who asks.
//!
//! Everything the page needs comes from this service; its content security policy lets it load nothing else. It is
//! mounted in the demo only, because its identities carry tokens.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::IntoResponse;
use axum::routing::get;
use serde::Serialize;

use super::samples::Sample;

/// What the page may do: its own files, its own endpoints, nothing else. GraphiQL sets styles on its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The page's files: path, content type, content.
const FILES: [(&str, &str, &str); 7] = [
    ("/explorer", HTML, include_str!("../../assets/explorer/index.html")),
    ("/explorer/app.js", SCRIPT, include_str!("../../assets/explorer/app.js")),
    ("/explorer/app.css", STYLE, include_str!("../../assets/explorer/app.css")),
    ("/explorer/graphiql.js", SCRIPT, include_str!("../../assets/graphiql/graphiql.js")),
    ("/explorer/graphiql.css", STYLE, include_str!("../../assets/graphiql/graphiql.css")),
    ("/explorer/react.js", SCRIPT, include_str!("../../assets/graphiql/react.js")),
    ("/explorer/react-dom.js", SCRIPT, include_str!("../../assets/graphiql/react-dom.js")),
];

/// What kind of person an identity is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityKind {
    Patient,
    Representative,
    Staff,
}

/// What the page is told when it loads.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    pub graphql_path: String,
    pub ws_path: String,
    /// Answers GET with a JSON list of `{name, note?, kind, token, actingFor?}`: whom, in Swedish, an
    /// [`IdentityKind`], the bearer token alone, and for a representative the header that goes with it.
    pub identities_path: String,
    /// Answers GET with `{now}`: the demo's time.
    pub clock_path: String,
    pub samples: Vec<Sample>,
}

/// The explorer at `/explorer`.
pub fn routes(settings: Settings) -> Router {
    let mut router = Router::new().route("/explorer/settings.json", get(tell));
    for (path, content_type, content) in FILES {
        router = router.route(path, get(move || async move { (headers(content_type), content) }));
    }
    router.with_state(Arc::new(settings))
}

async fn tell(State(settings): State<Arc<Settings>>) -> impl IntoResponse {
    (headers("application/json"), Json(settings.as_ref().clone()))
}

fn headers(content_type: &'static str) -> [(HeaderName, &'static str); 5] {
    [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use tower::ServiceExt;

    use super::*;

    fn app() -> Router {
        routes(Settings {
            graphql_path: "/graphql".into(),
            ws_path: "/graphql/ws".into(),
            identities_path: "/demo/identities".into(),
            clock_path: "/demo/clock".into(),
            samples: vec![Sample {
                title: "Min plan",
                who: "Anna Testlund",
                query: "query Plan { me { id } }",
                ..Sample::default()
            }],
        })
    }

    async fn fetch(path: &str) -> (StatusCode, String, String) {
        let response = app().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let policy = response.headers().get(CONTENT_SECURITY_POLICY).map(|v| v.to_str().unwrap().to_owned());
        let status = response.status();
        let bytes = to_bytes(response.into_body(), 4 << 20).await.unwrap();
        (status, policy.unwrap_or_default(), String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn everything_the_page_names_is_served_from_here_under_the_policy() {
        let (status, policy, page) = fetch("/explorer").await;
        assert_eq!((status, policy.as_str()), (StatusCode::OK, POLICY));
        let named: Vec<_> =
            page.split('"').filter(|part| part.starts_with('/') || part.contains("//")).collect();
        assert_eq!(named.len(), 6, "{named:?}");
        for path in named {
            let (status, policy, content) = fetch(path).await;
            assert_eq!((status, policy.as_str()), (StatusCode::OK, POLICY), "{path}");
            assert!(content.len() > 100, "{path}");
        }
    }

    #[tokio::test]
    async fn no_style_sheet_loads_anything() {
        for (path, content_type, content) in FILES {
            if content_type == STYLE {
                for url in content.split("url(").skip(1) {
                    assert!(
                        url.trim_start_matches(['"', '\'']).starts_with("data:"),
                        "{path}: {}",
                        &url[..40]
                    );
                }
                assert!(!content.contains("@import"), "{path}");
            }
        }
    }

    #[tokio::test]
    async fn the_page_is_told_its_samples() {
        let (_, _, settings) = fetch("/explorer/settings.json").await;
        let settings: serde_json::Value = serde_json::from_str(&settings).unwrap();
        assert_eq!(settings["identitiesPath"], "/demo/identities");
        assert_eq!(settings["samples"][0]["who"], "Anna Testlund");
        assert_eq!(settings["samples"][0]["title"], "Min plan");
    }
}
