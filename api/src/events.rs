//! What happened, to those who listen: domain events of every instance, ids only.
//!
//! What is committed here is told here at once. Other instances hear of it through the database: a dispatcher sends
//! the ids with NOTIFY after the commit (never in its transaction, where it would make commits wait for each other),
//! and each instance listens on a connection of its own. Such notices are lost when that connection breaks, so after
//! a reconnect everybody who listens reads again, and the table is looked through every few seconds all the same: it
//! is the truth. What was told once is not told twice.

mod relay;

use std::{
    cell::RefCell,
    collections::{HashSet, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{CareProviderId, CareUnitId, DomainEventId, PatientId, domain_event};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{clock::Clock, db::Db, error::Fault, telemetry};

/// An event as listeners get it: ids only, enough to pass over what does not concern them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    pub id: DomainEventId,
    pub kind: String,
    pub patient: PatientId,
    pub care_unit: CareUnitId,
    pub care_provider: CareProviderId,
    pub subject: Uuid,
}

/// What a listener is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    Happened(Happened),
    /// Something may have been missed: read what you show anew.
    ReadAgain,
}

/// Hands events to listeners. Clones share them.
#[derive(Clone, Debug)]
pub struct Events(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    sender: broadcast::Sender<News>,
    told: Mutex<Told>,
    /// What the other instances are to hear of; filled only while a dispatcher empties it.
    outgoing: Mutex<Vec<Happened>>,
    relaying: AtomicBool,
    waiting: Notify,
    /// The connection that listens seems to be deaf.
    deaf: Notify,
}

/// How far back a reading goes again, for transactions that committed late.
const OVERLAP: TimeDelta = TimeDelta::seconds(30);
/// Between two readings of the table.
const PAUSE: Duration = Duration::from_secs(5);
/// A notice that has not come after this long is lost.
const UNDER_WAY: TimeDelta = TimeDelta::seconds(3);
/// Events told in one reading, and events a slow listener may lag behind.
const BATCH: usize = 1_000;

impl Default for Events {
    fn default() -> Self {
        Self(Arc::new(Shared {
            sender: broadcast::channel(4 * BATCH).0,
            told: Mutex::default(),
            outgoing: Mutex::default(),
            relaying: AtomicBool::new(false),
            waiting: Notify::new(),
            deaf: Notify::new(),
        }))
    }
}

tokio::task_local! {
    /// The events of the transaction that this task is in.
    static UNCOMMITTED: RefCell<Vec<Happened>>;
}

/// Runs the work of a transaction and gives what happened in it, to be told once it is committed.
pub(crate) async fn gather<T>(work: impl Future<Output = T>) -> (T, Vec<Happened>) {
    UNCOMMITTED
        .scope(RefCell::default(), async {
            let done = work.await;
            (done, UNCOMMITTED.with(RefCell::take))
        })
        .await
}

/// Notes an event of the transaction that this task is in. Outside of one the table alone tells of it.
pub(crate) fn note(happened: Happened) {
    let _ = UNCOMMITTED.try_with(|events| events.borrow_mut().push(happened));
}

impl Events {
    /// Everything from now on. A listener that lags too far behind gets an error and should read anew.
    pub fn listen(&self) -> broadcast::Receiver<News> {
        self.0.sender.subscribe()
    }

    /// Tells what has been committed here.
    pub fn tell(&self, committed: Vec<Happened>) {
        if committed.is_empty() {
            return;
        }
        if self.0.relaying.load(Ordering::Relaxed) {
            let mut outgoing = self.0.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
            // Who hears of none of these finds them in the table.
            if outgoing.len() < 4 * BATCH {
                outgoing.extend(committed.iter().cloned());
            }
            drop(outgoing);
            self.0.waiting.notify_one();
        }
        for happened in committed {
            self.pass_on(happened);
        }
    }

    /// Tells the listeners of this process, each event once; whether it was new.
    fn pass_on(&self, happened: Happened) -> bool {
        let new = self.0.told.lock().unwrap_or_else(PoisonError::into_inner).note(happened.id);
        if new {
            // Nobody may be listening.
            let _ = self.0.sender.send(News::Happened(happened));
        }
        new
    }

    fn read_again(&self) {
        let _ = self.0.sender.send(News::ReadAgain);
    }

    /// Until `stop`: tells other instances what happens here, hears what happens there (`listen` is the address of
    /// the database as the listening connection reaches it; none on SQLite, which has one instance), and looks
    /// through the table.
    pub async fn run(self, db: Db, clock: Clock, listen: Option<String>, stop: CancellationToken) {
        let since = Mutex::new(clock.now());
        let look = || self.look(&db, &clock, &since);
        let other_instances = async {
            if let Some(url) = &listen {
                self.0.relaying.store(true, Ordering::Relaxed);
                tokio::join!(self.relay(&db, &stop), self.hear(url, &stop, &look));
            }
        };
        let table = async {
            while stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_some() {
                if look().await > 0 {
                    self.0.deaf.notify_one();
                }
            }
        };
        tokio::join!(other_instances, table);
    }

    /// Tells what stands in the table and was not told; how many of them should have been heard of.
    async fn look(&self, db: &Db, clock: &Clock, since: &Mutex<DateTime<Utc>>) -> usize {
        if self.0.sender.receiver_count() == 0 {
            return 0;
        }
        let now = clock.now();
        let from = *since.lock().unwrap_or_else(PoisonError::into_inner);
        match self.catch_up(db, from, now - UNDER_WAY).await {
            Ok(missed) => {
                let mut since = since.lock().unwrap_or_else(PoisonError::into_inner);
                *since = (now - OVERLAP).max(*since);
                missed
            }
            Err(fault) => {
                telemetry::note_failure("reading events", &fault);
                0
            }
        }
    }

    /// Tells what has happened from `from` on and was not told; how many of them happened before `lost`.
    async fn catch_up(&self, db: &Db, from: DateTime<Utc>, lost: DateTime<Utc>) -> Result<usize, Fault> {
        let rows = db
            .read(async |db| -> Result<_, Fault> {
                let newest = domain_event::Entity::find()
                    .filter(domain_event::Column::At.gte(from))
                    .order_by_desc(domain_event::Column::At)
                    .order_by_desc(domain_event::Column::Id)
                    .limit(BATCH as u64)
                    .all(db)
                    .await?;
                Ok(newest)
            })
            .await?;
        let all = rows.len() < BATCH;
        let mut missed = 0;
        for row in rows.into_iter().rev() {
            let late = row.at < lost;
            let new = self.pass_on(Happened {
                id: row.id,
                kind: row.kind,
                patient: row.patient_id,
                care_unit: row.care_unit_id,
                care_provider: row.care_provider_id,
                subject: row.subject_id,
            });
            missed += usize::from(new && late);
        }
        if missed > 0 && !all {
            self.read_again();
        }
        Ok(missed)
    }
}

/// What has been told already: the newest few thousand.
#[derive(Debug, Default)]
struct Told {
    ids: HashSet<DomainEventId>,
    order: VecDeque<DomainEventId>,
}

impl Told {
    /// Whether `id` is new.
    fn note(&mut self, id: DomainEventId) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > 8 * BATCH
            && let Some(old) = self.order.pop_front()
        {
            self.ids.remove(&old);
        }
        true
    }
}
