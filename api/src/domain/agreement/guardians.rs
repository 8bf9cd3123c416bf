//! Joint guardians (vårdnadshavare): both assent, or it is on record why one of them does not. One of them always does, and an
//! exception ends with the yes of whom it is for, who is there again, or when care says that it no longer holds.

use entity::{AgreementId, GuardianExceptionId, RepresentativeId, agreement, guardian_exception};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    objection, rules, standing,
    version::{Locked, event},
    waiting,
};
use crate::{
    auth::policy::Action,
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        representative, text,
    },
    error::{Fault, Problem},
    session::Session,
};

/// Columns that hold why.
pub const REASON: &str = "guardian_exception.reason";
pub const END_REASON: &str = "guardian_exception.end_reason";

/// Which guardian does not assent, and why.
#[derive(Clone, Debug, Serialize)]
pub struct RecordException {
    pub agreement: AgreementId,
    pub representative: RepresentativeId,
    pub reason: String,
}

const ACTION: &str = "agreementGuardianExceptionRecord";
const END: &str = "agreementGuardianExceptionEnd";
/// What becomes of an objection of theirs.
const EXCEPTED: (&str, &str) = (
    "Vården har antecknat att planen kan gälla utan den vårdnadshavarens godkännande.",
    "Care has recorded that the plan can be in force without that guardian's assent.",
);

/// Records the exception. What waited for that guardian alone waits no longer, and what they objected to stands without
/// them.
pub async fn record_exception(session: &Session, key: &str, cmd: &RecordException) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let mut agreement = Locked::reach(tx, session, Action::RecordAssent, cmd.agreement).await?;
        let staff = actor.staff().ok_or_else(Problem::forbidden)?;
        rules::not_ended(agreement.status)?;
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let guardians = representative::guardians(tx, session, agreement.patient_id).await?;
        if !guardians.contains(&cmd.representative) {
            return Err(Problem::not_found("representativeId").into());
        }
        if guardians.len() < 2 {
            return Err(rules::only_guardian().into());
        }
        let excepted = standing::excepted(tx, agreement.id).await?;
        if excepted.contains(&cmd.representative) {
            return Err(rules::excepted_already().into());
        }
        if guardians.iter().all(|id| *id == cmd.representative || excepted.contains(id)) {
            return Err(rules::last_guardian().into());
        }
        let id = GuardianExceptionId(session.core.clock.uuid());
        let row = guardian_exception::ActiveModel {
            id: Set(id),
            agreement_id: Set(agreement.id),
            patient_id: Set(agreement.patient_id),
            care_unit_id: Set(agreement.care_unit_id),
            care_provider_id: Set(agreement.care_provider_id),
            representative_id: Set(cmd.representative),
            reason: Set(session.core.keys.seal(Place::new(REASON, id.0), &reason)?),
            recorded_by: Set(staff.assignment),
            at: Set(now),
            ended_at: Set(None),
            ended_by: Set(None),
            end_reason: Set(None),
        };
        guardian_exception::Entity::insert(row)
            .exec_without_returning(tx)
            .await
            .map_err(|e| act::on_unique(e, rules::excepted_already))?;
        let change = Change {
            kind: "guardian_exception",
            subject: id.0,
            before: None,
            after: Some(json!({ "representative": cmd.representative, "reason": reason })),
        };
        history::record(tx, session, (&*agreement).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event(&agreement, "agreement.guardian_excepted", id.0)]).await?;
        let theirs = |objector| objector == cmd.representative;
        objection::lapse(tx, session, &mut agreement, theirs, EXCEPTED).await?;
        waiting::settle(tx, session, &mut agreement, ACTION).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0))
    })
    .await
}

/// Which guardian is waited for again, and why.
#[derive(Clone, Debug, Serialize)]
pub struct EndException {
    pub agreement: AgreementId,
    pub representative: RepresentativeId,
    pub reason: String,
}

/// Ends the exception. What is in force stays so; what only waits waits for the guardian too.
pub async fn end_exception(session: &Session, key: &str, cmd: &EndException) -> Result<Receipt, Fault> {
    act::perform(session, END, key, cmd, async |tx| {
        let mut agreement = Locked::reach(tx, session, Action::RecordAssent, cmd.agreement).await?;
        let staff = session.actor.staff().ok_or_else(Problem::forbidden)?;
        rules::not_ended(agreement.status)?;
        let mut problems = Vec::new();
        let reason = text::required("reason", &cmd.reason, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let standing = standing_of(tx, agreement.id, cmd.representative).await?;
        let exception = standing.ok_or_else(|| Problem::not_found("representativeId"))?;
        let sealed = session.core.keys.seal(Place::new(END_REASON, exception.id.0), &reason)?;
        let by_care = guardian_exception::ActiveModel {
            ended_by: Set(Some(staff.assignment)),
            end_reason: Set(Some(sealed)),
            ..Default::default()
        };
        end(tx, session, &agreement, &exception, by_care, Some(&reason)).await?;
        act::emit(tx, session, [event(&agreement, "agreement.guardian_waited_for", exception.id.0)]).await?;
        waiting::lapse(tx, session, &mut agreement).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0))
    })
    .await
}

/// The guardian has said yes: from now on they are waited for again. What is in force already stays so.
pub(super) async fn is_there_again(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    guardian: RepresentativeId,
) -> Result<(), Fault> {
    match standing_of(tx, agreement.id, guardian).await? {
        Some(exception) => {
            let by_nobody = guardian_exception::ActiveModel::default();
            end(tx, session, agreement, &exception, by_nobody, None).await
        }
        None => Ok(()),
    }
}

/// The exception that holds for this guardian.
async fn standing_of(
    tx: &Tx,
    agreement: AgreementId,
    guardian: RepresentativeId,
) -> Result<Option<guardian_exception::Model>, Fault> {
    use guardian_exception::Column as E;
    let open = guardian_exception::Entity::find()
        .filter(E::AgreementId.eq(agreement))
        .filter(E::RepresentativeId.eq(guardian))
        .filter(E::EndedAt.is_null());
    Ok(open.one(tx).await?)
}

async fn end(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    exception: &guardian_exception::Model,
    by: guardian_exception::ActiveModel,
    reason: Option<&str>,
) -> Result<(), Fault> {
    let now = session.now();
    guardian_exception::Entity::update_many()
        .set(guardian_exception::ActiveModel { ended_at: Set(Some(now)), ..by })
        .filter(guardian_exception::Column::Id.eq(exception.id))
        .exec(tx)
        .await?;
    let change = Change {
        kind: "guardian_exception",
        subject: exception.id.0,
        before: Some(json!({ "endedAt": null })),
        after: Some(
            json!({ "representative": exception.representative_id, "endedAt": now, "reason": reason }),
        ),
    };
    history::record(tx, session, agreement.into(), END, [change]).await
}
