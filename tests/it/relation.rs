//! Care relations that staff declare: they open the record for a day, never by reading.

use chrono::TimeDelta;
use entity::{
    PatientIdentityId, access_event, access_event_patient, care_relation, patient, patient_identity,
};
use harness::{TestApp, relate};
use patientkontrakt::{crypto::Place, domain::patient::IDENTITY_LOOKUP};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter,
};
use serde_json::{Value, json};

use crate::acts::act;

const PATIENT: &str = "patient { givenName agreement { id } }";

fn declare(number: &str) -> Value {
    json!({ "patientNumber": number, "declaration": "PATIENT_PRESENT", "reason": "Drop-in för sårvård" })
}

#[tokio::test]
async fn a_declared_relation_opens_the_record_to_the_unit_for_a_day() {
    let app = TestApp::new().await;
    let (s1, p2) = (&app.world.s1, &app.world.p2);
    let query = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"besök\") { givenName } }";
    let open = || app.run(&s1.identity, query, json!({ "n": p2.number }));
    assert!(open().await.ok().at("/patient").is_null());

    let shown = format!("{}-{}", &p2.number[..8], &p2.number[8..]);
    let answer = act(&app, &s1.identity, "careRelationRegister", PATIENT, declare(&shown)).await.ok();
    assert_eq!(answer.text("/careRelationRegister/patient/givenName"), "Tvåa");
    assert_eq!(open().await.ok().text("/patient/givenName"), "Tvåa");
    // A colleague at the same unit too; another unit not.
    let colleague = app.run(&app.world.coordinator.identity, query, json!({ "n": p2.number })).await.ok();
    assert!(!colleague.at("/patient").is_null());

    app.clock.advance(TimeDelta::hours(24));
    assert!(open().await.ok().at("/patient").is_null());

    let relation = care_relation::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(relation.declared_by, Some(s1.assignment));
    assert_eq!(relation.declaration, Some(care_relation::Declaration::PatientPresent));
    let logged = access_event::Entity::find()
        .filter(access_event::Column::Action.eq("careRelationRegister"))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((logged.care_unit_id, logged.actor_id), (Some(s1.unit), Some(s1.assignment.0)));
    let whom = access_event_patient::Entity::find()
        .filter(access_event_patient::Column::EventId.eq(logged.id))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(whom.patient_id, p2.id);
}

#[tokio::test]
async fn an_unknown_number_is_not_found_and_logged_as_refused() {
    let app = TestApp::new().await;
    let unknown = declare("199001022384");
    let answer = act(&app, &app.world.s1.identity, "careRelationRegister", PATIENT, unknown).await;
    assert_eq!(answer.user_error_codes("careRelationRegister"), ["NOT_FOUND"]);
    let denied = access_event::Entity::find()
        .filter(access_event::Column::Outcome.eq(access_event::Outcome::Denied))
        .all(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0].action, "careRelationRegister");
    assert_eq!(care_relation::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_wrong_number_and_a_missing_reason_are_both_explained() {
    let app = TestApp::new().await;
    let mut input = declare("198202282385");
    input["reason"] = json!(" ");
    let answer = act(&app, &app.world.s1.identity, "careRelationRegister", PATIENT, input).await;
    assert_eq!(answer.user_error_codes("careRelationRegister"), ["BAD_USER_INPUT"; 2]);
    assert!(answer.body.to_string().contains("Sista siffran"));
}

#[tokio::test]
async fn only_care_declares_relations_and_not_with_the_dead() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    for who in
        [&p1.identity, &app.world.manager.identity, &app.world.analyst.identity, &app.world.admin.identity]
    {
        let answer = act(&app, who, "careRelationRegister", PATIENT, declare(&p1.number)).await;
        assert_eq!(answer.user_error_codes("careRelationRegister"), ["FORBIDDEN"]);
    }
    let row = patient::ActiveModel {
        id: Set(p1.id),
        deceased_on: Set(Some(app.clock.now().date_naive())),
        ..Default::default()
    };
    row.update(app.core.db.reader()).await.unwrap();
    let answer =
        act(&app, &app.world.s1.identity, "careRelationRegister", PATIENT, declare(&p1.number)).await;
    assert_eq!(answer.user_error_codes("careRelationRegister"), ["CONFLICT"]);
    assert_eq!(care_relation::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_regional_reserve_number_finds_its_person_and_the_same_characters_of_another_issuer_nobody() {
    let app = TestApp::new().await;
    let (s1, p1, keys, db) = (&app.world.s1, &app.world.p1, &app.core.keys, app.core.db.reader());
    let reserve = "1.2.752.97.3.1.3|991981000010";
    let own = patient_identity::Entity::find().filter(patient_identity::Column::PatientId.eq(p1.id));
    let id = PatientIdentityId(app.clock.uuid());
    let row = patient_identity::Model {
        id,
        kind: patient_identity::Kind::RegionalReserve,
        issuer: Some("1.2.752.97.3.1.3".to_owned()),
        number: keys.seal(Place::new("patient_identity.number", id), reserve).unwrap(),
        lookup: keys.lookup_hash(IDENTITY_LOOKUP, reserve),
        is_current: false,
        ..own.one(db).await.unwrap().unwrap()
    };
    row.into_active_model().insert(db).await.unwrap();
    relate(&app.core, s1, p1).await;
    let query = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"besök\") { givenName } }";
    let open = async |number: &str| app.run(&s1.identity, query, json!({ "n": number })).await;
    for written in [reserve, " 1.2.752.97.3.1.3 | 99 1981-000010"] {
        assert_eq!(open(written).await.ok().text("/patient/givenName"), "Etta", "{written}");
    }
    assert!(open("1.2.752.97.3.1.4|991981000010").await.ok().at("/patient").is_null());
    for wrong in ["1.2.752.97.3.1.3|991981000011", "|991981000010", "991981000010"] {
        assert_eq!(open(wrong).await.error_codes(), ["BAD_USER_INPUT"], "{wrong}");
    }
}
