//! Messages (meddelanden): conversations about one patient, between the patient and a unit or between units.
//!
//! A thread goes to a unit or a role, not only to a person: absence loses no message ([`answerer`]). It opens the record to the unit for as
//! long as it goes on, and some time after.

pub mod answerer;
pub mod close;
pub mod follow;
pub mod mark_read;
pub mod rules;
pub mod send;
mod send_pg;
pub mod stand_in;
pub mod start;
pub mod waiting;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    CareUnitId, ThreadId, ThreadMessageId, access_event::ActorKind, care_relation, care_unit, patient,
    task::Kind, thread, thread_message, thread_read,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use uuid::Uuid;

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
        task::{self, Ending, letter, words::Words},
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Where the texts are sealed.
pub const SUBJECT: &str = "thread.subject";
pub const BODY: &str = "thread_message.body";

/// A thread opens the record to its unit until this long after the last message.
pub const RELATION_AFTER: TimeDelta = TimeDelta::days(30);
/// Whoever has written or read in a thread looks into it for so long.
const FOLLOWS: TimeDelta = TimeDelta::days(14);

/// The thread, if the caller reaches it. What care givers write to each other is not the patient's conversation.
async fn reach(
    tx: &Tx,
    session: &Session,
    action: Action,
    id: ThreadId,
) -> Result<Granted<thread::Model>, Stop> {
    let found =
        policy::reach::<thread::Entity>(tx, &session.actor, action, id, "threadId", session.now()).await?;
    if session.actor.staff().is_none() && found.kind == thread::Kind::CareCare {
        return Err(Problem::not_found("threadId").into());
    }
    Ok(found)
}

/// When a unit is to have answered what is written to it now.
fn answer_time(unit: &care_unit::Model, now: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
    let hours: OpeningHours = serde_json::from_str(&unit.opening_hours).map_err(Fault::internal)?;
    Ok(rules::answer_by(&hours, &closing_days(unit)?, now))
}

/// The id of the message after `last`, behind the thread's lock: higher, also where another instance's clock is ahead.
/// Who has read up to a message has read those before it, and no message may come to stand among them.
fn next_id(session: &Session, last: ThreadMessageId) -> ThreadMessageId {
    let after = Uuid::from_u128(last.0.as_u128().saturating_add(1));
    ThreadMessageId(Ord::max(session.core.clock.uuid(), after))
}

/// What a message does to the answer that care owes in its thread.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// It asks for one, by then.
    Owed(DateTime<Utc>),
    /// It is one: who was asked has written.
    Given,
    /// Whoever waits goes on waiting.
    Unchanged,
}

/// Writes one message as of `at`, its event, the notice to the patient when care has written, and what it does to the
/// task of answering.
async fn write(
    tx: &Tx,
    session: &Session,
    to: &thread::Model,
    (kind, id, at): (&'static str, ThreadMessageId, DateTime<Utc>),
    body: &str,
    answer: Answer,
) -> Result<(), Fault> {
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
        let told = notice::plan_message(tx, session, &whom, about).await?;
        let awaited = matches!(answer, Answer::Given)
            && task::end(tx, session, Kind::UnansweredMessage, to.id.0, Ending::Done, None).await?.is_some();
        // Who has asked looks for the answer, unless they asked by a link; who has not must learn that there is something
        // to read.
        let looks = awaited && !to.begun_by_link;
        let unheard = !told && !looks && whom.deceased_on.is_none();
        if unheard && !followed(tx, to, at).await? {
            letter::write(tx, session, to.into(), to.id.0, unread()).await?;
        }
    } else if to.kind == thread::Kind::PatientCare && to.last_author == ActorKind::Staff {
        seen(tx, session, to).await?;
    }
    if let (Some(staff), thread::Kind::CareCare) = (session.actor.staff(), to.kind)
        && !adds_to_own(tx, session, to).await?
    {
        // Whoever is asked has answered; one's own question goes on waiting.
        task::end_at(tx, session, Kind::UnansweredMessage, to.id.0, staff.care_unit).await?;
    }
    if let Answer::Owed(by) = answer {
        waiting::raise(tx, session, to, by).await?;
    }
    emit(tx, session, to, kind).await
}

/// Within one unit nobody answers themself: what somebody adds to their own message answers nothing.
async fn adds_to_own(tx: &Tx, session: &Session, to: &thread::Model) -> Result<bool, Fault> {
    if to.from_unit_id != Some(to.care_unit_id) {
        return Ok(false);
    }
    let last = thread_message::Entity::find_by_id(to.last_message_id).one(tx).await?;
    Ok(last.is_some_and(|last| last.author_id == session.actor.id()))
}

fn unread() -> Words {
    Words::ours(
        "Patienten har fått ett meddelande, men får inga besked om det. Skicka ett brev eller ring.",
        "The patient has been sent a message and is told of it in no other way. Send a letter, or call.",
    )
}

/// The message that would have told of what care wrote at `at` reaches nobody any more: a letter tells of it, unless the
/// patient has asked and looks for the answer, or has been in the thread.
pub(crate) async fn unheard(
    tx: &Tx,
    session: &Session,
    id: ThreadId,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    let of = thread::Entity::find_by_id(id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("a notice without its thread"))?;
    // Writing the answer ends the task.
    let awaited = entity::task::Entity::find()
        .filter(entity::task::Column::Kind.eq(Kind::UnansweredMessage))
        .filter(entity::task::Column::SubjectId.eq(id.0))
        .filter(entity::task::Column::Status.eq(entity::task::Status::Done))
        .filter(entity::task::Column::EndedAt.gte(at))
        .one(tx)
        .await?;
    if awaited.is_some() || followed(tx, &of, at).await? {
        return Ok(());
    }
    letter::write(tx, session, (&of).into(), of.id.0, unread()).await
}

/// Whether the patient's side has been in the thread lately.
async fn followed(tx: &Tx, of: &thread::Model, now: DateTime<Utc>) -> Result<bool, Fault> {
    let lately = now - FOLLOWS;
    let wrote = thread_message::Entity::find()
        .filter(thread_message::Column::ThreadId.eq(of.id))
        .filter(thread_message::Column::AuthorKind.ne(ActorKind::Staff))
        .filter(thread_message::Column::SentAt.gt(if of.begun_by_link {
            lately.max(of.created_at)
        } else {
            lately
        }));
    let read = thread_read::Entity::find()
        .filter(thread_read::Column::ThreadId.eq(of.id))
        .filter(thread_read::Column::ReaderKind.ne(ActorKind::Staff))
        .filter(thread_read::Column::ReadAt.gt(lately));
    Ok(wrote.one(tx).await?.is_some() || read.one(tx).await?.is_some())
}

/// The patient's side has been in the thread: nobody needs to tell them of it.
async fn seen(tx: &Tx, session: &Session, of: &thread::Model) -> Result<(), Fault> {
    task::end(tx, session, Kind::Letter, of.id.0, Ending::Superseded, None).await.map(drop)
}

/// Tells both units of a thread what has happened in it.
async fn emit(tx: &Tx, session: &Session, of: &thread::Model, kind: &'static str) -> Result<(), Fault> {
    let at = |care_unit| Event {
        kind,
        patient: of.patient_id,
        care_unit,
        care_provider: of.care_provider_id,
        subject: of.id.0,
    };
    act::emit(tx, session, sides(of).map(at)).await
}

/// Opens the care relation (vårdrelation) that the thread brings.
async fn open_relation(tx: &Tx, session: &Session, of: &thread::Model) -> Result<(), Fault> {
    for care_unit in sides(of) {
        relation::open(tx, session, &opening(session, of, care_unit)).await?;
    }
    Ok(())
}

fn opening(session: &Session, of: &thread::Model, care_unit: CareUnitId) -> Opening<'static> {
    let now = session.now();
    Opening {
        patient: of.patient_id,
        care_unit,
        care_provider: of.care_provider_id,
        source: care_relation::Source::Thread,
        subject: Some(of.id.0),
        from: now,
        until: Some(now + RELATION_AFTER),
        declared: None,
    }
}

/// Moves the end of the relations of those who talk: the thread goes on.
async fn extend_relation(tx: &Tx, of: &thread::Model, now: DateTime<Utc>) -> Result<(), Fault> {
    use care_relation::Column as C;
    care_relation::Entity::update_many()
        .col_expr(C::ValidUntil, Expr::value(now + RELATION_AFTER))
        .filter(C::PatientId.eq(of.patient_id))
        .filter(C::Source.eq(care_relation::Source::Thread))
        .filter(C::SubjectId.eq(of.id.0))
        .filter(C::CareUnitId.is_in(sides(of)))
        .exec(tx)
        .await?;
    Ok(())
}

/// The units that talk in a thread, each once.
fn sides(of: &thread::Model) -> impl Iterator<Item = CareUnitId> {
    std::iter::once(of.care_unit_id).chain(of.from_unit_id.filter(|from| *from != of.care_unit_id))
}
