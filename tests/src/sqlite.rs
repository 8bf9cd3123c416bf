//! SQLite files for tests: migrated once per process, then copied.
#![allow(clippy::expect_used, reason = "a test that has no database cannot go on")]

use std::sync::OnceLock;

use sea_orm::{ConnectOptions, Database};
use sea_orm_migration::MigratorTrait as _;

use crate::database::apart;

/// The bytes of a migrated file: kept in memory, so that nothing is left behind when the process ends.
static MIGRATED: OnceLock<Vec<u8>> = OnceLock::new();

/// A file in a directory that vanishes with the returned handle.
pub(crate) fn create(migrated: bool) -> (String, tempfile::TempDir) {
    let directory = directory();
    let file = directory.path().join("test.db");
    let content: &[u8] = if migrated { MIGRATED.get_or_init(migrate) } else { &[] };
    std::fs::write(&file, content).expect("the temporary directory can be written to");
    (format!("sqlite://{}", file.display()), directory)
}

fn directory() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("patientkontrakt-test-").tempdir().expect("a temporary directory")
}

fn migrate() -> Vec<u8> {
    let directory = directory();
    let file = directory.path().join("template.db");
    let url = format!("sqlite://{}?mode=rwc", file.display());
    apart(async move {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let db = Database::connect(options).await.expect("a new SQLite file opens");
        migration::Migrator::up(&db, None).await.expect("the migrations apply on SQLite");
        db.close().await.expect("the SQLite file closes");
    });
    std::fs::read(&file).expect("the migrated file is there")
}
