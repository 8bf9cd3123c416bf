//! Which reminders a unit sends: its own choice, at once for the times ahead, and nothing that is past.

use chrono::{DateTime, Utc};
use entity::{
    contact_way::Channel::{self, Mail, Sms},
    notice::State,
};
use harness::{Staff, TestApp};
use patientkontrakt::graphql::scalars::NodeKind;
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::{APPOINTMENT, book, publish},
    reminders::notices,
};

const LADDERS: &str =
    "careUnit { reminderLadders { number isOwn rungs { rule first } appointmentType { id } } }";

async fn says_yes(app: &TestApp) {
    let choice = |channel: &str| json!({ "kind": "APPOINTMENT", "channel": channel, "optedIn": true, "textShown": "Mån" });
    let input = json!({
        "choices": [choice("MAIL"), choice("SMS")],
        "contactWays": { "mail": "etta@exempel.se", "phone": "070-174 06 05" },
    });
    act(app, &app.world.p1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

async fn planned(app: &TestApp) -> Vec<(String, Channel)> {
    let all = notices(app).await.into_iter().filter(|n| n.state == State::Planned);
    all.map(|n| (n.rule, n.channel)).collect()
}

fn rungs(rungs: &[(&str, Channel)]) -> Vec<(String, Channel)> {
    rungs.iter().map(|(rule, channel)| ((*rule).to_owned(), *channel)).collect()
}

fn choice(app: &TestApp, ladder: &Value, number: i64, of_the_visit: bool) -> Value {
    let kind = of_the_visit.then(|| global(NodeKind::AppointmentType, app.world.visit));
    json!({ "careUnitId": global(NodeKind::CareUnit, app.world.s1.unit), "appointmentTypeId": kind,
            "ladder": ladder, "expectedNumber": number })
}

#[tokio::test]
async fn the_reminders_ahead_follow_the_units_ladder_and_then_that_of_the_kind_of_appointment() {
    let app = TestApp::new().await;
    let manager = app.world.manager.clone();
    says_yes(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    let rest = [("WEEK_BEFORE", Mail), ("BEFORE_DEADLINE", Sms), ("EVENING_BEFORE", Sms)];
    let confirmation = ("CONFIRMATION", Mail);
    assert_eq!(planned(&app).await, rungs(&[confirmation, rest[0], rest[1], rest[2]]));

    let set = async |ladder: Value, number, of_the_visit| {
        let input = choice(&app, &ladder, number, of_the_visit);
        act(&app, &manager.identity, "reminderLadderSet", LADDERS, input).await
    };
    let evening = json!({ "rungs": [{ "rule": "EVENING_BEFORE", "first": "MAIL" }, { "rule": "CONFIRMATION", "first": "MAIL" }] });
    let done = set(evening.clone(), 0, false).await.ok();
    assert_eq!(planned(&app).await, rungs(&[confirmation, ("EVENING_BEFORE", Mail)]), "one way, not both");
    let shown = done.at("/reminderLadderSet/careUnit/reminderLadders").clone();
    assert_eq!((&shown[0]["number"], &shown[0]["isOwn"]), (&json!(1), &json!(true)));
    assert_eq!(set(evening, 0, false).await.user_error_codes("reminderLadderSet"), ["STALE_ROW_VERSION"]);

    set(json!({ "rungs": [{ "rule": "WEEK_BEFORE", "first": "SMS" }] }), 0, true).await.ok();
    assert_eq!(
        planned(&app).await,
        rungs(&[confirmation, ("WEEK_BEFORE", Sms)]),
        "its own goes before the unit's"
    );
    set(json!({ "rungs": [] }), 1, true).await.ok();
    assert_eq!(planned(&app).await, rungs(&[confirmation]), "none is a choice");
    set(json!({ "asAbove": true }), 2, true).await.ok();
    assert_eq!(planned(&app).await, rungs(&[confirmation, ("EVENING_BEFORE", Mail)]));
    let done = set(json!({ "asAbove": true }), 1, false).await.ok();
    assert_eq!(planned(&app).await, rungs(&[confirmation, rest[0], rest[1], rest[2]]));
    let ladders = done.at("/reminderLadderSet/careUnit/reminderLadders").as_array().unwrap().clone();
    assert_eq!(ladders.len(), 2);
    assert!(ladders.iter().all(|l| l["isOwn"] == false && l["rungs"].as_array().unwrap().len() == 5));
    let all = notices(&app).await;
    let keys: std::collections::BTreeSet<_> = all.iter().map(|n| &n.dedupe_key).collect();
    assert_eq!(keys.len(), all.len());
}

#[tokio::test]
async fn a_ladder_that_changes_late_sends_nothing_that_is_past_and_leaves_alone_what_is_tried_again() {
    let app = TestApp::new().await;
    let manager = app.world.manager.clone();
    says_yes(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let none = choice(&app, &json!({ "rungs": [] }), 0, false);
    act(&app, &manager.identity, "reminderLadderSet", LADDERS, none).await.ok();
    book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    assert!(notices(&app).await.is_empty(), "the unit sends none");
    // Two rungs would have been due by now.
    app.clock.set("2027-02-25T12:00:00Z".parse().unwrap());
    let all = choice(&app, &json!({ "asAbove": true }), 1, false);
    act(&app, &manager.identity, "reminderLadderSet", LADDERS, all).await.ok();
    assert_eq!(planned(&app).await, rungs(&[("EVENING_BEFORE", Sms)]));

    // Due, tried, and waiting for its next attempt: another first way does not send it a second time.
    app.clock.set("2027-02-28T17:30:00Z".parse::<DateTime<Utc>>().unwrap());
    let mail_first = json!({ "rungs": [{ "rule": "EVENING_BEFORE", "first": "MAIL" }] });
    let input = choice(&app, &mail_first, 2, false);
    act(&app, &manager.identity, "reminderLadderSet", LADDERS, input).await.ok();
    assert_eq!(planned(&app).await, rungs(&[("EVENING_BEFORE", Sms)]));
}

#[tokio::test]
async fn a_ladder_is_the_managers_choice_at_their_own_unit() {
    let app = TestApp::new().await;
    let world = &app.world;
    let manager = world.manager.clone();
    let none = json!({ "rungs": [] });
    let by = async |who: &Staff, input: Value| {
        act(&app, &who.identity, "reminderLadderSet", LADDERS, input)
            .await
            .user_error_codes("reminderLadderSet")
    };
    assert_eq!(by(&world.s1, choice(&app, &none, 0, false)).await, ["FORBIDDEN"]);
    let mut elsewhere = choice(&app, &none, 0, false);
    elsewhere["careUnitId"] = json!(global(NodeKind::CareUnit, world.s2.unit));
    assert_eq!(by(&manager, elsewhere).await, ["NOT_FOUND"]);
    let mut foreign = choice(&app, &none, 0, false);
    foreign["appointmentTypeId"] = json!(global(NodeKind::AppointmentType, world.visit_u2));
    assert_eq!(by(&manager, foreign).await, ["NOT_FOUND"]);
    let twice =
        json!({ "rungs": [{ "rule": "SAME_DAY", "first": "SMS" }, { "rule": "SAME_DAY", "first": "MAIL" }] });
    assert_eq!(by(&manager, choice(&app, &twice, 0, false)).await, ["BAD_USER_INPUT"]);
}

#[tokio::test]
async fn moving_a_time_plans_its_reminders_anew_by_the_ladder_in_force() {
    let app = TestApp::new().await;
    let manager = app.world.manager.clone();
    says_yes(&app).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let booked = book(&app, &app.world.p1.identity, &slots[0]).await.ok();
    let only = json!({ "rungs": [{ "rule": "CONFIRMATION", "first": "SMS" }, { "rule": "WEEK_BEFORE", "first": "MAIL" }] });
    let input = choice(&app, &only, 0, false);
    act(&app, &manager.identity, "reminderLadderSet", LADDERS, input).await.ok();
    let input = json!({ "appointmentId": booked.text("/appointmentBook/appointment/id"), "slotId": slots[1],
                        "expectedRowVersion": 1 });
    act(&app, &app.world.p1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
    assert_eq!(planned(&app).await, rungs(&[("CONFIRMATION", Sms), ("WEEK_BEFORE", Mail)]));
    assert!(notices(&app).await.iter().all(|n| n.state == State::Withdrawn || n.schedule_version == Some(2)));
}
