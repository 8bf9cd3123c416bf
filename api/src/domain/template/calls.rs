//! The daily call that was not made (missat samtal): raised, until the patient is reached.
//!
//! A call is missed when its day has passed the hour and nobody has marked it as done. The task falls due soon and
//! rises to the manager like any other. It ends when a call of the latest day that was missed, or of a later one, is
//! marked as done, or with the follow-up: that an earlier call was made says nothing of how the patient is now.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entity::{
    AgreementId, AssignmentId, CareProviderId, CareUnitId, PatientId, PlanItemId, plan_item::Status,
    task::Kind,
};
use sea_orm::{ActiveEnum, ConnectionTrait, QueryResult, Statement};
use uuid::Uuid;

use super::dates::days;
use crate::{
    calendar::{to_instant, to_local},
    db::Tx,
    domain::{
        history::Owner,
        task::{self, Ending, Raise, words::Words},
    },
    error::Fault,
    session::Session,
};

/// Items in one transaction, and transactions of one sweep at most.
const BATCH: usize = 100;
const ROUNDS: usize = 50;
/// How long after its last day a missed call is still raised, in days.
const AFTER: i64 = 30;

/// Ends what has been answered, then raises what is missed. Gives how many tasks are new.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    for _ in 0..ROUNDS {
        if session.core.db.write(async |tx| end(tx, session).await).await? < BATCH {
            break;
        }
    }
    let (mut raised, mut after) = (0, Uuid::nil());
    for _ in 0..ROUNDS {
        let found = session.core.db.write(async |tx| raise(tx, session, after).await).await?;
        raised += found.raised;
        match found.last {
            Some(last) => after = last,
            None => break,
        }
    }
    Ok(raised)
}

const PATIENT_REACHED: (&str, &str) = ("Patienten är nådd.", "The patient has been reached.");

/// The call of `on` has been made: the task about a missed one ends, unless a later day has been missed too. `last` is the
/// last day of the calls.
pub async fn made(
    tx: &Tx,
    session: &Session,
    item: PlanItemId,
    last: Option<NaiveDate>,
    on: NaiveDate,
) -> Result<(), Fault> {
    let passed = last_passed(session);
    if on >= last.map_or(passed, |last| last.min(passed)) {
        let words = Some(PATIENT_REACHED.into());
        task::end(tx, session, Kind::MissedCall, item.0, Ending::Done, words).await?;
    }
    Ok(())
}

/// The latest day on which a call would have been made by now.
fn last_passed(session: &Session) -> NaiveDate {
    let today = to_local(session.now()).date_naive();
    let until = to_instant(today.and_time(session.core.settings.daily_call_until));
    if until <= session.now() { today } else { today - TimeDelta::days(1) }
}

/// Ends the tasks whose patient has been reached, or whose follow-up is over. Gives how many it saw.
async fn end(tx: &Tx, session: &Session) -> Result<usize, Fault> {
    const REACHED: &str = "EXISTS (SELECT 1 FROM plan_item_mark m WHERE m.plan_item_id = k.subject_id \
         AND m.outcome = 'DONE' AND (m.on_day >= $1 OR m.on_day >= r.due_on))";
    let sql = format!(
        "SELECT k.subject_id, CASE WHEN i.status = 'DONE' OR {REACHED} THEN 1 ELSE 0 END FROM task k \
         JOIN plan_item i ON i.id = k.subject_id JOIN agreement a ON a.id = i.agreement_id \
         LEFT JOIN version_item v ON v.version_id = a.current_version_id AND v.plan_item_id = i.id \
         LEFT JOIN plan_item_revision r ON r.id = v.plan_item_revision_id \
         WHERE k.kind = 'MISSED_CALL' AND k.status = 'OPEN' AND (a.status NOT IN ('ACTIVE', 'PATIENT_UNDECIDED') \
         OR i.status NOT IN ('ACCEPTED', 'IN_PROGRESS') OR {REACHED}) ORDER BY k.id LIMIT {BATCH}"
    );
    let values = [last_passed(session).into()];
    let rows =
        tx.query_all_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    for row in &rows {
        let (item, reached): (Uuid, i32) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (ending, words) = if reached == 1 {
            (Ending::Done, PATIENT_REACHED)
        } else {
            (Ending::Superseded, ("Uppföljningen är avslutad.", "The follow-up has ended."))
        };
        task::end(tx, session, Kind::MissedCall, item, ending, Some(words.into())).await?;
    }
    Ok(rows.len())
}

struct Found {
    raised: usize,
    /// The last item seen; none when there are no more.
    last: Option<Uuid>,
}

/// One daily call that is going on.
struct Call {
    item: Uuid,
    owner: Owner,
    assignee: Option<AssignmentId>,
    first: NaiveDate,
    last: NaiveDate,
    /// The last day on which the patient was reached.
    reached: Option<NaiveDate>,
    /// When the last task about it ended: days before that are settled.
    settled: Option<DateTime<Utc>>,
}

async fn raise(tx: &Tx, session: &Session, after: Uuid) -> Result<Found, Fault> {
    let today = to_local(session.now()).date_naive();
    let sql = format!(
        "SELECT t.plan_item_id, a.patient_id, COALESCE(r.responsible_unit_id, a.care_unit_id), a.care_provider_id, a.id, \
         r.responsible_assignment_id, r.starts_on, r.due_on, \
         (SELECT MAX(m.on_day) FROM plan_item_mark m WHERE m.plan_item_id = t.plan_item_id AND m.outcome = 'DONE'), \
         (SELECT MAX(k.ended_at) FROM task k WHERE k.kind = 'MISSED_CALL' AND k.subject_id = t.plan_item_id) \
         FROM template_item t JOIN plan_item i ON i.id = t.plan_item_id JOIN agreement a ON a.id = t.agreement_id \
         JOIN version_item v ON v.version_id = a.current_version_id AND v.plan_item_id = i.id \
         JOIN plan_item_revision r ON r.id = v.plan_item_revision_id \
         WHERE t.daily_call AND a.status IN ('ACTIVE', 'PATIENT_UNDECIDED') AND i.status IN ('{accepted}', '{begun}') \
         AND r.starts_on <= $1 AND r.due_on >= $2 AND t.plan_item_id > $3 \
         AND NOT EXISTS (SELECT 1 FROM task k WHERE k.kind = 'MISSED_CALL' AND k.subject_id = t.plan_item_id \
           AND k.status = 'OPEN') ORDER BY t.plan_item_id LIMIT {BATCH}",
        accepted = Status::Accepted.to_value(),
        begun = Status::InProgress.to_value(),
    );
    let values = [today.into(), (today - TimeDelta::days(AFTER)).into(), after.into()];
    let rows =
        tx.query_all_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    let calls: Vec<Call> = rows.iter().map(call).collect::<Result<_, _>>()?;
    let mut raised = 0;
    for call in &calls {
        let Some(day) = missed(call, session) else { continue };
        let note = Words::ours(
            format!("Samtalet {day} i den dagliga uppföljningen är inte gjort. Se till att patienten nås."),
            format!(
                "The call of {day} in the daily follow-up has not been made. See to it that the patient is reached."
            ),
        );
        let new = Raise {
            kind: Kind::MissedCall,
            owner: call.owner,
            assignee: call.assignee,
            subject: call.item,
            due_at: session.now() + session.core.settings.missed_call_due,
            note: Some(note),
        };
        raised += usize::from(task::raise(tx, session, &new).await?.is_some());
    }
    let last = (calls.len() == BATCH).then(|| calls.last().map(|call| call.item)).flatten();
    Ok(Found { raised, last })
}

fn call(row: &QueryResult) -> Result<Call, Fault> {
    Ok(Call {
        item: row.try_get_by_index(0)?,
        owner: Owner {
            patient: PatientId(row.try_get_by_index(1)?),
            care_unit: CareUnitId(row.try_get_by_index(2)?),
            care_provider: CareProviderId(row.try_get_by_index(3)?),
            agreement: Some(AgreementId(row.try_get_by_index(4)?)),
        },
        assignee: row.try_get_by_index::<Option<Uuid>>(5)?.map(AssignmentId),
        first: row.try_get_by_index(6)?,
        last: row.try_get_by_index(7)?,
        reached: row.try_get_by_index(8)?,
        settled: row.try_get_by_index(9)?,
    })
}

/// The latest day whose call was missed, since the patient was last reached.
fn missed(call: &Call, session: &Session) -> Option<NaiveDate> {
    let hour = session.core.settings.daily_call_until;
    days(call.first, call.last)
        .filter(|day| call.reached.is_none_or(|reached| *day > reached))
        .filter(|day| {
            let until = to_instant(day.and_time(hour));
            until <= session.now() && call.settled.is_none_or(|settled| until > settled)
        })
        .last()
}
