//! Whatever is sent, there is a clear answer: what is wrong, and never what is inside.

use axum::{
    body::Body,
    http::{Request, header},
};
use base64::Engine as _;
use entity::goal;
use harness::{
    Answer, TestApp,
    process::{self, Stage},
};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use sea_orm::{EntityTrait, PaginatorTrait};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::acts::{AGREEMENT, act, draft, global};

/// An answer with its headers.
struct Whole {
    answer: Answer,
    headers: axum::http::HeaderMap,
}

/// Sends a request as it stands; headers that are named here replace the usual ones.
async fn send(
    app: &TestApp,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Whole {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::ACCEPT, "application/graphql-response+json")
        .header(header::CONTENT_TYPE, "application/json")
        .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9))))
        .body(body.into())
        .unwrap();
    for (name, value) in headers {
        let name: header::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let response = app.router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.unwrap();
    let body =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({ "raw": String::from_utf8_lossy(&bytes) }));
    Whole { answer: Answer { status, body }, headers }
}

/// Posts a document with variables as somebody, in a language.
async fn post(app: &TestApp, who: &Identity, language: &str, query: &str, variables: Value) -> Answer {
    let bearer = format!("Bearer {}", app.token(who));
    let headers = [("authorization", bearer.as_str()), ("accept-language", language)];
    let body = json!({ "query": query, "variables": variables }).to_string();
    send(app, "POST", "/graphql", &headers, body).await.answer
}

/// That the answer has this status and one error with this code and these words, and nothing of our insides.
#[track_caller]
fn says(answer: &Answer, status: u16, code: &str, words: &[&str]) {
    let text = answer.body.to_string();
    assert_eq!((answer.status, answer.error_codes()), (status, vec![code.to_owned()]), "{text}");
    for word in words {
        assert!(text.contains(word), "{word} in {text}");
    }
    for inside in ["sqlx", "SELECT", "panicked", "api/src", ".rs:", "DbErr", "RUST_BACKTRACE"] {
        assert!(!text.contains(inside), "{inside} in {text}");
    }
}

const PATIENT: &str = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"Samtal\") { id } }";

#[tokio::test]
async fn a_wrong_personal_number_is_explained_in_the_callers_language() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1.identity;
    for (number, swedish, english) in [
        ("19820228-2389", "Sista siffran stämmer inte", "The last digit does not fit"),
        ("19820230-2380", "Datumet i numret finns inte", "The date in the number does not exist"),
        ("1982", "tolv siffror", "twelve digits"),
        ("", "Skriv ett personnummer.", "Enter a personal identity number."),
        ("29990101-2386", "ligger i framtiden", "in the future"),
    ] {
        for (language, words) in [("sv-SE,en;q=0.5", swedish), ("en-GB,sv;q=0.5", english), ("fi", swedish)] {
            let answer = post(&app, s1, language, PATIENT, json!({ "n": number })).await;
            says(&answer, 200, "BAD_USER_INPUT", &[words]);
            assert!(answer.at("/patient").is_null());
            assert!(number.len() < 10 || !answer.body.to_string().contains(number), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_refusal_is_told_in_the_callers_language() {
    let app = TestApp::new().await;
    let mutation = harness::mutation("messageSend", "message { id }");
    let input = json!({ "threadId": "nonsens", "body": "Hej", "idempotencyKey": "k" });
    for (language, words) in [("sv", "Det finns inget här"), ("en", "There is nothing here")] {
        let p1 = &app.world.p1.identity;
        let answer = post(&app, p1, language, &mutation, json!({ "input": input })).await;
        assert_eq!(
            (answer.status, answer.user_error_codes("messageSend")),
            (200, vec!["NOT_FOUND".to_owned()])
        );
        let message = answer.text("/messageSend/userErrors/0/message");
        assert!(message.starts_with(words), "{message}");
    }
}

#[tokio::test]
async fn values_that_no_type_has_are_refused_before_anything_runs() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1.identity;
    let mutation = harness::mutation("reminderPreferencesSet", "preferences { kind }");
    let choice = json!({ "kind": "APPOINTMENT", "channel": "PIGEON", "optedIn": true, "textShown": "x" });
    let input = json!({ "choices": [choice], "idempotencyKey": "k" });
    let unknown = post(&app, p1, "sv", &mutation, json!({ "input": input })).await;
    says(&unknown, 400, "BAD_USER_INPUT", &["choices[0].channel", "enum", "Channel"]);
    let literal = mutation.replace("$input", "$unused").replace(
        "input: $unused",
        "input: { choices: [{ kind: APPOINTMENT, channel: PIGEON, optedIn: true, textShown: \"x\" }], idempotencyKey: \"k\" }",
    );
    let literal = post(&app, p1, "sv", &literal, json!({ "unused": input })).await;
    assert_eq!(literal.status, 400, "{}", literal.body);
    for answer in [
        post(&app, p1, "sv", "{ me { hemligheter } }", json!({})).await,
        post(&app, p1, "sv", PATIENT, json!({})).await,
        post(&app, p1, "sv", "{ me {", json!({})).await,
        post(&app, p1, "sv", "", json!({})).await,
    ] {
        let text = answer.body.to_string();
        assert_eq!(answer.status, 400, "{text}");
        assert!(!answer.error_codes().is_empty() && !answer.error_codes().contains(&String::new()), "{text}");
        assert!(answer.body.get("data").is_none(), "{text}");
    }
}

/// A value that no scalar has, in the last field of a mutation, as a variable or in the text: the first has not run.
#[tokio::test]
async fn a_day_a_time_or_a_number_that_is_none_stops_the_whole_request_before_anything_runs() {
    let app = TestApp::new().await;
    let (p1, s1) = (&app.world.p1.identity, &app.world.s1);
    let plan = draft(&app, s1, &app.world.p1).await;
    let two = "mutation M($a: GoalAddInput!, $b: GoalAddInput!) { a: goalAdd(input: $a) { goal { id } } \
               b: goalAdd(input: $b) { goal { id } } }";
    let goal = |key: &str, on: Value| json!({ "agreementId": plan.id, "text": "Gå till sjön", "targetOn": on, "idempotencyKey": key });
    for (n, on) in
        [json!("2027-13-45"), json!("20270101"), json!("9999-01-01"), json!(20_270_101)].iter().enumerate()
    {
        let (first, second) =
            (goal(&format!("a{n}"), json!("2027-05-01")), goal(&format!("b{n}"), on.clone()));
        let variables = json!({ "a": first, "b": second });
        says(
            &post(&app, &s1.identity, "sv", two, variables).await,
            400,
            "BAD_USER_INPUT",
            &["$b.targetOn", "Date"],
        );
        let literal = two.replace(", $b: GoalAddInput!", "").replace(
            "$b)",
            &format!(
                "{{ agreementId: \"{}\", text: \"Gå\", targetOn: {on}, idempotencyKey: \"c{n}\" }})",
                plan.id
            ),
        );
        let literal = post(&app, &s1.identity, "sv", &literal, json!({ "a": first })).await;
        says(&literal, 400, "GRAPHQL_VALIDATION_FAILED", &["targetOn", "Date"]);
    }
    assert_eq!(
        goal::Entity::find().count(app.core.db.reader()).await.unwrap(),
        0,
        "the first goal was not added"
    );
    let at = "query Q($at: DateTime!) { me { whoToContact(at: $at) { name } } }";
    for wrong in ["2027-03-01", "i morgon", "+262142-12-31T00:00:00Z"] {
        says(
            &post(&app, p1, "sv", at, json!({ "at": wrong })).await,
            400,
            "BAD_USER_INPUT",
            &["$at", "DateTime"],
        );
    }
    let first = "query Q($first: Int!) { me { threads(first: $first) { nodes { id } } } }";
    says(
        &post(&app, p1, "sv", first, json!({ "first": 1_i64 << 31 })).await,
        400,
        "BAD_USER_INPUT",
        &["$first", "Int"],
    );
}

#[tokio::test]
async fn a_number_that_is_no_text_is_refused() {
    let app = TestApp::new().await;
    let answer = post(&app, &app.world.s1.identity, "sv", PATIENT, json!({ "n": 12 })).await;
    says(&answer, 400, "BAD_USER_INPUT", &["PersonalIdentityNumber"]);
}

#[tokio::test]
async fn a_stale_version_is_refused_with_the_current_object() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version + 7 });
    let stale = act(&app, &s1.identity, "agreementPropose", AGREEMENT, input).await;
    assert_eq!(stale.user_error_codes("agreementPropose"), ["STALE_ROW_VERSION"]);
    assert_eq!(stale.text("/agreementPropose/agreement/id"), plan.id);
    assert_eq!(stale.at("/agreementPropose/agreement/rowVersion"), plan.row_version);
    assert_eq!(stale.text("/agreementPropose/userErrors/0/field"), "expectedRowVersion");
}

#[tokio::test]
async fn ids_of_others_of_another_kind_and_of_nothing_are_answered_alike() {
    let app = TestApp::new().await;
    let (s2, p1, p2) = (&app.world.s2, &app.world.p1, &app.world.p2);
    let theirs = draft(&app, s2, p2).await;
    let mut answers = Vec::new();
    for id in [
        theirs.id,
        global(NodeKind::Agreement, uuid::Uuid::from_u128(1)),
        global(NodeKind::Patient, p2.id),
        "nonsens".to_owned(),
        "x".repeat(10_000),
        "'; DROP TABLE patient; --".to_owned(),
        "\u{0}".to_owned(),
    ] {
        let input = json!({ "agreementId": id, "text": "Mål" });
        answers.push(act(&app, &p1.identity, "goalAdd", "goal { id }", input).await.body);
        let query = "query($id: ID!) { node(id: $id) { id } }";
        let node = if id == global(NodeKind::Patient, p2.id) { "nonsens" } else { &id };
        let read = app.run(&p1.identity, query, json!({ "id": node })).await;
        assert_eq!(read.body, json!({ "data": { "node": null } }), "{id:.40}");
    }
    assert!(answers[0].to_string().contains("NOT_FOUND"), "{}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn too_much_of_anything_is_refused_with_what_is_allowed() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1.identity;
    // A page in a page in a page; its length in the text, and in a variable.
    for (query, variables) in [
        (
            "{ me { threads(first: 100) { nodes { messages(first: 100) { nodes { id body } } } } } }",
            json!({}),
        ),
        (
            "query($n: Int) { me { threads(first: $n) { nodes { messages(first: $n) { nodes { id body } } } } } }",
            json!({ "n": 100 }),
        ),
    ] {
        let costly = post(&app, p1, "sv", query, variables).await;
        assert_eq!(costly.error_codes(), ["QUERY_TOO_COMPLEX"], "{}", costly.body);
    }
    let query =
        "query($n: Int) { me { threads(first: $n) { nodes { messages(first: 100) { nodes { id } } } } } }";
    post(&app, p1, "sv", query, json!({ "n": 20 })).await.ok();
    // A cursor of a time that no database holds.
    let place = json!({ "at": "-200000-01-01T00:00:00Z", "id": uuid::Uuid::nil() }).to_string();
    let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(place);
    let query = "query($after: String!) { me { threads(after: $after) { nodes { id } } } }";
    let forged = post(&app, p1, "sv", query, json!({ "after": cursor })).await;
    assert_eq!(forged.error_codes(), ["BAD_USER_INPUT"], "{}", forged.body);
    // What cannot be answered at the root leaves the rest of the answer alone.
    let beside =
        post(&app, p1, "sv", "{ me { givenName } freeSlots(after: \"zzz\") { nodes { id } } }", json!({}))
            .await;
    assert_eq!(beside.error_codes(), ["BAD_USER_INPUT"]);
    assert!(beside.at("/freeSlots").is_null() && beside.at("/me/givenName").is_string(), "{}", beside.body);
    let aliases: String = (0..1_000).fold(String::new(), |all, n| all + &format!("a{n}: givenName "));
    let many = post(&app, p1, "sv", &format!("{{ me {{ {aliases} }} }}"), json!({})).await;
    assert_eq!(many.status, 400, "{}", many.body);
    assert!(many.error_codes().iter().all(|code| code == "LIMIT_EXCEEDED"), "{}", many.body);
    assert!(
        many.body.to_string().contains("aliases") || many.body.to_string().contains("tokens"),
        "{}",
        many.body
    );
    let body = json!({ "query": "{ me { id } }", "variables": { "x": "x".repeat(10 << 20) } }).to_string();
    let large = send(&app, "POST", "/graphql", &[], body).await.answer;
    says(&large, 413, "PAYLOAD_TOO_LARGE", &["bytes"]);
}

#[tokio::test]
async fn ten_megabytes_over_a_socket_are_refused_and_the_service_goes_on() {
    let stage = Stage::new().await;
    let serve = stage.serve(&[]).await;
    let token = stage.token(&stage.world.p1.identity);
    let request = || serve.request(Some(&token)).header("content-type", "application/json");
    let large = process::answer(request().body("x".repeat(10 << 20))).await.unwrap();
    says(&large, 413, "PAYLOAD_TOO_LARGE", &[]);
    serve.run(&token, "{ me { id } }", json!({})).await.unwrap().ok();
    assert!(serve.log().contains("\"status\":413"), "{}", serve.log());
    assert!(!serve.log().contains("panicked"), "{}", serve.log());
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_before_anything_runs() {
    let app = TestApp::new().await;
    let expired = format!("Bearer {}", app.token(&app.world.p1.identity));
    app.clock.advance(chrono::TimeDelta::days(301));
    let body = || json!({ "query": "{ me { id } }" }).to_string();
    let changed = format!("{}x", &expired[..expired.len() - 1]);
    for bearer in [expired.as_str(), &changed, "Bearer", "Bearer x", "Basic eDp4", "Bearer a.b.c"] {
        let whole = send(&app, "POST", "/graphql", &[("authorization", bearer)], body()).await;
        says(&whole.answer, 401, "UNAUTHENTICATED", &["not valid"]);
        assert!(whole.answer.body.get("data").is_none());
        assert!(whole.headers.contains_key(header::WWW_AUTHENTICATE), "{bearer:.20}");
    }
}

#[tokio::test]
async fn what_is_no_graphql_request_is_told_so() {
    let app = TestApp::new().await;
    let bearer = format!("Bearer {}", app.token(&app.world.p1.identity));
    let token = ("authorization", bearer.as_str());
    let batch = send(&app, "POST", "/graphql", &[token], r#"[{"query":"{ me { id } }"}]"#).await.answer;
    says(&batch, 400, "BAD_REQUEST", &["Batches are not supported"]);
    for body in ["{\"query\": \"{ me", "", "null", "7", "\u{feff}", "{\"query\": 7}"] {
        let answer = send(&app, "POST", "/graphql", &[token], body).await.answer;
        assert_eq!(answer.status, 400, "{body} {}", answer.body);
        assert!(answer.error_codes().iter().all(|code| code == "BAD_REQUEST"), "{body} {}", answer.body);
    }
    let invalid = send(&app, "POST", "/graphql", &[token], vec![b'"', 0xff, b'"']).await.answer;
    says(&invalid, 400, "BAD_REQUEST", &[]);
    let form = [token, ("content-type", "application/x-www-form-urlencoded")];
    says(&send(&app, "POST", "/graphql", &form, "query=x").await.answer, 415, "UNSUPPORTED_MEDIA_TYPE", &[]);
    let by_get = "/graphql?query=mutation%20%7B%20threadMarkRead%28input%3A%20%7BthreadId%3A%20%22a%22%2C%20messageId%3A\
                  %20%22b%22%2C%20idempotencyKey%3A%20%22k%22%7D%29%20%7B%20userErrors%20%7B%20code%20%7D%20%7D%20%7D";
    let mutation = send(&app, "GET", by_get, &[token], "").await;
    says(&mutation.answer, 405, "METHOD_NOT_ALLOWED", &["POST"]);
    assert_eq!(mutation.headers[header::ALLOW], "POST");
    assert_eq!(send(&app, "PUT", "/graphql", &[token], "{}").await.answer.status, 405);
}

/// Writes a configuration and says what `arguments` make of it.
async fn with_file(text: &str, arguments: &[&str], settings: &[(&str, &str)]) -> (process::Said, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("patientkontrakt.toml");
    std::fs::write(&file, text).unwrap();
    let mut command = process::command(arguments);
    command.arg("--config").arg(&file).envs(settings.iter().copied()).current_dir(folder.path());
    let said = process::run(&mut command).await;
    assert!(!said.err.contains("panicked"), "{}", said.err);
    (said, file.display().to_string())
}

#[tokio::test]
async fn every_fault_of_a_configuration_is_told_at_once_with_file_line_and_name() {
    let text = "mode = \"production\"\n[http]\nlisen = \"127.0.0.1:1\"\nrate_burst = \"many\"\n[databas]\nurl = \"x\"\n";
    let environment = [("PK_REGION__NAMN", "x"), ("PK_DATABASE__TIMEOUT_SECONDS", "90")];
    let (said, file) = with_file(text, &["config", "check"], &environment).await;
    assert_eq!(said.status.code(), Some(1), "{said:?}");
    for line in [
        &format!("{file} line 3: unknown setting http.lisen; did you mean http.listen?"),
        &format!("{file} line 4: http.rate_burst must be "),
        &format!("{file} line 5: unknown section [databas]; did you mean [database]?"),
        "environment variable PK_REGION__NAMN: unknown setting; did you mean PK_REGION__NAME?",
        "environment variable PK_DATABASE__TIMEOUT_SECONDS: database.timeout_seconds must be ",
        "auth.issuer is required (set it in the file or by PK_AUTH__ISSUER)",
        "auth.audience is required",
        "auth.jwks_url or auth.jwks_file is required",
        "encryption.keys is required",
        "region.name is required",
    ] {
        assert!(said.err.contains(line), "{line} in {}", said.err);
    }
    // `serve` says the same and does not start.
    let (serve, _) = with_file(text, &["serve"], &environment).await;
    assert_eq!(
        (serve.status.code(), serve.err.lines().count()),
        (Some(1), said.err.lines().count()),
        "{serve:?}"
    );
    let missing =
        process::run(process::command(&["config", "check"]).args(["--config", "/nowhere/pk.toml"])).await;
    assert!(!missing.status.success() && missing.err.contains("/nowhere/pk.toml"), "{missing:?}");
}

/// A production configuration that lacks nothing.
const PRODUCTION: &str = r#"mode = "production"
[auth]
issuer = "https://idp.example.se/"
audience = "patientkontrakt"
jwks_url = "https://idp.example.se/jwks.json"
[encryption]
keys = ["a:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
[region]
name = "Region Exempel"
coordinating_region = "99"
"#;

#[tokio::test]
async fn a_content_directory_with_mistakes_stops_the_start_with_all_of_them() {
    let key = "a1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
    let content = tempfile::tempdir().unwrap();
    let folder = content.path().join("batteries");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("own.toml"), "key = \"own\"\nversion = 0\n").unwrap();
    std::fs::write(folder.join("stolen.toml"), "key = \"pulse\nversion = 1\n").unwrap();
    let text = format!(
        "mode = \"demo\"\n[encryption]\nkeys = [\"{key}\"]\n[content]\ndirectory = \"{}\"\n",
        content.path().display()
    );
    for command in [&["config", "check"][..], &["serve"], &["doctor"]] {
        let (said, _) = with_file(&text, command, &[("PK_HTTP__LISTEN", "127.0.0.1:0")]).await;
        assert_eq!(said.status.code(), Some(1), "{command:?} {said:?}");
        let file = |name: &str, line: usize| format!("{} line {line}: ", folder.join(name).display());
        for part in [
            format!("{}`version` must be a whole number from 1 to 10000", file("own.toml", 2)),
            format!("{}`title` is missing: add title.sv", file("own.toml", 1)),
            format!("{}there must be at least 1 [[questions]]", file("own.toml", 1)),
            file("stolen.toml", 1),
        ] {
            assert!(said.err.contains(&part) || said.out.contains(&part), "{command:?}: {part} in {said:?}");
        }
    }
}

#[tokio::test]
async fn production_gets_no_fictional_people_and_no_tokens_of_our_own() {
    let (whole, _) = with_file(PRODUCTION, &["config", "check"], &[]).await;
    assert!(whole.status.success(), "{whole:?}");
    assert!(!whole.out.contains("AAAAAAAA"), "keys are masked");
    let broken = PRODUCTION.replace("audience", "audiens");
    for text in [PRODUCTION, &broken] {
        for arguments in [&["seed", "--patients", "1"][..], &["token", "issue", "--patient"], &["demo"]] {
            let (said, _) = with_file(text, arguments, &[("PK_HTTP__LISTEN", "127.0.0.1:0")]).await;
            assert_eq!((said.status.code(), said.out.as_str()), (Some(1), ""), "{arguments:?} {said:?}");
            assert!(
                said.err.contains("production") || said.err.contains("demo mode only"),
                "{arguments:?} {said:?}"
            );
        }
    }
    // Left out, the mode is production: what is configured may be what patients use.
    let of_somebody = [
        ("PK_AUTH__ISSUER", "https://idp.example.se/"),
        ("PK_DATABASE__URL", "postgres://127.0.0.1:1/patientkontrakt"),
    ];
    for setting in of_somebody {
        for arguments in [&["seed", "--patients", "1"][..], &["token", "issue", "--patient"], &["demo"]] {
            let variables = [setting, ("PK_HTTP__LISTEN", "127.0.0.1:0")];
            let (said, _) = with_file("", arguments, &variables).await;
            assert_eq!((said.status.code(), said.out.as_str()), (Some(1), ""), "{arguments:?} {said:?}");
            let refusal = format!("{} sets ", setting.0);
            assert!(
                said.err.contains(&refusal) && said.err.contains("PK_MODE=demo"),
                "{arguments:?} {said:?}"
            );
        }
    }
    // Another's tokens are not ours to sign, whatever the mode.
    let foreign = [of_somebody[0], ("PK_MODE", "demo")];
    let (said, _) = with_file("", &["token", "issue", "--patient"], &foreign).await;
    assert_eq!((said.status.code(), said.out.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.err.contains("not the demo's own"), "{said:?}");
}
