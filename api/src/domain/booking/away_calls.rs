//! Calls about the booked times of somebody who is away (ringa återbud): one for each, however many there are.
//!
//! The act that registers or ends an absence takes the soonest times with it and goes on with the rest, some at a time;
//! the sweep finds what it did not come to, and what somebody booked at the same moment.

use entity::{ContactAbsenceId, PatientId, appointment, contact_absence, task::Kind};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};

use super::away::{MOST, call_by};
use crate::{
    db::Tx,
    domain::task::{self, Ending, Raise, words::Words},
    error::Fault,
    session::Session,
};

/// Transactions of one act or one sweep at most.
const ROUNDS: usize = 50;

/// Whether the task `t` was raised since an absence was registered.
macro_rules! since {
    ($absence:literal) => {
        concat!(
            "(t.created_at > ",
            $absence,
            ".created_at OR (t.created_at = ",
            $absence,
            ".created_at AND t.id > ",
            $absence,
            ".id))"
        )
    };
}

/// The booked times `ap` ahead of `$1` that an absence `b` touches.
macro_rules! touched {
    () => {
        "FROM contact_absence b \
         JOIN slot_staff ss ON ss.assignment_id = b.assignment_id AND ss.starts_at > $1 AND ss.starts_at < b.until_at \
         JOIN appointment ap ON ap.slot_id = ss.slot_id AND ap.status = 'BOOKED' AND ap.care_unit_id = b.care_unit_id \
           AND ap.ends_at > b.from_at "
    };
}

/// An absence of somebody of the time `ap`, that touches it.
macro_rules! also {
    ($absence:literal, $staff:literal) => {
        concat!(
            "contact_absence ",
            $absence,
            " JOIN slot_staff ",
            $staff,
            " ON ",
            $staff,
            ".assignment_id = ",
            $absence,
            ".assignment_id WHERE ",
            $staff,
            ".slot_id = ap.slot_id AND ",
            $absence,
            ".from_at < ap.ends_at AND ",
            $absence,
            ".until_at > ap.starts_at"
        )
    };
}

/// Of those that stand, what nobody has been told to phone about, or has phoned about, since.
const UNCALLED: &str = concat!(
    "SELECT ap.* ",
    touched!(),
    "WHERE b.cancelled_at IS NULL AND b.until_at > $1 AND NOT EXISTS (SELECT 1 FROM task t \
     WHERE t.kind = 'CANCELLATION_CALL' AND t.subject_id = ap.id \
     AND (t.status = 'OPEN' OR t.ended_at >= b.created_at OR ",
    since!("b"),
    "))"
);

/// Of those that were called off, what is still to be phoned about, because of an absence, although nobody is away, and
/// the schedule has the time.
const NEEDLESS: &str = concat!(
    "SELECT ap.* ",
    touched!(),
    "JOIN task t ON t.kind = 'CANCELLATION_CALL' AND t.subject_id = ap.id AND t.status = 'OPEN' \
     AND t.created_at <= b.cancelled_at \
     WHERE b.cancelled_at IS NOT NULL AND b.until_at > $1 AND EXISTS (SELECT 1 FROM ",
    also!("w", "ws"),
    " AND ",
    since!("w"),
    ") AND NOT EXISTS (SELECT 1 FROM ",
    also!("o", "os"),
    " AND o.cancelled_at IS NULL) AND NOT EXISTS (SELECT 1 FROM slot fs WHERE fs.id = ap.slot_id \
     AND fs.withdrawal = 'BY_SCHEDULE')"
);

/// Which times, of one absence or of all.
async fn times(
    tx: &Tx,
    session: &Session,
    which: &str,
    absence: Option<ContactAbsenceId>,
) -> Result<Vec<appointment::Model>, Fault> {
    let only = if absence.is_some() { " AND b.id = $2" } else { "" };
    let sql = format!("{which}{only} ORDER BY ap.starts_at, ap.id LIMIT {MOST}");
    let mut values: Vec<Value> = vec![session.now().into()];
    values.extend(absence.map(|id| Value::from(id.0)));
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(appointment::Model::find_by_statement(statement).all(tx).await?)
}

/// Some of the times, and whom it concerns what was done about them.
#[derive(Debug)]
pub(crate) struct Batch {
    seen: usize,
    pub patients: Vec<PatientId>,
}

impl Batch {
    /// Whether there may be more.
    const fn has_more(&self) -> bool {
        self.seen as u64 >= MOST && !self.patients.is_empty()
    }
}

/// The soonest times of an absence, or of all that stand, each get a call.
pub(crate) async fn raise(
    tx: &Tx,
    session: &Session,
    absence: Option<ContactAbsenceId>,
) -> Result<Batch, Fault> {
    let times = times(tx, session, UNCALLED, absence).await?;
    let calls: Vec<Raise> = times
        .iter()
        .map(|time| Raise {
            kind: Kind::CancellationCall,
            owner: time.into(),
            assignee: None,
            subject: time.id.0,
            due_at: call_by(time.starts_at, session.now()),
            note: Some(Words::ours(
                "Medarbetaren är borta. Ring patienten, och boka om eller avboka tiden.",
                "The staff member is away. Call the patient, and move or cancel the time.",
            )),
        })
        .collect();
    let raised = task::raise_all(tx, session, &calls).await?;
    Ok(Batch { seen: times.len(), patients: raised.into_iter().map(|(_, patient)| patient).collect() })
}

/// The person is back: calls about times that still stand are not needed.
pub(crate) async fn take_back(
    tx: &Tx,
    session: &Session,
    absence: Option<ContactAbsenceId>,
) -> Result<Batch, Fault> {
    let times = times(tx, session, NEEDLESS, absence).await?;
    let mut batch = Batch { seen: times.len(), patients: Vec::new() };
    for time in &times {
        let words = Words::ours(
            "Medarbetaren är tillbaka: tiden står kvar.",
            "The staff member is back: the time stands.",
        );
        let (kind, ending) = (Kind::CancellationCall, Ending::Superseded);
        if task::end(tx, session, kind, time.id.0, ending, Some(words)).await?.is_some() {
            batch.patients.push(time.patient_id);
        }
    }
    Ok(batch)
}

/// After an absence was registered or called off: what did not fit in the act itself.
pub(crate) async fn go_on(session: &Session, absence: &contact_absence::Model) -> Result<(), Fault> {
    rounds(session, Some(absence.id)).await.map(drop)
}

/// What no act has come to. Gives how many calls were raised.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    rounds(session, None).await
}

async fn rounds(session: &Session, absence: Option<ContactAbsenceId>) -> Result<usize, Fault> {
    let db = &session.core.db;
    let mut raised = 0;
    for _ in 0..ROUNDS {
        let batch = db.write(async |tx| raise(tx, session, absence).await).await?;
        raised += batch.patients.len();
        if !batch.has_more() {
            break;
        }
    }
    for _ in 0..ROUNDS {
        if !db.write(async |tx| take_back(tx, session, absence).await).await?.has_more() {
            break;
        }
    }
    Ok(raised)
}
