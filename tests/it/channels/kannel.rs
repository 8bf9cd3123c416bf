//! The real gateway: Kannel with its fake SMS centre.

use std::{net::SocketAddr, sync::Arc};

use chrono::TimeDelta;
use entity::{
    contact_way::Channel as Kind,
    notice::{self, State},
};
use harness::{TestApp, kannel::Kannel};
use patientkontrakt::reminder::{channel::configured::Channels, render::Renderer, worker::Worker};
use serde_json::json;

use super::hooks::SECRET;
use crate::{
    booking::publish,
    reminders::{booked, notices, say},
};

/// The service, reachable by the gateway; P1 has said yes to SMS and booked.
async fn service() -> (TestApp, Worker, Kannel) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hooks = format!("http://{}", listener.local_addr().unwrap());
    let kannel = Kannel::start(&format!("{hooks}/hooks/sms/reply/{SECRET}")).await;
    let app = TestApp::with(&[
        ("sms.kind", "kannel"),
        ("sms.url", &kannel.url),
        ("sms.user", "tester"),
        ("sms.password", &kannel.secret),
        ("sms.sender", "Vard"),
        ("sms.hooks_url", &hooks),
        ("sms.hooks_secret", SECRET),
    ])
    .await;
    let routes = app.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let channels = Channels::new(None, app.config.sms_channel(), &app.clock).unwrap();
    let renderer = Arc::new(Renderer::new(&app.config.mail_sender().unwrap()).unwrap());
    let worker = Worker::new(app.core.clone(), renderer, channels, app.config.worker()).unwrap();
    say(&app, &app.world.p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    booked(&app, &slots[0]).await;
    (app, worker, kannel)
}

async fn confirmation(app: &TestApp) -> notice::Model {
    notices(app).await.into_iter().find(|n| n.rule == "CONFIRMATION" && n.channel == Kind::Sms).unwrap()
}

/// Waits for what the gateway tells by itself.
async fn becomes(app: &TestApp, state: State) {
    for _ in 0..400 {
        if confirmation(app).await.state == state {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{:?}", confirmation(app).await);
}

#[tokio::test]
async fn a_text_goes_through_kannel_once_under_our_id_and_its_report_makes_it_delivered() {
    let (app, worker, kannel) = service().await;
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    kannel.got(1).await;
    becomes(&app, State::Delivered).await;
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    let text = &kannel.texts()[0];
    assert!(text.starts_with("Vard +46701740605 text "), "{text}");
    assert!(text.contains("må") || text.contains("Må") || text.contains("kl."), "letters whole: {text}");
    let key = &confirmation(&app).await.dedupe_key;
    let id = patientkontrakt::reminder::channel::message_id(key);
    assert_eq!(kannel.accounts(), [&id[..20]]);
}

#[tokio::test]
async fn a_stopp_from_the_phone_comes_through_kannel_and_is_confirmed_by_one_text() {
    let (app, worker, mut kannel) = service().await;
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    kannel.got(1).await;
    kannel.order("reply +46701740605 s t o p p").await;
    kannel.got(2).await;
    assert!(kannel.texts()[1].contains("Du får inga fler sms"), "{:?}", kannel.texts());
    kannel.order("reply +46701740605 STOPP").await;
    let me = app.run(&app.world.p1.identity, "{ me { reminderPreferences { channel optedIn } } }", json!({}));
    let me = me.await.ok();
    for choice in me.at("/me/reminderPreferences").as_array().unwrap() {
        assert_eq!(choice["optedIn"], false, "{choice}");
    }
    app.clock.advance(TimeDelta::days(30));
    assert_eq!(worker.tick().await.unwrap().sent, 0);
    kannel.got(2).await;
}

/// F18: killed and started again, nothing is lost and no text comes twice.
#[tokio::test]
async fn a_gateway_that_is_killed_loses_nothing_and_sends_nothing_twice() {
    let (app, worker, mut kannel) = service().await;
    kannel.order("kill").await;
    assert_eq!(worker.tick().await.unwrap().retried, 1, "nobody listens");
    kannel.order("start").await;
    kannel.order("centre off").await;
    app.clock.advance(TimeDelta::minutes(2));
    // Taken, and kept: the centre is away, and the gateway is killed with the text in its store.
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    kannel.keeps("+46701740605").await;
    kannel.order("kill").await;
    kannel.order("start").await;
    kannel.got(1).await;
    becomes(&app, State::Delivered).await;
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
}
