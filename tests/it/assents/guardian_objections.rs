//! One of joint guardians objects to what the other one has said: theirs to drop, and care's to do without.

use entity::{access_event::ActorKind, agreement_version, task, version_objection::Ending};
use harness::{Ombud, TestApp};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{
    ASSENTS, act_for, endings,
    guardians::{Family, exception},
    tasks,
};
use crate::acts::{act, assent, global};

const EXCEPTION: &str = "agreementGuardianExceptionRecord";

fn objection(family: &Family) -> Value {
    json!({ "agreementId": family.plan.id, "versionId": family.plan.version, "words": "Vi har inte pratat om det." })
}

/// The first guardian has said yes, and the second objects to that.
async fn objected(app: &TestApp) -> Family {
    let family = Family::with_a_proposal(app).await;
    says_yes(app, &family, &family.g1).await;
    let answer =
        act_for(app, &family.g2, &family.c1, "agreementObject", ASSENTS, objection(&family)).await.ok();
    let version = answer.at("/agreementObject/agreement/currentVersion");
    assert!(version["objectedAt"].is_string());
    assert_eq!(version["objectedByRepresentativeId"], global(NodeKind::Representative, family.g2.id));
    family
}

async fn says_yes(app: &TestApp, family: &Family, who: &Ombud) -> Value {
    let answer = act_for(app, who, &family.c1, "agreementAssent", ASSENTS, assent(&family.plan)).await;
    answer.at("/agreementAssent").clone()
}

async fn stands(app: &TestApp) -> (agreement_version::Status, bool, task::Status) {
    let version = agreement_version::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    (version.status, version.objected_at.is_some(), tasks(app, task::Kind::Objection).await[0].status)
}

/// The other guardian cannot answer in their place; their own yes settles it, and both have assented then.
#[tokio::test]
async fn a_guardian_who_has_objected_drops_it_by_assenting() {
    let app = TestApp::new().await;
    let family = objected(&app).await;
    let others = says_yes(&app, &family, &family.g1).await;
    assert_eq!(others["userErrors"][0]["code"], "WRONG_STATE");
    let why = others["userErrors"][0]["message"].as_str().unwrap();
    assert!(why.contains("har invänt") && !why.contains("patienten själv"), "{why}");
    let own = says_yes(&app, &family, &family.g2).await;
    assert_eq!(own["agreement"]["status"], "ACTIVE", "{own}");
    assert!(own["agreement"]["currentVersion"]["objectedAt"].is_null());
    assert_eq!(stands(&app).await, (agreement_version::Status::Active, false, task::Status::Done));
    assert_eq!(endings(&app).await, [(ActorKind::Representative, Some(Ending::Dropped))]);
}

/// Also of what is in force, to which both had assented; what was said stays on record.
#[tokio::test]
async fn an_objection_to_what_is_in_force_is_dropped_by_the_guardian_who_made_it() {
    let app = TestApp::new().await;
    let family = Family::with_a_proposal(&app).await;
    for guardian in [&family.g1, &family.g2] {
        says_yes(&app, &family, guardian).await;
    }
    act_for(&app, &family.g2, &family.c1, "agreementObject", ASSENTS, objection(&family)).await.ok();
    assert_eq!(stands(&app).await, (agreement_version::Status::Active, true, task::Status::Open));
    let own = says_yes(&app, &family, &family.g2).await;
    let version = &own["agreement"]["currentVersion"];
    assert!(version["objectedAt"].is_null() && version["objectedByRepresentativeId"].is_null(), "{own}");
    assert_eq!(version["objections"][0]["ending"], "DROPPED", "it is on record");
    assert_eq!(stands(&app).await, (agreement_version::Status::Active, false, task::Status::Done));
}

/// "Joint guardians both assent, or the exception is recorded": that of the one who has objected, too, who has no say
/// about it any more, and is told whom to turn to.
#[tokio::test]
async fn the_exception_for_the_guardian_who_has_objected_lets_the_plan_come_into_force() {
    let app = TestApp::new().await;
    let family = objected(&app).await;
    let s1 = &app.world.s1.identity;
    let other =
        act(&app, s1, EXCEPTION, ASSENTS, exception(&family.plan, &family.g1, "Bortrest.")).await.ok();
    assert_eq!(
        other.text(&format!("/{EXCEPTION}/agreement/status")),
        "PROPOSED",
        "that of the other does not"
    );
    assert_eq!(stands(&app).await, (agreement_version::Status::Proposed, true, task::Status::Open));
    let end = exception(&family.plan, &family.g1, "Hemma igen.");
    act(&app, s1, "agreementGuardianExceptionEnd", ASSENTS, end).await.ok();
    let own = exception(&family.plan, &family.g2, "Soc har beslutat.");
    let answer = act(&app, s1, EXCEPTION, ASSENTS, own).await.ok();
    assert_eq!(answer.text(&format!("/{EXCEPTION}/agreement/status")), "ACTIVE");
    assert_eq!(stands(&app).await, (agreement_version::Status::Active, false, task::Status::Superseded));
    assert_eq!(endings(&app).await, [(ActorKind::Representative, Some(Ending::Lapsed))]);
    let again = act_for(&app, &family.g2, &family.c1, "agreementObject", ASSENTS, objection(&family)).await;
    assert_eq!(again.user_error_codes("agreementObject"), ["WRONG_STATE"]);
    let history = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ history(first: 100) {{ nodes {{ what }} }} }} }} }}",
        family.plan.id
    );
    let told = app.run(s1, &history, json!({})).await.ok().body.to_string();
    assert!(told.contains("En invändning gäller inte längre"), "{told}");
}

/// An objection counts as long as whoever made it may assent for the child.
#[tokio::test]
async fn the_objection_of_a_guardian_who_is_stopped_counts_no_longer() {
    let app = TestApp::new().await;
    let family = objected(&app).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(stands(&app).await, (agreement_version::Status::Proposed, true, task::Status::Open));
    assert_eq!(endings(&app).await, [(ActorKind::Representative, None)]);
    let stop = json!({ "patientId": family.c1.global_id(), "decision": "STOP", "reason": "Skyddsbehov.",
                       "representativeId": global(NodeKind::Representative, family.g2.id) });
    let name = "representativeAssess";
    let stopped = act(&app, &app.world.s1.identity, name, "", stop).await.ok();
    assert!(stopped.user_error_codes(name).is_empty());
    sweep::run(&app.core).await.unwrap();
    assert_eq!(stands(&app).await, (agreement_version::Status::Active, false, task::Status::Superseded));
    assert_eq!(endings(&app).await, [(ActorKind::Representative, Some(Ending::Lapsed))]);
}
