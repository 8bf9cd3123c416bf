//! Reading as staff: the own unit, patients with a care relation, and what the role allows.

use std::{net::SocketAddr, time::Duration};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{AssignmentId, assignment, care_relation};
use futures_util::{SinkExt as _, StreamExt as _};
use harness::Staff;
use patientkontrakt::{
    auth::token::Identity,
    graphql::scalars::NodeKind,
    http::graphql::{AuthFailure, Engine},
};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use serde_json::json;
use tokio::{net::TcpListener, time::timeout};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};

use super::situation::{
    KINDS, Situation, act, assert_nothing_of, assert_unchanged, global, mutations, random, rows_about, tables,
};

const NODE: &str = "query($id: ID!) { node(id: $id) { __typename id ... on Goal { text } \
    ... on Patient { givenName } ... on Thread { subject } ... on Agreement { currentVersion { title } } } }";
const PATIENT: &str = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"vård\") { id givenName familyName } }";
const LIST: &str = "query($u: ID!, $f: AgreementFilter, $c: String) { careUnit(id: $u) { agreements(filter: $f, \
    after: $c) { totalCount pageInfo { hasNextPage endCursor } nodes { id title patient { familyName } \
    nextStep { title } } } } }";

/// A22: without a care relation there is nothing, whether the patient exists or not.
#[tokio::test]
async fn staff_without_a_care_relation_find_nothing_of_the_patient() {
    let s = Situation::new().await;
    let unknown = s.s1(PATIENT, json!({ "n": "19121212-1212" })).await.ok();
    for other in [&s.two, &s.three] {
        let answer = s.s1(PATIENT, json!({ "n": other.patient.number })).await.ok();
        assert_eq!(answer.body, unknown.body);
        for (own_kind, row) in rows_of(&s, other).await {
            for &kind in KINDS {
                let answer = s.s1(NODE, json!({ "id": global(kind, row) })).await;
                let nothing = s.s1(NODE, json!({ "id": random(kind) })).await;
                assert_eq!(answer.body, nothing.body, "{own_kind:?} as {kind:?}");
                assert_nothing_of(&other.patient, &answer);
            }
        }
    }
}

async fn rows_of(s: &Situation, of: &super::situation::Record) -> Vec<(NodeKind, uuid::Uuid)> {
    if of.appointment.is_some() {
        return rows_about(&s.app, of.patient.id).await;
    }
    let id = |text: &str| text.parse::<patientkontrakt::graphql::scalars::GlobalId>().unwrap();
    [&of.agreement, &of.version, &of.goal, &of.item, &of.contact, &of.thread, &of.message]
        .map(|text| (id(text).kind, id(text).id))
        .to_vec()
}

/// A08: a filter cannot be used to ask about people of other units.
#[tokio::test]
async fn a_filter_on_names_of_other_units_answers_and_works_as_for_a_name_that_nobody_has() {
    let s = Situation::new().await;
    let ask = |name: &str| json!({ "u": global(NodeKind::CareUnit, s.one.staff.unit), "f": { "familyName": name } });
    let (foreign, statements) = s.app.statements(s.s1(LIST, ask("Papegojsson"))).await;
    let (nobody, same) = s.app.statements(s.s1(LIST, ask("Ingensson"))).await;
    assert_eq!(foreign.body, nobody.body);
    assert_eq!(statements, same);
    assert_eq!(foreign.clone().ok().at("/careUnit/agreements/totalCount"), &json!(0));
    for wild in ["%", "_", "Papegoj%", "' OR 1=1 --", "\\", "!"] {
        let answer = s.s1(LIST, ask(wild)).await.ok();
        assert_eq!(answer.at("/careUnit/agreements/totalCount"), &json!(0), "{wild}");
    }
    let own = s.s1(LIST, ask("KANARIE")).await.ok();
    assert_eq!(own.at("/careUnit/agreements/totalCount"), &json!(1));
}

/// A28: a list is the own unit's, of patients with a relation in force; another unit's is closed.
#[tokio::test]
async fn a_list_without_a_filter_shows_the_own_unit_and_relations_in_force_only() {
    let s = Situation::new().await;
    let ask = |unit| json!({ "u": global(NodeKind::CareUnit, unit) });
    let own = s.s1(LIST, ask(s.one.staff.unit)).await.ok();
    assert_eq!(own.at("/careUnit/agreements/totalCount"), &json!(1));
    assert_eq!(own.text("/careUnit/agreements/nodes/0/id"), s.one.agreement);
    assert_nothing_of(&s.two.patient, &own);
    for other in [&s.two, &s.three] {
        let answer = s.s1(LIST, ask(other.staff.unit)).await;
        assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
        assert!(answer.at("/careUnit/agreements").is_null());
        assert_nothing_of(&other.patient, &answer);
    }
    care_relation::Entity::update_many()
        .col_expr(care_relation::Column::ValidUntil, Expr::value(s.app.clock.now()))
        .filter(care_relation::Column::PatientId.eq(s.one.patient.id))
        .exec(s.app.core.db.reader())
        .await
        .unwrap();
    let ended = s.s1(LIST, ask(s.one.staff.unit)).await.ok();
    assert_eq!(ended.at("/careUnit/agreements/totalCount"), &json!(0));
    assert_eq!(ended.at("/careUnit/agreements/nodes"), &json!([]));
    assert!(s.s1(PATIENT, json!({ "n": s.one.patient.number })).await.ok().at("/patient").is_null());
}

/// A05, A06 for staff: a cursor of another unit's list is only a place; what is no cursor is bad input.
#[tokio::test]
async fn a_cursor_of_another_units_list_gives_only_the_own_units_rows() {
    let s = Situation::new().await;
    let theirs = json!({ "u": global(NodeKind::CareUnit, s.two.staff.unit) });
    let theirs = s.app.run(&s.two.staff.identity, LIST, theirs).await.ok();
    let cursor = theirs.text("/careUnit/agreements/pageInfo/endCursor");
    let ask = |cursor: &str| json!({ "u": global(NodeKind::CareUnit, s.one.staff.unit), "c": cursor });
    let answer = s.s1(LIST, ask(&cursor)).await.ok();
    assert_nothing_of(&s.two.patient, &answer);
    for bent in ["x", "", &cursor[1..], "åäö"] {
        let answer = s.s1(LIST, ask(bent)).await;
        assert_eq!(answer.error_codes(), ["BAD_USER_INPUT"], "{bent:?}: {}", answer.body);
        assert!(answer.status < 500);
    }
}

/// A second assignment of the same person, at another unit.
async fn second_assignment(s: &Situation, of: &Staff, at: &Staff) -> Identity {
    let db = s.app.core.db.reader();
    let first = assignment::Entity::find_by_id(of.assignment).one(db).await.unwrap().unwrap();
    let row = assignment::Model {
        id: AssignmentId(s.app.clock.uuid()),
        care_unit_id: at.unit,
        care_provider_id: at.provider,
        hsa_id: "se0000000001-stina-uppdrag-2".to_owned(),
        valid_from: s.app.clock.now() - TimeDelta::days(1),
        ..first
    };
    row.into_active_model().insert(db).await.unwrap();
    let Identity::Staff { person, .. } = &of.identity else { panic!("no staff") };
    Identity::Staff { person: person.clone(), assignment: Some("SE0000000001-stina-uppdrag-2".to_owned()) }
}

/// A29: of two assignments the one that the token names decides; none named, nobody is let in.
#[tokio::test]
async fn of_two_assignments_only_the_chosen_ones_unit_is_seen() {
    let s = Situation::new().await;
    let chosen = second_assignment(&s, &s.one.staff, &s.two.staff).await;
    let ask = |unit| json!({ "u": global(NodeKind::CareUnit, unit) });
    let own = s.app.run(&chosen, LIST, ask(s.two.staff.unit)).await.ok();
    assert_eq!(own.text("/careUnit/agreements/nodes/0/id"), s.two.agreement);
    assert_nothing_of(&s.one.patient, &own);
    let other = s.app.run(&chosen, LIST, ask(s.one.staff.unit)).await;
    assert_eq!(other.error_codes(), ["FORBIDDEN"]);
    let number = json!({ "n": s.one.patient.number });
    assert!(s.app.run(&chosen, PATIENT, number.clone()).await.ok().at("/patient").is_null());
    assert_eq!(s.s1(PATIENT, number).await.ok().text("/patient/givenName"), "Etta");
    let Identity::Staff { person, .. } = chosen else { panic!("no staff") };
    for assignment in [None, Some("se0000000001-sven-uppdrag".to_owned())] {
        let nobody = Identity::Staff { person: person.clone(), assignment };
        let answer = s.app.run(&nobody, LIST, ask(s.two.staff.unit)).await;
        assert_eq!((answer.status, answer.error_codes()), (401, vec!["UNAUTHENTICATED".to_owned()]));
    }
}

/// Ends the assignment of S1 at `end`.
async fn end_assignment(s: &Situation, end: DateTime<Utc>) {
    let ended = assignment::Entity::update_many()
        .col_expr(assignment::Column::ValidUntil, Expr::value(end))
        .filter(assignment::Column::Id.eq(s.one.staff.assignment))
        .exec(s.app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(ended.rows_affected, 1);
}

/// A20, A27: whoever has left a unit is refused within a minute, though the token lasts and a socket is open. A socket
/// asks every five seconds who its caller is now.
#[tokio::test]
async fn an_assignment_that_is_ended_opens_nothing_after_a_minute_though_the_token_lasts() {
    let s = Situation::new().await;
    let ask = json!({ "u": global(NodeKind::CareUnit, s.one.staff.unit) });
    let bearer = format!("Bearer {}", s.app.token(&s.one.staff.identity)).parse().unwrap();
    let socket = s.app.service.authenticate(&HeaderMap::from_iter([(AUTHORIZATION, bearer)])).await.unwrap();
    s.s1(LIST, ask.clone()).await.ok();
    end_assignment(&s, s.app.clock.now()).await;
    s.app.clock.advance(TimeDelta::seconds(55));
    let refused = s.s1(LIST, ask).await;
    assert_eq!((refused.status, refused.error_codes()), (401, vec!["UNAUTHENTICATED".to_owned()]));
    assert_nothing_of(&s.one.patient, &refused);
    assert_eq!(s.app.service.again(&socket).await.unwrap_err(), AuthFailure::Invalid);
}

/// A20, A27: the socket of somebody who has left is closed, though the token lasts and nothing happens on it.
#[tokio::test]
async fn a_socket_is_closed_when_the_assignment_of_its_staff_member_has_ended() {
    let s = Situation::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = s.app.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    let served = tokio::spawn(async move { axum::serve(listener, service).await });
    let mut request = format!("ws://{address}/graphql/ws").into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let bearer = format!("Bearer {}", s.app.token(&s.one.staff.identity));
    for message in [
        json!({ "type": "connection_init", "payload": { "Authorization": bearer } }),
        json!({ "id": "1", "type": "subscribe", "payload": { "query": "subscription { taskRaised { id } }" } }),
    ] {
        socket.send(Message::text(message.to_string())).await.unwrap();
    }
    // A socket asks every few seconds; the test waits for what it must come to, and no longer.
    let mut next = async || timeout(Duration::from_secs(30), socket.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(next().await.to_text().unwrap(), r#"{"type":"connection_ack"}"#);
    end_assignment(&s, s.app.clock.now()).await;
    s.app.clock.advance(TimeDelta::seconds(55));
    let Message::Close(Some(close)) = next().await else { panic!("something was told after the end") };
    assert_eq!(u16::from(close.code), 4401);
    served.abort();
}

/// A27: an end that was known beforehand holds at once.
#[tokio::test]
async fn an_assignment_ends_at_the_moment_that_was_set() {
    let s = Situation::new().await;
    let ask = json!({ "u": global(NodeKind::CareUnit, s.one.staff.unit) });
    end_assignment(&s, s.app.clock.now() + TimeDelta::seconds(70)).await;
    // What was remembered before is forgotten.
    s.app.clock.advance(TimeDelta::seconds(60));
    s.s1(LIST, ask.clone()).await.ok();
    s.app.clock.advance(TimeDelta::seconds(9));
    s.s1(LIST, ask.clone()).await.ok();
    s.app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(s.s1(LIST, ask).await.status, 401);
}

/// A41, A49: roles outside care see and change nothing of a patient, though their unit has a care relation.
#[tokio::test]
async fn administrators_analysts_and_managers_reach_no_patient_data() {
    let s = Situation::new().await;
    let before = tables(&s.app).await;
    let world = &s.app.world;
    let unit = json!({ "u": global(NodeKind::CareUnit, s.one.staff.unit) });
    for who in [&world.admin, &world.analyst, &world.manager] {
        let asked = s.app.run(&who.identity, PATIENT, json!({ "n": s.one.patient.number })).await;
        assert_eq!(asked.error_codes(), ["FORBIDDEN"]);
        assert_nothing_of(&s.one.patient, &asked);
        let listed = s.app.run(&who.identity, LIST, unit.clone()).await;
        assert_eq!(listed.error_codes(), ["FORBIDDEN"]);
        assert_nothing_of(&s.one.patient, &listed);
        for (kind, row) in rows_about(&s.app, s.one.patient.id).await {
            let answer = s.app.run(&who.identity, NODE, json!({ "id": global(kind, row) })).await;
            let nothing = s.app.run(&who.identity, NODE, json!({ "id": random(kind) })).await;
            assert_eq!(answer.body, nothing.body, "{kind:?}");
            assert!(answer.at("/node").is_null());
        }
        for (mutation, input) in mutations(&s.one, &s.one.staff) {
            let answer = act(&s.app, &who.identity, mutation, input).await;
            // Publishing times, deciding on contacts and giving out what has risen is a manager's work; here is no such
            // kind of appointment, no such unit, nothing has risen, and nobody hands over to themselves.
            let manager = who.assignment == world.manager.assignment;
            let expected = match mutation {
                "absenceRebook"
                | "appointmentTypeChange"
                | "appointmentTypeCreate"
                | "appointmentTypeRetire"
                | "contactFunctionsSet"
                | "reminderLadderSet"
                | "scheduleChange"
                | "scheduleEnd"
                | "scheduleExcept"
                | "schedulePublish"
                | "slotPublish"
                | "slotWithdraw"
                | "staffNoticesSet"
                | "taskAssign"
                    if manager =>
                {
                    "NOT_FOUND"
                }
                "taskHandover" if manager => "BAD_USER_INPUT",
                _ => "FORBIDDEN",
            };
            assert_eq!(answer.user_error_codes(mutation), [expected], "{mutation}: {}", answer.body);
        }
        assert_unchanged(&before, &tables(&s.app).await, "a role outside care");
    }
}

/// Staff of another care provider do not see what this one has written, though both treat the patient.
#[tokio::test]
async fn a_care_relation_opens_the_own_providers_data_only() {
    let s = Situation::new().await;
    harness::relate(&s.app.core, &s.three.staff, &s.one.patient).await;
    let s3 = &s.three.staff.identity;
    let answer = s.app.run(s3, PATIENT, json!({ "n": s.one.patient.number })).await.ok();
    assert_eq!(answer.text("/patient/givenName"), "Etta");
    let document = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"vård\") { \
         agreement { id } contacts { name } appointments { totalCount nodes { id } } threads { totalCount nodes { subject } } \
         timeline { totalCount nodes { title } } reminderPreferences { textShown } nextAppointment { id } } }";
    let seen = s.app.run(s3, document, json!({ "n": s.one.patient.number })).await.ok();
    assert!(!seen.body.to_string().contains(s.one.patient.canary), "{}", seen.body);
    assert!(seen.at("/patient/agreement").is_null());
    assert_eq!(seen.at("/patient/threads/totalCount"), &json!(0));
    for (kind, row) in rows_about(&s.app, s.one.patient.id).await {
        if kind == NodeKind::Patient {
            continue;
        }
        let answer = s.app.run(s3, NODE, json!({ "id": global(kind, row) })).await.ok();
        assert!(answer.at("/node").is_null(), "{kind:?}: {}", answer.body);
    }
}
