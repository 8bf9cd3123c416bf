//! Threads of messages (meddelandetrådar), and the messages in them.
//!
//! Threads are loaded a page at a time; the messages of all threads of a page come in one statement, however many
//! threads ask for them.

use std::fmt::Write as _;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use async_graphql::{
    Context, Object, Result,
    connection::{CursorType, OpaqueCursor, PageInfo},
    dataloader::{DataLoader, Loader},
};
use chrono::{DateTime, Utc};
use entity::{PatientId, Sealed, ThreadId, ThreadMessageId, access_event, thread};
use sea_orm::{ConnectionTrait, Statement, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    page::{Page, page_request},
    read::{
        cols::{Cols, unit_columns},
        desk::{desk_columns, read_desk},
    },
    scalars::{GlobalId, NodeKind},
    types::{
        enums::{ThreadKind, ThreadStatus},
        messages::ThreadMessage,
        people::CareUnitSummary,
    },
    user_error::{fault, refused, session},
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun, Who, reach_sql, reach_values},
    },
    crypto::Place,
    domain::thread::{BODY, SUBJECT},
    error::Fault,
    session::{Core, Session},
};

/// Where a page of threads goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadPlace {
    at: DateTime<Utc>,
    id: Uuid,
}

/// One conversation about one patient.
pub struct Thread {
    id: Uuid,
    patient: PatientId,
    kind: thread::Kind,
    subject: String,
    status: thread::Status,
    last_message_at: DateTime<Utc>,
    answer_by: Option<DateTime<Utc>>,
    unread: i64,
    care_unit: CareUnitSummary,
    message_hours: String,
    messages: Arc<DataLoader<MessageLoader>>,
}

/// A thread of messages (meddelandetråd): between a patient and a unit, or between units about a patient.
#[Object(serial)]
impl Thread {
    /// Global id.
    async fn id(&self) -> GlobalId {
        GlobalId::new(NodeKind::Thread, self.id)
    }

    /// What it is about (ämne).
    async fn subject(&self) -> &str {
        &self.subject
    }

    /// Who talk.
    async fn kind(&self) -> ThreadKind {
        self.kind.into()
    }

    /// Whether it goes on.
    async fn status(&self) -> ThreadStatus {
        self.status.into()
    }

    /// The unit that the thread is with: whoever works there answers.
    async fn care_unit(&self) -> &CareUnitSummary {
        &self.care_unit
    }

    /// What stands wherever a message to the unit is written (när meddelanden läses): when it is read, by when it is
    /// answered, and whom to call instead; 112 when life is in danger.
    async fn message_hours(&self) -> &str {
        &self.message_hours
    }

    /// When the last message was sent.
    async fn last_message_at(&self) -> DateTime<Utc> {
        self.last_message_at
    }

    /// When care has promised to have answered (senast besvarat), while an answer is due.
    async fn answer_by(&self) -> Option<DateTime<Utc>> {
        self.answer_by
    }

    /// How many messages of the other side the caller has not read (olästa).
    async fn unread_count(&self) -> i32 {
        i32::try_from(self.unread).unwrap_or(i32::MAX)
    }

    /// The messages, the newest first.
    async fn messages(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 when left out.")] first: Option<i32>,
        #[graphql(desc = "Goes on after this cursor.")] after: Option<String>,
    ) -> Result<Page<ThreadMessage>> {
        let request = page_request::<Uuid>(first, after.as_deref(), 20)?;
        let wanted = Messages {
            thread: self.id,
            limit: request.first + 1,
            after: request.after,
            counted: ctx.look_ahead().field("totalCount").exists(),
        };
        let found = self.messages.load_one(wanted).await.map_err(|e| fault(session(ctx), &e))?;
        let found = found.unwrap_or_default();
        let total = found.total.and_then(|n| i32::try_from(n).ok());
        Ok(Page::of_rows(found.messages, &request, |message| message.id.id).with_total(total))
    }
}

/// A page of threads, each with where the list goes on after it.
pub struct ThreadConnection {
    patient: PatientId,
    edges: Vec<ThreadEdge>,
    has_previous: bool,
    has_next: bool,
}

/// A thread in a page.
pub struct ThreadEdge {
    cursor: String,
    node: Thread,
}

/// A `Thread` in a page.
#[Object]
impl ThreadEdge {
    /// For `after`.
    async fn cursor(&self) -> &str {
        &self.cursor
    }

    /// The row.
    async fn node(&self) -> &Thread {
        &self.node
    }
}

/// A page of `Thread`.
#[Object]
impl ThreadConnection {
    /// The rows of the page, each with its cursor.
    async fn edges(&self) -> &[ThreadEdge] {
        &self.edges
    }

    /// The rows of the page without cursors.
    async fn nodes(&self) -> Vec<&Thread> {
        self.edges.iter().map(|edge| &edge.node).collect()
    }

    /// Whether there is more.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_previous_page: self.has_previous,
            has_next_page: self.has_next,
            start_cursor: self.edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.clone()),
        }
    }

    /// How many threads there are in all.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i32> {
        let session = session(ctx);
        let sql =
            format!("SELECT count(*) FROM thread t WHERE {} AND t.patient_id = $5", visible(&session.actor));
        let mut values = reach_values(&session.actor, session.now());
        values.push(self.patient.0.into());
        let rows = rows(&session.core, sql, values).await.map_err(|e| fault(session, &e))?;
        let count = rows.first().map(|row| Cols::new(row).take::<i64>()).transpose();
        let count = count.map_err(|e| fault(session, &e))?.unwrap_or_default();
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }
}

/// The threads about a patient, the one with the latest message first.
pub async fn threads_of(
    ctx: &Context<'_>,
    patient: PatientId,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<ThreadConnection> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Thread, Action::Read).is_err() {
        return Err(refused(session));
    }
    let request = page_request::<ThreadPlace>(first, after, 20)?;
    let mut values = vec![patient.0.into()];
    let mut filter = "t.patient_id = $7".to_owned();
    if let Some(place) = &request.after {
        filter.push_str(" AND (t.last_message_at < $8 OR (t.last_message_at = $8 AND t.id < $9))");
        values.extend([place.at.into(), Value::from(place.id)]);
    }
    let order = format!("ORDER BY t.last_message_at DESC, t.id DESC LIMIT {}", request.first + 1);
    let mut threads = load(session, &filter, values, &order).await.map_err(|e| fault(session, &e))?;
    let more = threads.len() > request.first;
    threads.truncate(request.first);
    let edges = threads
        .into_iter()
        .map(|node| {
            let place = ThreadPlace { at: node.last_message_at, id: node.id };
            ThreadEdge { cursor: OpaqueCursor(place).encode_cursor(), node }
        })
        .collect();
    Ok(ThreadConnection { patient, edges, has_previous: request.after.is_some(), has_next: more })
}

/// A thread by id.
pub async fn thread(ctx: &Context<'_>, id: ThreadId) -> Result<Option<Thread>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Thread, Action::Read).is_err() {
        return Err(refused(session));
    }
    let found = load(session, "t.id = $7", vec![id.0.into()], "").await.map_err(|e| fault(session, &e))?;
    if found.is_empty() {
        session.trail.denied("NOT_FOUND", None);
    }
    Ok(found.into_iter().next())
}

/// A message by id.
pub async fn message(ctx: &Context<'_>, id: ThreadMessageId) -> Result<Option<ThreadMessage>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Thread, Action::Read).is_err() {
        return Err(refused(session));
    }
    let found = MessageLoader::new(session).message(id).await.map_err(|e| fault(session, &e))?;
    if let Some((patient, message)) = found {
        session.trail.read(patient);
        Ok(Some(message))
    } else {
        session.trail.denied("NOT_FOUND", None);
        Ok(None)
    }
}

/// The condition on `t` under which the actor may read a thread. What care givers write to each other is not the
/// patient's conversation.
fn visible(actor: &Actor) -> String {
    let reach = reach_sql(Who::from(actor), Noun::Thread, "t.patient_id", Some("t.care_provider_id"));
    if actor.staff().is_some() { reach } else { format!("{reach} AND t.kind = 'PATIENT_CARE'") }
}

/// The condition under which `m` was written by the other side of `t`; $5 is the caller, $6 whether staff.
const BY_OTHERS: &str =
    "CASE WHEN t.kind = 'CARE_CARE' THEN m.author_id <> $5 ELSE (m.author_kind = 'STAFF') <> $6 END";

fn caller(actor: &Actor) -> [Value; 2] {
    [actor.id().into(), actor.staff().is_some().into()]
}

/// Threads that fulfil `filter` (its values from `$7`), and tells the trail of their patients.
async fn load(
    session: &Session,
    filter: &str,
    values: Vec<Value>,
    order: &str,
) -> std::result::Result<Vec<Thread>, Fault> {
    let sql = format!(
        "SELECT t.id, t.patient_id, t.kind, t.subject, t.status, t.last_message_at, t.answer_by, \
         (SELECT count(*) FROM thread_message m WHERE m.thread_id = t.id AND {BY_OTHERS} AND NOT EXISTS \
          (SELECT 1 FROM thread_read r WHERE r.thread_id = t.id AND r.reader_id = $5 AND r.message_id >= m.id)), {}, {} \
         FROM thread t JOIN care_unit u ON u.id = t.care_unit_id WHERE {} AND {filter} {order}",
        desk_columns("u"),
        unit_columns("u"),
        visible(&session.actor),
    );
    let mut all = reach_values(&session.actor, session.now());
    all.extend(caller(&session.actor));
    all.extend(values);
    let messages = Arc::new(DataLoader::new(MessageLoader::new(session), tokio::spawn));
    let mut threads = Vec::new();
    for row in rows(&session.core, sql, all).await? {
        let mut cols = Cols::new(&row);
        let id: Uuid = cols.take()?;
        let patient = PatientId(cols.take()?);
        let kind = cols.text_enum()?;
        let subject = session.core.keys.open(Place::new(SUBJECT, id), &Sealed(cols.take()?))?;
        session.trail.read(patient);
        threads.push(Thread {
            id,
            patient,
            kind,
            subject,
            status: cols.text_enum()?,
            last_message_at: cols.take()?,
            answer_by: cols.opt()?,
            unread: cols.take()?,
            message_hours: read_desk(&mut cols)?.message_hours(session),
            care_unit: cols.unit()?,
            messages: Arc::clone(&messages),
        });
    }
    Ok(threads)
}

impl Thread {
    /// Whom it is about.
    pub fn patient(&self) -> PatientId {
        self.patient
    }
}

async fn rows(
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
    thread: Uuid,
    limit: usize,
    after: Option<Uuid>,
    counted: bool,
}

/// Messages found, and how many there are in all if that was asked.
#[derive(Clone, Debug, Default)]
pub struct Found {
    messages: Vec<ThreadMessage>,
    total: Option<i64>,
}

/// Loads messages for one caller.
pub struct MessageLoader {
    core: Core,
    actor: Actor,
}

impl MessageLoader {
    fn new(session: &Session) -> Self {
        Self { core: session.core.clone(), actor: session.actor.clone() }
    }

    /// Messages by a subselect `of` that names thread, message and rank; `total` is a column.
    fn sql(&self, of: &str, total: &str) -> String {
        format!(
            "SELECT m.thread_id, m.id, m.patient_id, m.body, m.author_kind, m.author_id, m.sent_at, \
             COALESCE(s.display_name, rep.display_name), \
             p.given_name, p.family_name, \
             (SELECT min(r.read_at) FROM thread_read r WHERE r.thread_id = m.thread_id AND r.message_id >= m.id \
              AND CASE WHEN t.kind = 'CARE_CARE' THEN r.reader_id <> m.author_id \
                  ELSE (r.reader_kind = 'STAFF') <> (m.author_kind = 'STAFF') END), {total} \
             FROM {of} JOIN thread t ON t.id = m.thread_id JOIN patient p ON p.id = m.patient_id \
             LEFT JOIN assignment a ON m.author_kind = 'STAFF' AND a.id = m.author_id \
             LEFT JOIN staff_member s ON s.id = a.staff_member_id \
             LEFT JOIN representative rep ON m.author_kind = 'REPRESENTATIVE' AND rep.id = m.author_id WHERE {}",
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

    async fn message(
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
