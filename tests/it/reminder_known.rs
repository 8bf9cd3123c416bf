//! Care moves a time and changes it again before the patient has heard of it: what is told begins with what the patient knows.

use entity::task;
use harness::{TestApp, relate};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{APPOINTMENT, publish},
    reminders::{Fake, booked, say, worker},
};
use patientkontrakt::graphql::scalars::NodeKind;

const SLOTS: [&str; 3] = ["2027-02-09T13:00", "2027-02-12T10:00", "2027-02-15T11:00"];

/// P1, who has chosen this way to be told, knows of Tuesday at 13, and on the evening before, at 20.55, care moves that to
/// Friday.
async fn moved(app: &TestApp, way: Option<&str>) -> (Vec<String>, Value) {
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    match way {
        Some("PHONE") => {
            let input = json!({
                "patientId": p1.global_id(),
                "choices": [{ "kind": "APPOINTMENT", "channel": "PHONE", "optedIn": true, "textShown": "Vi ringer." }],
            });
            act(app, &s1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
        }
        Some(channel) => say(app, p1, channel, true).await,
        None => {}
    }
    let slots = publish(app, &SLOTS).await;
    let time = booked(app, &slots[0]).await;
    app.clock.set("2027-02-08T19:55:00Z".parse().unwrap());
    to(app, &time["id"], &slots[1], 1).await;
    (slots, time["id"].clone())
}

async fn to(app: &TestApp, time: &Value, slot: &str, version: i32) {
    let input = json!({ "appointmentId": time, "slotId": slot, "expectedRowVersion": version });
    act(app, &app.world.s1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
}

async fn cancelled(app: &TestApp, time: &Value, version: i32) {
    let input = json!({ "appointmentId": time, "expectedRowVersion": version });
    act(app, &app.world.s1.identity, "appointmentCancel", APPOINTMENT, input).await.ok();
}

fn texts(fake: &Fake) -> Vec<String> {
    fake.ledger.lock().unwrap().iter().map(|message| message.rendered.text.clone()).collect()
}

/// What the open call about the time says.
async fn call(app: &TestApp) -> String {
    let unit = json!({ "unit": global(NodeKind::CareUnit, app.world.s1.unit) });
    let query = "query($unit: ID!) { careUnit(id: $unit) { tasks(first: 5) { nodes { kind note } } } }";
    let seen = app.run(&app.world.s1.identity, query, unit).await.ok();
    let nodes = seen.at("/careUnit/tasks/nodes").as_array().unwrap().clone();
    let calls: Vec<_> = nodes.iter().filter(|node| node["kind"] == "CANCELLATION_CALL").collect();
    assert_eq!(calls.len(), 1, "{nodes:?}");
    calls[0]["note"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_cancellation_before_the_move_was_told_names_the_time_that_the_patient_knows() {
    for moved_was_told in [false, true] {
        let app = TestApp::new().await;
        let (worker, fake) = worker(&app);
        let (_, time) = moved(&app, Some("MAIL")).await;
        app.clock.set("2027-02-08T20:55:00Z".parse().unwrap());
        if moved_was_told {
            app.clock.set("2027-02-09T07:00:00Z".parse().unwrap());
            worker.tick().await.unwrap();
        }
        cancelled(&app, &time, 2).await;
        app.clock.set("2027-02-09T07:01:00Z".parse().unwrap());
        worker.tick().await.unwrap();
        let texts = texts(&fake);
        let told = texts.last().unwrap();
        let (known, other) =
            if moved_was_told { ("12 februari", "9 februari") } else { ("9 februari", "12 februari") };
        assert!(told.contains("avbokad") && told.contains(known) && !told.contains(other), "{told}");
        assert_eq!(texts.len(), if moved_was_told { 2 } else { 1 }, "{texts:?}");
    }
}

#[tokio::test]
async fn a_time_that_is_moved_twice_in_an_evening_is_told_once_by_where_it_is() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    let (slots, time) = moved(&app, Some("MAIL")).await;
    to(&app, &time, &slots[2], 2).await;
    app.clock.set("2027-02-09T07:00:00Z".parse().unwrap());
    worker.tick().await.unwrap();
    let texts = texts(&fake);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].contains("15 februari") && !texts[0].contains("12 februari"), "{texts:?}");
}

#[tokio::test]
async fn whoever_phones_about_a_time_is_told_which_one_the_patient_knows() {
    let app = TestApp::new().await;
    let (slots, time) = moved(&app, None).await;
    to(&app, &time, &slots[2], 2).await;
    let note = call(&app).await;
    assert!(note.contains("från tisdag 9 februari") && note.contains("till måndag 15 februari"), "{note}");
    cancelled(&app, &time, 3).await;
    let note = call(&app).await;
    assert!(note.contains("avbokat") && note.contains("tisdag 9 februari"), "{note}");
}

#[tokio::test]
async fn a_time_that_is_moved_away_and_back_before_the_patient_has_heard_of_it_is_told_of_to_nobody() {
    for way in [Some("MAIL"), None] {
        let app = TestApp::new().await;
        let (worker, fake) = worker(&app);
        let (slots, time) = moved(&app, way).await;
        assert_eq!(calls(&app).await.len(), usize::from(way.is_none()));
        app.clock.set("2027-02-08T20:10:00Z".parse().unwrap());
        to(&app, &time, &slots[0], 2).await;
        assert!(calls(&app).await.iter().all(|call| *call == task::Status::Done), "nor by phone");
        app.clock.set("2027-02-09T07:00:00Z".parse().unwrap());
        worker.tick().await.unwrap();
        assert_eq!(texts(&fake), [""; 0]);
        // The next move begins with what the patient knows.
        to(&app, &time, &slots[2], 3).await;
        worker.tick().await.unwrap();
        if way.is_some() {
            let texts = texts(&fake);
            assert!(texts.len() == 1 && texts[0].contains("15 februari"), "{texts:?}");
        } else {
            assert!(call(&app).await.contains("från tisdag 9 februari"));
        }
    }
}

#[tokio::test]
async fn a_time_that_is_moved_back_when_the_move_was_told_is_told_too_and_the_calendar_with_it() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    let (slots, time) = moved(&app, Some("MAIL")).await;
    app.clock.set("2027-02-09T07:00:00Z".parse().unwrap());
    worker.tick().await.unwrap();
    to(&app, &time, &slots[0], 2).await;
    worker.tick().await.unwrap();
    let texts = texts(&fake);
    assert!(texts.len() == 2 && texts[1].contains("9 februari"), "{texts:?}");
    let files: Vec<_> = fake.ledger.lock().unwrap().iter().map(|sent| sent.rendered.ics.clone()).collect();
    for (file, (sequence, day)) in
        files.iter().zip([("SEQUENCE:2", "DTSTART:20270212"), ("SEQUENCE:3", "DTSTART:20270209")])
    {
        let body = &file.as_ref().unwrap().body;
        assert!(body.contains(sequence) && body.contains(day), "{body}");
    }
}

/// What care has booked, moved and moved back in an evening the patient has never heard of.
#[tokio::test]
async fn a_time_that_care_booked_in_the_same_evening_is_told_when_it_is_moved_away_and_back() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (worker, fake) = worker(&app);
    relate(&app.core, s1, p1).await;
    say(&app, p1, "MAIL", true).await;
    let slots = publish(&app, &SLOTS).await;
    app.clock.set("2027-02-08T19:50:00Z".parse().unwrap());
    let input = json!({ "slotId": slots[0], "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    let booked = act(&app, &s1.identity, "appointmentBook", "appointment { id }", input).await.ok();
    let time = booked.at("/appointmentBook/appointment/id").clone();
    to(&app, &time, &slots[1], 1).await;
    to(&app, &time, &slots[0], 2).await;
    app.clock.set("2027-02-09T07:00:00Z".parse().unwrap());
    worker.tick().await.unwrap();
    let texts = texts(&fake);
    assert!(texts.len() == 1 && texts[0].contains("9 februari"), "{texts:?}");
}

/// Somebody phones about the time, and says so in the task.
async fn phoned(app: &TestApp) {
    let open = task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::CancellationCall))
        .filter(task::Column::Status.eq(task::Status::Open));
    let open = open.one(app.core.db.reader()).await.unwrap().unwrap();
    let input = json!({ "taskId": global(NodeKind::Task, open.id.0), "words": "Ringt", "expectedRowVersion": open.row_version });
    act(app, &app.world.s1.identity, "taskEnd", "task { status }", input).await.ok();
}

/// How the calls about times stand.
async fn calls(app: &TestApp) -> Vec<task::Status> {
    let calls = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::CancellationCall));
    calls.all(app.core.db.reader()).await.unwrap().into_iter().map(|call| call.status).collect()
}

/// Somebody has phoned about the move: then a cancellation is about the new time.
#[tokio::test]
async fn what_somebody_has_phoned_about_the_patient_knows() {
    let app = TestApp::new().await;
    let (_, time) = moved(&app, None).await;
    phoned(&app).await;
    cancelled(&app, &time, 2).await;
    let note = call(&app).await;
    assert!(note.contains("fredag 12 februari"), "{note}");
}

/// Whatever else was planned to tell of the move or to remind: a message that was taken back, a call before the time.
#[tokio::test]
async fn what_somebody_has_phoned_about_is_known_beside_messages_taken_back_and_calls_still_to_make() {
    for way in ["SMS", "PHONE"] {
        let app = TestApp::new().await;
        let (slots, time) = moved(&app, Some(way)).await;
        if way == "SMS" {
            assert!(calls(&app).await.is_empty());
            say(&app, &app.world.p1, "SMS", false).await;
        }
        let note = call(&app).await;
        assert!(
            note.contains("från tisdag 9 februari") && note.contains("till fredag 12 februari"),
            "{note}"
        );
        phoned(&app).await;
        to(&app, &time, &slots[2], 2).await;
        let note = call(&app).await;
        assert!(
            note.contains("från fredag 12 februari") && note.contains("till måndag 15 februari"),
            "{note}"
        );
        // About this one nobody has phoned yet.
        cancelled(&app, &time, 3).await;
        let note = call(&app).await;
        assert!(note.contains("avbokat") && note.contains("fredag 12 februari"), "{way}: {note}");
    }
}

/// The patient's own yes to the new time: the call about the move is not needed, one about somebody who is away then is.
#[tokio::test]
async fn whoever_says_yes_to_the_new_time_is_not_phoned_about_the_move() {
    for away in [false, true] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        let (slots, time) = moved(&app, None).await;
        if away {
            let input = json!({
                "who": { "assignmentId": global(NodeKind::Assignment, s1.assignment) },
                "from": "2027-02-12T00:00:00+01:00", "until": "2027-02-13T00:00:00+01:00",
            });
            act(&app, &s1.identity, "contactAbsenceRegister", "absence { id }", input).await.ok();
        }
        let input = json!({ "appointmentId": time, "expectedRowVersion": 2 });
        act(&app, &p1.identity, "appointmentConfirm", APPOINTMENT, input).await.ok();
        assert_eq!(calls(&app).await, [if away { task::Status::Open } else { task::Status::Done }]);
        if !away {
            to(&app, &time, &slots[2], 3).await;
            let note = call(&app).await;
            assert!(note.contains("från fredag 12 februari"), "{note}");
        }
    }
}
