//! Messages between units about a patient: not the patient's conversation, and always a task of the unit that is asked.

use chrono::TimeDelta;
use entity::{CareUnitId, task};
use futures_util::StreamExt as _;
use harness::{Answer, Staff, TestApp, neighbour, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    contacts::{appoint, tasks, to_role},
    hearing::listen,
    thread_passed::pass,
    thread_roles::{THREAD, assignee},
};

/// S1 asks about P1.
async fn ask(app: &TestApp, mut input: Value) -> Answer {
    for (name, value) in [
        ("patientId", json!(app.world.p1.global_id())),
        ("kind", json!("CARE_CARE")),
        ("subject", json!("Fråga")),
        ("body", json!("Kan ni ta över?")),
    ] {
        input[name] = value;
    }
    act(app, &app.world.s1.identity, "threadStart", THREAD, input).await
}

pub(crate) async fn ask_unit(app: &TestApp, of: &Staff) -> Answer {
    ask(app, json!({ "careUnitId": global(NodeKind::CareUnit, of.unit) })).await
}

/// Writes, and asks for an answer.
pub(crate) async fn ask_on(app: &TestApp, who: &Staff, thread: &Value, body: &str) -> Answer {
    let input = json!({ "threadId": thread["id"], "body": body, "expectsAnswer": true });
    act(app, &who.identity, "messageSend", "message { id }", input).await
}

/// Where the tasks of answering are, and how they stand, the oldest first.
pub(crate) async fn units(app: &TestApp, thread: &Value) -> Vec<(CareUnitId, task::Status)> {
    let all = tasks(app, task::Kind::UnansweredMessage, &thread["id"]).await;
    all.iter().map(|task| (task.care_unit_id, task.status)).collect()
}

#[tokio::test]
async fn a_question_between_units_waits_as_a_task_of_the_unit_that_is_asked() {
    let app = TestApp::new().await;
    let (s1, s2, s3, p1) = (&app.world.s1, &app.world.s2, &app.world.s3, &app.world.p1);
    relate(&app.core, s1, p1).await;
    // Another care provider: only with the patient's consent, which nobody can give here yet.
    let across = ask_unit(&app, s3).await;
    assert_eq!(across.user_error_codes("threadStart"), ["NOT_FOUND"]);
    let mut patient = listen(&app, &p1.identity, "subscription { threadChanged { id } }").await;
    let thread = ask_unit(&app, s2).await.ok().at("/threadStart/thread").clone();
    assert_eq!(units(&app, &thread).await, [(s2.unit, task::Status::Open)]);
    // Another question changes nothing; one that comes back turns the task round.
    ask_on(&app, s1, &thread, "Helst i dag?").await.ok();
    assert_eq!(units(&app, &thread).await, [(s2.unit, task::Status::Open)]);
    ask_on(&app, s2, &thread, "Ja. Vilken dos?").await.ok();
    assert_eq!(units(&app, &thread).await, [(s2.unit, task::Status::Done), (s1.unit, task::Status::Open)]);
    assert!(futures_util::poll!(patient.next()).is_pending(), "the patient hears nothing of it");
    let seen = app.run(&p1.identity, "{ me { threads { totalCount } } }", json!({})).await.ok();
    assert_eq!(seen.at("/me/threads/totalCount"), 0);
}

/// R: what is asked back comes to the unit that asked, whichever unit it was passed on to.
#[tokio::test]
async fn a_question_back_from_where_it_was_passed_on_is_a_task_of_the_unit_that_asked() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    let third = neighbour(&app.core, s1).await;
    relate(&app.core, s1, p1).await;
    let thread = ask_unit(&app, s2).await.ok().at("/threadStart/thread").clone();
    let task = &tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await[0];
    pass(&app, s2, task, &third).await;
    assert_eq!(units(&app, &thread).await, [(third.unit, task::Status::Open)]);
    ask_on(&app, &third, &thread, "Ja. Vilken dos?").await.ok();
    assert_eq!(units(&app, &thread).await, [(third.unit, task::Status::Done), (s1.unit, task::Status::Open)]);
    // What is asked then goes to the unit that has taken it over.
    app.clock.advance(TimeDelta::minutes(1));
    ask_on(&app, s1, &thread, "Fem milligram. När?").await.ok();
    assert_eq!(
        units(&app, &thread).await[1..],
        [(s1.unit, task::Status::Done), (third.unit, task::Status::Open)]
    );
    // The unit that asked hands its side on as well: the answer is for those who took over.
    let task = &tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await[2];
    ask_on(&app, &third, &thread, "På måndag. Passar det?").await.ok();
    let all = tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await;
    assert_ne!(all[3].id, task.id);
    pass(&app, s1, &all[3], s2).await;
    ask_on(&app, &third, &thread, "Eller på tisdag?").await.ok();
    ask_on(&app, s2, &thread, "Tisdag. Klockan åtta?").await.ok();
    let open = units(&app, &thread).await.into_iter().filter(|(_, status)| *status == task::Status::Open);
    assert_eq!(open.map(|(unit, _)| unit).collect::<Vec<_>>(), [third.unit]);
}

#[tokio::test]
async fn a_question_to_a_contact_of_another_unit_is_theirs_and_one_back_is_nobodys_yet() {
    let app = TestApp::new().await;
    let (s1, s2, p1) = (&app.world.s1, &app.world.s2, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let contact = appoint(&app, s1, to_role(p1, "FAST_VARDKONTAKT", s2)).await;
    let asked = ask(&app, json!({ "contactId": contact["id"] })).await.ok();
    let thread = asked.at("/threadStart/thread").clone();
    assert_eq!(assignee(&app, &thread).await, Some(s2.assignment));
    ask_on(&app, s2, &thread, "Ja. Vilken dos?").await.ok();
    let all = tasks(&app, task::Kind::UnansweredMessage, &thread["id"]).await;
    assert_eq!((all[1].care_unit_id, all[1].assignee_id), (s1.unit, None));
}
