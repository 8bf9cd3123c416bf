//! Messages and the end of the sending hours: told before the patient is on the way, by the other way while it still helps,
//! and left to staff when nothing does.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    contact_way::Channel as Kind,
    notice::{self, Handling, State},
};
use harness::{TestApp, relate};
use patientkontrakt::reminder::{
    channel::{FailureCode, Outcome, sms::Report},
    pause, receipt,
    worker::Worker,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::json;

use crate::{
    acts::act,
    booking::{APPOINTMENT, publish},
    reminder_staff::{handle, list},
    reminders::{Fake, booked, notices, say, worker},
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn the(app: &TestApp, rule: &str, channel: Kind) -> Option<notice::Model> {
    notices(app).await.into_iter().rfind(|n| n.rule == rule && n.channel == channel)
}

#[tokio::test]
async fn what_care_moves_or_cancels_early_in_the_morning_is_told_before_the_patient_is_on_the_way() {
    // At half past six, of a visit at this time; the hours begin at eight.
    for (visit, moved, told_at) in [
        ("2027-03-01T07:30", true, "2027-03-01T05:30:00Z"),
        ("2027-03-01T10:30", true, "2027-03-01T07:00:00Z"),
        ("2027-03-01T08:15", false, "2027-03-01T05:30:00Z"),
        ("2027-03-01T10:30", false, "2027-03-01T07:00:00Z"),
    ] {
        let app = TestApp::new().await;
        let (s1, p1) = (&app.world.s1, &app.world.p1);
        relate(&app.core, s1, p1).await;
        say(&app, p1, "MAIL", true).await;
        let slots = publish(&app, &[visit, "2027-03-08T10:00"]).await;
        let time = booked(&app, &slots[0]).await;
        app.clock.set(at("2027-03-01T05:30:00Z"));
        let mut input = json!({ "appointmentId": time["id"], "expectedRowVersion": 1 });
        let mutation = if moved {
            input["slotId"] = json!(slots[1]);
            "appointmentRebook"
        } else {
            "appointmentCancel"
        };
        act(&app, &s1.identity, mutation, APPOINTMENT, input).await.ok();
        let rule = if moved { "CONFIRMATION" } else { "CANCELLATION" };
        let news = the(&app, rule, Kind::Mail).await.unwrap();
        assert_eq!((news.state, news.due_at), (State::Planned, at(told_at)), "{visit} {moved}");
        let (worker, fake) = worker(&app);
        worker.tick().await.unwrap();
        let at_once = news.due_at == app.clock.now();
        assert_eq!(fake.sent().len(), usize::from(at_once), "{visit} {moved}");
    }
}

#[tokio::test]
async fn a_cancellation_that_is_late_in_leaving_still_leaves_before_the_patient_is_on_the_way() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    say(&app, p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T08:15"]).await;
    let time = booked(&app, &slots[0]).await;
    app.clock.set(at("2027-03-01T03:30:00Z"));
    let input = json!({ "appointmentId": time["id"], "expectedRowVersion": 1 });
    act(&app, &s1.identity, "appointmentCancel", APPOINTMENT, input).await.ok();
    let (worker, fake) = worker(&app);
    *fake.answers.lock().unwrap() = vec![Outcome::Fail { reason: FailureCode::Refused }];
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    app.clock.advance(TimeDelta::minutes(90));
    let id = list(&app, s1).await[0]["id"].clone();
    handle(&app, &id, "RETRY").await.ok();
    assert_eq!(worker.tick().await.unwrap().sent, 1, "more than an hour after the act, and before eight");
}

/// P1 has said yes to SMS, books a visit at half past seven the evening before, and says yes to mail as well.
async fn by_sms_the_evening_before(app: &TestApp) {
    let p1 = &app.world.p1;
    let slots = publish(app, &["2027-03-01T07:30"]).await;
    app.clock.set(at("2027-02-28T16:30:00Z"));
    say(app, p1, "SMS", true).await;
    say(app, p1, "MAIL", false).await;
    booked(app, &slots[0]).await;
    say(app, p1, "MAIL", true).await;
}

#[tokio::test]
async fn a_gateway_that_is_down_leads_to_the_other_way_while_the_hours_still_are_open() {
    let app = TestApp::new().await;
    by_sms_the_evening_before(&app).await;
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1, "the confirmation");
    app.clock.set(at("2027-02-28T17:00:00Z"));
    loop {
        assert!(app.clock.now() < at("2027-02-28T19:00:00Z"), "the hours have ended");
        *fake.answers.lock().unwrap() =
            vec![Outcome::Retry { reason: FailureCode::RefusedForNow, after: None }];
        if worker.tick().await.unwrap().failed == 1 {
            break;
        }
        app.clock.advance(TimeDelta::minutes(1));
    }
    let given_up = the(&app, "EVENING_BEFORE", Kind::Sms).await.unwrap();
    assert!(given_up.attempts > 4, "{given_up:?}");
    assert_eq!((given_up.state, given_up.handled_as), (State::Failed, Some(Handling::OtherWay)));
    fake.answers.lock().unwrap().clear();
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    assert_eq!(the(&app, "EVENING_BEFORE", Kind::Mail).await.unwrap().state, State::Sent);
}

#[tokio::test]
async fn what_a_channel_that_is_left_alone_cannot_send_in_time_goes_by_the_other_way() {
    let app = TestApp::new().await;
    by_sms_the_evening_before(&app).await;
    let (worker, fake) = worker(&app);
    let after = Some(Duration::from_hours(4));
    *fake.answers.lock().unwrap() = vec![Outcome::Retry { reason: FailureCode::TooMany, after }];
    assert_eq!(worker.tick().await.unwrap().failed, 1, "it could not leave after so long a wait");
    assert_eq!(worker.tick().await.unwrap().sent, 1, "the confirmation, by mail");
    for waits in ["2027-02-28T17:00:00Z", "2027-02-28T18:44:59Z"] {
        app.clock.set(at(waits));
        assert_eq!(worker.tick().await.unwrap().claimed, 0, "{waits}");
    }
    app.clock.set(at("2027-02-28T18:45:00Z"));
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    let given_up = the(&app, "EVENING_BEFORE", Kind::Sms).await.unwrap();
    assert_eq!((given_up.state, given_up.reason.as_deref()), (State::Failed, Some("UNAVAILABLE")));
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    assert_eq!(the(&app, "EVENING_BEFORE", Kind::Mail).await.unwrap().state, State::Sent);
    assert_eq!(fake.sent().len(), 3, "one refused, and two by mail");
}

#[tokio::test]
async fn what_waits_for_a_paused_channel_goes_by_the_other_way_while_it_helps_unless_that_is_paused_as_well()
{
    for (also_paused, sent) in [(false, 1), (true, 0)] {
        let app = TestApp::new().await;
        by_sms_the_evening_before(&app).await;
        let (worker, fake) = worker(&app);
        assert_eq!(worker.tick().await.unwrap().sent, 1, "the confirmation");
        pause::pause(&app.core.db, Kind::Sms, app.clock.now()).await.unwrap();
        if also_paused {
            pause::pause(&app.core.db, Kind::Mail, app.clock.now()).await.unwrap();
        }
        for waits in ["2027-02-28T17:00:00Z", "2027-02-28T18:44:59Z"] {
            app.clock.set(at(waits));
            assert_eq!(worker.tick().await.unwrap().claimed, 0, "{waits}");
        }
        app.clock.set(at("2027-02-28T18:45:00Z"));
        assert_eq!(worker.tick().await.unwrap().failed, sent);
        assert_eq!(worker.tick().await.unwrap().sent, sent);
        assert_eq!(fake.sent().len(), 1 + sent);
        let waits = the(&app, "EVENING_BEFORE", Kind::Sms).await.unwrap().state;
        assert_eq!(waits, if also_paused { State::Planned } else { State::Failed });
    }
}

/// P1 has said yes to SMS alone, and has booked a visit at half past seven the evening before.
async fn by_sms_alone(app: &TestApp) -> (Worker, Arc<Fake>) {
    let slots = publish(app, &["2027-03-01T07:30"]).await;
    app.clock.set(at("2027-02-28T16:30:00Z"));
    say(app, &app.world.p1, "SMS", true).await;
    booked(app, &slots[0]).await;
    let (worker, fake) = worker(app);
    assert_eq!(worker.tick().await.unwrap().sent, 1, "the confirmation");
    app.clock.set(at("2027-02-28T17:00:00Z"));
    (worker, fake)
}

#[tokio::test]
async fn where_there_is_no_other_way_it_is_tried_until_the_hours_end() {
    let app = TestApp::new().await;
    let (worker, fake) = by_sms_alone(&app).await;
    let mut last_asked = app.clock.now();
    while app.clock.now() < at("2027-02-28T19:05:00Z") {
        let refused = || Outcome::Retry { reason: FailureCode::RefusedForNow, after: None };
        *fake.answers.lock().unwrap() = vec![refused(), refused()];
        if worker.tick().await.unwrap().claimed > 0 {
            last_asked = app.clock.now();
        }
        app.clock.advance(TimeDelta::minutes(1));
    }
    let given_up = the(&app, "EVENING_BEFORE", Kind::Sms).await.unwrap();
    assert_eq!((given_up.state, given_up.handled_as), (State::Failed, None));
    let minutes = (at("2027-02-28T19:00:00Z") - last_asked).num_minutes();
    assert!((1..10).contains(&minutes), "{last_asked}");
}

#[tokio::test]
async fn a_channel_that_is_left_alone_gives_nothing_up_that_has_no_other_way() {
    let app = TestApp::new().await;
    let (worker, fake) = by_sms_alone(&app).await;
    let after = Some(Duration::from_mins(117));
    *fake.answers.lock().unwrap() = vec![Outcome::Retry { reason: FailureCode::TooMany, after }];
    assert_eq!(worker.tick().await.unwrap().retried, 1);
    assert_eq!(the(&app, "EVENING_BEFORE", Kind::Sms).await.unwrap().due_at, at("2027-02-28T18:57:00Z"));
    // Due, and nothing may leave for as long as the gateway has asked for.
    notice::Entity::update_many()
        .col_expr(notice::Column::DueAt, Expr::value(at("2027-02-28T18:40:00Z")))
        .filter(notice::Column::Rule.eq("EVENING_BEFORE"))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    for minute in 45..57 {
        app.clock.set(at(&format!("2027-02-28T18:{minute}:00Z")));
        let tick = worker.tick().await.unwrap();
        assert_eq!((tick.failed, tick.sent), (0, 0), "{minute} {tick:?}");
    }
    let waits = the(&app, "EVENING_BEFORE", Kind::Sms).await.unwrap();
    assert_eq!((waits.state, waits.attempts), (State::Planned, 1), "looking at it is no attempt");
    app.clock.set(at("2027-02-28T18:58:00Z"));
    assert_eq!(worker.tick().await.unwrap().sent, 1, "the gateway takes messages again");
}

#[tokio::test]
async fn an_answer_outside_the_hours_that_one_way_refuses_goes_by_the_other_at_once() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    say(&app, p1, "MAIL", true).await;
    say(&app, p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-08T10:00"]).await;
    app.clock.set(at("2027-03-01T05:30:00Z"));
    booked(&app, &slots[0]).await;
    assert!(the(&app, "CONFIRMATION", Kind::Sms).await.is_none(), "one message answers");
    let (worker, fake) = worker(&app);
    *fake.answers.lock().unwrap() = vec![Outcome::Fail { reason: FailureCode::Refused }];
    let tick = worker.tick().await.unwrap();
    assert_eq!((tick.failed, tick.sent), (1, 1), "{tick:?}");
    assert_eq!(the(&app, "CONFIRMATION", Kind::Sms).await.unwrap().state, State::Sent);
}

#[tokio::test]
async fn what_care_moves_shortly_before_the_visit_and_outside_the_hours_goes_every_way_at_once() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    say(&app, p1, "MAIL", true).await;
    say(&app, p1, "SMS", true).await;
    let slots = publish(&app, &["2027-03-01T07:30", "2027-03-08T10:00"]).await;
    let time = booked(&app, &slots[0]).await;
    app.clock.set(at("2027-03-01T05:30:00Z"));
    let input = json!({ "appointmentId": time["id"], "slotId": slots[1], "expectedRowVersion": 1 });
    act(&app, &s1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
    let (worker, fake) = worker(&app);
    // A retry of the mail would come when the patient is on the way.
    *fake.answers.lock().unwrap() = vec![Outcome::Retry { reason: FailureCode::Unavailable, after: None }];
    let tick = worker.tick().await.unwrap();
    assert_eq!((tick.retried, tick.sent), (1, 1), "{tick:?}");
    assert_eq!(the(&app, "CONFIRMATION", Kind::Sms).await.unwrap().state, State::Sent);
    assert_eq!(the(&app, "WEEK_BEFORE", Kind::Sms).await, None, "what can wait goes one way");
}

#[tokio::test]
async fn what_no_way_can_bring_in_time_stays_with_staff() {
    let app = TestApp::new().await;
    let s1 = &app.world.s1;
    relate(&app.core, s1, &app.world.p1).await;
    by_sms_the_evening_before(&app).await;
    let (worker, _) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1, "the confirmation");
    app.clock.set(at("2027-02-28T17:00:00Z"));
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    // At nine in the evening it turns out that it was not passed on: the hours begin again after the visit.
    app.clock.set(at("2027-02-28T20:00:00Z"));
    let evening = the(&app, "EVENING_BEFORE", Kind::Sms).await.unwrap();
    assert!(receipt::report(&app.core, evening.id, Report::Rejected).await.unwrap());
    let failed = the(&app, "EVENING_BEFORE", Kind::Sms).await.unwrap();
    assert_eq!((failed.state, failed.handled_as), (State::Failed, None));
    assert!(the(&app, "EVENING_BEFORE", Kind::Mail).await.is_none());
    let id = list(&app, s1).await[0]["id"].clone();
    for what in ["RETRY", "OTHER_CHANNEL"] {
        assert_eq!(handle(&app, &id, what).await.user_error_codes("reminderHandle"), ["TOO_LATE"], "{what}");
    }
    assert_eq!(list(&app, s1).await.len(), 1, "it is theirs still");
    handle(&app, &id, "PHONED").await.ok();
}
