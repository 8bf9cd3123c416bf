//! The adapter as a client sees it: statuses, media types, methods, codes.

use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::super::limits::Limits;
use super::toy::endpoint;
use crate::clock::Clock;

const RESPONSE_JSON: &str = "application/graphql-response+json";

pub fn app() -> Router {
    endpoint(Clock::system(), Limits::default(), true).0.routes("/graphql")
}

pub async fn send(app: Router, request: Request<Body>) -> (StatusCode, Response<()>, Value) {
    let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let json = serde_json::from_slice(&bytes).unwrap();
    (parts.status, Response::from_parts(parts, ()), json)
}

pub fn post() -> axum::http::request::Builder {
    Request::post("/graphql").header("content-type", "application/json").header("accept", RESPONSE_JSON)
}

/// Posts a GraphQL request as JSON and takes the newer media type.
pub async fn ask(app: Router, body: Value) -> (StatusCode, Value) {
    let request = post().body(Body::from(body.to_string())).unwrap();
    let (status, _, json) = send(app, request).await;
    (status, json)
}

fn code(json: &Value) -> &str {
    assert!(json.get("data").is_none(), "nothing was run: {json}");
    json["errors"][0]["extensions"]["code"].as_str().unwrap()
}

fn get(query: &str) -> Request<Body> {
    Request::get(format!("/graphql?{query}")).header("accept", RESPONSE_JSON).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_query_is_answered_privately_in_the_media_type_asked() {
    for (accept, answered) in [
        (RESPONSE_JSON, RESPONSE_JSON),
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("application/*;q=0.8", "application/json"),
        ("text/html, application/json;q=0.2, application/graphql-response+json;q=0.9", RESPONSE_JSON),
        ("application/json, application/graphql-response+json", RESPONSE_JSON),
        ("application/json, text/plain, */*", "application/json"),
        ("application/graphql-response+json; charset=utf-8, */*;q=0.1", RESPONSE_JSON),
    ] {
        let request = Request::post("/graphql")
            .header("content-type", "application/json; charset=UTF-8")
            .header("accept", accept)
            .body(Body::from(
                r#"{"query":"{ echo }","variables":null,"operationName":null,"extensions":null}"#,
            ))
            .unwrap();
        let (status, response, json) = send(app(), request).await;
        assert_eq!((status, &json), (StatusCode::OK, &json!({"data": {"echo": "nothing"}})), "{accept}");
        let headers = response.headers();
        assert_eq!(
            headers["content-type"].to_str().unwrap(),
            format!("{answered}; charset=utf-8"),
            "{accept}"
        );
        assert_eq!(headers["cache-control"], "private, no-store");
        assert_eq!(headers["vary"], "Accept, Accept-Language, Authorization");
    }
}

#[tokio::test]
async fn a_client_that_takes_neither_media_type_is_told() {
    for accept in ["text/html", "application/json;q=0", "application/json; charset=latin1"] {
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", accept)
            .body(Body::from(r#"{"query":"{ echo }"}"#))
            .unwrap();
        let (status, _, json) = send(app(), request).await;
        assert_eq!((status, code(&json)), (StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE"), "{accept}");
    }
}

#[tokio::test]
async fn a_get_runs_queries_only() {
    let (status, _, json) =
        send(app(), get("query=query(%24t:String)%7Becho(text:%24t)%7D&variables=%7B%22t%22:%22x%22%7D"))
            .await;
    assert_eq!((status, json), (StatusCode::OK, json!({"data": {"echo": "x"}})));

    let (endpoint, counts) = endpoint(Clock::system(), Limits::default(), true);
    let app = endpoint.routes("/graphql");
    let (status, response, json) = send(app.clone(), get("query=mutation%7Bbook(slot:1)%7Bn%7D%7D")).await;
    assert_eq!((status, code(&json)), (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"));
    assert_eq!(response.headers()["allow"], "POST");

    // The same as a persisted query: register it by POST, then try to run it by GET with its hash alone.
    let text = "mutation{book(slot:1){n}}";
    let hash = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()));
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let (status, _) = ask(app.clone(), json!({"query": text, "extensions": extensions})).await;
    assert_eq!(status, StatusCode::OK);
    let encoded =
        extensions.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect::<Vec<_>>().concat();
    let (status, _, json) = send(app, get(&format!("extensions={encoded}"))).await;
    assert_eq!((status, code(&json)), (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED"));
    assert_eq!(counts.booked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn other_methods_are_named_the_two_that_work() {
    for method in ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] {
        let request = Request::builder().method(method).uri("/graphql").body(Body::empty()).unwrap();
        let response = app().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(response.headers()["allow"], "GET, POST");
    }
}

#[tokio::test]
async fn a_persisted_query_is_found_by_its_hash_and_by_no_other() {
    let app = app();
    let text = "{ echo(text: \"åäö\") }";
    let hash = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()));
    let extensions = json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let (_, json) = ask(app.clone(), json!({"extensions": extensions})).await;
    assert_eq!(code(&json), "PERSISTED_QUERY_NOT_FOUND");
    assert_eq!(json["errors"][0]["message"], "PersistedQueryNotFound");
    let (_, json) = ask(app.clone(), json!({"query": "{ echo }", "extensions": extensions})).await;
    assert_eq!(code(&json), "PERSISTED_QUERY_HASH_MISMATCH");
    for body in [json!({"query": text, "extensions": extensions}), json!({"extensions": extensions})] {
        let (status, json) = ask(app.clone(), body).await;
        assert_eq!((status, json), (StatusCode::OK, json!({"data": {"echo": "åäö"}})));
    }
}

#[tokio::test]
async fn what_is_no_graphql_request_is_a_bad_request_in_both_media_types() {
    for (body, problems) in [
        ("[{\"query\":\"{ echo }\"}]", 1),
        ("{\"query\":", 1),
        ("\"{ echo }\"", 1),
        ("{}", 1),
        ("{\"qeury\":\"{ echo }\"}", 1),
        ("{\"query\":7,\"variables\":[],\"extensions\":\"x\",\"operationName\":{}}", 4),
        ("{\"query\":\"{ echo }\",\"extensions\":{\"persistedQuery\":{\"version\":2}}}", 1),
        ("{\"query\":\"subscription { counter(to: 1) }\"}", 1),
    ] {
        for accept in [RESPONSE_JSON, "application/json"] {
            let request = Request::post("/graphql")
                .header("content-type", "application/json")
                .header("accept", accept)
                .body(Body::from(body))
                .unwrap();
            let (status, _, json) = send(app(), request).await;
            assert_eq!((status, code(&json)), (StatusCode::BAD_REQUEST, "BAD_REQUEST"), "{body}");
            assert_eq!(json["errors"].as_array().unwrap().len(), problems, "{body}");
        }
    }
    let (status, _, json) =
        send(app(), post().body(Body::from(b"{\"query\":\"\xff\"}".to_vec())).unwrap()).await;
    assert_eq!((status, code(&json)), (StatusCode::BAD_REQUEST, "BAD_REQUEST"), "not UTF-8");
    for query in ["variables=%7B", "query=%7Becho%7D&query=%7Becho%7D", "query=%7Becho%7D&variables=1"] {
        let (status, _, json) = send(app(), get(query)).await;
        assert_eq!((status, code(&json)), (StatusCode::BAD_REQUEST, "BAD_REQUEST"), "{query}");
    }
}

#[tokio::test]
async fn bodies_that_a_form_of_another_site_can_send_are_refused() {
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=utf-16",
    ] {
        let request = Request::post("/graphql")
            .header("content-type", content_type)
            .body(Body::from("{\"query\":\"{ echo }\"}"))
            .unwrap();
        let (status, _, json) = send(app(), request).await;
        assert_eq!((status, code(&json)), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE"));
    }
    let request = Request::post("/graphql").body(Body::from("{\"query\":\"{ echo }\"}")).unwrap();
    assert_eq!(send(app(), request).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_bad_token_is_refused_before_the_request_is_read() {
    let request = Request::post("/graphql")
        .header("authorization", "Bearer wrong")
        .body(Body::from("not json"))
        .unwrap();
    let (status, response, json) = send(app(), request).await;
    assert_eq!((status, code(&json)), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    assert_eq!(response.headers()["www-authenticate"], "Bearer error=\"invalid_token\"");
    let request =
        Request::post("/graphql").header("authorization", "Bearer down").body(Body::empty()).unwrap();
    let (status, response, json) = send(app(), request).await;
    assert_eq!((status, code(&json)), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"));
    assert!(response.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn what_is_wrong_with_the_graphql_has_its_code_and_the_status_of_its_media_type() {
    for (body, expected) in [
        (json!({"query": "{"}), "GRAPHQL_PARSE_FAILED"),
        (json!({"query": ""}), "GRAPHQL_PARSE_FAILED"),
        (json!({"query": "{ nope }"}), "GRAPHQL_VALIDATION_FAILED"),
        (
            json!({"query": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (json!({"query": "{ ...Missing }"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "{ echo } fragment Unused on Query { echo }"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "query($unused: Int) { echo }"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "query($v: Colour) { echo(text: $v) }"}), "GRAPHQL_VALIDATION_FAILED"),
        (
            json!({"query": "query A { echo } query B { nope }", "operationName": "A"}),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (json!({"query": "{ a: echo a: echo(text: \"x\") }"}), "GRAPHQL_VALIDATION_FAILED"),
        (json!({"query": "query A { echo } query B { echo }"}), "OPERATION_RESOLUTION_FAILURE"),
        (json!({"query": "query A { echo }", "operationName": "B"}), "OPERATION_RESOLUTION_FAILURE"),
        (json!({"query": "query($n: Int!) { many(count: $n) { age } }"}), "BAD_USER_INPUT"),
        (
            json!({"query": "query($n: Int!) { many(count: $n) { age } }", "variables": {"n": "x"}}),
            "BAD_USER_INPUT",
        ),
        (
            json!({"query": "query($n: Int!) { many(count: $n) { age } }", "variables": {"n": 600}}),
            "QUERY_TOO_COMPLEX",
        ),
        (json!({"query": "{ many(count: 3000000000) { age } }"}), "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let (status, json) = ask(app(), body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}: {json}");
        assert_eq!(code(&json), expected, "{body}: {json}");
        let request = Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let (status, _, json) = send(app(), request).await;
        assert_eq!((status, code(&json)), (StatusCode::OK, expected), "{body}");
    }
}

#[tokio::test]
async fn all_that_is_wrong_with_the_variables_is_told_at_once_and_no_value() {
    let query = "query($f: Filter!, $n: Int!, $c: Colour) { filtered(filter: $f) many(count: $n) { age } x: filtered(filter: {text: \"\", colour: $c}) }";
    let variables =
        json!({"f": {"colour": "PINK-197001012391", "extra": 1, "count": "197001012391"}, "c": 1});
    let (_, json) = ask(app(), json!({"query": query, "variables": variables})).await;
    let mut messages: Vec<_> =
        json["errors"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect();
    messages.sort_unstable();
    assert_eq!(
        messages,
        [
            "Variable \"$c\" got an invalid value; expected a value of the enum \"Colour\".",
            "Variable \"$f\" got an invalid value; \"Filter\" has no field \"extra\".",
            "Variable \"$f\" got an invalid value; field \"text\" of \"Filter\" is required.",
            "Variable \"$f.colour\" got an invalid value; expected a value of the enum \"Colour\".",
            "Variable \"$f.count\" got an invalid value; expected type \"Int\".",
            "Variable \"$n\" of required type \"Int!\" was not provided.",
        ]
    );
    assert!(!json.to_string().contains("197001012391"));
}

#[tokio::test]
async fn the_same_document_is_judged_anew_for_other_variables() {
    let app = app();
    let query = "query($all: Boolean!, $t: String) { echo(text: $t) slow @include(if: $all) { first } }";
    for (variables, data) in [
        (json!({"all": true}), json!({"echo": "nothing", "slow": {"first": 3}})),
        (json!({"all": false}), json!({"echo": "nothing"})),
        (json!({"all": false, "t": "x"}), json!({"echo": "x"})),
        (json!({"all": true}), json!({"echo": "nothing", "slow": {"first": 3}})),
    ] {
        let (_, json) = ask(app.clone(), json!({"query": query, "variables": variables})).await;
        assert_eq!(json, json!({"data": data}));
    }
    let (_, json) = ask(app.clone(), json!({"query": query, "variables": {"all": "yes"}})).await;
    assert_eq!(code(&json), "BAD_USER_INPUT");
    let many = "query($n: Int!) { many(count: $n) { age } }";
    assert_eq!(ask(app.clone(), json!({"query": many, "variables": {"n": 1}})).await.0, StatusCode::OK);
    let (_, json) = ask(app, json!({"query": many, "variables": {"n": 600}})).await;
    assert_eq!(code(&json), "QUERY_TOO_COMPLEX");
}

#[tokio::test]
async fn a_fault_is_masked_and_carries_the_id_of_its_request() {
    let request = post()
        .header("x-request-id", "r-1")
        .body(Body::from(r#"{"query":"{ slow { first maybe { fails } } }"}"#))
        .unwrap();
    let (status, _, json) = send(app(), request).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        json,
        json!({
            "errors": [{
                "message": "Internal error.",
                "locations": [{"line": 1, "column": 24}],
                "path": ["slow", "maybe", "fails"],
                "extensions": {"code": "INTERNAL", "requestId": "r-1"}
            }],
            "data": {"slow": {"first": 3, "maybe": null}}
        })
    );
    let (status, json) = ask(app(), json!({"query": "{ slow { panics } }"})).await;
    assert_eq!((status, code(&json)), (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"));
}

#[tokio::test]
async fn an_error_meant_for_the_client_passes_and_its_siblings_survive() {
    let (status, json) = ask(app(), json!({"query": "{ slow { failsNullable first } }"})).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(json["data"], json!({"slow": {"failsNullable": null, "first": 3}}));
    assert_eq!(json["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let (status, _) = ask(app(), json!({"query": "{ slow { unavailable first } }"})).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn without_introspection_the_schema_is_told_to_nobody() {
    let (endpoint, _) = endpoint(Clock::system(), Limits::default(), false);
    let app = endpoint.routes("/graphql");
    for query in
        ["{ __schema { types { name } } }", "{ ...F } fragment F on Query { __type(name: \"Cat\") { name } }"]
    {
        let (_, json) = ask(app.clone(), json!({"query": query})).await;
        assert_eq!(code(&json), "INTROSPECTION_DISABLED");
    }
    let (_, json) = ask(app.clone(), json!({"query": "{ ech }"})).await;
    assert_eq!(json["errors"][0]["message"], "Unknown field \"ech\" on type \"Query\".");
    let (_, json) = ask(app, json!({"query": "{ __typename echo }"})).await;
    assert_eq!(json, json!({"data": {"__typename": "Query", "echo": "nothing"}}));
}

#[tokio::test]
async fn a_query_whose_connection_broke_runs_once_more_and_a_mutation_does_not() {
    let (toy, counts) = endpoint(Clock::system(), Limits::default(), true);
    let app = toy.routes("/graphql");
    let (status, answer) = ask(app.clone(), json!({ "query": "{ brokenOnce }" })).await;
    assert_eq!((status, &answer["data"]["brokenOnce"]), (StatusCode::OK, &json!(2)), "{answer}");
    assert!(answer.get("errors").is_none(), "{answer}");
    let (status, answer) = ask(app, json!({ "query": "mutation { bookOnABrokenLine }" })).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{answer}");
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAVAILABLE");
    assert_eq!(counts.booked.load(Ordering::Relaxed), 1);
}
