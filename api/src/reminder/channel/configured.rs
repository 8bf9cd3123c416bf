//! The channels that the configuration asks for.

use std::{sync::Arc, time::Duration};

use super::{
    Channel, ChannelKind,
    outbox::Outbox,
    sms::{Sms, SmsConfig, SmsConfigError},
    smtp::{Smtp, SmtpConfig, SmtpConfigError, Timeouts},
};
use crate::{
    clock::Clock,
    config::{self, SmsKind},
    domain::phone::{EmailAddress, EmailError},
};

/// The ways messages can leave. A kind that is not configured has none.
#[derive(Clone, Default)]
pub struct Channels {
    mail: Option<Arc<dyn Channel>>,
    sms: Option<Arc<dyn Channel>>,
}

/// A channel that is configured and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ChannelsError {
    #[error("smtp.from: {0}")]
    From(#[source] EmailError),
    #[error("smtp.from is required when smtp.host is set")]
    NoFrom,
    #[error("smtp: {0}")]
    Smtp(#[from] SmtpConfigError),
    #[error("sms.url is not a web address")]
    SmsUrl,
    #[error("sms.user, sms.password and sms.sender are required when sms.kind is set")]
    SmsIncomplete,
    #[error("sms: {0}")]
    Sms(#[from] SmsConfigError),
}

impl Channels {
    /// The channels of the configuration. Nothing is connected yet.
    pub fn new(smtp: &config::Smtp, sms: &config::Sms, clock: &Clock) -> Result<Self, ChannelsError> {
        let mail = smtp.host.as_ref().map(|host| mail(smtp, host)).transpose()?;
        let sms = match sms.kind {
            SmsKind::None => None,
            SmsKind::Elks => Some(elks(sms, clock.clone())?),
        };
        Ok(Self { mail, sms })
    }

    /// Both kinds into the demo's outbox.
    pub fn demo(outbox: &Outbox) -> Self {
        Self { mail: Some(outbox.channel(ChannelKind::Mail)), sms: Some(outbox.channel(ChannelKind::Sms)) }
    }

    /// These channels instead, for tests.
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

fn mail(smtp: &config::Smtp, host: &str) -> Result<Arc<dyn Channel>, ChannelsError> {
    let from = smtp.from.as_deref().ok_or(ChannelsError::NoFrom)?;
    let from = EmailAddress::parse(from).map_err(ChannelsError::From)?;
    let command = smtp.command_timeout_seconds;
    let timeouts = Timeouts {
        connect: smtp.connect_timeout_seconds,
        tls: smtp.connect_timeout_seconds,
        greeting: command,
        auth: command,
        mail: command,
        rcpt: command,
        data: command,
        body: smtp.body_timeout_seconds,
    };
    let config = SmtpConfig {
        host: host.to_owned(),
        port: smtp.port,
        tls: smtp.tls,
        ca_file: smtp.ca_file.clone(),
        user: smtp.user.clone(),
        password: smtp.password.clone(),
        hello_name: smtp.hello_name.clone().unwrap_or_else(|| from.address().domain().to_owned()),
        from,
        timeouts,
        pool_size: smtp.pool_size,
    };
    Ok(Arc::new(Smtp::new(config)?))
}

fn elks(sms: &config::Sms, clock: Clock) -> Result<Arc<dyn Channel>, ChannelsError> {
    let (Some(user), Some(password), Some(from)) = (&sms.user, &sms.password, &sms.sender) else {
        return Err(ChannelsError::SmsIncomplete);
    };
    let config = SmsConfig {
        url: sms.url.parse().map_err(|_| ChannelsError::SmsUrl)?,
        user: user.clone(),
        password: password.clone(),
        from: from.clone(),
        timeout: sms.timeout_seconds.max(Duration::from_secs(1)),
    };
    Ok(Arc::new(Sms::new(config, clock)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn channels(change: fn(&mut config::Smtp, &mut config::Sms)) -> Result<Channels, ChannelsError> {
        let (mut smtp, mut sms) = (config::Smtp::default(), config::Sms::default());
        change(&mut smtp, &mut sms);
        Channels::new(&smtp, &sms, &Clock::system())
    }

    #[test]
    fn only_what_is_configured_is_there() {
        let none = channels(|_, _| ()).unwrap();
        assert!(none.get(ChannelKind::Mail).is_none() && none.get(ChannelKind::Sms).is_none());
        let both = channels(|smtp, sms| {
            smtp.host = Some("mail.exempel.se".to_owned());
            smtp.from = Some("paminnelse@exempel.se".to_owned());
            sms.kind = SmsKind::Elks;
            sms.user = Some("u1".to_owned());
            sms.password = Some("hemligt".to_owned().into());
            sms.sender = Some("Region".to_owned());
        })
        .unwrap();
        for kind in [ChannelKind::Mail, ChannelKind::Sms] {
            assert_eq!(both.get(kind).map(|channel| channel.kind()), Some(kind));
        }
        assert!(both.get(ChannelKind::Letter).is_none() && both.get(ChannelKind::Phone).is_none());
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = channels(|smtp, _| smtp.host = Some("mail.exempel.se".to_owned())).err().unwrap();
        assert!(matches!(error, ChannelsError::NoFrom), "{error}");
        let error = channels(|_, sms| sms.kind = SmsKind::Elks).err().unwrap();
        assert!(matches!(error, ChannelsError::SmsIncomplete), "{error}");
    }
}
