//! One key, many times: at once, over two processes, after a crash, after a lost answer, and under another policy.

use std::collections::BTreeSet;

use entity::{ThreadMessageId, idempotency_key, thread, thread_message};
use futures_util::future::join_all;
use harness::{
    Answer,
    process::{PATIENCE, Serve, Stage},
};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use sea_orm::{EntityTrait, PaginatorTrait, sea_query::Expr};
use serde_json::{Value, json};

use super::{act, outage::over_a_line, several::two, thread as start};
use crate::acts::{global, row};

const SENT: &str = "message { id body sentAt }";

async fn messages(stage: &Stage) -> u64 {
    thread_message::Entity::find().count(stage.core.db.reader()).await.unwrap()
}

async fn threads(stage: &Stage) -> u64 {
    thread::Entity::find().count(stage.core.db.reader()).await.unwrap()
}

/// Sends what may break on the way: as often as it takes, with one key.
async fn until_answered(stage: &Stage, serve: &Serve, who: &Identity, name: &str, input: &Value) -> Answer {
    for _ in 0..100 {
        let selection = if name == "messageSend" { SENT } else { "thread { id subject }" };
        if let Ok(answer) = serve.act(&stage.token(who), name, selection, input.clone()).await
            && answer.status == 200
        {
            return answer.ok();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no answer: {}", serve.log());
}

/// The same request a hundred times at once, spread over the processes: every answer, at the first attempt.
async fn a_hundred(stage: &Stage, at: &[&Serve], who: &Identity, name: &str, input: &Value) -> Vec<Answer> {
    let selection = if name == "messageSend" { SENT } else { "thread { id subject answerBy }" };
    join_all((0..100).map(|n: usize| act(stage, at[n % at.len()], who, name, selection, input.clone()))).await
}

/// F29: one key a hundred times is one row and a hundred times the same answer; another input is refused; another
/// user's is another key.
async fn one_key_under_fire(stage: &Stage, at: &[&Serve]) {
    let world = &stage.world;
    let thread = start(stage, at[0]).await;
    // A patient's further message takes a way of its own on PostgreSQL, the answer of staff the general one.
    for (who, body) in [(&world.p1.identity, "Första"), (&world.s1.identity, "Andra")] {
        let input = json!({ "threadId": thread, "body": body, "idempotencyKey": body });
        let before = messages(stage).await;
        let answers = a_hundred(stage, at, who, "messageSend", &input).await;
        for answer in &answers {
            assert_eq!((answer.status, &answer.body), (200, &answers[0].body), "{body}");
        }
        answers[0].clone().ok();
        assert_eq!(messages(stage).await, before + 1);
    }
    let input = json!({ "threadId": thread, "body": "Annat", "idempotencyKey": "Andra" });
    for other in a_hundred(stage, at, &world.s1.identity, "messageSend", &input).await {
        assert_eq!(other.user_error_codes("messageSend"), ["IDEMPOTENCY_KEY_REUSED"]);
    }
    let input = json!({
        "careUnitId": global(NodeKind::CareUnit, world.s1.unit), "subject": "En gång", "body": "Hej",
        "idempotencyKey": "samma",
    });
    let before = threads(stage).await;
    let (mine, theirs) = tokio::join!(
        a_hundred(stage, at, &world.p1.identity, "threadStart", &input),
        a_hundred(stage, at, &world.p2.identity, "threadStart", &input),
    );
    for answers in [&mine, &theirs] {
        assert!(answers.iter().all(|answer| answer.body == answers[0].body));
        answers[0].clone().ok();
    }
    assert_ne!(mine[0].text("/threadStart/thread/id"), theirs[0].text("/threadStart/thread/id"));
    assert_eq!(threads(stage).await, before + 2);
}

#[tokio::test]
async fn one_key_a_hundred_times_at_once_is_one_row_and_a_hundred_equal_answers() {
    let stage = Stage::new().await;
    let serve = stage.serve(&[]).await;
    one_key_under_fire(&stage, &[&serve]).await;
}

#[tokio::test]
async fn one_key_a_hundred_times_over_two_processes_is_one_row_and_a_hundred_equal_answers() {
    let Some((stage, one, other)) = two().await else { return };
    one_key_under_fire(&stage, &[&one, &other]).await;
}

/// Killed while one key was under fire: whether it was answered before or not, repeated it is there once.
#[tokio::test]
async fn a_key_that_was_under_fire_when_the_process_was_killed_acts_once() {
    let stage = Stage::new().await;
    let mut serve = stage.serve(&[]).await;
    let thread = start(&stage, &serve).await;
    let p1 = &stage.world.p1.identity;
    let mut answered: Vec<BTreeSet<String>> = Vec::new();
    for round in 0..3 {
        let key = format!("runda {round}");
        let input = json!({ "threadId": thread, "body": key, "idempotencyKey": key });
        let token = stage.token(p1);
        let sending = join_all((0..100).map(|_| serve.act(&token, "messageSend", SENT, input.clone())));
        let killing = async {
            // At another moment each time: before, while and after it is written.
            tokio::time::sleep(std::time::Duration::from_millis(15 * round)).await;
            serve.kill().await;
        };
        let (answers, ()) = tokio::join!(sending, killing);
        let mut ids: BTreeSet<String> =
            answers.into_iter().flatten().map(|answer| answer.ok().text("/messageSend/message/id")).collect();
        assert!(!serve.ended(PATIENCE).await.success());
        serve = stage.serve(&[]).await;
        for _ in 0..3 {
            let again = until_answered(&stage, &serve, p1, "messageSend", &input).await;
            ids.insert(again.text("/messageSend/message/id"));
        }
        answered.push(ids);
    }
    assert!(answered.iter().all(|ids| ids.len() == 1), "{answered:?}");
    assert_eq!(messages(&stage).await, 1 + answered.len() as u64);
}

/// A repetition is shown under the policy of the day: what the caller can no longer reach is not shown again.
#[tokio::test]
async fn a_repetition_after_a_change_of_policy_shows_what_today_allows() {
    let stage = Stage::new().await;
    let serve = stage.serve(&[]).await;
    let (s1, p1) = (&stage.world.s1, &stage.world.p1);
    let thread = start(&stage, &serve).await;
    let input = json!({ "threadId": thread, "body": "Vi ringer dig.", "idempotencyKey": "svar" });
    let selection = "message { id body } thread { id subject }";
    let send = async || act(&stage, &serve, &s1.identity, "messageSend", selection, input.clone()).await;
    let first = send().await.ok();
    assert_eq!(first.body, send().await.ok().body);
    let ended = stage.core.clock.now() - chrono::TimeDelta::seconds(1);
    entity::care_relation::Entity::update_many()
        .col_expr(entity::care_relation::Column::ValidUntil, Expr::value(ended))
        .col_expr(entity::care_relation::Column::ValidFrom, Expr::value(ended - chrono::TimeDelta::days(1)))
        .exec(stage.core.db.reader())
        .await
        .unwrap();
    let today = send().await;
    assert!(today.at("/messageSend/message").is_null() && today.at("/messageSend/thread").is_null());
    assert!(!today.body.to_string().contains(p1.canary), "{}", today.body);
    assert_eq!(messages(&stage).await, 2);
    assert!(idempotency_key::Entity::find().count(stage.core.db.reader()).await.unwrap() >= 2);
}

/// F20: the answer to the commit is lost, or the commit itself: a repetition gives one row and the same answer.
#[tokio::test]
async fn a_commit_of_unknown_outcome_is_settled_by_repeating_the_key() {
    let Some((stage, serve, proxy)) = over_a_line().await else { return };
    let thread = start(&stage, &serve).await;
    let world = &stage.world;
    let (p1, s1) = (&world.p1.identity, &world.s1.identity);
    let name = "messageSend";
    // Everybody is known to the process; the patient has written last.
    for who in [s1, p1] {
        act(&stage, &serve, who, name, SENT, json!({ "threadId": thread, "body": "Hej" })).await.ok();
    }
    let rows = messages(&stage).await;
    let mut expected = rows;
    for round in 0..10 {
        let arrives = round % 2 == 0;
        // Staff's commit; a patient's further message is a statement of its own, known by its thread.
        let (who, mark) =
            if round < 6 { (s1, b"COMMIT".to_vec()) } else { (p1, row(&thread).as_bytes().to_vec()) };
        if round == 6 {
            act(&stage, &serve, p1, name, SENT, json!({ "threadId": thread, "body": "Patienten sist" }))
                .await
                .ok();
            expected += 1;
        }
        let input =
            json!({ "threadId": thread, "body": "Ovisst", "idempotencyKey": format!("ovisst {round}") });
        let lost = proxy.lost();
        if arrives {
            proxy.lose_answers_to(&mark);
        } else {
            proxy.lose_requests(&mark);
        }
        let first = serve.act(&stage.token(who), name, SENT, input.clone()).await.unwrap();
        assert_eq!((first.status, first.error_codes()), (503, vec!["UNAVAILABLE".to_owned()]), "{first:?}");
        assert!(proxy.lost() > lost, "it was lost on the way");
        proxy.mend();
        let again = until_answered(&stage, &serve, who, name, &input).await;
        let once_more = until_answered(&stage, &serve, who, name, &input).await;
        assert_eq!(again.body, once_more.body, "{round}");
        expected += 1;
        assert_eq!(messages(&stage).await, expected, "round {round}: one row");
        let id = ThreadMessageId(row(&again.text("/messageSend/message/id")));
        assert!(thread_message::Entity::find_by_id(id).one(stage.core.db.reader()).await.unwrap().is_some());
    }
}
