//! The access log (åtkomstlogg): who reached whose data, when, under which unit.
//!
//! A write logs inside its own transaction. A read's answer waits until its row is committed; rows of many
//! requests share one transaction (group commit). Where the log cannot be written, nothing is served. The tables
//! are append-only by the database's own refusal.

mod rows;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use entity::{AccessEventId, CareUnitId, PatientId, access_event, access_event::Outcome};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use self::rows::Rows;
use crate::{
    auth::actor::Actor,
    clock::Clock,
    crypto::{Keyring, Place, sha256},
    db::{Db, Tx},
    error::Fault,
};

/// One event to be logged.
#[derive(Clone, Debug)]
pub struct Record {
    pub actor: Actor,
    pub action: String,
    pub outcome: Outcome,
    /// The code of a refusal.
    pub reason: Option<String>,
    /// Why staff opened the record, in their words.
    pub words: Option<String>,
    pub request_id: String,
    /// Empty when a refusal resolved to nobody.
    pub patients: BTreeSet<PatientId>,
}

type Waiting = (Record, oneshot::Sender<Result<(), Fault>>);

/// The writer of the access log of this process.
#[derive(Clone, Debug)]
pub struct AccessLog {
    clock: Clock,
    keys: Keyring,
    writer: Uuid,
    seq: Arc<AtomicI64>,
    queue: mpsc::Sender<Waiting>,
}

/// How many requests may share one flush.
const GROUP: usize = 256;

impl AccessLog {
    /// Starts the task that commits the rows of reads in groups. It ends when the last handle is dropped.
    pub fn start(db: Db, clock: Clock, keys: Keyring) -> Self {
        let (queue, waiting) = mpsc::channel(4 * GROUP);
        let log = Self { writer: clock.uuid(), clock, keys, seq: Arc::default(), queue };
        tokio::spawn(commit_groups(
            db,
            log.clock.clone(),
            log.keys.clone(),
            log.writer,
            log.seq.clone(),
            waiting,
        ));
        log
    }

    /// Logs and waits until it is committed.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when it could not be: then the answer must not leave.
    pub async fn commit(&self, record: Record) -> Result<(), Fault> {
        let closed = || Fault::Unavailable("the access log is closed".to_owned());
        let (done, wait) = oneshot::channel();
        self.queue.send((record, done)).await.map_err(|_| closed())?;
        wait.await.map_err(|_| closed())?
    }

    /// The row of an event, for a statement that writes it together with everything else.
    pub(crate) fn prepare(&self, record: &Record) -> Result<access_event::Model, Fault> {
        event(record, &self.clock, &self.keys, self.writer, self.seq.fetch_add(1, Ordering::Relaxed))
    }

    /// Logs inside the transaction of a write.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when it could not be: then the write must not happen.
    pub async fn within(&self, tx: &Tx, record: &Record) -> Result<(), Fault> {
        let written = match rows(std::iter::once(record), &self.clock, &self.keys, self.writer, &self.seq) {
            Ok(rows) => rows.insert(tx).await,
            Err(fault) => Err(fault),
        };
        written.map_err(|fault| unwritable(&fault))
    }
}

async fn commit_groups(
    db: Db,
    clock: Clock,
    keys: Keyring,
    writer: Uuid,
    seq: Arc<AtomicI64>,
    mut waiting: mpsc::Receiver<Waiting>,
) {
    let mut group: Vec<Waiting> = Vec::with_capacity(GROUP);
    while waiting.recv_many(&mut group, GROUP).await > 0 {
        let records = group.iter().map(|(record, _)| record);
        let outcome = match rows(records, &clock, &keys, writer, &seq) {
            Ok(rows) => rows.commit(&db).await,
            Err(fault) => Err(fault),
        }
        .map_err(|fault| unwritable(&fault));
        for (_, done) in group.drain(..) {
            // The request may have gone away: nobody to tell.
            let _ = done.send(outcome.clone());
        }
    }
}

fn unwritable(fault: &Fault) -> Fault {
    Fault::Unavailable(format!("access log: {fault}"))
}

/// The rows of `records`.
fn rows<'a>(
    records: impl Iterator<Item = &'a Record>,
    clock: &Clock,
    keys: &Keyring,
    writer: Uuid,
    seq: &AtomicI64,
) -> Result<Rows, Fault> {
    let mut rows = Rows::default();
    for record in records {
        let event = event(record, clock, keys, writer, seq.fetch_add(1, Ordering::Relaxed))?;
        rows.patients.extend(record.patients.iter().map(|&patient| (event.id, patient)));
        rows.events.push(event);
    }
    Ok(rows)
}

fn event(
    record: &Record,
    clock: &Clock,
    keys: &Keyring,
    writer: Uuid,
    seq: i64,
) -> Result<access_event::Model, Fault> {
    let id = AccessEventId(clock.uuid());
    let words = keys.seal_opt(Place::new("access_event.words", id), record.words.as_deref())?;
    let at = clock.now();
    let care_unit_id: Option<CareUnitId> = record.actor.staff().map(|s| s.care_unit);
    let actor_id = Some(record.actor.id()).filter(|id| !id.is_nil());
    let patients: Vec<u8> = record.patients.iter().flat_map(|p| *p.0.as_bytes()).collect();
    let hash = sha256(&[
        id.0.as_bytes(),
        writer.as_bytes(),
        &seq.to_be_bytes(),
        record.actor.kind().as_str().as_bytes(),
        record.actor.id().as_bytes(),
        record.actor.acting_for().map_or(Uuid::nil(), |p| p.0).as_bytes(),
        care_unit_id.map_or(Uuid::nil(), |u| u.0).as_bytes(),
        record.action.as_bytes(),
        record.outcome.as_str().as_bytes(),
        record.reason.as_deref().unwrap_or_default().as_bytes(),
        words.as_ref().map_or(&[][..], |sealed| &sealed.0),
        record.request_id.as_bytes(),
        &at.timestamp_micros().to_be_bytes(),
        &patients,
    ]);
    Ok(access_event::Model {
        id,
        writer_id: writer,
        seq,
        hash,
        actor_kind: record.actor.kind(),
        actor_id,
        acting_for: record.actor.acting_for(),
        care_unit_id,
        action: record.action.clone(),
        outcome: record.outcome,
        reason: record.reason.clone(),
        words,
        request_id: record.request_id.clone(),
        at,
    })
}

tokio::task_local! {
    /// The patients whose rows the policy has granted to the act that this task runs.
    static REACHED: RefCell<BTreeSet<PatientId>>;
}

/// Runs an act and gives the patients that it reached, whatever became of it.
pub(crate) async fn reaching<T>(act: impl Future<Output = T>) -> (T, BTreeSet<PatientId>) {
    REACHED
        .scope(RefCell::default(), async {
            let done = act.await;
            (done, REACHED.with(RefCell::take))
        })
        .await
}

/// The policy has granted a row of `patient`. Outside of an act the reader's own [`Trail`] tells of it.
pub(crate) fn reached(patient: PatientId) {
    let _ = REACHED.try_with(|patients| patients.borrow_mut().insert(patient));
}

/// An act that was not done, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    pub action: &'static str,
    /// The first code of the refusal.
    pub code: &'static str,
    pub denied: bool,
}

impl Refusal {
    /// As the log has it.
    pub const fn outcome(self) -> Outcome {
        if self.denied { Outcome::Denied } else { Outcome::Refused }
    }
}

/// What one operation has touched so far: collected while it runs, logged before its answer leaves.
#[derive(Debug, Default)]
pub struct Trail(Mutex<Touched>);

/// The content of a [`Trail`].
#[derive(Debug, Default)]
pub struct Touched {
    /// Whose data was read and is not logged yet.
    pub read: BTreeSet<PatientId>,
    /// Whose access a write of this operation has already logged.
    pub logged: BTreeSet<PatientId>,
    /// Refusals: the code, and the patient where one resolved; each kind once.
    pub denied: BTreeSet<(&'static str, Option<PatientId>)>,
    /// Whose data the answer to a refused act shows, beyond those its own row names.
    pub refused: BTreeMap<Refusal, BTreeSet<PatientId>>,
    /// Why staff opened the record, in their words.
    pub reason: Option<String>,
    /// The refused act whose payload is being read, and whom its own row names.
    payload_of: Option<(Refusal, BTreeSet<PatientId>)>,
}

impl Trail {
    /// Data of `patient` is going to be in the answer.
    pub fn read(&self, patient: PatientId) {
        self.with(|t| match &t.payload_of {
            Some((_, named)) if named.contains(&patient) => {}
            Some((refusal, _)) => {
                let refusal = *refusal;
                t.refused.entry(refusal).or_default().insert(patient);
            }
            None if t.logged.contains(&patient) => {}
            None => {
                t.read.insert(patient);
            }
        });
    }

    /// An act begins: what is read from now on is no longer the payload of the one before.
    pub fn acting(&self) {
        self.with(|t| t.payload_of = None);
    }

    /// The act was refused; a row that names the patients in `logged` is committed.
    pub fn refused(&self, refusal: Refusal, logged: BTreeSet<PatientId>) {
        self.with(|t| t.payload_of = Some((refusal, logged)));
    }

    /// A write has logged the access to `patient`.
    pub fn logged(&self, patients: &BTreeSet<PatientId>) {
        self.with(|t| {
            t.logged.extend(patients);
            t.read.retain(|p| !patients.contains(p));
        });
    }

    /// Staff say why they open the record.
    pub fn because(&self, reason: &str) {
        self.with(|t| t.reason = Some(reason.to_owned()));
    }

    /// Something was refused.
    pub fn denied(&self, code: &'static str, patient: Option<PatientId>) {
        self.with(|t| t.denied.insert((code, patient)));
    }

    /// Empties the trail.
    pub fn take(&self) -> Touched {
        self.with(std::mem::take)
    }

    fn with<T>(&self, f: impl FnOnce(&mut Touched) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
