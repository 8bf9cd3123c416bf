//! What did not arrive, and what staff do about it; and those who want letters or calls.

use entity::{
    appointment,
    contact_way::{self, Channel as Kind},
    notice::{self, Handling, State},
    representative, task,
};
use harness::{Answer, TestApp, child, relate, represent};
use patientkontrakt::{
    graphql::scalars::NodeKind,
    reminder::{
        channel::{FailureCode, Outcome},
        hold,
    },
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{APPOINTMENT, book, publish},
    reminder_consent::{book_for_child, guardian_says},
    reminders::{Fake, notices, say, worker},
};

const LIST: &str = "query($unit: ID!) { careUnit(id: $unit) { undeliveredReminders(first: 10) { nodes { id state reason \
    occasion channel visitStartsAt patient { familyName } } } } }";

pub(crate) async fn list(app: &TestApp, who: &harness::Staff) -> Vec<Value> {
    let unit = global(NodeKind::CareUnit, app.world.s1.unit);
    let answer = app.run(&who.identity, LIST, json!({ "unit": unit })).await.ok();
    answer.at("/careUnit/undeliveredReminders/nodes").as_array().unwrap().clone()
}

pub(crate) async fn handle(app: &TestApp, id: &Value, what: &str) -> Answer {
    let input = json!({ "reminderId": id, "act": what });
    act(app, &app.world.s1.identity, "reminderHandle", "reminder { id }", input).await
}

/// P1 has a visit, the confirmation by mail failed when there was no other way, and then says yes to SMS as well.
async fn failed(app: &TestApp, fake: &Fake, worker: &patientkontrakt::reminder::worker::Worker, start: &str) {
    let p1 = &app.world.p1;
    relate(&app.core, &app.world.s1, p1).await;
    say(app, p1, "MAIL", true).await;
    say(app, p1, "SMS", false).await;
    let slots = publish(app, &[start]).await;
    *fake.answers.lock().unwrap() = vec![Outcome::Fail { reason: FailureCode::Refused }];
    book(app, &p1.identity, &slots[0]).await.ok();
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    say(app, p1, "SMS", true).await;
}

#[tokio::test]
async fn what_did_not_arrive_stands_by_time_to_the_visit_with_its_reason_in_plain_words() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    failed(&app, &fake, &worker, "2027-03-02T09:00").await;
    failed(&app, &fake, &worker, "2027-03-01T09:00").await;
    let seen = list(&app, &app.world.s1).await;
    let starts: Vec<_> = seen.iter().map(|n| n["visitStartsAt"].as_str().unwrap()).collect();
    assert_eq!(starts, ["2027-03-01T08:00:00+00:00", "2027-03-02T08:00:00+00:00"], "the nearest visit first");
    assert_eq!(
        (&seen[0]["state"], &seen[0]["reason"], &seen[0]["occasion"], &seen[0]["patient"]["familyName"]),
        (
            &json!("FAILED"),
            &json!("Meddelandet togs inte emot."),
            &json!("CONFIRMATION"),
            &json!("Kanariesson")
        )
    );
    // The manager sees that they failed, and not of whom; another unit's staff see nothing.
    let managers = list(&app, &app.world.manager).await;
    assert!(managers.len() == 2 && managers.iter().all(|n| n["patient"].is_null()));
    let unit = global(NodeKind::CareUnit, app.world.s1.unit);
    let elsewhere = app.run(&app.world.s2.identity, LIST, json!({ "unit": unit })).await;
    assert_eq!(elsewhere.error_codes(), ["FORBIDDEN"]);
    // Until a day after the visit somebody may want to phone.
    for (at, listed) in [("2027-03-02T07:59:00Z", true), ("2027-03-02T08:00:00Z", false)] {
        app.clock.set(at.parse().unwrap());
        let mut all = list(&app, &app.world.s1).await.into_iter();
        assert_eq!(all.any(|n| n["visitStartsAt"] == "2027-03-01T08:00:00+00:00"), listed, "{at}");
    }
}

/// How many messages operations are told that nobody has taken care of.
async fn alerted(app: &TestApp) -> String {
    let alerts = hold::alerts(app.core.db.reader(), app.clock.now()).await.unwrap();
    let lost = alerts.into_iter().find(|alert| alert.contains("did not arrive"));
    lost.and_then(|alert| alert.split(' ').next().map(str::to_owned)).unwrap_or_default()
}

#[tokio::test]
async fn what_told_of_a_time_that_is_no_more_leaves_the_list_and_what_came_too_late_is_on_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (worker, fake) = worker(&app);
    for start in ["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00"] {
        failed(&app, &fake, &worker, start).await;
    }
    let other = publish(&app, &["2027-03-04T09:00"]).await;
    assert_eq!((list(&app, s1).await.len(), alerted(&app).await.as_str()), (3, "3"));
    let mut visits = appointment::Entity::find().all(app.core.db.reader()).await.unwrap();
    visits.sort_by_key(|visit| visit.starts_at);
    let input = |n: usize| json!({ "appointmentId": global(NodeKind::Appointment, visits[n].id.0), "expectedRowVersion": 1 });
    act(&app, &p1.identity, "appointmentCancel", APPOINTMENT, input(1)).await.ok();
    let mut to_other = input(2);
    to_other["slotId"] = json!(other[0]);
    act(&app, &p1.identity, "appointmentRebook", APPOINTMENT, to_other).await.ok();
    let left = list(&app, s1).await;
    let starts: Vec<_> = left.iter().map(|n| n["visitStartsAt"].as_str().unwrap()).collect();
    assert_eq!((starts, alerted(&app).await.as_str()), (vec!["2027-03-01T08:00:00+00:00"], "1"));
    handle(&app, &left[0]["id"], "PHONED").await.ok();
    // The service stood still until the visit began.
    app.clock.set("2027-03-01T08:00:00Z".parse().unwrap());
    worker.tick().await.unwrap();
    let missed = list(&app, s1).await;
    assert!(!missed.is_empty() && missed.iter().all(|n| n["state"] == "MISSED"), "{missed:?}");
    assert_eq!(alerted(&app).await, missed.len().to_string());
    assert_eq!(
        handle(&app, &missed[0]["id"], "RETRY").await.user_error_codes("reminderHandle"),
        ["TOO_LATE"]
    );
}

#[tokio::test]
async fn what_the_receiver_has_said_no_to_meanwhile_is_not_tried_again_and_stays_on_the_list() {
    let refused = async |app: &TestApp| {
        let seen = list(app, &app.world.s1).await;
        let answer = handle(app, &seen[0]["id"], "RETRY").await;
        assert_eq!(answer.user_error_codes("reminderHandle"), ["WRONG_STATE"]);
        let message = answer.text("/reminderHandle/userErrors/0/message");
        assert!(message.contains("sagt nej till e-post"), "{message}");
        assert_eq!(list(app, &app.world.s1).await, seen, "somebody phones");
    };
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    failed(&app, &fake, &worker, "2027-03-01T09:00").await;
    say(&app, &app.world.p1, "MAIL", false).await;
    refused(&app).await;

    let app = TestApp::new().await;
    let (worker, fake) = crate::reminders::worker(&app);
    let young = child(&app.core, &app.world.p1, "201803012380").await;
    relate(&app.core, &app.world.s1, &young).await;
    let rights = r#"{"BOOKING":"ACT"}"#;
    let ground = representative::Kind::Guardian;
    let guardian = represent(&app.core, &young, ground, "197001012388", rights, false).await;
    guardian_says(&app, &guardian, &young, true).await.ok();
    *fake.answers.lock().unwrap() = vec![Outcome::Fail { reason: FailureCode::Refused }];
    book_for_child(&app, &guardian, &young, "2027-03-01T09:00").await;
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    guardian_says(&app, &guardian, &young, false).await.ok();
    refused(&app).await;
}

#[tokio::test]
async fn staff_try_again_choose_the_other_way_or_phone_each_once() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    for start in ["2027-03-01T09:00", "2027-03-02T09:00", "2027-03-03T09:00"] {
        failed(&app, &fake, &worker, start).await;
    }
    let seen = list(&app, &app.world.s1).await;
    let of = |n: usize| seen[n]["id"].clone();
    // Another unit's is that unit's to see to, also for colleagues who treat the patient.
    relate(&app.core, &app.world.s2, &app.world.p1).await;
    let input = json!({ "reminderId": of(0), "act": "PHONED" });
    let elsewhere = act(&app, &app.world.s2.identity, "reminderHandle", "reminder { id }", input).await;
    assert_eq!(elsewhere.user_error_codes("reminderHandle"), ["NOT_FOUND"]);
    let before = fake.sent();
    handle(&app, &of(0), "RETRY").await.ok();
    handle(&app, &of(1), "OTHER_CHANNEL").await.ok();
    handle(&app, &of(2), "PHONED").await.ok();
    assert!(list(&app, &app.world.s1).await.is_empty());
    for n in 0..3 {
        let again = handle(&app, &of(n), "PHONED").await;
        assert_eq!(again.user_error_codes("reminderHandle"), ["WRONG_STATE"], "{n}");
    }
    assert_eq!(worker.tick().await.unwrap().sent, 2);
    let sent = fake.sent();
    assert!(before.contains(&sent[before.len()]), "again under its own id");
    assert!(!before.contains(&sent[before.len() + 1]), "the other channel has its own");
    let all = notices(&app).await;
    let confirmations: Vec<&notice::Model> = all.iter().filter(|n| n.rule == "CONFIRMATION").collect();
    let handled: Vec<_> = confirmations.iter().filter_map(|n| n.handled_as).collect();
    assert_eq!(handled.len(), 2);
    assert!(handled.contains(&Handling::OtherWay) && handled.contains(&Handling::Phoned));
    assert!(confirmations.iter().any(|n| n.channel == Kind::Sms && n.state == State::Sent));
}

#[tokio::test]
async fn what_leads_nowhere_or_was_not_agreed_to_is_not_sent() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    failed(&app, &fake, &worker, "2027-03-01T09:00").await;
    let id = list(&app, &app.world.s1).await[0]["id"].clone();
    contact_way::Entity::update_many()
        .col_expr(contact_way::Column::Status, Expr::value(contact_way::Status::Bad))
        .filter(contact_way::Column::Channel.eq(Kind::Mail))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(handle(&app, &id, "RETRY").await.user_error_codes("reminderHandle"), ["WRONG_STATE"]);
    say(&app, &app.world.p1, "SMS", false).await;
    assert_eq!(handle(&app, &id, "OTHER_CHANNEL").await.user_error_codes("reminderHandle"), ["WRONG_STATE"]);
    app.clock.set("2027-03-01T08:00:00Z".parse().unwrap());
    assert_eq!(handle(&app, &id, "RETRY").await.user_error_codes("reminderHandle"), ["TOO_LATE"]);
    handle(&app, &id, "PHONED").await.ok();
}

async fn open_tasks(app: &TestApp) -> Vec<(task::Kind, task::Status)> {
    let all = task::Entity::find().all(app.core.db.reader()).await.unwrap();
    all.into_iter().map(|t| (t.kind, t.status)).collect()
}

#[tokio::test]
async fn who_wants_letters_or_calls_is_on_the_units_lists_and_leaves_them_with_the_time() {
    use task::{Kind as Task, Status};
    for (channel, kind) in [("LETTER", Task::Letter), ("PHONE", Task::Call)] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        relate(&app.core, s1, p1).await;
        let choice = |who: Option<String>| {
            json!({ "patientId": who, "choices": [{ "kind": "APPOINTMENT", "channel": channel, "optedIn": true,
                    "textShown": "Vi skickar brev eller ringer." }] })
        };
        let own =
            act(&app, &p1.identity, "reminderPreferencesSet", "preferences { kind }", choice(None)).await;
        assert_eq!(own.user_error_codes("reminderPreferencesSet"), ["BAD_USER_INPUT"]);
        let by_care = choice(Some(p1.global_id()));
        act(&app, &s1.identity, "reminderPreferencesSet", "preferences { kind }", by_care).await.ok();
        let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
        let booked = book(&app, &p1.identity, &slots[0]).await.ok();
        assert_eq!(open_tasks(&app).await, [(kind, Status::Open)]);
        assert!(notices(&app).await.is_empty(), "no digital way");
        let unit = global(NodeKind::CareUnit, s1.unit);
        let tasks = "query($unit: ID!) { careUnit(id: $unit) { tasks(first: 5) { nodes { id kind note rowVersion } } } }";
        let seen = app.run(&s1.identity, tasks, json!({ "unit": unit })).await.ok();
        let note = seen.text("/careUnit/tasks/nodes/0/note");
        assert!(note.contains("den bokade tiden: måndag 1 mars 2027 kl. 09.00"), "{note}");
        let input = json!({ "appointmentId": booked.text("/appointmentBook/appointment/id"), "slotId": slots[1],
                            "expectedRowVersion": 1 });
        act(&app, &p1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
        let mut all = open_tasks(&app).await;
        all.sort_by_key(|(_, status)| *status == Status::Open);
        assert_eq!(all, [(kind, Status::Superseded), (kind, Status::Open)], "the new time has its own");
        let seen = app.run(&s1.identity, tasks, json!({ "unit": unit })).await.ok();
        let input = json!({ "taskId": seen.text("/careUnit/tasks/nodes/0/id"), "words": "Klart",
                            "expectedRowVersion": seen.at("/careUnit/tasks/nodes/0/rowVersion") });
        act(&app, &s1.identity, "taskEnd", "task { status }", input).await.ok();
    }
}

/// Care has noted that P1 wants letters, P1 has said yes to mail, and has a visit.
async fn with_mail_and_letters() -> (TestApp, Value) {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let input = json!({
        "patientId": p1.global_id(),
        "choices": [{ "kind": "APPOINTMENT", "channel": "LETTER", "optedIn": true, "textShown": "Vi skickar brev." }],
    });
    act(&app, &s1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
    say(&app, p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let booked = book(&app, &p1.identity, &slots[0]).await.ok().at("/appointmentBook/appointment").clone();
    (app, booked)
}

/// Rules of what still is to leave by itself.
async fn ahead(app: &TestApp) -> Vec<String> {
    notices(app).await.into_iter().filter(|n| n.state == State::Planned).map(|n| n.rule).collect()
}

#[tokio::test]
async fn a_visit_goes_to_the_list_of_letters_when_no_digital_way_is_left_and_leaves_it_with_a_new_one() {
    use task::{Kind::Letter, Status};
    let (app, _) = with_mail_and_letters().await;
    let p1 = &app.world.p1;
    let by_mail = ["CONFIRMATION", "WEEK_BEFORE", "BEFORE_DEADLINE", "EVENING_BEFORE"];
    assert!(open_tasks(&app).await.is_empty());
    assert_eq!(ahead(&app).await, by_mail);
    say(&app, p1, "MAIL", false).await;
    assert_eq!(open_tasks(&app).await, [(Letter, Status::Open)]);
    assert!(ahead(&app).await.is_empty());
    say(&app, p1, "MAIL", false).await;
    assert_eq!(open_tasks(&app).await, [(Letter, Status::Open)], "once");
    say(&app, p1, "MAIL", true).await;
    assert_eq!(open_tasks(&app).await, [(Letter, Status::Superseded)]);
    assert_eq!(ahead(&app).await, by_mail[1..], "the confirmation belonged to the booking");
}

#[tokio::test]
async fn a_letter_that_has_been_sent_is_not_asked_for_again_unless_the_time_is_moved() {
    use task::{Kind::Letter, Status};
    let (app, booked) = with_mail_and_letters().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    say(&app, p1, "MAIL", false).await;
    let unit = global(NodeKind::CareUnit, s1.unit);
    let tasks = "query($unit: ID!) { careUnit(id: $unit) { tasks(first: 5) { nodes { id rowVersion } } } }";
    let seen = app.run(&s1.identity, tasks, json!({ "unit": unit })).await.ok();
    let input = json!({ "taskId": seen.text("/careUnit/tasks/nodes/0/id"), "words": "Skickat",
                        "expectedRowVersion": seen.at("/careUnit/tasks/nodes/0/rowVersion") });
    act(&app, &s1.identity, "taskEnd", "task { status }", input).await.ok();
    say(&app, p1, "MAIL", true).await;
    say(&app, p1, "MAIL", false).await;
    assert_eq!(open_tasks(&app).await, [(Letter, Status::Done)]);
    let slots = publish(&app, &["2027-03-02T09:00"]).await;
    let input = json!({ "appointmentId": booked["id"], "slotId": slots[0], "expectedRowVersion": 1 });
    act(&app, &p1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
    let mut all = open_tasks(&app).await;
    all.sort_by_key(|(_, status)| *status == Status::Open);
    assert_eq!(all, [(Letter, Status::Done), (Letter, Status::Open)], "the new time is another matter");
}

/// The letter about a move says so in other words; it is a letter about the time all the same.
#[tokio::test]
async fn a_letter_about_a_moved_time_that_has_been_sent_is_not_asked_for_again() {
    use task::{Kind::Letter, Status};
    let (app, booked) = with_mail_and_letters().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    say(&app, p1, "MAIL", false).await;
    let slots = publish(&app, &["2027-03-02T09:00", "2027-03-03T09:00"]).await;
    let to = async |slot: &str, version: i32| {
        let input = json!({ "appointmentId": booked["id"], "slotId": slot, "expectedRowVersion": version });
        act(&app, &s1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
        let unit = global(NodeKind::CareUnit, s1.unit);
        let tasks =
            "query($unit: ID!) { careUnit(id: $unit) { tasks(first: 5) { nodes { id note rowVersion } } } }";
        app.run(&s1.identity, tasks, json!({ "unit": unit })).await.ok().at("/careUnit/tasks/nodes").clone()
    };
    let letters = to(&slots[0], 1).await;
    let note = letters[0]["note"].as_str().unwrap();
    assert!(note.contains("ombokad från måndag 1 mars") && note.contains("till tisdag 2 mars"), "{letters}");
    let input = json!({ "taskId": letters[0]["id"], "words": "Skickat", "expectedRowVersion": letters[0]["rowVersion"] });
    act(&app, &s1.identity, "taskEnd", "task { status }", input).await.ok();
    say(&app, p1, "MAIL", true).await;
    say(&app, p1, "MAIL", false).await;
    let all = open_tasks(&app).await;
    assert!(all.iter().all(|(kind, status)| *kind == Letter && *status != Status::Open), "{all:?}");
    // The next move has its own, and tells from which time that the letter told of.
    let letters = to(&slots[1], 2).await;
    let note = letters[0]["note"].as_str().unwrap();
    assert!(note.contains("ombokad från tisdag 2 mars") && note.contains("till onsdag 3 mars"), "{letters}");
    assert_eq!(letters.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_address_that_turns_out_not_to_work_sends_what_is_ahead_by_another_way_or_by_letter() {
    use task::{Kind::Letter, Status};
    for other in [false, true] {
        let (app, _) = with_mail_and_letters().await;
        if other {
            say(&app, &app.world.p1, "SMS", true).await;
        }
        let (worker, fake) = worker(&app);
        *fake.answers.lock().unwrap() = vec![Outcome::Fail { reason: FailureCode::BadAddress }];
        assert_eq!(worker.tick().await.unwrap().failed, 1);
        let all = notices(&app).await;
        let planned: Vec<_> = all.iter().filter(|n| n.state == State::Planned).map(|n| n.channel).collect();
        if other {
            assert!(open_tasks(&app).await.is_empty());
            assert!(planned.len() >= 3 && planned.iter().all(|channel| *channel == Kind::Sms), "{all:?}");
        } else {
            assert_eq!(open_tasks(&app).await, [(Letter, Status::Open)]);
            assert!(planned.is_empty(), "none goes to an address that does not work: {all:?}");
        }
        let told: Vec<_> =
            all.iter().filter(|n| n.rule == "WEEK_BEFORE" && n.channel == Kind::Mail).collect();
        let reason = if other { "OTHER_CHANNEL" } else { "BY_HAND" };
        assert_eq!((told[0].state, told[0].reason.as_deref()), (State::Withdrawn, Some(reason)));
    }
}

#[tokio::test]
async fn a_stopp_from_the_only_phone_puts_the_visits_on_the_list_of_letters() {
    use task::{Kind::Letter, Status};
    let (app, _) = with_mail_and_letters().await;
    let p1 = &app.world.p1;
    say(&app, p1, "SMS", true).await;
    say(&app, p1, "MAIL", false).await;
    assert!(open_tasks(&app).await.is_empty());
    let phone = "+46701740605".parse().unwrap();
    assert!(
        patientkontrakt::domain::reminder_preference::stop::stop(&app.core, &phone, "stopp").await.unwrap()
    );
    assert_eq!(open_tasks(&app).await, [(Letter, Status::Open)]);
    assert!(ahead(&app).await.is_empty());
}
