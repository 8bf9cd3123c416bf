//! What an agreement says: every section, with every problem at once, and both forms of it verifiable.

use entity::{
    AgreementVersionId, VersionAssentId, access_event::ActorKind, agreement_version, version_assent,
};
use harness::TestApp;
use patientkontrakt::domain::agreement::{canonical::Document, version::document};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    acts::{AGREEMENT, PLAN_ITEM, Plan, act, assent, draft, row, whole_item},
    revise::{acts, text},
};

const CONTENT: &str = "agreement { draft { title story whatMatters sharedGoal ambition ownResponsibility resources wishes \
     selfCare whenToSeekHelp howResultsCome \
     warningSigns { light sign action call weekdays weekends } \
     asNeededMedication { name dose when atMost source sourceOn } \
     ownMeasurements { what unit lower upper howOften readBy readWhen outside } } }";

fn whole() -> Value {
    json!([
        { "text": { "section": "AMBITION", "text": "Lagom mycket vård" } },
        { "text": { "section": "RESOURCES", "text": "Min dotter" } },
        { "text": { "section": "WISHES", "text": "Sova hemma" } },
        { "warningSigns": [
            { "light": "GREEN", "sign": "Som vanligt", "action": "Följ planen" },
            { "light": "RED", "sign": "Bröstsmärta", "action": "Ring 112", "phone": "08-465 004 10",
              "weekdays": "Dygnet runt", "weekends": "Dygnet runt" },
            { "light": "YELLOW", "sign": "Svullna ben", "action": "Ring Maria", "phone": "1177" },
        ] },
        { "asNeededMedication": [
            { "name": "Salbutamol", "dose": "2 puffar", "when": "Vid andnöd", "atMost": "8 puffar per dygn",
              "source": "Läkemedelslistan", "sourceOn": "2026-11-01" },
        ] },
        { "ownMeasurements": [
            { "what": "Vikt", "unit": "kg", "upper": "92,50", "howOften": "Varje morgon", "readBy": "Maria",
              "readWhen": "Måndagar", "outside": "Ring Maria" },
        ] },
    ])
}

/// Content: the patient's story, what matters, goal and ambition, warning signs as green, yellow and red with action
/// and number, as-needed medication, own measurements with who reads them and when. 112 stands first for emergency
/// signs. Medicines cite the medication list with source and date.
#[tokio::test]
async fn every_section_is_kept_as_it_was_agreed_and_112_stands_first() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let input =
        json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version, "sections": whole() });
    let answer = act(&app, &p1.identity, "agreementContentEdit", CONTENT, input).await.ok();
    let draft = answer.at("/agreementContentEdit/agreement/draft");
    assert_eq!(draft["whatMatters"], "Att orka gå ut", "what is not named stays as it is");
    assert_eq!((&draft["ambition"], &draft["wishes"]), (&json!("Lagom mycket vård"), &json!("Sova hemma")));
    let lights: Vec<_> =
        draft["warningSigns"].as_array().unwrap().iter().map(|s| s["light"].clone()).collect();
    assert_eq!(lights, ["RED", "YELLOW", "GREEN"]);
    assert_eq!(draft["warningSigns"][0]["call"], json!(["112", "+46846500410"]));
    assert_eq!(draft["warningSigns"][1]["call"], json!(["1177"]));
    assert_eq!(draft["asNeededMedication"][0]["sourceOn"], "2026-11-01");
    assert_eq!(draft["ownMeasurements"][0]["upper"], "92.5");
    // An empty text clears; an empty list too.
    let sections = json!([{ "text": { "section": "WISHES", "text": "" } }, { "warningSigns": [] }]);
    let (plan, _) = Plan::of(&app, p1).await;
    let input =
        json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version, "sections": sections });
    let answer = act(&app, &s1.identity, "agreementContentEdit", CONTENT, input).await.ok();
    let draft = answer.at("/agreementContentEdit/agreement/draft");
    assert_eq!((&draft["wishes"], &draft["warningSigns"]), (&Value::Null, &json!([])));
    assert_eq!(draft["ambition"], "Lagom mycket vård");
}

/// Propose refuses with the complete list of gaps.
#[tokio::test]
async fn a_proposal_lists_every_gap_of_the_content_and_every_bad_value_is_told_at_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    let empty = acts(&app, &s1.identity, p1, "agreementPropose", json!({})).await;
    assert_eq!(empty.user_error_fields("agreementPropose"), ["planItems", "contacts"]);

    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ta prover", "CARE"))
        .await
        .ok();
    let mut drive = whole_item(&plan, s1, "Skjutsa till provet", "RELATIVE");
    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, drive.clone()).await.ok();
    drive["relativeName"] = json!("Anna");
    act(&app, &p1.identity, "planItemPropose", PLAN_ITEM, drive).await.ok();
    let sections = json!({ "sections": [
        { "warningSigns": [{ "light": "RED", "sign": "Bröstsmärta" }] },
        { "asNeededMedication": [{ "name": "Alvedon", "dose": "1 tablett", "when": "Vid smärta" }] },
        { "ownMeasurements": [{ "what": "Vikt", "unit": "kg", "howOften": "Varje dag" }] },
    ] });
    acts(&app, &p1.identity, p1, "agreementContentEdit", sections).await.ok();
    let refused = acts(&app, &s1.identity, p1, "agreementPropose", json!({})).await;
    let found = refused.user_error_fields("agreementPropose");
    assert!(found[0].ends_with(".relativeName"), "{found:?}");
    assert_eq!(
        found[1..],
        [
            "warningSigns.0.action",
            "warningSigns.0.phone",
            "asNeededMedication.0.source",
            "asNeededMedication.0.sourceOn",
            "ownMeasurements.0.upper",
            "ownMeasurements.0.readBy",
            "ownMeasurements.0.readWhen",
            "ownMeasurements.0.outside",
        ]
    );
    assert!(refused.user_error_codes("agreementPropose").iter().all(|code| code == "INCOMPLETE"));
    // Each names what it is about.
    for (n, start) in [
        (0, "”Skjutsa till provet” görs av"),
        (1, "Varningstecknet ”Bröstsmärta” säger inte"),
        (3, "Läkemedlet ”Alvedon” säger inte"),
        (5, "Mätningen ”Vikt” saknar gränser"),
    ] {
        let message = refused.text(&format!("/agreementPropose/userErrors/{n}/message"));
        assert!(message.starts_with(start), "{message}");
    }

    let bad = json!({ "sections": [
        { "text": { "section": "TITLE", "text": " " } },
        { "text": { "section": "STORY", "text": "å".repeat(4_001) } },
        { "warningSigns": [{ "light": "YELLOW", "sign": "Feber", "phone": "ring" }] },
        { "ownMeasurements": [{ "what": "Vikt", "unit": "kg", "howOften": "Varje dag", "lower": "9", "upper": "8,9" }] },
    ] });
    let refused = acts(&app, &p1.identity, p1, "agreementContentEdit", bad).await;
    assert_eq!(
        refused.user_error_fields("agreementContentEdit"),
        [
            "sections.0.text",
            "sections.1.text",
            "sections.2.warningSigns.0.phone",
            "sections.3.ownMeasurements.0.upper"
        ]
    );
}

/// Versions are hashed in their own format: one of format 1 can still be verified and assented to.
#[tokio::test]
async fn a_version_of_format_1_can_still_be_assented_to_and_its_successor_is_format_2() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(&app, s1, p1).await;
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ta prover", "CARE"))
        .await
        .ok();
    let id = AgreementVersionId(row(&plan.version));
    let stored = agreement_version::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap();
    let now = app.core.db.write(async |tx| document(tx, &app.core.keys, &stored).await).await.unwrap();
    let digest = Document { format: 1, ..now }.digest().unwrap();
    // As it was proposed before there was a format 2.
    let old = agreement_version::ActiveModel {
        id: Set(id),
        status: Set(agreement_version::Status::Proposed),
        hash: Set(Some(digest.clone())),
        hash_format: Set(1),
        proposed_by: Set(Some(agreement_version::Party::Care)),
        proposed_at: Set(Some(app.clock.now())),
        care_assent_at: Set(Some(app.clock.now())),
        care_assent_id: Set(Some(s1.assignment)),
        ..Default::default()
    };
    old.update(app.core.db.reader()).await.unwrap();
    let by_care = version_assent::ActiveModel {
        id: Set(VersionAssentId(Uuid::new_v4())),
        agreement_id: Set(stored.agreement_id),
        version_id: Set(id),
        patient_id: Set(stored.patient_id),
        care_unit_id: Set(stored.care_unit_id),
        care_provider_id: Set(stored.care_provider_id),
        side: Set(agreement_version::Party::Care),
        by_kind: Set(ActorKind::Staff),
        by_id: Set(s1.assignment.0),
        digest: Set(digest),
        given: Set(version_assent::Given::Direct),
        at: Set(app.clock.now()),
        ..Default::default()
    };
    by_care.insert(app.core.db.reader()).await.unwrap();
    let (plan, _) = Plan::of(&app, p1).await;
    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    assert_eq!(answer.text("/agreementAssent/agreement/currentVersion/status"), "ACTIVE");

    acts(&app, &p1.identity, p1, "agreementContentEdit", json!({ "sections": text("WISHES", "Hemma") }))
        .await
        .ok();
    let (_, seen) = Plan::of(&app, p1).await;
    let next = &seen["proposals"][0];
    let input = json!({ "agreementId": plan.id, "versionId": next["id"], "digest": next["digest"] });
    act(&app, &s1.identity, "agreementAssent", AGREEMENT, input).await.ok();
    let next = AgreementVersionId(row(next["id"].as_str().unwrap()));
    let next = agreement_version::Entity::find_by_id(next).one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!((next.hash_format, next.status), (2, agreement_version::Status::Active));
}
