//! An absence is called off, or ends early: the contact is back.

use entity::{ContactAbsenceId, PatientId, care_contact, care_relation, contact_absence};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::absence::{affected, settle, stood_in_for, tell};
use crate::{
    auth::policy::{self, Action, Noun},
    domain::{
        act::{self, Done, Receipt},
        booking, relation,
        thread::stand_in,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which absence.
#[derive(Clone, Debug, Serialize)]
pub struct Cancel {
    pub absence: ContactAbsenceId,
    pub expected_row_version: i32,
}

const ACTION: &str = "contactAbsenceCancel";

/// Calls it off.
pub async fn cancel(session: &Session, key: &str, cmd: &Cancel) -> Result<Receipt, Fault> {
    let mut over = None;
    let receipt = act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let staff = policy::as_staff(&session.actor, Noun::ContactAbsence, Action::Cancel)?;
        let unknown = || Problem::not_found("absenceId");
        let row = contact_absence::Entity::find_by_id(cmd.absence)
            .filter(contact_absence::Column::CareProviderId.eq(staff.care_provider))
            .one(tx)
            .await?
            .ok_or_else(unknown)?;
        let person = match row.contact_id {
            // One contact's is within the reach of whoever reaches the contact,
            Some(contact) => {
                let actor = &session.actor;
                let field = "absenceId";
                policy::reach::<care_contact::Entity>(tx, actor, Action::Register, contact, field, now)
                    .await?
                    .assignment_id
            }
            // a person's of their unit alone.
            None if row.care_unit_id != staff.care_unit => return Err(unknown().into()),
            None => row.assignment_id,
        };
        if row.cancelled_at.is_some() || row.until_at <= now {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Frånvaron är redan över.",
                "The absence is over already.",
            )
            .into());
        }
        let changed = contact_absence::Entity::update_many()
            .set(contact_absence::ActiveModel {
                cancelled_at: Set(Some(now)),
                cancelled_by: Set(Some(staff.assignment.0)),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(contact_absence::Column::Id.eq(row.id))
            .filter(contact_absence::Column::RowVersion.eq(cmd.expected_row_version))
            .filter(contact_absence::Column::CancelledAt.is_null())
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let contacts = affected(tx, &row).await?;
        let reached: Vec<PatientId> = contacts.iter().map(|contact| contact.patient_id).collect();
        relation::end_all(tx, &reached, care_relation::Source::Contact, &[row.id.0], now).await?;
        let before = json!({ "from": row.from_at, "until": row.until_at });
        tell(tx, session, ACTION, &contacts, Some(&before), &json!({ "until": now })).await?;
        let beside = stood_in_for(tx, &row).await?;
        let patients = settle(tx, session, &contacts, &beside).await?;
        let mut kept = Vec::new();
        if row.assignment_id.is_some() {
            booking::away_slots::give_back(tx, session, &row).await?;
            kept = booking::away_calls::take_back(tx, session, Some(row.id)).await?.patients;
        }
        // Patients before their tasks: who writes a message has the patient first.
        if person.is_some() {
            stand_in::hand_back(tx, session, person).await?;
        }
        let done = Done::impersonal().with("absence", row.id.0);
        over = Some(row);
        Ok(patients.into_iter().chain(kept).fold(done, Done::and))
    })
    .await?;
    if let Some(row) = over.filter(|row| row.assignment_id.is_some() && receipt.problems.is_empty()) {
        booking::away_calls::go_on(session, &row).await?;
    }
    Ok(receipt)
}
