//! Joint guardians.

use entity::{AgreementId, representative::Kind, task, version_assent};
use harness::{Ombud, TestApp, TestPatient, child, represent};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{ASSENTS, EVERYTHING, act_for, oral, tasks, undecided};
use crate::{
    acts::{AGREEMENT, PLAN_ITEM, Plan, act, assent, draft, global, row, whole_item},
    agreement_choose::{in_force, waiting},
};

/// A child with two guardians, and a plan for it that care has proposed. The child itself sees nothing of it.
pub(super) struct Family {
    pub c1: TestPatient,
    pub g1: Ombud,
    pub g2: Ombud,
    pub plan: Plan,
}

impl Family {
    pub async fn with_a_proposal(app: &TestApp) -> Self {
        let c1 = child(&app.core, &app.world.p1, "201803012388").await;
        let guardian =
            async |number| represent(&app.core, &c1, Kind::Guardian, number, EVERYTHING, true).await;
        let (g1, g2) = (guardian("198001012388").await, guardian("198101012388").await);
        let plan = proposed_for_child(app, &c1, &g1).await;
        Self { c1, g1, g2, plan }
    }
}

/// That one guardian is not waited for.
pub(super) fn exception(plan: &Plan, of: &Ombud, reason: &str) -> Value {
    json!({ "agreementId": plan.id, "representativeId": global(NodeKind::Representative, of.id), "reason": reason })
}

/// R: joint guardians both assent. One alone activates nothing.
#[tokio::test]
async fn of_two_guardians_both_must_assent_before_the_plan_comes_into_force() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    let first = act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let agreement = first.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "PROPOSED");
    assert!(agreement["currentVersion"]["patientAssent"].is_null());
    assert_eq!(agreement["currentVersion"]["assents"].as_array().unwrap().len(), 2);
    let again = act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await;
    assert_eq!(again.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    let message = again.text("/agreementAssent/userErrors/0/message");
    assert_eq!(message, "Det här godkännandet finns redan. Nu väntar det på den andra vårdnadshavaren.");
    let second = act_for(&app, &g2, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let agreement = second.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "ACTIVE");
    assert_eq!(agreement["currentVersion"]["patientAssent"]["by"], "REPRESENTATIVE");
    let names: Vec<_> =
        agreement["currentVersion"]["assents"].as_array().unwrap().iter().map(|a| a["by"].clone()).collect();
    assert_eq!(names, ["STAFF", "REPRESENTATIVE", "REPRESENTATIVE"]);
}

/// R: of a child nobody records that it cannot decide: its guardians do, and their yes is waited for.
#[tokio::test]
async fn the_guardians_yes_is_not_passed_by_because_a_child_cannot_decide() {
    let app = TestApp::new().await;
    let Family { plan, .. } = Family::with_a_proposal(&app).await;
    let name = "agreementPatientUndecidedRecord";
    let answer = act(&app, &app.world.s1.identity, name, ASSENTS, undecided(&plan)).await;
    assert_eq!(answer.user_error_codes(name), ["WRONG_STATE"]);
    assert_eq!(in_force(&app).await, []);
}

/// R: … or the exception is recorded, by care, with its reason; and an exception is no assent.
#[tokio::test]
async fn without_one_guardian_the_plan_comes_into_force_when_the_exception_is_recorded() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    let name = "agreementGuardianExceptionRecord";
    let exception = |of: &Ombud| exception(&plan, of, "Kan inte nås trots upprepade försök.");
    let s1 = &app.world.s1.identity;
    let by_guardian = act_for(&app, &g1, &c1, name, ASSENTS, exception(&g2)).await;
    assert_eq!(by_guardian.user_error_codes(name), ["FORBIDDEN"]);
    act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let answer = act(&app, s1, name, ASSENTS, exception(&g2)).await.ok();
    assert_eq!(answer.text(&format!("/{name}/agreement/status")), "ACTIVE");
    let again = act(&app, s1, name, ASSENTS, exception(&g2)).await;
    assert_eq!(again.user_error_codes(name), ["WRONG_STATE"]);
}

/// R: oral assents are counted apart, also one that an exception makes whole; why a guardian is not waited for is care's
/// word, not the other guardian's to read.
#[tokio::test]
async fn a_guardians_oral_yes_that_an_exception_completes_is_shown_as_oral() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    let s1 = &app.world.s1.identity;
    let mut guardians = oral(&plan);
    guardians["representativeId"] = json!(global(NodeKind::Representative, g1.id));
    act(&app, s1, "agreementAssentRecordOral", ASSENTS, guardians).await.ok();
    let name = "agreementGuardianExceptionRecord";
    let answer = act(&app, s1, name, ASSENTS, exception(&plan, &g2, "Skyddat boende.")).await.ok();
    let agreement = answer.at(&format!("/{name}/agreement"));
    assert_eq!(agreement["status"], "ACTIVE");
    assert_eq!(
        agreement["currentVersion"]["patientAssent"],
        json!({ "by": "REPRESENTATIVE", "isOral": true })
    );
    let history = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ history(first: 100) {{ nodes {{ action changes {{ to }} }} }} }} }} }}",
        plan.id
    );
    let answer = app.run_for(&g2.identity, &c1.global_id(), &history, json!({})).await.ok();
    let seen = answer.body.to_string();
    assert!(seen.contains(name) && !seen.contains("Skyddat boende"), "{seen}");
    let entries = answer.at("/node/history/nodes").as_array().unwrap().iter();
    let changes = entries.filter(|entry| entry["action"] == name).map(|entry| entry["changes"].to_string());
    assert!(!changes.collect::<String>().contains("null"), "what is not shown is not named: {seen}");
}

/// Who has said yes already says it again when the other guardian has lost their access: nobody else is waited for.
#[tokio::test]
async fn a_guardian_who_says_yes_again_is_enough_when_the_other_is_stopped() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let stop = json!({ "representativeId": global(NodeKind::Representative, g2.id), "decision": "STOP",
                       "reason": "Skyddsbehov." });
    let name = "representativeAssess";
    let stopped = act(&app, &app.world.s1.identity, name, "", stop).await.ok();
    assert!(stopped.user_error_codes(name).is_empty());
    let again = act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(again.text("/agreementAssent/agreement/status"), "ACTIVE");
}

#[tokio::test]
async fn an_exception_alone_is_no_assent_and_needs_two_guardians() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201803012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, "198001012388", EVERYTHING, true).await;
    let plan = proposed_for_child(&app, &c1, &g1).await;
    let name = "agreementGuardianExceptionRecord";
    let exception = |of: &Ombud| exception(&plan, of, "Borta.");
    let s1 = &app.world.s1.identity;
    assert_eq!(act(&app, s1, name, ASSENTS, exception(&g1)).await.user_error_codes(name), ["WRONG_STATE"]);
    let g2 = represent(&app.core, &c1, Kind::Guardian, "198101012388", EVERYTHING, true).await;
    let answer = act(&app, s1, name, ASSENTS, exception(&g1)).await.ok();
    assert_eq!(answer.text(&format!("/{name}/agreement/status")), "PROPOSED");
    assert_eq!(act(&app, s1, name, ASSENTS, exception(&g2)).await.user_error_codes(name), ["WRONG_STATE"]);
}

/// R: joint guardians both assent: what a child of eight has said by word of mouth is no assent of the patient's side,
/// unless care has assessed that the child decides. A guardian's own word counts as one of the two.
#[tokio::test]
async fn a_childs_oral_yes_is_no_assent_in_the_guardians_place() {
    let app = TestApp::new().await;
    let Family { c1, g1, plan, .. } = Family::with_a_proposal(&app).await;
    let (s1, name) = (&app.world.s1.identity, "agreementAssentRecordOral");
    let childs = act(&app, s1, name, ASSENTS, oral(&plan)).await;
    assert_eq!(childs.user_error_codes(name), ["WRONG_STATE"]);
    let mut guardians = oral(&plan);
    guardians["representativeId"] = json!(global(NodeKind::Representative, g1.id));
    let answer = act(&app, s1, name, ASSENTS, guardians).await.ok();
    assert_eq!(answer.text(&format!("/{name}/agreement/status")), "PROPOSED");
    let open = json!({ "patientId": c1.global_id(), "decision": "OPEN_EARLY", "mayAssent": true,
                       "rights": [{ "area": "AGREEMENT", "level": "ACT" }], "reason": "Mogen nog, enligt samtal." });
    act(&app, s1, "representativeAssess", "", open).await.ok();
    let answer = act(&app, s1, name, ASSENTS, oral(&plan)).await.ok();
    assert_eq!(answer.text(&format!("/{name}/agreement/status")), "ACTIVE");
}

/// R: what a child of eight says is no objection of the patient's side to what its guardians have assented to, neither by
/// itself nor as care writes it down, unless care has assessed that the child decides.
#[tokio::test]
async fn a_childs_objection_does_not_undo_the_guardians_yes_unless_the_child_decides() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    for guardian in [&g1, &g2] {
        act_for(&app, guardian, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    }
    let (s1, name) = (&app.world.s1.identity, "agreementObject");
    let words = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Jag vill inte." });
    let mut written_down = words.clone();
    written_down["how"] = json!("PHONE");
    let childs = act(&app, &c1.identity, name, ASSENTS, words).await;
    assert_eq!(childs.user_error_codes(name), ["FORBIDDEN"]);
    let cares = act(&app, s1, name, ASSENTS, written_down.clone()).await;
    assert_eq!(cares.user_error_codes(name), ["WRONG_STATE"]);
    let why = cares.text(&format!("/{name}/userErrors/0/message"));
    assert!(why.starts_with("Patienten är för ung"), "{why}");
    assert!(tasks(&app, task::Kind::Objection).await.is_empty());

    let open = json!({ "patientId": c1.global_id(), "decision": "OPEN_EARLY", "mayAssent": true,
                       "rights": [{ "area": "AGREEMENT", "level": "ACT" }], "reason": "Mogen nog, enligt samtal." });
    act(&app, s1, "representativeAssess", "", open).await.ok();
    let answer = act(&app, s1, name, ASSENTS, written_down).await.ok();
    assert!(answer.at(&format!("/{name}/agreement/currentVersion/objectedAt")).is_string());
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Open);
}

/// R: there is one agreement in force, and never none: a choice that one of two has made ends nothing.
#[tokio::test]
async fn one_guardian_alone_does_not_choose_another_agreement() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    for guardian in [&g1, &g2] {
        act_for(&app, guardian, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    }
    let other = waiting(&app, &app.world.s3, &c1).await;
    let chosen = act_for(&app, &g1, &c1, "agreementChoose", ASSENTS, assent(&other)).await;
    assert_eq!(chosen.user_error_codes("agreementChoose"), ["WRONG_STATE"]);
    assert_eq!(in_force(&app).await, [AgreementId(row(&plan.id))]);
    act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&other)).await.ok();
    act_for(&app, &g2, &c1, "agreementChoose", ASSENTS, assent(&other)).await.ok();
    assert_eq!(in_force(&app).await, [AgreementId(row(&other.id))]);
}

/// A guardian who has lost their access since is not waited for: the plan comes into force by itself.
#[tokio::test]
async fn a_guardian_who_is_stopped_is_waited_for_no_longer() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let status = async || {
        let seen = format!("{{ node(id: \"{}\") {{ ... on Agreement {{ status }} }} }}", plan.id);
        app.run(&app.world.s1.identity, &seen, json!({})).await.ok().text("/node/status")
    };
    sweep::run(&app.core).await.unwrap();
    assert_eq!(status().await, "PROPOSED", "the other guardian still has a say");
    let stop = json!({ "patientId": c1.global_id(), "representativeId": global(NodeKind::Representative, g2.id),
                       "decision": "STOP", "reason": "Skyddsbehov enligt socialtjänsten." });
    let answer = act(&app, &app.world.s1.identity, "representativeAssess", "", stop).await.ok();
    assert!(answer.user_error_codes("representativeAssess").is_empty());
    sweep::run(&app.core).await.unwrap();
    assert_eq!(status().await, "ACTIVE");
    // Nobody has said yes but those who did.
    let given = version_assent::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert_eq!(given.len(), 2, "{given:?}");
}

/// R: "nothing that a patient asks for lies unseen", and what care has answered is no task of care's: whoever else it
/// waits for. The history tells each version's own fate when the last of them needs to be waited for no longer.
#[tokio::test]
async fn what_care_has_said_yes_to_is_answered_though_it_waits_for_the_other_guardian() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    for guardian in [&g1, &g2] {
        act_for(&app, guardian, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    }
    for title in ["Egen", "Annan"] {
        let item = whole_item(&plan, s1, title, "PATIENT");
        act_for(&app, &g1, &c1, "planItemPropose", PLAN_ITEM, item).await.ok();
    }
    let query = format!("{{ me {{ {AGREEMENT} }} }}");
    let seen = app.run_for(&g1.identity, &c1.global_id(), &query, json!({})).await.ok();
    let chosen = seen.at("/me/agreement/proposals/0").clone();
    let yes = json!({ "agreementId": plan.id, "versionId": chosen["id"], "digest": chosen["digest"] });
    let answer = act(&app, &s1.identity, "agreementAssent", AGREEMENT, yes.clone()).await.ok();
    assert_eq!(answer.at("/agreementAssent/agreement/proposals").as_array().unwrap().len(), 2, "it waits");
    let again = act(&app, &s1.identity, "agreementAssent", AGREEMENT, yes).await;
    assert_eq!(again.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    let id = row(chosen["id"].as_str().unwrap());
    for task in tasks(&app, task::Kind::AnswerProposal).await {
        let expected = if task.subject_id == id { task::Status::Done } else { task::Status::Open };
        assert_eq!(task.status, expected);
    }

    let stop = json!({ "representativeId": global(NodeKind::Representative, g2.id), "decision": "STOP",
                       "reason": "Skyddsbehov." });
    act(&app, &s1.identity, "representativeAssess", "", stop).await.ok();
    sweep::run(&app.core).await.unwrap();
    let history = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ history(first: 100) {{ nodes {{ action what }} }} }} }} }}",
        plan.id
    );
    let seen = app.run(&s1.identity, &history, json!({})).await.ok();
    let by_the_sweep = seen.at("/node/history/nodes").as_array().unwrap().iter();
    let told: Vec<&str> = by_the_sweep
        .filter(|entry| entry["action"] == "agreementSweep")
        .map(|entry| entry["what"].as_str().unwrap())
        .collect();
    for words in [
        "Patientkontraktet började gälla: alla hade godkänt det",
        "Versionen ersattes av en ny",
        "Förslaget föll när planen ändrades",
    ] {
        assert_eq!(told.iter().filter(|what| **what == words).count(), 1, "{words} in {told:?}");
    }
}

/// A plan for a child, proposed by care. The child itself sees nothing of it.
pub(super) async fn proposed_for_child(app: &TestApp, child: &TestPatient, guardian: &Ombud) -> Plan {
    let s1 = &app.world.s1;
    let plan = draft(app, s1, child).await;
    act(app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ta prover", "CARE"))
        .await
        .ok();
    let query = format!("{{ me {{ {AGREEMENT} }} }}");
    let seen = app.run_for(&guardian.identity, &child.global_id(), &query, json!({})).await.ok();
    let plan = Plan::read(&seen, "me");
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let answer = act(app, &s1.identity, "agreementPropose", AGREEMENT, input).await.ok();
    Plan::read(&answer, "agreementPropose")
}
