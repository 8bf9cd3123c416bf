//! The messages of threads, and who has read them: loaded for all threads of a page in one statement.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use async_graphql::dataloader::Loader;
use entity::{PatientId, Sealed, ThreadMessageId, access_event};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use super::{
    read::cols::Cols,
    scalars::{GlobalId, NodeKind},
    thread::{by_other_side, visible},
    types::messages::{ThreadMessage, ThreadReader},
};
use crate::{
    auth::{actor::Actor, policy::reach_values},
    crypto::Place,
    domain::thread::BODY,
    error::Fault,
    session::{Core, Session},
};

/// The rows of a flat statement.
pub async fn rows(
    core: &Core,
    sql: String,
    values: Vec<Value>,
) -> std::result::Result<Vec<sea_orm::QueryResult>, Fault> {
    core.db
        .read(async |db| -> std::result::Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            Ok(db.query_all_raw(statement).await?)
        })
        .await
}

/// Some messages of one thread, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Messages {
    pub thread: Uuid,
    pub limit: usize,
    pub after: Option<Uuid>,
    pub counted: bool,
}

/// Messages found, and how many there are in all if that was asked.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub messages: Vec<ThreadMessage>,
    pub total: Option<i64>,
}

/// Loads messages for one caller.
pub struct MessageLoader {
    core: Core,
    actor: Actor,
}

impl MessageLoader {
    pub fn new(session: &Session) -> Self {
        Self { core: session.core.clone(), actor: session.actor.clone() }
    }

    /// Messages by a subselect `of` that names thread, message and rank; `total` is a column.
    fn sql(&self, of: &str, total: &str) -> String {
        format!(
            "SELECT m.thread_id, m.id, m.patient_id, m.body, m.author_kind, m.author_id, m.sent_at, \
             COALESCE(s.display_name, rep.display_name), \
             p.given_name, p.family_name, \
             (SELECT min(r.read_at) FROM thread_read r WHERE r.thread_id = m.thread_id AND r.message_id >= m.id \
              AND {}), {total} \
             FROM {of} JOIN thread t ON t.id = m.thread_id JOIN patient p ON p.id = m.patient_id \
             LEFT JOIN assignment a ON m.author_kind = 'STAFF' AND a.id = m.author_id \
             LEFT JOIN staff_member s ON s.id = a.staff_member_id \
             LEFT JOIN representative rep ON m.author_kind = 'REPRESENTATIVE' AND rep.id = m.author_id WHERE {}",
            by_other_side("r.reader_id", "(r.reader_kind = 'STAFF')"),
            visible(&self.actor),
        )
    }

    async fn run(&self, sql: String, values: Vec<Value>) -> std::result::Result<Vec<Row>, Fault> {
        let mut all = reach_values(&self.actor, self.core.clock.now());
        all.extend(values);
        let rows = rows(&self.core, sql, all).await?;
        rows.iter().map(|row| self.read(&mut Cols::new(row))).collect()
    }

    fn read(&self, cols: &mut Cols<'_>) -> std::result::Result<Row, Fault> {
        let thread = cols.take()?;
        let id: Uuid = cols.take()?;
        let patient = PatientId(cols.take()?);
        let body = self.core.keys.open(Place::new(BODY, id), &Sealed(cols.take()?))?;
        let author_kind: access_event::ActorKind = cols.text_enum()?;
        let author: Uuid = cols.take()?;
        let sent_at = cols.take()?;
        let staff: Option<String> = cols.opt()?;
        let (given, family): (String, String) = (cols.take()?, cols.take()?);
        let message = ThreadMessage {
            id: GlobalId::new(NodeKind::ThreadMessage, id),
            body,
            author_kind: author_kind.into(),
            author_name: staff.unwrap_or_else(|| format!("{given} {family}")),
            is_own: author == self.actor.id(),
            sent_at,
            read_at: cols.opt()?,
        };
        Ok(Row { thread, patient, message, total: cols.opt()? })
    }

    pub async fn message(
        &self,
        id: ThreadMessageId,
    ) -> std::result::Result<Option<(PatientId, ThreadMessage)>, Fault> {
        let sql = format!("{} AND m.id = $5", self.sql("thread_message m", "NULL"));
        let found = self.run(sql, vec![id.0.into()]).await?;
        Ok(found.into_iter().next().map(|row| (row.patient, row.message)))
    }
}

struct Row {
    thread: Uuid,
    patient: PatientId,
    message: ThreadMessage,
    total: Option<i64>,
}

impl Loader<Messages> for MessageLoader {
    type Value = Found;
    type Error = Fault;

    async fn load(&self, keys: &[Messages]) -> std::result::Result<HashMap<Messages, Found>, Fault> {
        let mut alike: BTreeMap<(usize, Option<Uuid>, bool), Vec<Messages>> = BTreeMap::new();
        for key in keys {
            alike.entry((key.limit, key.after, key.counted)).or_default().push(*key);
        }
        let mut found: HashMap<Messages, Found> = HashMap::new();
        for ((limit, after, counted), keys) in alike {
            let mut values: Vec<Value> = keys.iter().map(|key| key.thread.into()).collect();
            let places: Vec<String> = (5..5 + keys.len()).map(|n| format!("${n}")).collect();
            let mut within = format!("x.thread_id IN ({})", places.join(", "));
            if let Some(after) = after {
                let _ = write!(within, " AND x.id < ${}", 5 + keys.len());
                values.push(after.into());
            }
            let of = format!(
                "(SELECT x.*, row_number() OVER (PARTITION BY x.thread_id ORDER BY x.id DESC) AS rank \
                 FROM thread_message x WHERE {within}) m"
            );
            let total = if counted {
                "(SELECT count(*) FROM thread_message c WHERE c.thread_id = m.thread_id)"
            } else {
                "NULL"
            };
            let sql =
                format!("{} AND m.rank <= {limit} ORDER BY m.thread_id, m.id DESC", self.sql(&of, total));
            let key_of: HashMap<Uuid, Messages> = keys.iter().map(|key| (key.thread, *key)).collect();
            for row in self.run(sql, values).await? {
                let Some(key) = key_of.get(&row.thread) else { continue };
                let entry = found.entry(*key).or_default();
                entry.messages.push(row.message);
                entry.total = row.total;
            }
            if counted {
                for key in &keys {
                    found.entry(*key).or_default().total.get_or_insert(0);
                }
            }
        }
        Ok(found)
    }
}

/// Who has read a thread, and how far: the furthest mark of each.
pub struct ReaderLoader(MessageLoader);

/// The most readers that are told of one thread.
const READERS: usize = 100;

impl ReaderLoader {
    pub fn new(session: &Session) -> Self {
        Self(MessageLoader::new(session))
    }
}

impl Loader<Uuid> for ReaderLoader {
    type Value = Vec<ThreadReader>;
    type Error = Fault;

    async fn load(&self, keys: &[Uuid]) -> std::result::Result<HashMap<Uuid, Vec<ThreadReader>>, Fault> {
        let MessageLoader { core, actor } = &self.0;
        let places: Vec<String> = (5..5 + keys.len()).map(|n| format!("${n}")).collect();
        let sql = format!(
            "SELECT r.thread_id, r.reader_kind, r.message_id, r.read_at, COALESCE(s.display_name, rep.display_name), \
             p.given_name, p.family_name FROM (SELECT y.*, row_number() OVER \
               (PARTITION BY y.thread_id, y.reader_id ORDER BY y.message_id DESC) AS rank FROM thread_read y \
               WHERE y.thread_id IN ({})) r \
             JOIN thread t ON t.id = r.thread_id JOIN patient p ON p.id = r.patient_id \
             LEFT JOIN assignment a ON r.reader_kind = 'STAFF' AND a.id = r.reader_id \
             LEFT JOIN staff_member s ON s.id = a.staff_member_id \
             LEFT JOIN representative rep ON r.reader_kind = 'REPRESENTATIVE' AND rep.id = r.reader_id \
             WHERE r.rank = 1 AND {} ORDER BY r.thread_id, r.read_at, r.reader_id",
            places.join(", "),
            visible(actor),
        );
        let mut values = reach_values(actor, core.clock.now());
        values.extend(keys.iter().map(|key| Value::from(*key)));
        let mut found: HashMap<Uuid, Vec<ThreadReader>> = HashMap::new();
        for row in rows(core, sql, values).await? {
            let mut cols = Cols::new(&row);
            let of = found.entry(cols.take()?).or_default();
            let kind: access_event::ActorKind = cols.text_enum()?;
            let message: Uuid = cols.take()?;
            let read_at = cols.take()?;
            let named: Option<String> = cols.opt()?;
            let (given, family): (String, String) = (cols.take()?, cols.take()?);
            if of.len() < READERS {
                of.push(ThreadReader {
                    kind: kind.into(),
                    name: named.unwrap_or_else(|| format!("{given} {family}")),
                    message_id: GlobalId::new(NodeKind::ThreadMessage, message),
                    read_at,
                });
            }
        }
        Ok(found)
    }
}
