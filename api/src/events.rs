//! What happened, to those who listen: domain events from every instance, in the order they are seen.
//!
//! The table is the truth; this process reads it about once a second while anyone listens, so that several
//! instances on one database hear of each other. Ids are not quite in order of commit across instances: a short
//! overlap is read again, and what was already told is left out.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{DomainEventId, PatientId, domain_event};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{clock::Clock, db::Db, error::Fault, telemetry};

/// An event as listeners get it: ids only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    pub id: DomainEventId,
    pub kind: String,
    pub patient: PatientId,
    pub subject: Uuid,
}

/// Hands events to listeners. Clones share them.
#[derive(Clone, Debug)]
pub struct Events {
    sender: broadcast::Sender<Happened>,
}

/// How far back a reading goes again, for transactions that committed late.
const OVERLAP: TimeDelta = TimeDelta::seconds(30);
const PAUSE: Duration = Duration::from_secs(1);
const TIME_BETWEEN: TimeDelta = TimeDelta::seconds(1);
/// Events told in one reading, and events a slow listener may lag behind.
const BATCH: u64 = 1_000;

impl Default for Events {
    fn default() -> Self {
        Self { sender: broadcast::channel(4 * BATCH as usize).0 }
    }
}

impl Events {
    /// Everything from now on. A listener that lags too far behind gets an error and should read anew.
    pub fn listen(&self) -> broadcast::Receiver<Happened> {
        self.sender.subscribe()
    }

    /// Reads the table until `stop`.
    pub async fn run(self, db: Db, clock: Clock, stop: CancellationToken) {
        let mut told = Told::default();
        while stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_some() {
            if let Err(fault) = self.tell(&db, &clock, &mut told).await {
                telemetry::note_failure("reading events", &fault);
            }
        }
    }

    /// One reading.
    pub async fn tell(&self, db: &Db, clock: &Clock, told: &mut Told) -> Result<(), Fault> {
        if self.sender.receiver_count() == 0 {
            told.listening_since = None;
            return Ok(());
        }
        // A listener may have come any time since the last reading.
        let began = *told.listening_since.get_or_insert_with(|| clock.now() - TIME_BETWEEN * 2);
        let since = clock.now() - OVERLAP;
        let rows = db
            .read(async |db| -> Result<_, Fault> {
                let mut newest = domain_event::Entity::find()
                    .filter(domain_event::Column::At.gt(since))
                    .order_by_desc(domain_event::Column::At)
                    .order_by_desc(domain_event::Column::Id)
                    .limit(BATCH)
                    .all(db)
                    .await?;
                newest.reverse();
                Ok(newest)
            })
            .await?;
        for row in rows {
            // What was there before the first listener came is not news.
            if told.note(row.id) && row.at >= began {
                let happened =
                    Happened { id: row.id, kind: row.kind, patient: row.patient_id, subject: row.subject_id };
                let _ = self.sender.send(happened);
            }
        }
        Ok(())
    }
}

/// What has been told already: the newest few thousand.
#[derive(Debug, Default)]
pub struct Told {
    ids: HashSet<DomainEventId>,
    order: VecDeque<DomainEventId>,
    listening_since: Option<DateTime<Utc>>,
}

impl Told {
    /// Whether `id` is new.
    fn note(&mut self, id: DomainEventId) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > 4 * BATCH as usize
            && let Some(old) = self.order.pop_front()
        {
            self.ids.remove(&old);
        }
        true
    }
}
