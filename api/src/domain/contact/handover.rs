//! Handover in bulk (överlämning): when staff leave, everything they have goes to somebody else in one act: contact
//! roles, with what the patients had asked for, and to a colleague at the unit their open tasks too.
//!
//! All or a listed part of them. Everything is checked before anything is done, and each patient is told.

use entity::{
    AssignmentId, CareContactId, PatientId, assignment,
    care_contact::{self, Consultation, Role, Status, ToldGround},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use super::{
    appoint::{New, insert},
    end::{Closing, close, tell_patient},
    guard, lifetime,
    person::{self, Shown},
    request_answered, rules,
};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{self, Action, Noun, row_condition},
    },
    calendar::OpeningHours,
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        task, text,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Who hands over what to whom.
#[derive(Clone, Debug, Serialize)]
pub struct Handover {
    /// A person at the caller's own unit.
    pub from: AssignmentId,
    /// Staff of the same care provider.
    pub to: AssignmentId,
    /// Which roles; all of them when left out.
    pub contacts: Option<Vec<CareContactId>>,
    pub reason: String,
}

const ACTION: &str = "contactHandover";
/// How many roles go over in one act.
pub const MOST: usize = 200;

/// Hands over, now.
pub async fn hand_over(session: &Session, key: &str, cmd: &Handover) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let staff = policy::as_staff(&session.actor, Noun::CareContact, Action::Handover)?;
        let from = assignment::Entity::find_by_id(cmd.from)
            .filter(assignment::Column::CareUnitId.eq(staff.care_unit))
            .one(tx)
            .await?
            .ok_or_else(|| Problem::not_found("fromAssignmentId"))?;
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        let span = (now, None);
        let field = "toAssignmentId";
        let to = person::staff(tx, staff.care_provider, cmd.to, field, span, &mut problems).await?;
        if cmd.to == from.id {
            problems.push(Problem::input(
                field,
                "Välj någon annan än den som lämnar över.",
                "Choose somebody else than the person who hands over.",
            ));
        }
        let chosen = chosen(tx, session, cmd, &mut problems).await?;
        if chosen.iter().any(|contact| contact.role == Role::FastLakarkontakt) {
            let titles = &session.core.settings.doctor_titles;
            rules::doctor(Role::FastLakarkontakt, &to.function, titles, field, &mut problems);
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let mut done = Done::impersonal();
        // Everything: what they had to do for the unit, too. Roles may go to another unit, tasks stay at theirs.
        let tasks = if cmd.contacts.is_none() && to.unit == staff.care_unit {
            task::handover::give(tx, session, staff.care_unit, (from.id, cmd.to), ACTION).await?
        } else {
            Vec::new()
        };
        if chosen.is_empty() && tasks.is_empty() {
            return Err(nothing().into());
        }
        for task in &tasks {
            done = done.and(task.patient_id);
        }
        let mut patients: Vec<PatientId> = chosen.iter().map(|contact| contact.patient_id).collect();
        patients.dedup();
        lifetime::settle_all(tx, session, &patients).await?;
        let answered = request_answered::of(tx, &chosen).await?;
        for (i, contact) in chosen.iter().enumerate() {
            let new = one(tx, session, &staff, contact, &to, &reason).await?;
            for request in answered.iter().filter(|request| request.contact_id == Some(contact.id)) {
                request_answered::by_next(tx, session, request, &new, ACTION).await?;
            }
            done = done.and(contact.patient_id).with(&format!("contact.{i:03}"), new.id.0);
        }
        guard::settle_all(tx, session, &patients).await?;
        Ok(done)
    })
    .await
}

/// The roles that go over: those that the caller reaches. A listed one that is not among them is a problem.
async fn chosen(
    tx: &Tx,
    session: &Session,
    cmd: &Handover,
    problems: &mut Vec<Problem>,
) -> Result<Vec<care_contact::Model>, Stop> {
    use care_contact::Column as C;
    let now = session.now();
    let held = care_contact::Entity::find()
        .filter(C::AssignmentId.eq(cmd.from))
        .filter(C::Status.ne(Status::Ended))
        .filter(row_condition::<care_contact::Entity>(&session.actor, now))
        .order_by_asc(C::PatientId)
        .order_by_asc(C::Id)
        .limit(4 * MOST as u64)
        .all(tx)
        .await?;
    let held: Vec<_> =
        held.into_iter().filter(|contact| contact.valid_until.is_none_or(|until| until > now)).collect();
    let chosen = match &cmd.contacts {
        None => held,
        Some(listed) => {
            for (i, id) in listed.iter().enumerate() {
                if !held.iter().any(|contact| contact.id == *id) {
                    problems.push(Problem::not_found(&format!("contactIds.{i}")));
                }
            }
            held.into_iter().filter(|contact| listed.contains(&contact.id)).collect()
        }
    };
    if chosen.len() > MOST {
        problems.push(Problem::input(
            "contactIds",
            format!("Lämna över högst {MOST} uppdrag åt gången: ange vilka."),
            format!("Hand over {MOST} roles at a time at most: list which."),
        ));
    }
    Ok(chosen)
}

fn nothing() -> Problem {
    Problem::new(ProblemCode::Conflict, "Det finns inget att lämna över.", "There is nothing to hand over.")
}

/// The same role, with the same end and the same review, held by the other person.
async fn one(
    tx: &Tx,
    session: &Session,
    staff: &StaffActor,
    contact: &care_contact::Model,
    to: &Shown,
    reason: &str,
) -> Result<care_contact::Model, Stop> {
    let now = session.now();
    let closing = Closing {
        reason,
        consultation: Consultation::Told,
        ground: Some(ToldGround::StaffLeaves),
        at: now,
        expected_row_version: contact.row_version,
    };
    close(tx, session, contact, &closing, ACTION).await?;
    let keys = &session.core.keys;
    let place = Place::new("care_contact.how_to_reach", contact.id.0);
    let how_to_reach = keys.open_opt(place, contact.how_to_reach.as_ref())?;
    let reach_hours: Option<OpeningHours> = hours(contact)?;
    let new = New {
        patient: contact.patient_id,
        role: contact.role,
        treating_kind: contact.treating_kind,
        is_lead: contact.is_lead,
        shown: to,
        // How to reach the one who leaves says nothing of the one who comes, unless they share a unit.
        how_to_reach: how_to_reach.as_deref().filter(|_| to.unit == contact.care_unit_id),
        reach_hours: reach_hours.as_ref().filter(|_| to.unit == contact.care_unit_id),
        valid_from: contact.valid_from.max(now),
        valid_until: contact.valid_until,
        review_on: contact.review_on,
        on_request: contact.on_request,
        follows: Some(contact.id),
    };
    let row = insert(tx, session, staff, new, ACTION).await?;
    if contact.valid_from > now {
        // What waits for the role is answered by whoever has it now.
        request_answered::begun(tx, session, &row, ACTION).await?;
    }
    tell_patient(tx, session, &row).await?;
    Ok(row)
}

fn hours(contact: &care_contact::Model) -> Result<Option<OpeningHours>, Fault> {
    contact.reach_hours.as_deref().map(|json| serde_json::from_str(json).map_err(Fault::internal)).transpose()
}

/// The ids of the contacts that a handover made, from its receipt.
pub fn made(receipt: &Receipt) -> Vec<CareContactId> {
    receipt
        .ids
        .iter()
        .filter(|(name, _)| name.starts_with("contact."))
        .map(|(_, id)| CareContactId(*id))
        .collect()
}
