//! What a client can listen to. The policy is asked at the start and again at every event.

use std::collections::{HashSet, VecDeque};

use async_graphql::{Context, ID, Result, Subscription};
use entity::{AgreementId, TaskId, ThreadId, agreement, assignment::Role};
use futures_util::{Stream, stream};
use tokio::sync::broadcast::error::RecvError;
use uuid::Uuid;

use super::{
    listening::{Listening, Of},
    read::{changed, node, task, version::VersionsWanted},
    scalars::{Date, GlobalId, NodeKind},
    thread::{self, Thread},
    types::{
        agreement::Agreement,
        clash::AppointmentChange,
        tasks::{Task, TaskStatus},
    },
    user_error::{fault, refused, session, told},
};
use crate::{
    auth::policy::{self, Action, Noun},
    domain::booking::clash,
    error::Stop,
    events::{Happened, News},
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
        let (patient, provider) = match found {
            Ok(row) => (row.patient_id, row.care_provider_id),
            Err(Stop::Fault(e)) => return Err(fault(session, &e)),
            Err(Stop::Refused(_)) => {
                session.trail.denied("NOT_FOUND", None);
                return Err(told(
                    "NOT_FOUND",
                    "Det finns ingen överenskommelse här som du kan nå.",
                    "There is no agreement here that you can reach.",
                ));
            }
        };
        // Conversations and staff's tasks are no part of the agreement. Nor is, to staff, what another care provider
        // does: whoever acts on the agreement, that is told as of the care provider that has it.
        let to_staff = session.actor.staff().is_some();
        let concerns = move |event: &Happened| {
            event.patient == patient
                && (!to_staff || event.care_provider == provider)
                && !event.kind.starts_with("thread.")
                && !event.kind.starts_with("task.")
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
                    let gone = told(
                        "FORBIDDEN",
                        "Du kan inte längre följa överenskommelsen.",
                        "You can no longer follow the agreement.",
                    );
                    Some((Err(gone), None))
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
        let listening = Listening::new(session, Of::Unit(staff.care_unit), kinds);
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
                let ids: Vec<TaskId> = ids.into_iter().map(TaskId).collect();
                match task::by_ids(session, &ids).await {
                    Ok(tasks) => ready.extend(tasks.into_iter().filter(wanted)),
                    Err(e) => return Some((Err(fault(session, &e)), (None, ready))),
                }
            }
        }))
    }

    /// Booked times (bokade tider), each time one is booked, moved, confirmed, cancelled or followed up: for a patient
    /// all of theirs, for staff those of their own unit, or of one day there (dagens lista): what leaves the day is
    /// heard of too. A time may come twice when the service has lost contact with its database in between.
    async fn appointment_changed<'ctx>(
        &self,
        ctx: &Context<'ctx>,
        #[graphql(desc = "For staff: only times of this day, where the unit is; every day when left out.")]
        on: Option<Date>,
    ) -> Result<impl Stream<Item = Result<AppointmentChange>> + 'ctx> {
        let session = session(ctx);
        if policy::check(&session.actor, Noun::Appointment, Action::Read).is_err() {
            return Err(refused(session));
        }
        let of = match (session.actor.staff(), session.actor.patient()) {
            (Some(staff), _) => Of::Unit(staff.care_unit),
            (None, Some(patient)) => Of::Patient(patient),
            (None, None) => return Err(refused(session)),
        };
        // It listens before it looks at what is there: nothing falls between.
        let listening = Listening::new(session, of, APPOINTMENTS);
        let shown: HashSet<Uuid> = match (on, of) {
            (Some(Date(day)), Of::Unit(unit)) => {
                changed::ids_on(session, unit, day).await.map_err(|e| fault(session, &e))?
            }
            _ => HashSet::new(),
        };
        let start = (Some(listening), VecDeque::new(), shown);
        Ok(stream::unfold(start, move |(mut listening, mut ready, mut shown)| async move {
            loop {
                if let Some(change) = ready.pop_front() {
                    return Some((Ok(change), (listening, ready, shown)));
                }
                let ids = match listening.as_mut()?.next(session).await {
                    Ok(ids) => ids?,
                    Err(e) => return Some((Err(fault(session, &e)), (None, ready, shown))),
                };
                match changed::by_ids(session, of, &ids).await {
                    Ok(found) => {
                        ready.extend(found.into_iter().filter(|change| on_day(on, &mut shown, change)));
                    }
                    Err(e) => return Some((Err(fault(session, &e)), (None, ready, shown))),
                }
            }
        }))
    }

    /// A thread of messages (meddelandetråd), each time a message is sent in it, or it is read, closed or opened again:
    /// one thread, or for a patient all of theirs and for staff those with their unit. A thread may come twice when the
    /// service has lost contact with its database in between. One thread ends when the caller can no longer reach it.
    async fn thread_changed<'ctx>(
        &self,
        ctx: &Context<'ctx>,
        #[graphql(desc = "The thread's global id; all of the caller's when left out.")] thread_id: Option<ID>,
    ) -> Result<impl Stream<Item = Result<Thread>> + 'ctx> {
        let session = session(ctx);
        if policy::check(&session.actor, Noun::Thread, Action::Read).is_err() {
            return Err(refused(session));
        }
        let one = thread_id
            .map(|id| GlobalId::row::<ThreadId>(&id, NodeKind::Thread).map_or(Uuid::nil(), |id| id.0));
        let of = match (one, session.actor.staff(), session.actor.patient()) {
            (Some(id), ..) => Of::Subject(id),
            (None, Some(staff), _) => Of::Unit(staff.care_unit),
            (None, None, Some(patient)) => Of::Patient(patient),
            (None, None, None) => return Err(refused(session)),
        };
        let listening = Listening::new(session, of, THREADS);
        if let Some(id) = one {
            let found = thread::by_ids(session, &[id]).await.map_err(|e| fault(session, &e))?;
            if found.is_empty() {
                session.trail.denied("NOT_FOUND", None);
                return Err(told(
                    "NOT_FOUND",
                    "Det finns ingen konversation här som du kan nå.",
                    "There is no conversation here that you can reach.",
                ));
            }
        }
        Ok(stream::unfold((Some(listening), VecDeque::new()), move |(mut listening, mut ready)| async move {
            loop {
                if let Some(thread) = ready.pop_front() {
                    return Some((Ok(thread), (listening, ready)));
                }
                let ids = match listening.as_mut()?.next(session).await {
                    Ok(ids) => ids?,
                    Err(e) => return Some((Err(fault(session, &e)), (None, ready))),
                };
                match thread::by_ids(session, &ids).await {
                    Ok(found) if found.is_empty() && one.is_some() => {
                        let gone = told(
                            "FORBIDDEN",
                            "Du kan inte längre följa konversationen.",
                            "You can no longer follow the conversation.",
                        );
                        return Some((Err(gone), (None, ready)));
                    }
                    Ok(found) => ready.extend(found),
                    Err(e) => return Some((Err(fault(session, &e)), (None, ready))),
                }
            }
        }))
    }
}

/// What happens to booked times.
const APPOINTMENTS: &[&str] = &[
    "appointment.booked",
    "appointment.rebooked",
    "appointment.cancelled",
    "appointment.confirmed",
    "appointment.outcome",
];

/// Whether a listener to one day is told: of what is on it, and once more of what was and has left it.
fn on_day(on: Option<Date>, shown: &mut HashSet<Uuid>, change: &AppointmentChange) -> bool {
    let Some(Date(day)) = on else { return true };
    let (id, there) = (change.appointment.id.id, clash::day(change.appointment.starts_at) == day);
    if there {
        shown.insert(id);
    }
    there || shown.remove(&id)
}

/// What happens in threads.
const THREADS: &[&str] = &[
    "thread.started",
    "thread.message_sent",
    "thread.passed",
    "thread.read",
    "thread.closed",
    "thread.reopened",
];
