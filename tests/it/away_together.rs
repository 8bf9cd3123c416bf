//! Absences that overlap, times with several staff, schedules that go on into an absence, and absences that touch more
//! than one act can take.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use entity::{SlotId, appointment, seat_claim, slot, slot_staff, task, time_offer};
use futures_util::future::join_all;
use harness::{Answer, Staff, TestApp, world::crowd};
use patientkontrakt::{domain::sweep, graphql::scalars::NodeKind};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel as _, PaginatorTrait, QueryFilter,
};
use serde_json::{Value, json};

use crate::{
    acts::{act, global, row},
    booking::{book, publish},
    contacts::stand,
    holds::invariants,
};

const CALL: task::Kind = task::Kind::CancellationCall;

fn of(staff: &Staff) -> String {
    global(NodeKind::Assignment, staff.assignment)
}

async fn register(app: &TestApp, who: &Staff, from: &str, until: &str) -> Answer {
    let input = json!({ "who": { "assignmentId": of(who) }, "from": from, "until": until });
    act(app, &app.world.s1.identity, "contactAbsenceRegister", "absence { id rowVersion }", input).await
}

async fn away(app: &TestApp, who: &Staff, from: &str, until: &str) -> Value {
    register(app, who, from, until).await.ok().at("/contactAbsenceRegister/absence").clone()
}

async fn back(app: &TestApp, absence: &Value) {
    let input = json!({ "absenceId": absence["id"], "expectedRowVersion": absence["rowVersion"] });
    act(app, &app.world.s1.identity, "contactAbsenceCancel", "absence { id }", input).await.ok();
}

/// Times on Tuesday the 9th of February from eight, with these staff together.
pub async fn together(app: &TestApp, staff: &[&Staff], until: &str) -> Vec<String> {
    let pattern = json!({
        "assignmentIds": staff.iter().map(|who| of(who)).collect::<Vec<_>>(),
        "rule": "FREQ=WEEKLY;BYDAY=TU", "validFrom": "2027-02-09", "validUntil": "2027-02-09",
        "block": { "from": "08:00", "until": until },
    });
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "pattern": pattern });
    let before: BTreeSet<_> = slots(app).await.into_iter().map(|slot| slot.id).collect();
    act(app, &app.world.s1.identity, "schedulePublish", "schedule { id }", input).await.ok();
    let new = slots(app).await.into_iter().filter(|slot| !before.contains(&slot.id));
    new.map(|slot| global(NodeKind::Slot, slot.id)).collect()
}

/// All times, the soonest first.
async fn slots(app: &TestApp) -> Vec<slot::Model> {
    let mut slots = slot::Entity::find().all(app.core.db.reader()).await.unwrap();
    slots.sort_by_key(|slot| (slot.starts_at, slot.id));
    slots
}

/// Which of these nobody can book, because somebody is away.
async fn withdrawn(app: &TestApp, ids: &[String]) -> Vec<bool> {
    let mut found = Vec::new();
    for id in ids {
        let id = SlotId(row(id));
        let slot = slot::Entity::find_by_id(id).one(app.core.db.reader()).await.unwrap().unwrap();
        found.push(slot.withdrawal == Some(slot::Withdrawal::ByAbsence));
    }
    found
}

async fn booked(app: &TestApp, slot: &str) -> Value {
    book(app, &app.world.p1.identity, slot).await.ok().at("/appointmentBook/appointment").clone()
}

#[tokio::test]
async fn a_time_with_two_staff_is_withdrawn_and_phoned_about_until_neither_is_away() {
    use task::Status::{Open, Superseded};
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let (s1, second) = (&app.world.s1, &app.world.coordinator);
    let times = together(&app, &[s1, second], "09:00").await;
    let time = booked(&app, &times[0]).await;
    // The one whom the patient does not meet first is away: it shows beforehand, and counts.
    let query = "query($u: ID!, $a: ID!) { careUnit(id: $u) { touchedTimes(assignmentId: $a, \
        from: \"2027-02-08T08:00:00+01:00\", until: \"2027-02-12T00:00:00+01:00\") { appointment { id } } } }";
    let variables = json!({ "u": global(NodeKind::CareUnit, s1.unit), "a": of(second) });
    let seen = app.run(&s1.identity, query, variables).await.ok();
    assert_eq!(seen.at("/careUnit/touchedTimes/0/appointment/id"), &time["id"]);
    let theirs = away(&app, second, "2027-02-08T08:00:00+01:00", "2027-02-12T00:00:00+01:00").await;
    assert_eq!(withdrawn(&app, &times).await, [true, true]);
    assert_eq!(stand(&app, CALL, &time["id"]).await, [Open]);
    // Then the other as well; and the first is back.
    let mine = away(&app, s1, "2027-02-09T08:00:00+01:00", "2027-02-10T00:00:00+01:00").await;
    assert_eq!(stand(&app, CALL, &time["id"]).await, [Open], "one call about one time");
    back(&app, &theirs).await;
    assert_eq!(withdrawn(&app, &times).await, [true, true], "the other is still away");
    assert_eq!(stand(&app, CALL, &time["id"]).await, [Open]);
    back(&app, &mine).await;
    assert_eq!(withdrawn(&app, &times).await, [false, false]);
    assert_eq!(stand(&app, CALL, &time["id"]).await, [Superseded]);
    // Away again, it is phoned about again.
    app.clock.advance(TimeDelta::minutes(1));
    away(&app, second, "2027-02-09T08:00:00+01:00", "2027-02-10T00:00:00+01:00").await;
    assert_eq!(stand(&app, CALL, &time["id"]).await, [Superseded, Open]);
    invariants(&app.core).await;
}

#[tokio::test]
async fn a_time_is_moved_when_the_second_of_its_staff_is_away() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let (s1, second) = (&app.world.s1, &app.world.coordinator);
    let times = together(&app, &[s1, second], "08:30").await;
    let instead = publish(&app, &["2027-02-09T10:00"]).await;
    let time = booked(&app, &times[0]).await;
    let absence = away(&app, second, "2027-02-09T08:00:00+01:00", "2027-02-10T00:00:00+01:00").await;
    let input = json!({ "absenceId": absence["id"] });
    let selection = "movedCount leftCount remainingCount moved { id startsAt }";
    let done = act(&app, &s1.identity, "absenceRebook", selection, input).await.ok();
    assert_eq!(done.at("/absenceRebook/moved/0/id"), &time["id"], "{}", done.body);
    assert_eq!(done.at("/absenceRebook/remainingCount"), 0);
    let now = appointment::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(now.slot_id.0, row(&instead[0]));
}

#[tokio::test]
async fn of_many_absences_of_one_person_at_once_one_is_registered() {
    let app = TestApp::new().await;
    publish(&app, &["2027-02-09T10:00"]).await;
    let (from, until) = ("2027-02-09T08:00:00+01:00", "2027-02-10T00:00:00+01:00");
    let answers = join_all((0..20).map(|_| register(&app, &app.world.s1, from, until))).await;
    let codes: Vec<_> =
        answers.iter().map(|answer| answer.user_error_codes("contactAbsenceRegister").join(",")).collect();
    assert_eq!(codes.iter().filter(|code| code.is_empty()).count(), 1, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == "CONFLICT").count(), 19, "{codes:?}");
}

#[tokio::test]
async fn times_that_a_schedule_publishes_into_an_absence_are_withdrawn_until_it_is_over() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let (s1, other) = (&app.world.s1, &app.world.coordinator);
    let pattern = |who: &Staff, from: &str| {
        json!({
            "assignmentIds": [of(who)], "rule": "FREQ=WEEKLY;BYDAY=TU", "validFrom": "2027-02-02",
            "block": { "from": from, "until": "09:00" },
        })
    };
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let open = async |pattern: Value| {
        let input = json!({ "appointmentTypeId": kind, "pattern": pattern });
        let selection = "schedule { id rowVersion }";
        let answer = act(&app, &s1.identity, "schedulePublish", selection, input).await.ok();
        answer.at("/schedulePublish/schedule").clone()
    };
    let mine = open(pattern(s1, "08:30")).await;
    open(pattern(other, "08:30")).await;
    // Of each week: whose it is, and whether it is withdrawn.
    let state = async || {
        let all = slots(&app).await.into_iter();
        let mut found: Vec<_> = all
            .map(|slot| {
                let own = slot.assignment_id == Some(s1.assignment);
                (slot.local_start[5..].to_owned(), own, slot.withdrawal)
            })
            .collect();
        found.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        found
    };
    let gone = Some(slot::Withdrawal::ByAbsence);
    let absence = away(&app, s1, "2027-02-08T00:00:00+01:00", "2027-02-22T00:00:00+01:00").await;
    let at = |start: &str, own: bool, how| (start.to_owned(), own, how);
    let first = [at("02-02T08:30", false, None), at("02-02T08:30", true, None)];
    assert_eq!(state().await, first);
    // The horizon goes on into the absence, at two instances at once.
    app.clock.advance(TimeDelta::days(7));
    let (one, two) = tokio::join!(sweep::run(&app.core), sweep::run(&app.core));
    one.unwrap();
    two.unwrap();
    let second = [at("02-09T08:30", false, None), at("02-09T08:30", true, gone)];
    assert_eq!(state().await[2..], second);
    // And where it is changed.
    let input = json!({
        "scheduleId": mine["id"], "pattern": pattern(s1, "08:00"), "expectedRowVersion": mine["rowVersion"],
    });
    act(&app, &s1.identity, "scheduleChange", "schedule { id }", input).await.ok();
    let changed = [at("02-09T08:00", true, gone), second[0].clone(), second[1].clone()];
    assert_eq!(state().await[2..], changed);
    // A single time is refused: nobody would be there.
    let input = json!({
        "appointmentTypeId": kind, "assignmentId": of(s1),
        "startsLocal": ["2027-02-10T10:00", "2027-02-23T10:00"],
    });
    let refused = act(&app, &s1.identity, "slotPublish", "slots { id }", input).await;
    assert_eq!(refused.user_error_codes("slotPublish"), ["CONFLICT"]);
    let told = refused.text("/slotPublish/userErrors/0/message");
    assert!(told.contains("2027-02-10 10:00") && !told.contains("2027-02-23"), "{told}");
    back(&app, &absence).await;
    assert!(state().await.iter().all(|(_, _, how)| how.is_none()), "{:?}", state().await);
}

#[tokio::test]
async fn of_an_absence_that_touches_more_than_one_act_takes_every_time_is_phoned_about_moved_and_let_be() {
    const PEOPLE: usize = 45;
    const TIMES: usize = 5;
    const ALL: usize = PEOPLE * TIMES;
    let app = TestApp::with(&[("http.request_timeout_seconds", "240")]).await;
    let (s1, kind) = (&app.world.s1, global(NodeKind::AppointmentType, app.world.visit));
    let group = async |who: &Staff, hour: usize| {
        let starts: Vec<_> =
            (0..TIMES).map(|n| format!("2027-02-09T{:02}:{:02}", hour + n / 2, n % 2 * 30)).collect();
        let input = json!({
            "appointmentTypeId": kind, "assignmentId": of(who), "startsLocal": starts, "seats": PEOPLE,
        });
        let answer = act(&app, &s1.identity, "slotPublish", "slots { id }", input).await.ok();
        let slots = answer.at("/slotPublish/slots").as_array().unwrap().clone();
        slots.iter().map(|slot| slot["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let times = group(s1, 8).await;
    for person in crowd(&app.core, &app.world.p1, PEOPLE).await {
        for time in &times {
            book(&app, &person.identity, time).await.ok();
        }
    }
    let calls = async |status: task::Status| {
        let of = task::Entity::find().filter(task::Column::Kind.eq(CALL));
        of.filter(task::Column::Status.eq(status)).count(app.core.db.reader()).await.unwrap()
    };
    let absence = away(&app, s1, "2027-02-09T00:00:00+01:00", "2027-02-10T00:00:00+01:00").await;
    assert_eq!(calls(task::Status::Open).await, ALL as u64);
    sweep::run(&app.core).await.unwrap();
    assert_eq!(calls(task::Status::Open).await, ALL as u64, "once each");

    let instead = group(&app.world.coordinator, 13).await;
    let counts = async |key: &str| {
        let input = json!({ "absenceId": absence["id"], "idempotencyKey": key });
        let selection = "movedCount leftCount remainingCount";
        let done = act(&app, &s1.identity, "absenceRebook", selection, input).await.ok();
        let count = |name: &str| done.at(&format!("/absenceRebook/{name}")).as_i64().unwrap();
        (count("movedCount"), count("leftCount"), count("remainingCount"))
    };
    assert_eq!(counts("först").await, (200, 0, ALL as i64 - 200));
    assert_eq!(counts("först").await, (200, 0, ALL as i64 - 200), "asked again it is the same act");
    assert_eq!(counts("sedan").await, (ALL as i64 - 200, 0, 0));
    let moved: BTreeSet<_> = instead.iter().map(|id| row(id)).collect();
    let now = appointment::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert!(now.iter().all(|time| moved.contains(&time.slot_id.0) && time.schedule_version == 2));
    // Nobody is told by a message, so that each is phoned about the new time.
    assert_eq!(calls(task::Status::Open).await, ALL as u64);
    back(&app, &absence).await;
    assert_eq!(calls(task::Status::Open).await, ALL as u64, "what was moved stays moved");

    // Those to whom they were moved are away as well, and back: every call about what was moved stands all the same.
    let absence =
        away(&app, &app.world.coordinator, "2027-02-09T00:00:00+01:00", "2027-02-10T00:00:00+01:00").await;
    assert_eq!(calls(task::Status::Open).await, ALL as u64, "one call about one time");
    back(&app, &absence).await;
    assert_eq!(calls(task::Status::Open).await, ALL as u64);
    invariants(&app.core).await;
}

#[tokio::test]
async fn what_no_act_came_to_the_sweep_phones_about_and_lets_be() {
    use task::Status::{Open, Superseded};
    let app = TestApp::new().await;
    let (s1, other) = (&app.world.s1, &app.world.coordinator);
    let times = publish(&app, &["2027-02-09T10:00"]).await;
    let time = booked(&app, &times[0]).await;
    let absence = away(&app, other, "2027-02-09T08:00:00+01:00", "2027-02-10T00:00:00+01:00").await;
    assert!(stand(&app, CALL, &time["id"]).await.is_empty());
    // Somebody takes part after all.
    let slot =
        slot::Entity::find_by_id(SlotId(row(&times[0]))).one(app.core.db.reader()).await.unwrap().unwrap();
    let takes_part =
        slot_staff::Model { slot_id: slot.id, assignment_id: other.assignment, starts_at: slot.starts_at };
    takes_part.into_active_model().insert(app.core.db.reader()).await.unwrap();
    let (one, two) = tokio::join!(sweep::run(&app.core), sweep::run(&app.core));
    assert_eq!(one.unwrap().raised + two.unwrap().raised, 1);
    assert_eq!(stand(&app, CALL, &time["id"]).await, [Open]);
    back(&app, &absence).await;
    assert_eq!(stand(&app, CALL, &time["id"]).await, [Superseded]);
    assert_eq!(sweep::run(&app.core).await.unwrap().raised, 0);
    // A call that staff have ended stays ended.
    app.clock.advance(TimeDelta::minutes(1));
    let absence = away(&app, s1, "2027-02-09T08:00:00+01:00", "2027-02-10T00:00:00+01:00").await;
    let open = crate::contacts::tasks(&app, CALL, &time["id"]).await.pop().unwrap();
    let input = json!({
        "taskId": global(NodeKind::Task, open.id), "words": "Patienten vill vänta.",
        "expectedRowVersion": open.row_version,
    });
    act(&app, &s1.identity, "taskEnd", "task { id }", input).await.ok();
    assert_eq!(sweep::run(&app.core).await.unwrap().raised, 0);
    back(&app, &absence).await;
    assert_eq!(stand(&app, CALL, &time["id"]).await, [Superseded, task::Status::Done]);
}

#[tokio::test]
async fn what_is_only_held_or_offered_is_not_booked_and_goes_with_the_free_times() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "14")]).await;
    let (s1, p1, p2, p3) = (&app.world.s1, &app.world.p1, &app.world.p2, &app.world.p3);
    let kind = global(NodeKind::AppointmentType, app.world.visit);
    let input = json!({ "appointmentTypeId": kind, "pattern": {
        "assignmentIds": [of(s1)], "rule": "FREQ=WEEKLY;BYDAY=TU", "validFrom": "2027-02-09",
        "validUntil": "2027-02-09", "block": { "from": "08:00", "until": "10:00" },
    } });
    let opened = act(&app, &s1.identity, "schedulePublish", "schedule { id rowVersion }", input).await.ok();
    let schedule = opened.at("/schedulePublish/schedule").clone();
    let times: Vec<_> = slots(&app).await.iter().map(|slot| global(NodeKind::Slot, slot.id)).collect();
    assert_eq!(times.len(), 4);
    let hold = async |who: &harness::TestPatient, slot: &str| {
        act(&app, &who.identity, "slotHold", "hold { id }", json!({ "slotId": slot })).await.ok();
    };
    let claims = async || seat_claim::Entity::find().count(app.core.db.reader()).await.unwrap();
    hold(p1, &times[0]).await;
    booked(&app, &times[1]).await;
    hold(p2, &times[2]).await;
    // Two of the four: by hand, with what somebody holds.
    let booked_one = json!({ "slotIds": [times[0], times[1]] });
    let refused = act(&app, &s1.identity, "slotWithdraw", "withdrawn", booked_one).await;
    assert_eq!(refused.user_error_codes("slotWithdraw"), ["CONFLICT"]);
    assert_eq!(claims().await, 3, "nothing is given up of a refused act");
    let held_one = json!({ "slotIds": [times[0]] });
    act(&app, &s1.identity, "slotWithdraw", "withdrawn", held_one).await.ok();
    assert_eq!(claims().await, 2);
    let lost = book(&app, &p1.identity, &times[0]).await;
    assert_eq!(lost.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
    // One is offered to somebody who waits.
    let input = json!({ "appointmentTypeId": kind, "content": { "until": "2027-03-31" } });
    act(&app, &p3.identity, "timeWishLeave", "wish { id }", input).await.ok();
    sweep::run(&app.core).await.unwrap();
    let offer = time_offer::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!((offer.slot_id.0, offer.status), (row(&times[3]), time_offer::Status::Open));
    // The schedule ends: the one that is booked must be moved, the others are gone.
    let query = "query($t: ID!, $p: SchedulePatternInput!, $s: ID) { schedulePreview(appointmentTypeId: $t, pattern: $p, \
        scheduleId: $s) { toRebookCount withdrawnCount } }";
    let nothing = json!({
        "assignmentIds": [of(s1)], "rule": "FREQ=WEEKLY;BYDAY=WE", "validFrom": "2027-02-09",
        "validUntil": "2027-02-10", "block": { "from": "08:00", "until": "10:00" },
    });
    let variables = json!({ "t": kind, "p": nothing, "s": schedule["id"] });
    let seen = app.run(&s1.identity, query, variables).await.ok();
    assert_eq!(seen.at("/schedulePreview"), &json!({ "toRebookCount": 1, "withdrawnCount": 2 }));
    let input = json!({ "scheduleId": schedule["id"], "expectedRowVersion": schedule["rowVersion"] });
    let ended = act(&app, &s1.identity, "scheduleEnd", "toRebook { id }", input).await.ok();
    assert_eq!(ended.at("/scheduleEnd/toRebook"), &json!([{ "id": times[1] }]));
    assert_eq!(claims().await, 1);
    let offer = time_offer::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(offer.status, time_offer::Status::Withdrawn);
    assert_eq!(book(&app, &p2.identity, &times[2]).await.user_error_codes("appointmentBook"), ["SLOT_TAKEN"]);
}

#[tokio::test]
async fn who_held_a_time_of_somebody_who_is_away_does_not_get_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let times = publish(&app, &["2027-02-09T10:00", "2027-02-16T10:00"]).await;
    let input = json!({ "slotId": times[0] });
    act(&app, &p1.identity, "slotHold", "hold { id }", input).await.ok();
    let absence = away(&app, s1, "2027-02-09T08:00:00+01:00", "2027-02-10T00:00:00+01:00").await;
    let lost = book(&app, &p1.identity, &times[0]).await;
    assert_eq!(lost.user_error_codes("appointmentBook"), ["SLOT_TAKEN"], "{}", lost.body);
    assert_eq!(seat_claim::Entity::find().count(app.core.db.reader()).await.unwrap(), 0);
    back(&app, &absence).await;
    book(&app, &p1.identity, &times[0]).await.ok();
    invariants(&app.core).await;
}
