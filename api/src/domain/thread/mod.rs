//! Messages (meddelanden): conversations about one patient, between the patient and a unit or between units.
//!
//! A thread goes to a unit or a role, not only to a person: absence loses no message ([`answerer`]). It opens the record to the unit for as
//! long as it goes on, and some time after.

pub mod answerer;
pub mod close;
pub mod mark_read;
pub mod rules;
pub mod send;
mod send_pg;
pub mod start;
pub mod waiting;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{ThreadMessageId, care_relation, care_unit, patient, task::Kind, thread, thread_message};
use sea_orm::{ActiveValue::Set, EntityTrait};

use crate::{
    auth::policy::{self, Action, Granted},
    calendar::OpeningHours,
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Event},
        booking::closing_days,
        notice::{self, NewMessage},
        relation::{self, Opening},
        task::{self, Ending},
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Where the texts are sealed.
pub const SUBJECT: &str = "thread.subject";
pub const BODY: &str = "thread_message.body";

/// A thread opens the record to its unit until this long after the last message.
pub const RELATION_AFTER: TimeDelta = TimeDelta::days(30);

/// The thread, if the caller reaches it. What care givers write to each other is not the patient's conversation.
async fn reach(
    tx: &Tx,
    session: &Session,
    action: Action,
    id: entity::ThreadId,
) -> Result<Granted<thread::Model>, Stop> {
    let found =
        policy::reach::<thread::Entity>(tx, &session.actor, action, id, "threadId", session.now()).await?;
    if session.actor.staff().is_none() && found.kind == thread::Kind::CareCare {
        return Err(Problem::not_found("threadId").into());
    }
    Ok(found)
}

/// When a unit is to have answered what is written to it now.
fn answer_time(unit: &care_unit::Model, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, Fault> {
    let hours: OpeningHours = serde_json::from_str(&unit.opening_hours).map_err(Fault::internal)?;
    Ok(rules::answer_by(&hours, &closing_days(unit)?, now))
}

/// Writes one message as of `at`, its event, the notice to the patient when care has written, and the task of answering
/// where the message makes care owe an answer, by `owed_by`.
async fn write(
    tx: &Tx,
    session: &Session,
    to: &thread::Model,
    (kind, at): (&'static str, DateTime<Utc>),
    body: &str,
    owed_by: Option<DateTime<Utc>>,
) -> Result<ThreadMessageId, Fault> {
    let id = ThreadMessageId(session.core.clock.uuid());
    let (author_kind, author_id) = act::by(session);
    let row = thread_message::ActiveModel {
        id: Set(id),
        thread_id: Set(to.id),
        patient_id: Set(to.patient_id),
        care_unit_id: Set(to.care_unit_id),
        care_provider_id: Set(to.care_provider_id),
        author_kind: Set(author_kind),
        author_id: Set(author_id),
        body: Set(session.core.keys.seal(Place::new(BODY, id.0), body)?),
        sent_at: Set(at),
    };
    thread_message::Entity::insert(row).exec_without_returning(tx).await?;
    if session.actor.staff().is_some() && to.kind == thread::Kind::PatientCare {
        let whom = patient::Entity::find_by_id(to.patient_id)
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("a thread without its patient"))?;
        let about = NewMessage {
            thread: to.id,
            message: id,
            care_unit: to.care_unit_id,
            care_provider: to.care_provider_id,
        };
        notice::plan_message(tx, session, &whom, about).await?;
        task::end(tx, session, Kind::UnansweredMessage, to.id.0, Ending::Done, None).await?;
    }
    if let (Some(staff), thread::Kind::CareCare) = (session.actor.staff(), to.kind) {
        // Whoever is asked has answered; one's own question goes on waiting.
        task::end_at(tx, session, Kind::UnansweredMessage, to.id.0, staff.care_unit).await?;
    }
    if let Some(owed_by) = owed_by {
        waiting::raise(tx, session, to, owed_by).await?;
    }
    emit(tx, session, to, kind).await?;
    Ok(id)
}

/// Tells both units of a thread what has happened in it.
async fn emit(tx: &Tx, session: &Session, of: &thread::Model, kind: &'static str) -> Result<(), Fault> {
    let at = |care_unit| Event {
        kind,
        patient: of.patient_id,
        care_unit,
        care_provider: of.care_provider_id,
        subject: of.id.0,
        for_register: false,
    };
    let from = of.from_unit_id.filter(|from| *from != of.care_unit_id);
    act::emit(tx, session, std::iter::once(of.care_unit_id).chain(from).map(at)).await
}

/// Opens the care relation (vårdrelation) that the thread brings.
async fn open_relation(tx: &Tx, session: &Session, of: &thread::Model) -> Result<(), Fault> {
    let now = session.now();
    let from = of.from_unit_id.filter(|from| *from != of.care_unit_id);
    for care_unit in std::iter::once(of.care_unit_id).chain(from) {
        let opening = Opening {
            patient: of.patient_id,
            care_unit,
            care_provider: of.care_provider_id,
            source: care_relation::Source::Thread,
            subject: Some(of.id.0),
            from: now,
            until: Some(now + RELATION_AFTER),
            declared: None,
        };
        relation::open(tx, session, &opening).await?;
    }
    Ok(())
}

/// Moves the end of the relation: the thread goes on.
async fn extend_relation(tx: &Tx, of: &thread::Model, now: DateTime<Utc>) -> Result<(), Fault> {
    relation::move_end(tx, of.patient_id, care_relation::Source::Thread, of.id.0, Some(now + RELATION_AFTER))
        .await
}
