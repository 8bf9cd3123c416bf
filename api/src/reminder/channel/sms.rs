//! SMS over an HTTP gateway of the 46elks kind: a form by POST, HTTP basic authentication, an answer in JSON.
//!
//! A gateway that answers 200 has not necessarily taken the message: only an id under a state that means so counts.
//! Nothing is ever sent again by the HTTP client itself, and a redirect is not followed, because both could send
//! a patient's number to a place nobody chose, or send a text twice.

use std::time::Duration;

use chrono::DateTime;
use futures_util::future::BoxFuture;
use reqwest::{Response, StatusCode, Url, header::RETRY_AFTER, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Channel, ChannelKind, FailureCode, Outcome, Outgoing, Recipient, Still};
use crate::{clock::Clock, config::is_loopback};

/// An answer is never this long (bytes); what is longer is not read.
const MAX_ANSWER: usize = 64 * 1024;
/// A gateway that asks for a longer wait is asked again after this.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// The gateway and how to talk to it.
#[derive(Clone, Debug)]
pub struct SmsConfig {
    /// Where a message is posted, such as `https://api.46elks.com/a1/sms`.
    pub url: Url,
    pub user: String,
    pub password: SecretString,
    /// What the receiver sees: at most eleven letters and digits, or a number in E.164 that can be answered.
    pub from: String,
    /// From the connection to the end of the answer.
    pub timeout: Duration,
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
    client: reqwest::Client,
    clock: Clock,
}

/// What a gateway of this kind answers. More may stand there.
#[derive(Deserialize)]
struct Answer {
    id: Option<String>,
    status: Option<String>,
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
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(config.timeout)
            .connect_timeout(config.timeout / 3)
            .build()
            .map_err(|_| SmsConfigError::Client)?;
        Ok(Self { config, client, clock })
    }

    async fn deliver(&self, to: &str, message: &Outgoing, still: Still<'_>) -> Outcome {
        let form = [("from", self.config.from.as_str()), ("to", to), ("message", &message.rendered.sms)];
        if !still().await {
            return Outcome::Withheld;
        }
        let sent = self
            .client
            .post(self.config.url.clone())
            .basic_auth(&self.config.user, Some(self.config.password.expose_secret()))
            .header("Idempotency-Key", &message.message_id)
            .form(&form)
            .send()
            .await;
        match sent {
            Ok(answer) => self.outcome(answer).await,
            Err(error) if error.is_connect() => Outcome::retry(FailureCode::Unreachable),
            Err(error) if error.is_builder() => Outcome::Fail { reason: FailureCode::BadMessage },
            Err(error) if error.is_timeout() => Outcome::Unknown { reason: FailureCode::Timeout },
            Err(_) => Outcome::Unknown { reason: FailureCode::ConnectionLost },
        }
    }

    async fn outcome(&self, answer: Response) -> Outcome {
        let status = answer.status();
        match status {
            StatusCode::TOO_MANY_REQUESTS => {
                Outcome::Retry { reason: FailureCode::TooMany, after: self.retry_after(&answer) }
            }
            _ if status.is_success() => accepted(answer).await,
            _ if status.is_redirection() => Outcome::retry(FailureCode::Redirected),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PAYMENT_REQUIRED => {
                Outcome::retry(FailureCode::Auth)
            }
            StatusCode::REQUEST_TIMEOUT => Outcome::retry(FailureCode::RefusedForNow),
            _ if status.is_server_error() => {
                Outcome::Retry { reason: FailureCode::RefusedForNow, after: self.retry_after(&answer) }
            }
            _ => Outcome::Fail { reason: FailureCode::Refused },
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

async fn accepted(mut answer: Response) -> Outcome {
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_ANSWER => body.extend_from_slice(&chunk),
            Ok(Some(_)) => return Outcome::Unknown { reason: FailureCode::BadAnswer },
            Ok(None) => break,
            Err(error) if error.is_timeout() => return Outcome::Unknown { reason: FailureCode::Timeout },
            Err(_) => return Outcome::Unknown { reason: FailureCode::ConnectionLost },
        }
    }
    // What cannot be read may have been a yes.
    let Ok(answer) = serde_json::from_slice::<Answer>(&body) else {
        return Outcome::Unknown { reason: FailureCode::BadAnswer };
    };
    match (answer.id.filter(|id| !id.is_empty()), answer.status.as_deref()) {
        (Some(id), Some("created" | "sent" | "delivered")) => Outcome::Accepted { provider_ref: Some(id) },
        (_, Some("failed")) => Outcome::Fail { reason: FailureCode::Refused },
        // Well-formed, and not a yes: an error in the guise of a success.
        _ => Outcome::retry(FailureCode::BadAnswer),
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

#[cfg(test)]
#[path = "sms_tests.rs"]
mod tests;
