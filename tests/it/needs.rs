//! What a patient needs to take part: said once, by whoever may book for them, and seen at every booking.

use entity::{access_event::ActorKind as K, change_entry, representative};
use harness::{TestApp, relate, represent};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{book, publish},
};

const NEEDS: &str = "patient { needs { interpreterLanguage accessNeeds rowVersion } }";

fn needs(language: Option<&str>, access: Option<&str>, version: i64) -> Value {
    json!({ "interpreterLanguage": language, "accessNeeds": access, "expectedRowVersion": version })
}

#[tokio::test]
async fn needs_said_by_the_patient_a_representative_or_staff_follow_every_booking() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    let said =
        act(&app, &p1.identity, "patientNeedsSet", NEEDS, needs(Some("SWL"), Some(" Hörslinga "), 1)).await;
    let now = json!({ "interpreterLanguage": "swl", "accessNeeds": "Hörslinga", "rowVersion": 2 });
    assert_eq!(said.ok().at("/patientNeedsSet/patient/needs"), &now);
    book(&app, &p1.identity, &slots[1]).await.ok();
    // Staff see it on each time, whenever it was booked; and so does the list of the day's visits.
    let query = "query($id: ID!) { node(id: $id) { ... on Patient { appointments(first: 5) { nodes { \
         interpreterLanguage accessNeeds } } needs { rowVersion } } } }";
    let seen = app.run(&s1.identity, query, json!({ "id": p1.global_id() })).await.ok();
    let each = json!({ "interpreterLanguage": "swl", "accessNeeds": "Hörslinga" });
    assert_eq!(seen.at("/node/appointments/nodes"), &json!([each, each]));

    let mut by_staff = needs(Some("ar"), None, 2);
    by_staff["patientId"] = json!(p1.global_id());
    let said = act(&app, &s1.identity, "patientNeedsSet", NEEDS, by_staff).await.ok();
    assert_eq!(said.text("/patientNeedsSet/patient/needs/interpreterLanguage"), "ar");
    assert!(said.at("/patientNeedsSet/patient/needs/accessNeeds").is_null());
    let ombud =
        |digits, areas| represent(&app.core, p1, representative::Kind::Relative, digits, areas, false);
    let booker = ombud("197001012380", r#"{"BOOKING":"ACT"}"#).await;
    let reader = ombud("197001022380", r#"{"BOOKING":"READ"}"#).await;
    let mutation = "mutation($input: PatientNeedsSetInput!) { patientNeedsSet(input: $input) { patient { needs { \
         interpreterLanguage } } userErrors { field code message } } }";
    let mut input = needs(None, Some("Ledsagare"), 3);
    input["idempotencyKey"] = json!("behov");
    let as_ombud =
        async |who| app.run_for(who, &p1.global_id(), mutation, json!({ "input": input.clone() })).await;
    let refused = as_ombud(&reader.identity).await;
    assert_eq!(refused.user_error_codes("patientNeedsSet"), ["FORBIDDEN"]);
    as_ombud(&booker.identity).await.ok();
    let entries = change_entry::Entity::find().filter(change_entry::Column::Action.eq("patientNeedsSet"));
    let entries = entries.order_by_asc(change_entry::Column::Id).all(app.core.db.reader()).await.unwrap();
    let by: Vec<_> = entries.iter().map(|entry| entry.by_kind).collect();
    assert_eq!(by, [K::Patient, K::Staff, K::Representative]);
}

#[tokio::test]
async fn needs_that_cannot_be_read_are_refused_all_at_once_and_nobody_overwrites_what_they_have_not_seen() {
    let app = TestApp::new().await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let long = "å".repeat(501);
    let wrong =
        act(&app, &p1.identity, "patientNeedsSet", NEEDS, needs(Some("arabiska"), Some(&long), 1)).await;
    assert_eq!(wrong.user_error_codes("patientNeedsSet"), ["BAD_USER_INPUT", "BAD_USER_INPUT"]);
    act(&app, &p1.identity, "patientNeedsSet", NEEDS, needs(Some("fi"), None, 1)).await.ok();
    let stale = act(&app, &p1.identity, "patientNeedsSet", NEEDS, needs(None, None, 1)).await;
    assert_eq!(stale.user_error_codes("patientNeedsSet"), ["STALE_ROW_VERSION"]);
    let now = stale.at("/patientNeedsSet/patient/needs");
    assert_eq!(now, &json!({ "interpreterLanguage": "fi", "accessNeeds": null, "rowVersion": 2 }));
    let mut theirs = needs(Some("fi"), None, 2);
    theirs["patientId"] = json!(p1.global_id());
    let s2 = &app.world.s2.identity;
    for who in [&p2.identity, s2] {
        let refused = act(&app, who, "patientNeedsSet", NEEDS, theirs.clone()).await;
        assert_eq!(refused.user_error_codes("patientNeedsSet"), ["NOT_FOUND"]);
        let seen = app
            .run(
                who,
                "query($id: ID!) { node(id: $id) { ... on Patient { needs { rowVersion } } } }",
                json!({ "id": p1.global_id() }),
            )
            .await;
        assert!(seen.at("/node").is_null());
    }
    // Whoever of care has a relation to the patient must know, also at another care provider.
    relate(&app.core, &app.world.s3, p1).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Patient { needs { interpreterLanguage } } } }";
    let id = global(NodeKind::Patient, p1.id);
    let seen = app.run(&app.world.s3.identity, query, json!({ "id": id })).await.ok();
    assert_eq!(seen.text("/node/needs/interpreterLanguage"), "fi");
}
