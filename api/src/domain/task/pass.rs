//! Passing a task to another unit of the same care provider. Why stays in the history.

use entity::{
    AgreementRequestId, AssignmentId, CareUnitId, ContactRequestId, TaskId, ThreadId, care_unit, phone_call,
    task::{self, Kind},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde::Serialize;
use serde_json::{Value, json};

use super::{change, end_relation, event, relation_to};
use crate::{
    auth::policy::{self, Action},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        contact::request_pass,
        history::{self, Change, Owner},
        relation, request, text,
        thread::follow,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// To whom, and why.
#[derive(Clone, Debug, Serialize)]
pub struct Pass {
    pub task: TaskId,
    pub care_unit: CareUnitId,
    pub reason: String,
    pub expected_row_version: i32,
}

const ACTION: &str = "taskPass";

/// From now on the other unit must act: nobody there has it yet, unless it is a conversation with a role that is held there,
/// and its manager has not been told. By when stays.
pub async fn pass(session: &Session, key: &str, cmd: &Pass) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let now = session.now();
        let task = policy::task(tx, &session.actor, Action::Pass, cmd.task, "taskId", now).await?;
        if task.row_version != cmd.expected_row_version {
            return Err(Problem::stale().into());
        }
        hand_over(tx, session, &task, cmd.care_unit, &cmd.reason, ACTION).await?;
        Ok(Done::on(task.patient_id).with("task", task.id.0))
    })
    .await
}

/// Gives the task to another unit of the same care provider, and what it is about goes with it.
pub async fn hand_over(
    tx: &Tx,
    session: &Session,
    task: &task::Model,
    to: CareUnitId,
    reason: &str,
    action: &'static str,
) -> Result<(), Stop> {
    let mut problems = Vec::new();
    let reason = text::required("reason", reason, text::TEXT, &mut problems);
    let to = care_unit::Entity::find_by_id(to)
        .filter(care_unit::Column::CareProviderId.eq(task.care_provider_id))
        .one(tx)
        .await?;
    match &to {
        None => problems.push(Problem::not_found("careUnitId")),
        Some(to) if to.id == task.care_unit_id => problems.push(Problem::input(
            "careUnitId",
            "Uppgiften ligger redan hos den enheten.",
            "The task is with that unit already.",
        )),
        Some(_) => {}
    }
    let Some(to) = to.filter(|_| problems.is_empty()) else { return Err(problems.into()) };
    // Whoever ends a request, or answers a message, holds it before its task.
    let mut thread = None;
    match task.kind {
        Kind::AgreementRequest => drop(request::hold(tx, AgreementRequestId(task.subject_id)).await?),
        Kind::AppointContact => drop(request_pass::hold(tx, ContactRequestId(task.subject_id)).await?),
        Kind::UnansweredMessage => thread = Some(follow::hold(tx, ThreadId(task.subject_id)).await?),
        _ => {}
    }
    let row = task::ActiveModel {
        care_unit_id: Set(to.id),
        assignee_id: Set(None),
        instead_of_id: Set(None),
        raised_to_manager_at: Set(None),
        ..Default::default()
    };
    change(tx, task, task.row_version, row).await?;
    let after = json!({ "careUnit": to.id, "assignee": null, "reason": reason });
    let owner = moved(tx, session, action, task, to.id, after).await?;
    match task.kind {
        Kind::AgreementRequest => request::passed_on(tx, session, task, to.id, &reason).await?,
        Kind::AppointContact => request_pass::follow(tx, session, task, to.id, &reason).await?,
        // Who is to call writes down what came of it.
        Kind::Call => {
            phone_call::Entity::update_many()
                .col_expr(phone_call::Column::CareUnitId, Expr::value(to.id))
                .filter(phone_call::Column::Id.eq(task.subject_id))
                .filter(phone_call::Column::PatientId.eq(task.patient_id))
                .exec(tx)
                .await?;
        }
        _ => {}
    }
    if let Some(thread) = thread {
        follow::follow(tx, session, thread, task, to.id, action).await?;
    }
    act::emit(tx, session, [event("task.passed", owner, task.id)]).await?;
    Ok(())
}

/// Writes down that the task is another unit's, with what is said of it `after`, and lets that unit see whom it is about.
/// Gives whose it is now.
async fn moved(
    tx: &Tx,
    session: &Session,
    action: &'static str,
    task: &task::Model,
    to: CareUnitId,
    after: Value,
) -> Result<Owner, Fault> {
    let from = Owner::from(task);
    let owner = Owner { care_unit: to, ..from };
    let entry = Change {
        kind: "task",
        subject: task.id.0,
        before: Some(json!({ "careUnit": task.care_unit_id, "assignee": task.assignee_id })),
        after: Some(after),
    };
    history::record(tx, session, from, action, [entry]).await?;
    end_relation(tx, task.patient_id, task.id, session.now() + super::RELATION_AFTER).await?;
    relation::open(tx, session, &relation_to(session, owner, task.id)).await?;
    Ok(owner)
}

/// Tells that the task has gone to somebody at another unit of the same care provider, whose turn it is to do it.
pub(in crate::domain) async fn went(
    tx: &Tx,
    session: &Session,
    action: &'static str,
    task: &task::Model,
    to: CareUnitId,
    assignee: Option<AssignmentId>,
) -> Result<(), Fault> {
    let after = json!({ "careUnit": to, "assignee": assignee });
    let owner = moved(tx, session, action, task, to, after).await?;
    act::emit(tx, session, [event("task.passed", owner, task.id)]).await
}
