//! What the gateway reports of messages that it has taken: it may come twice, in any order, and before its own answer
//! to the sending.
//!
//! One word is final: delivered. After it nothing changes; before it, the others give way to it. Which states a report
//! finds decides, in one statement.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    NoticeId,
    contact_way::{self, Channel},
    notice::{self, Column as C, Handling, State},
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, Func, LockBehavior, LockType},
};

use super::{
    channel::{FailureCode, sms::Report},
    record::{as_service, given_since, given_up, hold_receiver, set_way},
};
use crate::{db::Tx, domain::notice as outbox, error::Fault, session::Core};

/// Without a report for so long, whether the message arrived is unknown.
const OVERDUE: TimeDelta = TimeDelta::hours(24);

/// How many are marked at a time; the rest a moment later.
const BATCH: u64 = 1000;

/// Those that an overdue report is looked for among; written out, so that the planner recognises the index.
const WAITING: &str = "state = 'SENT' AND channel = 'SMS'";

/// By when a message that is accepted now is to have been reported; none where the gateway is not asked to.
pub(super) fn awaited(core: &Core, notice: &notice::Model, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (notice.channel == Channel::Sms && core.settings.sms_reports).then(|| now + OVERDUE)
}

/// Records a report. False when it changes nothing: it is known already, or about nothing that was sent.
pub async fn report(core: &Core, id: NoticeId, report: Report) -> Result<bool, Fault> {
    core.db
        .write(async |tx| match report {
            Report::Delivered => delivered(tx, core, id).await,
            Report::Undelivered => lost(tx, core, id, FailureCode::Undelivered).await,
            Report::Rejected => lost(tx, core, id, FailureCode::Refused).await,
        })
        .await
}

async fn delivered(tx: &Tx, core: &Core, id: NoticeId) -> Result<bool, Fault> {
    use State::{Claimed, Delivered, Failed, Planned, Sent, Unknown, Withdrawn};
    let read = async || notice::Entity::find_by_id(id).one(tx).await;
    let Some(mut row) = read().await? else { return Ok(false) };
    if row.state != Failed && row.handled_as != Some(Handling::OtherWay) {
        // One that was taken back while it was on its way has arrived all the same.
        if mark(tx, core, id, (Delivered, None), &[Planned, Claimed, Sent, Unknown, Withdrawn]).await? {
            return Ok(true);
        }
        let Some(now) = read().await? else { return Ok(false) };
        row = now;
    }
    hold_receiver(tx, &row).await?;
    if !mark(tx, core, id, (Delivered, None), &[Failed, Unknown]).await? {
        return Ok(false);
    }
    outbox::arrived_after_all(tx, &row).await?;
    if row.reason.as_deref() == Some(FailureCode::Undelivered.as_str()) {
        works(tx, core, &row).await?;
    }
    Ok(true)
}

/// It was not delivered; or not even passed on, which says nothing about the number.
async fn lost(tx: &Tx, core: &Core, id: NoticeId, reason: FailureCode) -> Result<bool, Fault> {
    use State::{Claimed, Failed, Planned, Sent, Unknown};
    let Some(row) = notice::Entity::find_by_id(id).one(tx).await? else { return Ok(false) };
    hold_receiver(tx, &row).await?;
    let to = (Failed, Some(reason.as_str()));
    if !mark(tx, core, id, to, &[Planned, Claimed, Sent, Unknown]).await? {
        return Ok(false);
    }
    given_up(tx, core, &row, reason).await?;
    Ok(true)
}

/// Changes the notice if it is in one of these states.
async fn mark(
    tx: &Tx,
    core: &Core,
    id: NoticeId,
    (state, reason): (State, Option<&str>),
    before: &[State],
) -> Result<bool, Fault> {
    let sent_at = Func::coalesce([Expr::col(C::SentAt), Expr::value(core.clock.now())]);
    let changed = notice::Entity::update_many()
        .col_expr(C::State, Expr::value(state))
        .col_expr(C::Reason, Expr::value(reason))
        .col_expr(C::SentAt, sent_at.into())
        .col_expr(C::EndedAt, Expr::value(core.clock.now()))
        .filter(C::Id.eq(id))
        .filter(C::Channel.eq(Channel::Sms))
        .filter(C::State.is_in(before.iter().copied()))
        .exec(tx)
        .await?;
    Ok(changed.rows_affected == 1)
}

/// What was reported as not delivered has arrived: the number works, unless another has been given since. What is ahead
/// goes there again.
async fn works(tx: &Tx, core: &Core, arrived: &notice::Model) -> Result<(), Fault> {
    if given_since(tx, arrived).await? {
        return Ok(());
    }
    set_way(tx, arrived, contact_way::Status::Good).await?;
    outbox::replan_patient(tx, &as_service(core), arrived.patient_id).await
}

/// Marks as unknown what was accepted a day ago and has no report, though one was asked for; says how many.
pub async fn overdue(core: &Core) -> Result<u64, Fault> {
    if !core.settings.sms_reports {
        return Ok(0);
    }
    let now = core.clock.now();
    core.db
        .write(async |tx| -> Result<u64, Fault> {
            let late: Vec<NoticeId> = notice::Entity::find()
                .select_only()
                .column(C::Id)
                .filter(Expr::cust(WAITING))
                .filter(C::ReportBy.lt(now))
                .limit(BATCH)
                .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
                .into_tuple()
                .all(tx)
                .await?;
            if late.is_empty() {
                return Ok(0);
            }
            let marked = notice::Entity::update_many()
                .col_expr(C::State, Expr::value(State::Unknown))
                .col_expr(C::Reason, Expr::value(FailureCode::NoReport.as_str()))
                .col_expr(C::EndedAt, Expr::value(now))
                .filter(C::Id.is_in(late))
                .exec(tx)
                .await?;
            Ok(marked.rows_affected)
        })
        .await
}
