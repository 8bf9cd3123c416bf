//! The channels that are in use: those of the configuration, or the demo's.

use std::sync::Arc;

use super::{
    Channel, ChannelKind,
    outbox::Outbox,
    sms::{Sms, SmsConfig, SmsConfigError},
    smtp::{Smtp, SmtpConfig, SmtpConfigError},
};
use crate::clock::Clock;

/// The ways messages can leave. A kind that is not configured has none.
#[derive(Clone, Default)]
pub struct Channels {
    mail: Option<Arc<dyn Channel>>,
    sms: Option<Arc<dyn Channel>>,
}

/// A channel that is configured and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChannelsError {
    #[error("smtp: {0}")]
    Smtp(#[from] SmtpConfigError),
    #[error("sms: {0}")]
    Sms(#[from] SmsConfigError),
}

impl Channels {
    /// The channels that are configured. Nothing is connected yet.
    pub fn new(
        smtp: Option<SmtpConfig>,
        sms: Option<SmsConfig>,
        clock: &Clock,
    ) -> Result<Self, ChannelsError> {
        let mut channels = Self::default();
        if let Some(smtp) = smtp {
            channels.mail = Some(Arc::new(Smtp::new(smtp, clock.clone())?));
        }
        if let Some(sms) = sms {
            channels.sms = Some(Arc::new(Sms::new(sms, clock.clone())?));
        }
        Ok(channels)
    }

    /// Both kinds into the demo's outbox.
    pub fn demo(outbox: &Outbox) -> Self {
        Self::of(Some(outbox.channel(ChannelKind::Mail)), Some(outbox.channel(ChannelKind::Sms)))
    }

    /// These channels, whatever they are.
    pub fn of(mail: Option<Arc<dyn Channel>>, sms: Option<Arc<dyn Channel>>) -> Self {
        Self { mail, sms }
    }

    /// The channel of this kind. Letters and calls are lists for people, never channels.
    pub fn get(&self, kind: ChannelKind) -> Option<&Arc<dyn Channel>> {
        match kind {
            ChannelKind::Mail => self.mail.as_ref(),
            ChannelKind::Sms => self.sms.as_ref(),
            ChannelKind::Letter | ChannelKind::Phone => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn only_what_is_configured_is_there_and_people_are_no_channel() {
        let clock = Clock::system();
        let none = Channels::new(None, None, &clock).unwrap();
        let both = Channels::demo(&Outbox::new(clock, 1));
        for kind in [ChannelKind::Mail, ChannelKind::Sms] {
            assert!(none.get(kind).is_none());
            assert_eq!(both.get(kind).map(|channel| channel.kind()), Some(kind));
        }
        for kind in [ChannelKind::Letter, ChannelKind::Phone] {
            assert!(both.get(kind).is_none());
        }
    }
}
