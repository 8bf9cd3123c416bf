//! Passing a request to another unit of the same care provider. The deadline stays, and so does the way it went.

use entity::{
    AgreementRequestId, CareUnitId,
    agreement_request::{self, Status},
    task::{self, Kind},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;

use super::{hold, withdraw::over};
use crate::{
    auth::policy::{self, Action},
    domain::{
        act::{self, Done, Receipt},
        task::pass::hand_over,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which request goes where, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Pass {
    pub request: AgreementRequestId,
    pub to: CareUnitId,
    pub reason: String,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementRequestPass";

/// Passes the request on, by the unit that has it.
pub async fn pass(session: &Session, key: &str, cmd: &Pass) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let request = policy::reach::<agreement_request::Entity>(
            tx,
            &session.actor,
            Action::Pass,
            cmd.request,
            "requestId",
            session.now(),
        )
        .await?;
        // Held before its task: whoever ends it or passes it on meanwhile comes first or last.
        let request =
            hold(tx, request.id).await?.ok_or_else(|| Fault::internal("a granted request vanished"))?;
        if request.status != Status::Open {
            return Err(over().into());
        }
        if session.actor.staff().is_none_or(|staff| staff.care_unit != request.care_unit_id) {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Önskan ligger hos en annan enhet. Bara den enheten kan skicka den vidare.",
                "The request waits at another unit. Only that unit can pass it on.",
            )
            .into());
        }
        if request.row_version != cmd.expected_row_version {
            return Err(Problem::stale().into());
        }
        let task = task::Entity::find()
            .filter(task::Column::Kind.eq(Kind::AgreementRequest))
            .filter(task::Column::SubjectId.eq(request.id.0))
            .filter(task::Column::Status.eq(task::Status::Open))
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("an open request without its task"))?;
        hand_over(tx, session, &task, cmd.to, &cmd.reason, ACTION).await?;
        Ok(Done::on(request.patient_id).with("request", request.id.0))
    })
    .await
}
