//! What the access log says of acts that were not done: as such, with why, and to whom it matters.

use entity::access_event::Outcome;
use harness::TestApp;
use serde_json::{Value, json};

use super::situation::{act, document_selecting, logged};
use crate::acts::{active, draft};

async fn since(app: &TestApp, from: usize) -> Vec<(String, Outcome, Option<String>, usize)> {
    let rows = logged(app, from).await;
    rows.into_iter().map(|l| (l.event.action, l.event.outcome, l.event.reason, l.patients.len())).collect()
}

fn row(action: &str, outcome: Outcome, reason: &str) -> (String, Outcome, Option<String>, usize) {
    let reason = (!reason.is_empty()).then(|| reason.to_owned());
    (action.to_owned(), outcome, reason, 1)
}

/// Refusals of every kind that reach a patient's object, with and without the object in the payload.
#[tokio::test]
async fn an_act_that_was_not_done_is_logged_as_refused_with_its_code_and_the_patient() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let propose = |expected: i64| json!({ "agreementId": plan.id, "expectedRowVersion": expected });
    let goal = json!({ "agreementId": plan.id, "text": " " });
    let assent = json!({ "agreementId": plan.id, "versionId": plan.version, "digest": "00" });
    for (who, mutation, input, code) in [
        (s1, "agreementPropose", propose(plan.row_version - 1), "STALE_ROW_VERSION"),
        (s1, "agreementAssent", assent, "WRONG_STATE"),
        (s1, "goalAdd", goal, "BAD_USER_INPUT"),
    ] {
        for selection in ["", if mutation == "goalAdd" { "goal { id }" } else { "agreement { id }" }] {
            let from = logged(&app, 0).await.len();
            let mut input: Value = input.clone();
            input["idempotencyKey"] = json!(format!("{mutation} {selection}"));
            let document = document_selecting(mutation, selection);
            let answer = app.run(&who.identity, &document, json!({ "input": input })).await;
            assert_eq!(answer.user_error_codes(mutation), [code]);
            assert_eq!(since(&app, from).await, [row(mutation, Outcome::Refused, code)], "{selection}");
            // Asked again, the stored refusal is the answer; what it shows is logged as shown to a refused act.
            let from = logged(&app, 0).await.len();
            let again = app.run(&who.identity, &document, json!({ "input": input })).await;
            assert_eq!(again.body, answer.body);
            let shown = selection.starts_with("agreement") || code == "BAD_USER_INPUT";
            let expected = if shown { vec![row(mutation, Outcome::Refused, code)] } else { Vec::new() };
            assert_eq!(since(&app, from).await, expected, "{mutation} {selection}, again");
        }
    }
}

/// Several acts in one request: each has its own row, and what was done is not mistaken for what was not.
#[tokio::test]
async fn acts_of_one_request_are_logged_each_for_itself() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let from = logged(&app, 0).await.len();
    let document = "mutation($a: GoalAddInput!, $b: AgreementProposeInput!, $c: GoalAddInput!) { \
        one: goalAdd(input: $a) { goal { id } userErrors { code } } \
        two: agreementPropose(input: $b) { agreement { id } userErrors { code } } \
        three: goalAdd(input: $c) { goal { id } userErrors { code } } }";
    let goal = |text: &str| json!({ "agreementId": plan.id, "text": text, "idempotencyKey": text });
    let stale = json!({ "agreementId": plan.id, "expectedRowVersion": 1, "idempotencyKey": "två" });
    let variables = json!({ "a": goal("Sova"), "b": stale, "c": goal("Gå ut") });
    let answer = app.run(&s1.identity, document, variables).await;
    let why = answer.text("/two/userErrors/0/code");
    assert!(answer.at("/two/agreement/id").is_string());
    assert_eq!(
        since(&app, from).await,
        [
            row("goalAdd", Outcome::Allowed, ""),
            row("agreementPropose", Outcome::Refused, &why),
            row("goalAdd", Outcome::Allowed, "")
        ]
    );
}

/// `NOT_FOUND` and `FORBIDDEN` stay what they are: stopped. Where the patient was reached, the patient is told.
#[tokio::test]
async fn what_the_policy_stops_is_denied_and_says_who_where_it_reached_somebody() {
    let app = TestApp::new().await;
    let (world, p1) = (&app.world, &app.world.p1);
    let plan = active(&app, &world.s1, p1).await;
    let from = logged(&app, 0).await.len();
    let goal = json!({ "agreementId": plan.id, "text": "Sova" });
    act(&app, &world.p2.identity, "goalAdd", goal).await;
    // An item whose responsible person is at another care giver: the agreement was reached, the person was not.
    let elsewhere = super::situation::global(
        patientkontrakt::graphql::scalars::NodeKind::Assignment,
        world.s3.assignment,
    );
    let item = json!({ "agreementId": plan.id, "title": "Samtal", "category": "CONTACT", "owner": "CARE",
                       "timing": { "date": "2027-05-01" }, "responsibleAssignmentId": elsewhere });
    let answer = act(&app, &world.s1.identity, "planItemPropose", item).await;
    assert_eq!(answer.user_error_codes("planItemPropose"), ["NOT_FOUND"], "{}", answer.body);
    let (denied, code) = (Outcome::Denied, Some("NOT_FOUND".to_owned()));
    assert_eq!(
        since(&app, from).await,
        [("goalAdd".to_owned(), denied, code.clone(), 0), ("planItemPropose".to_owned(), denied, code, 1)]
    );
}

/// The patient reads who did what, and what came of it, as sentences.
#[tokio::test]
async fn the_patient_reads_what_came_of_each_access_in_words() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let stale = json!({ "agreementId": plan.id, "expectedRowVersion": 0 });
    act(&app, &s1.identity, "agreementPropose", stale).await;
    let goal = json!({ "agreementId": plan.id, "text": "Sova" });
    act(&app, &p1.identity, "goalAdd", goal).await.ok();
    let log = "{ me { accessLog(first: 2) { nodes { action outcome message } } } }";
    let seen = app.run(&p1.identity, log, json!({})).await.ok();
    assert_eq!(
        seen.at("/me/accessLog/nodes"),
        &json!([
            { "action": "goalAdd", "outcome": "ALLOWED", "message": "Du ändrade något i dina uppgifter." },
            { "action": "agreementPropose", "outcome": "REFUSED",
              "message": "Personal på Vårdcentralen Granen försökte ändra något i dina uppgifter, men det gick inte. Inget ändrades." },
        ])
    );
}
