//! Wordings as they are written: a row for what is new, the same row for what a version takes over unchanged.

use std::collections::{BTreeMap, BTreeSet};

use entity::{
    AgreementVersionId, GoalRevisionId, PlanItemRevisionId, agreement, goal, goal_revision, plan_item,
    plan_item_revision, version_goal, version_item,
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
    let (members, replaced) = carried(new, &was.goals, &was.document.goals, &next.goals, |w| w.id);
    if !replaced.is_empty() {
        version_goal::Entity::delete_many()
            .filter(version_goal::Column::VersionId.eq(version))
            .filter(version_goal::Column::GoalId.is_in(replaced))
            .exec(tx)
            .await?;
    }
    let mut rows = Vec::with_capacity(members.len());
    for (wording, revision) in members {
        let revision = match revision {
            Some(revision) => revision,
            None => goal_row(tx, session, agreement, wording).await?,
        };
        rows.push(version_goal::ActiveModel {
            version_id: Set(version),
            goal_id: Set(wording.id),
            goal_revision_id: Set(revision),
        });
    }
    if !rows.is_empty() {
        version_goal::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    let (members, replaced) = carried(new, &was.items, &was.document.items, &next.items, |w| w.id);
    if !replaced.is_empty() {
        version_item::Entity::delete_many()
            .filter(version_item::Column::VersionId.eq(version))
            .filter(version_item::Column::PlanItemId.is_in(replaced))
            .exec(tx)
            .await?;
    }
    let mut rows = Vec::with_capacity(members.len());
    for (wording, revision) in members {
        let revision = match revision {
            Some(revision) => revision,
            None => item_row(tx, session, agreement, wording).await?,
        };
        rows.push(version_item::ActiveModel {
            version_id: Set(version),
            plan_item_id: Set(wording.id),
            plan_item_revision_id: Set(revision),
        });
    }
    if !rows.is_empty() {
        version_item::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// The wordings that a version gets as members, with the row of each that has one, and the members of a draft that go
/// first. A new version takes every wording; in a draft what is as it was stays untouched.
fn carried<'n, Id: Ord + Copy, Revision: Copy, Wording: PartialEq>(
    new: bool,
    stored: &BTreeMap<Id, Revision>,
    was: &[Wording],
    next: &'n [Wording],
    id: fn(&Wording) -> Id,
) -> (Vec<(&'n Wording, Option<Revision>)>, Vec<Id>) {
    let was: BTreeMap<Id, &Wording> = was.iter().map(|wording| (id(wording), wording)).collect();
    let same = |wording: &Wording| was.get(&id(wording)).is_some_and(|was| *was == wording);
    let row = |wording: &Wording| stored.get(&id(wording)).copied().filter(|_| same(wording));
    let all = next.iter().map(|wording| (wording, row(wording)));
    if new {
        return (all.collect(), Vec::new());
    }
    let members: Vec<_> = all.filter(|(_, row)| row.is_none()).collect();
    let kept: BTreeSet<Id> = next.iter().map(id).collect();
    let gone = stored.keys().filter(|key| !kept.contains(key)).copied();
    let replaced = gone.chain(members.iter().map(|(wording, _)| id(wording))).collect();
    (members, replaced)
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
