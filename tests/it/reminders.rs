//! Reminders: planned with the booking, sent once, and only if they are still true.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::TimeDelta;
use entity::{
    access_event, access_event_patient, appointment,
    contact_way::Channel as Kind,
    notice::{self, State},
};
use futures_util::future::{BoxFuture, join_all};
use harness::{TestApp, TestPatient};
use patientkontrakt::reminder::{
    channel::{Channel, FailureCode, Outcome, Outgoing, Still, configured::Channels},
    render::Renderer,
    worker::{Tick, Worker, WorkerConfig},
};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    acts::act,
    booking::{APPOINTMENT, book, publish},
};

/// A channel that keeps a ledger of what it was handed, and answers as it is told to.
#[derive(Default)]
pub struct Fake {
    pub ledger: Mutex<Vec<Outgoing>>,
    pub answers: Mutex<Vec<Outcome>>,
}

struct Ending(Arc<Fake>, Kind);

impl Channel for Ending {
    fn kind(&self) -> Kind {
        self.1
    }

    fn send<'a>(&'a self, message: &'a Outgoing, still: Still<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if !still().await {
                return Outcome::Withheld;
            }
            self.0.ledger.lock().unwrap().push(message.clone());
            let told = self.0.answers.lock().unwrap().pop();
            told.unwrap_or(Outcome::Accepted { provider_ref: None })
        })
    }
}

impl Fake {
    pub fn sent(&self) -> Vec<String> {
        self.ledger.lock().unwrap().iter().map(|message| message.message_id.clone()).collect()
    }

    fn subjects(&self) -> Vec<String> {
        self.ledger.lock().unwrap().iter().map(|message| message.rendered.subject.clone()).collect()
    }
}

pub fn worker(app: &TestApp) -> (Worker, Arc<Fake>) {
    let fake = Arc::new(Fake::default());
    (worker_of(app, &fake), fake)
}

pub(crate) fn worker_of(app: &TestApp, fake: &Arc<Fake>) -> Worker {
    worker_as(app, fake, WorkerConfig::default())
}

/// One that sends so many mails a second.
pub(crate) fn worker_paced(app: &TestApp, fake: &Arc<Fake>, per_second: u32) -> Worker {
    worker_as(app, fake, WorkerConfig { mails_per_second: Some(per_second), ..WorkerConfig::default() })
}

pub(crate) fn worker_as(app: &TestApp, fake: &Arc<Fake>, config: WorkerConfig) -> Worker {
    let mail: Arc<dyn Channel> = Arc::new(Ending(Arc::clone(fake), Kind::Mail));
    let sms: Arc<dyn Channel> = Arc::new(Ending(Arc::clone(fake), Kind::Sms));
    let renderer = Arc::new(Renderer::new(&"vard@exempel.se".parse().unwrap()).unwrap());
    let channels = Channels::of(Some(mail), Some(sms));
    Worker::new(app.core.clone(), renderer, channels, config).unwrap()
}

pub async fn say(app: &TestApp, patient: &TestPatient, channel: &str, yes: bool) {
    let input = json!({
        "choices": [
            { "kind": "APPOINTMENT", "channel": channel, "optedIn": yes, "textShown": "Mån 1 mars kl. 09.00" },
            { "kind": "MESSAGE", "channel": channel, "optedIn": yes, "textShown": "Du har ett meddelande" },
        ],
        "contactWays": { "mail": "etta@exempel.se", "phone": "070-174 06 05" },
    });
    let selection = "preferences { kind channel optedIn }";
    let answer = act(app, &patient.identity, "reminderPreferencesSet", selection, input).await.ok();
    let stored = answer.at("/reminderPreferencesSet/preferences").as_array().unwrap().clone();
    assert!(stored.iter().any(|p| p["channel"] == channel && p["optedIn"] == yes));
}

pub async fn notices(app: &TestApp) -> Vec<notice::Model> {
    let mut all = notice::Entity::find().all(app.core.db.reader()).await.unwrap();
    all.sort_by_key(|n| (n.schedule_version, n.due_at, n.channel));
    all
}

pub(crate) async fn booked(app: &TestApp, slot: &str) -> Value {
    let p1 = &app.world.p1;
    book(app, &p1.identity, slot).await.ok().at("/appointmentBook/appointment").clone()
}

fn states(notices: &[notice::Model]) -> Vec<(&str, State)> {
    notices.iter().map(|n| (n.rule.as_str(), n.state)).collect()
}

/// What is still to be sent, in the order of its due times.
fn ahead(all: &[notice::Model]) -> Vec<(&str, Kind)> {
    let planned = all.iter().filter(|n| n.state == State::Planned);
    planned.map(|n| (n.rule.as_str(), n.channel)).collect()
}

#[tokio::test]
async fn a_booking_plans_each_rung_once_by_the_first_of_its_ways_that_was_said_yes_to() {
    use Kind::{Mail, Sms};
    let app = TestApp::new().await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    say(&app, &app.world.p1, "MAIL", true).await;
    say(&app, &app.world.p1, "SMS", true).await;
    booked(&app, &slots[0]).await;
    let both =
        [("CONFIRMATION", Mail), ("WEEK_BEFORE", Mail), ("BEFORE_DEADLINE", Sms), ("EVENING_BEFORE", Sms)];
    let all = notices(&app).await;
    assert_eq!(ahead(&all), both);
    assert_eq!(all.len(), 4);
    let visit = appointment::Entity::find().one(app.core.db.reader()).await.unwrap().unwrap();
    for rung in &all {
        let last = if rung.rule == "BEFORE_DEADLINE" { visit.cancel_by } else { visit.starts_at };
        assert_eq!(rung.useless_at, last, "{}: until when it helps", rung.rule);
    }
    let (worker, fake) = worker(&app);
    for due in ["2027-02-22T08:00:00Z", "2027-02-24T18:30:00Z", "2027-02-28T17:00:00Z"] {
        worker.tick().await.unwrap();
        app.clock.set(due.parse().unwrap());
    }
    worker.tick().await.unwrap();
    assert_eq!(fake.sent().len(), 4, "each once");
}

#[tokio::test]
async fn the_rungs_ahead_follow_the_choice_of_ways() {
    use Kind::{Mail, Sms};
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    booked(&app, &slots[0]).await;
    assert!(notices(&app).await.is_empty(), "no decision is no");
    // What is booked already is planned, but for the confirmation, which belonged to the booking.
    let by = |first, rest| [("WEEK_BEFORE", first), ("BEFORE_DEADLINE", rest), ("EVENING_BEFORE", rest)];
    for (channel, yes, expected) in [
        ("MAIL", true, by(Mail, Mail)),
        ("SMS", true, by(Mail, Sms)),
        ("SMS", false, by(Mail, Mail)),
        ("SMS", true, by(Mail, Sms)),
        ("MAIL", false, by(Sms, Sms)),
        ("MAIL", true, by(Mail, Sms)),
    ] {
        say(&app, p1, channel, yes).await;
        assert_eq!(ahead(&notices(&app).await), expected, "{channel} {yes}");
    }
    say(&app, p1, "MAIL", false).await;
    say(&app, p1, "SMS", false).await;
    let all = notices(&app).await;
    assert!(all.len() == 6 && all.iter().all(|n| n.state == State::Withdrawn), "{all:?}");
}

#[tokio::test]
async fn the_sending_hours_of_the_configuration_hold_for_planning_and_sending() {
    let app = TestApp::with(&[("reminders.send_from", "10:00"), ("reminders.send_until", "15:00")]).await;
    say(&app, &app.world.p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    booked(&app, &slots[0]).await;
    let all = notices(&app).await;
    let evening = all.iter().find(|n| n.rule == "EVENING_BEFORE").unwrap();
    assert_eq!(evening.due_at, "2027-02-28T13:30:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap());
    let (worker, fake) = worker(&app);
    worker.tick().await.unwrap();
    app.clock.set("2027-02-28T14:01:00Z".parse().unwrap());
    let tick = worker.tick().await.unwrap();
    assert_eq!(
        (tick.sent, fake.sent().len()),
        (0, 1),
        "only the confirmation, which answers an act: {tick:?}"
    );
}

/// Rows of the access log that tell the first patient of a sending.
async fn logged_sendings(app: &TestApp) -> u64 {
    let of = access_event_patient::Column::PatientId.eq(app.world.p1.id);
    let events = access_event_patient::Entity::find().filter(of).all(app.core.db.reader()).await.unwrap();
    access_event::Entity::find()
        .filter(access_event::Column::Action.eq("noticeSend"))
        .filter(access_event::Column::ActorKind.eq(access_event::ActorKind::System))
        .filter(access_event::Column::Id.is_in(events.into_iter().map(|row| row.event_id)))
        .count(app.core.db.reader())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_ladder_is_sent_once_at_its_times_and_tells_no_more_than_agreed() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    say(&app, &app.world.p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    booked(&app, &slots[0]).await;
    assert_eq!(worker.tick().await.unwrap(), Tick { claimed: 1, sent: 1, ..Tick::default() });
    assert_eq!(worker.tick().await.unwrap(), Tick::default());
    for due in ["2027-02-22T08:00:00Z", "2027-02-24T18:30:00Z", "2027-02-28T17:00:00Z"] {
        app.clock.set(due.parse().unwrap());
        assert_eq!(worker.tick().await.unwrap(), Tick { claimed: 1, sent: 1, ..Tick::default() }, "{due}");
    }
    assert_eq!(fake.sent().len(), 4);
    assert_eq!(logged_sendings(&app).await, 4, "each is in the patient's access log, once");
    let log = "{ me { accessLog(first: 1) { nodes { by action outcome message } } } }";
    let seen = app.run(&app.world.p1.identity, log, json!({})).await.ok();
    assert_eq!(
        seen.at("/me/accessLog/nodes/0"),
        &json!({ "by": "SYSTEM", "action": "noticeSend", "outcome": "ALLOWED",
                 "message": "Tjänsten själv läste hur du vill bli nådd, för att skicka ett meddelande till dig." })
    );
    let all = fake.ledger.lock().unwrap();
    for message in all.iter() {
        let text = format!("{message:?}");
        for word in ["Kanariesson", "Granen", "Återbesök", "1982"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
}

#[tokio::test]
async fn cancelling_and_moving_take_the_reminders_with_them() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    let p1 = &app.world.p1;
    say(&app, p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00", "2027-03-02T09:00"]).await;
    let first = booked(&app, &slots[0]).await;
    let input = json!({ "appointmentId": first["id"], "slotId": slots[1], "expectedRowVersion": 1 });
    act(&app, &p1.identity, "appointmentRebook", APPOINTMENT, input).await.ok();
    let all = notices(&app).await;
    assert!(all[..4].iter().all(|n| n.state == State::Withdrawn && n.schedule_version == Some(1)));
    assert!(all[4..].iter().all(|n| n.state == State::Planned && n.schedule_version == Some(2)));
    assert_eq!(all.len(), 8);
    worker.tick().await.unwrap();
    assert_eq!(fake.sent().len(), 1, "only the new confirmation");
    let input = json!({ "appointmentId": first["id"], "expectedRowVersion": 2 });
    act(&app, &p1.identity, "appointmentCancel", APPOINTMENT, input).await.ok();
    app.clock.set("2027-03-01T17:00:00Z".parse().unwrap());
    worker.tick().await.unwrap();
    assert_eq!(fake.sent().len(), 2, "{:?}", fake.subjects());
    let left = notices(&app).await;
    assert_eq!(left.iter().filter(|n| n.state == State::Sent).count(), 2);
    assert_eq!(left.iter().filter(|n| n.state == State::Withdrawn).count(), 7);
}

/// Plans `n` notices that are due at once, as copies of one of a real booking.
pub(crate) async fn crowd(app: &TestApp, n: usize) {
    say(app, &app.world.p1, "MAIL", true).await;
    let slots = publish(app, &["2027-03-01T09:00"]).await;
    booked(app, &slots[0]).await;
    let one = notices(app).await.into_iter().find(|n| n.rule == "CONFIRMATION").unwrap();
    let copies: Vec<_> = (1..n)
        .map(|k| {
            let mut copy = one.clone();
            copy.id = entity::NoticeId(app.clock.uuid());
            copy.dedupe_key = format!("{}:{k}", one.dedupe_key);
            copy.into_active_model().reset_all()
        })
        .collect();
    // No database takes the values of ten thousand rows at once.
    for some in copies.chunks(500) {
        let some = notice::Entity::insert_many(some.to_vec());
        some.exec_without_returning(app.core.db.reader()).await.unwrap();
    }
}

#[tokio::test]
async fn four_workers_send_two_hundred_notices_once_each() {
    let app = TestApp::new().await;
    crowd(&app, 200).await;
    let fake = Arc::new(Fake::default());
    let workers: Vec<Worker> = (0..4).map(|_| worker_of(&app, &fake)).collect();
    for _ in 0..10 {
        for tick in join_all(workers.iter().map(Worker::tick)).await {
            assert_eq!(tick.unwrap().lost, 0);
        }
    }
    let mut sent = fake.sent();
    assert_eq!(sent.len(), 200);
    assert_eq!(logged_sendings(&app).await, 200);
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 200);
    let left: Vec<_> = notices(&app).await.into_iter().filter(|n| n.rule == "CONFIRMATION").collect();
    assert!(left.iter().all(|n| n.state == State::Sent && n.attempts == 1));
}

#[tokio::test]
async fn what_a_crashed_worker_had_claimed_is_sent_when_its_lease_ends() {
    let app = TestApp::new().await;
    crowd(&app, 1).await;
    let lease = Duration::from_mins(4);
    let claimed = patientkontrakt::reminder::claim::claim(&app.core, Kind::Mail, 10, lease).await.unwrap();
    assert_eq!(claimed.len(), 1);
    let (worker, fake) = worker(&app);
    app.clock.advance(TimeDelta::seconds(239));
    assert_eq!(worker.tick().await.unwrap(), Tick::default());
    app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    // The one who comes back has lost its lease and changes nothing.
    let late = Outcome::Fail { reason: FailureCode::Refused };
    let waits = [Duration::from_mins(1)];
    let recorded = patientkontrakt::reminder::record::outcome(&app.core, &claimed[0], &late, &waits, true)
        .await
        .unwrap();
    assert_eq!(recorded, patientkontrakt::reminder::record::Recorded::Lost);
    assert_eq!(fake.sent().len(), 1);
    assert_eq!(states(&notices(&app).await)[0], ("CONFIRMATION", State::Sent));
}

#[tokio::test]
async fn what_is_cancelled_between_claim_and_sending_never_leaves() {
    let app = TestApp::new().await;
    let p1 = &app.world.p1;
    say(&app, p1, "MAIL", true).await;
    let slots = publish(&app, &["2027-03-01T09:00"]).await;
    let first = booked(&app, &slots[0]).await;
    let lease = Duration::from_mins(4);
    let claimed = patientkontrakt::reminder::claim::claim(&app.core, Kind::Mail, 10, lease).await.unwrap();
    let input = json!({ "appointmentId": first["id"], "expectedRowVersion": 1 });
    act(&app, &p1.identity, "appointmentCancel", APPOINTMENT, input).await.ok();
    let looked = patientkontrakt::reminder::recheck::recheck(&app.core, &claimed[0]).await.unwrap();
    assert!(looked.is_none());
    let (worker, fake) = worker(&app);
    for _ in 0..20 {
        app.clock.advance(TimeDelta::days(2));
        worker.tick().await.unwrap();
    }
    let subjects = fake.subjects();
    assert!(subjects.len() <= 1, "{subjects:?}");
    assert!(
        notices(&app)
            .await
            .iter()
            .all(|n| n.kind == notice::Kind::Cancellation || n.state == State::Withdrawn)
    );
}

#[tokio::test]
async fn what_nobody_sent_in_time_is_missed_in_batches() {
    let app = TestApp::new().await;
    crowd(&app, 120).await;
    app.clock.set("2027-03-01T09:00:00Z".parse().unwrap());
    let batch = async || patientkontrakt::reminder::claim::expire(&app.core, 50).await.unwrap();
    assert_eq!(batch().await.missed, 50, "a batch at a time");
    let (worker, fake) = worker(&app);
    // The three rungs after the confirmation are too late as well.
    assert_eq!(worker.tick().await.unwrap(), Tick { missed: 73, ..Tick::default() });
    assert_eq!(worker.tick().await.unwrap(), Tick::default());
    assert!(fake.sent().is_empty());
    let all = notices(&app).await;
    assert!(all.iter().all(|n| n.state == State::Missed && n.reason.as_deref() == Some("TOO_LATE")));
}

/// Whoever was killed at it, or had no answer, may have sent it: nobody is told that it was missed.
#[tokio::test]
async fn what_may_have_left_when_it_is_too_late_is_unknown_and_not_missed() {
    let app = TestApp::new().await;
    crowd(&app, 3).await;
    let claim = patientkontrakt::reminder::claim::claim(&app.core, Kind::Mail, 1, Duration::from_mins(4));
    let claimed = claim.await.unwrap()[0].id;
    let doubtful = notices(&app).await.into_iter().find(|n| n.state == State::Planned).unwrap().id;
    notice::Entity::update_many()
        .col_expr(notice::Column::Reason, Expr::value("UNKNOWN:TIMEOUT"))
        .filter(notice::Column::Id.eq(doubtful))
        .exec(app.core.db.reader())
        .await
        .unwrap();
    app.clock.set("2027-03-01T09:00:00Z".parse().unwrap());
    let (worker, _) = worker(&app);
    let all = notices(&app).await.len();
    assert_eq!(worker.tick().await.unwrap().missed, all - 2);
    for one in notices(&app).await {
        let left = one.id == claimed || one.id == doubtful;
        let expected = if left { (State::Unknown, "INTERRUPTED") } else { (State::Missed, "TOO_LATE") };
        assert_eq!((one.state, one.reason.as_deref()), (expected.0, Some(expected.1)));
    }
}

#[tokio::test]
async fn failures_are_tried_again_doubts_once_and_refusals_never() {
    let app = TestApp::new().await;
    let (worker, fake) = worker(&app);
    crowd(&app, 1).await;
    let retry = Outcome::Retry { reason: FailureCode::RefusedForNow, after: None };
    let doubt = Outcome::Unknown { reason: FailureCode::ConnectionLost };
    *fake.answers.lock().unwrap() = vec![doubt.clone(), doubt, retry];
    assert_eq!(worker.tick().await.unwrap().retried, 1);
    assert_eq!(worker.tick().await.unwrap().claimed, 0, "not before the wait is over");
    app.clock.advance(TimeDelta::seconds(80));
    assert_eq!(worker.tick().await.unwrap().retried, 1, "a mail of unknown fate is sent once more");
    app.clock.advance(TimeDelta::seconds(80));
    assert_eq!(worker.tick().await.unwrap().unknown, 1);
    let sent = fake.sent();
    assert!(sent.len() == 3 && sent.iter().all(|id| *id == sent[0]), "the same Message-ID");

    let mut one = notices(&app).await.into_iter().find(|n| n.state == State::Unknown).unwrap();
    one.id = entity::NoticeId(app.clock.uuid());
    one.dedupe_key = Uuid::new_v4().to_string();
    one.state = State::Planned;
    one.reason = None;
    one.attempts = 0;
    one.into_active_model().reset_all().insert(app.core.db.reader()).await.unwrap();
    *fake.answers.lock().unwrap() = vec![Outcome::Fail { reason: FailureCode::BadAddress }];
    assert_eq!(worker.tick().await.unwrap().failed, 1);
    let ways = entity::contact_way::Entity::find()
        .filter(entity::contact_way::Column::Channel.eq(Kind::Mail))
        .one(app.core.db.reader())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ways.status, entity::contact_way::Status::Bad);
}

#[tokio::test]
async fn a_message_from_care_is_told_of_and_one_from_the_patient_is_not() {
    let app = TestApp::new().await;
    let (s1, p1) = (&app.world.s1, &app.world.p1);
    let (worker, fake) = worker(&app);
    say(&app, p1, "SMS", true).await;
    harness::relate(&app.core, s1, p1).await;
    let input = json!({
        "careUnitId": crate::acts::global(patientkontrakt::graphql::scalars::NodeKind::CareUnit, s1.unit),
        "patientId": p1.global_id(), "subject": "Provsvar", "body": "Allt ser bra ut.",
    });
    let thread = act(&app, &s1.identity, "threadStart", "thread { id }", input).await.ok();
    let input = json!({ "threadId": thread.text("/threadStart/thread/id"), "body": "Tack!" });
    act(&app, &p1.identity, "messageSend", "message { id }", input).await.ok();
    assert_eq!(worker.tick().await.unwrap().sent, 1);
    let text = format!("{:?}", fake.ledger.lock().unwrap());
    assert!(!text.contains("Provsvar") && !text.contains("Allt ser bra ut"), "{text}");
}

#[tokio::test]
async fn a_worker_that_stops_gives_back_what_it_has_not_begun() {
    let app = TestApp::new().await;
    crowd(&app, 30).await;
    let (worker, fake) = worker(&app);
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    tokio::time::timeout(Duration::from_secs(30), worker.run(stop)).await.unwrap();
    assert!(fake.sent().is_empty());
    assert!(notices(&app).await.iter().all(|n| n.state == State::Planned && n.attempts == 0));
}
