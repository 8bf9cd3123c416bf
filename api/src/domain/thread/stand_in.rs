//! The task of answering goes to whoever steps in for somebody who is away, and back when they are at work again.
//!
//! It goes at once where an absence is registered, and comes back at once where it is called off; where it begins or ends
//! by itself, the sweep does the same. It goes to where whoever steps in works, and lets that unit see the patient. Where
//! nobody steps in, the task is the unit's meanwhile. Whoever takes it, or is given it by somebody, keeps it.

use entity::{AssignmentId, CareUnitId, TaskId, task, thread};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, Value};
use uuid::Uuid;

use super::answerer::{self, Whose, also_away, may_have_it, no_reach, steps_in};
use crate::{
    db::Tx,
    domain::task::{assign::assigned, pass::went},
    error::Fault,
    session::Session,
};

/// Tasks that move in one transaction.
const BATCH: usize = 100;
/// Transactions of one sweep at most.
const ROUNDS: usize = 20;

/// Gives the tasks of answering back to those who are at work again, and takes them from those who are away or have
/// left. Gives how many moved.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    let mut moved = 0;
    for _ in 0..ROUNDS {
        let now = session
            .core
            .db
            .write(async |tx| -> Result<usize, Fault> {
                Ok(hand_back(tx, session, None).await? + hand_on(tx, session, None).await?)
            })
            .await?;
        moved += now;
        if now < BATCH {
            break;
        }
    }
    Ok(moved)
}

/// Joins to a task `k` about a thread `t` the contact `c` in whose role the assignment `$who` answers it.
macro_rules! own_role {
    ($who:literal) => {
        concat!(
            "JOIN thread t ON t.id = k.subject_id \
             LEFT JOIN care_contact c ON c.id = (SELECT x.id FROM care_contact x WHERE x.patient_id = t.patient_id \
               AND x.role = t.to_role AND (t.to_treating_kind IS NULL OR x.treating_kind = t.to_treating_kind) \
               AND x.assignment_id = ",
            $who,
            " AND x.status <> 'ENDED' ORDER BY x.id DESC LIMIT 1)"
        )
    };
}

/// Takes the tasks of answering from those who are away or have left, of one person or of everybody, and gives each
/// to whoever steps in, else back to the unit that the conversation is with.
pub async fn hand_on(tx: &Tx, session: &Session, of: Option<AssignmentId>) -> Result<usize, Fault> {
    let only = if of.is_some() { "AND k.assignee_id = $5" } else { "" };
    let sql = format!(
        "SELECT k.id, s.id, \
           CASE WHEN ab.id IS NULL THEN k.instead_of_id ELSE COALESCE(k.instead_of_id, k.assignee_id) END, \
           CASE WHEN s.id IS NOT NULL THEN s.care_unit_id WHEN t.kind = 'PATIENT_CARE' THEN t.care_unit_id END \
         FROM task k JOIN assignment a ON a.id = k.assignee_id {own_role} \
         LEFT JOIN contact_absence ab ON ab.id = (SELECT y.id FROM contact_absence y \
           WHERE (y.assignment_id = k.assignee_id OR y.contact_id = c.id) AND y.cancelled_at IS NULL \
           AND y.from_at <= $4 AND y.until_at > $4 \
           ORDER BY CASE WHEN y.substitute_id IS NULL THEN 1 ELSE 0 END, y.id LIMIT 1) {also_away} \
         LEFT JOIN assignment s ON {may_have_it} AND {steps_in} \
         WHERE k.kind = 'UNANSWERED_MESSAGE' AND k.status = 'OPEN' {only} \
           AND (ab.id IS NOT NULL OR a.valid_until <= $4) \
         ORDER BY k.id LIMIT {BATCH}",
        may_have_it = may_have_it!("s", "k.care_unit_id"),
        steps_in = steps_in!("s", "k.assignee_id"),
        own_role = own_role!("k.assignee_id"),
        also_away = also_away!(),
    );
    move_all(tx, session, sql, of).await
}

/// Gives the tasks of answering that others have because somebody was away, of one person or of everybody, back to who is
/// at work again. Whoever holds the role no more is not given what was written to it.
pub async fn hand_back(tx: &Tx, session: &Session, of: Option<AssignmentId>) -> Result<usize, Fault> {
    let only = if of.is_some() { "AND k.instead_of_id = $5" } else { "" };
    let sql = format!(
        "SELECT k.id, k.instead_of_id, k.instead_of_id, a.care_unit_id FROM task k \
         JOIN assignment a ON a.id = k.instead_of_id AND (a.valid_until IS NULL OR a.valid_until > $4) {own_role} \
         WHERE {may_have_it} AND k.kind = 'UNANSWERED_MESSAGE' AND k.status = 'OPEN' AND k.instead_of_id IS NOT NULL {only} \
           AND NOT EXISTS (SELECT 1 FROM contact_absence y \
             WHERE (y.assignment_id = k.instead_of_id OR y.contact_id = c.id) AND y.cancelled_at IS NULL \
             AND y.from_at <= $4 AND y.until_at > $4) \
           AND (c.id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM care_contact e WHERE e.patient_id = t.patient_id \
             AND e.role = t.to_role AND e.assignment_id = k.instead_of_id AND e.status = 'ENDED')) \
         ORDER BY k.id LIMIT {BATCH}",
        may_have_it = may_have_it!("a", "k.care_unit_id"),
        own_role = own_role!("k.instead_of_id"),
    );
    move_all(tx, session, sql, of).await
}

/// Moves each task that is selected, to whom, instead of whom, and where.
async fn move_all(tx: &Tx, session: &Session, sql: String, of: Option<AssignmentId>) -> Result<usize, Fault> {
    let mut values = no_reach(session);
    values.extend(of.map(|of| Value::from(of.0)));
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    let mut moves = Vec::new();
    for row in tx.query_all_raw(statement).await? {
        let person = |column| -> Result<Option<AssignmentId>, Fault> {
            Ok(row.try_get_by_index::<Option<Uuid>>(column)?.map(AssignmentId))
        };
        let unit = row.try_get_by_index::<Option<Uuid>>(3)?.map(CareUnitId);
        let whose = Whose { unit, assignee: person(1)?, instead_of: person(2)? };
        moves.push((TaskId(row.try_get_by_index(0)?), whose));
    }
    let mut moved = 0;
    for (id, whose) in moves {
        moved += usize::from(give(tx, session, id, whose).await?);
    }
    Ok(moved)
}

/// Gives the task of a conversation that has come to a unit to whoever answers it in its role.
pub(super) async fn welcome(tx: &Tx, session: &Session, of: &thread::Model, id: TaskId) -> Result<(), Fault> {
    let whose = answerer::whose(tx, session, of).await?;
    if whose.assignee.is_some() || whose.instead_of.is_some() {
        give(tx, session, id, whose).await?;
    }
    Ok(())
}

/// Gives an open task to somebody, or to the unit; false when somebody else changed it meanwhile.
async fn give(tx: &Tx, session: &Session, id: TaskId, whose: Whose) -> Result<bool, Fault> {
    use task::Column as C;
    let Some(row) = task::Entity::find_by_id(id).one(tx).await? else { return Ok(false) };
    let (to, unit) = (whose.assignee, whose.unit.unwrap_or(row.care_unit_id));
    let moves = unit != row.care_unit_id;
    let changed = task::Entity::update_many()
        .set(task::ActiveModel {
            care_unit_id: Set(unit),
            assignee_id: Set(to),
            // Another unit's manager has not been told of it.
            raised_to_manager_at: Set(row.raised_to_manager_at.filter(|_| !moves)),
            // Nobody steps in for themselves.
            instead_of_id: Set(whose.instead_of.filter(|away| to != Some(*away))),
            row_version: Set(row.row_version.saturating_add(1)),
            ..Default::default()
        })
        .filter(C::Id.eq(id))
        .filter(C::Status.eq(task::Status::Open))
        .filter(C::RowVersion.eq(row.row_version))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Ok(false);
    }
    if moves {
        went(tx, session, "taskAssign", &row, unit, to).await?;
    } else if to != row.assignee_id {
        assigned(tx, session, "taskAssign", &row, to).await?;
    }
    Ok(true)
}
