//! Answering an offer: the patient's own yes or no, or what the patient said, recorded by staff. A yes can be taken back
//! until it has led to a proposal.

use chrono::TimeDelta;
use entity::{
    AgreementOfferId,
    agreement_offer::{self, Status, Way},
    task::Kind,
};
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde_json::json;

use super::{already_answered, already_proposed, event, settle};
use crate::{
    auth::policy::{self, Action},
    crypto::Place,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change, Owner},
        patient::{alive, lock},
        task::{Ending, Raise, end, raise, words::Words},
        text,
    },
    error::{Fault, Problem},
    session::Session,
};

/// Which offer, and what the patient says.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    pub offer: AgreementOfferId,
    pub accepted: bool,
    /// How the patient said it to staff; patients leave it out.
    pub how: Option<Way>,
    pub words: Option<String>,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementOfferAnswer";

/// Records the answer. A yes becomes a task: to propose an agreement in time.
pub async fn answer(session: &Session, key: &str, cmd: &Answer) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let offer = policy::reach::<agreement_offer::Entity>(
            tx,
            &session.actor,
            Action::Answer,
            cmd.offer,
            "offerId",
            session.now(),
        )
        .await?;
        let mut problems = Vec::new();
        let how = said_how(session, cmd.how, &mut problems);
        let words = text::optional("words", cmd.words.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        alive(&lock(tx, offer.patient_id).await?)?;
        let takes_back = offer.status == Status::Accepted && !cmd.accepted;
        if offer.status != Status::Open && !takes_back {
            return Err(already_answered().into());
        }
        let status = if cmd.accepted { Status::Accepted } else { Status::Declined };
        let place = Place::new("agreement_offer.answer_words", offer.id.0);
        let answered = agreement_offer::ActiveModel {
            status: Set(status),
            answered_how: Set(Some(how)),
            answer_words: Set(session.core.keys.seal_opt(place, words.as_deref())?),
            ..Default::default()
        };
        if offer.row_version != cmd.expected_row_version || !settle(tx, session, &offer, answered).await? {
            return Err(Problem::stale().into());
        }
        let change = Change {
            kind: "agreement_offer",
            subject: offer.id.0,
            before: Some(json!({ "status": offer.status })),
            after: Some(json!({ "status": status, "how": how, "words": words })),
        };
        history::record(tx, session, (&*offer).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event("agreement.offer_answered", &offer)]).await?;
        if takes_back {
            let words = words.map(Words::own);
            let kind = Kind::AgreementRequest;
            let ended = end(tx, session, kind, offer.id.0, Ending::Withdrawn, words).await?;
            if ended.is_none() {
                return Err(already_proposed().into());
            }
        }
        if cmd.accepted {
            let days = session.core.settings.agreement_request_days;
            let begin = Raise {
                kind: Kind::AgreementRequest,
                owner: Owner::from(&*offer),
                assignee: None,
                subject: offer.id.0,
                due_at: session.now() + TimeDelta::days(days),
                note: Some(Words::ours(
                    "Patienten har tackat ja till ett patientkontrakt.",
                    "The patient has accepted the offer of an agreement.",
                )),
            };
            raise(tx, session, &begin).await?;
        }
        Ok(Done::on(offer.patient_id).with("offer", offer.id.0))
    })
    .await
}

/// Patients answer here; staff say how the patient told them.
pub(crate) fn said_how(session: &Session, how: Option<Way>, problems: &mut Vec<Problem>) -> Way {
    match (session.actor.staff(), how) {
        (None, None) => Way::Digital,
        (Some(_), Some(how)) => how,
        (None, Some(_)) => {
            problems.push(Problem::input(
                "how",
                "Utelämna det här: du svarar här i tjänsten.",
                "Leave this out: you answer here in the service.",
            ));
            Way::Digital
        }
        (Some(_), None) => {
            problems.push(Problem::input(
                "how",
                "Ange hur patienten sa det: på plats, per telefon, video eller brev.",
                "Say how the patient told you: on site, by phone, by video or by letter.",
            ));
            Way::Phone
        }
    }
}
