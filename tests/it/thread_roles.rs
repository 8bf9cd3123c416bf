//! Messages to a role: whoever holds it answers, whoever steps in while they are away, and else the unit; messages
//! between units; closing; and what listeners hear.

use chrono::TimeDelta;
use entity::{AssignmentId, care_contact, representative, task};
use futures_util::{StreamExt as _, future::join_all, stream::BoxStream};
use harness::{Answer, Staff, TestApp, TestPatient, relate, represent};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind, http::graphql::Engine as _};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    contacts::{appoint, at, stand, sweep, tasks, to_role},
};

const THREAD: &str = "thread { id status toRole toTreatingKind unreadCount \
     answerer { name function insteadOf awayUntil } readers { kind name messageId readAt } messages { nodes { id } } }";

async fn write_to(app: &TestApp, patient: &TestPatient, to: Value) -> Answer {
    let mut input = json!({ "subject": "Min medicin", "body": "Hej" });
    for (name, value) in to.as_object().unwrap() {
        input[name] = value.clone();
    }
    act(app, &patient.identity, "threadStart", THREAD, input).await
}

async fn send(app: &TestApp, who: &Identity, thread: &Value, body: &str) -> Answer {
    let input = json!({ "threadId": thread["id"], "body": body });
    act(app, who, "messageSend", "message { id } thread { unreadCount }", input).await
}

/// Who has the open task of answering.
async fn assignee(app: &TestApp, thread: &Value) -> Option<AssignmentId> {
    let tasks = tasks(app, task::Kind::UnansweredMessage, &thread["id"]).await;
    let open: Vec<_> = tasks.iter().filter(|task| task.status == task::Status::Open).collect();
    assert_eq!(open.len(), 1);
    open[0].assignee_id
}

async fn answerer(app: &TestApp, thread: &Value) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { answerer { name insteadOf } } } }";
    let p1 = &app.world.p1.identity;
    app.run(p1, query, json!({ "id": thread["id"] })).await.ok().at("/node/answerer").clone()
}

async fn away(app: &TestApp, who: &Staff, from: &str, until: &str, substitute: Option<&Staff>) {
    let input = json!({
        "who": { "assignmentId": global(NodeKind::Assignment, who.assignment) }, "from": from, "until": until,
        "substituteId": substitute.map(|s| global(NodeKind::Assignment, s.assignment)),
    });
    act(app, &who.identity, "contactAbsenceRegister", "absence { id }", input).await.ok();
}

/// A thread of P1 to the fast vårdkontakt, who is S1.
async fn to_fixed_contact(app: &TestApp) -> (Value, Value) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let contact = appoint(app, s1, to_role(p1, "FAST_VARDKONTAKT", s1)).await;
    let answer = write_to(app, p1, json!({ "contactId": contact["id"] })).await.ok();
    (answer.at("/threadStart/thread").clone(), contact)
}

/// R: to a role, not only a person: an absence loses no message, it moves the thread to the substitute.
#[tokio::test]
async fn a_message_to_a_role_goes_to_its_holder_and_moves_to_the_substitute_while_the_holder_is_away() {
    let app = TestApp::new().await;
    let world = &app.world;
    let (thread, _) = to_fixed_contact(&app).await;
    assert_eq!(thread["toRole"], "FAST_VARDKONTAKT");
    assert_eq!(thread["answerer"]["name"], "Stina Exempel");
    assert_eq!(assignee(&app, &thread).await, Some(world.s1.assignment));
    away(&app, &world.s1, "2027-02-01T07:00:00+01:00", "2027-02-02T00:00:00+01:00", Some(&world.coordinator))
        .await;
    assert_eq!(assignee(&app, &thread).await, Some(world.coordinator.assignment));
    let instead = json!({ "name": "Kim Exempel", "insteadOf": "Stina Exempel" });
    assert_eq!(answerer(&app, &thread).await, instead);
    // The substitute answers, and what is asked then is the substitute's too.
    send(&app, &world.coordinator.identity, &thread, "Jag vikarierar.").await.ok();
    assert_eq!(stand(&app, task::Kind::UnansweredMessage, &thread["id"]).await, [task::Status::Done]);
    send(&app, &world.p1.identity, &thread, "Tack. En sak till?").await.ok();
    assert_eq!(assignee(&app, &thread).await, Some(world.coordinator.assignment));
    // Back at work: at once, without anything having been stored.
    app.clock.advance(TimeDelta::days(1));
    assert_eq!(answerer(&app, &thread).await, json!({ "name": "Stina Exempel", "insteadOf": null }));
}

/// R: unanswered messages rise to the unit; an absence that begins later moves them when it begins.
#[tokio::test]
async fn an_absence_without_a_substitute_gives_the_message_to_the_unit_and_then_to_its_manager() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let (thread, _) = to_fixed_contact(&app).await;
    away(&app, s1, "2027-02-02T00:00:00+01:00", "2027-02-20T00:00:00+01:00", None).await;
    assert_eq!(assignee(&app, &thread).await, Some(s1.assignment), "still at work");
    app.clock.advance(TimeDelta::days(1));
    sweep(&app).await;
    assert_eq!(assignee(&app, &thread).await, None, "the unit's");
    let unit = json!({ "name": "Vårdcentralen Granen", "insteadOf": "Stina Exempel" });
    assert_eq!(answerer(&app, &thread).await, unit);
    sweep(&app).await;
    let before = tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await;
    assert!(before[0].raised_to_manager_at.is_none());
    // Wednesday at closing time the promise was due.
    app.clock.set(at("2027-02-03T17:00:01+01:00"));
    sweep(&app).await;
    let after = tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await;
    assert!(after[0].raised_to_manager_at.is_some());
}

#[tokio::test]
async fn a_thread_follows_its_role_to_whoever_holds_it() {
    let app = TestApp::new().await;
    let world = &app.world;
    let (thread, contact) = to_fixed_contact(&app).await;
    let input = json!({
        "contactId": contact["id"], "expectedRowVersion": contact["rowVersion"], "reason": "Byter uppdrag",
        "consultation": "CONSULTED",
    });
    act(&app, &world.s1.identity, "contactEnd", "contact { id }", input).await.ok();
    let unit = json!({ "name": "Vårdcentralen Granen", "insteadOf": null });
    assert_eq!(answerer(&app, &thread).await, unit, "until somebody holds the role");
    appoint(&app, &world.s1, to_role(&world.p1, "FAST_VARDKONTAKT", &world.coordinator)).await;
    assert_eq!(answerer(&app, &thread).await, json!({ "name": "Kim Exempel", "insteadOf": null }));
}

#[tokio::test]
async fn only_a_contact_of_ones_own_who_is_care_and_holds_the_role_can_be_written_to() {
    let app = TestApp::new().await;
    let world = &app.world;
    let (_, contact) = to_fixed_contact(&app).await;
    let refused = async |patient: &TestPatient, to: Value| {
        write_to(&app, patient, to).await.user_error_codes("threadStart")
    };
    assert_eq!(refused(&world.p2, json!({ "contactId": contact["id"] })).await, ["NOT_FOUND"]);
    let unit = global(NodeKind::CareUnit, world.s1.unit);
    assert_eq!(refused(&world.p1, json!({})).await, ["BAD_USER_INPUT"]);
    let both = json!({ "careUnitId": unit, "contactId": contact["id"] });
    assert_eq!(refused(&world.p1, both).await, ["BAD_USER_INPUT"]);
    let supporter = appoint(&app, &world.s1, to_role(&world.p1, "SUPPORTER", &world.coordinator)).await;
    assert_eq!(refused(&world.p1, json!({ "contactId": supporter["id"] })).await, ["BAD_USER_INPUT"]);
    app.clock.advance(TimeDelta::days(1));
    care_contact::Entity::update_many()
        .col_expr(care_contact::Column::ValidUntil, sea_orm::sea_query::Expr::value(app.clock.now()))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(refused(&world.p1, json!({ "contactId": contact["id"] })).await, ["WRONG_STATE"]);
}

/// R: care writes to care about a patient, and the one who is asked has a task until it is answered.
#[tokio::test]
async fn a_question_between_units_waits_as_a_task_of_the_unit_that_is_asked() {
    let app = TestApp::new().await;
    let (s1, s2, s3, p1) = (&app.world.s1, &app.world.s2, &app.world.s3, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = |to: &Staff| {
        json!({
            "careUnitId": global(NodeKind::CareUnit, to.unit), "patientId": p1.global_id(), "kind": "CARE_CARE",
            "subject": "Fråga", "body": "Kan ni ta över?",
        })
    };
    // Another care provider: only with the patient's consent, which nobody can give here yet.
    let across = act(&app, &s1.identity, "threadStart", THREAD, input(s3)).await;
    assert_eq!(across.user_error_codes("threadStart"), ["NOT_FOUND"]);
    let mut patient = listen(&app, &p1.identity, None, "subscription { threadChanged { id } }").await;
    let answer = act(&app, &s1.identity, "threadStart", THREAD, input(s2)).await.ok();
    let thread = answer.at("/threadStart/thread").clone();
    let units = async || {
        let all = tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await;
        all.iter().map(|task| (task.care_unit_id, task.status)).collect::<Vec<_>>()
    };
    assert_eq!(units().await, [(s2.unit, task::Status::Open)]);
    // Another question changes nothing; an answer turns the task round.
    send(&app, &s1.identity, &thread, "Helst i dag.").await.ok();
    assert_eq!(units().await, [(s2.unit, task::Status::Open)]);
    send(&app, &s2.identity, &thread, "Ja. Vilken dos?").await.ok();
    assert_eq!(units().await, [(s2.unit, task::Status::Done), (s1.unit, task::Status::Open)]);
    assert!(futures_util::poll!(patient.next()).is_pending(), "the patient hears nothing of it");
    let seen = app.run(&p1.identity, "{ me { threads { totalCount } } }", json!({})).await.ok();
    assert_eq!(seen.at("/me/threads/totalCount"), 0);
}

#[tokio::test]
async fn care_closes_a_thread_once_nobody_waits_and_opens_it_again() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    let turn = async |who: &Identity, mutation: &str| {
        act(&app, who, mutation, THREAD, json!({ "threadId": thread["id"] })).await
    };
    assert_eq!(turn(&p1.identity, "threadClose").await.user_error_codes("threadClose"), ["FORBIDDEN"]);
    let waits = turn(&s1.identity, "threadClose").await;
    assert_eq!(waits.user_error_codes("threadClose"), ["WRONG_STATE"]);
    assert_eq!(waits.at("/threadClose/thread/status"), "OPEN", "as it is");
    assert_eq!(turn(&s1.identity, "threadReopen").await.user_error_codes("threadReopen"), ["WRONG_STATE"]);
    send(&app, &s1.identity, &thread, "Svar").await.ok();
    let closed = turn(&s1.identity, "threadClose").await.ok();
    assert_eq!(closed.at("/threadClose/thread/status"), "CLOSED");
    let refused = send(&app, &p1.identity, &thread, "Hallå?").await;
    assert_eq!(refused.user_error_codes("messageSend"), ["WRONG_STATE"]);
    turn(&s1.identity, "threadReopen").await.ok();
    send(&app, &p1.identity, &thread, "Hallå!").await.ok();
    let entries = entity::change_entry::Entity::find().all(app.core.db.reader()).await.unwrap();
    let acts: Vec<_> =
        entries.iter().filter(|e| e.subject_kind == "thread").map(|e| e.action.as_str()).collect();
    assert_eq!(acts, ["threadClose", "threadReopen"]);
}

/// R: read receipts: who has read how far, and when, on both sides.
#[tokio::test]
async fn everybody_who_has_read_is_shown_with_how_far_and_when() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    let first = thread["messages"]["nodes"][0]["id"].clone();
    let second =
        send(&app, &world.s1.identity, &thread, "Svar").await.ok().at("/messageSend/message/id").clone();
    let mark = async |who: &Identity, message: &Value| {
        let input = json!({ "threadId": thread["id"], "messageId": message });
        let marked = act(&app, who, "threadMarkRead", THREAD, input).await.ok();
        marked.at("/threadMarkRead/thread/readers").clone()
    };
    mark(&world.s1.identity, &first).await;
    app.clock.advance(TimeDelta::hours(1));
    mark(&world.coordinator.identity, &second).await;
    app.clock.advance(TimeDelta::hours(1));
    let readers = mark(&p1.identity, &second).await;
    let reader = |kind: &str, name: &str, message: &Value, at: &str| json!({ "kind": kind, "name": name, "messageId": message, "readAt": format!("2027-02-01T{at}:00:00+00:00") });
    assert_eq!(
        readers,
        json!([
            reader("STAFF", "Stina Exempel", &first, "07"),
            reader("STAFF", "Kim Exempel", &second, "08"),
            reader("PATIENT", "Etta Kanariesson", &second, "09"),
        ])
    );
}

/// R: unread counts are never stale, whatever happens at once.
#[tokio::test]
async fn the_count_of_unread_messages_is_right_while_many_write_and_read_at_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    let writers = (0..24).map(async |n: usize| {
        let id = send(&app, &s1.identity, &thread, &format!("Nummer {n}")).await.ok();
        let id = id.at("/messageSend/message/id").clone();
        if n.is_multiple_of(3) {
            let input = json!({ "threadId": thread["id"], "messageId": id });
            let marked = act(&app, &p1.identity, "threadMarkRead", THREAD, input).await.ok();
            let count = marked.at("/threadMarkRead/thread/unreadCount").as_i64().unwrap();
            assert!((0..24).contains(&count), "{count}");
        }
        id.as_str().map(crate::acts::row).unwrap()
    });
    let mut written: Vec<_> = join_all(writers).await.into_iter().enumerate().collect();
    written.sort_by_key(|(_, id)| *id);
    // Those after the furthest mark are unread, and no others.
    let last_marked = written.iter().rposition(|(n, _)| n % 3 == 0).unwrap();
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { unreadCount } } }";
    let seen = app.run(&p1.identity, query, json!({ "id": thread["id"] })).await.ok();
    assert_eq!(seen.at("/node/unreadCount").as_u64().unwrap() as usize, written.len() - 1 - last_marked);
}

/// Listens as the engine lets a WebSocket listen, for oneself or for another patient.
async fn listen(
    app: &TestApp,
    who: &Identity,
    acting_for: Option<&TestPatient>,
    query: &str,
) -> BoxStream<'static, async_graphql::Response> {
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", app.token(who)).parse().unwrap());
    if let Some(patient) = acting_for {
        headers.insert("patientkontrakt-acting-for", patient.global_id().parse().unwrap());
    }
    let caller = app.service.authenticate(&headers).await.unwrap();
    let mut stream = app.service.execute_stream(caller, async_graphql::Request::new(query));
    assert!(futures_util::poll!(stream.next()).is_pending());
    stream
}

async fn next(stream: &mut BoxStream<'static, async_graphql::Response>) -> Value {
    let answer =
        tokio::time::timeout(std::time::Duration::from_secs(20), stream.next()).await.expect("in time");
    serde_json::to_value(answer.expect("an answer")).unwrap()
}

/// The policy is asked at every event: the patient, a representative with the right part, staff with a care relation.
#[tokio::test]
async fn a_message_is_heard_by_those_who_may_read_it_and_by_nobody_else() {
    let app = TestApp::new().await;
    let world = &app.world;
    let p1 = &world.p1;
    let kind = representative::Kind::Relative;
    let reader = represent(&app.core, p1, kind, "199001012389", r#"{"MESSAGES":"READ"}"#, false).await;
    let booker = represent(&app.core, p1, kind, "199101012388", r#"{"BOOKING":"ACT"}"#, false).await;
    let all = "subscription { threadChanged { id messages(first: 1) { nodes { body } } } }";
    let mut heard = Vec::new();
    for (who, acting_for) in [
        (&p1.identity, None),
        (&world.s1.identity, None),
        (&reader.identity, Some(p1)),
        (&world.p2.identity, None),
        (&world.s2.identity, None),
    ] {
        heard.push(listen(&app, who, acting_for, all).await);
    }
    // Who has no part in messages may not even ask.
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", app.token(&booker.identity)).parse().unwrap());
    headers.insert("patientkontrakt-acting-for", p1.global_id().parse().unwrap());
    let caller = app.service.authenticate(&headers).await.unwrap();
    let mut refused = app.service.execute_stream(caller, async_graphql::Request::new(all));
    assert_eq!(next(&mut refused).await["errors"][0]["extensions"]["code"], "FORBIDDEN");

    let unit = global(NodeKind::CareUnit, world.s1.unit);
    let started = write_to(&app, p1, json!({ "careUnitId": unit })).await.ok();
    let thread = started.at("/threadStart/thread").clone();
    for (n, stream) in heard.iter_mut().take(3).enumerate() {
        let news = next(stream).await;
        assert_eq!(news["data"]["threadChanged"]["id"], thread["id"], "{n}: {news}");
        assert_eq!(news["data"]["threadChanged"]["messages"]["nodes"][0]["body"], "Hej");
    }
    send(&app, &world.s1.identity, &thread, "Svar").await.ok();
    for stream in heard.iter_mut().take(3) {
        let news = next(stream).await;
        assert_eq!(news["data"]["threadChanged"]["messages"]["nodes"][0]["body"], "Svar", "{news}");
    }
    for stream in heard.iter_mut().skip(3) {
        assert!(futures_util::poll!(stream.next()).is_pending(), "nothing for others");
    }
    // Staff whose care relation has ended hear no more, and following one thread ends.
    let one = format!("subscription {{ threadChanged(threadId: {}) {{ id }} }}", thread["id"]);
    let mut following = listen(&app, &world.s1.identity, None, &one).await;
    app.clock.advance(TimeDelta::days(1));
    entity::care_relation::Entity::update_many()
        .col_expr(entity::care_relation::Column::ValidUntil, sea_orm::sea_query::Expr::value(app.clock.now()))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    let mark = json!({ "threadId": thread["id"], "messageId": thread["messages"]["nodes"][0]["id"] });
    act(&app, &p1.identity, "threadMarkRead", THREAD, mark).await.ok();
    assert_eq!(next(&mut heard[0]).await["data"]["threadChanged"]["id"], thread["id"]);
    assert_eq!(next(&mut following).await["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert!(following.next().await.is_none(), "it ends");
    assert!(futures_util::poll!(heard[1].next()).is_pending());
    let not_ones_own = listen_once(&app, &world.p2.identity, &one).await;
    assert_eq!(not_ones_own["errors"][0]["extensions"]["code"], "NOT_FOUND");
}

async fn listen_once(app: &TestApp, who: &Identity, query: &str) -> Value {
    let mut headers = axum::http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", app.token(who)).parse().unwrap());
    let caller = app.service.authenticate(&headers).await.unwrap();
    let mut stream = app.service.execute_stream(caller, async_graphql::Request::new(query));
    next(&mut stream).await
}

/// The statements of reading: a list of threads with who answers, one; with messages and readers, one more each.
#[tokio::test]
async fn reading_threads_costs_as_many_statements_for_many_as_for_one() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let (thread, contact) = to_fixed_contact(&app).await;
    let list =
        "{ me { threads { nodes { id subject unreadCount answerBy answerer { name } messageHours } } } }";
    let whole = "query($id: ID!) { node(id: $id) { ... on Thread { id answerer { name } \
                 readers { name } messages(first: 50) { totalCount nodes { body readAt } } } } }";
    let count = async |query: &str| {
        let (answer, statements) =
            app.statements(app.run(&p1.identity, query, json!({ "id": thread["id"] }))).await;
        answer.ok();
        statements.len()
    };
    let few = (count(list).await, count(whole).await);
    for _ in 0..5 {
        write_to(&app, p1, json!({ "contactId": contact["id"] })).await.ok();
        send(&app, &p1.identity, &thread, "En till").await.ok();
    }
    let many = (count(list).await, count(whole).await);
    assert_eq!(few, many);
    assert!(many.0 <= 2 && many.1 <= 3, "{many:?}");
}
