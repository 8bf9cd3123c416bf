//! The service as an operator runs it: the real binary, as a process of its own, on a database of its own.
//!
//! A [`Stage`] is what such a process needs - database, keys, people - and looks into the database from outside; a
//! [`Serve`] is one process on it. Nothing here knows more of the service than its command line and its addresses.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use chrono::{Datelike as _, TimeDelta};
use patientkontrakt::{
    app::open_core_with,
    auth::{issue::Issuer, token::Identity},
    clock::Clock,
    config::{Config, MissingKeys, Sources},
    session::Core,
};
use serde_json::{Value, json};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use crate::{
    app::{Answer, mutation},
    database::{self, Kind, TestDatabase},
    world::World,
};

/// How long a process may take to start or to end, on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Everything that processes of the service share: database, keys and people.
pub struct Stage {
    pub core: Core,
    pub world: World,
    pub config: Config,
    issuer: Issuer,
    client: reqwest::Client,
    pub database: TestDatabase,
    data: tempfile::TempDir,
}

impl Stage {
    /// A fresh database of the picked kind with the [`World`] in it.
    pub async fn new() -> Self {
        Self::on(database::fresh_database().await).await
    }

    /// The [`World`] in this database.
    pub async fn on(database: TestDatabase) -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let sources = Sources::default().with("database.url", &database.url);
        let config = Config::demo(Some(data.path().to_owned()), None, sources, MissingKeys::AreMade)
            .expect("the configuration");
        let mut options = config.db_options();
        options.timeout = Duration::from_mins(1);
        let core = open_core_with(&config, &options, &Clock::system(), false).await.expect("the core");
        let world = World::insert(&core).await;
        let issuer = Issuer::open(&config).expect("the issuer");
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { core, world, config, issuer, client, database, data }
    }

    pub fn kind(&self) -> Kind {
        self.database.kind
    }

    /// The address of the database.
    pub fn url(&self) -> &str {
        &self.database.url
    }

    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// A bearer token for somebody of the world.
    pub fn token(&self, who: &Identity) -> String {
        self.issuer.issue(who, Duration::from_hours(1), &self.core.clock).expect("a token")
    }

    /// The binary with this stage's settings and these arguments.
    pub fn command(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = command(arguments);
        command
            .env("PK_MODE", "demo")
            .env("PK_DATA_DIR", self.data.path())
            .env("PK_DATABASE__URL", self.url())
            .env("PK_HTTP__LISTEN", "127.0.0.1:0")
            .env("PK_METRICS__LISTEN", "127.0.0.1:0")
            .env("PK_HTTP__RATE_PER_SECOND", "100000")
            .env("PK_HTTP__RATE_BURST", "100000")
            .env("PK_LOG__FORMAT", "json")
            .envs(settings.iter().copied());
        command
    }

    /// Starts `serve` and waits until it listens.
    pub async fn serve(&self, settings: &[(&str, &str)]) -> Serve {
        self.start(self.command(&["serve"], settings)).await
    }

    /// The same, but a file that may grow no further is an error to it, as a full disk is, and not its end.
    pub async fn serve_ignoring_file_limits(&self, settings: &[(&str, &str)]) -> Serve {
        let plain = self.command(&["serve"], settings);
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
        command.arg(plain.as_std().get_program()).args(plain.as_std().get_args());
        command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
        for (name, value) in plain.as_std().get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        self.start(command).await
    }

    async fn start(&self, mut command: Command) -> Serve {
        let log = self.data.path().join(format!("serve-{}.log", self.core.clock.uuid().simple()));
        let file = std::fs::File::create(&log).expect("the log file");
        let child = command
            .stdout(file.try_clone().expect("the log file"))
            .stderr(file)
            .spawn()
            .expect("the service starts");
        let mut serve = Serve {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics: SocketAddr::from(([127, 0, 0, 1], 0)),
            client: self.client.clone(),
            child,
            log,
        };
        serve.wait_until_it_listens().await;
        serve
    }

    /// Local times (`2027-03-01T09:00`), half an hour apart, on working days at least three weeks ahead.
    pub fn times(&self, count: usize) -> Vec<String> {
        let day = self.core.clock.now().date_naive() + TimeDelta::days(21);
        let monday = day + TimeDelta::days(7 - i64::from(day.weekday().num_days_from_monday()));
        (0..count as i64)
            .map(|n| {
                let day = monday + TimeDelta::days(n / 60 * 7 + n / 12 % 5);
                let minutes = n % 12 * 30;
                format!("{day}T{:02}:{:02}", 9 + minutes / 60, minutes % 60)
            })
            .collect()
    }
}

/// What a command that ends by itself had to say.
#[derive(Clone, Debug)]
pub struct Said {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

/// Runs a command to its end.
pub async fn run(command: &mut Command) -> Said {
    let output = timeout(PATIENCE, command.stdin(Stdio::null()).output()).await;
    let output = output.expect("the command ends in time").expect("the command runs");
    Said {
        status: output.status,
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// One serving process. Killed when dropped.
pub struct Serve {
    pub address: SocketAddr,
    pub metrics: SocketAddr,
    client: reqwest::Client,
    child: Child,
    log: PathBuf,
}

impl Serve {
    async fn wait_until_it_listens(&mut self) {
        let begun = Instant::now();
        loop {
            let log = self.log();
            let said = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .find(|line| line["message"] == "listening");
            if let Some(line) = said {
                let address = |name: &str| line[name].as_str().and_then(|text| text.parse().ok());
                self.address = address("address").expect("an address");
                self.metrics = address("metrics").expect("an address for measurements");
                return;
            }
            let ended = self.child.try_wait().expect("the process can be asked");
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "the service does not start: {log}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id().expect("the process runs")
    }

    /// Everything it has written to standard output and standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log can be read")
    }

    /// A GET of `path`: status and body.
    pub async fn get(&self, path: &str) -> (u16, String) {
        self.get_at(self.address, path).await
    }

    /// A GET of `path` at one of its addresses: status and body.
    pub async fn get_at(&self, address: SocketAddr, path: &str) -> (u16, String) {
        let response = self.client.get(format!("http://{address}{path}")).send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("text"))
    }

    /// A request to `/graphql` to be filled in.
    pub fn request(&self, token: Option<&str>) -> reqwest::RequestBuilder {
        let request = self.client.post(format!("http://{}/graphql", self.address));
        let request = request.header("accept", "application/graphql-response+json");
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Runs an operation. An error is a connection that broke before there was an answer.
    pub async fn run(&self, token: &str, query: &str, variables: Value) -> Result<Answer, reqwest::Error> {
        let body = json!({ "query": query, "variables": variables });
        answer(self.request(Some(token)).json(&body)).await
    }

    /// Runs a mutation. An error is a connection that broke before there was an answer.
    pub async fn act(
        &self,
        token: &str,
        name: &str,
        selection: &str,
        input: Value,
    ) -> Result<Answer, reqwest::Error> {
        self.run(token, &mutation(name, selection), json!({ "input": input })).await
    }

    /// Tells it to end, as an operator does.
    pub async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// Ends it at once, in the middle of whatever it does.
    pub async fn kill(&self) {
        self.signal("KILL").await;
    }

    /// Lets it stand still, as a machine does that is frozen.
    pub async fn freeze(&self) {
        self.signal("STOP").await;
    }

    /// Lets it go on from where it stands.
    pub async fn thaw(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("the process runs").to_string();
        let told = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &id]).status().await;
        assert!(told.expect("a shell").success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self, within: Duration) -> ExitStatus {
        let ended = timeout(within, self.child.wait()).await;
        ended.unwrap_or_else(|_| panic!("it still runs: {}", self.log())).expect("the process can be awaited")
    }
}

/// Sends a request and reads the answer.
pub async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or_else(|_| json!({ "raw": text }));
    Ok(Answer { status, body })
}

/// The binary with these arguments, and nothing of this process's own settings.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// The binary beside this test, as the sources are now. Cargo builds another package's binary for no test.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = std::env::current_exe().expect("the path of this test");
        let profile = test.ancestors().nth(2).expect("a test lies in target/PROFILE/deps");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = std::process::Command::new(cargo);
        build
            .args(["build", "--quiet", "--package", "patientkontrakt", "--manifest-path"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .arg("--target-dir")
            .arg(profile.parent().expect("the target directory"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // What `cargo test` says of this package would make the build scripts of dependencies run anew.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|mine| text.starts_with(mine)) {
                build.env_remove(name);
            }
        }
        assert!(build.status().expect("cargo runs").success(), "the binary cannot be built");
        profile.join("patientkontrakt")
    })
}
