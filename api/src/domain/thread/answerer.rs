//! Who answers a thread that goes to a role: whoever holds the role, or steps in for them, at the moment it is read.
//!
//! Nothing is stored of it, so nothing can be stale: a new contact in the role, an absence or its end shows at once.
//! Only the task of answering names a person, and it follows ([`super::stand_in`]).

use entity::{AssignmentId, CareUnitId, thread};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use crate::{
    auth::actor::StaffActor,
    db::Tx,
    domain::contact::{held, lead_first},
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
pub(super) use also_away;

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
pub(super) use steps_in;

/// The contact that holds at `$4` the role that the thread `t` was written to.
macro_rules! holder {
    () => {
        concat!(
            "(SELECT x.id FROM care_contact x \
               WHERE x.patient_id = t.patient_id AND x.care_provider_id = t.care_provider_id AND x.role = t.to_role \
               AND (t.to_treating_kind IS NULL OR x.treating_kind = t.to_treating_kind) AND ",
            held!("x"),
            " ",
            lead_first!(),
            ")"
        )
    };
}

/// The role that a thread `t` goes to: the one that was written to, unless it was passed on to where that is not held.
pub const TO_ROLE: &str = "CASE WHEN t.role_unit_id = t.care_unit_id THEN t.to_role END";

/// Joins to a thread `t` the contact `c` that holds its role at `$4`, the absence `ab` of that contact then, and who
/// steps in: the assignment `sub` of the staff member `sm`, who is at work.
pub const JOINS: &str = concat!(
    "LEFT JOIN care_contact c ON t.role_unit_id = t.care_unit_id AND c.id = ",
    holder!(),
    " LEFT JOIN contact_absence ab ON ab.id = (SELECT y.id FROM contact_absence y \
       WHERE (y.contact_id = c.id OR y.assignment_id = c.assignment_id) AND y.cancelled_at IS NULL \
       AND y.from_at <= $4 AND y.until_at > $4 \
       ORDER BY CASE WHEN y.substitute_id IS NULL THEN 1 ELSE 0 END, y.id LIMIT 1) ",
    also_away!(),
    " LEFT JOIN assignment sub ON ",
    steps_in!("sub", "c.assignment_id"),
    " LEFT JOIN staff_member sm ON sm.id = sub.staff_member_id"
);

/// Whose the task of answering is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Whose {
    /// Where the person works; none where the task is for the unit that the thread is with.
    pub unit: Option<CareUnitId>,
    /// The person; none where it is the unit's.
    pub assignee: Option<AssignmentId>,
    /// Who holds the role, and is away.
    pub instead_of: Option<AssignmentId>,
}

/// The condition on an assignment under which it may have the task of answering a thread `t`, which is `$unit`'s: whoever
/// answers the patient has it where they work, also at another unit of the care provider; what units ask each other stays.
macro_rules! may_have_it {
    ($who:literal, $unit:literal) => {
        concat!(
            $who,
            ".care_provider_id = t.care_provider_id AND (t.kind = 'PATIENT_CARE' OR ",
            $who,
            ".care_unit_id = ",
            $unit,
            ")"
        )
    };
}
pub(super) use may_have_it;

/// Who answers a thread now, if it goes to a role that somebody holds.
pub(super) async fn whose(tx: &Tx, session: &Session, of: &thread::Model) -> Result<Whose, Fault> {
    if of.to_role.is_none() {
        return Ok(Whose::default());
    }
    let sql = format!(
        "SELECT a.id, w.id, a.care_unit_id FROM thread t {JOINS} \
         LEFT JOIN assignment a ON a.id = CASE WHEN ab.id IS NULL THEN c.assignment_id ELSE sub.id END \
           AND {a} AND (a.valid_until IS NULL OR a.valid_until > $4) \
         LEFT JOIN assignment w ON w.id = c.assignment_id AND {w} AND ab.id IS NOT NULL WHERE t.id = $5",
        a = may_have_it!("a", "t.care_unit_id"),
        w = may_have_it!("w", "t.care_unit_id"),
    );
    let mut values = no_reach(session);
    values.push(of.id.0.into());
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    let Some(row) = tx.query_one_raw(statement).await? else { return Ok(Whose::default()) };
    let person = |column| -> Result<Option<AssignmentId>, Fault> {
        Ok(row.try_get_by_index::<Option<Uuid>>(column)?.map(AssignmentId))
    };
    let unit = row.try_get_by_index::<Option<Uuid>>(2)?.map(CareUnitId);
    Ok(Whose { unit, assignee: person(0)?, instead_of: person(1)? })
}

/// Whether somebody at `unit` holds the role that a thread was written to.
pub(super) async fn is_held_at(
    tx: &Tx,
    session: &Session,
    of: &thread::Model,
    unit: CareUnitId,
) -> Result<bool, Fault> {
    if of.to_role.is_none() {
        return Ok(false);
    }
    let sql = format!(
        "SELECT 1 FROM thread t JOIN care_contact c ON c.id = {holder} WHERE t.id = $5 AND c.care_unit_id = $6",
        holder = holder!(),
    );
    let mut values = no_reach(session);
    values.extend([of.id.0.into(), unit.0.into()]);
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.query_one_raw(statement).await?.is_some())
}

/// Whether what this person of care writes to the patient answers the thread: they are at the unit that it is with or
/// that has the task of answering it, or they hold its role or step in for who does. A colleague at another unit who writes
/// something leaves the answer to those who were asked.
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
         AND (CASE WHEN ab.id IS NULL THEN c.assignment_id ELSE sub.id END = $6 \
           OR (t.kind = 'PATIENT_CARE' AND EXISTS (SELECT 1 FROM task k WHERE k.subject_id = t.id \
             AND k.kind = 'UNANSWERED_MESSAGE' AND k.status = 'OPEN' AND k.care_unit_id = $7)))"
    );
    let mut values = no_reach(session);
    values.extend([of.id.0.into(), staff.assignment.0.into(), staff.care_unit.0.into()]);
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(tx.query_one_raw(statement).await?.is_some())
}

/// `$1` to `$4` where nothing but the moment matters: the same places as under the policy's condition.
pub(super) fn no_reach(session: &Session) -> Vec<Value> {
    vec![Uuid::nil().into(), Uuid::nil().into(), Uuid::nil().into(), session.now().into()]
}

/// The unit that must answer what `author` has written in a thread: the other side's. To the unit that asked, everybody
/// else who writes is the other side.
pub(super) fn other_unit(of: &thread::Model, author: Option<CareUnitId>) -> CareUnitId {
    match of.from_unit_id {
        Some(from) if author != Some(from) => from,
        _ => of.care_unit_id,
    }
}
