//! One phase of the exchange within its time, and what its failure means.

use std::{error::Error as _, time::Duration};

use lettre::transport::smtp::{
    Error,
    response::{Category, Detail, Severity},
};
use tokio::time::{Instant, timeout_at};

use super::refusal;
use crate::reminder::channel::{FailureCode, Outcome};

/// How far the exchange had come when it failed, which decides what the failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Tls,
    Greeting,
    Auth,
    Mail,
    Rcpt,
    Data,
    Body,
}

/// A failed attempt: what to answer, and whether the connection is still in step.
pub(super) struct Failed {
    pub(super) outcome: Outcome,
    pub(super) in_step: bool,
    /// It is the server that failed, not this mail: another one may take it.
    pub(super) of_the_relay: bool,
}

impl Failed {
    /// The connection is of no more use, and the server to blame, unless the body had begun.
    pub(super) const fn out(outcome: Outcome) -> Self {
        let of_the_relay = !matches!(outcome, Outcome::Unknown { .. });
        Self { outcome, in_step: false, of_the_relay }
    }
}

/// Runs one phase within its time, and says what its failure means.
pub(super) async fn phase<T>(
    phase: Phase,
    limit: Duration,
    until: Instant,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failed> {
    let limit = Instant::now() + limit;
    match timeout_at(if phase == Phase::Body { limit } else { limit.min(until) }, work).await {
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
        _ if closing => Outcome::retry(FailureCode::Unavailable),
        Phase::Greeting | Phase::Mail if temporary => Outcome::retry(FailureCode::Unavailable),
        _ if temporary => Outcome::retry(FailureCode::RefusedForNow),
        Phase::Rcpt => refusal::of_recipient(code, causes_text(error).as_deref()),
        _ => Outcome::Fail { reason: FailureCode::Refused },
    };
    let in_step = !closing && matches!(phase, Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Body);
    // A server that closes after the body has answered: the mail is not accepted there, and none of it is elsewhere.
    let of_the_relay = closing
        || matches!(phase, Phase::Tls | Phase::Greeting | Phase::Auth)
        || (phase == Phase::Mail && temporary);
    Failed { outcome, in_step, of_the_relay }
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
