//! Plan items: proposed by one side, accepted by the other, done by whoever does them.

use entity::{PlanItemId, change_entry, plan_item};
use futures_util::future::join_all;
use harness::TestApp;
use patientkontrakt::{crypto::Place, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acts::{PLAN_ITEM, Plan, act, active, draft, global, item, row, whole_item};

async fn stored(app: &TestApp, id: &str) -> plan_item::Model {
    plan_item::Entity::find_by_id(PlanItemId(row(id))).one(app.core.db.reader()).await.unwrap().unwrap()
}

fn accept(item: &Value) -> Value {
    json!({ "planItemId": item["id"], "expectedRowVersion": item["rowVersion"] })
}

#[tokio::test]
async fn a_proposed_item_waits_for_the_other_side_and_then_is_part_of_the_plan() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let input = whole_item(&plan, s1, "Träffa dietist", "CARE");
    let answer = act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, input).await.ok();
    assert_eq!(answer.text("/planItemPropose/planItem/status"), "PROPOSED");
    assert_eq!(answer.text("/planItemPropose/planItem/proposedBy"), "PATIENT");
    let (now, _) = Plan::of(&app, p1).await;
    assert_eq!(now.version, plan.version, "what is in force stays in force");

    let waiting = item(&app, p1, "Träffa dietist").await;
    let answer = act(&app, &s1.identity, "planItemAccept", PLAN_ITEM, accept(&waiting)).await.ok();
    assert_eq!(answer.text("/planItemAccept/planItem/status"), "ACCEPTED");
    let (after, seen) = Plan::of(&app, p1).await;
    assert_ne!(after.version, plan.version);
    assert_eq!(seen["currentVersion"]["number"], 2);
    assert_eq!(seen["planItems"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_side_that_proposed_cannot_accept() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Vila", "PATIENT"))
        .await
        .ok();
    let waiting = item(&app, p1, "Vila").await;
    let answer = act(&app, &p1.identity, "planItemAccept", PLAN_ITEM, accept(&waiting)).await;
    assert_eq!(answer.user_error_codes("planItemAccept"), ["WRONG_STATE"]);
    assert_eq!(answer.text("/planItemAccept/planItem/status"), "PROPOSED");
    // Accepting is assenting: not for a coordinator.
    let answer =
        act(&app, &app.world.coordinator.identity, "planItemAccept", PLAN_ITEM, accept(&waiting)).await;
    assert_eq!(answer.user_error_codes("planItemAccept"), ["FORBIDDEN"]);
}

#[tokio::test]
async fn of_two_proposals_on_the_same_plan_the_second_finds_that_the_base_has_moved() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    for title in ["Första", "Andra"] {
        act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, title, "CARE"))
            .await
            .ok();
    }
    let (first, second) = (item(&app, p1, "Första").await, item(&app, p1, "Andra").await);
    act(&app, &p1.identity, "planItemAccept", PLAN_ITEM, accept(&first)).await.ok();
    let (in_force, _) = Plan::of(&app, p1).await;
    let before = stored(&app, second["id"].as_str().unwrap()).await;
    let answer = act(&app, &p1.identity, "planItemAccept", PLAN_ITEM, accept(&second)).await;
    assert_eq!(answer.user_error_codes("planItemAccept"), ["BASE_MOVED"]);
    assert_eq!(stored(&app, second["id"].as_str().unwrap()).await, before);
    assert_eq!(Plan::of(&app, p1).await.0.version, in_force.version);
}

#[tokio::test]
async fn twenty_acceptances_at_once_are_one() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Prov", "CARE")).await.ok();
    let waiting = item(&app, p1, "Prov").await;
    let answers =
        join_all((0..20).map(|_| act(&app, &p1.identity, "planItemAccept", PLAN_ITEM, accept(&waiting))))
            .await;
    let done = answers.iter().filter(|a| a.user_error_codes("planItemAccept").is_empty()).count();
    assert_eq!(done, 1);
    let (_, seen) = Plan::of(&app, p1).await;
    assert_eq!(seen["currentVersion"]["number"], 2);
    assert_eq!(stored(&app, waiting["id"].as_str().unwrap()).await.row_version, 2);
}

#[tokio::test]
async fn an_item_on_a_plan_in_force_must_lack_nothing() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let mut input = whole_item(&plan, s1, "Utan tid", "CARE");
    input.as_object_mut().unwrap().remove("timing");
    let answer = act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, input).await;
    assert_eq!(answer.user_error_codes("planItemPropose"), ["INCOMPLETE"]);
    assert_eq!(answer.text("/planItemPropose/userErrors/0/field"), "timing");
    let items = plan_item::Entity::find().count(app.core.db.reader()).await.unwrap();
    assert_eq!(items, 2, "nothing is left of the refused one");
}

#[tokio::test]
async fn what_an_item_refers_to_is_within_the_same_plan_and_provider() {
    let app = TestApp::new().await;
    let (s1, s2, p1, p2) = (&app.world.s1, &app.world.s2, &app.world.p1, &app.world.p2);
    let plan = active(&app, s1, p1).await;
    let foreign = draft(&app, s2, p2).await;
    let goal = json!({ "agreementId": foreign.id, "text": "Papegojans mål" });
    let goal = act(&app, &p2.identity, "goalAdd", "goal { id }", goal).await.ok().text("/goalAdd/goal/id");
    for (member, id, field) in [
        ("goalId", goal, "goalId"),
        ("goalId", global(NodeKind::Goal, Uuid::new_v4()), "goalId"),
        ("responsibleUnitId", global(NodeKind::CareUnit, app.world.s3.unit), "responsibleUnitId"),
        (
            "responsibleAssignmentId",
            global(NodeKind::Assignment, app.world.s3.assignment),
            "responsibleAssignmentId",
        ),
        ("agreementId", foreign.id.clone(), "agreementId"),
    ] {
        let mut input = whole_item(&plan, s1, "Främmande", "CARE");
        input[member] = json!(id);
        let answer = act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, input).await;
        assert_eq!(answer.user_error_codes("planItemPropose"), ["NOT_FOUND"], "{member}");
        assert_eq!(answer.text("/planItemPropose/userErrors/0/field"), field);
    }
    assert_eq!(plan_item::Entity::find().count(app.core.db.reader()).await.unwrap(), 2);
}

#[tokio::test]
async fn a_work_note_is_for_staff() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let mut input = whole_item(&plan, s1, "Med anteckning", "CARE");
    input["workNote"] = json!("Ring först");
    let answer = act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, input.clone()).await;
    assert_eq!(answer.user_error_codes("planItemPropose"), ["FORBIDDEN"]);
    let selection = "planItem { workNote }";
    let answer = act(&app, &s1.identity, "planItemPropose", selection, input).await.ok();
    assert_eq!(answer.text("/planItemPropose/planItem/workNote"), "Ring först");
}

#[tokio::test]
async fn whoever_does_it_says_what_became_of_it_and_the_history_tells_who() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let of_care = item(&app, p1, "Ta prover").await;
    let answer = act(&app, &p1.identity, "planItemComplete", PLAN_ITEM, accept(&of_care)).await;
    assert_eq!(answer.user_error_codes("planItemComplete"), ["FORBIDDEN"]);
    act(&app, &s1.identity, "planItemComplete", PLAN_ITEM, accept(&of_care)).await.ok();

    let own = item(&app, p1, "Gå en runda varje dag").await;
    let mut input = accept(&own);
    input["reason"] = json!("Jag orkade inte");
    let selection = "planItem { status statusReason followThrough }";
    let answer = act(&app, &p1.identity, "planItemNotDone", selection, input).await.ok();
    assert_eq!(answer.text("/planItemNotDone/planItem/status"), "NOT_DONE");
    assert_eq!(answer.text("/planItemNotDone/planItem/statusReason"), "Jag orkade inte");

    let id = row(own["id"].as_str().unwrap());
    let entry = change_entry::Entity::find()
        .filter(change_entry::Column::SubjectId.eq(id))
        .filter(change_entry::Column::Action.eq("planItemNotDone"))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((entry.by_kind, entry.by_id), (entity::access_event::ActorKind::Patient, p1.id.0));
    let after = app.core.keys.open_opt(Place::new("change_entry.after", entry.id.0), entry.after.as_ref());
    let after: Value = serde_json::from_str(&after.unwrap().unwrap()).unwrap();
    assert_eq!(after, json!({ "status": "NOT_DONE", "statusReason": "Jag orkade inte" }));
    let sealed = entry.after.unwrap().0;
    assert!(!String::from_utf8_lossy(&sealed).contains("orkade"), "history is sealed");
}

#[tokio::test]
async fn a_stale_completion_loses_nothing_and_shows_the_current_item() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let own = item(&app, p1, "Gå en runda varje dag").await;
    let mut stale = accept(&own);
    stale["expectedRowVersion"] = json!(own["rowVersion"].as_i64().unwrap() - 1);
    let answer = act(&app, &p1.identity, "planItemComplete", PLAN_ITEM, stale).await;
    assert_eq!(answer.user_error_codes("planItemComplete"), ["STALE_ROW_VERSION"]);
    assert_eq!(answer.at("/planItemComplete/planItem/rowVersion"), &own["rowVersion"]);
    assert_eq!(answer.text("/planItemComplete/planItem/status"), "ACCEPTED");
    // Both sides at once: one says it, the other learns of it.
    let (a, b) = tokio::join!(
        act(&app, &p1.identity, "planItemComplete", PLAN_ITEM, accept(&own)),
        act(&app, &s1.identity, "planItemNotDone", PLAN_ITEM, accept(&own)),
    );
    let refused = usize::from(!a.user_error_codes("planItemComplete").is_empty())
        + usize::from(!b.user_error_codes("planItemNotDone").is_empty());
    assert_eq!(refused, 1);
}

#[tokio::test]
async fn another_patients_item_is_out_of_reach_and_stays_as_it_is() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let own = item(&app, p1, "Gå en runda varje dag").await;
    let id = own["id"].as_str().unwrap();
    let before = stored(&app, id).await;
    for who in [&app.world.p2.identity, &app.world.s2.identity, &app.world.s3.identity] {
        let answer = act(&app, who, "planItemComplete", PLAN_ITEM, accept(&own)).await;
        assert_eq!(answer.user_error_codes("planItemComplete"), ["NOT_FOUND"]);
        let answer = act(&app, who, "planItemAccept", PLAN_ITEM, accept(&own)).await;
        assert_eq!(answer.user_error_codes("planItemAccept"), ["NOT_FOUND"]);
        let input = whole_item(&plan, s1, "Intrång", "PATIENT");
        let answer = act(&app, who, "planItemPropose", PLAN_ITEM, input).await;
        assert_eq!(answer.user_error_codes("planItemPropose"), ["NOT_FOUND"]);
        assert!(!answer.body.to_string().contains(p1.canary));
    }
    assert_eq!(stored(&app, id).await, before);
}

#[tokio::test]
async fn a_draft_takes_goals_from_both_sides() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let goal = |text: &str| json!({ "agreementId": plan.id, "text": text, "targetOn": "2027-06-01" });
    act(&app, &p1.identity, "goalAdd", "goal { id }", goal("Sova bättre")).await.ok();
    let answer =
        act(&app, &s1.identity, "goalAdd", "goal { id setBy priority }", goal("Stabil vikt")).await.ok();
    assert_eq!(answer.text("/goalAdd/goal/setBy"), "CARE");
    assert_eq!(answer.at("/goalAdd/goal/priority"), &json!(2));
    let (after, seen) = Plan::of(&app, p1).await;
    assert_eq!(after.version, plan.version);
    assert_eq!(seen["goals"].as_array().unwrap().len(), 2);
    assert!(seen["currentVersion"]["digest"].is_null());
    let bad = json!({ "agreementId": plan.id, "text": " ", "priority": 0, "targetOn": "2020-01-01" });
    let answer = act(&app, &p1.identity, "goalAdd", "goal { id }", bad).await;
    assert_eq!(answer.user_error_codes("goalAdd"), ["BAD_USER_INPUT"; 3]);
}
