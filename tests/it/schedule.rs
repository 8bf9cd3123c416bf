//! Schedules: published, changed, ended, and extended by two instances at once; and whose times come first.

mod fell_out;
mod seats;

use entity::{appointment_type, care_contact, occupancy, schedule, slot};
use harness::{Answer, TestApp};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::{
    acts::{act, global},
    booking::book,
};

const SCHEDULE: &str = "schedule { id rowVersion publishedUntil staff { name } }";
pub const CHANGED: &str = "schedule { id rowVersion } toRebook { id startsAt }";

/// Mondays and Thursdays from eight to ten with somebody.
pub fn pattern(app: &TestApp) -> Value {
    json!({
        "assignmentIds": [global(NodeKind::Assignment, app.world.s1.assignment)],
        "rule": "FREQ=WEEKLY;BYDAY=MO,TH", "validFrom": "2027-02-08",
        "block": { "from": "08:00", "until": "10:00" },
    })
}

pub async fn publish(app: &TestApp, pattern: Value) -> Answer {
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "pattern": pattern });
    act(app, &app.world.s1.identity, "schedulePublish", SCHEDULE, input).await
}

/// The pattern without these days.
pub async fn change_days(app: &TestApp, schedule: &str, version: i64, off: &[&str]) -> Answer {
    let mut pattern = pattern(app);
    pattern["exceptDays"] = json!(off);
    let input = json!({ "scheduleId": schedule, "pattern": pattern, "expectedRowVersion": version });
    act(app, &app.world.s1.identity, "scheduleChange", CHANGED, input).await.ok()
}

pub async fn open_slots(app: &TestApp) -> Vec<slot::Model> {
    let open = slot::Entity::find().filter(slot::Column::WithdrawnAt.is_null());
    open.all(app.core.db.reader()).await.unwrap()
}

async fn cells(app: &TestApp) -> u64 {
    occupancy::Entity::find().count(app.core.db.reader()).await.unwrap()
}

#[tokio::test]
async fn a_schedule_becomes_times_up_to_the_horizon_and_two_sweeps_at_once_extend_it_once() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    publish(&app, pattern(&app)).await.ok();
    // The 8th, 11th and 15th of February.
    assert_eq!((open_slots(&app).await.len(), cells(&app).await), (12, 72));
    app.clock.advance(chrono::TimeDelta::days(7));
    let (one, two) = tokio::join!(sweep::run(&app.core), sweep::run(&app.core));
    one.unwrap();
    two.unwrap();
    assert_eq!((open_slots(&app).await.len(), cells(&app).await), (20, 120));
    sweep::run(&app.core).await.unwrap();
    assert_eq!(open_slots(&app).await.len(), 20);
    // Day by day no day is left out: the 25th, and the 1st of March.
    for _ in 0..7 {
        app.clock.advance(chrono::TimeDelta::days(1));
        sweep::run(&app.core).await.unwrap();
    }
    assert_eq!(open_slots(&app).await.len(), 28);
}

#[tokio::test]
async fn a_change_replaces_what_nobody_booked_and_tells_what_must_be_moved() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let published = publish(&app, pattern(&app)).await.ok();
    let id = published.text("/schedulePublish/schedule/id");
    let first = global(NodeKind::Slot, open_slots(&app).await.iter().min_by_key(|s| s.starts_at).unwrap().id);
    book(&app, &app.world.p1.identity, &first).await.ok();
    let mut later = pattern(&app);
    later["block"] = json!({ "from": "09:00", "until": "11:00" });
    let input = json!({ "scheduleId": id, "pattern": later, "expectedRowVersion": 1 });
    let changed = act(&app, &app.world.s1.identity, "scheduleChange", CHANGED, input).await.ok();
    assert_eq!(changed.text("/scheduleChange/toRebook/0/id"), first);
    let starts: Vec<String> = open_slots(&app).await.into_iter().map(|s| s.local_start).collect();
    assert_eq!(starts.len(), 4, "{starts:?}");
    assert!(!starts.contains(&"2027-02-08T08:00".to_owned()));
    let stale = json!({ "scheduleId": id, "expectedRowVersion": 1 });
    let refused = act(&app, &app.world.s1.identity, "scheduleEnd", CHANGED, stale).await;
    assert_eq!(refused.user_error_codes("scheduleEnd"), ["STALE_ROW_VERSION"]);
    let end = json!({ "scheduleId": id, "expectedRowVersion": 2 });
    act(&app, &app.world.s1.identity, "scheduleEnd", CHANGED, end).await.ok();
    assert!(open_slots(&app).await.is_empty());
    assert!(schedule::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap().ended_at.is_some());
}

#[tokio::test]
async fn a_clash_refuses_the_whole_and_says_when_or_is_left_out_on_request() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    crate::booking::publish(&app, &["2027-02-08T08:45"]).await;
    let before = open_slots(&app).await.len();
    let refused = publish(&app, pattern(&app)).await;
    assert_eq!(refused.user_error_codes("schedulePublish"), ["ALREADY_OCCUPIED"]);
    let message = refused.text("/schedulePublish/userErrors/0/message");
    assert!(message.contains("2027-02-08 08:30") && message.contains("2027-02-08 09:00"), "{message}");
    assert_eq!(open_slots(&app).await.len(), before);
    assert_eq!(schedule::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "pattern": pattern(&app), "skipClashes": true });
    act(&app, &app.world.s1.identity, "schedulePublish", SCHEDULE, input).await.ok();
    let mut starts: Vec<String> = open_slots(&app).await.into_iter().map(|slot| slot.local_start).collect();
    starts.sort();
    assert_eq!(starts, ["2027-02-08T08:00", "2027-02-08T08:45", "2027-02-08T09:30"]);
}

#[tokio::test]
async fn times_with_the_patients_doctor_come_first_and_each_tells_whose_it_is() {
    let app = TestApp::new().await;
    let (p1, s1) = (&app.world.p1, &app.world.s1);
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let unit = json!({ "appointmentTypeId": kind, "startsLocal": ["2027-03-01T08:00"] });
    act(&app, &s1.identity, "slotPublish", "slots { id }", unit).await.ok();
    crate::booking::publish(&app, &["2027-03-02T09:00"]).await;
    let query = "{ freeSlots { nodes { startsAt tier } } }";
    let tiers = |seen: &Answer| {
        let nodes = seen.at("/freeSlots/nodes").as_array().unwrap().clone();
        nodes.iter().map(|node| node["tier"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(tiers(&seen), ["THE_UNIT", "THE_UNIT"]);
    harness::relate(&app.core, s1, p1).await;
    let person = json!({ "assignmentId": global(NodeKind::Assignment, s1.assignment) });
    let input = json!({ "patientId": p1.global_id(), "role": "FAST_LAKARKONTAKT", "person": person });
    act(&app, &s1.identity, "contactAppoint", "contact { id }", input).await.ok();
    assert_eq!(care_contact::Entity::find().count(app.core.db.reader()).await.unwrap(), 1);
    let seen = app.run(&p1.identity, query, json!({})).await.ok();
    assert_eq!(tiers(&seen), ["YOUR_DOCTOR", "THE_UNIT"]);
}

#[tokio::test]
async fn who_may_book_on_the_web_is_the_same_rule_in_search_and_in_booking() {
    use appointment_type::WebBooking::{Everyone, Nobody, OwnPatients};
    let app = TestApp::new().await;
    let slots = crate::booking::publish(&app, &["2027-03-02T09:00"]).await;
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let query =
        format!("{{ freeSlots(filter: {{ appointmentTypeIds: [\"{kind}\"] }}) {{ nodes {{ id }} }} }}");
    for (rule, own, other) in [(Nobody, false, false), (OwnPatients, true, false), (Everyone, true, true)] {
        let row = appointment_type::ActiveModel {
            id: Set(app.world.visit),
            web_booking: Set(rule),
            ..Default::default()
        };
        row.update(app.core.db.reader()).await.unwrap();
        // P1 is listed at the unit, P3 is not.
        for (who, may) in [(&app.world.p1, own), (&app.world.p3, other)] {
            let seen = app.run(&who.identity, &query, json!({})).await.ok();
            assert_eq!(seen.at("/freeSlots/nodes").as_array().unwrap().len(), usize::from(may), "{rule:?}");
            let held =
                act(&app, &who.identity, "slotHold", "hold { id }", json!({ "slotId": slots[0] })).await;
            let booked = book(&app, &who.identity, &slots[0]).await;
            let wish = json!({ "appointmentTypeId": kind, "content": { "until": "2027-03-31" } });
            let wish = act(&app, &who.identity, "timeWishLeave", "wish { id }", wish).await;
            for (answer, name) in
                [(&held, "slotHold"), (&booked, "appointmentBook"), (&wish, "timeWishLeave")]
            {
                let codes = answer.user_error_codes(name);
                assert_eq!(codes, if may { &[][..] } else { &["NOT_FOUND"] }, "{rule:?} {name}");
            }
            if may {
                let wish = json!({ "wishId": wish.at("/timeWishLeave/wish/id"), "expectedRowVersion": 1 });
                act(&app, &who.identity, "timeWishWithdraw", "wish { id }", wish).await.ok();
                let time = booked.at("/appointmentBook/appointment");
                let gone = json!({ "appointmentId": time["id"], "expectedRowVersion": time["rowVersion"] });
                act(&app, &who.identity, "appointmentCancel", "appointment { id }", gone).await.ok();
            }
        }
    }
}

/// The wall clock of the open slots, in order.
async fn walls(app: &TestApp) -> Vec<String> {
    let mut slots = open_slots(app).await;
    slots.sort_by_key(|slot| slot.starts_at);
    slots.into_iter().map(|slot| slot.local_start).collect()
}

#[tokio::test]
async fn nights_when_the_clocks_move_have_the_times_that_exist() {
    for (day, expected, first, last) in [
        // From two it is three: what would begin between them begins an hour later, once.
        (
            "2027-03-28",
            vec!["01:00", "01:30", "03:00", "03:30", "04:00", "04:30"],
            "2027-03-28T00:00:00Z",
            "2027-03-28T02:30:00Z",
        ),
        // From three it is two again: the first of the two hours counts.
        (
            "2027-10-31",
            vec!["01:00", "01:30", "02:00", "02:30", "03:00", "03:30", "04:00", "04:30"],
            "2027-10-30T23:00:00Z",
            "2027-10-31T03:30:00Z",
        ),
    ] {
        let app = TestApp::with(&[("region.schedule_horizon_days", "365")]).await;
        let mut night = pattern(&app);
        night["rule"] = json!("FREQ=DAILY");
        night["validFrom"] = json!(day);
        night["validUntil"] = json!(day);
        night["onClosedDays"] = json!(true);
        night["block"] = json!({ "from": "01:00", "until": "05:00" });
        publish(&app, night).await.ok();
        let expected: Vec<String> = expected.into_iter().map(|at| format!("{day}T{at}")).collect();
        assert_eq!(walls(&app).await, expected);
        let slots = open_slots(&app).await;
        let instant = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        assert_eq!(slots.iter().map(|slot| slot.starts_at).min(), Some(instant(first)));
        assert_eq!(slots.iter().map(|slot| slot.starts_at).max(), Some(instant(last)));
        assert_eq!(cells(&app).await, 6 * slots.len() as u64);
    }
}

#[tokio::test]
async fn midsummer_has_no_times_and_is_no_working_day_of_the_deadline() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "200")]).await;
    let mut week = pattern(&app);
    week["rule"] = json!("FREQ=DAILY");
    week["validFrom"] = json!("2027-06-21");
    week["validUntil"] = json!("2027-06-28");
    week["exceptDays"] = json!(["2027-06-22"]);
    week["extraDays"] = json!(["2027-06-27"]);
    week["block"] = json!({ "from": "09:00", "until": "09:30" });
    publish(&app, week).await.ok();
    let days: Vec<String> = walls(&app).await.iter().map(|at| at[..10].to_owned()).collect();
    // Friday the 25th is midsommarafton, Saturday midsommardagen; the Sunday was asked for by name.
    assert_eq!(days, ["2027-06-21", "2027-06-23", "2027-06-24", "2027-06-27", "2027-06-28"]);
    let last = open_slots(&app).await.into_iter().max_by_key(|slot| slot.starts_at).unwrap();
    let booked = book(&app, &app.world.p1.identity, &global(NodeKind::Slot, last.id)).await.ok();
    // One whole working day before the Monday: the Thursday.
    assert_eq!(booked.text("/appointmentBook/appointment/cancelBy"), "2027-06-23T22:00:00+00:00");
}

#[tokio::test]
async fn who_was_kept_for_a_time_that_fell_out_is_free_when_its_patient_is() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let published = publish(&app, pattern(&app)).await.ok();
    let id = published.text("/schedulePublish/schedule/id");
    let first = open_slots(&app).await.into_iter().min_by_key(|slot| slot.starts_at).unwrap();
    let booked = book(&app, &app.world.p1.identity, &global(NodeKind::Slot, first.id)).await.ok();
    let off = json!({ "scheduleId": id, "days": ["2027-02-08"], "expectedRowVersion": 1 });
    let done = act(&app, &app.world.s1.identity, "scheduleExcept", CHANGED, off).await.ok();
    assert_eq!(done.text("/scheduleExcept/toRebook/0/id"), global(NodeKind::Slot, first.id));
    assert!(open_slots(&app).await.is_empty());
    // The staff member's and the patient's.
    assert_eq!(cells(&app).await, 12);
    let late = book(&app, &app.world.p2.identity, &global(NodeKind::Slot, first.id)).await;
    assert_eq!(late.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    let input =
        json!({ "appointmentId": booked.at("/appointmentBook/appointment/id"), "expectedRowVersion": 1 });
    act(&app, &app.world.p1.identity, "appointmentCancel", "appointment { status }", input).await.ok();
    assert_eq!(cells(&app).await, 0);
}

#[tokio::test]
async fn a_time_taken_back_by_hand_is_not_published_again_and_a_booked_one_is_not_taken_back() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let published = publish(&app, pattern(&app)).await.ok();
    let id = published.text("/schedulePublish/schedule/id");
    let mut slots = open_slots(&app).await;
    slots.sort_by_key(|slot| slot.starts_at);
    let ids: Vec<String> = slots.iter().map(|slot| global(NodeKind::Slot, slot.id)).collect();
    book(&app, &app.world.p1.identity, &ids[0]).await.ok();
    let withdraw = async |slots: &[String]| {
        let input = json!({ "slotIds": slots });
        act(&app, &app.world.s1.identity, "slotWithdraw", "withdrawn", input).await
    };
    assert_eq!(withdraw(&ids[..2]).await.user_error_codes("slotWithdraw"), ["CONFLICT"]);
    assert_eq!(withdraw(&ids[1..2]).await.ok().at("/slotWithdraw/withdrawn"), 1);
    let input = json!({ "scheduleId": id, "pattern": pattern(&app), "expectedRowVersion": 1 });
    act(&app, &app.world.s1.identity, "scheduleChange", CHANGED, input).await.ok();
    assert_eq!(walls(&app).await, ["2027-02-08T08:00", "2027-02-08T09:00", "2027-02-08T09:30"]);
}

#[tokio::test]
async fn a_preview_of_a_change_says_what_it_would_do_and_does_nothing() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let published = publish(&app, pattern(&app)).await.ok();
    let first = open_slots(&app).await.into_iter().min_by_key(|slot| slot.starts_at).unwrap();
    book(&app, &app.world.p1.identity, &global(NodeKind::Slot, first.id)).await.ok();
    let before = walls(&app).await;
    let mut later = pattern(&app);
    later["block"] = json!({ "from": "09:00", "until": "11:00" });
    let query = "query($type: ID!, $pattern: SchedulePatternInput!, $schedule: ID) { \
         schedulePreview(appointmentTypeId: $type, pattern: $pattern, scheduleId: $schedule) { timeCount clashCount \
         withdrawnCount toRebookCount toRebook { id } userErrors { field code } } }";
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let mut ask =
        json!({ "type": kind, "pattern": later, "schedule": published.text("/schedulePublish/schedule/id") });
    let seen = app.run(&app.world.s1.identity, query, ask.clone()).await.ok();
    let shown = seen.at("/schedulePreview");
    // Ten and half past ten are new, nine and half past nine stay; half past eight goes, eight is booked.
    assert_eq!((&shown["timeCount"], &shown["clashCount"]), (&json!(2), &json!(0)), "{shown}");
    assert_eq!((&shown["withdrawnCount"], &shown["toRebookCount"]), (&json!(1), &json!(1)), "{shown}");
    assert_eq!(shown["toRebook"][0]["id"], global(NodeKind::Slot, first.id));
    assert_eq!(walls(&app).await, before);
    // As a schedule of its own it would clash with the one that is there.
    ask["schedule"] = Value::Null;
    let seen = app.run(&app.world.s1.identity, query, ask.clone()).await.ok();
    assert_eq!(seen.at("/schedulePreview/clashCount"), 2);
    let foreign = app.run(&app.world.s2.identity, query, ask).await;
    assert_eq!(foreign.at("/schedulePreview/userErrors/0/code"), "NOT_FOUND");
}

#[tokio::test]
async fn a_type_is_retired_with_its_schedules_or_after_them() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    publish(&app, pattern(&app)).await.ok();
    let first = open_slots(&app).await.into_iter().min_by_key(|slot| slot.starts_at).unwrap();
    book(&app, &app.world.p1.identity, &global(NodeKind::Slot, first.id)).await.ok();
    let retire = async |end: bool| {
        let kind = global(NodeKind::AppointmentType, app.world.visit);
        let input = json!({ "appointmentTypeId": kind, "endSchedules": end, "expectedRowVersion": 1 });
        let shown = "appointmentType { retiredAt } toRebook { id }";
        act(&app, &app.world.s1.identity, "appointmentTypeRetire", shown, input).await
    };
    let refused = retire(false).await;
    assert_eq!(refused.user_error_codes("appointmentTypeRetire"), ["CONFLICT"]);
    assert!(refused.at("/appointmentTypeRetire/appointmentType/retiredAt").is_null());
    let retired = retire(true).await.ok();
    assert!(!retired.at("/appointmentTypeRetire/appointmentType/retiredAt").is_null());
    assert_eq!(retired.text("/appointmentTypeRetire/toRebook/0/id"), global(NodeKind::Slot, first.id));
    assert!(open_slots(&app).await.is_empty());
    app.clock.advance(chrono::TimeDelta::days(7));
    sweep::run(&app.core).await.unwrap();
    assert!(open_slots(&app).await.is_empty());
    assert_eq!(publish(&app, pattern(&app)).await.user_error_codes("schedulePublish"), ["WRONG_STATE"]);
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let single = json!({ "appointmentTypeId": kind, "startsLocal": ["2027-03-01T09:00"] });
    let single = act(&app, &app.world.s1.identity, "slotPublish", "slots { id }", single).await;
    assert_eq!(single.user_error_codes("slotPublish"), ["WRONG_STATE"]);
}

#[tokio::test]
async fn a_schedule_that_ends_beyond_the_horizon_publishes_its_last_days() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let published = publish(&app, pattern(&app)).await.ok();
    let id = published.text("/schedulePublish/schedule/id");
    let end = json!({ "scheduleId": id, "lastDay": "2027-02-11", "expectedRowVersion": 1 });
    let ended =
        act(&app, &app.world.s1.identity, "scheduleEnd", "schedule { endedAt validUntil }", end).await.ok();
    assert!(ended.at("/scheduleEnd/schedule/endedAt").is_null());
    assert_eq!(ended.text("/scheduleEnd/schedule/validUntil"), "2027-02-11");
    app.clock.advance(chrono::TimeDelta::days(5));
    sweep::run(&app.core).await.unwrap();
    app.clock.advance(chrono::TimeDelta::days(7));
    sweep::run(&app.core).await.unwrap();
    let slots = slot::Entity::find().all(app.core.db.reader()).await.unwrap();
    let days: std::collections::BTreeSet<String> =
        slots.into_iter().map(|slot| slot.local_start[..10].to_owned()).collect();
    assert_eq!(days.into_iter().collect::<Vec<_>>(), ["2027-02-08", "2027-02-11"]);
}

#[tokio::test]
async fn a_type_with_conditions_is_booked_when_they_are_accepted() {
    let app = TestApp::new().await;
    let slots = crate::booking::publish(&app, &["2027-03-02T09:00"]).await;
    let row = appointment_type::ActiveModel {
        id: Set(app.world.visit),
        conditions: Set(Some("Du har en remiss.".to_owned())),
        ..Default::default()
    };
    row.update(app.core.db.reader()).await.unwrap();
    let refused = book(&app, &app.world.p1.identity, &slots[0]).await;
    assert_eq!(refused.user_error_codes("appointmentBook"), ["BAD_USER_INPUT"]);
    assert_eq!(refused.text("/appointmentBook/userErrors/0/field"), "conditionsAccepted");
    let input = json!({ "slotId": slots[0], "conditionsAccepted": true });
    act(&app, &app.world.p1.identity, "appointmentBook", "appointment { id }", input).await.ok();
}

#[tokio::test]
async fn times_have_as_many_staff_as_their_type_needs() {
    let app = TestApp::new().await;
    let world = &app.world;
    let kind = global(NodeKind::AppointmentType, world.visit);
    let single = async |needed: i32, who: Option<String>| {
        let row = appointment_type::ActiveModel {
            id: Set(world.visit),
            staff_needed: Set(needed),
            ..Default::default()
        };
        row.update(app.core.db.reader()).await.unwrap();
        let input =
            json!({ "appointmentTypeId": kind, "assignmentId": who, "startsLocal": ["2027-03-01T09:00"] });
        act(&app, &world.s1.identity, "slotPublish", "slots { id }", input).await
    };
    let s1 = || Some(global(NodeKind::Assignment, world.s1.assignment));
    for (needed, who) in [(1, None), (2, s1()), (2, None)] {
        let refused = single(needed, who).await;
        assert_eq!(refused.user_error_codes("slotPublish"), ["BAD_USER_INPUT"], "{needed}");
        assert_eq!(refused.user_error_fields("slotPublish"), ["assignmentId"]);
    }
    let refused = publish(&app, pattern(&app)).await;
    assert_eq!(refused.user_error_codes("schedulePublish"), ["BAD_USER_INPUT"]);
    assert!(open_slots(&app).await.is_empty());
    single(1, s1()).await.ok();
    assert_eq!(open_slots(&app).await.len(), 1);
}
