//! What each part of the service is given.

use super::*;

#[test]
fn the_active_key_comes_first() {
    let second = "b2:HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let both: &'static str = Box::leak(format!("{KEY},{second}").into_boxed_str());
    let config = with(&[("PK_ENCRYPTION__KEYS", both), ("PK_ENCRYPTION__ACTIVE", "b2")]).unwrap();
    let masters = config.masters();
    assert_eq!(masters.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["b2", "a1"]);
    assert_eq!((masters[0].key[0], masters[1].key[31]), (31, 31));
}

#[test]
fn each_room_gets_its_settings() {
    let config = with(&[
        ("PK_REGION__FIXED_CONTACT_POLICY", "several_with_lead"),
        ("PK_HTTP__BODY_LIMIT_BYTES", "2048"),
        ("PK_HTTP__HEAD_TIMEOUT_SECONDS", "3"),
        ("PK_HTTP__IDLE_SECONDS", "4"),
        ("PK_GRAPHQL__MAX_DEPTH", "7"),
        ("PK_DATABASE__MAX_CONNECTIONS", "3"),
        ("PK_WEBSOCKET__INIT_TIMEOUT_SECONDS", "2"),
        ("PK_WEBSOCKET__MAX_OPERATIONS", "9"),
    ])
    .unwrap();
    assert_eq!((config.ws_limits().init_seconds, config.ws_limits().operations), (2, 9));
    let settings = config.settings();
    assert_eq!((settings.region.as_str(), settings.reminders_enabled), ("99", false));
    assert_eq!(settings.fixed_contacts, crate::session::FixedContactPolicy::SeveralWithLead);
    assert_eq!((config.waits().head.as_secs(), config.waits().idle.as_secs()), (3, 4));
    assert_eq!((config.limits().body_bytes, config.limits().depth), (2048, 7));
    assert_eq!(config.db_options().max_connections, 3);
    assert!(with(&[]).unwrap().db_options().max_connections >= 2);
}

#[test]
fn the_default_limits_are_those_of_the_transport() {
    assert_eq!(Config::default().limits(), crate::http::graphql::limits::Limits::default());
    assert_eq!(Config::default().ws_limits(), crate::http::ws::WsLimits::default());
}

#[test]
fn who_listens_for_other_instances_reaches_the_database_itself_where_a_pooler_stands_before_it() {
    assert_eq!(with(&[]).unwrap().listen_url(), None, "SQLite has one instance");
    let one = ("PK_DATABASE__URL", "postgres://u:p@pooler/pk");
    assert_eq!(with(&[one]).unwrap().listen_url().as_deref(), Some("postgres://u:p@pooler/pk"));
    let both = [one, ("PK_DATABASE__LISTEN_URL", "postgres://u:p@db/pk")];
    assert_eq!(with(&both).unwrap().listen_url().as_deref(), Some("postgres://u:p@db/pk"));
    let wrong = with(&[one, ("PK_DATABASE__LISTEN_URL", "mysql://u:p@db/pk")]).unwrap_err();
    assert!(wrong.iter().any(|problem| problem.contains("database.listen_url")), "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("u:p"));
}

#[test]
fn a_channel_exists_when_it_is_configured() {
    let bare = with(&[]).unwrap();
    assert!(bare.smtp_channel().is_none() && bare.sms_channel().is_none());

    let config = with(&[
        ("PK_SMTP__HOST", "127.0.0.1"),
        ("PK_SMTP__FROM", "no-reply@example.se"),
        ("PK_SMTP__TLS", "none"),
        ("PK_SMTP__BODY_TIMEOUT_SECONDS", "9"),
        ("PK_SMS__KIND", "elks"),
        ("PK_SMS__URL", "http://127.0.0.1:1/sms"),
        ("PK_SMS__USER", "u"),
        ("PK_SMS__PASSWORD", "p"),
        ("PK_SMS__SENDER", "Vardkontakt"),
    ])
    .unwrap();
    let smtp = config.smtp_channel().unwrap();
    assert_eq!(
        (smtp.hosts.as_slice(), smtp.hello_name.as_str()),
        (&["127.0.0.1".to_owned()][..], "example.se")
    );
    assert_eq!(smtp.timeouts.body, Duration::from_secs(9));
    assert_eq!(config.sms_channel().unwrap().from, "Vardkontakt");
}
