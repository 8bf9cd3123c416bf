//! In which language and where a patient is written to: chosen and read back by the patient, or by staff for them.

use entity::{access_event::ActorKind as K, change_entry, patient, patient::ProtectedIdentity};
use harness::{Answer, Staff, TestApp, TestPatient, relate};
use patientkontrakt::auth::token::Identity;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};
use serde_json::{Value, json};

use crate::acts::act;

const SPOKEN: &str = "patient { language reminderTexts(kind: APPOINTMENT, channel: SMS) { language } }";
const WAYS: &str = "contactWays { channel address reachable } unreachableBy";

async fn choose(app: &TestApp, who: &Identity, whom: Option<&TestPatient>, language: &str) -> Answer {
    let input = json!({ "patientId": whom.map(TestPatient::global_id), "language": language });
    act(app, who, "patientLanguageSet", SPOKEN, input).await
}

#[tokio::test]
async fn a_patient_or_staff_for_them_chooses_the_language_of_messages_among_those_there_are() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    let there_are = "{ me { language messageLanguages { language name } } }";
    let seen = app.run(&p1.identity, there_are, json!({})).await.ok();
    assert_eq!(seen.text("/me/language"), "sv");
    let known = json!([{ "language": "en", "name": "English" }, { "language": "sv", "name": "svenska" }]);
    assert_eq!(seen.at("/me/messageLanguages"), &known);
    let chosen = choose(&app, &p1.identity, None, "en-GB").await.ok();
    assert_eq!(chosen.text("/patientLanguageSet/patient/language"), "en");
    let texts = chosen.at("/patientLanguageSet/patient/reminderTexts").as_array().unwrap();
    assert!(!texts.is_empty() && texts.iter().all(|text| text["language"] == "en"), "{texts:?}");
    let unknown = choose(&app, &p1.identity, None, "fi").await;
    assert_eq!(unknown.user_error_codes("patientLanguageSet"), ["BAD_USER_INPUT"]);
    assert_eq!(unknown.user_error_fields("patientLanguageSet"), ["language"]);
    assert_eq!(unknown.text("/patientLanguageSet/patient/language"), "en", "as it is");

    // Staff for the patient, those of the patient's own care provider alone.
    for staff in [s1, s3] {
        relate(&app.core, staff, p1).await;
    }
    let foreign = choose(&app, &s3.identity, Some(p1), "sv").await;
    assert_eq!(foreign.user_error_codes("patientLanguageSet"), ["NOT_FOUND"]);
    choose(&app, &s1.identity, Some(p1), "sv").await.ok();
    // What is so already changes nothing.
    choose(&app, &s1.identity, Some(p1), "sv").await.ok();
    let entries = change_entry::Entity::find().filter(change_entry::Column::Action.eq("patientLanguageSet"));
    let entries = entries.order_by_asc(change_entry::Column::Id).all(app.core.db.reader()).await.unwrap();
    let by: Vec<_> = entries.iter().map(|entry| entry.by_kind).collect();
    assert_eq!(by, [K::Patient, K::Staff]);
    let row = patient::Entity::find_by_id(p1.id).one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!((row.language.as_str(), row.row_version), ("sv", 1));
}

async fn ways(app: &TestApp, who: &Staff, of: &TestPatient) -> Value {
    let query = format!("query($id: ID!) {{ node(id: $id) {{ ... on Patient {{ {WAYS} }} }} }}");
    let seen = app.run(&who.identity, &query, json!({ "id": of.global_id() })).await.ok();
    seen.at("/node/contactWays").clone()
}

#[tokio::test]
async fn where_messages_go_is_read_back_with_most_of_the_address_hidden() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    for staff in [s1, s3] {
        relate(&app.core, staff, p1).await;
    }
    let mine = async || {
        let seen = app.run(&p1.identity, &format!("{{ me {{ {WAYS} }} }}"), json!({})).await.ok();
        seen.at("/me").clone()
    };
    assert_eq!(mine().await, json!({ "contactWays": [], "unreachableBy": [] }));
    let given =
        json!({ "choices": [], "contactWays": { "mail": "etta@exempel.se", "phone": "070-174 06 05" } });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { id }", given).await.ok();
    let way = |channel: &str, address: Option<&str>| json!({ "channel": channel, "address": address, "reachable": true });
    let shown = json!([way("MAIL", Some("e***@exempel.se")), way("SMS", Some("+4670*****05"))]);
    assert_eq!(mine().await, json!({ "contactWays": shown, "unreachableBy": [] }));
    assert_eq!(ways(&app, s1, p1).await, shown);
    assert_eq!(ways(&app, s3, p1).await, json!([]), "another care provider's");

    patient::Entity::update_many()
        .col_expr(patient::Column::ProtectedIdentity, Expr::value(ProtectedIdentity::Sekretessmarkering))
        .filter(patient::Column::Id.eq(p1.id))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(mine().await["contactWays"], shown, "the patient's own");
    assert_eq!(ways(&app, s1, p1).await, json!([way("MAIL", None), way("SMS", None)]));
}
