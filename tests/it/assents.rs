//! Yes by word of mouth and objections to it, patients who cannot decide, joint guardians, and who may act for whom.

use entity::{
    AgreementVersionId, access_event::ActorKind, agreement_version, representative::Kind, task,
    version_assent,
};
use harness::{Answer, Ombud, TestApp, TestPatient, child, relate, represent};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, assent, draft, global, item, proposed, row, whole_item};

const ASSENTS: &str = "agreement { id status rowVersion currentVersion { id number status digest objectedAt \
     patientAssent { by isOral } careAssent { by isOral } undecided { reason knownWill askAgainOn recordedBy { name } } \
     assents { side by name given isOral setting interpreter present recordedBy { name } recordedByCareAssenter \
       objectedAt objection digest } } planItems { id status } }";

const EVERYTHING: &str = r#"{"AGREEMENT":"ACT","BOOKING":"ACT","MESSAGES":"ACT","CONTACTS":"ACT"}"#;

fn oral(plan: &Plan) -> Value {
    let mut input = assent(plan);
    input["setting"] = json!("BY_PHONE");
    input["interpreter"] = json!("Arabiska, per telefon");
    input["present"] = json!("Dottern Anna");
    input
}

fn undecided(plan: &Plan) -> Value {
    json!({ "agreementId": plan.id, "versionId": plan.version, "expectedRowVersion": plan.row_version,
            "reason": "Medvetandesänkt efter stroke.", "knownWill": "Vill bo hemma, enligt samtal i höstas.",
            "askAgainOn": "2027-02-15" })
}

async fn tasks(app: &TestApp, kind: task::Kind) -> Vec<task::Model> {
    let found = task::Entity::find().filter(task::Column::Kind.eq(kind));
    found.all(app.core.db.reader()).await.unwrap()
}

async fn act_for(
    app: &TestApp,
    who: &Ombud,
    of: &TestPatient,
    mutation: &str,
    selection: &str,
    mut input: Value,
) -> Answer {
    input["idempotencyKey"] = json!(Uuid::new_v4().to_string());
    let query = harness::mutation(mutation, selection);
    app.run_for(&who.identity, &of.global_id(), &query, json!({ "input": input })).await
}

/// R: oral assent may be recorded by staff: setting, interpreter, who was present; counted apart; with care's own
/// assent the version comes into force, and that the same person did both is shown.
#[tokio::test]
async fn an_oral_assent_counts_as_the_patients_and_is_shown_with_its_circumstances() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let name = "agreementAssentRecordOral";
    let answer = act(&app, &s1.identity, name, ASSENTS, oral(&plan)).await.ok();
    let agreement = answer.at(&format!("/{name}/agreement")).clone();
    assert_eq!(agreement["status"], "ACTIVE");
    let version = &agreement["currentVersion"];
    assert_eq!(version["patientAssent"], json!({ "by": "PATIENT", "isOral": true }));
    assert_eq!(version["careAssent"], json!({ "by": "STAFF", "isOral": false }));
    assert_eq!(version["assents"].as_array().unwrap().len(), 2);
    let patients = &version["assents"][1];
    assert_eq!(
        patients,
        &json!({ "side": "PATIENT", "by": "PATIENT", "name": null, "given": "ORAL", "isOral": true,
                 "setting": "BY_PHONE", "interpreter": "Arabiska, per telefon", "present": "Dottern Anna",
                 "recordedBy": { "name": "Stina Exempel" }, "recordedByCareAssenter": true,
                 "objectedAt": null, "objection": null, "digest": plan.digest })
    );
    // The patient reads the same.
    let seen = app.run(&p1.identity, &format!("{{ me {{ {ASSENTS} }} }}"), json!({})).await.ok();
    assert_eq!(seen.at("/me/agreement/currentVersion/assents/1"), patients);
    // Who has chosen no way to be told gets a copy on paper.
    let letters = tasks(&app, task::Kind::Letter).await;
    assert_eq!(letters.iter().map(|t| t.subject_id).collect::<Vec<_>>(), [row(&plan.version)]);
}

/// R: an oral assent is to exactly the text that was read out, recorded once, by the role CARE with a care relation.
#[tokio::test]
async fn an_oral_assent_to_another_text_or_by_the_wrong_person_is_refused() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let name = "agreementAssentRecordOral";
    let codes = async |who, input| act(&app, who, name, ASSENTS, input).await.user_error_codes(name);
    let mut other = oral(&plan);
    other["digest"] = json!("00".repeat(32));
    assert_eq!(codes(&s1.identity, other).await, ["CONFLICT"]);
    assert_eq!(codes(&p1.identity, oral(&plan)).await, ["FORBIDDEN"]);
    assert_eq!(codes(&app.world.coordinator.identity, oral(&plan)).await, ["FORBIDDEN"]);
    assert_eq!(codes(&app.world.s2.identity, oral(&plan)).await, ["NOT_FOUND"]);
    let mut unknown = oral(&plan);
    unknown["representativeId"] = json!(global(NodeKind::Representative, Uuid::new_v4()));
    assert_eq!(codes(&s1.identity, unknown).await, ["NOT_FOUND"]);
    let mut stale = oral(&plan);
    stale["expectedRowVersion"] = json!(plan.row_version - 1);
    assert_eq!(codes(&s1.identity, stale).await, ["STALE_ROW_VERSION"]);
    assert!(codes(&s1.identity, oral(&plan)).await.is_empty());
    assert_eq!(codes(&s1.identity, oral(&plan)).await, ["WRONG_STATE"]);
}

/// R: the patient may object at any time. The version stays in force, visibly objected to, and it is a task; the
/// patient's own assent settles it.
#[tokio::test]
async fn an_objection_is_shown_raises_a_task_and_is_settled_by_the_patients_own_assent() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    act(&app, &s1.identity, "agreementAssentRecordOral", ASSENTS, oral(&plan)).await.ok();
    let words = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Det sa jag aldrig." });
    let by_staff = act(&app, &s1.identity, "agreementObject", ASSENTS, words.clone()).await;
    assert_eq!(by_staff.user_error_codes("agreementObject"), ["FORBIDDEN"]);
    let answer = act(&app, &p1.identity, "agreementObject", ASSENTS, words.clone()).await.ok();
    let agreement = answer.at("/agreementObject/agreement").clone();
    assert_eq!(agreement["status"], "ACTIVE");
    assert!(agreement["currentVersion"]["objectedAt"].is_string());
    assert_eq!(agreement["currentVersion"]["assents"][1]["objection"], "Det sa jag aldrig.");
    let again = act(&app, &p1.identity, "agreementObject", ASSENTS, words).await;
    assert_eq!(again.user_error_codes("agreementObject"), ["WRONG_STATE"]);
    let open = tasks(&app, task::Kind::Objection).await;
    assert_eq!(open.len(), 1);
    assert_eq!((open[0].status, open[0].care_unit_id), (task::Status::Open, s1.unit));

    let answer = act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let version = answer.at("/agreementAssent/agreement/currentVersion");
    assert_eq!(version["status"], "ACTIVE");
    assert!(version["objectedAt"].is_null());
    assert_eq!(version["patientAssent"], json!({ "by": "PATIENT", "isOral": false }));
    // Nothing that was recorded is gone.
    assert_eq!(version["assents"].as_array().unwrap().len(), 3);
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Done);
    let words = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Ändå inte." });
    let own = act(&app, &p1.identity, "agreementObject", ASSENTS, words).await;
    assert_eq!(own.user_error_codes("agreementObject"), ["WRONG_STATE"]);
}

/// R: a relative represents the patient by the patient's own grant: what the patient objects to does not come into force
/// by the relative's word, before the patient has decided themself.
#[tokio::test]
async fn a_proposal_of_a_representatives_that_the_patient_objects_to_waits_for_the_patient() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let o1 = represent(&app.core, p1, Kind::Relative, "197001012388", EVERYTHING, true).await;
    let o2 = represent(&app.core, p1, Kind::Relative, "197101012388", EVERYTHING, true).await;
    let plan = draft(&app, s1, p1).await;
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ta prover", "CARE"))
        .await
        .ok();
    let (plan, _) = Plan::of(&app, p1).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let proposed = act_for(&app, &o1, p1, "agreementPropose", AGREEMENT, input).await.ok();
    let plan = Plan::read(&proposed, "agreementPropose");
    let words = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Det vill jag inte." });
    act(&app, &p1.identity, "agreementObject", ASSENTS, words).await.ok();

    let cares = act(&app, &s1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(cares.text("/agreementAssent/agreement/status"), "PROPOSED");
    let others = act_for(&app, &o2, p1, "agreementAssent", ASSENTS, assent(&plan)).await;
    assert_eq!(others.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    let again = act(&app, &s1.identity, "agreementAssent", ASSENTS, assent(&plan)).await;
    assert_eq!(again.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    sweep::run(&app.core).await.unwrap();
    let (_, agreement) = Plan::of(&app, p1).await;
    assert_eq!(agreement["status"], "PROPOSED");
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Open);

    // What the patient has against it is between them and care.
    let history = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ history(first: 100) {{ nodes {{ action changes {{ field to }} }} }} }} }} }}",
        plan.id
    );
    let seen = app.run_for(&o1.identity, &p1.global_id(), &history, json!({})).await.ok();
    assert!(
        seen.body.to_string().contains("agreementObject") && !seen.body.to_string().contains("vill jag inte")
    );
    for who in [&p1.identity, &s1.identity] {
        let seen = app.run(who, &history, json!({})).await.ok();
        assert!(seen.body.to_string().contains("vill jag inte"), "{}", seen.body);
    }

    let own = act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let agreement = own.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "ACTIVE");
    assert_eq!(agreement["currentVersion"]["patientAssent"], json!({ "by": "PATIENT", "isOral": false }));
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Done);
}

/// What was objected to is taken back: nobody waits for the answer, and the task ends with it.
#[tokio::test]
async fn an_objection_ends_with_the_proposal_that_it_was_about() {
    let app = TestApp::new().await;
    let (s1, p1, coordinator) = (&app.world.s1, &app.world.p1, &app.world.coordinator);
    // Proposed by a coordinator, who cannot give care's assent: it waits for care.
    relate(&app.core, s1, p1).await;
    let plan = draft(&app, coordinator, p1).await;
    let item = whole_item(&plan, s1, "Ta prover", "CARE");
    act(&app, &coordinator.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    let (plan, _) = Plan::of(&app, p1).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    act(&app, &coordinator.identity, "agreementPropose", AGREEMENT, input).await.ok();
    let (plan, _) = Plan::of(&app, p1).await;
    act(&app, &s1.identity, "agreementAssentRecordOral", ASSENTS, oral(&plan)).await.ok();
    let words = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Det sa jag aldrig." });
    act(&app, &p1.identity, "agreementObject", ASSENTS, words).await.ok();
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Open);
    let (plan, seen) = Plan::of(&app, p1).await;
    assert_eq!(seen["status"], "PROPOSED");
    let back =
        json!({ "agreementId": plan.id, "versionId": plan.version, "expectedRowVersion": plan.row_version });
    act(&app, &coordinator.identity, "agreementWithdraw", AGREEMENT, back).await.ok();
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Withdrawn);
}

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

/// R: joint guardians both assent. One alone activates nothing.
#[tokio::test]
async fn of_two_guardians_both_must_assent_before_the_plan_comes_into_force() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201803012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, "198001012388", EVERYTHING, true).await;
    let g2 = represent(&app.core, &c1, Kind::Guardian, "198101012388", EVERYTHING, true).await;
    let plan = proposed_for_child(&app, &c1, &g1).await;
    let first = act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let agreement = first.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "PROPOSED");
    assert!(agreement["currentVersion"]["patientAssent"].is_null());
    assert_eq!(agreement["currentVersion"]["assents"].as_array().unwrap().len(), 2);
    let again = act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await;
    assert_eq!(again.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    let second = act_for(&app, &g2, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let agreement = second.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "ACTIVE");
    assert_eq!(agreement["currentVersion"]["patientAssent"]["by"], "REPRESENTATIVE");
    let names: Vec<_> =
        agreement["currentVersion"]["assents"].as_array().unwrap().iter().map(|a| a["by"].clone()).collect();
    assert_eq!(names, ["STAFF", "REPRESENTATIVE", "REPRESENTATIVE"]);
}

/// R: … or the exception is recorded, by care, with its reason; and an exception is no assent.
#[tokio::test]
async fn without_one_guardian_the_plan_comes_into_force_when_the_exception_is_recorded() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201803012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, "198001012388", EVERYTHING, true).await;
    let g2 = represent(&app.core, &c1, Kind::Guardian, "198101012388", EVERYTHING, true).await;
    let plan = proposed_for_child(&app, &c1, &g1).await;
    let name = "agreementGuardianExceptionRecord";
    let exception = |id: &Ombud| {
        json!({ "agreementId": plan.id, "representativeId": global(NodeKind::Representative, id.id),
                "reason": "Kan inte nås trots upprepade försök." })
    };
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
    let c1 = child(&app.core, &app.world.p1, "201803012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, "198001012388", EVERYTHING, true).await;
    let g2 = represent(&app.core, &c1, Kind::Guardian, "198101012388", EVERYTHING, true).await;
    let plan = proposed_for_child(&app, &c1, &g1).await;
    let s1 = &app.world.s1.identity;
    let mut guardians = oral(&plan);
    guardians["representativeId"] = json!(global(NodeKind::Representative, g1.id));
    act(&app, s1, "agreementAssentRecordOral", ASSENTS, guardians).await.ok();
    let exception = json!({ "agreementId": plan.id, "representativeId": global(NodeKind::Representative, g2.id),
                            "reason": "Skyddat boende." });
    let name = "agreementGuardianExceptionRecord";
    let answer = act(&app, s1, name, ASSENTS, exception).await.ok();
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
    let seen = app.run_for(&g2.identity, &c1.global_id(), &history, json!({})).await.ok().body.to_string();
    assert!(seen.contains(name) && !seen.contains("Skyddat boende"), "{seen}");
}

/// Who has said yes already says it again when the other guardian has lost their access: nobody else is waited for.
#[tokio::test]
async fn a_guardian_who_says_yes_again_is_enough_when_the_other_is_stopped() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201803012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, "198001012388", EVERYTHING, true).await;
    let g2 = represent(&app.core, &c1, Kind::Guardian, "198101012388", EVERYTHING, true).await;
    let plan = proposed_for_child(&app, &c1, &g1).await;
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
    let exception = |id: &Ombud| json!({ "agreementId": plan.id, "representativeId": global(NodeKind::Representative, id.id), "reason": "Borta." });
    let s1 = &app.world.s1.identity;
    assert_eq!(act(&app, s1, name, ASSENTS, exception(&g1)).await.user_error_codes(name), ["WRONG_STATE"]);
    let g2 = represent(&app.core, &c1, Kind::Guardian, "198101012388", EVERYTHING, true).await;
    for guardian in [&g1, &g2] {
        let answer = act(&app, s1, name, ASSENTS, exception(guardian)).await.ok();
        assert_eq!(answer.text(&format!("/{name}/agreement/status")), "PROPOSED");
    }
}

/// A plan for a child, proposed by care. The child itself sees nothing of it.
/// R: joint guardians both assent: what a child of eight has said by word of mouth is no assent of the patient's side,
/// unless care has assessed that the child decides. A guardian's own word counts as one of the two.
#[tokio::test]
async fn a_childs_oral_yes_is_no_assent_in_the_guardians_place() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201803012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, "198001012388", EVERYTHING, true).await;
    represent(&app.core, &c1, Kind::Guardian, "198101012388", EVERYTHING, true).await;
    let plan = proposed_for_child(&app, &c1, &g1).await;
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

/// A guardian who has lost their access since is not waited for: the plan comes into force by itself.
#[tokio::test]
async fn a_guardian_who_is_stopped_is_waited_for_no_longer() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201803012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, "198001012388", EVERYTHING, true).await;
    let g2 = represent(&app.core, &c1, Kind::Guardian, "198101012388", EVERYTHING, true).await;
    let plan = proposed_for_child(&app, &c1, &g1).await;
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

async fn proposed_for_child(app: &TestApp, child: &TestPatient, guardian: &Ombud) -> Plan {
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

/// R: ACTIVE when both have assented to exactly this hash: the database itself refuses anything else.
#[tokio::test]
async fn the_database_lets_no_version_into_force_without_the_assents_to_its_text() {
    let app = TestApp::new().await;
    let plan = proposed(&app, &app.world.s1, &app.world.p1).await;
    let db = app.core.db.reader();
    for status in ["ACTIVE", "PATIENT_UNDECIDED"] {
        let refused =
            db.execute_unprepared(&format!("UPDATE agreement_version SET status = '{status}'")).await;
        assert!(refused.unwrap_err().to_string().contains("agreement_version_agreed"));
    }
    let version = AgreementVersionId(row(&plan.version));
    let stored = agreement_version::Entity::find_by_id(version).one(db).await.unwrap().unwrap();
    assert_eq!(stored.status, agreement_version::Status::Proposed);
    let change = "UPDATE version_assent SET given = 'DIRECT', by_kind = 'STAFF', digest = NULL";
    assert!(db.execute_unprepared(change).await.is_err());
    assert!(db.execute_unprepared("DELETE FROM version_assent").await.is_err());
    let assents = version_assent::Entity::find().all(db).await.unwrap();
    assert_eq!(assents.len(), 1);
    assert_eq!((assents[0].by_kind, Some(&assents[0].digest)), (ActorKind::Staff, stored.hash.as_ref()));
}

const GRANTED: &str = "representative { id name kind isInForce mayAssent rowVersion rights { area level } }";

fn grant(number: &str) -> Value {
    json!({ "number": number, "name": "Anna Anhörig", "mayAssent": false,
            "rights": [{ "area": "BOOKING", "level": "ACT" }, { "area": "CONTACTS", "level": "READ" }] })
}

/// R: a relative represents the patient by the patient's own grant, within it, and until it is taken back.
#[tokio::test]
async fn a_patient_names_a_representative_who_finds_it_acts_and_loses_it_when_taken_back() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let answer = act(&app, &p1.identity, "representativeGrant", GRANTED, grant(&p2.number)).await.ok();
    let granted = answer.at("/representativeGrant/representative").clone();
    assert_eq!((&granted["kind"], &granted["isInForce"]), (&json!("RELATIVE"), &json!(true)));
    let twice = act(&app, &p1.identity, "representativeGrant", GRANTED, grant(&p2.number)).await;
    assert_eq!(twice.user_error_codes("representativeGrant"), ["CONFLICT"]);

    let query = "{ representing { patient { id givenName } kind mayAssent rights { area level } } }";
    let found = app.run(&p2.identity, query, json!({})).await.ok();
    assert_eq!(found.at("/representing").as_array().unwrap().len(), 1);
    assert_eq!(found.text("/representing/0/patient/id"), p1.global_id());
    let me = "{ me { id appointments { totalCount } } }";
    app.run_for(&p2.identity, &p1.global_id(), me, json!({})).await.ok();

    let input = json!({ "representativeId": granted["id"], "expectedRowVersion": granted["rowVersion"] });
    let others = act(&app, &p2.identity, "representativeRevoke", GRANTED, input.clone()).await;
    assert_eq!(others.user_error_codes("representativeRevoke"), ["NOT_FOUND"]);
    let answer = act(&app, &p1.identity, "representativeRevoke", GRANTED, input.clone()).await.ok();
    assert_eq!(answer.at("/representativeRevoke/representative/isInForce"), false);
    assert_eq!(app.run_for(&p2.identity, &p1.global_id(), me, json!({})).await.status, 403);
    assert_eq!(app.run(&p2.identity, query, json!({})).await.ok().at("/representing"), &json!([]));
    let again = act(&app, &p1.identity, "representativeRevoke", GRANTED, input).await;
    assert_eq!(again.user_error_codes("representativeRevoke"), ["WRONG_STATE"]);
    let list = "{ me { representatives { name isInForce } } }";
    let seen = app.run(&p1.identity, list, json!({})).await.ok();
    assert_eq!(seen.at("/me/representatives"), &json!([{ "name": "Anna Anhörig", "isInForce": false }]));
}

#[tokio::test]
async fn a_grant_needs_another_person_and_something_to_do() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let codes = async |input| {
        let answer = act(&app, &p1.identity, "representativeGrant", GRANTED, input).await;
        answer.user_error_codes("representativeGrant")
    };
    assert_eq!(codes(grant(&p1.number)).await, ["BAD_USER_INPUT"]);
    let mut nothing = grant(&app.world.p2.number);
    (nothing["rights"], nothing["name"], nothing["mayAssent"]) = (json!([]), json!(" "), json!(true));
    nothing["validUntil"] = json!("2027-01-01T00:00:00Z");
    assert_eq!(codes(nothing).await, ["BAD_USER_INPUT"; 4]);
    assert_eq!(codes(grant("198202282381")).await, ["BAD_USER_INPUT"]);
}

/// A person who is no patient here finds whom they may act for, and nothing else.
#[tokio::test]
async fn a_representative_who_is_no_patient_signs_in_and_chooses_whom_to_act_for() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let o1 = represent(&app.core, p1, Kind::GodMan, "197001012388", EVERYTHING, false).await;
    let query = "{ representing { patient { id } kind } }";
    let found = app.run(&o1.identity, query, json!({})).await.ok();
    assert_eq!(found.text("/representing/0/patient/id"), p1.global_id());
    assert_eq!(found.text("/representing/0/kind"), "GOD_MAN");
    let me = app.run(&o1.identity, "{ me { id } }", json!({})).await;
    assert_eq!(me.error_codes(), ["FORBIDDEN"]);
    app.run_for(&o1.identity, &p1.global_id(), "{ me { id } }", json!({})).await.ok();
}

/// R: care may open earlier, extend, or stop a guardian after a documented assessment.
#[tokio::test]
async fn care_assesses_who_reaches_a_young_persons_data() {
    let app = TestApp::new().await;
    let (s1, c1) = (&app.world.s1, child(&app.core, &app.world.p1, "201402012388").await);
    relate(&app.core, s1, &c1).await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, "198001012388", EVERYTHING, true).await;
    let id = global(NodeKind::Representative, g1.id);
    let name = "representativeAssess";
    // The child is thirteen today.
    assert_eq!(app.run_for(&g1.identity, &c1.global_id(), "{ me { id } }", json!({})).await.status, 403);
    let extend = json!({ "decision": "EXTEND", "representativeId": id, "until": "2028-02-01T00:00:00+01:00",
                         "reason": "Barnet kan inte sköta kontakten själv." });
    let by_coordinator = act(&app, &app.world.coordinator.identity, name, GRANTED, extend.clone()).await;
    assert_eq!(by_coordinator.user_error_codes(name), ["FORBIDDEN"]);
    let elsewhere = act(&app, &app.world.s2.identity, name, GRANTED, extend.clone()).await;
    assert_eq!(elsewhere.user_error_codes(name), ["NOT_FOUND"]);
    let answer = act(&app, &s1.identity, name, GRANTED, extend).await.ok();
    assert_eq!(answer.at(&format!("/{name}/representative/isInForce")), true);
    app.run_for(&g1.identity, &c1.global_id(), "{ me { id } }", json!({})).await.ok();
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let stop = json!({ "decision": "STOP", "representativeId": id, "reason": "Barnet vill inte." });
    act(&app, &s1.identity, name, GRANTED, stop).await.ok();
    assert_eq!(app.run_for(&g1.identity, &c1.global_id(), "{ me { id } }", json!({})).await.status, 403);

    let own = "{ me { id agreement { id } } }";
    assert_eq!(app.run(&c1.identity, own, json!({})).await.error_codes(), ["FORBIDDEN"]);
    let open = json!({ "decision": "OPEN_EARLY", "patientId": c1.global_id(), "mayAssent": true,
                       "rights": [{ "area": "AGREEMENT", "level": "ACT" }], "reason": "Mogen nog." });
    act(&app, &s1.identity, name, GRANTED, open).await.ok();
    app.run(&c1.identity, own, json!({})).await.ok();
}

/// A37, A38: what has been granted is not passed on, and nobody makes themself a representative.
#[tokio::test]
async fn a_grant_is_not_passed_on_and_nobody_names_themself() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let o1 = represent(&app.core, p2, Kind::Relative, "197001012388", EVERYTHING, true).await;
    let answer = act_for(&app, &o1, p2, "representativeGrant", GRANTED, grant(&p1.number)).await;
    assert_eq!(answer.user_error_codes("representativeGrant"), ["FORBIDDEN"]);
    let staff = act(&app, &app.world.s2.identity, "representativeGrant", GRANTED, grant(&p1.number)).await;
    assert_eq!(staff.user_error_codes("representativeGrant"), ["FORBIDDEN"]);
    let mut input = grant(&p1.number);
    input["patientId"] = json!(p2.global_id());
    let answer = act(&app, &p1.identity, "representativeGrant", GRANTED, input).await;
    assert_eq!(answer.user_error_codes("representativeGrant"), ["NOT_FOUND"]);
    let list = "{ me { representatives { name } } }";
    let seen = app.run(&p2.identity, list, json!({})).await.ok();
    assert_eq!(seen.at("/me/representatives").as_array().unwrap().len(), 1);
    assert_eq!(app.run_for(&p1.identity, &p2.global_id(), "{ me { id } }", json!({})).await.status, 403);
}
