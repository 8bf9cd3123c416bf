//! PostgreSQL for tests: the server that `TEST_DATABASE_URL` names, or with `auto` a throw-away one.
//!
//! The throw-away server is started from the installed binaries, once per test process, and lives exactly as long: a
//! shell that owns it waits on a pipe from the test process, and stops the server and deletes its files when the
//! pipe closes - however the process ended. It listens on the loopback address only. Because it is thrown away it
//! does not flush to disk; `TEST_DATABASE_FSYNC=on` makes it.
//!
//! The migrated template is made once per schema and server and cloned for every test. On a server of one's own it
//! is kept for the next run (named by the schema's hash); everything else is dropped.
#![allow(clippy::expect_used, reason = "a test that has no database cannot go on")]

use std::{
    fmt::Write as _,
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use reqwest::Url;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr, Statement,
    TransactionTrait as _,
};
use sea_orm_migration::MigratorTrait as _;

use crate::database::{URL_VARIABLE, apart};

/// How long the server may take to start, and any one step on it.
const PATIENCE: Duration = Duration::from_mins(1);
/// How soon the server notices that one of its processes is gone, on a busy machine.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// Owns the server: everything it needs is an argument, nothing is left when standard input ends.
const KEEPER: &str = r#"
dir=$1 bin=$2 port=$3 fsync=$4
trap '' INT TERM HUP
trap 'rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"$dir/log" 2>&1 \
  || { echo "FATAL: initdb failed" >>"$dir/log"; read -r _; exit 1; }
"$bin/postgres" -D "$dir/data" -h 127.0.0.1 -p "$port" -c unix_socket_directories= -c max_connections=200 \
  -c fsync="$fsync" -c synchronous_commit="$fsync" -c full_page_writes="$fsync" -c autovacuum=off \
  -c shared_buffers=64MB </dev/null >>"$dir/log" 2>&1 &
server=$!
read -r _
kill -QUIT "$server" 2>/dev/null
wait "$server"
"#;

static SERVER: OnceLock<Server> = OnceLock::new();

struct Server {
    /// The address of a database that always exists.
    admin: Url,
    template: String,
    /// Its standard input is the life line of a throw-away server.
    _keeper: Option<Child>,
}

/// A database on the server. Dropped from the server with this handle, even if somebody is still connected.
#[derive(Debug)]
pub(crate) struct OwnedDatabase {
    name: String,
}

impl OwnedDatabase {
    pub(crate) fn url(&self) -> String {
        address(&server().admin, &self.name)
    }
}

impl Drop for OwnedDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        let admin = server().admin.clone();
        let dropped = apart(async move { execute(&admin, &[statement]).await });
        if let Err(error) = dropped {
            eprintln!("the test database {} could not be dropped: {error}", self.name);
        }
    }
}

/// A server that one test has for itself, to crash it. It keeps what it has answered, as a real one does. Ends when
/// dropped.
#[derive(Debug)]
pub(crate) struct OwnServer {
    admin: Url,
    _keeper: Child,
}

impl OwnServer {
    /// With a migrated database.
    pub(crate) async fn start() -> Self {
        let (admin, keeper) = tokio::task::spawn_blocking(|| start("on")).await.expect("a server");
        let fresh = connect(admin.as_str()).await.expect("it answers");
        migration::Migrator::up(&fresh, None).await.expect("the migrations apply");
        fresh.close().await.expect("it closes");
        Self { admin, _keeper: keeper }
    }

    pub(crate) fn url(&self) -> String {
        self.admin.to_string()
    }

    /// Kills one of the server's processes: the server breaks off everything at once and starts anew from its files. Comes
    /// back when the server has: how long that takes says nothing about those who use it.
    pub(crate) async fn crash(&self) {
        let begun = Instant::now();
        while !self.kill_one().await.unwrap_or(false) {
            assert!(begun.elapsed() < PATIENCE, "the server does not come back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        while connect(self.admin.as_str()).await.is_err() {
            assert!(begun.elapsed() < 2 * PATIENCE, "the server does not come back after its crash");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Whether there was one to kill. A kill is answered before the server knows of it: what is asked in between is still
    /// answered by the other processes, and would pass for the server being back. It has crashed when this line breaks. One
    /// that was just ending by itself takes the kill and crashes nothing: then it is somebody else's turn.
    async fn kill_one(&self) -> Result<bool, DbErr> {
        let db = connect(self.admin.as_str()).await?;
        // In a transaction: without one, the pool would hide that the line broke behind another.
        let line = db.begin().await?;
        let some = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() \
                   ORDER BY random() LIMIT 1";
        let Some(row) = line.query_one_raw(Statement::from_string(DbBackend::Postgres, some)).await? else {
            return Ok(false);
        };
        let process: i32 = row.try_get_by_index(0)?;
        let kill = ["-c", "kill -s KILL \"$0\"", &process.to_string()];
        if !tokio::process::Command::new("sh").args(kill).status().await.is_ok_and(|status| status.success())
        {
            return Ok(false);
        }
        let killed = Instant::now();
        while killed.elapsed() < NOTICED_WITHIN {
            if line.execute_unprepared("SELECT 1").await.is_err() {
                return Ok(true);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(false)
    }
}

/// A new database: a clone of the migrated template, or one without tables.
pub(crate) fn create(migrated: bool) -> OwnedDatabase {
    let server = server();
    let name = format!("pk_test_{}_{}", std::process::id(), random_suffix());
    let template = if migrated { server.template.as_str() } else { "template0" };
    // Copying files is cheaper than writing every page to the log of a server that is thrown away (PostgreSQL 15).
    let statement = format!("CREATE DATABASE \"{name}\" TEMPLATE \"{template}\" STRATEGY FILE_COPY");
    let admin = server.admin.clone();
    apart(async move { execute(&admin, &[statement]).await })
        .expect("a database can be made on the test server");
    OwnedDatabase { name }
}

fn server() -> &'static Server {
    SERVER.get_or_init(|| {
        let asked = std::env::var(URL_VARIABLE).unwrap_or_default();
        let (admin, keeper) = if asked == "auto" || asked.is_empty() {
            let fsync = if std::env::var("TEST_DATABASE_FSYNC").is_ok_and(|value| value == "on") {
                "on"
            } else {
                "off"
            };
            let (admin, keeper) = start(fsync);
            (admin, Some(keeper))
        } else {
            (Url::parse(&asked).expect("TEST_DATABASE_URL is `auto` or a postgres:// address"), None)
        };
        let template = template_name();
        let (at, name) = (admin.clone(), template.clone());
        apart(async move { prepare_template(&at, &name).await }).expect("the migrations apply on PostgreSQL");
        Server { admin, template, _keeper: keeper }
    })
}

/// The same schema has the same name, on any server and in any process.
fn template_name() -> String {
    let script = migration::statements(DbBackend::Postgres).join(";\n");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, script.as_bytes());
    format!("pk_template_{}", hex(&hash.as_ref()[..12]))
}

/// Makes the template unless it is there. Half made, it has another name, so a crash leaves nothing wrong behind.
async fn prepare_template(admin: &Url, name: &str) -> Result<(), DbErr> {
    let db = connect(admin.as_str()).await?;
    // One process at a time; the lock goes with the connection.
    db.execute_unprepared("SELECT pg_advisory_lock(7305)").await?;
    let exists = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT 1 FROM pg_database WHERE datname = $1",
        [name.into()],
    );
    if db.query_one_raw(exists).await?.is_none() {
        let unfinished = format!("{name}_unfinished");
        db.execute_unprepared(&format!("DROP DATABASE IF EXISTS \"{unfinished}\" WITH (FORCE)")).await?;
        db.execute_unprepared(&format!("CREATE DATABASE \"{unfinished}\" TEMPLATE template0")).await?;
        let fresh = connect(&address(admin, &unfinished)).await?;
        migration::Migrator::up(&fresh, None).await?;
        fresh.close().await?;
        db.execute_unprepared(&format!("ALTER DATABASE \"{unfinished}\" RENAME TO \"{name}\"")).await?;
    }
    db.close().await
}

async fn execute(url: &Url, statements: &[String]) -> Result<(), DbErr> {
    let db = connect(url.as_str()).await?;
    for statement in statements {
        db.execute_unprepared(statement).await?;
    }
    db.close().await
}

async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).connect_timeout(PATIENCE).acquire_timeout(PATIENCE).sqlx_logging(false);
    Database::connect(options).await
}

fn address(admin: &Url, database: &str) -> String {
    let mut url = admin.clone();
    url.set_path(database);
    url.to_string()
}

/// Starts a throw-away server. Another process may take the port between looking and listening: then once more.
fn start(fsync: &str) -> (Url, Child) {
    let binaries =
        binaries().expect("PostgreSQL's initdb and postgres, in PATH or /usr/lib/postgresql/*/bin");
    let mut failure = String::new();
    for _ in 0..5 {
        match try_start(&binaries, fsync) {
            Ok(started) => return started,
            Err(message) => failure = message,
        }
    }
    panic!("a throw-away PostgreSQL does not start: {failure}")
}

fn try_start(binaries: &Path, fsync: &str) -> Result<(Url, Child), String> {
    let directory = tempfile::Builder::new().prefix("patientkontrakt-postgres-").tempdir().map_err(text)?;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).map_err(text)?.port();

    let mut command = shell(directory.path())?;
    let mut keeper = command
        .arg(KEEPER)
        .arg("keeper")
        .args([directory.path(), binaries])
        .args([&port.to_string(), fsync])
        .current_dir(directory.path())
        // Not in the terminal's group: an interrupt reaches the tests, and the keeper by their end.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(text)?;
    // From here on the files are the keeper's to delete.
    let directory = directory.keep();

    match wait_until_ready(&directory, &mut keeper) {
        Ok(()) => {
            let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
            Ok((Url::parse(&url).map_err(text)?, keeper))
        }
        Err(message) => {
            // `wait` closes the life line first.
            let _ = keeper.wait();
            Err(message)
        }
    }
}

/// Ready is what this very server writes into its own files: whoever else may answer on the port is not asked.
fn wait_until_ready(directory: &Path, keeper: &mut Child) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let state = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap_or_default();
        if state.lines().any(|line| line.trim() == "ready") {
            return Ok(());
        }
        let log = std::fs::read_to_string(directory.join("log")).unwrap_or_default();
        let ended = keeper.try_wait().map_err(text)?.is_some();
        if ended || log.contains("FATAL") || begun.elapsed() > PATIENCE {
            return Err(log);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `sh -c`, as a user that PostgreSQL accepts: it refuses to run as root.
fn shell(directory: &Path) -> Result<Command, String> {
    if directory.metadata().map_err(text)?.uid() != 0 {
        let mut command = Command::new("sh");
        command.arg("-c");
        return Ok(command);
    }
    let (user, uid, gid) = ["postgres", "nobody"]
        .into_iter()
        .find_map(|user| Some((user, number_of(user, "-u")?, number_of(user, "-g")?)))
        .ok_or("root needs a user `postgres` or `nobody` to run PostgreSQL as")?;
    std::os::unix::fs::chown(directory, Some(uid), Some(gid)).map_err(text)?;
    let mut command;
    if let Some(setpriv) = in_path("setpriv") {
        command = Command::new(setpriv);
        command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
        command.args(["sh", "-c"]);
    } else {
        command = Command::new("su");
        command.args(["-s", "/bin/sh", user, "-c"]);
    }
    Ok(command)
}

fn number_of(user: &str, which: &str) -> Option<u32> {
    let output = Command::new("id").args([which, user]).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The directory with the server's binaries: of the newest version installed, else from `PATH`.
fn binaries() -> Option<PathBuf> {
    let has_server = |bin: &PathBuf| bin.join("initdb").is_file() && bin.join("postgres").is_file();
    let mut installed: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| has_server(bin))
        .collect();
    installed.sort();
    let linked = || in_path("initdb")?.canonicalize().ok()?.parent().map(Path::to_owned).filter(has_server);
    installed.pop().map(|(_, bin)| bin).or_else(linked)
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

fn random_suffix() -> String {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random bytes");
    hex(&bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
