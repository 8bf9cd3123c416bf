//! Taking a request back: the patient's act alone, for care cannot close it silently.

use entity::{
    AgreementRequestId,
    agreement_request::{self, Status},
};
use serde::Serialize;

use super::{Ended, settle};
use crate::{
    auth::policy::{self, Action},
    domain::{
        act::{self, Done, Receipt},
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
        let words = text::optional("words", cmd.words.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if request.status != Status::Open {
            return Err(over().into());
        }
        let how = Ended {
            status: Status::Withdrawn,
            task: Ending::Withdrawn,
            agreement: None,
            words: words.as_deref(),
            action: ACTION,
        };
        if request.row_version != cmd.expected_row_version || !settle(tx, session, &request, &how).await? {
            return Err(Problem::stale().into());
        }
        Ok(Done::on(request.patient_id).with("request", request.id.0))
    })
    .await
}

/// It has ended already.
pub(super) fn over() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Önskan väntar inte längre: ett patientkontrakt är påbörjat, eller så är den återtagen.",
        "The request waits no more: an agreement has been begun, or it was taken back.",
    )
}
