//! Channels that the operator has paused: a row in the database, which every instance looks at when it claims.

use chrono::{DateTime, Utc};
use entity::{channel_pause, contact_way::Channel};
use sea_orm::{ActiveValue::Set, EntityTrait, sea_query::OnConflict};

use crate::{db::Db, error::Fault};

/// Stops a channel from now on. One that is paused stays paused since when it was.
pub async fn pause(db: &Db, channel: Channel, now: DateTime<Utc>) -> Result<(), Fault> {
    let row = channel_pause::ActiveModel { channel: Set(channel.as_str().to_owned()), paused_at: Set(now) };
    db.write(async |tx| -> Result<(), Fault> {
        let known = OnConflict::column(channel_pause::Column::Channel).do_nothing().to_owned();
        channel_pause::Entity::insert(row).on_conflict(known).exec_without_returning(tx).await?;
        Ok(())
    })
    .await
}

/// Lets a channel send again. False when it was not paused.
pub async fn resume(db: &Db, channel: Channel) -> Result<bool, Fault> {
    db.write(async |tx| -> Result<bool, Fault> {
        let ended = channel_pause::Entity::delete_by_id(channel.as_str().to_owned()).exec(tx).await?;
        Ok(ended.rows_affected == 1)
    })
    .await
}

/// The channels that are paused, and since when.
pub async fn paused(db: &Db) -> Result<Vec<channel_pause::Model>, Fault> {
    db.read(async |db| Ok(channel_pause::Entity::find().all(db).await?)).await
}
