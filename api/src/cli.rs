//! The command line: what operators and the curious run.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

use crate::{
    app::{self, Role, StartError},
    auth::{
        issue::Issuer,
        token::{Identity, Verifier},
    },
    clock::Clock,
    config::{self, Config, Mode, Sources},
    db::{Db, DbOptions},
    graphql::schema,
    http::{
        demo::{keep_clock, kept_clock},
        health,
    },
    reminder::channel::configured::Channels,
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
    /// What time it is when the demo starts, such as `2027-03-01T08:00:00+01:00`.
    #[arg(long, value_name = "RFC3339")]
    clock: Option<DateTime<chrono::FixedOffset>>,
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
    #[arg(long)]
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
struct IssueArgs {
    /// For a patient; without a number, the first demo patient.
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = "", conflicts_with = "staff")]
    patient: Option<String>,
    /// For staff; without an HSA-id, the first demo staff member.
    #[arg(long, value_name = "HSA-ID", num_args = 0..=1, default_missing_value = "", required_unless_present = "patient")]
    staff: Option<String>,
    /// The assignment that the staff member acts under.
    #[arg(long, value_name = "HSA-ID", requires = "staff")]
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
        Command::Migrate(command) => migrate(&load(&sources)?, command).await,
        Command::Config(ConfigCommand::Example) => {
            print!("{}", config::example());
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Check) => {
            let config = load(&sources)?;
            app::content(&config)?;
            print!("{}", config::effective(&config));
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema(SchemaCommand::Print) => {
            print!("{}", schema::print());
            Ok(ExitCode::SUCCESS)
        }
        Command::Schema(SchemaCommand::Check { file }) => check_schema(&file),
        Command::Doctor => doctor(&load(&sources)?).await,
        Command::Healthcheck => {
            let config = load(&sources)?;
            health::healthcheck(config.http.listen).await.map_err(StartError::new)?;
            println!("ready");
            Ok(ExitCode::SUCCESS)
        }
        Command::Seed(args) => fill(&seeding(&sources)?, &args).await,
        Command::Token(TokenCommand::Issue(args)) => issue(args, sources),
    }
}

fn load(sources: &Sources) -> Result<Config, StartError> {
    Config::load(sources).map_err(|problems| all("the configuration has problems:", &problems))
}

/// The configuration for `seed`: the demo's own keys are made if they are missing.
fn seeding(sources: &Sources) -> Result<Config, StartError> {
    Config::demo(None, None, sources.clone()).map_err(|p| all("nothing can be seeded:", &p))
}

fn all(heading: &str, problems: &[config::Problem]) -> StartError {
    let lines: Vec<String> = problems.iter().map(|p| format!("  - {p}")).collect();
    StartError::new(format!("{heading}\n{}", lines.join("\n")))
}

async fn serve(config: Config, role: Role) -> Result<ExitCode, StartError> {
    telemetry::init(&config.log).map_err(StartError::new)?;
    let measurements = telemetry::Measurements::install().map_err(StartError::new)?;
    let lock = app::lock(&config)?;
    if lock.is_some() && role == Role::Worker {
        return Err(StartError::new("on SQLite `serve` contains the worker; `worker` is for PostgreSQL"));
    }
    let migrate = config.database.url.is_sqlite() && config.database.migrate_at_start;
    let core = app::open_core(&config, &Clock::system(), migrate).await?;
    let running = app::start(&config, core, lock, role, Some(measurements)).await?;
    let metrics = running.metrics_address.map(tracing::field::display);
    tracing::info!(address = %running.address, metrics, "listening");
    running.until_told().await?;
    Ok(ExitCode::SUCCESS)
}

async fn demo(args: DemoArgs, sources: Sources) -> Result<ExitCode, StartError> {
    let config = Config::demo(args.data_dir, args.listen, sources)
        .map_err(|problems| all("the demo cannot start:", &problems))?;
    telemetry::init(&config.log).map_err(StartError::new)?;
    let lock = app::lock(&config)?;
    let clock = Clock::system();
    if let Some(at) = args.clock {
        clock.set(at.with_timezone(&Utc));
    }
    keep_clock(&config.data_dir, &clock).map_err(StartError::new)?;
    let core = app::open_core(&config, &clock, true).await?;
    seed::demo(&core).await.map_err(StartError::new)?;
    let running = app::start(&config, core, lock, Role::Demo, None).await?;
    println!(
        "\nPatientkontrakt visas på http://{0}/  (utforskare: http://{0}/explorer, utkorg: http://{0}/demo/outbox)\n\
         Token för en patient:   patientkontrakt token issue --patient --data-dir {1}\n\
         Token för personal:     patientkontrakt token issue --staff --data-dir {1}\n\
         Avsluta med Ctrl-C.\n",
        running.address,
        config.data_dir.display(),
    );
    running.until_told().await?;
    Ok(ExitCode::SUCCESS)
}

async fn migrate(config: &Config, command: Migrate) -> Result<ExitCode, StartError> {
    let looks_only = matches!(command, Migrate::Status);
    let db = Db::connect(&DbOptions { read_only: looks_only, ..config.db_options() })
        .await
        .map_err(|e| StartError::new(format!("the database does not answer ({e}); check database.url")))?;
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
        println!("applied  {name}");
    }
    for name in &state.pending {
        println!("missing  {name}");
    }
    for name in &state.altered {
        println!("differs  {name}");
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

/// Everything that would stop the service or its reminders, each with what to do. Changes nothing.
async fn doctor(config: &Config) -> Result<ExitCode, StartError> {
    let mut sick = false;
    let mut say = |found: Result<&str, String>| match found {
        Ok(well) => println!("ok       {well}"),
        Err(what) => {
            sick = true;
            println!("problem  {what}");
        }
    };
    match Db::connect(&DbOptions { read_only: true, ..config.db_options() }).await {
        Err(e) => say(Err(format!("the database does not answer ({e}); check database.url"))),
        Ok(db) => {
            say(Ok("the database answers"));
            let state = app::schema_state(&db).await?;
            let missing = state.pending.len();
            say(if let Some(first) = state.altered.first() {
                Err(format!(
                    "the schema was made by another build (`{first}` differs): start with an empty database"
                ))
            } else if missing == 0 {
                Ok("the schema is up to date")
            } else {
                Err(format!(
                    "the schema lacks {missing} change(s); `patientkontrakt migrate up` applies them"
                ))
            });
            if missing == 0 && state.altered.is_empty() && app::content(config).is_ok() {
                let library = app::library(config, &db).await;
                say(library
                    .map(|_| "no answered question battery has been changed")
                    .map_err(|e| e.to_string()));
            }
            if missing == 0 && !db.is_sqlite() {
                let may = db.may_alter_log().await.map_err(StartError::new)?;
                say(if may {
                    Err("the service signs in to the database as one who may alter the access log: give it a role of its \
                         own, and name it in database.service_role when the owner runs `migrate up`"
                        .to_owned())
                } else {
                    Ok("the database lets the service add to the access log, and no more")
                });
            }
        }
    }
    say(app::content(config)
        .map(|_| "the question batteries and templates can be used")
        .map_err(|e| e.to_string()));
    let verifier = Verifier::new(&config.auth, Clock::system()).map_err(StartError::new)?;
    let keys = verifier.jwks().refresh().await;
    say(keys.map(|()| "the keys of the token issuer can be read").map_err(|e| format!("token keys: {e}")));
    say(if config.sending_is_decided() {
        Ok("the region's decision on reminders is on record")
    } else {
        Err("nothing is sent before reminders.risk_analysis_reference and risk_analysis_date are set"
            .to_owned())
    });
    let channels = Channels::new(config.smtp_channel(), config.sms_channel(), &Clock::system());
    say(channels.map(|_| "the channels that are configured can be used").map_err(|e| e.to_string()));
    say(if config.smtp_channel().is_some() || config.sms_channel().is_some() {
        Ok("there is a way for reminders to leave")
    } else {
        Err("neither mail (smtp.host, smtp.from) nor SMS (sms.kind) is configured: no reminder leaves"
            .to_owned())
    });
    Ok(if sick { ExitCode::FAILURE } else { ExitCode::SUCCESS })
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
    let mut manifest = match &args.manifest {
        Some(path) => {
            let file = std::fs::File::create(path)
                .map_err(|e| StartError::new(format!("cannot write {}: {e}", path.display())))?;
            Some(std::io::BufWriter::new(file))
        }
        None => None,
    };
    let plan = SeedPlan { patients: args.patients, seed: args.seed };
    let writer = manifest.as_mut().map(|file| file as &mut dyn std::io::Write);
    let summary = seed::run(&core, plan, Some(&token), writer).await.map_err(StartError::new)?;
    if let Some(mut file) = manifest {
        std::io::Write::flush(&mut file).map_err(StartError::new)?;
    }
    println!(
        "{} patients at {} units with {} staff: {} rows",
        summary.patients, summary.units, summary.staff, summary.rows
    );
    Ok(ExitCode::SUCCESS)
}

fn issue(args: IssueArgs, sources: Sources) -> Result<ExitCode, StartError> {
    let config =
        Config::demo(args.data_dir, None, sources).map_err(|p| all("no token can be issued:", &p))?;
    let issuer = Issuer::open(&config).map_err(StartError::new)?;
    let or = |given: String, first: &str| if given.is_empty() { first.to_owned() } else { given };
    let identity = match (args.patient, args.staff) {
        (Some(number), _) => Identity::Patient { number: or(number, seed::DEMO_PATIENT_NUMBER) },
        (_, Some(person)) => {
            let first = person.is_empty().then(|| seed::DEMO_ASSIGNMENT_HSA_ID.to_owned());
            let assignment = args.assignment.or(first);
            Identity::Staff { person: or(person, seed::DEMO_STAFF_HSA_ID), assignment }
        }
        (None, None) => return Err(StartError::new("say --patient or --staff")),
    };
    let token = issuer
        .issue(&identity, Duration::from_secs(args.ttl), &kept_clock(&config.data_dir))
        .map_err(StartError::new)?;
    println!("{token}");
    Ok(ExitCode::SUCCESS)
}
