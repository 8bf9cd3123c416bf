//! What care does with a time without being asked: the patient must learn of it. Whom no message reaches, somebody
//! writes to while there is time for a letter, and else phones.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    access_event::ActorKind,
    appointment,
    contact_way::Channel,
    notice, patient,
    reminder_preference::{self, PreferenceKind},
    task::Kind,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::{
    by_link::preference,
    by_patient,
    known::known_start,
    of_wish::{expired_wish_of, offer_of, withdrawn_offer_of},
    other_way::whose,
    tells_of_times, ways,
};
use crate::{
    db::Tx,
    domain::{
        booking::away::call_by,
        history::Owner,
        ladder::Rule,
        task::{self, Raise, letter, words::Words},
        thread,
        time_wish::{offer, sweep},
    },
    error::Fault,
    locale::Locale,
    session::Session,
};

/// How long before the time a letter about it must be asked for: it is written, sent and read.
const LETTER_TAKES: TimeDelta = TimeDelta::days(7);

/// What care has done.
#[derive(Clone, Copy, Debug)]
pub enum Unasked<'a> {
    Cancelled(&'a appointment::Model),
    Moved(&'a appointment::Model),
}

impl Unasked<'_> {
    const fn time(&self) -> &appointment::Model {
        match self {
            Self::Cancelled(time) | Self::Moved(time) => time,
        }
    }

    fn words(&self, session: &Session) -> Words {
        let when = |start: DateTime<Utc>, locale: Locale| {
            session.core.texts.language(&locale.into()).1.moment(start, true)
        };
        let known = known_start(self.time());
        match self {
            Self::Cancelled(_) => Words::ours(
                format!("Vården har avbokat tiden {}. Berätta för patienten.", when(known, Locale::Sv)),
                format!("Care has cancelled the time {}. Tell the patient.", when(known, Locale::En)),
            ),
            Self::Moved(to) => Words::ours(
                format!(
                    "Tiden är ombokad från {} till {}. Berätta för patienten.",
                    when(known, Locale::Sv),
                    when(to.starts_at, Locale::Sv)
                ),
                format!(
                    "The time has been moved from {} to {}. Tell the patient.",
                    when(known, Locale::En),
                    when(to.starts_at, Locale::En)
                ),
            ),
        }
    }
}

/// Sees to it that the patient learns of it. What the patient, or somebody for them, has done is known to them, and so is
/// a time that was moved back before they had heard of the move. Says whether somebody must phone.
pub async fn make_known(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    what: Unasked<'_>,
) -> Result<bool, Fault> {
    let back = matches!(what, Unasked::Moved(time) if time.known_starts_at.is_none());
    if by_patient(session) || back || tells_of_times(tx, session, whom).await? {
        return Ok(false);
    }
    tell(tx, session, whom, what).await
}

/// The message that would have told of it goes no way any more, for those it goes to have said no to all or may not be
/// told, or it is too late for a message: it is told by hand, unless the patient did it. `if_nobody`: only where nobody is
/// told in their place.
pub(super) async fn still_unknown(
    tx: &Tx,
    session: &Session,
    row: &notice::Model,
    if_nobody: bool,
) -> Result<(), Fault> {
    if matches!(row.kind, notice::Kind::Offer | notice::Kind::Message | notice::Kind::Plan) {
        return unheard(tx, session, row, if_nobody).await;
    }
    let moved = row.rule == Rule::Confirmation.as_str() && row.schedule_version.is_some_and(|n| n > 1);
    let Some(id) = row.appointment_id.filter(|_| moved || row.kind == notice::Kind::Cancellation) else {
        return Ok(());
    };
    let time = appointment::Entity::find_by_id(id).one(tx).await?;
    let whom = patient::Entity::find_by_id(row.patient_id).one(tx).await?;
    let (Some(time), Some(whom)) = (time, whom) else {
        return Err(Fault::internal("a notice without its time"));
    };
    // Of a later act its own message tells; and what the patient did, or has answered, is known to them.
    let cancelled = time.status == appointment::Status::Cancelled;
    let known = if moved {
        time.known_starts_at.is_none() || time.confirmed_at.is_some()
    } else {
        matches!(time.cancelled_by, Some(ActorKind::Patient | ActorKind::Representative))
    };
    if Some(time.schedule_version) != row.schedule_version
        || cancelled == moved
        || known
        || time.starts_at <= session.now()
        || if_nobody && tells_of_times(tx, session, &whom).await?
    {
        return Ok(());
    }
    let what = if moved { Unasked::Moved(&time) } else { Unasked::Cancelled(&time) };
    tell(tx, session, &whom, what).await.map(drop)
}

/// An offer, its end or that of a wish, a message or a change of the plan of which nobody hears any more: it is told as to
/// whom no message reached from the start.
async fn unheard(tx: &Tx, session: &Session, row: &notice::Model, if_nobody: bool) -> Result<(), Fault> {
    let whom = whose(tx, row).await?;
    let Some(kind) = preference(row.kind) else { return Ok(()) };
    if whom.deceased_on.is_some() || if_nobody && !ways::of(tx, session, &whom, kind).await?.is_empty() {
        return Ok(());
    }
    if let Some(id) = offer_of(row) {
        offer::unheard(tx, session, id).await?;
    }
    if let Some(id) = withdrawn_offer_of(row) {
        offer::gone_unheard(tx, session, id).await?;
    }
    if let Some(id) = expired_wish_of(row) {
        sweep::unheard(tx, session, id).await?;
    }
    if let Some(id) = row.thread_id {
        thread::unheard(tx, session, id, row.created_at).await?;
    }
    if let Some(subject) = change_of(row) {
        let owner = Owner {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: row.agreement_id,
        };
        letter::write(tx, session, owner, subject, CHANGED.into()).await?;
    }
    Ok(())
}

/// What the letter is to say.
const CHANGED: (&str, &str) = (
    "Något i patientens plan är nytt eller ändrat, och patienten får inga meddelanden. Skriv till patienten \
     och berätta det.",
    "Something in the patient's plan is new or has changed, and the patient gets no messages. Write to the patient \
     and say so.",
);

/// What a notice of the plan is about: the last id that its key begins with, the version where there is one.
fn change_of(row: &notice::Model) -> Option<Uuid> {
    let about = row.dedupe_key.rsplitn(4, ':').nth(3).filter(|_| row.kind == notice::Kind::Plan)?;
    about.rsplit(':').find_map(|part| Uuid::try_parse(part).ok())
}

/// By a letter while there is time for one, to whom wants letters, else by phone. Says whether somebody must phone.
async fn tell(tx: &Tx, session: &Session, whom: &patient::Model, what: Unasked<'_>) -> Result<bool, Fault> {
    if whom.deceased_on.is_some() {
        return Ok(false);
    }
    let (time, now) = (what.time(), session.now());
    let known = known_start(time);
    let first = match what {
        Unasked::Cancelled(_) => known,
        Unasked::Moved(to) => known.min(to.starts_at),
    };
    let note = what.words(session);
    if first - now >= LETTER_TAKES && wants_letters(tx, whom).await? {
        // Of a move the letter about the new time tells.
        letter::anew(tx, session, time.into(), time.id.0, note).await?;
        return Ok(false);
    }
    let call = Raise {
        kind: Kind::CancellationCall,
        owner: time.into(),
        assignee: None,
        subject: time.id.0,
        due_at: call_by(first, now),
        note: Some(note.clone()),
    };
    if task::raise(tx, session, &call).await?.is_none() {
        // There is one already, about what the time was before.
        task::move_due(tx, session, call.kind, call.subject, call.due_at).await?;
        task::note_anew(tx, session, call.kind, call.subject, &note).await?;
    }
    Ok(true)
}

async fn wants_letters(tx: &Tx, whom: &patient::Model) -> Result<bool, Fault> {
    use reminder_preference::Column as C;
    let chosen = reminder_preference::Entity::find()
        .filter(C::PatientId.eq(whom.id))
        .filter(C::Kind.eq(PreferenceKind::Appointment))
        .filter(C::Channel.eq(Channel::Letter))
        .filter(C::OptedIn.eq(true));
    Ok(chosen.one(tx).await?.is_some())
}
