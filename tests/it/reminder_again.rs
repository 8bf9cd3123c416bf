//! What staff send again is as true as what was planned: until when it helps, and whether it still is so.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    appointment,
    notice::{self, State},
    task, time_offer,
};
use harness::{TestApp, relate};
use patientkontrakt::{
    domain::sweep,
    graphql::scalars::NodeKind,
    reminder::channel::{FailureCode, Outcome},
};
use sea_orm::EntityTrait;
use serde_json::json;

use crate::{
    acts::{act, global},
    booking::{APPOINTMENT, publish},
    reminder_staff::{handle, list},
    reminders::{booked, notices, say, worker},
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

async fn the_only(app: &TestApp, kind: notice::Kind) -> notice::Model {
    let mut all = notices(app).await;
    all.retain(|n| n.kind == kind);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test]
async fn an_offer_is_sent_again_while_it_is_open_and_only_until_it_ends() {
    let app = TestApp::new().await;
    let (s1, p1, p2) = (&app.world.s1, &app.world.p1, &app.world.p2);
    relate(&app.core, s1, p1).await;
    say(&app, p1, "MAIL", true).await;
    for who in [p1, p2] {
        let kind = global(NodeKind::AppointmentType, app.world.visit);
        let input = json!({ "appointmentTypeId": kind, "content": { "until": "2027-03-31" } });
        act(&app, &who.identity, "timeWishLeave", "wish { id }", input).await.ok();
        app.clock.advance(TimeDelta::minutes(1));
    }
    publish(&app, &["2027-03-01T09:00"]).await;
    sweep::run(&app.core).await.unwrap();
    let offer = time_offer::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    assert_eq!(offer.patient_id, p1.id);
    let (worker, fake) = worker(&app);
    *fake.answers.lock().unwrap() = vec![Outcome::Fail { reason: FailureCode::Refused }];
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    let id = list(&app, s1).await[0]["id"].clone();
    handle(&app, &id, "RETRY").await.ok();
    assert_eq!(
        the_only(&app, notice::Kind::Offer).await.useless_at,
        offer.answer_by,
        "no longer than it stands"
    );
    // Nobody sent it in time, and the time is offered to the next.
    app.clock.set(offer.answer_by);
    assert_eq!(worker.tick().await.unwrap().missed, 1);
    sweep::run(&app.core).await.unwrap();
    let all = time_offer::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert!(all.iter().any(|o| o.patient_id == p2.id && o.status == time_offer::Status::Open), "{all:?}");
    say(&app, p1, "SMS", true).await;
    for what in ["RETRY", "OTHER_CHANNEL"] {
        assert_eq!(handle(&app, &id, what).await.user_error_codes("reminderHandle"), ["TOO_LATE"], "{what}");
    }
    assert_eq!(fake.sent().len(), 1);
}

#[tokio::test]
async fn the_rung_before_the_deadline_is_sent_again_until_the_deadline_and_not_after_it() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    say(&app, p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    booked(&app, &slots[0]).await;
    let (worker, fake) = worker(&app);
    worker.tick().await.unwrap();
    app.clock.set(at("2027-02-22T08:00:00Z"));
    worker.tick().await.unwrap();
    app.clock.set(at("2027-02-24T18:30:00Z"));
    let refused = || vec![Outcome::Fail { reason: FailureCode::Refused }];
    *fake.answers.lock().unwrap() = refused();
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    let visit = appointment::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    let id = list(&app, s1).await[0]["id"].clone();
    handle(&app, &id, "RETRY").await.ok();
    let main = async || notices(&app).await.into_iter().find(|n| n.rule == "BEFORE_DEADLINE").unwrap();
    assert_eq!((main().await.state, main().await.useless_at), (State::Planned, visit.cancel_by));
    *fake.answers.lock().unwrap() = refused();
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    say(&app, p1, "SMS", true).await;
    app.clock.set(visit.cancel_by);
    for what in ["RETRY", "OTHER_CHANNEL"] {
        assert_eq!(handle(&app, &id, what).await.user_error_codes("reminderHandle"), ["TOO_LATE"], "{what}");
    }
    handle(&app, &id, "PHONED").await.ok();
}

#[tokio::test]
async fn what_care_did_with_a_time_is_written_as_swedish_writes_a_day_within_a_sentence() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    relate(&app.core, s1, p1).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let visit = booked(&app, &slots[0]).await;
    let input = json!({ "appointmentId": visit["id"], "slotId": slots[1], "expectedRowVersion": 1 });
    act(&app, &s1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
    let note = async || {
        let unit = global(NodeKind::CareUnit, s1.unit);
        let tasks = "query($unit: ID!) { careUnit(id: $unit) { tasks(first: 5) { nodes { note } } } }";
        app.run(&s1.identity, tasks, json!({ "unit": unit })).await.ok().text("/careUnit/tasks/nodes/0/note")
    };
    let told = note().await;
    let (from, to) = ("måndag 1 mars 2027 kl. 09.00", "tisdag 2 mars 2027 kl. 09.00");
    assert!(told.contains(&format!("från {from} till {to}")), "{told}");
    let input = json!({ "appointmentId": visit["id"], "expectedRowVersion": 2 });
    act(&app, &s1.identity, "appointmentCancel", APPOINTMENT, input).await.ok();
    // Nobody has phoned yet: it is the time that the patient knows of that is off.
    let told = note().await;
    assert!(told.contains(&format!("avbokat tiden {from}")), "{told}");
    let open = task::Entity::find().all(app.core.db.reader()).await.unwrap();
    assert!(open.iter().all(|t| t.kind == task::Kind::CancellationCall), "{open:?}");
}
