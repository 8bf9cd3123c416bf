//! Writing the next version together: one draft, in which both sides write, and nothing changes until both assent.

use entity::{AgreementId, GoalId, PlanItemId, agreement, change_entry, domain_event, goal, plan_item, task};
use harness::{Answer, Staff, TestApp, TestPatient, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acts::{
    AGREEMENT, PLAN_ITEM, Plan, act, active, assent, draft, global, item, proposed, row, whole_item,
};

/// The agreement as the patient sees it now, for an act on it.
pub async fn on(app: &TestApp, patient: &TestPatient) -> Value {
    let (plan, _) = Plan::of(app, patient).await;
    json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version })
}

/// Runs an act on the agreement as the patient sees it now.
pub async fn acts(
    app: &TestApp,
    who: &patientkontrakt::auth::token::Identity,
    patient: &TestPatient,
    mutation: &str,
    more: Value,
) -> Answer {
    let mut input = on(app, patient).await;
    for (key, value) in more.as_object().unwrap() {
        input[key] = value.clone();
    }
    act(app, who, mutation, AGREEMENT, input).await
}

/// A goal's or item's new wording, with the agreement's row version as it is now.
async fn revised(app: &TestApp, patient: &TestPatient, wording: Value) -> Value {
    let (plan, _) = Plan::of(app, patient).await;
    let mut input = wording;
    input["expectedRowVersion"] = json!(plan.row_version);
    input
}

/// A section's text, as an edit.
pub fn text(section: &str, text: &str) -> Value {
    json!([{ "text": { "section": section, "text": text } }])
}

async fn goal_of(app: &TestApp, s1: &Staff, p1: &TestPatient, text: &str) -> String {
    let (plan, _) = Plan::of(app, p1).await;
    let goal = json!({ "agreementId": plan.id, "text": text });
    let answer = act(app, &s1.identity, "goalAdd", "goal { id }", goal).await.ok();
    answer.text("/goalAdd/goal/id")
}

/// What an item says, worded anew with this title.
fn wording(item: &Value, staff: &Staff, title: &str) -> Value {
    json!({
        "planItemId": item["id"], "title": title, "category": "FOLLOW_UP", "owner": "CARE",
        "timing": { "date": "2027-04-01" },
        "responsibleUnitId": global(NodeKind::CareUnit, staff.unit),
    })
}

/// The active version stays in force until its successor has both assents.
#[tokio::test]
async fn a_revision_is_a_draft_of_both_sides_and_comes_into_force_with_both_assents() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let first = active(&app, s1, p1).await;
    let answer = acts(&app, &p1.identity, p1, "agreementRevise", json!({})).await.ok();
    let draft = answer.at("/agreementRevise/agreement/draft");
    assert_eq!((&draft["number"], &draft["baseNumber"]), (&json!(2), &json!(1)));
    assert_eq!(answer.text("/agreementRevise/agreement/currentVersion/status"), "ACTIVE");

    // Both write in it.
    acts(&app, &s1.identity, p1, "agreementContentEdit", json!({ "sections": text("STORY", "Ny text") }))
        .await
        .ok();
    goal_of(&app, s1, p1, "Kunna dansa").await;
    let walk = item(&app, p1, "Ta prover").await;
    let input = revised(&app, p1, wording(&walk, s1, "Ta nya prover")).await;
    act(&app, &p1.identity, "planItemRevise", AGREEMENT, input).await.ok();
    let (now, seen) = Plan::of(&app, p1).await;
    assert_eq!(now.version, first.version);
    assert_eq!(seen["proposals"], json!([]));
    assert_eq!(item(&app, p1, "Ta prover").await["status"], "ACCEPTED", "what is in force reads as it did");

    let answer = acts(&app, &p1.identity, p1, "agreementPropose", json!({})).await.ok();
    let agreement = answer.at("/agreementPropose/agreement");
    assert_eq!(agreement["status"], "ACTIVE");
    assert_eq!(agreement["currentVersion"]["number"], 1);
    assert!(agreement["draft"].is_null());
    let proposal = &agreement["proposals"][0];
    let input = json!({ "agreementId": first.id, "versionId": proposal["id"], "digest": proposal["digest"] });
    let answer = act(&app, &s1.identity, "agreementAssent", AGREEMENT, input).await.ok();
    let agreement = answer.at("/agreementAssent/agreement");
    assert_eq!(agreement["currentVersion"]["number"], 2);
    assert_eq!(item(&app, p1, "Ta nya prover").await["status"], "ACCEPTED");
    assert_eq!(agreement["goals"][0]["status"], "ACCEPTED");
}

#[tokio::test]
async fn there_is_one_draft_at_a_time_and_a_draft_that_changes_nothing_is_not_proposed() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    acts(&app, &s1.identity, p1, "agreementRevise", json!({})).await.ok();
    let again = acts(&app, &p1.identity, p1, "agreementRevise", json!({})).await;
    assert_eq!(again.user_error_codes("agreementRevise"), ["CONFLICT"]);
    let same = acts(&app, &p1.identity, p1, "agreementPropose", json!({})).await;
    assert_eq!(same.user_error_codes("agreementPropose"), ["INCOMPLETE"]);
    let nothing = acts(
        &app,
        &p1.identity,
        p1,
        "agreementContentEdit",
        json!({ "sections": text("TITLE", "Min plan") }),
    )
    .await;
    assert_eq!(nothing.user_error_codes("agreementContentEdit"), ["BAD_USER_INPUT"]);
}

/// Proposing a change to an active agreement is the proposer's assent to version n+1 = n + that change.
#[tokio::test]
async fn without_a_draft_every_small_act_is_a_proposal_on_top_of_what_is_in_force() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let prover = item(&app, p1, "Ta prover").await;
    let walk = item(&app, p1, "Gå en runda varje dag").await;
    let remove = revised(&app, p1, json!({ "planItemId": walk["id"] })).await;
    act(&app, &p1.identity, "planItemRemove", AGREEMENT, remove).await.ok();
    let reword = revised(&app, p1, wording(&prover, s1, "Ta andra prover")).await;
    act(&app, &s1.identity, "planItemRevise", AGREEMENT, reword).await.ok();
    let sections = json!({ "sections": text("WISHES", "Sova hemma") });
    acts(&app, &p1.identity, p1, "agreementContentEdit", sections).await.ok();
    let (_, seen) = Plan::of(&app, p1).await;
    let numbers: Vec<_> = seen["proposals"].as_array().unwrap().iter().map(|p| p["number"].clone()).collect();
    assert_eq!(numbers, [4, 3, 2]);
    assert!(seen["draft"].is_null());

    // Care says yes to the removal: the item is called off, and the rivals fall.
    let removal = &seen["proposals"][2];
    let input = json!({ "agreementId": seen["id"], "versionId": removal["id"], "digest": removal["digest"] });
    let answer = act(&app, &s1.identity, "agreementAssent", AGREEMENT, input).await.ok();
    let titles: Vec<_> = answer
        .at("/agreementAssent/agreement/planItems")
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["title"].clone())
        .collect();
    assert_eq!(titles, ["Ta prover"]);
    let gone = plan_item::Entity::find_by_id(PlanItemId(row(walk["id"].as_str().unwrap())));
    let gone = gone.one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(gone.status, plan_item::Status::Cancelled);
    let kept = plan_item::Entity::find_by_id(PlanItemId(row(prover["id"].as_str().unwrap())));
    assert_eq!(kept.one(app.core.db.reader()).await.unwrap().unwrap().status, plan_item::Status::Accepted);
    assert_eq!(answer.at("/agreementAssent/agreement/proposals"), &json!([]));
}

/// Every change is attributable: who, when, from what to what.
#[tokio::test]
async fn a_reworded_goal_has_its_history_from_what_to_what() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    draft(&app, s1, p1).await;
    let goal = goal_of(&app, s1, p1, "Orka mer").await;
    let input =
        revised(&app, p1, json!({ "goalId": goal, "text": "Orka gå till affären", "priority": 2 })).await;
    let answer = act(&app, &p1.identity, "goalRevise", AGREEMENT, input).await.ok();
    assert_eq!(answer.text("/goalRevise/agreement/goals/0/text"), "Orka gå till affären");
    let entry = change_entry::Entity::find()
        .filter(change_entry::Column::Action.eq("goalRevise"))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((entry.subject_kind.as_str(), entry.subject_id), ("goal", row(&goal)));
    let open = |column, sealed: &Option<entity::Sealed>| -> Value {
        let place = patientkontrakt::crypto::Place::new(column, entry.id.0);
        serde_json::from_str(&app.core.keys.open(place, sealed.as_ref().unwrap()).unwrap()).unwrap()
    };
    assert_eq!(open("change_entry.before", &entry.before)["wording"]["text"], "Orka mer");
    assert_eq!(open("change_entry.after", &entry.after)["wording"]["text"], "Orka gå till affären");
}

#[tokio::test]
async fn what_is_taken_out_of_a_draft_is_called_off_and_items_lose_a_goal_that_goes() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let goal = goal_of(&app, s1, p1, "Orka mer").await;
    let mut serving = whole_item(&plan, s1, "Ta prover", "CARE");
    serving["goalId"] = json!(goal);
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, serving).await.ok();
    let input = revised(&app, p1, json!({ "goalId": goal })).await;
    act(&app, &p1.identity, "goalRemove", AGREEMENT, input).await.ok();
    let query = "{ me { agreement { goals { id } planItems { title goal { id } } } } }";
    let answer = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(answer.at("/me/agreement/goals"), &json!([]));
    assert_eq!(answer.at("/me/agreement/planItems"), &json!([{ "title": "Ta prover", "goal": null }]));
    let gone = goal::Entity::find_by_id(GoalId(row(&goal))).one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(gone.status, goal::Status::Cancelled);
    let input = revised(&app, p1, json!({ "goalId": goal })).await;
    let twice = act(&app, &p1.identity, "goalRemove", AGREEMENT, input).await;
    assert_eq!(twice.user_error_codes("goalRemove"), ["WRONG_STATE"]);
}

/// Two editors at once: one gets the conflict with the current object.
#[tokio::test]
async fn of_two_editors_at_once_one_writes_and_the_other_gets_what_was_written() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    draft(&app, s1, p1).await;
    let mut mine = on(&app, p1).await;
    let mut theirs = mine.clone();
    mine["sections"] = text("STORY", "Patientens ord");
    theirs["sections"] = text("STORY", "Vårdens ord");
    let selection = "agreement { rowVersion draft { story } }";
    let (a, b) = tokio::join!(
        act(&app, &p1.identity, "agreementContentEdit", selection, mine),
        act(&app, &s1.identity, "agreementContentEdit", selection, theirs),
    );
    let (done, refused) = if a.user_error_codes("agreementContentEdit").is_empty() { (a, b) } else { (b, a) };
    assert!(done.user_error_codes("agreementContentEdit").is_empty());
    assert_eq!(refused.user_error_codes("agreementContentEdit"), ["STALE_ROW_VERSION"]);
    assert_eq!(
        refused.at("/agreementContentEdit/agreement"),
        done.at("/agreementContentEdit/agreement"),
        "the current object comes with the refusal"
    );
}

#[tokio::test]
async fn a_stale_edit_of_a_goal_or_an_item_comes_back_with_the_current_agreement() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let prover = item(&app, p1, "Ta prover").await;
    let mut input = wording(&prover, s1, "Ta andra prover");
    input["expectedRowVersion"] = json!(plan.row_version - 1);
    let stale = act(&app, &s1.identity, "planItemRevise", AGREEMENT, input).await;
    assert_eq!(stale.user_error_codes("planItemRevise"), ["STALE_ROW_VERSION"]);
    assert_eq!(stale.at("/planItemRevise/agreement/rowVersion"), &json!(plan.row_version));
}

/// Two editors of one goal, and of one item, at the same moment: one writes, the other gets the conflict with the current
/// agreement, in which the winner's wording stands.
#[tokio::test]
async fn of_two_editors_of_one_goal_or_one_item_at_once_one_gets_the_conflict_with_the_current_agreement() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let goal = goal_of(&app, s1, p1, "Orka mer").await;
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ta prover", "CARE"))
        .await
        .ok();
    let prover = item(&app, p1, "Ta prover").await;
    for mutation in ["goalRevise", "planItemRevise"] {
        let now = on(&app, p1).await["expectedRowVersion"].clone();
        let input = |words: &str| {
            let mut input = match mutation {
                "goalRevise" => json!({ "goalId": goal, "text": words, "priority": 1 }),
                _ => wording(&prover, s1, words),
            };
            input["expectedRowVersion"] = now.clone();
            input
        };
        let (a, b) = tokio::join!(
            act(&app, &p1.identity, mutation, AGREEMENT, input("Som patienten säger")),
            act(&app, &s1.identity, mutation, AGREEMENT, input("Som vården säger")),
        );
        let (done, refused) = if a.user_error_codes(mutation).is_empty() { (a, b) } else { (b, a) };
        assert!(done.user_error_codes(mutation).is_empty(), "{}", done.body);
        assert_eq!(refused.user_error_codes(mutation), ["STALE_ROW_VERSION"]);
        let at = format!("/{mutation}/agreement");
        assert_eq!(refused.at(&at), done.at(&at), "{mutation}: the current object comes with the refusal");
        assert!(refused.at(&at).to_string().contains("säger"), "{mutation}");
    }
}

#[tokio::test]
async fn a_draft_goes_on_from_a_version_that_comes_into_force_meanwhile() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Röntgen", "CARE"))
        .await
        .ok();
    acts(&app, &p1.identity, p1, "agreementRevise", json!({})).await.ok();
    acts(&app, &p1.identity, p1, "agreementContentEdit", json!({ "sections": text("WISHES", "Hemma") }))
        .await
        .ok();
    let waiting = item(&app, p1, "Röntgen").await;
    let accept = json!({ "planItemId": waiting["id"], "expectedRowVersion": waiting["rowVersion"] });
    act(&app, &p1.identity, "planItemAccept", PLAN_ITEM, accept).await.ok();
    let (_, seen) = Plan::of(&app, p1).await;
    assert_eq!(seen["currentVersion"]["number"], 2);
    assert_eq!((&seen["draft"]["number"], &seen["draft"]["baseNumber"]), (&json!(3), &json!(2)));
    // Proposed now, it holds both.
    acts(&app, &p1.identity, p1, "agreementPropose", json!({})).await.ok();
    let (_, seen) = Plan::of(&app, p1).await;
    let next = &seen["proposals"][0];
    let input = json!({ "agreementId": plan.id, "versionId": next["id"], "digest": next["digest"] });
    act(&app, &s1.identity, "agreementAssent", AGREEMENT, input).await.ok();
    let query = "{ me { agreement { currentVersion { number wishes } planItems { title status } } } }";
    let answer = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(answer.at("/me/agreement/currentVersion"), &json!({ "number": 3, "wishes": "Hemma" }));
    let items = answer.at("/me/agreement/planItems").as_array().unwrap();
    assert!(items.contains(&json!({ "title": "Röntgen", "status": "ACCEPTED" })), "{items:?}");
}

#[tokio::test]
async fn others_can_neither_revise_nor_edit_and_the_refusal_is_the_same_as_for_no_agreement() {
    let app = TestApp::new().await;
    let (s1, s3, p1, p2) = (&app.world.s1, &app.world.s3, &app.world.p1, &app.world.p2);
    relate(&app.core, s3, p1).await;
    let plan = active(&app, s1, p1).await;
    let prover = item(&app, p1, "Ta prover").await;
    for who in [&p2.identity, &s3.identity] {
        for id in [plan.id.clone(), global(NodeKind::Agreement, Uuid::new_v4())] {
            let input = json!({ "agreementId": id, "expectedRowVersion": plan.row_version });
            let answer = act(&app, who, "agreementRevise", AGREEMENT, input.clone()).await;
            assert_eq!(answer.user_error_codes("agreementRevise"), ["NOT_FOUND"]);
            assert!(answer.at("/agreementRevise/agreement").is_null());
            let mut edit = input;
            edit["sections"] = text("STORY", "Inte min");
            let answer = act(&app, who, "agreementContentEdit", AGREEMENT, edit).await;
            assert_eq!(answer.user_error_codes("agreementContentEdit"), ["NOT_FOUND"]);
        }
        let mut input = wording(&prover, s1, "Inte min");
        input["expectedRowVersion"] = json!(plan.row_version);
        let answer = act(&app, who, "planItemRevise", AGREEMENT, input).await;
        assert_eq!(answer.user_error_codes("planItemRevise"), ["NOT_FOUND"]);
        assert!(answer.at("/planItemRevise/agreement").is_null());
    }
    for who in [&app.world.manager, &app.world.analyst] {
        let answer = acts(&app, &who.identity, p1, "agreementRevise", json!({})).await;
        assert_eq!(answer.user_error_codes("agreementRevise"), ["FORBIDDEN"]);
    }
}

#[tokio::test]
async fn a_repeated_key_revises_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let mut input = on(&app, p1).await;
    input["idempotencyKey"] = json!("en revidering");
    let first = act(&app, &p1.identity, "agreementRevise", AGREEMENT, input.clone()).await.ok();
    let second = act(&app, &p1.identity, "agreementRevise", AGREEMENT, input).await.ok();
    assert_eq!(first.body, second.body);
    let told = domain_event::Entity::find().filter(domain_event::Column::Kind.eq("agreement.revised"));
    assert_eq!(told.count(app.core.db.reader()).await.unwrap(), 1);
}

/// Tasks: what the patient proposes waits in the unit's list until it is answered.
#[tokio::test]
async fn what_the_patient_proposes_is_a_task_for_the_unit_until_it_is_answered() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let input = json!({
        "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT",
        "person": { "assignmentId": global(NodeKind::Assignment, s1.assignment) },
    });
    relate(&app.core, s1, p1).await;
    act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    let plan = active(&app, s1, p1).await;
    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Egen", "PATIENT"))
        .await
        .ok();
    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Annan", "PATIENT"))
        .await
        .ok();
    let waiting = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::AnswerProposal));
    let open = waiting.clone().all(app.core.db.reader()).await.unwrap();
    assert_eq!(open.len(), 2);
    for task in &open {
        assert_eq!((task.status, task.care_unit_id), (task::Status::Open, s1.unit));
        assert_eq!(task.assignee_id, Some(s1.assignment));
    }
    let (_, seen) = Plan::of(&app, p1).await;
    let own = &seen["proposals"][1];
    let input = json!({ "agreementId": plan.id, "versionId": own["id"], "digest": own["digest"] });
    act(&app, &s1.identity, "agreementAssent", AGREEMENT, input).await.ok();
    let ended = waiting.all(app.core.db.reader()).await.unwrap();
    let status = |id: &str| ended.iter().find(|t| t.subject_id == row(id)).unwrap().status;
    assert_eq!(status(own["id"].as_str().unwrap()), task::Status::Done);
    assert_eq!(status(seen["proposals"][0]["id"].as_str().unwrap()), task::Status::Superseded);
}

#[tokio::test]
async fn a_plan_that_waits_for_an_answer_is_not_edited_and_one_that_has_ended_is_not_revised() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let edit = json!({ "sections": text("STORY", "Ändrad") });
    for who in [&s1.identity, &p1.identity] {
        let answer = acts(&app, who, p1, "agreementContentEdit", edit.clone()).await;
        assert_eq!(answer.user_error_codes("agreementContentEdit"), ["WRONG_STATE"]);
        let answer = acts(&app, who, p1, "agreementRevise", json!({})).await;
        assert_eq!(answer.user_error_codes("agreementRevise"), ["WRONG_STATE"]);
    }
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    let stored = agreement::Entity::find_by_id(AgreementId(row(&plan.id))).one(app.core.db.reader()).await;
    assert_eq!(stored.unwrap().unwrap().status, agreement::Status::Active);
}

#[tokio::test]
async fn a_yes_to_one_item_is_no_yes_to_a_proposal_that_changes_more() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    acts(&app, &s1.identity, p1, "agreementRevise", json!({})).await.ok();
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Röntgen", "CARE"))
        .await
        .ok();
    acts(&app, &s1.identity, p1, "agreementContentEdit", json!({ "sections": text("WISHES", "Inget") }))
        .await
        .ok();
    acts(&app, &s1.identity, p1, "agreementPropose", json!({})).await.ok();
    let waiting = item(&app, p1, "Röntgen").await;
    let accept = json!({ "planItemId": waiting["id"], "expectedRowVersion": waiting["rowVersion"] });
    let refused = act(&app, &p1.identity, "planItemAccept", PLAN_ITEM, accept).await;
    assert_eq!(refused.user_error_codes("planItemAccept"), ["WRONG_STATE"]);
    let (now, seen) = Plan::of(&app, p1).await;
    assert_eq!(now.version, plan.version);
    assert_eq!(seen["proposals"].as_array().unwrap().len(), 1);
}
