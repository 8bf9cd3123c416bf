//! When a time begins as far as the patient knows: care may have moved it, and not have told of that yet.

use chrono::{DateTime, Utc};
use entity::{
    access_event::ActorKind,
    appointment,
    notice::{self, Handling, Kind, State},
    task,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, LockType},
};

use super::by_patient;
use crate::{db::Tx, domain::ladder::Rule, error::Fault, session::Session};

/// By which start the patient must be told of what is done to the time.
pub(crate) fn known_start(time: &appointment::Model) -> DateTime<Utc> {
    time.known_starts_at.unwrap_or(time.starts_at)
}

/// The start that the patient knows, when it is not the one that the time has: that was `known_starts_at`, until a message
/// of the move has left, somebody has told of it, or the patient has answered it.
///
/// A start that has passed is nobody's to wait for.
pub(crate) async fn known_before(
    tx: &Tx,
    session: &Session,
    time: &appointment::Model,
    asked: bool,
) -> Result<Option<DateTime<Utc>>, Fault> {
    let Some(known) = time.known_starts_at.filter(|known| *known > session.now()) else { return Ok(None) };
    let knows =
        asked || by_patient(session) || time.confirmed_at.is_some() || has_been_told(tx, time).await?;
    Ok((!knows).then_some(known))
}

/// Whether a message has told the patient of the time as it is, or somebody who phoned because it did not arrive. What is
/// told by hand instead takes `known_starts_at` away: see [`told_by_hand`].
async fn has_been_told(tx: &Tx, time: &appointment::Model) -> Result<bool, Fault> {
    use notice::Column as N;
    let of_it = notice::Entity::find()
        .filter(N::AppointmentId.eq(time.id))
        .filter(N::ScheduleVersion.eq(time.schedule_version))
        .filter(N::Kind.eq(Kind::Reminder))
        .all(tx)
        .await?;
    Ok(of_it.iter().any(told))
}

fn told(row: &notice::Model) -> bool {
    matches!(row.state, State::Claimed | State::Sent | State::Delivered | State::Unknown)
        || row.handled_as == Some(Handling::Phoned)
}

/// Whether care moves a time back `to` where it is `known` to begin, before anything of the moves has left: then there is
/// nothing to tell. What was to be sent of the time as it was has been taken back by now.
pub(crate) async fn leads_back(
    tx: &Tx,
    session: &Session,
    time: &appointment::Model,
    known: Option<DateTime<Utc>>,
    to: DateTime<Utc>,
) -> Result<bool, Fault> {
    use notice::Column as N;
    if known != Some(to) {
        return Ok(false);
    }
    let of_it = notice::Entity::find()
        .filter(N::AppointmentId.eq(time.id))
        .filter(N::Kind.eq(Kind::Reminder))
        .all(tx)
        .await?;
    let on_its_way = |row: &notice::Model| {
        row.schedule_version == Some(time.schedule_version)
            && row.leased_until.is_some_and(|until| until > session.now())
    };
    // What care booked shortly before is not known either, where a message was to tell of it.
    let by_care = !matches!(time.booked_by, ActorKind::Patient | ActorKind::Representative);
    let unheard = by_care
        && of_it.iter().any(|row| row.rule == Rule::Confirmation.as_str() && row.schedule_version == Some(1))
        && !of_it.iter().any(told);
    Ok(!unheard && !of_it.iter().any(on_its_way))
}

/// Whether a task of this kind, when it is about a booked time, is done by telling the patient of the time as it is: a move
/// ends the task, or says in it what is to be told now.
pub(crate) const fn tells_of_time(kind: task::Kind) -> bool {
    matches!(kind, task::Kind::CancellationCall | task::Kind::Letter | task::Kind::Call)
}

/// Holds the time that such a task is about, if it is about one: before the task, as whoever moves the time does.
pub(crate) async fn hold(tx: &Tx, about: &task::Model) -> Result<(), Fault> {
    let time = appointment::Entity::find()
        .filter(appointment::Column::Id.eq(about.subject_id))
        .lock(LockType::NoKeyUpdate);
    time.one(tx).await?;
    Ok(())
}

/// Somebody has phoned or written about the time: the patient knows it as it is. How a cancelled one was known is left, for
/// the message of that tells by it.
pub(crate) async fn told_by_hand(tx: &Tx, about: &task::Model) -> Result<(), Fault> {
    use appointment::Column as C;
    appointment::Entity::update_many()
        .col_expr(C::KnownStartsAt, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(C::Id.eq(about.subject_id))
        .filter(C::PatientId.eq(about.patient_id))
        .filter(C::Status.eq(appointment::Status::Booked))
        .exec(tx)
        .await?;
    Ok(())
}
