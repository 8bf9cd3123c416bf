//! What a channel that takes nothing just now, or is paused, cannot send in time any more: it is given up while the other
//! way still helps.

use chrono::TimeDelta;
use entity::{contact_way::Channel as ChannelKind, notice};
use tokio_util::sync::CancellationToken;

use super::{Tick, Worker};
use crate::{
    domain::notice::FOR_THE_OTHER_WAY,
    error::Fault,
    reminder::{
        channel::{Channel, FailureCode, Outcome},
        claim, pause,
        recheck::{self, Verdict},
        record::{self, Recorded},
    },
};

/// Between two looks whether there is another way by now.
const LOOK_AGAIN: TimeDelta = TimeDelta::minutes(1);

impl Worker {
    /// Nothing is claimed of a channel that is left alone, so that nothing of it fails either, until it is too late.
    pub(super) async fn last_chance(
        &self,
        kind: ChannelKind,
        channel: &dyn Channel,
        cancel: &CancellationToken,
    ) -> Result<Tick, Fault> {
        let (now, hours) = (self.core.clock.now(), self.core.settings.hours);
        let mut tick = Tick::default();
        if !hours.is_open(now) {
            return Ok(tick);
        }
        let paused = pause::paused(&self.core.db).await?;
        let (this, another): (Vec<_>, _) = paused.iter().partition(|row| row.channel == kind.as_str());
        // Where the other way is paused as well, nothing is won by giving this one up.
        let out = !this.is_empty() || self.pace(kind).is_out_for(now, FOR_THE_OTHER_WAY);
        if !out || !another.is_empty() {
            return Ok(tick);
        }
        let until = hours.next_open(now + FOR_THE_OTHER_WAY);
        let (batch, lease) = (self.config.batch, self.config.lease);
        let claimed = claim::claim_last(&self.core, kind, batch, lease, until).await?;
        tick.claimed = claimed.len();
        let mut broken = None;
        for notice in claimed {
            match self.give_up(&notice, channel.repeats_safely(), cancel).await {
                Ok((recorded, reason)) => tick.note(kind, recorded, reason),
                // The others are not made to wait for it; the lease brings it back.
                Err(fault) => broken = Some(fault),
            }
        }
        broken.map_or(Ok(tick), Err)
    }

    async fn give_up(
        &self,
        notice: &notice::Model,
        repeats_safely: bool,
        cancel: &CancellationToken,
    ) -> Result<(Recorded, &'static str), Fault> {
        match recheck::recheck(&self.core, notice).await? {
            None => Ok((Recorded::Lost, "")),
            Some(Verdict::Hold { state, reason }) => {
                Ok((record::hold(&self.core, notice, state, reason).await?, reason))
            }
            Some(Verdict::Later(at)) => {
                Ok((record::give_back(&self.core, notice, at).await?, "SENDING_HOURS"))
            }
            // It waits for this way until the very end, then.
            Some(Verdict::Send(_)) if !record::other_way_leads_on(&self.core, notice).await? => {
                let at = self.core.clock.now() + LOOK_AGAIN;
                Ok((record::give_back(&self.core, notice, at).await?, "OTHER_WAY"))
            }
            Some(Verdict::Send(_)) => {
                let outcome = Outcome::Fail { reason: FailureCode::Unavailable };
                Ok((self.record(notice, &outcome, repeats_safely, cancel).await?, outcome.reason()))
            }
        }
    }
}
