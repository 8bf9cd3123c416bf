//! A yes by word of mouth, and objections to it.

use entity::{access_event::ActorKind, representative::Kind, task, version_objection::Ending};
use harness::{TestApp, relate, represent};
use patientkontrakt::{auth::token::Identity, domain::sweep, graphql::scalars::NodeKind};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{ASSENTS, EVERYTHING, act_for, endings, oral, tasks, unsent};
use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, assent, draft, global, proposed, row, whole_item};

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
                 "digest": plan.digest })
    );
    // The patient reads the same.
    let seen = app.run(&p1.identity, &format!("{{ me {{ {ASSENTS} }} }}"), json!({})).await.ok();
    assert_eq!(seen.at("/me/agreement/currentVersion/assents/1"), patients);
    // Who has chosen no way to be told gets a copy on paper.
    let letters = unsent(&app).await;
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
    let answer = act(&app, &p1.identity, "agreementObject", ASSENTS, words.clone()).await.ok();
    let agreement = answer.at("/agreementObject/agreement").clone();
    assert_eq!(agreement["status"], "ACTIVE");
    assert!(agreement["currentVersion"]["objectedAt"].is_string());
    let objection = &agreement["currentVersion"]["objections"][0];
    assert_eq!((&objection["by"], &objection["words"]), (&json!("PATIENT"), &json!("Det sa jag aldrig.")));
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
    assert_eq!(version["objections"][0]["ending"], "DROPPED");
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Done);
    let words = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Ändå inte." });
    let own = act(&app, &p1.identity, "agreementObject", ASSENTS, words).await;
    assert_eq!(own.user_error_codes("agreementObject"), ["WRONG_STATE"]);
}

/// R: what the patient has said is nobody else's to object to, and only who may assent objects.
#[tokio::test]
async fn a_representative_objects_to_no_yes_of_the_patients_own() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    act(&app, &s1.identity, "agreementAssentRecordOral", ASSENTS, oral(&plan)).await.ok();
    let words = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Jag tycker annat." });
    for (digits, may_assent, code) in
        [("197404042388", false, "FORBIDDEN"), ("197303032388", true, "WRONG_STATE")]
    {
        let friend = represent(&app.core, p1, Kind::Relative, digits, EVERYTHING, may_assent).await;
        let answer = act_for(&app, &friend, p1, "agreementObject", ASSENTS, words.clone()).await;
        assert_eq!(answer.user_error_codes("agreementObject"), [code]);
    }
    assert!(tasks(&app, task::Kind::Objection).await.is_empty());
}

/// R: the patient may object at any time, also where somebody else has: their own objection takes the place of a
/// representative's, who cannot drop it then.
#[tokio::test]
async fn the_patients_objection_takes_the_place_of_a_representatives() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let daughter = represent(&app.core, p1, Kind::Relative, "197404042388", EVERYTHING, true).await;
    let god_man = represent(&app.core, p1, Kind::GodMan, "197303032388", EVERYTHING, true).await;
    act_for(&app, &daughter, p1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let words = |text: &str| json!({ "agreementId": plan.id, "versionId": plan.version, "words": text });
    act_for(&app, &god_man, p1, "agreementObject", ASSENTS, words("Det är mer än hen orkar.")).await.ok();
    let own = act(&app, &p1.identity, "agreementObject", ASSENTS, words("Det sa jag aldrig.")).await.ok();
    let version = own.at("/agreementObject/agreement/currentVersion");
    assert!(
        version["objectedAt"].is_string() && version["objectedByRepresentativeId"].is_null(),
        "{version}"
    );
    assert_eq!(tasks(&app, task::Kind::Objection).await.len(), 1);
    let dropped = act_for(&app, &god_man, p1, "agreementAssent", ASSENTS, assent(&plan)).await;
    assert_eq!(dropped.user_error_codes("agreementAssent"), ["WRONG_STATE"]);
    let again = act(&app, &p1.identity, "agreementObject", ASSENTS, words("Igen.")).await;
    assert_eq!(again.user_error_codes("agreementObject"), ["WRONG_STATE"]);
    let settled = act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert!(settled.at("/agreementAssent/agreement/currentVersion/objectedAt").is_null());
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Done);
}

/// R: the patient may object at any time: also where somebody else's objection has lapsed. And their word by phone is
/// more than a relative's objection.
#[tokio::test]
async fn the_patients_word_stands_whatever_a_representative_has_objected_to() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    let daughter = represent(&app.core, p1, Kind::Relative, "197404042388", EVERYTHING, true).await;
    let god_man = represent(&app.core, p1, Kind::GodMan, "197303032388", EVERYTHING, true).await;
    act_for(&app, &daughter, p1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let words = |text: &str| json!({ "agreementId": plan.id, "versionId": plan.version, "words": text });
    act_for(&app, &god_man, p1, "agreementObject", ASSENTS, words("För mycket.")).await.ok();
    let by_phone = act(&app, &s1.identity, "agreementAssentRecordOral", ASSENTS, oral(&plan)).await.ok();
    let version = by_phone.at("/agreementAssentRecordOral/agreement/currentVersion");
    assert!(version["objectedAt"].is_null(), "{version}");
    assert_eq!(version["objections"][0]["ending"], "OVERRULED", "{version}");
    let own = act(&app, &p1.identity, "agreementObject", ASSENTS, words("Det sa jag aldrig.")).await.ok();
    assert!(own.at("/agreementObject/agreement/currentVersion/objectedAt").is_string());
}

/// R: at any time, also by phone: whoever may write down a yes writes down an objection, and it is shown who did.
#[tokio::test]
async fn staff_write_down_an_objection_that_the_patient_says_to_them_and_it_is_shown_who_did() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(&app, s1, p1).await;
    act(&app, &s1.identity, "agreementAssentRecordOral", ASSENTS, oral(&plan)).await.ok();
    let shown = "agreement { status currentVersion { objectedAt objections { by words how recordedBy { name } } } \
                 history(first: 10) { nodes { by action changes { label to } } } }";
    let object = |who: &Identity, how: Value| {
        let input = json!({ "agreementId": plan.id, "versionId": plan.version, "words": "Det sa jag aldrig.", "how": how });
        let (app, who) = (&app, who.clone());
        async move { act(app, &who, "agreementObject", shown, input).await }
    };
    for (who, how, code) in [
        (&app.world.coordinator.identity, json!("PHONE"), "FORBIDDEN"),
        (&app.world.s2.identity, json!("PHONE"), "NOT_FOUND"),
        (&s1.identity, Value::Null, "BAD_USER_INPUT"),
        (&p1.identity, json!("PHONE"), "BAD_USER_INPUT"),
    ] {
        assert_eq!(object(who, how).await.user_error_codes("agreementObject"), [code]);
    }
    let answer = object(&s1.identity, json!("PHONE")).await.ok();
    let agreement = answer.at("/agreementObject/agreement");
    assert_eq!(agreement["status"], "ACTIVE");
    assert!(agreement["currentVersion"]["objectedAt"].is_string());
    assert_eq!(
        agreement["currentVersion"]["objections"],
        json!([{ "by": "PATIENT", "words": "Det sa jag aldrig.", "how": "PHONE",
                 "recordedBy": { "name": "Stina Exempel" } }])
    );
    let entries = agreement["history"]["nodes"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["action"] == "agreementObject").unwrap();
    assert_eq!(entry["by"], "STAFF");
    assert!(
        entry["changes"]
            .as_array()
            .unwrap()
            .contains(&json!({ "label": "Hur det sades", "to": "per telefon" }))
    );
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Open);
    // It is the patient's: they alone drop it.
    let again = object(&s1.identity, json!("PHONE")).await;
    assert_eq!(again.user_error_codes("agreementObject"), ["WRONG_STATE"]);
    act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Done);
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
    assert_eq!(endings(&app).await, [(ActorKind::Patient, Some(Ending::Withdrawn))]);
}
