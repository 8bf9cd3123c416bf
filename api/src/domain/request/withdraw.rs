//! Taking a request back: the patient, or staff who write down what the patient said and how. Care cannot close it
//! silently: the patient is told of what was written down.

use entity::{
    AgreementRequestId,
    agreement_offer::Way,
    agreement_request::{self, Status},
};
use serde::Serialize;

use super::{Ended, settle};
use crate::{
    auth::policy::{self, Action},
    domain::{
        act::{self, Done, Receipt},
        notice::{News, news},
        offer::answer::said_how,
        task::Ending,
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which request, and why, if the patient wants to say.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    pub request: AgreementRequestId,
    /// How the patient said it to staff; patients leave it out.
    pub how: Option<Way>,
    pub words: Option<String>,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementRequestWithdraw";

/// Takes the request back; the task about it ends as withdrawn.
pub async fn withdraw(session: &Session, key: &str, cmd: &Withdraw) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let request = policy::reach::<agreement_request::Entity>(
            tx,
            &session.actor,
            Action::Withdraw,
            cmd.request,
            "requestId",
            session.now(),
        )
        .await?;
        let mut problems = Vec::new();
        let how = said_how(session, cmd.how, &mut problems);
        let words = text::optional("words", cmd.words.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if request.status != Status::Open {
            return Err(over().into());
        }
        let told = session.actor.staff().map(|_| how);
        let ended = Ended {
            status: Status::Withdrawn,
            task: Ending::Withdrawn,
            agreement: None,
            told,
            words: words.as_deref(),
            action: ACTION,
        };
        if request.row_version != cmd.expected_row_version || !settle(tx, session, &request, &ended).await? {
            return Err(Problem::stale().into());
        }
        if told.is_some() {
            news::tell_of(tx, session, (&*request).into(), request.id.0, News::RequestTakenBack).await?;
        }
        Ok(Done::on(request.patient_id).with("request", request.id.0))
    })
    .await
}

/// It has ended already.
pub(super) fn over() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Önskan väntar inte längre: ett patientkontrakt är föreslaget, eller så är den återtagen.",
        "The request waits no more: an agreement has been proposed, or it was taken back.",
    )
}
