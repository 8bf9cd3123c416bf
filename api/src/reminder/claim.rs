//! Claiming notices: a short transaction that gives each of them to one worker for the length of a lease.

use std::time::Duration;

use chrono::TimeDelta;
use entity::{
    NoticeId,
    contact_way::Channel,
    notice::{self, Column as C, State},
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};

use crate::{error::Fault, session::Core};

/// What the index of waiting notices is over; written out, so that the planner recognises it.
const WAITING: &str = "state IN ('PLANNED', 'CLAIMED')";

/// Claims up to `batch` notices of one channel that are due, or whose lease has ended, those with the nearest
/// deadline first.
pub async fn claim(
    core: &Core,
    channel: Channel,
    batch: u64,
    lease: Duration,
) -> Result<Vec<notice::Model>, Fault> {
    let now = core.clock.now();
    let lease = TimeDelta::from_std(lease).map_err(Fault::internal)?;
    let token = core.clock.uuid();
    let mut claimed = core
        .db
        .write(async |tx| -> Result<Vec<notice::Model>, Fault> {
            let due: Vec<NoticeId> = notice::Entity::find()
                .select_only()
                .column(C::Id)
                .filter(Expr::cust(WAITING))
                .filter(C::Channel.eq(channel))
                .filter(C::DueAt.lte(now))
                .filter(Condition::any().add(C::State.eq(State::Planned)).add(C::LeasedUntil.lte(now)))
                .order_by_asc(C::UselessAt)
                .order_by_asc(C::Id)
                .limit(batch)
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .into_tuple()
                .all(tx)
                .await?;
            if due.is_empty() {
                return Ok(Vec::new());
            }
            Ok(notice::Entity::update_many()
                .col_expr(C::State, Expr::value(State::Claimed))
                .col_expr(C::Attempts, Expr::col(C::Attempts).add(1))
                .col_expr(C::LeasedUntil, Expr::value(now + lease))
                .col_expr(C::LeaseToken, Expr::value(token))
                .filter(C::Id.is_in(due))
                .exec_with_returning(tx)
                .await?)
        })
        .await?;
    claimed.sort_by_key(|notice| (notice.useless_at, notice.id));
    Ok(claimed)
}

/// Marks as missed up to `batch` notices that nobody works on and that are too late for anybody; says how many.
pub async fn expire(core: &Core, batch: u64) -> Result<u64, Fault> {
    let now = core.clock.now();
    core.db
        .write(async |tx| -> Result<u64, Fault> {
            let late: Vec<NoticeId> = notice::Entity::find()
                .select_only()
                .column(C::Id)
                .filter(Expr::cust(WAITING))
                .filter(C::DueAt.lte(now))
                .filter(C::UselessAt.lte(now))
                .filter(Condition::any().add(C::State.eq(State::Planned)).add(C::LeasedUntil.lte(now)))
                .limit(batch)
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .into_tuple()
                .all(tx)
                .await?;
            if late.is_empty() {
                return Ok(0);
            }
            let missed = notice::Entity::update_many()
                .col_expr(C::State, Expr::value(State::Missed))
                .col_expr(C::Reason, Expr::value("TOO_LATE"))
                .filter(C::Id.is_in(late))
                .exec(tx)
                .await?;
            Ok(missed.rows_affected)
        })
        .await
}
