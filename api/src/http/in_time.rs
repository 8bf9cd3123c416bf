//! A request that takes too long is given up, and answered as GraphQL clients expect.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};

use super::graphql::{
    answer,
    errors::{Refusal, code},
    request::Media,
};

/// Gives each request of `routes` this long for its answer.
pub fn limited(routes: Router, limit: Duration) -> Router {
    routes.layer(middleware::from_fn_with_state(limit, give_up))
}

async fn give_up(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    let media = Media::negotiate(request.headers()).unwrap_or(Media::Json);
    tokio::time::timeout(limit, next.run(request)).await.unwrap_or_else(|_| {
        let message = "The service could not answer in time. Try again in a moment.";
        let refusal = Refusal::transport(StatusCode::SERVICE_UNAVAILABLE, code::UNAVAILABLE, message);
        answer::refuse(refusal, media, "").into_response()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::{
        body::{Body, to_bytes},
        http::header,
        routing::get,
    };
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_request_that_takes_too_long_gets_an_answer_that_graphql_clients_understand() {
        let never = Router::new().route("/graphql", get(std::future::pending::<()>));
        let routes = limited(never, Duration::from_millis(10));
        for (accept, kind) in [
            ("application/graphql-response+json", "application/graphql-response+json; charset=utf-8"),
            ("application/json", "application/json; charset=utf-8"),
            ("image/png", "application/json; charset=utf-8"),
        ] {
            let request =
                Request::get("/graphql").header(header::ACCEPT, accept).body(Body::empty()).unwrap();
            let response = routes.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
            assert_eq!(response.headers()[header::RETRY_AFTER], "5");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "private, no-store");
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["errors"][0]["extensions"], json!({ "code": "UNAVAILABLE" }));
            assert!(body.get("data").is_none());
        }
    }
}
