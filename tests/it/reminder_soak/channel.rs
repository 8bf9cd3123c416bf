//! A channel of many moods: it refuses, is out of reach, loses its answer, and keeps a ledger of what it took over.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use chrono::{DateTime, Utc};
use entity::contact_way::Channel as Kind;
use futures_util::future::BoxFuture;
use patientkontrakt::reminder::channel::{Channel, FailureCode, Outcome, Outgoing, Still};

/// Numbers that are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What the channel took over, or may have.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) accepted: Vec<(String, DateTime<Utc>)>,
    /// Accepted, and the answer was lost: one extra copy is allowed for each.
    pub(super) doubtful: HashMap<String, usize>,
    pub(super) failures: usize,
}

pub(super) struct Moody {
    pub(super) kind: Kind,
    pub(super) ledger: Arc<Mutex<Ledger>>,
    pub(super) dice: Arc<Mutex<Dice>>,
    pub(super) clock: patientkontrakt::clock::Clock,
}

impl Channel for Moody {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn send<'a>(&'a self, message: &'a Outgoing, still: Still<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let roll = self.dice.lock().unwrap().roll(100);
            if roll < 8 {
                self.ledger.lock().unwrap().failures += 1;
            }
            match roll {
                0..=3 => return Outcome::Retry { reason: FailureCode::RefusedForNow, after: None },
                4..=5 => return Outcome::Retry { reason: FailureCode::Unreachable, after: None },
                6 => return Outcome::Fail { reason: FailureCode::Refused },
                _ => {}
            }
            if !still().await {
                return Outcome::Withheld;
            }
            let mut ledger = self.ledger.lock().unwrap();
            ledger.accepted.push((message.message_id.clone(), self.clock.now()));
            if roll == 7 {
                *ledger.doubtful.entry(message.message_id.clone()).or_default() += 1;
                return Outcome::Unknown { reason: FailureCode::ConnectionLost };
            }
            Outcome::Accepted { provider_ref: None }
        })
    }
}
