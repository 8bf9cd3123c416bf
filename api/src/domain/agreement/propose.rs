//! Proposing a draft: it is fixed by its digest and waits for the other side. Proposing is the proposer's assent.

use entity::{
    AgreementId, agreement,
    agreement_version::{self, Status},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    canonical,
    consent::Assent,
    rules,
    version::{Locked, document, event, someone_to_turn_to, tell_patient},
};
use crate::{
    auth::policy::{self, Action},
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change},
    },
    error::{Fault, Problem, ProblemCode},
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
        let granted = policy::reach::<agreement::Entity>(
            tx,
            &session.actor,
            Action::Propose,
            cmd.agreement,
            "agreementId",
            now,
        )
        .await?;
        let mut agreement = Locked::take(tx, &granted).await?;
        rules::not_ended(agreement.status)?;
        agreement.expect_row_version(Some(cmd.expected_row_version))?;
        let draft = agreement.current(tx).await?;
        if agreement.status != agreement::Status::Draft || draft.status != Status::Draft {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Planen är redan föreslagen.",
                "The plan has already been proposed.",
            )
            .into());
        }
        let document = document(tx, &session.core.keys, &draft).await?;
        let reachable = someone_to_turn_to(tx, &agreement, &document.items, now).await?;
        rules::complete(&rules::gaps(&document.content.title, &document.items, reachable))?;

        let mut row = agreement_version::ActiveModel {
            status: Set(Status::Proposed),
            hash: Set(Some(document.digest()?)),
            hash_format: Set(canonical::FORMAT),
            proposed_by: Set(session.actor.party()),
            proposed_at: Set(Some(now)),
            row_version: Set(draft.row_version + 1),
            ..Default::default()
        };
        if let Some(assent) = Assent::of_proposer(session) {
            assent.write(&mut row);
        }
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
        agreement.touch(tx, session, agreement::Status::Proposed, draft.id).await?;
        let change = Change {
            kind: "agreement_version",
            subject: draft.id.0,
            before: Some(json!({ "status": Status::Draft })),
            after: Some(json!({ "status": Status::Proposed, "proposedBy": session.actor.party() })),
        };
        history::record(tx, session, (&*agreement).into(), ACTION, [change]).await?;
        act::emit(tx, session, [event(&agreement, "agreement.proposed", draft.id.0)]).await?;
        tell_patient(tx, session, &agreement, draft.id, "PLAN_PROPOSED").await?;
        Ok(Done::on(agreement.patient_id).with("agreement", agreement.id.0).with("version", draft.id.0))
    })
    .await
}
