//! Handing over everything somebody has to do: when they leave, or are away for long.

use entity::{AssignmentId, CareUnitId, assignment, task};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use super::{assign::assigned, change, colleague};
use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::act::{self, Done, Receipt},
    error::{Fault, Problem, Stop},
    session::Session,
};

/// From whom to whom.
#[derive(Clone, Debug, Serialize)]
pub struct Handover {
    pub from: AssignmentId,
    pub to: AssignmentId,
}

/// The most tasks that are handed over at a time. More than that are handed over by asking again.
pub const MOST: u64 = 200;

const ACTION: &str = "taskHandover";

/// Under which name the receipt keeps the `n`th task.
pub fn receipt_name(n: usize) -> String {
    format!("task{n}")
}

/// Gives the open tasks of one assignment at the caller's unit to another one there, those due first before others.
pub async fn handover(session: &Session, key: &str, cmd: &Handover) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let staff = policy::as_staff(&session.actor, Noun::Task, Action::Assign)?;
        // Who leaves may have left already.
        let from = assignment::Entity::find_by_id(cmd.from)
            .filter(assignment::Column::CareUnitId.eq(staff.care_unit))
            .one(tx)
            .await?
            .ok_or_else(|| Problem::not_found("fromId"))?;
        let to = colleague(tx, session, staff.care_unit, cmd.to, "toId").await?;
        if from.id == to.id {
            return Err(Problem::input(
                "toId",
                "Välj någon annan att lämna över till.",
                "Choose somebody else to hand over to.",
            )
            .into());
        }
        let tasks = give(tx, session, staff.care_unit, (from.id, to.id), ACTION).await?;
        let mut done = Done::on_all(tasks.iter().map(|task| task.patient_id));
        for (n, task) in tasks.iter().enumerate() {
            done = done.with(&receipt_name(n), task.id.0);
        }
        Ok(done)
    })
    .await
}

/// Gives the open tasks of one person at a unit to another there, and tells which, those due first before others.
pub async fn give(
    tx: &Tx,
    session: &Session,
    unit: CareUnitId,
    (from, to): (AssignmentId, AssignmentId),
    action: &'static str,
) -> Result<Vec<task::Model>, Stop> {
    let tasks = task::Entity::find()
        .filter(task::Column::AssigneeId.eq(from))
        .filter(task::Column::Status.eq(task::Status::Open))
        .filter(task::Column::CareUnitId.eq(unit))
        .order_by_asc(task::Column::DueAt)
        .order_by_asc(task::Column::Id)
        .limit(MOST)
        .all(tx)
        .await?;
    for task in &tasks {
        let row =
            task::ActiveModel { assignee_id: Set(Some(to)), instead_of_id: Set(None), ..Default::default() };
        change(tx, task, task.row_version, row).await?;
        assigned(tx, session, action, task, Some(to)).await?;
    }
    Ok(tasks)
}
