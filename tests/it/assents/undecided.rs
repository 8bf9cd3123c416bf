//! Patients who cannot decide.

use entity::{notice, representative::Kind, task};
use harness::{TestApp, relate, represent};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use super::{ASSENTS, EVERYTHING, act_for, oral, tasks, undecided, unsent};
use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, assent, draft, global, item, proposed, whole_item};

/// R: where the patient cannot decide the status says so, with what is known of their will, and is never ACTIVE; the
/// patient's later assent makes it so.
#[tokio::test]
async fn without_the_patients_decision_the_plan_holds_for_care_and_says_so_until_the_patient_decides() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let name = "agreementPatientUndecidedRecord";
    let answer = act(&app, &s1.identity, name, ASSENTS, undecided(&plan)).await.ok();
    let agreement = answer.at(&format!("/{name}/agreement")).clone();
    assert_eq!(
        (&agreement["status"], &agreement["currentVersion"]["status"]),
        (&json!("PATIENT_UNDECIDED"), &json!("PATIENT_UNDECIDED"))
    );
    assert!(agreement["currentVersion"]["patientAssent"].is_null());
    assert_eq!(
        agreement["currentVersion"]["undecided"],
        json!({ "reason": "Medvetandesänkt efter stroke.", "knownWill": "Vill bo hemma, enligt samtal i höstas.",
                "askAgainOn": "2027-02-15", "recordedBy": { "name": "Stina Exempel" } })
    );
    let ask = tasks(&app, task::Kind::PatientDecision).await;
    assert_eq!(ask.len(), 1);
    assert_eq!(ask[0].due_at.to_rfc3339(), "2027-02-14T23:00:00+00:00");
    // What care does is done under it.
    let care = item(&app, p1, "Ta prover").await;
    assert_eq!(care["status"], "ACCEPTED");
    let input = json!({ "planItemId": care["id"], "expectedRowVersion": care["rowVersion"] });
    act(&app, &s1.identity, "planItemComplete", PLAN_ITEM, input).await.ok();

    let answer = act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let agreement = answer.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "ACTIVE");
    assert_eq!(agreement["currentVersion"]["status"], "ACTIVE");
    assert!(agreement["currentVersion"]["undecided"].is_null());
    assert_eq!(tasks(&app, task::Kind::PatientDecision).await[0].status, task::Status::Done);
}

/// R: never a relative's assent in the patient's place.
#[tokio::test]
async fn nobody_assents_in_the_place_of_a_patient_who_cannot_decide() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let o1 = represent(&app.core, p1, Kind::Relative, "197001012388", EVERYTHING, true).await;
    act(&app, &s1.identity, "agreementPatientUndecidedRecord", ASSENTS, undecided(&plan)).await.ok();
    let answer = act_for(&app, &o1, p1, "agreementAssent", ASSENTS, assent(&plan)).await;
    assert_eq!(answer.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    let mut input = oral(&plan);
    input["representativeId"] = json!(global(NodeKind::Representative, o1.id));
    let answer = act(&app, &s1.identity, "agreementAssentRecordOral", ASSENTS, input).await;
    assert_eq!(answer.user_error_codes("agreementAssentRecordOral"), ["WRONG_STATE"]);
    // Nor to what care adds later, nor by proposing it themself.
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ta fler prover", "CARE"))
        .await
        .ok();
    let added = item(&app, p1, "Ta fler prover").await;
    let input = json!({ "planItemId": added["id"], "expectedRowVersion": added["rowVersion"] });
    let answer = act_for(&app, &o1, p1, "planItemAccept", PLAN_ITEM, input).await;
    assert_eq!(answer.user_error_codes("planItemAccept"), ["WRONG_STATE"]);
    act_for(&app, &o1, p1, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Promenera", "CARE"))
        .await
        .ok();
    let own = item(&app, p1, "Promenera").await;
    let input = json!({ "planItemId": own["id"], "expectedRowVersion": own["rowVersion"] });
    act(&app, &s1.identity, "planItemAccept", PLAN_ITEM, input).await.ok();
    let (_, agreement) = Plan::of(&app, p1).await;
    assert_eq!(agreement["status"], "PATIENT_UNDECIDED");
    assert_eq!(tasks(&app, task::Kind::PatientDecision).await[0].status, task::Status::Open);
}

/// R: a version that holds without the patient's decision becomes ACTIVE by their yes to the text as they read it: a yes
/// to one item, or a change of their own that care accepts, is none.
#[tokio::test]
async fn neither_a_yes_to_one_item_nor_a_change_of_their_own_is_the_patients_decision_about_the_plan() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    act(&app, &s1.identity, "agreementPatientUndecidedRecord", ASSENTS, undecided(&plan)).await.ok();
    let undecided_still = async || {
        let (_, agreement) = Plan::of(&app, p1).await;
        assert_eq!(agreement["status"], "PATIENT_UNDECIDED");
        assert_eq!(tasks(&app, task::Kind::PatientDecision).await[0].status, task::Status::Open);
    };
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ta fler prover", "CARE"))
        .await
        .ok();
    let added = item(&app, p1, "Ta fler prover").await;
    let input = json!({ "planItemId": added["id"], "expectedRowVersion": added["rowVersion"] });
    let refused = act(&app, &p1.identity, "planItemAccept", PLAN_ITEM, input).await;
    assert_eq!(refused.user_error_codes("planItemAccept"), ["WRONG_STATE"]);
    assert!(refused.text("/planItemAccept/userErrors/0/message").contains("Läs och godkänn hela planen"));
    undecided_still().await;

    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Promenera", "PATIENT"))
        .await
        .ok();
    let own = item(&app, p1, "Promenera").await;
    let input = json!({ "planItemId": own["id"], "expectedRowVersion": own["rowVersion"] });
    act(&app, &s1.identity, "planItemAccept", PLAN_ITEM, input).await.ok();
    undecided_still().await;
    // Care has answered, and waits for nobody but the patient.
    assert_eq!(tasks(&app, task::Kind::AnswerProposal).await[0].status, task::Status::Done);

    let (_, agreement) = Plan::of(&app, p1).await;
    let proposals = agreement["proposals"].as_array().unwrap();
    let own = proposals.iter().find(|proposal| proposal["proposedBy"] == "PATIENT").unwrap();
    let whole = json!({ "agreementId": plan.id, "versionId": own["id"], "digest": own["digest"] });
    let decided = act(&app, &p1.identity, "agreementAssent", ASSENTS, whole).await.ok();
    assert_eq!(decided.text("/agreementAssent/agreement/status"), "ACTIVE");
    assert_eq!(tasks(&app, task::Kind::PatientDecision).await[0].status, task::Status::Done);
}

const STANDING: &str = "{ me { agreement { safetyInstructions { id status standing rowVersion } } } }";

/// Care has laid an instruction over a plan that holds without the patient's decision, and a next version says it: that
/// one holds without the decision too. As the patient reads it.
async fn an_instruction_in_what_holds(app: &TestApp) -> (Plan, Value) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(app, s1, p1).await;
    let name = "agreementPatientUndecidedRecord";
    act(app, &s1.identity, name, ASSENTS, undecided(&plan)).await.ok();
    let warning = json!({ "agreementId": plan.id, "kind": "WARNING_SIGN", "text": "Svullna ben" });
    act(app, &s1.identity, "safetyInstructionAdd", "instruction { id }", warning).await.ok();
    let more = whole_item(&plan, s1, "Ta fler prover", "CARE");
    act(app, &s1.identity, "planItemPropose", PLAN_ITEM, more).await.ok();
    let now = holds(app).await;
    let seen = app.run(&p1.identity, STANDING, json!({})).await.ok();
    (now, seen.at("/me/agreement/safetyInstructions/0").clone())
}

/// R: the patient sees "ändrat av vården, ännu inte överenskommet" until they have decided themself.
#[tokio::test]
async fn a_safety_instruction_is_not_agreed_on_before_the_patient_has_decided() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let (plan, instruction) = an_instruction_in_what_holds(&app).await;
    assert_eq!(
        (&instruction["status"], &instruction["standing"]),
        (&json!("OPEN"), &json!("ändrat av vården, ännu inte överenskommet"))
    );
    let decided = act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(decided.text("/agreementAssent/agreement/status"), "ACTIVE");
    let seen = app.run(&p1.identity, STANDING, json!({})).await.ok();
    assert_eq!(seen.text("/me/agreement/safetyInstructions/0/standing"), "överenskommet");
}

/// What care has taken back is agreed on by nobody.
#[tokio::test]
async fn the_patient_decides_about_no_text_with_an_instruction_that_was_taken_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (plan, instruction) = an_instruction_in_what_holds(&app).await;
    let back = json!({ "instructionId": instruction["id"], "reason": "Provet var normalt",
                       "expectedRowVersion": instruction["rowVersion"] });
    act(&app, &s1.identity, "safetyInstructionWithdraw", "instruction { id }", back).await.ok();
    let late = act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await;
    assert_eq!(late.user_error_codes("agreementAssent"), ["BASE_MOVED"]);
    let more = whole_item(&plan, s1, "Ett tredje prov", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, more).await.ok();
    let query = "{ me { agreement { proposals { id digest safety { text } } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    let next = seen.at("/me/agreement/proposals/0");
    assert_eq!(next["safety"], json!([]));
    let whole = json!({ "agreementId": plan.id, "versionId": next["id"], "digest": next["digest"] });
    let decided = act(&app, &p1.identity, "agreementAssent", ASSENTS, whole).await.ok();
    assert_eq!(decided.text("/agreementAssent/agreement/status"), "ACTIVE");
}

/// The proposal on the plan comes into force without the patient's decision too.
async fn holds(app: &TestApp) -> Plan {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (now, agreement) = Plan::of(app, p1).await;
    let next = Plan { version: agreement["proposals"][0]["id"].as_str().unwrap().to_owned(), ..now };
    act(app, &s1.identity, "agreementPatientUndecidedRecord", ASSENTS, undecided(&next)).await.ok();
    let (now, agreement) = Plan::of(app, p1).await;
    assert_eq!((&agreement["status"], &now.version), (&json!("PATIENT_UNDECIDED"), &next.version));
    now
}

/// R: what care has taken back is shown as valid nowhere; where the plan in force says it, care is asked for a new version.
#[tokio::test]
async fn what_care_takes_back_is_shown_in_no_version_that_stands_and_care_is_asked_for_a_new_one() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (plan, instruction) = an_instruction_in_what_holds(&app).await;
    let said = "{ number safety { text instructionId } changes { sentence } }";
    let query = format!(
        "query($id: ID!) {{ me {{ agreement {{ currentVersion {said} draft {said} versions(first: 9) {{ nodes {said} }} }} }} \
         node(id: $id) {{ ... on AgreementVersion {said} }} }}"
    );
    let shown = async || {
        let seen = app.run(&p1.identity, &query, json!({ "id": plan.version })).await.ok();
        let agreement = seen.at("/me/agreement");
        let listed = agreement["versions"]["nodes"].as_array().unwrap().iter();
        let listed = listed.filter(|version| version["number"] == agreement["currentVersion"]["number"]);
        let mut found =
            vec![agreement["currentVersion"].clone(), agreement["draft"].clone(), seen.at("/node").clone()];
        found.extend(listed.cloned());
        assert_eq!(found.len(), 4);
        found
    };
    let revise = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    act(&app, &s1.identity, "agreementRevise", AGREEMENT, revise).await.ok();
    for version in shown().await {
        assert_eq!(version["safety"], json!([{ "text": "Svullna ben", "instructionId": instruction["id"] }]));
    }
    assert_eq!(tasks(&app, task::Kind::RevisePlan).await.len(), 0);

    let back = json!({ "instructionId": instruction["id"], "reason": "Provet var normalt",
                       "expectedRowVersion": instruction["rowVersion"] });
    act(&app, &s1.identity, "safetyInstructionWithdraw", "instruction { id }", back).await.ok();
    for version in shown().await {
        assert_eq!(version["safety"], json!([]));
        let changes = version["changes"].to_string();
        assert!(!changes.contains("nytt – Svullna ben"), "{changes}");
    }
    let asked = tasks(&app, task::Kind::RevisePlan).await;
    assert_eq!((asked.len(), asked[0].status), (1, task::Status::Open));

    let (now, _) = Plan::of(&app, p1).await;
    let propose = json!({ "agreementId": plan.id, "expectedRowVersion": now.row_version });
    act(&app, &s1.identity, "agreementPropose", AGREEMENT, propose).await.ok();
    assert_eq!(
        tasks(&app, task::Kind::RevisePlan).await[0].status,
        task::Status::Open,
        "it is not in force yet"
    );
    holds(&app).await;
    assert_eq!(tasks(&app, task::Kind::RevisePlan).await[0].status, task::Status::Done);
    // What holds no longer says what it said.
    let past = app.run(&p1.identity, &query, json!({ "id": plan.version })).await.ok();
    assert_eq!(past.text("/node/safety/0/text"), "Svullna ben");
}

/// What care lays over a plan that holds without the patient's decision it can take out again, by a draft or by one act;
/// it ends with the version that no longer says it, and no later one brings it back.
#[tokio::test]
async fn care_takes_an_instruction_out_of_a_plan_that_holds_without_the_patients_decision() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (_, instruction) = an_instruction_in_what_holds(&app).await;
    let remove = async |instruction: &Value| {
        let (now, _) = Plan::of(&app, p1).await;
        let input = json!({ "instructionId": instruction["id"], "expectedRowVersion": now.row_version });
        act(&app, &s1.identity, "safetyInstructionRemove", "agreement { id }", input).await.ok();
    };
    let proposed = async || {
        let query = "{ me { agreement { proposals { safety { text } } } } }";
        let seen = app.run(&p1.identity, query, json!({})).await.ok();
        seen.at("/me/agreement/proposals/0/safety").clone()
    };
    let standing = async |query: &str| {
        let seen = app.run(&p1.identity, query, json!({})).await.ok();
        seen.at("/me/agreement/safetyInstructions").clone()
    };
    let named = |plan: &Plan| json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let (now, _) = Plan::of(&app, p1).await;
    act(&app, &s1.identity, "agreementRevise", AGREEMENT, named(&now)).await.ok();
    remove(&instruction).await;
    let (now, _) = Plan::of(&app, p1).await;
    act(&app, &s1.identity, "agreementPropose", AGREEMENT, named(&now)).await.ok();
    assert_eq!(proposed().await, json!([]));
    assert_eq!(standing(STANDING).await[0]["status"], "OPEN", "what is in force says it");
    let plan = holds(&app).await;
    assert_eq!(standing(STANDING).await, json!([]));
    let all = "{ me { agreement { safetyInstructions(includeWithdrawn: true) { status standing } } } }";
    let ended =
        json!({ "status": "ENDED", "standing": "utelämnad i en senare version av planen, gäller inte" });
    assert_eq!(standing(all).await, json!([ended]));

    let warning = json!({ "agreementId": plan.id, "kind": "WARNING_SIGN", "text": "Yrsel" });
    act(&app, &s1.identity, "safetyInstructionAdd", "instruction { id }", warning).await.ok();
    let more = whole_item(&plan, s1, "Ett tredje prov", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, more).await.ok();
    assert_eq!(proposed().await, json!([{ "text": "Yrsel" }]));
    holds(&app).await;
    let second = standing(STANDING).await[0].clone();
    remove(&second).await;
    assert_eq!(proposed().await, json!([]));
    holds(&app).await;
    assert_eq!(standing(STANDING).await, json!([]));
}

/// Thirty wait at most; what the version in force says waits for nothing but the patient.
#[tokio::test]
async fn an_instruction_that_the_version_in_force_says_does_not_keep_care_from_adding_one() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let (plan, _) = an_instruction_in_what_holds(&app).await;
    let add = async || {
        let warning = json!({ "agreementId": plan.id, "kind": "WARNING_SIGN", "text": "Yrsel" });
        act(&app, &s1.identity, "safetyInstructionAdd", "instruction { id }", warning).await
    };
    for _ in 0..30 {
        add().await.ok();
    }
    assert_eq!(add().await.user_error_codes("safetyInstructionAdd"), ["CONFLICT"]);
    let more = whole_item(&plan, s1, "Ett tredje prov", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, more).await.ok();
    holds(&app).await;
    add().await.ok();
}

/// Care's yes to what the patient proposed is told to the patient, whom it waits for: on paper where there is no way.
#[tokio::test]
async fn a_patient_who_has_not_decided_is_told_that_care_accepts_what_they_propose() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    act(&app, &s1.identity, "agreementPatientUndecidedRecord", ASSENTS, undecided(&plan)).await.ok();
    let accepted = async |title: &str| {
        let own = whole_item(&plan, s1, title, "PATIENT");
        act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, own).await.ok();
        let own = item(&app, p1, title).await;
        let input = json!({ "planItemId": own["id"], "expectedRowVersion": own["rowVersion"] });
        act(&app, &s1.identity, "planItemAccept", PLAN_ITEM, input).await.ok();
    };
    let told = async || {
        let notices = notice::Entity::find().filter(notice::Column::Rule.eq("PLAN_ACCEPTED"));
        let notices = notices.count(app.core.db.reader()).await.unwrap();
        (notices, unsent(&app).await.len())
    };
    accepted("Promenera").await;
    assert_eq!(told().await, (0, 1));
    let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@example.se" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
    accepted("Simma").await;
    assert_eq!(told().await, (1, 1));
}

/// R: what both have assented to stays in force until its successor has both assents, also when care holds that the
/// patient can no longer decide.
#[tokio::test]
async fn what_the_patient_has_assented_to_is_not_replaced_without_them() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ta fler prover", "CARE"))
        .await
        .ok();
    let seen = app
        .run(
            &s1.identity,
            "query($id: ID!) { node(id: $id) { ... on Agreement { rowVersion versions(first: 1) { nodes { id status } } } } }",
            json!({ "id": plan.id }),
        )
        .await
        .ok();
    let mut input = undecided(&plan);
    input["versionId"] = seen.at("/node/versions/nodes/0/id").clone();
    input["expectedRowVersion"] = seen.at("/node/rowVersion").clone();
    let answer = act(&app, &s1.identity, "agreementPatientUndecidedRecord", ASSENTS, input).await;
    assert_eq!(answer.user_error_codes("agreementPatientUndecidedRecord"), ["WRONG_STATE"]);
    let (_, agreement) = Plan::of(&app, p1).await;
    assert_eq!(agreement["status"], "ACTIVE");
}

/// R: one agreement in force per patient and region, also where one holds without the patient's decision.
#[tokio::test]
async fn an_agreement_without_the_patients_decision_counts_as_the_one_in_force() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let first = proposed(&app, s1, p1).await;
    act(&app, &s1.identity, "agreementPatientUndecidedRecord", ASSENTS, undecided(&first)).await.ok();
    // Another provider, who cannot see it, draws up one too.
    relate(&app.core, s2, p1).await;
    let input = json!({ "patientId": p1.global_id(), "title": "En till" });
    let created = act(&app, &s2.identity, "agreementCreate", AGREEMENT, input).await.ok();
    let other = Plan::read(&created, "agreementCreate");
    act(&app, &s2.identity, "planItemPropose", PLAN_ITEM, whole_item(&other, s2, "Träna", "CARE")).await.ok();
    let seen = app
        .run(
            &s2.identity,
            "query($id: ID!) { node(id: $id) { ... on Agreement { rowVersion } } }",
            json!({ "id": other.id }),
        )
        .await
        .ok();
    let input = json!({ "agreementId": other.id, "expectedRowVersion": seen.at("/node/rowVersion") });
    let answer = act(&app, &s2.identity, "agreementPropose", AGREEMENT, input).await.ok();
    let other = Plan::read(&answer, "agreementPropose");
    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&other)).await;
    assert_eq!(answer.user_error_codes("agreementAssent"), ["CONFLICT"]);
    let answer = act(&app, &s2.identity, "agreementPatientUndecidedRecord", ASSENTS, undecided(&other)).await;
    assert_eq!(answer.user_error_codes("agreementPatientUndecidedRecord"), ["CONFLICT"]);
}

#[tokio::test]
async fn that_the_patient_cannot_decide_is_recorded_by_care_about_what_care_has_assented_to() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let name = "agreementPatientUndecidedRecord";
    let codes = async |who, input| act(&app, who, name, ASSENTS, input).await.user_error_codes(name);
    let plan = proposed(&app, s1, p1).await;
    assert_eq!(codes(&p1.identity, undecided(&plan)).await, ["FORBIDDEN"]);
    assert_eq!(codes(&app.world.coordinator.identity, undecided(&plan)).await, ["FORBIDDEN"]);
    assert_eq!(codes(&app.world.s2.identity, undecided(&plan)).await, ["NOT_FOUND"]);
    let mut stale = undecided(&plan);
    stale["expectedRowVersion"] = json!(plan.row_version - 1);
    assert_eq!(codes(&s1.identity, stale).await, ["STALE_ROW_VERSION"]);
    let mut bad = undecided(&plan);
    (bad["reason"], bad["knownWill"], bad["askAgainOn"]) = (json!(" "), json!(""), json!("2027-02-01"));
    assert_eq!(codes(&s1.identity, bad).await, ["BAD_USER_INPUT"; 3]);
    // Drawn up by a coordinator, who cannot give care's assent: care has not said yes.
    let p2 = &app.world.p2;
    relate(&app.core, &app.world.coordinator, p2).await;
    let other = draft(&app, &app.world.coordinator, p2).await;
    act(
        &app,
        &app.world.coordinator.identity,
        "planItemPropose",
        PLAN_ITEM,
        whole_item(&other, s1, "Ta prover", "CARE"),
    )
    .await
    .ok();
    let (other, _) = Plan::of(&app, p2).await;
    let input = json!({ "agreementId": other.id, "expectedRowVersion": other.row_version });
    act(&app, &app.world.coordinator.identity, "agreementPropose", AGREEMENT, input).await.ok();
    let (other, _) = Plan::of(&app, p2).await;
    assert_eq!(codes(&s1.identity, undecided(&other)).await, ["WRONG_STATE"]);
    // What holds already needs no such record.
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    let (now, _) = Plan::of(&app, p1).await;
    assert_eq!(codes(&s1.identity, undecided(&now)).await, ["WRONG_STATE"]);
}
