//! When a time begins as far as the patient knows: care may have moved it, and not have told of that yet.

use chrono::{DateTime, Utc};
use entity::{
    appointment,
    notice::{self, Handling, Kind, State},
    task,
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::by_patient;
use crate::{db::Tx, error::Fault, session::Session};

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

/// Whether the patient has been told of the time as it is.
async fn has_been_told(tx: &Tx, time: &appointment::Model) -> Result<bool, Fault> {
    use notice::Column as N;
    use task::Column as T;
    let of_it = notice::Entity::find()
        .filter(N::AppointmentId.eq(time.id))
        .filter(N::ScheduleVersion.eq(time.schedule_version))
        .filter(N::Kind.eq(Kind::Reminder))
        .all(tx)
        .await?;
    if !of_it.is_empty() {
        let told = |row: &notice::Model| {
            matches!(row.state, State::Claimed | State::Sent | State::Delivered | State::Unknown)
                || row.handled_as == Some(Handling::Phoned)
        };
        return Ok(of_it.iter().any(told));
    }
    // Whom no message reaches, somebody has phoned or written to.
    let by_hand = task::Entity::find()
        .filter(T::SubjectId.eq(time.id.0))
        .filter(T::Kind.is_in([task::Kind::CancellationCall, task::Kind::Letter, task::Kind::Call]))
        .filter(T::Status.is_in([task::Status::Open, task::Status::Done]))
        .all(tx)
        .await?;
    Ok(!by_hand.is_empty() && by_hand.iter().all(|row| row.status == task::Status::Done))
}
