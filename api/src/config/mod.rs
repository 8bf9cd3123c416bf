//! The one configuration: a TOML file, the environment and the command line, read together.
//!
//! An operator should never have to start the service twice to learn of two mistakes, nor guess where a value
//! came from: everything that is wrong is reported at once, each with its place, and every value keeps its origin.

mod check;
mod demo;
mod print;
mod rooms;
#[expect(clippy::doc_markdown, reason = "the comments of settings are printed as they stand, as plain text")]
mod sections;
mod source;
mod value;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt,
    net::SocketAddr,
    path::PathBuf,
};

pub use check::DEMO_ISSUER;
pub(crate) use check::is_loopback;
pub use demo::{create_once, prepare as prepare_demo};
pub use print::{effective, example};
pub use sections::{
    Auth, Booking, Content, Database, Encryption, Graphql, Http, Log, LogFormat, Metrics, Mode, Plan, Region,
    Reminders, Sms, SmsKind, Smtp, Websocket,
};
use source::Entries;
use value::Setting;
pub use value::{DatabaseUrl, MasterKey};

/// The whole configuration. One that was [loaded](Config::load) has passed every check.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the service is run for.
    pub mode: Mode,
    /// Directory for the files that demo mode makes.
    pub data_dir: PathBuf,
    pub http: Http,
    pub graphql: Graphql,
    pub websocket: Websocket,
    pub metrics: Metrics,
    pub database: Database,
    pub auth: Auth,
    pub encryption: Encryption,
    pub smtp: Smtp,
    pub sms: Sms,
    pub reminders: Reminders,
    pub region: Region,
    pub content: Content,
    pub plan: Plan,
    pub booking: Booking,
    pub log: Log,
    origins: BTreeMap<&'static str, Origin>,
}

/// Where settings are looked for; later places win: demo defaults, file, environment, command line.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The TOML file, if one is named.
    pub file: Option<PathBuf>,
    /// Environment variables; those that do not begin with `PK_` are ignored.
    pub environment: Vec<(OsString, OsString)>,
    /// Settings from command-line options: name (`http.listen`) and text.
    pub options: Vec<(&'static str, String)>,
}

impl Sources {
    /// The process's environment and `file`.
    pub fn from_process(file: Option<PathBuf>) -> Self {
        Self { file, environment: std::env::vars_os().collect(), options: Vec::new() }
    }

    /// Adds a setting from the command line, which wins over every other place.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.options.push((key, value.into()));
        self
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    /// Set because the mode is demo.
    Demo,
    /// File and line.
    File(PathBuf, usize),
    /// Name of the environment variable.
    Environment(String),
    Option,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Demo => f.write_str("demo mode"),
            Self::File(path, line) => write!(f, "{} line {line}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Option => f.write_str("command line"),
        }
    }
}

/// What becomes of the demo's keys where they are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingKeys {
    AreMade,
    /// For one who issues tokens beside a demo: keys of one's own would open nothing.
    Stay,
}

/// One thing that is wrong with the configuration, in words for the operator. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem(String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What start-up and `doctor` say while the region's decision on sending is not recorded.
pub const UNDECIDED: &str =
    "nothing is sent before reminders.risk_analysis_reference and risk_analysis_date are set";

impl Config {
    /// Reads and checks the configuration. An error holds everything that is wrong, not the first only.
    pub fn load(sources: &Sources) -> Result<Self, Vec<Problem>> {
        Self::load_checked(sources, check::check)
    }

    /// The same for a command that uses the database alone: what others need may be missing.
    pub fn load_for_database(sources: &Sources) -> Result<Self, Vec<Problem>> {
        Self::load_checked(sources, check::check_database)
    }

    fn load_checked(
        sources: &Sources,
        check: fn(&Self, &BTreeSet<&'static str>, &mut Vec<Problem>),
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let entries = source::collect(sources, &mut problems);
        let mut reader = Reader { entries, origins: BTreeMap::new(), unread: BTreeSet::new(), problems };
        let general = sections::General::read(&mut reader);
        if general.mode == Mode::Demo {
            demo::add_defaults(&mut reader.entries, &general.data_dir);
        }
        let config = Self {
            mode: general.mode,
            data_dir: general.data_dir,
            http: Http::read(&mut reader),
            graphql: Graphql::read(&mut reader),
            websocket: Websocket::read(&mut reader),
            metrics: Metrics::read(&mut reader),
            database: Database::read(&mut reader),
            auth: Auth::read(&mut reader),
            encryption: Encryption::read(&mut reader),
            smtp: Smtp::read(&mut reader),
            sms: Sms::read(&mut reader),
            reminders: Reminders::read(&mut reader),
            region: Region::read(&mut reader),
            content: Content::read(&mut reader),
            plan: Plan::read(&mut reader),
            booking: Booking::read(&mut reader),
            log: Log::read(&mut reader),
            origins: reader.origins,
        };
        let mut problems = reader.problems;
        check(&config, &reader.unread, &mut problems);
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }

    /// The configuration of `patientkontrakt demo`: makes the keys in `data_dir` if they are missing. File and environment
    /// still count, so that the demo can run on another database, if they say that it is for that.
    pub fn demo(
        data_dir: Option<PathBuf>,
        listen: Option<SocketAddr>,
        sources: Sources,
        missing: MissingKeys,
    ) -> Result<Self, Vec<Problem>> {
        if let Some(mode) = source::peek(&sources, "mode").filter(|mode| mode != "demo") {
            let refusal =
                format!("mode is `{mode}`: the demo, its tokens and fictional people are for demo mode only");
            return Err(vec![Problem(refusal)]);
        }
        if source::peek(&sources, "mode").is_none()
            && let Some((key, origin)) =
                source::first_set(&sources, &["database.url", "auth.issuer", "encryption.keys"])
        {
            // Left out, the mode is production: what is configured may be one that patients use.
            let refusal = format!(
                "{origin} sets {key}, and nothing sets mode: the demo, its tokens and fictional people are for demo mode \
                 only; if this is for them alone, set PK_MODE=demo"
            );
            return Err(vec![Problem(refusal)]);
        }
        let mut sources = sources.with("mode", "demo");
        if let Some(dir) = &data_dir {
            sources = sources.with("data_dir", dir.to_string_lossy());
        }
        if let Some(listen) = listen {
            sources = sources.with("http.listen", listen.to_string());
        }
        let dir = source::peek(&sources, "data_dir").map_or_else(|| PathBuf::from("data"), PathBuf::from);
        if missing == MissingKeys::Stay {
            return Self::load_checked(&sources, check::check_tokens);
        }
        demo::prepare(&dir)
            .map_err(|e| vec![Problem(format!("cannot make the demo's files in {}: {e}", dir.display()))])?;
        Self::load(&sources)
    }

    /// Where the setting `key` (`http.listen`) came from.
    pub fn origin(&self, key: &str) -> &Origin {
        self.origins.get(key).unwrap_or(&Origin::Default)
    }

    /// Whether reminders and notices may be sent at all, or else [`UNDECIDED`]: the region's decision is on record.
    pub fn sending_is_decided(&self) -> bool {
        self.reminders.risk_analysis_reference.is_some() && self.reminders.risk_analysis_date.is_some()
    }

    fn sections(&self) -> Vec<sections::Section> {
        let general = sections::General { mode: self.mode, data_dir: self.data_dir.clone() };
        vec![
            general.describe(),
            self.http.describe(),
            self.graphql.describe(),
            self.websocket.describe(),
            self.metrics.describe(),
            self.database.describe(),
            self.auth.describe(),
            self.encryption.describe(),
            self.smtp.describe(),
            self.sms.describe(),
            self.reminders.describe(),
            self.region.describe(),
            self.content.describe(),
            self.plan.describe(),
            self.booking.describe(),
            self.log.describe(),
        ]
    }
}

/// Every setting at its default; not necessarily enough to run with.
impl Default for Config {
    fn default() -> Self {
        let general = sections::General::default();
        Self {
            mode: general.mode,
            data_dir: general.data_dir,
            http: Http::default(),
            graphql: Graphql::default(),
            websocket: Websocket::default(),
            metrics: Metrics::default(),
            database: Database::default(),
            auth: Auth::default(),
            encryption: Encryption::default(),
            smtp: Smtp::default(),
            sms: Sms::default(),
            reminders: Reminders::default(),
            region: Region::default(),
            content: Content::default(),
            plan: Plan::default(),
            booking: Booking::default(),
            log: Log::default(),
            origins: BTreeMap::new(),
        }
    }
}

/// Turns what was found into typed values, noting what does not fit.
struct Reader {
    entries: Entries,
    origins: BTreeMap<&'static str, Origin>,
    /// Settings whose value did not fit.
    unread: BTreeSet<&'static str>,
    problems: Vec<Problem>,
}

impl Reader {
    fn take<T: Setting>(&mut self, key: &'static str, default: impl FnOnce() -> T) -> T {
        let Some((raw, origin)) = self.entries.remove(key) else {
            return default();
        };
        match T::read(&raw) {
            Ok(value) => {
                self.origins.insert(key, origin);
                value
            }
            Err(reason) => {
                self.problems.push(Problem(format!("{origin}: {key} {reason}")));
                self.unread.insert(key);
                default()
            }
        }
    }
}

#[cfg(test)]
mod tests;
