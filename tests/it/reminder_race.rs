//! F26 and F38: several workers race over one crowd of due reminders, judged by what a mail server took.

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use entity::notice::{self, State};
use harness::{TestApp, TestPatient, sink::Sink};
use patientkontrakt::{
    app::open_core_with,
    domain::reminder_preference::stop::stop,
    graphql::scalars::NodeKind,
    reminder::{
        channel::{
            Channel, FailureCode, Outcome,
            configured::Channels,
            message_id,
            smtp::{Smtp, SmtpConfig, Timeouts, TlsMode},
        },
        worker::{Tick, Worker, WorkerConfig},
    },
    session::Core,
};
use sea_orm::EntityTrait;
use serde_json::json;

use crate::{
    acts::{act, global},
    booking::{book, publish},
    reminders::{crowd, notices, say, worker},
};

const CROWD: usize = 10_000;
const WORKERS: usize = 4;

fn mail_by(sink: &Sink, app: &TestApp) -> Arc<dyn Channel> {
    let config = SmtpConfig {
        hosts: vec!["127.0.0.1".to_owned()],
        port: sink.port,
        tls: TlsMode::None,
        ca_file: None,
        user: None,
        password: None,
        hello_name: "pk.test".to_owned(),
        from: "paminnelse@exempel.se".parse().unwrap(),
        timeouts: Timeouts::default(),
        pool_size: WorkerConfig::default().at_once,
    };
    Arc::new(Smtp::new(config, app.clock.clone()).unwrap())
}

/// As separate processes would have it: connections of its own. An SQLite file belongs to one process, whose workers
/// share them.
async fn core(app: &TestApp) -> Core {
    if app.core.db.is_sqlite() {
        return app.core.clone();
    }
    open_core_with(&app.config, &app.config.db_options(), &app.clock, false).await.unwrap()
}

/// Rounds until nothing is left to claim.
async fn to_the_end(worker: Worker) -> Tick {
    let mut all = Tick::default();
    for _ in 0..CROWD {
        let tick = worker.tick().await.unwrap();
        assert!(
            tick.claimed <= WorkerConfig::default().batch as usize,
            "so many in memory at a time: {tick:?}"
        );
        all.claimed += tick.claimed;
        all.sent += tick.sent;
        if tick.claimed == 0 {
            return all;
        }
    }
    panic!("it never ends: {all:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_workers_racing_over_a_crowd_of_due_reminders_send_each_once_and_the_nearest_first() {
    race(2_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes without optimisation"]
async fn four_workers_racing_over_ten_thousand_due_reminders_send_each_once_and_the_nearest_first() {
    race(CROWD).await;
}

async fn race(many: usize) {
    let app = TestApp::new().await;
    let sink = Sink::start().await;
    crowd(&app, many).await;
    // Those that stand last in every other order help for the shortest time.
    let due: Vec<notice::Model> =
        notices(&app).await.into_iter().filter(|n| n.rule == "CONFIRMATION").collect();
    assert_eq!(due.len(), many);
    let mut ids: Vec<_> = due.iter().map(|n| n.id).collect();
    ids.sort();
    let near: HashSet<_> = ids[many / 2..].iter().copied().collect();
    nearer(&app, ids[many / 2]).await;

    let began = Instant::now();
    let mut racing = Vec::new();
    for _ in 0..WORKERS {
        let core = core(&app).await;
        let texts = Arc::clone(&core.texts);
        let channels = Channels::of(Some(mail_by(&sink, &app)), None);
        let worker = Worker::new(core, texts, channels, WorkerConfig::default()).unwrap();
        racing.push(tokio::spawn(to_the_end(worker)));
    }
    let mut all = Tick::default();
    for worker in racing {
        let tick = worker.await.unwrap();
        assert_eq!(tick.sent, tick.claimed, "{tick:?}");
        assert!(tick.sent > 0, "each has its part");
        all.sent += tick.sent;
    }
    println!("{many} reminders by {WORKERS} workers in {:.1?}", began.elapsed());
    assert_eq!(all.sent, many);

    let order = sink.ids();
    assert_eq!(order.len(), many, "no more than one acceptance of each");
    let of_near: HashSet<String> =
        due.iter().filter(|n| near.contains(&n.id)).map(|n| message_id(&n.dedupe_key)).collect();
    let known: HashSet<String> = due.iter().map(|n| message_id(&n.dedupe_key)).collect();
    let (mut seen, mut last_near) = (HashSet::new(), 0);
    for (place, id) in order.iter().enumerate() {
        let id = id.trim_start_matches('<').split('@').next().unwrap().to_owned();
        assert!(known.contains(&id), "{id} is of no reminder");
        if of_near.contains(&id) {
            last_near = place;
        }
        assert!(seen.insert(id), "twice");
    }
    // While one worker finishes its last batch of them, the others go on with a few of theirs.
    let under_way = 4 * WORKERS * WorkerConfig::default().batch as usize;
    assert!(last_near < many / 2 + under_way, "the nearest deadlines first: {last_near}");
    let left = notices(&app).await.into_iter().filter(|n| n.rule == "CONFIRMATION");
    for one in left {
        assert_eq!((one.state, one.attempts), (State::Sent, 1));
    }
}

/// Lets the reminders from this one on help for an hour less.
async fn nearer(app: &TestApp, from: entity::NoticeId) {
    use sea_orm::{ColumnTrait, QueryFilter, sea_query::Expr};
    let all = notices(app).await;
    let until = all.iter().find(|n| n.id == from).unwrap().useless_at - TimeDelta::hours(1);
    notice::Entity::update_many()
        .col_expr(notice::Column::UselessAt, Expr::value(until))
        .filter(notice::Column::Id.gte(from))
        .filter(notice::Column::Rule.eq("CONFIRMATION"))
        .exec(app.core.db.reader())
        .await
        .unwrap();
}

/// What changes the notices of the same people at the same time waits in one order, and nobody is refused for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn choices_stopp_cancellations_a_ladder_and_the_worker_do_not_wait_for_each_other_in_a_circle() {
    let app = TestApp::new().await;
    let people = [&app.world.p1, &app.world.p2];
    let unit = global(NodeKind::CareUnit, app.world.s1.unit);
    for round in 0..5_i64 {
        for person in people {
            say(&app, person, "MAIL", true).await;
            say(&app, person, "SMS", true).await;
        }
        let starts: Vec<String> =
            (0..8).map(|n| format!("2027-03-{:02}T{:02}:00", 1 + round, 8 + n)).collect();
        let slots = publish(&app, &starts.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let mut visits = Vec::new();
        for (n, slot) in slots.iter().enumerate() {
            visits.push(book(&app, &people[n % 2].identity, slot).await.ok());
        }
        let (worker, fake) = worker(&app);
        // Every second message fails for the sake of its address: what is ahead is planned anew.
        let bad = Outcome::Fail { reason: FailureCode::BadAddress };
        *fake.answers.lock().unwrap() = (0..8).map(|_| bad.clone()).collect();
        let choose = async |person: &TestPatient| {
            for yes in [false, true, false] {
                let choice = json!({ "kind": "APPOINTMENT", "channel": "SMS", "optedIn": yes, "textShown": "Mån 1 mars" });
                let input = json!({ "choices": [choice], "contactWays": { "phone": "070-174 06 05" } });
                act(&app, &person.identity, "reminderPreferencesSet", "preferences { kind }", input)
                    .await
                    .ok();
            }
        };
        let cancel = async |which: usize| {
            for (n, visit) in visits.iter().enumerate().filter(|(n, _)| n % 2 == which) {
                let visit = visit.at("/appointmentBook/appointment");
                let input =
                    json!({ "appointmentId": visit["id"], "expectedRowVersion": visit["rowVersion"] });
                act(&app, &people[n % 2].identity, "appointmentCancel", "appointment { id }", input)
                    .await
                    .ok();
            }
        };
        let silence = async || {
            for _ in 0..3 {
                stop(&app.core, &"+46701740605".parse().unwrap(), "").await.unwrap();
            }
        };
        let set = async || {
            for n in 0..3 {
                let first = if n % 2 == 0 { "MAIL" } else { "SMS" };
                let rungs = json!([{ "rule": "BEFORE_DEADLINE", "first": first }, { "rule": "CONFIRMATION", "first": first },
                                   { "rule": "EVENING_BEFORE", "first": first }]);
                let input = json!({ "careUnitId": unit, "ladder": { "rungs": rungs }, "expectedNumber": round * 3 + n });
                act(&app, &app.world.manager.identity, "reminderLadderSet", "careUnit { id }", input)
                    .await
                    .ok();
            }
        };
        let work = async || {
            for _ in 0..3 {
                worker.tick().await.unwrap();
            }
        };
        let all = async {
            tokio::join!(
                choose(people[0]),
                choose(people[1]),
                cancel(0),
                cancel(1),
                silence(),
                set(),
                work(),
                work()
            )
        };
        tokio::time::timeout(Duration::from_mins(2), all).await.unwrap();
    }
}
