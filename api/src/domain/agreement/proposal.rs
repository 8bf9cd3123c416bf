//! Who hears of a proposal, and who is told that it needs no answer any more.
//!
//! What the patient proposes is a task for the agreement's unit: nothing that a patient asks for lies unseen. What
//! care proposes the patient is told of, in the ways they have chosen; where a role proposed it that cannot give care's
//! yes, that is a task too, for the patient's yes alone brings nothing into force.

use chrono::TimeDelta;
use entity::{
    AgreementVersionId, AssignmentId, agreement,
    agreement_version::{self, Party},
    assignment,
    task::Kind,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::signal;
use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::{
        contact::fast_vardkontakt,
        notice::{self, News, news},
        task::{self, Ending, Raise, words::Words},
    },
    error::Fault,
    session::Session,
};

/// By when care answers what a patient proposes.
const ANSWER_WITHIN: TimeDelta = TimeDelta::days(7);
/// What the task says of a proposal of care's own.
const CARES_YES: (&str, &str) = (
    "En kollega har föreslagit det här för patienten, och vårdens godkännande saknas. Läs förslaget och godkänn det, \
     eller ta tillbaka det.",
    "A colleague has proposed this to the patient, and care's assent is missing. Read the proposal and assent to it, or \
     take it back.",
);

/// What is to be done about a proposal that fell.
const PATIENTS_FELL: (&str, &str) = (
    "Ett förslag från patienten föll när en annan ändring av planen började gälla. Se till att det tas upp igen, om \
     patienten fortfarande vill det.",
    "A proposal of the patient's fell when another change of the plan came into force. See to it that it is taken up \
     again, if the patient still wants it.",
);
const CARES_FELL: (&str, &str) = (
    "Ett förslag från vården föll när en annan ändring av planen började gälla. Lämna det på nytt, om det fortfarande \
     behövs.",
    "A proposal of care's fell when another change of the plan came into force. Propose it anew, if it is still needed.",
);

/// Tells the other side that there is a proposal to answer, and the patient what others propose for them.
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
        news::tell_of_version(tx, session, agreement, version, News::Proposed).await?;
        if policy::check(&session.actor, Noun::Agreement, Action::Assent).is_ok() {
            return Ok(());
        }
    } else {
        news::tell_of_version(tx, session, agreement, version, News::ProposedFor).await?;
    }
    let note = (session.actor.party() == Some(Party::Care)).then(|| CARES_YES.into());
    task::raise(
        tx,
        session,
        &Raise {
            kind: Kind::AnswerProposal,
            owner: agreement.into(),
            assignee: lead(tx, session, agreement).await?,
            subject: version.0,
            due_at: session.now() + ANSWER_WITHIN,
            note,
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
    if version.proposed_by == Some(Party::Patient) || version.care_assent_at.is_none() {
        task::end(tx, session, Kind::AnswerProposal, version.id.0, ending, Some(words)).await?;
    }
    if ending != Ending::Done {
        notice::withdraw_plan(tx, version.agreement_id, version.id, "PROPOSAL_WITHDRAWN").await?;
    }
    Ok(())
}

/// The proposal has fallen because another change of the plan came into force first: whoever wanted it must propose it
/// anew. That nobody forgets is a task for care; what the patient had proposed they are told of.
pub async fn fell(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: &agreement_version::Model,
) -> Result<(), Fault> {
    let note = if version.proposed_by == Some(Party::Patient) {
        news::tell_of_fall(tx, session, agreement, version.id).await?;
        PATIENTS_FELL
    } else {
        CARES_FELL
    };
    signal::about(tx, session, agreement, version.id, note.into()).await
}
