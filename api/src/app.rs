//! The service put together: from a configuration to something that listens, and its orderly end.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use futures_util::FutureExt;
use sea_orm::DbErr;
use sea_orm_migration::MigratorTrait;
use tokio::{net::TcpListener, task::AbortHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    access::AccessLog,
    auth::{resolve::Resolver, token::Verifier},
    clock::Clock,
    config::{self, Config, Mode},
    crypto::Keyring,
    db::{Db, DbOptions, ExclusiveLock},
    domain::{battery, time_wish::sweep::Turn},
    engine::Service,
    error::{self, Fault},
    graphql::schema,
    http::{self, demo::Demo, graphql::Endpoint, health::Readiness, rate::Rate, serve::serve},
    library::{self, Defect, Library},
    reminder::{
        beat,
        channel::{configured::Channels, outbox::Outbox},
        hold::{self, Watch},
        render::Renderer,
        worker::Worker,
    },
    seed,
    session::Core,
    telemetry,
};

/// Why the service could not start or run, in words for the operator.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(String);

impl StartError {
    pub fn new(what: impl std::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// Whether the database's schema is up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaState {
    pub applied: Vec<String>,
    pub pending: Vec<String>,
    /// Changes that the database got from another text than this build's.
    pub altered: Vec<String>,
}

impl SchemaState {
    /// Refuses a database that this build does not understand.
    fn known(&self) -> Result<(), StartError> {
        let Some(first) = self.altered.first() else { return Ok(()) };
        Err(StartError::new(format!(
            "the database was made by another build, before the first release (`{first}` differs): start with an empty \
             one - in the demo, name a new --data-dir or remove the old one"
        )))
    }
}

/// The state of the schema. Changes nothing.
pub async fn schema_state(db: &Db) -> Result<SchemaState, StartError> {
    let tidy = |e: DbErr| {
        let hint = if error::is_forbidden(&e) {
            "; name this role in database.service_role, and let the owner of the tables run `migrate up`"
        } else {
            ""
        };
        StartError::new(format!("the schema's state cannot be read: {}{hint}", Fault::from(e)))
    };
    let applied = migration::applied(db.reader()).await.map_err(tidy)?;
    let all = migration::Migrator::migrations().into_iter().map(|m| m.name().to_owned());
    let pending = all.filter(|name| !applied.contains(name)).collect();
    let altered = migration::altered(db.reader()).await.map_err(tidy)?;
    Ok(SchemaState { applied, pending, altered })
}

/// Brings the schema up to date.
///
/// # Errors
/// When the database was made by a build that this one does not understand, or refuses a change.
pub async fn migrate(db: &Db) -> Result<(), StartError> {
    schema_state(db).await?.known()?;
    db.migrate().await.map_err(|e| {
        let who = if db.is_sqlite() { "" } else { "; `migrate up` is run as the owner of the tables" };
        StartError::new(format!("the schema could not be brought up to date: {e}{who}"))
    })
}

/// Opens the database and everything that rests on it. With `migrate`, the schema is brought up to date first.
pub async fn open_core(config: &Config, clock: &Clock, migrate: bool) -> Result<Core, StartError> {
    make_database_folder(config)?;
    open_core_with(config, &config.db_options(), clock, migrate).await
}

/// Connects to the database.
///
/// # Errors
/// What the operator has to look at.
pub async fn connect(config: &Config, options: &DbOptions) -> Result<Db, StartError> {
    Db::connect(options).await.map_err(|e| {
        let missing = sqlite_file(config).filter(|file| options.read_only && !file.exists());
        StartError::new(missing.map_or_else(
            || format!("the database does not answer ({e}); check database.url"),
            |file| {
                let file = file.display();
                format!("there is no database {file} yet; `patientkontrakt migrate up` makes it, or check database.url")
            },
        ))
    })
}

/// [`open_core`] with a connection of one's own making.
pub async fn open_core_with(
    config: &Config,
    options: &DbOptions,
    clock: &Clock,
    migrate: bool,
) -> Result<Core, StartError> {
    content(config)?;
    let db = connect(config, options).await?;
    if migrate {
        self::migrate(&db).await?;
    }
    let state = schema_state(&db).await?;
    state.known()?;
    if !state.pending.is_empty() {
        return Err(StartError::new(format!(
            "the database lacks {} schema change(s), the first is {}; run `patientkontrakt migrate up`",
            state.pending.len(),
            state.pending[0]
        )));
    }
    let keys = Keyring::load(&db, clock, &config.masters()).await.map_err(StartError::new)?;
    let log = AccessLog::start(db.clone(), clock.clone(), keys.clone());
    let library = library(config, &db).await?;
    let texts = Arc::new(texts(config)?);
    let watch = Watch::new(watermark(config));
    Ok(Core {
        db,
        clock: clock.clone(),
        keys,
        log,
        settings: Arc::new(config.settings()),
        library,
        texts,
        watch,
        wishes: Turn::default(),
    })
}

/// How long one transaction may take before anything is served. Nobody waits for an answer then: a machine that is busy
/// makes the start slow, and does not stop it.
const LAYING: Duration = Duration::from_mins(2);

/// Brings the schema up to date and writes the demo's people, unless they are there.
///
/// # Errors
/// What the operator has to look at.
pub async fn lay_demo(config: &Config, clock: &Clock) -> Result<(), StartError> {
    make_database_folder(config)?;
    let patient = DbOptions { timeout: LAYING, ..config.db_options() };
    let core = open_core_with(config, &patient, clock, true).await?;
    let laid = seed::demo(&core).await.map_err(StartError::new);
    core.db.close().await;
    laid
}

/// Where this instance remembers how far the sending has come: beside the database of SQLite, unless it is said where.
fn watermark(config: &Config) -> Option<PathBuf> {
    let beside = || sqlite_file(config).map(|file| file.with_extension("sending-mark"));
    config.reminders.watermark_file.clone().or_else(beside)
}

/// What messages say, in every language.
///
/// # Errors
/// The first thing that is wrong with a text, by file and line.
pub fn texts(config: &Config) -> Result<Renderer, StartError> {
    let sender = config.mail_sender().ok_or_else(|| StartError::new("smtp.from is not a mail address"))?;
    Renderer::with_languages(&sender, config.reminders.languages.as_deref()).map_err(StartError::new)
}

/// The question batteries and templates, as the files have them.
///
/// # Errors
/// Everything that is wrong with the files.
pub fn content(config: &Config) -> Result<Library, StartError> {
    Library::load(config.content.directory.as_deref()).map_err(|defects| wrong_content(&defects))
}

/// [`content`], compared with what has been answered.
///
/// # Errors
/// Everything that is wrong with the files, or every version that says something else than what was answered.
pub async fn library(config: &Config, db: &Db) -> Result<Arc<Library>, StartError> {
    let library = content(config)?;
    let answered = battery::answered(db)
        .await
        .map_err(|e| StartError::new(format!("the answered question batteries cannot be read: {e}")))?;
    let answered = answered.iter().map(|row| (row.key.as_str(), row.version, row.definition.as_str()));
    library.check_answered(answered).map_err(|defects| wrong_content(&defects))?;
    Ok(Arc::new(library))
}

fn wrong_content(defects: &[Defect]) -> StartError {
    StartError::new(format!("the content files have problems:\n{}", library::told(defects)))
}

/// Takes the exclusive lock of an SQLite database; none is needed on PostgreSQL.
pub fn lock(config: &Config) -> Result<Option<ExclusiveLock>, StartError> {
    make_database_folder(config)?;
    sqlite_file(config).map(|file| ExclusiveLock::take(&file).map_err(StartError::new)).transpose()
}

/// The file of an SQLite database.
pub fn sqlite_file(config: &Config) -> Option<PathBuf> {
    config.database.url.sqlite_file().map(PathBuf::from)
}

fn make_database_folder(config: &Config) -> Result<(), StartError> {
    let folder = sqlite_file(config).and_then(|file| file.parent().map(std::path::Path::to_owned));
    match folder {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::create_dir_all(&folder)
            .map_err(|e| StartError::new(format!("cannot make the folder {}: {e}", folder.display()))),
        _ => Ok(()),
    }
}

/// A service that listens.
pub struct Running {
    pub service: Service,
    pub address: SocketAddr,
    pub metrics_address: Option<SocketAddr>,
    readiness: Readiness,
    stop: CancellationToken,
    sockets: TaskTracker,
    tasks: TaskTracker,
    listening: Vec<AbortHandle>,
    grace: Duration,
    _lock: Option<ExclusiveLock>,
}

/// How many messages the demo's outbox shows.
const OUTBOX: usize = 500;

/// What a process does beside answering requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers requests and sends reminders.
    Serve,
    /// Sends reminders only.
    Worker,
    /// Answers requests; messages go to a page instead of leaving.
    Demo,
}

/// Starts the service on `core`: listeners first bound, then everything else.
pub async fn start(
    config: &Config,
    core: Core,
    lock: Option<ExclusiveLock>,
    role: Role,
    measurements: Option<telemetry::Measurements>,
) -> Result<Running, StartError> {
    let verifier = Arc::new(Verifier::new(&config.auth, core.clock.clone()).map_err(StartError::new)?);
    let resolver = Resolver::new(
        core.db.clone(),
        core.keys.clone(),
        core.clock.clone(),
        config.auth.identity_cache_seconds,
        core.settings.ages,
    );
    let limits = config.limits();
    let schema = schema::build(&limits);
    let service = Service { core: core.clone(), schema: schema::build_trusting(&limits), verifier, resolver };
    let endpoint = Endpoint::new(
        service.clone(),
        schema.clone(),
        &schema.sdl(),
        limits,
        Rate::new(&config.http),
        config.graphql.introspection,
    )
    .map_err(|e| StartError::new(format!("the schema cannot be served: {e:?}")))?;
    let readiness = readiness(&service, config.silence());
    let (stop, sockets, tasks) = (CancellationToken::new(), TaskTracker::new(), TaskTracker::new());

    let listener = bind(config.http.listen).await?;
    let address = listener.local_addr().map_err(StartError::new)?;
    let outbox = Outbox::new(core.clock.clone(), OUTBOX);
    let demo = (config.mode == Mode::Demo).then(|| Demo { outbox: outbox.clone() });
    let app = match role {
        Role::Serve | Role::Demo => {
            http::router(config, &service, &endpoint, readiness.clone(), &stop, &sockets, demo)
        }
        Role::Worker => http::health::router(readiness.clone()),
    };
    let mut listening = vec![tasks.spawn(serve(listener, app, config.waits(), stop.clone())).abort_handle()];
    let mut metrics_address = None;
    if let Some(measurements) = measurements {
        let (upkeep, until) = (measurements.clone(), stop.clone());
        tasks.spawn(async move {
            until.run_until_cancelled(upkeep.keep_up()).await;
        });
        let listener = bind(config.metrics.listen).await?;
        metrics_address = listener.local_addr().ok();
        let app = http::health::metrics_router(measurements);
        listening.push(tasks.spawn(serve(listener, app, config.waits(), stop.clone())).abort_handle());
    }
    let events = core.db.events().clone();
    tasks.spawn(events.run(core.db.clone(), core.clock.clone(), config.listen_url(), stop.clone()));
    tasks.spawn(keep_house(core.clone(), stop.clone()));
    if !config.sending_is_decided() {
        tracing::warn!("{}", config::UNDECIDED);
    }
    let worker = worker(config, &core, role, &outbox)?;
    let working = stop.clone();
    let fail = stop.clone();
    tasks.spawn(async move {
        // A worker that ends before it is told leaves reminders unsent while all looks well: stop, be restarted.
        let ended = std::panic::AssertUnwindSafe(worker.run(working)).catch_unwind().await;
        if ended.is_err() && !fail.is_cancelled() {
            tracing::error!("the reminder worker broke; stopping");
            fail.cancel();
        }
    });
    Ok(Running {
        service,
        address,
        metrics_address,
        readiness,
        stop,
        sockets,
        tasks,
        listening,
        grace: config.http.shutdown_grace_seconds,
        _lock: lock,
    })
}

/// The worker of this process. Outside the demo, messages leave by the channels that are configured.
fn worker(config: &Config, core: &Core, role: Role, outbox: &Outbox) -> Result<Worker, StartError> {
    let channels = if role == Role::Demo {
        Channels::demo(outbox)
    } else {
        Channels::new(config.smtp_channel(), config.sms_channel(), &core.clock).map_err(StartError::new)?
    };
    Worker::new(core.clone(), Arc::clone(&core.texts), channels, config.worker()).map_err(StartError::new)
}

/// Forgets what need not be remembered, once an hour.
async fn keep_house(core: Core, stop: CancellationToken) {
    const PAUSE: Duration = Duration::from_hours(1);
    loop {
        if let Err(fault) = crate::domain::act::forget_old_keys(&core).await {
            telemetry::note_failure("forgetting idempotency keys", &fault);
        }
        if stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
            return;
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|e| StartError::new(format!("cannot listen on {address}: {e}")))
}

fn readiness(service: &Service, silence: Duration) -> Readiness {
    let db = service.core.db.clone();
    let jwks = service.verifier.jwks().clone();
    let (core, working) = (service.core.clone(), service.core.clone());
    let logged = db.clone();
    let sending = Readiness::check(move || {
        let core = core.clone();
        async move { hold::alert(&core).await }
    });
    // A gateway that is out of order is no reason to take the API out of rotation: shown, and not failing.
    let channels = Readiness::check(move || {
        let core = working.clone();
        async move { beat::alert(&core, silence).await }
    });
    let checks = [
        (
            "database",
            Readiness::check(move || {
                let db = db.clone();
                async move { db.ping().await.map_err(|_| "the database does not answer".to_owned()) }
            }),
        ),
        // Nothing is given out that cannot be logged.
        (
            "access log",
            Readiness::check(move || {
                let db = logged.clone();
                async move {
                    match db.rights_in_log().await {
                        Ok(rights) if rights.add => Ok(()),
                        Ok(_) => Err("the service may not add to the access log".to_owned()),
                        Err(_) => Err("the database does not answer".to_owned()),
                    }
                }
            }),
        ),
        (
            "token keys",
            Readiness::check(move || {
                let jwks = jwks.clone();
                async move { jwks.available().await }
            }),
        ),
    ];
    Readiness::with_alerts(checks, [("channels", channels), ("sending", sending)])
}

impl Running {
    /// Waits for SIGTERM or Ctrl-C, then stops.
    pub async fn until_told(self) -> Result<(), StartError> {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
            .map_err(StartError::new)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
            () = self.stop.cancelled() => {}
        }
        let told = !self.stop.is_cancelled();
        self.stop().await?;
        if told { Ok(()) } else { Err(StartError::new("a part of the service broke; the log says which")) }
    }

    /// Takes no new work, finishes what is under way within the grace, ends what is not finished then, closes sockets and
    /// the database.
    ///
    /// # Errors
    /// When something was still under way at the end of the grace.
    pub async fn stop(self) -> Result<(), StartError> {
        tracing::info!("stopping");
        self.readiness.leave();
        self.stop.cancel();
        self.sockets.close();
        self.tasks.close();
        let finished = async {
            self.sockets.wait().await;
            self.tasks.wait().await;
        };
        let in_time = tokio::time::timeout(self.grace, finished).await;
        self.listening.iter().for_each(AbortHandle::abort);
        self.service.core.db.clone().close().await;
        match in_time {
            Ok(()) => {
                tracing::info!("stopped");
                Ok(())
            }
            Err(_) => Err(StartError::new("some requests were still under way when the grace ended")),
        }
    }
}
