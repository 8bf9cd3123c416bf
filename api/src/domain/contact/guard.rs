//! The continuity guard: a contact that ends or is away with nobody in their place is a task before it is a gap.
//!
//! [`settle`] looks at one patient's contacts and makes the handover tasks fit: raises what is missing, ends what is
//! no longer a gap. Every act on contacts calls it in its own transaction; the sweep calls it as gaps come nearer.
//!
//! Whoever steps in is no more than a name while they are away themselves, or once they have left: the gap of an
//! absence begins with the first moment at which nobody is there, by this absence or by another of the same contact.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AssignmentId, CareContactId, PatientId,
    access_event::ActorKind,
    assignment,
    care_contact::{self, Consultation, Role, Status},
    contact_absence, contact_request, task,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};

use super::{absence, words};
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
    pub people: &'a People,
    /// A request of the patient's for the role waits at the care provider: the task of that says so.
    pub asked: bool,
}

/// From when, until when.
type Span = (DateTime<Utc>, DateTime<Utc>);

/// When those who hold roles and those who step in are not there.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// When their assignments end.
    pub leaving: HashMap<AssignmentId, DateTime<Utc>>,
    /// The times in which they are away from everything.
    pub away: HashMap<AssignmentId, Vec<Span>>,
}

impl People {
    /// The times in which somebody is there to step in by this absence.
    fn step_in(&self, absence: &contact_absence::Model) -> Vec<Span> {
        let Some(person) = absence.substitute_id else { return Vec::new() };
        let leaves_at = self.leaving.get(&person).copied();
        let until = leaves_at.map_or(absence.until_at, |at| at.min(absence.until_at));
        let away = self.away.get(&person).map(Vec::as_slice).unwrap_or_default();
        without(vec![(absence.from_at, until)], away)
    }
}

/// What is left of `spans` outside `taken`.
fn without(spans: Vec<Span>, taken: &[Span]) -> Vec<Span> {
    taken.iter().filter(|(from, until)| from < until).fold(spans, |left, &(from, until)| {
        let pieces = left.into_iter().flat_map(|(a, b)| [(a, b.min(from)), (a.max(until), b)]);
        pieces.filter(|(a, b)| a < b).collect()
    })
}

/// The times of an absence in which nobody steps in, by it or by another of the same contact.
fn uncovered(absence: &contact_absence::Model, held: &Held<'_>) -> Vec<Span> {
    let standing = held.absences.iter().filter(|absence| absence.cancelled_at.is_none());
    let covered: Vec<Span> = standing.flat_map(|absence| held.people.step_in(absence)).collect();
    without(vec![(absence.from_at, absence.until_at)], &covered)
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
        // Ended in consultation: no gap. One that only ran out, or of which the patient was told, leaves one until
        // somebody is appointed, or care has said on record what became of it.
        let needed = match contact.consultation {
            Some(Consultation::Consulted) => false,
            Some(Consultation::Told) => {
                let soon = |other: &care_contact::Model| other.valid_from <= horizon;
                !held.asked && !others().any(|other| follows(other, contact) && soon(other))
            }
            None => others().next().is_none(),
        };
        return contact.ended_at.filter(|_| needed).map(|at| Gap { at, why: Why::Ends });
    }
    let covered = |at: DateTime<Utc>| {
        others().any(|other| other.valid_from <= at && other.valid_until.is_none_or(|until| until > at))
    };
    let ends = contact.valid_until.map(|at| Gap { at, why: Why::Ends });
    let leaves = held.leaves_at.map(|at| Gap { at, why: Why::Leaves });
    let ends = [ends, leaves].into_iter().flatten().min_by_key(|gap| gap.at).filter(|gap| !covered(gap.at));
    let standing = held.absences.iter().filter(|absence| {
        absence.cancelled_at.is_none()
            && absence.until_at > now
            && contact.valid_until.is_none_or(|until| absence.from_at < until)
    });
    let absent = standing.flat_map(|absence| uncovered(absence, held)).filter(|(from, until)| {
        *until > now.max(contact.valid_from) && contact.valid_until.is_none_or(|end| *from < end)
    });
    let absent = absent.map(|(from, _)| Gap { at: from.max(contact.valid_from), why: Why::Absent });
    absent.chain(ends).filter(|gap| gap.at <= horizon).min_by_key(|gap| gap.at)
}

/// Whether somebody else with the role has it for who the ended contact was to the patient: a fast kontakt is the
/// patient's whoever employs them, any other role is its care provider's.
fn follows(other: &care_contact::Model, contact: &care_contact::Model) -> bool {
    matches!(contact.role, Role::FastVardkontakt | Role::FastLakarkontakt)
        || other.care_provider_id == contact.care_provider_id
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
    Ok(settle_with(tx, session, patients, &[]).await?.raised)
}

/// What settling has changed.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// How many tasks it raised.
    pub raised: usize,
    /// Whose tasks it raised or ended.
    pub patients: BTreeSet<PatientId>,
}

/// [`settle_all`], where the roles of `told` have just ended with the patient told and not consulted.
pub async fn settle_with(
    tx: &Tx,
    session: &Session,
    patients: &[PatientId],
    told: &[CareContactId],
) -> Result<Settled, Fault> {
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
                .add(care_contact::Column::Id.is_in(open.map(|task| task.subject_id)))
                .add(care_contact::Column::Id.is_in(told.iter().copied())),
        )
        .order_by_asc(care_contact::Column::PatientId)
        .order_by_asc(care_contact::Column::Id)
        .all(tx)
        .await?;
    let (people, absences) = around(tx, &all, now).await?;
    let waiting = waiting(tx, &all).await?;
    let (mut over, mut raise) = (Vec::new(), Vec::new());
    for theirs in all.chunk_by(|one, next| one.patient_id == next.patient_id) {
        for contact in theirs {
            let own: Vec<_> = absences.iter().filter(|absence| is_of(absence, contact)).cloned().collect();
            let leaves_at = contact.assignment_id.and_then(|id| people.leaving.get(&id).copied());
            let asked = waiting.iter().any(|request| asks_for(request, contact));
            let held = Held { contact, leaves_at, absences: &own, people: &people, asked };
            let found = gap(&held, theirs, now, now + lead_time(session));
            let tasks: Vec<_> = known.iter().filter(|task| task.subject_id == contact.id.0).collect();
            let (ends, begins) = fit(&held, found, &tasks);
            over.extend(ends);
            raise.extend(begins);
        }
    }
    let ended = over.iter().map(|closing| closing.task.patient_id);
    let mut patients: BTreeSet<PatientId> = ended.collect();
    // One open task per contact: the old one makes room.
    tasks::close_all(tx, session, over).await?;
    let raised = tasks::raise_all(tx, session, &raise).await?;
    patients.extend(raised.iter().map(|(_, patient)| *patient));
    Ok(Settled { raised: raised.len(), patients })
}

/// Whether an absence is of this contact.
pub fn is_of(absence: &contact_absence::Model, contact: &care_contact::Model) -> bool {
    absence.contact_id == Some(contact.id)
        || (absence.assignment_id.is_some() && absence.assignment_id == contact.assignment_id)
}

/// When people are not there, and the absences.
type Around = (People, Vec<contact_absence::Model>);

/// The absences ahead of the contacts, with those of whoever steps in, and when the assignments of all of them end.
/// Absences that are over but may overlap one that goes on are among them: a gap keeps the moment at which it began.
async fn around(tx: &Tx, contacts: &[care_contact::Model], now: DateTime<Utc>) -> Result<Around, Fault> {
    use contact_absence::Column as A;
    if contacts.is_empty() {
        return Ok(Around::default());
    }
    let mut persons: Vec<AssignmentId> =
        contacts.iter().filter_map(|contact| contact.assignment_id).collect();
    let of = Condition::any()
        .add(A::ContactId.is_in(contacts.iter().map(|contact| contact.id)))
        .add(A::AssignmentId.is_in(persons.iter().copied()));
    let since = now - absence::LONGEST;
    let substitutes = contact_absence::Entity::find()
        .select_only()
        .column(A::SubstituteId)
        .filter(of.clone())
        .filter(A::CancelledAt.is_null())
        .filter(A::UntilAt.gt(since))
        .filter(A::SubstituteId.is_not_null())
        .into_query();
    let absences = contact_absence::Entity::find()
        .filter(of.add(A::AssignmentId.in_subquery(substitutes)))
        .filter(A::CancelledAt.is_null())
        .filter(A::UntilAt.gt(since))
        .order_by_asc(A::FromAt)
        .all(tx)
        .await?;
    persons.extend(absences.iter().filter_map(|absence| absence.substitute_id));
    persons.sort_unstable();
    persons.dedup();
    let leaving = assignment::Entity::find()
        .filter(assignment::Column::Id.is_in(persons))
        .filter(assignment::Column::ValidUntil.is_not_null())
        .all(tx)
        .await?;
    let leaving = leaving.into_iter().filter_map(|row| Some((row.id, row.valid_until?))).collect();
    let mut away: HashMap<AssignmentId, Vec<Span>> = HashMap::new();
    for absence in &absences {
        if let Some(person) = absence.assignment_id {
            away.entry(person).or_default().push((absence.from_at, absence.until_at));
        }
    }
    Ok((People { leaving, away }, absences))
}

/// Whether the role has ended, and the patient was told and not consulted.
fn is_told(contact: &care_contact::Model) -> bool {
    contact.status == Status::Ended && contact.consultation == Some(Consultation::Told)
}

/// The requests that wait for patients who were told that a role has ended: of others nobody needs to know.
async fn waiting(tx: &Tx, contacts: &[care_contact::Model]) -> Result<Vec<contact_request::Model>, Fault> {
    use contact_request::Column as C;
    let told: Vec<PatientId> =
        contacts.iter().filter(|contact| is_told(contact)).map(|contact| contact.patient_id).collect();
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let open = contact_request::Entity::find()
        .filter(C::PatientId.is_in(told))
        .filter(C::Status.eq(contact_request::Status::Open));
    Ok(open.all(tx).await?)
}

/// Whether the request is for the role that the contact had, at the same care provider.
fn asks_for(request: &contact_request::Model, contact: &care_contact::Model) -> bool {
    request.patient_id == contact.patient_id
        && request.care_provider_id == contact.care_provider_id
        && (request.role, request.treating_kind) == (contact.role, contact.treating_kind)
}

/// The task of one contact that is over, and the one to raise.
fn fit<'a>(
    held: &Held<'_>,
    gap: Option<Gap>,
    tasks: &[&'a task::Model],
) -> (Option<Closing<'a>>, Option<Raise>) {
    let contact = held.contact;
    let open = tasks.iter().copied().find(|task| task.status == task::Status::Open);
    let close = |ending, words: Words| open.map(|task| Closing { task, ending, words: Some(words) });
    let Some(gap) = gap else {
        let (ending, words) = match (contact.status, contact.consultation) {
            (Status::Ended, Some(Consultation::Consulted)) => {
                (Ending::Done, ("Uppdraget är avslutat.", "The role has ended."))
            }
            (Status::Ended, Some(Consultation::Told)) if held.asked => (
                Ending::Superseded,
                (
                    "Patienten väntar på en kontakt enligt sin begäran.",
                    "The patient's request for a contact waits.",
                ),
            ),
            _ => (Ending::Done, ("Patienten har någon i rollen.", "The patient has somebody in the role.")),
        };
        return (close(ending, words.into()), None);
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
