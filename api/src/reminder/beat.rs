//! Signs of life: each worker keeps a row of its own, which tells operators that it runs and what keeps it from sending.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{WorkerId, worker_beat};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};

use super::pause;
use crate::{db::Db, error::Fault, session::Core, telemetry};

/// Rows of workers that have been silent for so long are removed.
const FORGOTTEN: TimeDelta = TimeDelta::days(1);

/// Writes the row of a worker.
pub async fn beat(
    core: &Core,
    worker: WorkerId,
    started_at: DateTime<Utc>,
    trouble: &[String],
) -> Result<(), Fault> {
    use worker_beat::Column as C;
    let now = core.clock.now();
    let row = worker_beat::ActiveModel {
        id: Set(worker),
        started_at: Set(started_at),
        beat_at: Set(now),
        trouble: Set(trouble.join("\n")),
    };
    core.db
        .write(async |tx| -> Result<(), Fault> {
            let again = OnConflict::column(C::Id).update_columns([C::BeatAt, C::Trouble]).to_owned();
            worker_beat::Entity::insert(row).on_conflict(again).exec_without_returning(tx).await?;
            worker_beat::Entity::delete_many().filter(C::BeatAt.lt(now - FORGOTTEN)).exec(tx).await?;
            Ok(())
        })
        .await
}

/// The workers of the last day, the one that was heard last first.
async fn workers(db: &Db) -> Result<Vec<worker_beat::Model>, Fault> {
    db.read(async |db| {
        Ok(worker_beat::Entity::find().order_by_desc(worker_beat::Column::BeatAt).all(db).await?)
    })
    .await
}

/// What keeps reminders from leaving, a line each: channels that are paused or out of order, a clock that jumped, and no
/// worker that has given a sign of life for as long as `silence`. Names no person.
pub async fn troubles(db: &Db, now: DateTime<Utc>, silence: Duration) -> Result<Vec<String>, Fault> {
    let mut troubles = Vec::new();
    for row in pause::paused(db).await? {
        let (name, since) = (row.channel.to_lowercase(), row.paused_at.format("%Y-%m-%d %H:%M UTC"));
        troubles.push(format!("{name} is paused since {since}; `patientkontrakt reminders resume {name}`"));
    }
    let since = now - TimeDelta::from_std(silence).unwrap_or_default();
    let workers = workers(db).await?;
    let (alive, silent): (Vec<_>, Vec<_>) = workers.into_iter().partition(|worker| worker.beat_at > since);
    if let (true, Some(last)) = (alive.is_empty(), silent.first()) {
        let heard = last.beat_at.format("%Y-%m-%d %H:%M UTC");
        troubles.push(format!("no worker has given a sign of life since {heard}"));
    }
    for worker in alive {
        let told = worker.trouble.lines().map(str::to_owned);
        // Of several workers most say the same.
        troubles.extend(told.filter(|line| !troubles.contains(line)).collect::<Vec<_>>());
    }
    Ok(troubles)
}

/// [`troubles`] for a probe: short of time, and told to operations when it fails.
pub async fn alert(core: &Core, silence: Duration) -> Result<(), String> {
    let found = troubles(&core.db, core.clock.now(), silence).await.map_err(|fault| {
        telemetry::note_failure("looking at the state of the workers", &fault);
        "the state of the workers cannot be read".to_owned()
    })?;
    if found.is_empty() { Ok(()) } else { Err(found.join("; ")) }
}
