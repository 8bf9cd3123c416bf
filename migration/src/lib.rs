//! The schema changes of patientkontrakt, one file each, for SQLite and PostgreSQL from one text.
//!
//! What must hold whatever the service does stands here as a constraint: references, value lists, what is
//! unique, what is never altered. A migration never imports the entities: they are today's tables, a migration is
//! the tables of its day, and the value lists are therefore written out.
//!
//! Forward only. A step back would have to drop patient data, so `down` is refused; restore a backup instead.

use sea_orm_migration::{
    MigrationName, MigrationTrait, MigratorTrait, SchemaManager,
    async_trait::async_trait,
    sea_orm::{ConnectionTrait, DbBackend, DbErr},
};

mod schema;

/// Lists the migration files, in order. The module's name is the migration's.
macro_rules! changes {
    ($($module:ident),+ $(,)?) => {
        $(mod $module;)+

        const CHANGES: &[Change] = &[$(Change { name: stringify!($module), describe: $module::up }),+];
    };
}

changes! {
    m20261122_000001_organisation,
    m20261122_000002_patient,
    m20261122_000003_keys,
    m20261122_000004_agreement,
    m20261122_000005_plan,
    m20261122_000006_care_contact,
    m20261122_000007_booking,
    m20261122_000008_messages,
    m20261122_000009_notices,
    m20261122_000010_history,
    m20261122_000011_access_log,
    m20261122_000012_task,
}

/// Applies what a database has not yet got.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        CHANGES.iter().map(|change| Box::new(*change) as Box<dyn MigrationTrait>).collect()
    }
}

/// Every statement, in order, as the given database gets it: to be read, and to know whether a prepared database
/// is of this schema.
pub fn statements(backend: DbBackend) -> Vec<String> {
    CHANGES.iter().flat_map(|change| change.statements(backend)).collect()
}

/// One file. It either happens whole or not at all.
#[derive(Clone, Copy)]
struct Change {
    name: &'static str,
    describe: fn(&mut schema::Schema),
}

impl Change {
    fn statements(self, backend: DbBackend) -> Vec<String> {
        let mut schema = schema::Schema::new(backend);
        (self.describe)(&mut schema);
        schema.into_statements()
    }
}

impl MigrationName for Change {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for Change {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in self.statements(manager.get_database_backend()) {
            manager.get_connection().execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the schema only goes forward: restore a backup instead".to_owned()))
    }
}
