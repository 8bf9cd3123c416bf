//! Whom and what a wording names: of the patient's own plan and of the care provider that has it.

use entity::{agreement, assignment, care_contact, care_unit, goal};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::ExprTrait};

use crate::{
    auth::policy::{self, Action},
    db::Tx,
    domain::agreement::canonical::{Document, ItemWording},
    error::{Problem, ProblemCode, Stop},
    session::Session,
};

/// Checks everything that the wording names, and fills in the unit of the person who is responsible. What stood in
/// `was` already may stand on: people leave and contacts end, and the plan still says what was agreed.
pub async fn resolve(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    document: &Document,
    was: Option<&ItemWording>,
    wording: &mut ItemWording,
) -> Result<(), Stop> {
    responsible(tx, session, agreement, was, wording).await?;
    contact(tx, session, agreement, was, wording).await?;
    goal_of_plan(tx, session, document, wording).await
}

/// The unit and person that answer for the item: of the care provider that has the agreement.
async fn responsible(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    was: Option<&ItemWording>,
    wording: &mut ItemWording,
) -> Result<(), Stop> {
    if let Some(id) = wording.responsible_unit {
        care_unit::Entity::find_by_id(id)
            .filter(care_unit::Column::CareProviderId.eq(agreement.care_provider_id))
            .one(tx)
            .await?
            .ok_or_else(|| Problem::not_found("responsibleUnitId"))?;
    }
    let Some(id) = wording.responsible_assignment else { return Ok(()) };
    let now = session.now();
    let mut person = assignment::Entity::find_by_id(id)
        .filter(assignment::Column::CareProviderId.eq(agreement.care_provider_id));
    if was.is_none_or(|was| was.responsible_assignment != Some(id)) {
        person = person
            .filter(assignment::Column::ValidFrom.lte(now))
            .filter(assignment::Column::ValidUntil.is_null().or(assignment::Column::ValidUntil.gt(now)));
    }
    let person = person.one(tx).await?.ok_or_else(|| Problem::not_found("responsibleAssignmentId"))?;
    if wording.responsible_unit.is_some_and(|unit| unit != person.care_unit_id) {
        return Err(Problem::input(
            "responsibleAssignmentId",
            "Personen arbetar inte på den mottagningen.",
            "The person does not work at that unit.",
        )
        .into());
    }
    wording.responsible_unit = Some(person.care_unit_id);
    Ok(())
}

/// A contact of the same patient that the writer can see, active unless it stood there already.
async fn contact(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    was: Option<&ItemWording>,
    wording: &ItemWording,
) -> Result<(), Stop> {
    let Some(id) = wording.responsible_contact else { return Ok(()) };
    if was.is_some_and(|was| was.responsible_contact == Some(id)) {
        return Ok(());
    }
    let field = "responsibleContactId";
    let found =
        policy::reach::<care_contact::Entity>(tx, &session.actor, Action::Read, id, field, session.now())
            .await?;
    if found.patient_id != agreement.patient_id || found.status != care_contact::Status::Active {
        return Err(Problem::not_found(field).into());
    }
    Ok(())
}

/// The goal is one of the same plan, and agreed if the plan is.
async fn goal_of_plan(
    tx: &Tx,
    session: &Session,
    document: &Document,
    wording: &ItemWording,
) -> Result<(), Stop> {
    let Some(id) = wording.goal else { return Ok(()) };
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
        "Målet står inte i planen. Koppla insatsen till det när det är godkänt.",
        "The goal is not part of the plan. Tie the item to it when it has been accepted.",
    )
    .at("goalId")
    .into())
}

/// A gap in a new item concerns the input, which gave the item no id.
pub fn named_by_input(mut stop: Stop, item: entity::PlanItemId) -> Stop {
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
