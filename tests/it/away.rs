//! Somebody is away: their free times are withdrawn, booked ones are moved to others, and the rest are phoned about.

use entity::{SlotId, appointment, notice, slot, task};
use harness::{Answer, Staff, TestApp, TestPatient, relate};
use patientkontrakt::graphql::scalars::NodeKind;
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::{
    acts::{act, global, row},
    booking::{book, publish},
    contacts::{appoint, tasks, to_role},
};

const FROM: &str = "2027-02-01T08:00:00+01:00";
const UNTIL: &str = "2027-02-04T00:00:00+01:00";
const REBOOKED: &str = "movedCount leftCount moved { id startsAt staff { name } } left { id startsAt }";
const TOUCHED: &str = "query($u: ID!, $a: ID!, $from: DateTime!, $until: DateTime!, $s: ID) { careUnit(id: $u) { \
     touchedTimes(assignmentId: $a, from: $from, until: $until, substituteId: $s) { startsAt appointment { id } \
     patient { givenName } proposals { id startsAt staff { name } } } } }";

/// Times of the visit at U1 that somebody else there has, by start.
async fn times_of(app: &TestApp, staff: &Staff, starts: &[&str]) -> Vec<String> {
    let input = json!({
        "appointmentTypeId": global(NodeKind::AppointmentType, app.world.visit),
        "assignmentId": global(NodeKind::Assignment, staff.assignment), "startsLocal": starts,
    });
    let answer = act(app, &app.world.s1.identity, "slotPublish", "slots { id }", input).await.ok();
    let slots = answer.at("/slotPublish/slots").as_array().unwrap().clone();
    slots.iter().map(|slot| slot["id"].as_str().unwrap().to_owned()).collect()
}

async fn away(app: &TestApp) -> Value {
    let world = &app.world;
    let input = json!({
        "who": { "assignmentId": global(NodeKind::Assignment, world.s1.assignment) }, "from": FROM, "until": UNTIL,
        "substituteId": global(NodeKind::Assignment, world.coordinator.assignment),
    });
    let answer =
        act(app, &world.manager.identity, "contactAbsenceRegister", "absence { id rowVersion }", input).await;
    answer.ok().at("/contactAbsenceRegister/absence").clone()
}

async fn touched(app: &TestApp, who: &Staff) -> Answer {
    let world = &app.world;
    let variables = json!({
        "u": global(NodeKind::CareUnit, world.s1.unit), "a": global(NodeKind::Assignment, world.s1.assignment),
        "from": FROM, "until": UNTIL, "s": global(NodeKind::Assignment, world.coordinator.assignment),
    });
    app.run(&who.identity, TOUCHED, variables).await
}

async fn rebook(app: &TestApp, who: &Staff, absence: &Value, key: &str, chosen: Option<&[&Value]>) -> Answer {
    let mut input = json!({ "absenceId": absence["id"], "idempotencyKey": key });
    if let Some(chosen) = chosen {
        input["appointmentIds"] = json!(chosen);
    }
    act(app, &who.identity, "absenceRebook", REBOOKED, input).await
}

async fn booked(app: &TestApp, patient: &TestPatient, slot: &str) -> Value {
    book(app, &patient.identity, slot).await.ok().at("/appointmentBook/appointment").clone()
}

/// Seats that somebody can book: none of a time that is withdrawn.
async fn open_seats(app: &TestApp, id: &str) -> i32 {
    let found = slot::Entity::find_by_id(SlotId(row(id))).one(app.core.db.reader()).await.unwrap().unwrap();
    let away = found.withdrawal == Some(slot::Withdrawal::ByAbsence);
    assert_eq!((found.withdrawn_at.is_some(), found.withdrawn_for.is_some()), (away, away));
    if away { 0 } else { found.open_seats }
}

async fn call(app: &TestApp, time: &Value) -> Vec<task::Status> {
    let tasks = tasks(app, task::Kind::CancellationCall, &time["id"]).await;
    tasks.iter().map(|task| task.status).collect()
}

async fn say_yes(app: &TestApp, patient: &TestPatient) {
    let choice =
        json!({ "kind": "APPOINTMENT", "channel": "MAIL", "optedIn": true, "textShown": "Bokad tid" });
    let input = json!({ "choices": [choice], "contactWays": { "mail": "etta@exempel.se" } });
    act(app, &patient.identity, "reminderPreferencesSet", "preferences { kind }", input).await.ok();
}

#[tokio::test]
async fn times_of_somebody_who_is_away_are_moved_in_one_act_and_what_cannot_be_moved_is_phoned_about() {
    let app = TestApp::new().await;
    let world = &app.world;
    say_yes(&app, &world.p1).await;
    let mine =
        publish(&app, &["2027-02-01T13:00", "2027-02-02T09:00", "2027-02-02T10:00", "2027-02-03T09:00"])
            .await;
    let instead = times_of(&app, &world.coordinator, &["2027-02-01T13:30", "2027-02-02T09:30"]).await;
    let first = booked(&app, &world.p1, &mine[0]).await;
    let second = booked(&app, &world.p2, &mine[1]).await;
    let third = booked(&app, &world.p3, &mine[2]).await;
    // Before anything is registered, and in order of time: what is touched, and what could take its place.
    let preview = touched(&app, &world.s1).await.ok();
    let rows = preview.at("/careUnit/touchedTimes").as_array().unwrap();
    let starts: Vec<_> = rows.iter().map(|row| row["startsAt"].as_str().unwrap()).collect();
    assert_eq!(
        starts,
        ["2027-02-01T12:00:00+00:00", "2027-02-02T08:00:00+00:00", "2027-02-02T09:00:00+00:00"]
    );
    assert_eq!(rows[0]["proposals"][0]["id"], instead[0]);
    assert_eq!(rows[1]["proposals"][0]["id"], instead[1], "a seat is the first proposal of one only");
    assert_eq!(rows[0]["patient"]["givenName"], "Etta");
    let (_, statements) = app.statements(touched(&app, &world.s1)).await;
    assert!(statements.len() <= 7, "{statements:#?}");
    // A manager sees the times, and not whose they are.
    let theirs = touched(&app, &world.manager).await.ok();
    assert_eq!(theirs.at("/careUnit/touchedTimes/0/patient"), &Value::Null);
    for nobody in [&world.s2, &world.analyst] {
        assert_eq!(touched(&app, nobody).await.error_codes(), ["FORBIDDEN"]);
    }

    let absence = away(&app).await;
    assert_eq!(open_seats(&app, &mine[3]).await, 0, "free times are withdrawn");
    for time in [&first, &second, &third] {
        assert_eq!(call(&app, time).await, [task::Status::Open]);
    }
    let done = rebook(&app, &world.manager, &absence, "bort", None).await.ok();
    assert_eq!(
        (done.at("/absenceRebook/movedCount"), done.at("/absenceRebook/leftCount")),
        (&json!(2), &json!(1))
    );
    assert_eq!(done.at("/absenceRebook/moved"), &json!([]), "managers do not see patients");
    let now: Vec<_> = appointment::Entity::find().all(app.core.db.reader()).await.unwrap();
    let at = |time: &Value| now.iter().find(|a| a.id.0 == row(time["id"].as_str().unwrap())).unwrap();
    assert_eq!(at(&first).slot_id.0, row(&instead[0]));
    assert_eq!(at(&second).slot_id.0, row(&instead[1]));
    assert_eq!(at(&third).slot_id.0, row(&mine[2]));
    // P1 is told by mail and needs no call; P2 wants no messages, and is phoned; P3 is phoned about the time itself.
    assert_eq!(call(&app, &first).await, [task::Status::Done]);
    assert_eq!(call(&app, &second).await, [task::Status::Open]);
    assert_eq!(call(&app, &third).await, [task::Status::Open]);
    let told: Vec<_> = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    let confirmed = told.iter().filter(|n| n.rule == "CONFIRMATION" && n.schedule_version == Some(2));
    assert_eq!(confirmed.map(|n| n.patient_id).collect::<Vec<_>>(), [world.p1.id], "told once");
    // The seat that was left is not free: its person is away. Nor is it after a cancellation.
    assert_eq!(open_seats(&app, &mine[0]).await, 0);
    // A phone on a bad network asks again: nothing happens twice.
    let again = rebook(&app, &world.manager, &absence, "bort", None).await.ok();
    assert_eq!(again.at("/absenceRebook/movedCount"), &json!(2));
    assert_eq!(appointment::Entity::find().all(app.core.db.reader()).await.unwrap(), now);
    // What was cancelled since is neither moved nor left. Its seat is there for the one that was.
    let version = at(&second).row_version;
    let input = json!({ "appointmentId": second["id"], "expectedRowVersion": version });
    act(&app, &world.s1.identity, "appointmentCancel", "appointment { id }", input).await.ok();
    let again = rebook(&app, &world.manager, &absence, "bort", None).await.ok();
    assert_eq!(
        (again.at("/absenceRebook/movedCount"), again.at("/absenceRebook/leftCount")),
        (&json!(1), &json!(0))
    );

    // Back early: what is ahead can be booked again, and the time that stands needs no call.
    let input = json!({ "absenceId": absence["id"], "expectedRowVersion": absence["rowVersion"] });
    act(&app, &world.s1.identity, "contactAbsenceCancel", "absence { id }", input).await.ok();
    assert_eq!((open_seats(&app, &mine[3]).await, open_seats(&app, &mine[0]).await), (1, 1));
    assert_eq!(open_seats(&app, &mine[2]).await, 0, "still booked");
    assert_eq!(call(&app, &third).await, [task::Status::Superseded]);
}

#[tokio::test]
async fn those_chosen_are_moved_to_the_patients_own_contact_before_others_and_nothing_of_another_unit_is() {
    let app = TestApp::new().await;
    let world = &app.world;
    relate(&app.core, &world.s1, &world.p1).await;
    appoint(&app, &world.s1, to_role(&world.p1, "FAST_VARDKONTAKT", &world.manager)).await;
    let mine = publish(&app, &["2027-02-02T09:00", "2027-02-02T10:00"]).await;
    times_of(&app, &world.analyst, &["2027-02-02T09:30"]).await;
    let own = times_of(&app, &world.manager, &["2027-02-03T15:00"]).await;
    let first = booked(&app, &world.p1, &mine[0]).await;
    let second = booked(&app, &world.p2, &mine[1]).await;
    let absence = away(&app).await;
    let foreign = rebook(&app, &world.s2, &absence, "annan", None).await;
    assert_eq!(foreign.user_error_codes("absenceRebook"), ["NOT_FOUND"]);
    let patient =
        act(&app, &world.p1.identity, "absenceRebook", REBOOKED, json!({ "absenceId": absence["id"] })).await;
    assert_eq!(patient.user_error_codes("absenceRebook"), ["FORBIDDEN"]);
    let done = rebook(&app, &world.s1, &absence, "valda", Some(&[&first["id"]])).await.ok();
    assert_eq!(done.at("/absenceRebook/moved/0/startsAt"), "2027-02-03T14:00:00+00:00");
    assert_eq!(done.at("/absenceRebook/moved/0/staff/name"), "Mona Exempel");
    assert_eq!(open_seats(&app, &own[0]).await, 0);
    assert_eq!(call(&app, &second).await, [task::Status::Open], "not chosen");
    // Cancelled by staff: the call is not needed any more.
    let input = json!({
        "appointmentId": second["id"], "expectedRowVersion": second["rowVersion"], "bookingChannel": "PHONE",
    });
    act(&app, &world.s1.identity, "appointmentCancel", "appointment { id }", input).await.ok();
    assert_eq!(call(&app, &second).await, [task::Status::Done]);
    assert_eq!(open_seats(&app, &mine[1]).await, 0, "its person is away");
}

#[tokio::test]
async fn two_who_rebook_one_absence_at_once_move_each_time_once() {
    let app = TestApp::new().await;
    let world = &app.world;
    let mine = publish(&app, &["2027-02-02T09:00", "2027-02-02T10:00"]).await;
    let instead = times_of(&app, &world.coordinator, &["2027-02-02T09:30", "2027-02-02T10:30"]).await;
    for (patient, slot) in [(&world.p1, &mine[0]), (&world.p2, &mine[1])] {
        booked(&app, patient, slot).await;
    }
    let absence = away(&app).await;
    let (a, b) = tokio::join!(
        rebook(&app, &world.s1, &absence, "en", None),
        rebook(&app, &world.coordinator, &absence, "två", None),
    );
    for answer in [a, b] {
        answer.ok();
    }
    let now = appointment::Entity::find().all(app.core.db.reader()).await.unwrap();
    let mut taken: Vec<_> = now.iter().map(|a| a.slot_id.0).collect();
    taken.sort_unstable();
    let mut expected: Vec<_> = instead.iter().map(|id| row(id)).collect();
    expected.sort_unstable();
    assert_eq!(taken, expected);
    assert!(now.iter().all(|a| a.schedule_version == 2));
}

#[tokio::test]
async fn a_schedule_that_changes_meanwhile_keeps_what_stands_in_it_and_takes_the_rest_back_for_good() {
    let app = TestApp::with(&[("region.schedule_horizon_days", "7")]).await;
    let world = &app.world;
    let pattern = |until: &str| {
        json!({
            "assignmentIds": [global(NodeKind::Assignment, world.s1.assignment)],
            "rule": "FREQ=WEEKLY;BYDAY=TU", "validFrom": "2027-02-02", "block": { "from": "08:00", "until": until },
        })
    };
    let kind = global(NodeKind::AppointmentType, world.visit);
    let input = json!({ "appointmentTypeId": kind, "pattern": pattern("10:00") });
    let published =
        act(&app, &world.s1.identity, "schedulePublish", "schedule { id rowVersion }", input).await.ok();
    let schedule = published.at("/schedulePublish/schedule").clone();
    let absence = away(&app).await;
    let input = json!({
        "scheduleId": schedule["id"], "pattern": pattern("09:00"), "expectedRowVersion": schedule["rowVersion"],
    });
    act(&app, &world.s1.identity, "scheduleChange", "schedule { id }", input).await.ok();
    let input = json!({ "absenceId": absence["id"], "expectedRowVersion": absence["rowVersion"] });
    act(&app, &world.s1.identity, "contactAbsenceCancel", "absence { id }", input).await.ok();
    let mut times: Vec<_> = slot::Entity::find()
        .all(app.core.db.reader())
        .await
        .unwrap()
        .into_iter()
        .map(|slot| (slot.local_start[11..].to_owned(), slot.withdrawal))
        .collect();
    times.sort_by(|a, b| a.0.cmp(&b.0));
    let gone = Some(slot::Withdrawal::BySchedule);
    let expected = [("08:00", None), ("08:30", None), ("09:00", gone), ("09:30", gone)];
    assert_eq!(times, expected.map(|(start, how)| (start.to_owned(), how)));
}
