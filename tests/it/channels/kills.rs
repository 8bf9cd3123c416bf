//! F01, F02, F27: a real process is killed at every step between the claim and the record, and started again. Judged by what
//! the mail server and the gateway accepted.

use std::{collections::BTreeMap, time::Duration};

use chrono::TimeDelta;
use entity::{
    contact_way::Channel as Kind,
    notice::{self, Column as C, State},
};
use harness::{
    kannel::Kannel,
    process::{self, PATIENCE, Serve, Stage},
    smtp::{SmtpOptions, SmtpServer},
};
use patientkontrakt::{
    fault::SENDING,
    reminder::{channel::message_id, worker::WorkerConfig},
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{acts::global, process::stopping::crowd};

pub(super) type Settings = Vec<(&'static str, String)>;

/// A process with the confirmation of a visit, due at once, by this channel.
pub(super) async fn booked(stage: &Stage, settings: &Settings, channel: Kind) -> Serve {
    let serve = start(stage, settings).await;
    book(stage, &serve, channel).await;
    serve
}

/// Books a visit whose confirmation is due at once, by this channel.
pub(crate) async fn book(stage: &Stage, serve: &Serve, channel: Kind) {
    let p1 = &stage.world.p1.identity;
    let act = async |who, name: &str, selection: &str, mut input: serde_json::Value| {
        input["idempotencyKey"] = json!(uuid::Uuid::new_v4().to_string());
        serve.act(&stage.token(who), name, selection, input).await.expect("an answer").ok()
    };
    let choice =
        json!({ "kind": "APPOINTMENT", "channel": channel.as_str(), "optedIn": true, "textShown": "Tid" });
    let input = json!({
        "choices": [choice], "contactWays": { "mail": "etta@exempel.se", "phone": "070-174 06 05" },
    });
    act(p1, "reminderPreferencesSet", "preferences { kind }", input).await;
    let visit = global(patientkontrakt::graphql::scalars::NodeKind::AppointmentType, stage.world.visit);
    let input = json!({ "appointmentTypeId": visit, "startsLocal": stage.times(1) });
    let slots = act(&stage.world.s1.identity, "slotPublish", "slots { id }", input).await;
    let input = json!({ "slotId": slots.text("/slotPublish/slots/0/id") });
    act(p1, "appointmentBook", "appointment { id }", input).await;
}

async fn start(stage: &Stage, settings: &Settings) -> Serve {
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    stage.serve(&settings).await
}

async fn confirmation(stage: &Stage) -> Option<notice::Model> {
    notice::Entity::find().filter(C::Rule.eq("CONFIRMATION")).one(stage.core.db.reader()).await.unwrap()
}

/// Waits until something of another process is so.
pub(super) async fn until(what: &str, serve: &Serve, so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < PATIENCE, "{what}: {}", serve.log());
        sleep(Duration::from_millis(50)).await;
    }
}

/// Ends every lease, as time would.
pub(super) async fn leases_end(stage: &Stage) {
    notice::Entity::update_many()
        .col_expr(C::LeasedUntil, Expr::value(stage.core.clock.now() - TimeDelta::seconds(1)))
        .filter(C::State.eq(State::Claimed))
        .exec(stage.core.db.reader())
        .await
        .unwrap();
}

/// Kills a process that stands at `point`, lets the lease end, and starts another; gives what is recorded then.
async fn killed_at(point: &str, settings: &Settings, channel: Kind) -> (Stage, notice::Model) {
    let stage = Stage::new().await;
    let mut faulty = settings.clone();
    faulty.push(("FAULT_POINT", point.to_owned()));
    let mut serve = booked(&stage, &faulty, channel).await;
    until(point, &serve, async || serve.log().contains("fault_point")).await;
    serve.kill().await;
    assert!(!serve.ended(PATIENCE).await.success());
    leases_end(&stage).await;
    let serve = start(&stage, settings).await;
    let done = async || {
        let state = confirmation(&stage).await.map(|n| n.state);
        state.is_some_and(|state| !matches!(state, State::Planned | State::Claimed))
    };
    until("an end", &serve, done).await;
    let found = confirmation(&stage).await.unwrap();
    (stage, found)
}

/// Whether everything that is due has found an end.
pub(super) async fn nothing_waits(stage: &Stage) -> bool {
    let open = C::State.is_in([State::Planned, State::Claimed]).and(C::DueAt.lte(stage.core.clock.now()));
    notice::Entity::find().filter(open).one(stage.core.db.reader()).await.unwrap().is_none()
}

/// How many more copies than mails the server has taken, of `mails` that all must be there.
pub(super) fn extra_copies(server: &SmtpServer, mails: usize) -> usize {
    let mut copies = BTreeMap::new();
    for mail in server.accepted() {
        *copies.entry(mail.header("Message-ID")).or_insert(0) += 1;
    }
    assert_eq!(copies.len(), mails, "nothing is lost");
    copies.values().map(|times: &usize| times - 1).sum()
}

/// Mail by this server.
pub(super) fn mail_by(server: &SmtpServer) -> Settings {
    let mut settings = quick();
    settings.extend([
        ("PK_SMTP__HOST", "localhost".to_owned()),
        ("PK_SMTP__PORT", server.port.to_string()),
        ("PK_SMTP__TLS", "none".to_owned()),
        ("PK_SMTP__FROM", "paminnelse@exempel.se".to_owned()),
    ]);
    settings
}

/// SMS by a gateway of the Kannel kind.
fn texts_by(url: &str, secret: &str) -> Settings {
    let mut settings = quick();
    settings.extend([
        ("PK_SMS__KIND", "kannel".to_owned()),
        ("PK_SMS__URL", url.to_owned()),
        ("PK_SMS__USER", "tester".to_owned()),
        ("PK_SMS__PASSWORD", secret.to_owned()),
        ("PK_SMS__SENDER", "Vard".to_owned()),
    ]);
    settings
}

fn quick() -> Settings {
    vec![("PK_REMINDERS__POLL_INTERVAL_SECONDS", "0.1".to_owned())]
}

#[tokio::test]
async fn killed_at_any_step_a_mail_is_not_lost_and_comes_twice_only_where_its_answer_was_lost() {
    for point in SENDING {
        let server = SmtpServer::start(SmtpOptions::default()).await;
        let settings = mail_by(&server);
        let (_stage, found) = killed_at(point, &settings, Kind::Mail).await;
        assert_eq!(found.state, State::Sent, "{point}");
        let mails = server.accepted();
        assert_eq!(mails.len(), if point == "answered" { 2 } else { 1 }, "{point}");
        let id = message_id(&found.dedupe_key);
        assert!(mails.iter().all(|mail| mail.header("Message-ID").contains(&id)), "{point}: one id");
    }
}

#[tokio::test]
async fn killed_at_any_step_an_sms_comes_once_or_its_fate_is_shown_as_unknown() {
    let kannel = Kannel::start("http://127.0.0.1:9/").await;
    let mut before = 0;
    for point in SENDING {
        let settings = texts_by(&kannel.url, &kannel.secret);
        let (_stage, found) = killed_at(point, &settings, Kind::Sms).await;
        let (state, texts) = match point {
            // The mark stands, and nothing tells whether the text left.
            "begun" => (State::Unknown, 0),
            "answered" => (State::Unknown, 1),
            _ => (State::Sent, 1),
        };
        assert_eq!(found.state, state, "{point}");
        kannel.got(before + texts).await;
        before += texts;
    }
}

/// F01: whatever the process was at. A mail that was on the wire may come once more for each kill.
async fn killed_again_and_again(kills: usize) {
    let (batch, on_the_wire) = (20, WorkerConfig::default().at_once);
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let mut settings = mail_by(&server);
    settings.push(("PK_REMINDERS__BATCH", batch.to_string()));
    let stage = Stage::new().await;
    let mut serve = booked(&stage, &settings, Kind::Mail).await;
    let mails = kills * (batch + on_the_wire) * 2;
    crowd(&stage, mails).await;
    for kill in 0..kills {
        // After another number of mails each time.
        let goal = server.count("accepted") + 1 + kill * 7 % 13;
        until("mail leaves", &serve, async || server.count("accepted") >= goal).await;
        serve.kill().await;
        assert!(!serve.ended(PATIENCE).await.success());
        leases_end(&stage).await;
        serve = start(&stage, &settings).await;
    }
    // So many take longer than anybody waits for one thing.
    while !nothing_waits(&stage).await {
        let before = server.count("accepted");
        let goes_on = async || server.count("accepted") > before || nothing_waits(&stage).await;
        until("mail leaves", &serve, goes_on).await;
    }
    let again = extra_copies(&server, mails + 1);
    assert!(again <= kills * on_the_wire, "{again} of {mails} after {kills} kills");
}

#[tokio::test]
async fn killed_at_any_moment_again_and_again_no_mail_is_lost() {
    killed_again_and_again(8).await;
}

#[tokio::test]
#[ignore = "takes minutes: two hundred kills"]
async fn killed_two_hundred_times_no_mail_is_lost() {
    killed_again_and_again(200).await;
}

#[tokio::test]
async fn told_to_stop_while_texts_leave_it_records_what_left_and_leaves_nothing_claimed() {
    let kannel = Kannel::start("http://127.0.0.1:9/").await;
    let stage = Stage::new().await;
    let mut serve = booked(&stage, &texts_by(&kannel.url, &kannel.secret), Kind::Sms).await;
    crowd(&stage, 400).await;
    until("texts leave", &serve, async || kannel.texts().len() > 5).await;
    serve.terminate().await;
    assert_eq!(serve.ended(PATIENCE).await.code(), Some(0), "{}", serve.log());
    let all = notice::Entity::find().all(stage.core.db.reader()).await.unwrap();
    let of = |state| all.iter().filter(|n| n.state == state).count();
    assert_eq!((of(State::Claimed), of(State::Unknown)), (0, 0));
    assert!(of(State::Planned) > 0, "it stopped in the middle");
    let begun = all.iter().filter(|n| n.state == State::Planned && n.reason.is_some()).count();
    assert_eq!(begun, 0, "what waits bears no mark of a sending");
    kannel.got(of(State::Sent)).await;
}

#[tokio::test]
async fn a_gateway_that_is_out_of_order_is_told_of_and_the_service_stays_in_rotation() {
    let stage = Stage::new().await;
    let nobody = "http://127.0.0.1:9/cgi-bin/sendsms";
    let mut settings = texts_by(nobody, "hemligt");
    settings.push(("PK_REMINDERS__HEARTBEAT_SECONDS", "0.2".to_owned()));
    let serve = booked(&stage, &settings, Kind::Sms).await;
    crowd(&stage, 10).await;
    let told = async |words: &str| {
        let (status, body) = serve.get("/readyz").await;
        assert_eq!(status, 200, "{body}");
        body.contains(words)
    };
    until("the alert", &serve, async || told("sms does not take messages").await).await;
    let measured = serve.get_at(serve.metrics, "/metrics").await.1;
    let of_the_gateway = |line: &str| {
        ["notices_total", "channel=\"sms\"", "outcome=\"retried\"", "reason=\"UNREACHABLE\""]
            .iter()
            .all(|part| line.contains(part))
    };
    assert!(measured.lines().any(of_the_gateway), "{measured}");
    let borrowed: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let run = async |arguments: &[&str]| process::run(&mut stage.command(arguments, &borrowed)).await;
    let doctor = run(&["doctor"]).await;
    assert!(doctor.out.contains("problem  sms does not take messages"), "{doctor:?}");
    let paused = run(&["reminders", "pause", "sms"]).await;
    assert!(paused.status.success(), "{paused:?}");
    until("the pause", &serve, async || told("sms is paused since").await).await;
    assert!(run(&["reminders", "resume", "sms"]).await.status.success());
    until("no pause", &serve, async || !told("sms is paused since").await).await;
}

/// F27. On SQLite there is no second process. Wherever it is frozen, in a transaction too: the database ends one that
/// stands idle, so that what it has locked can be sent by others.
#[tokio::test]
async fn an_instance_that_stood_still_beyond_its_lease_sends_nothing_again_but_what_was_on_the_wire() {
    let stage = Stage::new().await;
    if stage.core.db.is_sqlite() {
        return;
    }
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let mut settings = mail_by(&server);
    settings.push(("PK_REMINDERS__BATCH", "200".to_owned()));
    let frozen = booked(&stage, &settings, Kind::Mail).await;
    crowd(&stage, 300).await;
    until("mail leaves", &frozen, async || server.count("accepted") > 5).await;
    frozen.freeze().await;
    leases_end(&stage).await;
    let other = start(&stage, &settings).await;
    until("everything is sent", &other, async || nothing_waits(&stage).await).await;
    frozen.thaw().await;
    let fenced =
        async || frozen.get_at(frozen.metrics, "/metrics").await.1.contains("outcome=\"lease_lost\"");
    until("it learns that its lease is lost", &frozen, fenced).await;
    let mut frozen = frozen;
    frozen.terminate().await;
    assert_eq!(frozen.ended(PATIENCE).await.code(), Some(0), "{}", frozen.log());
    let on_the_wire = WorkerConfig::default().at_once;
    let again = extra_copies(&server, 301);
    assert!(again <= on_the_wire, "{again} of at most {on_the_wire}");
}
