//! The call log: what was promised is a task until somebody has called.

use chrono::TimeDelta;
use entity::{phone_call, phone_call_attempt, task};
use harness::{Answer, Staff, TestApp, relate};
use patientkontrakt::{
    crypto::Place,
    domain::{sweep, task::words::Words},
    graphql::scalars::NodeKind,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::acts::{act, global, row};

const CALL: &str = "call { id status callBy isOverdue withWhom about phone rowVersion patient { givenName } \
     createdBy { name } attempts { reached words by { name } } }";

fn add(app: &TestApp, callback: Option<Value>) -> Value {
    let mut input = json!({
        "patientId": app.world.p1.global_id(), "direction": "INCOMING", "withWhom": "Dottern Eva",
        "about": "Undrar över provsvaret",
    });
    if let Some(callback) = callback {
        input["callback"] = callback;
    }
    input
}

fn promise(app: &TestApp) -> Value {
    json!({ "by": (app.clock.now() + TimeDelta::hours(2)).to_rfc3339(), "phone": "070-174 06 05" })
}

async fn promised(app: &TestApp, who: &Staff) -> Value {
    relate(&app.core, who, &app.world.p1).await;
    let input = add(app, Some(promise(app)));
    act(app, &who.identity, "callLogAdd", CALL, input).await.ok().at("/callLogAdd/call").clone()
}

async fn made(app: &TestApp, who: &Staff, call: &Value, input: Value) -> Answer {
    let mut all = json!({ "callId": call["id"], "expectedRowVersion": call["rowVersion"] });
    for (name, value) in input.as_object().unwrap() {
        all[name] = value.clone();
    }
    act(app, &who.identity, "callLogMade", CALL, all).await
}

async fn task_of(app: &TestApp, call: &Value) -> task::Model {
    let tasks = task::Entity::find().filter(task::Column::SubjectId.eq(row(call["id"].as_str().unwrap())));
    tasks.one(app.core.db.reader()).await.unwrap().unwrap()
}

async fn listed(app: &TestApp, who: &Staff, filter: &str) -> Value {
    let query =
        format!("query($u: ID!) {{ careUnit(id: $u) {{ callLog(filter: {filter}) {{ nodes {{ id }} }} }} }}");
    let unit = json!({ "u": global(NodeKind::CareUnit, who.unit) });
    app.run(&who.identity, &query, unit).await.ok().at("/careUnit/callLog/nodes").clone()
}

#[tokio::test]
async fn a_promised_call_is_a_task_until_the_patient_is_reached() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let call = promised(&app, s1).await;
    assert_eq!((&call["phone"], &call["status"]), (&json!("+46701740605"), &json!("TO_MAKE")));
    let task = task_of(&app, &call).await;
    assert_eq!((task.kind, task.status), (task::Kind::Call, task::Status::Open));
    assert_eq!(task.due_at, app.clock.now() + TimeDelta::hours(2));
    let query = "query($id: ID!) { node(id: $id) { ... on Task { subject { __typename id title ... on TaskCall { phone } } } } }";
    let shown = app.run(&s1.identity, query, json!({ "id": global(NodeKind::Task, task.id) })).await.ok();
    assert_eq!(
        shown.at("/node/subject"),
        &json!({ "__typename": "TaskCall", "id": call["id"], "title": "Undrar över provsvaret",
                 "phone": "+46701740605" })
    );
    assert_eq!(listed(&app, s1, "TO_MAKE").await, json!([{ "id": call["id"] }]));

    // A colleague tries in vain, and promises a new time; then somebody gets through.
    app.clock.advance(TimeDelta::hours(3));
    assert_eq!(sweep::run(&app.core).await.unwrap().risen, 1, "late");
    let again = (app.clock.now() + TimeDelta::hours(20)).to_rfc3339();
    let tried = made(&app, &app.world.coordinator, &call, json!({ "reached": false, "tryAgainBy": again }))
        .await
        .ok();
    let tried = tried.at("/callLogMade/call").clone();
    assert_eq!((&tried["status"], &tried["isOverdue"]), (&json!("TO_MAKE"), &json!(false)));
    let task = task_of(&app, &call).await;
    assert_eq!(task.due_at, app.clock.now() + TimeDelta::hours(20));
    assert_eq!((task.status, task.raised_to_manager_at), (task::Status::Open, None), "it is in hand again");
    let done = made(&app, s1, &tried, json!({ "reached": true, "words": "Svaret är gott" })).await.ok();
    let done = done.at("/callLogMade/call");
    assert_eq!(done["status"], "MADE");
    assert_eq!(
        done["attempts"],
        json!([{ "reached": false, "words": null, "by": { "name": "Kim Exempel" } },
               { "reached": true, "words": "Svaret är gott", "by": { "name": "Stina Exempel" } }])
    );
    assert_eq!(task_of(&app, &call).await.status, task::Status::Done);
    assert_eq!(listed(&app, s1, "TO_MAKE").await, json!([]));
    assert_eq!(listed(&app, s1, "ENDED").await, json!([{ "id": call["id"] }]));
    let again = made(&app, s1, done, json!({ "reached": true })).await;
    assert_eq!(again.user_error_codes("callLogMade"), ["WRONG_STATE"]);
}

#[tokio::test]
async fn giving_a_call_up_takes_words_and_everything_wrong_is_told_at_once() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let call = promised(&app, s1).await;
    let silent = made(&app, s1, &call, json!({ "reached": false })).await;
    assert_eq!(silent.user_error_codes("callLogMade"), ["BAD_USER_INPUT"]);
    let stale = json!({ "reached": false, "words": "Numret finns inte", "expectedRowVersion": 7 });
    assert_eq!(made(&app, s1, &call, stale).await.user_error_codes("callLogMade"), ["STALE_ROW_VERSION"]);
    let given_up =
        made(&app, s1, &call, json!({ "reached": false, "words": "Numret finns inte" })).await.ok();
    assert_eq!(given_up.text("/callLogMade/call/status"), "NOT_REACHED");
    let task = task_of(&app, &call).await;
    assert_eq!(task.status, task::Status::Done);
    let place = Place::new("task.ending", task.id.0);
    let words = Words::open(&app.core.keys, place, task.ending.as_ref().unwrap()).unwrap();
    assert_eq!(words, Words::own("Numret finns inte"));

    let mut wrong = add(&app, Some(json!({ "by": "2020-01-01T00:00:00Z", "phone": "12" })));
    wrong["about"] = json!(" ");
    let answer = act(&app, &s1.identity, "callLogAdd", CALL, wrong).await;
    assert_eq!(answer.user_error_codes("callLogAdd"), ["BAD_USER_INPUT"; 3]);
}

#[tokio::test]
async fn a_call_that_has_taken_place_is_written_down_and_is_nobodys_task() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    relate(&app.core, s1, &app.world.p1).await;
    let written = act(&app, &s1.identity, "callLogAdd", CALL, add(&app, None)).await.ok();
    assert_eq!(written.text("/callLogAdd/call/status"), "MADE");
    assert!(task::Entity::find().one(app.core.db.reader()).await.unwrap().is_none());
    let query = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"samtal\") { \
         callLog(filter: ENDED) { nodes { withWhom } } } }";
    let seen = app.run(&s1.identity, query, json!({ "n": app.world.p1.number })).await.ok();
    assert_eq!(seen.at("/patient/callLog/nodes"), &json!([{ "withWhom": "Dottern Eva" }]));
    let own =
        app.run(&app.world.p1.identity, "{ me { givenName callLog { nodes { id } } } }", json!({})).await;
    assert_eq!((own.error_codes(), own.at("/me/callLog").is_null()), (vec!["FORBIDDEN".to_owned()], true));
    assert_eq!(own.text("/me/givenName"), "Etta");
}

/// The call goes with its task: the unit that gets the task makes the call.
#[tokio::test]
async fn a_call_that_is_passed_on_is_made_by_the_other_unit() {
    let app = TestApp::new().await;
    let (s1, s2) = (&app.world.s1, &app.world.s2);
    let call = promised(&app, s1).await;
    let task = global(NodeKind::Task, task_of(&app, &call).await.id);
    let input = json!({ "taskId": task, "careUnitId": global(NodeKind::CareUnit, s2.unit),
                        "reason": "Provet togs hos er", "expectedRowVersion": 1 });
    act(&app, &s1.identity, "taskPass", "task { id }", input).await.ok();
    let reached = json!({ "reached": true });
    assert_eq!(made(&app, s1, &call, reached.clone()).await.user_error_codes("callLogMade"), ["NOT_FOUND"]);
    made(&app, s2, &call, reached).await.ok();
    assert_eq!(task_of(&app, &call).await.status, task::Status::Done);
}

#[tokio::test]
async fn what_is_said_is_sealed_and_what_is_over_stays_as_it_is() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let call = promised(&app, s1).await;
    made(&app, s1, &call, json!({ "reached": true, "words": "Svaret är gott" })).await.ok();
    let db = app.core.db.reader();
    let stored = phone_call::Entity::find().one(db).await.unwrap().unwrap();
    let attempt = phone_call_attempt::Entity::find().one(db).await.unwrap().unwrap();
    for sealed in [&stored.with_whom, &stored.about, &stored.phone.unwrap(), &attempt.words.unwrap()] {
        let text = String::from_utf8_lossy(&sealed.0);
        assert!(
            !text.contains("Eva")
                && !text.contains("prov")
                && !text.contains("4670")
                && !text.contains("gott")
        );
    }
    for (statement, by) in [
        ("DELETE FROM phone_call", "phone_call_no_delete"),
        ("UPDATE phone_call SET row_version = 9", "phone_call_ended"),
        ("UPDATE phone_call_attempt SET reached = (1 = 1)", "phone_call_attempt_no_update"),
        ("DELETE FROM phone_call_attempt", "phone_call_attempt_no_delete"),
    ] {
        let error = db.execute_unprepared(statement).await.expect_err(statement).to_string();
        assert!(error.contains(by), "{statement}: {error}");
    }
}

#[tokio::test]
async fn a_page_of_the_call_log_costs_two_statements_for_one_and_for_many() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let query = "query($u: ID!) { careUnit(id: $u) { callLog { nodes { id about attempts { words } } } } }";
    let unit = json!({ "u": global(NodeKind::CareUnit, s1.unit) });
    for rows in [1, 5] {
        for _ in 0..rows {
            let call = promised(&app, s1).await;
            let again = (app.clock.now() + TimeDelta::hours(5)).to_rfc3339();
            made(&app, s1, &call, json!({ "reached": false, "tryAgainBy": again })).await.ok();
        }
        app.run(&s1.identity, query, unit.clone()).await.ok();
        let (answer, statements) = app.statements(app.run(&s1.identity, query, unit.clone())).await;
        assert!(answer.ok().at("/careUnit/callLog/nodes").as_array().unwrap().len() >= rows);
        assert_eq!(statements.len(), 2, "{statements:#?}");
    }
}
