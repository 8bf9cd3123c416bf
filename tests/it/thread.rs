//! Messages: to a unit, answered by whoever works there, read by those who may.

use entity::{care_relation, notice, thread, thread_message};
use futures_util::future::join_all;
use harness::{Answer, TestApp, TestPatient};
use patientkontrakt::{crypto::Place, graphql::scalars::NodeKind};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QuerySelect, Statement, TransactionTrait, sea_query::Expr,
};
use serde_json::{Value, json};

use crate::acts::{act, global};

const THREAD: &str = "thread { id subject status answerBy unreadCount careUnit { id } \
     messages(first: 10) { totalCount nodes { id body authorName isOwn readAt } pageInfo { endCursor } } }";

async fn start(app: &TestApp, patient: &TestPatient) -> Value {
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, app.world.s1.unit),
        "subject": format!("Om {}", patient.canary),
        "body": format!("Hej {}", patient.canary),
    });
    let answer = act(app, &patient.identity, "threadStart", THREAD, input).await.ok();
    answer.at("/threadStart/thread").clone()
}

async fn send(
    app: &TestApp,
    who: &patientkontrakt::auth::token::Identity,
    thread: &Value,
    body: &str,
) -> Answer {
    let input = json!({ "threadId": thread["id"], "body": body });
    act(app, who, "messageSend", "message { id body isOwn } thread { answerBy unreadCount }", input).await
}

#[tokio::test]
async fn a_patient_writes_to_a_unit_and_its_staff_answer() {
    let app = TestApp::new().await;
    let (s1, p2) = (&app.world.s1, &app.world.p2);
    let thread = start(&app, p2).await;
    // Monday morning: by closing time on Wednesday.
    assert_eq!(thread["answerBy"], "2027-02-03T16:00:00+00:00");
    assert_eq!(thread["messages"]["totalCount"], 1);
    assert_eq!(thread["messages"]["nodes"][0]["isOwn"], true);
    let relation = care_relation::Entity::find()
        .filter(care_relation::Column::PatientId.eq(p2.id))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((relation.source, relation.care_unit_id), (care_relation::Source::Thread, s1.unit));

    app.clock.advance(chrono::TimeDelta::days(1));
    let again = send(&app, &p2.identity, &thread, "Och en sak till").await.ok();
    assert_eq!(again.text("/messageSend/thread/answerBy"), "2027-02-03T16:00:00+00:00", "a promise stands");
    let answer = send(&app, &s1.identity, &thread, "  Vi ringer dig.  ").await.ok();
    assert_eq!(answer.text("/messageSend/message/body"), "Vi ringer dig.");
    assert!(answer.at("/messageSend/thread/answerBy").is_null());
    let longer =
        care_relation::Entity::find_by_id(relation.id).one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(longer.valid_until.unwrap() - relation.valid_until.unwrap(), chrono::TimeDelta::days(1));

    let me = "{ me { threads { totalCount nodes { unreadCount messages(first: 1) { totalCount \
              nodes { body authorName } pageInfo { hasNextPage } } } } } }";
    let seen = app.run(&p2.identity, me, json!({})).await.ok();
    assert_eq!(seen.at("/me/threads/totalCount"), 1);
    let first = seen.at("/me/threads/nodes/0");
    assert_eq!((first["unreadCount"].as_i64(), first["messages"]["totalCount"].as_i64()), (Some(1), Some(3)));
    assert_eq!(first["messages"]["nodes"][0]["body"], "Vi ringer dig.");
    assert_eq!(first["messages"]["nodes"][0]["authorName"], "Stina Exempel");
    assert_eq!(first["messages"]["pageInfo"]["hasNextPage"], true);
}

#[tokio::test]
async fn a_promise_that_is_given_while_another_message_is_sent_stands() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let thread = start(&app, p1).await;
    send(&app, &s1.identity, &thread, "Vi ringer.").await.ok();
    app.clock.advance(chrono::TimeDelta::days(1));
    if harness::database::Kind::picked() != harness::database::Kind::Postgres {
        // One writer at a time: nothing can come between.
        let first = send(&app, &p1.identity, &thread, "Ett").await.ok();
        app.clock.advance(chrono::TimeDelta::days(1));
        let second = send(&app, &p1.identity, &thread, "Två").await.ok();
        let at = "/messageSend/thread/answerBy";
        assert_eq!(first.at(at), second.at(at));
        return;
    }
    // Another message of the patient, not yet committed, has been promised an answer.
    let promised = app.clock.now() + chrono::TimeDelta::hours(5);
    let other = app.core.db.reader().begin().await.unwrap();
    thread::Entity::update_many()
        .col_expr(thread::Column::LastAuthor, Expr::value(entity::access_event::ActorKind::Patient))
        .col_expr(thread::Column::AnswerBy, Expr::value(promised))
        .exec(&other)
        .await
        .unwrap();
    let waiting =
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let commit = async {
        let statement = Statement::from_string(DatabaseBackend::Postgres, waiting);
        while app.core.db.reader().query_one_raw(statement.clone()).await.unwrap().is_none() {}
        other.commit().await.unwrap();
    };
    let both = async { tokio::join!(send(&app, &p1.identity, &thread, "Samtidigt"), commit) };
    let (sent, ()) = tokio::time::timeout(std::time::Duration::from_secs(20), both).await.unwrap();
    let answer_by = sent.ok().text("/messageSend/thread/answerBy");
    assert_eq!(answer_by.parse::<chrono::DateTime<chrono::Utc>>().unwrap(), promised);
}

/// R: unread counts are never stale: whoever has read up to a message has not read one that came after it, in whatever
/// order their ids were made.
#[tokio::test]
async fn a_message_that_waited_for_another_comes_after_it_and_is_unread_to_who_read_the_other() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let thread = start(&app, p1).await;
    let mine = async |body: &str| {
        send(&app, &p1.identity, &thread, body).await.ok().at("/messageSend/message/id").clone()
    };
    if harness::database::Kind::picked() == harness::database::Kind::Postgres {
        // Another instance is writing a message, of a moment later by its own clock.
        let row = thread::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
        let first = thread_message::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
        let other = app.core.db.reader().begin().await.unwrap();
        thread::Entity::find_by_id(row.id).lock_exclusive().one(&other).await.unwrap();
        let waiting =
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let commit = async {
            let statement = Statement::from_string(DatabaseBackend::Postgres, waiting);
            while app.core.db.reader().query_one_raw(statement.clone()).await.unwrap().is_none() {}
            let id = entity::ThreadMessageId(app.core.clock.uuid());
            let body = app.core.keys.seal(Place::new("thread_message.body", id.0), "Emellan").unwrap();
            let written = thread_message::Model { id, body, ..first };
            thread_message::Entity::insert(written.into_active_model())
                .exec_without_returning(&other)
                .await
                .unwrap();
            thread::Entity::update_many()
                .col_expr(thread::Column::LastMessageId, Expr::value(id.0))
                .exec(&other)
                .await
                .unwrap();
            other.commit().await.unwrap();
        };
        let both = async { tokio::join!(mine("Sist"), commit) };
        tokio::time::timeout(std::time::Duration::from_secs(20), both).await.unwrap();
    } else {
        // One writer at a time; but another instance's clock was ahead of ours.
        let ahead = entity::ThreadMessageId(uuid::Uuid::from_u128(0x0fff_0000_0000_7000_8000_0000_0000_0000));
        let first = thread_message::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
        let body = app.core.keys.seal(Place::new("thread_message.body", ahead.0), "Emellan").unwrap();
        let written = thread_message::Model { id: ahead, body, ..first };
        thread_message::Entity::insert(written.into_active_model())
            .exec_without_returning(app.core.db.reader())
            .await
            .unwrap();
        thread::Entity::update_many()
            .col_expr(thread::Column::LastMessageId, Expr::value(ahead.0))
            .exec(app.core.db.reader())
            .await
            .unwrap();
        mine("Sist").await;
    }
    let query =
        "query($id: ID!) { node(id: $id) { ... on Thread { messages(first: 5) { nodes { id body } } } } }";
    let seen = app.run(&s1.identity, query, json!({ "id": thread["id"] })).await.ok();
    let nodes = seen.at("/node/messages/nodes").as_array().unwrap();
    let bodies: Vec<_> = nodes.iter().map(|node| node["body"].as_str().unwrap()).collect();
    assert_eq!(bodies[..2], ["Sist", "Emellan"], "in the order in which they came");
    let input = json!({ "threadId": thread["id"], "messageId": nodes[1]["id"] });
    let marked = act(&app, &s1.identity, "threadMarkRead", THREAD, input).await.ok();
    assert_eq!(marked.at("/threadMarkRead/thread/unreadCount"), 1);
    mine("Och så").await;
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { unreadCount } } }";
    let seen = app.run(&s1.identity, query, json!({ "id": thread["id"] })).await.ok();
    assert_eq!(seen.at("/node/unreadCount"), 2);
}

#[tokio::test]
async fn a_read_mark_counts_down_and_tells_when_a_message_was_first_read() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let thread = start(&app, p1).await;
    let first = thread["messages"]["nodes"][0]["id"].clone();
    let second = send(&app, &p1.identity, &thread, "Två").await.ok().at("/messageSend/message/id").clone();
    let mark = async |message: &Value| {
        let input = json!({ "threadId": thread["id"], "messageId": message });
        act(&app, &s1.identity, "threadMarkRead", THREAD, input).await.ok()
    };
    let marked = mark(&first).await;
    assert_eq!(marked.at("/threadMarkRead/thread/unreadCount"), 1);
    app.clock.advance(chrono::TimeDelta::hours(1));
    let marked = mark(&second).await;
    assert_eq!(marked.at("/threadMarkRead/thread/unreadCount"), 0);
    let back = mark(&first).await;
    assert_eq!(back.at("/threadMarkRead/thread/unreadCount"), 0, "a mark never goes back");
    let read_at = |n: usize| back.text(&format!("/threadMarkRead/thread/messages/nodes/{n}/readAt"));
    assert_eq!(
        (read_at(1).as_str(), read_at(0).as_str()),
        ("2027-02-01T07:00:00+00:00", "2027-02-01T08:00:00+00:00")
    );
}

#[tokio::test]
async fn another_patients_thread_is_out_of_reach() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let theirs = start(&app, p2).await;
    let nothing = json!({ "id": global(NodeKind::Thread, uuid::Uuid::from_u128(1)) });
    for who in [&p1.identity, &app.world.s2.identity, &app.world.s3.identity, &app.world.admin.identity] {
        // A14, A15 and their reading.
        let refused = send(&app, who, &theirs, "Hej").await;
        assert_eq!(refused.body, send(&app, who, &nothing, "Hej").await.body);
        let code = refused.user_error_codes("messageSend").join(",");
        assert!(code == "NOT_FOUND" || code == "FORBIDDEN", "{code}");
        let input = json!({ "threadId": theirs["id"], "messageId": theirs["messages"]["nodes"][0]["id"] });
        let refused = act(&app, who, "threadMarkRead", THREAD, input).await;
        assert!(refused.at("/threadMarkRead/thread").is_null());
        for id in [&theirs["id"], &theirs["messages"]["nodes"][0]["id"]] {
            let node = app.run(who, "query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            assert!(node.body["data"]["node"].is_null(), "{}", node.body);
            assert!(!node.body.to_string().contains(p2.canary));
        }
    }
    assert_eq!(thread_message::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_repeated_key_sends_once() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let thread = start(&app, p1).await;
    let input = json!({ "threadId": thread["id"], "body": "En gång", "idempotencyKey": "samma" });
    let selection = "message { id body sentAt }";
    let answers =
        join_all((0..10).map(|_| act(&app, &p1.identity, "messageSend", selection, input.clone()))).await;
    for answer in &answers {
        assert_eq!(answer.body, answers[0].body);
    }
    answers[0].clone().ok();
    assert_eq!(thread_message::Entity::find().count(app.core.db.reader()).await.unwrap(), 2);
}

#[tokio::test]
async fn nothing_is_written_in_a_closed_thread_and_every_fault_of_a_text_is_told() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let started = start(&app, p1).await;
    let empty = send(&app, &p1.identity, &started, " \n ").await;
    assert_eq!(empty.user_error_codes("messageSend"), ["BAD_USER_INPUT"]);
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, app.world.s1.unit), "subject": " ", "body": "x".repeat(5001),
    });
    let both = act(&app, &p1.identity, "threadStart", THREAD, input).await;
    assert_eq!(both.user_error_codes("threadStart"), ["BAD_USER_INPUT", "BAD_USER_INPUT"]);
    thread::Entity::update_many()
        .col_expr(thread::Column::Status, Expr::value(thread::Status::Closed))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    let closed = send(&app, &p1.identity, &started, "Hallå").await;
    assert_eq!(closed.user_error_codes("messageSend"), ["WRONG_STATE"]);
}

/// R: a message is plain text of a bounded length: what looks like markup is text like any other.
#[tokio::test]
async fn a_message_is_plain_text_up_to_its_limit_and_comes_as_it_was_written() {
    let app = TestApp::new().await;
    let (p1, s1) = (&app.world.p1, &app.world.s1);
    let unit = global(NodeKind::CareUnit, s1.unit);
    let first = async |subject: &str, body: &str| {
        let input = json!({ "careUnitId": unit, "subject": subject, "body": body });
        act(&app, &p1.identity, "threadStart", THREAD, input).await
    };
    let (longest, full) = ("ö".repeat(200), "å".repeat(5000));
    let started = first(&longest, &full).await.ok().at("/threadStart/thread").clone();
    assert_eq!(
        (&started["subject"], &started["messages"]["nodes"][0]["body"]),
        (&json!(longest), &json!(full))
    );
    for (subject, body) in [
        ("ö".repeat(201), "Hej".to_owned()),
        ("Två\nrader".to_owned(), "Hej".to_owned()),
        ("Fråga".to_owned(), "å".repeat(5001)),
        ("Fråga".to_owned(), "a\u{7}b".to_owned()),
    ] {
        let refused = first(&subject, &body).await;
        assert_eq!(refused.user_error_codes("threadStart"), ["BAD_USER_INPUT"], "{subject} {}", body.len());
    }
    let written = "<b>Fet</b> & [länk](https://exempel.se)\n<script>x()</script>\n👩\u{200d}⚕\u{fe0f} مرحبا";
    for who in [&p1.identity, &s1.identity] {
        let sent = send(&app, who, &started, written).await.ok();
        assert_eq!(sent.text("/messageSend/message/body"), written);
        let long = send(&app, who, &started, &"å".repeat(5001)).await;
        assert_eq!(long.user_error_codes("messageSend"), ["BAD_USER_INPUT"]);
        assert_eq!(long.text("/messageSend/userErrors/0/field"), "body");
    }
    let read =
        "query($id: ID!) { node(id: $id) { ... on Thread { messages(first: 9) { nodes { body } } } } }";
    for who in [&p1.identity, &s1.identity] {
        let seen = app.run(who, read, json!({ "id": started["id"] })).await.ok();
        let bodies = seen.at("/node/messages/nodes").as_array().unwrap();
        let bodies: Vec<_> = bodies.iter().map(|node| node["body"].as_str().unwrap()).collect();
        assert_eq!(bodies, [written, written, full.as_str()]);
    }
    // The patient is told that there is a message, and nothing of it.
    for row in notice::Entity::find().all(app.core.db.reader()).await.unwrap() {
        assert!(!format!("{row:?}").contains("Fet"), "{row:?}");
    }
}

#[tokio::test]
async fn what_units_write_to_each_other_is_not_the_patients_conversation() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    harness::relate(&app.core, s1, p1).await;
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, s2.unit), "patientId": p1.global_id(), "kind": "CARE_CARE",
        "subject": "Fråga", "body": "Kan ni ta över?",
    });
    let answer = act(&app, &s1.identity, "threadStart", THREAD, input).await.ok();
    let thread = answer.at("/threadStart/thread").clone();
    let reply = send(&app, &s2.identity, &thread, "Ja.").await.ok().at("/messageSend/message/id").clone();
    let refused = send(&app, &p1.identity, &thread, "Hej").await;
    assert_eq!(refused.user_error_codes("messageSend"), ["NOT_FOUND"]);
    // Nor does the patient, or a representative who may do all with messages, get at it by any other way.
    let kind = entity::representative::Kind::Relative;
    let acts = harness::represent(&app.core, p1, kind, "197001012380", r#"{"MESSAGES":"ACT"}"#, false).await;
    let input = json!({ "threadId": thread["id"], "messageId": reply, "idempotencyKey": "läst" });
    let mark = harness::mutation("threadMarkRead", THREAD);
    for ombud in [None, Some(&acts.identity)] {
        let run = async |query: &str, variables: Value| match ombud {
            Some(who) => app.run_for(who, &p1.global_id(), query, variables).await,
            None => app.run(&p1.identity, query, variables).await,
        };
        for id in [&thread["id"], &thread["messages"]["nodes"][0]["id"], &reply] {
            let node = run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
            assert!(node.body["data"]["node"].is_null(), "{}", node.body);
        }
        let refused = run(&mark, json!({ "input": input })).await;
        assert_eq!(refused.user_error_codes("threadMarkRead"), ["NOT_FOUND"]);
        let list = run("{ me { threads { totalCount } } }", json!({})).await.ok();
        assert_eq!(list.at("/me/threads/totalCount"), 0);
    }
    // Both units read it, with what the other has read.
    for (who, own) in [(s1, [false, true]), (s2, [true, false])] {
        let input = json!({ "threadId": thread["id"], "messageId": reply });
        let seen = act(&app, &who.identity, "threadMarkRead", THREAD, input).await.ok();
        let nodes = seen.at("/threadMarkRead/thread/messages/nodes").as_array().unwrap();
        assert_eq!(nodes.iter().map(|n| n["isOwn"].as_bool().unwrap()).collect::<Vec<_>>(), own);
    }
    let me = app.run(&p1.identity, "{ me { threads { totalCount nodes { id } } } }", json!({})).await.ok();
    assert_eq!(me.at("/me/threads"), &json!({ "totalCount": 0, "nodes": [] }));
    assert_eq!(notice::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
}

#[tokio::test]
async fn the_messages_of_many_threads_cost_one_statement() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let query = "{ me { threads(first: 50) { nodes { subject messages(first: 5) { nodes { body } } } } } }";
    start(&app, p1).await;
    let (_, one) = app.statements(app.run(&p1.identity, query, json!({}))).await;
    for _ in 0..6 {
        start(&app, p1).await;
    }
    let (seven, many) = app.statements(app.run(&p1.identity, query, json!({}))).await;
    assert_eq!(seven.ok().at("/me/threads/nodes").as_array().unwrap().len(), 7);
    assert_eq!(one.len(), many.len(), "{many:?}");
}

#[tokio::test]
async fn a_patients_further_message_costs_one_statement_on_postgresql_and_leaves_the_same_rows() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let started = start(&app, p1).await;
    // The token's identity is resolved once and kept.
    send(&app, &p1.identity, &started, "Två").await.ok();
    let input = json!({ "threadId": started["id"], "body": "Tre" });
    let (sent, statements) =
        app.all_statements(act(&app, &p1.identity, "messageSend", "message { id body }", input)).await;
    assert_eq!(sent.ok().text("/messageSend/message/body"), "Tre");
    if harness::database::Kind::picked() == harness::database::Kind::Postgres {
        assert_eq!(statements.len(), 1, "{statements:?}");
    } else {
        assert!(statements.len() <= 10, "{statements:?}");
    }
    let db = app.core.db.reader();
    let logged = entity::access_event::Entity::find()
        .filter(entity::access_event::Column::Action.eq("messageSend"))
        .all(db)
        .await
        .unwrap();
    assert_eq!(logged.len(), 2);
    let events = entity::domain_event::Entity::find()
        .filter(entity::domain_event::Column::Kind.eq("thread.message_sent"))
        .count(db)
        .await
        .unwrap();
    assert_eq!((events, thread_message::Entity::find().count(db).await.unwrap()), (2, 3));
}
