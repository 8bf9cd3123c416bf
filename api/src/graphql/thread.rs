//! Threads of messages (meddelandetrådar), and the messages in them.
//!
//! Threads are loaded a page at a time; the messages of all threads of a page come in one statement, however many
//! threads ask for them.

use std::sync::Arc;

use async_graphql::{
    Context, Object, Result,
    connection::{CursorType, OpaqueCursor, PageInfo},
    dataloader::DataLoader,
};
use chrono::{DateTime, Utc};
use entity::{
    PatientId, Sealed, ThreadId, ThreadMessageId,
    care_contact::{Role, TreatingKind},
    thread,
};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    page::{Page, page_request},
    read::{
        cols::{Cols, unit_columns},
        desk::{desk_columns, read_desk},
    },
    scalars::{GlobalId, NodeKind},
    thread_messages::{MessageLoader, Messages, ReaderLoader, rows},
    types::{
        enums::{CareContactRole, ThreadKind, ThreadStatus, TreatingKind as TreatingKindOut},
        messages::{ThreadAnswerer, ThreadMessage, ThreadReader},
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
    domain::thread::{SUBJECT, answerer},
    error::Fault,
    session::Session,
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
    to: Option<(Role, Option<TreatingKind>)>,
    answerer: ThreadAnswerer,
    messages: Arc<DataLoader<MessageLoader>>,
    readers: Arc<DataLoader<ReaderLoader>>,
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

    /// The role that the thread goes to (uppdrag), whoever holds it at the time; none when it goes to the whole unit.
    async fn to_role(&self) -> Option<CareContactRole> {
        self.to.map(|(role, _)| role.into())
    }

    /// What the treating role treats, where the thread goes to one.
    async fn to_treating_kind(&self) -> Option<TreatingKindOut> {
        self.to.and_then(|(_, kind)| kind).map(Into::into)
    }

    /// Who answers now (svarar): the holder of the role, whoever steps in while the holder is away, or the unit.
    async fn answerer(&self) -> &ThreadAnswerer {
        &self.answerer
    }

    /// Who has read the thread and how far (läskvitton), in the order of reading, also by writing in it; at most 100.
    async fn readers(&self, ctx: &Context<'_>) -> Result<Vec<ThreadReader>> {
        let found = self.readers.load_one(self.id).await.map_err(|e| fault(session(ctx), &e))?;
        Ok(found.unwrap_or_default())
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

    /// When care has promised the patient to have answered (senast besvarat), while an answer is due. Always null between
    /// units: what one asks the other is a task of the other, with its own `dueAt`.
    async fn answer_by(&self) -> Option<DateTime<Utc>> {
        self.answer_by
    }

    /// How many messages of the other side the caller has not read (olästa): of the patient's side or of care, and between
    /// units of the other unit. Who writes in the thread has read what stands there.
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

/// Threads by their ids, as far as the caller reaches them.
pub async fn by_ids(session: &Session, ids: &[Uuid]) -> std::result::Result<Vec<Thread>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (7..7 + ids.len()).map(|n| format!("${n}")).collect();
    let filter = format!("t.id IN ({})", places.join(", "));
    let values = ids.iter().map(|id| Value::from(*id)).collect();
    load(session, &filter, values, "ORDER BY t.last_message_at, t.id").await
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
pub fn visible(actor: &Actor) -> String {
    let reach = reach_sql(Who::from(actor), Noun::Thread, "t.patient_id", Some("t.care_provider_id"));
    if actor.staff().is_some() { reach } else { format!("{reach} AND t.kind = 'PATIENT_CARE'") }
}

/// The condition under which `m` in `t` was written by the other side than that of `who`, who is staff or not: between
/// units by another unit, else by care or the patient's side. Within one unit everybody is a side of their own.
pub fn by_other_side(who: &str, is_staff: &str) -> String {
    format!(
        "CASE WHEN t.kind = 'CARE_CARE' THEN NOT EXISTS (SELECT 1 FROM assignment w \
           JOIN assignment i ON i.care_unit_id = w.care_unit_id AND (t.from_unit_id <> t.care_unit_id OR i.id = w.id) \
           WHERE w.id = m.author_id AND i.id = {who}) \
         ELSE (m.author_kind = 'STAFF') <> {is_staff} END"
    )
}

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
         (SELECT count(*) FROM thread_message m WHERE m.thread_id = t.id AND {} AND NOT EXISTS \
          (SELECT 1 FROM thread_read r WHERE r.thread_id = t.id AND r.reader_id = $5 AND r.message_id >= m.id)), {}, {}, \
         {}, t.to_treating_kind, c.name, c.function, ab.until_at, sm.display_name, sm.title \
         FROM thread t JOIN care_unit u ON u.id = t.care_unit_id {} WHERE {} AND {filter} {order}",
        by_other_side("$5", "$6"),
        desk_columns("u"),
        unit_columns("u"),
        answerer::TO_ROLE,
        answerer::JOINS,
        visible(&session.actor),
    );
    let mut all = reach_values(&session.actor, session.now());
    all.extend(caller(&session.actor));
    all.extend(values);
    let messages = Arc::new(DataLoader::new(MessageLoader::new(session), tokio::spawn));
    let readers = Arc::new(DataLoader::new(ReaderLoader::new(session), tokio::spawn));
    let mut threads = Vec::new();
    for row in rows(&session.core, sql, all).await? {
        let mut cols = Cols::new(&row);
        let id: Uuid = cols.take()?;
        let patient = PatientId(cols.take()?);
        let kind = cols.text_enum()?;
        let subject = session.core.keys.open(Place::new(SUBJECT, id), &Sealed(cols.take()?))?;
        session.trail.read(patient);
        let status = cols.text_enum()?;
        let (last_message_at, answer_by, unread) = (cols.take()?, cols.opt()?, cols.take()?);
        let message_hours = read_desk(&mut cols)?.message_hours(session);
        let care_unit = cols.unit()?;
        let role: Option<Role> = cols.opt_enum()?;
        let treating_kind = cols.opt_enum()?;
        threads.push(Thread {
            id,
            patient,
            kind,
            subject,
            status,
            last_message_at,
            answer_by,
            unread,
            message_hours,
            answerer: read_answerer(&mut cols, &care_unit)?,
            care_unit,
            to: role.map(|role| (role, treating_kind)),
            messages: Arc::clone(&messages),
            readers: Arc::clone(&readers),
        });
    }
    Ok(threads)
}

/// Who answers: the contact in the role, whoever steps in, or the unit.
fn read_answerer(cols: &mut Cols<'_>, unit: &CareUnitSummary) -> std::result::Result<ThreadAnswerer, Fault> {
    let (name, function): (Option<String>, Option<String>) = (cols.opt()?, cols.opt()?);
    let away_until: Option<DateTime<Utc>> = cols.opt()?;
    let substitute = cols.opt_staff()?;
    Ok(match (name, away_until, substitute) {
        (Some(name), None, _) => ThreadAnswerer { name, function, instead_of: None, away_until: None },
        (holder, Some(_), Some(staff)) => {
            ThreadAnswerer { name: staff.name, function: Some(staff.title), instead_of: holder, away_until }
        }
        // Nobody steps in, or nobody holds the role: the unit does.
        (holder, away_until, _) => {
            ThreadAnswerer { name: unit.name.clone(), function: None, instead_of: holder, away_until }
        }
    })
}

impl Thread {
    /// Whom it is about.
    pub fn patient(&self) -> PatientId {
        self.patient
    }
}
