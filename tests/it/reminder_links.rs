//! The links in messages: reading changes nothing, a form acts, and the page tells no more than the message did.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use chrono::TimeDelta;
use entity::{
    appointment, contact_way::Channel as Kind, notice, notice::State, reminder_preference, task, thread,
};
use harness::TestApp;
use patientkontrakt::{
    graphql::scalars::NodeKind,
    reminder::{outlook, pause},
};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::ExprTrait as _};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    acts::{act, global},
    booking::{APPOINTMENT, book, publish},
    reminders::{Fake, notices, say, worker},
};

struct Page {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

/// Sends a form, or reads when there is none.
async fn go(app: &TestApp, path: &str, form: Option<&str>) -> Page {
    let peer = axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9)));
    let request = match form {
        None => Request::get(path).body(Body::empty()),
        Some(form) => Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned())),
    };
    let mut request = request.unwrap();
    request.extensions_mut().insert(peer);
    let (parts, body) = app.router.clone().oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Page { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn service() -> TestApp {
    TestApp::with(&[("reminders.link_url", "https://pk.exempel.se"), ("reminders.action_links", "true")])
        .await
}

/// A visit that the patient was told of, and the paths of the two links.
async fn told(app: &TestApp, detail: &str) -> (Value, String, String) {
    let p1 = &app.world.p1.identity;
    let input = json!({
        "choices": [{ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "detail": detail, "textShown": "Mån" }],
        "contactWays": { "mail": "etta@exempel.se" },
    });
    act(app, p1, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
    let slots = publish(app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let mut visit = book(app, p1, &slots[0]).await.ok().at("/appointmentBook/appointment").clone();
    visit["other"] = json!(slots[1]);
    let (worker, fake) = worker(app);
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    let (acting, stopping) = links(&fake);
    (visit, acting.unwrap(), stopping)
}

fn links(fake: &Fake) -> (Option<String>, String) {
    let ledger = fake.ledger.lock().unwrap();
    let rendered = &ledger.last().unwrap().rendered;
    let path = |url: &str| url.strip_prefix("https://pk.exempel.se").unwrap().to_owned();
    let acting =
        rendered.text.split_whitespace().find(|word| word.contains("/r/") && !word.contains("unsub"));
    (acting.map(path), path(rendered.unsubscribe_url.as_deref().unwrap()))
}

async fn visit(app: &TestApp) -> appointment::Model {
    appointment::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap()
}

#[tokio::test]
async fn reading_changes_nothing_a_form_confirms_and_the_evening_before_is_left_out() {
    let app = service().await;
    let (_, link, _) = told(&app, "TIME_ONLY").await;
    let secret = link.strip_prefix("/r/").unwrap();
    assert_eq!(secret.len() * 6 / 8 * 8, 128, "128 bits");
    for (name, table) in crate::access::situation::tables(&app).await {
        assert!(!table.contains(secret), "the secret stands in {name}");
    }
    let before = visit(&app).await;
    let page = go(&app, &link, None).await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(visit(&app).await, before, "reading acts on nothing");
    for (header, part) in [
        ("content-security-policy", "default-src 'none'"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert!(page.headers[header].to_str().unwrap().contains(part), "{header}");
    }
    assert!(page.body.contains("1 mars 2027") && page.body.contains("<html lang=\"sv\">"), "{}", page.body);
    assert!(!page.body.contains("<script") && !page.body.contains("style="));
    let done = go(&app, &link, Some("do=confirm")).await;
    assert!(done.body.contains("bekräftad"), "{}", done.body);
    let confirmed = visit(&app).await;
    assert!(confirmed.confirmed_at.is_some());
    let again = go(&app, &link, Some("do=confirm")).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(visit(&app).await.confirmed_at, confirmed.confirmed_at, "once");
    let (worker, fake) = worker(&app);
    app.clock.set("2027-02-28T17:00:00Z".parse().unwrap());
    worker.tick().await.unwrap();
    let all = notices(&app).await;
    let evening = all.iter().find(|n| n.rule == "EVENING_BEFORE").unwrap();
    assert_eq!((evening.state, evening.reason.as_deref()), (State::Suppressed, Some("CONFIRMED")));
    drop(fake);
}

#[tokio::test]
async fn cancelling_takes_a_second_button_and_twice_is_once() {
    let app = service().await;
    let (_, link, _) = told(&app, "TIME_ONLY").await;
    let asked = go(&app, &link, Some("do=cancel")).await;
    assert!(asked.body.contains("cancel-now"), "{}", asked.body);
    assert_eq!(visit(&app).await.status, appointment::Status::Booked);
    let done = go(&app, &link, Some("do=cancel-now")).await;
    assert!(done.body.contains("avbokad"), "{}", done.body);
    assert_eq!(visit(&app).await.status, appointment::Status::Cancelled);
    let again = go(&app, &link, Some("do=cancel-now")).await;
    assert!(again.body.contains("avbokad") && again.status == StatusCode::OK);
    let late = go(&app, &link, Some("do=confirm")).await;
    assert!(late.body.contains("gäller inte längre"), "{}", late.body);
}

#[tokio::test]
async fn another_time_is_asked_for_in_a_message_to_the_unit_once() {
    let app = service().await;
    let (_, link, _) = told(&app, "TIME_ONLY").await;
    for _ in 0..2 {
        let page = go(&app, &link, Some("do=other-time")).await;
        assert!(page.body.contains("en annan tid"), "{}", page.body);
    }
    let threads = thread::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert_eq!(threads.len(), 1);
    assert_eq!(threads[0].care_unit_id, app.world.s1.unit);
    assert_eq!(visit(&app).await.status, appointment::Status::Booked, "the time is kept");
}

/// Whoever asks by a link is not in the service, and need not look there for the answer: who is told of messages hears of
/// it so, and to the others somebody writes or phones, until they have been there themselves.
#[tokio::test]
async fn who_asks_by_a_link_is_told_that_there_is_an_answer() {
    let app = service().await;
    let (_, link, _) = told(&app, "TIME_ONLY").await;
    go(&app, &link, Some("do=other-time")).await;
    let begun = thread::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    let id = global(NodeKind::Thread, begun.id);
    let letters = async || {
        let found = task::Entity::find().filter(task::Column::Kind.eq(task::Kind::Letter));
        let found = found.filter(task::Column::Status.eq(task::Status::Open));
        found.all(app.core.db.reader()).await.unwrap().len()
    };
    let answers = async |body: &str| {
        let input = json!({ "threadId": id, "body": body });
        act(&app, &app.world.s1.identity, "messageSend", "message { id }", input).await.ok()
    };
    app.clock.advance(TimeDelta::hours(2));
    answers("Ring oss så hittar vi en tid.").await;
    assert_eq!(letters().await, 1);
    let input = json!({ "threadId": id, "body": "Tack, jag ringer." });
    act(&app, &app.world.p1.identity, "messageSend", "message { id }", input).await.ok();
    assert_eq!(letters().await, 0, "they have been there");
    answers("Bra!").await;
    assert_eq!(letters().await, 0);
}

#[tokio::test]
async fn a_link_ends_with_the_visit_and_does_not_reach_a_time_that_was_moved() {
    let app = service().await;
    let (booked, link, _) = told(&app, "TIME_ONLY").await;
    let input = json!({ "appointmentId": booked["id"], "slotId": booked["other"], "expectedRowVersion": 1 });
    act(&app, &app.world.p1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
    let page = go(&app, &link, Some("do=cancel-now")).await;
    assert!(page.body.contains("gäller inte längre") && !page.body.contains("mars"), "{}", page.body);
    assert_eq!(visit(&app).await.status, appointment::Status::Booked);
    let (worker, fake) = worker(&app);
    worker.tick().await.unwrap();
    let (Some(fresh), _) = links(&fake) else { panic!("no link") };
    assert!(go(&app, &fresh, None).await.body.contains("2 mars 2027"));
    app.clock.set("2027-03-02T08:00:00Z".parse().unwrap());
    let page = go(&app, &fresh, Some("do=confirm")).await;
    assert!(page.body.contains("gäller inte längre"));
    assert!(visit(&app).await.confirmed_at.is_none());
}

#[tokio::test]
async fn the_page_tells_no_more_than_was_agreed_and_nothing_of_the_person() {
    for (detail, named, placed) in
        [("TIME_ONLY", false, false), ("UNIT_NAME", true, false), ("UNIT_AND_ADDRESS", true, true)]
    {
        let app = service().await;
        let (_, link, stopping) = told(&app, detail).await;
        let unit = entity::care_unit::Entity::find_by_id(app.world.s1.unit).one(app.core.db.reader()).await;
        let address = unit.unwrap().unwrap().address.unwrap_or_else(|| "ingen adress".to_owned());
        for (path, form) in [
            (&link, None),
            (&link, Some("do=cancel")),
            (&link, Some("do=confirm")),
            (&stopping, None),
            (&stopping, Some("do=unsubscribe")),
        ] {
            let page = go(&app, path, form).await;
            assert_eq!(page.status, StatusCode::OK);
            let visit = path == &link;
            assert_eq!(page.body.contains("Granen"), named && visit, "{detail} {form:?}");
            assert!(!page.body.contains(&address) || (placed && visit), "{detail}");
            for word in ["Kanariesson", "Etta", "1982", "Återbesök", "kanarie"] {
                assert!(!page.body.contains(word), "{word} in {}", page.body);
            }
        }
    }
}

#[tokio::test]
async fn one_click_stops_the_messages_and_looking_at_the_page_does_not() {
    let app = service().await;
    let (_, _, stopping) = told(&app, "TIME_ONLY").await;
    let yes = async || {
        let of = reminder_preference::Column::Kind.eq(reminder_preference::PreferenceKind::Appointment);
        let mail = of.and(reminder_preference::Column::Channel.eq(Kind::Mail));
        let row = reminder_preference::Entity::find().filter(mail).one(app.core.db.reader()).await.unwrap();
        row.unwrap().opted_in
    };
    let ahead = async || notices(&app).await.iter().filter(|n| n.state == State::Planned).count();
    assert!(go(&app, &stopping, None).await.body.contains("<button"));
    assert!(yes().await && ahead().await == 3);
    let done = go(&app, &stopping, Some("List-Unsubscribe=One-Click")).await;
    assert!(done.status == StatusCode::OK && done.body.contains("inga fler"), "{}", done.body);
    assert!(!yes().await && ahead().await == 0);
    assert_eq!(go(&app, &stopping, Some("List-Unsubscribe=One-Click")).await.status, StatusCode::OK);
    // A later yes can be taken back by the same link.
    say(&app, &app.world.p1, "MAIL", true).await;
    assert!(yes().await);
    go(&app, &stopping, Some("do=unsubscribe")).await;
    assert!(!yes().await);
    let log = "{ me { accessLog(first: 20) { nodes { action by } } } }";
    let seen = app.run(&app.world.p1.identity, log, json!({})).await.ok();
    let entries = seen.at("/me/accessLog/nodes").to_string();
    assert!(entries.contains("reminderUnsubscribe") && entries.contains("noticeLink"), "{entries}");
}

#[tokio::test]
async fn an_unknown_link_and_one_that_the_region_has_not_decided_on_are_alike() {
    let app = TestApp::with(&[("reminders.link_url", "https://pk.exempel.se")]).await;
    say(&app, &app.world.p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    let (worker, fake) = worker(&app);
    worker.tick().await.unwrap();
    let (acting, stopping) = links(&fake);
    assert_eq!(acting, None, "off by default");
    let known = stopping.strip_suffix("/unsubscribe").unwrap();
    let unknown = format!("/r/{}", "A".repeat(22));
    for path in [known, &unknown, &format!("{unknown}/unsubscribe"), "/r/x"] {
        let page = go(&app, path, None).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.body.contains("no longer valid"));
    }
    let planned = notice::Entity::find().filter(notice::Column::State.eq(State::Planned));
    assert_eq!(planned.count(app.core.db.reader()).await.unwrap(), 3);
}

#[tokio::test]
async fn guesses_are_slowed_down_by_address() {
    let app = TestApp::with(&[
        ("reminders.link_url", "https://pk.exempel.se"),
        ("http.rate_per_second", "1"),
        ("http.rate_burst", "5"),
    ])
    .await;
    let mut statuses = Vec::new();
    for n in 0..10 {
        statuses.push(go(&app, &format!("/r/{n:022}"), None).await.status);
    }
    assert!(statuses.contains(&StatusCode::TOO_MANY_REQUESTS), "{statuses:?}");
}

#[tokio::test]
async fn whoever_looks_at_what_would_leave_sees_no_link_that_leads_anywhere() {
    let app = service().await;
    say(&app, &app.world.p1, "MAIL", true).await;
    say(&app, &app.world.p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    let month = app.clock.now() + chrono::TimeDelta::days(40);
    let look = async || outlook::ahead(&app.core, month, 100).await.unwrap();
    let seen = look().await;
    assert_eq!(seen.len(), 4);
    for one in &seen {
        let made = one.rendered.as_ref().unwrap();
        let html = made.html.replace("&#x2f;", "/");
        let unsubscribe = made.unsubscribe_url.clone().unwrap();
        for text in [&made.text, &html, made.sms.as_ref().unwrap(), &unsubscribe] {
            let links: Vec<_> = text.split("/r/").skip(1).collect();
            assert!(!links.is_empty(), "{text}");
            assert!(links.iter().all(|link| link.starts_with(&"*".repeat(22))), "{text}");
        }
        assert_eq!(one.why, "");
    }
    // What would leave by a channel that is paused does not.
    pause::pause(&app.core.db, Kind::Mail, app.clock.now()).await.unwrap();
    for one in look().await {
        assert_eq!(one.why, if one.notice.channel == Kind::Mail { "PAUSED" } else { "" });
    }
}
