//! What the SMS gateway tells: reports in any order, and STOPP.

use std::sync::Arc;

use axum::{body::Body, http::Request};
use chrono::TimeDelta;
use entity::{
    contact_way::{self, Channel as Kind},
    notice::{self, State},
};
use harness::TestApp;
use patientkontrakt::{
    reminder::{
        channel::{FailureCode, Outcome, sms::hooks::Hooks},
        claim,
        record::{self, Recorded},
    },
    session::Settings,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::json;
use tower::ServiceExt as _;

use super::LEASE;
use crate::{
    acts::act,
    booking::publish,
    reminders::{booked, notices, say, worker},
};

pub(super) const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A gateway of the Kannel kind that reports.
const GATEWAY: [(&str, &str); 7] = [
    ("sms.kind", "kannel"),
    ("sms.url", "http://127.0.0.1:9/cgi-bin/sendsms"),
    ("sms.user", "tester"),
    ("sms.password", "hemligt"),
    ("sms.sender", "Vard"),
    ("sms.hooks_url", "http://127.0.0.1"),
    ("sms.hooks_secret", SECRET),
];

async fn service() -> TestApp {
    TestApp::with(&GATEWAY).await
}

async fn ask(app: &TestApp, path: &str) -> (u16, String) {
    let address = axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9)));
    let request = Request::get(path).extension(address).body(Body::empty()).unwrap();
    let response = app.router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

pub(super) async fn report(app: &TestApp, about: &notice::Model, kind: u8) -> u16 {
    let hooks = Hooks::new("", SECRET.to_owned().into());
    ask(app, &format!("{}?type={kind}", hooks.report_url(about.id.0))).await.0
}

/// P1 has said yes to SMS, and to mail if `mail`, and has booked: the confirmation, and the service.
pub(super) async fn confirmation(mail: bool) -> (TestApp, notice::Model) {
    let app = service().await;
    say(&app, &app.world.p1, "SMS", true).await;
    if mail {
        // For later: the confirmation itself goes by SMS, as mail comes after it.
        say(&app, &app.world.p1, "MAIL", false).await;
    }
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    booked(&app, &slots[0]).await;
    let first = now(&app).await;
    assert_eq!(first.channel, Kind::Sms);
    if mail {
        say(&app, &app.world.p1, "MAIL", true).await;
    }
    (app, first)
}

/// The confirmation by SMS, as it stands.
pub(super) async fn now(app: &TestApp) -> notice::Model {
    let all = notices(app).await;
    all.into_iter().find(|n| n.rule == "CONFIRMATION" && n.channel == Kind::Sms).unwrap()
}

#[tokio::test]
async fn reports_end_in_one_right_state_whatever_their_order_and_number() {
    use State::{Delivered, Failed, Sent};
    for (reports, expected) in [
        (&[8, 4][..], Sent),
        (&[1], Delivered),
        (&[1, 1, 8, 1], Delivered),
        (&[2], Failed),
        (&[2, 2, 16], Failed),
        (&[2, 1], Delivered),
        (&[1, 2, 16], Delivered),
    ] {
        let (app, first) = confirmation(false).await;
        let (worker, _) = worker(&app);
        assert_eq!(worker.tick().await.unwrap().sent, 1);
        for kind in reports {
            assert_eq!(report(&app, &first, *kind).await, 200);
        }
        assert_eq!(now(&app).await.state, expected, "{reports:?}");
    }
}

#[tokio::test]
async fn a_report_that_comes_before_the_answer_to_the_sending_stands() {
    let accepted = Outcome::Accepted { provider_ref: Some("ref".to_owned()) };
    let unknown = Outcome::Unknown { reason: FailureCode::Timeout };
    let retry = Outcome::Retry { reason: FailureCode::Unavailable, after: None };
    for (outcome, recorded) in
        [(accepted, Recorded::Sent), (unknown, Recorded::Unknown), (retry, Recorded::Lost)]
    {
        for (kind, expected) in [(1, State::Delivered), (2, State::Failed)] {
            let (app, first) = confirmation(false).await;
            let claimed = claim::claim(&app.core, Kind::Sms, 10, LEASE).await.unwrap();
            assert_eq!(report(&app, &first, kind).await, 200);
            let waits = [std::time::Duration::from_mins(1)];
            let told = record::outcome(&app.core, &claimed[0], &outcome, &waits, false).await.unwrap();
            assert_eq!((told, now(&app).await.state), (recorded, expected), "{outcome:?} {kind}");
            app.clock.advance(TimeDelta::minutes(10));
            let (worker, fake) = worker(&app);
            worker.tick().await.unwrap();
            assert!(fake.sent().is_empty(), "nothing is sent again");
        }
    }
}

#[tokio::test]
async fn who_cannot_prove_to_be_the_gateway_is_told_nothing() {
    let (app, first) = confirmation(false).await;
    let (worker, _) = worker(&app);
    worker.tick().await.unwrap();
    let forged = Hooks::new("", "another secret of thirty-two chars".to_owned().into());
    for path in [
        format!("{}?type=1", forged.report_url(first.id.0)),
        format!("/hooks/sms/report/{}/00?type=1", first.id.0.simple()),
        format!("/hooks/sms/reply/{}?from=%2B46701740605&text=STOPP", &SECRET[1..]),
    ] {
        assert_eq!(ask(&app, &path).await.0, 404, "{path}");
    }
    assert_eq!(now(&app).await.state, State::Sent);
    // A message that was never sent, under our own signature: nothing to tell.
    let hooks = Hooks::new("", SECRET.to_owned().into());
    assert_eq!(ask(&app, &format!("{}?type=1", hooks.report_url(uuid::Uuid::from_u128(1)))).await.0, 200);
    // Without a gateway that reports there is no such address.
    let plain = TestApp::new().await;
    assert_eq!(ask(&plain, &format!("/hooks/sms/reply/{SECRET}?from=1&text=STOPP")).await.0, 404);
}

#[tokio::test]
async fn a_number_that_is_not_reached_is_asked_for_anew_and_mail_takes_over() {
    let (app, first) = confirmation(true).await;
    let (worker, _) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    report(&app, &first, 2).await;
    report(&app, &first, 2).await;
    let failed = now(&app).await;
    assert_eq!((failed.state, failed.reason.as_deref()), (State::Failed, Some("UNDELIVERED")));
    assert_eq!(worker.tick().await.unwrap().sent, 1, "by mail, once");
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    let me = app.run(&app.world.p1.identity, "{ me { unreachableBy } }", json!({})).await.ok();
    assert_eq!(me.at("/me/unreachableBy"), &json!(["SMS"]));
    say(&app, &app.world.p1, "SMS", true).await;
    let me = app.run(&app.world.p1.identity, "{ me { unreachableBy } }", json!({})).await.ok();
    assert_eq!(me.at("/me/unreachableBy"), &json!([]), "the number was given again");
}

#[tokio::test]
async fn a_day_without_a_report_is_shown_as_unknown_and_a_late_one_still_counts() {
    let (app, first) = confirmation(false).await;
    let (worker, _) = worker(&app);
    worker.tick().await.unwrap();
    app.clock.advance(TimeDelta::hours(24));
    worker.tick().await.unwrap();
    assert_eq!(now(&app).await.state, State::Sent, "not before the day is over");
    app.clock.advance(TimeDelta::seconds(1));
    worker.tick().await.unwrap();
    let overdue = now(&app).await;
    assert_eq!((overdue.state, overdue.reason.as_deref()), (State::Unknown, Some("NO_REPORT")));
    report(&app, &first, 1).await;
    assert_eq!(now(&app).await.state, State::Delivered);
}

#[tokio::test]
async fn stopp_ends_sms_for_everybody_with_that_phone_is_on_record_and_confirmed_once() {
    let app = service().await;
    for patient in [&app.world.p1, &app.world.p2] {
        say(&app, patient, "SMS", true).await;
        say(&app, patient, "MAIL", true).await;
    }
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    booked(&app, &slots[0]).await;
    let reply = |text: &str| format!("/hooks/sms/reply/{SECRET}?from=%2B46701740605&to=Vard&text={text}");
    assert_eq!(ask(&app, &reply("ja+tack")).await, (200, String::new()));
    let by_sms = async || {
        let all = notices(&app).await;
        all.iter().filter(|n| n.channel == Kind::Sms && n.state == State::Planned).count()
    };
    assert!(by_sms().await > 0);
    let (status, confirmed) = ask(&app, &reply("+s+t+o+p+P")).await;
    assert!(status == 200 && confirmed.starts_with("Du får inga fler sms"), "{confirmed}");
    assert_eq!(ask(&app, &reply("STOPP")).await, (200, String::new()), "confirmed once");
    assert_eq!(by_sms().await, 0);
    let rungs = |n: &&notice::Model| n.state == State::Planned && n.channel == Kind::Mail;
    assert_eq!(notices(&app).await.iter().filter(rungs).count(), 4, "mail takes over");
    for patient in [&app.world.p1, &app.world.p2] {
        let query = "{ me { reminderPreferences { channel kind optedIn } accessLog(first: 5) { nodes { action by message } } } }";
        let me = app.run(&patient.identity, query, json!({})).await.ok();
        let choices = me.at("/me/reminderPreferences").as_array().unwrap();
        for choice in choices {
            assert_eq!(choice["optedIn"], choice["channel"] == "MAIL", "{choice}");
        }
        let log = me.at("/me/accessLog/nodes").to_string();
        assert!(log.contains("smsStop") && log.contains("STOPP"), "{log}");
    }
}

#[tokio::test]
async fn a_number_that_turns_out_to_work_is_used_again_unless_another_was_given_since() {
    for given_since in [false, true] {
        let (app, first) = confirmation(true).await;
        let (worker, _) = worker(&app);
        assert_eq!(worker.tick().await.unwrap().sent, 1);
        report(&app, &first, 2).await;
        let me = async || app.run(&app.world.p1.identity, "{ me { unreachableBy } }", json!({})).await.ok();
        assert_eq!(me().await.at("/me/unreachableBy"), &json!(["SMS"]));
        app.clock.advance(TimeDelta::minutes(1));
        if given_since {
            let input = json!({ "choices": [], "contactWays": { "phone": "070-174 06 35" } });
            act(&app, &app.world.p1.identity, "reminderPreferencesSet", "preferences { kind }", input)
                .await
                .ok();
            contact_way::Entity::update_many()
                .col_expr(contact_way::Column::Status, Expr::value(contact_way::Status::Bad))
                .filter(contact_way::Column::Channel.eq(Kind::Sms))
                .exec(app.core.db.reader())
                .await
                .unwrap();
        }
        report(&app, &first, 1).await;
        assert_eq!(now(&app).await.state, State::Delivered);
        let bad = if given_since { json!(["SMS"]) } else { json!([]) };
        assert_eq!(me().await.at("/me/unreachableBy"), &bad);
        if !given_since {
            let ahead = notices(&app).await;
            let by_sms = |n: &notice::Model| n.channel == Kind::Sms && n.state == State::Planned;
            assert!(ahead.iter().any(by_sms), "what is ahead goes there again: {ahead:?}");
        }
    }
}

#[tokio::test]
async fn a_text_that_left_before_reports_were_asked_for_does_not_become_unknown_for_want_of_one() {
    let mut app = service().await;
    let settings = Arc::clone(&app.core.settings);
    app.core.settings = Arc::new(Settings { sms_reports: false, ..(*settings).clone() });
    say(&app, &app.world.p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    booked(&app, &slots[0]).await;
    assert_eq!(worker(&app).0.tick().await.unwrap().sent, 1);
    app.core.settings = settings;
    app.clock.advance(TimeDelta::hours(25));
    worker(&app).0.tick().await.unwrap();
    assert_eq!(now(&app).await.state, State::Sent);
}

#[tokio::test]
async fn stopp_is_heard_from_a_number_abroad_that_comes_without_its_plus_sign() {
    let app = service().await;
    let input = json!({
        "choices": [{ "kind": "APPOINTMENT", "channel": "SMS", "optedIn": true, "textShown": "Mån 1 mars" }],
        "contactWays": { "phone": "+45 20 12 34 56" },
    });
    act(&app, &app.world.p1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
    for (from, heard) in [("4620123456", false), ("4520123456", true)] {
        let (status, told) = ask(&app, &format!("/hooks/sms/reply/{SECRET}?from={from}&text=STOPP")).await;
        assert_eq!((status, told.starts_with("Du får inga fler sms")), (200, heard), "{from}: {told}");
    }
}

#[tokio::test]
async fn the_gateway_is_never_made_to_wait_and_who_cannot_prove_to_be_it_is() {
    let slow = [("http.rate_per_second", "1"), ("http.rate_burst", "3")];
    let app = TestApp::with(&[&GATEWAY[..], &slow].concat()).await;
    let notice = uuid::Uuid::from_u128(1);
    let signed = format!("{}?type=1", Hooks::new("", SECRET.to_owned().into()).report_url(notice));
    let mut forged = Vec::new();
    for _ in 0..20 {
        forged.push(ask(&app, &format!("/hooks/sms/report/{}/00?type=1", notice.simple())).await.0);
        assert_eq!(ask(&app, &signed).await.0, 200);
    }
    assert!(forged.contains(&404) && forged.contains(&429), "{forged:?}");
    assert_eq!(ask(&app, &format!("/hooks/sms/reply/{SECRET}?from=1&text=STOPP")).await.0, 200);
}
