//! Who is told of a child's times changes without an act: on a birthday, when an assessment ends, when a mandate runs out.
//! The sweep finds what is addressed to whoever was told before, and plans it anew.

use chrono::{DateTime, Days, Months, NaiveDate, Utc};
use entity::{
    PatientId,
    notice::{self, Kind, State},
    patient,
    reminder_preference::PreferenceKind,
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Statement};

use super::{Way, by_hand, replan_patient, ways, withdraw_where};
use crate::{
    calendar::to_local,
    db::Tx,
    domain::{ladder::Rule, patient::lock},
    error::Fault,
    session::Session,
};

/// Patients of one statement.
const BATCH: usize = 100;
/// Statements of one sweep at most: the next one goes on.
const ROUNDS: usize = 50;
/// How long after the birthday a young person with a choice and no reminders is looked for.
const LOOKED_FOR: Days = Days::new(8);
/// A decision that ended longer ago has been seen to.
const ENDED: Days = Days::new(30);

/// Patients after `$1` who may have come to such a boundary by `$2`: with a reminder ahead to a guardian whose child is born
/// by `$3`, or whose mandate has run out; with one of a child's own, who was let in early until then; and, born by `$4` and
/// after `$5`, with a choice of their own and a visit ahead that they are not reminded of; or with a choice of others', who
/// are reminded by it yet, or on no list instead.
const PASSED: &str = "SELECT id FROM (\
     SELECT n.patient_id AS id FROM guardian_reminder g JOIN representative r ON r.id = g.representative_id \
       JOIN patient p ON p.id = g.patient_id JOIN notice n ON n.patient_id = p.id AND n.guardian_reminder_id = g.id \
       WHERE (p.birth_date <= $3 OR r.valid_until <= $2) AND n.state = 'PLANNED' AND n.kind = 'REMINDER' \
         AND n.rule <> 'CONFIRMATION' AND n.due_at > $2 \
     UNION SELECT n.patient_id FROM access_assessment s JOIN patient p ON p.id = s.patient_id \
       JOIN notice n ON n.patient_id = p.id AND n.contact_way_id IS NOT NULL \
       WHERE s.decision = 'OPEN_EARLY' AND s.until <= $2 AND s.until > $6 AND p.birth_date > $5 \
         AND n.state = 'PLANNED' AND n.kind = 'REMINDER' AND n.rule <> 'CONFIRMATION' AND n.due_at > $2 \
     UNION SELECT p.id FROM patient p JOIN reminder_preference c ON c.patient_id = p.id AND c.kind = 'APPOINTMENT' \
       AND c.opted_in AND c.channel IN ('MAIL', 'SMS') \
       JOIN appointment a ON a.patient_id = p.id AND a.status = 'BOOKED' AND a.starts_at > $2 \
       WHERE p.birth_date <= $4 AND p.birth_date > $5 AND NOT EXISTS (SELECT 1 FROM notice n \
         WHERE n.appointment_id = a.id AND n.schedule_version = a.schedule_version AND n.contact_way_id IS NOT NULL) \
     UNION SELECT p.id FROM patient p JOIN reminder_preference c ON c.patient_id = p.id AND c.kind = 'APPOINTMENT' \
       AND c.opted_in AND c.channel IN ('MAIL', 'SMS') AND c.by_kind <> 'PATIENT' \
       JOIN appointment a ON a.patient_id = p.id AND a.status = 'BOOKED' AND a.starts_at > $2 \
       WHERE p.birth_date <= $4 AND p.birth_date > $5 AND (EXISTS (SELECT 1 FROM notice n \
         WHERE n.appointment_id = a.id AND n.channel = c.channel AND n.contact_way_id IS NOT NULL \
           AND n.state = 'PLANNED' AND n.rule <> 'CONFIRMATION' AND n.due_at > $2) \
         OR NOT EXISTS (SELECT 1 FROM task t WHERE t.subject_id = a.id AND t.kind IN ('LETTER', 'CALL')))\
     ) passed WHERE id > $1 ORDER BY id LIMIT 100";

/// Plans anew the reminders ahead of those who have come to a boundary. Gives for how many.
pub(crate) async fn sweep(session: &Session) -> Result<usize, Fault> {
    let (mut after, mut changed) = (PatientId(uuid::Uuid::nil()), 0);
    for _ in 0..ROUNDS {
        let some = passed(session, after).await?;
        for &id in &some {
            let anew = session.core.db.write(async |tx| follow(tx, session, id).await).await?;
            changed += usize::from(anew);
        }
        match some.last() {
            Some(last) if some.len() == BATCH => after = *last,
            _ => break,
        }
    }
    Ok(changed)
}

async fn passed(session: &Session, after: PatientId) -> Result<Vec<PatientId>, Fault> {
    let (now, ages) = (session.now(), session.core.settings.ages);
    // A day too early for some: what holds is decided by the rules.
    let born = |age: u32| {
        let tomorrow = to_local(now).date_naive() + Days::new(1);
        tomorrow.checked_sub_months(Months::new(12 * age)).unwrap_or(NaiveDate::MIN)
    };
    let own = born(ages.own_booking);
    let values: Vec<sea_orm::Value> = vec![
        after.0.into(),
        now.into(),
        Ord::max(born(ages.guardian_until), own).into(),
        own.into(),
        (own - LOOKED_FOR).into(),
        (now - ENDED).into(),
    ];
    session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), PASSED, values);
            let rows = db.query_all_raw(statement).await?;
            let ids = rows.iter().map(|row| row.try_get_by_index(0).map(PatientId));
            Ok(ids.collect::<Result<_, _>>()?)
        })
        .await
}

/// Plans the patient's reminders anew, if any ahead goes to somebody who is not told any more, or not that way, or the
/// patient is told from now on and has none, or by hand. What leads to nobody is taken back, so that it is not looked at
/// again.
async fn follow(tx: &Tx, session: &Session, id: PatientId) -> Result<bool, Fault> {
    use notice::Column as C;
    let whom = lock(tx, id).await?;
    let ways = ways::of(tx, session, &whom, PreferenceKind::Appointment).await?;
    let ahead = ahead(tx, &whom, session.now()).await?;
    let stale: Vec<_> = ahead.iter().filter(|row| !leads(row, &ways)).map(|row| row.id).collect();
    let is_new = ways.iter().any(|way| way.recipient.contact_way().is_some())
        && !ahead.iter().any(|row| row.contact_way_id.is_some());
    let unlisted = ways.is_empty() && by_hand::is_missing(tx, session, &whom).await?;
    if stale.is_empty() && !is_new && !unlisted {
        return Ok(false);
    }
    replan_patient(tx, session, id).await?;
    withdraw_where(tx, C::Id.is_in(stale), "NOT_TOLD").await?;
    Ok(true)
}

async fn ahead(tx: &Tx, whom: &patient::Model, now: DateTime<Utc>) -> Result<Vec<notice::Model>, Fault> {
    use notice::Column as C;
    Ok(notice::Entity::find()
        .filter(C::PatientId.eq(whom.id))
        .filter(C::State.eq(State::Planned))
        .filter(C::Kind.eq(Kind::Reminder))
        .filter(C::Rule.ne(Rule::Confirmation.as_str()))
        .filter(C::DueAt.gt(now))
        .all(tx)
        .await?)
}

/// Whether the one that a reminder is addressed to is told now, by that way.
fn leads(row: &notice::Model, ways: &[Way]) -> bool {
    let mut same = ways.iter().filter(|way| way.channel == row.channel);
    same.any(|way| match row.guardian_reminder_id {
        Some(id) => way.recipient.guardian_reminder() == Some(id),
        None => way.recipient.contact_way().is_some(),
    })
}
