//! A stream of holds, bookings, confirmations, moves and cancellations, and crashes in the middle of it: what was answered
//! is there, and each act is there whole - seat, hour, history, relation, reminders - or not at all.

use std::{collections::BTreeMap, time::Duration};

use entity::{
    AppointmentId, appointment, care_relation, change_entry, domain_event, idempotency_key, notice,
    seat_claim,
};
use futures_util::future::join_all;
use harness::{
    TestPatient,
    database::Kind,
    process::{PATIENCE, Serve, Stage},
    proxy::Proxy,
    world::crowd,
};
use patientkontrakt::fault::BOOKING;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, Statement};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{bookings::TIME, outage::over_a_line, publish, yes_to_mail};
use crate::{acts::row, holds::invariants};

/// An act on a time, and what was answered, if anything was.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub name: &'static str,
    pub input: Value,
    pub answer: Option<Value>,
}

/// Somebody who holds, books, confirms, moves and cancels, over and over, and asks again with the same key until there
/// is an answer.
pub(super) struct Life {
    pub whose: TestPatient,
    slots: [String; 2],
    pub said: Vec<Said>,
}

impl Life {
    /// The act that follows the last one.
    fn next(&self) -> Said {
        let key = format!("{}", self.said.len());
        let Some(last) = self.said.last() else { return self.hold(key) };
        let now = last.answer.as_ref().expect("answered");
        let change = |more: Value| {
            let mut input = json!({
                "appointmentId": now["id"], "expectedRowVersion": now["rowVersion"], "idempotencyKey": key,
            });
            input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            input
        };
        let (name, input) = match last.name {
            "slotHold" => ("appointmentBook", json!({ "slotId": self.slots[0], "idempotencyKey": key })),
            "appointmentBook" => ("appointmentConfirm", change(json!({}))),
            "appointmentConfirm" => ("appointmentRebook", change(json!({ "slotId": self.slots[1] }))),
            "appointmentRebook" => ("appointmentCancel", change(json!({}))),
            _ => return self.hold(key),
        };
        Said { name, input, answer: None }
    }

    fn hold(&self, key: String) -> Said {
        let input = json!({ "slotId": self.slots[0], "idempotencyKey": key });
        Said { name: "slotHold", input, answer: None }
    }

    /// Begins the next act, if the last one was answered.
    pub(super) fn begin(&mut self) {
        if self.said.last().is_none_or(|said| said.answer.is_some()) {
            let next = self.next();
            self.said.push(next);
        }
    }

    /// Asks once for what was begun last; false where there is no answer that tells.
    pub(super) async fn ask(&mut self, stage: &Stage, serve: &Serve) -> bool {
        let said = self.said.last_mut().unwrap();
        said.answer = ask(stage, serve, &self.whose, said).await;
        said.answer.is_some()
    }

    pub(super) fn answered(&self) -> usize {
        self.said.iter().filter(|said| said.answer.is_some()).count()
    }
}

/// What an act on a time is answered; none where it cannot be known.
async fn ask(stage: &Stage, serve: &Serve, whose: &TestPatient, said: &Said) -> Option<Value> {
    let selection = if said.name == "slotHold" { "hold { id }" } else { TIME };
    let token = stage.token(&whose.identity);
    let answer = serve.act(&token, said.name, selection, said.input.clone()).await.ok()?;
    if answer.status != 200 {
        let told = (answer.status, answer.error_codes());
        assert_eq!(told, (503, vec!["UNAVAILABLE".to_owned()]), "{answer:?}");
        return None;
    }
    let field = if said.name == "slotHold" { "hold" } else { "appointment" };
    Some(answer.ok().at(&format!("/{}/{field}", said.name)).clone())
}

/// People with two times each, who have said yes to mail.
pub(super) async fn lives(stage: &Stage, serve: &Serve, count: usize) -> Vec<Life> {
    let people = crowd(&stage.core, &stage.world.p1, count).await;
    let slots = publish(stage, serve, 2 * count).await;
    let mut lives = Vec::new();
    for (whose, slots) in people.into_iter().zip(slots.chunks(2)) {
        yes_to_mail(stage, serve, &whose.identity).await;
        lives.push(Life { whose, slots: [slots[0].clone(), slots[1].clone()], said: Vec::new() });
    }
    lives
}

/// The reminders ahead of a time, by rule. What is due at once is the worker's.
async fn ladder(stage: &Stage, of: &appointment::Model) -> Vec<String> {
    let planned = notice::Entity::find()
        .filter(notice::Column::AppointmentId.eq(of.id))
        .filter(notice::Column::Kind.eq(notice::Kind::Reminder))
        .filter(notice::Column::State.eq(notice::State::Planned))
        .filter(notice::Column::Rule.ne("CONFIRMATION"));
    let mut rules: Vec<String> = planned
        .all(stage.core.db.reader())
        .await
        .unwrap()
        .into_iter()
        .inspect(|planned| assert_eq!(planned.schedule_version, Some(of.schedule_version)))
        .map(|planned| planned.rule)
        .collect();
    rules.sort();
    rules
}

/// Every answer is in the database; every time is whole: as many changes told of as its version counts, with its
/// relation, its seat and hour, its key, and its reminders, which are those of a calm day.
pub(super) async fn all_there_and_nothing_half(stage: &Stage, lives: &[Life], calm: &[String]) {
    let db = stage.core.db.reader();
    invariants(&stage.core).await;
    let times: BTreeMap<_, _> =
        appointment::Entity::find().all(db).await.unwrap().into_iter().map(|time| (time.id, time)).collect();
    let claims = seat_claim::Entity::find().all(db).await.unwrap();
    let mut acts = 0;
    for life in lives {
        for said in life.said.iter().filter(|said| said.answer.is_some()) {
            let answer = said.answer.as_ref().unwrap();
            let Some(id) = answer["id"].as_str().map(row) else { continue };
            // A hold becomes the booking, under the same id.
            let time = times.get(&AppointmentId(id));
            if said.name == "slotHold" {
                assert!(
                    time.is_some() || claims.iter().any(|c| c.id == id),
                    "a hold that was answered is gone"
                );
                continue;
            }
            let time = time.expect("a booking that was answered is gone");
            assert!(
                i64::from(time.row_version) >= answer["rowVersion"].as_i64().unwrap(),
                "{said:?} {time:?}"
            );
            if said.name == "appointmentCancel" {
                assert_eq!(time.status, appointment::Status::Cancelled);
            }
        }
    }
    for time in times.values() {
        let version = u64::try_from(time.row_version).unwrap();
        acts += version;
        let changes = change_entry::Entity::find().filter(change_entry::Column::SubjectId.eq(time.id.0));
        let events = domain_event::Entity::find().filter(domain_event::Column::SubjectId.eq(time.id.0));
        let told = (changes.count(db).await.unwrap(), events.count(db).await.unwrap());
        assert_eq!(told, (version, version), "{time:?}");
        let relations = care_relation::Entity::find().filter(care_relation::Column::SubjectId.eq(time.id.0));
        assert_eq!(relations.count(db).await.unwrap(), 1, "{time:?}");
        let expected = if time.status == appointment::Status::Booked { calm } else { &[] };
        assert_eq!(ladder(stage, time).await, expected, "{time:?}");
    }
    let keys = idempotency_key::Entity::find().count(db).await.unwrap();
    let asked: usize = lives.iter().map(|life| life.said.len()).sum();
    assert!(keys >= acts, "{keys} keys of {acts} acts");
    let before = idempotency_keys_before(lives.len());
    assert!(keys <= before + asked as u64, "{keys} keys of {asked} asked");
    if stage.kind() == Kind::Sqlite {
        let check = Statement::from_string(db.get_database_backend(), "PRAGMA integrity_check");
        let said: String = db.query_one_raw(check).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        assert_eq!(said, "ok");
    }
}

/// Publishing, and a yes to mail of each.
fn idempotency_keys_before(people: usize) -> u64 {
    ((2 * people).div_ceil(20) + people) as u64
}

/// One life without a crash: the reminders that a booked time has.
pub(super) async fn calm(stage: &Stage, serve: &Serve, life: &mut Life) -> Vec<String> {
    let mut rules = Vec::new();
    for _ in 0..5 {
        life.begin();
        assert!(life.ask(stage, serve).await, "{}", serve.log());
        let said = life.said.last().unwrap();
        if said.name == "appointmentBook" || said.name == "appointmentRebook" {
            let id = AppointmentId(row(said.answer.as_ref().unwrap()["id"].as_str().unwrap()));
            let time =
                appointment::Entity::find_by_id(id).one(stage.core.db.reader()).await.unwrap().unwrap();
            let found = ladder(stage, &time).await;
            assert!(!found.is_empty() && (rules.is_empty() || rules == found), "{found:?}");
            rules = found;
        }
    }
    rules
}

/// What was answered is answered alike, and nothing happens anew.
pub(super) async fn repeated_it_is_the_same(stage: &Stage, serve: &Serve, lives: &mut [Life]) {
    let count = async || appointment::Entity::find().count(stage.core.db.reader()).await.unwrap();
    let before = count().await;
    for life in lives.iter_mut() {
        for said in life.said.iter().filter(|said| said.name != "slotHold" && said.answer.is_some()) {
            let again = ask(stage, serve, &life.whose, said).await.expect("an answer");
            assert_eq!(again["id"], said.answer.as_ref().unwrap()["id"], "{said:?}");
        }
    }
    assert_eq!(count().await, before);
}

/// F03, F31, F32.
#[tokio::test]
async fn killed_in_a_stream_of_bookings_every_answer_is_there_and_nothing_is_half_done() {
    const ROUNDS: usize = 12;
    let stage = Stage::new().await;
    let mut serve = stage.serve(&[]).await;
    let mut lives = lives(&stage, &serve, 6).await;
    let rules = calm(&stage, &serve, &mut lives[0]).await;
    let mut broken = 0;
    let test = async {
        for round in 0..ROUNDS {
            let answers = std::sync::atomic::AtomicUsize::new(0);
            let streams = lives.iter_mut().map(|life| {
                let (stage, serve, answers) = (&stage, &serve, &answers);
                async move {
                    let begun = Instant::now();
                    while begun.elapsed() < PATIENCE {
                        life.begin();
                        if life.ask(stage, serve).await {
                            answers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        } else {
                            return;
                        }
                    }
                }
            });
            let kill = async {
                let begun = Instant::now();
                // After some answers, at a moment of its own each round.
                while answers.load(std::sync::atomic::Ordering::Relaxed) < 6 + round % 5 {
                    assert!(begun.elapsed() < PATIENCE, "{}", serve.log());
                    sleep(Duration::from_millis(2)).await;
                }
                sleep(Duration::from_micros(379 * round as u64)).await;
                serve.kill().await;
            };
            tokio::join!(join_all(streams), kill);
            assert!(!serve.ended(PATIENCE).await.success());
            broken += lives.iter().filter(|life| life.said.last().unwrap().answer.is_none()).count();
            all_there_and_nothing_half(&stage, &lives, &rules).await;
            serve = stage.serve(&[]).await;
        }
    };
    timeout(Duration::from_mins(4), test).await.expect("the rounds in time");
    assert!(broken > 0, "it was killed in the middle");
    for life in &mut lives {
        assert!(life.said.last().unwrap().answer.is_some() || life.ask(&stage, &serve).await);
        assert!(life.answered() > ROUNDS / 3, "everybody got on");
    }
    repeated_it_is_the_same(&stage, &serve, &mut lives).await;
    all_there_and_nothing_half(&stage, &lives, &rules).await;
}

/// F03, F31: the process dies at each step between the lock and the commit, and just after it, in the middle of a booking,
/// a move and a cancellation. Nothing of the act is there until it is committed, and asked again it is done once.
#[tokio::test]
async fn killed_at_any_step_of_an_act_on_a_time_nothing_is_half_done_and_asked_again_it_is_done_once() {
    let stage = Stage::new().await;
    let serve = stage.serve(&[]).await;
    let mut lives = lives(&stage, &serve, 4).await;
    let rules = calm(&stage, &serve, &mut lives[0]).await;
    let mut serve = Some(serve);
    let mut round = async |point: &str, acts: &[&str]| {
        // Each stands before the act that it is killed in.
        let healthy = serve.take().unwrap();
        for (life, act) in lives[1..].iter_mut().zip(acts) {
            loop {
                life.begin();
                if life.said.last().unwrap().name == *act {
                    break;
                }
                assert!(life.ask(&stage, &healthy).await, "{}", healthy.log());
            }
        }
        stop(healthy).await;
        for (life, act) in lives[1..].iter_mut().zip(acts) {
            let mut faulty = stage.serve(&[("FAULT_POINT", point)]).await;
            let asked = life.ask(&stage, &faulty);
            let kill = async {
                let begun = Instant::now();
                while !faulty.log().contains("fault_point") {
                    assert!(begun.elapsed() < PATIENCE, "{act} does not come to {point}: {}", faulty.log());
                    sleep(Duration::from_millis(5)).await;
                }
                faulty.kill().await;
            };
            let (answered, ()) = tokio::join!(asked, kill);
            assert!(!answered, "{act} {point}");
            assert!(!faulty.ended(PATIENCE).await.success());
        }
        all_there_and_nothing_half(&stage, &lives, &rules).await;
        let healthy = stage.serve(&[]).await;
        for life in &mut lives[1..] {
            let before = committed(&stage, life).await;
            assert!(life.ask(&stage, &healthy).await, "{}", healthy.log());
            let done = u64::from(point != "committed");
            assert_eq!(committed(&stage, life).await, before + done, "{point} {:?}", life.said.last());
        }
        all_there_and_nothing_half(&stage, &lives, &rules).await;
        repeated_it_is_the_same(&stage, &healthy, &mut lives).await;
        serve = Some(healthy);
    };
    for point in BOOKING {
        round(point, &["appointmentBook", "appointmentRebook", "appointmentCancel"]).await;
    }
}

async fn stop(mut serve: Serve) {
    serve.terminate().await;
    assert!(serve.ended(PATIENCE).await.success());
}

/// How many acts on times of theirs have been committed.
async fn committed(stage: &Stage, life: &Life) -> u64 {
    let of = domain_event::Entity::find()
        .filter(domain_event::Column::PatientId.eq(life.whose.id))
        .filter(domain_event::Column::Kind.starts_with("appointment."));
    of.count(stage.core.db.reader()).await.unwrap()
}

/// F19 for bookings: the database's server crashes under them.
#[tokio::test]
async fn a_database_server_that_crashes_in_a_stream_of_bookings_loses_no_answer() {
    const ROUNDS: usize = 5;
    if Kind::picked() != Kind::Postgres {
        return;
    }
    let stage = Stage::on(harness::database::crashable().await).await;
    let serve = stage.serve(&[]).await;
    let mut lives = lives(&stage, &serve, 4).await;
    let rules = calm(&stage, &serve, &mut lives[0]).await;
    for _ in 0..ROUNDS {
        let (answers, over) =
            (std::sync::atomic::AtomicUsize::new(0), std::sync::atomic::AtomicBool::new(false));
        let streams = lives.iter_mut().map(|life| {
            let (stage, serve, answers, over) = (&stage, &serve, &answers, &over);
            async move {
                let mut begun = Instant::now();
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    life.begin();
                    if life.ask(stage, serve).await {
                        answers.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                        begun = Instant::now();
                    } else {
                        assert!(begun.elapsed() < PATIENCE, "{}", serve.log());
                        sleep(Duration::from_millis(20)).await;
                    }
                }
            }
        });
        let crash = async {
            let some = async |least: usize| {
                let (begun, before) = (Instant::now(), answers.load(std::sync::atomic::Ordering::Relaxed));
                while answers.load(std::sync::atomic::Ordering::Relaxed) < before + least {
                    assert!(begun.elapsed() < PATIENCE, "nothing is answered: {}", serve.log());
                    sleep(Duration::from_millis(5)).await;
                }
            };
            some(5).await;
            stage.database.crash().await;
            some(5).await;
            over.store(true, std::sync::atomic::Ordering::Relaxed);
        };
        tokio::join!(join_all(streams), crash);
    }
    let begun = Instant::now();
    for life in &mut lives {
        while life.said.last().unwrap().answer.is_none() && !life.ask(&stage, &serve).await {
            assert!(begun.elapsed() < PATIENCE, "{}", serve.log());
            sleep(Duration::from_millis(20)).await;
        }
    }
    all_there_and_nothing_half(&stage, &lives, &rules).await;
    repeated_it_is_the_same(&stage, &serve, &mut lives).await;
    assert!(!serve.log().contains("panicked"), "{}", serve.log());
}

/// F20 for bookings: whether the answer to the commit is lost or the commit itself, asked again it is done once.
#[tokio::test]
async fn an_act_on_a_time_whose_commit_is_lost_on_the_way_is_done_once_when_asked_again() {
    let Some((stage, serve, proxy)) = over_a_line().await else { return };
    let mut lives = lives(&stage, &serve, 1).await;
    let life = &mut lives[0];
    let rules = calm(&stage, &serve, life).await;
    for round in 0..10 {
        life.begin();
        lose(&proxy, round % 2 == 0);
        let lost = proxy.lost();
        assert!(!life.ask(&stage, &serve).await, "{:?}", life.said.last());
        assert!(proxy.lost() > lost, "it was lost on the way");
        proxy.mend();
        let begun = Instant::now();
        while !life.ask(&stage, &serve).await {
            assert!(begun.elapsed() < PATIENCE, "{}", serve.log());
            sleep(Duration::from_millis(50)).await;
        }
    }
    all_there_and_nothing_half(&stage, &lives, &rules).await;
    repeated_it_is_the_same(&stage, &serve, &mut lives).await;
    assert_eq!(appointment::Entity::find().count(stage.core.db.reader()).await.unwrap(), 3);
}

fn lose(proxy: &Proxy, arrives: bool) {
    if arrives {
        proxy.lose_answers_to(b"COMMIT");
    } else {
        proxy.lose_requests(b"COMMIT");
    }
}
