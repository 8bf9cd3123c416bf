//! Reading: who sees what, and what it costs.

use async_graphql::Request;
use axum::http::HeaderMap;
use futures_util::StreamExt as _;
use harness::{TestApp, relate};
use patientkontrakt::{
    graphql::scalars::{GlobalId, NodeKind},
    http::graphql::Engine as _,
};
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
    let query =
        "query($unit: ID!) { careUnit(id: $unit) { assignments { nodes { id role staff { name } } } } }";
    let unit =
        |staff: &harness::Staff| json!({ "unit": GlobalId::new(NodeKind::CareUnit, staff.unit).to_string() });
    let names = |answer: &harness::Answer| -> Vec<String> {
        let all = answer.at("/careUnit/assignments/nodes").as_array().unwrap().clone();
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
    // Page by page, however many there are: everybody once, in the same order.
    let page = "query($unit: ID!, $after: String) { careUnit(id: $unit) { assignments(first: 2, after: $after) { \
         nodes { staff { name } } pageInfo { hasNextPage endCursor } } } }";
    let (mut seen, mut after) = (Vec::new(), serde_json::Value::Null);
    loop {
        let mut variables = unit(&world.s1);
        variables["after"] = after;
        let answer = app.run(&world.s1.identity, page, variables).await.ok();
        seen.extend(names(&answer));
        let info = answer.at("/careUnit/assignments/pageInfo").clone();
        if info["hasNextPage"] == false {
            break;
        }
        after = info["endCursor"].clone();
    }
    assert_eq!(seen, names(&own));
}

/// What stands beside the data is in the language of `Accept-Language` like user errors, also of a subscription.
#[tokio::test]
async fn top_level_errors_are_in_the_language_asked_for() {
    let app = TestApp::new().await;
    let (s1, p2) = (&app.world.s1, &app.world.p2);
    let query = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \" \") { id } }";
    let nowhere = GlobalId::new(NodeKind::Agreement, uuid::Uuid::from_u128(7));
    let listen = format!("subscription {{ agreementChanged(agreementId: \"{nowhere}\") {{ id }} }}");
    for (language, why, none) in [
        (
            "sv",
            "Skriv varför du öppnar journalen, högst 200 tecken.",
            "Det finns ingen överenskommelse här som du kan nå.",
        ),
        (
            "en",
            "Write why you open the record, in at most 200 characters.",
            "There is no agreement here that you can reach.",
        ),
    ] {
        let token = app.token(&s1.identity);
        let body = json!({ "query": query, "variables": { "n": p2.number } });
        let answer = app.send(Some(&token), &[("accept-language", language)], &body).await;
        assert_eq!(answer.body["errors"][0]["message"], why);
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        headers.insert("accept-language", language.parse().unwrap());
        let caller = app.service.authenticate(&headers).await.unwrap();
        let mut stream = app.service.execute_stream(caller, Request::new(listen.as_str()));
        let told = stream.next().await.unwrap();
        assert_eq!(told.errors[0].message, none);
    }
}
