//! The sweep of contacts: what time alone brings about. Every step is idempotent and bounded.

use chrono::{NaiveDate, NaiveTime};
use entity::{CareContactId, PatientId, care_contact, patient, task};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Statement,
    Value,
};
use uuid::Uuid;

use super::{guard, lifetime, words};
use crate::{
    calendar::{to_instant, to_local},
    db::Tx,
    domain::task::{self as tasks, Raise, words::Words},
    error::Fault,
    locale::Locale,
    session::Session,
};

/// Patients, contacts or tasks looked at in one transaction.
const BATCH: u64 = 50;
/// Transactions of one step of one sweep at most; the next sweep goes on.
const ROUNDS: usize = 200;

/// Begins and ends what was planned, and raises reviews that are due and gaps that are near. Gives how many tasks were
/// raised.
pub async fn run(session: &Session) -> Result<usize, Fault> {
    turn(session).await?;
    Ok(reviews(session).await? + gaps(session).await?)
}

/// Contacts that begin or are over.
async fn turn(session: &Session) -> Result<(), Fault> {
    let sql = "SELECT patient_id FROM care_contact WHERE status <> 'ENDED' AND valid_until <= $1 AND patient_id > $2 \
         UNION SELECT patient_id FROM care_contact WHERE status = 'PLANNED' AND valid_from <= $1 AND patient_id > $2 \
         ORDER BY 1 LIMIT $3";
    each_patient(session, sql, vec![session.now().into()], Step::Turn).await?;
    Ok(())
}

/// Gaps that have come near, and handover tasks whose gap may be gone.
async fn gaps(session: &Session) -> Result<usize, Fault> {
    // Nobody steps in, or somebody who is away too or leaves before the end.
    const ABSENCE: &str = "ab.cancelled_at IS NULL AND ab.until_at > $2 AND ab.from_at <= $1 \
        AND (ab.substitute_id IS NULL \
          OR EXISTS (SELECT 1 FROM contact_absence z WHERE z.assignment_id = ab.substitute_id \
            AND z.cancelled_at IS NULL AND z.from_at < ab.until_at AND z.until_at > ab.from_at \
            AND z.until_at > $2 AND z.from_at <= $1) \
          OR EXISTS (SELECT 1 FROM assignment s WHERE s.id = ab.substitute_id \
            AND s.valid_until < ab.until_at AND s.valid_until <= $1))";
    let sql = format!(
        "SELECT x.patient_id FROM ( \
           SELECT c.patient_id FROM care_contact c WHERE c.status <> 'ENDED' AND c.valid_until <= $1 \
           UNION SELECT c.patient_id FROM care_contact c JOIN assignment a ON a.id = c.assignment_id \
             WHERE c.status <> 'ENDED' AND a.valid_until <= $1 \
           UNION SELECT c.patient_id FROM contact_absence ab JOIN care_contact c ON c.id = ab.contact_id \
             WHERE c.status <> 'ENDED' AND {ABSENCE} \
           UNION SELECT c.patient_id FROM contact_absence ab JOIN care_contact c ON c.assignment_id = ab.assignment_id \
             WHERE c.status <> 'ENDED' AND {ABSENCE} \
           UNION SELECT t.patient_id FROM task t WHERE t.kind = 'HANDOVER' AND t.status = 'OPEN') x \
         JOIN patient p ON p.id = x.patient_id WHERE p.deceased_on IS NULL AND x.patient_id > $3 \
         ORDER BY 1 LIMIT $4"
    );
    let horizon = session.now() + guard::lead_time(session);
    each_patient(session, &sql, vec![horizon.into(), session.now().into()], Step::Gaps).await
}

/// What is done for each patient that is found.
#[derive(Clone, Copy)]
enum Step {
    Turn,
    Gaps,
}

/// Takes `step` for the patients that `sql` finds, page by page; its last two parameters are the patient after whom a
/// page begins and the size of the page.
async fn each_patient(session: &Session, sql: &str, values: Vec<Value>, step: Step) -> Result<usize, Fault> {
    let (mut after, mut count) = (Uuid::nil(), 0);
    for _ in 0..ROUNDS {
        let mut values = values.clone();
        values.extend([after.into(), i64::try_from(BATCH).unwrap_or(1).into()]);
        let page = session
            .core
            .db
            .read(async |db| -> Result<Vec<Uuid>, Fault> {
                let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
                let rows = db.query_all_raw(statement).await?;
                rows.iter().map(|row| row.try_get_by(0).map_err(Fault::from)).collect()
            })
            .await?;
        let Some(last) = page.last() else { break };
        after = *last;
        count += session
            .core
            .db
            .write(async |tx| -> Result<usize, Fault> {
                let mut count = 0;
                for patient in &page {
                    let patient = PatientId(*patient);
                    count += match step {
                        Step::Turn => lifetime::settle(tx, session, patient).await.map(|_| 0)?,
                        Step::Gaps => guard::settle(tx, session, patient).await?,
                    };
                }
                Ok(count)
            })
            .await?;
    }
    Ok(count)
}

/// Contacts whose review day has come.
async fn reviews(session: &Session) -> Result<usize, Fault> {
    use care_contact::Column as C;
    let today = to_local(session.now()).date_naive();
    let alive = patient::Entity::find()
        .select_only()
        .column(patient::Column::Id)
        .filter(patient::Column::DeceasedOn.is_null())
        .into_query();
    let open = task::Entity::find()
        .select_only()
        .column(task::Column::SubjectId)
        .filter(task::Column::Kind.eq(task::Kind::ContactReview))
        .filter(task::Column::Status.eq(task::Status::Open))
        .into_query();
    let (mut after, mut raised) = (CareContactId(Uuid::nil()), 0);
    for _ in 0..ROUNDS {
        let due = care_contact::Entity::find()
            .filter(super::holding(session.now()))
            .filter(C::ReviewOn.lte(today))
            .filter(C::PatientId.in_subquery(alive.clone()))
            .filter(C::Id.not_in_subquery(open.clone()))
            .filter(C::Id.gt(after))
            .order_by_asc(C::Id)
            .limit(BATCH);
        let (last, count) = session
            .core
            .db
            .write(async |tx| -> Result<(Option<CareContactId>, usize), Fault> {
                let due = due.all(tx).await?;
                let mut count = 0;
                for contact in &due {
                    count += usize::from(review(tx, session, contact, today).await?);
                }
                Ok((due.last().map(|contact| contact.id), count))
            })
            .await?;
        raised += count;
        let Some(last) = last else { break };
        after = last;
    }
    Ok(raised)
}

/// Raises the review of one contact; false when it is raised already.
async fn review(
    tx: &Tx,
    session: &Session,
    contact: &care_contact::Model,
    today: NaiveDate,
) -> Result<bool, Fault> {
    let day = contact.review_on.unwrap_or(today);
    let role = |locale| words::role_in(contact.role, contact.treating_kind, locale);
    let note = Words::ours(
        format!("Ompröva {} ({}): behövs kontakten fortfarande?", contact.name, role(Locale::Sv)),
        format!("Reconsider {} ({}): is the contact still needed?", contact.name, role(Locale::En)),
    );
    let raise = Raise {
        kind: task::Kind::ContactReview,
        owner: contact.into(),
        assignee: None,
        subject: contact.id.0,
        due_at: to_instant(day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN)),
        note: Some(note),
    };
    Ok(tasks::raise(tx, session, &raise).await?.is_some())
}
