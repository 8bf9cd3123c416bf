//! Those who have chosen letters or calls are not left out: their times are on the unit's list of letters to send or calls
//! to make, as tasks, for as long as no digital way leads to them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use entity::{
    AppointmentId, PatientId, appointment,
    contact_way::Channel,
    patient, reminder_preference,
    reminder_preference::PreferenceKind,
    task::{self as task_row, Kind, Status},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::Way;
use crate::{
    crypto::Place,
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

/// Puts the visit on the list that the patient has chosen, if there is no digital way. A protected identity is no hindrance:
/// the unit itself knows how the patient is reached.
pub(super) async fn plan(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    booked: &appointment::Model,
) -> Result<(), Fault> {
    if whom.deceased_on.is_some() {
        return Ok(());
    }
    for (_, channel) in chosen(tx, [whom.id]).await? {
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
    let chosen = chosen(tx, whom.iter().filter(|p| p.deceased_on.is_none()).map(|p| p.id)).await?;
    let listed = task_row::Entity::find()
        .filter(T::SubjectId.is_in(ahead.iter().map(|booked| booked.id.0)))
        .filter(T::Kind.is_in(LISTS.map(|(_, kind)| kind)))
        .filter(T::Status.is_in([Status::Open, Status::Done]))
        .all(tx)
        .await?;
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
            } else if wanted && !open && !told(session, booked, channel, of_it())? {
                put(tx, session, booked, channel).await?;
            }
        }
    }
    Ok(by_hand)
}

/// The lists that these patients have chosen for their times.
async fn chosen(
    tx: &Tx,
    whom: impl IntoIterator<Item = PatientId>,
) -> Result<BTreeSet<(PatientId, Channel)>, Fault> {
    use reminder_preference::Column as C;
    let rows = reminder_preference::Entity::find()
        .filter(C::PatientId.is_in(whom))
        .filter(C::Kind.eq(PreferenceKind::Appointment))
        .filter(C::Channel.is_in(LISTS.map(|(channel, _)| channel)))
        .filter(C::OptedIn.eq(true))
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.patient_id, row.channel)).collect())
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

/// Whether one of these tasks, which is done, told of the visit at its time as it is now.
fn told<'a>(
    session: &Session,
    booked: &appointment::Model,
    channel: Channel,
    tasks: impl Iterator<Item = &'a task_row::Model>,
) -> Result<bool, Fault> {
    let now = note(session, booked, channel);
    for row in tasks.filter(|row| row.status == Status::Done) {
        if let Some(said) = &row.note
            && Words::open(&session.core.keys, Place::new("task.note", row.id.0), said)? == now
        {
            return Ok(true);
        }
    }
    Ok(false)
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
