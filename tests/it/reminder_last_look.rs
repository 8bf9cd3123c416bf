//! The last look, between the recipient and the content: what has changed meanwhile holds the message back.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use entity::{contact_way::Channel as Kind, notice::State, patient, representative::Kind as Ground};
use futures_util::future::BoxFuture;
use harness::{TestApp, child, relate, represent};
use patientkontrakt::{
    graphql::scalars::NodeKind,
    reminder::{
        channel::{Channel, Outcome, Outgoing, Recipient, Still, configured::Channels},
        render::Renderer,
        worker::{Tick, Worker, WorkerConfig},
    },
};
use sea_orm::{ActiveModelTrait, ActiveValue::Set};
use serde_json::json;

use crate::{
    acts::{act, global},
    booking::{APPOINTMENT, publish},
    reminder_consent::{book_for_child, guardian_says},
    reminders::{booked, notices, say, worker},
};

/// A channel that stands between the recipient and the content until it is told to go on.
#[derive(Default)]
struct Slow {
    at_the_recipient: tokio::sync::Notify,
    go_on: tokio::sync::Notify,
    accepted: std::sync::atomic::AtomicUsize,
}

struct SlowMail(Arc<Slow>);

impl Channel for SlowMail {
    fn kind(&self) -> Kind {
        Kind::Mail
    }

    fn send<'a>(&'a self, _: &'a Outgoing, still: Still<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.0.at_the_recipient.notify_one();
            self.0.go_on.notified().await;
            if !still().await {
                return Outcome::Withheld;
            }
            self.0.accepted.fetch_add(1, Ordering::SeqCst);
            Outcome::Accepted { provider_ref: None }
        })
    }
}

/// One round of a worker, and what happens while a message stands between its recipient and its content.
async fn meanwhile(app: &TestApp, slow: &Arc<Slow>, happens: impl Future<Output = ()>) -> Tick {
    let mail: Arc<dyn Channel> = Arc::new(SlowMail(Arc::clone(slow)));
    let renderer = Arc::new(Renderer::new(&"vard@exempel.se".parse().unwrap()).unwrap());
    let channels = Channels::of(Some(mail), None);
    let worker = Worker::new(app.core.clone(), renderer, channels, WorkerConfig::default()).unwrap();
    let happens = async {
        slow.at_the_recipient.notified().await;
        happens.await;
        slow.go_on.notify_one();
    };
    let both = async { tokio::join!(worker.tick(), happens) };
    tokio::time::timeout(Duration::from_secs(30), both).await.unwrap().0.unwrap()
}

#[tokio::test]
async fn what_is_cancelled_or_moved_between_the_recipient_and_the_content_never_leaves() {
    for mutation in ["appointmentCancel", "appointmentRebook", ""] {
        let app = TestApp::new().await;
        let p1 = &app.world.p1;
        say(&app, p1, "MAIL", true).await;
        let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
        let visit = booked(&app, &slots[0]).await;
        let slow = Arc::new(Slow::default());
        let tick = meanwhile(&app, &slow, async {
            let mut input = json!({ "appointmentId": visit["id"], "expectedRowVersion": 1 });
            if mutation == "appointmentRebook" {
                input["slotId"] = json!(slots[1]);
            }
            if !mutation.is_empty() {
                act(&app, &p1.identity, mutation, APPOINTMENT, input).await.ok();
            }
        })
        .await;
        let accepted = slow.accepted.load(Ordering::SeqCst);
        let expected = usize::from(mutation.is_empty());
        assert_eq!((tick.claimed, tick.sent, accepted), (1, expected, expected), "{mutation}");
        let first = notices(&app).await.into_iter().find(|n| n.rule == "CONFIRMATION").unwrap();
        let state = if mutation.is_empty() { State::Sent } else { State::Withdrawn };
        assert_eq!(first.state, state, "{mutation}");
    }
}

#[tokio::test]
async fn an_address_an_identity_or_a_right_that_changed_in_that_moment_gets_nothing() {
    for what in ["address", "identity", "guardian"] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        relate(&app.core, s1, p1).await;
        let mut right = None;
        if what == "guardian" {
            let c1 = child(&app.core, p1, "201403012388").await;
            let g1 =
                represent(&app.core, &c1, Ground::Guardian, "197001012388", r#"{"BOOKING":"ACT"}"#, false);
            let g1 = g1.await;
            relate(&app.core, s1, &c1).await;
            guardian_says(&app, &g1, &c1, true).await.ok();
            book_for_child(&app, &g1, &c1, "2027-03-01T09:00").await;
            right = Some(g1.id);
        } else {
            let yes = json!({ "patientId": p1.global_id(), "contactWays": { "mail": "etta@exempel.se" },
                "choices": [{ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Mån" }] });
            act(&app, &s1.identity, "reminderPreferencesSet", "preferences { kind }", yes).await.ok();
            let slots = publish(&app, &["2027-03-01T09:00"]).await;
            booked(&app, &slots[0]).await;
        }
        let slow = Arc::new(Slow::default());
        let tick = meanwhile(&app, &slow, async {
            match (what, right) {
                (_, Some(guardian)) => {
                    let input = json!({ "decision": "STOP", "reason": "Oro",
                                        "representativeId": global(NodeKind::Representative, guardian) });
                    act(&app, &s1.identity, "representativeAssess", "representative { id }", input)
                        .await
                        .ok();
                }
                ("address", _) => {
                    let input = json!({ "choices": [], "contactWays": { "mail": "ny@exempel.se" } });
                    act(&app, &p1.identity, "reminderPreferencesSet", "preferences { kind }", input)
                        .await
                        .ok();
                }
                _ => {
                    let protected = patient::ActiveModel {
                        id: Set(p1.id),
                        protected_identity: Set(patient::ProtectedIdentity::Sekretessmarkering),
                        ..Default::default()
                    };
                    protected.update(app.core.db.reader()).await.unwrap();
                }
            }
        })
        .await;
        assert_eq!((tick.claimed, tick.sent, slow.accepted.load(Ordering::SeqCst)), (1, 0, 0), "{what}");
        let (worker, fake) = worker(&app);
        let tick = worker.tick().await.unwrap();
        if what == "address" {
            assert_eq!(tick.sent, 1, "to the new one");
            assert_eq!(fake.ledger.lock().unwrap()[0].to, Recipient::Mail("ny@exempel.se".parse().unwrap()));
        } else {
            assert_eq!((tick.sent, tick.withheld), (0, 1), "{what}");
            let first = notices(&app).await.into_iter().find(|n| n.rule == "CONFIRMATION").unwrap();
            assert_eq!(first.state, State::Suppressed, "{what}");
        }
    }
}
