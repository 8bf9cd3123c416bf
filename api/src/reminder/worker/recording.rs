//! What the channel said is not forgotten because the database does not answer just then: it is recorded again and again
//! for as long as nobody else may take the notice over.

use std::time::Duration;

use entity::notice;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::{
    error::{Fault, Outage as _},
    reminder::{
        channel::Outcome,
        record::{self, Recorded},
    },
    telemetry,
};

/// Between two attempts; the last one holds for all further ones.
const WAITS: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5)];

impl Worker {
    pub(super) async fn record(
        &self,
        notice: &notice::Model,
        outcome: &Outcome,
        repeats_safely: bool,
        cancel: &CancellationToken,
    ) -> Result<Recorded, Fault> {
        let left = notice.leased_until.and_then(|until| (until - self.core.clock.now()).to_std().ok());
        let until = Instant::now() + left.unwrap_or_default();
        again_and_again(&WAITS, until, cancel, || {
            record::outcome(&self.core, notice, outcome, &self.config.retry_waits, repeats_safely).boxed()
        })
        .await
    }
}

/// Repeats what the database does not take until then, and once more when the worker is told to stop.
async fn again_and_again<'a, T>(
    waits: &[Duration],
    until: Instant,
    cancel: &CancellationToken,
    attempt: impl Fn() -> BoxFuture<'a, Result<T, Fault>>,
) -> Result<T, Fault> {
    let mut waits = waits.iter();
    let mut wait = Duration::ZERO;
    loop {
        let stops = cancel.is_cancelled();
        match attempt().await {
            Err(fault) if fault.is_outage() && !stops && Instant::now() + wait < until => {
                metrics::counter!("patientkontrakt_notice_records_repeated_total").increment(1);
                telemetry::note_failure("recording what became of a notice", &fault);
                wait = waits.next().copied().unwrap_or(wait);
                let _ = cancel.run_until_cancelled(tokio::time::sleep(wait)).await;
            }
            ended => return ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const AT_ONCE: [Duration; 1] = [Duration::ZERO];

    async fn record(failures: u32, fault: Fault, left: Duration, cancel: &CancellationToken) -> (bool, u32) {
        let tried = AtomicU32::new(0);
        let recorded = again_and_again(&AT_ONCE, Instant::now() + left, cancel, || {
            let works = tried.fetch_add(1, Ordering::SeqCst) >= failures;
            let answer = if works { Ok(()) } else { Err(fault.clone()) };
            async move { answer }.boxed()
        });
        (recorded.await.is_ok(), tried.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn what_was_accepted_is_recorded_as_soon_as_the_database_answers_while_the_lease_lasts() {
        let goes_on = CancellationToken::new();
        let minute = Duration::from_mins(1);
        let silent = || Fault::Unavailable("no answer".to_owned());
        assert_eq!(record(0, silent(), minute, &goes_on).await, (true, 1));
        assert_eq!(record(7, silent(), minute, &goes_on).await, (true, 8));
        let over = record(7, silent(), Duration::ZERO, &goes_on).await;
        assert_eq!(over, (false, 1), "somebody else may have it by now");
        let defect = record(7, Fault::internal("a defect"), minute, &goes_on).await;
        assert_eq!(defect, (false, 1), "it would fail again");
        let stops = CancellationToken::new();
        stops.cancel();
        assert_eq!(record(7, silent(), minute, &stops).await, (false, 1), "the process is to end");
    }
}
