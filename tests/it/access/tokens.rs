//! Nobody without a genuine token: one refusal for all that is wrong with one, and nothing without one.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use harness::TestApp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::situation::{Situation, assert_nothing_of, assert_unchanged, document, global, mutations, tables};
use crate::surface::root_fields;
use patientkontrakt::graphql::scalars::NodeKind;

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn parts(token: &str) -> (Value, Value, String) {
    let pieces: Vec<&str> = token.split('.').collect();
    let open = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    (open(pieces[0]), open(pieces[1]), pieces[2].to_owned())
}

/// Tokens that are wrong, each in one way, with what is wrong.
fn forged(app: &TestApp) -> Vec<(String, String)> {
    let good = app.token(&app.world.p1.identity);
    let (header, claims, signature) = parts(&good);
    let key_file = std::fs::read(app.config.data_dir.join("demo-signing.key")).unwrap();
    let key = EncodingKey::from_ed_der(&key_file);
    let signed = |claims: &Value, change: &dyn Fn(&mut Header)| {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = parts(&good).0["kid"].as_str().map(str::to_owned);
        change(&mut header);
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        signed(&claims, &|_| {})
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        signed(&claims, &|_| {})
    };
    let bare = |change: &dyn Fn(&mut Value)| {
        let mut header = header.clone();
        change(&mut header);
        format!("{}.{}.{signature}", part(&header), part(&claims))
    };
    let now = app.clock.now().timestamp();
    let public = std::fs::read(app.config.data_dir.join("demo-jwks.json")).unwrap();
    let confused = {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = parts(&good).0["kid"].as_str().map(str::to_owned);
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&public)).unwrap()
    };
    let duplicate = {
        let claims = claims.to_string();
        let twice = format!("{},\"sub\":\"x\"}}", &claims[..claims.len() - 1]);
        format!("{}.{}.{signature}", part(&header), URL_SAFE_NO_PAD.encode(twice))
    };
    let other_person = {
        let mut claims = claims.clone();
        let claim = app.config.auth.patient_number_claim.clone();
        claims[claim] = json!(app.world.p2.number);
        format!("{}.{}.{signature}", part(&header), part(&claims))
    };
    let named = |name: &str, token: String| (name.to_owned(), token);
    vec![
        named("nothing", String::new()),
        named("no token", "x".to_owned()),
        named("two parts", good.rsplit_once('.').unwrap().0.to_owned()),
        named("four parts", format!("{good}.x")),
        named("no base64", "a.b.ö".to_owned()),
        named("none", format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims))),
        named("none with a signature", bare(&|h| h["alg"] = json!("None"))),
        named("the public key as a secret", confused),
        named("another algorithm", bare(&|h| h["alg"] = json!("RS256"))),
        named("unknown key", signed(&claims, &|h| h.kid = Some("ny".to_owned()))),
        named("path as key", signed(&claims, &|h| h.kid = Some("../../dev/null".to_owned()))),
        named("jku", signed(&claims, &|h| h.jku = Some("https://example.org/keys".to_owned()))),
        named("x5u", signed(&claims, &|h| h.x5u = Some("https://example.org/cert".to_owned()))),
        named("jwk", bare(&|h| h["jwk"] = json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }))),
        named("crit", bare(&|h| h["crit"] = json!(["exp"]))),
        named("signature of another text", other_person),
        named("no signature", format!("{}.{}.", part(&header), part(&claims))),
        named("expired", with("exp", json!(now - 3600))),
        named("never expires", without("exp")),
        named("expires at a text", with("exp", json!("snart"))),
        named("not yet", with("nbf", json!(now + 3600))),
        named("issued tomorrow", with("iat", json!(now + 86_400))),
        named("another issuer", with("iss", json!("https://example.org"))),
        named("two issuers", with("iss", json!([app.config.auth.issuer, "https://example.org"]))),
        named("no issuer", without("iss")),
        named("another audience", with("aud", json!("annan"))),
        named("no audience", without("aud")),
        named("no subject", without("sub")),
        named("a member twice", duplicate),
        named("patient and staff", with(&app.config.auth.staff_person_claim, json!("se0000000001-stina"))),
        named("unknown person", with(&app.config.auth.patient_number_claim, json!("191212121212"))),
        named("no person", without(&app.config.auth.patient_number_claim)),
        named("huge", format!("{good}{}", "A".repeat(100_000))),
    ]
}

/// A65: whatever is wrong with a token, the answer is one and the same, before anything is read.
#[tokio::test]
async fn every_forged_or_malformed_token_is_refused_with_one_text() {
    let app = TestApp::new().await;
    let query = json!({ "query": "{ me { givenName } }" });
    let (good, statements) = app.statements(app.post(Some(&app.token(&app.world.p1.identity)), &query)).await;
    assert_eq!(good.ok().text("/me/givenName"), "Etta");
    assert!(!statements.is_empty());
    let mut bodies = Vec::new();
    for (what, token) in forged(&app) {
        let answer = app.post(Some(&token), &query).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.body);
        assert_eq!(answer.error_codes(), ["UNAUTHENTICATED"], "{what}");
        assert!(answer.body.get("data").is_none(), "{what}");
        bodies.push((what, answer.body));
    }
    assert!(bodies.len() > 30);
    for (what, body) in &bodies {
        assert_eq!(body, &bodies[0].1, "{what}");
    }
}

/// A65: the same token in another form of header, or twice, is no token.
#[tokio::test]
async fn a_token_in_another_header_form_is_refused() {
    use tower::ServiceExt;
    let app = TestApp::new().await;
    let token = app.token(&app.world.p1.identity);
    let forms: [&[String]; 5] = [
        &[format!("Basic {token}")],
        std::slice::from_ref(&token),
        &[format!("Bearer{token}")],
        &[format!("Bearer {token}"), format!("Bearer {token}")],
        &["Bearer".to_owned()],
    ];
    for form in forms {
        let mut request = axum::http::Request::post("/graphql")
            .header("content-type", "application/json")
            .header("accept", "application/graphql-response+json")
            .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9))));
        for value in form {
            request = request.header("authorization", value);
        }
        let request = request.body(axum::body::Body::from("{\"query\":\"{me{givenName}}\"}")).unwrap();
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 401, "{form:?}");
    }
}

/// A51: without a token every root field is UNAUTHENTICATED, and nothing happens.
#[tokio::test]
async fn without_a_token_every_root_field_is_unauthenticated_and_changes_nothing() {
    let s = Situation::new().await;
    let before = tables(&s.app).await;
    let unit = global(NodeKind::CareUnit, s.one.staff.unit);
    let kind = global(NodeKind::AppointmentType, s.app.world.visit);
    let queries = [
        ("careUnit", format!("{{ careUnit(id: \"{unit}\") {{ name }} }}")),
        (
            "freeSlots",
            format!(
                "{{ freeSlots(filter: {{ careUnitIds: [\"{unit}\"], appointmentTypeIds: [\"{kind}\"] }}) {{ nodes {{ id }} }} }}"
            ),
        ),
        (
            "schedulePreview",
            format!(
                "{{ schedulePreview(appointmentTypeId: \"{kind}\", pattern: {{ rule: \"FREQ=DAILY\", validFrom: \"2027-03-01\", \
                 block: {{ from: \"08:00\", until: \"10:00\" }} }}) {{ timeCount }} }}"
            ),
        ),
        ("me", "{ me { givenName } }".to_owned()),
        ("representing", "{ representing { kind } }".to_owned()),
        ("myAssignment", "{ myAssignment { id } }".to_owned()),
        ("node", format!("{{ node(id: \"{}\") {{ id }} }}", s.one.agreement)),
        ("questionBatteries", "{ questionBatteries { key } }".to_owned()),
        ("questionBattery", "{ questionBattery(key: \"pulse\") { key } }".to_owned()),
        ("patientGroups", "{ patientGroups { code } }".to_owned()),
        ("templates", "{ templates { key } }".to_owned()),
        (
            "patient",
            format!("{{ patient(number: \"{}\", reason: \"x\") {{ givenName }} }}", s.one.patient.number),
        ),
    ];
    let asked: Vec<String> = queries
        .iter()
        .map(|(name, _)| format!("Query.{name}"))
        .chain(mutations(&s.one, &s.one.staff).iter().map(|(name, _)| format!("Mutation.{name}")))
        .collect();
    let all = root_fields().await;
    // Listening needs a socket, and a socket a token.
    let missing: Vec<&String> =
        all.iter().filter(|f| !asked.contains(*f) && !f.starts_with("Subscription.")).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (name, query) in queries {
        let answer = s.app.run_anonymous(&query).await;
        assert_eq!(answer.error_codes(), ["UNAUTHENTICATED"], "{name}: {}", answer.body);
        assert_nothing_of(&s.one.patient, &answer);
    }
    for (mutation, mut input) in mutations(&s.one, &s.one.staff) {
        input["idempotencyKey"] = json!("ingen");
        let body = json!({ "query": document(mutation), "variables": { "input": input } });
        let answer = s.app.post(None, &body).await;
        assert_eq!(answer.error_codes(), ["UNAUTHENTICATED"], "{mutation}: {}", answer.body);
        assert_nothing_of(&s.one.patient, &answer);
    }
    assert_unchanged(&before, &tables(&s.app).await, "a request without a token");
}
