//! Answers that are put right, and what they had asked for.

use entity::{representative::Kind as Ground, task::Status};
use harness::{Staff, TestApp, relate, represent};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::json;

use crate::{
    acts::{act, global},
    battery::{SET, contact_tasks, on_behalf_of, wants_help},
    reminder_consent::for_child,
};

/// The patient's own correction of the yes is their withdrawal; staff who correct what they wrote down take nothing back
/// for the patient: the task says what to ask.
#[tokio::test]
async fn a_yes_that_the_patient_puts_right_to_no_takes_the_request_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let correct = |answer: &harness::Answer, choice: &str| {
        let mut input = wants_help(choice);
        input["correctsId"] = answer.at("/batteryAnswer/batteryAnswers/id").clone();
        input
    };
    let yes = on_behalf_of(p1, "PHONE", wants_help("YES"));
    let yes = act(&app, &s1.identity, "batteryAnswer", SET, yes).await.ok();
    let no = on_behalf_of(p1, "PHONE", correct(&yes, "NO"));
    let no = act(&app, &s1.identity, "batteryAnswer", SET, no).await.ok();
    let open = contact_tasks(&app).await;
    assert_eq!(open[0].status, Status::Open, "care cannot close it");
    let id = global(NodeKind::Task, open[0].id);
    let query = json!({ "query": format!("{{ node(id: \"{id}\") {{ ... on Task {{ note }} }} }}") });
    let token = app.token(&s1.identity);
    for (language, says) in
        [("sv", "Enligt rättade svar vill patienten inte"), ("en", "Corrected answers say that")]
    {
        let read = app.send(Some(&token), &[("accept-language", language)], &query).await.ok();
        assert!(read.text("/node/note").starts_with(says), "{}", read.body);
    }
    let yes = act(&app, &p1.identity, "batteryAnswer", SET, correct(&no, "YES")).await.ok();
    assert_eq!(contact_tasks(&app).await.len(), 1);
    act(&app, &p1.identity, "batteryAnswer", SET, correct(&yes, "NO")).await.ok();
    assert_eq!(contact_tasks(&app).await[0].status, Status::Withdrawn);
    let seen = app.run(&p1.identity, "{ me { contactRequests { status } } }", json!({})).await.ok();
    assert_eq!(seen.at("/me/contactRequests"), &json!([{ "status": "WITHDRAWN" }]));
}

/// R: only the patient's own withdrawal ends what they asked for: not one of two answers that is put right, nor somebody who
/// has no say about contacts.
#[tokio::test]
async fn a_request_stands_while_another_answer_asks_for_it_and_when_a_representative_without_a_say_corrects()
{
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let friend =
        represent(&app.core, p1, Ground::Relative, "197404042388", r#"{"AGREEMENT":"ACT"}"#, true).await;
    let put_right = |answer: &harness::Answer| {
        let mut input = wants_help("NO");
        input["correctsId"] = answer.at("/batteryAnswer/batteryAnswers/id").clone();
        input
    };
    let first = act(&app, &p1.identity, "batteryAnswer", SET, wants_help("YES")).await.ok();
    let second = act(&app, &p1.identity, "batteryAnswer", SET, wants_help("YES")).await.ok();
    act(&app, &p1.identity, "batteryAnswer", SET, put_right(&first)).await.ok();
    assert_eq!(contact_tasks(&app).await[0].status, Status::Open, "the other answer asks");
    for_child(&app, &friend, p1, "batteryAnswer", SET, put_right(&second)).await.ok();
    assert_eq!(contact_tasks(&app).await[0].status, Status::Open, "they have no say about contacts");
}

/// What another care provider is asked for stands, and is told nothing of what was put right.
#[tokio::test]
async fn a_yes_that_is_put_right_reaches_no_other_care_providers_request() {
    let app = TestApp::new().await;
    let (s1, s3, p1) = (&app.world.s1, &app.world.s3, &app.world.p1);
    relate(&app.core, s3, p1).await;
    act(&app, &p1.identity, "batteryAnswer", SET, wants_help("YES")).await.ok();
    // Listed at another care provider since, and asked again there.
    let moved = entity::patient::ActiveModel {
        id: Set(p1.id),
        care_unit_id: Set(s3.unit),
        care_provider_id: Set(s3.provider),
        ..Default::default()
    };
    moved.update(app.core.db.reader()).await.unwrap();
    let yes = on_behalf_of(p1, "PHONE", wants_help("YES"));
    let yes = act(&app, &s3.identity, "batteryAnswer", SET, yes).await.ok();
    let correct = |answer: &harness::Answer, choice: &str| {
        let mut input = wants_help(choice);
        input["correctsId"] = answer.at("/batteryAnswer/batteryAnswers/id").clone();
        input
    };
    let of = async |staff: &Staff| {
        let tasks = contact_tasks(&app).await;
        tasks.into_iter().find(|task| task.care_provider_id == staff.provider).unwrap()
    };
    let (first, second) = (of(s1).await, of(s3).await);
    let no = on_behalf_of(p1, "PHONE", correct(&yes, "NO"));
    let no = act(&app, &s3.identity, "batteryAnswer", SET, no).await.ok();
    assert_eq!(of(s1).await, first);
    assert_ne!(of(s3).await, second, "the task says what to ask");
    // Nor does the patient's own correction of what they are listed for.
    let yes = act(&app, &p1.identity, "batteryAnswer", SET, correct(&no, "YES")).await.ok();
    act(&app, &p1.identity, "batteryAnswer", SET, correct(&yes, "NO")).await.ok();
    assert_eq!(of(s1).await, first);
    assert_eq!(of(s3).await.status, Status::Withdrawn);
}

/// R: what the task says of the patient's wish is their latest answer.
#[tokio::test]
async fn the_task_asks_nothing_more_when_the_patient_answers_yes_again() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let note = async || {
        let id = global(NodeKind::Task, contact_tasks(&app).await[0].id);
        let query = format!("{{ node(id: \"{id}\") {{ ... on Task {{ note }} }} }}");
        app.run(&s1.identity, &query, json!({})).await.ok().text("/node/note")
    };
    let by_phone = async |choice: &str, corrects: Option<&harness::Answer>| {
        let mut input = on_behalf_of(p1, "PHONE", wants_help(choice));
        if let Some(earlier) = corrects {
            input["correctsId"] = earlier.at("/batteryAnswer/batteryAnswers/id").clone();
        }
        act(&app, &s1.identity, "batteryAnswer", SET, input).await.ok()
    };
    let yes = by_phone("YES", None).await;
    let first = note().await;
    let no = by_phone("NO", Some(&yes)).await;
    assert_ne!(note().await, first, "the patient is to be asked");
    let again = by_phone("YES", Some(&no)).await;
    assert_eq!(note().await, first);
    by_phone("NO", Some(&again)).await;
    assert_ne!(note().await, first);
    act(&app, &p1.identity, "batteryAnswer", SET, wants_help("YES")).await.ok();
    assert_eq!(note().await, first, "the patient's own new answer");
    assert_eq!(contact_tasks(&app).await.len(), 1);
}
