//! Representatives (ombud), and young people: within their rights, as long as they hold, and never a step further.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AccessAssessmentId, PatientId, access_assessment,
    access_event::{ActorKind, Outcome},
    patient, representative,
    representative::Kind,
};
use harness::{Answer, Ombud, TestApp, TestPatient, child, represent};
use patientkontrakt::{crypto::Place, graphql::scalars::NodeKind};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};

use super::situation::{
    ME, Situation, assert_nothing_of, assert_unchanged, document, global, log_length, logged, mutations,
    random, rows_about, tables,
};

const EVERYTHING: &str = r#"{"AGREEMENT":"ACT","BOOKING":"ACT","MESSAGES":"ACT","CONTACTS":"ACT"}"#;
const NUMBER: &str = "197001012388";

/// The fields of `me` that are in an area, with what shows that there is something in it.
const AREAS: [(&str, &[&str]); 4] = [
    (
        "AGREEMENT",
        &[
            "agreement { id title: status }",
            "nextSteps { patient { title } }",
            "parts { part }",
            "timeline { nodes { title } }",
            "agreements { totalCount }",
            "agreementOffers { id }",
            "agreementRequests { id }",
            "batteryAnswers { totalCount }",
            "progressNotes { totalCount }",
        ],
    ),
    ("BOOKING", &["appointments { nodes { id } }", "nextAppointment { id }"]),
    ("MESSAGES", &["threads { nodes { subject messages { nodes { body } } } }"]),
    ("CONTACTS", &["contacts { name }", "fixedCareContact { name }", "whoToContact { name phone }"]),
];

async fn run(app: &TestApp, who: &Ombud, of: &TestPatient, query: &str, variables: Value) -> Answer {
    app.run_for(&who.identity, &of.global_id(), query, variables).await
}

async fn act(app: &TestApp, who: &Ombud, of: &TestPatient, mutation: &str, mut input: Value) -> Answer {
    input["idempotencyKey"] = json!(uuid::Uuid::new_v4().to_string());
    run(app, who, of, &document(mutation), json!({ "input": input })).await
}

fn assert_turned_away(answer: &Answer) {
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(answer.body["errors"][0]["message"], "Du kan inte agera för den här patienten.");
    assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
    assert!(answer.body.get("data").is_none_or(Value::is_null), "{}", answer.body);
}

async fn born(app: &TestApp, of: &TestPatient) -> chrono::NaiveDate {
    let db = app.core.db.reader();
    patient::Entity::find_by_id(of.id).one(db).await.unwrap().unwrap().birth_date
}

fn local(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

/// A31: a guardian is served for a child under the age limit, and the log says for whom they acted.
#[tokio::test]
async fn a_guardian_reaches_the_child_and_the_log_says_for_whom() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201403012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, NUMBER, EVERYTHING, true).await;
    let before = log_length(&app).await;
    let answer = run(&app, &g1, &c1, "{ me { id givenName } }", json!({})).await.ok();
    assert_eq!(answer.text("/me/id"), c1.global_id());
    let new = logged(&app, before).await;
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0].patients, [c1.id]);
    let event = &new[0].event;
    assert_eq!((event.actor_kind, event.actor_id), (ActorKind::Representative, Some(g1.id.0)));
    assert_eq!((event.acting_for, event.outcome), (Some(c1.id), Outcome::Allowed));
}

/// A32. R: a guardian's access ends on the child's 13th birthday, at 00:00 Swedish time.
#[tokio::test]
async fn a_guardians_access_ends_at_midnight_of_the_childs_thirteenth_birthday() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201403012388").await;
    assert_eq!(born(&app, &c1).await.to_string(), "2014-03-01");
    let g1 = represent(&app.core, &c1, Kind::Guardian, NUMBER, EVERYTHING, true).await;
    app.clock.set(local("2027-02-28T23:59:59+01:00"));
    run(&app, &g1, &c1, "{ me { id } }", json!({})).await.ok();
    app.clock.set(local("2027-03-01T00:00:00+01:00"));
    let before = log_length(&app).await;
    let answer = run(&app, &g1, &c1, "{ me { id } }", json!({})).await;
    assert_turned_away(&answer);
    assert_nothing_of(&c1, &answer);
    let new = logged(&app, before).await;
    assert_eq!(new.len(), 1);
    assert_eq!((new[0].event.outcome, new[0].event.acting_for), (Outcome::Denied, None));
    assert!(new[0].patients.is_empty());
}

/// R: the young person books and messages from 13 and reads the plan from 16.
#[tokio::test]
async fn a_young_person_books_from_thirteen_and_reads_the_plan_from_sixteen() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201403012388").await;
    let me = "{ me { id agreement { id } appointments { totalCount } threads { totalCount } } }";
    let answer = app.run(&c1.identity, me, json!({})).await;
    assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
    assert!(answer.at("/me").is_null());
    app.clock.set(local("2027-03-01T00:00:00+01:00"));
    let answer = app.run(&c1.identity, me, json!({})).await;
    assert_eq!(answer.error_codes(), ["FORBIDDEN"]);
    assert_eq!(answer.at("/me/appointments/totalCount"), 0);
    assert_eq!(answer.at("/me/threads/totalCount"), 0);
    app.clock.set(local("2030-02-28T23:59:59+01:00"));
    assert_eq!(app.run(&c1.identity, me, json!({})).await.error_codes(), ["FORBIDDEN"]);
    app.clock.set(local("2030-03-01T00:00:00+01:00"));
    // The token of the test does not last so long: the rule is asked directly.
    let rights = patientkontrakt::domain::representative::rules::own_rights(
        born(&app, &c1).await,
        &[],
        &app.core.settings.ages,
        app.clock.now(),
    );
    assert_eq!(rights, None);
}

/// A34. R: a representative sees their principal's data within scope: one area opens its own fields and no other's.
#[tokio::test]
async fn each_area_opens_its_own_fields_and_no_other() {
    let s = Situation::new().await;
    for (area, _) in AREAS {
        let o1 = represent(
            &s.app.core,
            &s.two.patient,
            Kind::Relative,
            NUMBER,
            &format!("{{\"{area}\":\"READ\"}}"),
            false,
        )
        .await;
        for (of, fields) in AREAS {
            for field in fields {
                let query = format!("{{ me {{ id {field} }} }}");
                let answer = run(&s.app, &o1, &s.two.patient, &query, json!({})).await;
                assert_eq!(answer.text("/me/id"), s.two.patient.global_id());
                let name = field.split(' ').next().unwrap();
                let value = answer.at(&format!("/me/{name}"));
                if of == area {
                    assert!(answer.error_codes().is_empty(), "{area}: {field}: {}", answer.body);
                    assert!(!value.is_null(), "{area}: {field}");
                } else {
                    assert_eq!(answer.error_codes(), ["FORBIDDEN"], "{area}: {field}");
                    assert!(value.is_null(), "{area}: {field}: {}", answer.body);
                    assert_nothing_of(&s.two.patient, &answer);
                }
            }
        }
        withdraw(&s.app, &o1).await;
    }
}

/// What anybody who reaches a patient sees of them.
const OF_ANYBODY: [&str; 7] =
    ["id", "givenName", "familyName", "birthDate", "language", "protectedIdentity", "careUnit"];

/// Every other field that an area opens; what stands in neither list is closed to representatives.
const OPENED: [(&str, &[&str]); 4] = [
    (
        "AGREEMENT",
        &[
            "agreement",
            "agreementOffers",
            "agreementRequests",
            "agreements",
            "batteryAnswers",
            "nextSteps",
            "parts",
            "progressNotes",
            "timeline",
        ],
    ),
    (
        "BOOKING",
        &[
            "appointmentClashes",
            "appointmentHistory",
            "appointments",
            "bundlingSuggestions",
            "guardianReminders",
            "needs",
            "nextAppointment",
            "reminderTexts",
            "slotHolds",
            "timeWishes",
        ],
    ),
    ("MESSAGES", &["threads"]),
    (
        "CONTACTS",
        &[
            "contactOffers",
            "contactRequests",
            "contacts",
            "fixedCareContact",
            "pastContacts",
            "plannedContacts",
            "whoToContact",
        ],
    ),
];

/// Every field of a patient, with the least that has to be asked with it.
async fn fields_of_a_patient() -> Vec<(String, String)> {
    let schema = crate::surface::introspection().await;
    let types = schema["__schema"]["types"].as_array().unwrap();
    let kind_of = |name: &Value| types.iter().find(|ty| ty["name"] == *name).unwrap()["kind"].clone();
    let patient = types.iter().find(|ty| ty["name"] == "Patient").unwrap();
    let fields = patient["fields"].as_array().unwrap();
    let asked = |field: &Value| {
        let name = field["name"].as_str().unwrap().to_owned();
        let with = match name.as_str() {
            "appointmentHistory" => "(appointmentId: \"apt_x\")",
            "reminderTexts" => "(kind: APPOINTMENT, channel: MAIL)",
            _ => "",
        };
        let mut ty = &field["type"];
        while ty["name"].is_null() {
            ty = &ty["ofType"];
        }
        let selection = if kind_of(&ty["name"]) == "OBJECT" { " { __typename }" } else { "" };
        (name.clone(), format!("{name}{with}{selection}"))
    };
    fields.iter().map(asked).collect()
}

/// A34. R: no field of a patient is forgotten: each belongs to one area, or is closed, and what is closed is null with
/// FORBIDDEN and never an empty list.
#[tokio::test]
async fn every_field_of_a_patient_belongs_to_an_area_or_is_closed() {
    let s = Situation::new().await;
    let fields = fields_of_a_patient().await;
    let selection: Vec<&str> = fields.iter().map(|(_, asked)| asked.as_str()).collect();
    let query = format!("{{ me {{ {} }} }}", selection.join(" "));
    for (area, opened) in OPENED {
        let rights = format!("{{\"{area}\":\"READ\"}}");
        let o1 = represent(&s.app.core, &s.two.patient, Kind::Relative, NUMBER, &rights, false).await;
        let answer = run(&s.app, &o1, &s.two.patient, &query, json!({})).await;
        let errors = answer.body["errors"].as_array().unwrap();
        let forbidden: BTreeSet<&str> = errors
            .iter()
            .filter(|error| error["extensions"]["code"] == "FORBIDDEN")
            .map(|error| error["path"][1].as_str().unwrap())
            .collect();
        for (name, _) in &fields {
            let open = OF_ANYBODY.contains(&name.as_str()) || opened.contains(&name.as_str());
            assert_eq!(forbidden.contains(name.as_str()), !open, "{area}: {name}");
            if !open {
                assert!(answer.at(&format!("/me/{name}")).is_null(), "{area}: {name}");
            }
        }
        withdraw(&s.app, &o1).await;
    }
}

/// A34: every id of what is out of scope is denied, and every act beyond the rights changes nothing.
#[tokio::test]
async fn a_representative_for_bookings_alone_reaches_nothing_else_by_any_id_or_act() {
    let s = Situation::new().await;
    let of = &s.two.patient;
    let o1 = represent(&s.app.core, of, Kind::Relative, NUMBER, r#"{"BOOKING":"READ"}"#, true).await;
    let node = "query($id: ID!) { node(id: $id) { __typename id ... on Agreement { currentVersion { title } } \
         ... on Goal { text } ... on PlanItem { title } ... on Thread { subject } ... on ThreadMessage { body } \
         ... on CareContact { name } ... on ReminderPreference { textShown } ... on AgreementVersion { title } } }";
    for (kind, row) in rows_about(&s.app, of.id).await {
        let id = global(kind, row);
        let answer = run(&s.app, &o1, of, node, json!({ "id": id })).await;
        if matches!(kind, NodeKind::Appointment | NodeKind::Patient | NodeKind::TimeWish) {
            assert_eq!(answer.ok().text("/node/id"), id);
        } else {
            assert!(answer.at("/node").is_null(), "{kind:?}: {}", answer.body);
            assert_nothing_of(of, &answer);
        }
    }
    let whole = run(&s.app, &o1, of, ME, json!({})).await;
    for hidden in ["agreement", "contacts", "threads", "personalIdentityNumber", "reminderPreferences"] {
        assert!(whole.at(&format!("/me/{hidden}")).is_null(), "{hidden}");
    }
    let before = tables(&s.app).await;
    for (mutation, input) in mutations(&s.two, &s.two.staff) {
        let answer = act(&s.app, &o1, of, mutation, input).await;
        assert_eq!(answer.user_error_codes(mutation), ["FORBIDDEN"], "{mutation}: {}", answer.body);
        assert_nothing_of(of, &answer);
    }
    assert_unchanged(&before, &tables(&s.app).await, "a representative without the right");
}

async fn withdraw(app: &TestApp, who: &Ombud) {
    let row = representative::ActiveModel {
        id: Set(who.id),
        valid_until: Set(Some(app.clock.now())),
        ..Default::default()
    };
    row.update(app.core.db.reader()).await.unwrap();
}

/// A35: a representation that is taken back ends at the next request, though the token is still valid.
#[tokio::test]
async fn a_representation_that_is_taken_back_ends_at_the_next_request() {
    let s = Situation::new().await;
    let of = &s.two.patient;
    let o1 = represent(&s.app.core, of, Kind::Relative, NUMBER, EVERYTHING, false).await;
    run(&s.app, &o1, of, "{ me { id } }", json!({})).await.ok();
    withdraw(&s.app, &o1).await;
    assert_turned_away(&run(&s.app, &o1, of, "{ me { id } }", json!({})).await);
}

/// A36: before it begins and after it ends nobody is let in, and an unknown patient looks the same.
#[tokio::test]
async fn outside_its_time_a_representation_opens_nothing_and_tells_nothing() {
    let s = Situation::new().await;
    let of = &s.two.patient;
    let o1 = represent(&s.app.core, of, Kind::GodMan, NUMBER, EVERYTHING, true).await;
    let now = s.app.clock.now();
    let row = representative::ActiveModel {
        id: Set(o1.id),
        valid_from: Set(now + TimeDelta::days(1)),
        valid_until: Set(Some(now + TimeDelta::days(2))),
        ..Default::default()
    };
    row.update(s.app.core.db.reader()).await.unwrap();
    let early = run(&s.app, &o1, of, ME, json!({})).await;
    assert_turned_away(&early);
    for id in
        [random(NodeKind::Patient), "pat_x".to_owned(), s.one.patient.global_id(), s.two.agreement.clone()]
    {
        let answer = s.app.run_for(&o1.identity, &id, ME, json!({})).await;
        assert_eq!((answer.status, &answer.body), (early.status, &early.body), "{id}");
    }
    s.app.clock.advance(TimeDelta::days(1));
    run(&s.app, &o1, of, "{ me { id } }", json!({})).await.ok();
    s.app.clock.advance(TimeDelta::days(1));
    assert_turned_away(&run(&s.app, &o1, of, ME, json!({})).await);
}

/// Staff and strangers act for nobody.
#[tokio::test]
async fn nobody_acts_for_a_patient_who_has_not_named_them() {
    let s = Situation::new().await;
    let of = s.two.patient.global_id();
    for who in [&s.two.staff.identity, &s.one.patient.identity] {
        assert_turned_away(&s.app.run_for(who, &of, ME, json!({})).await);
    }
    // A patient does not represent themself either: there is nothing to represent.
    assert_turned_away(&s.app.run_for(&s.two.patient.identity, &of, ME, json!({})).await);
}

/// R: protected identity suspends representatives; a named guardian may be re-admitted after assessment. R: death
/// stops representatives at once.
#[tokio::test]
async fn protected_identity_suspends_representatives_until_care_readmits_a_guardian_and_death_ends_them() {
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201403012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, NUMBER, EVERYTHING, true).await;
    let o1 = represent(&app.core, &c1, Kind::GodMan, "196001012388", EVERYTHING, true).await;
    let set = async |row: patient::ActiveModel| row.update(app.core.db.reader()).await.unwrap();
    let one = || patient::ActiveModel { id: Set(c1.id), ..Default::default() };
    set(patient::ActiveModel {
        protected_identity: Set(patient::ProtectedIdentity::Sekretessmarkering),
        ..one()
    })
    .await;
    for who in [&g1, &o1] {
        assert_turned_away(&run(&app, who, &c1, ME, json!({})).await);
        assess(&app, c1.id, who, access_assessment::Decision::Readmit, None).await;
    }
    run(&app, &g1, &c1, "{ me { id } }", json!({})).await.ok();
    assert_turned_away(&run(&app, &o1, &c1, ME, json!({})).await);
    set(patient::ActiveModel {
        protected_identity: Set(patient::ProtectedIdentity::None),
        deceased_on: Set(Some(app.clock.now().date_naive())),
        ..one()
    })
    .await;
    for who in [&g1, &o1] {
        assert_turned_away(&run(&app, who, &c1, ME, json!({})).await);
    }
}

async fn assess(
    app: &TestApp,
    of: PatientId,
    who: &Ombud,
    decision: access_assessment::Decision,
    until: Option<DateTime<Utc>>,
) {
    let id = AccessAssessmentId(app.core.clock.uuid());
    let s1 = &app.world.s1;
    let row = access_assessment::Model {
        id,
        patient_id: of,
        care_unit_id: s1.unit,
        care_provider_id: s1.provider,
        representative_id: Some(who.id),
        decision,
        rights: None,
        may_assent: false,
        until,
        reason: app.core.keys.seal(Place::new("access_assessment.reason", id), "Bedömt").unwrap(),
        assessed_by: s1.assignment,
        at: app.clock.now(),
    };
    row.into_active_model().insert(app.core.db.reader()).await.unwrap();
}

/// R: care may extend or stop a guardian after a documented assessment; the latest decision counts.
#[tokio::test]
async fn care_extends_and_stops_a_guardian_by_assessment() {
    use access_assessment::Decision as D;
    let app = TestApp::new().await;
    let c1 = child(&app.core, &app.world.p1, "201403012388").await;
    let g1 = represent(&app.core, &c1, Kind::Guardian, NUMBER, EVERYTHING, true).await;
    assess(&app, c1.id, &g1, D::Extend, Some(local("2027-06-01T00:00:00+02:00"))).await;
    app.clock.set(local("2027-05-31T12:00:00+02:00"));
    run(&app, &g1, &c1, "{ me { id } }", json!({})).await.ok();
    app.clock.set(local("2027-05-31T13:00:00+02:00"));
    assess(&app, c1.id, &g1, D::Stop, None).await;
    assert_turned_away(&run(&app, &g1, &c1, ME, json!({})).await);
}

/// A39: what a representative does is shown as theirs, by name, and logged as done for the principal.
#[tokio::test]
async fn an_act_of_a_representative_is_shown_as_theirs_and_logged_for_the_principal() {
    let s = Situation::new().await;
    let of = &s.two.patient;
    let o1 = represent(&s.app.core, of, Kind::Relative, NUMBER, EVERYTHING, false).await;
    let before = log_length(&s.app).await;
    let input = json!({ "threadId": s.two.thread, "body": "Hej från ombudet" });
    let sent = act(&s.app, &o1, of, "messageSend", input).await.ok();
    assert_eq!(sent.text("/messageSend/message/authorKind"), "REPRESENTATIVE");
    assert_eq!(sent.text("/messageSend/message/authorName"), "Olle Ombudsson");
    let new = logged(&s.app, before).await;
    let acted = new.iter().find(|l| l.event.action == "messageSend").unwrap();
    assert_eq!((acted.event.actor_kind, acted.event.actor_id), (ActorKind::Representative, Some(o1.id.0)));
    assert_eq!((acted.event.acting_for, acted.patients.as_slice()), (Some(of.id), &[of.id][..]));
    let query =
        "{ me { threads { nodes { messages(first: 1) { nodes { authorName authorKind isOwn } } } } } }";
    let seen = s.app.run(&of.identity, query, json!({})).await.ok();
    let newest = seen.at("/me/threads/nodes/0/messages/nodes/0");
    assert_eq!(newest["authorName"], "Olle Ombudsson");
    assert_eq!(newest["isOwn"], false);
}
