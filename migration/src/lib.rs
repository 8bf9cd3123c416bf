//! The schema changes of patientkontrakt, one file each, for SQLite and PostgreSQL from one text.
//!
//! What must hold whatever the service does stands here as a constraint: references, value lists, what is
//! unique, what is never altered. A migration never imports the entities: they are today's tables, a migration is
//! the tables of its day, and the value lists are therefore written out.
//!
//! Until the first release a file is edited in place, and the database keeps the text it was made with, so that one
//! made by another text is refused and not half understood ([`altered`]). From the first release on a change is a
//! new file.
//!
//! Forward only. A step back would have to drop patient data, so `down` is refused; restore a backup instead.

use sea_orm_migration::{
    MigrationName, MigrationTrait, MigratorTrait, SchemaManager,
    async_trait::async_trait,
    sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement},
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
    m20261122_000016_plan_life,
    m20261122_000014_assent,
    m20261122_000017_battery,
    m20261122_000013_agreement_life,
    m20261122_000015_contact_work,
    m20261122_000019_calendar_feed,
    m20261130_000020_channels,
    m20261130_000021_reminder_ladder,
    m20261130_000024_time_wish,
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

/// Keeps the text that each change was made with.
const TEXTS: &str = "schema_text";

/// The changes that this database got from another text than today's: none, unless it was made by another build
/// before the first release, when the files were still edited in place. Such a database cannot be brought up to date.
pub async fn altered(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let backend = db.get_database_backend();
    let select = if has_table(db, TEXTS).await? {
        format!("SELECT name, statements FROM {TEXTS}")
    } else if has_table(db, "seaql_migrations").await? {
        "SELECT version, '' FROM seaql_migrations".to_owned()
    } else {
        return Ok(Vec::new());
    };
    let made = db.query_all_raw(Statement::from_string(backend, select)).await?;
    let mut altered = Vec::new();
    for row in made {
        let (name, then): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let now = CHANGES.iter().find(|change| change.name == name);
        if now.is_none_or(|change| change.text(backend) != then) {
            altered.push(name);
        }
    }
    altered.sort();
    Ok(altered)
}

/// Whether there is such a table, also where this role may not read it: to the library's own question it would not be
/// there.
async fn has_table(db: &DatabaseConnection, name: &str) -> Result<bool, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return SchemaManager::new(db).has_table(name).await;
    }
    let asked = format!("SELECT to_regclass('{name}') IS NOT NULL");
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, asked)).await?;
    row.map_or(Ok(false), |row| row.try_get_by_index(0))
}

/// The names of the changes that this database has got, in order. Changes nothing, and needs no right to.
pub async fn applied(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    if !has_table(db, "seaql_migrations").await? {
        return Ok(Vec::new());
    }
    let select = "SELECT version FROM seaql_migrations ORDER BY version";
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), select)).await?;
    rows.iter().map(|row| row.try_get_by_index(0)).collect()
}

/// On PostgreSQL, what the role that the service signs in as may do: read and add everywhere, change and delete only
/// where the rules of the record allow it. The owner of the tables grants it after each change.
pub fn grants(role: &str) -> Vec<String> {
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let mut grants = Vec::new();
    for change in CHANGES {
        for (table, rights) in change.schema(DbBackend::Postgres).rights() {
            grants.push(format!("REVOKE ALL ON \"{table}\" FROM {role}"));
            grants.push(format!("GRANT {rights} ON \"{table}\" TO {role}"));
        }
    }
    grants.push(format!("GRANT SELECT ON seaql_migrations, {TEXTS} TO {role}"));
    grants
}

/// One file. It either happens whole or not at all.
#[derive(Clone, Copy)]
struct Change {
    name: &'static str,
    describe: fn(&mut schema::Schema),
}

impl Change {
    fn schema(self, backend: DbBackend) -> schema::Schema {
        let mut schema = schema::Schema::new(backend);
        (self.describe)(&mut schema);
        schema
    }

    fn statements(self, backend: DbBackend) -> Vec<String> {
        self.schema(backend).into_statements()
    }

    fn text(self, backend: DbBackend) -> String {
        self.statements(backend).join(";\n")
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
        let (db, backend) = (manager.get_connection(), manager.get_database_backend());
        for statement in self.statements(backend) {
            db.execute_unprepared(&statement).await?;
        }
        db.execute_unprepared(&format!(
            "CREATE TABLE IF NOT EXISTS {TEXTS} (name text PRIMARY KEY, statements text NOT NULL)"
        ))
        .await?;
        let (name, text) = (self.name.to_owned(), self.text(backend));
        let keep = format!("INSERT INTO {TEXTS} (name, statements) VALUES ($1, $2)");
        db.execute_raw(Statement::from_sql_and_values(backend, keep, [name.into(), text.into()])).await?;
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the schema only goes forward: restore a backup instead".to_owned()))
    }
}
