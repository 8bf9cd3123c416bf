//! Reports that come when much has happened since: another number, another way, a day gone by.

use chrono::TimeDelta;
use entity::{
    contact_way::Channel as Kind,
    notice::{self, Handling, State},
};
use harness::TestApp;
use patientkontrakt::reminder::{
    channel::{FailureCode, Outcome},
    claim, hold,
    record::{self, Recorded},
};
use serde_json::json;

use super::{
    LEASE,
    hooks::{confirmation, now, report},
};
use crate::{
    acts::act,
    booking::publish,
    reminders::{booked, notices, say, worker},
};

async fn unreachable(app: &TestApp) -> serde_json::Value {
    let me = app.run(&app.world.p1.identity, "{ me { unreachableBy } }", json!({})).await.ok();
    me.at("/me/unreachableBy").clone()
}

async fn give(app: &TestApp, ways: serde_json::Value) {
    app.clock.advance(TimeDelta::minutes(1));
    let input = json!({ "choices": [], "contactWays": ways });
    act(app, &app.world.p1.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

async fn by_mail(app: &TestApp) -> notice::Model {
    let all = notices(app).await;
    all.into_iter().find(|n| n.rule == "CONFIRMATION" && n.channel == Kind::Mail).unwrap()
}

#[tokio::test]
async fn a_text_that_the_gateway_could_not_pass_on_says_nothing_of_the_number() {
    let (app, first) = confirmation(true).await;
    let (worker, _) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    assert_eq!(report(&app, &first, 16).await, 200);
    let failed = now(&app).await;
    assert_eq!((failed.state, failed.reason.as_deref()), (State::Failed, Some("REFUSED")));
    assert_eq!(unreachable(&app).await, json!([]));
    assert_eq!(worker.tick().await.unwrap().sent, 1, "by mail");
    let ahead = notices(&app).await;
    assert!(ahead.iter().any(|n| n.channel == Kind::Sms && n.state == State::Planned), "{ahead:?}");
}

#[tokio::test]
async fn a_late_report_about_the_number_before_leaves_the_new_one_alone() {
    let (app, first) = confirmation(true).await;
    let (worker, _) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    give(&app, json!({ "phone": "070-174 06 35" })).await;
    assert_eq!(report(&app, &first, 2).await, 200);
    let failed = now(&app).await;
    assert_eq!((failed.state, failed.reason.as_deref()), (State::Failed, Some("UNDELIVERED")));
    assert_eq!(unreachable(&app).await, json!([]));
    assert_eq!(worker.tick().await.unwrap().sent, 1, "the message itself goes by mail");
}

#[tokio::test]
async fn a_refusal_of_the_address_before_leaves_the_one_given_meanwhile_alone() {
    for replaced in [false, true] {
        let app = TestApp::new().await;
        say(&app, &app.world.p1, "MAIL", true).await;
        let slots = publish(&app, &["2027-03-01T09:00"]).await;
        booked(&app, &slots[0]).await;
        let claimed = claim::claim(&app.core, Kind::Mail, 10, LEASE).await.unwrap();
        if replaced {
            give(&app, json!({ "mail": "ny@exempel.se" })).await;
        }
        let refused = Outcome::Fail { reason: FailureCode::BadAddress };
        let told = record::outcome(&app.core, &claimed[0], &refused, &[LEASE], true).await.unwrap();
        assert_eq!(told, Recorded::Failed);
        let expected = if replaced { json!([]) } else { json!(["MAIL"]) };
        assert_eq!(unreachable(&app).await, expected, "{replaced}");
    }
}

#[tokio::test]
async fn a_text_that_turns_out_to_have_arrived_does_not_go_by_mail_as_well() {
    let (app, first) = confirmation(true).await;
    let (worker, fake) = worker(&app);
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    report(&app, &first, 2).await;
    assert_eq!(now(&app).await.handled_as, Some(Handling::OtherWay));
    assert_eq!(by_mail(&app).await.state, State::Planned);
    report(&app, &first, 1).await;
    let arrived = now(&app).await;
    assert_eq!((arrived.state, arrived.handled_as, arrived.handled_at), (State::Delivered, None, None));
    let instead = by_mail(&app).await;
    assert_eq!((instead.state, instead.reason.as_deref()), (State::Withdrawn, Some("ARRIVED")));
    assert_eq!(worker.tick().await.unwrap().claimed, 0);
    assert_eq!(fake.sent().len(), 1);
}

#[tokio::test]
async fn what_turns_out_late_not_to_have_arrived_is_told_to_operations_until_a_day_after_the_visit() {
    let (app, first) = confirmation(false).await;
    let (worker, _) = worker(&app);
    worker.tick().await.unwrap();
    let told = async || {
        let alerts = hold::alerts(app.core.db.reader(), app.clock.now()).await.unwrap();
        alerts.iter().any(|alert| alert.contains("did not arrive"))
    };
    assert!(!told().await);
    app.clock.advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
    worker.tick().await.unwrap();
    assert_eq!(now(&app).await.reason.as_deref(), Some("NO_REPORT"));
    assert!(told().await);
    app.clock.advance(TimeDelta::hours(23));
    report(&app, &first, 2).await;
    let visit = now(&app).await.useless_at;
    app.clock.set(visit + TimeDelta::hours(23));
    assert!(told().await, "somebody may want to phone");
    app.clock.set(visit + TimeDelta::hours(24));
    assert!(!told().await);
}
