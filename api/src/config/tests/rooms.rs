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
        ("PK_GRAPHQL__MAX_DEPTH", "7"),
        ("PK_DATABASE__MAX_CONNECTIONS", "3"),
    ])
    .unwrap();
    let settings = config.settings();
    assert_eq!((settings.region.as_str(), settings.reminders_enabled), ("99", false));
    assert_eq!(settings.fixed_contacts, crate::session::FixedContactPolicy::SeveralWithLead);
    assert_eq!((config.limits().body_bytes, config.limits().depth), (2048, 7));
    assert_eq!(config.db_options().max_connections, 3);
    assert!(with(&[]).unwrap().db_options().max_connections >= 2);
}

#[test]
fn the_default_limits_are_those_of_the_transport() {
    assert_eq!(Config::default().limits(), crate::http::graphql::limits::Limits::default());
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
    assert_eq!((smtp.host.as_str(), smtp.hello_name.as_str()), ("127.0.0.1", "example.se"));
    assert_eq!(smtp.timeouts.body, Duration::from_secs(9));
    assert_eq!(config.sms_channel().unwrap().from, "Vardkontakt");
}
