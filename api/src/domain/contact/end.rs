//! Ending a contact role: with a reason, and with what the patient had to say about it.

use entity::{
    CareContactId,
    care_contact::{self, Consultation, Status},
    care_relation,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::ExprTrait};
use serde::Serialize;
use serde_json::json;

use super::appoint::for_register;
use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which role ends, and why.
#[derive(Clone, Debug, Serialize)]
pub struct End {
    pub contact: CareContactId,
    pub reason: String,
    pub consultation: Consultation,
    pub expected_row_version: i32,
}

const ACTION: &str = "contactEnd";

/// Ends the role now, and the care relation that came with it.
pub async fn end(session: &Session, key: &str, cmd: &End) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let contact = policy::reach::<care_contact::Entity>(
            tx,
            &session.actor,
            Action::End,
            cmd.contact,
            "contactId",
            now,
        )
        .await?;
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if contact.status == Status::Ended {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Uppdraget är redan avslutat.",
                "The role has already ended.",
            )
            .into());
        }
        let place = Place::new("care_contact.end_reason", contact.id.0);
        let changed = care_contact::Entity::update_many()
            .set(care_contact::ActiveModel {
                status: Set(Status::Ended),
                ended_at: Set(Some(now)),
                end_reason: Set(Some(session.core.keys.seal(place, &reason)?)),
                consultation: Set(Some(cmd.consultation)),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(care_contact::Column::Id.eq(contact.id))
            .filter(care_contact::Column::RowVersion.eq(cmd.expected_row_version))
            .filter(care_contact::Column::Status.eq(Status::Active))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        care_relation::Entity::update_many()
            .set(care_relation::ActiveModel { valid_until: Set(Some(now)), ..Default::default() })
            .filter(care_relation::Column::PatientId.eq(contact.patient_id))
            .filter(care_relation::Column::Source.eq(care_relation::Source::Contact))
            .filter(care_relation::Column::SubjectId.eq(contact.id.0))
            .filter(care_relation::Column::ValidUntil.is_null().or(care_relation::Column::ValidUntil.gt(now)))
            .exec(tx)
            .await?;
        let change = Change {
            kind: "care_contact",
            subject: contact.id.0,
            before: Some(json!({ "status": Status::Active })),
            after: Some(json!({
                "status": Status::Ended,
                "reason": reason,
                "consultation": cmd.consultation,
            })),
        };
        history::record(tx, session, (&*contact).into(), ACTION, [change]).await?;
        act::emit(tx, session, [for_register(&contact, "contact.ended")]).await?;
        Ok(Done::on(contact.patient_id).with("contact", contact.id.0))
    })
    .await
}
