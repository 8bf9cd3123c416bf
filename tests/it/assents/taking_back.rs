//! Who takes back for the patient what, and who hears of it.

use entity::{agreement_version::Status, notice, representative::Kind, task};
use harness::{Ombud, TestApp, represent};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{
    EVERYTHING, act_for,
    declining::{became, notes, proposes_for},
    tasks,
};
use crate::{
    acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, draft, proposed, whole_item},
    decline::no,
};

const NAME: &str = "agreementWithdraw";

/// A relative who may assent for the patient, and one who may not.
async fn relatives(app: &TestApp) -> (Ombud, Ombud) {
    let p1 = &app.world.p1;
    let per = represent(&app.core, p1, Kind::Relative, "197303032388", EVERYTHING, true).await;
    (per, represent(&app.core, p1, Kind::Relative, "197404042388", EVERYTHING, false).await)
}

/// Staff begin a draft of the next version, which says something new or nothing: what takes it back.
async fn begun(app: &TestApp, says_something: bool) -> Value {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (plan, _) = Plan::of(app, p1).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    act(app, &s1.identity, "agreementRevise", AGREEMENT, input).await.ok();
    if says_something {
        let goal = json!({ "agreementId": plan.id, "text": "Sova hela natten" });
        act(app, &s1.identity, "goalAdd", "goal { id }", goal).await.ok();
    }
    let (plan, seen) = Plan::of(app, p1).await;
    json!({ "agreementId": plan.id, "versionId": seen["draft"]["id"], "expectedRowVersion": plan.row_version })
}

/// With or without the right to assent: the patient's own proposal is theirs.
#[tokio::test]
async fn nobody_takes_back_for_the_patient_what_the_patient_proposed() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let (per, eva) = relatives(&app).await;
    let item = whole_item(&plan, s1, "Simma", "PATIENT");
    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    let input = no(&app, p1, "Hen orkar inte.").await;
    for relative in [&per, &eva] {
        let refused = act_for(&app, relative, p1, NAME, AGREEMENT, input.clone()).await;
        assert_eq!(refused.user_error_codes(NAME), ["WRONG_STATE"]);
        let why = refused.text(&format!("/{NAME}/userErrors/0/message"));
        assert!(why.starts_with("Patienten har själv godkänt det här"), "{why}");
    }
    assert_eq!(became(&app, &input["versionId"]).await, (Status::Proposed, None));
    assert_eq!(tasks(&app, task::Kind::AnswerProposal).await[0].status, task::Status::Open);
    act(&app, &p1.identity, NAME, AGREEMENT, input).await.ok();
}

/// What another has assented to for the patient, and a first draft, with which the agreement ends.
#[tokio::test]
async fn a_representative_without_the_right_to_assent_undoes_nobodys_yes() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let (per, eva) = relatives(&app).await;
    proposes_for(&app, &per, p1, &plan, "Simma").await;
    let input = no(&app, p1, "Det blir för mycket.").await;
    let refused = act_for(&app, &eva, p1, NAME, AGREEMENT, input.clone()).await;
    assert_eq!(refused.user_error_codes(NAME), ["FORBIDDEN"]);
    assert_eq!(became(&app, &input["versionId"]).await, (Status::Proposed, None));
    act_for(&app, &per, p1, NAME, AGREEMENT, input).await.ok();

    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let (per, eva) = relatives(&app).await;
    let input =
        json!({ "agreementId": plan.id, "versionId": plan.version, "expectedRowVersion": plan.row_version });
    let refused = act_for(&app, &eva, p1, NAME, AGREEMENT, input.clone()).await;
    assert_eq!(refused.user_error_codes(NAME), ["FORBIDDEN"]);
    let ended = act_for(&app, &per, p1, NAME, AGREEMENT, input).await.ok();
    assert_eq!(ended.text(&format!("/{NAME}/agreement/status")), "ENDED");
}

/// As they have chosen, or by letter.
#[tokio::test]
async fn the_patient_hears_of_what_a_representative_takes_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let (_, eva) = relatives(&app).await;
    let told = async || {
        let mails = notice::Entity::find().filter(notice::Column::Rule.eq("PLAN_TAKEN_BACK"));
        mails.count(app.core.db.reader()).await.unwrap()
    };
    proposes_for(&app, &eva, p1, &plan, "Simma").await;
    act_for(&app, &eva, p1, NAME, AGREEMENT, no(&app, p1, "Fel dag.").await).await.ok();
    let letter = notes(&app, "LETTER").await;
    let said = "För patienten har Olle Ombudsson (närstående) tagit tillbaka ett förslag från patientens sida. Skriv \
                eller ring till patienten, och berätta det.";
    assert!(letter.contains(said), "{letter}");
    assert_eq!(told().await, 0);

    crate::agreement::hears_of_the_plan(&app, p1).await;
    proposes_for(&app, &eva, p1, &plan, "Dansa").await;
    act_for(&app, &eva, p1, NAME, AGREEMENT, no(&app, p1, "Fel dag.").await).await.ok();
    assert_eq!(told().await, 1);
    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Gå", "PATIENT")).await.ok();
    act(&app, &p1.identity, NAME, AGREEMENT, no(&app, p1, "Fel dag.").await).await.ok();
    assert_eq!(told().await, 1, "nobody is told of their own act");
}

/// Both sides write in a draft: what one of them drops is not dropped unseen, unless it said nothing.
#[tokio::test]
async fn the_other_side_hears_of_a_draft_that_is_dropped_with_what_it_said() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    let (_, eva) = relatives(&app).await;
    let empty = begun(&app, false).await;
    act(&app, &p1.identity, NAME, AGREEMENT, empty).await.ok();
    assert!(tasks(&app, task::Kind::PlanSignal).await.is_empty());

    let input = begun(&app, true).await;
    act_for(&app, &eva, p1, NAME, AGREEMENT, input).await.ok();
    let said = "För patienten har Olle Ombudsson (närstående) tagit bort ett utkast till planen.";
    let signal = notes(&app, "PLAN_SIGNAL").await;
    assert!(signal.contains(said), "{signal}");
    let letter = notes(&app, "LETTER").await;
    assert!(letter.contains(&format!("{said} Skriv eller ring till patienten")), "{letter}");

    let input = begun(&app, true).await;
    act(&app, &p1.identity, NAME, AGREEMENT, input).await.ok();
    let signal = notes(&app, "PLAN_SIGNAL").await;
    assert!(signal.contains("Patienten har tagit bort ett utkast till planen."), "{signal}");

    let mut input = begun(&app, true).await;
    input["words"] = json!("Vi börjar om.");
    act(&app, &s1.identity, NAME, AGREEMENT, input).await.ok();
    assert_eq!(tasks(&app, task::Kind::PlanSignal).await.len(), 2, "care has done it itself");
    let letter = notes(&app, "LETTER").await;
    let told =
        "Vården har tagit bort ett utkast till planen. Skriv eller ring till patienten, och berätta det.";
    assert!(letter.contains(told), "{letter}");
}

/// The request waits again because of a no, and not because anything was taken back.
#[tokio::test]
async fn a_request_that_waits_again_says_who_said_no() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    act(&app, &p1.identity, "agreementRequest", "request { id }", json!({ "why": "Gärna" })).await.ok();
    proposed(&app, s1, p1).await;
    let input = no(&app, p1, "För mycket.").await;
    act(&app, &p1.identity, "agreementDecline", AGREEMENT, input).await.ok();
    let waits = notes(&app, "AGREEMENT_REQUEST").await;
    assert!(waits.contains("patientens sida har sagt nej till förslaget"), "{waits}");
    assert!(!waits.contains("tagits tillbaka"), "{waits}");
    let (plan, _) = Plan::of(&app, p1).await;
    let again = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    act(&app, &p1.identity, "agreementPropose", AGREEMENT, again).await.ok();
    act(&app, &s1.identity, "agreementDecline", AGREEMENT, no(&app, p1, "Inte nu.").await).await.ok();
    let waits = notes(&app, "AGREEMENT_REQUEST").await;
    assert!(waits.contains("Vården har sagt nej till det som patientens sida föreslog"), "{waits}");
}
