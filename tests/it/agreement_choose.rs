//! Two agreements that know nothing of each other: the patient sees both and chooses.

use entity::{AgreementId, agreement, change_entry, notice, task};
use futures_util::future::join_all;
use harness::{Staff, TestApp, TestPatient};
use patientkontrakt::domain::sweep;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, assent, draft, proposed, row, whole_item};

/// A proposal of another care provider's, with care's assent: all but the patient's yes.
pub(crate) async fn waiting(app: &TestApp, staff: &Staff, patient: &TestPatient) -> Plan {
    let plan = draft(app, staff, patient).await;
    let answer =
        act(app, &staff.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, staff, "Träna", "CARE"));
    answer.await.ok();
    let seen = format!("{{ node(id: \"{}\") {{ ... on Agreement {{ rowVersion }} }} }}", plan.id);
    let seen = app.run(&staff.identity, &seen, json!({})).await.ok();
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": seen.at("/node/rowVersion") });
    Plan::read(
        &act(app, &staff.identity, "agreementPropose", AGREEMENT, input).await.ok(),
        "agreementPropose",
    )
}

pub(crate) async fn in_force(app: &TestApp) -> Vec<AgreementId> {
    let active = agreement::Entity::find().filter(agreement::Column::Status.eq(agreement::Status::Active));
    active.all(app.core.db.reader()).await.unwrap().into_iter().map(|a| a.id).collect()
}

/// **R** "One ACTIVE agreement per patient and coordinating region … the patient sees both and chooses."
#[tokio::test]
async fn the_patient_sees_both_and_chooses_and_there_is_never_more_or_less_than_one() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let old = active(&app, s1, p1).await;
    let new = waiting(&app, s3, p1).await;
    let both = app.run(&p1.identity, "{ me { agreements { nodes { id status } } } }", json!({})).await.ok();
    assert_eq!(both.at("/me/agreements/nodes").as_array().unwrap().len(), 2);
    // Assenting alone is refused, and says what to do.
    let plain = act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&new)).await;
    assert_eq!(plain.user_error_codes("agreementAssent"), ["CONFLICT"]);
    assert!(plain.text("/agreementAssent/userErrors/0/message").contains("Välj"), "{}", plain.body);
    assert_eq!(in_force(&app).await, [AgreementId(row(&old.id))]);

    let mut wrong = assent(&new);
    wrong["digest"] = json!("00".repeat(32));
    let wrong = act(&app, &p1.identity, "agreementChoose", AGREEMENT, wrong).await;
    assert_eq!(wrong.user_error_codes("agreementChoose"), ["CONFLICT"]);
    assert_eq!(in_force(&app).await, [AgreementId(row(&old.id))], "a refused choice ends nothing");

    let chosen = act(&app, &p1.identity, "agreementChoose", AGREEMENT, assent(&new)).await.ok();
    assert_eq!(chosen.text("/agreementChoose/agreement/status"), "ACTIVE");
    assert_eq!(in_force(&app).await, [AgreementId(row(&new.id))]);
    let again = act(&app, &p1.identity, "agreementChoose", AGREEMENT, assent(&new)).await;
    assert_eq!(again.user_error_codes("agreementChoose"), ["WRONG_STATE"]);
}

/// **R** "Staff who may not see an existing one get only the neutral 'fråga patienten' and may draft." Nothing tells
/// the first provider why the patient left, or the second that there was one.
#[tokio::test]
async fn the_choice_tells_neither_care_provider_of_the_other() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let create = |who: &Staff| {
        let input = json!({ "patientId": p1.global_id(), "title": "Min plan" });
        let (app, identity) = (&app, who.identity.clone());
        async move { act(app, &identity, "agreementCreate", "askThePatient", input).await }
    };
    let old = active(&app, s1, p1).await;
    harness::relate(&app.core, s3, p1).await;
    let with_one = create(s3).await.ok();
    harness::relate(&app.core, s3, &app.world.p2).await;
    let input = json!({ "patientId": app.world.p2.global_id(), "title": "Min plan" });
    let with_none = act(&app, &s3.identity, "agreementCreate", "askThePatient", input).await.ok();
    assert_eq!(with_one.body, with_none.body, "the same words whether there is one or not");
    assert!(with_one.text("/agreementCreate/askThePatient").contains("Fråga patienten"));

    let seen = app.run(&p1.identity, "{ me { agreements { nodes { id status } } } }", json!({})).await.ok();
    let nodes = seen.at("/me/agreements/nodes").as_array().unwrap().clone();
    let drafted = nodes.iter().find(|n| n["status"] == "DRAFT").unwrap()["id"].as_str().unwrap().to_owned();
    let plan = Plan { id: drafted, version: String::new(), digest: None, row_version: 1 };
    act(&app, &s3.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s3, "Träna", "CARE")).await.ok();
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": 2 });
    let new = act(&app, &s3.identity, "agreementPropose", AGREEMENT, input).await.ok();
    let new = Plan::read(&new, "agreementPropose");
    act(&app, &p1.identity, "agreementChoose", AGREEMENT, assent(&new)).await.ok();

    // To the first provider the patient has left: the same end, task and history as any other leave-taking.
    let look = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ status endReason endedBy endWords \
         history {{ nodes {{ action what byName changes {{ to }} }} }} }} }} }}",
        old.id
    );
    let seen = app.run(&s1.identity, &look, json!({})).await.ok();
    assert_eq!(seen.at("/node/endReason"), "PATIENT_DECLINED");
    assert_eq!(seen.at("/node/endWords"), &Value::Null);
    let text = seen.body.to_string();
    assert!(
        !text.contains("agreementChoose") && !text.contains("Björken") && !text.contains("valdes"),
        "{text}"
    );
    let told = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::PlanSignal));
    assert_eq!(told.count(app.core.db.reader()).await.unwrap(), 1);
    // To the second there has never been another.
    let seen = app.run(&s3.identity, &look, json!({})).await.ok();
    assert!(seen.at("/node").is_null());
}

#[tokio::test]
async fn of_twenty_choices_and_assents_at_once_one_wins_and_one_agreement_is_in_force() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    active(&app, s1, p1).await;
    let new = waiting(&app, s3, p1).await;
    let answers = join_all((0..20).map(|n| {
        let mutation = if n % 4 == 3 { "agreementAssent" } else { "agreementChoose" };
        let (app, new) = (&app, &new);
        async move { (mutation, act(app, &p1.identity, mutation, "", assent(new)).await) }
    }))
    .await;
    let won = answers.iter().filter(|(m, a)| *m == "agreementChoose" && a.user_error_codes(m).is_empty());
    assert_eq!(won.count(), 1);
    for (mutation, answer) in &answers {
        let codes = answer.user_error_codes(mutation);
        assert!(codes.is_empty() || codes == ["WRONG_STATE"] || codes == ["CONFLICT"], "{}", answer.body);
    }
    assert_eq!(in_force(&app).await, [AgreementId(row(&new.id))]);
    let ends = change_entry::Entity::find()
        .filter(change_entry::Column::Action.eq("agreementEnd"))
        .filter(change_entry::Column::SubjectKind.eq("agreement"));
    assert_eq!(ends.count(app.core.db.reader()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_choice_is_the_patients_own_and_waits_until_care_has_assented() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let old = active(&app, s1, p1).await;
    let new = waiting(&app, s3, p1).await;
    for (who, code) in
        [(&s1.identity, "FORBIDDEN"), (&s3.identity, "FORBIDDEN"), (&app.world.p2.identity, "NOT_FOUND")]
    {
        let answer = act(&app, who, "agreementChoose", AGREEMENT, assent(&new)).await;
        assert_eq!(answer.user_error_codes("agreementChoose"), [code]);
    }
    // With only one there is nothing to choose.
    let p2 = &app.world.p2;
    let only = waiting(&app, &app.world.s2, p2).await;
    let answer = act(&app, &p2.identity, "agreementChoose", AGREEMENT, assent(&only)).await;
    assert_eq!(answer.user_error_codes("agreementChoose"), ["WRONG_STATE"]);
    assert_eq!(in_force(&app).await, [AgreementId(row(&old.id))]);
}

/// Another provider's draft that the patient proposes, and so assents to, while the first agreement is in force.
async fn patient_first(app: &TestApp, staff: &Staff, patient: &TestPatient) -> Plan {
    let plan = draft(app, staff, patient).await;
    act(app, &staff.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, staff, "Träna", "CARE"))
        .await
        .ok();
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version + 1 });
    let answer = act(app, &patient.identity, "agreementPropose", AGREEMENT, input).await.ok();
    Plan::read(&answer, "agreementPropose")
}

/// **R** "The ACTIVE version stays in force until its successor has both assents", also across two agreements: care's
/// assent is kept though another agreement is in force, and the patient's choice is what is missing. Nobody is stuck.
#[tokio::test]
async fn when_care_assents_last_the_assent_is_kept_and_the_patient_chooses() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let choices = json!([{ "kind": "PLAN", "channel": "MAIL", "optedIn": true, "textShown": "Ja" }]);
    let input = json!({ "choices": choices, "contactWays": { "mail": "etta@example.se" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { id }", input).await.ok();
    let old = active(&app, s1, p1).await;
    let new = patient_first(&app, s3, p1).await;

    let answer = act(&app, &s3.identity, "agreementAssent", AGREEMENT, assent(&new)).await.ok();
    let agreement = answer.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "PROPOSED");
    assert_eq!(agreement["currentVersion"]["careAssent"]["by"], "STAFF");
    let waits = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ currentVersion {{ awaitsChoice }} }} }} }}",
        new.id
    );
    let waits = app.run(&p1.identity, &waits, json!({})).await.ok();
    assert_eq!(waits.at("/node/currentVersion/awaitsChoice"), &json!(true));
    assert_eq!(in_force(&app).await, [AgreementId(row(&old.id))]);
    let told = notice::Entity::find().filter(notice::Column::Rule.eq("PLAN_CHOICE"));
    assert_eq!(told.count(app.core.db.reader()).await.unwrap(), 1, "the patient hears that they can choose");
    // Once is enough, and no sweep chooses for the patient.
    let again = act(&app, &s3.identity, "agreementAssent", AGREEMENT, assent(&new)).await;
    assert_eq!(again.user_error_codes("agreementAssent"), ["CONFLICT"]);
    assert!(again.text("/agreementAssent/userErrors/0/message").contains("Fråga patienten"));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(in_force(&app).await, [AgreementId(row(&old.id))]);

    act(&app, &p1.identity, "agreementChoose", AGREEMENT, assent(&new)).await.ok();
    assert_eq!(in_force(&app).await, [AgreementId(row(&new.id))]);
}

/// What is said by word of mouth is kept in the same way; and when the other agreement ends, nobody has to say yes
/// once more.
#[tokio::test]
async fn what_both_have_assented_to_comes_into_force_when_the_other_agreement_ends() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let old = active(&app, s1, p1).await;
    let new = waiting(&app, s3, p1).await;
    let mut oral = assent(&new);
    oral["setting"] = json!("BY_PHONE");
    let answer = act(&app, &s3.identity, "agreementAssentRecordOral", AGREEMENT, oral).await.ok();
    assert_eq!(answer.at("/agreementAssentRecordOral/agreement/status"), "PROPOSED");
    assert_eq!(in_force(&app).await, [AgreementId(row(&old.id))]);

    let (now, _) = Plan::of(&app, p1).await;
    let input = json!({ "agreementId": old.id, "expectedRowVersion": now.row_version, "reason": "PATIENT_DECLINED",
                        "words": "Patienten vill ha sitt kontrakt på annat håll." });
    act(&app, &s1.identity, "agreementEnd", AGREEMENT, input).await.ok();
    assert!(in_force(&app).await.is_empty());
    for _ in 0..2 {
        sweep::run(&app.core).await.unwrap();
        assert_eq!(in_force(&app).await, [AgreementId(row(&new.id))]);
    }
    // By the service, and without a word of the other care provider.
    let look = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ status history {{ nodes {{ action byName }} }} }} }} }}",
        new.id
    );
    let seen = app.run(&s3.identity, &look, json!({})).await.ok();
    let entry = &seen.at("/node/history/nodes").as_array().unwrap().clone();
    assert!(entry.iter().any(|e| e["action"] == "agreementSweep" && e["byName"] == "Tjänsten"), "{entry:?}");
    assert!(!seen.body.to_string().contains("Stina"), "{}", seen.body);
}

/// An agreement without the patient's decision is in force as well: a patient who can decide again chooses.
#[tokio::test]
async fn a_patient_who_can_decide_again_chooses_another_agreement() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let old = proposed(&app, s1, p1).await;
    let input = json!({ "agreementId": old.id, "versionId": old.version, "expectedRowVersion": old.row_version,
                        "reason": "Medvetandesänkt.", "knownWill": "Vill bo hemma.", "askAgainOn": "2027-02-15" });
    act(&app, &s1.identity, "agreementPatientUndecidedRecord", AGREEMENT, input).await.ok();
    let new = waiting(&app, s3, p1).await;
    act(&app, &p1.identity, "agreementChoose", AGREEMENT, assent(&new)).await.ok();
    assert_eq!(in_force(&app).await, [AgreementId(row(&new.id))]);
}
