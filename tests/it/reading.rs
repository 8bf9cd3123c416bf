//! Reading: who sees what, and what it costs.

use harness::{TestApp, relate};
use patientkontrakt::graphql::scalars::{GlobalId, NodeKind};
use serde_json::json;

#[tokio::test]
async fn a_patient_without_an_agreement_sees_what_is_missing_and_whom_to_call() {
    let app = TestApp::new().await;
    let answer = app
        .run(
            &app.world.p1.identity,
            "{ me { givenName personalIdentityNumber agreement { id } parts { part complete missing { code message } } \
             nextSteps { patient { title } } whoToContact { name phone emergencyPhone } } }",
            json!({}),
        )
        .await
        .ok();
    assert_eq!(answer.text("/me/givenName"), "Etta");
    assert!(answer.at("/me/agreement").is_null());
    assert_eq!(answer.at("/me/parts").as_array().unwrap().len(), 4);
    assert_eq!(answer.text("/me/whoToContact/name"), "Vårdcentralen Granen");
    assert_eq!(answer.text("/me/whoToContact/emergencyPhone"), "112");
}

#[tokio::test]
async fn staff_reach_a_patient_only_with_a_care_relation() {
    let app = TestApp::new().await;
    let query = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"test\") { givenName } }";
    let variables = json!({ "n": app.world.p2.number });
    let refused = app.run(&app.world.s1.identity, query, variables.clone()).await.ok();
    assert!(refused.at("/patient").is_null());
    relate(&app.core, &app.world.s1, &app.world.p2).await;
    let served = app.run(&app.world.s1.identity, query, variables).await.ok();
    assert_eq!(served.text("/patient/givenName"), "Tvåa");
}

/// Whom something can be given to: staff see who works at a unit of their own care provider; nobody else does.
#[tokio::test]
async fn staff_see_who_works_at_the_units_of_their_care_provider() {
    let app = TestApp::new().await;
    let world = &app.world;
    let query = "query($unit: ID!) { careUnit(id: $unit) { assignments { id role staff { name } } } }";
    let unit =
        |staff: &harness::Staff| json!({ "unit": GlobalId::new(NodeKind::CareUnit, staff.unit).to_string() });
    let names = |answer: &harness::Answer| -> Vec<String> {
        let all = answer.at("/careUnit/assignments").as_array().unwrap().clone();
        all.iter().map(|a| a["staff"]["name"].as_str().unwrap().to_owned()).collect()
    };
    let own = app.run(&world.s1.identity, query, unit(&world.s1)).await.ok();
    assert_eq!(names(&own), ["Adam Exempel", "Alva Exempel", "Kim Exempel", "Mona Exempel", "Stina Exempel"]);
    let next_door = app.run(&world.s1.identity, query, unit(&world.s2)).await.ok();
    assert_eq!(names(&next_door), ["Sven Exempel"]);
    let foreign = app.run(&world.s1.identity, query, unit(&world.s3)).await.ok();
    assert!(names(&foreign).is_empty());
    let patient = app.run(&world.p1.identity, query, unit(&world.s1)).await;
    assert_eq!(patient.error_codes(), ["FORBIDDEN"]);
    assert!(patient.at("/careUnit/assignments").is_null());
}
