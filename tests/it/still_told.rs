//! Whom a message was to go to may be told no more when it is about to leave, or no way is left to tell of an offer or of
//! what care has written: somebody else is told, or somebody phones or writes.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    notice::{self, State},
    patient,
    representative::Kind as Ground,
    task,
};
use harness::{Ombud, TestApp, TestPatient, child, relate, represent};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::{Value, json};

use crate::{
    acts::{act, global, proposed},
    booking::{APPOINTMENT, publish},
    comes_of_age::chose_early,
    contacts::stand,
    reminder_consent::{CHOSEN, addresses, for_child},
    reminders::{booked, notices, say, worker},
    wishes::{any, leave, mine},
};

/// Turns 13 on 1 March 2027.
const NEARLY_13: &str = "201403012388";
const IS_9: &str = "201801012384";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A child, and a guardian who is told by SMS.
async fn family(app: &TestApp, born: &str) -> (TestPatient, Ombud) {
    let child = child(&app.core, &app.world.p1, born).await;
    relate(&app.core, &app.world.s1, &child).await;
    let rights = r#"{"BOOKING":"ACT"}"#;
    let guardian = represent(&app.core, &child, Ground::Guardian, "197001012388", rights, false).await;
    let yes =
        json!({ "channel": "SMS", "optedIn": true, "address": "070-174 06 05", "textShown": "Mån 1 mars" });
    for_child(app, &guardian, &child, "guardianReminderSet", CHOSEN, yes).await.ok();
    (child, guardian)
}

/// Care has written down that somebody wants mail about their times.
async fn wants_mail(app: &TestApp, whom: &TestPatient) {
    let input = json!({ "patientId": whom.global_id(), "contactWays": { "mail": "unga@exempel.se" },
        "choices": [{ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Mån" }] });
    act(app, &app.world.s1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

async fn cancel(app: &TestApp, time: &Value) {
    let input = json!({ "appointmentId": time, "expectedRowVersion": 1 });
    act(app, &app.world.s1.identity, "appointmentCancel", APPOINTMENT, input).await.ok();
}

/// The guardian has booked two times for the child, and has been told of them. In the evening before 1 March care cancels
/// the one and moves the other, unasked.
async fn changed_in_the_evening(app: &TestApp, young: &TestPatient, guardian: &Ombud) -> Vec<Value> {
    let slots = publish(app, &["2027-03-08T09:00", "2027-03-09T09:00", "2027-03-10T09:00"]).await;
    let mut times = Vec::new();
    for slot in &slots[..2] {
        let input = json!({ "slotId": slot });
        let answer = for_child(app, guardian, young, "appointmentBook", "appointment { id }", input).await;
        times.push(answer.ok().at("/appointmentBook/appointment/id").clone());
    }
    let (worker, _) = worker(app);
    assert_eq!(worker.tick().await.unwrap().sent, 2, "the confirmations");
    app.clock.set(at("2027-02-28T19:30:00Z"));
    cancel(app, &times[0]).await;
    let input = json!({ "appointmentId": times[1], "slotId": slots[2], "expectedRowVersion": 1 });
    act(app, &app.world.s1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
    assert_eq!(of_the_changes(app).await, [State::Planned; 2]);
    assert_eq!(calls(app, &times).await, 0, "there is a way");
    times
}

/// How the guardian's messages stand about the time that was cancelled and the one that was moved.
async fn of_the_changes(app: &TestApp) -> Vec<State> {
    let all: Vec<notice::Model> = notices(app).await;
    let tells = |n: &notice::Model| {
        n.rule == "CANCELLATION" || n.rule == "CONFIRMATION" && n.schedule_version == Some(2)
    };
    let theirs = all.iter().filter(|n| n.guardian_reminder_id.is_some() && tells(n));
    theirs.map(|n| n.state).collect()
}

/// The open calls about these times.
async fn calls(app: &TestApp, times: &[Value]) -> usize {
    let mut open = 0;
    for time in times {
        let all = stand(app, task::Kind::CancellationCall, time).await;
        open += all.into_iter().filter(|status| *status == task::Status::Open).count();
    }
    open
}

async fn protect(app: &TestApp, whom: &TestPatient) {
    let protected = patient::ActiveModel {
        id: Set(whom.id),
        protected_identity: Set(patient::ProtectedIdentity::Sekretessmarkering),
        ..Default::default()
    };
    protected.update(app.core.db.reader()).await.unwrap();
}

#[tokio::test]
async fn on_the_birthday_what_waited_to_be_told_to_a_guardian_goes_to_the_young_person_or_is_phoned_about() {
    for (own_way, written_down) in [(true, false), (false, false), (false, true)] {
        let app = TestApp::new().await;
        let (young, guardian) = family(&app, NEARLY_13).await;
        if own_way {
            chose_early(&app, &young).await;
        }
        if written_down {
            wants_mail(&app, &young).await;
        }
        let times = changed_in_the_evening(&app, &young, &guardian).await;
        // Swedish midnight.
        app.clock.set(at("2027-02-28T23:00:00Z"));
        sweep::run(&app.core).await.unwrap();
        app.clock.set(at("2027-03-01T07:30:00Z"));
        let (worker, fake) = worker(&app);
        for _ in 0..3 {
            worker.tick().await.unwrap();
        }
        assert_eq!(of_the_changes(&app).await, [State::Suppressed; 2]);
        let sent = addresses(&fake);
        if own_way {
            assert_eq!((sent, calls(&app, &times).await), (vec!["unga@exempel.se".to_owned(); 2], 0));
        } else {
            assert_eq!((sent, calls(&app, &times).await), (Vec::new(), 2));
        }
    }
}

#[tokio::test]
async fn what_waited_to_be_told_to_a_guardian_who_is_told_no_more_is_phoned_about() {
    for stopped in [true, false] {
        let app = TestApp::new().await;
        let (young, guardian) = family(&app, IS_9).await;
        let times = changed_in_the_evening(&app, &young, &guardian).await;
        if stopped {
            let input = json!({ "decision": "STOP", "reason": "Oro",
                "representativeId": global(NodeKind::Representative, guardian.id) });
            let selection = "representative { id }";
            act(&app, &app.world.s1.identity, "representativeAssess", selection, input).await.ok();
        } else {
            protect(&app, &young).await;
        }
        app.clock.set(at("2027-03-01T07:30:00Z"));
        let (worker, fake) = worker(&app);
        for _ in 0..2 {
            worker.tick().await.unwrap();
        }
        assert!(addresses(&fake).is_empty(), "stopped: {stopped}");
        assert_eq!(calls(&app, &times).await, 2, "stopped: {stopped}");
    }
}

#[tokio::test]
async fn what_a_protected_identity_holds_back_is_phoned_about_where_the_patient_has_chosen_nothing_in_person()
{
    for in_person in [true, false] {
        let app = TestApp::new().await;
        let p1 = &app.world.p1;
        relate(&app.core, &app.world.s1, p1).await;
        wants_mail(&app, p1).await;
        let slots = publish(&app, &["2027-03-08T09:00"]).await;
        let time = booked(&app, &slots[0]).await["id"].clone();
        let (worker, fake) = worker(&app);
        worker.tick().await.unwrap();
        if in_person {
            say(&app, p1, "SMS", true).await;
        }
        app.clock.set(at("2027-02-09T19:30:00Z"));
        cancel(&app, &time).await;
        protect(&app, p1).await;
        fake.ledger.lock().unwrap().clear();
        app.clock.set(at("2027-02-10T07:30:00Z"));
        for _ in 0..3 {
            worker.tick().await.unwrap();
        }
        let (sent, phoned) = (addresses(&fake), calls(&app, &[time]).await);
        if in_person {
            assert_eq!((sent, phoned), (vec!["+46701740605".to_owned()], 0));
        } else {
            assert_eq!((sent, phoned), (Vec::new(), 1));
        }
    }
}

#[tokio::test]
async fn that_a_wish_has_run_out_is_told_by_letter_when_the_last_way_is_said_no_to_before_it_left() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    say(&app, p1, "MAIL", true).await;
    let content = json!({ "until": "2027-02-09" });
    let wish = leave(&app, p1, content).await.ok().at("/timeWishLeave/wish").clone();
    app.clock.set(at("2027-02-09T23:30:00Z"));
    sweep::run(&app.core).await.unwrap();
    assert!(stand(&app, task::Kind::Letter, &wish["id"]).await.is_empty(), "a message tells of it");
    say(&app, p1, "MAIL", false).await;
    assert_eq!(stand(&app, task::Kind::Letter, &wish["id"]).await, [task::Status::Open]);
}

#[tokio::test]
async fn an_offer_and_a_new_conversation_are_told_by_hand_when_the_last_way_is_said_no_to_before_they_left() {
    for other_way in [false, true] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        relate(&app.core, s1, p1).await;
        say(&app, p1, "MAIL", true).await;
        if other_way {
            say(&app, p1, "SMS", true).await;
        }
        app.clock.set(at("2027-02-09T19:02:00Z"));
        leave(&app, p1, any()).await.ok();
        publish(&app, &["2027-03-01T09:00"]).await;
        sweep::run(&app.core).await.unwrap();
        let wish = mine(&app, p1).await;
        assert_ne!(wish["offer"], Value::Null);
        let message = json!({
            "careUnitId": global(NodeKind::CareUnit, s1.unit), "patientId": p1.global_id(),
            "kind": "PATIENT_CARE", "subject": "Provsvar", "body": "Vi vill gärna träffa dig.",
        });
        let begun = act(&app, &s1.identity, "threadStart", "thread { id }", message).await.ok();
        let thread = begun.at("/threadStart/thread/id").clone();
        let by_hand = async || {
            let phoned = stand(&app, task::Kind::TimeWish, &wish["id"]).await;
            (phoned, stand(&app, task::Kind::Letter, &thread).await)
        };
        assert_eq!(by_hand().await, (Vec::new(), Vec::new()), "messages tell of both");
        app.clock.set(at("2027-02-10T06:00:00Z"));
        let (worker, fake) = worker(&app);
        assert_eq!(worker.tick().await.unwrap().claimed, 0, "nobody is woken");
        say(&app, p1, "MAIL", false).await;
        let open = if other_way { Vec::new() } else { vec![task::Status::Open] };
        assert_eq!(by_hand().await, (open.clone(), open), "another way: {other_way}");
        app.clock.set(at("2027-02-10T07:30:00Z"));
        worker.tick().await.unwrap();
        let sent = if other_way { vec!["+46701740605".to_owned(); 2] } else { Vec::new() };
        assert_eq!(addresses(&fake), sent);
    }
}

#[tokio::test]
async fn that_an_offer_is_gone_is_told_by_phone_to_whom_no_message_reaches_any_more() {
    for (told, no_before) in [(true, true), (true, false), (false, true)] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        say(&app, p1, "MAIL", true).await;
        leave(&app, p1, any()).await.ok();
        let slots = publish(&app, &["2027-03-01T09:00"]).await;
        sweep::run(&app.core).await.unwrap();
        let wish = mine(&app, p1).await["id"].clone();
        let (worker, _) = worker(&app);
        if told {
            assert_eq!(worker.tick().await.unwrap().sent, 1);
        }
        let withdraw = async || {
            let input = json!({ "slotIds": [slots[0]] });
            act(&app, &s1.identity, "slotWithdraw", "withdrawn", input).await.ok();
        };
        app.clock.advance(TimeDelta::minutes(1));
        if no_before {
            say(&app, p1, "MAIL", false).await;
            withdraw().await;
        } else {
            withdraw().await;
            assert!(stand(&app, task::Kind::TimeWish, &wish).await.is_empty(), "a message tells of it");
            say(&app, p1, "MAIL", false).await;
        }
        let phoned = stand(&app, task::Kind::TimeWish, &wish).await;
        let open = phoned.iter().filter(|status| **status == task::Status::Open).count();
        assert_eq!(open, usize::from(told), "told: {told}, no before: {no_before}");
    }
}

#[tokio::test]
async fn what_is_new_in_the_plan_is_told_by_letter_when_the_last_way_is_said_no_to_before_it_left() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let decide = async |yes: bool| {
        let choice = json!({ "kind": "PLAN", "channel": "MAIL", "optedIn": yes, "textShown": "Ja" });
        let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@exempel.se" } });
        act(&app, &p1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
    };
    decide(true).await;
    app.clock.set(at("2027-02-09T19:02:00Z"));
    let plan = proposed(&app, s1, p1).await;
    let letters = async || stand(&app, task::Kind::Letter, &json!(plan.version)).await;
    assert!(letters().await.is_empty(), "a message tells of it");
    decide(false).await;
    assert_eq!(letters().await, [task::Status::Open]);
}
