//! The mail server, how to talk to it, and how long each phase may take.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

use super::QUICK;
use crate::domain::phone::EmailAddress;

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
        self.before_body() + self.body + QUICK
    }

    /// The longest that everything before the body can take, at however many servers.
    pub(super) fn before_body(&self) -> Duration {
        // A pooled connection that turns out dead costs one NOOP (`mail`) before a new one is made.
        self.connect + self.tls + self.greeting * 2 + self.auth + self.mail * 2 + self.rcpt + self.data
    }
}

/// The mail server and how to talk to it.
#[derive(Clone, Debug)]
pub struct SmtpConfig {
    /// The servers, in the order in which they are tried.
    pub hosts: Vec<String>,
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
