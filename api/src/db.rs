//! The database: the only module that knows which of the two it is.
//!
//! Every write goes through [`Db::write`]: one transaction, started as a write on SQLite (which has one writer: the
//! pool for writing holds one connection), bounded in time; or, on PostgreSQL, through [`Db::write_at_once`]: one
//! statement that is a transaction by itself. Reads that must agree share [`Db::snapshot`].
//!
//! Callers take turns at the connections ([`turns`]): a crowd waits, and is refused only when nobody is served.
//!
//! A pool holds connections that the other end has given up. A transaction begins on another one then, and a query
//! that a connection broke under runs once more (`http::graphql`). A write that had begun does not: its idempotency key
//! settles it when it is sent again.

mod pool;
mod turns;

use std::{path::Path, pin::pin, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr,
    EntityTrait, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
    sea_query::OnConflict,
};
use sea_orm_migration::MigratorTrait;

use self::{
    pool::{Breaks, UnderWay},
    turns::Turns,
};
use crate::{
    error::{Fault, Outage},
    events::{self, Events},
};

/// A transaction. Dropped without commit, it is rolled back.
pub type Tx = DatabaseTransaction;

/// Sees the text of every statement: tests count with it.
pub type Observer = Arc<dyn Fn(&str) + Send + Sync>;

/// How to reach the database.
#[derive(Clone)]
pub struct DbOptions {
    /// `sqlite://…` or `postgres://…`.
    pub url: String,
    /// Connections at most; on SQLite, of readers.
    pub max_connections: u32,
    /// The longest that the database may be silent.
    pub timeout: Duration,
    pub observer: Option<Observer>,
    /// Looks only: an SQLite file is neither made nor changed.
    pub read_only: bool,
}

/// Handle to the database; clones share the pools.
#[derive(Clone, Debug)]
pub struct Db {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
    reading: Turns,
    writing: Turns,
    timeout: Duration,
    events: Events,
    breaks: Breaks,
}

impl Db {
    /// Connects. Fails when the database does not answer in time.
    pub async fn connect(options: &DbOptions) -> Result<Self, Fault> {
        let breaks = Breaks::default();
        let reading = Turns::new(options.max_connections, options.timeout, &breaks);
        let reader = pool::open(options, options.max_connections, &breaks, &reading).await?;
        let (writer, writing) = if is_sqlite(&options.url) {
            let writing = Turns::new(1, options.timeout, &breaks);
            (pool::open(options, 1, &breaks, &writing).await?, writing)
        } else {
            (reader.clone(), reading.clone())
        };
        let (timeout, events) = (options.timeout, Events::default());
        Ok(Self { reader, writer, reading, writing, timeout, events, breaks })
    }

    /// For statements that need no snapshot.
    pub fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// What happens here and at other instances, to be listened to.
    pub fn events(&self) -> &Events {
        &self.events
    }

    pub fn backend(&self) -> DatabaseBackend {
        self.reader.get_database_backend()
    }

    pub fn is_sqlite(&self) -> bool {
        self.backend() == DatabaseBackend::Sqlite
    }

    /// Runs `work` in one write transaction and commits if it succeeds. What happened in it is told then.
    ///
    /// # Errors
    /// What `work` returns; [`Fault::Unavailable`] when the time is up or the commit's outcome is not known.
    pub async fn write<T, E>(&self, work: impl AsyncFnOnce(&Tx) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Fault> + From<DbErr> + Outage,
    {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        Self::in_turn(&self.writing, async {
            let tx = self.begin(&self.writer, options).await?;
            // On the heap: such work is large, and it lies within the futures of the whole request.
            let (done, happened) = events::gather(Box::pin(work(&tx))).await;
            let done = done?;
            tx.commit().await?;
            self.events.tell(happened);
            Ok(done)
        })
        .await
    }

    /// Runs `work`, a single statement that writes, without a transaction around it: it is one itself. What happened in
    /// it the caller tells.
    pub async fn write_at_once<T, E>(
        &self,
        work: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<Fault> + Outage,
    {
        Self::in_turn(&self.writing, async { work(&self.writer).await.inspect_err(|error| self.note(error)) })
            .await
    }

    /// Runs `work` on one unchanging state of the database.
    pub async fn snapshot<T, E>(&self, work: impl AsyncFnOnce(&Tx) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Fault> + From<DbErr> + Outage,
    {
        Self::in_turn(&self.reading, async {
            let tx = self.begin(&self.reader, TransactionOptions::default()).await?;
            if !self.is_sqlite() {
                tx.execute_unprepared(UNCHANGING).await?;
            }
            let done = work(&tx).await.inspect_err(|error| self.note(error))?;
            tx.commit().await?;
            Ok(done)
        })
        .await
    }

    /// Runs `work` on the reading pool within the time limit, for a single statement.
    pub async fn read<T, E>(
        &self,
        work: impl AsyncFnOnce(&DatabaseConnection) -> Result<T, E>,
    ) -> Result<T, E>
    where
        E: From<Fault> + Outage,
    {
        Self::in_turn(&self.reading, async { work(&self.reader).await.inspect_err(|error| self.note(error)) })
            .await
    }

    /// Begins a transaction; on another connection where the first was broken, since nothing has been done yet.
    async fn begin(&self, pool: &DatabaseConnection, options: TransactionOptions) -> Result<Tx, DbErr> {
        match pool.begin_with_options(options).await {
            Err(error) => {
                let fault = Fault::from(error.clone());
                self.note(&fault);
                if fault.connection_broke() { pool.begin_with_options(options).await } else { Err(error) }
            }
            begun => begun,
        }
    }

    /// When a connection broke, every other one is asked before it is used.
    fn note(&self, error: &impl Outage) {
        if error.connection_broke() {
            tracing::warn!("a connection to the database broke");
            self.breaks.note();
        }
    }

    /// Does `work` when its turn has come, as long as the database answers.
    fn in_turn<T, E: From<Fault> + Outage>(
        turns: &Turns,
        work: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, E>> {
        // On the heap: it is handed on, and each hand would hold a copy.
        let work = Box::pin(work);
        async move {
            let turn = turns.take().await?;
            let Some(done) = turns.attend(turn, work).await else { return Err(too_late().into()) };
            if done.as_ref().err().is_none_or(|error| !error.is_outage()) {
                turns.answered();
            }
            done
        }
    }

    /// Asked beside the queue: whether the database answers, however many wait for it.
    async fn in_time<T, E: From<Fault> + Outage>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut work = pin!(work);
        let under_way = UnderWay::with(&self.breaks);
        if let Ok(result) = tokio::time::timeout(self.timeout, &mut work).await {
            under_way.done();
            return result.inspect_err(|error| self.note(error));
        }
        self.breaks.note();
        Err(too_late().into())
    }

    /// Brings the schema up to date. Several processes may try at once: one does it, the others wait.
    pub async fn migrate(&self) -> Result<(), Fault> {
        if self.is_sqlite() {
            migration::Migrator::up(&self.writer, None).await?;
            return Ok(());
        }
        // The migration tool takes no lock of its own. Held by a transaction, it cannot outlive this process.
        let turn = self.reader.begin().await?;
        turn.execute_unprepared(HOLDS_A_TURN).await?;
        turn.execute_unprepared(ONE_MIGRATES).await?;
        let done = migration::Migrator::up(&self.reader, None).await;
        turn.commit().await?;
        Ok(done?)
    }

    /// Lets `role` do what the service needs, and no more. By the owner of the tables, on PostgreSQL, one at a time:
    /// the database refuses who grants what another is granting.
    pub async fn grant_to(&self, role: &str) -> Result<(), Fault> {
        let granting = self.writer.begin().await?;
        granting.execute_unprepared(ONE_MIGRATES).await?;
        for grant in migration::grants(role) {
            granting.execute_unprepared(&grant).await?;
        }
        Ok(granting.commit().await?)
    }

    /// What the role this process signs in as may do to the access log, were there no trigger. SQLite has no roles.
    pub async fn rights_in_log(&self) -> Result<LogRights, Fault> {
        if self.is_sqlite() {
            return Ok(LogRights { add: true, alter: false });
        }
        let asked = Statement::from_string(self.backend(), RIGHTS_IN_LOG);
        let row = self.in_time(async { self.reader.query_one_raw(asked).await.map_err(Fault::from) }).await?;
        let row = row.ok_or_else(|| Fault::internal("no answer"))?;
        Ok(LogRights { add: row.try_get_by_index(0)?, alter: row.try_get_by_index(1)? })
    }

    /// What time it is at the database; none on SQLite, which has no clock of its own.
    pub async fn time(&self) -> Result<Option<DateTime<Utc>>, Fault> {
        if self.is_sqlite() {
            return Ok(None);
        }
        let asked = Statement::from_string(self.backend(), "SELECT clock_timestamp()");
        let row = self.in_time(async { self.reader.query_one_raw(asked).await.map_err(Fault::from) }).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
    }

    /// Whether the database answers now.
    pub async fn ping(&self) -> Result<(), Fault> {
        self.in_time(async {
            self.reader.execute_unprepared("SELECT 1").await.map(drop).map_err(Fault::from)
        })
        .await
    }

    /// Closes every connection after the statements under way.
    pub async fn close(self) {
        let _ = self.reader.close_by_ref().await;
        let _ = self.writer.close_by_ref().await;
    }
}

/// What a role may do to the access log.
#[derive(Clone, Copy, Debug)]
pub struct LogRights {
    pub add: bool,
    pub alter: bool,
}

const RIGHTS_IN_LOG: &str = "SELECT bool_and(has_table_privilege(t, 'INSERT') AND has_table_privilege(t, 'SELECT')), \
     bool_or(has_table_privilege(t, 'UPDATE') OR has_table_privilege(t, 'DELETE')) \
     FROM unnest(ARRAY['access_event', 'access_event_patient']) t";

/// The transaction that holds the turn stands idle for as long as the migrations take.
const HOLDS_A_TURN: &str = "SET LOCAL idle_in_transaction_session_timeout = 0";

/// On PostgreSQL: begins an unchanging state for a transaction. In one statement; the library's options take two.
const UNCHANGING: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Waits, on PostgreSQL, until nobody else brings the schema up to date; held until the transaction ends.
const ONE_MIGRATES: &str = "SELECT pg_advisory_xact_lock(6178452301)";

fn too_late() -> Fault {
    Fault::Unavailable("the database did not answer in time".to_owned())
}

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// Holds an SQLite database for one process: a second `serve` or `worker` is refused.
#[derive(Debug)]
pub struct ExclusiveLock(#[expect(dead_code, reason = "held until dropped")] std::fs::File);

impl ExclusiveLock {
    /// Takes the lock beside the database file.
    ///
    /// # Errors
    /// A sentence for the operator, when another process holds it or the file cannot be made.
    pub fn take(database: &Path) -> Result<Self, String> {
        let path = database.with_extension("lock");
        let file = std::fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|e| format!("cannot open the lock file {}: {e}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(std::fs::TryLockError::WouldBlock) => Err(format!(
                "the database {} is in use by another patientkontrakt process; stop it first, or use PostgreSQL to run several",
                database.display()
            )),
            Err(std::fs::TryLockError::Error(e)) => Err(format!("cannot lock {}: {e}", path.display())),
        }
    }
}

/// Rows of one insertion at most: a statement has no more than 32 766 parameters on SQLite.
const ROWS: usize = 500;

/// Inserts any number of rows, in as few statements as that takes. Gives how many were stored.
pub async fn insert_all<E: EntityTrait>(
    tx: &Tx,
    rows: Vec<E::ActiveModel>,
    on_conflict: Option<OnConflict>,
) -> Result<u64, DbErr>
where
    E::ActiveModel: ActiveModelTrait<Entity = E>,
{
    let mut rows = rows.into_iter().peekable();
    let mut stored = 0;
    while rows.peek().is_some() {
        let mut insertion = E::insert_many(rows.by_ref().take(ROWS));
        if let Some(on_conflict) = &on_conflict {
            insertion = insertion.on_conflict(on_conflict.clone());
        }
        stored += insertion.exec_without_returning(tx).await?;
    }
    Ok(stored)
}

/// Whether `error` is a violated unique or primary key.
pub fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}
