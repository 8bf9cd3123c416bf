//! The database: the only module that knows which of the two it is.
//!
//! Every write goes through [`Db::write`]: one transaction, started as a write on SQLite (which has one writer: the
//! pool for writing holds one connection), bounded in time. Reads that must agree share [`Db::snapshot`].

use std::{path::Path, sync::Arc, time::Duration};

use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseBackend, DatabaseConnection,
    DatabaseTransaction, DbErr, IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions,
    TransactionTrait, sqlx::Connection,
};
use sea_orm_migration::MigratorTrait;

use crate::{
    error::Fault,
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
    /// The longest that one call may take.
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
    timeout: Duration,
    events: Events,
}

impl Db {
    /// Connects. Fails when the database does not answer in time.
    pub async fn connect(options: &DbOptions) -> Result<Self, Fault> {
        let reader = pool(options, options.max_connections).await?;
        let writer = if is_sqlite(&options.url) { pool(options, 1).await? } else { reader.clone() };
        Ok(Self { reader, writer, timeout: options.timeout, events: Events::default() })
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
        E: From<Fault> + From<DbErr>,
    {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        self.in_time(async {
            let tx = self.writer.begin_with_options(options).await?;
            // On the heap: such work is large, and it lies within the futures of the whole request.
            let (done, happened) = events::gather(Box::pin(work(&tx))).await;
            let done = done?;
            tx.commit().await?;
            self.events.tell(happened);
            Ok(done)
        })
        .await
    }

    /// Runs `work` on one unchanging state of the database.
    pub async fn snapshot<T, E>(&self, work: impl AsyncFnOnce(&Tx) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Fault> + From<DbErr>,
    {
        let options = if self.is_sqlite() {
            TransactionOptions::default()
        } else {
            TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..Default::default()
            }
        };
        self.in_time(async {
            let tx = self.reader.begin_with_options(options).await?;
            let done = work(&tx).await?;
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
        E: From<Fault> + From<DbErr>,
    {
        self.in_time(work(&self.reader)).await
    }

    async fn in_time<T, E: From<Fault>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(result) => result,
            Err(_) => Err(Fault::Unavailable("the database did not answer in time".to_owned()).into()),
        }
    }

    /// Brings the schema up to date. Several processes may try at once: one does it, the others wait.
    pub async fn migrate(&self) -> Result<(), Fault> {
        if self.is_sqlite() {
            migration::Migrator::up(&self.writer, None).await?;
            return Ok(());
        }
        // The migration tool takes no lock of its own. Held by a transaction, it cannot outlive this process.
        let turn = self.reader.begin().await?;
        turn.execute_unprepared("SELECT pg_advisory_xact_lock(6178452301)").await?;
        let done = migration::Migrator::up(&self.reader, None).await;
        turn.commit().await?;
        Ok(done?)
    }

    /// Lets `role` do what the service needs, and no more. By the owner of the tables, on PostgreSQL.
    pub async fn grant_to(&self, role: &str) -> Result<(), Fault> {
        let granting = self.writer.begin().await?;
        for grant in migration::grants(role) {
            granting.execute_unprepared(&grant).await?;
        }
        Ok(granting.commit().await?)
    }

    /// Whether the role this process signs in as could alter the access log, were there no trigger. Always false on
    /// SQLite, which has no roles.
    pub async fn may_alter_log(&self) -> Result<bool, Fault> {
        if self.is_sqlite() {
            return Ok(false);
        }
        let asked = "SELECT has_table_privilege('access_event', 'UPDATE') OR has_table_privilege('access_event', 'DELETE')";
        let row = self.reader.query_one_raw(Statement::from_string(self.backend(), asked)).await?;
        Ok(row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(false))
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

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

async fn pool(options: &DbOptions, size: u32) -> Result<DatabaseConnection, Fault> {
    let read_only = options.read_only;
    let mut connect = ConnectOptions::new(&options.url);
    connect
        .max_connections(size)
        .min_connections(u32::from(is_sqlite(&options.url)))
        .connect_timeout(options.timeout)
        .acquire_timeout(options.timeout)
        // A connection that has lain idle may be dead; one in use is not asked each time.
        .test_before_acquire_if_idle_for(Duration::from_secs(1))
        .sqlx_logging(false)
        // Every statement has a constant text and is asked many times: one plan each. A plan for the values at hand
        // costs a millisecond for the larger ones, and was at times six times slower to run (measured).
        .map_sqlx_postgres_opts(|o| o.options([("plan_cache_mode", "force_generic_plan")]))
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
        .map_err(|_| Fault::Unavailable("the database did not answer in time".to_owned()))?
        .map_err(|e| match Fault::from(e) {
            Fault::Internal(cause) => Fault::Unavailable(cause),
            other => other,
        })?;
    if read_only && is_sqlite(&options.url) {
        // Opening reads nothing yet: a file that is no database shows itself here.
        connection.execute_unprepared("SELECT count(*) FROM sqlite_master").await?;
    }
    if let Some(observer) = options.observer.clone() {
        connection.set_metric_callback(move |info| observer(&info.statement.sql));
    }
    Ok(connection)
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

/// Whether `error` is a violated unique or primary key.
pub fn is_unique_violation(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}
