//! Contact roles: one lead, one fixed doctor, and the care relation that comes and goes with the role.

use chrono::TimeDelta;
use entity::{
    CareContactId, assignment, care_contact, care_relation, change_entry, contact_way, idempotency_key,
    register_event::{self, Change},
    reminder_preference,
};
use futures_util::future::join_all;
use harness::{Staff, TestApp, TestPatient, relate};
use patientkontrakt::{crypto::Place, graphql::scalars::NodeKind};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};
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

async fn for_register(app: &TestApp, change: Change) -> u64 {
    register_event::Entity::find()
        .filter(register_event::Column::Change.eq(change))
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
    assert_eq!(for_register(&app, Change::Appointed).await, 1);
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

/// All problems at once, the hours too.
#[tokio::test]
async fn wrong_hours_are_told_beside_everything_else_that_is_wrong() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = json!({
        "patientId": p1.global_id(), "role": "BEHANDLANDE_ROLL",
        "person": { "named": { "name": "Dia Exempel", "function": "diabetessjuksköterska", "phone": "12" } },
        "takesCalls": [{ "weekdays": ["MONDAY"], "from": "11:00", "until": "09:00" }],
    });
    let answer = act(&app, &s1.identity, "contactAppoint", CONTACT, input).await;
    assert_eq!(
        answer.user_error_fields("contactAppoint"),
        ["treatingKind", "takesCalls", "person.named.phone"]
    );
}

#[tokio::test]
async fn where_one_is_allowed_a_second_is_refused_and_the_stored_refusal_names_nobody() {
    let app = TestApp::with(&[("region.fixed_contact_policy", "single")]).await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    for role in ["FAST_VARDKONTAKT", "FAST_LAKARKONTAKT"] {
        act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, role, s2)).await.ok();
        let answer = act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, role, s1)).await;
        assert_eq!(answer.user_error_codes("contactAppoint"), ["CONFLICT"]);
        assert!(
            answer.text("/contactAppoint/userErrors/0/message").starts_with("Patienten har redan en fast")
        );
    }
    let stored = idempotency_key::Entity::find().all(app.core.db.reader()).await.unwrap();
    let opened = stored.iter().filter_map(|key| {
        let row = uuid::Uuid::from_slice(&key.scope[..16]).unwrap();
        app.core.keys.open(Place::new("idempotency_key.result", row), key.result.as_ref()?).ok()
    });
    let refusals = opened.filter(|result| result.contains("redan"));
    assert_eq!(refusals.inspect(|r| assert!(!r.contains("Sven"), "{r}")).count(), 2);
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
    assert_eq!(for_register(&app, Change::Ended).await, 1);
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
        "contactId": id, "reason": "Intrång", "consultation": "CONSULTED", "expectedRowVersion": 1,
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

#[tokio::test]
async fn a_contact_ends_at_its_planned_end_and_makes_room_for_the_next() {
    let app = TestApp::with(&[("region.fixed_contact_policy", "single")]).await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let end = app.clock.now() + TimeDelta::days(10);
    let mut first = Vec::new();
    for role in ["FAST_VARDKONTAKT", "FAST_LAKARKONTAKT"] {
        let mut input = appoint(p1, role, s2);
        input["validUntil"] = json!(end.to_rfc3339());
        let answer = act(&app, &s1.identity, "contactAppoint", CONTACT, input).await.ok();
        first.push(CareContactId(row(&answer.text("/contactAppoint/contact/id"))));
        let early = act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, role, s1)).await;
        assert_eq!(early.user_error_codes("contactAppoint"), ["CONFLICT"]);
    }
    let shown = async || {
        let query = "{ me { fixedCareContact { name } contacts { name role } } }";
        app.run(&p1.identity, query, json!({})).await.ok().at("/me").clone()
    };
    assert_eq!(shown().await["contacts"].as_array().unwrap().len(), 2);

    app.clock.set(end);
    assert_eq!(shown().await, json!({ "fixedCareContact": null, "contacts": [] }));
    for role in ["FAST_VARDKONTAKT", "FAST_LAKARKONTAKT"] {
        act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, role, s1)).await.ok();
    }
    assert_eq!(shown().await["fixedCareContact"]["name"], "Stina Exempel");
    for id in first {
        let old = care_contact::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap();
        assert_eq!((old.status, old.ended_at), (care_contact::Status::Ended, Some(end)));
        let place = Place::new("care_contact.end_reason", id.0);
        assert_eq!(app.core.keys.open(place, &old.end_reason.unwrap()).unwrap(), "Planerat slut");
    }
    assert_eq!(for_register(&app, Change::Ended).await, 2);
}

#[tokio::test]
async fn a_contact_is_nobody_to_turn_to_before_its_role_begins() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let mut input = appoint(p1, "FAST_VARDKONTAKT", s2);
    input["validFrom"] = json!((app.clock.now() + TimeDelta::days(1)).to_rfc3339());
    act(&app, &s1.identity, "contactAppoint", CONTACT, input).await.ok();
    let query = "{ me { fixedCareContact { name } contacts { name } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.at("/me"), &json!({ "fixedCareContact": null, "contacts": [] }));
    app.clock.advance(TimeDelta::days(1));
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(seen.text("/me/fixedCareContact/name"), "Sven Exempel");
}

#[tokio::test]
async fn staff_whose_assignment_has_not_begun_cannot_be_appointed() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let later = assignment::ActiveModel {
        id: Set(s2.assignment),
        valid_from: Set(app.clock.now() + TimeDelta::days(1)),
        ..Default::default()
    };
    later.update(app.core.db.reader()).await.unwrap();
    let answer =
        act(&app, &s1.identity, "contactAppoint", CONTACT, appoint(p1, "FAST_VARDKONTAKT", s2)).await;
    assert_eq!(answer.user_error_codes("contactAppoint"), ["NOT_FOUND"]);
}

const PREFERENCES: &str = "preferences { kind channel optedIn }";

fn choices(patient: Option<&TestPatient>, mail: &str, yes: bool) -> Value {
    json!({
        "patientId": patient.map(TestPatient::global_id),
        "choices": [{ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": yes, "textShown": "Mån 1 mars kl. 09.00" }],
        "contactWays": { "mail": mail },
    })
}

#[tokio::test]
async fn staff_of_another_provider_cannot_overwrite_addresses_and_choices_that_they_cannot_see() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s1, p1).await;
    relate(&app.core, s3, p1).await;
    act(&app, &p1.identity, "reminderPreferencesSet", PREFERENCES, choices(None, "etta@exempel.se", true))
        .await
        .ok();
    let stored = async || {
        let db = app.core.db.reader();
        let ways = contact_way::Entity::find().all(db).await.unwrap();
        (ways, reminder_preference::Entity::find().all(db).await.unwrap())
    };
    let before = stored().await;
    let input = choices(Some(p1), "annan@exempel.se", false);
    let answer = act(&app, &s3.identity, "reminderPreferencesSet", PREFERENCES, input.clone()).await;
    assert_eq!(answer.user_error_codes("reminderPreferencesSet"), ["NOT_FOUND"]);
    assert_eq!(answer.at("/reminderPreferencesSet/preferences"), &json!([]));
    assert_eq!(stored().await, before);
    // Those of the patient's own provider may record them.
    act(&app, &s1.identity, "reminderPreferencesSet", PREFERENCES, input).await.ok();
    let (ways, preferences) = stored().await;
    assert_eq!((ways[0].row_version, preferences[0].opted_in), (2, false));
}

#[tokio::test]
async fn a_changed_address_or_choice_is_in_the_history_as_it_was_and_as_it_became() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let say = async |mail, yes| {
        act(&app, &p1.identity, "reminderPreferencesSet", PREFERENCES, choices(None, mail, yes)).await.ok();
        app.clock.advance(TimeDelta::minutes(1));
    };
    say("etta@exempel.se", true).await;
    say("etta@exempel.se", true).await;
    say("ny@exempel.se", false).await;
    let entries = change_entry::Entity::find()
        .filter(change_entry::Column::Action.eq("reminderPreferencesSet"))
        .order_by_asc(change_entry::Column::Id)
        .all(app.core.db.reader())
        .await
        .unwrap();
    let open = |column, entry: &change_entry::Model, sealed: &Option<entity::Sealed>| {
        let text = app.core.keys.open_opt(Place::new(column, entry.id.0), sealed.as_ref()).unwrap();
        text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
    };
    let told: Vec<(&str, Value, Value)> = entries
        .iter()
        .map(|entry| {
            let field = if entry.subject_kind == "contact_way" { "address" } else { "optedIn" };
            let before = open("change_entry.before", entry, &entry.before)[field].clone();
            let after = open("change_entry.after", entry, &entry.after)[field].clone();
            (entry.subject_kind.as_str(), before, after)
        })
        .collect();
    // The second time nothing changed.
    assert_eq!(
        told,
        [
            ("contact_way", Value::Null, json!("etta@exempel.se")),
            ("reminder_preference", Value::Null, json!(true)),
            ("contact_way", json!("etta@exempel.se"), json!("ny@exempel.se")),
            ("reminder_preference", json!(true), json!(false)),
        ]
    );
    assert_eq!(
        (entries[0].subject_id, entries[1].subject_id),
        (entries[2].subject_id, entries[3].subject_id)
    );
    assert!(entries.iter().all(|entry| entry.by_id == p1.id.0));
}
