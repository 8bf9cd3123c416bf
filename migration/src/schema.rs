//! The small language that migrations are written in, so that both databases get the same tables from one text.
//!
//! A migration is a function that tells a [`Schema`] what to add; the schema turns it into statements for one
//! database. What differs is kept here: column types, how a trigger refuses, how a circular reference is made.
//!
//! - Every table on SQLite is `STRICT`, and instants and dates are checked for the one form in which they sort as
//!   text (`…+00:00`), because SQLite compares them as text.
//! - Nothing cascades. A row that is referred to cannot be deleted: by the default action, because both databases
//!   report it as a broken reference, where a spelt-out RESTRICT is reported otherwise by SQLite.

use std::{collections::BTreeSet, fmt::Write as _};

use sea_orm_migration::sea_orm::DbBackend;

/// The statements of one migration for one database, in order.
pub struct Schema {
    backend: DbBackend,
    statements: Vec<String>,
    tables: Vec<&'static str>,
    /// Tables whose rows are never deleted, and of these the ones whose rows never change.
    kept: BTreeSet<&'static str>,
    fixed: BTreeSet<&'static str>,
}

/// One table on its way: columns first, then constraints, then the indexes that need it to exist.
pub struct Table {
    backend: DbBackend,
    name: &'static str,
    columns: Vec<String>,
    constraints: Vec<String>,
    after: Vec<String>,
    clustered: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Uuid,
    Text,
    Instant,
    Date,
    Int,
    BigInt,
    Bool,
    Bytes,
}

/// What a guard watches.
#[derive(Clone, Copy)]
pub enum Change {
    Insert,
    Update,
    Delete,
}

impl Change {
    const fn sql(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

impl Schema {
    pub(crate) fn new(backend: DbBackend) -> Self {
        Self {
            backend,
            statements: Vec::new(),
            tables: Vec::new(),
            kept: BTreeSet::new(),
            fixed: BTreeSet::new(),
        }
    }

    /// What the service may do to each table, as `GRANT` names it.
    pub(crate) fn rights(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.tables.iter().map(|table| {
            let rights = match (self.fixed.contains(table), self.kept.contains(table)) {
                (true, _) => "SELECT, INSERT",
                (false, true) => "SELECT, INSERT, UPDATE",
                (false, false) => "SELECT, INSERT, UPDATE, DELETE",
            };
            (*table, rights)
        })
    }

    pub(crate) fn into_statements(self) -> Vec<String> {
        self.statements
    }

    /// Adds a table.
    pub fn table(&mut self, name: &'static str, describe: impl FnOnce(&mut Table) -> &mut Table) {
        let mut table = Table {
            backend: self.backend,
            name,
            columns: Vec::new(),
            constraints: Vec::new(),
            after: Vec::new(),
            clustered: false,
        };
        describe(&mut table);
        self.tables.push(name);
        let lines: Vec<String> = table.columns.into_iter().chain(table.constraints).collect();
        let options = match (self.backend, table.clustered) {
            (DbBackend::Sqlite, true) => " STRICT, WITHOUT ROWID",
            (DbBackend::Sqlite, false) => " STRICT",
            _ => "",
        };
        self.statements.push(format!("CREATE TABLE \"{name}\" (\n  {}\n){options}", lines.join(",\n  ")));
        self.statements.extend(table.after);
    }

    /// Closes a circle that [`Table::late_link`] began, once the other table exists.
    pub fn link_late(&mut self, table: &'static str, column: &'static str, to: &'static str) {
        // SQLite took the reference with the table: it looks the other table up when a row is written.
        if self.backend != DbBackend::Sqlite {
            self.statements.push(format!(
                "ALTER TABLE \"{table}\" ADD CONSTRAINT \"fk_{table}_{column}\" FOREIGN KEY (\"{column}\") \
                 REFERENCES \"{to}\" (\"id\") DEFERRABLE INITIALLY DEFERRED"
            ));
        }
    }

    /// Rows of the table are written once: no change, no deletion, no truncation.
    pub fn append_only(&mut self, table: &'static str) {
        self.fixed.insert(table);
        self.guard(table, "no_update", Change::Update, None);
        self.keep(table);
    }

    /// Rows of the table are never deleted.
    pub fn keep(&mut self, table: &'static str) {
        self.kept.insert(table);
        self.guard(table, "no_delete", Change::Delete, None);
        if self.backend != DbBackend::Sqlite {
            self.statements.push(format!(
                "CREATE TRIGGER \"{table}_no_truncate\" BEFORE TRUNCATE ON \"{table}\" \
                 FOR EACH STATEMENT EXECUTE FUNCTION \"{table}_no_delete\"()"
            ));
        }
    }

    /// Refuses a change to a row, always or when the condition on `OLD` (`NEW` in an insert, both in an update) holds.
    pub fn guard(&mut self, table: &'static str, rule: &str, change: Change, when: Option<&str>) {
        let name = format!("{table}_{rule}");
        let event = change.sql();
        if self.backend == DbBackend::Sqlite {
            let when = when.map(|condition| format!(" WHEN {condition}")).unwrap_or_default();
            self.statements.push(format!(
                "CREATE TRIGGER \"{name}\" BEFORE {event} ON \"{table}\" FOR EACH ROW{when} \
                 BEGIN SELECT RAISE(ABORT, '{name}'); END"
            ));
            return;
        }
        let refuse = format!("RAISE EXCEPTION '{name}' USING ERRCODE = 'restrict_violation';");
        let body = match (when, change) {
            (None, _) => refuse,
            (Some(condition), Change::Insert | Change::Update) => {
                format!("IF {condition} THEN {refuse} END IF; RETURN NEW;")
            }
            (Some(condition), Change::Delete) => format!("IF {condition} THEN {refuse} END IF; RETURN OLD;"),
        };
        self.statements.push(format!(
            "CREATE FUNCTION \"{name}\"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$"
        ));
        self.statements.push(format!(
            "CREATE TRIGGER \"{name}\" BEFORE {event} ON \"{table}\" FOR EACH ROW EXECUTE FUNCTION \"{name}\"()"
        ));
    }
}

impl Table {
    /// The primary key: a UUID made by the service.
    pub fn id(&mut self) -> &mut Self {
        self.uuid("id").primary_key(&["id"])
    }

    /// The primary key of several columns, or of one that is no [`Table::id`].
    pub fn primary_key(&mut self, columns: &[&str]) -> &mut Self {
        self.constraint(format!("PRIMARY KEY ({})", quoted(columns)))
    }

    /// The rows lie in the order of the primary key, where the database can: for narrow tables with a natural key.
    pub fn clustered(&mut self) -> &mut Self {
        self.clustered = true;
        self
    }

    /// The care unit and care provider that own the row: access rules compile to conditions on them.
    pub fn owned(&mut self) -> &mut Self {
        self.link("care_unit_id", "care_unit").link("care_provider_id", "care_provider")
    }

    /// The patient whom the row is about, and its owners.
    pub fn about_patient(&mut self) -> &mut Self {
        self.link("patient_id", "patient").owned()
    }

    /// A reference to another table's `id`.
    pub fn link(&mut self, column: &'static str, to: &'static str) -> &mut Self {
        self.uuid(column).references(column, to)
    }

    /// A reference that may be absent.
    pub fn opt_link(&mut self, column: &'static str, to: &'static str) -> &mut Self {
        self.opt_uuid(column).references(column, to)
    }

    /// A reference to a table that refers back: checked at commit. [`Schema::link_late`] completes it.
    pub fn late_link(&mut self, column: &'static str, to: &'static str) -> &mut Self {
        self.uuid(column).late(column, to)
    }

    /// [`Self::late_link`] that may be absent.
    pub fn opt_late_link(&mut self, column: &'static str, to: &'static str) -> &mut Self {
        self.opt_uuid(column).late(column, to)
    }

    fn late(&mut self, column: &'static str, to: &'static str) -> &mut Self {
        if self.backend == DbBackend::Sqlite {
            self.constraint(format!(
                "FOREIGN KEY (\"{column}\") REFERENCES \"{to}\" (\"id\") DEFERRABLE INITIALLY DEFERRED"
            ));
        }
        self
    }

    pub fn uuid(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Uuid, true)
    }

    pub fn opt_uuid(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Uuid, false)
    }

    pub fn text(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Text, true)
    }

    pub fn opt_text(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Text, false)
    }

    /// A point in time, always UTC.
    pub fn instant(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Instant, true)
    }

    pub fn opt_instant(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Instant, false)
    }

    pub fn date(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Date, true)
    }

    pub fn opt_date(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Date, false)
    }

    pub fn int(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Int, true)
    }

    pub fn opt_int(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Int, false)
    }

    pub fn bigint(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::BigInt, true)
    }

    pub fn bool(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Bool, true)
    }

    pub fn bytes(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Bytes, true)
    }

    pub fn opt_bytes(&mut self, name: &'static str) -> &mut Self {
        self.column(name, Kind::Bytes, false)
    }

    /// Text out of a fixed list.
    pub fn one_of(&mut self, name: &'static str, values: &[&str]) -> &mut Self {
        self.text(name).listed(name, values)
    }

    /// Text out of a fixed list, or nothing.
    pub fn opt_one_of(&mut self, name: &'static str, values: &[&str]) -> &mut Self {
        self.opt_text(name).listed(name, values)
    }

    /// A condition that every row fulfils.
    pub fn check(&mut self, rule: &str, condition: &str) -> &mut Self {
        self.constraint(format!("CONSTRAINT \"ck_{}_{rule}\" CHECK ({condition})", self.name))
    }

    /// No two rows agree in these columns.
    pub fn unique(&mut self, columns: &[&str]) -> &mut Self {
        self.add_index(true, columns, None)
    }

    /// No two rows that fulfil the condition agree in these columns.
    pub fn unique_where(&mut self, columns: &[&str], condition: &str) -> &mut Self {
        self.add_index(true, columns, Some(condition))
    }

    /// An index for a hot read. A column may be followed by `DESC`.
    pub fn index(&mut self, columns: &[&str]) -> &mut Self {
        self.add_index(false, columns, None)
    }

    /// An index over the rows that fulfil the condition.
    pub fn index_where(&mut self, columns: &[&str], condition: &str) -> &mut Self {
        self.add_index(false, columns, Some(condition))
    }

    fn references(&mut self, column: &str, to: &str) -> &mut Self {
        self.constraint(format!(
            "CONSTRAINT \"fk_{}_{column}\" FOREIGN KEY (\"{column}\") REFERENCES \"{to}\" (\"id\")",
            self.name
        ))
    }

    fn listed(&mut self, name: &str, values: &[&str]) -> &mut Self {
        let values = values.iter().map(|value| format!("'{value}'")).collect::<Vec<_>>().join(", ");
        self.check(name, &format!("\"{name}\" IN ({values})"))
    }

    fn constraint(&mut self, constraint: String) -> &mut Self {
        self.constraints.push(constraint);
        self
    }

    fn column(&mut self, name: &str, kind: Kind, required: bool) -> &mut Self {
        let mut column = format!("\"{name}\" {}", self.sql_type(kind));
        if required {
            column.push_str(" NOT NULL");
        }
        if self.backend == DbBackend::Sqlite {
            let form = match kind {
                Kind::Instant => format!("\"{name}\" GLOB '????-??-??T??:??:??*+00:00'"),
                Kind::Date => format!("\"{name}\" GLOB '????-??-??'"),
                Kind::Bool => format!("\"{name}\" IN (0, 1)"),
                _ => String::new(),
            };
            if !form.is_empty() {
                let _ = write!(column, " CHECK ({form})");
            }
        }
        self.columns.push(column);
        self
    }

    fn sql_type(&self, kind: Kind) -> &'static str {
        match (self.backend, kind) {
            (_, Kind::Text) | (DbBackend::Sqlite, Kind::Instant | Kind::Date) => "text",
            (DbBackend::Sqlite, Kind::Uuid | Kind::Bytes) => "blob",
            (DbBackend::Sqlite, _) | (_, Kind::Int) => "integer",
            (_, Kind::Uuid) => "uuid",
            (_, Kind::Instant) => "timestamptz",
            (_, Kind::Date) => "date",
            (_, Kind::BigInt) => "bigint",
            (_, Kind::Bool) => "boolean",
            (_, Kind::Bytes) => "bytea",
        }
    }

    fn add_index(&mut self, unique: bool, columns: &[&str], condition: Option<&str>) -> &mut Self {
        let (prefix, kind) = if unique { ("uq", "UNIQUE INDEX") } else { ("ix", "INDEX") };
        // The number keeps names apart and below PostgreSQL's 63 bytes.
        let number = self.after.len() + 1;
        let first = columns.first().and_then(|column| column.split(' ').next()).unwrap_or("");
        let when = condition.map(|condition| format!(" WHERE {condition}")).unwrap_or_default();
        self.after.push(format!(
            "CREATE {kind} \"{prefix}_{table}_{number}_{first}\" ON \"{table}\" ({columns}){when}",
            table = self.name,
            columns = quoted(columns),
        ));
        self
    }
}

fn quoted(columns: &[&str]) -> String {
    let quote = |column: &&str| match column.split_once(' ') {
        Some((name, order)) => format!("\"{name}\" {order}"),
        None => format!("\"{column}\""),
    };
    columns.iter().map(quote).collect::<Vec<_>>().join(", ")
}
