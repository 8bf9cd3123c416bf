//! The personal calendar feed: its secret address, what stands in it for whom, and that calendar programs read it.

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use chrono::TimeDelta;
use entity::{access_event, appointment, calendar_feed, care_unit, patient};
use harness::{Answer, TestApp, child, ical};
use patientkontrakt::auth::token::Identity;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{
    acts::act,
    booking::{book, publish},
};

const FEED: &str = "feed { detail addressFrom rowVersion } path";

struct Fetched {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

/// Fetches as a calendar program does: with nothing but the address.
async fn fetch(app: &TestApp, path: &str, known: Option<&str>) -> Fetched {
    let mut request = Request::get(path)
        .extension(axum::extract::ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 9))));
    if let Some(known) = known {
        request = request.header("if-none-match", known);
    }
    let response = app.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    Fetched { status: parts.status, headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn create(app: &TestApp, who: &Identity, detail: &str) -> Answer {
    act(app, who, "calendarFeedCreate", FEED, json!({ "detail": detail })).await
}

async fn path(app: &TestApp, who: &Identity, detail: &str) -> String {
    create(app, who, detail).await.ok().text("/calendarFeedCreate/path")
}

async fn events(app: &TestApp, path: &str) -> Vec<Value> {
    let fetched = fetch(app, path, None).await;
    assert_eq!(fetched.status, StatusCode::OK, "{}", fetched.body);
    ical::parse(&fetched.body)["events"].as_array().unwrap().clone()
}

/// The secret has at least 128 bits, is shown once, stored as a hash alone, and revocable at once.
#[tokio::test]
async fn the_address_is_shown_once_and_void_as_soon_as_it_is_changed_or_revoked() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1.identity;
    let input = json!({ "detail": "TIME_ONLY", "idempotencyKey": "en" });
    let made = act(&app, p1, "calendarFeedCreate", FEED, input.clone()).await.ok();
    let first = made.text("/calendarFeedCreate/path");
    let secret = first.strip_prefix("/calendar/").unwrap().strip_suffix(".ics").unwrap();
    assert!(
        secret.len() * 6 >= 128 && secret.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    );
    let again = act(&app, p1, "calendarFeedCreate", FEED, input).await.ok();
    assert!(again.at("/calendarFeedCreate/path").is_null(), "shown once");
    assert_eq!(again.at("/calendarFeedCreate/feed"), made.at("/calendarFeedCreate/feed"));
    assert_eq!(create(&app, p1, "TIME_ONLY").await.user_error_codes("calendarFeedCreate"), ["CONFLICT"]);
    for (name, table) in crate::access::situation::tables(&app).await {
        assert!(!table.contains(secret), "the secret stands in {name}");
    }
    assert_eq!(fetch(&app, &first, None).await.status, StatusCode::OK);

    let stale = act(&app, p1, "calendarFeedRotate", FEED, json!({ "expectedRowVersion": 7 })).await;
    assert_eq!(stale.user_error_codes("calendarFeedRotate"), ["STALE_ROW_VERSION"]);
    let rotated = act(&app, p1, "calendarFeedRotate", FEED, json!({ "expectedRowVersion": 1 })).await.ok();
    let second = rotated.text("/calendarFeedRotate/path");
    assert_eq!(fetch(&app, &first, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(fetch(&app, &second, None).await.status, StatusCode::OK);
    let revoked = act(&app, p1, "calendarFeedRevoke", FEED, json!({ "expectedRowVersion": 2 })).await.ok();
    assert!(revoked.at("/calendarFeedRevoke/feed").is_null());
    let gone = fetch(&app, &second, None).await;
    let never = fetch(&app, &format!("/calendar/{}.ics", "A".repeat(43)), None).await;
    assert_eq!((gone.status, &gone.body), (never.status, &never.body), "void and never there are alike");
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let twice = act(&app, p1, "calendarFeedRevoke", FEED, json!({ "expectedRowVersion": 3 })).await;
    assert_eq!(twice.user_error_codes("calendarFeedRevoke"), ["WRONG_STATE"]);
    // It can be taken up again, under a new address.
    let third = path(&app, p1, "UNIT_NAME").await;
    assert_ne!(third, second);
    assert_eq!(calendar_feed::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);
}

/// Every reading is logged for the patient; what programs have already is not sent again; nothing is kept by others.
#[tokio::test]
async fn a_feed_is_read_in_one_statement_logged_and_not_sent_twice() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-01T10:00"]).await;
    book(&app, &p1.identity, &slots[0]).await.ok();
    let path = path(&app, &p1.identity, "UNIT_NAME").await;
    let (first, statements) = app.statements(fetch(&app, &path, None)).await;
    assert_eq!(statements.len(), 1, "{statements:?}");
    assert_eq!(first.headers["content-type"], "text/calendar; charset=utf-8");
    assert!(first.headers["cache-control"].to_str().unwrap().starts_with("private"));
    assert_eq!(first.headers["x-content-type-options"], "nosniff");
    let tag = first.headers["etag"].to_str().unwrap();
    let same = fetch(&app, &path, Some(tag)).await;
    assert_eq!((same.status, same.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    book(&app, &p1.identity, &slots[1]).await.ok();
    let changed = fetch(&app, &path, Some(tag)).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert_ne!(changed.headers["etag"], tag);
    let logged = access_event::Entity::find()
        .filter(access_event::Column::Action.eq("calendarFeed"))
        .all(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(logged.len(), 3);
    assert!(logged.iter().all(|event| event.actor_id == Some(p1.id.0)));
    let mine = "{ me { accessLog(first: 20) { nodes { action } } } }";
    let seen = app.run(&p1.identity, mine, json!({})).await.ok();
    assert_eq!(seen.body.to_string().matches("calendarFeed\"").count(), 3);
    fetch(&app, "/calendar/nothing-of-the-kind-at-all.ics", None).await;
    let denied = access_event::Entity::find()
        .filter(access_event::Column::Outcome.eq(access_event::Outcome::Denied))
        .count(app.core.db.reader())
        .await
        .unwrap();
    assert_eq!(denied, 1);
}

/// R: content by the patient's own choice; a sensitive unit, or a protected identity, shows no more than the time.
#[tokio::test]
async fn what_stands_in_a_feed_is_the_patients_choice_and_never_more() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let db = app.core.db.reader();
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let booked = book(&app, &p1.identity, &slots[0]).await.ok();
    let path = path(&app, &p1.identity, "TIME_ONLY").await;
    let set = async |detail: &str, version: i32| {
        let input = json!({ "detail": detail, "expectedRowVersion": version });
        act(&app, &p1.identity, "calendarFeedDetailSet", FEED, input).await.ok();
        events(&app, &path).await[0].clone()
    };
    let bare = events(&app, &path).await[0].clone();
    assert_eq!((&bare["summary"], &bare["location"]), (&json!("Bokad tid"), &Value::Null));
    assert_eq!((&bare["class"], &bare["status"]), (&json!("PRIVATE"), &json!("CONFIRMED")));
    assert!(bare["description"].as_str().unwrap().starts_with("Ring "));
    let id = crate::acts::row(&booked.text("/appointmentBook/appointment/id")).to_string();
    assert!(bare["uid"].as_str().unwrap().starts_with(&id));
    let named = set("UNIT_NAME", 1).await;
    assert_eq!(named["location"], "Vårdcentralen Granen");
    let whole = set("UNIT_AND_ADDRESS", 2).await;
    assert_eq!(whole["location"], "Vårdcentralen Granen, Exempelgatan 1");
    let sensitive = |yes: bool| {
        care_unit::Entity::update_many().col_expr(care_unit::Column::Sensitive, Expr::value(yes)).exec(db)
    };
    sensitive(true).await.unwrap();
    assert!(events(&app, &path).await[0]["location"].is_null(), "sensitive");
    sensitive(false).await.unwrap();
    patient::Entity::update_many()
        .col_expr(
            patient::Column::ProtectedIdentity,
            Expr::value(patient::ProtectedIdentity::Sekretessmarkering),
        )
        .exec(db)
        .await
        .unwrap();
    let hidden = fetch(&app, &path, None).await.body;
    for word in ["Granen", "Exempelgatan", "Ring", "Återbesök", "Etta", "Kanariesson", p1.number.as_str()] {
        assert!(!hidden.contains(word), "{word}: {hidden}");
    }
    patient::Entity::update_many()
        .col_expr(patient::Column::DeceasedOn, Expr::value(app.clock.now().date_naive()))
        .exec(db)
        .await
        .unwrap();
    assert_eq!(fetch(&app, &path, None).await.status, StatusCode::NOT_FOUND, "nothing after death");
}

/// The nights of 2027 in which the clocks move, and midsummer week: another program reads the instants that were meant.
#[tokio::test]
async fn another_program_reads_the_right_instants_around_moved_clocks_and_midsummer() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1.identity;
    let cases = [
        ("2027-03-27T10:00", "2027-03-27T09:00:00+00:00", "2027-03-27T10:00"),
        // Not there: the clocks have been moved past it.
        ("2027-03-28T02:30", "2027-03-28T01:30:00+00:00", "2027-03-28T03:30"),
        ("2027-03-30T10:00", "2027-03-30T08:00:00+00:00", "2027-03-30T10:00"),
        ("2027-06-24T10:00", "2027-06-24T08:00:00+00:00", "2027-06-24T10:00"),
        ("2027-06-28T10:00", "2027-06-28T08:00:00+00:00", "2027-06-28T10:00"),
        ("2027-10-30T10:00", "2027-10-30T08:00:00+00:00", "2027-10-30T10:00"),
        // There twice: the first.
        ("2027-10-31T02:30", "2027-10-31T00:30:00+00:00", "2027-10-31T02:30"),
        ("2027-11-01T10:00", "2027-11-01T09:00:00+00:00", "2027-11-01T10:00"),
    ];
    let starts: Vec<&str> = cases.iter().map(|(start, ..)| *start).collect();
    for slot in publish(&app, &starts).await {
        book(&app, p1, &slot).await.ok();
    }
    let path = path(&app, p1, "UNIT_AND_ADDRESS").await;
    let body = fetch(&app, &path, None).await.body;
    let calendar = ical::parse(&body);
    assert_eq!((&calendar["version"], &calendar["method"]), (&json!("2.0"), &json!("PUBLISH")));
    assert!(calendar["longest"].as_u64().unwrap() <= 75, "lines are folded");
    let events = calendar["events"].as_array().unwrap();
    assert_eq!(events.len(), cases.len());
    for (event, (_, instant, local)) in events.iter().zip(cases) {
        assert_eq!((&event["start"], &event["local"]), (&json!(instant), &json!(local)));
        assert_eq!((&event["minutes"], &event["stamped"]), (&json!(30), &json!(true)));
    }
}

/// A moved time keeps its id under a higher number; a cancelled one stays, as cancelled.
#[tokio::test]
async fn a_moved_time_keeps_its_id_and_a_cancelled_one_is_told_as_cancelled() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1.identity;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let booked = book(&app, p1, &slots[0]).await.ok();
    let path = path(&app, p1, "TIME_ONLY").await;
    let before = events(&app, &path).await;
    let change =
        |booked: &Value| json!({ "appointmentId": booked["id"], "expectedRowVersion": booked["rowVersion"] });
    let selection = "appointment { id rowVersion }";
    let mut input = change(booked.at("/appointmentBook/appointment"));
    input["slotId"] = json!(slots[1]);
    let moved = act(&app, p1, "appointmentRebook", selection, input).await.ok();
    let after = events(&app, &path).await;
    assert_eq!((after.len(), &after[0]["uid"]), (1, &before[0]["uid"]));
    assert!(after[0]["sequence"].as_i64() > before[0]["sequence"].as_i64());
    assert_eq!(after[0]["local"], "2027-03-02T09:00");
    let input = change(moved.at("/appointmentRebook/appointment"));
    act(&app, p1, "appointmentCancel", selection, input).await.ok();
    let over = events(&app, &path).await;
    assert_eq!((&over[0]["uid"], &over[0]["status"]), (&before[0]["uid"], &json!("CANCELLED")));
    assert!(over[0]["sequence"].as_i64() > after[0]["sequence"].as_i64());
    // Long past, it leaves the feed.
    app.clock.advance(TimeDelta::days(200));
    assert!(events(&app, &path).await.is_empty());
    assert_eq!(appointment::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);
}

/// The feed is the patient's alone: neither staff nor the parents of a young child make one, nor the child.
#[tokio::test]
async fn nobody_but_the_patient_has_a_feed() {
    let app = TestApp::new().await;
    let world = &app.world;
    harness::relate(&app.core, &world.s1, &world.p1).await;
    let of_p1 = json!({ "patientId": world.p1.global_id() });
    let by_staff = act(&app, &world.s1.identity, "calendarFeedCreate", FEED, of_p1.clone()).await;
    assert_eq!(by_staff.user_error_codes("calendarFeedCreate"), ["FORBIDDEN"]);
    let by_other = act(&app, &world.p2.identity, "calendarFeedCreate", FEED, of_p1).await;
    assert_eq!(by_other.user_error_codes("calendarFeedCreate"), ["NOT_FOUND"]);
    let young = child(&app.core, &world.p1, "201801012384").await;
    let by_child = create(&app, &young.identity, "TIME_ONLY").await;
    assert_eq!(by_child.user_error_codes("calendarFeedCreate"), ["FORBIDDEN"]);
    let teenager = child(&app.core, &world.p1, "201301012389").await;
    let path = path(&app, &teenager.identity, "TIME_ONLY").await;
    assert_eq!(fetch(&app, &path, None).await.status, StatusCode::OK);
    let query = "query($id: ID!) { node(id: $id) { ... on Patient { calendarFeed { detail } } } }";
    let seen = app.run(&world.s1.identity, query, json!({ "id": world.p1.global_id() })).await;
    assert_eq!(seen.error_codes(), ["FORBIDDEN"], "{}", seen.body);
}

/// A child who was let in for a while reads the times that long, by the secret address as when signed in.
#[tokio::test]
async fn a_feed_of_somebody_who_no_longer_sees_their_times_is_not_there() {
    let app = TestApp::new().await;
    let world = &app.world;
    let young = child(&app.core, &world.p1, "201801012384").await;
    harness::relate(&app.core, &world.s1, &young).await;
    let open = json!({ "decision": "OPEN_EARLY", "patientId": young.global_id(), "mayAssent": false,
                       "rights": [{ "area": "BOOKING", "level": "ACT" }], "reason": "Mogen nog.",
                       "until": "2027-02-03T00:00:00Z" });
    act(&app, &world.s1.identity, "representativeAssess", "representative { id }", open).await.ok();
    let path = path(&app, &young.identity, "TIME_ONLY").await;
    assert_eq!(fetch(&app, &path, None).await.status, StatusCode::OK);
    app.clock.set("2027-02-03T00:00:01Z".parse().unwrap());
    assert_eq!(fetch(&app, &path, None).await.status, StatusCode::NOT_FOUND);
}
