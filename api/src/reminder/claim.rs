//! Claiming notices: a short transaction that gives each of them to one worker for the length of a lease.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    NoticeId,
    contact_way::Channel,
    notice::{self, Column as C, State},
};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType},
};

use super::channel::FailureCode;
use crate::{domain::notice::DOUBTFUL, error::Fault, session::Core};

/// What the index of waiting notices is over; written out, so that the planner recognises it.
const WAITING: &str = "state IN ('PLANNED', 'CLAIMED')";

/// Nothing is claimed to be sent of a channel that the operator has paused, at whichever instance.
const NOT_PAUSED: &str = "NOT EXISTS (SELECT 1 FROM channel_pause p WHERE p.channel = notice.channel)";

/// Claims up to `batch` notices of one channel that are due, or whose lease has ended, those with the nearest
/// deadline first.
pub async fn claim(
    core: &Core,
    channel: Channel,
    batch: u64,
    lease: Duration,
) -> Result<Vec<notice::Model>, Fault> {
    let due = C::DueAt.lte(core.clock.now());
    take(core, channel, batch, lease, due.and(Expr::cust(NOT_PAUSED))).await
}

/// Also of a channel that is paused, to give them up: those reminders that have been due for a minute and help nobody after
/// `until`. What tells that something has changed goes every way already; and what a worker has left behind may have left
/// the house.
pub async fn claim_last(
    core: &Core,
    channel: Channel,
    batch: u64,
    lease: Duration,
    until: DateTime<Utc>,
) -> Result<Vec<notice::Model>, Fault> {
    let waiting = C::DueAt.lte(core.clock.now() - TimeDelta::minutes(1));
    let reminders = C::Kind.eq(notice::Kind::Reminder).and(C::State.eq(State::Planned));
    take(core, channel, batch, lease, waiting.and(C::UselessAt.lte(until)).and(reminders)).await
}

async fn take(
    core: &Core,
    channel: Channel,
    batch: u64,
    lease: Duration,
    which: Expr,
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
                .filter(which)
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
                .col_expr(C::ClaimedAt, Expr::value(now))
                .filter(C::Id.is_in(due))
                .exec_with_returning(tx)
                .await?)
        })
        .await?;
    claimed.sort_by_key(|notice| (notice.useless_at, notice.id));
    Ok(claimed)
}

/// What became of notices that were too late for anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    pub missed: u64,
    /// Whoever had begun to send them has not said whether they left.
    pub unknown: u64,
}

/// Ends up to `batch` notices that nobody works on and that are too late for anybody.
pub async fn expire(core: &Core, batch: u64) -> Result<Expired, Fault> {
    let now = core.clock.now();
    core.db
        .write(async |tx| -> Result<Expired, Fault> {
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
                return Ok(Expired::default());
            }
            let end = |state: State, reason: &'static str| {
                notice::Entity::update_many()
                    .col_expr(C::State, Expr::value(state))
                    .col_expr(C::Reason, Expr::value(reason))
                    .col_expr(C::EndedAt, Expr::value(now))
                    .filter(Expr::cust(WAITING))
                    .filter(C::Id.is_in(late.iter().copied()))
            };
            // A mail may leave without a mark that it was begun: its receiver knows a second copy.
            let begun = Condition::any()
                .add(C::Reason.like(format!("{DOUBTFUL}%")))
                .add(Condition::all().add(C::State.eq(State::Claimed)).add(C::Channel.eq(Channel::Mail)));
            let unknown =
                end(State::Unknown, FailureCode::Interrupted.as_str()).filter(begun).exec(tx).await?;
            let missed = end(State::Missed, "TOO_LATE").exec(tx).await?;
            Ok(Expired { missed: missed.rows_affected, unknown: unknown.rows_affected })
        })
        .await
}

/// How many notices of a channel are due and not done with, and since when the oldest.
pub async fn waiting(core: &Core, channel: Channel) -> Result<(i64, Option<DateTime<Utc>>), Fault> {
    let now = core.clock.now();
    core.db
        .read(async |db| {
            let found = notice::Entity::find()
                .select_only()
                .column_as(C::Id.count(), "due")
                .column_as(C::DueAt.min(), "oldest")
                .filter(Expr::cust(WAITING))
                .filter(C::Channel.eq(channel))
                .filter(C::DueAt.lte(now))
                .into_tuple()
                .one(db)
                .await?;
            Ok(found.unwrap_or_default())
        })
        .await
}
