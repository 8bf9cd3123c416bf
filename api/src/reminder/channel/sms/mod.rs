//! SMS over HTTP gateways: what they have in common. Each gateway is a file of its own, a [`Gateway`].
//!
//! A gateway that answers 200 has not necessarily taken the message: only what that gateway means by a yes counts.
//! Nothing is ever sent again by the HTTP client itself, and a redirect is not followed, because both could send
//! a patient's number to a place nobody chose, or send a text twice.

pub mod elks;
pub mod hooks;
pub mod kannel;

use std::{collections::BTreeMap, time::Duration};

use chrono::DateTime;
use futures_util::future::BoxFuture;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header::RETRY_AFTER, redirect};
use secrecy::SecretString;

use self::hooks::Hooks;
use super::{Channel, ChannelKind, FailureCode, Outcome, Outgoing, Recipient, Still};
use crate::{clock::Clock, config::is_loopback};

/// An answer is never this long (bytes); what is longer is not read.
const MAX_ANSWER: usize = 64 * 1024;
/// A gateway that asks for a longer wait is asked again after this.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// How one kind of gateway is asked, and how its answers and reports are read.
pub trait Gateway: Send + Sync {
    /// The request that hands over `message`. `report` is the address at which the gateway reports what became of it.
    fn request(&self, client: &Client, config: &SmsConfig, handed: &Handed<'_>) -> RequestBuilder;

    /// What an answer with a success status means.
    fn answered(&self, status: StatusCode, body: &[u8]) -> Outcome;

    /// What a refusal (4xx) means, where its status alone does not tell.
    fn refused(&self, _status: StatusCode, _body: &[u8]) -> Option<Outcome> {
        None
    }

    /// What a report says. None while it is not final.
    fn report(&self, fields: &Fields) -> Option<Report>;
}

/// A message on its way to the gateway.
pub struct Handed<'a> {
    pub to: &'a str,
    pub text: &'a str,
    pub message: &'a Outgoing,
    pub report: Option<String>,
}

/// The fields of a form or query.
pub type Fields = BTreeMap<String, String>;

/// What became of an accepted message, as the gateway reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    Delivered,
    Undelivered,
    /// The gateway could not pass it on: nothing is known of the number.
    Rejected,
}

impl Report {
    /// The name in the measurements.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Rejected => "rejected",
        }
    }
}

/// The kinds of gateways there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayKind {
    Elks,
    Kannel,
}

impl GatewayKind {
    pub fn gateway(self) -> &'static dyn Gateway {
        match self {
            Self::Elks => &elks::Elks,
            Self::Kannel => &kannel::Kannel,
        }
    }
}

/// The gateway and how to talk to it.
#[derive(Clone, Debug)]
pub struct SmsConfig {
    pub kind: GatewayKind,
    /// Where a message is posted, such as `https://api.46elks.com/a1/sms`.
    pub url: Url,
    pub user: String,
    pub password: SecretString,
    /// What the receiver sees: at most eleven letters and digits, or a number in E.164 that can be answered.
    pub from: String,
    /// From the connection to the end of the answer.
    pub timeout: Duration,
    /// Whether the gateway takes messages with the same key once only.
    pub honours_key: bool,
    /// Where the gateway reports; none when it is not to.
    pub hooks: Option<Hooks>,
}

/// An SMS channel that cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum SmsConfigError {
    #[error("the gateway's address must be https (http only for loopback)")]
    NotEncrypted,
    #[error("the sender must be at most eleven letters and digits, or a number in E.164")]
    Sender,
    #[error("the HTTP client cannot be made")]
    Client,
}

/// The SMS channel.
pub struct Sms {
    config: SmsConfig,
    client: Client,
    clock: Clock,
}

impl Sms {
    /// A channel for this gateway. Nothing is connected yet.
    pub fn new(config: SmsConfig, clock: Clock) -> Result<Self, SmsConfigError> {
        let loopback = config.url.host_str().is_some_and(is_loopback);
        if config.url.scheme() != "https" && !(config.url.scheme() == "http" && loopback) {
            return Err(SmsConfigError::NotEncrypted);
        }
        if !is_sender(&config.from) {
            return Err(SmsConfigError::Sender);
        }
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(config.timeout)
            .connect_timeout(config.timeout / 3)
            .build()
            .map_err(|_| SmsConfigError::Client)?;
        Ok(Self { config, client, clock })
    }

    async fn deliver(&self, to: &str, message: &Outgoing, still: Still<'_>) -> Outcome {
        let report =
            self.config.hooks.as_ref().zip(message.reference).map(|(hooks, id)| hooks.report_url(id));
        let gateway = self.config.kind.gateway();
        let Some(text) = &message.rendered.sms else {
            return Outcome::Fail { reason: FailureCode::BadMessage };
        };
        let request = gateway.request(&self.client, &self.config, &Handed { to, text, message, report });
        if !still().await {
            return Outcome::Withheld;
        }
        match request.send().await {
            Ok(answer) => self.outcome(gateway, answer).await,
            Err(error) if error.is_connect() => Outcome::retry(FailureCode::Unreachable),
            Err(error) if error.is_builder() => Outcome::Fail { reason: FailureCode::BadMessage },
            Err(error) if error.is_timeout() => Outcome::Unknown { reason: FailureCode::Timeout },
            Err(_) => Outcome::Unknown { reason: FailureCode::ConnectionLost },
        }
    }

    async fn outcome(&self, gateway: &dyn Gateway, answer: Response) -> Outcome {
        let (status, after) = (answer.status(), self.retry_after(&answer));
        match status {
            StatusCode::TOO_MANY_REQUESTS => Outcome::Retry { reason: FailureCode::TooMany, after },
            _ if status.is_success() => match read(answer).await {
                Ok(body) => gateway.answered(status, &body),
                Err(reason) => Outcome::Unknown { reason },
            },
            _ if status.is_redirection() => Outcome::retry(FailureCode::Redirected),
            StatusCode::REQUEST_TIMEOUT => Outcome::retry(FailureCode::Unavailable),
            _ if status.is_server_error() => Outcome::Retry { reason: FailureCode::Unavailable, after },
            _ => {
                let body = read(answer).await.unwrap_or_default();
                gateway.refused(status, &body).unwrap_or_else(|| refused(status))
            }
        }
    }

    /// The wait that the gateway asks for, as seconds or as a date (RFC 9110, 10.2.3).
    fn retry_after(&self, answer: &Response) -> Option<Duration> {
        let text = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
        let wait = if let Ok(seconds) = text.parse() {
            Duration::from_secs(seconds)
        } else {
            let at = DateTime::parse_from_rfc2822(text).ok()?;
            (at.to_utc() - self.clock.now()).to_std().unwrap_or_default()
        };
        Some(wait.min(LONGEST_WAIT))
    }
}

/// What a refusal means by its status.
fn refused(status: StatusCode) -> Outcome {
    match status {
        // Our own account is repaired by operators, not by giving up on patients.
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PAYMENT_REQUIRED => {
            Outcome::retry(FailureCode::Auth)
        }
        // Nobody has looked at the message: the path is wrong, or a proxy answers while the gateway is put in place.
        StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        | StatusCode::GONE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::MISDIRECTED_REQUEST => Outcome::retry(FailureCode::Unavailable),
        _ => Outcome::Fail { reason: FailureCode::Refused },
    }
}

/// The body of an answer, if it is short enough and whole.
async fn read(mut answer: Response) -> Result<Vec<u8>, FailureCode> {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Err(FailureCode::BadAnswer),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => return Err(FailureCode::Timeout),
            Err(_) => return Err(FailureCode::ConnectionLost),
        }
    }
}

fn is_sender(from: &str) -> bool {
    let number = from
        .strip_prefix('+')
        .is_some_and(|digits| (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()));
    let name = (3..=11).contains(&from.len())
        && from.bytes().all(|b| b.is_ascii_alphanumeric())
        && from.starts_with(|c: char| c.is_ascii_alphabetic());
    number || name
}

impl Channel for Sms {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Sms
    }

    fn repeats_safely(&self) -> bool {
        self.config.honours_key
    }

    fn send<'a>(&'a self, message: &'a Outgoing, still: Still<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match &message.to {
                Recipient::Sms(to) if to.takes_text_messages() => {
                    self.deliver(to.as_str(), message, still).await
                }
                Recipient::Sms(_) | Recipient::Mail(_) => Outcome::Fail { reason: FailureCode::BadAddress },
            }
        })
    }
}
