//! Question batteries: answered before a meeting or on the patient's behalf, put right without losing what was said,
//! and the yes that asks for a fast vårdkontakt.

use chrono::TimeDelta;
use entity::{
    BatteryAnswerSetId, battery_answer, battery_answer_set, change_entry, domain_event, question_battery,
    task::{self, Kind, Status},
};
use harness::{Staff, TestApp, TestPatient, relate};
use patientkontrakt::{crypto::Place, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::acts::{act, active, draft, global, row};

pub(crate) const SET: &str = "batteryAnswers { id channel by answeredAt recordedAt agreementVersionId correctsId correctedById \
     careUnit { name } battery { key version title isShipped } \
     answers { question { key number text } choice text comment } }";

/// The eight questions, these lines of them.
fn eight(lines: &Value) -> Value {
    json!({ "battery": "eight-questions", "version": 1, "answers": lines })
}

pub(crate) fn on_behalf_of(patient: &TestPatient, channel: &str, mut input: Value) -> Value {
    input["patientId"] = json!(patient.global_id());
    input["channel"] = json!(channel);
    input
}

pub(crate) fn wants_help(answer: &str) -> Value {
    eight(&json!([{ "question": "hjalp-att-samordna", "choice": answer }]))
}

pub(crate) async fn contact_tasks(app: &TestApp) -> Vec<task::Model> {
    let tasks = task::Entity::find().filter(task::Column::Kind.eq(Kind::AppointContact));
    tasks.all(app.core.db.reader()).await.unwrap()
}

/// The questions as they are asked, in the language of the reader; Swedish wording exactly as given is tested with
/// the files.
#[tokio::test]
async fn the_batteries_are_asked_in_both_languages_and_cost_no_statement() {
    let app = TestApp::new().await;
    let query = "{ questionBatteries { key version title isShipped questions { number key text answerKind \
         yesAsksForContact indicator { name targetPercent } } } questionBattery(key: \"pulse\") { source } \
         unknown: questionBattery(key: \"seven-questions\") { key } }";
    let p1 = &app.world.p1.identity;
    app.run(p1, "{ questionBatteries { key } }", json!({})).await.ok();
    let (answer, statements) = app.statements(app.run(p1, query, json!({}))).await;
    let answer = answer.ok();
    assert!(statements.is_empty(), "{statements:#?}");
    let keys: Vec<&Value> =
        answer.at("/questionBatteries").as_array().unwrap().iter().map(|b| &b["key"]).collect();
    assert_eq!(keys, ["eight-questions", "five-questions", "pulse"]);
    assert_eq!(
        answer.at("/questionBatteries/0/questions/7"),
        &json!({
            "number": 8, "key": "hjalp-att-samordna", "text": "Vill du ha hjälp att samordna din vård?",
            "answerKind": "YES_NO", "yesAsksForContact": true, "indicator": null,
        })
    );
    assert_eq!(
        answer.at("/questionBatteries/2/questions/3/indicator"),
        &json!({ "name": "Förtroende", "targetPercent": 90 })
    );
    assert!(answer.text("/questionBattery/source").contains("NPE"));
    assert!(answer.at("/unknown").is_null());
    let anonymous = app.run_anonymous("{ questionBatteries { key } }").await;
    assert_eq!(anonymous.error_codes(), ["UNAUTHENTICATED"]);
}

/// Answers belong to the patient (before a meeting, from the phone) and to an agreement version.
#[tokio::test]
async fn a_patient_answers_before_a_meeting_and_the_answers_belong_to_the_version_in_force() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let plan = active(&app, s1, p1).await;
    let input = eight(&json!([
        { "question": "nasta-steg", "choice": "NO", "comment": "Jag väntar på besked" },
        { "question": "viktigt", "text": "Att orka gå ut" },
    ]));
    let answer = act(&app, &p1.identity, "batteryAnswer", SET, input).await.ok();
    let set = answer.at("/batteryAnswer/batteryAnswers").clone();
    assert_eq!(set["agreementVersionId"], json!(plan.version));
    assert_eq!((set["channel"].as_str(), set["by"].as_str()), (Some("WEB"), Some("PATIENT")));
    assert_eq!(set["careUnit"]["name"], "Vårdcentralen Granen");
    assert_eq!(
        set["answers"],
        json!([
            { "question": { "key": "viktigt", "number": 1, "text": "Vad är viktigt för dig?" },
              "choice": null, "text": "Att orka gå ut", "comment": null },
            { "question": { "key": "nasta-steg", "number": 6, "text": "Vet du ditt nästa steg?" },
              "choice": "NO", "text": null, "comment": "Jag väntar på besked" },
        ])
    );
    // What was written is sealed; who, when and what is in the history, and subscribers are told.
    let db = app.core.db.reader();
    let id = BatteryAnswerSetId(row(set["id"].as_str().unwrap()));
    let lines = battery_answer::Entity::find().all(db).await.unwrap();
    assert!(lines.iter().all(|l| l.answer_set_id == id && l.patient_id == p1.id));
    let told = change_entry::Entity::find()
        .filter(change_entry::Column::Action.eq("batteryAnswer"))
        .one(db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((told.subject_id, told.by_id), (id.0, p1.id.0));
    let after =
        app.core.keys.open(Place::new("change_entry.after", told.id.0), &told.after.unwrap()).unwrap();
    assert!(after.contains("Att orka gå ut"), "{after}");
    let events = domain_event::Entity::find().filter(domain_event::Column::Kind.eq("battery.answered"));
    assert_eq!(events.count(db).await.unwrap(), 1);
    // The same node by its id, for the patient and for staff of the unit; not for others.
    let query = "query($id: ID!) { node(id: $id) { ... on BatteryAnswerSet { answers { text } } } }";
    for who in [&p1.identity, &s1.identity] {
        let seen = app.run(who, query, json!({ "id": set["id"] })).await.ok();
        assert_eq!(seen.text("/node/answers/0/text"), "Att orka gå ut");
    }
    for who in [&app.world.p2.identity, &app.world.s2.identity, &app.world.s3.identity] {
        assert!(app.run(who, query, json!({ "id": set["id"] })).await.ok().at("/node").is_null());
    }
}

/// Answers taken by staff by phone on the patient's behalf, with the channel on record.
#[tokio::test]
async fn staff_take_answers_by_phone_and_say_so() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = json!({ "battery": "five-questions", "version": 1,
        "answers": [{ "question": "overblick", "choice": "PARTLY", "comment": "Ibland" }] });
    let mut silent = input.clone();
    silent["patientId"] = json!(p1.global_id());
    let refused = act(&app, &s1.identity, "batteryAnswer", SET, silent).await;
    assert_eq!(refused.text("/batteryAnswer/userErrors/0/field"), "channel");
    let answer = act(&app, &s1.identity, "batteryAnswer", SET, on_behalf_of(p1, "PHONE", input)).await.ok();
    let set = answer.at("/batteryAnswer/batteryAnswers").clone();
    assert_eq!((set["channel"].as_str(), set["by"].as_str()), (Some("PHONE"), Some("STAFF")));
    assert!(set["agreementVersionId"].is_null());
    let mine = app
        .run(
            &p1.identity,
            "{ me { batteryAnswers { nodes { channel by answers { comment } } } } }",
            json!({}),
        )
        .await
        .ok();
    assert_eq!(
        mine.at("/me/batteryAnswers/nodes"),
        &json!([{ "channel": "PHONE", "by": "STAFF", "answers": [{ "comment": "Ibland" }] }])
    );
}

#[tokio::test]
async fn everything_wrong_with_the_answers_is_told_at_once_and_nothing_is_kept() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let mut input = eight(&json!([
        { "question": "viktigt", "choice": "YES" },
        { "question": "nasta-steg", "choice": "PARTLY" },
        { "question": "eget", "text": "?" },
    ]));
    input["channel"] = json!("PAPER");
    let answer = act(&app, &p1.identity, "batteryAnswer", SET, input).await;
    let fields: Vec<&Value> =
        answer.at("/batteryAnswer/userErrors").as_array().unwrap().iter().map(|e| &e["field"]).collect();
    assert_eq!(fields, ["answers.0.choice", "answers.1.choice", "answers.2.question", "channel"]);
    let unknown = json!({ "battery": "seven-questions", "version": 1, "answers": [] });
    let answer = act(&app, &p1.identity, "batteryAnswer", SET, unknown).await;
    assert_eq!(answer.user_error_codes("batteryAnswer"), ["NOT_FOUND"]);
    let mut old = wants_help("NO");
    old["version"] = json!(2);
    let answer = act(&app, &p1.identity, "batteryAnswer", SET, old).await;
    assert_eq!(answer.user_error_codes("batteryAnswer"), ["CONFLICT"]);
    assert_eq!(battery_answer_set::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
}

#[tokio::test]
async fn the_same_key_answers_once() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let mut input = wants_help("YES");
    input["idempotencyKey"] = json!("en-gång");
    let first = act(&app, &p1.identity, "batteryAnswer", SET, input.clone()).await.ok();
    let second = act(&app, &p1.identity, "batteryAnswer", SET, input).await.ok();
    assert_eq!(first.body, second.body);
    assert_eq!(battery_answer_set::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);
    assert_eq!(contact_tasks(&app).await.len(), 1);
}

/// A correction is a new set of answers, and the original is kept.
#[tokio::test]
async fn a_correction_keeps_the_original_and_each_is_corrected_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    draft(&app, s1, p1).await;
    let input = eight(&json!([{ "question": "viktigt", "text": "Hunden" }]));
    let first = act(&app, &p1.identity, "batteryAnswer", SET, input).await.ok();
    let first = first.at("/batteryAnswer/batteryAnswers").clone();
    app.clock.advance(TimeDelta::days(1));
    let mut right = eight(&json!([{ "question": "viktigt", "text": "Katten" }]));
    right["correctsId"] = first["id"].clone();
    let input = on_behalf_of(p1, "PHONE", right.clone());
    let second = act(&app, &s1.identity, "batteryAnswer", SET, input.clone()).await.ok();
    let second = second.at("/batteryAnswer/batteryAnswers").clone();
    assert_eq!(second["correctsId"], first["id"]);
    assert_eq!(second["answeredAt"], first["answeredAt"]);
    assert_eq!(second["agreementVersionId"], first["agreementVersionId"]);
    assert_ne!(second["recordedAt"], first["recordedAt"]);
    let again = act(&app, &p1.identity, "batteryAnswer", SET, right.clone()).await;
    assert_eq!(again.user_error_codes("batteryAnswer"), ["CONFLICT"]);

    let query = "{ me { batteryAnswers { nodes { id correctedById answers { text } } } \
         latest: batteryAnswers(latestOnly: true) { nodes { id answers { text } } } } }";
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(
        seen.at("/me/batteryAnswers/nodes"),
        &json!([
            { "id": second["id"], "correctedById": null, "answers": [{ "text": "Katten" }] },
            { "id": first["id"], "correctedById": second["id"], "answers": [{ "text": "Hunden" }] },
        ])
    );
    assert_eq!(
        seen.at("/me/latest/nodes"),
        &json!([{ "id": second["id"], "answers": [{ "text": "Katten" }] }])
    );
    // From what to what.
    let entry = change_entry::Entity::find()
        .filter(change_entry::Column::SubjectId.eq(row(second["id"].as_str().unwrap())))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    let open = |column, sealed: Option<entity::Sealed>| {
        app.core.keys.open(Place::new(column, entry.id.0), &sealed.unwrap()).unwrap()
    };
    assert!(open("change_entry.before", entry.before).contains("Hunden"));
    assert!(open("change_entry.after", entry.after).contains("Katten"));
}

#[tokio::test]
async fn only_answers_to_the_same_questions_of_the_same_patient_can_be_corrected() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    relate(&app.core, s1, p1).await;
    relate(&app.core, s1, p2).await;
    let first = act(&app, &p1.identity, "batteryAnswer", SET, wants_help("NO")).await.ok();
    let id = first.text("/batteryAnswer/batteryAnswers/id");
    let mut other = json!({ "battery": "pulse", "version": 1,
        "answers": [{ "question": "information", "choice": "YES" }] });
    other["correctsId"] = json!(id);
    let answer = act(&app, &p1.identity, "batteryAnswer", SET, other).await;
    assert_eq!(answer.user_error_codes("batteryAnswer"), ["BAD_USER_INPUT"]);
    let mut foreign = wants_help("NO");
    foreign["correctsId"] = json!(id);
    let answer = act(&app, &p2.identity, "batteryAnswer", SET, foreign.clone()).await;
    assert_eq!(answer.user_error_codes("batteryAnswer"), ["NOT_FOUND"]);
    let answer = act(&app, &s1.identity, "batteryAnswer", SET, on_behalf_of(p2, "PHONE", foreign)).await;
    assert_eq!(answer.user_error_codes("batteryAnswer"), ["NOT_FOUND"]);
}

/// **R** yes on 8 opens a task to appoint a fast vårdkontakt at a suitable provider: the patient's own unit.
#[tokio::test]
async fn yes_on_the_eighth_question_opens_a_task_to_appoint_a_contact_at_the_patients_own_unit() {
    let app = TestApp::new().await;
    let (s2, p1) = (&app.world.s2, &app.world.p1);
    act(&app, &p1.identity, "batteryAnswer", SET, wants_help("NO")).await.ok();
    assert!(contact_tasks(&app).await.is_empty());
    act(&app, &p1.identity, "batteryAnswer", SET, wants_help("YES")).await.ok();
    let tasks = contact_tasks(&app).await;
    assert_eq!(tasks.len(), 1);
    let task = &tasks[0];
    assert_eq!((task.patient_id, task.care_unit_id, task.status), (p1.id, p1.unit, Status::Open));
    // Monday 1 February: within five working days.
    let due = "2027-02-09T00:00:00+01:00".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(task.due_at, due);
    // It is a request of the patient's, which care cannot close: only an appointment or the patient ends it.
    let words =
        json!({ "taskId": global(NodeKind::Task, task.id), "words": "Klart", "expectedRowVersion": 1 });
    let closed = act(&app, &app.world.s1.identity, "taskEnd", "task { id }", words).await;
    assert_eq!(closed.user_error_codes("taskEnd"), ["WRONG_STATE"]);
    // Asked again, or told to another unit by phone: it is the same wish.
    relate(&app.core, s2, p1).await;
    act(&app, &s2.identity, "batteryAnswer", SET, on_behalf_of(p1, "PHONE", wants_help("YES"))).await.ok();
    assert_eq!(contact_tasks(&app).await.len(), 1);
    let seen = app.run(&p1.identity, "{ me { contactRequests { id role why rowVersion } } }", json!({}));
    let seen = seen.await.ok();
    let requests = seen.at("/me/contactRequests").as_array().unwrap().clone();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["role"], "FAST_VARDKONTAKT");
    assert!(requests[0]["why"].as_str().unwrap().contains("hjälp att samordna din vård"));
    let back = json!({ "requestId": requests[0]["id"], "expectedRowVersion": 1 });
    act(&app, &p1.identity, "contactRequestWithdraw", "request { id }", back).await.ok();
    assert_eq!(contact_tasks(&app).await[0].status, Status::Withdrawn);
}

/// **R** yes on 8 opens the task, and where the patient has a fast vårdkontakt, that contact hears of it.
#[tokio::test]
async fn yes_on_the_eighth_question_opens_no_task_for_a_patient_who_has_a_contact() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = |staff: &Staff| {
        json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT",
                "person": { "assignmentId": global(NodeKind::Assignment, staff.assignment) } })
    };
    act(&app, &s1.identity, "contactAppoint", "contact { id }", input(s1)).await.ok();
    act(&app, &p1.identity, "batteryAnswer", SET, wants_help("YES")).await.ok();
    assert!(contact_tasks(&app).await.is_empty());
    // It is not without effect: the contact is to get in touch.
    let signals = entity::task::Entity::find()
        .filter(entity::task::Column::Kind.eq(entity::task::Kind::PlanSignal))
        .all(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!((signals.len(), signals[0].assignee_id), (1, Some(s1.assignment)));
}

/// **R** nor where another care provider has given one, which nobody here can know.
#[tokio::test]
async fn yes_on_the_eighth_question_opens_the_task_where_only_another_care_provider_has_a_contact() {
    let app = TestApp::new().await;
    let (s3, p1) = (&app.world.s3, &app.world.p1);
    relate(&app.core, s3, p1).await;
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_VARDKONTAKT",
                        "person": { "assignmentId": global(NodeKind::Assignment, s3.assignment) } });
    act(&app, &s3.identity, "contactAppoint", "contact { id }", input).await.ok();
    act(&app, &p1.identity, "batteryAnswer", SET, wants_help("YES")).await.ok();
    let opened = contact_tasks(&app).await;
    assert_eq!((opened.len(), opened[0].care_unit_id), (1, p1.unit));
}

/// The history, newest first, in pages; the latest to each battery; one statement for one row and for many.
#[tokio::test]
async fn the_history_of_answers_comes_newest_first_in_pages_for_one_statement() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let pulse = |choice: &str| json!({ "battery": "pulse", "version": 1, "answers": [{ "question": "information", "choice": choice }] });
    for input in [pulse("NO"), wants_help("NO"), pulse("PARTLY"), pulse("YES")] {
        act(&app, &p1.identity, "batteryAnswer", SET, input).await.ok();
        app.clock.advance(TimeDelta::hours(1));
    }
    let query = "query($after: String, $battery: String, $latest: Boolean!) { me { givenName \
         batteryAnswers(first: 2, after: $after, battery: $battery, latestOnly: $latest) { \
         pageInfo { hasNextPage endCursor } nodes { battery { key title } answers { choice question { text } } } } } }";
    let seen = |answer: &harness::Answer| -> Vec<String> {
        let nodes = answer.at("/me/batteryAnswers/nodes").as_array().unwrap().clone();
        let text =
            |n: &Value| format!("{} {}", n["battery"]["key"], n["answers"][0]["choice"]).replace('"', "");
        nodes.iter().map(text).collect()
    };
    let ask = async |after: Value, battery: Value, latest: bool| {
        let variables = json!({ "after": after, "battery": battery, "latest": latest });
        app.run(&p1.identity, query, variables).await.ok()
    };
    ask(Value::Null, Value::Null, false).await;
    let (first, statements) = app.statements(ask(Value::Null, Value::Null, false)).await;
    assert_eq!(seen(&first), ["pulse YES", "pulse PARTLY"]);
    // The patient, and all the answers.
    assert_eq!(statements.len(), 2, "{statements:#?}");
    let second = ask(first.at("/me/batteryAnswers/pageInfo/endCursor").clone(), Value::Null, false).await;
    assert_eq!(seen(&second), ["eight-questions NO", "pulse NO"]);
    assert_eq!(second.at("/me/batteryAnswers/pageInfo/hasNextPage"), &json!(false));
    assert_eq!(seen(&ask(Value::Null, Value::Null, true).await), ["pulse YES", "eight-questions NO"]);
    assert_eq!(seen(&ask(Value::Null, json!("eight-questions"), false).await), ["eight-questions NO"]);
    // Staff of the unit see them too; another unit's staff nothing.
    let query = "query($n: PersonalIdentityNumber!) { patient(number: $n, reason: \"besök\") { \
         batteryAnswers { nodes { id } } } }";
    let seen = app.run(&s1.identity, query, json!({ "n": p1.number })).await.ok();
    assert_eq!(seen.at("/patient/batteryAnswers/nodes").as_array().unwrap().len(), 4);
    assert!(app.run(&s2.identity, query, json!({ "n": p1.number })).await.ok().at("/patient").is_null());
}

const OWN: &str = "key = \"own\"\nversion = 1\ntitle.sv = \"Egna\"\ntitle.en = \"Own\"\npurpose.sv = \"Till samtalet\"\n\
     purpose.en = \"For the conversation\"\n[[questions]]\nkey = \"hur\"\nanswer = \"yes_no\"\nsv = \"Mår du bra?\"\n\
     en = \"Are you well?\"\n";

/// A region adds its own battery as data.
#[tokio::test]
async fn a_region_asks_its_own_questions_and_answers_outlive_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("batteries/own.toml");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, OWN).unwrap();
    let path = directory.path().display().to_string();
    let app = TestApp::with(&[("content.directory", path.as_str())]).await;
    let p1 = app.world.p1.identity.clone();
    let input =
        json!({ "battery": "own", "version": 1, "answers": [{ "question": "hur", "choice": "YES" }] });
    let answer = act(&app, &p1, "batteryAnswer", SET, input.clone()).await.ok();
    assert_eq!(answer.at("/batteryAnswer/batteryAnswers/battery/isShipped"), &json!(false));
    let kept = question_battery::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert!(kept.definition.contains("Mår du bra?"));

    // An answered version never changes: the service does not start with another text under its number.
    std::fs::write(&file, OWN.replace("Mår du bra?", "Hur mår du?")).unwrap();
    let refusal = patientkontrakt::app::library(&app.config, &app.core.db).await.unwrap_err().to_string();
    assert!(refusal.contains("own.toml line 1: version 1 of \"own\" has been answered"), "{refusal}");

    // Without the file the answers still say what was asked; it only costs a statement more.
    std::fs::remove_file(&file).unwrap();
    let library = patientkontrakt::app::library(&app.config, &app.core.db).await.unwrap();
    let without = app.with_library(library);
    let query = "{ me { batteryAnswers { nodes { answers { question { text } choice } } } } }";
    let seen = without.run(&p1, query, json!({})).await.ok();
    assert_eq!(
        seen.at("/me/batteryAnswers/nodes/0/answers"),
        &json!([{ "question": { "text": "Mår du bra?" }, "choice": "YES" }])
    );
    let answer = act(&without, &p1, "batteryAnswer", SET, input).await;
    assert_eq!(answer.user_error_codes("batteryAnswer"), ["NOT_FOUND"]);
}
