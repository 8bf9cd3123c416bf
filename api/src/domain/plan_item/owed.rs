//! What care owes: a promised result that has not been told, and what care was to do and has not done in time.
//!
//! No act of ours brings either about, a day that passes does: the sweep finds them and gives each to the unit that
//! answers for the item. What settles one ends its task in its own transaction; the sweep sees to the rest. A result
//! that was promised is owed after the agreement, too.

use std::{collections::HashMap, sync::LazyLock};

use chrono::NaiveDate;
use entity::{
    AgreementId, AssignmentId, CareProviderId, CareUnitId, PatientId, PlanItemId, Sealed, plan_item_mark,
    task::Kind,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult, QuerySelect, Statement, Value,
};
use uuid::Uuid;

use super::{recurrence, result::overdue_sql};
use crate::{
    calendar::to_local,
    crypto::Place,
    db::Tx,
    domain::{
        history::Owner,
        next_step::end_of_working_day,
        task::{self, Ending, Raise, words::Words},
    },
    error::Fault,
    session::Session,
};

/// Items in one transaction.
const BATCH: usize = 100;
/// Working days that the unit has.
const WORKING_DAYS: u32 = 2;

fn open_task(kind: &str) -> String {
    format!(
        "EXISTS (SELECT 1 FROM task k WHERE k.kind = '{kind}' AND k.subject_id = i.id AND k.status = 'OPEN')"
    )
}

/// Items `i` of agreement `a`, as its version that is read first words them (`r`). `$1` is today, `$2` now.
///
/// Of a recurrence the statement says only that a day has passed: the rule is read in [`late_since`]. A daily call that
/// was missed has a task of its own.
fn select(which: &str, lacking: bool) -> String {
    const IN_FORCE: &str = "a.status IN ('ACTIVE', 'PATIENT_UNDECIDED')";
    let (told, late) = (open_task("RESULT_OWED"), open_task("CARE_LATE"));
    let owed = format!(
        "{overdue} AND p.deceased_on IS NULL \
         AND (({IN_FORCE} AND i.status IN ('ACCEPTED', 'IN_PROGRESS', 'DONE')) OR (a.status = 'ENDED' \
         AND (i.status = 'DONE' OR (i.status IN ('ACCEPTED', 'IN_PROGRESS') AND {told}))))",
        overdue = overdue_sql("i", "r", "$1"),
    );
    let passed = format!(
        "{IN_FORCE} AND p.deceased_on IS NULL AND r.owner = 'CARE' AND i.status IN ('ACCEPTED', 'IN_PROGRESS') \
         AND ((r.recurrence IS NULL AND r.due_on < $1) OR (r.recurrence IS NOT NULL AND r.starts_on < $1 \
         AND NOT EXISTS (SELECT 1 FROM template_item t WHERE t.plan_item_id = i.id AND t.daily_call)))"
    );
    let yes = |condition: &str| format!("CASE WHEN {condition} THEN 1 ELSE 0 END");
    let tasks = if lacking {
        format!("(({owed} AND NOT {told}) OR ({passed} AND NOT {late}))")
    } else {
        "i.id IN (SELECT k.subject_id FROM task k WHERE k.kind IN ('RESULT_OWED', 'CARE_LATE') AND k.status = 'OPEN')"
            .to_owned()
    };
    format!(
        "SELECT i.id, a.patient_id, COALESCE(r.responsible_unit_id, a.care_unit_id), a.care_provider_id, a.id, \
         (SELECT s.id FROM assignment s WHERE s.id = r.responsible_assignment_id \
           AND s.care_unit_id = COALESCE(r.responsible_unit_id, a.care_unit_id) \
           AND (s.valid_until IS NULL OR s.valid_until > $2)), \
         r.id, r.title, r.due_on, r.starts_on, r.recurrence, r.result_by, {owed}, {passed}, {told}, {late}, {done}, \
         {has_been_told} \
         FROM plan_item i JOIN agreement a ON a.id = i.agreement_id JOIN patient p ON p.id = a.patient_id \
         LEFT JOIN version_item v ON v.version_id = a.current_version_id AND v.plan_item_id = i.id \
         LEFT JOIN plan_item_revision r ON r.id = v.plan_item_revision_id \
         WHERE {which} AND {tasks} ORDER BY i.id LIMIT {BATCH}",
        owed = yes(&owed),
        passed = yes(&passed),
        told = yes(&told),
        late = yes(&late),
        done = yes("i.status = 'DONE'"),
        has_been_told = yes("i.result_told_on IS NOT NULL"),
    )
}

/// What somebody owes and nobody has been told of, by id after `$3`.
static MISSING: LazyLock<String> = LazyLock::new(|| select("i.id > $3", true));
/// What somebody has been told of, by id after `$3`.
static OPEN: LazyLock<String> = LazyLock::new(|| select("i.id > $3", false));
/// The same of one agreement, `$3`.
static OPEN_OF: LazyLock<String> = LazyLock::new(|| select("a.id = $3", false));

/// One item, as [`select`] reads it.
struct Row {
    item: PlanItemId,
    owner: Owner,
    assignee: Option<AssignmentId>,
    revision: Option<Uuid>,
    title: Option<Vec<u8>>,
    due_on: Option<NaiveDate>,
    starts_on: Option<NaiveDate>,
    recurrence: Option<String>,
    result_by: Option<NaiveDate>,
    owed: bool,
    passed: bool,
    owed_is_known: bool,
    late_is_known: bool,
    done: bool,
    told: bool,
}

impl Row {
    fn read(row: &QueryResult) -> Result<Self, Fault> {
        let yes = |column: usize| -> Result<bool, Fault> { Ok(row.try_get_by_index::<i32>(column)? == 1) };
        Ok(Self {
            item: PlanItemId(row.try_get_by_index(0)?),
            owner: Owner {
                patient: PatientId(row.try_get_by_index(1)?),
                care_unit: CareUnitId(row.try_get_by_index(2)?),
                care_provider: CareProviderId(row.try_get_by_index(3)?),
                agreement: Some(AgreementId(row.try_get_by_index(4)?)),
            },
            assignee: row.try_get_by_index::<Option<Uuid>>(5)?.map(AssignmentId),
            revision: row.try_get_by_index(6)?,
            title: row.try_get_by_index(7)?,
            due_on: row.try_get_by_index(8)?,
            starts_on: row.try_get_by_index(9)?,
            recurrence: row.try_get_by_index(10)?,
            result_by: row.try_get_by_index(11)?,
            owed: yes(12)?,
            passed: yes(13)?,
            owed_is_known: yes(14)?,
            late_is_known: yes(15)?,
            done: yes(16)?,
            told: yes(17)?,
        })
    }

    fn late_since(&self, marked: &[NaiveDate], today: NaiveDate) -> Option<NaiveDate> {
        let recurring = self.recurrence.as_deref().zip(self.starts_on);
        if self.passed { late_since(recurring, self.due_on, marked, today) } else { None }
    }

    fn title(&self, session: &Session) -> Result<String, Fault> {
        let Some((revision, sealed)) = self.revision.zip(self.title.clone()) else {
            return Err(Fault::internal("an item that is owed has no wording"));
        };
        session.core.keys.open(Place::new("plan_item_revision.title", revision), &Sealed(sealed))
    }
}

/// Since when an open item is late (avstämning), if it is: the day that it was for, or the first day that nobody has
/// said anything of; of one that goes on, as far back as its days are shown.
pub fn late_since(
    recurring: Option<(&str, NaiveDate)>,
    due_on: Option<NaiveDate>,
    marked: &[NaiveDate],
    today: NaiveDate,
) -> Option<NaiveDate> {
    let Some((rule, first)) = recurring else { return due_on.filter(|due| *due < today) };
    let latest = marked.iter().copied().max().filter(|day| *day >= today);
    let ahead = latest.map_or(Some(today), |day| day.succ_opt());
    let is_over = ahead.and_then(|from| recurrence::next(rule, first, due_on, from)).is_none();
    let from = if is_over { first } else { recurrence::shown_from(today) };
    let until = if is_over { today } else { today.pred_opt()? };
    recurrence::days(rule, first, due_on, from, until).into_iter().find(|day| !marked.contains(day))
}

/// Raises what is owed and ends what is settled: one statement for what lacks a task, one for what has one. Gives how
/// many tasks are new.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    let mut raised = 0;
    for sql in [&*MISSING, &*OPEN] {
        let mut after = Uuid::nil();
        // Each round begins after the last item of the one before it: all of them, whatever stands first.
        loop {
            let found = session
                .core
                .db
                .write(async |tx| -> Result<Found, Fault> {
                    let rows = read(tx, session, sql, after).await?;
                    let raised = align(tx, session, &rows).await?;
                    let last = (rows.len() == BATCH).then(|| rows.last().map(|row| row.item.0)).flatten();
                    Ok(Found { raised, last })
                })
                .await?;
            raised += found.raised;
            match found.last {
                Some(last) => after = last,
                None => break,
            }
        }
    }
    Ok(raised)
}

struct Found {
    raised: usize,
    /// The last item seen; none when there are no more.
    last: Option<Uuid>,
}

/// Ends what the act in this transaction has settled of an agreement.
pub async fn settle(tx: &Tx, session: &Session, agreement: AgreementId) -> Result<(), Fault> {
    let rows = read(tx, session, &OPEN_OF, agreement.0).await?;
    align(tx, session, &rows).await?;
    Ok(())
}

async fn read(tx: &Tx, session: &Session, sql: &str, id: Uuid) -> Result<Vec<Row>, Fault> {
    let values: [Value; 3] = [to_local(session.now()).date_naive().into(), session.now().into(), id.into()];
    let found = tx.query_all_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values));
    found.await?.iter().map(Row::read).collect()
}

/// Brings the tasks of these items in line with what is owed. Gives how many are new.
async fn align(tx: &Tx, session: &Session, rows: &[Row]) -> Result<usize, Fault> {
    let today = to_local(session.now()).date_naive();
    let marked = marks(tx, rows).await?;
    let mut raised = 0;
    for row in rows {
        let late = row.late_since(marked.get(&row.item).map_or(&[][..], Vec::as_slice), today);
        let owed = row.result_by.filter(|_| row.owed);
        for (kind, since, known) in
            [(Kind::ResultOwed, owed, row.owed_is_known), (Kind::CareLate, late, row.late_is_known)]
        {
            match since {
                Some(since) if !known => {
                    let new = Raise {
                        kind,
                        owner: row.owner,
                        assignee: row.assignee,
                        subject: row.item.0,
                        due_at: end_of_working_day(session.now(), WORKING_DAYS),
                        note: Some(note(kind, &row.title(session)?, since)),
                    };
                    raised += usize::from(task::raise(tx, session, &new).await?.is_some());
                }
                None if known => {
                    let (ending, words) = settled(kind, row);
                    task::end(tx, session, kind, row.item.0, ending, Some(words.into())).await?;
                }
                _ => {}
            }
        }
    }
    Ok(raised)
}

/// The days of recurring items of which something has been said.
async fn marks(tx: &Tx, rows: &[Row]) -> Result<HashMap<PlanItemId, Vec<NaiveDate>>, Fault> {
    let recurring: Vec<PlanItemId> =
        rows.iter().filter(|row| row.passed && row.recurrence.is_some()).map(|row| row.item).collect();
    let mut marked: HashMap<PlanItemId, Vec<NaiveDate>> = HashMap::new();
    if recurring.is_empty() {
        return Ok(marked);
    }
    let found: Vec<(PlanItemId, NaiveDate)> = plan_item_mark::Entity::find()
        .select_only()
        .column(plan_item_mark::Column::PlanItemId)
        .column(plan_item_mark::Column::OnDay)
        .filter(plan_item_mark::Column::PlanItemId.is_in(recurring))
        .into_tuple()
        .all(tx)
        .await?;
    for (item, day) in found {
        marked.entry(item).or_default().push(day);
    }
    Ok(marked)
}

fn note(kind: Kind, title: &str, since: NaiveDate) -> Words {
    if kind == Kind::ResultOwed {
        return Words::ours(
            format!(
                "Patienten skulle ha fått besked senast {since} om ”{title}”. Lämna beskedet och skriv in hur du gjorde."
            ),
            format!(
                "The patient was to have the result of \"{title}\" by {since}. Tell it, and write down how you did."
            ),
        );
    }
    Words::ours(
        format!(
            "”{title}” skulle vården ha gjort senast {since}. Gör det, kom överens om en ny dag eller ställ in det och \
             säg varför."
        ),
        format!(
            "Care was to do \"{title}\" by {since}. Do it, agree on another day, or call it off and say why."
        ),
    )
}

/// How a task ends that nobody needs to do anything about any more.
fn settled(kind: Kind, row: &Row) -> (Ending, (&'static str, &'static str)) {
    match kind {
        Kind::ResultOwed if row.told => {
            (Ending::Done, ("Patienten har fått beskedet.", "The patient has had the result."))
        }
        Kind::ResultOwed => (
            Ending::Superseded,
            (
                "Beskedet har fått en ny dag, eller behövs inte längre.",
                "The result has another day, or is needed no longer.",
            ),
        ),
        _ if row.done => (Ending::Done, ("Det är gjort.", "It is done.")),
        _ => (
            Ending::Superseded,
            (
                "Insatsen är inte försenad längre: den har fått en ny dag, är inställd eller blev inte av.",
                "The item is late no longer: it has another day, is called off, or did not happen.",
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_late_tells_since_when() {
        let day = |n| NaiveDate::from_ymd_opt(2027, 2, n).unwrap_or_default();
        assert_eq!(late_since(None, None, &[], day(10)), None);
        assert_eq!(late_since(None, Some(day(10)), &[], day(10)), None);
        assert_eq!(late_since(None, Some(day(9)), &[], day(10)), Some(day(9)));
        let daily = Some(("FREQ=DAILY", day(7)));
        assert_eq!(late_since(daily, None, &[day(7)], day(10)), Some(day(8)));
        assert_eq!(late_since(daily, None, &[day(7), day(8), day(9)], day(10)), None);
        // Over since the 8th: the last day is not forgotten, however long ago.
        assert_eq!(late_since(daily, Some(day(8)), &[day(7)], day(28)), Some(day(8)));
    }
}
