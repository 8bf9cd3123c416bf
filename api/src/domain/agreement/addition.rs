//! Changing an agreement by adding to it: in the draft, or in a proposed successor of the version in force.

use entity::{
    AgreementVersionId, agreement,
    agreement_version::{self, Status},
    version_goal, version_item,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder};

use super::{
    canonical::{self, Document, GoalWording, ItemWording},
    consent::Assent,
    rules,
    version::{Locked, someone_to_turn_to, tell_patient},
};
use crate::{
    crypto::Place,
    db::Tx,
    error::{Fault, Problem, Stop},
    session::Session,
};

/// A wording that is new, with the revision row it stands in.
#[derive(Clone, Debug)]
pub enum Added {
    Goal { wording: GoalWording, revision: entity::GoalRevisionId },
    Item { wording: Box<ItemWording>, revision: entity::PlanItemRevisionId },
}

impl Added {
    fn counts(&self) -> (usize, usize) {
        match self {
            Self::Goal { .. } => (1, 0),
            Self::Item { .. } => (0, 1),
        }
    }

    /// Makes the wording part of a version.
    async fn join(&self, tx: &Tx, version: AgreementVersionId) -> Result<(), Fault> {
        match self {
            Self::Goal { wording, revision } => {
                version_goal::Entity::insert(version_goal::ActiveModel {
                    version_id: Set(version),
                    goal_id: Set(wording.id),
                    goal_revision_id: Set(*revision),
                })
                .exec_without_returning(tx)
                .await?;
            }
            Self::Item { wording, revision } => {
                version_item::Entity::insert(version_item::ActiveModel {
                    version_id: Set(version),
                    plan_item_id: Set(wording.id),
                    plan_item_revision_id: Set(*revision),
                })
                .exec_without_returning(tx)
                .await?;
            }
        }
        Ok(())
    }
}

/// Adds to the draft.
pub async fn add_to_draft(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    draft: &agreement_version::Model,
    document: &Document,
    added: &Added,
) -> Result<(), Stop> {
    let (goals, items) = added.counts();
    rules::fits(document.goals.len() + goals, document.items.len() + items)?;
    added.join(tx, draft.id).await?;
    let changed = agreement_version::Entity::update_many()
        .set(agreement_version::ActiveModel { row_version: Set(draft.row_version + 1), ..Default::default() })
        .filter(agreement_version::Column::Id.eq(draft.id))
        .filter(agreement_version::Column::Status.eq(Status::Draft))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Err(Problem::stale().into());
    }
    agreement.touch(tx, session, agreement::Status::Draft, draft.id).await
}

/// Proposes the version in force plus one change: the adder's assent to exactly that. The base stays in force.
pub async fn propose_successor(
    tx: &Tx,
    session: &Session,
    agreement: &mut Locked,
    base: &agreement_version::Model,
    mut document: Document,
    added: &Added,
) -> Result<AgreementVersionId, Stop> {
    let (now, keys) = (session.now(), &session.core.keys);
    let open = agreement_version::Entity::find()
        .filter(agreement_version::Column::AgreementId.eq(agreement.id))
        .filter(agreement_version::Column::BaseVersionId.eq(base.id))
        .filter(agreement_version::Column::Status.eq(Status::Proposed))
        .count(tx)
        .await?;
    rules::few_proposals(open)?;
    let newest = agreement_version::Entity::find()
        .filter(agreement_version::Column::AgreementId.eq(agreement.id))
        .order_by_desc(agreement_version::Column::Number)
        .one(tx)
        .await?
        .map_or(0, |v| v.number);
    match added {
        Added::Goal { wording, .. } => document.goals.push(wording.clone()),
        Added::Item { wording, .. } => document.items.push((**wording).clone()),
    }
    rules::fits(document.goals.len(), document.items.len())?;
    let reachable = someone_to_turn_to(tx, agreement, &document.items, now).await?;
    rules::complete(&rules::gaps(&document.content.title, &document.items, reachable))?;
    document.number = newest + 1;
    document.base = Some(base.id);

    let id = AgreementVersionId(session.core.clock.uuid());
    let content = serde_json::to_string(&document.content).map_err(Fault::internal)?;
    let mut row = agreement_version::ActiveModel {
        id: Set(id),
        agreement_id: Set(agreement.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        number: Set(document.number),
        base_version_id: Set(document.base),
        status: Set(Status::Proposed),
        content: Set(keys.seal(Place::new("agreement_version.content", id.0), &content)?),
        hash: Set(Some(document.digest()?)),
        hash_format: Set(canonical::FORMAT),
        proposed_by: Set(session.actor.party()),
        proposed_at: Set(Some(now)),
        patient_assent_at: Set(None),
        patient_assent_kind: Set(None),
        patient_assent_id: Set(None),
        care_assent_at: Set(None),
        care_assent_id: Set(None),
        created_at: Set(now),
        row_version: Set(1),
    };
    if let Some(assent) = Assent::of_proposer(session) {
        assent.write(&mut row);
    }
    agreement_version::Entity::insert(row).exec_without_returning(tx).await?;
    copy_members(tx, base.id, id).await?;
    added.join(tx, id).await?;
    let (status, current) = (agreement.status, agreement.current_version_id);
    agreement.touch(tx, session, status, current).await?;
    tell_patient(tx, session, agreement, id, "PLAN_PROPOSED").await?;
    Ok(id)
}

/// The goals and items of a version, made part of another one.
async fn copy_members(tx: &Tx, from: AgreementVersionId, to: AgreementVersionId) -> Result<(), Fault> {
    let goals = version_goal::Entity::find().filter(version_goal::Column::VersionId.eq(from)).all(tx).await?;
    if !goals.is_empty() {
        let rows = goals.into_iter().map(|m| version_goal::ActiveModel {
            version_id: Set(to),
            goal_id: Set(m.goal_id),
            goal_revision_id: Set(m.goal_revision_id),
        });
        version_goal::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    let items = version_item::Entity::find().filter(version_item::Column::VersionId.eq(from)).all(tx).await?;
    if !items.is_empty() {
        let rows = items.into_iter().map(|m| version_item::ActiveModel {
            version_id: Set(to),
            plan_item_id: Set(m.plan_item_id),
            plan_item_revision_id: Set(m.plan_item_revision_id),
        });
        version_item::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}
