//! A conversation goes with the task of answering it: who answers is who the patient sees.

use chrono::TimeDelta;
use entity::{care_relation, task};
use harness::{Staff, TestApp};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    contacts::{appoint, sweep, tasks, to_role},
    hearing::{listen, next},
    thread_roles::{answer_by, answerer, assignee, away, send, to_fixed_contact},
};

/// Passes the task of answering to the unit of another.
pub(crate) async fn pass(app: &TestApp, from: &Staff, task: &task::Model, to: &Staff) {
    let input = json!({
        "taskId": global(NodeKind::Task, task.id), "careUnitId": global(NodeKind::CareUnit, to.unit),
        "reason": "Gäller er.", "expectedRowVersion": task.row_version,
    });
    let passed = act(app, &from.identity, "taskPass", "task { careUnit { id } }", input).await.ok();
    assert_eq!(passed.text("/taskPass/task/careUnit/id"), global(NodeKind::CareUnit, to.unit));
}

/// R: who answers is who the patient sees, is asked next, and closes.
#[tokio::test]
async fn a_conversation_goes_with_the_task_of_answering_to_the_unit_that_it_is_passed_to() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let (thread, _) = to_fixed_contact(&app).await;
    let promised = answer_by(&app, &thread).await;
    let mut patient =
        listen(&app, &p1.identity, "subscription { threadChanged { careUnit { id } toRole } }").await;
    pass(&app, s1, &tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await[0], s2).await;
    let unit = global(NodeKind::CareUnit, s2.unit);
    assert_eq!(
        next(&mut patient).await["data"],
        json!({ "threadChanged": { "careUnit": { "id": unit }, "toRole": null } })
    );
    assert_eq!(
        answerer(&app, &thread).await,
        json!({ "name": "Hjärtmottagningen Ekens sjukhus", "insteadOf": null })
    );
    assert_eq!(answer_by(&app, &thread).await, promised, "the promise stands");
    // Those who passed it on may write, and leave the answer to those who have it now.
    send(&app, &s1.identity, &thread, "Vi har lämnat din fråga vidare.").await.ok();
    assert_eq!(answer_by(&app, &thread).await, promised);
    send(&app, &s2.identity, &thread, "Vi svarar.").await.ok();
    assert!(answer_by(&app, &thread).await.is_null());
    send(&app, &p1.identity, &thread, "En sak till?").await.ok();
    let all = tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await;
    let open = all.iter().filter(|task| task.status == task::Status::Open).map(|task| task.care_unit_id);
    assert_eq!(open.collect::<Vec<_>>(), [s2.unit]);
    send(&app, &s2.identity, &thread, "Ja.").await.ok();
    let close = async |staff: &Staff| {
        let input = json!({ "threadId": thread["id"] });
        act(&app, &staff.identity, "threadClose", "thread { status }", input)
            .await
            .user_error_codes("threadClose")
    };
    assert_eq!(close(s1).await, ["FORBIDDEN"]);
    let silent: [&str; 0] = [];
    assert_eq!(close(s2).await, silent);
    // The unit that it left looks into it no longer for others going on.
    let relations = care_relation::Entity::find()
        .filter(care_relation::Column::Source.eq(care_relation::Source::Thread))
        .order_by_asc(care_relation::Column::CreatedAt)
        .all(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(relations.iter().map(|r| r.care_unit_id).collect::<Vec<_>>(), [s1.unit, s2.unit]);
}

/// Passes the open task of answering, and gives the role that the conversation goes to then.
async fn pass_thread(app: &TestApp, thread: &Value, from: &Staff, to: &Staff) -> Value {
    pass(app, from, &tasks(app, task::Kind::UnansweredMessage, &thread["id"]).await[0], to).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { toRole } } }";
    let seen = app.run(&app.world.p1.identity, query, json!({ "id": thread["id"] })).await.ok();
    seen.at("/node/toRole").clone()
}

/// R: what was passed on by mistake comes back as it was: to the role, and to whoever steps in for who holds it.
#[tokio::test]
async fn a_conversation_that_is_passed_back_goes_to_its_role_again_and_to_whoever_steps_in() {
    let app = TestApp::new().await;
    let (s1, s2, kim) = (&app.world.s1, &app.world.s2, &app.world.coordinator);
    let (thread, _) = to_fixed_contact(&app).await;
    assert_eq!(pass_thread(&app, &thread, s1, s2).await, Value::Null);
    assert_eq!(assignee(&app, &thread).await, None);
    assert_eq!(pass_thread(&app, &thread, s2, s1).await, "FAST_VARDKONTAKT");
    assert_eq!(assignee(&app, &thread).await, Some(s1.assignment));
    assert_eq!(answerer(&app, &thread).await, json!({ "name": "Stina Exempel", "insteadOf": null }));
    // Who holds it is away by the time it comes back.
    assert_eq!(pass_thread(&app, &thread, s1, s2).await, Value::Null);
    away(&app, s1, "2027-02-01T07:00:00+01:00", "2027-02-02T00:00:00+01:00", Some(kim)).await;
    assert_eq!(pass_thread(&app, &thread, s2, s1).await, "FAST_VARDKONTAKT");
    assert_eq!(assignee(&app, &thread).await, Some(kim.assignment));
    let instead = json!({ "name": "Kim Exempel", "insteadOf": "Stina Exempel" });
    assert_eq!(answerer(&app, &thread).await, instead);
    app.clock.advance(TimeDelta::days(1));
    sweep(&app).await;
    assert_eq!(assignee(&app, &thread).await, Some(s1.assignment), "back at work");
}

#[tokio::test]
async fn a_conversation_that_is_passed_to_where_its_role_is_held_by_now_goes_to_the_role_there() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let (thread, contact) = to_fixed_contact(&app).await;
    let input = json!({
        "contactId": contact["id"], "expectedRowVersion": contact["rowVersion"], "reason": "Byter uppdrag",
        "consultation": "CONSULTED",
    });
    act(&app, &s1.identity, "contactEnd", "contact { id }", input).await.ok();
    appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s2)).await;
    assert_eq!(pass_thread(&app, &thread, s1, s2).await, "FAST_VARDKONTAKT");
    assert_eq!(assignee(&app, &thread).await, Some(s2.assignment));
}
