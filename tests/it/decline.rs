//! Saying no to a proposal.

use entity::{agreement_version, notice, representative::Kind, task};
use harness::{TestApp, TestPatient, represent};
use patientkontrakt::auth::token::Identity;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, proposed, whole_item};

const NAME: &str = "agreementDecline";

async fn tasks(app: &TestApp, kind: task::Kind) -> Vec<task::Model> {
    let found = task::Entity::find().filter(task::Column::Kind.eq(kind));
    found.all(app.core.db.reader()).await.unwrap()
}

async fn wants_mail(app: &TestApp) {
    let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@example.se" } });
    act(app, &app.world.p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
}

/// How many letters are still to be sent.
async fn unsent(app: &TestApp) -> usize {
    let letters = tasks(app, task::Kind::Letter).await;
    letters.iter().filter(|letter| letter.status == task::Status::Open).count()
}

/// A no to the newest proposal, or to the first version.
pub(crate) async fn no(app: &TestApp, of: &TestPatient, words: &str) -> Value {
    let (plan, seen) = Plan::of(app, of).await;
    let proposal = seen["proposals"].as_array().unwrap().last().map(|one| one["id"].clone());
    json!({ "agreementId": plan.id, "versionId": proposal.unwrap_or_else(|| json!(plan.version)), "words": words,
            "expectedRowVersion": plan.row_version })
}

async fn proposes(app: &TestApp, who: &Identity, title: &str) {
    let (plan, _) = Plan::of(app, &app.world.p1).await;
    let input = whole_item(&plan, &app.world.s1, title, "PATIENT");
    act(app, who, "planItemPropose", PLAN_ITEM, input).await.ok();
}

/// The patient says no to a change: nothing else changes, care reads why, and the no is on record.
#[tokio::test]
async fn the_patient_declines_a_change_and_care_reads_why() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    proposes(&app, &s1.identity, "Simma").await;
    let mut input = no(&app, p1, "Jag är rädd för vatten.").await;
    input["idempotencyKey"] = json!("nej tack");
    let answer = act(&app, &p1.identity, NAME, AGREEMENT, input.clone()).await.ok();
    let agreement = answer.at(&format!("/{NAME}/agreement"));
    assert_eq!((&agreement["status"], &agreement["proposals"]), (&json!("ACTIVE"), &json!([])));
    assert!(!agreement["planItems"].to_string().contains("Simma"), "{agreement}");
    let signals = tasks(&app, task::Kind::PlanSignal).await;
    assert_eq!((signals.len(), signals[0].care_unit_id), (1, s1.unit));
    let again = act(&app, &p1.identity, NAME, AGREEMENT, input).await.ok();
    assert!(again.user_error_codes(NAME).is_empty(), "the same key is the same act");
    assert_eq!(tasks(&app, task::Kind::PlanSignal).await.len(), 1);
    let late = act(&app, &p1.identity, NAME, AGREEMENT, no(&app, p1, "Nej.").await).await;
    assert_eq!(late.user_error_codes(NAME), ["WRONG_STATE"], "nothing waits any more");

    let query = "query($id: ID!) { node(id: $id) { ... on Agreement { history(first: 50) { nodes { what changes { to } } } \
                 versions(first: 10) { nodes { status withdrawal } } } } }";
    let id = json!({ "id": agreement["id"] });
    for who in [&s1.identity, &p1.identity] {
        let told = app.run(who, query, id.clone()).await.ok().body.to_string();
        for text in ["Förslaget avböjdes", "Jag är rädd för vatten.", "DECLINED"] {
            assert!(told.contains(text), "{text}: {told}");
        }
    }
}

/// Care says no to what the patient proposes: its task is done, and the patient hears of it, by letter at least.
#[tokio::test]
async fn care_declines_what_the_patient_proposes_and_the_patient_is_told() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    active(&app, s1, p1).await;
    proposes(&app, &p1.identity, "Simma").await;
    assert_eq!(tasks(&app, task::Kind::AnswerProposal).await[0].status, task::Status::Open);
    let silent = act(&app, &s1.identity, NAME, AGREEMENT, no(&app, p1, "  ").await).await;
    assert_eq!(silent.user_error_codes(NAME), ["BAD_USER_INPUT"]);
    act(&app, &s1.identity, NAME, AGREEMENT, no(&app, p1, "Bassängen är stängd.").await).await.ok();
    assert_eq!(tasks(&app, task::Kind::AnswerProposal).await[0].status, task::Status::Done);
    assert_eq!(unsent(&app).await, 1);
    assert!(tasks(&app, task::Kind::PlanSignal).await.is_empty());

    wants_mail(&app).await;
    proposes(&app, &p1.identity, "Dansa").await;
    act(&app, &s1.identity, NAME, AGREEMENT, no(&app, p1, "Ingen grupp.").await).await.ok();
    let told = notice::Entity::find().filter(notice::Column::Rule.eq("PLAN_DECLINED"));
    assert_eq!(told.all(app.core.db.reader()).await.unwrap().len(), 1);
    assert_eq!(unsent(&app).await, 1);
}

/// A first proposal goes on as a draft, to be talked about, and what the patient had asked for waits again.
#[tokio::test]
async fn a_first_proposal_that_is_declined_goes_on_as_a_draft() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    act(&app, &p1.identity, "agreementRequest", "request { id }", json!({ "why": "Gärna" })).await.ok();
    proposed(&app, s1, p1).await;
    let answer = act(&app, &p1.identity, NAME, AGREEMENT, no(&app, p1, "För mycket.").await).await.ok();
    let agreement = answer.at(&format!("/{NAME}/agreement"));
    assert_eq!((&agreement["status"], &agreement["draft"]["number"]), (&json!("DRAFT"), &json!(2)));
    let requests = tasks(&app, task::Kind::AgreementRequest).await;
    assert!(requests.iter().any(|task| task.status == task::Status::Open), "{requests:?}");
    let (plan, _) = Plan::of(&app, p1).await;
    let again = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    act(&app, &s1.identity, "agreementPropose", AGREEMENT, again).await.ok();
    let (plan, _) = Plan::of(&app, p1).await;
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, crate::acts::assent(&plan)).await.ok();
    assert_eq!(Plan::of(&app, p1).await.1["status"], "ACTIVE");
}

/// Staff write down the patient's no with how it was said; nobody says no to what their own side proposes, to another
/// text than was read, or without the right to say yes.
#[tokio::test]
async fn a_no_is_said_by_the_other_side_and_by_those_who_could_say_yes() {
    let app = TestApp::new().await;
    let (s1, p1, kim) = (&app.world.s1, &app.world.p1, &app.world.coordinator);
    active(&app, s1, p1).await;
    harness::relate(&app.core, kim, p1).await;
    proposes(&app, &p1.identity, "Simma").await;
    let own = act(&app, &p1.identity, NAME, AGREEMENT, no(&app, p1, "Ändrade mig.").await).await;
    assert_eq!(own.user_error_codes(NAME), ["WRONG_STATE"]);
    let coordinators = act(&app, &kim.identity, NAME, AGREEMENT, no(&app, p1, "Nej.").await).await;
    assert_eq!(coordinators.user_error_codes(NAME), ["FORBIDDEN"]);
    let mut stale = no(&app, p1, "Nej.").await;
    stale["expectedRowVersion"] = json!(1);
    let refused = act(&app, &s1.identity, NAME, AGREEMENT, stale).await;
    assert_eq!(refused.user_error_codes(NAME), ["STALE_ROW_VERSION"]);
    act(&app, &s1.identity, NAME, AGREEMENT, no(&app, p1, "Inte nu.").await).await.ok();

    proposes(&app, &s1.identity, "Dansa").await;
    let unsaid = act(&app, &s1.identity, NAME, AGREEMENT, no(&app, p1, "Vill inte.").await).await;
    assert_eq!(unsaid.text(&format!("/{NAME}/userErrors/0/field")), "how");
    for (number, may_assent, codes) in
        [("197404042388", false, &["FORBIDDEN"][..]), ("197303032388", true, &[])]
    {
        if may_assent {
            let mut phoned = no(&app, p1, "Vill inte, sa hen i telefon.").await;
            phoned["how"] = json!("PHONE");
            act(&app, &s1.identity, NAME, AGREEMENT, phoned).await.ok();
            proposes(&app, &s1.identity, "Gå").await;
        }
        let areas = r#"{"AGREEMENT":"ACT"}"#;
        let relative = represent(&app.core, p1, Kind::Relative, number, areas, may_assent).await;
        let mut input = no(&app, p1, "Hen vill inte.").await;
        input["idempotencyKey"] = json!("ombud");
        let query = harness::mutation(NAME, AGREEMENT);
        let answer =
            app.run_for(&relative.identity, &p1.global_id(), &query, json!({ "input": input })).await;
        assert_eq!(answer.user_error_codes(NAME), codes);
    }
    let versions = agreement_version::Entity::find()
        .filter(agreement_version::Column::Withdrawal.eq(agreement_version::Withdrawal::Declined));
    assert_eq!(versions.all(app.core.db.reader()).await.unwrap().len(), 3);
}

/// What the patient has said yes to themself nobody declines for them; a representative's no is shown as such, and the
/// patient hears of it, as of one that staff have written down.
#[tokio::test]
async fn a_no_for_the_patient_is_shown_as_whose_it_is_and_told_to_the_patient() {
    let app = TestApp::new().await;
    let (s1, p1, kim) = (&app.world.s1, &app.world.p1, &app.world.coordinator);
    active(&app, s1, p1).await;
    harness::relate(&app.core, kim, p1).await;
    let relative =
        represent(&app.core, p1, Kind::Relative, "197303032388", r#"{"AGREEMENT":"ACT"}"#, true).await;
    let declines = async |key: &str| {
        let mut input = no(&app, p1, "Hen orkar inte.").await;
        input["idempotencyKey"] = json!(key);
        let query = harness::mutation(NAME, AGREEMENT);
        app.run_for(&relative.identity, &p1.global_id(), &query, json!({ "input": input })).await
    };
    proposes(&app, &kim.identity, "Simma").await;
    let (_, seen) = Plan::of(&app, p1).await;
    let proposal = &seen["proposals"][0];
    let yes = json!({ "agreementId": seen["id"], "versionId": proposal["id"], "digest": proposal["digest"] });
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, yes.clone()).await.ok();
    assert_eq!(declines("ett").await.user_error_codes(NAME), ["WRONG_STATE"], "the patient has said yes");
    act(&app, &s1.identity, "agreementAssent", AGREEMENT, yes).await.ok();

    wants_mail(&app).await;
    proposes(&app, &s1.identity, "Dansa").await;
    declines("två").await.ok();
    let told = async |rule: &str| {
        let all = notice::Entity::find().filter(notice::Column::Rule.eq(rule));
        all.all(app.core.db.reader())
            .await
            .unwrap()
            .into_iter()
            .map(|notice| notice.state)
            .collect::<Vec<_>>()
    };
    assert_eq!(told("PLAN_DECLINED").await, [notice::State::Planned]);
    assert_eq!(told("PLAN_PROPOSED").await, [notice::State::Withdrawn], "nobody is to answer it any more");
    let query = "query($id: ID!) { careUnit(id: $id) { tasks(first: 10, filter: { kinds: [PLAN_SIGNAL] }) { nodes { note } } } }";
    let unit =
        json!({ "id": crate::acts::global(patientkontrakt::graphql::scalars::NodeKind::CareUnit, s1.unit) });
    let notes = app.run(&s1.identity, query, unit).await.ok().body.to_string();
    assert!(notes.contains("För patienten har Olle Ombudsson (närstående) sagt nej"), "{notes}");
}

/// A letter that asks for an answer to a proposal ends with it; a no that staff write down for somebody who wants no
/// messages is confirmed on paper.
#[tokio::test]
async fn letters_about_a_proposal_follow_what_became_of_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let relative =
        represent(&app.core, p1, Kind::Relative, "197404042388", r#"{"AGREEMENT":"ACT"}"#, false).await;
    let mut input = whole_item(&plan, s1, "Promenad", "PATIENT");
    input["idempotencyKey"] = json!("förslag");
    let query = harness::mutation("planItemPropose", PLAN_ITEM);
    app.run_for(&relative.identity, &p1.global_id(), &query, json!({ "input": input })).await.ok();
    let (_, seen) = Plan::of(&app, p1).await;
    let proposal = &seen["proposals"][0];
    let yes = json!({ "agreementId": seen["id"], "versionId": proposal["id"], "digest": proposal["digest"] });
    act(&app, &s1.identity, "agreementAssent", AGREEMENT, yes).await.ok();
    let letters = async || (tasks(&app, task::Kind::Letter).await.len(), unsent(&app).await);
    assert_eq!(letters().await, (2, 1), "the one about the first proposal was answered");
    let mut phoned = no(&app, p1, "Det gick inte.").await;
    phoned["how"] = json!("PHONE");
    act(&app, &s1.identity, NAME, AGREEMENT, phoned).await.ok();
    assert_eq!(letters().await, (3, 1), "the one about the yes is over, and one confirms the no");
    proposes(&app, &s1.identity, "Dansa").await;
    let mut phoned = no(&app, p1, "Vill inte.").await;
    phoned["how"] = json!("PHONE");
    act(&app, &s1.identity, NAME, AGREEMENT, phoned).await.ok();
    assert_eq!(letters().await, (5, 2));
}
