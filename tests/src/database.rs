//! A database of its own for every test, of the kind that the environment picks.
//!
//! `TEST_DATABASE_URL` unset: SQLite. A `postgres://` address: that server. `auto`: a throw-away PostgreSQL from the
//! installed binaries. So the one suite runs on both: `cargo test --workspace` and
//! `TEST_DATABASE_URL=auto cargo test --workspace`.

use crate::{postgres, sqlite};

/// Where [`Kind::picked`] reads the choice.
pub(crate) const URL_VARIABLE: &str = "TEST_DATABASE_URL";

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    /// What the environment asks for.
    pub fn picked() -> Self {
        if std::env::var(URL_VARIABLE).is_ok_and(|url| !url.is_empty()) {
            Self::Postgres
        } else {
            Self::Sqlite
        }
    }
}

/// A migrated, otherwise empty database that nobody else uses. Gone when dropped.
#[derive(Debug)]
pub struct TestDatabase {
    pub url: String,
    pub kind: Kind,
    // Held for its Drop, and to be crashed.
    cleanup: Cleanup,
}

#[derive(Debug)]
enum Cleanup {
    Sqlite { _directory: tempfile::TempDir },
    Postgres { _database: postgres::OwnedDatabase },
    Crashable { server: postgres::OwnServer },
}

/// A fresh database of the picked kind, with every migration applied.
pub async fn fresh_database() -> TestDatabase {
    fresh(Kind::picked()).await
}

/// A fresh database of the given kind, with every migration applied.
pub async fn fresh(kind: Kind) -> TestDatabase {
    make(kind, true).await
}

/// A fresh database without any table.
pub async fn empty(kind: Kind) -> TestDatabase {
    make(kind, false).await
}

/// A database on a PostgreSQL of its own, that can be crashed.
pub async fn crashable() -> TestDatabase {
    let server = postgres::OwnServer::start().await;
    TestDatabase { url: server.url(), kind: Kind::Postgres, cleanup: Cleanup::Crashable { server } }
}

impl TestDatabase {
    /// Crashes the server under it, if it has one of its own.
    pub async fn crash(&self) {
        if let Cleanup::Crashable { server } = &self.cleanup {
            server.crash().await;
        }
    }
}

async fn make(kind: Kind, migrated: bool) -> TestDatabase {
    match kind {
        Kind::Sqlite => {
            let (url, directory) = sqlite::create(migrated);
            TestDatabase { url, kind, cleanup: Cleanup::Sqlite { _directory: directory } }
        }
        Kind::Postgres => {
            let database = postgres::create(migrated);
            TestDatabase { url: database.url(), kind, cleanup: Cleanup::Postgres { _database: database } }
        }
    }
}

/// Runs `work` to its end on a thread and runtime of its own: what is shared between tests must not hang on the
/// runtime, or the paused clock, of the test that happened to come first.
pub(crate) fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap_or_else(|error| panic!("no runtime: {error}")).block_on(work)
    };
    match std::thread::spawn(run).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
