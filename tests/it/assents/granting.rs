//! Who may act for whom, and what becomes of a yes that they gave.

use std::task::Poll;

use axum::http::HeaderMap;
use entity::{AgreementVersionId, agreement_version, representative::Kind};
use futures_util::{StreamExt as _, poll};
use harness::{Answer, Ombud, TestApp, child, relate, represent};
use patientkontrakt::{
    domain::sweep,
    graphql::scalars::NodeKind,
    http::graphql::{AuthFailure, Engine as _},
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use super::{ASSENTS, EVERYTHING, act_for, guardians::proposed_for_child};
use crate::acts::{AGREEMENT, PLAN_ITEM, Plan, act, active, assent, draft, global, proposed, whole_item};

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
    // An open socket hears of what may end it at once, and of nothing else.
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", app.token(&p2.identity)).parse().unwrap());
    headers.insert("patientkontrakt-acting-for", p1.global_id().parse().unwrap());
    let caller = app.service.authenticate(&headers).await.unwrap();
    let mut changes = app.service.rights_changed(&caller);
    let needs = json!({ "interpreterLanguage": "ar", "expectedRowVersion": 1 });
    act(&app, &p1.identity, "patientNeedsSet", "patient { id }", needs).await.ok();
    assert!(poll!(changes.next()).is_pending());

    let input = json!({ "representativeId": granted["id"], "expectedRowVersion": granted["rowVersion"] });
    let others = act(&app, &p2.identity, "representativeRevoke", GRANTED, input.clone()).await;
    assert_eq!(others.user_error_codes("representativeRevoke"), ["NOT_FOUND"]);
    let answer = act(&app, &p1.identity, "representativeRevoke", GRANTED, input.clone()).await.ok();
    assert_eq!(answer.at("/representativeRevoke/representative/isInForce"), false);
    assert_eq!(poll!(changes.next()), Poll::Ready(Some(())));
    assert_eq!(app.service.again(&caller).await, Err(AuthFailure::Forbidden));
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
    for until in ["2100-01-01T00:00:00Z", "2199-12-31T00:00:00Z", "1850-01-01T00:00:00Z"] {
        let mut far = open.clone();
        far["until"] = json!(until);
        let far = act(&app, &s1.identity, name, GRANTED, far).await;
        assert_eq!(far.text(&format!("/{name}/userErrors/0/field")), "until");
    }
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

/// R: a representative assents only with that right, however much else they may do, and is shown as such.
#[tokio::test]
async fn a_representative_assents_with_that_right_alone_and_is_shown_as_such() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let without = represent(&app.core, p1, Kind::Relative, "197001012388", EVERYTHING, false).await;
    let with = represent(&app.core, p1, Kind::GodMan, "196001012388", r#"{"AGREEMENT":"READ"}"#, true).await;
    let plan = proposed(&app, s1, p1).await;
    let refused = act_for(&app, &without, p1, "agreementAssent", ASSENTS, assent(&plan)).await;
    assert_eq!(refused.user_error_codes("agreementAssent"), ["FORBIDDEN"]);
    assert_eq!(Plan::of(&app, p1).await.1["currentVersion"]["patientAssent"], Value::Null);
    let given = act_for(&app, &with, p1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let agreement = given.at("/agreementAssent/agreement");
    assert_eq!(agreement["status"], "ACTIVE");
    let version = &agreement["currentVersion"];
    assert_eq!(version["patientAssent"], json!({ "by": "REPRESENTATIVE", "isOral": false }));
    let said = version["assents"].as_array().unwrap().iter().find(|one| one["side"] == "PATIENT").unwrap();
    assert_eq!((&said["by"], &said["name"]), (&json!("REPRESENTATIVE"), &json!("Olle Ombudsson")));

    // A yes to one item on the plan in force is a yes to the next version.
    let item =
        act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ring oss", "CARE"));
    let item = item.await.ok().at("/planItemPropose/planItem").clone();
    let accept = json!({ "planItemId": item["id"], "expectedRowVersion": item["rowVersion"] });
    let refused = act_for(&app, &without, p1, "planItemAccept", PLAN_ITEM, accept.clone()).await;
    assert_eq!(refused.user_error_codes("planItemAccept"), ["FORBIDDEN"]);
    act_for(&app, &with, p1, "planItemAccept", PLAN_ITEM, accept).await.ok();
}

/// A first version that the representative proposes, which is their yes to it.
async fn proposed_by(app: &TestApp, who: &Ombud) -> Plan {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = draft(app, s1, p1).await;
    let item = whole_item(&plan, s1, "Ta prover", "CARE");
    act(app, &s1.identity, "planItemPropose", PLAN_ITEM, item).await.ok();
    let (plan, _) = Plan::of(app, p1).await;
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let answer = act_for(app, who, p1, "agreementPropose", AGREEMENT, input).await.ok();
    Plan::read(&answer, "agreementPropose")
}

/// R: rights are recomputed at every request, never stored: the yes of a representative who has been stopped brings
/// nothing into force, and stays on record.
#[tokio::test]
async fn the_yes_of_a_representative_who_may_no_longer_assent_counts_no_longer() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let o1 = represent(&app.core, p1, Kind::Relative, "197001012388", EVERYTHING, true).await;
    let plan = proposed_by(&app, &o1).await;
    let revoke =
        json!({ "representativeId": global(NodeKind::Representative, o1.id), "expectedRowVersion": 1 });
    act(&app, &p1.identity, "representativeRevoke", GRANTED, revoke).await.ok();

    let cares = act(&app, &s1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(cares.text("/agreementAssent/agreement/status"), "PROPOSED");
    sweep::run(&app.core).await.unwrap();
    let query = format!("{{ me {{ {ASSENTS} }} }}");
    let seen = app.run(&p1.identity, &query, json!({})).await.ok();
    let agreement = seen.at("/me/agreement");
    assert_eq!(agreement["status"], "PROPOSED");
    let names: Vec<_> = agreement["currentVersion"]["assents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["side"].clone())
        .collect();
    assert!(names.contains(&json!("PATIENT")), "the yes stays on record: {names:?}");

    let own = act(&app, &p1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(own.text("/agreementAssent/agreement/status"), "ACTIVE");
}

/// Found by the sweep as the day comes, without anybody's act: the version waits for the patient's side again, and both
/// sides can see that.
#[tokio::test]
async fn a_yes_lapses_with_the_right_that_it_was_given_by_and_the_history_says_so() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let o1 = represent(&app.core, p1, Kind::Relative, "197001012388", EVERYTHING, true).await;
    let plan = proposed_by(&app, &o1).await;
    let until = app.clock.now() + chrono::TimeDelta::days(1);
    let row = entity::representative::ActiveModel {
        id: sea_orm::ActiveValue::Unchanged(o1.id),
        valid_until: sea_orm::ActiveValue::Set(Some(until)),
        ..Default::default()
    };
    entity::representative::Entity::update(row).exec(app.core.db.reader()).await.unwrap();
    let patient_side = async || {
        let version =
            agreement_version::Entity::find_by_id(AgreementVersionId(crate::acts::row(&plan.version)));
        version.one(app.core.db.reader()).await.unwrap().unwrap().patient_assent_at
    };
    sweep::run(&app.core).await.unwrap();
    assert!(patient_side().await.is_some(), "the right is still in force");
    app.clock.advance(chrono::TimeDelta::days(2));
    sweep::run(&app.core).await.unwrap();
    assert!(patient_side().await.is_none());
    let history = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ history(first: 100) {{ nodes {{ action what byName }} }} }} }} }}",
        plan.id
    );
    let seen = app.run(&p1.identity, &history, json!({})).await.ok();
    assert!(seen.body.to_string().contains("agreementAssentLapse"), "{}", seen.body);
    sweep::run(&app.core).await.unwrap();
    let again = app.run(&p1.identity, &history, json!({})).await.ok();
    assert_eq!(seen.at("/node/history/nodes"), again.at("/node/history/nodes"), "told once");
}

/// What is in force was agreed by those who could, and stays so.
#[tokio::test]
async fn what_is_in_force_stays_so_when_whoever_said_yes_may_assent_no_longer() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let o1 = represent(&app.core, p1, Kind::Relative, "197001012388", EVERYTHING, true).await;
    let plan = proposed_by(&app, &o1).await;
    act(&app, &s1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(Plan::of(&app, p1).await.1["status"], "ACTIVE");
    let revoke =
        json!({ "representativeId": global(NodeKind::Representative, o1.id), "expectedRowVersion": 1 });
    act(&app, &p1.identity, "representativeRevoke", GRANTED, revoke).await.ok();
    app.clock.advance(chrono::TimeDelta::minutes(1));
    sweep::run(&app.core).await.unwrap();
    let (_, agreement) = Plan::of(&app, p1).await;
    assert_eq!(agreement["status"], "ACTIVE");
    assert_eq!(agreement["currentVersion"]["patientAssent"]["by"], "REPRESENTATIVE");
}

/// A guardian's yes likewise, when care has stopped the guardian: nobody has said yes for the child.
#[tokio::test]
async fn a_yes_of_a_guardian_who_was_stopped_brings_nothing_into_force() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    let c1 = child(&app.core, &app.world.p1, "201803012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, "198001012388", EVERYTHING, true).await;
    let g2 = represent(&app.core, &c1, Kind::Guardian, "198101012388", EVERYTHING, true).await;
    let plan = proposed_for_child(&app, &c1, &g1).await;
    act_for(&app, &g1, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    let stop = json!({ "representativeId": global(NodeKind::Representative, g1.id), "decision": "STOP",
                       "reason": "Skyddsbehov." });
    act(&app, &s1.identity, "representativeAssess", GRANTED, stop).await.ok();
    sweep::run(&app.core).await.unwrap();
    let seen = format!("{{ node(id: \"{}\") {{ ... on Agreement {{ status }} }} }}", plan.id);
    assert_eq!(app.run(&s1.identity, &seen, json!({})).await.ok().text("/node/status"), "PROPOSED");
    let other = act_for(&app, &g2, &c1, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(other.text("/agreementAssent/agreement/status"), "ACTIVE");

    // One who was alone, and stopped before care had said yes.
    let c2 = child(&app.core, &app.world.p1, "201804012388").await;
    let g3 = represent(&app.core, &c2, Kind::Guardian, "198201012388", EVERYTHING, true).await;
    let plan = draft(&app, s1, &c2).await;
    act(&app, &s1.identity, "planItemPropose", PLAN_ITEM, whole_item(&plan, s1, "Ta prover", "CARE"))
        .await
        .ok();
    let seen = format!("{{ me {{ {AGREEMENT} }} }}");
    let seen = app.run_for(&g3.identity, &c2.global_id(), &seen, json!({})).await.ok();
    let plan = Plan::read(&seen, "me");
    let input = json!({ "agreementId": plan.id, "expectedRowVersion": plan.row_version });
    let proposed = act_for(&app, &g3, &c2, "agreementPropose", AGREEMENT, input).await.ok();
    let plan = Plan::read(&proposed, "agreementPropose");
    let stop = json!({ "representativeId": global(NodeKind::Representative, g3.id), "decision": "STOP",
                       "reason": "Skyddsbehov." });
    act(&app, &s1.identity, "representativeAssess", GRANTED, stop).await.ok();
    let cares = act(&app, &s1.identity, "agreementAssent", ASSENTS, assent(&plan)).await.ok();
    assert_eq!(cares.text("/agreementAssent/agreement/status"), "PROPOSED");
}

/// Who reads for somebody else is not called "du" where the patient acted.
#[tokio::test]
async fn the_history_calls_the_patient_du_to_the_patient_alone() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let o1 = represent(&app.core, p1, Kind::Relative, "197001012388", EVERYTHING, true).await;
    let history = format!(
        "{{ node(id: \"{}\") {{ ... on Agreement {{ history(first: 100) {{ nodes {{ by byName }} }} }} }} }}",
        plan.id
    );
    let named = |answer: &Answer| -> String {
        let entries = answer.at("/node/history/nodes").as_array().unwrap().clone();
        let own = entries.iter().find(|entry| entry["by"] == "PATIENT").unwrap();
        own["byName"].as_str().unwrap().to_owned()
    };
    assert_eq!(named(&app.run(&p1.identity, &history, json!({})).await.ok()), "du");
    let seen = app.run_for(&o1.identity, &p1.global_id(), &history, json!({})).await.ok();
    assert_eq!(named(&seen), "Patienten");
    assert_eq!(named(&app.run(&s1.identity, &history, json!({})).await.ok()), "Patienten");
}

/// Whoever represents many costs no more statements than who represents one.
#[tokio::test]
async fn whom_somebody_represents_costs_the_same_for_one_and_for_three() {
    let app = TestApp::new().await;
    let (p1, p2, p3) = (&app.world.p1, &app.world.p2, &app.world.p3);
    let query = "{ representing { patient { id givenName } rights { area level } } }";
    let o1 = represent(&app.core, p1, Kind::GodMan, "197001012388", EVERYTHING, false).await;
    app.run(&o1.identity, query, json!({})).await.ok();
    let (one, for_one) = app.statements(app.run(&o1.identity, query, json!({}))).await;
    for patient in [p2, p3] {
        represent(&app.core, patient, Kind::GodMan, "197001012388", EVERYTHING, false).await;
    }
    let (three, for_three) = app.statements(app.run(&o1.identity, query, json!({}))).await;
    assert_eq!(one.ok().at("/representing").as_array().unwrap().len(), 1);
    assert_eq!(three.ok().at("/representing").as_array().unwrap().len(), 3);
    assert_eq!(for_one.len(), for_three.len(), "{for_three:#?}");
}
