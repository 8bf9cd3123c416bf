//! "Råden går inte ihop" and "jag klarar inte detta nu".

use entity::{domain_event, task};
use harness::{Answer, TestApp};
use patientkontrakt::{auth::token::Identity, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{history, item_as};
use crate::acts::{act, active, global};

const CONCERN: &str = "concern { id kind words status by answer rowVersion }";

async fn raise(app: &TestApp, who: &Identity, title: &str, kind: &str) -> Answer {
    let p1 = &app.world.p1;
    let item = item_as(app, &p1.identity, p1, title, "").await;
    let input = json!({ "planItemId": item["id"], "kind": kind, "words": "Kostrådet och medicinen krockar" });
    act(app, who, "planItemConcernRaise", CONCERN, input).await
}

fn on(answer: &Answer, mutation: &str) -> Value {
    let concern = answer.at(&format!("/{mutation}/concern"));
    json!({ "concernId": concern["id"], "expectedRowVersion": concern["rowVersion"] })
}

async fn tasks(app: &TestApp) -> Vec<task::Model> {
    let of = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::ItemConcern));
    of.all(app.core.db.reader()).await.unwrap()
}

/// "The patient can say 'råden går inte ihop' or 'jag klarar inte detta nu' on any item: a task for care."
#[tokio::test]
async fn what_the_patient_says_of_an_item_is_a_task_of_care_until_care_has_answered() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    // To the lead fast vårdkontakt, who is staff here.
    let person = json!({ "assignmentId": global(NodeKind::Assignment, app.world.coordinator.assignment) });
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT", "person": person });
    act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    let said = raise(&app, &p1.identity, "Ta prover", "ADVICE_CONFLICTS").await.ok();
    assert_eq!(said.text("/planItemConcernRaise/concern/status"), "OPEN");
    let open = tasks(&app).await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].assignee_id, Some(app.world.coordinator.assignment));
    assert_eq!((open[0].status, open[0].created_at), (task::Status::Open, app.clock.now()));
    // Two working days from a Monday: before Thursday begins.
    assert_eq!(open[0].due_at.to_rfc3339(), "2027-02-03T23:00:00+00:00");
    // The same again waits already; the other thing is another concern.
    let again = raise(&app, &p1.identity, "Ta prover", "ADVICE_CONFLICTS").await;
    assert_eq!(again.user_error_codes("planItemConcernRaise"), ["CONFLICT"]);
    raise(&app, &p1.identity, "Ta prover", "TOO_MUCH_NOW").await.ok();
    assert_eq!(tasks(&app).await.len(), 2);

    let mut input = on(&said, "planItemConcernRaise");
    input["answer"] = json!(" ");
    let blank = act(&app, &s1.identity, "planItemConcernAnswer", CONCERN, input.clone()).await;
    assert_eq!(blank.user_error_codes("planItemConcernAnswer"), ["BAD_USER_INPUT"]);
    input["answer"] = json!("Följ medicinlistan, kostrådet är ändrat");
    let own = act(&app, &p1.identity, "planItemConcernAnswer", CONCERN, input.clone()).await;
    assert_eq!(own.user_error_codes("planItemConcernAnswer"), ["FORBIDDEN"]);
    act(&app, &s1.identity, "planItemConcernAnswer", CONCERN, input.clone()).await.ok();
    let twice = act(&app, &s1.identity, "planItemConcernAnswer", CONCERN, input).await;
    assert_eq!(twice.user_error_codes("planItemConcernAnswer"), ["WRONG_STATE"]);
    let seen = item_as(&app, &p1.identity, p1, "Ta prover", "concerns { kind status answer }").await;
    assert_eq!(seen["concerns"][1]["answer"], "Följ medicinlistan, kostrådet är ändrat");
    assert_eq!(seen["concerns"][0]["status"], "OPEN", "the other one still waits");
    let ended = tasks(&app).await.into_iter().find(|t| t.id == open[0].id).unwrap();
    assert_eq!((ended.status, ended.ended_by_id), (task::Status::Done, Some(s1.assignment.0)));
    assert_eq!(history(&app, "planItemConcernAnswer").await.len(), 1);
    let told = domain_event::Entity::find().filter(domain_event::Column::Kind.eq("plan_item.concern_ended"));
    assert_eq!(told.all(app.core.db.reader()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_patient_takes_a_concern_back_and_staff_cannot_silence_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let said = raise(&app, &p1.identity, "Ta prover", "TOO_MUCH_NOW").await.ok();
    let input = on(&said, "planItemConcernRaise");
    let silenced = act(&app, &s1.identity, "planItemConcernWithdraw", CONCERN, input.clone()).await;
    assert_eq!(silenced.user_error_codes("planItemConcernWithdraw"), ["FORBIDDEN"]);
    let id = global(NodeKind::Task, tasks(&app).await[0].id);
    let ended = json!({ "taskId": id, "words": "Klart", "expectedRowVersion": 1 });
    let ended = act(&app, &s1.identity, "taskEnd", "task { id }", ended).await;
    assert_eq!(ended.user_error_codes("taskEnd"), ["WRONG_STATE"], "only an answer ends it");
    let mut stale = input.clone();
    stale["expectedRowVersion"] = json!(9);
    let stale = act(&app, &p1.identity, "planItemConcernWithdraw", CONCERN, stale).await;
    assert_eq!(stale.user_error_codes("planItemConcernWithdraw"), ["STALE_ROW_VERSION"]);
    assert_eq!(stale.text("/planItemConcernWithdraw/concern/status"), "OPEN");
    act(&app, &p1.identity, "planItemConcernWithdraw", CONCERN, input).await.ok();
    assert_eq!(tasks(&app).await[0].status, task::Status::Withdrawn);
    // Said again, it is a new concern. Taken down by staff for the patient, it is shown as that.
    let by_phone = raise(&app, &s1.identity, "Ta prover", "TOO_MUCH_NOW").await.ok();
    assert_eq!(by_phone.text("/planItemConcernRaise/concern/by"), "STAFF");
    let input = on(&by_phone, "planItemConcernRaise");
    act(&app, &s1.identity, "planItemConcernWithdraw", CONCERN, input).await.ok();
    for who in [&app.world.p2.identity, &app.world.s2.identity, &app.world.s3.identity] {
        let input = on(&said, "planItemConcernRaise");
        let foreign = act(&app, who, "planItemConcernWithdraw", CONCERN, input).await;
        assert_eq!(foreign.user_error_codes("planItemConcernWithdraw"), ["NOT_FOUND"]);
    }
}

#[tokio::test]
async fn a_task_about_a_concern_names_the_item() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    raise(&app, &p1.identity, "Ta prover", "TOO_MUCH_NOW").await.ok();
    let query = "query($u: ID!) { careUnit(id: $u) { tasks(first: 10) { nodes { kind subject { __typename title } \
         canEnd { allowed } } } } }";
    let unit = json!({ "u": global(NodeKind::CareUnit, s1.unit) });
    let seen = app.run(&s1.identity, query, unit).await.ok();
    let expected = json!([{ "kind": "ITEM_CONCERN", "subject": { "__typename": "TaskPlanItem", "title": "Ta prover" },
                            "canEnd": { "allowed": false } }]);
    assert_eq!(seen.at("/careUnit/tasks/nodes"), &expected);
}
