//! Exceptions for one of joint guardians: for whom, and for how long.

use entity::representative::Kind;
use harness::{Ombud, TestApp, TestPatient, represent};
use patientkontrakt::graphql::scalars::NodeKind;
use serde_json::{Value, json};

use super::{
    ASSENTS, EVERYTHING, act_for,
    guardians::{Family, exception},
};
use crate::acts::{AGREEMENT, PLAN_ITEM, act, assent, global, whole_item};

const NAME: &str = "agreementGuardianExceptionRecord";

/// The agreement as a guardian sees it.
async fn seen_by(app: &TestApp, guardian: &Ombud, child: &TestPatient) -> Value {
    let query = format!("{{ me {{ {AGREEMENT} }} }}");
    let seen = app.run_for(&guardian.identity, &child.global_id(), &query, json!({})).await.ok();
    seen.at("/me/agreement").clone()
}

/// R: a plan for a child is agreed with one of its guardians at least.
#[tokio::test]
async fn the_last_guardian_is_not_excepted() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    let g3 = represent(&app.core, &c1, Kind::Guardian, "198201012388", EVERYTHING, true).await;
    let s1 = &app.world.s1.identity;
    for guardian in [&g1, &g2] {
        let recorded = act(&app, s1, NAME, ASSENTS, exception(&plan, guardian, "Nås inte.")).await.ok();
        assert!(recorded.user_error_codes(NAME).is_empty(), "{}", recorded.body);
    }
    let last = act(&app, s1, NAME, ASSENTS, exception(&plan, &g3, "Nås inte.")).await;
    assert_eq!(last.user_error_codes(NAME), ["WRONG_STATE"]);
    let why = last.text(&format!("/{NAME}/userErrors/0/message"));
    assert!(why.starts_with("Undantag finns redan för barnets andra"), "{why}");
    let again = act(&app, s1, NAME, ASSENTS, exception(&plan, &g2, "Nås inte.")).await;
    let why = again.text(&format!("/{NAME}/userErrors/0/message"));
    assert!(why.starts_with("Undantaget för den här"), "{why}");
    act_for(&app, &g3, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(seen_by(&app, &g3, &c1).await["status"], "ACTIVE");
}

/// R: an exception is for as long as the guardian is not there: their yes ends it, and the next version needs both again.
#[tokio::test]
async fn an_exception_ends_with_the_yes_of_the_guardian_whom_it_is_for() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    let s1 = &app.world.s1;
    act(&app, &s1.identity, NAME, ASSENTS, exception(&plan, &g2, "Nås inte.")).await.ok();
    let back = act_for(&app, &g2, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(back.text("/agreementAssent/agreement/status"), "PROPOSED", "the other one is missing");
    act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(seen_by(&app, &g1, &c1).await["status"], "ACTIVE");

    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Simma", "CARE")).await.ok();
    let proposal = seen_by(&app, &g1, &c1).await["proposals"][0].clone();
    let yes = json!({ "agreementId": plan.id, "versionId": proposal["id"], "digest": proposal["digest"] });
    act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, yes.clone()).await.ok();
    let waits = seen_by(&app, &g1, &c1).await;
    assert_eq!(waits["proposals"].as_array().unwrap().len(), 1, "it waits for the other guardian again");
    act_for(&app, &g2, &c1, "agreementAssent", ASSENTS, yes).await.ok();
    assert_eq!(seen_by(&app, &g1, &c1).await["proposals"], json!([]));

    let query =
        "query($id: ID!) { node(id: $id) { ... on Agreement { history(first: 100) { nodes { what } } } } }";
    let history = app.run(&s1.identity, query, json!({ "id": plan.id })).await.ok().body.to_string();
    assert!(history.contains("En vårdnadshavares ja behövs igen"), "{history}");
    // And can be recorded anew.
    let anew = act(&app, &s1.identity, NAME, ASSENTS, exception(&plan, &g2, "Utomlands.")).await.ok();
    assert!(anew.user_error_codes(NAME).is_empty(), "{}", anew.body);
}

/// R: who is not waited for, since when and by whose word stands to read; why is for staff alone.
#[tokio::test]
async fn an_exception_is_shown_with_who_recorded_it_and_why_to_staff_alone() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    let s1 = &app.world.s1.identity;
    act(&app, s1, NAME, ASSENTS, exception(&plan, &g2, "Skyddat boende.")).await.ok();
    let query = "query($id: ID!) { node(id: $id) { ... on Agreement { guardianExceptions { representativeId reason at endedAt \
                 recordedBy { name } } } } }";
    let id = json!({ "id": plan.id });
    let mut shown = json!([{
        "representativeId": global(NodeKind::Representative, g2.id), "reason": "Skyddat boende.",
        "at": app.clock.now().to_rfc3339(), "endedAt": null, "recordedBy": { "name": "Stina Exempel" },
    }]);
    let seen = app.run(s1, query, id.clone()).await.ok();
    assert_eq!(seen.at("/node/guardianExceptions"), &shown);
    shown[0]["reason"] = Value::Null;
    for guardian in [&g1, &g2] {
        let seen = app.run_for(&guardian.identity, &c1.global_id(), query, id.clone()).await.ok();
        assert_eq!(seen.at("/node/guardianExceptions"), &shown);
    }
    // Nor does a child who is let in read it, here or in the history.
    let open = json!({ "decision": "OPEN_EARLY", "patientId": c1.global_id(), "mayAssent": false,
        "rights": [{ "area": "AGREEMENT", "level": "READ" }], "reason": "Mogen nog.", "until": "2027-06-01T00:00:00Z" });
    act(&app, s1, "representativeAssess", "representative { id }", open).await.ok();
    let query = "query($id: ID!) { node(id: $id) { ... on Agreement { guardianExceptions { reason } \
                 history(first: 50) { nodes { changes { from to } } } } } }";
    let seen = app.run(&c1.identity, query, id.clone()).await.ok();
    assert_eq!(seen.at("/node/guardianExceptions"), &json!([{ "reason": null }]));
    assert!(!seen.body.to_string().contains("Skyddat boende"), "{}", seen.body);
    act_for(&app, &g2, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let query = "query($id: ID!) { node(id: $id) { ... on Agreement { guardianExceptions { endedAt } } } }";
    let seen = app.run(s1, query, id).await.ok();
    assert!(seen.at("/node/guardianExceptions/0/endedAt").is_string(), "{}", seen.body);
}

/// R: care ends it with a reason, and what only waits waits for the guardian too.
#[tokio::test]
async fn care_ends_an_exception_with_a_reason_and_the_guardian_is_waited_for_again() {
    let app = TestApp::new().await;
    let Family { c1, g1, g2, plan } = Family::with_a_proposal(&app).await;
    let s1 = &app.world.s1;
    act(&app, &s1.identity, NAME, ASSENTS, exception(&plan, &g2, "Nås inte.")).await.ok();
    act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    // What the one guardian proposes waits for care alone, until the other one is there again.
    let item = whole_item(&plan, s1, "Simma", "PATIENT");
    act_for(&app, &g1, &c1, "planItemPropose", PLAN_ITEM, item).await.ok();
    let name = "agreementGuardianExceptionEnd";
    let end = |reason: &str| exception(&plan, &g2, reason);
    let by_guardian = act_for(&app, &g2, &c1, name, ASSENTS, end("Jag är här.")).await;
    assert_eq!(by_guardian.user_error_codes(name), ["FORBIDDEN"]);
    let silent = act(&app, &s1.identity, name, ASSENTS, end(" ")).await;
    assert_eq!(silent.user_error_codes(name), ["BAD_USER_INPUT"]);
    let shown = "agreement { status guardianExceptions { endedAt endedBy { name } endReason } }";
    let ended = act(&app, &s1.identity, name, shown, end("Har hört av sig.")).await.ok();
    let agreement = ended.at(&format!("/{name}/agreement"));
    assert_eq!(agreement["status"], "ACTIVE", "what is in force stays so");
    assert_eq!(
        agreement["guardianExceptions"],
        json!([{ "endedAt": app.clock.now().to_rfc3339(), "endedBy": { "name": "Stina Exempel" },
                 "endReason": "Har hört av sig." }])
    );
    let again = act(&app, &s1.identity, name, ASSENTS, end("Igen.")).await;
    assert_eq!(again.user_error_codes(name), ["NOT_FOUND"]);
    let proposal = seen_by(&app, &g1, &c1).await["proposals"][0].clone();
    let yes = json!({ "agreementId": plan.id, "versionId": proposal["id"], "digest": proposal["digest"] });
    act(&app, &s1.identity, "agreementAssent", ASSENTS, yes.clone()).await.ok();
    assert_eq!(seen_by(&app, &g1, &c1).await["proposals"].as_array().unwrap().len(), 1);
    act_for(&app, &g2, &c1, "agreementAssent", ASSENTS, yes).await.ok();
    assert_eq!(seen_by(&app, &g1, &c1).await["proposals"], json!([]));
}
