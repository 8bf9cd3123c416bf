//! Proposing a plan item: into the draft, or on top of what is in force, which it then waits to replace.

use entity::{
    AssignmentId, CareUnitId, PlanItemId, PlanItemRevisionId, agreement, assignment, care_unit, goal,
    plan_item, plan_item_revision,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::ExprTrait};
use serde_json::json;

pub use super::rules::Propose;
use super::rules::{self, Checked};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt, by},
        agreement::{
            addition::{self, Added},
            canonical::{Document, ItemWording},
            rules::{self as life, Addition},
            version::{self, Locked, event},
        },
        history::{self, Change},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

const ACTION: &str = "planItemPropose";

/// Proposes an item. On an agreement in force it is the proposer's assent to the next version.
pub async fn propose(session: &Session, key: &str, cmd: &Propose) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        policy::check(actor, Noun::PlanItem, Action::Propose)?;
        if cmd.work_note.is_some() && policy::check(actor, Noun::WorkNote, Action::Read).is_err() {
            return Err(Problem::forbidden().at("workNote").into());
        }
        let granted =
            policy::reach::<agreement::Entity>(tx, actor, Action::Propose, cmd.agreement, "agreementId", now)
                .await?;
        let checked = rules::check(cmd, to_local(now).date_naive())?;
        let mut agreement = Locked::take(tx, &granted).await?;
        let place = life::addition(agreement.status)?;
        let current = agreement.current(tx).await?;
        let document = version::document(tx, &session.core.keys, &current).await?;
        let (unit, assignment) = responsible(tx, session, &agreement, cmd).await?;
        goal_of_plan(tx, session, &document, cmd).await?;

        let wording = ItemWording {
            id: PlanItemId(session.core.clock.uuid()),
            category: cmd.category,
            title: checked.title.clone(),
            description: checked.description.clone(),
            owner: cmd.owner,
            timing: checked.timing,
            due_on: checked.due_on,
            starts_on: checked.starts_on,
            recurrence: checked.recurrence.clone(),
            trigger: checked.trigger.clone(),
            responsible_unit: unit,
            responsible_assignment: assignment,
            goal: cmd.goal,
            result_how: checked.result_how.clone(),
            result_by: cmd.result_by,
        };
        let revision = insert(tx, session, &agreement, &wording, &checked).await?;
        let item = wording.id;
        let after = json!({ "wording": wording, "status": plan_item::Status::Proposed, "workNote": checked.work_note });
        let added = Added::Item { wording: Box::new(wording), revision };
        let version = match place {
            Addition::ToDraft => {
                addition::add_to_draft(tx, session, &mut agreement, &current, &document, &added).await?;
                current.id
            }
            Addition::AsProposal => {
                addition::propose_successor(tx, session, &mut agreement, &current, document, &added)
                    .await
                    .map_err(|stop| named_by_input(stop, item))?
            }
        };
        let change = Change { kind: "plan_item", subject: item.0, before: None, after: Some(after) };
        history::record(tx, session, (&*agreement).into(), ACTION, [change]).await?;
        let mut events = vec![event(&agreement, "plan_item.proposed", item.0)];
        if place == Addition::AsProposal {
            events.push(event(&agreement, "agreement.proposed", version.0));
        }
        act::emit(tx, session, events).await?;
        Ok(Done::on(agreement.patient_id)
            .with("planItem", item.0)
            .with("agreement", agreement.id.0)
            .with("version", version.0))
    })
    .await
}

/// A gap in the new item concerns the input, which gave the item no id.
fn named_by_input(mut stop: Stop, item: PlanItemId) -> Stop {
    let prefix = format!("planItems.{}.", item.0);
    if let Stop::Refused(problems) = &mut stop {
        for problem in problems {
            if let Some(part) = problem.field.as_deref().and_then(|f| f.strip_prefix(&prefix)) {
                problem.field = Some(part.to_owned());
            }
        }
    }
    stop
}

/// The unit and person that answer for the item: of the care provider that has the agreement.
async fn responsible(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    cmd: &Propose,
) -> Result<(Option<CareUnitId>, Option<AssignmentId>), Stop> {
    let mut unit = cmd.responsible_unit;
    if let Some(id) = unit {
        care_unit::Entity::find_by_id(id)
            .filter(care_unit::Column::CareProviderId.eq(agreement.care_provider_id))
            .one(tx)
            .await?
            .ok_or_else(|| Problem::not_found("responsibleUnitId"))?;
    }
    if let Some(id) = cmd.responsible_assignment {
        let now = session.now();
        let person = assignment::Entity::find_by_id(id)
            .filter(assignment::Column::CareProviderId.eq(agreement.care_provider_id))
            .filter(assignment::Column::ValidFrom.lte(now))
            .filter(assignment::Column::ValidUntil.is_null().or(assignment::Column::ValidUntil.gt(now)))
            .one(tx)
            .await?
            .ok_or_else(|| Problem::not_found("responsibleAssignmentId"))?;
        if unit.is_some_and(|unit| unit != person.care_unit_id) {
            return Err(Problem::input(
                "responsibleAssignmentId",
                "Personen arbetar inte på den mottagningen.",
                "The person does not work at that unit.",
            )
            .into());
        }
        unit = Some(person.care_unit_id);
    }
    Ok((unit, cmd.responsible_assignment))
}

/// The goal is one of the same plan, and agreed if the plan is.
async fn goal_of_plan(tx: &Tx, session: &Session, document: &Document, cmd: &Propose) -> Result<(), Stop> {
    let Some(id) = cmd.goal else { return Ok(()) };
    if document.goals.iter().any(|g| g.id == id) {
        return Ok(());
    }
    let goal =
        policy::reach::<goal::Entity>(tx, &session.actor, Action::Read, id, "goalId", session.now()).await?;
    if goal.agreement_id != document.agreement {
        return Err(Problem::not_found("goalId").into());
    }
    Err(Problem::new(
        ProblemCode::WrongState,
        "Målet är bara föreslaget. Koppla insatsen till det när det är godkänt.",
        "The goal is only proposed. Tie the item to it when it has been accepted.",
    )
    .at("goalId")
    .into())
}

async fn insert(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    wording: &ItemWording,
    checked: &Checked,
) -> Result<PlanItemRevisionId, Stop> {
    let (keys, now) = (&session.core.keys, session.now());
    let proposed_by = session.actor.party().ok_or_else(Problem::forbidden)?;
    plan_item::Entity::insert(plan_item::ActiveModel {
        id: Set(wording.id),
        agreement_id: Set(agreement.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        status: Set(plan_item::Status::Proposed),
        proposed_by: Set(proposed_by),
        work_note: Set(
            keys.seal_opt(Place::new("plan_item.work_note", wording.id.0), checked.work_note.as_deref())?
        ),
        created_at: Set(now),
        row_version: Set(1),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
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
        timing: Set(wording.timing),
        due_on: Set(wording.due_on),
        starts_on: Set(wording.starts_on),
        recurrence: Set(wording.recurrence.clone()),
        trigger: Set(seal("plan_item_revision.trigger", &wording.trigger)?),
        responsible_unit_id: Set(wording.responsible_unit),
        responsible_assignment_id: Set(wording.responsible_assignment),
        goal_id: Set(wording.goal),
        result_how: Set(seal("plan_item_revision.result_how", &wording.result_how)?),
        result_by: Set(wording.result_by),
        by_kind: Set(by_kind),
        by_id: Set(by_id),
        created_at: Set(now),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(id)
}
