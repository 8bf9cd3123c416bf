//! Contact roles: one lead, one fixed doctor, and the care relation that comes and goes with the role.

use entity::{CareContactId, care_contact, care_relation, domain_event};
use futures_util::future::join_all;
use harness::{Staff, TestApp, TestPatient, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::acts::{act, global, row};

const CONTACT: &str = "contact { id name function role isLead isActive phone rowVersion }";

fn appoint(patient: &TestPatient, role: &str, who: &Staff) -> Value {
    json!({
        "patientId": patient.global_id(),
        "role": role,
        "person": { "assignmentId": global(NodeKind::Assignment, who.assignment) },
    })
}

async fn relations(app: &TestApp, contact: &str) -> Vec<care_relation::Model> {
    care_relation::Entity::find()
        .filter(care_relation::Column::SubjectId.eq(row(contact)))
        .all(app.core.db.reader())
        .await
        .unwrap()
}

async fn for_register(app: &TestApp, kind: &str) -> u64 {
    domain_event::Entity::find()
        .filter(domain_event::Column::Kind.eq(kind))
        .filter(domain_event::Column::ForRegister.eq(true))
        .count(app.core.db.reader())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_appointed_contact_is_shown_told_to_the_register_and_gives_the_unit_a_care_relation() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let mut input = appoint(p1, "FAST_VARDKONTAKT", s2);
    input["howToReach"] = json!("Vardagar 9-11");
    input["onRequest"] = json!(true);
    let answer = act(&app, &s1.identity, "contactAppoint", CONTACT, input).await.ok();
    assert_eq!(answer.text("/contactAppoint/contact/name"), "Sven Exempel");
    assert_eq!(answer.at("/contactAppoint/contact/isLead"), &json!(true));
    let me = app.run(&p1.identity, "{ me { fixedCareContact { name howToReach } } }", json!({})).await.ok();
    assert_eq!(me.text("/me/fixedCareContact/name"), "Sven Exempel");
    assert_eq!(for_register(&app, "contact.appointed").await, 1);
    let relation = &relations(&app, &answer.text("/contactAppoint/contact/id")).await[0];
    assert_eq!((relation.care_unit_id, relation.source), (s2.unit, care_relation::Source::Contact));
}

#[tokio::test]
async fn a_named_person_without_an_account_can_be_a_contact() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let named = |phone: &str| {
        json!({
            "patientId": p1.global_id(),
            "role": "BEHANDLANDE_ROLL",
            "treatingKind": "DIABETES_NURSE",
            "person": { "named": { "name": "Dia Exempel", "function": "diabetessjuksköterska", "phone": phone } },
        })
    };
    let answer = act(&app, &s1.identity, "contactAppoint", CONTACT, named("070-174 06 05")).await.ok();
    assert_eq!(answer.text("/contactAppoint/contact/phone"), "+46701740605");
    let answer = act(&app, &s1.identity, "contactAppoint", CONTACT, named("12")).await;
    assert_eq!(answer.user_error_codes("contactAppoint"), ["BAD_USER_INPUT"]);
    assert_eq!(answer.text("/contactAppoint/userErrors/0/field"), "person.named.phone");
}

#[tokio::test]
async fn where_one_is_allowed_a_second_is_refused_with_the_name_of_the_first() {
    let app = TestApp::with(&[("region.fixed_contact_policy", "single")]).await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    for role in ["FAST_VARDKONTAKT", "FAST_LAKARKONTAKT"] {
        act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, role, s2)).await.ok();
        let answer = act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, role, s1)).await;
        assert_eq!(answer.user_error_codes("contactAppoint"), ["CONFLICT"]);
        assert!(answer.text("/contactAppoint/userErrors/0/message").starts_with("Sven Exempel"));
    }
}

#[tokio::test]
async fn where_several_are_allowed_one_of_them_leads() {
    let app = TestApp::with(&[("region.fixed_contact_policy", "several_with_lead")]).await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let lead = |who, is_lead: Option<bool>| {
        let mut input = appoint(p1, "FAST_VARDKONTAKT", who);
        input["isLead"] = json!(is_lead);
        act(&app, &s1.identity, "contactAppoint", CONTACT, input)
    };
    assert_eq!(lead(s1, None).await.ok().at("/contactAppoint/contact/isLead"), &json!(true));
    assert_eq!(lead(s2, None).await.ok().at("/contactAppoint/contact/isLead"), &json!(false));
    assert_eq!(lead(s2, Some(true)).await.user_error_codes("contactAppoint"), ["CONFLICT"]);
}

#[tokio::test]
async fn twenty_appointments_at_once_give_one_lead_and_one_fixed_doctor() {
    let app = TestApp::with(&[("region.fixed_contact_policy", "several_with_lead")]).await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    for role in ["FAST_VARDKONTAKT", "FAST_LAKARKONTAKT"] {
        let mut input = appoint(p1, role, s1);
        if role == "FAST_VARDKONTAKT" {
            input["isLead"] = json!(true);
        }
        let answers =
            join_all((0..20).map(|_| act(&app, &s1.identity, "contactAppoint", CONTACT, input.clone())))
                .await;
        let refused = answers.iter().filter(|a| a.user_error_codes("contactAppoint") == ["CONFLICT"]).count();
        assert_eq!(refused, 19, "{role}");
    }
    assert_eq!(care_contact::Entity::find().count(app.core.db.reader()).await.unwrap(), 2);
}

#[tokio::test]
async fn ending_needs_a_reason_and_takes_the_relation_with_it() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let answer =
        act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, "FAST_VARDKONTAKT", s2)).await.ok();
    let contact = answer.at("/contactAppoint/contact").clone();
    let end = |reason: &str, row_version: i64| {
        let input = json!({
            "contactId": contact["id"], "reason": reason, "consultation": "CONSULTED",
            "expectedRowVersion": row_version,
        });
        act(&app, &s1.identity, "contactEnd", CONTACT, input)
    };
    assert_eq!(end(" ", 1).await.user_error_codes("contactEnd"), ["BAD_USER_INPUT"]);
    let stale = end("Byter mottagning", 7).await;
    assert_eq!(stale.user_error_codes("contactEnd"), ["STALE_ROW_VERSION"]);
    assert_eq!(stale.at("/contactEnd/contact/isActive"), &json!(true));
    let ended = end("Byter mottagning", 1).await.ok();
    assert_eq!(ended.at("/contactEnd/contact/isActive"), &json!(false));
    assert_eq!(end("Igen", 2).await.user_error_codes("contactEnd"), ["WRONG_STATE"]);
    assert_eq!(for_register(&app, "contact.ended").await, 1);
    let relation = &relations(&app, contact["id"].as_str().unwrap()).await[0];
    assert_eq!(relation.valid_until, Some(app.clock.now()));
    // The role is free again.
    act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, "FAST_VARDKONTAKT", s1)).await.ok();
}

#[tokio::test]
async fn a_supporter_reaches_nothing_by_the_role() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let answer =
        act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, "SUPPORTER", &app.world.s2)).await;
    let id = answer.ok().text("/contactAppoint/contact/id");
    assert!(relations(&app, &id).await.is_empty());
}

#[tokio::test]
async fn only_care_with_a_relation_appoints_and_only_staff_of_its_own_provider() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let input = appoint(p1, "FAST_VARDKONTAKT", s1);
    let by_patient = act(&app, &p1.identity, "contactAppoint", CONTACT, input.clone()).await;
    assert_eq!(by_patient.user_error_codes("contactAppoint"), ["FORBIDDEN"]);
    for who in [&app.world.manager, &app.world.analyst, &app.world.admin] {
        let answer = act(&app, &who.identity, "contactAppoint", CONTACT, input.clone()).await;
        assert_eq!(answer.user_error_codes("contactAppoint"), ["FORBIDDEN"]);
    }
    let unrelated = act(&app, &s1.identity, "contactAppoint", CONTACT, input).await;
    assert_eq!(unrelated.user_error_codes("contactAppoint"), ["NOT_FOUND"]);
    relate(&app.core, s1, p1).await;
    let foreign = appoint(p1, "FAST_VARDKONTAKT", &app.world.s3);
    let answer = act(&app, &s1.identity, "contactAppoint", CONTACT, foreign).await;
    assert_eq!(answer.user_error_codes("contactAppoint"), ["NOT_FOUND"]);
    assert_eq!(care_contact::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_contact_out_of_reach_cannot_be_ended() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let answer =
        act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, "FAST_VARDKONTAKT", s1)).await.ok();
    let id = answer.text("/contactAppoint/contact/id");
    let input = json!({
        "contactId": id, "reason": "Intrång", "consultation": "TOLD", "expectedRowVersion": 1,
    });
    for who in [&app.world.s2.identity, &app.world.s3.identity] {
        let answer = act(&app, who, "contactEnd", CONTACT, input.clone()).await;
        assert_eq!(answer.user_error_codes("contactEnd"), ["NOT_FOUND"]);
    }
    let answer = act(&app, &p1.identity, "contactEnd", CONTACT, input).await;
    assert_eq!(answer.user_error_codes("contactEnd"), ["FORBIDDEN"]);
    let row = care_contact::Entity::find_by_id(CareContactId(row(&id))).one(app.core.db.reader()).await;
    assert_eq!(row.unwrap().unwrap().row_version, 1);
}
