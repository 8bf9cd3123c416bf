//! Mail over SMTP.
//!
//! The library's own pool can take a reply for the wrong mail after a send was cancelled or timed out. Here each
//! phase has its own time-out, a connection belongs to the send that uses it, and it returns to the pool only
//! after a complete, understood exchange; a send that is cancelled, times out or meets a broken connection drops it.

mod mail;
mod refusal;
mod wire;

use std::{error::Error as _, path::PathBuf, sync::Mutex, time::Duration};

use futures_util::future::BoxFuture;
use lettre::{
    Message,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Noop, Rcpt, Rset},
        extension::{ClientId, Extension, MailParameter},
        response::{Category, Detail, Severity},
    },
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use self::wire::Wire;
use super::{Channel, ChannelKind, FailureCode, Outcome, Outgoing, Recipient, Still};
use crate::{config::is_loopback, domain::phone::EmailAddress};

/// How the connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Not at all. Only for a relay on the same machine: a password is refused unless the host is loopback.
    None,
    /// STARTTLS, and nothing is sent when the server does not offer it.
    #[default]
    Starttls,
    /// TLS from the first byte (port 465).
    Tls,
}

/// How long each phase may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name look-up and TCP.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// The greeting and EHLO.
    pub greeting: Duration,
    pub auth: Duration,
    pub mail: Duration,
    pub rcpt: Duration,
    /// From DATA to the go-ahead.
    pub data: Duration,
    /// The body, and the answer after the final dot. RFC 5321 (4.5.3.2.6) asks for ten minutes.
    pub body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let short = Duration::from_secs(30);
        Self {
            connect: Duration::from_secs(10),
            tls: Duration::from_secs(10),
            greeting: short,
            auth: short,
            mail: short,
            rcpt: short,
            data: short,
            body: Duration::from_mins(10),
        }
    }
}

impl Timeouts {
    /// The longest that one send can take. The lease of the one who sends must be longer.
    pub fn total(&self) -> Duration {
        // A pooled connection that turns out dead costs one NOOP (`mail`) before a new one is made.
        self.connect
            + self.tls
            + self.greeting * 2
            + self.auth
            + self.mail * 2
            + self.rcpt
            + self.data
            + self.body
            + QUICK
    }
}

/// A courtesy to the server (RSET) that is not worth waiting for.
const QUICK: Duration = Duration::from_secs(2);
/// A pooled connection is not used again after this: servers close idle ones, often without a word.
const IDLE: Duration = Duration::from_secs(30);
/// Mails per connection; servers commonly stop at a hundred.
const PER_CONNECTION: u32 = 50;

/// The mail server and how to talk to it.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    pub host: String,
    pub port: u16,
    pub tls: TlsMode,
    /// A PEM file with the authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    pub user: Option<String>,
    pub password: Option<SecretString>,
    /// The name given in EHLO.
    pub hello_name: String,
    /// The sender's address; what stands before it is the real sender's name of each message.
    pub from: EmailAddress,
    pub timeouts: Timeouts,
    /// How many idle connections are kept.
    pub pool_size: usize,
}

/// A mail channel that cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum SmtpConfigError {
    #[error(
        "a mail user and password are refused over an unencrypted connection to a host that is not loopback"
    )]
    PasswordInPlain,
    #[error("a mail user needs a password, and a password a user")]
    HalfCredentials,
    #[error("the authorities' file cannot be read: {0}")]
    CaFile(#[source] std::io::Error),
    #[error("the authorities' file or the host name cannot be used for TLS")]
    Tls,
}

/// The mail channel.
pub struct Smtp {
    config: SmtpConfig,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    idle: Mutex<Vec<Pooled>>,
}

struct Pooled {
    connection: AsyncSmtpConnection,
    since: Instant,
    sent: u32,
}

/// How far the exchange had come when it failed, which decides what the failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Tls,
    Greeting,
    Auth,
    Mail,
    Rcpt,
    Data,
    Body,
}

/// A failed attempt: what to answer, and whether the connection is still in step.
struct Failed {
    outcome: Outcome,
    in_step: bool,
}

impl Smtp {
    /// A channel for this server. Nothing is connected yet.
    pub fn new(config: SmtpConfig) -> Result<Self, SmtpConfigError> {
        let credentials = match (&config.user, &config.password) {
            (None, None) => None,
            (Some(user), Some(password)) => {
                Some(Credentials::new(user.clone(), password.expose_secret().to_owned()))
            }
            _ => return Err(SmtpConfigError::HalfCredentials),
        };
        if config.tls == TlsMode::None && credentials.is_some() && !is_loopback(&config.host) {
            return Err(SmtpConfigError::PasswordInPlain);
        }
        let tls = match config.tls {
            TlsMode::None => None,
            TlsMode::Starttls | TlsMode::Tls => {
                let mut builder = TlsParameters::builder(config.host.clone());
                if let Some(path) = &config.ca_file {
                    let pem = std::fs::read(path).map_err(SmtpConfigError::CaFile)?;
                    let authorities = Certificate::from_pem(&pem).map_err(|_| SmtpConfigError::Tls)?;
                    builder = builder.add_root_certificate(authorities);
                }
                Some(builder.build_rustls().map_err(|_| SmtpConfigError::Tls)?)
            }
        };
        Ok(Self { config, tls, credentials, idle: Mutex::new(Vec::new()) })
    }

    async fn deliver(&self, to: &EmailAddress, message: &Outgoing, still: Still<'_>) -> Outcome {
        let Some(mail) = mail::build(&self.config.from, to, message) else {
            return Outcome::Fail { reason: FailureCode::BadMessage };
        };
        let mut pooled = match self.connection().await {
            Ok(pooled) => pooled,
            Err(failed) => return failed.outcome,
        };
        match self.exchange(&mut pooled.connection, &mail, still).await {
            Ok(()) => {
                pooled.sent += 1;
                self.keep(pooled);
                Outcome::Accepted { provider_ref: None }
            }
            Err(failed) => {
                // A refusal of this one mail says nothing about the next: start over on the same connection.
                if failed.in_step
                    && let Ok(Ok(_)) = timeout(QUICK, pooled.connection.command(Rset)).await
                {
                    self.keep(pooled);
                }
                failed.outcome
            }
        }
    }

    /// An idle connection that still answers, or a new one.
    async fn connection(&self) -> Result<Pooled, Failed> {
        while let Some(mut pooled) = self.take() {
            let answer = timeout(self.config.timeouts.mail, pooled.connection.command(Noop)).await;
            if matches!(answer, Ok(Ok(_))) {
                return Ok(pooled);
            }
            // One that hangs is no reason to try the next ones, which will hang as well.
            if answer.is_err() {
                break;
            }
        }
        let connection = self.connect().await?;
        Ok(Pooled { connection, since: Instant::now(), sent: 0 })
    }

    fn take(&self) -> Option<Pooled> {
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        idle.retain(|pooled| pooled.since.elapsed() < IDLE);
        idle.pop()
    }

    fn keep(&self, mut pooled: Pooled) {
        if pooled.sent >= PER_CONNECTION || pooled.connection.has_broken() {
            return;
        }
        pooled.since = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if idle.len() < self.config.pool_size {
            idle.push(pooled);
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failed> {
        let SmtpConfig { host, port, timeouts, .. } = &self.config;
        let hello = ClientId::Domain(self.config.hello_name.clone());
        let mut connection = if let (Some(tls), TlsMode::Tls) = (&self.tls, self.config.tls) {
            let tls = Some(tls.clone());
            let server = (host.as_str(), *port);
            let connecting =
                AsyncSmtpConnection::connect_tokio1(server, Some(timeouts.connect), &hello, tls, None);
            phase(Phase::Tls, timeouts.connect + timeouts.tls + timeouts.greeting, connecting).await?
        } else {
            let tcp = match timeout(timeouts.connect, TcpStream::connect((host.as_str(), *port))).await {
                Ok(Ok(tcp)) => tcp,
                Ok(Err(_)) => return Err(Failed::out(Outcome::retry(FailureCode::Unreachable))),
                Err(_) => return Err(Failed::out(Outcome::retry(FailureCode::Timeout))),
            };
            let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(Wire::new(tcp)), &hello);
            phase(Phase::Greeting, timeouts.greeting, connecting).await?
        };
        if self.config.tls == TlsMode::Starttls {
            let Some(tls) = self.tls.clone().filter(|_| connection.can_starttls()) else {
                return Err(Failed::out(Outcome::retry(FailureCode::Tls)));
            };
            let upgrade = connection.starttls(tls, &hello);
            phase(Phase::Tls, timeouts.tls + timeouts.greeting, upgrade).await?;
        }
        if self.config.tls != TlsMode::None && !connection.is_encrypted() {
            return Err(Failed::out(Outcome::retry(FailureCode::Tls)));
        }
        if let Some(credentials) = &self.credentials {
            let login = connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials);
            phase(Phase::Auth, timeouts.auth, login).await?;
        }
        Ok(connection)
    }

    async fn exchange(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &Message,
        still: Still<'_>,
    ) -> Result<(), Failed> {
        let timeouts = &self.config.timeouts;
        let envelope = mail.envelope();
        let mut options = Vec::new();
        if envelope.to().iter().any(|to| !AsRef::<str>::as_ref(to).is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let outcome = Outcome::Fail { reason: FailureCode::BadAddress };
                return Err(Failed { outcome, in_step: true });
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        let from = Mail::new(envelope.from().cloned(), options);
        phase(Phase::Mail, timeouts.mail, connection.command(from)).await?;
        for to in envelope.to() {
            phase(Phase::Rcpt, timeouts.rcpt, connection.command(Rcpt::new(to.clone(), Vec::new()))).await?;
        }
        // Everything before can take minutes, in which a visit can be cancelled.
        if !still().await {
            return Err(Failed { outcome: Outcome::Withheld, in_step: true });
        }
        phase(Phase::Data, timeouts.data, connection.command(Data)).await?;
        phase(Phase::Body, timeouts.body, connection.message(&mail.formatted())).await?;
        Ok(())
    }
}

impl Channel for Smtp {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Mail
    }

    fn send<'a>(&'a self, message: &'a Outgoing, still: Still<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match &message.to {
                Recipient::Mail(to) => self.deliver(to, message, still).await,
                Recipient::Sms(_) => Outcome::Fail { reason: FailureCode::BadAddress },
            }
        })
    }
}

impl Failed {
    const fn out(outcome: Outcome) -> Self {
        Self { outcome, in_step: false }
    }
}

/// Runs one phase within its time, and says what its failure means.
async fn phase<T>(
    phase: Phase,
    limit: Duration,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failed> {
    match timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failed(phase, &error)),
        Err(_) if phase == Phase::Body => Err(Failed::out(Outcome::Unknown { reason: FailureCode::Timeout })),
        Err(_) => Err(Failed::out(Outcome::retry(FailureCode::Timeout))),
    }
}

fn failed(phase: Phase, error: &Error) -> Failed {
    let Some(code) = error.status() else {
        // No reply: the connection broke, or what came was no SMTP.
        let reason = match phase {
            Phase::Auth if error.is_client() => FailureCode::Auth,
            _ if is_tls(error) => FailureCode::Tls,
            _ if error.is_timeout() => FailureCode::Timeout,
            Phase::Tls if is_refused(error) => FailureCode::Unreachable,
            Phase::Tls => FailureCode::Tls,
            _ => FailureCode::ConnectionLost,
        };
        let outcome = if phase == Phase::Body { Outcome::Unknown { reason } } else { Outcome::retry(reason) };
        return Failed::out(outcome);
    };
    let temporary = code.severity == Severity::TransientNegativeCompletion;
    // 421: the server says good-bye, whatever was asked.
    let closing = temporary && code.category == Category::Connections && code.detail == Detail::One;
    let outcome = match phase {
        // Our own login and the server's TLS are repaired by operators, not by giving up on patients.
        Phase::Auth => Outcome::retry(FailureCode::Auth),
        Phase::Tls => Outcome::retry(FailureCode::Tls),
        _ if temporary => Outcome::retry(FailureCode::RefusedForNow),
        Phase::Rcpt => refusal::of_recipient(code, causes_text(error).as_deref()),
        _ => Outcome::Fail { reason: FailureCode::Refused },
    };
    let in_step = !closing && matches!(phase, Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Body);
    Failed { outcome, in_step }
}

/// What the server said beside its code.
fn causes_text(error: &Error) -> Option<String> {
    error.source().map(ToString::to_string)
}

/// Whether the cause is the TLS layer rather than the network.
fn is_tls(error: &Error) -> bool {
    error.is_tls()
        || causes(error).any(|io| matches!(io.get_ref(), Some(inner) if inner.is::<rustls::Error>()))
}

fn is_refused(error: &Error) -> bool {
    causes(error).any(|io| {
        matches!(
            io.kind(),
            std::io::ErrorKind::ConnectionRefused
                | std::io::ErrorKind::HostUnreachable
                | std::io::ErrorKind::NetworkUnreachable
        )
    })
}

fn causes(error: &Error) -> impl Iterator<Item = &std::io::Error> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
    .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
}
