//! Those who have chosen letters or calls are not left out: their times are on the unit's list of letters to send or calls
//! to make, as tasks, for as long as no digital way leads to them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AppointmentId, PatientId, appointment, change_entry,
    contact_way::Channel,
    patient, reminder_preference,
    reminder_preference::PreferenceKind,
    task::{self as task_row, Kind, Status},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::{Way, ways::waits};
use crate::{
    db::Tx,
    domain::{
        history::Owner,
        task::{self, Ending, Raise, letter, raise, words::Words},
    },
    error::Fault,
    locale::Locale,
    session::Session,
};

/// The ways that people go, and the list that each is on.
const LISTS: [(Channel, Kind); 2] = [(Channel::Letter, Kind::Letter), (Channel::Phone, Kind::Call)];

/// The acts that move a visit, as the history names them.
const MOVES: [&str; 2] = ["appointmentRebook", "absenceRebook"];

/// Puts the visit on the list that the patient has chosen, if there is no digital way. A protected identity is no hindrance:
/// the unit itself knows how the patient is reached.
pub(super) async fn plan(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    booked: &appointment::Model,
) -> Result<(), Fault> {
    for (_, channel) in chosen(tx, session, std::slice::from_ref(whom)).await? {
        put(tx, session, booked, channel).await?;
    }
    Ok(())
}

/// The same of visits that stand already, when a choice or an address has changed: on the list where no digital way is
/// left, off it where there is one again. What has been sent or said about a time is not asked for again. Gives the
/// visits that people tell of now.
pub(super) async fn anew(
    tx: &Tx,
    session: &Session,
    ahead: &[appointment::Model],
    whom: &[patient::Model],
    ways: &BTreeMap<PatientId, Vec<Way>>,
) -> Result<BTreeSet<AppointmentId>, Fault> {
    use task_row::Column as T;
    let chosen = chosen(tx, session, whom).await?;
    let listed = task_row::Entity::find()
        .filter(T::SubjectId.is_in(ahead.iter().map(|booked| booked.id.0)))
        .filter(T::Kind.is_in(LISTS.map(|(_, kind)| kind)))
        .filter(T::Status.is_in([Status::Open, Status::Done]))
        .all(tx)
        .await?;
    let moved = last_moved(tx, ahead, &listed).await?;
    let mut by_hand = BTreeSet::new();
    for booked in ahead {
        let reached = ways.get(&booked.patient_id).is_some_and(|ways| !ways.is_empty());
        for (channel, kind) in LISTS {
            let of_it = || listed.iter().filter(|row| row.subject_id == booked.id.0 && row.kind == kind);
            let wanted = !reached && chosen.contains(&(booked.patient_id, channel));
            let open = of_it().any(|row| row.status == Status::Open);
            if wanted {
                by_hand.insert(booked.id);
            }
            if open && !wanted {
                task::end(tx, session, kind, booked.id.0, Ending::Superseded, None).await?;
            } else if wanted && !open && !told(of_it(), moved.get(&booked.id.0).copied()) {
                put(tx, session, booked, channel).await?;
            }
        }
    }
    Ok(by_hand)
}

/// The lists that those of these patients who live have chosen for their times. Whose way waits for their own word, and who
/// has chosen neither, is written to: what was sent to the child's way is not lost.
async fn chosen(
    tx: &Tx,
    session: &Session,
    whom: &[patient::Model],
) -> Result<BTreeSet<(PatientId, Channel)>, Fault> {
    use reminder_preference::Column as C;
    let living: BTreeMap<PatientId, &patient::Model> =
        whom.iter().filter(|p| p.deceased_on.is_none()).map(|p| (p.id, p)).collect();
    let rows = reminder_preference::Entity::find()
        .filter(C::PatientId.is_in(living.keys().copied()))
        .filter(C::Kind.eq(PreferenceKind::Appointment))
        .filter(C::OptedIn.eq(true))
        .all(tx)
        .await?;
    let by_hand = |channel: Channel| LISTS.iter().any(|(list, _)| *list == channel);
    let (lists, ways): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| by_hand(row.channel));
    let mut chosen: BTreeSet<_> = lists.iter().map(|row| (row.patient_id, row.channel)).collect();
    for way in ways {
        let waiting = living.get(&way.patient_id).is_some_and(|whom| waits(session, whom, &way));
        if waiting && !lists.iter().any(|list| list.patient_id == way.patient_id) {
            chosen.insert((way.patient_id, Channel::Letter));
        }
    }
    Ok(chosen)
}

/// Whether a visit ahead of somebody without a digital way has never been on the list that it belongs on.
pub(super) async fn is_missing(tx: &Tx, session: &Session, whom: &patient::Model) -> Result<bool, Fault> {
    use appointment::Column as C;
    use task_row::Column as T;
    if chosen(tx, session, std::slice::from_ref(whom)).await?.is_empty() {
        return Ok(false);
    }
    let ahead = appointment::Entity::find()
        .filter(C::PatientId.eq(whom.id))
        .filter(C::Status.eq(appointment::Status::Booked))
        .filter(C::StartsAt.gt(session.now()))
        .all(tx)
        .await?;
    let listed = task_row::Entity::find()
        .filter(T::SubjectId.is_in(ahead.iter().map(|booked| booked.id.0)))
        .filter(T::Kind.is_in(LISTS.map(|(_, kind)| kind)))
        .all(tx)
        .await?;
    Ok(ahead.iter().any(|booked| !listed.iter().any(|row| row.subject_id == booked.id.0)))
}

/// What the list says of a visit at its time.
fn note(session: &Session, booked: &appointment::Model, channel: Channel) -> Words {
    let when = |locale: Locale| session.core.texts.language(&locale.into()).1.moment(booked.starts_at, true);
    let (sv, en) = if channel == Channel::Letter {
        ("Skicka en kallelse till den bokade tiden", "Send a letter about the booked time")
    } else {
        ("Ring och påminn om den bokade tiden", "Call about the booked time")
    };
    Words::ours(format!("{sv}: {}.", when(Locale::Sv)), format!("{en}: {}.", when(Locale::En)))
}

/// When those of these visits were last moved that have been moved, and that something has been sent or said about.
async fn last_moved(
    tx: &Tx,
    ahead: &[appointment::Model],
    listed: &[task_row::Model],
) -> Result<BTreeMap<Uuid, DateTime<Utc>>, Fault> {
    use change_entry::Column as H;
    let done: BTreeSet<Uuid> =
        listed.iter().filter(|row| row.status == Status::Done).map(|row| row.subject_id).collect();
    let of: Vec<&appointment::Model> =
        ahead.iter().filter(|booked| booked.schedule_version > 1 && done.contains(&booked.id.0)).collect();
    if of.is_empty() {
        return Ok(BTreeMap::new());
    }
    let moves = change_entry::Entity::find()
        .filter(H::PatientId.is_in(of.iter().map(|booked| booked.patient_id)))
        .filter(H::SubjectKind.eq("appointment"))
        .filter(H::SubjectId.is_in(of.iter().map(|booked| booked.id.0)))
        .filter(H::Action.is_in(MOVES))
        .order_by_asc(H::At)
        .all(tx)
        .await?;
    Ok(moves.into_iter().map(|entry| (entry.subject_id, entry.at)).collect())
}

/// Whether one of these tasks is done, and told of the visit at its time as it is now, in whatever words: a move takes back
/// what has not been done by then.
fn told<'a>(mut tasks: impl Iterator<Item = &'a task_row::Model>, moved_at: Option<DateTime<Utc>>) -> bool {
    tasks.any(|row| {
        let since = moved_at.is_none_or(|moved| row.ended_at.is_some_and(|ended| ended >= moved));
        row.status == Status::Done && since
    })
}

async fn put(tx: &Tx, session: &Session, booked: &appointment::Model, channel: Channel) -> Result<(), Fault> {
    let (owner, note) = (owner(booked), note(session, booked, channel));
    if channel == Channel::Letter {
        return letter::write(tx, session, owner, booked.id.0, note).await;
    }
    let task = Raise {
        kind: Kind::Call,
        owner,
        assignee: None,
        subject: booked.id.0,
        due_at: (booked.cancel_by - TimeDelta::hours(24)).max(session.now()),
        note: Some(note),
    };
    raise(tx, session, &task).await?;
    Ok(())
}

/// The visit is not at that time any more: what is still to be sent or said about it is dropped.
pub(super) async fn withdraw(tx: &Tx, session: &Session, booked: &appointment::Model) -> Result<(), Fault> {
    for (_, kind) in LISTS {
        task::end(tx, session, kind, booked.id.0, Ending::Superseded, None).await?;
    }
    Ok(())
}

fn owner(booked: &appointment::Model) -> Owner {
    Owner {
        patient: booked.patient_id,
        care_unit: booked.care_unit_id,
        care_provider: booked.care_provider_id,
        agreement: None,
    }
}
