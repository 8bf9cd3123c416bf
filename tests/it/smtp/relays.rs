//! Several mail servers, in order: two real ones, at one port of two loopback addresses.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use harness::{
    TestApp,
    smtp::{SmtpOptions, SmtpServer},
};
use patientkontrakt::{
    clock::Clock,
    reminder::channel::{
        Channel as _, FailureCode, Outcome,
        smtp::{Smtp, SmtpConfig},
    },
};

use super::{ACCEPTED, SHORT, config, made, retry, send};

/// A first server with these faults and a second without, and how to reach both.
async fn two(faults: &[&str]) -> (SmtpServer, SmtpServer, SmtpConfig) {
    let options =
        SmtpOptions { faults: faults.iter().map(ToString::to_string).collect(), ..SmtpOptions::default() };
    let first = SmtpServer::start(options).await;
    let listen = Some(([127, 0, 0, 2], first.port).into());
    let second = SmtpServer::start(SmtpOptions { listen, ..SmtpOptions::default() }).await;
    let hosts = vec!["127.0.0.1".to_owned(), "127.0.0.2".to_owned()];
    let config = SmtpConfig { hosts, ..config(&first) };
    (first, second, config)
}

#[tokio::test]
async fn the_second_server_takes_what_the_first_cannot_and_never_what_it_may_have() {
    let unknown = |reason| Outcome::Unknown { reason };
    for (fault, expected, by_second) in [
        ("reply:greeting:421:1", ACCEPTED, 1),
        ("reply:greeting:554:1", ACCEPTED, 1),
        ("hang:greeting:1", ACCEPTED, 1),
        ("reply:ehlo:421:1", ACCEPTED, 1),
        ("reply:mail:451:1", ACCEPTED, 1),
        ("cut:mail:1", ACCEPTED, 1),
        ("cut:rcpt:1", ACCEPTED, 1),
        ("cut:data:1", ACCEPTED, 1),
        // It has answered that it did not take the mail.
        ("reply:body:421:1", ACCEPTED, 1),
        // A mailbox that refuses for now is tried later at the same server, and one that does not exist nowhere.
        ("reply:rcpt:450:1", retry(FailureCode::RefusedForNow), 0),
        ("reply:rcpt:550 5.1.1:1", Outcome::Fail { reason: FailureCode::BadAddress }, 0),
        ("reply:mail:550:1", Outcome::Fail { reason: FailureCode::Refused }, 0),
        // It may have taken the mail.
        ("cut:body:1", unknown(FailureCode::ConnectionLost), 0),
        ("hang:body:1", unknown(FailureCode::Timeout), 0),
    ] {
        let (first, second, mut config) = two(&[fault]).await;
        config.timeouts.greeting = if fault == "hang:greeting:1" { SHORT } else { config.timeouts.greeting };
        config.timeouts.body = if fault == "hang:body:1" { SHORT } else { config.timeouts.body };
        let smtp = made(config).unwrap();
        assert_eq!(send(&smtp, "one").await, expected, "{fault}");
        assert_eq!((first.accepted().len(), second.accepted().len()), (0, by_second), "{fault}");
        // The next mail goes to the first again, unless nobody knows what became of this one.
        assert_eq!(send(&smtp, "two").await, ACCEPTED, "after {fault}");
        let after = if matches!(expected, Outcome::Unknown { .. }) { (0, 1) } else { (1, by_second) };
        assert_eq!((first.accepted().len(), second.accepted().len()), after, "after {fault}");
    }
}

#[tokio::test]
async fn a_server_that_fails_again_and_again_is_passed_over_told_of_and_tried_after_a_while() {
    let (first, second, config) = two(&["reply:greeting:421:5"]).await;
    let clock = Clock::manual("2027-02-01T08:00:00Z".parse().unwrap());
    let smtp = Smtp::new(config, clock.clone()).unwrap();
    for n in 0..7 {
        assert_eq!(send(&smtp, &format!("{n}")).await, ACCEPTED);
    }
    assert_eq!((first.count("connected"), second.accepted().len()), (5, 7), "passed over after five");
    let told = smtp.trouble();
    assert!(told.len() == 1 && told[0].contains("127.0.0.1"), "{told:?}");
    clock.advance(TimeDelta::seconds(30));
    assert_eq!(send(&smtp, "later").await, ACCEPTED);
    assert_eq!((first.accepted().len(), second.accepted().len()), (1, 7), "it is well again");
    assert!(smtp.trouble().is_empty());
}

#[tokio::test]
async fn when_no_server_takes_mail_nothing_is_lost_and_both_are_tried() {
    let (first, second, config) = two(&["reply:greeting:421"]).await;
    drop(second);
    let smtp = made(config).unwrap();
    for n in 0..6 {
        assert!(matches!(send(&smtp, &format!("{n}")).await, Outcome::Retry { .. }), "{n}");
    }
    assert_eq!((first.count("connected"), first.accepted().len()), (6, 0), "the worker decides how often");
}

#[tokio::test]
async fn a_service_with_two_servers_in_its_configuration_uses_both() {
    let (first, second, _) = two(&["reply:greeting:421:1"]).await;
    let port = first.port.to_string();
    let app = TestApp::with(&[
        ("smtp.host", "127.0.0.1"),
        ("smtp.fallback_hosts", "127.0.0.2"),
        ("smtp.port", &port),
        ("smtp.tls", "none"),
        ("smtp.from", "paminnelse@exempel.se"),
    ])
    .await;
    let config = app.config.smtp_channel().unwrap();
    assert_eq!(config.timeouts.total(), app.config.smtp_timeouts().total(), "both within the time of one");
    let smtp = made(config).unwrap();
    for key in ["one", "two"] {
        assert_eq!(send(&smtp, key).await, ACCEPTED);
    }
    assert_eq!((first.accepted().len(), second.accepted().len()), (1, 1));
    assert!(app.config.worker().lease > Duration::ZERO);
}

#[tokio::test]
async fn a_server_that_hangs_with_the_content_leaves_the_next_mails_to_the_second_and_is_seldom_tried() {
    let unknown = Outcome::Unknown { reason: FailureCode::Timeout };
    let (first, second, mut config) = two(&["hang:body"]).await;
    config.timeouts.body = Duration::from_secs(1);
    let clock = Clock::manual("2027-02-01T08:00:00Z".parse().unwrap());
    let smtp = Smtp::new(config, clock.clone()).unwrap();
    for (minutes, again) in [(0, 1), (5, 2), (10, 3)] {
        clock.advance(TimeDelta::minutes(minutes));
        assert_eq!(send(&smtp, "one").await, unknown, "never elsewhere in the same attempt");
        for key in ["one", "two"] {
            assert_eq!(send(&smtp, key).await, ACCEPTED, "{minutes}");
        }
        assert_eq!((first.accepted().len(), second.accepted().len()), (0, 2 * again), "{minutes}");
        assert_eq!(smtp.trouble().len(), 1, "{minutes}");
    }
}

#[tokio::test]
async fn of_many_mails_at_once_a_server_in_doubt_gets_one() {
    let unknown = Outcome::Unknown { reason: FailureCode::Timeout };
    let (_first, second, mut config) = two(&["hang:body"]).await;
    config.timeouts.body = Duration::from_secs(1);
    let clock = Clock::manual("2027-02-01T08:00:00Z".parse().unwrap());
    let smtp = Smtp::new(config, clock.clone()).unwrap();
    assert_eq!(send(&smtp, "first").await, unknown);
    clock.advance(TimeDelta::minutes(5));
    let keys: Vec<String> = (0..8).map(|n| n.to_string()).collect();
    let came = join_all(keys.iter().map(|key| send(&smtp, key))).await;
    assert_eq!(came.iter().filter(|outcome| **outcome == unknown).count(), 1, "{came:?}");
    assert_eq!(second.accepted().len(), 7);
}
