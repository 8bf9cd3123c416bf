//! Absences of contacts, and who steps in: of one contact, or of everything a person holds.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AssignmentId, CareContactId, CareUnitId, ContactAbsenceId, PatientId, assignment,
    care_contact::{self, Role, Status},
    care_relation, contact_absence,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use serde::Serialize;
use serde_json::{Value, json};

use super::{guard, lifetime, person, register};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{self, Action, Noun},
    },
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        booking,
        history::{self, Change},
        relation::{self, Opening},
        thread::stand_in,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Who is away.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Who {
    /// One contact of one patient.
    Contact(CareContactId),
    /// A person at the caller's own unit, in everything they hold.
    Assignment(AssignmentId),
}

/// An absence.
#[derive(Clone, Debug, Serialize)]
pub struct Absence {
    pub who: Who,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    /// Staff of the same care provider.
    pub substitute: Option<AssignmentId>,
}

const ACTION: &str = "contactAbsenceRegister";
/// How long an absence may last: a longer one is an ending.
pub(super) const LONGEST: TimeDelta = TimeDelta::days(2 * 366);
/// How many contacts of one person are told of in the act itself; the sweep finds the gaps of the rest.
const MOST: u64 = 300;

/// Registers it. A gap that is near becomes a task at once: of the person's own contacts, and of those for whom they
/// were to step in.
pub async fn register(session: &Session, key: &str, cmd: &Absence) -> Result<Receipt, Fault> {
    let mut registered = None;
    let receipt = act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let staff = policy::as_staff(&session.actor, Noun::ContactAbsence, Action::Register)?;
        let away = who_is_away(tx, session, &staff, cmd).await?;
        if let (None, Some(person)) = (&away.contact, away.person) {
            booking::away_slots::keep_unpublished(tx, person).await?;
        }
        let mut problems = span(cmd, now);
        let unit = substitute(tx, &staff, cmd, &away, &mut problems).await?;
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if overlapping(tx, &away, cmd).await? {
            return Err(Problem::new(
                ProblemCode::Conflict,
                "Det finns redan en frånvaro under den tiden. Ta bort den först.",
                "There is an absence in that time already. Remove it first.",
            )
            .at("from")
            .into());
        }
        let id = ContactAbsenceId(session.core.clock.uuid());
        let row = contact_absence::Model {
            id,
            care_unit_id: away.unit,
            care_provider_id: staff.care_provider,
            contact_id: away.contact.as_ref().map(|contact| contact.id),
            assignment_id: away.contact.is_none().then_some(away.person).flatten(),
            from_at: cmd.from,
            until_at: cmd.until,
            substitute_id: cmd.substitute,
            created_by: staff.assignment.0,
            created_at: now,
            cancelled_at: None,
            cancelled_by: None,
            row_version: 1,
        };
        contact_absence::Entity::insert(contact_absence::ActiveModel::from(row.clone()))
            .exec_without_returning(tx)
            .await?;
        let contacts = affected(tx, &row).await?;
        let opened = unit.map(|unit| openings(session, &contacts, &row, unit)).unwrap_or_default();
        relation::open_all(tx, session, &opened).await?;
        let after = json!({ "from": row.from_at, "until": row.until_at, "substitute": row.substitute_id });
        tell(tx, session, ACTION, &contacts, None, &after).await?;
        let beside = stood_in_for(tx, &row).await?;
        let patients = settle(tx, session, &contacts, &beside).await?;
        // Patients before their times, as everywhere.
        let mut called = Vec::new();
        if row.assignment_id.is_some() {
            booking::away_slots::withdraw(tx, session, &row).await?;
            called = booking::away_calls::raise(tx, session, Some(row.id)).await?.patients;
        }
        // Patients before their tasks too: who writes a message has the patient first.
        if let Some(person) = away.person {
            stand_in::hand_on(tx, session, Some(person)).await?;
        }
        registered = Some(row);
        let done = Done::impersonal().with("absence", id.0);
        Ok(patients.into_iter().chain(called).fold(done, Done::and))
    })
    .await?;
    if let Some(row) = registered.filter(|row| row.assignment_id.is_some() && receipt.problems.is_empty()) {
        booking::away_calls::go_on(session, &row).await?;
    }
    Ok(receipt)
}

/// Tells each patient's record, and those who listen, of an absence.
pub(super) async fn tell(
    tx: &Tx,
    session: &Session,
    action: &'static str,
    contacts: &[care_contact::Model],
    before: Option<&Value>,
    after: &Value,
) -> Result<(), Fault> {
    let changes = contacts.iter().map(|contact| {
        let (before, after) = (before.cloned(), Some(after.clone()));
        (contact.into(), Change { kind: "contact_absence", subject: contact.id.0, before, after })
    });
    history::record_each(tx, session, action, changes.collect()).await?;
    let events = contacts.iter().map(|contact| register::event(contact, "contact.absence"));
    act::emit(tx, session, events.collect::<Vec<_>>()).await
}

/// Brings the contacts and the handover tasks of the patients into line, and of those `beside` them, for whose contact
/// somebody else steps in. Gives whom that concerns: of the latter those alone whose tasks it changes.
pub(super) async fn settle(
    tx: &Tx,
    session: &Session,
    contacts: &[care_contact::Model],
    beside: &[PatientId],
) -> Result<Vec<PatientId>, Fault> {
    let own: BTreeSet<PatientId> = contacts.iter().map(|contact| contact.patient_id).collect();
    let all: Vec<PatientId> =
        own.iter().chain(beside).copied().collect::<BTreeSet<_>>().into_iter().collect();
    if all.is_empty() {
        return Ok(all);
    }
    lifetime::settle_all(tx, session, &all).await?;
    let settled = guard::settle_with(tx, session, &all, &[]).await?;
    Ok(own.union(&settled.patients).copied().collect())
}

struct Away {
    unit: CareUnitId,
    person: Option<AssignmentId>,
    contact: Option<care_contact::Model>,
}

async fn who_is_away(tx: &Tx, session: &Session, staff: &StaffActor, cmd: &Absence) -> Result<Away, Stop> {
    match cmd.who {
        Who::Contact(id) => {
            let action = Action::Register;
            let contact = policy::reach::<care_contact::Entity>(
                tx,
                &session.actor,
                action,
                id,
                "who.contactId",
                session.now(),
            )
            .await?
            .into_row();
            if contact.status == Status::Ended {
                return Err(Problem::new(
                    ProblemCode::WrongState,
                    "Uppdraget är redan avslutat.",
                    "The role has already ended.",
                )
                .into());
            }
            Ok(Away { unit: contact.care_unit_id, person: contact.assignment_id, contact: Some(contact) })
        }
        Who::Assignment(id) => {
            let row = assignment::Entity::find_by_id(id)
                .filter(assignment::Column::CareUnitId.eq(staff.care_unit))
                .one(tx)
                .await?
                .ok_or_else(|| Problem::not_found("who.assignmentId"))?;
            Ok(Away { unit: row.care_unit_id, person: Some(row.id), contact: None })
        }
    }
}

fn span(cmd: &Absence, now: DateTime<Utc>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if cmd.from < now - TimeDelta::days(31) {
        problems.push(Problem::input(
            "from",
            "Frånvaron kan inte ha börjat för mer än en månad sedan.",
            "The absence cannot have begun more than a month ago.",
        ));
    }
    if cmd.until <= cmd.from || cmd.until <= now {
        problems.push(Problem::input(
            "until",
            "Slutet måste ligga framåt i tiden och efter början.",
            "The end must lie ahead and after the start.",
        ));
    } else if cmd.until > now + LONGEST {
        problems.push(Problem::input(
            "until",
            "Frånvaron är för lång: högst två år. Avsluta uppdraget i stället.",
            "The absence is too long: two years at most. End the role instead.",
        ));
    }
    problems
}

/// The unit of whoever steps in, if anybody does: somebody else, at work all the time.
async fn substitute(
    tx: &Tx,
    staff: &StaffActor,
    cmd: &Absence,
    away: &Away,
    problems: &mut Vec<Problem>,
) -> Result<Option<CareUnitId>, Stop> {
    use contact_absence::Column as A;
    let Some(id) = cmd.substitute else { return Ok(None) };
    let field = "substituteId";
    let span = (cmd.from, Some(cmd.until));
    let shown = person::staff(tx, staff.care_provider, id, field, span, problems).await?;
    if away.person == Some(id) {
        problems.push(Problem::input(
            field,
            "Välj någon annan än den som är borta.",
            "Choose somebody else than the person who is away.",
        ));
    }
    let absent = contact_absence::Entity::find()
        .filter(A::AssignmentId.eq(id))
        .filter(A::CancelledAt.is_null())
        .filter(A::FromAt.lt(cmd.until))
        .filter(A::UntilAt.gt(cmd.from))
        .one(tx)
        .await?;
    if absent.is_some() {
        problems.push(Problem::input(
            field,
            "Ersättaren är själv borta under tiden. Välj någon annan.",
            "The substitute is away too in that time. Choose somebody else.",
        ));
    }
    Ok(Some(shown.unit))
}

async fn overlapping(tx: &Tx, away: &Away, cmd: &Absence) -> Result<bool, Fault> {
    use contact_absence::Column as A;
    let same = match (&away.contact, away.person) {
        (Some(contact), _) => A::ContactId.eq(contact.id),
        (None, person) => A::AssignmentId.eq(person),
    };
    let found = contact_absence::Entity::find()
        .filter(same)
        .filter(A::CancelledAt.is_null())
        .filter(A::FromAt.lt(cmd.until))
        .filter(A::UntilAt.gt(cmd.from))
        .one(tx)
        .await?;
    Ok(found.is_some())
}

/// The contacts that an absence is about.
pub(super) async fn affected(
    tx: &Tx,
    absence: &contact_absence::Model,
) -> Result<Vec<care_contact::Model>, Fault> {
    use care_contact::Column as C;
    let mut of = Condition::any();
    if let Some(contact) = absence.contact_id {
        of = of.add(C::Id.eq(contact));
    }
    if let Some(person) = absence.assignment_id {
        of = of.add(C::AssignmentId.eq(person));
    }
    let found = care_contact::Entity::find()
        .filter(of)
        .filter(C::Status.ne(Status::Ended))
        .filter(C::ValidFrom.lt(absence.until_at))
        .filter(Condition::any().add(C::ValidUntil.is_null()).add(C::ValidUntil.gt(absence.from_at)))
        // Patients are held in the order of their ids, as everywhere.
        .order_by_asc(C::PatientId)
        .order_by_asc(C::Id)
        .limit(MOST);
    Ok(found.all(tx).await?)
}

/// The patients for whose contacts a person who is away is to step in meanwhile: that a substitute is away too is a gap
/// as if there were none. Their contact's absence is no news to them.
pub(super) async fn stood_in_for(tx: &Tx, absence: &contact_absence::Model) -> Result<Vec<PatientId>, Fault> {
    use care_contact::Column as C;
    use contact_absence::Column as A;
    let Some(person) = absence.assignment_id else { return Ok(Vec::new()) };
    let of = |who: A| {
        contact_absence::Entity::find()
            .select_only()
            .column(who)
            .filter(A::SubstituteId.eq(person))
            .filter(A::CancelledAt.is_null())
            .filter(A::FromAt.lt(absence.until_at))
            .filter(A::UntilAt.gt(absence.from_at))
            .filter(who.is_not_null())
            .into_query()
    };
    let theirs = Condition::any()
        .add(C::Id.in_subquery(of(A::ContactId)))
        .add(C::AssignmentId.in_subquery(of(A::AssignmentId)));
    let found = care_contact::Entity::find()
        .select_only()
        .column(C::PatientId)
        .distinct()
        .filter(theirs)
        .filter(C::Status.ne(Status::Ended))
        .order_by_asc(C::PatientId)
        .limit(MOST)
        .into_tuple::<PatientId>();
    Ok(found.all(tx).await?)
}

/// Whoever steps in from another unit reaches the patients in that time.
fn openings(
    session: &Session,
    contacts: &[care_contact::Model],
    absence: &contact_absence::Model,
    unit: CareUnitId,
) -> Vec<Opening<'static>> {
    let reached =
        contacts.iter().filter(|contact| contact.care_unit_id != unit && contact.role != Role::Supporter);
    reached
        .map(|contact| Opening {
            patient: contact.patient_id,
            care_unit: unit,
            care_provider: contact.care_provider_id,
            source: care_relation::Source::Contact,
            subject: Some(absence.id.0),
            from: absence.from_at.max(session.now()),
            until: Some(contact.valid_until.map_or(absence.until_at, |until| until.min(absence.until_at))),
            declared: None,
        })
        .collect()
}
