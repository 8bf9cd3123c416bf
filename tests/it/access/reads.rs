//! Reading as a patient: one's own and nothing else, by whatever door.

use futures_util::StreamExt;
use harness::Answer;
use patientkontrakt::{engine::Caller, graphql::scalars::NodeKind, http::graphql::Engine as _};
use serde_json::{Value, json};

use super::situation::{
    KINDS, ME, Situation, assert_nothing_of, global, log_length, logged, random, rows_about, traces,
};
use entity::access_event::{ActorKind, Outcome};

const NODE: &str = "query($id: ID!) { node(id: $id) { __typename id \
    ... on BatteryAnswerSet { answers { text comment } } \
    ... on Agreement { status goals { text } currentVersion { title } } ... on AgreementVersion { title } \
    ... on SafetyInstruction { text } ... on PlanLink { title } ... on AgreementOffer { answerWords } ... on AgreementRequest { why passes { reason } } \
    ... on Appointment { startsAt } ... on CareContact { name howToReach } \
    ... on ContactAbsence { message } ... on ContactOffer { words } ... on ContactRequest { why } ... on Goal { text } \
    ... on Patient { givenName threads { nodes { subject } } } ... on PlanItem { title } \
    ... on ReminderPreference { textShown } ... on Thread { subject messages { nodes { body } } } \
    ... on ThreadMessage { body } } }";

/// A01: the answer for another patient's agreement is the answer for an id that nothing has, by the same
/// statements; one entry in the log says that it was refused, and names nobody.
#[tokio::test]
async fn another_patients_agreement_looks_like_an_id_that_nothing_has_and_the_refusal_is_logged_once() {
    let s = Situation::new().await;
    let unknown = random(NodeKind::Agreement);
    let (nothing, plain) = s.app.statements(s.p1(NODE, json!({ "id": unknown }))).await;
    let before = log_length(&s.app).await;
    let (foreign, same) = s.app.statements(s.p1(NODE, json!({ "id": s.two.agreement }))).await;
    assert_eq!((foreign.status, &foreign.body), (nothing.status, &nothing.body));
    assert!(foreign.at("/node").is_null());
    assert_eq!(plain, same);
    let new = logged(&s.app, before).await;
    assert_eq!(new.len(), 1, "{new:?}");
    let event = &new[0].event;
    assert_eq!((event.outcome, event.action.as_str()), (Outcome::Denied, "node"));
    assert_eq!((event.actor_kind, event.actor_id), (ActorKind::Patient, Some(s.one.patient.id.0)));
    assert!(new[0].patients.is_empty());
}

/// A02: every id of another patient under every kind of object, and in every root field that takes an id.
#[tokio::test]
async fn no_id_of_another_patient_shows_anything_of_them_in_any_root_field() {
    let s = Situation::new().await;
    let rows = rows_about(&s.app, s.two.patient.id).await;
    for (own_kind, row) in &rows {
        for &kind in KINDS {
            let id = global(kind, *row);
            let answer = s.p1(NODE, json!({ "id": id })).await;
            let nothing = s.p1(NODE, json!({ "id": random(kind) })).await;
            assert_eq!(answer.body, nothing.body, "{own_kind:?} as {kind:?}");
            assert_nothing_of(&s.two.patient, &answer);
        }
        let id = global(*own_kind, *row);
        let document = "query($id: ID!) { careUnit(id: $id) { id name agreements { nodes { title } } } \
             freeSlots(filter: { careUnitIds: [$id], appointmentTypeIds: [$id] }) { nodes { id } } }";
        let answer = s.p1(document, json!({ "id": id })).await;
        assert!(answer.at("/careUnit").is_null());
        assert_eq!(answer.at("/freeSlots/nodes"), &json!([]));
    }
    let number = &s.two.patient.number;
    let document =
        "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"nyfiken\") { givenName } }";
    let answer = s.p1(document, json!({ "n": number })).await;
    assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
    assert_nothing_of(&s.two.patient, &answer);
    let own = s.p1(ME, json!({})).await.ok();
    assert_nothing_of(&s.two.patient, &own);
    assert_nothing_of(&s.three.patient, &own);
    assert!(!traces(&s.one.patient, &own.body.to_string()).is_empty());
}

/// A03: no list takes a patient; the one that can be filtered is closed to patients.
#[tokio::test]
async fn a_patient_has_no_list_of_patients_to_filter() {
    let s = Situation::new().await;
    for unit in [s.one.staff.unit, s.two.staff.unit] {
        let document = "query($u: ID!, $f: AgreementFilter) { careUnit(id: $u) { name \
             agreements(filter: $f) { totalCount nodes { title } } } }";
        let variables =
            json!({ "u": global(NodeKind::CareUnit, unit), "f": { "familyName": "Papegojsson" } });
        let answer = s.p1(document, variables).await;
        assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
        assert!(answer.at("/careUnit/agreements").is_null());
        // The rest is served.
        assert!(!answer.text("/careUnit/name").is_empty());
    }
}

/// A04: whatever can be reached from one's own objects is one's own.
#[tokio::test]
async fn no_path_from_ones_own_objects_leads_to_another_patient() {
    let s = Situation::new().await;
    let rows = rows_about(&s.app, s.one.patient.id).await;
    for (kind, row) in rows {
        let answer = s.p1(NODE, json!({ "id": global(kind, row) })).await;
        // What staff have to do is theirs.
        if [NodeKind::CallLogEntry, NodeKind::Task].contains(&kind) {
            assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
            continue;
        }
        let answer = answer.ok();
        if answer.at("/node").is_null() {
            continue;
        }
        assert_nothing_of(&s.two.patient, &answer);
        assert_nothing_of(&s.three.patient, &answer);
    }
}

/// What care givers write to each other about a patient is not that patient's conversation.
#[tokio::test]
async fn a_patient_does_not_see_what_care_givers_write_to_each_other() {
    let s = Situation::new().await;
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, s.two.staff.unit), "patientId": s.one.patient.global_id(),
        "kind": "CARE_CARE", "subject": "Mellan oss", "body": "Hemligt mellan enheter",
    });
    let started = super::situation::act(&s.app, &s.one.staff.identity, "threadStart", input).await.ok();
    let thread = started.text("/threadStart/thread/id");
    let message = started.text("/threadStart/thread/messages/nodes/0/id");
    for id in [thread, message] {
        let answer = s.p1(NODE, json!({ "id": id })).await.ok();
        assert!(answer.at("/node").is_null());
    }
    let me = s.p1(ME, json!({})).await.ok();
    assert_eq!(me.at("/me/threads/totalCount"), &json!(1));
    assert!(!me.body.to_string().contains("Mellan oss"));
}

const PAGES: [(&str, &str, &str); 4] = [
    ("threads", "", "subject"),
    ("timeline", "", "title"),
    ("appointments", "", "id"),
    ("threads(first: 1) { nodes { messages", " } }", "body"),
];

/// A list of `me` from a cursor on.
fn page(which: usize, after: &str) -> String {
    let (list, end, field) = PAGES[which];
    let after = serde_json::to_string(after).unwrap();
    format!(
        "{{ me {{ {list}(after: {after}) {{ edges {{ cursor node {{ {field} }} }} pageInfo {{ endCursor hasNextPage }} }}{end} }} }}"
    )
}

fn first_page(which: usize) -> String {
    let (list, end, field) = PAGES[which];
    format!("{{ me {{ {list} {{ edges {{ cursor node {{ {field} }} }} }}{end} }} }}")
}

fn cursors(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(cursor) if name == "cursor" => found.push(cursor.clone()),
                    other => cursors(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| cursors(item, found)),
        _ => {}
    }
}

/// A05: a cursor of another patient's list is only a place in one's own.
#[tokio::test]
async fn a_cursor_from_another_patients_list_gives_only_ones_own_rows() {
    let s = Situation::new().await;
    for which in 0..PAGES.len() {
        let theirs = s.app.run(&s.two.patient.identity, &first_page(which), json!({})).await.ok();
        let mut found = Vec::new();
        cursors(&theirs.body, &mut found);
        assert!(!found.is_empty(), "{}", theirs.body);
        for cursor in found {
            let answer = s.p1(&page(which, &cursor), json!({})).await;
            assert!(answer.status < 500);
            assert_nothing_of(&s.two.patient, &answer);
        }
    }
}

/// A06: what is not a cursor of ours is bad input, never a fault.
#[tokio::test]
async fn an_edited_cursor_is_bad_input_and_never_a_fault() {
    let s = Situation::new().await;
    for which in 0..PAGES.len() {
        let own = s.p1(&first_page(which), json!({})).await.ok();
        let mut found = Vec::new();
        cursors(&own.body, &mut found);
        let cursor = found.first().unwrap();
        let bent = [
            String::new(),
            "x".to_owned(),
            cursor[..cursor.len() - 3].to_owned(),
            format!("{cursor}AAAA"),
            cursor.chars().rev().collect(),
            "bnVsbA".repeat(50),
            "eyJhdCI6IjIwMjciLCJpZCI6Ijs7RFJPUCJ9".to_owned(),
            "\u{0}".to_owned(),
            "åäö".to_owned(),
        ];
        for cursor in bent {
            let answer = s.p1(&page(which, &cursor), json!({})).await;
            assert!(answer.status < 500, "{cursor:?}: {}", answer.body);
            assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{which} {cursor:?}: {}", answer.body);
        }
    }
}

/// A07: what is counted is what is shown.
#[tokio::test]
async fn counts_and_page_marks_count_ones_own_rows_only() {
    let s = Situation::new().await;
    let document = "{ me { threads(first: 1) { totalCount pageInfo { hasNextPage } \
         nodes { unreadCount messages { totalCount pageInfo { hasNextPage } } } } \
         appointments { totalCount pageInfo { hasNextPage } } timeline { totalCount pageInfo { hasNextPage } } } }";
    let answer = s.p1(document, json!({})).await.ok();
    let expected = json!({ "me": {
        "threads": { "totalCount": 1, "pageInfo": { "hasNextPage": false }, "nodes": [{ "unreadCount": 1,
            "messages": { "totalCount": 2, "pageInfo": { "hasNextPage": false } } }] },
        "appointments": { "totalCount": 1, "pageInfo": { "hasNextPage": false } },
        "timeline": { "totalCount": 2, "pageInfo": { "hasNextPage": false } },
    }});
    assert_eq!(answer.body["data"], expected);
}

/// A16: an id of one kind used as another is an id that nothing has.
#[tokio::test]
async fn an_id_of_one_kind_used_as_another_is_found_nowhere() {
    let s = Situation::new().await;
    for (kind, row) in rows_about(&s.app, s.one.patient.id).await {
        for other in KINDS.iter().copied().filter(|other| *other != kind) {
            let answer = s.p1(NODE, json!({ "id": global(other, row) })).await;
            assert!(answer.body.pointer("/data/node").is_none_or(Value::is_null), "{kind:?} as {other:?}");
        }
    }
}

/// A17: an id has one form.
#[tokio::test]
async fn an_id_in_another_form_is_found_nowhere_and_is_never_a_fault() {
    let s = Situation::new().await;
    let id = &s.one.goal;
    let (prefix, hex) = id.split_once('_').unwrap();
    let uuid = uuid::Uuid::parse_str(hex).unwrap();
    let forms = [
        id.to_uppercase(),
        format!("{{{id}}}"),
        format!("{prefix}_{{{uuid}}}"),
        format!(" {id}"),
        format!("{id} "),
        format!("{id}\u{0}"),
        format!("{prefix}_{uuid}"),
        hex.to_owned(),
        format!("{id}' OR '1'='1"),
        String::new(),
        "_".to_owned(),
        "å".repeat(2_000),
    ];
    for form in forms {
        let answer = s.p1(NODE, json!({ "id": form })).await;
        assert_eq!(answer.status, 200, "{form:?}: {}", answer.body);
        assert!(answer.at("/node").is_null(), "{form:?}");
    }
    assert_eq!(s.p1(NODE, json!({ "id": id })).await.ok().text("/node/id"), *id);
}

/// A18: in one request, each id has its own answer; beyond the limit nothing is answered.
#[tokio::test]
async fn aliases_that_mix_own_and_others_ids_give_the_own_and_null_for_the_others() {
    let s = Situation::new().await;
    let ask = |n: usize| {
        let fields: Vec<String> = (0..n)
            .map(|i| {
                let id = if i % 2 == 0 { &s.one.goal } else { &s.two.goal };
                format!("a{i}: node(id: \"{id}\") {{ ... on Goal {{ text }} }}")
            })
            .collect();
        format!("{{ {} }}", fields.join(" "))
    };
    let answer = s.p1(&ask(20), json!({})).await.ok();
    for i in 0..20 {
        let node = answer.at(&format!("/a{i}"));
        if i % 2 == 0 {
            assert!(node["text"].as_str().unwrap().contains(s.one.patient.canary));
        } else {
            assert!(node.is_null());
        }
    }
    assert_nothing_of(&s.two.patient, &answer);
    let refused = s.p1(&ask(50), json!({})).await;
    assert_eq!(refused.error_codes(), ["LIMIT_EXCEEDED"]);
    assert!(refused.body.get("data").is_none());
    // Below the root there are more: fifty names for one's own field.
    let fields: Vec<String> = (0..50).map(|i| format!("t{i}: text")).collect();
    let document =
        format!("query($id: ID!) {{ node(id: $id) {{ ... on Goal {{ {} }} }} }}", fields.join(" "));
    let own = s.p1(&document, json!({ "id": s.one.goal })).await.ok();
    assert!(own.text("/node/t49").contains(s.one.patient.canary));
    assert!(s.p1(&document, json!({ "id": s.two.goal })).await.ok().at("/node").is_null());
}

/// A19: listening to another patient's agreement fails at once, and the refusal is logged.
#[tokio::test]
async fn subscribing_to_another_patients_agreement_is_an_error_at_once() {
    let s = Situation::new().await;
    let token = s.app.token(&s.one.patient.identity);
    let headers = axum::http::HeaderMap::from_iter([(
        axum::http::header::AUTHORIZATION,
        format!("Bearer {token}").parse().unwrap(),
    )]);
    let caller: Caller = s.app.service.authenticate(&headers).await.unwrap();
    let mut bodies = Vec::new();
    for id in [s.two.agreement.clone(), random(NodeKind::Agreement), s.one.goal.clone()] {
        let before = log_length(&s.app).await;
        let query =
            format!("subscription {{ agreementChanged(agreementId: \"{id}\") {{ id goals {{ text }} }} }}");
        let answers: Vec<_> =
            s.app.service.execute_stream(caller.clone(), async_graphql::Request::new(query)).collect().await;
        assert_eq!(answers.len(), 1, "{answers:?}");
        assert!(answers[0].is_err());
        let body = serde_json::to_value(&answers[0]).unwrap();
        let answer = Answer { status: 200, body };
        assert_eq!(answer.error_codes(), ["NOT_FOUND"]);
        assert_nothing_of(&s.two.patient, &answer);
        bodies.push(answer.body);
        let new = logged(&s.app, before).await;
        assert_eq!(new.len(), 1);
        assert_eq!(
            (new[0].event.outcome, new[0].event.action.as_str()),
            (Outcome::Denied, "agreementChanged")
        );
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
}

/// A42: the work note is null with FORBIDDEN for the patient; everything around it is served.
#[tokio::test]
async fn a_field_for_staff_alone_is_null_with_forbidden_and_the_rest_is_served() {
    let s = Situation::new().await;
    let document = "query($id: ID!) { node(id: $id) { ... on PlanItem { title workNote } } }";
    let answer = s.p1(document, json!({ "id": s.one.item })).await;
    assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
    assert!(answer.at("/node/workNote").is_null());
    assert!(answer.text("/node/title").contains(s.one.patient.canary));
    let staff = s.s1(document, json!({ "id": s.one.item })).await.ok();
    assert!(staff.text("/node/workNote").contains("Arbetsanteckning"));
}
