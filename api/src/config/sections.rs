//! Every setting of the service: its name, meaning, unit and default, each said once.
//!
//! The comment of a field is also what `config example` prints above it, so it is written for operators.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use chrono::{NaiveDate, NaiveTime};
use ipnet::IpNet;
use secrecy::SecretString;

use super::{
    Reader,
    value::{DatabaseUrl, MasterKey, Setting, choices, words},
};
use crate::{
    domain::{agreement::patient_group::PatientGroup, plan_item::guarantee::Guarantee},
    http::{graphql::limits::Limits, serve::Waits, ws::WsLimits},
    reminder::channel::smtp::TlsMode,
    session::{BookingRules, FixedContactPolicy, PlanRules},
};

/// One setting as it is described and shown.
pub(super) struct Row {
    /// Section and name, `http.listen`.
    pub key: &'static str,
    pub docs: &'static [&'static str],
    /// The value as TOML, secrets masked.
    pub shown: Option<String>,
    /// What a value could look like, for settings that are empty by default.
    pub sample: Option<&'static str>,
    pub secret: bool,
}

/// A section with its rows.
pub(super) struct Section {
    /// Empty for the settings that stand outside any section.
    pub name: &'static str,
    pub docs: &'static [&'static str],
    pub rows: Vec<Row>,
}

choices! {
    /// What the service is run for.
    Mode {
        /// Real people: everything that is only for trying out is refused.
        Production = "production",
        /// Fictional people, own keys, messages that stay on the machine.
        Demo = "demo",
    }
}

words! {
    TlsMode { None = "none", Starttls = "starttls", Tls = "tls" }
}

choices! {
    /// Which SMS gateway is used.
    SmsKind {
        /// No SMS is sent.
        None = "none",
        /// 46elks.
        Elks = "elks",
        /// Kannel's sendsms.
        Kannel = "kannel",
    }
}

words! {
    FixedContactPolicy { Single = "single", SeveralWithLead = "several_with_lead" }
}

choices! {
    /// How log lines are written.
    LogFormat {
        /// One JSON object per line, for machines.
        Json = "json",
        /// Lines for people.
        Text = "text",
    }
}

macro_rules! sections {
    ($(
        $(#[doc = $about:literal])+
        $name:ident in $section:literal {
            $( $(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr $(=> $sample:literal)?; )+
        }
    )+) => {$(
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $( $(#[doc = $doc])+ pub $field: $type, )+
        }

        impl $name {
            pub(super) fn read(reader: &mut Reader) -> Self {
                Self { $( $field: reader.take(concat!($section, stringify!($field)), || $default), )+ }
            }

            pub(super) fn describe(&self) -> Section {
                Section {
                    name: $section.trim_end_matches('.'),
                    docs: &[$($about),+],
                    rows: vec![$( Row {
                        key: concat!($section, stringify!($field)),
                        docs: &[$($doc),+],
                        shown: self.$field.show(),
                        sample: None$(.or(Some($sample)))?,
                        secret: <$type as Setting>::SECRET,
                    } ),+],
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }
    )+};
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

sections! {
    /// What the service is run for.
    General in "" {
        /// "production", or "demo" for fictional data only.
        mode: Mode = Mode::Production;
        /// Directory for the files that demo mode makes: keys, tokens' signing key, database.
        data_dir: PathBuf = PathBuf::from("data");
    }

    /// The address where clients reach the service, and what one caller may ask of it.
    Http in "http." {
        /// Address and port to listen on. Put a proxy with TLS before it.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080));
        /// Seconds until a new connection must have sent the whole head of a request.
        head_timeout_seconds: Duration = Waits::default().head;
        /// Seconds from an answer until the whole head of the next request must have come on that connection; more than
        /// the proxy keeps an idle connection, so that it never asks on one that is just being closed.
        idle_seconds: Duration = Waits::default().idle;
        /// Seconds until a request that has no answer yet is given up.
        request_timeout_seconds: Duration = seconds(20);
        /// Seconds that requests under way get to finish when the service stops.
        shutdown_grace_seconds: Duration = seconds(25);
        /// Largest request body, in bytes.
        body_limit_bytes: usize = Limits::default().body_bytes;
        /// Proxies whose X-Forwarded-For header is believed: a list of addresses or networks.
        trusted_proxies: Vec<IpNet> = Vec::new();
        /// Requests, and operations on a socket, per second that one person may make over time; one address, where
        /// nobody is signed in or the token is refused.
        rate_per_second: u32 = 50;
        /// Requests that may be made at once before the rate counts.
        rate_burst: u32 = 200;
    }

    /// Limits of one GraphQL operation, so that no single request can occupy the service.
    Graphql in "graphql." {
        /// Lexical tokens of a document.
        max_tokens: usize = Limits::default().tokens;
        /// Levels of nested fields.
        max_depth: usize = Limits::default().depth;
        /// Points that an operation may cost; a list multiplies by its page size.
        max_complexity: usize = Limits::default().complexity;
        /// Aliased fields of an operation.
        max_aliases: usize = Limits::default().aliases;
        /// Directives of an operation.
        max_directives: usize = Limits::default().directives;
        /// Fields at the root of an operation, equal ones counted once.
        max_root_fields: usize = Limits::default().root_fields;
        /// Fields of a document.
        max_fields: usize = Limits::default().fields;
        /// Parsed documents kept in memory.
        cached_documents: usize = Limits::default().cached_documents;
        /// Bytes of text above which a parsed document is not kept.
        cached_document_bytes: usize = Limits::default().cached_document_bytes;
        /// Whether the schema may be asked for, and the explorer opened. Demo mode turns it on.
        introspection: bool = false;
    }

    /// Limits of one WebSocket (graphql-transport-ws), over which clients listen.
    Websocket in "websocket." {
        /// Largest message of a client, in bytes.
        max_message_bytes: usize = WsLimits::default().message_bytes;
        /// Operations that run at once on one socket.
        max_operations: usize = WsLimits::default().operations;
        /// Seconds until `connection_init` with a token must have come.
        init_timeout_seconds: Duration = seconds(WsLimits::default().init_seconds);
        /// Seconds that a client may take to accept one message; a slower one is cut off.
        send_timeout_seconds: Duration = seconds(WsLimits::default().send_seconds);
        /// Seconds of silence after which a client is pinged; after as many again without a sign of life it is cut off.
        idle_seconds: Duration = seconds(WsLimits::default().idle_seconds);
    }

    /// Measurements for the operator, on an address of their own that clients must not reach.
    Metrics in "metrics." {
        /// Address and port to listen on; /metrics is served there in the Prometheus format.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 9090));
    }

    /// Where the data is kept.
    Database in "database." {
        /// "sqlite://FILE?mode=rwc", or "postgres://user:password@host/name".
        url: DatabaseUrl = DatabaseUrl::from("sqlite://data/patientkontrakt.db?mode=rwc");
        /// Where the instances of the service hear of each other (LISTEN), if a pooler stands at `url`: the address of
        /// the database itself. Not set: `url`. Without meaning for SQLite.
        listen_url: Option<SecretString> = None => "\"postgres://user:password@host/name\"";
        /// The PostgreSQL role that the service signs in as, when it is not the owner of the tables (it should not be):
        /// `migrate up`, run by the owner, lets it do what it needs and no more.
        service_role: Option<String> = None => "\"patientkontrakt_service\"";
        /// Open connections at most. Not set: twice the number of processor cores.
        max_connections: Option<u32> = None => "8";
        /// Seconds of silence after which a call to the database is given up, or the wait for a turn at it; at most 5.
        timeout_seconds: Duration = seconds(5);
        /// Whether an SQLite database is brought up to date at start. PostgreSQL never is: use `migrate up`.
        migrate_at_start: bool = true;
    }

    /// Who is believed about who is calling: the identity provider (IdP) and its tokens.
    Auth in "auth." {
        /// The `iss` that every token must carry. Required in production.
        issuer: String = String::new() => "\"https://idp.example.se/\"";
        /// The `aud` that every token must contain. Required in production.
        audience: String = String::new() => "\"patientkontrakt\"";
        /// Where the issuer publishes its keys (JWKS), https only. Exactly one of jwks_url and jwks_file is required.
        jwks_url: Option<String> = None => "\"https://idp.example.se/jwks.json\"";
        /// The issuer's keys (JWKS) as a file.
        jwks_file: Option<PathBuf> = None => "\"/etc/patientkontrakt/jwks.json\"";
        /// Claim with a patient's personal, coordination or reserve number.
        patient_number_claim: String = "personalIdentityNumber".to_owned();
        /// Claim with a staff member's HSA-id.
        staff_person_claim: String = "employeeHsaId".to_owned();
        /// Claim with the HSA-id of the assignment (medarbetaruppdrag) a staff member works under.
        staff_assignment_claim: String = "commissionHsaId".to_owned();
        /// Whether every token must carry `nbf`. Turn it off only for an issuer that never sets it.
        require_not_before: bool = true;
        /// Seconds that the issuer's clock may differ from ours.
        leeway_seconds: Duration = seconds(30);
        /// Largest token, in bytes.
        max_token_bytes: usize = 8192;
        /// Seconds that a caller's identity, once looked up, is used again without asking the database; at most 55. An
        /// assignment that is ended early is refused when they are over, and its sockets are closed within 5 more.
        identity_cache_seconds: Duration = seconds(30);
    }

    /// The keys that seal identity numbers, contact ways and text about health in the database.
    Encryption in "encryption." {
        /// Master keys as "id:BASE64", 32 random bytes each (`openssl rand -base64 32`). Required. Keep old ones: they open old text.
        keys: Vec<MasterKey> = Vec::new() => "[\"2026a:BASE64\"]";
        /// Id of the key that seals new text. Not set: the only key.
        active: Option<String> = None => "\"2026a\"";
    }

    /// The mail server for reminders and notices.
    Smtp in "smtp." {
        /// Name of the mail server. Not set: no mail is sent.
        host: Option<String> = None => "\"smtp.example.se\"";
        /// Its port.
        port: u16 = 587;
        /// "starttls", "tls" (from the first byte), or "none" for a server on the same machine.
        tls: TlsMode = TlsMode::Starttls;
        /// User name, if the server wants one.
        user: Option<String> = None => "\"patientkontrakt\"";
        /// Password of that user.
        password: Option<SecretString> = None => "\"…\"";
        /// Extra certificate authority to trust, a PEM file.
        ca_file: Option<PathBuf> = None => "\"/etc/ssl/region-ca.pem\"";
        /// Sender's address of every mail; the unit's name is put before it. Required when a host is set.
        from: Option<String> = None => "\"no-reply@example.se\"";
        /// Name by which we greet the server (EHLO). Not set: the part of `from` after the @.
        hello_name: Option<String> = None => "\"patientkontrakt.example.se\"";
        /// Seconds for connecting, and again for TLS.
        connect_timeout_seconds: Duration = seconds(10);
        /// Seconds for the answer to each command.
        command_timeout_seconds: Duration = seconds(15);
        /// Seconds for the answer after the message itself. When they run out, nobody knows whether it was sent.
        body_timeout_seconds: Duration = seconds(60);
        /// Connections kept open. Eight mails are under way at a time.
        pool_size: usize = 8;
        /// Further servers, tried in this order when the one before takes no mail; port, TLS and login as above. A mail that one has begun to take is given to no other.
        fallback_hosts: Vec<String> = Vec::new() => "[\"smtp2.example.se\"]";
        /// Mails a second, at most, from each process that sends. Not set: no bound.
        per_second: Option<u32> = None => "20";
    }

    /// The SMS gateway for reminders and notices.
    Sms in "sms." {
        /// "none", "elks" for 46elks, or "kannel" for Kannel's sendsms.
        kind: SmsKind = SmsKind::None;
        /// Address of the gateway, https only.
        url: String = "https://api.46elks.com/a1/sms".to_owned();
        /// User name at the gateway. Required when a kind is set.
        user: Option<String> = None => "\"u0123456789\"";
        /// Password at the gateway. Required when a kind is set.
        password: Option<SecretString> = None => "\"…\"";
        /// Sender shown to the receiver: at most 11 letters and digits, or a phone number. Required when a kind is set.
        sender: Option<String> = None => "\"Vardkontakt\"";
        /// Seconds for one SMS; must be shorter than reminders.lease_seconds.
        timeout_seconds: Duration = seconds(15);
        /// Whether the gateway takes messages with one Idempotency-Key once only. Without it an SMS of unknown fate is never sent again, but shown to staff.
        honours_key: bool = false;
        /// SMS a second, at most, from each process that sends. Not set: no bound.
        per_second: Option<u32> = None => "5";
        /// Our own address as the gateway reaches it, for delivery reports and replies (STOPP). Not set: it reports nothing.
        hooks_url: Option<String> = None => "\"https://plan.example.se\"";
        /// Secret of at least 32 characters that signs the addresses of reports; replies go to HOOKS_URL/hooks/sms/reply/SECRET. Required with hooks_url.
        hooks_secret: Option<SecretString> = None => "\"…\"";
    }

    /// Reminders and notices. Nothing is sent until the region's risk analysis and decision are recorded here (HSLF-FS 2016:40 3 kap. 15-16 §§).
    Reminders in "reminders." {
        /// Reference of the risk analysis and decision. Without it nothing is sent.
        risk_analysis_reference: Option<String> = None => "\"Dnr 2026/123\"";
        /// Date of the decision. Without it nothing is sent.
        risk_analysis_date: Option<NaiveDate> = None => "\"2026-01-31\"";
        /// The person who has reviewed, for the region, the Swedish and English texts that the service ships with. Without it `doctor` says so in production.
        texts_reviewed_by: Option<String> = None => "\"Anna Andersson, kommunikationsavdelningen\"";
        /// The day of that review.
        texts_reviewed_on: Option<NaiveDate> = None => "\"2026-01-31\"";
        /// Seconds that one worker keeps a message to itself; longer than sending it can take.
        lease_seconds: Duration = seconds(240);
        /// Messages taken at a time.
        batch: usize = 50;
        /// Seconds between two looks for messages that are due.
        poll_interval_seconds: Duration = seconds(5);
        /// Seconds to wait before each new attempt; the last one repeats.
        retry_waits_seconds: Vec<Duration> = [60, 300, 900, 3600, 7200].map(seconds).to_vec();
        /// Time of day from which messages are sent.
        send_from: NaiveTime = hour(8);
        /// Time of day until which messages are sent.
        send_until: NaiveTime = hour(20);
        /// Address of this service as patients reach it, for the links in messages: https. Without it there are none. 25 characters at most with reminders.action_links, so that the link fits in an SMS.
        link_url: Option<String> = None => "\"https://tid.example.se\"";
        /// Whether a message has a link to confirm, cancel or ask for another time. Needs reminders.link_url.
        action_links: bool = false;
        /// Folder with further languages of messages, each a folder of the files that Swedish has. A language is sent once its review is recorded in its language.toml.
        languages: Option<PathBuf> = None => "\"/etc/patientkontrakt/languages\"";
        /// File outside the database in which this instance remembers how far the sending has come, so that a database restored from a backup is noticed and nothing is sent twice. On SQLite beside the database when left out.
        watermark_file: Option<PathBuf> = None => "\"/var/lib/patientkontrakt/sending-mark\"";
        /// Seconds between two signs of life of a worker.
        heartbeat_seconds: Duration = seconds(30);
    }

    /// The region and its rules.
    Region in "region." {
        /// Name shown to people. Required in production.
        name: String = String::new() => "\"Region Exempel\"";
        /// Code of the coordinating region: within it a patient has at most one main fast vårdkontakt. Required in production.
        coordinating_region: String = String::new() => "\"99\"";
        /// "single", or "several_with_lead": one of several fasta vårdkontakter has the main responsibility.
        fixed_contact_policy: FixedContactPolicy = FixedContactPolicy::Single;
        /// Words by which a title is a doctor's: one of the title's words is, or ends in, one of them. Only a doctor can be a fast läkarkontakt.
        doctor_titles: Vec<String> = vec!["läkare".to_owned()];
        /// Days until the need for a contact is reconsidered, when no other day is chosen.
        contact_review_days: u32 = 365;
        /// Days before the end or absence of a contact at which a missing successor or substitute becomes a task.
        handover_lead_days: u32 = 14;
        /// Language of those who have chosen none: "sv" or "en".
        default_language: String = "sv".to_owned();
        /// Time zone of opening hours, bookings and sending hours.
        time_zone: chrono_tz::Tz = chrono_tz::Europe::Stockholm;
        /// Phone number to call when nobody else answers.
        after_hours_phone: String = "1177".to_owned();
        /// Age in years at which a guardian's (vårdnadshavare) access to a child's data ends, at 00:00 on the birthday.
        guardian_until_age: u32 = 13;
        /// Age in years from which a young person books times and writes messages.
        own_booking_age: u32 = 13;
        /// Age in years from which a young person reads the agreement, and assents to it.
        own_plan_age: u32 = 16;
        /// Days ahead for which schedules (tidböcker) become times that can be booked.
        schedule_horizon_days: u32 = 90;
        /// Working days within which care must appoint a contact that a patient has asked for.
        contact_request_days: u32 = 5;
        /// Time of day by which the call of a daily follow-up has been made; after it, it is a missed call.
        daily_call_until: NaiveTime = hour(20);
        /// Hours within which somebody sees to it that a patient who was not called is reached; then it rises to the manager.
        missed_call_due_hours: u32 = 2;
        /// Hours within which what is missing before a patient goes home is put right; then it rises to the manager.
        discharge_gap_due_hours: u32 = 4;
        /// Days within which care must have begun the agreement that a patient has asked for; then it rises to the manager.
        agreement_request_days: u32 = 14;
        /// Minutes for which a time is held for somebody who decides.
        slot_hold_minutes: u32 = 5;
        /// Days after a visit at which it becomes a task that nobody has said whether the patient came.
        outcome_missing_days: u32 = 3;
        /// Patient groups beside those that ship, each as "CODE: Swedish name / English name". A code that is in use must stay.
        patient_groups: Vec<PatientGroup> = Vec::new() => "[\"ASTMA_KOL: Astma och kol / Asthma and COPD\"]";
    }

    /// Question batteries and templates beside those that ship.
    Content in "content." {
        /// Directory with the region's own files, in its folders batteries and templates. They are read at start, and one mistake stops it.
        directory: Option<PathBuf> = None => "\"/etc/patientkontrakt/content\"";
    }

    /// What the region has decided about plans. The defaults of the care guarantee follow general practice (0-3-90-90 calendar days): check them against the region's own rules.
    Plan in "plan." {
        /// Working days until care has answered a patient who says that advice conflicts or is too much now.
        concern_answer_working_days: u32 = PlanRules::default().concern_answer_working_days;
        /// Working days until an agreement without a next step has been given one.
        orphan_working_days: u32 = PlanRules::default().orphan_working_days;
        /// Days past its date for which an item still counts as the next step.
        late_step_days: u16 = PlanRules::default().late_step_days;
        /// Care guarantee (vårdgaranti): calendar days to the first contact with primary care; 0 is the same day.
        guarantee_first_contact_days: u16 = Guarantee::default().first_contact_days;
        /// Care guarantee: calendar days to a medical assessment in primary care.
        guarantee_assessment_days: u16 = Guarantee::default().assessment_days;
        /// Care guarantee: calendar days to the first visit in specialist care.
        guarantee_first_specialist_visit_days: u16 = Guarantee::default().first_specialist_visit_days;
        /// Care guarantee: calendar days from a decision to the treatment.
        guarantee_decided_treatment_days: u16 = Guarantee::default().decided_treatment_days;
        /// Whether waiting that the patient has chosen (patientvald väntan) is left out of the count.
        guarantee_excludes_patient_chosen: bool = Guarantee::default().patient_chosen_excluded;
        /// Whether waiting that is medically needed (medicinskt motiverad väntan) is left out of the count.
        guarantee_excludes_medical: bool = Guarantee::default().medical_excluded;
    }

    /// Booked times: what is too tight, and how freed times (återbudstider) are offered to those who wait for one.
    Booking in "booking." {
        /// Minutes that a patient needs between two visits at different places.
        travel_minutes: u32 = BookingRules::default().travel_minutes;
        /// Minutes that a patient needs between two visits at the same unit, and around a call.
        same_unit_gap_minutes: u32 = BookingRules::default().same_unit_gap_minutes;
        /// Days ahead within which times of somebody who is away are moved to others.
        rebook_within_days: u32 = BookingRules::default().rebook_within_days;
        /// Minutes within the sending hours that a patient has to answer the offer of a freed time.
        offer_minutes: u32 = BookingRules::default().offer_minutes;
        /// Minutes before a time begins at which it is no longer offered.
        offer_latest_minutes: u32 = BookingRules::default().offer_latest_minutes;
        /// Working days within which a unit has offered something to a patient who wishes for a time; then it is a task.
        wish_answer_working_days: u32 = BookingRules::default().wish_answer_working_days;
    }

    /// The service's own log, on standard error. It holds no personal data at any level.
    Log in "log." {
        /// error, warn, info, debug or trace; a part of the program can have its own: "info,patientkontrakt::reminder=debug".
        level: String = "info".to_owned();
        /// "json" or "text". Demo mode writes text.
        format: LogFormat = LogFormat::Json;
    }
}

fn hour(hour: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, 0, 0).unwrap_or_default()
}
