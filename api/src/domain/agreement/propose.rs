//! Proposing a draft: it is fixed by its digest and waits for the other side. Proposing is the proposer's assent.
//! A draft that answers a proposal takes its place. With a first proposal the patient has what they had asked for: a
//! draft that nobody goes on with closes nothing.

use entity::{
    AgreementId, AgreementVersionId, agreement,
    agreement_version::{self, Status, Withdrawal},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    canonical::{self, Document},
    change,
    consent::by_proposer,
    gaps, members, proposal, rules,
    version::{Locked, document, event, open_gaps},
};
use crate::{
    auth::policy::Action,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
        offer, request, safety,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Which draft, as the caller read it.
#[derive(Clone, Debug, Serialize)]
pub struct Propose {
    pub agreement: AgreementId,
    pub expected_row_version: i32,
}

const ACTION: &str = "agreementPropose";

/// Proposes the draft, or lists everything that is missing in it.
pub async fn propose(session: &Session, key: &str, cmd: &Propose) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let mut agreement = Locked::reach(tx, session, Action::Propose, cmd.agreement).await?;
        rules::not_ended(agreement.status)?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        let draft = agreement.draft(tx).await?.ok_or_else(nothing_to_propose)?;
        if draft.base_version_id != agreement.in_force() {
            return Err(rules::base_moved().into());
        }
        let mut document =
            Document { format: canonical::FORMAT, ..document(tx, &session.core.keys, &draft).await? };
        let base = base(tx, session, &agreement, &draft).await?;
        let said_before = base.as_ref().map_or(&[][..], |base| &base.content.safety);
        document.content.safety =
            safety::to_be_agreed(tx, session, agreement.id, said_before, &document.content.safety).await?;
        gaps::complete(&document, &open_gaps(tx, &agreement, &document, now).await?)?;
        if let (Some(base), Some(id)) = (base, draft.base_version_id) {
            changes_something(&base, &document)?;
            change::open_proposals(tx, &agreement, id).await?;
        }

        let digest = document.digest()?;
        let row = agreement_version::ActiveModel {
            status: Set(Status::Proposed),
            content: Set(change::seal_content(session, draft.id, &document)?),
            hash: Set(Some(digest.clone())),
            hash_format: Set(canonical::FORMAT),
            proposed_by: Set(session.actor.party()),
            proposed_at: Set(Some(now)),
            row_version: Set(draft.row_version + 1),
            ..Default::default()
        };
        let changed = agreement_version::Entity::update_many()
            .set(row)
            .filter(agreement_version::Column::Id.eq(draft.id))
            .filter(agreement_version::Column::RowVersion.eq(draft.row_version))
            .filter(agreement_version::Column::Status.eq(Status::Draft))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        by_proposer(tx, session, &agreement, draft.id, &digest).await?;
        let mut changes = vec![Change {
            kind: "agreement_version",
            subject: draft.id.0,
            before: Some(json!({ "status": Status::Draft })),
            after: Some(json!({ "status": Status::Proposed, "proposedBy": session.actor.party() })),
        }];
        changes.extend(answer(tx, session, &agreement, draft.answers_version_id).await?);
        let (status, current) = match agreement.in_force() {
            // What is in force stays so, also without the patient's decision.
            Some(active) => (agreement.status, active),
            None => (agreement::Status::Proposed, draft.id),
        };
        let first = agreement.status == agreement::Status::Draft;
        agreement.touch(tx, session, status, current).await?;
        if first {
            offer::fulfilled(tx, session, &agreement).await?;
            request::fulfilled(tx, session, &agreement).await?;
        }
        history::record(tx, session, (&*agreement).into(), ACTION, changes).await?;
        act::emit(tx, session, [event(&agreement, "agreement.proposed", draft.id.0)]).await?;
        proposal::told(tx, session, &agreement, draft.id).await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", draft.id.0))
    })
    .await
}

fn nothing_to_propose() -> Problem {
    Problem::new(
        ProblemCode::WrongState,
        "Det finns inget utkast att föreslå.",
        "There is no draft to propose.",
    )
}

/// What the draft changes says.
async fn base(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    draft: &agreement_version::Model,
) -> Result<Option<Document>, Stop> {
    let Some(base) = draft.base_version_id else { return Ok(None) };
    let base = agreement.version(tx, base, "agreementId").await?;
    Ok(Some(document(tx, &session.core.keys, &base).await?))
}

/// A proposal that says what is in force already asks for nothing.
pub(super) fn changes_something(base: &Document, draft: &Document) -> Result<(), Problem> {
    if (&base.content, &base.goals, &base.items) == (&draft.content, &draft.goals, &draft.items) {
        return Err(Problem::new(
            ProblemCode::Incomplete,
            "Utkastet säger detsamma som planen som gäller. Ändra något, eller ta bort utkastet.",
            "The draft says what is in force already. Change something, or take the draft back.",
        ));
    }
    Ok(())
}

/// The proposal that this one answers is answered.
async fn answer(
    tx: &Tx,
    session: &Session,
    agreement: &Locked,
    answered: Option<AgreementVersionId>,
) -> Result<Vec<Change>, Stop> {
    let Some(answered) = answered else { return Ok(Vec::new()) };
    let answered = agreement.version(tx, answered, "agreementId").await?;
    if answered.status != Status::Proposed {
        return Ok(Vec::new());
    }
    Ok(members::withdraw(tx, session, agreement, vec![answered], Withdrawal::Countered).await?)
}
