//! What asks too much is refused cheaply, and told which limit it crossed.

use axum::body::Body;
use axum::http::StatusCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::limits::Limits;
use super::http::{ask, post, send};
use super::toy::endpoint;
use crate::clock::Clock;

async fn refused(limits: Limits, query: &str) -> (String, String) {
    let app = endpoint(Clock::system(), limits, true).0.routes("/graphql");
    let (status, json) = ask(app, json!({"query": query})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{json}");
    let error = &json["errors"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&error["extensions"]["code"]), text(&error["message"]))
}

#[tokio::test]
async fn each_limit_names_itself_and_its_value() {
    let limits = Limits {
        tokens: 400,
        depth: 6,
        aliases: 10,
        directives: 10,
        root_fields: 5,
        fields: 100,
        ..Limits::default()
    };
    let aliases = (0..11).map(|i| format!("a{i}: echo ")).collect::<Vec<_>>().concat();
    for (query, what) in [
        (format!("{{ {} }}", "echo ".repeat(400)), "more than 400 tokens"),
        (
            format!("{{ slow {}", "{ again ".repeat(8)) + "{ first" + &"} ".repeat(10),
            "more than 6 levels of depth",
        ),
        (format!("{{ {aliases} }}"), "more than 10 aliases"),
        (format!("{{ {} }}", "echo @include(if: true) ".repeat(11)), "more than 10 directives"),
        (format!("{{ {} }}", aliases.replace("a10: echo", "")), "more than 5 root fields"),
        (
            format!("{{ slow {} }}", "{ ... ".repeat(40) + "{ first" + &"} ".repeat(41)),
            "more than 32 nested selections",
        ),
        (format!("{{ a(x: {}{}) }}", "[".repeat(90), "]".repeat(90)), "more than 60 nested brackets"),
    ] {
        let (code, message) = refused(limits.clone(), &query).await;
        assert_eq!(code, "LIMIT_EXCEEDED", "{message}");
        assert!(message.contains(what), "{message}");
    }
    let (code, message) = refused(limits, &format!("{{ slow {{ {} }} }}", "first ".repeat(101))).await;
    assert_eq!(code, "QUERY_TOO_COMPLEX");
    assert!(message.contains("100 fields"), "{message}");
}

/// Each operation is validated with its fragments: many small ones must not add up to a lot of work.
#[tokio::test]
async fn the_operations_of_a_document_count_together() {
    let many: Vec<_> = (0..101).map(|n| format!("query Q{n} {{ echo }} ")).collect();
    let (code, message) = refused(Limits::default(), &many.concat()).await;
    assert_eq!(code, "LIMIT_EXCEEDED");
    assert!(message.contains("more than 100 operations"), "{message}");
    let each: Vec<_> = (0..60).map(|n| format!("query Q{n} {{ slow {{ ...F }} }} ")).collect();
    let together = format!("{} fragment F on Slow {{ {} }}", each.concat(), "first ".repeat(100));
    assert_eq!(refused(Limits::default(), &together).await.0, "QUERY_TOO_COMPLEX");
}

#[tokio::test]
async fn a_bomb_of_fragments_costs_no_more_than_its_text() {
    let charges =
        (0..28).map(|i| format!(" fragment F{i} on Slow {{ a{i}: first ...F{n} ...F{n} }}", n = i + 1));
    let charges = charges.collect::<Vec<_>>().concat();
    let bomb = format!("{{ slow {{ ...F0 }} }}{charges} fragment F28 on Slow {{ first }}");
    // Two to the power of 28 selections: were they walked, this test would not end.
    let limits = Limits { aliases: usize::MAX, ..Limits::default() };
    assert_eq!(refused(limits, &bomb).await.0, "QUERY_TOO_COMPLEX");
}

#[tokio::test]
async fn strings_and_comments_are_no_tokens_and_no_brackets() {
    let limits = Limits { tokens: 10, ..Limits::default() };
    let app = endpoint(Clock::system(), limits, true).0.routes("/graphql");
    let query = "# { { { [ ( a b c d e f g h\n{ echo(text: \"{{{ \\\" [[[ a b c d e f g h i j\") }";
    let (status, json) = ask(app.clone(), json!({"query": query})).await;
    assert_eq!(status, StatusCode::OK, "{json}");
    let query = "{ echo(text: \"\"\"a \"b\" \\\"\"\" { { c d e f g h i j\"\"\") }";
    let (status, json) = ask(app, json!({"query": query})).await;
    assert_eq!(status, StatusCode::OK, "{json}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_announced_or_not() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let app = endpoint(Clock::system(), limits, true).0.routes("/graphql");
    let body = json!({"query": "{ echo }", "padding": "x".repeat(1000)}).to_string();
    let streamed = Body::from_stream(futures_util::stream::iter(
        body.clone()
            .into_bytes()
            .chunks(100)
            .map(<[u8]>::to_vec)
            .map(Ok::<_, std::io::Error>)
            .collect::<Vec<_>>(),
    ));
    let announced = post().header("content-length", body.len()).body(Body::from(body)).unwrap();
    for request in [announced, post().body(streamed).unwrap()] {
        let (status, _, json) = send(app.clone(), request).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(json["errors"][0]["extensions"]["code"], "PAYLOAD_TOO_LARGE");
        assert!(json["errors"][0]["message"].as_str().unwrap().contains("1000 bytes"));
    }
    let uri = format!("/graphql?query=%7Becho%7D&x={}", "x".repeat(1000));
    let request = axum::http::Request::get(uri).body(Body::empty()).unwrap();
    assert_eq!(send(app, request).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn text_that_never_ends_well_is_refused_without_a_panic() {
    for query in [
        "{ echo(text: \"abc",
        "{ echo(text: \"\"\"abc",
        "\"",
        "\"\"\"",
        "\\",
        "\u{feff}{ echo }",
        "å",
        "{{{{",
        "...",
        "\"\\",
    ] {
        let app = endpoint(Clock::system(), Limits::default(), true).0.routes("/graphql");
        let (status, json) = ask(app, json!({"query": query})).await;
        assert!(matches!(status, StatusCode::OK | StatusCode::BAD_REQUEST), "{query}: {json}");
    }
}

/// Bits of documents, whole and broken.
const BITS: [&str; 44] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "...",
    "on",
    "query",
    "mutation",
    "subscription",
    "fragment",
    "F",
    "...F",
    "Slow",
    "Query",
    "first",
    "slow",
    "again",
    "echo",
    "nodes",
    "id",
    "$v",
    ":",
    "Int",
    "!",
    "=",
    "@skip(if: true)",
    "@include",
    "(if: $v)",
    "\"",
    "\"\"\"",
    "#",
    "\n",
    "1",
    "-1.5e3",
    "true",
    "null",
    "|",
    "é",
    "\0",
    "{ slow { first } }",
    "fragment F on Slow { first }",
    "query A($v: Boolean!)",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_is_answered(bits in prop::collection::vec(prop::sample::select(BITS.to_vec()), 0..60)) {
        let app = endpoint(Clock::system(), Limits::default(), true).0.routes("/graphql");
        let body = json!({"query": bits.join(" "), "variables": {"v": true}});
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (status, json) = runtime.block_on(ask(app, body));
        prop_assert!(matches!(status, StatusCode::OK | StatusCode::BAD_REQUEST), "{json}");
        prop_assert!(json.get("data").is_some() || json["errors"][0]["extensions"]["code"].is_string(), "{json}");
        prop_assert_ne!(&json["errors"][0]["extensions"]["code"], "INTERNAL");
    }
}
