//! An absence is called off, or ends early: the contact is back.

use entity::{ContactAbsenceId, PatientId, care_contact, care_relation, contact_absence};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{absence::affected, guard, lifetime, register};
use crate::{
    auth::policy::{self, Action, Noun},
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        relation,
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
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let staff = policy::as_staff(&session.actor, Noun::ContactAbsence, Action::Cancel)?;
        let unknown = || Problem::not_found("absenceId");
        let row = contact_absence::Entity::find_by_id(cmd.absence)
            .filter(contact_absence::Column::CareProviderId.eq(staff.care_provider))
            .one(tx)
            .await?
            .ok_or_else(unknown)?;
        match row.contact_id {
            // One contact's is within the reach of whoever reaches the contact,
            Some(contact) => {
                let actor = &session.actor;
                let field = "absenceId";
                policy::reach::<care_contact::Entity>(tx, actor, Action::Register, contact, field, now)
                    .await?;
            }
            // a person's of their unit alone.
            None if row.care_unit_id != staff.care_unit => return Err(unknown().into()),
            None => {}
        }
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
        let mut done = Done::impersonal().with("absence", row.id.0);
        let mut patients: Vec<PatientId> = Vec::new();
        for contact in affected(tx, &row).await? {
            relation::end(tx, contact.patient_id, care_relation::Source::Contact, row.id.0, now).await?;
            let change = Change {
                kind: "contact_absence",
                subject: contact.id.0,
                before: Some(json!({ "from": row.from_at, "until": row.until_at })),
                after: Some(json!({ "until": now })),
            };
            history::record(tx, session, (&contact).into(), ACTION, [change]).await?;
            act::emit(tx, session, [register::event(&contact, "contact.absence")]).await?;
            if !patients.contains(&contact.patient_id) {
                patients.push(contact.patient_id);
            }
        }
        for patient in patients {
            lifetime::settle(tx, session, patient).await?;
            guard::settle(tx, session, patient).await?;
            done = done.and(patient);
        }
        Ok(done)
    })
    .await
}
