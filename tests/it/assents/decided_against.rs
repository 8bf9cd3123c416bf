//! Patients who could not decide, and then say no.

use entity::{notice, representative::Kind, task};
use harness::{TestApp, represent};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{ASSENTS, EVERYTHING, act_for, tasks, undecided};
use crate::acts::{AGREEMENT, Plan, act, proposed};

const NAME: &str = "agreementDecline";
const ENDED: &str = "agreement { id status endReason endWords currentVersion { status } }";

/// A plan that holds without the patient's decision, and a no to it.
async fn holds_undecided(app: &TestApp) -> Value {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(app, s1, p1).await;
    act(app, &s1.identity, "agreementPatientUndecidedRecord", ASSENTS, undecided(&plan)).await.ok();
    let (now, _) = Plan::of(app, p1).await;
    json!({ "agreementId": now.id, "versionId": plan.version, "words": "Det här vill jag inte.",
            "expectedRowVersion": now.row_version })
}

/// R: a patient who can decide again may also say no.
#[tokio::test]
async fn a_patient_who_could_not_decide_says_no_and_the_agreement_ends() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let no = holds_undecided(&app).await;
    let mut silent = no.clone();
    silent["words"] = json!(" ");
    let refused = act(&app, &p1.identity, NAME, AGREEMENT, silent).await;
    assert_eq!(refused.user_error_codes(NAME), ["BAD_USER_INPUT"]);
    let answer = act(&app, &p1.identity, NAME, ENDED, no.clone()).await.ok();
    let ended = json!({ "id": no["agreementId"], "status": "ENDED", "endReason": "PATIENT_DECLINED",
                        "endWords": "Det här vill jag inte.", "currentVersion": { "status": "ENDED" } });
    assert_eq!(answer.at(&format!("/{NAME}/agreement")), &ended);
    let asked = tasks(&app, task::Kind::PatientDecision).await;
    assert_eq!((asked.len(), asked[0].status), (1, task::Status::Done));
    let told = tasks(&app, task::Kind::PlanSignal).await;
    assert_eq!((told.len(), told[0].care_unit_id), (1, s1.unit));
    let query = "query($id: ID!) { node(id: $id) { ... on Agreement { history(first: 50) { nodes { action what } } } } }";
    let history =
        app.run(&p1.identity, query, json!({ "id": no["agreementId"] })).await.ok().body.to_string();
    assert!(history.contains("Patienten sa nej till planen"), "{history}");
    assert!(!history.contains("Förslaget avböjdes"), "{history}");
    let again = act(&app, &p1.identity, NAME, AGREEMENT, no).await;
    assert!(!again.user_error_codes(NAME).is_empty(), "it has ended");
}

/// R: staff write down the patient's word with how it was said; it is no decision of care's, nor of a representative's.
#[tokio::test]
async fn the_no_of_a_patient_who_could_not_decide_is_written_down_with_how_and_said_by_nobody_else() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let o1 = represent(&app.core, p1, Kind::Relative, "197001012388", EVERYTHING, true).await;
    let mut no = holds_undecided(&app).await;
    let by_another = act_for(&app, &o1, p1, NAME, AGREEMENT, no.clone()).await;
    assert_eq!(by_another.user_error_codes(NAME), ["WRONG_STATE"]);
    let unsaid = act(&app, &s1.identity, NAME, AGREEMENT, no.clone()).await;
    assert_eq!(unsaid.text(&format!("/{NAME}/userErrors/0/field")), "how");
    assert_eq!(tasks(&app, task::Kind::PatientDecision).await[0].status, task::Status::Open);
    let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@example.se" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
    no["how"] = json!("PHONE");
    let answer = act(&app, &s1.identity, NAME, ENDED, no.clone()).await.ok();
    assert_eq!(answer.text(&format!("/{NAME}/agreement/endReason")), "PATIENT_DECLINED");
    assert_eq!(tasks(&app, task::Kind::PatientDecision).await[0].status, task::Status::Done);
    let told = notice::Entity::find().filter(notice::Column::Rule.eq("PLAN_ENDED"));
    assert_eq!(told.count(app.core.db.reader()).await.unwrap(), 1);
    let query = "query($id: ID!) { node(id: $id) { ... on Agreement { history(first: 50) { nodes { what changes { to } } } } } }";
    let history =
        app.run(&s1.identity, query, json!({ "id": no["agreementId"] })).await.ok().body.to_string();
    for text in ["Patienten sa nej till planen", "Det här vill jag inte."] {
        assert!(history.contains(text), "{text}: {history}");
    }
}
