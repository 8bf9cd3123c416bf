//! Mail against a real server: what it accepted, and what the channel made of each fault.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod relays;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use harness::smtp::{SmtpOptions, SmtpServer};
use patientkontrakt::{
    clock::Clock,
    locale::Locale,
    reminder::{
        Detail, Rule,
        channel::{
            Channel as _, FailureCode, Outcome, Outgoing, Recipient,
            smtp::{Smtp, SmtpConfig, SmtpConfigError, Timeouts, TlsMode},
        },
        render::{Facts, Kind, Renderer, Visit},
    },
};
use tokio::time::timeout;

/// Long enough for a busy machine, short enough to wait for.
const PATIENCE: Duration = Duration::from_secs(20);
/// A phase that is meant to time out.
const SHORT: Duration = Duration::from_millis(300);

fn config(server: &SmtpServer) -> SmtpConfig {
    SmtpConfig {
        hosts: vec!["localhost".to_owned()],
        port: server.port,
        tls: TlsMode::None,
        ca_file: None,
        user: None,
        password: None,
        hello_name: "pk.test".to_owned(),
        from: "paminnelse@exempel.se".parse().unwrap(),
        timeouts: Timeouts { body: PATIENCE, ..Timeouts::default() },
        pool_size: 2,
    }
}

fn encrypted(server: &SmtpServer, tls: TlsMode) -> SmtpConfig {
    SmtpConfig { tls, ca_file: Some(server.ca_file.clone()), ..config(server) }
}

fn with_login(config: SmtpConfig) -> SmtpConfig {
    SmtpConfig { user: Some("pk".to_owned()), password: Some("hemligt".to_owned().into()), ..config }
}

fn outgoing(key: &str) -> Outgoing {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let renderer = Renderer::new(&"paminnelse@exempel.se".parse().unwrap()).unwrap();
    let facts = Facts {
        language: Locale::Sv.into(),
        until: None,
        kind: Kind::Reminder(Rule::WeekBefore),
        visit: Some(Visit {
            appointment_id: uuid::Uuid::from_u128(7),
            sequence: 1,
            starts_at: at("2027-06-23T08:00:00Z"),
            ends_at: at("2027-06-23T08:30:00Z"),
            cancel_by: at("2027-06-21T22:00:00Z"),
            changed_at: at("2027-06-01T12:00:00Z"),
        }),
        unit_name: "Björkens vårdcentral".to_owned(),
        unit_address: None,
        unit_phone: "+468123456".to_owned(),
        sender_name: "Björkens vårdcentral, Region Ö".to_owned(),
        detail: Detail::TimeOnly,
        sensitive: false,
        unsubscribe_url: Some("https://exempel.se/a/0123456789".to_owned()),
        action_url: None,
    };
    let to = Recipient::Mail("anna@exempel.se".parse().unwrap());
    Outgoing::new(key, to, renderer.render(&facts).unwrap())
}

fn yes<'a>() -> BoxFuture<'a, bool> {
    Box::pin(async { true })
}

fn made(config: SmtpConfig) -> Result<Smtp, SmtpConfigError> {
    Smtp::new(config, Clock::system())
}

async fn send(smtp: &Smtp, key: &str) -> Outcome {
    timeout(PATIENCE, smtp.send(&outgoing(key), &yes)).await.expect("every send ends")
}

const ACCEPTED: Outcome = Outcome::Accepted { provider_ref: None };

fn retry(reason: FailureCode) -> Outcome {
    Outcome::Retry { reason, after: None }
}

#[tokio::test]
async fn an_accepted_mail_arrives_whole_with_a_stable_id() {
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let smtp = made(config(&server)).unwrap();
    assert_eq!(send(&smtp, "one").await, ACCEPTED);
    assert_eq!(send(&smtp, "one").await, ACCEPTED);
    assert_eq!(send(&smtp, "two").await, ACCEPTED);
    let mails = server.accepted();
    assert_eq!(mails.len(), 3);
    let mail = &mails[0];
    assert_eq!(
        (mail.sender.as_str(), mail.recipients.as_slice()),
        ("paminnelse@exempel.se", &["anna@exempel.se".to_owned()][..])
    );
    assert_eq!(mail.header("Message-ID"), mails[1].header("Message-ID"));
    assert_ne!(mail.header("Message-ID"), mails[2].header("Message-ID"));
    assert!(mail.header("Message-ID").ends_with("@exempel.se>"));
    assert!(mail.header("From").ends_with("<paminnelse@exempel.se>"));
    assert_eq!(mail.header("To"), "anna@exempel.se");
    assert_eq!(mail.header("Subject"), "Onsdag 23 juni 2027 kl. 10.00: bokad tid");
    assert_eq!(mail.header("List-Unsubscribe"), "<https://exempel.se/a/0123456789>");
    assert_eq!(mail.header("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    for part in
        ["multipart/alternative", "text/plain", "text/html", "text/calendar; charset=utf-8; method=PUBLISH"]
    {
        assert!(mail.content.contains(part), "{part}");
    }
    // One connection for all three: it is reused.
    assert_eq!(server.count("connected"), 1);
}

#[tokio::test]
async fn a_temporary_refusal_at_any_phase_is_tried_again_and_a_permanent_one_is_not() {
    for (phase, permanent) in [
        ("greeting", Outcome::Fail { reason: FailureCode::Refused }),
        ("ehlo", Outcome::Fail { reason: FailureCode::Refused }),
        ("mail", Outcome::Fail { reason: FailureCode::Refused }),
        // Nothing in a bare code says that it is the address.
        ("rcpt", Outcome::Fail { reason: FailureCode::Refused }),
        ("data", Outcome::Fail { reason: FailureCode::Refused }),
        ("body", Outcome::Fail { reason: FailureCode::Refused }),
    ] {
        // Before there is a recipient it is the server that is out of order.
        let early = matches!(phase, "greeting" | "ehlo" | "mail");
        let temporary = retry(if early { FailureCode::Unavailable } else { FailureCode::RefusedForNow });
        for (code, expected) in [
            (421, retry(FailureCode::Unavailable)),
            (450, temporary.clone()),
            (451, temporary.clone()),
            (452, temporary.clone()),
            (550, permanent.clone()),
            (554, Outcome::Fail { reason: FailureCode::Refused }),
        ] {
            let server = SmtpServer::start(SmtpOptions::faults([&format!("reply:{phase}:{code}:1")])).await;
            let smtp = made(config(&server)).unwrap();
            assert_eq!(send(&smtp, "one").await, expected, "{phase} {code}");
            assert!(server.accepted().is_empty(), "{phase} {code}");
            // The next mail is unharmed.
            assert_eq!(send(&smtp, "two").await, ACCEPTED, "after {phase} {code}");
            assert_eq!(server.accepted().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_relays_policy_is_not_held_against_the_address() {
    let fail = |reason| Outcome::Fail { reason };
    for (reply, expected) in [
        ("550 5.7.1", fail(FailureCode::Refused)),
        ("553 5.7.1", fail(FailureCode::Refused)),
        ("502", fail(FailureCode::Refused)),
        ("552", retry(FailureCode::RefusedForNow)),
        ("550 5.2.2", retry(FailureCode::RefusedForNow)),
        ("550 5.1.1", fail(FailureCode::BadAddress)),
        ("553", fail(FailureCode::Refused)),
    ] {
        let server = SmtpServer::start(SmtpOptions::faults([&format!("reply:rcpt:{reply}:1")])).await;
        let smtp = made(config(&server)).unwrap();
        assert_eq!(send(&smtp, "one").await, expected, "{reply}");
        assert!(server.accepted().is_empty(), "{reply}");
    }
}

#[tokio::test]
async fn each_phase_has_its_own_time_out() {
    type Shorten = fn(&mut Timeouts);
    let phases: [(&str, Shorten, Outcome); 6] = [
        ("greeting", |t| t.greeting = SHORT, retry(FailureCode::Timeout)),
        ("ehlo", |t| t.greeting = SHORT, retry(FailureCode::Timeout)),
        ("mail", |t| t.mail = SHORT, retry(FailureCode::Timeout)),
        ("rcpt", |t| t.rcpt = SHORT, retry(FailureCode::Timeout)),
        ("data", |t| t.data = SHORT, retry(FailureCode::Timeout)),
        ("body", |t| t.body = SHORT, Outcome::Unknown { reason: FailureCode::Timeout }),
    ];
    for (phase, shorten, expected) in phases {
        let server = SmtpServer::start(SmtpOptions::faults([&format!("hang:{phase}:1")])).await;
        let mut config = config(&server);
        shorten(&mut config.timeouts);
        let smtp = made(config).unwrap();
        assert_eq!(send(&smtp, "one").await, expected, "{phase}");
        assert!(server.accepted().is_empty(), "{phase}");
        // The connection that hung is not used again.
        assert_eq!(send(&smtp, "two").await, ACCEPTED, "after {phase}");
        assert_eq!(server.accepted()[0].connection, 2, "{phase}");
    }
}

#[tokio::test]
async fn what_is_taken_back_while_the_server_takes_its_time_is_not_handed_over() {
    let server = SmtpServer::start(SmtpOptions::faults(["slow:data:1"])).await;
    let smtp = made(config(&server)).unwrap();
    let looks = AtomicUsize::new(0);
    let still = || -> BoxFuture<'_, bool> {
        let first = looks.fetch_add(1, Ordering::SeqCst) == 0;
        Box::pin(async move { first })
    };
    let message = outgoing("one");
    assert_eq!(timeout(PATIENCE, smtp.send(&message, &still)).await.unwrap(), Outcome::Withheld);
    assert!(server.accepted().is_empty());
    // The server waits for the content on that connection: the next mail has one of its own.
    assert_eq!(send(&smtp, "two").await, ACCEPTED);
    let mails = server.accepted();
    assert_eq!((mails.len(), mails[0].connection), (1, 2));
}

#[tokio::test]
async fn a_login_or_a_handshake_that_hangs_times_out() {
    let options = SmtpOptions {
        tls: Some("starttls"),
        login: Some(("pk", "hemligt")),
        ..SmtpOptions::faults(["hang:auth:1"])
    };
    let server = SmtpServer::start(options).await;
    let mut slow = with_login(encrypted(&server, TlsMode::Starttls));
    slow.timeouts.auth = SHORT;
    let smtp = made(slow).unwrap();
    assert_eq!(send(&smtp, "one").await, retry(FailureCode::Timeout));
    assert_eq!(send(&smtp, "one").await, ACCEPTED);
    // A listener that takes the connection and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut config = SmtpConfig { port, ..encrypted(&server, TlsMode::Tls) };
    config.timeouts = Timeouts { connect: SHORT, tls: SHORT, greeting: SHORT, ..config.timeouts };
    assert_eq!(send(&made(config).unwrap(), "one").await, retry(FailureCode::Timeout));
}

#[tokio::test]
async fn a_server_that_takes_no_connection_is_tried_again() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let server = SmtpServer::start(SmtpOptions::default()).await;
    for tls in [TlsMode::None, TlsMode::Tls] {
        let smtp = made(SmtpConfig { port, tls, ..config(&server) }).unwrap();
        assert_eq!(send(&smtp, "one").await, retry(FailureCode::Unreachable), "{tls:?}");
    }
}

#[tokio::test]
async fn a_connection_lost_before_the_body_is_tried_again_and_one_lost_after_it_is_unknown() {
    for (phase, expected) in [
        ("mail", retry(FailureCode::ConnectionLost)),
        ("rcpt", retry(FailureCode::ConnectionLost)),
        ("data", retry(FailureCode::ConnectionLost)),
        ("body", Outcome::Unknown { reason: FailureCode::ConnectionLost }),
    ] {
        let server = SmtpServer::start(SmtpOptions::faults([&format!("cut:{phase}:1")])).await;
        let smtp = made(config(&server)).unwrap();
        assert_eq!(send(&smtp, "one").await, expected, "{phase}");
        assert!(server.accepted().is_empty());
    }
    // Accepted, and the answer lost: the same message again has the same id.
    for fault in ["cut:accepted:1", "hang:accepted:1"] {
        let server = SmtpServer::start(SmtpOptions::faults([fault])).await;
        let mut config = config(&server);
        config.timeouts.body = Duration::from_secs(2);
        let smtp = made(config).unwrap();
        assert!(matches!(send(&smtp, "one").await, Outcome::Unknown { .. }), "{fault}");
        assert_eq!(send(&smtp, "one").await, ACCEPTED);
        let ids: Vec<_> = server.accepted().iter().map(|mail| mail.header("Message-ID")).collect();
        assert_eq!(ids.len(), 2);
        assert_eq!(ids[0], ids[1]);
    }
}

#[tokio::test]
async fn a_cancelled_send_cannot_give_its_answer_to_the_next_mail() {
    let server = SmtpServer::start(SmtpOptions::faults(["hang:body:1"])).await;
    let smtp = Arc::new(made(config(&server)).unwrap());
    let first = outgoing("one");
    let cancelled = timeout(Duration::from_secs(1), smtp.send(&first, &yes)).await;
    assert!(cancelled.is_err(), "the server holds its answer back");
    assert_eq!(send(&smtp, "two").await, ACCEPTED);
    let mails = server.accepted();
    assert_eq!((mails.len(), mails[0].connection), (1, 2));
}

#[tokio::test]
async fn a_pooled_connection_that_the_server_closed_is_replaced() {
    let server = SmtpServer::start(SmtpOptions::faults(["reply:rcpt:421:1"])).await;
    let smtp = made(config(&server)).unwrap();
    assert_eq!(send(&smtp, "one").await, retry(FailureCode::Unavailable));
    for key in ["two", "three"] {
        assert_eq!(send(&smtp, key).await, ACCEPTED);
    }
    assert_eq!(server.count("connected"), 2);
}

#[tokio::test]
async fn mail_goes_encrypted_and_logged_in() {
    for (mode, tls) in [("starttls", TlsMode::Starttls), ("tls", TlsMode::Tls)] {
        let options =
            SmtpOptions { tls: Some(mode), login: Some(("pk", "hemligt")), ..SmtpOptions::default() };
        let server = SmtpServer::start(options).await;
        let smtp = made(with_login(encrypted(&server, tls))).unwrap();
        assert_eq!(send(&smtp, "one").await, ACCEPTED, "{mode}");
        assert_eq!(send(&smtp, "two").await, ACCEPTED, "{mode}");
        let mails = server.accepted();
        assert!(mails.iter().all(|mail| mail.tls && mail.user.as_deref() == Some("pk")), "{mode}");
        assert_eq!((mails.len(), server.count("connected"), server.count("auth")), (2, 1, 1));
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_gets_no_mail_and_no_password() {
    for (mode, tls) in [("starttls", TlsMode::Starttls), ("tls", TlsMode::Tls)] {
        let options =
            SmtpOptions { tls: Some(mode), login: Some(("pk", "hemligt")), ..SmtpOptions::default() };
        let server = SmtpServer::start(options).await;
        let untrusted = SmtpConfig { ca_file: None, ..with_login(encrypted(&server, tls)) };
        let smtp = made(untrusted).unwrap();
        assert_eq!(send(&smtp, "one").await, retry(FailureCode::Tls), "{mode}");
        assert_eq!((server.accepted().len(), server.count("auth")), (0, 0));
    }
}

#[tokio::test]
async fn nothing_is_sent_when_starttls_is_stripped_or_refused() {
    let stripped = SmtpServer::start(SmtpOptions::default()).await;
    let config_of = |server: &SmtpServer| with_login(SmtpConfig { tls: TlsMode::Starttls, ..config(server) });
    let smtp = made(config_of(&stripped)).unwrap();
    assert_eq!(send(&smtp, "one").await, retry(FailureCode::Tls));
    assert_eq!((stripped.accepted().len(), stripped.count("auth")), (0, 0));
    for fault in ["reply:starttls:454", "reply:starttls:502", "inject:starttls", "hang:starttls"] {
        let options = SmtpOptions { tls: Some("starttls"), ..SmtpOptions::faults([fault]) };
        let server = SmtpServer::start(options).await;
        let mut config = SmtpConfig { ca_file: Some(server.ca_file.clone()), ..config_of(&server) };
        config.timeouts = Timeouts { tls: SHORT, greeting: Duration::from_secs(2), ..config.timeouts };
        let smtp = made(config).unwrap();
        let outcome = send(&smtp, "one").await;
        let expected = if fault == "hang:starttls" { FailureCode::Timeout } else { FailureCode::Tls };
        assert_eq!(outcome, retry(expected), "{fault}");
        assert_eq!((server.accepted().len(), server.count("auth")), (0, 0), "{fault}");
    }
}

#[tokio::test]
async fn a_refused_login_is_tried_again_after_repair() {
    let options =
        SmtpOptions { tls: Some("starttls"), login: Some(("pk", "hemligt")), ..SmtpOptions::default() };
    let server = SmtpServer::start(options).await;
    let wrong = SmtpConfig {
        password: Some("fel".to_owned().into()),
        ..with_login(encrypted(&server, TlsMode::Starttls))
    };
    assert_eq!(send(&made(wrong).unwrap(), "one").await, retry(FailureCode::Auth));
    // A server without a login we know.
    let none = SmtpServer::start(SmtpOptions { tls: Some("tls"), ..SmtpOptions::default() }).await;
    let smtp = made(with_login(encrypted(&none, TlsMode::Tls))).unwrap();
    assert_eq!(send(&smtp, "one").await, retry(FailureCode::Auth));
    assert!(server.accepted().is_empty() && none.accepted().is_empty());
}

#[tokio::test]
async fn a_password_over_an_open_line_is_refused_at_start() {
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let open = SmtpConfig { hosts: vec!["mail.exempel.se".to_owned()], ..with_login(config(&server)) };
    assert!(matches!(made(open), Err(SmtpConfigError::PasswordInPlain)));
    let half = SmtpConfig { password: None, ..with_login(config(&server)) };
    assert!(matches!(made(half), Err(SmtpConfigError::HalfCredentials)));
    let missing =
        SmtpConfig { tls: TlsMode::Tls, ca_file: Some("/nowhere/ca.pem".into()), ..config(&server) };
    assert!(matches!(made(missing), Err(SmtpConfigError::CaFile(_))));
    // On the machine itself it is allowed.
    let local =
        SmtpServer::start(SmtpOptions { login: Some(("pk", "hemligt")), ..SmtpOptions::default() }).await;
    assert_eq!(send(&made(with_login(config(&local))).unwrap(), "one").await, ACCEPTED);
}

#[tokio::test]
async fn a_header_cannot_be_smuggled_in() {
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let smtp = made(config(&server)).unwrap();
    for smuggle in [
        |m: &mut Outgoing| m.rendered.subject += "\r\nBcc: x@exempel.se",
        |m: &mut Outgoing| m.rendered.sender_name += "\r\nBcc: x@exempel.se",
        |m: &mut Outgoing| m.rendered.unsubscribe_url = Some("https://x>\r\nBcc: x@exempel.se".to_owned()),
        |m: &mut Outgoing| m.message_id += "\r\nBcc: x@exempel.se",
    ] {
        let mut message = outgoing("one");
        smuggle(&mut message);
        assert_eq!(smtp.send(&message, &yes).await, Outcome::Fail { reason: FailureCode::BadMessage });
    }
    // A dot alone on a line does not end the mail early.
    let mut message = outgoing("two");
    message.rendered.text = "före\r\n.\r\nMAIL FROM:<x@exempel.se>\r\nefter".to_owned();
    assert_eq!(smtp.send(&message, &yes).await, ACCEPTED);
    assert_eq!(server.accepted().len(), 1);
}

#[tokio::test]
async fn what_is_no_longer_to_leave_when_the_body_would_begin_is_not_accepted() {
    let server = SmtpServer::start(SmtpOptions::default()).await;
    let smtp = made(config(&server)).unwrap();
    let message = outgoing("one");
    for _ in 0..2 {
        assert_eq!(smtp.send(&message, &|| Box::pin(async { false })).await, Outcome::Withheld);
        assert!(server.accepted().is_empty());
    }
    // The connection is in step, and the next mail has no recipient but its own.
    assert_eq!(send(&smtp, "two").await, ACCEPTED);
    let mails = server.accepted();
    assert_eq!((mails.len(), mails[0].recipients.len(), server.count("connected")), (1, 1, 1));
}
