//! Times with several staff: each of them counts for who waits.

use chrono::TimeDelta;
use harness::{Staff, TestApp, relate};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    away_together::together,
    booking::book,
    wishes::{any, leave, mine},
};

fn with(who: &Staff) -> Value {
    json!({ "until": "2027-03-31", "assignmentId": global(NodeKind::Assignment, who.assignment) })
}

#[tokio::test]
async fn a_time_with_several_staff_is_offered_to_whoever_waits_for_one_of_them_and_meets_their_wish() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let (s1, second) = (&app.world.s1, &app.world.coordinator);
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    leave(&app, p1, with(second)).await.ok();
    let times = together(&app, &[s1, second], "09:00").await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["offer"]["slot"]["id"], times[0].as_str());
    leave(&app, p2, with(second)).await.ok();
    book(&app, &p2.identity, &times[1]).await.ok();
    assert_eq!(mine(&app, p2).await["status"], "BOOKED");
}

#[tokio::test]
async fn a_doctors_own_patients_come_first_also_for_times_with_another() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let (s1, other) = (&app.world.s1, &app.world.coordinator);
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    relate(&app.core, s1, p1).await;
    let person = json!({ "assignmentId": global(NodeKind::Assignment, s1.assignment) });
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_LAKARKONTAKT", "person": person });
    act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    leave(&app, p2, any()).await.ok();
    app.clock.advance(TimeDelta::minutes(1));
    leave(&app, p1, any()).await.ok();
    let times = together(&app, &[other, s1], "08:30").await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(mine(&app, p1).await["offer"]["slot"]["id"], times[0].as_str());
    assert_eq!(mine(&app, p2).await["offer"], Value::Null);
}
