//! The demo's channel: messages stay on the machine and can be read on a page.
//!
//! Bounded, in memory, and only ever wired in the demo: what it keeps is what a patient would have received.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::{Channel, ChannelKind, FailureCode, Outcome, Outgoing, Recipient, Still};
use crate::{clock::Clock, domain::phone::masked};

/// The last messages that would have left, the newest first. Clones show the same list.
#[derive(Clone)]
pub struct Outbox {
    clock: Clock,
    capacity: usize,
    kept: Arc<Mutex<VecDeque<Entry>>>,
}

/// One message as it would have arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub at: DateTime<Utc>,
    pub channel: ChannelKind,
    /// Masked: the page can be open where others see it.
    pub to: String,
    /// Empty for an SMS, which has none.
    pub subject: String,
    pub text: String,
    /// The ids that make a second sending of the same message visible.
    pub message_id: String,
}

impl Outbox {
    /// An empty list of at most `capacity` messages.
    pub fn new(clock: Clock, capacity: usize) -> Self {
        Self { clock, capacity, kept: Arc::default() }
    }

    /// The channel of this kind that ends in the list.
    pub fn channel(&self, kind: ChannelKind) -> Arc<dyn Channel> {
        Arc::new(Ending { outbox: self.clone(), kind })
    }

    /// What is in the list, the newest first.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Entry>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, entry: Entry) {
        let mut kept = self.lock();
        kept.push_front(entry);
        kept.truncate(self.capacity);
    }
}

struct Ending {
    outbox: Outbox,
    kind: ChannelKind,
}

impl Channel for Ending {
    fn kind(&self) -> ChannelKind {
        self.kind
    }

    fn send<'a>(&'a self, message: &'a Outgoing, still: Still<'a>) -> BoxFuture<'a, Outcome> {
        let rendered = &message.rendered;
        let (to, subject, text) = match (&message.to, self.kind) {
            (Recipient::Mail(to), ChannelKind::Mail) => {
                (masked(to.as_str()), rendered.subject.clone(), rendered.text.clone())
            }
            (Recipient::Sms(to), ChannelKind::Sms) => {
                (masked(to.as_str()), String::new(), rendered.sms.clone().unwrap_or_default())
            }
            _ => return Box::pin(async { Outcome::Fail { reason: FailureCode::BadAddress } }),
        };
        Box::pin(async move {
            if !still().await {
                return Outcome::Withheld;
            }
            self.outbox.keep(Entry {
                at: self.outbox.clock.now(),
                channel: self.kind,
                to,
                subject,
                text,
                message_id: message.message_id.clone(),
            });
            Outcome::Accepted { provider_ref: Some(message.message_id.clone()) }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::reminder::render::tests::rendered;

    fn outgoing(key: &str, to: Recipient) -> Outgoing {
        Outgoing::new(key, to, rendered())
    }

    #[tokio::test]
    async fn what_would_have_left_is_listed_newest_first_and_bounded() {
        let clock = Clock::manual("2027-06-22T10:00:00Z".parse().unwrap());
        let outbox = Outbox::new(clock.clone(), 2);
        let (mail, sms) = (outbox.channel(ChannelKind::Mail), outbox.channel(ChannelKind::Sms));
        let to = Recipient::Mail("anna@exempel.se".parse().unwrap());
        let phone = Recipient::Sms("+46701740605".parse().unwrap());
        for key in ["a", "b"] {
            let sent = mail.send(&outgoing(key, to.clone()), &|| Box::pin(async { true })).await;
            assert!(matches!(sent, Outcome::Accepted { provider_ref: Some(_) }));
        }
        clock.advance(chrono::TimeDelta::seconds(1));
        let message = outgoing("c", phone);
        assert_eq!(sms.send(&message, &|| Box::pin(async { false })).await, Outcome::Withheld);
        sms.send(&message, &|| Box::pin(async { true })).await;
        let entries = outbox.entries();
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].to.as_str(), entries[0].subject.as_str()), ("+4670*****05", ""));
        assert_eq!(Some(&entries[0].text), message.rendered.sms.as_ref());
        assert_eq!(entries[1].to, "a***@exempel.se");
        assert_eq!(entries[1].subject, message.rendered.subject);
        assert!(entries[0].at > entries[1].at);
    }

    #[tokio::test]
    async fn an_address_of_the_other_kind_is_refused() {
        let outbox = Outbox::new(Clock::manual(DateTime::UNIX_EPOCH), 2);
        let sent = outbox
            .channel(ChannelKind::Mail)
            .send(&outgoing("a", Recipient::Sms("0701740605".parse().unwrap())), &|| Box::pin(async { true }))
            .await;
        assert_eq!(sent, Outcome::Fail { reason: FailureCode::BadAddress });
        assert!(outbox.entries().is_empty());
    }
}
