//! Booked times that fell out of their schedule: each is somebody's to phone about (ringa återbud), until the patient has
//! another time or none, or the schedule takes it back in.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    PatientId, SlotId, appointment,
    slot::{self, Column as C},
    task::{self, Kind, Status},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};

use super::replan::ROWS;
use crate::{
    db::Tx,
    domain::{
        booking::{
            away::{call_by, somebody_is_away},
            away_slots,
            rules::NewTime,
        },
        task::{Closing, Ending, Raise, close_all, raise_all, words::Words},
    },
    error::Fault,
    session::Session,
};

/// What a change of a schedule means to those who have booked.
#[derive(Debug, Default)]
pub struct Fallen {
    /// Booked slots that are out of the schedule, now or since before.
    pub slots: Vec<SlotId>,
    /// Whom tasks were raised or ended about.
    pub patients: Vec<PatientId>,
}

async fn appointments(tx: &Tx, slots: &[SlotId]) -> Result<Vec<appointment::Model>, Fault> {
    use appointment::Column as A;
    let of = appointment::Entity::find()
        .filter(A::SlotId.is_in(slots.iter().copied()))
        .filter(A::Status.eq(appointment::Status::Booked))
        .order_by_asc(A::StartsAt)
        .order_by_asc(A::Id);
    Ok(of.all(tx).await?)
}

/// These fall out now: the patients are to be phoned.
pub(super) async fn call(tx: &Tx, session: &Session, slots: &[SlotId]) -> Result<Vec<PatientId>, Fault> {
    let mut patients = Vec::new();
    for some in slots.chunks(ROWS) {
        let calls: Vec<Raise> = appointments(tx, some)
            .await?
            .iter()
            .map(|time| Raise {
                kind: Kind::CancellationCall,
                owner: time.into(),
                assignee: None,
                subject: time.id.0,
                due_at: call_by(time.starts_at, session.now()),
                note: Some(Words::ours(
                    "Tiden finns inte längre i tidboken. Ring patienten, och boka om eller avboka tiden.",
                    "The time is no longer in the schedule. Call the patient, and move or cancel the time.",
                )),
            })
            .collect();
        patients.extend(raise_all(tx, session, &calls).await?.into_iter().map(|(_, patient)| patient));
    }
    Ok(patients)
}

/// The schedule has these again: others can book what is left of them, unless their staff are away, and nobody needs to
/// be phoned about them.
pub(super) async fn take_in(
    tx: &Tx,
    session: &Session,
    staff: &[entity::AssignmentId],
    times: &[(SlotId, NewTime)],
) -> Result<Vec<PatientId>, Fault> {
    let mut patients = Vec::new();
    for some in times.chunks(ROWS) {
        let ids: Vec<SlotId> = some.iter().map(|(id, _)| *id).collect();
        patients.extend(call_no_more(tx, session, &ids).await?);
        slot::Entity::update_many()
            .col_expr(C::WithdrawnAt, Expr::value(Option::<DateTime<Utc>>::None))
            .col_expr(C::Withdrawal, Expr::value(Option::<String>::None))
            .filter(C::Id.is_in(ids))
            .exec(tx)
            .await?;
    }
    if !times.is_empty() {
        away_slots::withdraw_new(tx, session, staff, times).await?;
    }
    Ok(patients)
}

/// Ends the calls that were raised since the times fell out. Where somebody is away, that is to be phoned about too.
async fn call_no_more(tx: &Tx, session: &Session, slots: &[SlotId]) -> Result<Vec<PatientId>, Fault> {
    let rows = slot::Entity::find().filter(C::Id.is_in(slots.iter().copied())).all(tx).await?;
    let fell: HashMap<SlotId, DateTime<Utc>> =
        rows.iter().filter_map(|row| Some((row.id, row.withdrawn_at?))).collect();
    let times = appointments(tx, slots).await?;
    let calls = task::Entity::find()
        .filter(task::Column::Kind.eq(Kind::CancellationCall))
        .filter(task::Column::SubjectId.is_in(times.iter().map(|time| time.id.0)))
        .filter(task::Column::Status.eq(Status::Open))
        .all(tx)
        .await?;
    let mut closings = Vec::new();
    for task in &calls {
        let Some(time) = times.iter().find(|time| time.id.0 == task.subject_id) else { continue };
        let since = fell.get(&time.slot_id).is_some_and(|fell| *fell <= task.created_at);
        if since && !somebody_is_away(tx, time).await? {
            let words = Words::ours("Tiden finns i tidboken igen.", "The time is in the schedule again.");
            closings.push(Closing { task, ending: Ending::Superseded, words: Some(words) });
        }
    }
    let patients = closings.iter().map(|closing| closing.task.patient_id).collect();
    close_all(tx, session, closings).await?;
    Ok(patients)
}
