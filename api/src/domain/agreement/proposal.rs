//! Who hears of a proposal, and who is told that it needs no answer any more.
//!
//! What the patient proposes is a task for the agreement's unit: nothing that a patient asks for lies unseen. What
//! care proposes the patient is told of, in the ways they have chosen.

use chrono::TimeDelta;
use entity::{
    AgreementVersionId, AssignmentId, agreement,
    agreement_version::{self, Party},
    assignment,
    task::Kind,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{signal, version::tell_patient};
use crate::{
    db::Tx,
    domain::{
        contact::fast_vardkontakt,
        notice,
        task::{self, Ending, Raise, words::Words},
    },
    error::Fault,
    session::Session,
};

/// By when care answers what a patient proposes.
const ANSWER_WITHIN: TimeDelta = TimeDelta::days(7);

/// Tells the other side that there is a proposal to answer.
pub async fn told(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
) -> Result<(), Fault> {
    if session.actor.party() == Some(Party::Care) {
        if let Some(author) = session.actor.staff() {
            signal::drawn_up(tx, session, agreement, author).await?;
        }
        tell_patient(tx, session, agreement, version, "PLAN_PROPOSED").await?;
        return Ok(());
    }
    task::raise(
        tx,
        session,
        &Raise {
            kind: Kind::AnswerProposal,
            owner: agreement.into(),
            assignee: lead(tx, session, agreement).await?,
            subject: version.0,
            due_at: session.now() + ANSWER_WITHIN,
            note: None,
        },
    )
    .await?;
    Ok(())
}

/// The fast vårdkontakt, if somebody at the agreement's unit.
async fn lead(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
) -> Result<Option<AssignmentId>, Fault> {
    let lead = fast_vardkontakt(tx, session, agreement.patient_id, agreement.care_provider_id).await?;
    let Some(id) = lead.and_then(|contact| contact.assignment_id) else { return Ok(None) };
    let person = assignment::Entity::find_by_id(id)
        .filter(assignment::Column::CareUnitId.eq(agreement.care_unit_id))
        .one(tx)
        .await?;
    Ok(person.map(|person| person.id))
}

/// The proposal needs no answer any more: care's task about it ends, and what would still be told of it is taken back.
pub async fn settled(
    tx: &Tx,
    session: &Session,
    version: &agreement_version::Model,
    ending: Ending,
    words: Words,
) -> Result<(), Fault> {
    if version.proposed_by == Some(Party::Patient) {
        task::end(tx, session, Kind::AnswerProposal, version.id.0, ending, Some(words)).await?;
    }
    if ending != Ending::Done {
        notice::withdraw_plan(tx, version.agreement_id, version.id, "PROPOSAL_WITHDRAWN").await?;
    }
    Ok(())
}
