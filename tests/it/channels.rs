//! What stands between the outbox and the channels: pace, pauses, reports, replies, and the mark of a sending begun.

mod breaks;
mod hooks;
mod kannel;
pub(crate) mod kills;
mod late_reports;

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use entity::{
    contact_way::Channel as Kind,
    notice::{self, State},
    sending_hold::Cause,
};
use futures_util::future::BoxFuture;
use harness::TestApp;
use patientkontrakt::{
    reminder::{
        channel::{Channel, FailureCode, Outcome, Outgoing, Still, configured::Channels},
        claim, hold, pause,
        recheck::{self, Ready, Verdict},
        record,
        worker::{Worker, WorkerConfig},
    },
    session::Core,
};

use crate::reminders::{Fake, booked, crowd, notices, say, worker};

const LEASE: Duration = Duration::from_mins(4);

#[tokio::test]
async fn a_paused_channel_sends_nothing_at_any_instance_until_it_is_resumed() {
    let app = TestApp::new().await;
    crowd(&app, 3).await;
    let ((one, sent), (other, also)) = (worker(&app), worker(&app));
    pause::pause(&app.core.db, Kind::Mail, app.clock.now()).await.unwrap();
    pause::pause(&app.core.db, Kind::Mail, app.clock.now()).await.unwrap();
    for worker in [&one, &other] {
        assert_eq!(worker.tick().await.unwrap().claimed, 0);
    }
    assert_eq!(pause::paused(&app.core.db).await.unwrap().len(), 1);
    assert!(pause::resume(&app.core.db, Kind::Mail).await.unwrap());
    assert!(!pause::resume(&app.core.db, Kind::Mail).await.unwrap());
    assert_eq!(other.tick().await.unwrap().sent, 3);
    assert_eq!((sent.sent().len(), also.sent().len()), (0, 3));
}

#[tokio::test]
async fn before_the_time_that_the_receiver_asked_for_no_message_is_tried() {
    let app = TestApp::new().await;
    crowd(&app, 1).await;
    let (worker, fake) = worker(&app);
    let after = Some(Duration::from_secs(90));
    fake.answers.lock().unwrap().push(Outcome::Retry { reason: FailureCode::TooMany, after });
    assert_eq!(worker.tick().await.unwrap().retried, 1);
    // Another one that is due at once waits as well.
    say(&app, &app.world.p2, "MAIL", true).await;
    let slots = crate::booking::publish(&app, &["2027-03-03T09:00"]).await;
    crate::booking::book(&app, &app.world.p2.identity, &slots[0]).await.ok();
    app.clock.advance(TimeDelta::seconds(89));
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(worker.tick().await.unwrap().sent, 2);
    assert_eq!(fake.sent().len(), 3);
}

#[tokio::test]
async fn a_channel_that_fails_again_and_again_is_left_alone_and_tried_with_one_message() {
    let app = TestApp::new().await;
    crowd(&app, 30).await;
    let (worker, fake) = worker(&app);
    let down = || Outcome::Retry { reason: FailureCode::Unreachable, after: None };
    *fake.answers.lock().unwrap() = vec![down(); 30];
    assert_eq!(worker.tick().await.unwrap().retried, 30);
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    // All are due again: one tries, and as it fails the others are not touched.
    app.clock.advance(TimeDelta::seconds(80));
    *fake.answers.lock().unwrap() = vec![down()];
    assert_eq!(worker.tick().await.unwrap().retried, 1);
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    app.clock.advance(TimeDelta::minutes(8));
    assert_eq!(worker.tick().await.unwrap().sent, 1, "the trial");
    assert_eq!(worker.tick().await.unwrap().sent, 29);
    let all = notices(&app).await;
    assert!(all.iter().filter(|n| n.rule == "CONFIRMATION").all(|n| n.state == State::Sent));
}

/// What the first look found that may leave.
async fn ready(app: &TestApp, claimed: &notice::Model) -> Ready {
    match recheck::recheck(&app.core, claimed).await.unwrap() {
        Some(Verdict::Send(ready)) => *ready,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_sms_whose_sending_had_begun_when_its_worker_ended_is_shown_and_not_sent_again() {
    for begun in [false, true] {
        let app = TestApp::new().await;
        say(&app, &app.world.p1, "SMS", true).await;
        let slots = crate::booking::publish(&app, &["2027-03-01T09:00"]).await;
        booked(&app, &slots[0]).await;
        let claimed = claim::claim(&app.core, Kind::Sms, 10, LEASE).await.unwrap();
        let ready = ready(&app, &claimed[0]).await;
        if begun {
            assert!(recheck::begin(&app.core, &claimed[0], &ready).await);
        }
        app.clock.advance(TimeDelta::minutes(4));
        let (worker, fake) = worker(&app);
        let tick = worker.tick().await.unwrap();
        assert_eq!((tick.sent, tick.unknown), (usize::from(!begun), usize::from(begun)));
        assert_eq!(fake.sent().len(), usize::from(!begun));
        let first = notices(&app).await.into_iter().find(|n| n.rule == "CONFIRMATION").unwrap();
        let expected = if begun { (State::Unknown, Some("INTERRUPTED")) } else { (State::Sent, None) };
        assert_eq!((first.state, first.reason.as_deref()), expected);
        // The one who was away has lost its lease: it may not begin.
        assert!(!recheck::begin(&app.core, &claimed[0], &ready).await);
    }
}

/// A no comes while it is being sent, and a yes after it: nobody can know whether it has left, and it must not leave twice.
#[tokio::test]
async fn an_sms_whose_sending_had_begun_keeps_its_mark_through_a_no_and_a_yes() {
    for answered in [false, true] {
        let app = TestApp::new().await;
        let p1 = &app.world.p1;
        say(&app, p1, "SMS", true).await;
        // So near that no later rung stands in the way.
        let slots = crate::booking::publish(&app, &["2027-03-01T09:00"]).await;
        booked(&app, &slots[0]).await;
        app.clock.set("2027-02-28T17:00:00Z".parse().unwrap());
        let evening = async |app: &TestApp| {
            notices(app).await.into_iter().find(|n| n.rule == "EVENING_BEFORE").unwrap()
        };
        let claimed = claim::claim(&app.core, Kind::Sms, 10, LEASE).await.unwrap();
        let claimed = claimed.into_iter().find(|n| n.rule == "EVENING_BEFORE").unwrap();
        let ready = ready(&app, &claimed).await;
        assert!(recheck::begin(&app.core, &claimed, &ready).await);
        say(&app, p1, "SMS", false).await;
        assert_eq!(evening(&app).await.state, State::Claimed, "whoever sends tells what becomes of it");
        if answered {
            let refused = Outcome::Retry { reason: FailureCode::RefusedForNow, after: None };
            record::outcome(&app.core, &claimed, &refused, &[LEASE], false).await.unwrap();
        }
        plan_again(&app, &claimed).await;
        app.clock.advance(TimeDelta::minutes(5));
        let (worker, fake) = worker(&app);
        worker.tick().await.unwrap();
        let found = evening(&app).await;
        let expected = if answered { (State::Sent, None) } else { (State::Unknown, Some("INTERRUPTED")) };
        assert_eq!((found.state, found.reason.as_deref()), expected);
        let id = patientkontrakt::reminder::channel::message_id(&claimed.dedupe_key);
        assert_eq!(fake.sent().contains(&id), answered);
    }
}

/// Says yes again at a moment at which the rung is planned anew.
async fn plan_again(app: &TestApp, claimed: &entity::notice::Model) {
    let now = app.clock.now();
    app.clock.set(claimed.due_at - TimeDelta::seconds(1));
    say(app, &app.world.p1, "SMS", true).await;
    app.clock.set(now);
}

#[tokio::test]
async fn what_one_way_refuses_goes_by_the_other_that_was_said_yes_to() {
    for both in [false, true] {
        let app = TestApp::new().await;
        say(&app, &app.world.p1, "MAIL", true).await;
        say(&app, &app.world.p1, "SMS", both).await;
        let slots = crate::booking::publish(&app, &["2027-03-01T09:00"]).await;
        booked(&app, &slots[0]).await;
        let (worker, fake) = worker(&app);
        *fake.answers.lock().unwrap() = vec![
            Outcome::Fail { reason: FailureCode::Refused },
            Outcome::Fail { reason: FailureCode::BadAddress },
        ];
        let tick = worker.tick().await.unwrap();
        assert_eq!(tick.failed, if both { 2 } else { 1 }, "{tick:?}");
        assert_eq!(worker.tick().await.unwrap().claimed, 0, "each way once");
        let all = notices(&app).await;
        let first: Vec<_> = all.iter().filter(|n| n.rule == "CONFIRMATION").collect();
        assert!(first.iter().all(|n| n.state == State::Failed));
        assert_eq!(first.len(), if both { 2 } else { 1 });
        let me = "{ me { unreachableBy } }";
        let seen = app.run(&app.world.p1.identity, me, serde_json::json!({})).await.ok();
        assert_eq!(seen.at("/me/unreachableBy"), &serde_json::json!(["MAIL"]));
    }
}

#[tokio::test]
async fn a_bound_on_the_rate_holds_over_rounds() {
    let app = TestApp::new().await;
    crowd(&app, 12).await;
    let (_, fake) = worker(&app);
    let worker = crate::reminders::worker_paced(&app, &fake, 5);
    assert_eq!(worker.tick().await.unwrap().sent, 5);
    assert_eq!(worker.tick().await.unwrap().sent, 0);
    app.clock.advance(TimeDelta::milliseconds(400));
    assert_eq!(worker.tick().await.unwrap().sent, 2);
    app.clock.advance(TimeDelta::seconds(10));
    assert_eq!(worker.tick().await.unwrap().sent, 5);
    assert_eq!(fake.sent().len(), 12);
}

/// A channel that an operator's hold comes upon as it takes its first message.
struct Held(Core, Arc<Fake>);

impl Channel for Held {
    fn kind(&self) -> Kind {
        Kind::Mail
    }

    fn send<'a>(&'a self, message: &'a Outgoing, still: Still<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if !still().await {
                return Outcome::Withheld;
            }
            self.1.ledger.lock().unwrap().push(message.clone());
            hold::hold(&self.0, Cause::Operator).await.unwrap();
            Outcome::Accepted { provider_ref: None }
        })
    }
}

#[tokio::test]
async fn a_wait_or_a_hold_holds_for_the_rest_of_what_was_claimed() {
    let one_by_one = || WorkerConfig { at_once: 1, ..WorkerConfig::default() };
    let app = TestApp::new().await;
    crowd(&app, 3).await;
    let fake = Arc::new(Fake::default());
    let worker = crate::reminders::worker_as(&app, &fake, one_by_one());
    let after = Some(Duration::from_secs(90));
    fake.answers.lock().unwrap().push(Outcome::Retry { reason: FailureCode::TooMany, after });
    let tick = worker.tick().await.unwrap();
    assert_eq!((tick.claimed, tick.retried, tick.postponed, fake.sent().len()), (3, 1, 2, 1), "{tick:?}");
    app.clock.advance(TimeDelta::seconds(90));
    assert_eq!(worker.tick().await.unwrap().sent, 3);
    assert!(notices(&app).await.iter().all(|n| n.attempts <= 2), "what was not tried is not counted");

    let app = TestApp::new().await;
    crowd(&app, 3).await;
    let fake = Arc::new(Fake::default());
    let mail: Arc<dyn Channel> = Arc::new(Held(app.core.clone(), Arc::clone(&fake)));
    let texts = Arc::clone(&app.core.texts);
    let channels = Channels::of(Some(mail), None);
    let worker = Worker::new(app.core.clone(), texts, channels, one_by_one()).unwrap();
    let tick = worker.tick().await.unwrap();
    assert_eq!((tick.sent, tick.postponed, fake.sent().len()), (1, 2, 1), "{tick:?}");
}
