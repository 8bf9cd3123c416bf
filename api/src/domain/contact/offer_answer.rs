//! The patient's answer to an offered contact: given by the patient, or said to staff who record it.

use entity::{
    ContactOfferId,
    agreement_offer::Way,
    contact_offer::{self, Status},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    offer::{ANSWER, event, owner, unsent},
    request,
};
use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        offer::answer::said_how,
        patient::{alive, lock},
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// What was said to which offer.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    pub offer: ContactOfferId,
    pub accepted: bool,
    pub words: Option<String>,
    /// How the patient said it to staff; none when the patient answers here.
    pub how: Option<Way>,
    pub expected_row_version: i32,
}

const ACTION: &str = "contactOfferAnswer";

/// Records the answer. A yes is a request: care must appoint by its deadline, and only the patient takes it back.
pub async fn answer(session: &Session, key: &str, cmd: &Answer) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let row = policy::reach::<contact_offer::Entity>(
            tx,
            &session.actor,
            Action::Accept,
            cmd.offer,
            "offerId",
            now,
        )
        .await?;
        let mut problems = Vec::new();
        let words = text::optional("words", cmd.words.as_deref(), text::TEXT, &mut problems);
        let how = said_how(session, cmd.how, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        // Held before the offer is: somebody may be given the role just now.
        alive(&lock(tx, row.patient_id).await?)?;
        if row.status != Status::Open {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Erbjudandet är redan besvarat eller har ersatts.",
                "The offer has already been answered, or something else took its place.",
            )
            .into());
        }
        let status = if cmd.accepted { Status::Accepted } else { Status::Declined };
        let (by_kind, by_id) = act::by(session);
        let place = Place::new(ANSWER, row.id.0);
        let changed = contact_offer::Entity::update_many()
            .set(contact_offer::ActiveModel {
                status: Set(status),
                answered_at: Set(Some(now)),
                answered_by_kind: Set(Some(by_kind)),
                answered_by_id: Set(Some(by_id)),
                answered_how: Set(Some(how)),
                answer_words: Set(session.core.keys.seal_opt(place, words.as_deref())?),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(contact_offer::Column::Id.eq(row.id))
            .filter(contact_offer::Column::RowVersion.eq(cmd.expected_row_version))
            .filter(contact_offer::Column::Status.eq(Status::Open))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        unsent(tx, session, row.id).await?;
        if cmd.accepted {
            request::from_offer(tx, session, &row, ACTION).await?;
        }
        let change = Change {
            kind: "contact_offer",
            subject: row.id.0,
            before: Some(json!({ "status": row.status })),
            after: Some(json!({ "status": status, "how": how, "words": words })),
        };
        history::record(tx, session, owner(&row), ACTION, [change]).await?;
        let kind = if cmd.accepted { "contact.offer_accepted" } else { "contact.offer_declined" };
        act::emit(tx, session, [event(&row, kind)]).await?;
        Ok(Done::on(row.patient_id).with("offer", row.id.0))
    })
    .await
}
