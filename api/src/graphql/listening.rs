//! A place in the stream of events: what a subscription has heard of, and what it may have missed.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{CareUnitId, PatientId, domain_event};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};
use uuid::Uuid;

use crate::{
    error::Fault,
    events::{Happened, News},
    session::Session,
};

/// Whose events are listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Unit(CareUnitId),
    Patient(PatientId),
    /// One thing.
    Subject(Uuid),
}

/// A place in the events of some kinds.
pub struct Listening {
    events: Receiver<News>,
    of: Of,
    kinds: &'static [&'static str],
    /// When it was last known that nothing had been missed.
    since: DateTime<Utc>,
}

/// How far back is read for what may have been missed, before the last sign that nothing was.
const BEFORE: TimeDelta = TimeDelta::seconds(30);
/// The most subjects that are read at a time.
const MOST: usize = 100;

impl Listening {
    /// Everything from now on.
    pub fn new(session: &Session, of: Of, kinds: &'static [&'static str]) -> Self {
        Self { events: session.core.db.events().listen(), of, kinds, since: session.now() }
    }

    fn concerns(&self, event: &Happened) -> bool {
        let of = match self.of {
            Of::Unit(unit) => event.care_unit == unit,
            Of::Patient(patient) => event.patient == patient,
            Of::Subject(subject) => event.subject == subject,
        };
        of && self.kinds.contains(&event.kind.as_str())
    }

    /// The subjects of the next events, as many as there are now, each once. None when the service stops.
    pub async fn next(&mut self, session: &Session) -> Result<Option<Vec<Uuid>>, Fault> {
        let mut ids = Vec::new();
        let mut heard = self.events.recv().await;
        loop {
            match heard {
                Ok(News::Happened(event)) => {
                    if self.concerns(&event) {
                        ids.push(event.subject);
                    }
                }
                Ok(News::ReadAgain) | Err(RecvError::Lagged(_)) => {
                    ids.extend(self.missed(session).await?);
                }
                Err(RecvError::Closed) => return Ok(None),
            }
            if ids.len() >= MOST {
                break;
            }
            heard = match self.events.try_recv() {
                Ok(news) => Ok(news),
                Err(TryRecvError::Lagged(n)) => Err(RecvError::Lagged(n)),
                Err(TryRecvError::Closed) => Err(RecvError::Closed),
                Err(TryRecvError::Empty) if ids.is_empty() => self.events.recv().await,
                Err(TryRecvError::Empty) => break,
            };
        }
        self.since = session.now();
        ids.sort_unstable();
        ids.dedup();
        Ok(Some(ids))
    }

    /// What the table knows of since the last sign of life.
    async fn missed(&self, session: &Session) -> Result<Vec<Uuid>, Fault> {
        use domain_event::Column as C;
        let since = self.since - BEFORE;
        let of = match self.of {
            Of::Unit(unit) => C::CareUnitId.eq(unit),
            Of::Patient(patient) => C::PatientId.eq(patient),
            Of::Subject(subject) => C::SubjectId.eq(subject),
        };
        session
            .core
            .db
            .read(async |db| -> Result<_, Fault> {
                Ok(domain_event::Entity::find()
                    .select_only()
                    .column(C::SubjectId)
                    .filter(C::At.gte(since))
                    .filter(of)
                    .filter(C::Kind.is_in(self.kinds.iter().copied()))
                    .order_by_desc(C::At)
                    .limit(MOST as u64)
                    .into_tuple()
                    .all(db)
                    .await?)
            })
            .await
    }
}
