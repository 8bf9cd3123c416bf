//! F24, F34 and F36: a clock that jumps, hours without sending, and a message that breaks its maker.

use std::sync::Arc;

use chrono::TimeDelta;
use entity::{
    NoticeId,
    contact_way::Channel as Kind,
    notice::{self, State},
};
use futures_util::future::BoxFuture;
use harness::TestApp;
use patientkontrakt::{
    clock::Clock,
    reminder::{
        channel::{Channel, FailureCode, Outcome, Outgoing, Still, configured::Channels, outbox::Outbox},
        worker::{Worker, WorkerConfig},
    },
};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};

use crate::{
    booking::{book, publish},
    reminders::{Fake, crowd, notices, say, worker, worker_paced},
};

/// A second copy of an SMS reaches somebody twice: one of unknown fate is shown, and never sent again.
#[tokio::test]
async fn an_sms_of_unknown_fate_is_shown_and_not_sent_again() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    say(&app, &app.world.p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    *fake.answers.lock().unwrap() = vec![Outcome::Unknown { reason: FailureCode::Timeout }];
    assert_eq!(worker.tick().await.unwrap().unknown, 1);
    app.clock.advance(TimeDelta::hours(3));
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    assert_eq!(fake.sent().len(), 1);
    let confirmation = notices(&app).await.into_iter().find(|n| n.rule == "CONFIRMATION").unwrap();
    assert_eq!((confirmation.state, confirmation.channel), (State::Unknown, Kind::Sms));
}

/// A gateway that takes messages with the same key once only.
struct Keyed(Arc<Fake>);

impl Channel for Keyed {
    fn kind(&self) -> Kind {
        Kind::Sms
    }

    fn repeats_safely(&self) -> bool {
        true
    }

    fn send<'a>(&'a self, message: &'a Outgoing, still: Still<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            if !still().await {
                return Outcome::Withheld;
            }
            self.0.ledger.lock().unwrap().push(message.clone());
            let told = self.0.answers.lock().unwrap().pop();
            told.unwrap_or(Outcome::Accepted { provider_ref: None })
        })
    }
}

#[tokio::test]
async fn an_sms_of_unknown_fate_goes_once_more_by_a_gateway_that_honours_the_key() {
    let app = TestApp::new().await;
    let fake = Arc::new(Fake::default());
    let sms: Arc<dyn Channel> = Arc::new(Keyed(Arc::clone(&fake)));
    let (texts, channels) = (Arc::clone(&app.core.texts), Channels::of(None, Some(sms)));
    let worker = Worker::new(app.core.clone(), texts, channels, WorkerConfig::default()).unwrap();
    say(&app, &app.world.p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    *fake.answers.lock().unwrap() = vec![Outcome::Unknown { reason: FailureCode::Timeout }];
    assert_eq!(worker.tick().await.unwrap().retried, 1);
    app.clock.advance(TimeDelta::seconds(60));
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    let sent = fake.sent();
    assert!(sent.len() == 2 && sent[0] == sent[1], "under the same key: {sent:?}");
}

/// F24: an hour or a month ahead, or two hours back. The database's clock does not agree: PostgreSQL has the real time, and
/// SQLite has none.
#[tokio::test]
async fn a_clock_that_jumps_sends_nothing_and_gives_nothing_up_until_it_is_right_again() {
    for jump in [TimeDelta::hours(1), TimeDelta::hours(-2), TimeDelta::days(1), TimeDelta::days(40)] {
        let app = TestApp::new().await;
        crowd(&app, 3).await;
        let mut core = app.core.clone();
        core.clock = Clock::machine_by_hand(app.clock.now());
        let outbox = Outbox::new(core.clock.clone(), 100);
        let texts = Arc::clone(&core.texts);
        let worker = Worker::new(core.clone(), texts, Channels::demo(&outbox), WorkerConfig::default());
        let worker = worker.unwrap();
        core.clock.advance(jump);
        for _ in 0..3 {
            let tick = worker.tick().await.unwrap();
            assert_eq!((tick.claimed, tick.missed), (0, 0), "{jump}");
        }
        assert!(outbox.entries().is_empty());
        assert!(notices(&app).await.iter().all(|n| n.state == State::Planned), "{jump}");
        core.clock.advance(-jump);
        assert_eq!(worker.tick().await.unwrap().sent, 3, "{jump}");
        assert_eq!(worker.tick().await.unwrap().claimed, 0, "{jump}: each once, and none early");
    }
}

/// F34: everything was down for three hours.
#[tokio::test]
async fn after_hours_without_sending_what_still_helps_leaves_at_the_rate_and_the_rest_is_missed() {
    let app = TestApp::new().await;
    crowd(&app, 40).await;
    let mut all = notices(&app).await;
    all.retain(|n| n.rule == "CONFIRMATION");
    let soon: Vec<NoticeId> = all.iter().take(20).map(|n| n.id).collect();
    notice::Entity::update_many()
        .col_expr(notice::Column::UselessAt, Expr::value(app.clock.now() + TimeDelta::hours(2)))
        .filter(notice::Column::Id.is_in(soon.iter().copied()))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    app.clock.advance(TimeDelta::hours(3));
    let (_, fake) = worker(&app);
    let worker = worker_paced(&app, &fake, 5);
    let first = worker.tick().await.unwrap();
    assert_eq!((first.missed, first.sent), (20, 5), "{first:?}");
    assert_eq!(worker.tick().await.unwrap().sent, 0, "no burst");
    for _ in 0..3 {
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(worker.tick().await.unwrap().sent, 5);
    }
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    for one in notices(&app).await.into_iter().filter(|n| n.rule == "CONFIRMATION") {
        let expected =
            if soon.contains(&one.id) { (State::Missed, Some("TOO_LATE")) } else { (State::Sent, None) };
        assert_eq!((one.state, one.reason.as_deref()), expected);
    }
    assert_eq!(fake.sent().len(), 20);
}

/// F36: a message that cannot be made is given up alone, and is seen.
#[tokio::test]
async fn a_message_that_cannot_be_made_is_given_up_alone() {
    let app = TestApp::new().await;
    crowd(&app, 12).await;
    let one = notices(&app).await.into_iter().find(|n| n.rule == "CONFIRMATION").unwrap();
    let mut poison = one.clone();
    poison.rule = "NO_SUCH_RUNG".to_owned();
    // The first to be claimed.
    poison.useless_at = one.useless_at - TimeDelta::hours(1);
    poison.into_active_model().reset_all().update(app.core.db.reader()).await.unwrap();
    let (worker, fake) = worker(&app);
    let tick = worker.tick().await.unwrap();
    assert_eq!((tick.failed, tick.sent), (1, 11), "{tick:?}");
    assert_eq!(worker.tick().await.unwrap().claimed, 0, "it is final");
    let found = notices(&app).await.into_iter().find(|n| n.id == one.id).unwrap();
    assert_eq!((found.state, found.reason.as_deref()), (State::Failed, Some("BAD_MESSAGE")));
    assert_eq!((fake.sent().len(), found.channel), (11, Kind::Mail));
}
