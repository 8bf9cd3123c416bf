//! The rows of the log on their way into the database.
//!
//! On PostgreSQL the rows of any number of requests go in one statement of constant text: it is planned once, and it
//! needs no transaction around it. SQLite has no network to save and takes a statement for each table.

use std::sync::LazyLock;

use entity::{AccessEventId, PatientId, access_event, access_event_patient};
use sea_orm::{
    ActiveEnum, ActiveModelTrait, ConnectionTrait, DatabaseBackend, EntityTrait, IntoActiveModel, Statement,
    Value,
    sea_query::{ArrayType, ValueType},
};
use uuid::Uuid;

use crate::{db::Db, error::Fault};

/// Rows of one statement: below SQLite's limit of parameters.
const MOST_ROWS: usize = 2_000;

/// Events with whom they concern.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub events: Vec<access_event::Model>,
    pub patients: Vec<(AccessEventId, PatientId)>,
}

/// An array has no empty places: what stands for none becomes none again.
static GROUP: LazyLock<String> = LazyLock::new(|| {
    let none = Uuid::nil();
    format!(
        "WITH written AS (INSERT INTO access_event (id, writer_id, seq, hash, actor_kind, actor_id, acting_for, \
             care_unit_id, action, outcome, reason, words, request_id, at) \
           SELECT id, writer_id, seq, hash, actor_kind, NULLIF(actor_id, '{none}'), NULLIF(acting_for, '{none}'), \
             NULLIF(care_unit_id, '{none}'), action, outcome, NULLIF(reason, ''), NULLIF(words, ''), request_id, at \
           FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[], $5::text[], $6::uuid[], $7::uuid[], \
             $8::uuid[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::text[], $14::timestamptz[]) \
             AS n(id, writer_id, seq, hash, actor_kind, actor_id, acting_for, care_unit_id, action, outcome, reason, \
               words, request_id, at)) \
         INSERT INTO access_event_patient (event_id, patient_id) SELECT * FROM UNNEST($15::uuid[], $16::uuid[])"
    )
});

impl Rows {
    /// Writes the rows as a transaction of their own.
    pub async fn commit(self, db: &Db) -> Result<(), Fault> {
        if db.is_sqlite() {
            db.write(async |tx| self.insert(tx).await).await
        } else {
            // One statement is its own transaction.
            db.write_at_once(async |db| self.insert(db).await).await
        }
    }

    /// Writes the rows.
    pub async fn insert(self, db: &impl ConnectionTrait) -> Result<(), Fault> {
        let backend = db.get_database_backend();
        if backend == DatabaseBackend::Postgres {
            db.execute_raw(Statement::from_sql_and_values(backend, GROUP.as_str(), self.into_arrays()))
                .await?;
            return Ok(());
        }
        let events = self.events.into_iter().map(|event| event.into_active_model().reset_all());
        access_event::Entity::insert_many(events).exec_without_returning(db).await?;
        for some in self.patients.chunks(MOST_ROWS) {
            let some = some.iter().map(|&(event_id, patient_id)| {
                access_event_patient::Model { event_id, patient_id }.into_active_model().reset_all()
            });
            access_event_patient::Entity::insert_many(some).exec_without_returning(db).await?;
        }
        Ok(())
    }

    /// The values of [`GROUP`].
    fn into_arrays(self) -> Vec<Value> {
        let events = &self.events;
        let patients = &self.patients;
        vec![
            array(events, |e| e.id.0),
            array(events, |e| e.writer_id),
            array(events, |e| e.seq),
            array(events, |e| e.hash.clone()),
            array(events, |e| e.actor_kind.to_value()),
            array(events, |e| e.actor_id.unwrap_or_default()),
            array(events, |e| e.acting_for.map_or(Uuid::nil(), |id| id.0)),
            array(events, |e| e.care_unit_id.map_or(Uuid::nil(), |id| id.0)),
            array(events, |e| e.action.clone()),
            array(events, |e| e.outcome.to_value()),
            array(events, |e| e.reason.clone().unwrap_or_default()),
            array(events, |e| e.words.as_ref().map_or_else(Vec::new, |words| words.0.clone())),
            array(events, |e| e.request_id.clone()),
            array(events, |e| e.at),
            array(patients, |(event, _)| event.0),
            array(patients, |(_, patient)| patient.0),
        ]
    }
}

fn array<R, T: ValueType + Into<Value>>(rows: &[R], column: impl Fn(&R) -> T) -> Value {
    let ty: ArrayType = T::array_type();
    Value::Array(ty, Some(Box::new(rows.iter().map(|row| column(row).into()).collect())))
}
