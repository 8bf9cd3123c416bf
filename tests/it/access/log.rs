//! The logs: the access log holds every access, or nothing is served; the application's log holds no person.

use std::time::Duration;

use entity::{
    PatientId,
    access_event::{ActorKind, Outcome},
    patient,
};
use harness::{TestApp, TestPatient, relate};
use patientkontrakt::{
    auth::token::Identity,
    config::{Log, LogFormat},
    graphql::scalars::NodeKind,
    telemetry,
};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, Statement};
use serde_json::{Value, json};

use super::situation::{
    ME, Situation, act, assert_nothing_of, assert_unchanged, document, global, log_length, logged, mutations,
    tables, traces,
};

const PATIENT: &str =
    "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"Återbesök\") { givenName } }";

/// A52: an entry says who, under which unit, whom, what, when, and why.
#[tokio::test]
async fn opening_a_record_is_logged_with_who_whom_unit_action_time_and_reason() {
    let s = Situation::new().await;
    let start = log_length(&s.app).await;
    s.s1(PATIENT, json!({ "n": s.one.patient.number })).await.ok();
    let new = logged(&s.app, start).await;
    assert_eq!(new.len(), 1, "{new:?}");
    let event = &new[0].event;
    assert_eq!(event.actor_kind, ActorKind::Staff);
    assert_eq!(event.actor_id, Some(s.one.staff.assignment.0));
    assert_eq!(event.care_unit_id, Some(s.one.staff.unit));
    assert_eq!(event.acting_for, None);
    assert_eq!((event.action.as_str(), event.outcome), ("patient", Outcome::Allowed));
    assert_eq!(event.at, s.app.clock.now());
    assert!(!event.request_id.is_empty() && !event.hash.is_empty());
    assert_eq!(new[0].patients, [s.one.patient.id]);
    // The reason is kept, sealed: no word of it is to be read in the table.
    let words = event.words.as_ref().unwrap();
    assert!(!String::from_utf8_lossy(&words.0).contains("besök"));
}

/// A patient at the first unit who exists in the tables only.
async fn listed(app: &TestApp, number: usize) -> TestPatient {
    let (id, like) = (PatientId(app.clock.uuid()), &app.world.p1);
    let row = patient::Model {
        id,
        care_unit_id: like.unit,
        care_provider_id: like.provider,
        given_name: "Lista".to_owned(),
        family_name: format!("Nummer{number}"),
        name_search: format!("nummer{number} lista"),
        birth_date: chrono::NaiveDate::from_ymd_opt(1980, 1, 1).unwrap(),
        language: "sv".to_owned(),
        protected_identity: patient::ProtectedIdentity::None,
        interpreter_language: None,
        access_needs: None,
        deceased_on: None,
        source: "OWN".to_owned(),
        created_at: app.clock.now(),
        row_version: 1,
    };
    row.into_active_model().insert(app.core.db.reader()).await.unwrap();
    let identity = Identity::Patient { number: String::new() };
    TestPatient { identity, id, ..like.clone() }
}

/// A53: a list of twenty patients names all twenty, and no one who was not on the page.
#[tokio::test]
async fn a_list_of_twenty_patients_logs_twenty() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let mut shown = Vec::new();
    for number in 0..25 {
        let patient = listed(&app, number).await;
        relate(&app.core, s1, &patient).await;
        let input = json!({ "patientId": patient.global_id(), "title": "Plan" });
        act(&app, &s1.identity, "agreementCreate", input).await.ok();
        shown.push(patient.id);
    }
    let start = log_length(&app).await;
    let document = "query($u: ID!) { careUnit(id: $u) { agreements(first: 20, filter: { status: DRAFT }) \
         { totalCount nodes { patient { id } } } } }";
    let answer =
        app.run(&s1.identity, document, json!({ "u": global(NodeKind::CareUnit, s1.unit) })).await.ok();
    let nodes = answer.at("/careUnit/agreements/nodes").as_array().unwrap();
    assert_eq!((nodes.len(), answer.at("/careUnit/agreements/totalCount")), (20, &json!(25)));
    let mut expected: Vec<String> =
        nodes.iter().map(|n| n["patient"]["id"].as_str().unwrap().to_owned()).collect();
    let new = logged(&app, start).await;
    assert_eq!(new.len(), 1);
    assert_eq!(new[0].event.action, "careUnit");
    let mut found: Vec<String> = new[0].patients.iter().map(|id| global(NodeKind::Patient, id.0)).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

/// A54: whatever door a patient's data come through, the patient is in the log.
#[tokio::test]
async fn every_object_that_is_read_logs_its_patient() {
    let s = Situation::new().await;
    for (kind, row) in super::situation::rows_about(&s.app, s.one.patient.id).await {
        let start = log_length(&s.app).await;
        let answer =
            s.s1("query($id: ID!) { node(id: $id) { id } }", json!({ "id": global(kind, row) })).await.ok();
        let new = logged(&s.app, start).await;
        if answer.at("/node").is_null() {
            continue;
        }
        assert_eq!(new.len(), 1, "{kind:?}: {new:?}");
        assert_eq!((new[0].event.outcome, &new[0].patients), (Outcome::Allowed, &vec![s.one.patient.id]));
        assert_eq!(new[0].event.action, "node", "{kind:?}");
    }
    // A write's answer that shows more than it wrote is one entry too.
    let start = log_length(&s.app).await;
    let input = json!({ "threadId": s.one.thread, "body": "Hej" });
    act(&s.app, &s.one.staff.identity, "messageSend", input).await.ok();
    let new = logged(&s.app, start).await;
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0].event.action, "messageSend");
}

/// The action in the log is what was asked, whatever the form of the document.
#[tokio::test]
async fn the_log_names_the_root_fields_also_through_fragments_and_of_the_chosen_operation() {
    let s = Situation::new().await;
    let token = s.app.token(&s.one.patient.identity);
    let bodies = [
        json!({ "query": "{ ...F } fragment F on Query { me { givenName } }" }),
        json!({ "query": "{ ... on Query { me { givenName } } }" }),
        json!({ "query": "{ another: me { givenName } }" }),
        json!({ "query": "query A { me { givenName } } query B { myAssignment { id } } query C { node(id: \"x\") { id } }",
                "operationName": "A" }),
    ];
    for body in bodies {
        for _ in 0..4 {
            let start = log_length(&s.app).await;
            s.app.post(Some(&token), &body).await.ok();
            let new = logged(&s.app, start).await;
            assert_eq!(new.len(), 1, "{body}");
            assert_eq!(new[0].event.action, "me", "{body}");
        }
    }
}

/// Makes the access log refuse every new entry.
async fn close_log(app: &TestApp) {
    let db = app.core.db.reader();
    let statements: &[&str] = if app.core.db.is_sqlite() {
        &["CREATE TRIGGER no_room BEFORE INSERT ON access_event BEGIN SELECT RAISE(ABORT, 'no room'); END"]
    } else {
        &[
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$",
            "CREATE TRIGGER no_room BEFORE INSERT ON access_event FOR EACH ROW EXECUTE FUNCTION no_room()",
        ]
    };
    for sql in statements {
        db.execute_unprepared(sql).await.unwrap();
    }
}

/// A57: where the log cannot be written, nothing is read and nothing is done.
#[tokio::test]
async fn when_the_log_cannot_be_written_nothing_is_served_and_nothing_is_changed() {
    let s = Situation::new().await;
    // One message of the patient before: the next one in a row has a way of its own on PostgreSQL.
    let input = json!({ "threadId": s.one.thread, "body": "Först" });
    act(&s.app, &s.one.patient.identity, "messageSend", input).await.ok();
    let before = tables(&s.app).await;
    close_log(&s.app).await;
    let unit = global(NodeKind::CareUnit, s.one.staff.unit);
    let list = format!("{{ careUnit(id: \"{unit}\") {{ agreements {{ nodes {{ title }} }} }} }}");
    let node = format!("{{ node(id: \"{}\") {{ ... on Goal {{ text }} }} }}", s.one.goal);
    let foreign = format!("{{ node(id: \"{}\") {{ ... on Goal {{ text }} }} }}", s.two.goal);
    for (who, query, variables) in [
        (&s.one.patient.identity, ME, json!({})),
        (&s.one.patient.identity, node.as_str(), json!({})),
        (&s.one.patient.identity, foreign.as_str(), json!({})),
        (&s.one.staff.identity, PATIENT, json!({ "n": s.one.patient.number })),
        (&s.one.staff.identity, list.as_str(), json!({})),
    ] {
        let answer = s.app.run(who, query, variables).await;
        assert_eq!((answer.status, answer.error_codes()), (503, vec!["UNAVAILABLE".to_owned()]), "{query}");
        assert_nothing_of(&s.one.patient, &answer);
        assert!(answer.body.get("data").is_none_or(Value::is_null), "{}", answer.body);
    }
    for (mutation, mut input) in mutations(&s.one, &s.one.staff) {
        for who in [&s.one.patient.identity, &s.one.staff.identity] {
            input["idempotencyKey"] = json!(uuid::Uuid::new_v4().to_string());
            let answer = s.app.run(who, &document(mutation), json!({ "input": input.clone() })).await;
            let codes = answer.error_codes();
            // Refused before anything is read, for a reason that tells nothing of a patient.
            let refused = answer.status == 200 && !answer.body.to_string().contains(s.one.patient.canary);
            assert!(
                codes == ["UNAVAILABLE"] && answer.status == 503 || refused,
                "{mutation}: {}",
                answer.body
            );
            assert_nothing_of(&s.one.patient, &answer);
            assert_unchanged(&before, &tables(&s.app).await, mutation);
        }
    }
}

/// A58: what is in the log stays there, as it was written.
#[tokio::test]
async fn the_database_refuses_to_change_or_remove_what_is_logged() {
    let s = Situation::new().await;
    let db = s.app.core.db.reader();
    let before = logged(&s.app, 0).await;
    assert!(before.len() > 5);
    for sql in [
        "UPDATE access_event SET action = 'annat'",
        "UPDATE access_event SET outcome = 'ALLOWED'",
        "DELETE FROM access_event",
        "UPDATE access_event_patient SET patient_id = event_id",
        "DELETE FROM access_event_patient",
        "DELETE FROM access_event WHERE seq = 1",
    ] {
        let run = db.execute_raw(Statement::from_string(db.get_database_backend(), sql)).await;
        assert!(run.is_err(), "{sql}");
    }
    let after = logged(&s.app, 0).await;
    let plain = |entries: &[super::situation::Logged]| {
        entries.iter().map(|e| (e.event.clone(), e.patients.clone())).collect::<Vec<_>>()
    };
    assert_eq!(plain(&before), plain(&after));
    assert_eq!(entity::access_event::Entity::find().all(db).await.unwrap().len(), before.len());
}

/// What a person could write to break a line of a log: it ends a line, begins another, colours, hides, runs.
const INJECTION: &str = "kanarie-ett\n{\"level\":\"ERROR\",\"message\":\"forged\"}\r\n\u{1b}[31mred\u{1b}[0m\u{0007}${jndi:ldap://x}";

/// The form in which the child process logs.
const FORMAT: &str = "PK_TEST_LOG_FORMAT";
/// Before each word that the child process forbids itself.
const SECRET: &str = "not to be logged: ";

/// A59, A80: at the most talkative level, nothing that was asked, sent or stored is in the application's log, and
/// nobody can write a line of it. The service runs in a process of its own, so that its log is all that process says.
#[tokio::test]
async fn the_applications_log_holds_no_person_and_no_line_that_a_caller_wrote() {
    for format in ["json", "text"] {
        let run = tokio::process::Command::new(std::env::current_exe().unwrap())
            .args(["access::log::everything_that_can_be_logged", "--exact", "--ignored", "--nocapture"])
            .env(FORMAT, format)
            .kill_on_drop(true)
            .output();
        let run = tokio::time::timeout(Duration::from_mins(5), run).await.unwrap().unwrap();
        let (told, text) = (String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap());
        assert!(run.status.success(), "{told}{text}");
        // The test runner may write before a line of ours.
        let secrets: Vec<String> = told
            .lines()
            .filter_map(|line| line.split_once(SECRET).map(|(_, word)| word.to_lowercase()))
            .collect();
        assert!(secrets.len() > 15, "{told}");
        assert!(text.lines().count() > 100, "too little was logged: {text}");
        for word in ["token refused", "request failed", "\"path\":\"other\"", "path=\"other\"", "503"] {
            let other_form = word.starts_with(if format == "json" { "path=" } else { "\"path" });
            assert!(other_form || text.contains(word), "{word} is not in the {format} log");
        }
        for line in text.lines() {
            let lower = line.to_lowercase();
            let found: Vec<&String> = secrets.iter().filter(|word| lower.contains(word.as_str())).collect();
            assert!(found.is_empty(), "{found:?} in {line}");
            assert!(!line.contains("forged") && !line.contains("jndi"), "{line}");
            assert!(!line.contains('\u{1b}') && !line.contains('\u{7}'), "{line:?}");
            if format == "json" {
                let parsed: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                assert!(parsed["level"].is_string(), "{line}");
            } else {
                let stamp = line.split_whitespace().next().unwrap_or_default();
                assert!(chrono::DateTime::parse_from_rfc3339(stamp).is_ok(), "{line}");
            }
        }
    }
}

#[tokio::test]
#[ignore = "runs in a process of its own, started by the test above"]
async fn everything_that_can_be_logged() {
    let json = std::env::var(FORMAT).unwrap() == "json";
    let format = if json { LogFormat::Json } else { LogFormat::Text };
    telemetry::init(&Log { level: "trace".to_owned(), format }).unwrap();
    for secret in noisy_run().await {
        println!("{SECRET}{secret}");
    }
}

/// Everything that can go well and wrong, with telling texts everywhere; answers what must not be logged.
async fn noisy_run() -> Vec<String> {
    use tower::ServiceExt;
    let s = Situation::new().await;
    let (p1, s1) = (&s.one.patient.identity, &s.one.staff.identity);
    s.p1(ME, json!({})).await.ok();
    s.p1(ME, json!({ "odd": INJECTION })).await;
    for (mutation, input) in mutations(&s.one, &s.one.staff) {
        act(&s.app, p1, mutation, input.clone()).await;
        act(&s.app, s1, mutation, input.clone()).await;
        // The same with a bent text in every field.
        let bent: Value = input.as_object().unwrap().keys().map(|k| (k.clone(), json!(INJECTION))).collect();
        act(&s.app, p1, mutation, bent).await;
        for (field, value) in input.as_object().unwrap() {
            if value.is_string() {
                let mut one = input.clone();
                one[field] = json!(INJECTION);
                act(&s.app, s1, mutation, one).await;
            }
        }
    }
    let number = &s.one.patient.number;
    s.s1(PATIENT, json!({ "n": number })).await;
    s.s1(PATIENT, json!({ "n": INJECTION })).await;
    s.p1(&format!("{{ node(id: \"{number}\") {{ id }} }}"), json!({})).await;
    s.p1(&format!("{{ me {{ kanarie_{number} }} }}"), json!({})).await;
    s.p1(&format!("query Kanarie_{number} {{ me {{ givenName }} }}"), json!({})).await;
    s.p1("{ not graphql kanarie-ett", json!({})).await;
    let token = s.app.token(p1);
    for (path, header, value) in [
        ("/graphql", "x-request-id", format!("kanarie-ett-{number}")),
        ("/graphql", "user-agent", "kanarie-ett".to_owned()),
        ("/graphql", "accept-language", "kanarie-ett".to_owned()),
        ("/graphql", "traceparent", "kanarie-ett".to_owned()),
        ("/graphql", "authorization", format!("Bearer {token}x")),
        (
            "/graphql?query=%7Bme%7BgivenName%7D%7D&kanarie-ett",
            "accept",
            "kanarie-ett/kanarie-ett".to_owned(),
        ),
        ("/kanarie-ett/198202282382", "accept", "*/*".to_owned()),
    ] {
        let from = axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9)));
        let request = axum::http::Request::get(path).header(header, value).extension(from);
        let request = request.body(axum::body::Body::empty()).unwrap();
        s.app.router.clone().oneshot(request).await.unwrap();
    }
    close_log(&s.app).await;
    s.p1(ME, json!({})).await;
    act(&s.app, p1, "messageSend", json!({ "threadId": s.one.thread, "body": "Hej kanarie-ett" })).await;
    let signature = token.rsplit('.').next().unwrap().to_owned();
    let mut secrets = vec![
        token,
        signature,
        "46701740605".to_owned(),
        "example.se".to_owned(),
        "Kanariesson".to_owned(),
        "Papegojsson".to_owned(),
        "Stina".to_owned(),
        "Meddelande ".to_owned(),
    ];
    for patient in [&s.one.patient, &s.two.patient, &s.three.patient] {
        secrets.extend(traces(patient, &format!("{} {}", patient.canary, patient.number)));
        secrets.push(format!("{}-{}", &patient.number[2..8], &patient.number[8..]));
        secrets.push(patient.number[2..].to_owned());
    }
    secrets
}

/// A60.
#[tokio::test]
async fn a_patient_sees_unit_and_time_of_every_access_to_their_own_data_and_staff_do_not() {
    let app = TestApp::new().await;
    let (p1, p2, s1) = (&app.world.p1, &app.world.p2, &app.world.s1);
    harness::relate(&app.core, s1, p1).await;
    let open =
        "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"kontroll\") { givenName } }";
    app.run(&s1.identity, open, json!({ "n": p1.number })).await.ok();
    let log = "{ me { accessLog(first: 5) { nodes { at by unitName action outcome message } } } }";
    let own = app.run(&p1.identity, log, json!({})).await.ok();
    assert_eq!(own.text("/me/accessLog/nodes/0/unitName"), "Vårdcentralen Granen");
    assert_eq!(own.text("/me/accessLog/nodes/0/action"), "patient");
    assert_eq!(own.text("/me/accessLog/nodes/0/by"), "STAFF");
    assert_eq!(own.text("/me/accessLog/nodes/0/outcome"), "ALLOWED");
    let message = own.text("/me/accessLog/nodes/0/message");
    assert_eq!(message, "Personal på Vårdcentralen Granen tog del av dina uppgifter.");
    assert_eq!(own.at("/me/accessLog/nodes").as_array().unwrap().len(), 1);
    let other = app.run(&p2.identity, log, json!({})).await.ok();
    assert_eq!(other.at("/me/accessLog/nodes").as_array().unwrap().len(), 0);
    let staff = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"kontroll\") { accessLog { nodes { at } } } }";
    let refused = app.run(&s1.identity, staff, json!({ "n": p1.number })).await;
    assert_eq!(refused.error_codes(), ["FORBIDDEN"]);
}
