//! The worker: takes notices that are due, looks at each once more, sends it, and records what became of it.
//!
//! There is no leader. Any number of workers may run: a notice is claimed for the length of a lease, and only the
//! one who holds its lease token may say what became of it. Whatever crashes, the lease ends and another takes over.
//! Each channel has a loop of its own, so that one that hangs holds nothing else up.

mod last_chance;
mod recording;
mod rounds;

use std::{
    collections::BTreeSet,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use entity::{access_event::Outcome::Allowed, contact_way::Channel as ChannelKind, notice};
use futures_util::{FutureExt, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::{
    channel::{Channel, FailureCode, Outcome, Outgoing, Still, configured::Channels},
    claim, hold,
    pace::Pace,
    receipt,
    recheck::{self, Ready, Verdict},
    record::{self, Recorded},
    render::Renderer,
    watch::Watch,
};
use crate::{access::Record, auth::actor::Actor, error::Fault, fault, session::Core, telemetry};

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
    /// At most so many leave this process in a second; none is no bound.
    pub mails_per_second: Option<u32>,
    pub sms_per_second: Option<u32>,
    /// Between two signs of life.
    pub heartbeat: Duration,
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
            mails_per_second: None,
            sms_per_second: None,
            heartbeat: Duration::from_secs(30),
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

    /// Counts what became of a notice of this channel, for operators too.
    fn note(&mut self, kind: ChannelKind, recorded: Recorded, reason: &'static str) {
        let channel = if kind == ChannelKind::Mail { "mail" } else { "sms" };
        metrics::counter!("patientkontrakt_notices_total", "outcome" => recorded.as_str(), "channel" => channel,
            "reason" => reason)
        .increment(1);
        self.count(recorded);
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
    paces: Arc<[Mutex<Pace>; 2]>,
    watch: Option<Arc<Mutex<Watch>>>,
    begun: Instant,
}

/// What the access log calls the sending of a notice.
pub const SENDING: &str = "noticeSend";

const JUMPED: &str = "put the machine's clock right, or start the service anew to believe it";

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
        let now = core.clock.now();
        let paces =
            [config.mails_per_second, config.sms_per_second].map(|rate| Mutex::new(Pace::new(rate, now)));
        let watch = core.clock.machine().map(|wall| Arc::new(Mutex::new(Watch::new(wall, Duration::ZERO))));
        let (config, paces) = (Arc::new(config), Arc::new(paces));
        Ok(Self { core, renderer, channels, config, paces, watch, begun: Instant::now() })
    }

    fn pace(&self, kind: ChannelKind) -> MutexGuard<'_, Pace> {
        let [mail, sms] = &*self.paces;
        let pace = if kind == ChannelKind::Mail { mail } else { sms };
        pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the clock can be believed: nothing is claimed by one that has jumped.
    async fn clock_is_sound(&self) -> bool {
        let (Some(watch), Some(wall)) = (&self.watch, self.core.clock.machine()) else { return true };
        let monotonic = self.begun.elapsed();
        if watch.lock().unwrap_or_else(PoisonError::into_inner).agrees(wall, monotonic) {
            return true;
        }
        let believed = match self.core.db.time().await {
            Ok(Some(there)) => {
                watch.lock().unwrap_or_else(PoisonError::into_inner).believe(wall, monotonic, there)
            }
            Ok(None) => false,
            Err(fault) => {
                telemetry::note_failure("asking the database for its time", &fault);
                false
            }
        };
        metrics::gauge!("patientkontrakt_clock_jumped").set(if believed { 0.0 } else { 1.0 });
        if !believed {
            tracing::error!("the clock has jumped: nothing is sent until two clocks agree; {JUMPED}");
        }
        believed
    }

    /// One round over every channel.
    ///
    /// # Errors
    /// When the database does not answer. What was claimed meanwhile comes back when its lease ends.
    pub async fn tick(&self) -> Result<Tick, Fault> {
        let go_on = CancellationToken::new();
        let mut all = Tick { missed: self.expire().await?, ..Tick::default() };
        self.overdue().await?;
        for kind in KINDS {
            all.add(self.round(kind, &go_on).await?);
        }
        Ok(all)
    }

    /// Marks what was accepted a day ago and has no report. By a clock that has jumped, nothing is.
    async fn overdue(&self) -> Result<(), Fault> {
        if !self.clock_is_sound().await {
            return Ok(());
        }
        let overdue = receipt::overdue(&self.core).await?;
        if overdue > 0 {
            tracing::warn!(overdue, "no report came of messages that were accepted a day ago");
            metrics::counter!("patientkontrakt_sms_reports_overdue_total").increment(overdue);
        }
        Ok(())
    }

    /// Marks what is too late for anybody, whether or not there is a way to send it. By a clock that has jumped, nothing
    /// is too late.
    async fn expire(&self) -> Result<usize, Fault> {
        let mut all = 0;
        if !self.clock_is_sound().await {
            return Ok(all);
        }
        loop {
            let claim::Expired { missed, unknown } = claim::expire(&self.core, self.config.batch).await?;
            if missed + unknown > 0 {
                tracing::warn!(missed, unknown, "notices were too late");
            }
            for (outcome, reason, count) in [
                (Recorded::Missed, "TOO_LATE", missed),
                (Recorded::Unknown, FailureCode::Interrupted.as_str(), unknown),
            ] {
                metrics::counter!("patientkontrakt_notices_total", "outcome" => outcome.as_str(), "channel" => "",
                    "reason" => reason)
                .increment(count);
            }
            all += missed as usize;
            if missed + unknown < self.config.batch {
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
        if !self.clock_is_sound().await || !hold::may_send(&self.core).await? {
            return Ok(Tick::default());
        }
        let mut tick = self.send_some(kind, channel.as_ref(), cancel).await?;
        tick.add(self.last_chance(kind, channel.as_ref(), cancel).await?);
        Ok(tick)
    }

    /// Sends what is due, as much of it as the pace lets through.
    async fn send_some(
        &self,
        kind: ChannelKind,
        channel: &dyn Channel,
        cancel: &CancellationToken,
    ) -> Result<Tick, Fault> {
        let room = self.pace(kind).room(self.core.clock.now(), self.config.batch);
        if room == 0 {
            return Ok(Tick::default());
        }
        let claimed = claim::claim(&self.core, kind, room, self.config.lease).await?;
        self.pace(kind).take(claimed.len());
        if !claimed.is_empty() {
            hold::advance(&self.core).await?;
        }
        let mut tick = Tick { claimed: claimed.len(), ..Tick::default() };
        let mut done = stream::iter(claimed)
            .map(|notice| self.handle(notice, channel, cancel))
            .buffer_unordered(self.config.at_once);
        let mut broken = None;
        while let Some(result) = done.next().await {
            match result {
                Ok((recorded, reason)) => tick.note(kind, recorded, reason),
                // The others are still to be finished; the lease brings this one back.
                Err(fault) => broken = Some(fault),
            }
        }
        broken.map_or(Ok(tick), Err)
    }

    /// From the claim to the record, for one notice: what was recorded, and why, by one of the codes that are stored.
    async fn handle(
        &self,
        notice: notice::Model,
        channel: &dyn Channel,
        cancel: &CancellationToken,
    ) -> Result<(Recorded, &'static str), Fault> {
        let because = |reason| move |recorded| (recorded, reason);
        let left =
            notice.leased_until.map_or(chrono::TimeDelta::zero(), |until| until - self.core.clock.now());
        let enough = left.to_std().is_ok_and(|left| left > self.config.send_timeout);
        // What was answered to another of the batch, or ordered meanwhile, holds for this one too.
        let waits = self.pace(notice.channel).waits(self.core.clock.now());
        if cancel.is_cancelled() || !enough || waits || hold::is_held(&self.core).await? {
            return record::give_back(&self.core, &notice, notice.due_at).await.map(because(""));
        }
        fault::point("claimed").await;
        if record::is_doubtful(&notice) && !channel.repeats_safely() {
            let recorded = record::interrupted(&self.core, &notice).await;
            return recorded.map(because(FailureCode::Interrupted.as_str()));
        }
        let ready = match recheck::recheck(&self.core, &notice).await? {
            None => return Ok((Recorded::Lost, "")),
            Some(Verdict::Hold { state, reason }) => {
                return record::hold(&self.core, &notice, state, reason).await.map(because(reason));
            }
            Some(Verdict::Later(at)) => {
                return record::give_back(&self.core, &notice, at).await.map(because("SENDING_HOURS"));
            }
            Some(Verdict::Send(ready)) => ready,
        };
        fault::point("looked").await;
        // To staff nothing of a patient leaves, nor is read.
        if notice.staff_notice_id.is_none() {
            self.log(&notice).await?;
        }
        fault::point("logged").await;
        // A message that cannot be made, or breaks its maker, is given up alone.
        let made = std::panic::catch_unwind(AssertUnwindSafe(|| {
            self.renderer.render(&ready.facts)?.by(notice.channel)
        }));
        let outcome = match made {
            Ok(Ok(rendered)) => {
                let to = ready.to.clone();
                let message = Outgoing::new(&notice.dedupe_key, to, rendered).reported_as(notice.id.0);
                let still = || self.begin(channel, &notice, &ready).boxed();
                self.send(channel, &message, &still).await
            }
            Ok(Err(error)) => {
                tracing::error!(notice = %notice.id.0, %error, "a notice could not be made");
                Outcome::Fail { reason: FailureCode::BadMessage }
            }
            Err(_) => Outcome::Fail { reason: FailureCode::BadMessage },
        };
        fault::point("answered").await;
        self.pace(notice.channel).learn(&outcome, self.core.clock.now());
        let recorded = self.record(&notice, &outcome, channel.repeats_safely(), cancel).await?;
        fault::point("recorded").await;
        Ok((recorded, outcome.reason()))
    }

    /// The last look before the content leaves. Where the receiver would not know a second copy, it leaves a mark.
    async fn begin(&self, channel: &dyn Channel, notice: &notice::Model, ready: &Ready) -> bool {
        let begun = if channel.kind() == ChannelKind::Mail {
            recheck::still(&self.core, notice, ready).await
        } else {
            recheck::begin(&self.core, notice, ready).await
        };
        fault::point("begun").await;
        begun
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
