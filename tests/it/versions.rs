//! Versions as they were worded, and what differs between any two of them, for both sides.

use harness::TestApp;
use patientkontrakt::graphql::scalars::NodeKind;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    acts::{AGREEMENT, Plan, act, active, assent, global, item, proposed},
    revise::{acts, text},
};

const VERSIONS: &str = "versions(first: 10) { nodes { id number status title story goals { text } \
     planItems { title owner dueOn responsibleUnitName } changes { kind field name before after sentence } } \
     pageInfo { hasNextPage } }";

async fn reword(app: &TestApp, title: &str, anew: &str) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (plan, _) = Plan::of(app, p1).await;
    let was = item(app, p1, title).await;
    let input = json!({
        "planItemId": was["id"], "title": anew, "category": "FOLLOW_UP", "owner": "CARE",
        "timing": { "date": "2027-04-01" }, "expectedRowVersion": plan.row_version,
        "responsibleUnitId": global(NodeKind::CareUnit, s1.unit),
    });
    act(app, &s1.identity, "planItemRevise", AGREEMENT, input).await.ok();
}

/// A plan whose second version, in force, words an item anew, and a third one that is proposed.
async fn three_versions(app: &TestApp) -> (Plan, Vec<Value>) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(app, s1, p1).await;
    reword(app, "Ta prover", "Ta nya prover").await;
    let (_, seen) = Plan::of(app, p1).await;
    let next = &seen["proposals"][0];
    let input = json!({ "agreementId": plan.id, "versionId": next["id"], "digest": next["digest"] });
    act(app, &p1.identity, "agreementAssent", AGREEMENT, input).await.ok();
    acts(app, &p1.identity, p1, "agreementContentEdit", json!({ "sections": text("WISHES", "Hemma") }))
        .await
        .ok();
    let query = format!("{{ me {{ agreement {{ {VERSIONS} }} }} }}");
    let answer = app.run(&p1.identity, &query, json!({})).await.ok();
    (plan, answer.at("/me/agreement/versions/nodes").as_array().unwrap().clone())
}

#[tokio::test]
async fn every_version_reads_as_it_was_worded_also_when_it_has_been_replaced() {
    let app = TestApp::new().await;
    let (_, versions) = three_versions(&app).await;
    let told: Vec<_> =
        versions.iter().map(|v| (v["number"].as_i64().unwrap(), v["status"].as_str().unwrap())).collect();
    assert_eq!(told, [(3, "PROPOSED"), (2, "ACTIVE"), (1, "SUPERSEDED")]);
    let titles = |version: &Value| -> Vec<String> {
        let items = version["planItems"].as_array().unwrap();
        items.iter().map(|i| i["title"].as_str().unwrap().to_owned()).collect()
    };
    assert!(titles(&versions[2]).contains(&"Ta prover".to_owned()), "{:?}", versions[2]);
    assert!(titles(&versions[1]).contains(&"Ta nya prover".to_owned()));
    assert_eq!(versions[0]["planItems"], versions[1]["planItems"]);
    assert_eq!(versions[0]["planItems"][0]["responsibleUnitName"], "Vårdcentralen Granen");
    assert_eq!(versions[2]["changes"], json!([]));
}

/// A field-by-field difference of any two versions is readable by both sides.
#[tokio::test]
async fn a_proposal_tells_what_it_changes_and_any_two_versions_can_be_compared_by_both_sides() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (_, versions) = three_versions(&app).await;
    assert_eq!(
        versions[1]["changes"],
        json!([
            { "kind": "CHANGED", "field": "title", "name": "Ta nya prover", "before": "Ta prover",
              "after": "Ta nya prover", "sentence": "”Ta nya prover”, Vad: Ta nya prover (förut: Ta prover)" },
            { "kind": "CHANGED", "field": "timing", "name": "Ta nya prover", "before": "1 mars 2027",
              "after": "1 april 2027", "sentence": "”Ta nya prover”, När: 1 april 2027 (förut: 1 mars 2027)" },
        ])
    );
    let query = format!(
        "query($n: PersonalIdentityNumber!) {{ patient(number: $n, reason: \"besök\") {{ agreement {{ proposals {{ changes {{ sentence }} }} \
         difference(from: \"{}\", to: \"{}\") {{ field sentence }} }} }} }}",
        versions[2]["id"].as_str().unwrap(),
        versions[0]["id"].as_str().unwrap(),
    );
    let answer = app.run(&s1.identity, &query, json!({ "n": p1.number })).await.ok();
    let agreement = answer.at("/patient/agreement");
    assert_eq!(agreement["proposals"][0]["changes"], json!([{ "sentence": "Önskemål: nytt – Hemma" }]));
    let fields: Vec<_> =
        agreement["difference"].as_array().unwrap().iter().map(|d| d["field"].clone()).collect();
    assert_eq!(fields, ["wishes", "title", "timing"]);
}

#[tokio::test]
async fn a_version_is_refetched_with_its_wordings_and_others_versions_are_none() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let (plan, versions) = three_versions(&app).await;
    let id = versions[2]["id"].as_str().unwrap();
    let query =
        format!("{{ node(id: \"{id}\") {{ ... on AgreementVersion {{ number planItems {{ title }} }} }} }}");
    let answer = app.run(&p1.identity, &query, json!({})).await.ok();
    assert_eq!(answer.at("/node/planItems").as_array().unwrap().len(), 2);
    let foreign = app.run(&p2.identity, &query, json!({})).await.ok();
    assert!(foreign.at("/node").is_null());

    let theirs = proposed(&app, &app.world.s2, p2).await;
    let random = global(NodeKind::AgreementVersion, Uuid::new_v4());
    for other in [theirs.version.as_str(), random.as_str(), plan.id.as_str(), ""] {
        let query = format!(
            "{{ me {{ agreement {{ difference(from: \"{id}\", to: \"{other}\") {{ sentence }} }} }} }}"
        );
        let answer = app.run(&p1.identity, &query, json!({})).await.ok();
        assert!(answer.at("/me/agreement/difference").is_null(), "{other}");
    }
}

#[tokio::test]
async fn versions_are_loaded_on_demand_in_as_many_statements_for_one_as_for_all() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    three_versions(&app).await;
    let count = async |query: &str| {
        let (answer, statements) = app.statements(app.run(&p1.identity, query, json!({}))).await;
        answer.ok();
        statements.len()
    };
    let plain = count("{ me { agreement { id currentVersion { title } } } }").await;
    assert_eq!(plain, 1);
    let one = count(&format!("{{ me {{ agreement {{ {} }} }} }}", VERSIONS.replace("10", "1"))).await;
    let all = count(&format!("{{ me {{ agreement {{ {VERSIONS} }} }} }}")).await;
    assert_eq!((one, all), (plain + 4, plain + 4));
    let open = "{ me { agreement { currentVersion { planItems { title } } draft { goals { text } } \
                proposals { changes { sentence } planItems { title } } } } }";
    assert_eq!(count(open).await, plain + 3);
}

#[tokio::test]
async fn what_the_four_parts_lack_has_a_code_a_place_and_words() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let query = "{ me { parts { part complete missing { code field message } } } }";
    let none = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(
        none.at("/me/parts/0/missing"),
        &json!([{ "code": "AGREEMENT", "field": "agreement", "message": "Det finns inget patientkontrakt." }])
    );
    let plan = proposed(&app, s1, p1).await;
    let codes = async || -> Vec<String> {
        let answer = app.run(&p1.identity, query, json!({})).await.ok();
        let missing = answer.at("/me/parts/0/missing").as_array().unwrap().clone();
        missing.iter().map(|m| m["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes().await, ["ASSENT", "GOALS", "WHEN_TO_SEEK_HELP"]);
    act(&app, &p1.identity, "agreementAssent", AGREEMENT, assent(&plan)).await.ok();
    assert_eq!(codes().await, ["GOALS", "WHEN_TO_SEEK_HELP"]);
}
