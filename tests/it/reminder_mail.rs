//! Reminders by mail from booking to inbox: the real worker, the real channel, a real mail server.

use std::{collections::BTreeSet, sync::Arc};

use chrono::TimeDelta;
use entity::notice::{self, State};
use harness::{
    TestApp,
    smtp::{Accepted, SmtpOptions, SmtpServer},
};
use patientkontrakt::reminder::{
    channel::configured::Channels,
    render::Renderer,
    worker::{Tick, Worker},
};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::{
    acts::act,
    booking::{APPOINTMENT, book, publish},
};

/// When the rungs of a visit on Monday 1 March 2027 at 09:00 are due.
const RUNGS: [&str; 3] = ["2027-02-22T08:00:00Z", "2027-02-24T18:30:00Z", "2027-02-28T17:00:00Z"];

/// A service that is configured to send by `server`, and its worker.
async fn service(server: &SmtpServer) -> (TestApp, Worker) {
    let port = server.port.to_string();
    let app = TestApp::with(&[
        ("smtp.host", "localhost"),
        ("smtp.port", &port),
        ("smtp.tls", "none"),
        ("smtp.from", "paminnelse@exempel.se"),
    ])
    .await;
    let worker = worker(&app);
    (app, worker)
}

/// A worker as `serve` makes it.
fn worker(app: &TestApp) -> Worker {
    let config = &app.config;
    let channels = Channels::new(config.smtp_channel(), config.sms_channel(), &app.clock).unwrap();
    let renderer = Arc::new(Renderer::new(&config.mail_sender().unwrap()).unwrap());
    Worker::new(app.core.clone(), renderer, channels, config.worker()).unwrap()
}

/// P1 says yes to mail and books the visit.
async fn booked(app: &TestApp) -> Value {
    let p1 = &app.world.p1.identity;
    let input = json!({
        "choices": [{ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Mån 1 mars kl. 09.00" }],
        "contactWays": { "mail": "etta@exempel.se" },
    });
    act(app, p1, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
    let slots = publish(app, &["2027-03-01T09:00"]).await;
    book(app, p1, &slots[0]).await.ok().at("/appointmentBook/appointment").clone()
}

/// Everything a reader of the mail could see, with its encodings undone where they hide text.
fn readable(mail: &Accepted) -> String {
    let soft = mail.content.replace("=\r\n", "");
    let mut text = soft.clone();
    for block in mail.content.split("\r\n\r\n") {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let packed: String = block.split_whitespace().take_while(|line| !line.starts_with("--")).collect();
        if let Ok(bytes) = STANDARD.decode(packed) {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    text
}

/// That it tells the time and nothing of the person, the unit or the care.
#[track_caller]
fn tells_only_the_time(app: &TestApp, mail: &Accepted) {
    let p1 = &app.world.p1;
    assert_eq!(mail.recipients, ["etta@exempel.se"]);
    let text = readable(mail);
    for word in [
        p1.canary,
        &p1.number,
        &p1.number[2..],
        "Kanariesson",
        "Etta",
        "Granen",
        "Återbesök",
        "=C3=85terbes",
        "läkemedel",
    ] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert!(text.contains("text/calendar"), "{text}");
}

#[tokio::test]
async fn each_rung_arrives_once_and_tells_only_the_time() {
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let (app, worker) = service(&server).await;
    booked(&app).await;
    let once = Tick { claimed: 1, sent: 1, ..Tick::default() };
    assert_eq!(worker.tick().await.unwrap(), once, "the confirmation");
    for (n, due) in RUNGS.iter().enumerate() {
        app.clock.set(due.parse::<chrono::DateTime<chrono::Utc>>().unwrap() - TimeDelta::seconds(1));
        assert_eq!(worker.tick().await.unwrap(), Tick::default(), "not before {due}");
        app.clock.advance(TimeDelta::seconds(1));
        assert_eq!(worker.tick().await.unwrap(), once, "{due}");
        assert_eq!(worker.tick().await.unwrap(), Tick::default(), "once at {due}");
        assert_eq!(server.accepted().len(), n + 2);
    }
    app.clock.advance(TimeDelta::days(3));
    assert_eq!(worker.tick().await.unwrap(), Tick::default(), "nothing after the visit");
    let mails = server.accepted();
    assert_eq!(mails.len(), 4);
    let mut ids = BTreeSet::new();
    for mail in &mails {
        tells_only_the_time(&app, mail);
        assert!(mail.content.contains("method=PUBLISH"), "{}", mail.content);
        assert!(mail.header("Subject").contains("1 mars"), "{}", mail.header("Subject"));
        assert!(ids.insert(mail.header("Message-ID")), "an id of its own");
    }
    let all = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert!(all.len() == 4 && all.iter().all(|n| n.state == State::Sent && n.attempts == 1), "{all:?}");
}

#[tokio::test]
async fn a_cancelled_visit_is_told_of_and_no_longer_reminded_of() {
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let (app, worker) = service(&server).await;
    let visit = booked(&app).await;
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    app.clock.advance(TimeDelta::hours(1));
    let input = json!({ "appointmentId": visit["id"], "expectedRowVersion": visit["rowVersion"] });
    act(&app, &app.world.p1.identity, "appointmentCancel", APPOINTMENT, input).await.ok();
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    for due in RUNGS {
        app.clock.set(due.parse().unwrap());
        assert_eq!(worker.tick().await.unwrap(), Tick::default(), "{due}");
    }
    let mails = server.accepted();
    assert_eq!(mails.len(), 2);
    tells_only_the_time(&app, &mails[1]);
    assert!(mails[1].content.contains("method=CANCEL"), "{}", mails[1].content);
    assert!(mails[1].header("Subject").to_lowercase().contains("avbok"), "{}", mails[1].header("Subject"));
    // The calendar takes away what it was given: the same event.
    let event = |mail: &Accepted| readable(mail).lines().find(|l| l.starts_with("UID:")).map(str::to_owned);
    assert!(event(&mails[0]).is_some());
    assert_eq!(event(&mails[0]), event(&mails[1]));
}

#[tokio::test]
async fn a_mail_that_is_refused_for_now_arrives_once_later() {
    let server = SmtpServer::start(SmtpOptions::faults(["reply:rcpt:451:1"])).await;
    let (app, worker) = service(&server).await;
    booked(&app).await;
    assert_eq!(worker.tick().await.unwrap(), Tick { claimed: 1, retried: 1, ..Tick::default() });
    assert_eq!(worker.tick().await.unwrap(), Tick::default(), "not before the wait is over");
    assert!(server.accepted().is_empty());
    app.clock.advance(TimeDelta::seconds(90));
    assert_eq!(worker.tick().await.unwrap(), Tick { claimed: 1, sent: 1, ..Tick::default() });
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(worker.tick().await.unwrap(), Tick::default());
    assert_eq!(server.accepted().len(), 1);
}

#[tokio::test]
async fn a_mail_whose_fate_is_unknown_goes_once_more_under_the_same_id() {
    let server = SmtpServer::start(SmtpOptions::faults(["cut:accepted:1"])).await;
    let (app, worker) = service(&server).await;
    booked(&app).await;
    assert_eq!(worker.tick().await.unwrap(), Tick { claimed: 1, retried: 1, ..Tick::default() });
    app.clock.advance(TimeDelta::seconds(90));
    assert_eq!(worker.tick().await.unwrap(), Tick { claimed: 1, sent: 1, ..Tick::default() });
    let ids: BTreeSet<String> = server.accepted().iter().map(|mail| mail.header("Message-ID")).collect();
    assert_eq!((server.accepted().len(), ids.len()), (2, 1));
}
