//! What becomes of objections: each stays on record, in the words of whoever made it, with how it ended.

use entity::{
    access_event::ActorKind, agreement_version, representative::Kind, task, version_objection::Ending,
};
use futures_util::future::join_all;
use harness::{Ombud, TestApp, represent};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{ASSENTS, EVERYTHING, act_for, endings, oral, tasks};
use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, assent, global, proposed, whole_item};

/// A plan that a daughter has said yes to for the patient, and a god man who may object to that.
async fn said_by_the_daughter(app: &TestApp) -> (Plan, Ombud) {
    let p1 = &app.world.p1;
    let plan = proposed(app, &app.world.s1, p1).await;
    let daughter = represent(&app.core, p1, Kind::Relative, "197404042388", EVERYTHING, true).await;
    let god_man = represent(&app.core, p1, Kind::GodMan, "197303032388", EVERYTHING, true).await;
    act_for(app, &daughter, p1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    (plan, god_man)
}

/// A plan in force by a yes of the patient's that staff wrote down, to which the patient objects.
async fn objected_to_by_the_patient(app: &TestApp) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = proposed(app, s1, p1).await;
    act(app, &s1.identity, "agreementAssentRecordOral", ASSENTS, oral(&plan)).await.ok();
    act(app, &p1.identity, "agreementObject", ASSENTS, objection(&plan, "Nej.")).await.ok();
    assert_eq!(endings(app).await, [(ActorKind::Patient, None)]);
}

fn objection(plan: &Plan, words: &str) -> Value {
    json!({ "agreementId": plan.id, "versionId": plan.version, "words": words })
}

async fn none_stands(app: &TestApp) {
    let versions = agreement_version::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert!(versions.iter().all(|version| version.objected_at.is_none() && version.objected_by.is_none()));
}

/// R: the patient may object where somebody else has: what each said is shown as theirs, to patient and care. Of
/// representatives each reads who objected, and what became of it.
#[tokio::test]
async fn an_objection_that_the_patient_takes_over_stays_readable_in_the_words_of_whoever_made_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (plan, god_man) = said_by_the_daughter(&app).await;
    let theirs = objection(&plan, "Det är mer än hen orkar.");
    let first = act_for(&app, &god_man, p1, "agreementObject", ASSENTS, theirs).await.ok();
    let theirs = first.at("/agreementObject/agreement/currentVersion/objections/0");
    assert_eq!((&theirs["words"], &theirs["ending"]), (&Value::Null, &Value::Null), "{theirs}");
    let own = objection(&plan, "Det sa jag aldrig.");
    act(&app, &p1.identity, "agreementObject", ASSENTS, own).await.ok();

    let query = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ currentVersion {{ objectedAt objections {{ by name representativeId \
         words how recordedBy {{ name }} at endedAt ending }} }} }} }} }}",
        plan.id
    );
    let representative = global(NodeKind::Representative, god_man.id);
    let expected = |version: &Value, own: Value, theirs: Value| {
        let (at, begun) = (&version["objectedAt"], &version["objections"][1]["at"]);
        json!([
            { "by": "PATIENT", "name": null, "representativeId": null, "words": own, "how": null,
              "recordedBy": null, "at": at, "endedAt": null, "ending": null },
            { "by": "REPRESENTATIVE", "name": "Olle Ombudsson", "representativeId": representative,
              "words": theirs, "how": null, "recordedBy": null, "at": begun, "endedAt": at,
              "ending": "OVERRULED" },
        ])
    };
    for who in [&p1.identity, &s1.identity] {
        let seen = app.run(who, &query, json!({})).await.ok();
        let version = seen.at("/node/currentVersion");
        let (own, theirs) = (json!("Det sa jag aldrig."), json!("Det är mer än hen orkar."));
        assert_eq!(version["objections"], expected(version, own, theirs));
    }
    let seen = app.run_for(&god_man.identity, &p1.global_id(), &query, json!({})).await.ok();
    let version = seen.at("/node/currentVersion");
    assert_eq!(version["objections"], expected(version, Value::Null, Value::Null));

    act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let (overruled, dropped) = (Some(Ending::Overruled), Some(Ending::Dropped));
    assert_eq!(endings(&app).await, [(ActorKind::Representative, overruled), (ActorKind::Patient, dropped)]);
    none_stands(&app).await;
}

/// Whoever objects second finds the first: one is on record, and care has one task.
#[tokio::test]
async fn of_two_objections_at_once_one_stands_and_the_other_is_told_so() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let (plan, god_man) = said_by_the_daughter(&app).await;
    let son = represent(&app.core, p1, Kind::Relative, "197101012388", EVERYTHING, true).await;
    let answers =
        join_all([&god_man, &son].map(|who| {
            act_for(&app, who, p1, "agreementObject", "", objection(&plan, "Det är för mycket."))
        }))
        .await;
    let name = "agreementObject";
    let (refused, done): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| !answer.user_error_codes(name).is_empty());
    assert_eq!((refused.len(), done.len()), (1, 1));
    assert_eq!(refused[0].user_error_codes(name), ["WRONG_STATE"]);
    let why = refused[0].text("/agreementObject/userErrors/0/message");
    assert!(why.starts_with("Det finns redan en invändning"), "{why}");
    assert_eq!(endings(&app).await, [(ActorKind::Representative, None)]);
    assert_eq!(tasks(&app, task::Kind::Objection).await.len(), 1);
}

/// R: the version stays in force, visibly objected to, until care and patient agree on another one.
#[tokio::test]
async fn an_objection_ends_when_another_version_comes_into_force() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    objected_to_by_the_patient(&app).await;
    let (plan, _) = Plan::of(&app, p1).await;
    let more = whole_item(&plan, s1, "Ring varje vecka", "CARE");
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, more).await.ok();
    assert_eq!(endings(&app).await, [(ActorKind::Patient, None)], "a proposal ends nothing");
    let (_, seen) = Plan::of(&app, p1).await;
    let proposal = &seen["proposals"][0];
    let yes = json!({ "agreementId": plan.id, "versionId": proposal["id"], "digest": proposal["digest"] });
    let answer = act(&app, &p1.identity, "agreementAssent", AGREEMENT, yes).await.ok();
    assert_eq!(answer.at("/agreementAssent/agreement/currentVersion/id"), &proposal["id"]);
    assert_eq!(endings(&app).await, [(ActorKind::Patient, Some(Ending::Superseded))]);
    none_stands(&app).await;
    assert_eq!(tasks(&app, task::Kind::Objection).await[0].status, task::Status::Done);
    // The version that it was to shows it still, and the new one shows none.
    let versions =
        "{ me { agreement { versions(first: 10) { nodes { objectedAt objections { words ending } } } } } }";
    let seen = app.run(&p1.identity, versions, json!({})).await.ok();
    assert_eq!(
        seen.at("/me/agreement/versions/nodes"),
        &json!([
            { "objectedAt": null, "objections": [] },
            { "objectedAt": null, "objections": [{ "words": "Nej.", "ending": "SUPERSEDED" }] },
        ])
    );
}

/// R: … or end the agreement.
#[tokio::test]
async fn an_objection_ends_with_the_agreement() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    objected_to_by_the_patient(&app).await;
    let (plan, _) = Plan::of(&app, p1).await;
    let end = json!({ "agreementId": plan.id, "reason": "PATIENT_DECLINED", "expectedRowVersion": plan.row_version });
    let ended = act(&app, &p1.identity, "agreementEnd", AGREEMENT, end).await.ok();
    assert_eq!(ended.text("/agreementEnd/agreement/status"), "ENDED");
    assert_eq!(endings(&app).await, [(ActorKind::Patient, Some(Ending::Superseded))]);
    none_stands(&app).await;
}
