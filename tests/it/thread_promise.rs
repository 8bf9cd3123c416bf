//! What is promised to whoever writes, what stands in the conversation and when the task is due: one and the same.

use entity::{care_unit, task};
use harness::TestApp;
use sea_orm::{EntityTrait, sea_query::Expr};
use serde_json::{Value, json};

use crate::{
    acts::act,
    contacts::{at, tasks},
    thread_roles::{answer_by, send, to_fixed_contact, write_to},
};

/// Every unit has this in a column.
async fn set_all(app: &TestApp, column: care_unit::Column, text: &str) {
    care_unit::Entity::update_many()
        .col_expr(column, Expr::value(text))
        .exec(app.core.db.reader())
        .await
        .unwrap();
}

/// The conversation says so, and its task is due then.
async fn assert_promised(app: &TestApp, thread: &Value, until: &str) {
    let promised = answer_by(app, thread).await;
    assert_eq!(at(promised.as_str().unwrap()), at(until));
    assert_eq!(tasks(app, task::Kind::UnansweredMessage, &thread["id"]).await[0].due_at, at(until));
}

/// R: without opening hours the promise is kept in whole working days.
#[tokio::test]
async fn a_unit_without_opening_hours_owes_the_answer_when_it_promises_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    set_all(&app, care_unit::Column::OpeningHours, "{}").await;
    // Friday: Monday and Tuesday are working days.
    app.clock.set(at("2027-02-05T10:00:00+01:00"));
    let (thread, contact) = to_fixed_contact(&app).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Thread { messageHours } } }";
    let seen = app.run(&p1.identity, query, json!({ "id": thread["id"] })).await.ok();
    assert!(seen.text("/node/messageHours").contains("inom 2 arbetsdagar"));
    assert_promised(&app, &thread, "2027-02-10T00:00:00+01:00").await;
    // It stands, whatever else is written, and nobody is left without an answer.
    app.clock.set(at("2027-02-08T10:00:00+01:00"));
    send(&app, &p1.identity, &thread, "En sak till.").await.ok();
    assert_promised(&app, &thread, "2027-02-10T00:00:00+01:00").await;
    let input = json!({ "threadId": thread["id"] });
    let refused = act(&app, &s1.identity, "threadClose", "thread { status }", input).await;
    assert_eq!(refused.user_error_codes("threadClose"), ["WRONG_STATE"]);
    // Thursday before Easter.
    app.clock.set(at("2027-03-25T09:00:00+01:00"));
    let write = async || {
        let answer = write_to(&app, p1, json!({ "contactId": contact["id"] })).await.ok();
        answer.at("/threadStart/thread").clone()
    };
    assert_promised(&app, &write().await, "2027-04-01T00:00:00+02:00").await;
    set_all(&app, care_unit::Column::ClosingDays, "[\"2027-03-30\"]").await;
    assert_promised(&app, &write().await, "2027-04-02T00:00:00+02:00").await;
}
