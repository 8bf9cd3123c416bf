//! The ways a message leaves: one small interface, and a file for each way.
//!
//! A new channel is a file here that implements [`Channel`]. It says what became of one message as an [`Outcome`]
//! and does nothing else: when to try again, whom to tell and what to record is decided by its caller.

pub mod configured;
pub mod outbox;
pub mod sms;
pub mod smtp;

use std::time::Duration;

use aws_lc_rs::digest;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{ChannelKind, render::Rendered};
use crate::{
    domain::phone::{self, EmailAddress, PhoneNumber},
    locale::Locale,
};

/// Asks whether a message is still to leave. Read once more at the last moment that it can be held back.
pub type Still<'a> = &'a (dyn Fn() -> BoxFuture<'a, bool> + Send + Sync);

/// A way that messages leave the service.
pub trait Channel: Send + Sync {
    /// Which kind of address it sends to.
    fn kind(&self) -> ChannelKind;

    /// Whether a message that may have been accepted can be sent again under its id without reaching anybody twice.
    fn repeats_safely(&self) -> bool {
        self.kind() == ChannelKind::Mail
    }

    /// What keeps the channel from sending, a line each, for operators. Names no person.
    fn trouble(&self) -> Vec<String> {
        Vec::new()
    }

    /// Sends one message, once, if it is `still` to leave when nothing but its content is left to hand over. Dropping the future before it is ready leaves nothing behind that a later message
    /// could be mixed up with; whether this one was accepted is then unknown.
    fn send<'a>(&'a self, message: &'a Outgoing, still: Still<'a>) -> BoxFuture<'a, Outcome>;
}

/// A message with everything a channel needs. The ids are the same in every attempt.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The part of the Message-ID before the `@`, and the gateway's idempotency key.
    pub message_id: String,
    /// The notice, by which a report finds it.
    pub reference: Option<Uuid>,
    pub to: Recipient,
    pub rendered: Rendered,
}

impl Outgoing {
    /// A message whose ids follow from the key that makes the notice unique.
    pub fn new(dedupe_key: &str, to: Recipient, rendered: Rendered) -> Self {
        Self { message_id: message_id(dedupe_key), reference: None, to, rendered }
    }

    /// The same message, whose reports are about this notice.
    #[must_use]
    pub fn reported_as(self, notice: Uuid) -> Self {
        Self { reference: Some(notice), ..self }
    }
}

/// The stable id of a message: a digest, because the key itself tells which appointment it is about.
pub fn message_id(dedupe_key: &str) -> String {
    let digest = digest::digest(&digest::SHA256, dedupe_key.as_bytes());
    hex::encode(digest.as_ref().get(..16).unwrap_or_default())
}

/// Where a message goes. The address is read at sending time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    Mail(EmailAddress),
    Sms(PhoneNumber),
}

impl Recipient {
    /// The address with what tells a person from another taken out.
    pub fn masked(&self) -> String {
        phone::masked(match self {
            Self::Mail(address) => address.as_str(),
            Self::Sms(number) => number.as_str(),
        })
    }
}

/// What became of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The channel has taken the message over.
    Accepted {
        /// The id under which the channel knows it.
        provider_ref: Option<String>,
    },
    /// Not accepted; it may be later. `after` is how long the channel asked us to wait.
    Retry { reason: FailureCode, after: Option<Duration> },
    /// Not accepted, and it never will be.
    Fail { reason: FailureCode },
    /// Held back at the last moment: it was no longer to leave.
    Withheld,
    /// It may have been accepted: the connection was lost after the message began.
    Unknown { reason: FailureCode },
}

impl Outcome {
    /// Why it was not accepted, as it is stored; empty when it was, or was held back.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Accepted { .. } | Self::Withheld => "",
            Self::Retry { reason, .. } | Self::Fail { reason } | Self::Unknown { reason } => reason.as_str(),
        }
    }

    pub(crate) const fn retry(reason: FailureCode) -> Self {
        Self::Retry { reason, after: None }
    }
}

/// Why a message was not accepted, as far as the channel can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureCode {
    /// The server or gateway cannot be reached.
    Unreachable,
    /// No trusted encrypted connection: certificate, protocol, or STARTTLS not offered.
    Tls,
    /// Our user name or password was refused.
    Auth,
    /// No answer in time.
    Timeout,
    /// The connection was lost.
    ConnectionLost,
    /// The server or gateway itself is out of order.
    Unavailable,
    /// Refused for now, a full mailbox or greylisting among the reasons.
    RefusedForNow,
    /// Asked to send more slowly.
    TooMany,
    /// Refused for good.
    Refused,
    /// The address does not exist or does not take messages.
    BadAddress,
    /// The stored address does not open: the row is damaged.
    UnreadableAddress,
    /// An answer that cannot be understood.
    BadAnswer,
    /// The gateway sent us to another place, which is never followed.
    Redirected,
    /// The message could not be built.
    BadMessage,
    /// Accepted, and later reported as not delivered.
    Undelivered,
    /// Accepted, and a day later still not reported as delivered.
    NoReport,
    /// Sending had begun when the one who sent it ended.
    Interrupted,
}

impl FailureCode {
    /// Every code.
    pub const ALL: [Self; 17] = [
        Self::Unreachable,
        Self::Tls,
        Self::Auth,
        Self::Timeout,
        Self::ConnectionLost,
        Self::RefusedForNow,
        Self::TooMany,
        Self::Refused,
        Self::BadAddress,
        Self::UnreadableAddress,
        Self::BadAnswer,
        Self::Redirected,
        Self::BadMessage,
        Self::Unavailable,
        Self::Undelivered,
        Self::NoReport,
        Self::Interrupted,
    ];

    /// Whether it is the way itself that is out of order, not this one message.
    pub const fn is_of_the_way(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Unavailable
                | Self::Tls
                | Self::Auth
                | Self::Timeout
                | Self::ConnectionLost
                | Self::Redirected
                | Self::BadAnswer
        )
    }

    /// The stored text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "UNREACHABLE",
            Self::Tls => "TLS",
            Self::Auth => "AUTH",
            Self::Timeout => "TIMEOUT",
            Self::ConnectionLost => "CONNECTION_LOST",
            Self::RefusedForNow => "REFUSED_FOR_NOW",
            Self::TooMany => "TOO_MANY",
            Self::Refused => "REFUSED",
            Self::BadAddress => "BAD_ADDRESS",
            Self::UnreadableAddress => "UNREADABLE_ADDRESS",
            Self::BadAnswer => "BAD_ANSWER",
            Self::Redirected => "REDIRECTED",
            Self::BadMessage => "BAD_MESSAGE",
            Self::Unavailable => "UNAVAILABLE",
            Self::Undelivered => "UNDELIVERED",
            Self::NoReport => "NO_REPORT",
            Self::Interrupted => "INTERRUPTED",
        }
    }

    /// The code with this stored text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The reason in plain words, for staff who decide what to do.
    pub const fn text(self, locale: Locale) -> &'static str {
        match self {
            Self::Unreachable => locale
                .pick("Tjänsten som skickar gick inte att nå.", "The sending service could not be reached."),
            Self::Tls => locale.pick(
                "Anslutningen gick inte att kryptera på ett säkert sätt, så inget skickades.",
                "The connection could not be encrypted safely, so nothing was sent.",
            ),
            Self::Auth => locale.pick(
                "Tjänsten som skickar godtog inte vår inloggning. Kontakta driften.",
                "The sending service did not accept our login. Contact operations.",
            ),
            Self::Timeout => locale.pick(
                "Tjänsten som skickar svarade inte i tid.",
                "The sending service did not answer in time.",
            ),
            Self::ConnectionLost => locale.pick("Anslutningen bröts.", "The connection was lost."),
            Self::RefusedForNow => locale.pick(
                "Mottagaren tar inte emot just nu, till exempel för att brevlådan är full.",
                "The receiver does not accept messages right now, for example because the mailbox is full.",
            ),
            Self::TooMany => {
                locale.pick("För många meddelanden på kort tid.", "Too many messages in a short time.")
            }
            Self::Refused => locale.pick("Meddelandet togs inte emot.", "The message was not accepted."),
            Self::BadAddress => locale.pick(
                "Adressen eller numret finns inte eller tar inte emot meddelanden.",
                "The address or number does not exist or does not take messages.",
            ),
            Self::UnreadableAddress => locale.pick(
                "Den sparade adressen eller det sparade numret går inte att läsa. Be om det på nytt och kontakta driften.",
                "The stored address or number cannot be read. Ask for it again, and contact operations.",
            ),
            Self::BadAnswer => locale.pick(
                "Tjänsten som skickar gav ett svar som inte går att förstå.",
                "The sending service gave an answer that cannot be understood.",
            ),
            Self::Redirected => locale.pick(
                "Tjänsten som skickar hänvisade till en annan plats. Kontakta driften.",
                "The sending service referred to another place. Contact operations.",
            ),
            Self::BadMessage => locale.pick(
                "Meddelandet gick inte att skapa. Kontakta driften.",
                "The message could not be made. Contact operations.",
            ),
            Self::Unavailable => locale.pick(
                "Tjänsten som skickar är ur funktion just nu.",
                "The sending service is out of order right now.",
            ),
            Self::Undelivered => {
                locale.pick("Meddelandet kom inte fram till numret.", "The message did not reach the number.")
            }
            Self::NoReport => locale.pick(
                "Inget besked på ett dygn om att meddelandet kom fram.",
                "No word within a day that the message arrived.",
            ),
            Self::Interrupted => locale.pick(
                "Sändningen avbröts. Det går inte att veta om meddelandet kom fram.",
                "The sending was interrupted. Whether the message arrived cannot be known.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_message_is_stable_and_does_not_tell_its_key() {
        let id = message_id("appointment/1/BEFORE_DEADLINE/SMS");
        assert_eq!(id, message_id("appointment/1/BEFORE_DEADLINE/SMS"));
        assert_ne!(id, message_id("appointment/1/BEFORE_DEADLINE/MAIL"));
        assert_eq!(id.len(), 32);
    }

    #[test]
    fn every_failure_has_one_code_and_its_words_in_both_languages() {
        for code in FailureCode::ALL {
            assert_eq!(FailureCode::from_text(code.as_str()), Some(code));
            assert_ne!(code.text(Locale::Sv), code.text(Locale::En));
        }
    }
}
