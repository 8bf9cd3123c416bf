//! What must hold between settings, and what production refuses.

use std::{collections::BTreeSet, ops::RangeInclusive, time::Duration};

use tracing_subscriber::EnvFilter;

use super::{Config, Mode, Origin, Problem, SmsKind};
use crate::{
    calendar::SendingHours,
    domain::phone::EmailAddress,
    reminder::{
        channel::smtp::TlsMode,
        render::{LINKED_BASE, is_a_name},
    },
};

/// The issuer of tokens that the demo makes for itself. `.invalid` can never be a real host.
pub const DEMO_ISSUER: &str = "https://demo.patientkontrakt.invalid/";

/// Adds a problem for everything in `config` that cannot be run with.
///
/// Settings in `unread` have a problem already and stand at their default, which would only mislead.
pub(super) fn check(config: &Config, unread: &BTreeSet<&'static str>, problems: &mut Vec<Problem>) {
    let mut check = Check { config, unread, problems };
    check.http();
    check.database();
    check.auth();
    check.encryption();
    check.smtp();
    check.sms();
    check.reminders();
    check.region();
    check.booking();
    check.log();
}

/// The same for a command that uses the database and nothing else.
pub(super) fn check_database(config: &Config, unread: &BTreeSet<&'static str>, problems: &mut Vec<Problem>) {
    let mut check = Check { config, unread, problems };
    check.database();
    check.log();
}

/// The same for a command that issues tokens and does nothing else.
pub(super) fn check_tokens(config: &Config, unread: &BTreeSet<&'static str>, problems: &mut Vec<Problem>) {
    Check { config, unread, problems }.auth();
}

struct Check<'a> {
    config: &'a Config,
    unread: &'a BTreeSet<&'static str>,
    problems: &'a mut Vec<Problem>,
}

impl Check<'_> {
    /// Notes that the setting `key` does not fit.
    fn wrong(&mut self, key: &str, reason: impl AsRef<str>) {
        if self.unread.contains(key) {
            return;
        }
        let (origin, reason) = (self.config.origin(key), reason.as_ref());
        self.problems.push(Problem(match origin {
            Origin::Default => {
                format!("{key} {reason} (set it in the file or by {})", super::source::variable(key))
            }
            _ => format!("{origin}: {key} {reason}"),
        }));
    }

    fn wrong_if(&mut self, wrong: bool, key: &str, reason: &str) {
        if wrong {
            self.wrong(key, reason);
        }
    }

    fn whole(&mut self, key: &str, value: usize, allowed: RangeInclusive<usize>) {
        if !allowed.contains(&value) {
            self.wrong(key, format!("must be {} to {}, not {value}", allowed.start(), allowed.end()));
        }
    }

    fn seconds(&mut self, key: &str, value: Duration, allowed: RangeInclusive<f64>) {
        let value = value.as_secs_f64();
        if !allowed.contains(&value) {
            let (least, most) = (allowed.start(), allowed.end());
            self.wrong(key, format!("must be {least} to {most} seconds, not {value}"));
        }
    }

    fn http(&mut self) {
        let (http, graphql) = (&self.config.http, &self.config.graphql);
        self.seconds("http.head_timeout_seconds", http.head_timeout_seconds, 0.1..=60.0);
        self.seconds("http.idle_seconds", http.idle_seconds, 1.0..=3600.0);
        self.seconds("http.request_timeout_seconds", http.request_timeout_seconds, 0.1..=300.0);
        self.seconds("http.shutdown_grace_seconds", http.shutdown_grace_seconds, 0.0..=300.0);
        self.whole("http.body_limit_bytes", http.body_limit_bytes, 1024..=16_777_216);
        self.whole("http.rate_per_second", http.rate_per_second as usize, 1..=100_000);
        self.whole("http.rate_burst", http.rate_burst as usize, 1..=1_000_000);
        self.whole("graphql.max_tokens", graphql.max_tokens, 10..=100_000);
        self.whole("graphql.max_depth", graphql.max_depth, 1..=32);
        self.whole("graphql.max_complexity", graphql.max_complexity, 1..=1_000_000);
        self.whole("graphql.max_aliases", graphql.max_aliases, 0..=1000);
        self.whole("graphql.max_directives", graphql.max_directives, 0..=1000);
        self.whole("graphql.max_root_fields", graphql.max_root_fields, 1..=1000);
        self.whole("graphql.max_fields", graphql.max_fields, 1..=100_000);
        self.whole("graphql.cached_documents", graphql.cached_documents, 0..=100_000);
        self.whole("graphql.cached_document_bytes", graphql.cached_document_bytes, 0..=1_048_576);
        let ws = &self.config.websocket;
        self.whole("websocket.max_message_bytes", ws.max_message_bytes, 1024..=16_777_216);
        self.whole("websocket.max_operations", ws.max_operations, 1..=1000);
        self.seconds("websocket.init_timeout_seconds", ws.init_timeout_seconds, 1.0..=60.0);
        self.seconds("websocket.send_timeout_seconds", ws.send_timeout_seconds, 1.0..=60.0);
        self.seconds("websocket.idle_seconds", ws.idle_seconds, 1.0..=600.0);
        let metrics = self.config.metrics.listen;
        self.wrong_if(
            metrics == http.listen && metrics.port() != 0,
            "metrics.listen",
            "must not be the address of http.listen: clients must not reach the measurements",
        );
    }

    fn database(&mut self) {
        let database = &self.config.database;
        self.wrong_if(
            database.url.sqlite_file().is_some_and(|file| file.as_os_str().is_empty()),
            "database.url",
            "must name a file after \"sqlite:\", such as \"sqlite://data/patientkontrakt.db?mode=rwc\"",
        );
        self.seconds("database.timeout_seconds", database.timeout_seconds, 0.1..=5.0);
        let apart = database.listen_url.as_ref().map(secrecy::ExposeSecret::expose_secret);
        self.wrong_if(
            apart.is_some_and(|url| !url.starts_with("postgres://") && !url.starts_with("postgresql://")),
            "database.listen_url",
            "must begin with postgres://",
        );
        if let Some(count) = database.max_connections {
            self.whole("database.max_connections", count as usize, 1..=1000);
        }
    }

    fn auth(&mut self) {
        let auth = &self.config.auth;
        let production = self.config.mode == Mode::Production;
        self.wrong_if(auth.issuer.is_empty(), "auth.issuer", "is required");
        self.wrong_if(auth.audience.is_empty(), "auth.audience", "is required");
        self.wrong_if(
            production && auth.issuer == DEMO_ISSUER,
            "auth.issuer",
            "must not be the demo's own issuer in production",
        );
        match (&auth.jwks_url, &auth.jwks_file) {
            (None, None) => self.wrong("auth.jwks_url", "or auth.jwks_file is required"),
            (Some(_), Some(_)) => self.wrong("auth.jwks_file", "must not be set together with auth.jwks_url"),
            (Some(url), None) => self.https("auth.jwks_url", url),
            (None, Some(_)) => {}
        }
        let claims = [
            ("auth.patient_number_claim", &auth.patient_number_claim),
            ("auth.staff_person_claim", &auth.staff_person_claim),
            ("auth.staff_assignment_claim", &auth.staff_assignment_claim),
        ];
        for (i, (key, name)) in claims.iter().enumerate() {
            self.wrong_if(name.is_empty(), key, "must not be empty");
            let taken = claims[..i].iter().any(|(_, other)| other == name);
            self.wrong_if(taken, key, "must differ from the other claim names");
        }
        self.seconds("auth.leeway_seconds", auth.leeway_seconds, 0.0..=300.0);
        self.whole("auth.max_token_bytes", auth.max_token_bytes, 512..=65_536);
        self.seconds("auth.identity_cache_seconds", auth.identity_cache_seconds, 0.0..=55.0);
    }

    fn encryption(&mut self) {
        let encryption = &self.config.encryption;
        let keys = &encryption.keys;
        if keys.is_empty() {
            let hint = match self.config.mode {
                Mode::Production => "is required: one or more \"id:BASE64\" with 32 random bytes each",
                Mode::Demo => "is required; `patientkontrakt demo` makes one in the data directory",
            };
            return self.wrong("encryption.keys", hint);
        }
        let repeated = keys.iter().enumerate().any(|(i, key)| keys[..i].iter().any(|k| k.id == key.id));
        self.wrong_if(repeated, "encryption.keys", "must not use one id for two keys");
        match &encryption.active {
            Some(active) if !keys.iter().any(|key| key.id == *active) => {
                self.wrong("encryption.active", "must be the id of one of encryption.keys");
            }
            None if keys.len() > 1 => {
                self.wrong("encryption.active", "is required when there are several encryption.keys");
            }
            _ => {}
        }
    }

    fn smtp(&mut self) {
        let smtp = &self.config.smtp;
        self.wrong_if(smtp.host.is_some() && smtp.from.is_none(), "smtp.from", "is required with smtp.host");
        if let Some(from) = &smtp.from {
            self.wrong_if(
                EmailAddress::parse(from).is_err(),
                "smtp.from",
                "must be a mail address, such as \"no-reply@example.se\"",
            );
        }
        self.wrong_if(
            smtp.user.is_some() != smtp.password.is_some(),
            "smtp.user",
            "and smtp.password must be set together",
        );
        let local = smtp.host.as_deref().is_some_and(is_loopback);
        self.wrong_if(
            smtp.tls == TlsMode::None && smtp.password.is_some() && !local,
            "smtp.tls",
            "\"none\" would send the password in clear to another machine",
        );
        self.seconds("smtp.connect_timeout_seconds", smtp.connect_timeout_seconds, 0.1..=300.0);
        self.seconds("smtp.command_timeout_seconds", smtp.command_timeout_seconds, 0.1..=300.0);
        self.seconds("smtp.body_timeout_seconds", smtp.body_timeout_seconds, 0.1..=600.0);
        self.whole("smtp.pool_size", smtp.pool_size, 1..=100);
        self.wrong_if(smtp.per_second == Some(0), "smtp.per_second", "must be at least 1");
        let plain = smtp.fallback_hosts.iter().any(|host| smtp.password.is_some() && !is_loopback(host));
        self.wrong_if(
            smtp.tls == TlsMode::None && plain,
            "smtp.tls",
            "\"none\" would send the password in clear to one of smtp.fallback_hosts",
        );
    }

    fn sms(&mut self) {
        let sms = &self.config.sms;
        self.seconds("sms.timeout_seconds", sms.timeout_seconds, 0.1..=300.0);
        if sms.kind == SmsKind::None {
            return;
        }
        self.https("sms.url", &sms.url);
        self.wrong_if(sms.per_second == Some(0), "sms.per_second", "must be at least 1");
        self.wrong_if(
            sms.hooks_url.is_some() != sms.hooks_secret.is_some(),
            "sms.hooks_url",
            "and sms.hooks_secret must be set together",
        );
        if let Some(url) = &sms.hooks_url {
            self.https("sms.hooks_url", url);
        }
        let short = sms.hooks_secret.as_ref().is_some_and(|secret| {
            let secret = secrecy::ExposeSecret::expose_secret(secret);
            secret.len() < 32 || !secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
        self.wrong_if(
            short,
            "sms.hooks_secret",
            "must be at least 32 letters and digits (`openssl rand -hex 32`)",
        );
        self.wrong_if(sms.user.is_none(), "sms.user", "is required with sms.kind");
        self.wrong_if(sms.password.is_none(), "sms.password", "is required with sms.kind");
        let Some(sender) = &sms.sender else {
            return self.wrong("sms.sender", "is required with sms.kind");
        };
        let name = sender.len() <= 11
            && sender.starts_with(|c: char| c.is_ascii_alphabetic())
            && sender.bytes().all(|b| b.is_ascii_alphanumeric());
        let number = sender.strip_prefix('+').is_some_and(|digits| {
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        });
        self.wrong_if(
            !name && !number,
            "sms.sender",
            "must be at most 11 letters (A-Z) and digits, or a number such as \"+46701234567\"",
        );
    }

    fn reminders(&mut self) {
        let reminders = &self.config.reminders;
        let (by, on) = (&reminders.texts_reviewed_by, &reminders.texts_reviewed_on);
        self.wrong_if(
            by.is_some() != on.is_some(),
            "reminders.texts_reviewed_by",
            "and reminders.texts_reviewed_on belong together: who has reviewed the texts, and when",
        );
        self.wrong_if(
            by.as_deref().is_some_and(|name| !is_a_name(name)),
            "reminders.texts_reviewed_by",
            "must be the name of a person",
        );
        let (reference, date) = (&reminders.risk_analysis_reference, &reminders.risk_analysis_date);
        if reference.is_some() != date.is_some() {
            let missing = if date.is_none() {
                "reminders.risk_analysis_date"
            } else {
                "reminders.risk_analysis_reference"
            };
            self.wrong(
                missing,
                "is required: nothing is sent without both reference and date of the decision",
            );
        }
        let no_channel = self.config.smtp.host.is_none() && self.config.sms.kind == SmsKind::None;
        self.wrong_if(
            self.config.mode == Mode::Production && self.config.sending_is_decided() && no_channel,
            "smtp.host",
            "or sms.kind is required: the decision to send reminders is recorded, but there is no way to send",
        );
        let reached = |url: &str| url.starts_with("https://") || url.starts_with("http://127.0.0.1");
        self.wrong_if(
            reminders
                .link_url
                .as_deref()
                .is_some_and(|url| !reached(url) || url.len() > 60 || url.contains(char::is_whitespace)),
            "reminders.link_url",
            "must be an https address of at most 60 characters",
        );
        self.wrong_if(
            reminders.action_links && reminders.link_url.is_none(),
            "reminders.link_url",
            "is required with reminders.action_links",
        );
        let long = |url: &str| url.trim_end_matches('/').len() > LINKED_BASE;
        self.wrong_if(
            reminders.action_links && reminders.link_url.as_deref().is_some_and(long),
            "reminders.link_url",
            "must have at most 25 characters with reminders.action_links: the link does not fit in an SMS otherwise",
        );
        let lease = reminders.lease_seconds;
        for (what, longest) in [
            ("one mail can take (the smtp time-outs added up)", self.config.smtp_timeouts().total()),
            ("one SMS can take (sms.timeout_seconds)", self.config.sms.timeout_seconds),
            ("pass between signs of life (reminders.heartbeat_seconds)", reminders.heartbeat_seconds),
        ] {
            if longest >= lease {
                let (longest, lease) = (longest.as_secs_f64(), lease.as_secs_f64());
                self.wrong(
                    "reminders.lease_seconds",
                    format!("must be longer than the {longest} seconds that {what}, not {lease}: another worker could send the same message"),
                );
            }
        }
        self.seconds("reminders.lease_seconds", lease, 0.5..=3600.0);
        self.seconds("reminders.poll_interval_seconds", reminders.poll_interval_seconds, 0.05..=60.0);
        self.seconds("reminders.heartbeat_seconds", reminders.heartbeat_seconds, 0.1..=600.0);
        self.whole("reminders.batch", reminders.batch, 1..=1000);
        let waits = &reminders.retry_waits_seconds;
        self.wrong_if(
            waits.is_empty() || waits.iter().any(Duration::is_zero),
            "reminders.retry_waits_seconds",
            "must hold at least one wait, each longer than 0",
        );
        self.wrong_if(
            SendingHours::new(reminders.send_from, reminders.send_until).is_none(),
            "reminders.send_until",
            "must be at least one hour later than reminders.send_from",
        );
    }

    fn region(&mut self) {
        let region = &self.config.region;
        self.wrong_if(region.name.is_empty(), "region.name", "is required");
        self.wrong_if(region.coordinating_region.is_empty(), "region.coordinating_region", "is required");
        self.wrong_if(
            !matches!(region.default_language.as_str(), "sv" | "en"),
            "region.default_language",
            "must be \"sv\" or \"en\"",
        );
        let words = &region.doctor_titles;
        self.wrong_if(
            words.is_empty()
                || words.iter().any(|word| word.is_empty() || !word.chars().all(char::is_alphabetic)),
            "region.doctor_titles",
            "must hold at least one word, each of letters alone",
        );
        self.whole("region.missed_call_due_hours", region.missed_call_due_hours as usize, 1..=72);
        self.whole("region.discharge_gap_due_hours", region.discharge_gap_due_hours as usize, 1..=72);
        self.whole("region.slot_hold_minutes", region.slot_hold_minutes as usize, 1..=30);
        self.whole("region.outcome_missing_days", region.outcome_missing_days as usize, 1..=60);
        self.whole("region.contact_request_days", region.contact_request_days as usize, 1..=100);
        self.whole("region.contact_review_days", region.contact_review_days as usize, 1..=1000);
        self.whole("region.schedule_horizon_days", region.schedule_horizon_days as usize, 1..=365);
        self.whole("region.handover_lead_days", region.handover_lead_days as usize, 1..=365);
        self.wrong_if(region.after_hours_phone.is_empty(), "region.after_hours_phone", "must not be empty");
    }

    fn booking(&mut self) {
        let booking = &self.config.booking;
        self.whole("booking.travel_minutes", booking.travel_minutes as usize, 0..=600);
        self.whole("booking.same_unit_gap_minutes", booking.same_unit_gap_minutes as usize, 0..=600);
        self.whole("booking.rebook_within_days", booking.rebook_within_days as usize, 1..=365);
        self.whole("booking.offer_minutes", booking.offer_minutes as usize, 20..=2880);
        self.whole("booking.offer_latest_minutes", booking.offer_latest_minutes as usize, 30..=10080);
        self.whole("booking.wish_answer_working_days", booking.wish_answer_working_days as usize, 1..=100);
    }

    fn log(&mut self) {
        self.wrong_if(
            EnvFilter::try_new(&self.config.log.level).is_err(),
            "log.level",
            "must be error, warn, info, debug or trace, or a list of target=level",
        );
    }

    /// Secrets and keys travel by https only, except on this machine.
    fn https(&mut self, key: &str, address: &str) {
        let fits = reqwest::Url::parse(address).is_ok_and(|url| match url.scheme() {
            "https" => url.has_host(),
            "http" => url.host_str().is_some_and(is_loopback),
            _ => false,
        });
        self.wrong_if(!fits, key, "must be an https:// address (http:// only for this machine)");
    }
}

/// Whether `host` is this machine by its name alone, without asking DNS.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
