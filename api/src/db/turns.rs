//! Whose turn it is to use a connection: a queue, so that a crowd waits instead of being refused.
//!
//! There are few connections, and a hundred callers at once are an ordinary morning. As long as the database answers
//! somebody, who stands in the queue waits. When it has been silent for as long as that may be, it is gone, and all who
//! wait are told so: nobody waits longer for it than the one whose call it swallowed. A call that it goes on answering,
//! statement by statement, is not given up either: far away is not gone.

use std::{
    cell::Cell,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use super::pool::{Breaks, UnderWay};
use crate::error::Fault;

/// Who stands in the queue at most: whoever comes then is told to come back.
const LONGEST_QUEUE: usize = 2_000;
/// Nobody stands in the queue for more than this many times the silence that is borne.
const PATIENCE: u32 = 6;
/// And no call takes more than this many times.
const LONGEST_CALL: u32 = 3;

tokio::task_local! {
    /// When the database answered the call that this task is in last.
    static ANSWERED: Cell<Instant>;
}

/// The queue of one pool. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    seats: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    start: Instant,
    /// When the database answered last: milliseconds after the start.
    served: Arc<AtomicU64>,
    limit: Duration,
    breaks: Breaks,
}

/// A connection that may be used.
#[derive(Debug)]
pub(super) struct Turn {
    /// Since when the database owes an answer.
    since: Instant,
    _seat: OwnedSemaphorePermit,
}

impl Turns {
    /// For so many connections to a database that may be silent for so long.
    pub fn new(connections: u32, limit: Duration, breaks: &Breaks) -> Self {
        Self {
            seats: Arc::new(Semaphore::new(connections.max(1) as usize)),
            waiting: Arc::default(),
            start: Instant::now(),
            served: Arc::default(),
            limit,
            breaks: breaks.clone(),
        }
    }

    /// Waits for a turn, in the order in which callers came.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the queue is full, or does not move.
    pub async fn take(&self) -> Result<Turn, Fault> {
        let begun = Instant::now();
        if let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() {
            return Ok(Turn { since: begun, _seat: seat });
        }
        let _standing = self.stand()?;
        let end = begun + self.limit * PATIENCE;
        let mut seat = pin!(Arc::clone(&self.seats).acquire_owned());
        let mut since = begun;
        loop {
            match timeout_at(end.min(since + self.limit), &mut seat).await {
                Ok(Ok(seat)) => return Ok(Turn { since: self.silent_since(begun), _seat: seat }),
                Ok(Err(_)) => return Err(Fault::Unavailable("the database is closed".to_owned())),
                Err(_) => {}
            }
            let answered = self.silent_since(begun);
            if answered <= since || Instant::now() >= end {
                return Err(Fault::Unavailable("no connection to the database came free in time".to_owned()));
            }
            since = answered;
        }
    }

    /// Does `work` as long as the database goes on answering it; none when it does not.
    pub async fn attend<T>(&self, turn: Turn, work: impl Future<Output = T>) -> Option<T> {
        let end = turn.since + self.limit * LONGEST_CALL;
        let done = ANSWERED.scope(Cell::new(turn.since), async {
            let mut work = pin!(work);
            let under_way = UnderWay::with(&self.breaks);
            loop {
                let since = ANSWERED.with(Cell::get);
                if let Ok(done) = timeout_at(end.min(since + self.limit), &mut work).await {
                    under_way.done();
                    return Some(done);
                }
                if ANSWERED.with(Cell::get) <= since || Instant::now() >= end {
                    // Before the connection is given back.
                    self.breaks.note();
                    return None;
                }
            }
        });
        let done = done.await;
        if done.is_some() {
            // The call that this one is a part of has been answered too.
            let _ = ANSWERED.try_with(|answered| answered.set(Instant::now()));
        }
        done
    }

    /// The database has answered somebody, in the task that this is.
    pub fn answered(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.served.fetch_max(now, Ordering::Relaxed);
        let _ = ANSWERED.try_with(|answered| answered.set(Instant::now()));
    }

    /// Since when somebody who came at `begun` has waited for a database that is silent.
    fn silent_since(&self, begun: Instant) -> Instant {
        begun.max(self.start + Duration::from_millis(self.served.load(Ordering::Relaxed)))
    }

    fn stand(&self) -> Result<Standing<'_>, Fault> {
        let standing = Standing(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= LONGEST_QUEUE {
            return Err(Fault::Unavailable("too many wait for the database".to_owned()));
        }
        Ok(standing)
    }
}

/// Somebody in the queue; gone from it when dropped.
struct Standing<'a>(&'a AtomicUsize);

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures_util::future::join_all;
    use tokio::time::sleep;

    use super::*;

    fn turns_of(connections: u32, limit: Duration) -> Turns {
        Turns::new(connections, limit, &Breaks::default())
    }

    fn refused(told: &Result<Turn, Fault>) -> bool {
        matches!(told, Err(Fault::Unavailable(_)))
    }

    /// A hundred callers at two connections, for longer than any call may take: everybody gets a turn, in order.
    #[tokio::test]
    async fn a_crowd_waits_as_long_as_the_queue_moves_and_is_served_in_order() {
        let limit = Duration::from_secs(1);
        let turns = turns_of(2, limit);
        let begun = Instant::now();
        let served = join_all((0..100).map(async |_| {
            let turn = turns.take().await.unwrap();
            let at = begun.elapsed();
            let work = async {
                // What the database does.
                sleep(Duration::from_millis(30)).await;
                turns.answered();
            };
            assert!(turns.attend(turn, work).await.is_some());
            at
        }))
        .await;
        assert!(served.is_sorted());
        assert!(begun.elapsed() > limit, "longer than one call may take");
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn who_waits_for_a_silent_database_is_told_as_soon_as_the_one_whose_call_it_swallowed() {
        let limit = Duration::from_millis(50);
        let turns = turns_of(1, limit);
        let swallowed = turns.take().await.unwrap();
        let begun = Instant::now();
        assert!(refused(&turns.take().await));
        assert!((limit..limit * 10).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        drop(swallowed);
        assert!(turns.take().await.is_ok(), "and the next is served");

        // A turn that comes free without an answer is worth what is left of one's own time.
        let turns = turns_of(1, Duration::from_mins(1));
        let swallowed = turns.take().await.unwrap();
        let begun = Instant::now();
        let mut waiting = pin!(turns.take());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        let stood = Instant::now();
        drop(swallowed);
        let since = waiting.await.unwrap().since;
        assert!((begun..=stood).contains(&since));
    }

    /// Ten answers, each soon, all together later than a silence may last; and then one that does not come.
    #[tokio::test]
    async fn a_call_goes_on_as_long_as_it_is_answered_and_is_given_up_when_it_is_not() {
        let limit = Duration::from_millis(400);
        let turns = turns_of(1, limit);
        let answers = async |count: usize| {
            for _ in 0..count {
                sleep(Duration::from_millis(60)).await;
                turns.answered();
            }
        };
        let begun = Instant::now();
        let turn = turns.take().await.unwrap();
        assert!(turns.attend(turn, answers(10)).await.is_some());
        assert!(begun.elapsed() > limit);
        let begun = Instant::now();
        let turn = turns.take().await.unwrap();
        let silent = async {
            answers(2).await;
            std::future::pending::<()>().await;
        };
        assert!(turns.attend(turn, silent).await.is_none());
        assert!(begun.elapsed() >= limit + Duration::from_millis(120));
        let begun = Instant::now();
        let turn = turns.take().await.unwrap();
        assert!(turns.attend(turn, answers(1_000)).await.is_none(), "not for ever");
        assert!(begun.elapsed() >= limit * LONGEST_CALL);
    }

    #[tokio::test]
    async fn nobody_waits_for_ever_and_a_queue_that_is_full_says_so_at_once() {
        let limit = Duration::from_millis(50);
        let turns = turns_of(1, limit);
        let _held = turns.take().await.unwrap();
        let others_are_served = async {
            loop {
                sleep(Duration::from_millis(5)).await;
                turns.answered();
            }
        };
        let begun = Instant::now();
        tokio::select! {
            told = turns.take() => assert!(refused(&told)),
            () = others_are_served => {}
        }
        assert!(begun.elapsed() >= limit * PATIENCE);
        turns.waiting.store(LONGEST_QUEUE, Ordering::Relaxed);
        assert!(refused(&turns.take().await));
        assert_eq!(turns.waiting.load(Ordering::Relaxed), LONGEST_QUEUE, "nobody is counted who left");
    }
}
