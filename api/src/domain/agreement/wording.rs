//! Wordings as they are written: a row for what is new, the same row for what a version takes over unchanged.

use std::collections::BTreeMap;

use entity::{
    AgreementVersionId, GoalId, GoalRevisionId, PlanItemId, PlanItemRevisionId, agreement, goal,
    goal_revision, plan_item, plan_item_revision, version_goal, version_item,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};

use super::{
    canonical::{Document, GoalWording, ItemWording},
    edit::Edit,
    version::Stored,
};
use crate::{
    crypto::Place,
    db::Tx,
    domain::act::by,
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Makes the goals and items that edits add: live, and only proposed.
pub async fn begin(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    edits: &[Edit],
) -> Result<(), Stop> {
    let (keys, now) = (&session.core.keys, session.now());
    let side = session.actor.party().ok_or_else(Problem::forbidden)?;
    for edit in edits {
        match edit {
            Edit::AddGoal(wording) => {
                goal::Entity::insert(goal::ActiveModel {
                    id: Set(wording.id),
                    agreement_id: Set(agreement.id),
                    patient_id: Set(agreement.patient_id),
                    care_unit_id: Set(agreement.care_unit_id),
                    care_provider_id: Set(agreement.care_provider_id),
                    status: Set(goal::Status::Proposed),
                    achievement: Set(goal::Achievement::InProgress),
                    set_by: Set(side),
                    created_at: Set(now),
                    row_version: Set(1),
                    ..Default::default()
                })
                .exec_without_returning(tx)
                .await?;
            }
            Edit::AddItem { wording, work_note } => {
                let place = Place::new("plan_item.work_note", wording.id.0);
                plan_item::Entity::insert(plan_item::ActiveModel {
                    id: Set(wording.id),
                    agreement_id: Set(agreement.id),
                    patient_id: Set(agreement.patient_id),
                    care_unit_id: Set(agreement.care_unit_id),
                    care_provider_id: Set(agreement.care_provider_id),
                    status: Set(plan_item::Status::Proposed),
                    proposed_by: Set(side),
                    work_note: Set(keys.seal_opt(place, work_note.as_deref())?),
                    created_at: Set(now),
                    row_version: Set(1),
                    ..Default::default()
                })
                .exec_without_returning(tx)
                .await?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes `version` hold the goals and items of `next`: a draft that held `was`, or a new version that takes over from
/// it. A wording that is as it was keeps its row.
pub async fn write(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    version: AgreementVersionId,
    was: &Stored,
    next: &Document,
) -> Result<(), Fault> {
    // A draft keeps its number.
    let new = was.document.number != next.number;
    let unchanged: BTreeMap<GoalId, &GoalWording> = was.document.goals.iter().map(|g| (g.id, g)).collect();
    let mut rows = Vec::new();
    for wording in &next.goals {
        let same = unchanged.get(&wording.id).is_some_and(|was| *was == wording);
        let revision = match was.goals.get(&wording.id) {
            Some(_) if same && !new => continue,
            Some(row) if same => *row,
            _ => goal_row(tx, session, agreement, wording).await?,
        };
        rows.push((wording.id, revision));
    }
    let gone = was.goals.keys().filter(|id| !next.goals.iter().any(|g| g.id == **id));
    let replaced: Vec<GoalId> =
        if new { Vec::new() } else { gone.copied().chain(rows.iter().map(|r| r.0)).collect() };
    if !replaced.is_empty() {
        version_goal::Entity::delete_many()
            .filter(version_goal::Column::VersionId.eq(version))
            .filter(version_goal::Column::GoalId.is_in(replaced))
            .exec(tx)
            .await?;
    }
    if !rows.is_empty() {
        version_goal::Entity::insert_many(rows.into_iter().map(|(goal, revision)| {
            version_goal::ActiveModel {
                version_id: Set(version),
                goal_id: Set(goal),
                goal_revision_id: Set(revision),
            }
        }))
        .exec_without_returning(tx)
        .await?;
    }

    let unchanged: BTreeMap<PlanItemId, &ItemWording> =
        was.document.items.iter().map(|i| (i.id, i)).collect();
    let mut rows = Vec::new();
    for wording in &next.items {
        let same = unchanged.get(&wording.id).is_some_and(|was| *was == wording);
        let revision = match was.items.get(&wording.id) {
            Some(_) if same && !new => continue,
            Some(row) if same => *row,
            _ => item_row(tx, session, agreement, wording).await?,
        };
        rows.push((wording.id, revision));
    }
    let gone = was.items.keys().filter(|id| !next.items.iter().any(|i| i.id == **id));
    let replaced: Vec<PlanItemId> =
        if new { Vec::new() } else { gone.copied().chain(rows.iter().map(|r| r.0)).collect() };
    if !replaced.is_empty() {
        version_item::Entity::delete_many()
            .filter(version_item::Column::VersionId.eq(version))
            .filter(version_item::Column::PlanItemId.is_in(replaced))
            .exec(tx)
            .await?;
    }
    if !rows.is_empty() {
        version_item::Entity::insert_many(rows.into_iter().map(|(item, revision)| {
            version_item::ActiveModel {
                version_id: Set(version),
                plan_item_id: Set(item),
                plan_item_revision_id: Set(revision),
            }
        }))
        .exec_without_returning(tx)
        .await?;
    }
    Ok(())
}

async fn goal_row(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    wording: &GoalWording,
) -> Result<GoalRevisionId, Fault> {
    let id = GoalRevisionId(session.core.clock.uuid());
    let (by_kind, by_id) = by(session);
    goal_revision::Entity::insert(goal_revision::ActiveModel {
        id: Set(id),
        goal_id: Set(wording.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        text: Set(session.core.keys.seal(Place::new("goal_revision.text", id.0), &wording.text)?),
        priority: Set(wording.priority),
        target_on: Set(wording.target_on),
        by_kind: Set(by_kind),
        by_id: Set(by_id),
        created_at: Set(session.now()),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(id)
}

async fn item_row(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    wording: &ItemWording,
) -> Result<PlanItemRevisionId, Fault> {
    let keys = &session.core.keys;
    let id = PlanItemRevisionId(session.core.clock.uuid());
    let seal = |column, text: &Option<String>| keys.seal_opt(Place::new(column, id.0), text.as_deref());
    let (by_kind, by_id) = by(session);
    plan_item_revision::Entity::insert(plan_item_revision::ActiveModel {
        id: Set(id),
        plan_item_id: Set(wording.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        category: Set(wording.category),
        title: Set(keys.seal(Place::new("plan_item_revision.title", id.0), &wording.title)?),
        description: Set(seal("plan_item_revision.description", &wording.description)?),
        owner: Set(wording.owner),
        relative_name: Set(seal("plan_item_revision.relative_name", &wording.relative_name)?),
        timing: Set(wording.timing),
        due_on: Set(wording.due_on),
        starts_on: Set(wording.starts_on),
        recurrence: Set(wording.recurrence.clone()),
        trigger: Set(seal("plan_item_revision.trigger", &wording.trigger)?),
        responsible_unit_id: Set(wording.responsible_unit),
        responsible_assignment_id: Set(wording.responsible_assignment),
        responsible_contact_id: Set(wording.responsible_contact),
        goal_id: Set(wording.goal),
        result_how: Set(seal("plan_item_revision.result_how", &wording.result_how)?),
        result_by: Set(wording.result_by),
        by_kind: Set(by_kind),
        by_id: Set(by_id),
        created_at: Set(session.now()),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(id)
}
