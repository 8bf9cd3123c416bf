//! Templates of courses of care: as they are offered, put into a plan, checked before going home, and called upon.

use harness::TestApp;
use serde_json::{Value, json};

const TEMPLATES: &str = "{ templates { key version title anchor isShipped phases { key title } items { key phase \
     category owner title timing days inWorkingDays untilDays recurrence trigger resultHow dischargeCode dailyCall \
     needsResponsibleUnit } } }";

/// The three that must ship, in the reader's language, for no statement.
#[tokio::test]
async fn the_three_templates_that_ship_are_offered_and_cost_no_statement() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1.identity;
    app.run(s1, TEMPLATES, json!({})).await.ok();
    let (answer, statements) = app.statements(app.run(s1, TEMPLATES, json!({}))).await;
    let answer = answer.ok();
    assert!(statements.is_empty(), "{statements:#?}");
    let keys: Vec<&Value> = answer.at("/templates").as_array().unwrap().iter().map(|t| &t["key"]).collect();
    assert_eq!(keys, ["daily-follow-up", "frail-patient", "surgery"]);
    let surgery = answer.at("/templates/2");
    assert_eq!((&surgery["title"], &surgery["anchor"]), (&json!("Operation"), &json!("Operationsdagen")));
    let item =
        |key: &str| surgery["items"].as_array().unwrap().iter().find(|i| i["key"] == key).unwrap().clone();
    let follow_up = item("follow-up");
    assert_eq!(
        (&follow_up["days"], &follow_up["dischargeCode"], &follow_up["needsResponsibleUnit"]),
        (&json!(12), &json!("FOLLOW_UP_BOOKED"), &json!(true))
    );
    assert_eq!(item("answer")["trigger"], "när provsvaret har kommit");
    let daily = answer.at("/templates/0/items");
    let call = daily.as_array().unwrap().iter().find(|i| i["dailyCall"] == json!(true)).unwrap();
    assert_eq!((&call["days"], &call["recurrence"]), (&json!(0), &json!("FREQ=DAILY;COUNT=14")));
}
