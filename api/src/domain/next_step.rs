//! The next-step invariant: every agreement in force has a next step with a date, an owner and someone to call.
//!
//! Whatever closes an item asks here in its own transaction; the sweep finds what no act of ours can, a day that
//! passes. An orphan is a task of the fast vårdkontakt, or of the unit where there is none; it ends by itself, on
//! record, when there is a next step again.

use std::sync::LazyLock;

use chrono::{DateTime, Days, NaiveTime, Utc};
use entity::{AgreementId, AssignmentId, CareUnitId, agreement, task};
use sea_orm::{ConnectionTrait, EntityTrait, Statement, Value};
use uuid::Uuid;

use super::{
    history::Owner,
    plan_item::relative::consented_sql,
    task::{Ending, Raise},
};
use crate::{
    calendar::{ClosingDays, add_working_days, to_instant, to_local},
    db::Tx,
    error::Fault,
    session::Session,
};

/// Agreements looked at in one statement of the sweep.
const BATCH: usize = 100;

/// Why a task ends that nobody had to do anything about.
const AGAIN: (&str, &str) = ("Ett nästa steg finns igen.", "There is a next step again.");
const NOT_IN_FORCE: (&str, &str) =
    ("Överenskommelsen gäller inte längre.", "The agreement is no longer in force.");

/// Whether agreement `a` (of the unit `au`) has a next step: an open item that everyone in it has agreed to, or a
/// booked time, with a day ahead and someone to call. `$1` is now; `$2` the first day that counts as ahead.
///
/// A recurrence without a last day always has a day ahead; one whose last day is marked has none. The plan is read by the
/// same rule.
static HAS_STEP: LazyLock<String> = LazyLock::new(|| {
    let callable = |phone: &str| {
        format!(
            "(COALESCE({phone}, '') <> '' OR au.phone <> '' OR EXISTS (SELECT 1 FROM care_contact c \
             WHERE c.patient_id = a.patient_id AND c.care_provider_id = a.care_provider_id AND c.status <> 'ENDED' \
             AND c.role <> 'SUPPORTER' AND c.valid_from <= $1 AND (c.valid_until IS NULL OR c.valid_until > $1)))"
        )
    };
    format!(
        "(EXISTS (SELECT 1 FROM version_item m JOIN plan_item i ON i.id = m.plan_item_id \
         JOIN plan_item_revision r ON r.id = m.plan_item_revision_id \
         LEFT JOIN care_unit ru ON ru.id = r.responsible_unit_id \
         WHERE m.version_id = a.current_version_id AND i.status IN ('ACCEPTED', 'IN_PROGRESS') \
         AND (r.due_on >= $2 OR (r.due_on IS NULL AND r.timing = 'RECURRENCE')) \
         AND NOT (r.timing = 'RECURRENCE' AND EXISTS (SELECT 1 FROM plan_item_mark k \
         WHERE k.plan_item_id = i.id AND k.on_day >= r.due_on)) AND {consented} AND {item_phone}) \
         OR EXISTS (SELECT 1 FROM appointment t JOIN care_unit tu ON tu.id = t.care_unit_id \
         WHERE t.patient_id = a.patient_id AND t.care_provider_id = a.care_provider_id AND t.status = 'BOOKED' \
         AND t.starts_at > $1 AND {time_phone}))",
        consented = consented_sql("i", "r"),
        item_phone = callable("ru.phone"),
        time_phone = callable("tu.phone"),
    )
});

/// Agreements in force without a next step about which nobody has been told yet, by id after `$3`.
static ORPHANS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT a.id FROM agreement a JOIN patient p ON p.id = a.patient_id JOIN care_unit au ON au.id = a.care_unit_id \
         WHERE a.status IN ('ACTIVE', 'PATIENT_UNDECIDED') AND p.deceased_on IS NULL AND a.id > $3 AND NOT EXISTS (SELECT 1 FROM task k \
         WHERE k.kind = 'ORPHANED_NEXT_STEP' AND k.subject_id = a.id AND k.status = 'OPEN') AND NOT {} \
         ORDER BY a.id LIMIT {BATCH}",
        *HAS_STEP
    )
});

/// Agreements about which somebody was told, and need not have been any more, by id after `$3`.
static SETTLED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT a.id FROM task k JOIN agreement a ON a.id = k.subject_id JOIN care_unit au ON au.id = a.care_unit_id \
         WHERE k.kind = 'ORPHANED_NEXT_STEP' AND k.status = 'OPEN' AND a.id > $3 \
         AND (a.status NOT IN ('ACTIVE', 'PATIENT_UNDECIDED') OR {}) ORDER BY a.id LIMIT {BATCH}",
        *HAS_STEP
    )
});

/// One agreement, `$3`: in force with a living patient, and whether it has a next step.
static STANDING: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT CASE WHEN a.status IN ('ACTIVE', 'PATIENT_UNDECIDED') AND p.deceased_on IS NULL THEN 1 ELSE 0 END, \
         CASE WHEN {} THEN 1 ELSE 0 END \
         FROM agreement a JOIN patient p ON p.id = a.patient_id JOIN care_unit au ON au.id = a.care_unit_id \
         WHERE a.id = $3",
        *HAS_STEP
    )
});

/// What became of an agreement's task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Nobody knew: somebody has been told.
    Raised,
    /// There is a next step again, or nothing that needs one.
    Ended,
    /// It stands as it stood.
    Unchanged,
}

/// Brings the task of one agreement in line with whether it has a next step, in the transaction that may have changed
/// that.
pub async fn settle(tx: &Tx, session: &Session, id: AgreementId) -> Result<Settled, Fault> {
    let statement = statement(tx, &STANDING, session, id.0);
    let Some(row) = tx.query_one_raw(statement).await? else { return Ok(Settled::Unchanged) };
    let in_force = row.try_get_by_index::<i32>(0)? == 1;
    let has_step = row.try_get_by_index::<i32>(1)? == 1;
    if !in_force || has_step {
        let words = if in_force { AGAIN } else { NOT_IN_FORCE };
        let ending = if in_force { Ending::Done } else { Ending::Superseded };
        let kind = task::Kind::OrphanedNextStep;
        let ended = super::task::end(tx, session, kind, id.0, ending, Some(words.into())).await?;
        return Ok(if ended.is_some() { Settled::Ended } else { Settled::Unchanged });
    }
    let agreement = agreement::Entity::find_by_id(id)
        .one(tx)
        .await?
        .ok_or_else(|| Fault::internal("an agreement vanished"))?;
    let turn_to = turn_to(tx, session, &agreement).await?;
    let owner: Owner = (&agreement).into();
    let raised = Raise {
        kind: task::Kind::OrphanedNextStep,
        owner: Owner { care_unit: turn_to.care_unit, ..owner },
        assignee: turn_to.assignee,
        subject: id.0,
        due_at: end_of_working_day(session.now(), session.core.settings.plan.orphan_working_days),
        note: None,
    };
    let new = super::task::raise(tx, session, &raised).await?;
    Ok(if new.is_some() { Settled::Raised } else { Settled::Unchanged })
}

/// Who in care acts for an agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnTo {
    pub care_unit: CareUnitId,
    /// The fast vårdkontakt, when it is staff with an account.
    pub assignee: Option<AssignmentId>,
}

/// The lead fast vårdkontakt of the agreement's care provider, else the unit that has the agreement.
pub async fn turn_to(tx: &Tx, session: &Session, agreement: &agreement::Model) -> Result<TurnTo, Fault> {
    let (patient, provider) = (agreement.patient_id, agreement.care_provider_id);
    let lead = super::contact::fast_vardkontakt(tx, session, patient, provider).await?;
    Ok(lead.map_or(TurnTo { care_unit: agreement.care_unit_id, assignee: None }, |lead| TurnTo {
        care_unit: lead.care_unit_id,
        assignee: lead.assignment_id,
    }))
}

/// The end of the `days`th working day from `at`.
pub fn end_of_working_day(at: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    let day = add_working_days(to_local(at).date_naive(), days, &ClosingDays::new());
    to_instant(day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN))
}

/// Looks at every agreement in force: one statement for those that lack a next step, one for those that have it again.
/// Gives how many tasks were raised.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    let db = &session.core.db;
    let mut raised = 0;
    for sql in [&*ORPHANS, &*SETTLED] {
        let mut after = Uuid::nil();
        loop {
            let found = db
                .read(async |db| -> Result<Vec<Uuid>, Fault> {
                    let rows = db.query_all_raw(statement(db, sql, session, after)).await?;
                    rows.iter().map(|row| row.try_get_by_index(0).map_err(Fault::from)).collect()
                })
                .await?;
            let Some(last) = found.last() else { break };
            after = *last;
            // Found without a lock: each is looked at again in the transaction that tells of it.
            raised += db
                .write(async |tx| -> Result<usize, Fault> {
                    let mut raised = 0;
                    for id in &found {
                        let settled = settle(tx, session, AgreementId(*id)).await?;
                        raised += usize::from(settled == Settled::Raised);
                    }
                    Ok(raised)
                })
                .await?;
            if found.len() < BATCH {
                break;
            }
        }
    }
    Ok(raised)
}

fn statement(db: &impl ConnectionTrait, sql: &str, session: &Session, id: Uuid) -> Statement {
    let now = session.now();
    let late = u64::from(session.core.settings.plan.late_step_days);
    let today = to_local(now).date_naive();
    let ahead = today.checked_sub_days(Days::new(late)).unwrap_or(today);
    let values: [Value; 3] = [now.into(), ahead.into(), id.into()];
    Statement::from_sql_and_values(db.get_database_backend(), sql, values)
}
