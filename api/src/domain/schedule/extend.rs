//! Moving the horizon on: the days that have come within it become slots.

use chrono::{Days, NaiveDate};
use entity::{ScheduleId, schedule, schedule::Column as C};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};

use super::{
    horizon, plan_of,
    replan::{self, There},
};
use crate::{
    domain::booking::away_slots::keep_present,
    error::{Fault, Stop},
    session::Session,
};

/// Schedules in one sweep, at most; the next goes on.
const AT_ONCE: u64 = 200;

/// Extends every schedule that is behind the horizon. Times at which somebody is occupied are left out, as the preview
/// tells.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    let until = horizon(session);
    let behind = session
        .core
        .db
        .read(async |db| -> Result<Vec<ScheduleId>, Fault> {
            let rows = schedule::Entity::find()
                .filter(C::EndedAt.is_null())
                .filter(C::PublishedUntil.lt(until))
                .order_by_asc(C::PublishedUntil)
                .limit(AT_ONCE)
                .all(db)
                .await?;
            Ok(rows.into_iter().map(|row| row.id).collect())
        })
        .await?;
    let mut published = 0;
    for id in behind {
        let one = session.core.db.write(async |tx| extend(tx, session, id, until).await).await;
        match one {
            Ok(count) => published += count,
            // Somebody published at the same moment: the next sweep sees it.
            Err(Stop::Refused(why)) => tracing::warn!(schedule = %id.0, ?why, "a schedule was not extended"),
            Err(Stop::Fault(fault)) => return Err(fault),
        }
    }
    Ok(published)
}

async fn extend(
    tx: &crate::db::Tx,
    session: &Session,
    id: ScheduleId,
    until: NaiveDate,
) -> Result<usize, Stop> {
    // Held until the transaction ends: another instance waits here, and then finds nothing to do.
    let Some(row) = schedule::Entity::find_by_id(id).lock_exclusive().one(tx).await? else { return Ok(0) };
    if row.ended_at.is_some() || row.published_until >= until {
        return Ok(0);
    }
    let plan = plan_of(tx, &row).await?;
    keep_present(tx, plan.assignments()).await?;
    let span = (row.published_until + Days::new(1), until);
    let draft = replan::draft(
        tx,
        &plan,
        Some(There { schedule: row.id, same_staff: true, lock: true }),
        span,
        session.now(),
    )
    .await?;
    replan::apply(tx, session, &plan, row.id, &draft, true).await?;
    schedule::Entity::update_many()
        .col_expr(C::PublishedUntil, Expr::value(until))
        .filter(C::Id.eq(row.id))
        .exec(tx)
        .await?;
    Ok(draft.publish.len())
}
