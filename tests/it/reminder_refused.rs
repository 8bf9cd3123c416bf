//! A no to one way, when a message waits to leave by it, is on the wire, or may have left: nothing that another way still
//! brings is lost, and what goes no way at all is told by hand.

use std::time::Duration;

use chrono::TimeDelta;
use entity::{
    contact_way::Channel as Kind,
    notice::{self, State},
    task,
};
use harness::{TestApp, relate};
use patientkontrakt::{
    domain::reminder_preference::stop::stop,
    graphql::scalars::NodeKind,
    reminder::{
        channel::{FailureCode, Outcome},
        claim,
    },
};
use sea_orm::EntityTrait;
use serde_json::json;

use crate::{
    acts::{act, global},
    booking::{APPOINTMENT, publish},
    contacts::stand,
    reminder_consent::{CHOSEN, addresses, book_for_child, family, for_child, guardian_says},
    reminder_staff::list,
    reminders::{booked, notices, say, worker},
};

async fn stopp(app: &TestApp) {
    assert!(stop(&app.core, &"+46701740605".parse().unwrap(), "").await.unwrap());
}

fn later() -> Outcome {
    Outcome::Retry { reason: FailureCode::Unavailable, after: None }
}

/// No message is taken until somebody says no to SMS; then what waited to leave by it goes by mail at once, and once.
async fn waits_until(app: &TestApp, at: &str, no: impl AsyncFnOnce()) {
    let (worker, fake) = worker(app);
    app.clock.set(at.parse().unwrap());
    *fake.answers.lock().unwrap() = vec![later(), later()];
    let waiting = worker.tick().await.unwrap().retried;
    let all = notices(app).await;
    let tried = |n: &&notice::Model| n.state == State::Planned && n.attempts == 1;
    let by_sms = all.iter().filter(tried).filter(|n| n.channel == Kind::Sms).count();
    assert!(by_sms > 0, "{all:?}");
    fake.answers.lock().unwrap().clear();
    fake.ledger.lock().unwrap().clear();
    no().await;
    assert_eq!(worker.tick().await.unwrap().sent, by_sms);
    app.clock.advance(TimeDelta::minutes(10));
    assert_eq!(worker.tick().await.unwrap().sent, waiting - by_sms, "what waited to leave by mail");
    assert!(addresses(&fake).iter().all(|to| to.ends_with("@exempel.se")), "{:?}", addresses(&fake));
}

#[tokio::test]
async fn what_waits_to_leave_goes_by_the_other_way_when_its_own_is_said_no_to() {
    for by_stopp in [false, true] {
        let app = TestApp::new().await;
        let p1 = &app.world.p1;
        say(&app, p1, "SMS", true).await;
        let slots = publish(&app, &["2027-02-24T10:30"]).await;
        booked(&app, &slots[0]).await;
        let (worker, _) = worker(&app);
        assert_eq!(worker.tick().await.unwrap().sent, 1, "the confirmation");
        say(&app, p1, "MAIL", true).await;
        waits_until(&app, "2027-02-23T17:00:00Z", async || {
            if by_stopp {
                stopp(&app).await;
            } else {
                say(&app, p1, "SMS", false).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_waits_to_leave_to_a_guardian_goes_by_mail_after_stopp() {
    let app = TestApp::new().await;
    let (c1, g1) = family(&app).await;
    let yes =
        json!({ "channel": "SMS", "optedIn": true, "address": "070-174 06 05", "textShown": "Mån 1 mars" });
    for_child(&app, &g1, &c1, "guardianReminderSet", CHOSEN, yes).await.ok();
    book_for_child(&app, &g1, &c1, "2027-02-24T10:30").await;
    let (worker, _) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1, "the confirmation");
    guardian_says(&app, &g1, &c1, true).await.ok();
    waits_until(&app, "2027-02-23T17:00:00Z", async || {
        stopp(&app).await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_waits_for_the_morning_goes_by_the_other_way_after_a_no_and_not_before() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    say(&app, p1, "MAIL", true).await;
    say(&app, p1, "SMS", true).await;
    let slots = publish(&app, &["2027-02-24T10:30"]).await;
    app.clock.set("2027-02-09T20:30:00Z".parse().unwrap());
    let input = json!({ "slotId": slots[0], "patientId": p1.global_id(), "bookingChannel": "PHONE" });
    act(&app, &s1.identity, "appointmentBook", "appointment { id }", input).await.ok();
    say(&app, p1, "MAIL", false).await;
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 0, "nobody is woken by it");
    app.clock.set("2027-02-10T07:00:00Z".parse().unwrap());
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    assert_eq!(addresses(&fake), ["+46701740605"]);
}

/// P1 says no to SMS and yes to mail to messages of this kind, in one.
async fn mail_instead(app: &TestApp, kind: &str) {
    let choice = |channel: &str, yes: bool| json!({ "kind": kind, "channel": channel, "optedIn": yes, "textShown": "Tid" });
    let input = json!({
        "choices": [choice("SMS", false), choice("MAIL", true)], "contactWays": { "mail": "etta@exempel.se" },
    });
    act(app, &app.world.p1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

/// R: a change of way loses nothing that waits for the morning.
#[tokio::test]
async fn what_waits_for_the_morning_goes_by_the_way_that_was_chosen_instead_whatever_it_tells() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    say(&app, p1, "SMS", true).await;
    let sms =
        json!({ "choices": [{ "kind": "MESSAGE", "channel": "SMS", "optedIn": true, "textShown": "Tid" }] });
    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { kind }", sms).await.ok();
    let slots = publish(&app, &["2027-02-10T13:00"]).await;
    app.clock.set("2027-02-09T12:00:00Z".parse().unwrap());
    let time = booked(&app, &slots[0]).await;
    let (worker, fake) = worker(&app);
    worker.tick().await.unwrap();
    app.clock.set("2027-02-09T20:01:00Z".parse().unwrap());
    let input = json!({ "appointmentId": time["id"], "expectedRowVersion": 1 });
    act(&app, &s1.identity, "appointmentCancel", APPOINTMENT, input).await.ok();
    let message = json!({
        "careUnitId": global(NodeKind::CareUnit, s1.unit), "patientId": p1.global_id(), "kind": "PATIENT_CARE",
        "subject": "Tiden", "body": "Vi ringer.",
    });
    act(&app, &s1.identity, "threadStart", "thread { id }", message).await.ok();
    let waiting = notices(&app).await.into_iter().filter(|n| n.state == State::Planned);
    let mut waiting: Vec<_> = waiting.map(|n| (n.kind.as_str(), n.channel)).collect();
    waiting.sort_unstable();
    assert_eq!(waiting, [("CANCELLATION", Kind::Sms), ("MESSAGE", Kind::Sms)]);
    fake.ledger.lock().unwrap().clear();
    mail_instead(&app, "APPOINTMENT").await;
    mail_instead(&app, "MESSAGE").await;
    assert_eq!(worker.tick().await.unwrap().claimed, 0, "nobody is woken");
    app.clock.set("2027-02-10T07:00:00Z".parse().unwrap());
    assert_eq!(worker.tick().await.unwrap().sent, 2);
    assert_eq!(addresses(&fake), ["etta@exempel.se"; 2]);
}

/// R: of what care has done, nobody is left without word.
#[tokio::test]
async fn what_care_has_done_is_told_by_phone_when_the_last_way_is_said_no_to_before_it_has_left() {
    for (by_care, calls) in [(true, 1), (false, 0)] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        relate(&app.core, s1, p1).await;
        say(&app, p1, "SMS", true).await;
        let slots = publish(&app, &["2027-02-24T10:30", "2027-02-25T10:30"]).await;
        let time = booked(&app, &slots[0]).await;
        let kept = booked(&app, &slots[1]).await;
        let (worker, fake) = worker(&app);
        worker.tick().await.unwrap();
        let input = json!({ "appointmentId": time["id"], "expectedRowVersion": 1 });
        let who = if by_care { &s1.identity } else { &p1.identity };
        act(&app, who, "appointmentCancel", APPOINTMENT, input).await.ok();
        *fake.answers.lock().unwrap() = vec![later()];
        assert_eq!(worker.tick().await.unwrap().retried, 1);
        fake.ledger.lock().unwrap().clear();
        stopp(&app).await;
        let told = stand(&app, task::Kind::CancellationCall, &time["id"]).await;
        assert_eq!(told, vec![task::Status::Open; calls], "by care: {by_care}");
        assert!(stand(&app, task::Kind::CancellationCall, &kept["id"]).await.is_empty());
        app.clock.advance(TimeDelta::minutes(10));
        assert_eq!(worker.tick().await.unwrap().sent, 0);
    }
}

/// R: what a worker has taken just now is not lost to a no, nor what one had that died.
#[tokio::test]
async fn what_a_worker_has_taken_goes_by_the_other_way_after_a_no_or_by_its_own_after_a_yes_again() {
    for again in [false, true] {
        let app = TestApp::new().await;
        let p1 = &app.world.p1;
        say(&app, p1, "SMS", true).await;
        let slots = publish(&app, &["2027-02-24T10:30"]).await;
        booked(&app, &slots[0]).await;
        say(&app, p1, "MAIL", true).await;
        let lease = Duration::from_mins(4);
        assert_eq!(claim::claim(&app.core, Kind::Sms, 10, lease).await.unwrap().len(), 1, "the confirmation");
        say(&app, p1, "SMS", false).await;
        if again {
            say(&app, p1, "SMS", true).await;
        }
        app.clock.advance(TimeDelta::minutes(5));
        let (worker, fake) = worker(&app);
        for _ in 0..2 {
            worker.tick().await.unwrap();
        }
        let to = if again { "+46701740605" } else { "etta@exempel.se" };
        assert_eq!(addresses(&fake), [to], "yes again: {again}");
    }
}

/// R: what has been given up in favour of another way is staff's again when that way is no way any more.
#[tokio::test]
async fn what_neither_way_takes_after_a_no_is_on_the_list_of_staff() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    say(&app, p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-02-24T10:30"]).await;
    booked(&app, &slots[0]).await;
    say(&app, p1, "SMS", true).await;
    let (worker, fake) = worker(&app);
    // Of mail, then of SMS.
    *fake.answers.lock().unwrap() = vec![later(), Outcome::Fail { reason: FailureCode::Refused }];
    let tick = worker.tick().await.unwrap();
    assert_eq!((tick.failed, tick.retried), (1, 1));
    assert!(list(&app, s1).await.is_empty(), "the other way has it");
    say(&app, p1, "SMS", false).await;
    assert_eq!(list(&app, s1).await.len(), 1);
}

/// What care has cancelled goes by both ways at once: staff need not see to it as long as one has it.
#[tokio::test]
async fn what_one_way_gives_up_after_it_has_left_by_the_other_is_not_on_the_list_of_staff() {
    for sms_takes_it in [true, false] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        relate(&app.core, s1, p1).await;
        say(&app, p1, "MAIL", true).await;
        say(&app, p1, "SMS", true).await;
        let slots = publish(&app, &["2027-02-24T10:30"]).await;
        let time = booked(&app, &slots[0]).await;
        let (worker, fake) = worker(&app);
        worker.tick().await.unwrap();
        let input = json!({ "appointmentId": time["id"], "expectedRowVersion": 1 });
        act(&app, &s1.identity, "appointmentCancel", APPOINTMENT, input).await.ok();
        let fails = || Outcome::Fail { reason: FailureCode::Refused };
        // Of mail, then of SMS, if it is not taken.
        *fake.answers.lock().unwrap() = if sms_takes_it { vec![later()] } else { vec![fails(), later()] };
        let tick = worker.tick().await.unwrap();
        let taken = usize::from(sms_takes_it);
        assert_eq!((tick.retried, tick.sent, tick.failed), (1, taken, 1 - taken));
        *fake.answers.lock().unwrap() = vec![fails()];
        app.clock.advance(TimeDelta::minutes(10));
        assert_eq!(worker.tick().await.unwrap().failed, 1, "mail, for good");
        assert_eq!(list(&app, s1).await.len(), 1 - taken);
    }
}

/// R: whether something left is not forgotten because somebody says no meanwhile.
#[tokio::test]
async fn what_may_have_left_is_shown_as_unknown_after_a_no_and_goes_no_other_way() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    say(&app, p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-02-24T10:30"]).await;
    booked(&app, &slots[0]).await;
    say(&app, p1, "SMS", true).await;
    let (worker, fake) = worker(&app);
    *fake.answers.lock().unwrap() = vec![Outcome::Unknown { reason: FailureCode::ConnectionLost }];
    worker.tick().await.unwrap();
    fake.answers.lock().unwrap().clear();
    say(&app, p1, "MAIL", false).await;
    app.clock.advance(TimeDelta::minutes(10));
    worker.tick().await.unwrap();
    let all = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    let told = all.iter().filter(|n| n.rule == "CONFIRMATION");
    assert_eq!(told.map(|n| (n.channel, n.state)).collect::<Vec<_>>(), [(Kind::Mail, State::Unknown)]);
    assert_eq!(list(&app, s1).await.len(), 1);
}
