//! Who answers a thread that goes to a role: whoever holds the role, or steps in for them, at the moment it is read.
//!
//! Nothing is stored of it, so nothing can be stale: a new contact in the role, an absence or its end shows at once.
//! Only the task of answering names a person, and it follows: at once where an absence is registered, and in the
//! sweep where it begins later. Where nobody of the unit steps in, the task is the unit's.

use entity::{AssignmentId, CareUnitId, TaskId, task, thread};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement, Value};
use uuid::Uuid;

use crate::{
    auth::actor::StaffActor,
    db::Tx,
    domain::{
        contact::{held, lead_first},
        task::assign::assigned,
    },
    error::Fault,
    session::Session,
};

/// Joins the absence `also` of who steps in under the absence `ab`, if they are away too at `$4`.
macro_rules! also_away {
    () => {
        "LEFT JOIN contact_absence also ON also.id = (SELECT z.id FROM contact_absence z \
           WHERE z.assignment_id = ab.substitute_id AND z.cancelled_at IS NULL \
           AND z.from_at <= $4 AND z.until_at > $4 \
           ORDER BY CASE WHEN z.substitute_id IS NULL THEN 1 ELSE 0 END, z.id LIMIT 1)"
    };
}

/// The condition on an assignment under which it steps in at `$4` for `$of`: as the absence `ab` says or, where that
/// person is away too, as their own absence `also` does. Nobody does who is away, and nobody for themselves: further
/// than that nobody looks, and it is the unit's.
macro_rules! steps_in {
    ($who:literal, $of:literal) => {
        concat!(
            $who,
            ".id = CASE WHEN also.id IS NULL THEN ab.substitute_id ELSE also.substitute_id END AND (",
            $of,
            " IS NULL OR ",
            $who,
            ".id <> ",
            $of,
            ") AND ",
            $who,
            ".valid_from <= $4 AND (",
            $who,
            ".valid_until IS NULL OR ",
            $who,
            ".valid_until > $4) AND NOT EXISTS (SELECT 1 FROM contact_absence z WHERE z.assignment_id = ",
            $who,
            ".id AND z.cancelled_at IS NULL AND z.from_at <= $4 AND z.until_at > $4)"
        )
    };
}

/// Joins to a thread `t` the contact `c` that holds its role at `$4`, the absence `ab` of that contact then, and who
/// steps in: the assignment `sub` of the staff member `sm`, who is at work.
pub const JOINS: &str = concat!(
    "LEFT JOIN care_contact c ON c.id = (SELECT x.id FROM care_contact x \
       WHERE x.patient_id = t.patient_id AND x.care_provider_id = t.care_provider_id AND x.role = t.to_role \
       AND (t.to_treating_kind IS NULL OR x.treating_kind = t.to_treating_kind) AND ",
    held!("x"),
    " ",
    lead_first!(),
    ") \
     LEFT JOIN contact_absence ab ON ab.id = (SELECT y.id FROM contact_absence y \
       WHERE (y.contact_id = c.id OR y.assignment_id = c.assignment_id) AND y.cancelled_at IS NULL \
       AND y.from_at <= $4 AND y.until_at > $4 \
       ORDER BY CASE WHEN y.substitute_id IS NULL THEN 1 ELSE 0 END, y.id LIMIT 1) ",
    also_away!(),
    " LEFT JOIN assignment sub ON ",
    steps_in!("sub", "c.assignment_id"),
    " LEFT JOIN staff_member sm ON sm.id = sub.staff_member_id"
);

/// The person at the thread's own unit who answers it now, if it goes to a role that somebody there holds.
pub(super) async fn at_unit(
    tx: &Tx,
    session: &Session,
    of: &thread::Model,
) -> Result<Option<AssignmentId>, Fault> {
    if of.to_role.is_none() {
        return Ok(None);
    }
    let sql = format!(
        "SELECT a.id FROM thread t {JOINS} \
         JOIN assignment a ON a.id = CASE WHEN ab.id IS NULL THEN c.assignment_id ELSE sub.id END \
         WHERE t.id = $5 AND a.care_unit_id = $6 AND (a.valid_until IS NULL OR a.valid_until > $4)"
    );
    let mut values = no_reach(session);
    values.extend([of.id.0.into(), of.care_unit_id.0.into()]);
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    let found = tx.query_one_raw(statement).await?;
    Ok(found.map(|row| row.try_get_by_index::<Uuid>(0)).transpose()?.map(AssignmentId))
}

/// Whether what this person of care writes to the patient answers the thread: they are at the unit that it is with, or
/// they hold its role or step in for who does. A colleague at another unit who writes something leaves the answer to those
/// who were asked.
pub(super) async fn answers(
    tx: &Tx,
    session: &Session,
    of: &thread::Model,
    staff: &StaffActor,
) -> Result<bool, Fault> {
    if staff.care_unit == of.care_unit_id {
        return Ok(true);
    }
    let sql = format!(
        "SELECT 1 FROM thread t {JOINS} WHERE t.id = $5 \
         AND CASE WHEN ab.id IS NULL THEN c.assignment_id ELSE sub.id END = $6"
    );
    let mut values = no_reach(session);
    values.extend([of.id.0.into(), staff.assignment.0.into()]);
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.query_one_raw(statement).await?.is_some())
}

/// `$1` to `$4` where nothing but the moment matters: the same places as under the policy's condition.
fn no_reach(session: &Session) -> Vec<Value> {
    vec![Uuid::nil().into(), Uuid::nil().into(), Uuid::nil().into(), session.now().into()]
}

/// Tasks that move in one transaction.
const BATCH: usize = 100;
/// Transactions of one sweep at most.
const ROUNDS: usize = 20;

/// Takes the tasks of answering from those who are away or have left. Gives how many moved.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    let mut moved = 0;
    for _ in 0..ROUNDS {
        let now = session.core.db.write(async |tx| hand_on(tx, session, None).await).await?;
        moved += now;
        if now < BATCH {
            break;
        }
    }
    Ok(moved)
}

/// Takes the tasks of answering from those who are away or have left, of one person or of everybody, and gives each
/// to whoever steps in at the same unit, else back to the unit.
pub async fn hand_on(tx: &Tx, session: &Session, of: Option<AssignmentId>) -> Result<usize, Fault> {
    let only = if of.is_some() { "AND k.assignee_id = $5" } else { "" };
    let sql = format!(
        "SELECT k.id, (SELECT s.id FROM assignment s WHERE s.care_unit_id = k.care_unit_id AND {steps_in}) \
         FROM task k JOIN assignment a ON a.id = k.assignee_id JOIN thread t ON t.id = k.subject_id \
         LEFT JOIN care_contact c ON c.id = (SELECT x.id FROM care_contact x WHERE x.patient_id = t.patient_id \
           AND x.role = t.to_role AND x.assignment_id = k.assignee_id AND x.status <> 'ENDED' ORDER BY x.id DESC LIMIT 1) \
         LEFT JOIN contact_absence ab ON ab.id = (SELECT y.id FROM contact_absence y \
           WHERE (y.assignment_id = k.assignee_id OR y.contact_id = c.id) AND y.cancelled_at IS NULL \
           AND y.from_at <= $4 AND y.until_at > $4 \
           ORDER BY CASE WHEN y.substitute_id IS NULL THEN 1 ELSE 0 END, y.id LIMIT 1) {also_away} \
         WHERE k.kind = 'UNANSWERED_MESSAGE' AND k.status = 'OPEN' {only} \
           AND (ab.id IS NOT NULL OR a.valid_until <= $4) \
         ORDER BY k.id LIMIT {BATCH}",
        steps_in = steps_in!("s", "k.assignee_id"),
        also_away = also_away!(),
    );
    let mut values = no_reach(session);
    values.extend(of.map(|of| Value::from(of.0)));
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    let mut moves = Vec::new();
    for row in tx.query_all_raw(statement).await? {
        let to: Option<Uuid> = row.try_get_by_index(1)?;
        moves.push((TaskId(row.try_get_by_index(0)?), to.map(AssignmentId)));
    }
    let mut moved = 0;
    for (id, to) in moves {
        moved += usize::from(give(tx, session, id, to).await?);
    }
    Ok(moved)
}

/// Gives an open task to somebody, or to the unit; false when somebody else changed it meanwhile.
async fn give(tx: &Tx, session: &Session, id: TaskId, to: Option<AssignmentId>) -> Result<bool, Fault> {
    use task::Column as C;
    let Some(row) = task::Entity::find_by_id(id).one(tx).await? else { return Ok(false) };
    let changed = task::Entity::update_many()
        .set(task::ActiveModel {
            assignee_id: Set(to),
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
    assigned(tx, session, "taskAssign", &row, to).await?;
    Ok(true)
}

/// The unit that must answer what `author` has written in a thread: the other side's. To the unit that asked, everybody
/// else who writes is the other side.
pub(super) fn other_unit(of: &thread::Model, author: Option<CareUnitId>) -> CareUnitId {
    match of.from_unit_id {
        Some(from) if author != Some(from) => from,
        _ => of.care_unit_id,
    }
}
