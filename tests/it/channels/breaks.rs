//! The database goes away while mail leaves, or has no room: when it is back, everything leaves, and no more comes twice
//! than was on the wire. Judged by what the mail server accepted.

use entity::contact_way::Channel as Kind;
use harness::{
    database,
    process::{Serve, Stage},
    proxy::Proxy,
    smtp::{SmtpOptions, SmtpServer},
};
use patientkontrakt::reminder::worker::WorkerConfig;

use super::kills::{book, booked, extra_copies, leases_end, mail_by, nothing_waits, until};
use crate::process::{
    stopping::crowd,
    storage::{log_size, room},
};

/// A round of the worker did not come to its end, or what became of a mail could not be recorded yet.
async fn it_is_noticed(serve: &Serve) -> bool {
    let metrics = serve.get_at(serve.metrics, "/metrics").await.1;
    let signs =
        ["patientkontrakt_notice_rounds_failed_total", "patientkontrakt_notice_records_repeated_total"];
    signs.iter().any(|sign| metrics.contains(sign))
}

async fn mail_leaves(server: &SmtpServer, serve: &Serve) {
    until("mail leaves", serve, async || server.count("accepted") > 5).await;
}

/// Everything has left in the end, and came twice only where its record could not be written.
async fn all_is_sent(stage: &Stage, serve: &Serve, server: &SmtpServer, mails: usize) {
    until("everything is sent", serve, async || nothing_waits(stage).await).await;
    let (again, on_the_wire) = (extra_copies(server, mails), WorkerConfig::default().at_once);
    assert!(again <= 2 * on_the_wire, "{again}, with {on_the_wire} on the wire");
    assert!(!serve.log().contains("panicked"), "{}", serve.log());
}

#[tokio::test]
async fn a_database_that_is_cut_off_while_mail_leaves_loses_nothing() {
    let stage = Stage::new().await;
    // SQLite has no line.
    if stage.core.db.is_sqlite() {
        return;
    }
    let mut url = reqwest::Url::parse(stage.url()).unwrap();
    let proxy = Proxy::to(url.socket_addrs(|| Some(5432)).unwrap()[0]).await;
    url.set_ip_host(proxy.address.ip()).unwrap();
    url.set_port(Some(proxy.address.port())).unwrap();
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let mut settings = mail_by(&server);
    settings.push(("PK_DATABASE__URL", url.to_string()));
    let serve = booked(&stage, &settings, Kind::Mail).await;
    crowd(&stage, 400).await;
    mail_leaves(&server, &serve).await;
    proxy.cut();
    until("it is noticed", &serve, async || it_is_noticed(&serve).await).await;
    leases_end(&stage).await;
    proxy.mend();
    all_is_sent(&stage, &serve, &server, 401).await;
}

#[tokio::test]
async fn a_database_server_that_crashes_while_mail_leaves_loses_nothing() {
    if database::Kind::picked() != database::Kind::Postgres {
        return;
    }
    let stage = Stage::on(database::crashable().await).await;
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let serve = booked(&stage, &mail_by(&server), Kind::Mail).await;
    crowd(&stage, 400).await;
    mail_leaves(&server, &serve).await;
    stage.database.crash().await;
    // Whether a round fails is chance: the pool may replace its dead connections between two calls.
    assert!(server.count("accepted") < 401, "it crashed in the middle");
    until("the database is back", &serve, async || stage.core.db.ping().await.is_ok()).await;
    leases_end(&stage).await;
    all_is_sent(&stage, &serve, &server, 401).await;
}

/// F30, for the worker: what cannot be recorded is not begun.
#[tokio::test]
async fn a_full_disk_stops_the_sending_and_with_room_again_everything_leaves() {
    if database::Kind::picked() != database::Kind::Sqlite {
        return;
    }
    let stage = Stage::new().await;
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let settings = mail_by(&server);
    let borrowed: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let serve = stage.serve_ignoring_file_limits(&borrowed).await;
    book(&stage, &serve, Kind::Mail).await;
    crowd(&stage, 1_000).await;
    mail_leaves(&server, &serve).await;
    room(&serve, &log_size(&stage).to_string()).await;
    until("it is noticed", &serve, async || it_is_noticed(&serve).await).await;
    let left = server.count("accepted");
    assert!(left < 1_001, "it stopped in the middle");
    room(&serve, "unlimited").await;
    leases_end(&stage).await;
    all_is_sent(&stage, &serve, &server, 1_001).await;
}
