//! Raising and ending many tasks at once: what one act brings about for hundreds of patients costs as many statements
//! as for one.

use std::collections::HashSet;

use entity::{
    PatientId, TaskId, care_relation, patient,
    task::{self, Status},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{CaseStatement, Expr, ExprTrait, LockType, OnConflict},
};
use serde_json::json;

use super::{Ending, RELATION_AFTER, Raise, event, relation_to, sealed, words::Words};
use crate::{
    auth::actor::Actor,
    db::{Tx, insert_all},
    domain::{
        act,
        history::{self, Change, Owner},
        relation,
    },
    error::Fault,
    session::Session,
};

/// Tasks that one statement ends.
const ENDED_AT_ONCE: usize = 200;

/// Raises each task, unless one of its kind about its subject is open. Gives the new ones, and whom each is about. Sweeps
/// raise nothing about the dead.
pub async fn raise_all(
    tx: &Tx,
    session: &Session,
    wanted: &[Raise],
) -> Result<Vec<(TaskId, PatientId)>, Fault> {
    let alive = alive(tx, session, wanted).await?;
    let wanted =
        wanted.iter().filter(|raise| alive.as_ref().is_none_or(|a| a.contains(&raise.owner.patient)));
    let mut new: Vec<(TaskId, &Raise)> =
        wanted.map(|raise| (TaskId(session.core.clock.uuid()), raise)).collect();
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let rows = new.iter().map(|(id, raise)| row(session, *id, raise)).collect::<Result<Vec<_>, Fault>>()?;
    // Whichever key is taken: that of the kind and subject holds for open tasks only, and has no name to conflict on.
    let nothing = OnConflict::new().do_nothing().to_owned();
    let stored = insert_all::<task::Entity>(tx, rows, Some(nothing)).await?;
    if stored == 0 {
        return Ok(Vec::new());
    }
    if stored < new.len() as u64 {
        let stored: Vec<TaskId> = task::Entity::find()
            .select_only()
            .column(task::Column::Id)
            .filter(task::Column::Id.is_in(new.iter().map(|(id, _)| *id)))
            .into_tuple()
            .all(tx)
            .await?;
        let stored: HashSet<TaskId> = stored.into_iter().collect();
        new.retain(|(id, _)| stored.contains(id));
    }
    let told = new.iter().map(|(id, raise)| {
        let after = json!({
            "kind": raise.kind, "status": Status::Open, "dueAt": raise.due_at, "assignee": raise.assignee,
            "note": raise.note,
        });
        (raise.owner, Change { kind: "task", subject: id.0, before: None, after: Some(after) })
    });
    history::record_each(tx, session, "taskRaise", told.collect()).await?;
    let openings: Vec<_> = new.iter().map(|(id, raise)| relation_to(session, raise.owner, *id)).collect();
    relation::open_all(tx, session, &openings).await?;
    let events = new.iter().map(|(id, raise)| event("task.raised", raise.owner, *id));
    act::emit(tx, session, events.collect::<Vec<_>>()).await?;
    Ok(new.into_iter().map(|(id, raise)| (id, raise.owner.patient)).collect())
}

/// Those of the patients that live, where it is the service itself that raises; none where somebody acts, who knows.
async fn alive(tx: &Tx, session: &Session, wanted: &[Raise]) -> Result<Option<HashSet<PatientId>>, Fault> {
    if session.actor != Actor::System {
        return Ok(None);
    }
    let alive: Vec<PatientId> = patient::Entity::find()
        .select_only()
        .column(patient::Column::Id)
        .filter(patient::Column::Id.is_in(wanted.iter().map(|raise| raise.owner.patient)))
        .filter(patient::Column::DeceasedOn.is_null())
        .into_tuple()
        .all(tx)
        .await?;
    Ok(Some(alive.into_iter().collect()))
}

fn row(session: &Session, id: TaskId, raise: &Raise) -> Result<task::ActiveModel, Fault> {
    let (created_by_kind, created_by_id) = act::by(session);
    Ok(task::ActiveModel {
        id: Set(id),
        patient_id: Set(raise.owner.patient),
        care_unit_id: Set(raise.owner.care_unit),
        care_provider_id: Set(raise.owner.care_provider),
        kind: Set(raise.kind),
        subject_id: Set(raise.subject),
        agreement_id: Set(raise.owner.agreement),
        assignee_id: Set(raise.assignee),
        instead_of_id: Set(None),
        note: Set(sealed(session, "task.note", id, raise.note.as_ref())?),
        due_at: Set(raise.due_at),
        raised_to_manager_at: Set(None),
        status: Set(Status::Open),
        created_by_kind: Set(created_by_kind),
        created_by_id: Set(created_by_id),
        created_at: Set(session.now()),
        ended_at: Set(None),
        ended_by_kind: Set(None),
        ended_by_id: Set(None),
        ending: Set(None),
        row_version: Set(1),
    })
}

/// A task that ends, as it was read, and how.
#[derive(Clone, Debug)]
pub struct Closing<'a> {
    pub task: &'a task::Model,
    pub ending: Ending,
    pub words: Option<Words>,
}

/// Ends each task. One that somebody else has ended or changed meanwhile stays as they left it.
pub async fn close_all(tx: &Tx, session: &Session, mut closings: Vec<Closing<'_>>) -> Result<(), Fault> {
    if closings.is_empty() {
        return Ok(());
    }
    let held: Vec<(TaskId, i32)> = task::Entity::find()
        .select_only()
        .columns([task::Column::Id, task::Column::RowVersion])
        .filter(task::Column::Id.is_in(closings.iter().map(|closing| closing.task.id)))
        .filter(task::Column::Status.eq(Status::Open))
        .order_by_asc(task::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple()
        .all(tx)
        .await?;
    let held: HashSet<(TaskId, i32)> = held.into_iter().collect();
    closings.retain(|closing| held.contains(&(closing.task.id, closing.task.row_version)));
    if closings.is_empty() {
        return Ok(());
    }
    closings.sort_by_key(|closing| closing.ending.status().as_str());
    for alike in closings.chunk_by(|one, next| one.ending == next.ending) {
        for some in alike.chunks(ENDED_AT_ONCE) {
            write_ends(tx, session, some).await?;
        }
    }
    let told = closings.iter().map(|closing| ended(closing.task, closing.ending, closing.words.as_ref()));
    history::record_each(tx, session, "taskEnd", told.collect()).await?;
    let patients: Vec<PatientId> = closings.iter().map(|closing| closing.task.patient_id).collect();
    let subjects: Vec<_> = closings.iter().map(|closing| closing.task.id.0).collect();
    let until = session.now() + RELATION_AFTER;
    relation::end_all(tx, &patients, care_relation::Source::Task, &subjects, until).await?;
    let events = closings.iter().map(|closing| event("task.ended", closing.task.into(), closing.task.id));
    act::emit(tx, session, events.collect::<Vec<_>>()).await
}

/// The columns of the end of tasks that end alike. Each has its own words, sealed for its row.
async fn write_ends(tx: &Tx, session: &Session, closings: &[Closing<'_>]) -> Result<(), Fault> {
    use task::Column as C;
    let Some(first) = closings.first() else { return Ok(()) };
    let (by_kind, by_id) = act::by(session);
    let mut words = CaseStatement::new();
    let mut some = false;
    for closing in closings {
        if let Some(sealed) = sealed(session, "task.ending", closing.task.id, closing.words.as_ref())? {
            words = words.case(Condition::all().add(C::Id.eq(closing.task.id)), Expr::value(sealed));
            some = true;
        }
    }
    let mut end = task::Entity::update_many()
        .set(task::ActiveModel {
            status: Set(first.ending.status()),
            ended_at: Set(Some(session.now())),
            ended_by_kind: Set(Some(by_kind)),
            ended_by_id: Set(Some(by_id)),
            ..Default::default()
        })
        .col_expr(C::RowVersion, Expr::col(C::RowVersion).add(1));
    if some {
        end = end.col_expr(C::Ending, words.into());
    }
    end.filter(C::Id.is_in(closings.iter().map(|closing| closing.task.id))).exec(tx).await?;
    Ok(())
}

/// What the history tells of a task's end.
pub(super) fn ended(row: &task::Model, ending: Ending, words: Option<&Words>) -> (Owner, Change) {
    let change = Change {
        kind: "task",
        subject: row.id.0,
        before: Some(json!({ "kind": row.kind, "status": Status::Open })),
        after: Some(json!({ "kind": row.kind, "status": ending.status(), "ending": words })),
    };
    (row.into(), change)
}
