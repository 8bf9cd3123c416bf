//! Answering a proposal with another one, and taking back one's own.

use entity::{AgreementVersionId, agreement_version, notice, task};
use harness::TestApp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::json;

use crate::{
    acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, assent, draft, item, proposed, row, whole_item},
    revise::{acts, on, text},
};

async fn version(app: &TestApp, id: &str) -> agreement_version::Model {
    let id = AgreementVersionId(row(id));
    agreement_version::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap()
}

/// A plan in force, to which the patient has proposed to go swimming; and what both see of it.
async fn wants_to_swim(app: &TestApp) -> (Plan, serde_json::Value) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(app, s1, p1).await;
    let swim = whole_item(&plan, s1, "Simma", "PATIENT");
    act(app, &p1.identity, "planItemPropose", PLAN_ITEM, swim).await.ok();
    (plan, Plan::of(app, p1).await.1)
}

/// A first version that care has proposed and the patient is answering.
async fn answered(app: &TestApp) -> Plan {
    let first = proposed(app, &app.world.s1, &app.world.p1).await;
    let input = json!({ "versionId": first.version });
    acts(app, &app.world.p1.identity, &app.world.p1, "agreementCounter", input).await.ok();
    first
}

/// The patient can answer a proposal with a counter-proposal.
#[tokio::test]
async fn a_first_version_is_answered_with_a_counter_proposal_that_takes_its_place() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let first = proposed(&app, s1, p1).await;
    let answer =
        acts(&app, &p1.identity, p1, "agreementCounter", json!({ "versionId": first.version })).await.ok();
    let agreement = answer.at("/agreementCounter/agreement");
    assert_eq!((&agreement["status"], &agreement["draft"]["answersNumber"]), (&json!("PROPOSED"), &json!(1)));
    assert_eq!(agreement["currentVersion"]["id"], json!(first.version), "the proposal stands meanwhile");
    acts(&app, &p1.identity, p1, "agreementContentEdit", json!({ "sections": text("WISHES", "Sova hemma") }))
        .await
        .ok();
    let answer = acts(&app, &p1.identity, p1, "agreementPropose", json!({})).await.ok();
    let agreement = answer.at("/agreementPropose/agreement");
    assert_eq!(
        (&agreement["status"], &agreement["currentVersion"]["number"]),
        (&json!("PROPOSED"), &json!(2))
    );
    assert_eq!(agreement["currentVersion"]["patientAssent"]["by"], "PATIENT");
    assert!(agreement["currentVersion"]["careAssent"].is_null());
    let answered = version(&app, &first.version).await;
    assert_eq!(answered.status, agreement_version::Status::Withdrawn);
    assert_eq!(answered.withdrawal, Some(agreement_version::Withdrawal::Countered));

    let late = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&first)).await;
    assert_eq!(late.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    let (second, _) = Plan::of(&app, p1).await;
    let answer = act(&app, &s1.identity, "agreementAssent", AGREEMENT, assent(&second)).await.ok();
    let agreement = answer.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "ACTIVE");
    assert!(agreement["planItems"].as_array().unwrap().iter().all(|i| i["status"] == "ACCEPTED"));
}

#[tokio::test]
async fn care_answers_what_the_patient_proposes_and_its_task_is_done_then() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (_, seen) = wants_to_swim(&app).await;
    let theirs = seen["proposals"][0]["id"].clone();
    let own = acts(&app, &p1.identity, p1, "agreementCounter", json!({ "versionId": theirs })).await;
    assert_eq!(own.user_error_codes("agreementCounter"), ["WRONG_STATE"]);

    acts(&app, &s1.identity, p1, "agreementCounter", json!({ "versionId": theirs })).await.ok();
    let open = async || {
        let found = task::Entity::find().filter(task::Column::SubjectId.eq(row(theirs.as_str().unwrap())));
        found.one(app.core.db.reader()).await.unwrap().unwrap().status
    };
    assert_eq!(open().await, task::Status::Open);
    let swim = item(&app, p1, "Simma").await;
    let mut wording = on(&app, p1).await;
    wording.as_object_mut().unwrap().remove("agreementId");
    for (key, value) in [("planItemId", &swim["id"]), ("title", &json!("Simma två gånger i veckan"))] {
        wording[key] = value.clone();
    }
    wording["category"] = json!("SELF_CARE");
    wording["owner"] = json!("PATIENT");
    wording["timing"] = json!({ "date": "2027-05-01" });
    act(&app, &s1.identity, "planItemRevise", AGREEMENT, wording).await.ok();
    acts(&app, &s1.identity, p1, "agreementPropose", json!({})).await.ok();
    assert_eq!(open().await, task::Status::Done);
    let (_, seen) = Plan::of(&app, p1).await;
    let answer = &seen["proposals"][0];
    assert_eq!(
        (&answer["number"], &answer["answersNumber"], &answer["proposedBy"]),
        (&json!(3), &json!(2), &json!("CARE"))
    );
    assert_eq!(seen["proposals"].as_array().unwrap().len(), 1);
    let input = json!({ "agreementId": seen["id"], "versionId": answer["id"], "digest": answer["digest"] });
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, input).await.ok();
    assert_eq!(item(&app, p1, "Simma två gånger i veckan").await["status"], "ACCEPTED");
}

#[tokio::test]
async fn a_proposal_that_is_assented_to_while_an_answer_is_being_written_comes_into_force() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let first = answered(&app).await;
    acts(&app, &p1.identity, p1, "agreementContentEdit", json!({ "sections": text("WISHES", "Hemma") }))
        .await
        .ok();
    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&first)).await.ok();
    let agreement = answer.at("/agreementAssent/agreement");
    assert_eq!((&agreement["status"], &agreement["currentVersion"]["number"]), (&json!("ACTIVE"), &json!(1)));
    // The answer has become a change of what is in force.
    assert_eq!((&agreement["draft"]["number"], &agreement["draft"]["baseNumber"]), (&json!(2), &json!(1)));
    let answer = acts(&app, &p1.identity, p1, "agreementPropose", json!({})).await.ok();
    assert_eq!(answer.at("/agreementPropose/agreement/proposals/0/number"), &json!(2));
}

#[tokio::test]
async fn a_side_takes_back_its_own_proposal_and_not_the_others() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (plan, seen) = wants_to_swim(&app).await;
    let own = seen["proposals"][0]["id"].clone();
    let refused = acts(&app, &s1.identity, p1, "agreementWithdraw", json!({ "versionId": own })).await;
    assert_eq!(refused.user_error_codes("agreementWithdraw"), ["WRONG_STATE"]);
    let active =
        acts(&app, &s1.identity, p1, "agreementWithdraw", json!({ "versionId": plan.version })).await;
    assert_eq!(active.user_error_codes("agreementWithdraw"), ["WRONG_STATE"]);

    let answer = acts(&app, &p1.identity, p1, "agreementWithdraw", json!({ "versionId": own })).await.ok();
    let agreement = answer.at("/agreementWithdraw/agreement");
    assert_eq!((&agreement["status"], &agreement["proposals"]), (&json!("ACTIVE"), &json!([])));
    assert_eq!(agreement["planItems"].as_array().unwrap().len(), 2, "what only the proposal held is gone");
    let stored = version(&app, own.as_str().unwrap()).await;
    assert_eq!(stored.withdrawal, Some(agreement_version::Withdrawal::TakenBack));
    let task = task::Entity::find().filter(task::Column::SubjectId.eq(stored.id.0));
    assert_eq!(task.one(app.core.db.reader()).await.unwrap().unwrap().status, task::Status::Withdrawn);
    let twice = acts(&app, &p1.identity, p1, "agreementWithdraw", json!({ "versionId": own })).await;
    assert_eq!(twice.user_error_codes("agreementWithdraw"), ["WRONG_STATE"]);
}

#[tokio::test]
async fn a_first_version_that_is_taken_back_goes_on_as_a_draft() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let first = proposed(&app, s1, p1).await;
    let answer =
        acts(&app, &s1.identity, p1, "agreementWithdraw", json!({ "versionId": first.version })).await.ok();
    let agreement = answer.at("/agreementWithdraw/agreement");
    assert_eq!((&agreement["status"], &agreement["draft"]["number"]), (&json!("DRAFT"), &json!(2)));
    assert_eq!(agreement["planItems"].as_array().unwrap().len(), 2);
    assert!(agreement["planItems"].as_array().unwrap().iter().all(|i| i["status"] == "PROPOSED"));
    let answer = acts(&app, &s1.identity, p1, "agreementPropose", json!({})).await.ok();
    let second = Plan::read(&answer, "agreementPropose");
    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&second)).await.ok();
    assert_eq!(answer.at("/agreementAssent/agreement/status"), "ACTIVE");
}

#[tokio::test]
async fn a_first_version_taken_back_while_it_is_being_answered_leaves_the_answer() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let first = answered(&app).await;
    let answer =
        acts(&app, &s1.identity, p1, "agreementWithdraw", json!({ "versionId": first.version })).await.ok();
    let agreement = answer.at("/agreementWithdraw/agreement");
    assert_eq!((&agreement["status"], &agreement["draft"]["number"]), (&json!("DRAFT"), &json!(2)));
    let answer = acts(&app, &p1.identity, p1, "agreementPropose", json!({})).await.ok();
    assert_eq!(answer.at("/agreementPropose/agreement/status"), "PROPOSED");
}

#[tokio::test]
async fn a_first_draft_that_is_taken_back_ends_the_agreement_and_another_can_be_drawn_up() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let input =
        json!({ "agreementId": plan.id, "versionId": plan.version, "expectedRowVersion": plan.row_version });
    let answer = act(&app, &p1.identity, "agreementWithdraw", AGREEMENT, input).await.ok();
    assert_eq!(answer.at("/agreementWithdraw/agreement/status"), "ENDED");
    draft(&app, s1, p1).await;
}

#[tokio::test]
async fn a_draft_that_is_taken_back_leaves_what_is_in_force_as_it_is() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let answer = acts(&app, &s1.identity, p1, "agreementRevise", json!({})).await.ok();
    let draft = answer.at("/agreementRevise/agreement/draft/id").clone();
    let goal = json!({ "agreementId": answer.at("/agreementRevise/agreement/id"), "text": "Sova" });
    act(&app, &s1.identity, "goalAdd", "goal { id }", goal).await.ok();
    let answer = acts(&app, &p1.identity, p1, "agreementWithdraw", json!({ "versionId": draft })).await.ok();
    let agreement = answer.at("/agreementWithdraw/agreement");
    assert_eq!((&agreement["status"], &agreement["goals"]), (&json!("ACTIVE"), &json!([])));
    assert!(agreement["draft"].is_null());
    acts(&app, &p1.identity, p1, "agreementRevise", json!({})).await.ok();
}

#[tokio::test]
async fn only_what_is_within_reach_is_answered_or_taken_back() {
    let app = TestApp::new().await;
    let (s1, s2, p1, p2) = (&app.world.s1, &app.world.s2, &app.world.p1, &app.world.p2);
    let (mine, theirs) = (proposed(&app, s1, p1).await, proposed(&app, s2, p2).await);
    for mutation in ["agreementCounter", "agreementWithdraw"] {
        for (agreement, version) in [(&theirs.id, &theirs.version), (&mine.id, &theirs.version)] {
            let input = json!({
                "agreementId": agreement, "versionId": version, "expectedRowVersion": mine.row_version,
            });
            let answer = act(&app, &p1.identity, mutation, AGREEMENT, input).await;
            assert_eq!(answer.user_error_codes(mutation), ["NOT_FOUND"]);
        }
        let mut stale = on(&app, p1).await;
        stale["expectedRowVersion"] = json!(mine.row_version - 1);
        stale["versionId"] = json!(mine.version);
        let answer = act(&app, &p1.identity, mutation, AGREEMENT, stale).await;
        assert_eq!(answer.user_error_codes(mutation), ["STALE_ROW_VERSION"]);
        assert_eq!(answer.at(&format!("/{mutation}/agreement/rowVersion")), &json!(mine.row_version));
    }
}

/// What is taken back is not told of.
#[tokio::test]
async fn a_notice_that_has_not_left_is_taken_back_with_its_proposal() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    crate::agreement::hears_of_the_plan(&app, p1).await;
    let first = proposed(&app, s1, p1).await;
    let states = async || {
        let all = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
        all.into_iter().map(|n| (n.rule, n.state)).collect::<Vec<_>>()
    };
    assert_eq!(states().await, [("PLAN_PROPOSED".to_owned(), notice::State::Planned)]);
    acts(&app, &s1.identity, p1, "agreementWithdraw", json!({ "versionId": first.version })).await.ok();
    assert_eq!(states().await, [("PLAN_PROPOSED".to_owned(), notice::State::Withdrawn)]);
}
