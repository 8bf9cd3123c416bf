//! A schedule goes on, whatever has been taken from it and added to it.

use chrono::{Days, NaiveDate, TimeDelta};
use harness::{Answer, TestApp};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::book,
    schedule::{CHANGED, open_slots, pattern, publish},
};

async fn change(app: &TestApp, name: &str, input: Value) -> Answer {
    act(app, &app.world.s1.identity, name, CHANGED, input).await
}

fn days(from: NaiveDate, count: u64) -> Vec<NaiveDate> {
    (0..count).map(|n| from + Days::new(n)).collect()
}

#[tokio::test]
async fn a_schedule_that_ends_before_its_extra_days_can_still_be_changed_and_publishes_its_last_ones() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let mut with_extra = pattern(&app);
    with_extra["extraDays"] = json!(["2027-08-18"]);
    let id = publish(&app, with_extra).await.ok().text("/schedulePublish/schedule/id");
    let end = json!({ "scheduleId": id, "lastDay": "2027-05-01", "expectedRowVersion": 1 });
    change(&app, "scheduleEnd", end).await.ok();
    let off = json!({ "scheduleId": id, "days": ["2027-02-15"], "expectedRowVersion": 2 });
    change(&app, "scheduleExcept", off).await.ok();
    assert_eq!(open_slots(&app).await.len(), 8, "the 8th and the 11th");
    app.clock.advance(TimeDelta::days(7));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(open_slots(&app).await.len(), 16, "and the 18th and the 22nd");
    let end = json!({ "scheduleId": id, "lastDay": "2027-03-01", "expectedRowVersion": 3 });
    change(&app, "scheduleEnd", end).await.ok();
}

#[tokio::test]
async fn a_schedule_takes_days_off_until_it_has_as_many_as_it_can_and_then_goes_on() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let id = publish(&app, pattern(&app)).await.ok().text("/schedulePublish/schedule/id");
    let mut first: NaiveDate = "2027-06-01".parse().unwrap();
    for version in 1..=4 {
        let off = json!({ "scheduleId": id, "days": days(first, 100), "expectedRowVersion": version });
        change(&app, "scheduleExcept", off).await.ok();
        first = first + Days::new(100);
    }
    let off = json!({ "scheduleId": id, "days": days(first, 1), "expectedRowVersion": 5 });
    let refused = change(&app, "scheduleExcept", off).await;
    assert_eq!(refused.user_error_codes("scheduleExcept"), ["BAD_USER_INPUT"]);
    assert_eq!(refused.user_error_fields("scheduleExcept"), ["days"]);
    app.clock.advance(TimeDelta::days(7));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(open_slots(&app).await.len(), 20);
    // What has passed is no longer counted.
    app.clock.set("2027-07-01T08:00:00Z".parse().unwrap());
    let off = json!({ "scheduleId": id, "days": days(first, 1), "expectedRowVersion": 5 });
    change(&app, "scheduleExcept", off).await.ok();
}

/// Kept back from the web: what somebody holds at that moment, and what is booked and comes free later.
#[tokio::test]
async fn times_that_are_held_or_booked_follow_when_a_schedule_is_taken_off_the_web() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let id = publish(&app, pattern(&app)).await.ok().text("/schedulePublish/schedule/id");
    let mut slots = open_slots(&app).await;
    slots.sort_by_key(|slot| slot.starts_at);
    let (held, booked) = (global(NodeKind::Slot, slots[0].id), global(NodeKind::Slot, slots[1].id));
    act(&app, &p1.identity, "slotHold", "hold { id }", json!({ "slotId": held })).await.ok();
    book(&app, &p2.identity, &booked).await.ok();
    let mut kept = pattern(&app);
    kept["webBookable"] = json!(false);
    let input = json!({ "scheduleId": id, "pattern": kept, "expectedRowVersion": 1 });
    assert_eq!(change(&app, "scheduleChange", input).await.ok().at("/scheduleChange/toRebook"), &json!([]));
    let open = open_slots(&app).await;
    assert_eq!(open.len(), 12);
    assert!(open.iter().all(|slot| !slot.web_bookable), "{open:?}");
}
