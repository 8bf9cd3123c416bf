#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, path::Path, time::Duration};

use secrecy::ExposeSecret;

use super::*;

const KEY: &str = "a1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The least that production needs.
fn production() -> Vec<(&'static str, &'static str)> {
    vec![
        ("PK_AUTH__ISSUER", "https://idp.example.se/"),
        ("PK_AUTH__AUDIENCE", "patientkontrakt"),
        ("PK_AUTH__JWKS_URL", "https://idp.example.se/jwks"),
        ("PK_ENCRYPTION__KEYS", KEY),
        ("PK_REGION__NAME", "Region Exempel"),
        ("PK_REGION__COORDINATING_REGION", "99"),
    ]
}

fn load(file: Option<&Path>, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let sources = Sources {
        file: file.map(Path::to_owned),
        environment: variables.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        options: Vec::new(),
    };
    Config::load(&sources).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn with(extra: &[(&'static str, &'static str)]) -> Result<Config, Vec<String>> {
    let mut variables = production();
    variables.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    variables.extend(extra);
    load(None, &variables)
}

/// The only problem of production with `extra`.
fn problem(extra: &[(&'static str, &'static str)]) -> String {
    let problems = with(extra).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.into_iter().next().unwrap()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn shown(config: &Config) -> BTreeMap<&'static str, Option<String>> {
    config.sections().into_iter().flat_map(|s| s.rows).map(|row| (row.key, row.shown)).collect()
}

#[test]
fn the_example_parses_to_exactly_the_defaults() {
    let file = file(&example());
    let mut problems = Vec::new();
    let sources = Sources { file: Some(file.path().to_owned()), ..Sources::default() };
    let mut reader = Reader {
        entries: source::collect(&sources, &mut problems),
        origins: BTreeMap::new(),
        unread: BTreeSet::new(),
        problems,
    };
    sections::General::read(&mut reader);
    let config = Config {
        http: Http::read(&mut reader),
        graphql: Graphql::read(&mut reader),
        websocket: Websocket::read(&mut reader),
        plan: Plan::read(&mut reader),
        booking: Booking::read(&mut reader),
        metrics: Metrics::read(&mut reader),
        database: Database::read(&mut reader),
        auth: Auth::read(&mut reader),
        encryption: Encryption::read(&mut reader),
        smtp: Smtp::read(&mut reader),
        sms: Sms::read(&mut reader),
        reminders: Reminders::read(&mut reader),
        region: Region::read(&mut reader),
        log: Log::read(&mut reader),
        ..Config::default()
    };
    assert_eq!(reader.problems, []);
    assert!(reader.entries.is_empty(), "read by nobody: {:?}", reader.entries.keys());
    assert_eq!(shown(&config), shown(&Config::default()));
}

#[test]
fn the_example_names_every_setting_with_an_explanation() {
    let text = example();
    for section in Config::default().sections() {
        let part = match section.name {
            "" => text.as_str(),
            name => text.split(&format!("\n[{name}]\n")).nth(1).unwrap(),
        };
        let part = part.split("\n[").next().unwrap();
        for row in section.rows {
            let name = row.key.rsplit('.').next().unwrap();
            let lines: Vec<_> = part.lines().collect();
            let at = lines
                .iter()
                .position(|l| l.trim_start_matches("# ").starts_with(&format!("{name} =")))
                .unwrap_or_else(|| panic!("{} is missing", row.key));
            assert!(lines[at - 1].starts_with("# "), "{} has no explanation", row.key);
        }
    }
}

#[test]
fn every_sample_of_the_example_is_a_value_its_setting_accepts() {
    let uncommented: String = example()
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(name, _)| !name.contains([' ', '"'])) => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    let uncommented =
        uncommented.replace("2026a:BASE64", "2026a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    // Keys from an address and from a file at once are the only thing wrong when every sample is taken.
    let problems = load(Some(file(&uncommented).path()), &[]).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("auth.jwks_file must not be set together"), "{problems:#?}");
}

#[test]
fn the_environment_wins_over_the_file_and_each_value_keeps_its_origin() {
    let file = file("mode = \"production\"\n[http]\nlisten = \"127.0.0.1:1\"\nrate_burst = 7\n");
    let mut variables = production();
    variables.push(("PK_HTTP__LISTEN", "127.0.0.1:2"));
    let config = load(Some(file.path()), &variables).unwrap();
    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.http.rate_burst, 7);
    assert_eq!(*config.origin("http.listen"), Origin::Environment("PK_HTTP__LISTEN".to_owned()));
    assert_eq!(*config.origin("http.rate_burst"), Origin::File(file.path().to_owned(), 4));
    assert_eq!(*config.origin("http.body_limit_bytes"), Origin::Default);
}

#[test]
fn all_problems_are_reported_at_once_each_with_its_place() {
    let file = file(
        "[http]\nlisten = 8080\nlistn = \"127.0.0.1:1\"\n[databse]\nurl = \"sqlite:x\"\n[log]\nlevel = \"a=b=c\"\n",
    );
    let path = file.path().display().to_string();
    let problems =
        load(Some(file.path()), &[("PK_HTTP__RATE_BRUST", "1"), ("PK_GRAPHQL__MAX_DEPTH", "deep")])
            .unwrap_err();
    let expect = |part: &str| {
        assert!(problems.iter().any(|p| p.contains(part)), "{part} is missing in {problems:#?}");
    };
    expect(&format!("{path} line 2: http.listen must be an address with a port"));
    expect(&format!("{path} line 3: unknown setting http.listn; did you mean http.listen?"));
    expect(&format!("{path} line 4: unknown section [databse]; did you mean [database]?"));
    expect(&format!("{path} line 7: log.level must be"));
    expect("environment variable PK_HTTP__RATE_BRUST: unknown setting; did you mean PK_HTTP__RATE_BURST?");
    expect(
        "environment variable PK_GRAPHQL__MAX_DEPTH: graphql.max_depth must be a whole number, 0 or more, not \"deep\"",
    );
    for required in [
        "auth.issuer",
        "auth.audience",
        "auth.jwks_url",
        "encryption.keys",
        "region.name",
        "region.coordinating_region",
    ] {
        expect(&format!("{required} "));
    }
}

#[test]
fn a_file_that_is_no_toml_names_the_line() {
    let file = file("[http]\nlisten = \n");
    let problems = load(Some(file.path()), &production()).unwrap_err();
    assert!(problems[0].contains("line 2: "), "{problems:#?}");
}

#[test]
fn a_missing_file_is_a_problem() {
    let problems = load(Some(Path::new("/nonexistent/pk.toml")), &production()).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with("/nonexistent/pk.toml: cannot be read"), "{problems:#?}");
}

#[test]
fn a_secret_can_stand_in_a_file_and_loses_one_trailing_newline() {
    let secret = file("hemligt \n");
    let path = secret.path().to_str().unwrap();
    let mut variables = production();
    variables.extend([("PK_SMTP__PASSWORD_FILE", path), ("PK_SMTP__USER", "u")]);
    let config = load(None, &variables).unwrap();
    assert_eq!(config.smtp.password.unwrap().expose_secret(), "hemligt ");

    variables.push(("PK_SMTP__PASSWORD", "x"));
    let problems = load(None, &variables).unwrap_err();
    assert!(problems[0].contains("already set by PK_SMTP__PASSWORD_FILE"), "{problems:#?}");
}

#[test]
fn only_secrets_have_a_file_variable() {
    assert!(problem(&[("PK_HTTP__LISTEN_FILE", "/x")]).contains("unknown setting"));
}

#[test]
fn secrets_are_never_shown() {
    let config = with(&[
        ("PK_SMTP__USER", "u"),
        ("PK_SMTP__PASSWORD", "canary"),
        ("PK_DATABASE__URL", "postgres://pk:canary@db.example.se/pk"),
    ])
    .unwrap();
    let key = KEY.split_once(':').unwrap().1;
    for text in [effective(&config), format!("{config:?}")] {
        assert!(!text.contains("canary") && !text.contains(key), "{text}");
    }
    assert!(effective(&config).contains("postgres://pk:********@db.example.se/pk"));
    assert_eq!(config.database.url.expose(), "postgres://pk:canary@db.example.se/pk");
}

#[test]
fn a_secret_that_does_not_fit_is_not_quoted() {
    for text in
        [problem(&[("PK_ENCRYPTION__KEYS", "canary")]), problem(&[("PK_DATABASE__URL", "canary://x")])]
    {
        assert!(!text.contains("canary\"") && !text.contains("canary:"), "{text}");
    }
}

#[test]
fn the_effective_configuration_says_where_each_value_came_from() {
    let text = effective(&with(&[("PK_HTTP__RATE_BURST", "9")]).unwrap());
    assert!(text.contains("rate_burst = 9  # environment variable PK_HTTP__RATE_BURST"), "{text}");
    assert!(text.contains("body_limit_bytes = 262144  # default"), "{text}");
    assert!(text.contains("# host =  # not set"), "{text}");
}

#[test]
fn several_keys_need_an_active_one() {
    let second = "b2:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let both: &'static str = Box::leak(format!("{KEY},{second}").into_boxed_str());
    assert!(problem(&[("PK_ENCRYPTION__KEYS", both)]).contains("encryption.active is required"));
    assert!(
        problem(&[("PK_ENCRYPTION__KEYS", both), ("PK_ENCRYPTION__ACTIVE", "c3")]).contains("must be the id")
    );
    let config = with(&[("PK_ENCRYPTION__KEYS", both), ("PK_ENCRYPTION__ACTIVE", "b2")]).unwrap();
    assert_eq!(config.encryption.keys.iter().map(|k| k.id.as_str()).collect::<Vec<_>>(), ["a1", "b2"]);
    assert_eq!(config.encryption.keys[0].key.expose_secret()[31], 31);
}

#[test]
fn a_lease_that_could_end_while_a_message_is_being_sent_is_refused() {
    let text = problem(&[("PK_REMINDERS__LEASE_SECONDS", "187")]);
    assert!(
        text.contains("reminders.lease_seconds must be longer than the 187 seconds that one mail"),
        "{text}"
    );
    let text = problem(&[("PK_SMS__TIMEOUT_SECONDS", "240")]);
    assert!(text.contains("that one SMS can take (sms.timeout_seconds), not 240"), "{text}");
    with(&[("PK_REMINDERS__LEASE_SECONDS", "187.5")]).unwrap();
}

#[test]
fn half_a_decision_is_no_decision() {
    let text = problem(&[("PK_REMINDERS__RISK_ANALYSIS_REFERENCE", "Dnr 1")]);
    assert!(text.contains("reminders.risk_analysis_date is required"), "{text}");
    assert!(!with(&[]).unwrap().sending_is_decided());
}

#[test]
fn a_review_of_the_texts_is_a_persons_and_has_a_day() {
    let (by, on) = ("PK_REMINDERS__TEXTS_REVIEWED_BY", "PK_REMINDERS__TEXTS_REVIEWED_ON");
    assert!(problem(&[(by, "Anna Andersson")]).contains("reminders.texts_reviewed_on belong together"));
    assert!(problem(&[(on, "2027-01-31")]).contains("belong together"));
    assert!(problem(&[(by, "patientkontrakt"), (on, "2027-01-31")]).contains("must be the name of a person"));
    with(&[(by, "Anna Andersson"), (on, "2027-01-31")]).unwrap();
}

#[test]
fn a_decision_without_any_way_to_send_is_refused_in_production() {
    let text = problem(&[
        ("PK_REMINDERS__RISK_ANALYSIS_REFERENCE", "Dnr 1"),
        ("PK_REMINDERS__RISK_ANALYSIS_DATE", "2026-01-31"),
    ]);
    assert!(text.contains("smtp.host or sms.kind is required"), "{text}");
}

#[test]
fn production_refuses_what_is_for_the_demo() {
    assert!(problem(&[("PK_AUTH__ISSUER", DEMO_ISSUER)]).contains("must not be the demo's own issuer"));
}

#[test]
fn addresses_that_carry_secrets_must_be_https_except_on_this_machine() {
    assert!(problem(&[("PK_AUTH__JWKS_URL", "http://idp.example.se/jwks")]).contains("https://"));
    for local in ["http://127.0.0.1:9/jwks", "http://localhost/jwks", "http://[::1]/jwks"] {
        with(&[("PK_AUTH__JWKS_URL", local)]).unwrap();
    }
}

#[test]
fn a_password_is_not_sent_in_clear_to_another_machine() {
    let text = problem(&[
        ("PK_SMTP__HOST", "smtp.example.se"),
        ("PK_SMTP__FROM", "no-reply@example.se"),
        ("PK_SMTP__USER", "u"),
        ("PK_SMTP__PASSWORD", "p"),
        ("PK_SMTP__TLS", "none"),
    ]);
    assert!(text.contains("smtp.tls"), "{text}");
}

#[test]
fn numbers_outside_their_range_name_the_range() {
    let text = problem(&[("PK_DATABASE__TIMEOUT_SECONDS", "6")]);
    assert!(text.ends_with("database.timeout_seconds must be 0.1 to 5 seconds, not 6"), "{text}");
    let text = problem(&[("PK_GRAPHQL__MAX_DEPTH", "33")]);
    assert!(text.ends_with("graphql.max_depth must be 1 to 32, not 33"), "{text}");
}

#[test]
fn a_doctor_is_told_by_words_of_letters_alone() {
    let key = "PK_REGION__DOCTOR_TITLES";
    for wrong in ["", "ST-läkare", "läkare, leg. läkare"] {
        let text = problem(&[(key, wrong)]);
        assert!(text.contains("region.doctor_titles must hold at least one word"), "{wrong}: {text}");
    }
    let settings = with(&[(key, "Läkare, psykiater")]).unwrap().settings();
    assert_eq!(settings.doctor_titles, ["läkare", "psykiater"]);
}

#[test]
fn a_database_without_a_file_is_refused() {
    for url in ["sqlite://", "sqlite:", "sqlite://?mode=rwc"] {
        let text = problem(&[("PK_DATABASE__URL", url)]);
        assert!(text.contains("PK_DATABASE__URL: database.url must name a file"), "{text}");
    }
    let config = with(&[("PK_DATABASE__URL", "sqlite://a/b.db?mode=rwc")]).unwrap();
    assert_eq!(config.database.url.sqlite_file(), Some(Path::new("a/b.db")));
    assert_eq!(DatabaseUrl::from("postgres://db.example.se/pk").sqlite_file(), None);
}

#[test]
fn what_uses_the_database_alone_needs_no_keys_and_no_identity_provider() {
    let of = |variables: &[(&str, &str)]| {
        let environment = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Config::load_for_database(&Sources { environment, ..Sources::default() })
    };
    let url = ("PK_DATABASE__URL", "postgres://pk@db.example.se/pk");
    for mode in ["production", "demo"] {
        assert!(of(&[("PK_MODE", mode), url]).unwrap().encryption.keys.is_empty());
    }
    let problems = of(&[("PK_DATABASE__URL", "sqlite://"), ("PK_LOG__LEVEL", "a=b=c")]).unwrap_err();
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(problems[0].contains("database.url must") && problems[1].contains("log.level must"));
    assert_eq!(problems.len(), 2, "{problems:#?}");
}

#[test]
fn sending_hours_that_cannot_be_are_refused() {
    for until in ["08:00", "07:00", "08:59"] {
        let text = problem(&[("PK_REMINDERS__SEND_UNTIL", until)]);
        let expected = "reminders.send_until must be at least one hour later than reminders.send_from";
        assert!(text.ends_with(expected), "{text}");
    }
    assert!(with(&[("PK_REMINDERS__SEND_UNTIL", "09:00")]).is_ok());
}

#[test]
fn lists_and_times_are_read_from_text_and_from_toml() {
    let config = with(&[
        ("PK_HTTP__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1"),
        ("PK_REMINDERS__RETRY_WAITS_SECONDS", "0.5,2"),
    ])
    .unwrap();
    assert_eq!(config.http.trusted_proxies.len(), 2);
    assert_eq!(config.reminders.retry_waits_seconds, [Duration::from_millis(500), Duration::from_secs(2)]);

    let file = file("[reminders]\nretry_waits_seconds = [1, 2.5]\nsend_from = \"07:30\"\n");
    let config = load(Some(file.path()), &production()).unwrap();
    assert_eq!(config.reminders.retry_waits_seconds[1], Duration::from_millis(2500));
    assert_eq!(config.reminders.send_from.to_string(), "07:30:00");
}

#[test]
fn the_demo_needs_nothing_and_keeps_its_key() {
    let dir = tempfile::tempdir().unwrap();
    let demo = || {
        let listen = "127.0.0.1:0".parse().unwrap();
        Config::demo(Some(dir.path().to_owned()), Some(listen), Sources::default(), MissingKeys::AreMade)
            .unwrap()
    };
    let (first, second) = (demo(), demo());
    assert_eq!(first.mode, Mode::Demo);
    assert_eq!(first.http.listen.port(), 0);
    assert!(first.graphql.introspection && first.sending_is_decided());
    assert!(first.database.url.expose().contains(dir.path().to_str().unwrap()));
    assert_eq!(first.encryption.keys[0].key.expose_secret(), second.encryption.keys[0].key.expose_secret());
    assert_eq!(*first.origin("auth.issuer"), Origin::Demo);
}

#[test]
fn a_file_made_once_keeps_its_first_content() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    assert_eq!(create_once(&path, b"first").unwrap(), b"first");
    assert_eq!(create_once(&path, b"second").unwrap(), b"first");
}

#[test]
fn those_who_make_a_file_at_once_agree_on_its_content() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let contents: Vec<_> = std::thread::scope(|scope| {
        let path = &path;
        let makers: Vec<_> =
            (0..8_u8).map(|i| scope.spawn(move || create_once(path, &[i; 64]).unwrap())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert!(contents.iter().all(|content| *content == contents[0] && content.len() == 64));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no drafts are left");
}

mod rooms;
