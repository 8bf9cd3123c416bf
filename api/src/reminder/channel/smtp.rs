//! Mail over SMTP.
//!
//! The library's own pool can take a reply for the wrong mail after a send was cancelled or timed out. Here each
//! phase has its own time-out, a connection belongs to the send that uses it, and it returns to the pool only
//! after a complete, understood exchange; a send that is cancelled, times out or meets a broken connection drops it.

mod mail;
mod phase;
mod refusal;
mod settings;
mod wire;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use lettre::{
    Message,
    transport::smtp::{
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Noop, Rcpt, Rset},
        extension::{ClientId, Extension, MailParameter},
    },
};
use secrecy::ExposeSecret;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

pub use self::settings::{SmtpConfig, SmtpConfigError, Timeouts, TlsMode};
use self::{
    phase::{Failed, Phase, phase},
    wire::Wire,
};
use super::{Channel, ChannelKind, FailureCode, Outcome, Outgoing, Recipient, Still};
use crate::{clock::Clock, config::is_loopback, domain::phone::EmailAddress, reminder::breaker::Breaker};

/// A courtesy to the server (RSET) that is not worth waiting for.
const QUICK: Duration = Duration::from_secs(2);
/// A pooled connection is not used again after this: servers close idle ones, often without a word.
const IDLE: Duration = Duration::from_secs(30);
/// A look that is older than this is taken again.
const OLD: Duration = Duration::from_millis(500);
/// Mails per connection; servers commonly stop at a hundred.
const PER_CONNECTION: u32 = 50;

/// The mail channel: one or several servers, tried in order until one begins to take the mail.
pub struct Smtp {
    config: SmtpConfig,
    credentials: Option<Credentials>,
    relays: Vec<Relay>,
    clock: Clock,
}

/// One server, its idle connections, and whether it is worth trying.
struct Relay {
    host: String,
    tls: Option<TlsParameters>,
    idle: Mutex<Vec<Pooled>>,
    breaker: Mutex<Breaker>,
}

struct Pooled {
    connection: AsyncSmtpConnection,
    since: Instant,
    sent: u32,
}

impl Smtp {
    /// A channel for this server. Nothing is connected yet.
    pub fn new(config: SmtpConfig, clock: Clock) -> Result<Self, SmtpConfigError> {
        let credentials = match (&config.user, &config.password) {
            (None, None) => None,
            (Some(user), Some(password)) => {
                Some(Credentials::new(user.clone(), password.expose_secret().to_owned()))
            }
            _ => return Err(SmtpConfigError::HalfCredentials),
        };
        if config.tls == TlsMode::None
            && credentials.is_some()
            && !config.hosts.iter().all(|host| is_loopback(host))
        {
            return Err(SmtpConfigError::PasswordInPlain);
        }
        let relays = config.hosts.iter().map(|host| Relay::new(host, &config)).collect::<Result<_, _>>()?;
        Ok(Self { config, credentials, relays, clock })
    }

    async fn deliver(&self, to: &EmailAddress, message: &Outgoing, still: Still<'_>) -> Outcome {
        let Some(mail) = mail::build(&self.config.from, to, message) else {
            return Outcome::Fail { reason: FailureCode::BadMessage };
        };
        // One budget for all that is tried before the body: a server that hangs takes its time from the next ones.
        let until = Instant::now() + self.config.timeouts.before_body();
        let alone = self.relays.len() == 1;
        let worth_trying =
            self.relays.iter().filter(|relay| alone || relay.breaker().admits(self.clock.now()));
        if let Some(outcome) = self.deliver_by_one_of(worth_trying, &mail, until, still).await {
            return outcome;
        }
        // Of a server in doubt nothing is asked out of turn; of the others the worker decides.
        let known = self.relays.iter().filter(|relay| !relay.breaker().is_in_doubt());
        let outcome = self.deliver_by_one_of(known, &mail, until, still).await;
        outcome.unwrap_or_else(|| Outcome::retry(FailureCode::Unavailable))
    }

    /// By the first of these that begins to take the mail; none where there was none.
    async fn deliver_by_one_of(
        &self,
        relays: impl Iterator<Item = &Relay>,
        mail: &Message,
        until: Instant,
        still: Still<'_>,
    ) -> Option<Outcome> {
        let mut last = None;
        for relay in relays {
            let Err(failed) = self.deliver_by(relay, mail, until, still).await else {
                relay.breaker().good();
                return Some(Outcome::Accepted { provider_ref: None });
            };
            let (mut breaker, now) = (relay.breaker(), self.clock.now());
            if failed.of_the_relay {
                breaker.bad(now);
            } else if failed.in_step {
                breaker.answered(now);
            } else if matches!(failed.outcome, Outcome::Unknown { .. }) {
                // This mail it may have taken; the next ones have another server, if there is one.
                breaker.doubtful(now);
            }
            last = Some(failed.outcome);
            if !failed.of_the_relay || Instant::now() >= until {
                break;
            }
        }
        last
    }

    async fn deliver_by(
        &self,
        relay: &Relay,
        mail: &Message,
        until: Instant,
        still: Still<'_>,
    ) -> Result<(), Failed> {
        let mut pooled = self.connection(relay, until).await?;
        match self.exchange(&mut pooled.connection, mail, until, still).await {
            Ok(()) => {
                pooled.sent += 1;
                self.keep(relay, pooled);
                Ok(())
            }
            Err(failed) => {
                // A refusal of this one mail says nothing about the next: start over on the same connection.
                if failed.in_step
                    && let Ok(Ok(_)) = timeout(QUICK, pooled.connection.command(Rset)).await
                {
                    self.keep(relay, pooled);
                }
                Err(failed)
            }
        }
    }

    /// An idle connection that still answers, or a new one.
    async fn connection(&self, relay: &Relay, until: Instant) -> Result<Pooled, Failed> {
        while let Some(mut pooled) = relay.take() {
            let answer = timeout(self.config.timeouts.mail, pooled.connection.command(Noop)).await;
            if matches!(answer, Ok(Ok(_))) {
                return Ok(pooled);
            }
            // One that hangs is no reason to try the next ones, which will hang as well.
            if answer.is_err() {
                break;
            }
        }
        let connection = self.connect(relay, until).await?;
        Ok(Pooled { connection, since: Instant::now(), sent: 0 })
    }

    fn keep(&self, relay: &Relay, mut pooled: Pooled) {
        if pooled.sent >= PER_CONNECTION || pooled.connection.has_broken() {
            return;
        }
        pooled.since = Instant::now();
        let mut idle = relay.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.config.pool_size {
            idle.push(pooled);
        }
    }

    async fn connect(&self, relay: &Relay, until: Instant) -> Result<AsyncSmtpConnection, Failed> {
        let SmtpConfig { port, timeouts, .. } = &self.config;
        let host = &relay.host;
        let hello = ClientId::Domain(self.config.hello_name.clone());
        let mut connection = if let (Some(tls), TlsMode::Tls) = (&relay.tls, self.config.tls) {
            let tls = Some(tls.clone());
            let server = (host.as_str(), *port);
            let connecting =
                AsyncSmtpConnection::connect_tokio1(server, Some(timeouts.connect), &hello, tls, None);
            phase(Phase::Tls, timeouts.connect + timeouts.tls + timeouts.greeting, until, connecting).await?
        } else {
            let tcp = match timeout_at(
                Ord::min(until, Instant::now() + timeouts.connect),
                TcpStream::connect((host.as_str(), *port)),
            )
            .await
            {
                Ok(Ok(tcp)) => tcp,
                Ok(Err(_)) => return Err(Failed::out(Outcome::retry(FailureCode::Unreachable))),
                Err(_) => return Err(Failed::out(Outcome::retry(FailureCode::Timeout))),
            };
            // A mail and its end are two writes: the second would wait for the receiver to acknowledge the first, which
            // takes its time (40 ms).
            let _ = tcp.set_nodelay(true);
            let connecting = AsyncSmtpConnection::connect_with_transport(Box::new(Wire::new(tcp)), &hello);
            phase(Phase::Greeting, timeouts.greeting, until, connecting).await?
        };
        if self.config.tls == TlsMode::Starttls {
            let Some(tls) = relay.tls.clone().filter(|_| connection.can_starttls()) else {
                return Err(Failed::out(Outcome::retry(FailureCode::Tls)));
            };
            let upgrade = connection.starttls(tls, &hello);
            phase(Phase::Tls, timeouts.tls + timeouts.greeting, until, upgrade).await?;
        }
        if self.config.tls != TlsMode::None && !connection.is_encrypted() {
            return Err(Failed::out(Outcome::retry(FailureCode::Tls)));
        }
        if let Some(credentials) = &self.credentials {
            let login = connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials);
            phase(Phase::Auth, timeouts.auth, until, login).await?;
        }
        Ok(connection)
    }

    async fn exchange(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &Message,
        until: Instant,
        still: Still<'_>,
    ) -> Result<(), Failed> {
        let timeouts = &self.config.timeouts;
        let envelope = mail.envelope();
        let mut options = Vec::new();
        if envelope.to().iter().any(|to| !AsRef::<str>::as_ref(to).is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let outcome = Outcome::Fail { reason: FailureCode::BadAddress };
                return Err(Failed { outcome, in_step: true, of_the_relay: false });
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        let from = Mail::new(envelope.from().cloned(), options);
        phase(Phase::Mail, timeouts.mail, until, connection.command(from)).await?;
        for to in envelope.to() {
            phase(Phase::Rcpt, timeouts.rcpt, until, connection.command(Rcpt::new(to.clone(), Vec::new())))
                .await?;
        }
        // Everything before can take minutes, in which a visit can be cancelled.
        if !still().await {
            return Err(Failed { outcome: Outcome::Withheld, in_step: true, of_the_relay: false });
        }
        let looked = Instant::now();
        phase(Phase::Data, timeouts.data, until, connection.command(Data)).await?;
        // The server waits for the content now: only the end of the connection tells it that there is none.
        if looked.elapsed() > OLD && !still().await {
            return Err(Failed { outcome: Outcome::Withheld, in_step: false, of_the_relay: false });
        }
        phase(Phase::Body, timeouts.body, until, connection.message(&mail.formatted())).await?;
        Ok(())
    }
}

impl Channel for Smtp {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Mail
    }

    fn trouble(&self) -> Vec<String> {
        let several = self.relays.len() > 1;
        let open = self.relays.iter().filter(|relay| several && relay.breaker().is_open());
        open.map(|relay| format!("the mail server {} takes no mail; others are used", relay.host)).collect()
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

impl Relay {
    fn new(host: &str, config: &SmtpConfig) -> Result<Self, SmtpConfigError> {
        let tls = match config.tls {
            TlsMode::None => None,
            TlsMode::Starttls | TlsMode::Tls => {
                let mut builder = TlsParameters::builder(host.to_owned());
                if let Some(path) = &config.ca_file {
                    let pem = std::fs::read(path).map_err(SmtpConfigError::CaFile)?;
                    let authorities = Certificate::from_pem(&pem).map_err(|_| SmtpConfigError::Tls)?;
                    builder = builder.add_root_certificate(authorities);
                }
                Some(builder.build_rustls().map_err(|_| SmtpConfigError::Tls)?)
            }
        };
        Ok(Self { host: host.to_owned(), tls, idle: Mutex::default(), breaker: Mutex::default() })
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Pooled> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|pooled| pooled.since.elapsed() < IDLE);
        idle.pop()
    }
}
