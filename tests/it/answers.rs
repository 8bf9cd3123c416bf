//! Whose answer a proposal waits for: somebody is always told.

use entity::{notice, representative::Kind, task};
use harness::{TestApp, relate, represent};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, item, whole_item};

const NO_ASSENT: &str = r#"{"AGREEMENT":"ACT"}"#;

async fn tasks(app: &TestApp, kind: task::Kind) -> Vec<task::Model> {
    let found = task::Entity::find().filter(task::Column::Kind.eq(kind)).order_by_asc(task::Column::Id);
    found.all(app.core.db.reader()).await.unwrap()
}

async fn notices(app: &TestApp, rule: &str) -> usize {
    let found = notice::Entity::find().filter(notice::Column::Rule.eq(rule));
    found.all(app.core.db.reader()).await.unwrap().len()
}

async fn wants_mail_about_plans(app: &TestApp) {
    let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@example.se" } });
    act(app, &app.world.p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
}

/// The yes to the only open proposal, as it reads.
fn yes_to(seen: &Value) -> Value {
    let proposal = &seen["proposals"][0];
    json!({ "agreementId": seen["id"], "versionId": proposal["id"], "digest": proposal["digest"] })
}

/// "ACTIVE when the patient and care (role CARE) have assented": what a coordinator proposes lacks care's yes, and
/// that is care's task from the start, whatever the patient says meanwhile.
#[tokio::test]
async fn what_a_role_proposes_that_cannot_assent_is_a_task_for_those_who_can() {
    let app = TestApp::new().await;
    let (s1, p1, kim) = (&app.world.s1, &app.world.p1, &app.world.coordinator);
    let plan = active(&app, s1, p1).await;
    relate(&app.core, kim, p1).await;
    let input = whole_item(&plan, kim, "Gruppträning", "PATIENT");
    act(&app, &kim.identity, "planItemPropose", PLAN_ITEM, input).await.ok();
    let raised = tasks(&app, task::Kind::AnswerProposal).await;
    assert_eq!(raised.len(), 1);
    assert_eq!((raised[0].status, raised[0].care_unit_id), (task::Status::Open, s1.unit));

    let (_, seen) = Plan::of(&app, p1).await;
    let yes = yes_to(&seen);
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, yes.clone()).await.ok();
    assert_eq!(tasks(&app, task::Kind::AnswerProposal).await[0].status, task::Status::Open);
    assert_eq!(item(&app, p1, "Gruppträning").await["status"], "PROPOSED");
    act(&app, &s1.identity, "agreementAssent", AGREEMENT, yes).await.ok();
    assert_eq!(item(&app, p1, "Gruppträning").await["status"], "ACCEPTED");
    assert_eq!(tasks(&app, task::Kind::AnswerProposal).await[0].status, task::Status::Done);

    // Who may give care's yes has given it by proposing.
    let (plan, _) = Plan::of(&app, p1).await;
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Egen", "CARE")).await.ok();
    assert_eq!(tasks(&app, task::Kind::AnswerProposal).await.len(), 1);
}

/// A coordinator's proposal that is taken back needs no answer any more.
#[tokio::test]
async fn the_task_of_a_proposal_that_is_taken_back_ends_with_it() {
    let app = TestApp::new().await;
    let (s1, p1, kim) = (&app.world.s1, &app.world.p1, &app.world.coordinator);
    let plan = active(&app, s1, p1).await;
    relate(&app.core, kim, p1).await;
    act(&app, &kim.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, kim, "Dans", "PATIENT"))
        .await
        .ok();
    let (_, seen) = Plan::of(&app, p1).await;
    let back = json!({ "agreementId": seen["id"], "versionId": seen["proposals"][0]["id"],
                       "words": "Gruppen är full.", "expectedRowVersion": seen["rowVersion"] });
    act(&app, &kim.identity, "agreementWithdraw", AGREEMENT, back).await.ok();
    assert_eq!(tasks(&app, task::Kind::AnswerProposal).await[0].status, task::Status::Withdrawn);
}

/// A relative who may not assent proposes for the patient, and care says yes: the patient's own yes is missing, and they
/// are told so; who has said yes to no messages gets a letter.
#[tokio::test]
async fn the_patient_is_told_that_only_their_own_yes_is_missing_to_what_a_relative_proposed() {
    for wants_mail in [true, false] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        let plan = active(&app, s1, p1).await;
        if wants_mail {
            wants_mail_about_plans(&app).await;
        }
        let relative = represent(&app.core, p1, Kind::Relative, "197404042388", NO_ASSENT, false).await;
        let mut input = whole_item(&plan, s1, "Promenad med dottern", "PATIENT");
        input["idempotencyKey"] = json!("en gång");
        let query = harness::mutation("planItemPropose", PLAN_ITEM);
        app.run_for(&relative.identity, &p1.global_id(), &query, json!({ "input": input })).await.ok();
        let (_, seen) = Plan::of(&app, p1).await;
        let letters = tasks(&app, task::Kind::Letter).await.len();
        act(&app, &s1.identity, "agreementAssent", AGREEMENT, yes_to(&seen)).await.ok();
        assert_eq!(item(&app, p1, "Promenad med dottern").await["status"], "PROPOSED");
        assert_eq!(notices(&app, "PLAN_ACCEPTED").await, usize::from(wants_mail));
        assert_eq!(tasks(&app, task::Kind::Letter).await.len() - letters, usize::from(!wants_mail));
        act(&app, &p1.identity, "agreementAssent", AGREEMENT, yes_to(&seen)).await.ok();
        assert_eq!(item(&app, p1, "Promenad med dottern").await["status"], "ACCEPTED");
    }
}

/// One change comes into force, and the others that were proposed beside it fall: whoever wanted them is asked to take
/// them up again.
#[tokio::test]
async fn nobody_forgets_a_proposal_that_falls_because_another_one_came_into_force() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    for (who, title) in
        [(&p1.identity, "Simma"), (&s1.identity, "Sluta röka"), (&s1.identity, "Träna balans")]
    {
        act(&app, who, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, title, "PATIENT")).await.ok();
    }
    let (_, seen) = Plan::of(&app, p1).await;
    let cares = seen["proposals"].as_array().unwrap().iter().find(|one| one["proposedBy"] == "CARE").unwrap();
    let yes = json!({ "agreementId": seen["id"], "versionId": cares["id"], "digest": cares["digest"] });
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, yes).await.ok();
    let signals = tasks(&app, task::Kind::PlanSignal).await;
    assert_eq!(signals.len(), 2, "{signals:?}");
    let query = "query($id: ID!) { careUnit(id: $id) { tasks(first: 10, filter: { kinds: [PLAN_SIGNAL] }) { nodes { note } } } }";
    let unit =
        json!({ "id": crate::acts::global(patientkontrakt::graphql::scalars::NodeKind::CareUnit, s1.unit) });
    let told = app.run(&s1.identity, query, unit).await.ok().body.to_string();
    assert!(
        told.contains("Ett förslag från patienten föll") && told.contains("Ett förslag från vården föll"),
        "{told}"
    );
}

/// Who proposed what has fallen hears of it, whichever side's yes made it fall.
#[tokio::test]
async fn the_patient_hears_that_their_own_proposal_has_fallen() {
    for by_care in [true, false] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        let plan = active(&app, s1, p1).await;
        wants_mail_about_plans(&app).await;
        let (theirs, ours) = (&p1.identity, &s1.identity);
        let (first, second) = if by_care { (theirs, theirs) } else { (ours, theirs) };
        for (who, title) in [(first, "Simma"), (second, "Dansa")] {
            act(&app, who, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, title, "PATIENT")).await.ok();
        }
        let (_, seen) = Plan::of(&app, p1).await;
        let proposals = seen["proposals"].as_array().unwrap();
        let other = if by_care { "PATIENT" } else { "CARE" };
        let chosen = proposals.iter().find(|one| one["proposedBy"] == other).unwrap();
        let yes = json!({ "agreementId": seen["id"], "versionId": chosen["id"], "digest": chosen["digest"] });
        act(&app, if by_care { ours } else { theirs }, "agreementAssent", AGREEMENT, yes).await.ok();
        let told = notice::Entity::find().filter(notice::Column::Rule.eq("PLAN_FELL"));
        let told = told.all(app.core.db.reader()).await.unwrap();
        let states: Vec<_> = told.iter().map(|notice| notice.state).collect();
        assert_eq!(states, [notice::State::Planned]);
    }
}
