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
    domain::task::{self as tasks, Ending, Raise},
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
    let now = session.now();
    let known = task::Entity::find()
        .filter(task::Column::PatientId.eq(patient))
        .filter(task::Column::Kind.eq(task::Kind::Handover))
        .all(tx)
        .await?;
    let open = known.iter().filter(|task| task.status == task::Status::Open);
    let all = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.eq(patient))
        .filter(
            Condition::any()
                .add(care_contact::Column::Status.ne(Status::Ended))
                .add(care_contact::Column::Id.is_in(open.map(|task| task.subject_id))),
        )
        .all(tx)
        .await?;
    let (leaving, absences) = around(tx, &all, now).await?;
    let mut raised = 0;
    for contact in &all {
        let own: Vec<_> = absences.iter().filter(|absence| is_of(absence, contact)).cloned().collect();
        let leaves_at = contact.assignment_id.and_then(|id| leaving.get(&id).copied());
        let held = Held { contact, leaves_at, absences: &own };
        let found = gap(&held, &all, now, now + lead_time(session));
        let tasks: Vec<_> = known.iter().filter(|task| task.subject_id == contact.id.0).collect();
        raised += usize::from(fit(tx, session, contact, found, &tasks).await?);
    }
    Ok(raised)
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

/// Raises, moves or ends the task of one contact. True when one was raised.
async fn fit(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
    gap: Option<Gap>,
    tasks: &[&task::Model],
) -> Result<bool, Fault> {
    let open = tasks.iter().find(|task| task.status == task::Status::Open);
    let Some(gap) = gap else {
        if let Some(open) = open {
            let words = match contact.status {
                Status::Ended if contact.consultation.is_some() => "Uppdraget är avslutat.",
                _ => "Patienten har någon i rollen.",
            };
            tasks::close(tx, session, open, Ending::Done, Some(words)).await?;
        }
        return Ok(false);
    };
    // Somebody has dealt with this very gap, and said how.
    let dealt_with =
        |task: &&&task::Model| task.due_at == gap.at && task.ended_by_kind == Some(ActorKind::Staff);
    if open.is_some_and(|open| open.due_at == gap.at) || tasks.iter().any(|task| dealt_with(&task)) {
        return Ok(false);
    }
    if let Some(open) = open {
        tasks::close(tx, session, open, Ending::Superseded, Some("Tiden har ändrats.")).await?;
    }
    let day = words::day(gap.at, Locale::Sv);
    let role = words::role(contact.role, contact.treating_kind);
    let name = &contact.name;
    let note = match gap.why {
        Why::Ends => format!("{name} ({role}) slutar {day}, och ingen efterträder."),
        Why::Leaves => format!("{name} ({role}) lämnar sitt uppdrag {day}, och ingen efterträder."),
        Why::Absent => format!("{name} ({role}) är borta från {day}, och ingen ersätter."),
    };
    let raise = Raise {
        kind: task::Kind::Handover,
        owner: contact.into(),
        // The person is the one who goes: the unit must act.
        assignee: None,
        subject: contact.id.0,
        due_at: gap.at,
        note: Some(&note),
    };
    Ok(tasks::raise(tx, session, &raise).await?.is_some())
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
