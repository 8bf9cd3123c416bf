//! Booked times that fall out of their schedule: phoned about, listed, and taken back in.

use entity::{slot, task};
use harness::{Answer, TestApp, TestPatient};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{CHANGED, change_days, open_slots, pattern, publish};
use crate::{
    acts::{act, global, row},
    booking::book,
};

/// A schedule by this pattern, and its times, the soonest first.
async fn published(app: &TestApp, pattern: Value) -> (String, Vec<String>) {
    let published = publish(app, pattern).await.ok();
    let mut slots = open_slots(app).await;
    slots.sort_by_key(|slot| slot.starts_at);
    let ids = slots.into_iter().map(|slot| global(NodeKind::Slot, slot.id)).collect();
    (published.text("/schedulePublish/schedule/id"), ids)
}

async fn booked(app: &TestApp, patient: &TestPatient, slot: &str) -> Value {
    book(app, &patient.identity, slot).await.ok().at("/appointmentBook/appointment").clone()
}

async fn change(app: &TestApp, schedule: &str, version: i64, pattern: &Value) -> Answer {
    let input = json!({ "scheduleId": schedule, "pattern": pattern, "expectedRowVersion": version });
    act(app, &app.world.s1.identity, "scheduleChange", CHANGED, input).await.ok()
}

/// The monday of the first times is taken out.
async fn except(app: &TestApp, schedule: &str, version: i64) -> Vec<String> {
    let input = json!({ "scheduleId": schedule, "days": ["2027-02-08"], "expectedRowVersion": version });
    let done = act(app, &app.world.s1.identity, "scheduleExcept", CHANGED, input).await.ok();
    ids(done.at("/scheduleExcept/toRebook"))
}

fn ids(slots: &Value) -> Vec<String> {
    slots.as_array().unwrap().iter().map(|slot| slot["id"].as_str().unwrap().to_owned()).collect()
}

/// Those that the schedule says are left to be moved.
async fn left(app: &TestApp, schedule: &str) -> Vec<String> {
    let query = "query($id: ID!) { node(id: $id) { ... on Schedule { toRebook { id } } } }";
    let seen = app.run(&app.world.s1.identity, query, json!({ "id": schedule })).await.ok();
    ids(seen.at("/node/toRebook"))
}

async fn calls(app: &TestApp, time: &Value) -> Vec<task::Status> {
    let of = task::Entity::find()
        .filter(task::Column::Kind.eq(task::Kind::CancellationCall))
        .filter(task::Column::SubjectId.eq(row(time["id"].as_str().unwrap())));
    of.all(app.core.db.reader()).await.unwrap().iter().map(|task| task.status).collect()
}

#[tokio::test]
async fn a_booked_time_that_falls_out_is_phoned_about_and_listed_until_it_is_moved_or_cancelled() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let (p1, p2) = (&app.world.p1, &app.world.p2);
    let (schedule, slots) = published(&app, pattern(&app)).await;
    let (one, two) = (booked(&app, p1, &slots[0]).await, booked(&app, p2, &slots[1]).await);
    assert!(left(&app, &schedule).await.is_empty());
    assert_eq!(except(&app, &schedule, 1).await, slots[..2]);
    // A new act about the same days says it again, and phones nobody twice.
    assert_eq!(except(&app, &schedule, 2).await, slots[..2]);
    assert_eq!(left(&app, &schedule).await, slots[..2]);
    for time in [&one, &two] {
        assert_eq!(calls(&app, time).await, [task::Status::Open]);
    }
    let gone = json!({ "appointmentId": one["id"], "expectedRowVersion": 1 });
    act(&app, &p1.identity, "appointmentCancel", "appointment { id }", gone).await.ok();
    assert_eq!(calls(&app, &one).await, [task::Status::Done]);
    assert_eq!(left(&app, &schedule).await, slots[1..2]);
    let moved = json!({ "appointmentId": two["id"], "slotId": slots[4], "expectedRowVersion": 1 });
    act(&app, &p2.identity, "appointmentRebook", "appointment { id }", moved).await.ok();
    assert_eq!(calls(&app, &two).await, [task::Status::Done]);
    assert!(left(&app, &schedule).await.is_empty());
}

#[tokio::test]
async fn a_schedule_takes_a_booked_time_back_in_and_others_can_book_what_is_left() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let mut whole = pattern(&app);
    whole["seats"] = json!(2);
    let (schedule, slots) = published(&app, whole.clone()).await;
    let time = booked(&app, &app.world.p1, &slots[0]).await;
    assert_eq!(except(&app, &schedule, 1).await, slots[..1]);
    let lost = book(&app, &app.world.p2.identity, &slots[0]).await;
    assert_eq!(lost.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    let back = change(&app, &schedule, 2, &whole).await;
    assert!(ids(back.at("/scheduleChange/toRebook")).is_empty());
    assert!(left(&app, &schedule).await.is_empty());
    assert_eq!(calls(&app, &time).await, [task::Status::Superseded]);
    let open = open_slots(&app).await;
    assert_eq!(open.len(), 4, "each time once");
    assert!(open.iter().any(|slot| global(NodeKind::Slot, slot.id) == slots[0]));
    booked(&app, &app.world.p2, &slots[0]).await;
}

#[tokio::test]
async fn a_time_that_fell_out_does_not_come_back_with_other_staff() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let mut of_the_unit = pattern(&app);
    of_the_unit["assignmentIds"] = json!([]);
    let (schedule, slots) = published(&app, pattern(&app)).await;
    let time = booked(&app, &app.world.p1, &slots[0]).await;
    for version in [1, 2] {
        let changed = change(&app, &schedule, version, &of_the_unit).await;
        assert_eq!(ids(changed.at("/scheduleChange/toRebook")), slots[..1]);
        let open = open_slots(&app).await;
        assert_eq!(open.len(), 4);
        assert!(open.iter().all(|slot| slot.assignment_id.is_none()));
    }
    let back = change(&app, &schedule, 3, &pattern(&app)).await;
    assert!(ids(back.at("/scheduleChange/toRebook")).is_empty());
    assert_eq!(calls(&app, &time).await, [task::Status::Superseded]);
    assert_eq!(open_slots(&app).await.len(), 4);
}

#[tokio::test]
async fn a_time_that_fell_out_while_somebody_is_away_is_phoned_about_when_they_are_back() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let s1 = &app.world.s1;
    let (schedule, slots) = published(&app, pattern(&app)).await;
    let time = booked(&app, &app.world.p1, &slots[0]).await;
    let input = json!({
        "who": { "assignmentId": global(NodeKind::Assignment, s1.assignment) },
        "from": "2027-02-08T00:00:00+01:00", "until": "2027-02-09T00:00:00+01:00",
    });
    let shown = "absence { id rowVersion }";
    let away = act(&app, &s1.identity, "contactAbsenceRegister", shown, input).await.ok();
    let away = away.at("/contactAbsenceRegister/absence");
    app.clock.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(except(&app, &schedule, 1).await, slots[..1]);
    assert_eq!(calls(&app, &time).await, [task::Status::Open]);
    app.clock.advance(chrono::TimeDelta::minutes(1));
    let input = json!({ "absenceId": away["id"], "expectedRowVersion": away["rowVersion"] });
    act(&app, &s1.identity, "contactAbsenceCancel", "absence { id }", input).await.ok();
    sweep::run(&app.core).await.unwrap();
    assert_eq!(calls(&app, &time).await, [task::Status::Open]);
    change_days(&app, &schedule, 2, &[]).await;
    sweep::run(&app.core).await.unwrap();
    assert_eq!(calls(&app, &time).await, [task::Status::Superseded]);
}

#[tokio::test]
async fn a_retired_type_leaves_a_task_for_each_of_its_booked_times() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let (schedule, slots) = published(&app, pattern(&app)).await;
    let time = booked(&app, &app.world.p1, &slots[0]).await;
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "endSchedules": true, "expectedRowVersion": 1 });
    act(&app, &app.world.s1.identity, "appointmentTypeRetire", "toRebook { id }", input).await.ok();
    assert_eq!(calls(&app, &time).await, [task::Status::Open]);
    assert_eq!(left(&app, &schedule).await, slots[..1], "also of a schedule that has ended");
    let of = slot::Entity::find().filter(slot::Column::Withdrawal.eq(slot::Withdrawal::BySchedule));
    assert_eq!(of.all(app.core.db.reader()).await.unwrap().len(), 4);
}
