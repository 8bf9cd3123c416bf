//! The continuity guard: a contact that ends or is away with nobody in their place is a task before it is a gap.
//!
//! [`settle`] looks at one patient's contacts and makes the handover tasks fit: raises what is missing, ends what is
//! no longer a gap. Every act on contacts calls it in its own transaction; the sweep calls it as gaps come nearer.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AssignmentId, PatientId,
    access_event::ActorKind,
    assignment,
    care_contact::{self, Role, Status},
    contact_absence, task,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder};

use super::words;
use crate::{
    db::Tx,
    domain::task::{self as tasks, Closing, Ending, Raise, words::Words},
    error::Fault,
    locale::Locale,
    session::Session,
};

/// Why a contact leaves a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The role comes to its planned end.
    Ends,
    /// The person's assignment does.
    Leaves,
    Absent,
}

/// From when the patient has nobody in the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    pub at: DateTime<Utc>,
    pub why: Why,
}

/// A contact with what bears on it.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    pub contact: &'a care_contact::Model,
    /// When the assignment of the person ends, if it does.
    pub leaves_at: Option<DateTime<Utc>>,
    pub absences: &'a [contact_absence::Model],
}

/// The first gap that a contact leaves before `horizon`, given all contacts of the patient.
pub fn gap(
    held: &Held<'_>,
    all: &[care_contact::Model],
    now: DateTime<Utc>,
    horizon: DateTime<Utc>,
) -> Option<Gap> {
    let contact = held.contact;
    if contact.role == Role::Supporter {
        return None;
    }
    let others = || {
        all.iter().filter(|other| {
            other.id != contact.id
                && other.status != Status::Ended
                && other.role == contact.role
                && other.treating_kind == contact.treating_kind
                && (other.is_lead || !contact.is_lead)
        })
    };
    if contact.status == Status::Ended {
        // Ended in consultation, or because care said so on record: no gap. One that only ran out leaves one until
        // somebody is appointed.
        let ran_out = contact.consultation.is_none();
        let at = contact.ended_at.filter(|_| ran_out && others().next().is_none())?;
        return Some(Gap { at, why: Why::Ends });
    }
    let covered = |at: DateTime<Utc>| {
        others().any(|other| other.valid_from <= at && other.valid_until.is_none_or(|until| until > at))
    };
    let ends = contact.valid_until.map(|at| Gap { at, why: Why::Ends });
    let leaves = held.leaves_at.map(|at| Gap { at, why: Why::Leaves });
    let ends = [ends, leaves].into_iter().flatten().min_by_key(|gap| gap.at).filter(|gap| !covered(gap.at));
    let absent = held.absences.iter().filter(|absence| {
        absence.cancelled_at.is_none()
            && absence.substitute_id.is_none()
            && absence.until_at > now.max(contact.valid_from)
            && contact.valid_until.is_none_or(|until| absence.from_at < until)
    });
    let absent = absent.map(|absence| Gap { at: absence.from_at.max(contact.valid_from), why: Why::Absent });
    absent.chain(ends).filter(|gap| gap.at <= horizon).min_by_key(|gap| gap.at)
}

/// How long before a gap its task is raised.
pub fn lead_time(session: &Session) -> TimeDelta {
    TimeDelta::days(i64::from(session.core.settings.handover_lead_days))
}

/// Makes the handover tasks of a patient's contacts fit the gaps there are. Gives how many it raised.
pub async fn settle(tx: &Tx, session: &Session, patient: PatientId) -> Result<usize, Fault> {
    settle_all(tx, session, &[patient]).await
}

/// [`settle`] of several patients, for as many statements as of one.
pub async fn settle_all(tx: &Tx, session: &Session, patients: &[PatientId]) -> Result<usize, Fault> {
    let now = session.now();
    let known = task::Entity::find()
        .filter(task::Column::PatientId.is_in(patients.iter().copied()))
        .filter(task::Column::Kind.eq(task::Kind::Handover))
        .all(tx)
        .await?;
    let open = known.iter().filter(|task| task.status == task::Status::Open);
    let all = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.is_in(patients.iter().copied()))
        .filter(
            Condition::any()
                .add(care_contact::Column::Status.ne(Status::Ended))
                .add(care_contact::Column::Id.is_in(open.map(|task| task.subject_id))),
        )
        .order_by_asc(care_contact::Column::PatientId)
        .order_by_asc(care_contact::Column::Id)
        .all(tx)
        .await?;
    let (leaving, absences) = around(tx, &all, now).await?;
    let (mut over, mut raise) = (Vec::new(), Vec::new());
    for theirs in all.chunk_by(|one, next| one.patient_id == next.patient_id) {
        for contact in theirs {
            let own: Vec<_> = absences.iter().filter(|absence| is_of(absence, contact)).cloned().collect();
            let leaves_at = contact.assignment_id.and_then(|id| leaving.get(&id).copied());
            let held = Held { contact, leaves_at, absences: &own };
            let found = gap(&held, theirs, now, now + lead_time(session));
            let tasks: Vec<_> = known.iter().filter(|task| task.subject_id == contact.id.0).collect();
            let (ends, begins) = fit(contact, found, &tasks);
            over.extend(ends);
            raise.extend(begins);
        }
    }
    // One open task per contact: the old one makes room.
    tasks::close_all(tx, session, over).await?;
    Ok(tasks::raise_all(tx, session, &raise).await?.len())
}

/// Whether an absence is of this contact.
pub fn is_of(absence: &contact_absence::Model, contact: &care_contact::Model) -> bool {
    absence.contact_id == Some(contact.id)
        || (absence.assignment_id.is_some() && absence.assignment_id == contact.assignment_id)
}

type Around = (HashMap<AssignmentId, DateTime<Utc>>, Vec<contact_absence::Model>);

/// When the persons' assignments end, and the absences ahead.
async fn around(tx: &Tx, contacts: &[care_contact::Model], now: DateTime<Utc>) -> Result<Around, Fault> {
    use contact_absence::Column as A;
    if contacts.is_empty() {
        return Ok(Around::default());
    }
    let persons: Vec<AssignmentId> = contacts.iter().filter_map(|contact| contact.assignment_id).collect();
    let of = Condition::any()
        .add(A::ContactId.is_in(contacts.iter().map(|contact| contact.id)))
        .add(A::AssignmentId.is_in(persons.iter().copied()));
    let absences = contact_absence::Entity::find()
        .filter(of)
        .filter(A::CancelledAt.is_null())
        .filter(A::UntilAt.gt(now))
        .order_by_asc(A::FromAt)
        .all(tx)
        .await?;
    let leaving = assignment::Entity::find()
        .filter(assignment::Column::Id.is_in(persons))
        .filter(assignment::Column::ValidUntil.is_not_null())
        .all(tx)
        .await?;
    let leaving = leaving.into_iter().filter_map(|row| Some((row.id, row.valid_until?))).collect();
    Ok((leaving, absences))
}

/// The task of one contact that is over, and the one to raise.
fn fit<'a>(
    contact: &care_contact::Model,
    gap: Option<Gap>,
    tasks: &[&'a task::Model],
) -> (Option<Closing<'a>>, Option<Raise>) {
    let open = tasks.iter().copied().find(|task| task.status == task::Status::Open);
    let close = |ending, words: Words| open.map(|task| Closing { task, ending, words: Some(words) });
    let Some(gap) = gap else {
        let words = match contact.status {
            Status::Ended if contact.consultation.is_some() => {
                ("Uppdraget är avslutat.", "The role has ended.")
            }
            _ => ("Patienten har någon i rollen.", "The patient has somebody in the role."),
        };
        return (close(Ending::Done, words.into()), None);
    };
    // Somebody has dealt with this very gap, and said how.
    let dealt_with =
        |task: &&&task::Model| task.due_at == gap.at && task.ended_by_kind == Some(ActorKind::Staff);
    if open.is_some_and(|open| open.due_at == gap.at) || tasks.iter().any(|task| dealt_with(&task)) {
        return (None, None);
    }
    let over = close(Ending::Superseded, Words::ours("Tiden har ändrats.", "The time has changed."));
    let raise = Raise {
        kind: task::Kind::Handover,
        owner: contact.into(),
        // The person is the one who goes: the unit must act.
        assignee: None,
        subject: contact.id.0,
        due_at: gap.at,
        note: Some(gap_note(contact, &gap)),
    };
    (over, Some(raise))
}

/// What the task says.
fn gap_note(contact: &care_contact::Model, gap: &Gap) -> Words {
    let says = |locale: Locale| {
        let role = words::role_in(contact.role, contact.treating_kind, locale);
        let day = words::day(gap.at, locale);
        let what = match gap.why {
            Why::Ends => {
                locale.pick("rollen slutar, och ingen efterträder", "the role ends, and nobody follows")
            }
            Why::Leaves => {
                locale.pick("lämnar sitt uppdrag, och ingen efterträder", "leaves, and nobody follows")
            }
            Why::Absent => locale.pick("är borta, och ingen ersätter", "is away, and nobody steps in"),
        };
        let from = locale.pick("från", "from");
        format!("{} ({role}): {what}, {from} {day}.", contact.name)
    };
    Words::ours(says(Locale::Sv), says(Locale::En))
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
