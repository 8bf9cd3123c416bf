//! Reconsidering the need for a contact (ompröva): it goes on until a new day, or ends.

use chrono::NaiveDate;
use entity::{
    CareContactId,
    care_contact::{self, Consultation, Status, ToldGround},
    task,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    end::{Closing, close, settle, tell_patient},
    lifetime, register, rules,
};
use crate::{
    auth::policy::{self, Action},
    calendar::to_local,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        task::{self as tasks, Ending, words::Words},
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub enum Outcome {
    /// The need is still there, until this day at least.
    Keep {
        next: NaiveDate,
    },
    End {
        reason: String,
        consultation: Consultation,
        told_ground: Option<ToldGround>,
    },
}

/// A review of one contact.
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    pub contact: CareContactId,
    pub outcome: Outcome,
    pub expected_row_version: i32,
}

const ACTION: &str = "contactReview";

/// Reviews, and ends the task that the review day raised.
pub async fn review(session: &Session, key: &str, cmd: &Review) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let contact = policy::reach::<care_contact::Entity>(
            tx,
            &session.actor,
            Action::Review,
            cmd.contact,
            "contactId",
            now,
        )
        .await?;
        match &cmd.outcome {
            Outcome::Keep { next } => {
                rules::review_day("keep.nextReviewOn", *next, to_local(now).date_naive())?;
                if contact.status == Status::Ended || contact.valid_until.is_some_and(|until| until <= now) {
                    return Err(Problem::new(
                        ProblemCode::WrongState,
                        "Uppdraget är redan avslutat.",
                        "The role has already ended.",
                    )
                    .into());
                }
                let changed = care_contact::Entity::update_many()
                    .set(care_contact::ActiveModel {
                        review_on: Set(Some(*next)),
                        row_version: Set(cmd.expected_row_version.saturating_add(1)),
                        ..Default::default()
                    })
                    .filter(care_contact::Column::Id.eq(contact.id))
                    .filter(care_contact::Column::RowVersion.eq(cmd.expected_row_version))
                    .filter(care_contact::Column::Status.ne(Status::Ended))
                    .exec(tx)
                    .await?;
                if changed.rows_affected != 1 {
                    return Err(Problem::stale().into());
                }
                let change = Change {
                    kind: "care_contact",
                    subject: contact.id.0,
                    before: Some(json!({ "reviewOn": contact.review_on })),
                    after: Some(json!({ "reviewOn": next })),
                };
                history::record(tx, session, (&*contact).into(), ACTION, [change]).await?;
                let words = Some(Words::ours("Behovet finns kvar.", "The need remains."));
                tasks::end(tx, session, task::Kind::ContactReview, contact.id.0, Ending::Done, words).await?;
                act::emit(tx, session, [register::event(&contact, "contact.reviewed")]).await?;
            }
            Outcome::End { reason, consultation, told_ground } => {
                let mut problems = Vec::new();
                let reason = text::required("end.reason", reason, text::TEXT, &mut problems);
                rules::consulted(*consultation, *told_ground, &mut problems);
                if !problems.is_empty() {
                    return Err(problems.into());
                }
                lifetime::settle(tx, session, contact.patient_id).await?;
                let words = Some(Words::ours("Behovet finns inte kvar.", "The need is no longer there."));
                tasks::end(tx, session, task::Kind::ContactReview, contact.id.0, Ending::Done, words).await?;
                let closing = Closing {
                    reason: &reason,
                    consultation: *consultation,
                    ground: *told_ground,
                    at: now,
                    expected_row_version: cmd.expected_row_version,
                };
                let is_over = close(tx, session, &contact, &closing, ACTION).await?;
                settle(tx, session, &contact, (&closing, is_over), ACTION).await?;
                tell_patient(tx, session, &contact).await?;
            }
        }
        Ok(Done::on(contact.patient_id).with("contact", contact.id.0))
    })
    .await
}
