//! The worker at work: round after round for each channel, what is too late, the sweeps and the signs of life, each in a
//! loop of its own until it is told to stop.

use std::time::Duration;

use chrono::{DateTime, Utc};
use entity::{WorkerId, contact_way::Channel as ChannelKind};
use tokio_util::sync::CancellationToken;

use super::{JUMPED, KINDS, Worker};
use crate::{
    domain::{booking::hold as slot_hold, sweep},
    error::Fault,
    reminder::{beat, claim, pause},
    telemetry,
};

/// While the pace is used up.
const BREATH: Duration = Duration::from_millis(200);

/// Between two sweeps for what nobody acts on.
const SWEEP_PAUSE: Duration = Duration::from_mins(1);

impl Worker {
    /// Works until `cancel`: then nothing more is claimed, what is under way is finished, and the rest of what was
    /// claimed is given back.
    pub async fn run(&self, cancel: CancellationToken) {
        let mail = self.keep_on(ChannelKind::Mail, &cancel);
        let sms = self.keep_on(ChannelKind::Sms, &cancel);
        let expire = self.keep_expiring(&cancel);
        let sweep = self.keep_sweeping(&cancel);
        let beat = self.keep_beating(&cancel);
        tokio::join!(mail, sms, expire, sweep, beat);
    }

    async fn keep_on(&self, kind: ChannelKind, cancel: &CancellationToken) {
        while !cancel.is_cancelled() {
            let bounded = if kind == ChannelKind::Mail {
                self.config.mails_per_second
            } else {
                self.config.sms_per_second
            };
            let more = match self.round(kind, cancel).await {
                Ok(tick) if tick.claimed > 0 && bounded.is_some() => {
                    let _ = cancel.run_until_cancelled(tokio::time::sleep(BREATH)).await;
                    true
                }
                Ok(tick) => tick.claimed as u64 >= self.config.batch,
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
            if let Err(fault) = slot_hold::expire(&self.core).await {
                tracing::error!(error = %fault, "expired holds could not be deleted");
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
            if let Err(fault) = self.overdue().await {
                telemetry::note_failure("looking for overdue reports", &fault);
            }
            let _ = cancel.run_until_cancelled(tokio::time::sleep(SWEEP_PAUSE)).await;
        }
    }

    async fn keep_beating(&self, cancel: &CancellationToken) {
        let (id, started_at) = (WorkerId(self.core.clock.uuid()), self.core.clock.now());
        while !cancel.is_cancelled() {
            if let Err(fault) = self.beat(id, started_at).await {
                telemetry::note_failure("giving a sign of life", &fault);
            }
            let _ = cancel.run_until_cancelled(tokio::time::sleep(self.config.heartbeat)).await;
        }
    }

    /// One sign of life, and what operators watch.
    async fn beat(&self, id: WorkerId, started_at: DateTime<Utc>) -> Result<(), Fault> {
        let mut trouble = Vec::new();
        if !self.clock_is_sound().await {
            trouble.push(format!("the clock has jumped: {JUMPED}"));
        }
        let now = self.core.clock.now();
        let paused = pause::paused(&self.core.db).await?;
        for kind in KINDS {
            let name = if kind == ChannelKind::Mail { "mail" } else { "sms" };
            let (due, oldest) = claim::waiting(&self.core, kind).await?;
            let lag = oldest.map_or(0, |at| (now - at).num_seconds());
            metrics::gauge!("patientkontrakt_notices_due", "channel" => name).set(due as f64);
            metrics::gauge!("patientkontrakt_notice_lag_seconds", "channel" => name).set(lag as f64);
            let is_paused = paused.iter().any(|row| row.channel == kind.as_str());
            metrics::gauge!("patientkontrakt_channel_paused", "channel" => name).set(f64::from(is_paused));
            let stuck = self.pace(kind).trouble(now);
            metrics::gauge!("patientkontrakt_channel_out_of_order", "channel" => name)
                .set(f64::from(stuck.is_some()));
            trouble.extend(stuck.map(|stuck| format!("{name} {stuck}")));
            trouble.extend(self.channels.get(kind).map(|channel| channel.trouble()).unwrap_or_default());
        }
        metrics::gauge!("patientkontrakt_worker_beat_timestamp_seconds").set(now.timestamp() as f64);
        beat::beat(&self.core, id, started_at, &trouble).await
    }

    async fn rest(&self, cancel: &CancellationToken) {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(self.config.poll) => {}
        }
    }
}
