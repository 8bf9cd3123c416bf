//! The worker: takes notices that are due, looks at each once more, sends it, and records what became of it.
//!
//! There is no leader. Any number of workers may run: a notice is claimed for the length of a lease, and only the
//! one who holds its lease token may say what became of it. Whatever crashes, the lease ends and another takes over.
//! Each channel has a loop of its own, so that one that hangs holds nothing else up.

use std::{collections::BTreeSet, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use entity::{access_event::Outcome::Allowed, contact_way::Channel as ChannelKind, notice};
use futures_util::{FutureExt, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::{
    channel::{Channel, FailureCode, Outcome, Outgoing, Still, configured::Channels},
    claim,
    recheck::{self, Verdict},
    record::{self, Recorded},
    render::Renderer,
};
use crate::{access::Record, auth::actor::Actor, domain::sweep, error::Fault, session::Core};

/// How the worker works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerConfig {
    /// How long a notice is claimed. Longer than `send_timeout`.
    pub lease: Duration,
    /// Notices claimed at a time, for each channel.
    pub batch: u64,
    /// Messages under way at a time, for each channel.
    pub at_once: usize,
    /// Between two looks for what is due.
    pub poll: Duration,
    /// After this an attempt is given up and its outcome is unknown. Longer than any channel's own time-out.
    pub send_timeout: Duration,
    /// The waits before the second, third … attempt; the last one holds for all further ones. Not empty.
    pub retry_waits: Vec<Duration>,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            lease: Duration::from_mins(4),
            batch: 50,
            at_once: 8,
            poll: Duration::from_secs(5),
            send_timeout: Duration::from_mins(2),
            retry_waits: [60, 300, 900, 3600, 7200].map(Duration::from_secs).to_vec(),
        }
    }
}

/// A configuration under which a notice could be sent twice, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerConfigError {
    #[error("the lease must be longer than the time one sending may take")]
    LeaseTooShort,
    #[error("there must be at least one wait between attempts")]
    NoWaits,
    #[error("at least one message must be taken at a time")]
    NothingAtOnce,
}

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    pub claimed: usize,
    /// Accepted by the channel.
    pub sent: usize,
    /// To be tried again.
    pub retried: usize,
    /// Given up.
    pub failed: usize,
    /// Nobody can know whether it was accepted.
    pub unknown: usize,
    /// Held back by a rule: cancelled, moved, no consent.
    pub withheld: usize,
    /// Too late to help anybody.
    pub missed: usize,
    /// Left for the sending hours, or because the worker stops.
    pub postponed: usize,
    /// The lease was lost meanwhile: another one tells what became of it.
    pub lost: usize,
}

impl Tick {
    fn count(&mut self, recorded: Recorded) {
        match recorded {
            Recorded::Sent => self.sent += 1,
            Recorded::Retried => self.retried += 1,
            Recorded::Failed => self.failed += 1,
            Recorded::Unknown => self.unknown += 1,
            Recorded::Withheld => self.withheld += 1,
            Recorded::Missed => self.missed += 1,
            Recorded::Postponed => self.postponed += 1,
            Recorded::Lost => self.lost += 1,
        }
    }

    fn add(&mut self, other: Self) {
        self.claimed += other.claimed;
        self.sent += other.sent;
        self.retried += other.retried;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.withheld += other.withheld;
        self.missed += other.missed;
        self.postponed += other.postponed;
        self.lost += other.lost;
    }
}

/// Sends what is due. Clones share everything.
#[derive(Clone)]
pub struct Worker {
    core: Core,
    renderer: Arc<Renderer>,
    channels: Channels,
    config: Arc<WorkerConfig>,
}

/// Between two sweeps for what nobody acts on.
const SWEEP_PAUSE: Duration = Duration::from_mins(1);

/// What the access log calls the sending of a notice.
pub const SENDING: &str = "noticeSend";

const KINDS: [ChannelKind; 2] = [ChannelKind::Mail, ChannelKind::Sms];

impl Worker {
    /// A worker that sends through `channels`. Notices of a kind that has no channel wait until they are missed.
    pub fn new(
        core: Core,
        renderer: Arc<Renderer>,
        channels: Channels,
        config: WorkerConfig,
    ) -> Result<Self, WorkerConfigError> {
        if config.lease <= config.send_timeout {
            return Err(WorkerConfigError::LeaseTooShort);
        }
        if config.retry_waits.is_empty() {
            return Err(WorkerConfigError::NoWaits);
        }
        if config.batch == 0 || config.at_once == 0 {
            return Err(WorkerConfigError::NothingAtOnce);
        }
        Ok(Self { core, renderer, channels, config: Arc::new(config) })
    }

    /// One round over every channel.
    ///
    /// # Errors
    /// When the database does not answer. What was claimed meanwhile comes back when its lease ends.
    pub async fn tick(&self) -> Result<Tick, Fault> {
        let go_on = CancellationToken::new();
        let mut all = Tick { missed: self.expire().await?, ..Tick::default() };
        for kind in KINDS {
            all.add(self.round(kind, &go_on).await?);
        }
        Ok(all)
    }

    /// Works until `cancel`: then nothing more is claimed, what is under way is finished, and the rest of what was
    /// claimed is given back.
    pub async fn run(&self, cancel: CancellationToken) {
        let mail = self.keep_on(ChannelKind::Mail, &cancel);
        let sms = self.keep_on(ChannelKind::Sms, &cancel);
        let expire = self.keep_expiring(&cancel);
        let sweep = self.keep_sweeping(&cancel);
        tokio::join!(mail, sms, expire, sweep);
    }

    async fn keep_on(&self, kind: ChannelKind, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            let more = match self.round(kind, cancel).await {
                Ok(tick) => tick.claimed as u64 == self.config.batch,
                Err(fault) => {
                    tracing::error!(channel = kind.as_str(), error = %fault, "notices could not be sent");
                    metrics::counter!("patientkontrakt_notice_rounds_failed_total").increment(1);
                    false
                }
            };
            if !more {
                self.rest(cancel).await;
            }
        }
    }

    async fn keep_expiring(&self, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            if let Err(fault) = self.expire().await {
                tracing::error!(error = %fault, "missed notices could not be marked");
            }
            self.rest(cancel).await;
        }
    }

    async fn keep_sweeping(&self, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            if let Err(fault) = sweep::run(&self.core).await {
                tracing::error!(error = %fault, "the sweep did not come to its end");
                metrics::counter!("patientkontrakt_sweeps_failed_total").increment(1);
            }
            let _ = cancel.run_until_cancelled(tokio::time::sleep(SWEEP_PAUSE)).await;
        }
    }

    async fn rest(&self, cancel: &CancellationToken) {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(self.config.poll) => {}
        }
    }

    /// Marks what is too late for anybody, whether or not there is a way to send it.
    async fn expire(&self) -> Result<usize, Fault> {
        let mut all = 0;
        loop {
            let missed = claim::expire(&self.core, self.config.batch).await?;
            if missed > 0 {
                tracing::warn!(missed, "notices were missed");
                metrics::counter!("patientkontrakt_notices_total", "outcome" => "missed").increment(missed);
            }
            all += missed as usize;
            if missed < self.config.batch {
                return Ok(all);
            }
        }
    }

    async fn round(&self, kind: ChannelKind, cancel: &CancellationToken) -> Result<Tick, Fault> {
        let Some(channel) = self.channels.get(kind) else { return Ok(Tick::default()) };
        // Nothing leaves before the region has recorded its decision: then not even a claim is made.
        if !self.core.settings.reminders_enabled {
            return Ok(Tick::default());
        }
        let claimed = claim::claim(&self.core, kind, self.config.batch, self.config.lease).await?;
        let mut tick = Tick { claimed: claimed.len(), ..Tick::default() };
        let mut done = stream::iter(claimed)
            .map(|notice| self.handle(notice, channel.as_ref(), cancel))
            .buffer_unordered(self.config.at_once);
        let mut broken = None;
        while let Some(result) = done.next().await {
            match result {
                Ok(recorded) => {
                    metrics::counter!("patientkontrakt_notices_total", "outcome" => recorded.as_str())
                        .increment(1);
                    tick.count(recorded);
                }
                // The others are still to be finished; the lease brings this one back.
                Err(fault) => broken = Some(fault),
            }
        }
        broken.map_or(Ok(tick), Err)
    }

    /// From the claim to the record, for one notice.
    async fn handle(
        &self,
        notice: notice::Model,
        channel: &dyn Channel,
        cancel: &CancellationToken,
    ) -> Result<Recorded, Fault> {
        let left =
            notice.leased_until.map_or(chrono::TimeDelta::zero(), |until| until - self.core.clock.now());
        let enough = left.to_std().is_ok_and(|left| left > self.config.send_timeout);
        if cancel.is_cancelled() || !enough {
            return record::give_back(&self.core, &notice, notice.due_at).await;
        }
        let ready = match recheck::recheck(&self.core, &notice).await? {
            None => return Ok(Recorded::Lost),
            Some(Verdict::Hold { state, reason }) => {
                return record::hold(&self.core, &notice, state, reason).await;
            }
            Some(Verdict::Later(at)) => return record::give_back(&self.core, &notice, at).await,
            Some(Verdict::Send(ready)) => ready,
        };
        self.log(&notice).await?;
        // A message that cannot be made, or breaks its maker, is given up alone.
        let made = std::panic::catch_unwind(AssertUnwindSafe(|| self.renderer.render(&ready.facts)));
        let outcome = match made {
            Ok(Ok(rendered)) => {
                let message = Outgoing::new(&notice.dedupe_key, ready.to, rendered);
                let still = || recheck::still(&self.core, &notice).boxed();
                self.send(channel, &message, &still).await
            }
            Ok(Err(error)) => {
                tracing::error!(notice = %notice.id.0, %error, "a notice could not be made");
                Outcome::Fail { reason: FailureCode::BadMessage }
            }
            Err(_) => Outcome::Fail { reason: FailureCode::BadMessage },
        };
        record::outcome(&self.core, &notice, &outcome, &self.config.retry_waits).await
    }

    /// The patient's way to be reached and visit have been read, to leave the house: nothing does before the log holds
    /// it. Rows of sendings at the same time share a transaction.
    async fn log(&self, notice: &notice::Model) -> Result<(), Fault> {
        let record = Record {
            actor: Actor::System,
            action: SENDING.to_owned(),
            outcome: Allowed,
            reason: None,
            words: None,
            request_id: notice.id.0.simple().to_string(),
            patients: BTreeSet::from([notice.patient_id]),
        };
        self.core.log.commit(record).await
    }

    async fn send<'a>(&self, channel: &'a dyn Channel, message: &'a Outgoing, still: Still<'a>) -> Outcome {
        let attempt = AssertUnwindSafe(channel.send(message, still)).catch_unwind();
        match tokio::time::timeout(self.config.send_timeout, attempt).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::Unknown { reason: FailureCode::BadMessage },
            Err(_) => Outcome::Unknown { reason: FailureCode::Timeout },
        }
    }
}
