//! What is read and what waits for an answer: between units each is a side, and what answers is to read.

use chrono::TimeDelta;
use entity::task;
use harness::{Answer, Staff, TestApp, colleague, relate, represent};
use patientkontrakt::auth::token::Identity;
use serde_json::{Value, json};

use crate::{
    acts::act,
    contacts::stand,
    thread_between::{ask_on, ask_unit, units},
    thread_roles::{THREAD, send, to_fixed_contact},
};

/// How many messages somebody has not read, and when each was first read by the other side, the oldest first.
async fn seen(app: &TestApp, who: &Identity, thread: &Value) -> (i64, Vec<Option<String>>) {
    let query =
        "query($id: ID!) { node(id: $id) { ... on Thread { unreadCount messages { nodes { readAt } } } } }";
    let answer = app.run(who, query, json!({ "id": thread["id"] })).await.ok();
    let nodes = answer.at("/node/messages/nodes").as_array().unwrap();
    let read = nodes.iter().rev().map(|node| node["readAt"].as_str().map(str::to_owned));
    (answer.at("/node/unreadCount").as_i64().unwrap(), read.collect())
}

async fn mark(app: &TestApp, who: &Staff, thread: &Value, message: &Value) {
    let input = json!({ "threadId": thread["id"], "messageId": message });
    act(app, &who.identity, "threadMarkRead", THREAD, input).await.ok();
}

async fn close(app: &TestApp, who: &Staff, thread: &Value) -> Answer {
    act(app, &who.identity, "threadClose", THREAD, json!({ "threadId": thread["id"] })).await
}

/// R: read receipts go by side: between units the other unit, not a colleague at one's own.
#[tokio::test]
async fn a_message_between_units_has_been_read_when_somebody_at_the_other_unit_has_read_it() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let (own, theirs) =
        (colleague(&app.core, s1, "Johan Exempel").await, colleague(&app.core, s2, "Lena Exempel").await);
    let thread = ask_unit(&app, s2).await.ok().at("/threadStart/thread").clone();
    let question = &thread["messages"]["nodes"][0]["id"];
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(seen(&app, &own.identity, &thread).await.0, 0, "a colleague's question is not to read");
    mark(&app, &own, &thread, question).await;
    assert_eq!(seen(&app, &s1.identity, &thread).await, (0, vec![None]), "nobody there has read it");
    assert_eq!(seen(&app, &s2.identity, &thread).await.0, 1);
    assert_eq!(seen(&app, &theirs.identity, &thread).await.0, 1);
    app.clock.advance(TimeDelta::hours(1));
    mark(&app, &theirs, &thread, question).await;
    let read = vec![Some("2027-02-01T09:00:00+00:00".to_owned())];
    assert_eq!(seen(&app, &s1.identity, &thread).await, (0, read));
    assert_eq!(seen(&app, &theirs.identity, &thread).await.0, 0);
    assert_eq!(seen(&app, &s2.identity, &thread).await.0, 1, "each has read what they have read");
    send(&app, &s2.identity, &thread, "Ja.").await.ok();
    assert_eq!(seen(&app, &theirs.identity, &thread).await.0, 0);
    assert_eq!(seen(&app, &own.identity, &thread).await.0, 1);
}

/// Within one unit everybody is a side of their own.
#[tokio::test]
async fn what_is_written_within_a_unit_is_unread_to_everybody_else_there() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let own = colleague(&app.core, s1, "Johan Exempel").await;
    let thread = ask_unit(&app, s1).await.ok().at("/threadStart/thread").clone();
    assert_eq!(seen(&app, &s1.identity, &thread).await, (0, vec![None]));
    assert_eq!(seen(&app, &own.identity, &thread).await.0, 1);
    mark(&app, &own, &thread, &thread["messages"]["nodes"][0]["id"]).await;
    assert_eq!(
        seen(&app, &s1.identity, &thread).await,
        (0, vec![Some("2027-02-01T07:00:00+00:00".to_owned())])
    );
}

/// R: with the patient there are two sides: theirs, whoever of it has read, and care.
#[tokio::test]
async fn a_message_to_the_patients_side_has_been_read_when_a_representative_has_read_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    let own = colleague(&app.core, s1, "Johan Exempel").await;
    let kind = entity::representative::Kind::Relative;
    let ombud = represent(&app.core, p1, kind, "199001012389", r#"{"MESSAGES":"ACT"}"#, false).await;
    let answer = send(&app, &s1.identity, &thread, "Svar").await.ok();
    let answer = answer.at("/messageSend/message/id").clone();
    mark(&app, &own, &thread, &answer).await;
    assert_eq!(seen(&app, &s1.identity, &thread).await.1[1], None);
    let input = json!({ "threadId": thread["id"], "messageId": answer, "idempotencyKey": "läst" });
    let marked = harness::mutation("threadMarkRead", THREAD);
    app.run_for(&ombud.identity, &p1.global_id(), &marked, json!({ "input": input })).await.ok();
    assert!(seen(&app, &s1.identity, &thread).await.1[1].is_some());
    assert_eq!(seen(&app, &p1.identity, &thread).await.0, 1, "the patient has not read it");
}

/// R: who writes has read what stands there.
#[tokio::test]
async fn who_answers_has_read_what_they_answer() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(seen(&app, &s1.identity, &thread).await, (1, vec![None]));
    send(&app, &s1.identity, &thread, "Kan du komma i dag?").await.ok();
    assert_eq!(seen(&app, &s1.identity, &thread).await.0, 0);
    assert_eq!(
        seen(&app, &p1.identity, &thread).await,
        (1, vec![Some("2027-02-01T08:00:00+00:00".to_owned()), None])
    );
    app.clock.advance(TimeDelta::hours(1));
    for body in ["Ja!", "Klockan tre."] {
        send(&app, &p1.identity, &thread, body).await.ok();
        let (unread, read) = seen(&app, &p1.identity, &thread).await;
        assert_eq!((unread, read[1].as_deref()), (0, Some("2027-02-01T09:00:00+00:00")));
    }
    assert_eq!(seen(&app, &s1.identity, &thread).await.0, 2);
}

/// R: after a representative's message, too, the patient who writes has read what care wrote before it.
#[tokio::test]
async fn the_patient_who_writes_after_a_representative_has_read_what_care_wrote() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    let kind = entity::representative::Kind::Relative;
    let ombud = represent(&app.core, p1, kind, "199001012389", r#"{"MESSAGES":"ACT"}"#, false).await;
    send(&app, &s1.identity, &thread, "Kan du komma i dag?").await.ok();
    let input = json!({ "threadId": thread["id"], "body": "Vi frågar.", "idempotencyKey": "ombud" });
    let write = harness::mutation("messageSend", "message { id }");
    app.run_for(&ombud.identity, &p1.global_id(), &write, json!({ "input": input })).await.ok();
    assert_eq!(seen(&app, &p1.identity, &thread).await.0, 1);
    send(&app, &p1.identity, &thread, "Ja!").await.ok();
    assert_eq!(seen(&app, &p1.identity, &thread).await.0, 0);
}

/// R: what answers a question between units is to read, and nobody's task; thanks are too.
#[tokio::test]
async fn an_answer_between_units_is_to_read_and_nobodys_task_and_the_unit_that_asked_closes() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let thread = ask_unit(&app, s2).await.ok().at("/threadStart/thread").clone();
    let refused = close(&app, s2, &thread).await;
    assert_eq!(refused.user_error_codes("threadClose"), ["WRONG_STATE"], "who is asked answers first");
    send(&app, &s2.identity, &thread, "Fem milligram.").await.ok();
    assert_eq!(units(&app, &thread).await, [(s2.unit, task::Status::Done)]);
    assert_eq!(seen(&app, &s1.identity, &thread).await.0, 1);
    send(&app, &s1.identity, &thread, "Tack!").await.ok();
    assert_eq!(units(&app, &thread).await, [(s2.unit, task::Status::Done)]);
    let closed = close(&app, s1, &thread).await.ok();
    assert_eq!(closed.at("/threadClose/thread/status"), "CLOSED");
}

/// R: a unit that needs no answer any more closes, and the other has no task of it.
#[tokio::test]
async fn the_unit_that_asked_may_close_while_its_own_question_waits() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let thread = ask_unit(&app, s2).await.ok().at("/threadStart/thread").clone();
    ask_on(&app, s2, &thread, "Vilken dos?").await.ok();
    let refused = close(&app, s1, &thread).await;
    assert_eq!(refused.user_error_codes("threadClose"), ["WRONG_STATE"], "they were asked back");
    ask_on(&app, s1, &thread, "Fem milligram. Kan ni?").await.ok();
    close(&app, s1, &thread).await.ok();
    assert_eq!(
        stand(&app, task::Kind::UnansweredMessage, &thread["id"]).await,
        [task::Status::Done, task::Status::Done, task::Status::Superseded]
    );
}

#[tokio::test]
async fn only_between_units_is_an_answer_asked_for_and_every_fault_is_told() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    for who in [&s1.identity, &p1.identity] {
        let input = json!({ "threadId": thread["id"], "body": " ", "expectsAnswer": true });
        let refused = act(&app, who, "messageSend", "message { id }", input).await;
        assert_eq!(refused.user_error_codes("messageSend"), ["BAD_USER_INPUT", "BAD_USER_INPUT"]);
        assert_eq!(refused.text("/messageSend/userErrors/1/field"), "expectsAnswer");
    }
}

/// Nobody answers themself: what the asker adds within their own unit leaves the question waiting.
#[tokio::test]
async fn what_the_asker_adds_within_their_own_unit_answers_nothing() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let own = colleague(&app.core, s1, "Johan Exempel").await;
    let thread = ask_unit(&app, s1).await.ok().at("/threadStart/thread").clone();
    send(&app, &s1.identity, &thread, "Det gäller Waran.").await.ok();
    let waits = task::Kind::UnansweredMessage;
    assert_eq!(stand(&app, waits, &thread["id"]).await, [task::Status::Open]);
    send(&app, &own.identity, &thread, "5 mg.").await.ok();
    assert_eq!(stand(&app, waits, &thread["id"]).await, [task::Status::Done]);
}
