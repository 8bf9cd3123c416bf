//! What a client can listen to. The policy is asked at the start and again at every event.

use std::collections::VecDeque;

use async_graphql::{Context, ID, Result, Subscription};
use chrono::{DateTime, TimeDelta, Utc};
use entity::{AgreementId, CareUnitId, TaskId, agreement, assignment::Role, domain_event};
use futures_util::{Stream, stream};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};
use uuid::Uuid;

use super::{
    read::{node, task, version::VersionsWanted},
    scalars::{GlobalId, NodeKind},
    types::{
        agreement::Agreement,
        tasks::{Task, TaskStatus},
    },
    user_error::{coded, fault, refused, session},
};
use crate::{
    auth::policy::{self, Action, Noun},
    error::{Fault, Stop},
    events::{Happened, News},
    session::Session,
};

/// Everything that can be listened to.
#[derive(Default)]
pub struct SubscriptionRoot;

/// Everything that can be listened to, over WebSocket (`graphql-transport-ws`).
#[Subscription(name = "Subscription")]
impl SubscriptionRoot {
    /// The agreement, each time anything in it has changed. Ends when the caller can no longer reach it.
    async fn agreement_changed<'ctx>(
        &self,
        ctx: &Context<'ctx>,
        #[graphql(desc = "The agreement's global id.")] agreement_id: ID,
    ) -> Result<impl Stream<Item = Result<Agreement>> + 'ctx> {
        let session = session(ctx);
        let versions = VersionsWanted::of_agreement(&ctx.look_ahead());
        let id = GlobalId::row::<AgreementId>(&agreement_id, NodeKind::Agreement)
            .unwrap_or(AgreementId(Uuid::nil()));
        let events = session.core.db.events().listen();
        let found = session
            .core
            .db
            .read(async |db| {
                policy::reach::<agreement::Entity>(
                    db,
                    &session.actor,
                    Action::Read,
                    id,
                    "agreementId",
                    session.now(),
                )
                .await
            })
            .await;
        let patient = match found {
            Ok(row) => row.patient_id,
            Err(Stop::Fault(e)) => return Err(fault(session, &e)),
            Err(Stop::Refused(_)) => {
                session.trail.denied("NOT_FOUND", None);
                return Err(coded("NOT_FOUND", "Det finns ingen överenskommelse här som du kan nå."));
            }
        };
        // Conversations and staff's tasks are no part of the agreement.
        let concerns = move |event: &Happened| {
            event.patient == patient && !event.kind.starts_with("thread.") && !event.kind.starts_with("task.")
        };
        Ok(stream::unfold(Some(events), move |events| async move {
            let mut events = events?;
            loop {
                match events.recv().await {
                    Ok(News::Happened(event)) if !concerns(&event) => {}
                    // Too far behind, or something may have been missed: it may have changed, so read.
                    Ok(_) | Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return None,
                }
            }
            match node::agreement_for(session, id, versions).await {
                Ok(Some(agreement)) => Some((Ok(agreement), Some(events))),
                Ok(None) => {
                    Some((Err(coded("FORBIDDEN", "Du kan inte längre följa överenskommelsen.")), None))
                }
                Err(error) => Some((Err(error), None)),
            }
        }))
    }

    /// Each task (uppgift) that the caller's unit gets: raised there, or passed there by another unit. Managers hear of
    /// what rises to them. A task may come twice when the service has lost contact with its database in between.
    async fn task_raised<'ctx>(
        &self,
        ctx: &Context<'ctx>,
        #[graphql(
            desc = "Only what is given to the caller (mina uppgifter), also by a colleague.",
            default = false
        )]
        own_only: bool,
    ) -> Result<impl Stream<Item = Result<Task>> + 'ctx> {
        let session = session(ctx);
        let Ok(staff) = policy::as_staff(&session.actor, Noun::Task, Action::List) else {
            return Err(refused(session));
        };
        let kinds: &'static [&'static str] = match (staff.role, own_only) {
            (Role::UnitManager, _) => &["task.risen"],
            (_, true) => &["task.raised", "task.passed", "task.assigned"],
            (_, false) => &["task.raised", "task.passed"],
        };
        let listening = Listening {
            events: session.core.db.events().listen(),
            unit: staff.care_unit,
            kinds,
            since: session.now(),
        };
        let own = own_only.then(|| GlobalId::new(NodeKind::Assignment, staff.assignment));
        let wanted = move |task: &Task| {
            task.status == TaskStatus::Open
                && own.is_none_or(|own| task.assignee.as_ref().is_some_and(|a| a.id == own))
        };
        Ok(stream::unfold((Some(listening), VecDeque::new()), move |(mut listening, mut ready)| async move {
            loop {
                if let Some(task) = ready.pop_front() {
                    return Some((Ok(task), (listening, ready)));
                }
                let ids = match listening.as_mut()?.next(session).await {
                    Ok(ids) => ids?,
                    Err(e) => return Some((Err(fault(session, &e)), (None, ready))),
                };
                match task::by_ids(session, &ids).await {
                    Ok(tasks) => ready.extend(tasks.into_iter().filter(wanted)),
                    Err(e) => return Some((Err(fault(session, &e)), (None, ready))),
                }
            }
        }))
    }
}

/// A place in the events of one unit.
struct Listening {
    events: Receiver<News>,
    unit: CareUnitId,
    kinds: &'static [&'static str],
    /// When it was last known that nothing had been missed.
    since: DateTime<Utc>,
}

/// How far back is read for what may have been missed, before the last sign that nothing was.
const BEFORE: TimeDelta = TimeDelta::seconds(30);
/// The most tasks that are read at a time.
const MOST: usize = 100;

impl Listening {
    /// The tasks of the next events that concern the unit, as many as there are now. None when the service stops.
    async fn next(&mut self, session: &Session) -> std::result::Result<Option<Vec<TaskId>>, Fault> {
        let mut ids = Vec::new();
        let mut heard = self.events.recv().await;
        loop {
            match heard {
                Ok(News::Happened(event)) => {
                    if event.care_unit == self.unit && self.kinds.contains(&event.kind.as_str()) {
                        ids.push(TaskId(event.subject));
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
    async fn missed(&self, session: &Session) -> std::result::Result<Vec<TaskId>, Fault> {
        use domain_event::Column as C;
        let since = self.since - BEFORE;
        let found: Vec<Uuid> = session
            .core
            .db
            .read(async |db| -> std::result::Result<_, Fault> {
                Ok(domain_event::Entity::find()
                    .select_only()
                    .column(C::SubjectId)
                    .filter(C::At.gte(since))
                    .filter(C::CareUnitId.eq(self.unit))
                    .filter(C::Kind.is_in(self.kinds.iter().copied()))
                    .order_by_desc(C::At)
                    .limit(MOST as u64)
                    .into_tuple()
                    .all(db)
                    .await?)
            })
            .await?;
        Ok(found.into_iter().map(TaskId).collect())
    }
}
