//! Choosing between two agreements. Another care provider may not know of the one in force; the patient sees both.
//!
//! The one that was in force ends and the chosen one comes into force in one transaction: there are never two, and
//! never none. To the other provider it looks as if the patient had left, for anything else would tell of the choice.

use entity::{
    AgreementId, AgreementVersionId,
    agreement::{self, EndReason},
    agreement_version,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;

use super::{
    consent,
    end::{Finish, finish, lock},
    ended,
    may_say_no::may_end,
    rules::Assented,
    signal,
    version::Locked,
};
use crate::{
    auth::policy::{self, Action},
    domain::{
        act::{self, Done, Receipt},
        patient,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which one, and what was read.
#[derive(Clone, Debug, Serialize)]
pub struct Choose {
    pub agreement: AgreementId,
    pub version: AgreementVersionId,
    /// SHA-256; empty when what the client sent is no digest.
    pub digest: Vec<u8>,
}

const ACTION: &str = "agreementChoose";

/// Ends the agreement in force and assents to the chosen one, which comes into force at once.
pub async fn choose(session: &Session, key: &str, cmd: &Choose) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let granted = policy::reach::<agreement::Entity>(
            tx,
            &session.actor,
            Action::Choose,
            cmd.agreement,
            "agreementId",
            session.now(),
        )
        .await?;
        patient::lock(tx, granted.patient_id).await?;
        let in_force = agreement::Entity::find()
            .filter(agreement::Column::PatientId.eq(granted.patient_id))
            .filter(agreement::Column::Region.eq(granted.region.as_str()))
            .filter(agreement::Column::Status.is_in(agreement::Status::IN_FORCE))
            .filter(agreement::Column::Id.ne(granted.id))
            .one(tx)
            .await?
            .ok_or_else(nothing_to_choose)?;
        // Always in the same order, so that two choices never wait for each other.
        for id in [Ord::min(in_force.id, granted.id), Ord::max(in_force.id, granted.id)] {
            lock(tx, id).await?;
        }
        let other = lock(tx, in_force.id).await?;
        if !other.status.in_force() {
            return Err(nothing_to_choose().into());
        }
        may_end(tx, session, &other).await?;
        let how = Finish { reason: EndReason::PatientDeclined, words: None, action: "agreementEnd" };
        finish(tx, session, &other, &how).await?;
        let left = ended::left(tx, session, &other).await?;
        signal::patient_has_left(tx, session, &other, &left).await?;

        let mut agreement = Locked::take(tx, &granted).await?;
        let version = agreement_version::Entity::find_by_id(cmd.version)
            .filter(agreement_version::Column::AgreementId.eq(agreement.id))
            .one(tx)
            .await?
            .ok_or_else(|| Problem::not_found("versionId"))?;
        let effect =
            consent::assent(tx, session, &mut agreement, &version, Some(&cmd.digest), ACTION).await?;
        if effect != Assented::Activates {
            return Err(not_yet().into());
        }
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", version.id.0))
    })
    .await
}

fn nothing_to_choose() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Inget annat patientkontrakt gäller. Godkänn det här på vanligt sätt.",
        "No other agreement is in force. Assent to this one as usual.",
    )
}

/// Until everybody else has assented, a choice would leave the patient without any.
fn not_yet() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Det nya patientkontraktet är inte godkänt av alla andra än. Det gamla gäller tills du kan välja.",
        "Not everybody else has assented to the new agreement yet. The old one holds until you can choose.",
    )
}
