//! A message that waits for care is a task.

use std::time::Duration;

use chrono::TimeDelta;
use entity::{TaskId, ThreadId, task, thread};
use harness::{TestApp, database::Kind};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseBackend, EntityTrait, QueryFilter, QuerySelect, Statement,
    TransactionTrait,
    sea_query::{LockBehavior, LockType},
};
use serde_json::json;

use super::{end, ids, list, stored};
use crate::acts::{act, global, row};

async fn waiting(app: &TestApp) -> Vec<task::Model> {
    task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::UnansweredMessage))
        .filter(task::Column::Status.eq(task::Status::Open))
        .all(app.core.db.reader())
        .await
        .unwrap()
}

/// R: unanswered messages rise to the unit: a message that waits is a task, due when the answer was promised, until
/// care has answered.
#[tokio::test]
async fn a_message_that_waits_is_a_task_until_it_is_answered() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let input = json!({ "careUnitId": global(NodeKind::CareUnit, s1.unit), "subject": "Provsvar", "body": "Har det kommit?" });
    let started = act(&app, &p1.identity, "threadStart", "thread { id answerBy }", input).await.ok();
    let thread = started.text("/threadStart/thread/id");
    let first = waiting(&app).await;
    assert_eq!(first.len(), 1);
    assert_eq!(json!(first[0].due_at.to_rfc3339()), *started.at("/threadStart/thread/answerBy"));
    assert_eq!(first[0].subject_id, row(&thread));
    // More messages wait under the same promise, as one task.
    let say = async |who: &Identity, text: &str| {
        act(&app, who, "messageSend", "message { id }", json!({ "threadId": thread, "body": text }))
            .await
            .ok()
    };
    say(&p1.identity, "Hallå?").await;
    assert_eq!(waiting(&app).await.len(), 1);
    let shown = list(&app, s1, json!({ "kinds": ["UNANSWERED_MESSAGE"] })).await;
    assert_eq!(ids(&shown), [global(NodeKind::Task, first[0].id)]);
    say(&s1.identity, "Ja, det är bra.").await;
    assert!(waiting(&app).await.is_empty());
    let ended = stored(&app, &global(NodeKind::Task, first[0].id)).await;
    assert_eq!((ended.status, ended.ended_by_id), (task::Status::Done, Some(s1.assignment.0)));
    // Care writing of its own accord waits for nothing; the patient's next message does.
    say(&s1.identity, "Hör av dig om du undrar.").await;
    assert!(waiting(&app).await.is_empty());
    say(&p1.identity, "Tack, en sak till.").await;
    assert_eq!(waiting(&app).await.len(), 1);
}

/// An answer may be given by phone: then words end the task, and the next message is a task again.
#[tokio::test]
async fn a_message_that_was_answered_in_another_way_is_ended_in_words_and_the_next_one_waits_anew() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let input = json!({ "careUnitId": global(NodeKind::CareUnit, s1.unit), "subject": "Provsvar", "body": "Har det kommit?" });
    let started = act(&app, &p1.identity, "threadStart", "thread { id }", input).await.ok();
    let thread = started.text("/threadStart/thread/id");
    let id = global(NodeKind::Task, waiting(&app).await[0].id);
    end(&app, &s1.identity, &id).await.ok();
    app.clock.advance(TimeDelta::days(2));
    let sent = json!({ "threadId": thread, "body": "En sak till" });
    act(&app, &p1.identity, "messageSend", "message { id }", sent).await.ok();
    let next = waiting(&app).await;
    assert_eq!(next.len(), 1);
    assert!(next[0].due_at > app.clock.now(), "under a promise of its own");
}

/// R: whoever ends the task in words and whoever answers the message have thread and task in one order: the one waits
/// for the other, and neither for ever.
#[tokio::test]
async fn a_task_that_is_ended_while_its_message_is_answered_waits_for_the_thread() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let input = json!({ "careUnitId": global(NodeKind::CareUnit, s1.unit), "subject": "Provsvar", "body": "Har det kommit?" });
    let started = act(&app, &p1.identity, "threadStart", "thread { id }", input).await.ok();
    let thread = started.text("/threadStart/thread/id");
    let say = async |who: &Identity, text: &str| {
        act(&app, who, "messageSend", "message { id }", json!({ "threadId": thread, "body": text })).await
    };
    let task = async || global(NodeKind::Task, waiting(&app).await[0].id);
    if Kind::picked() == Kind::Postgres {
        // Somebody is answering: they have the thread, and come to the task.
        let other = app.core.db.reader().begin().await.unwrap();
        thread::Entity::find_by_id(ThreadId(row(&thread))).lock_exclusive().one(&other).await.unwrap();
        let id = task().await;
        let blocked =
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let answer = async {
            let statement = Statement::from_string(DatabaseBackend::Postgres, blocked);
            while app.core.db.reader().query_one_raw(statement.clone()).await.unwrap().is_none() {}
            task::Entity::find_by_id(TaskId(row(&id)))
                .lock_with_behavior(LockType::Update, LockBehavior::Nowait)
                .one(&other)
                .await
                .unwrap_or_else(|error| panic!("the task is held without its thread: {error}"));
            other.commit().await.unwrap();
        };
        let both = async { tokio::join!(end(&app, &s1.identity, &id), answer) };
        tokio::time::timeout(Duration::from_secs(20), both).await.unwrap().0.ok();
    } else {
        end(&app, &s1.identity, &task().await).await.ok();
    }
    // And as it happens: one of them ends the task, whoever comes first.
    for n in 0..8 {
        say(&p1.identity, &format!("Fråga {n}")).await.ok();
        let id = task().await;
        let (ended, answered) = tokio::join!(end(&app, &s1.identity, &id), say(&s1.identity, "Ja."));
        answered.ok();
        let codes = ended.user_error_codes("taskEnd");
        assert!(ended.body.get("errors").is_none(), "{}", ended.body);
        assert!(codes.is_empty() || codes == ["WRONG_STATE"] || codes == ["STALE_ROW_VERSION"], "{codes:?}");
        assert!(waiting(&app).await.is_empty());
    }
}
