//! The command line: what operators and the curious run.

mod doctor;
mod reminders;

use std::{
    fmt,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use chrono::{DateTime, Datelike as _, FixedOffset, Utc};
use clap::{ArgGroup, Args, Parser, Subcommand};
use tempfile::NamedTempFile;

use crate::{
    app::{self, Role, StartError},
    auth::{issue::Issuer, token::Identity},
    calendar::to_local,
    clock::Clock,
    config::{self, Config, MissingKeys, Mode, Sources},
    db::DbOptions,
    domain::patient::personal_number::PersonalNumber,
    graphql::schema,
    http::{
        demo::{keep_clock, kept_clock},
        health,
    },
    locale::Locale,
    seed::{self, SeedPlan},
    telemetry,
};

/// The shared agreement between a patient and care (patientkontrakt), as a GraphQL service.
#[derive(Parser)]
#[command(name = "patientkontrakt", version)]
struct Cli {
    /// Configuration file (TOML). Settings also come from the environment: `PK_HTTP__LISTEN` …
    #[arg(long, global = true, env = "PK_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API and send reminders.
    Serve,
    /// Send reminders only (PostgreSQL; on SQLite `serve` contains the worker).
    Worker,
    /// Serve with demo data on an SQLite database of its own.
    Demo(DemoArgs),
    /// Bring the database's schema up to date, or tell where it stands.
    #[command(subcommand)]
    Migrate(Migrate),
    /// Check the configuration, or print one with every setting explained.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the GraphQL schema, or compare it with a file.
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Look for what would stop the service or its reminders.
    Doctor,
    /// See what reminders would leave; hold all of them, or those of one channel, and let them go again.
    #[command(subcommand)]
    Reminders(reminders::Reminders),
    /// Ask the service that listens on `http.listen` whether it is ready.
    Healthcheck,
    /// Fill a database with deterministic fictional data. Refused in production.
    Seed(SeedArgs),
    /// Tokens of the demo's own issuer.
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Args)]
struct DemoArgs {
    /// Where to listen.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Folder of the demo's database and keys.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// What time it is when the demo starts, such as `2027-03-01T08:00:00+01:00`; from 2020 to 2100.
    #[arg(long, value_name = "RFC3339", value_parser = demo_time)]
    clock: Option<DateTime<Utc>>,
}

/// A time that the demo's people can live in.
fn demo_time(text: &str) -> Result<DateTime<Utc>, String> {
    let at: DateTime<FixedOffset> = text.parse().map_err(|e: chrono::ParseError| e.to_string())?;
    if (2020..=2100).contains(&at.year()) {
        Ok(at.to_utc())
    } else {
        Err("the demo lives from 2020 to 2100".to_owned())
    }
}

#[derive(Subcommand)]
enum Migrate {
    /// Apply what is missing.
    Up,
    /// List what is applied and what is missing.
    Status,
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Read the configuration as `serve` would, report every problem, print what holds.
    Check,
    /// Print a commented configuration with every setting, its meaning, unit and default.
    Example,
}

#[derive(Subcommand)]
enum SchemaCommand {
    /// Print the schema. Needs no database.
    Print,
    /// Fail if the file differs from the schema.
    Check {
        #[arg(default_value = "schema.graphql")]
        file: PathBuf,
    },
}

#[derive(Args)]
struct SeedArgs {
    /// How many patients.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    patients: u32,
    /// The same seed gives the same data.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Write one JSON line per person: token and ids.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Print a token of the demo's issuer, and nothing else.
    Issue(IssueArgs),
}

#[derive(Args)]
#[command(group(ArgGroup::new("whom").required(true).args(["patient", "staff"])))]
struct IssueArgs {
    /// For a patient; without a number, the first demo patient.
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = "")]
    patient: Option<String>,
    /// For staff; without an HSA-id, the first demo staff member.
    #[arg(long, value_name = "HSA-ID", num_args = 0..=1, default_missing_value = "")]
    staff: Option<String>,
    /// The assignment that the staff member acts under.
    #[arg(long, value_name = "HSA-ID", conflicts_with = "patient")]
    assignment: Option<String>,
    /// How long the token lasts, in seconds.
    #[arg(long, default_value_t = 3600)]
    ttl: u64,
    /// Folder of the demo's keys.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// How long the tokens of a manifest last.
const MANIFEST_TTL: Duration = Duration::from_hours(24);

/// Runs what the command line of this process asks for.
///
/// # Panics
/// When the machine gives no thread to run in.
#[tokio::main]
pub async fn main() -> ExitCode {
    // Two of the libraries bring a TLS provider each; the process uses one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    match run(cli).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("patientkontrakt: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<ExitCode, StartError> {
    let sources = Sources::from_process(cli.config);
    match cli.command {
        Command::Serve => serve(load(&sources)?, Role::Serve).await,
        Command::Worker => serve(load(&sources)?, Role::Worker).await,
        Command::Demo(args) => demo(args, sources).await,
        Command::Migrate(command) => migrate(&load_for_database(&sources)?, command).await,
        Command::Config(ConfigCommand::Example) => {
            print(config::example())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Check) => {
            let config = load(&sources)?;
            app::content(&config)?;
            print(config::effective(&config))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema(SchemaCommand::Print) => {
            print(schema::print())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema(SchemaCommand::Check { file }) => check_schema(&file),
        Command::Doctor => doctor::run(&load(&sources)?).await,
        Command::Reminders(command) => reminders::run(&load(&sources)?, command).await,
        Command::Healthcheck => {
            let config = load(&sources)?;
            health::healthcheck(config.http.listen).await.map_err(StartError::new)?;
            print("ready\n")?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Seed(args) => fill(&seeding(&sources)?, &args).await,
        Command::Token(TokenCommand::Issue(args)) => issue(args, sources),
    }
}

/// Prints what was asked for. A reader who has seen enough, such as `head`, may leave before the end.
fn print(text: impl fmt::Display) -> Result<(), StartError> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(StartError::new(format!("the output cannot be written: {e}")))
        }
        _ => Ok(()),
    }
}

fn load(sources: &Sources) -> Result<Config, StartError> {
    Config::load(sources).map_err(|problems| all("the configuration has problems:", &problems))
}

fn load_for_database(sources: &Sources) -> Result<Config, StartError> {
    Config::load_for_database(sources).map_err(|problems| all("the configuration has problems:", &problems))
}

/// The configuration for `seed`: the demo's own keys are made if they are missing.
fn seeding(sources: &Sources) -> Result<Config, StartError> {
    Config::demo(None, None, sources.clone(), MissingKeys::AreMade)
        .map_err(|p| all("nothing can be seeded:", &p))
}

fn all(heading: &str, problems: &[config::Problem]) -> StartError {
    let lines: Vec<String> = problems.iter().map(|p| format!("  - {p}")).collect();
    StartError::new(format!("{heading}\n{}", lines.join("\n")))
}

async fn serve(config: Config, role: Role) -> Result<ExitCode, StartError> {
    telemetry::init(&config.log).map_err(StartError::new)?;
    let measurements = telemetry::Measurements::install().map_err(StartError::new)?;
    if role == Role::Worker && config.database.url.is_sqlite() {
        return Err(StartError::new("on SQLite `serve` contains the worker; `worker` is for PostgreSQL"));
    }
    let lock = app::lock(&config)?;
    let clock = Clock::system();
    if role == Role::Serve && config.mode == Mode::Demo {
        // An earlier demo in the folder may have moved its clock; this one starts at the machine's.
        keep_clock(&config.data_dir, &clock).map_err(StartError::new)?;
    }
    let migrate = config.database.url.is_sqlite() && config.database.migrate_at_start;
    let core = app::open_core(&config, &clock, migrate).await?;
    let running = app::start(&config, core, lock, role, Some(measurements)).await?;
    let metrics = running.metrics_address.map(tracing::field::display);
    tracing::info!(address = %running.address, metrics, "listening");
    running.until_told().await?;
    Ok(ExitCode::SUCCESS)
}

async fn demo(args: DemoArgs, sources: Sources) -> Result<ExitCode, StartError> {
    let config = Config::demo(args.data_dir, args.listen, sources, MissingKeys::AreMade)
        .map_err(|problems| all("the demo cannot start:", &problems))?;
    telemetry::init(&config.log).map_err(StartError::new)?;
    let lock = app::lock(&config)?;
    let clock = Clock::system();
    if let Some(at) = args.clock {
        clock.set(at);
    }
    keep_clock(&config.data_dir, &clock).map_err(StartError::new)?;
    app::lay_demo(&config, &clock).await?;
    let core = app::open_core(&config, &clock, false).await?;
    let running = app::start(&config, core, lock, Role::Demo, None).await?;
    print(format_args!(
        "\nPatientkontrakt visas på http://{0}/  (utforskare: http://{0}/explorer, utkorg: http://{0}/demo/outbox)\n\
         Token för en patient:   patientkontrakt token issue --patient --data-dir {1}\n\
         Token för personal:     patientkontrakt token issue --staff --data-dir {1}\n\
         Avsluta med Ctrl-C.\n\n",
        running.address,
        config.data_dir.display(),
    ))?;
    running.until_told().await?;
    Ok(ExitCode::SUCCESS)
}

async fn migrate(config: &Config, command: Migrate) -> Result<ExitCode, StartError> {
    let looks_only = matches!(command, Migrate::Status);
    let db = app::connect(config, &DbOptions { read_only: looks_only, ..config.db_options() }).await?;
    if let Migrate::Up = command {
        let _lock = app::lock(config)?;
        app::migrate(&db).await?;
        if let Some(role) = config.database.service_role.as_deref().filter(|_| !db.is_sqlite()) {
            db.grant_to(role).await.map_err(|e| {
                StartError::new(format!("the rights of database.service_role could not be granted: {e}"))
            })?;
        }
    }
    let state = app::schema_state(&db).await?;
    for name in &state.applied {
        print(format_args!("applied  {name}\n"))?;
    }
    for name in &state.pending {
        print(format_args!("missing  {name}\n"))?;
    }
    for name in &state.altered {
        print(format_args!("differs  {name}\n"))?;
    }
    Ok(if state.pending.is_empty() && state.altered.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn check_schema(file: &std::path::Path) -> Result<ExitCode, StartError> {
    let checked_in = std::fs::read_to_string(file)
        .map_err(|e| StartError::new(format!("cannot read {}: {e}", file.display())))?;
    if checked_in == schema::print() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(StartError::new(format!(
        "{} differs from the schema; review the change, then `patientkontrakt schema print > {}`",
        file.display(),
        file.display()
    )))
}

async fn fill(config: &Config, args: &SeedArgs) -> Result<ExitCode, StartError> {
    if config.mode == Mode::Production {
        return Err(StartError::new(
            "`seed` writes fictional people and is refused in production mode (PK_MODE)",
        ));
    }
    let _lock = app::lock(config)?;
    let clock = Clock::system();
    let core = app::open_core(config, &clock, true).await?;
    let issuer = Issuer::open(config).map_err(StartError::new)?;
    let token = |identity: &Identity| issuer.issue(identity, MANIFEST_TTL, &clock).unwrap_or_default();
    // It holds tokens, so nobody else may read it; and an earlier one stays until this one is whole.
    let mut manifest = match &args.manifest {
        Some(path) => {
            let cannot = |e| StartError::new(format!("cannot write {}: {e}", path.display()));
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let file = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(cannot)?;
            Some((std::io::BufWriter::new(file), path, cannot))
        }
        None => None,
    };
    let plan = SeedPlan { patients: args.patients, seed: args.seed };
    let writer = manifest.as_mut().map(|(file, ..)| file as &mut dyn std::io::Write);
    let summary = seed::run(&core, plan, Some(&token), writer).await.map_err(StartError::new)?;
    if let Some((file, path, cannot)) = manifest {
        let file = file.into_inner().map_err(|e| cannot(e.into_error()))?;
        file.persist(path).map_err(|e| cannot(e.error))?;
    }
    print(format_args!(
        "{} patients at {} units with {} staff: {} rows\n",
        summary.patients, summary.units, summary.staff, summary.rows
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn issue(args: IssueArgs, sources: Sources) -> Result<ExitCode, StartError> {
    let config = Config::demo(args.data_dir, None, sources, MissingKeys::Stay)
        .map_err(|p| all("no token can be issued:", &p))?;
    let issuer = Issuer::of_started(&config).map_err(StartError::new)?;
    let or = |given: String, first: &str| if given.is_empty() { first.to_owned() } else { given };
    let clock = kept_clock(&config.data_dir);
    let identity = match (args.patient, args.staff) {
        (Some(number), _) => {
            let number = or(number, seed::DEMO_PATIENT_NUMBER);
            let number = PersonalNumber::parse(&number, to_local(clock.now()).date_naive())
                .map_err(|e| StartError::new(format!("--patient: {}", e.text(Locale::En))))?;
            Identity::Patient { number: number.as_str().to_owned() }
        }
        (_, Some(person)) => {
            let first = person.is_empty().then(|| seed::DEMO_ASSIGNMENT_HSA_ID.to_owned());
            let assignment = args.assignment.or(first);
            Identity::Staff { person: or(person, seed::DEMO_STAFF_HSA_ID), assignment }
        }
        (None, None) => return Err(StartError::new("say --patient or --staff")),
    };
    let token = issuer.issue(&identity, Duration::from_secs(args.ttl), &clock).map_err(StartError::new)?;
    print(format_args!("{token}\n"))?;
    Ok(ExitCode::SUCCESS)
}
