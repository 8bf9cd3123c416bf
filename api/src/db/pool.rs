//! The pool, and what it may believe of its connections: one that the other end has given up must not be handed to
//! anybody, and one that was left in the middle of a call must not be kept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection,
    sqlx::{self, Connection as _},
};

use super::{DbOptions, is_sqlite, too_late, turns::Turns};
use crate::error::Fault;

/// A connection that has lain idle for so long may be dead: it is asked before it is used. One in use is not each time.
const IDLE: Duration = Duration::from_secs(1);

/// When a connection was last seen to break, or to swallow a call. The others of its pool did so with it, as a rule: for
/// as long as none of them counts as idle, each is asked before it is used. And none that comes back is kept: the pool
/// would wait for its answer without end, and the connection would be nobody's for good.
#[derive(Clone, Debug)]
pub(super) struct Breaks {
    start: Instant,
    /// Milliseconds after the start, up to which connections are asked.
    until: Arc<AtomicU64>,
    /// Up to which one that comes back is asked, because somebody has left in the middle of a call.
    left: Arc<AtomicU64>,
}

impl Default for Breaks {
    fn default() -> Self {
        Self { start: Instant::now(), until: Arc::default(), left: Arc::default() }
    }
}

impl Breaks {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn soon(&self) -> u64 {
        self.now().saturating_add(u64::try_from(IDLE.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn note(&self) {
        self.until.fetch_max(self.soon(), Ordering::Relaxed);
    }

    fn are_near(&self) -> bool {
        self.now() < self.until.load(Ordering::Relaxed)
    }

    fn somebody_left(&self) -> bool {
        self.now() < self.left.load(Ordering::Relaxed)
    }
}

/// A call under way. Dropped before it is done - its client has hung up, its time is up -, its connection comes back in
/// the middle of a call: it is kept only if it answers. Declared after the call, so that it is dropped before.
pub(super) struct UnderWay<'a>(Option<&'a Breaks>);

impl<'a> UnderWay<'a> {
    pub(super) fn with(breaks: &'a Breaks) -> Self {
        Self(Some(breaks))
    }

    pub(super) fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if let Some(breaks) = self.0 {
            breaks.left.fetch_max(breaks.soon(), Ordering::Relaxed);
        }
    }
}

fn silent() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// Whether a connection answers, in time.
async fn answers(connection: &mut sqlx::PgConnection, limit: Duration) -> Result<bool, sqlx::Error> {
    let answer = tokio::time::timeout(limit, connection.ping()).await;
    answer.unwrap_or_else(|_| Err(silent())).map(|()| true)
}

pub(super) async fn open(
    options: &DbOptions,
    size: u32,
    breaks: &Breaks,
    turns: &Turns,
) -> Result<DatabaseConnection, Fault> {
    let read_only = options.read_only;
    let (breaks, returned) = (breaks.clone(), breaks.clone());
    // Whoever is asked answers long before a call may be given up, however far away.
    let asked_for = options.timeout / 5;
    // A transaction of a process that runs ends within the time of one call. One that stands open for longer is of a
    // process that is frozen, or at the other end of a dead line: what it has locked nobody else could send or book.
    let longest_idle = format!("{}ms", options.timeout.as_millis().saturating_mul(2));
    let mut connect = ConnectOptions::new(&options.url);
    connect
        .max_connections(size)
        .min_connections(u32::from(is_sqlite(&options.url)))
        .connect_timeout(options.timeout)
        .acquire_timeout(options.timeout)
        .test_before_acquire(false)
        .map_sqlx_postgres_before_acquire(move |connection, about| {
            let ask = about.idle_for >= IDLE || breaks.are_near();
            let breaks = breaks.clone();
            Box::pin(async move {
                if !ask {
                    return Ok(true);
                }
                let answer = answers(connection, asked_for).await;
                if answer.is_err() {
                    breaks.note();
                }
                answer
            })
        })
        .map_sqlx_postgres_pool_opts(move |o| {
            let breaks = returned.clone();
            o.after_release(move |connection, _| {
                let (broke, ask) = (breaks.are_near(), breaks.somebody_left());
                Box::pin(async move {
                    match (broke, ask) {
                        (true, _) => Err(silent()),
                        (false, false) => Ok(true),
                        (false, true) => answers(connection, asked_for).await,
                    }
                })
            })
        })
        .sqlx_logging(false)
        // Every statement has a constant text and is asked many times: one plan each. A plan for the values at hand
        // costs a millisecond for the larger ones, and was at times six times slower to run (measured).
        .map_sqlx_postgres_opts(move |o| {
            o.options([
                ("plan_cache_mode", "force_generic_plan"),
                ("idle_in_transaction_session_timeout", longest_idle.as_str()),
            ])
        })
        // After a commit that could not be written (a full disk) the driver still counts a transaction as open: what a
        // later one commits on that connection would be a part of it, answered and not there.
        .map_sqlx_sqlite_before_acquire(|connection, _| {
            let open = connection.is_in_transaction();
            Box::pin(async move { Ok(!open) })
        })
        .map_sqlx_sqlite_opts(move |o| {
            if read_only {
                return o.create_if_missing(false).read_only(true).pragma("busy_timeout", "4000");
            }
            o.create_if_missing(true)
                .pragma("journal_mode", "WAL")
                // An answered commit survives a power loss.
                .pragma("synchronous", "FULL")
                .pragma("foreign_keys", "ON")
                .pragma("busy_timeout", "4000")
        });
    let mut connection = tokio::time::timeout(options.timeout, Database::connect(connect))
        .await
        .map_err(|_| too_late())?
        .map_err(|e| match Fault::from(e) {
            Fault::Internal(cause) => Fault::Unavailable(cause),
            other => other,
        })?;
    if read_only && is_sqlite(&options.url) {
        // Opening reads nothing yet: a file that is no database shows itself here.
        connection.execute_unprepared("SELECT count(*) FROM sqlite_master").await?;
    }
    let (observer, turns) = (options.observer.clone(), turns.clone());
    connection.set_metric_callback(move |info| {
        if !info.failed {
            turns.answered();
        }
        if let Some(observer) = &observer {
            observer(&info.statement.sql);
        }
    });
    Ok(connection)
}
