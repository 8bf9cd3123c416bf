//! Recording what became of a claimed notice.
//!
//! Every statement names the lease token: whoever has lost the lease changes nothing. That a message has left is
//! recorded even if the notice was taken back while it was on its way: the record tells the truth.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    contact_way::{self, Channel},
    notice::{self, Column as C, State},
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, UpdateMany,
    sea_query::{Expr, ExprTrait},
};

use super::channel::{FailureCode, Outcome};
use crate::{db::Tx, error::Fault, session::Core};

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    Sent,
    Retried,
    Failed,
    Unknown,
    Withheld,
    Missed,
    Postponed,
    Lost,
}

impl Recorded {
    /// The name in the measurements.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Withheld => "withheld",
            Self::Missed => "missed",
            Self::Postponed => "postponed",
            Self::Lost => "lease_lost",
        }
    }
}

/// Marks the reason of a notice that is tried once more although it may have been accepted.
const DOUBTFUL: &str = "UNKNOWN";

/// A notice that must not leave.
pub async fn hold(
    core: &Core,
    notice: &notice::Model,
    state: State,
    reason: &'static str,
) -> Result<Recorded, Fault> {
    if matches!(state, State::Failed | State::Missed) {
        tracing::warn!(notice = %notice.id.0, state = state.as_str(), reason, "a notice did not leave");
    }
    let recorded = match state {
        State::Failed => Recorded::Failed,
        State::Missed => Recorded::Missed,
        _ => Recorded::Withheld,
    };
    let update =
        under_lease(notice).col_expr(C::State, Expr::value(state)).col_expr(C::Reason, Expr::value(reason));
    store(core, update.filter(C::State.eq(State::Claimed)), recorded).await
}

/// A notice that was not tried: as if it had not been claimed, due at `due_at`.
pub async fn give_back(
    core: &Core,
    notice: &notice::Model,
    due_at: DateTime<Utc>,
) -> Result<Recorded, Fault> {
    let update = under_lease(notice)
        .col_expr(C::State, Expr::value(State::Planned))
        .col_expr(C::Attempts, Expr::col(C::Attempts).sub(1))
        .col_expr(C::DueAt, Expr::value(due_at));
    store(core, update.filter(C::State.eq(State::Claimed)), Recorded::Postponed).await
}

/// What the channel said.
pub async fn outcome(
    core: &Core,
    notice: &notice::Model,
    outcome: &Outcome,
    waits: &[Duration],
) -> Result<Recorded, Fault> {
    let now = core.clock.now();
    let doubtful = notice.reason.as_deref().is_some_and(|reason| reason.starts_with(DOUBTFUL));
    match outcome {
        Outcome::Accepted { provider_ref } => {
            let update = under_lease(notice)
                .col_expr(C::State, Expr::value(State::Sent))
                .col_expr(C::Reason, Expr::value(Option::<String>::None))
                .col_expr(C::SentAt, Expr::value(now))
                .col_expr(C::ProviderRef, Expr::value(provider_ref.clone()));
            store(core, update, Recorded::Sent).await
        }
        Outcome::Retry { reason, after } => {
            let jitter = f64::from(core.clock.uuid().as_bytes()[15]) / 255.0;
            match next_attempt(now, notice, waits, *after, jitter) {
                Some(at) => again(core, notice, *reason, at, doubtful).await,
                None if doubtful => unknown(core, notice, *reason).await,
                None => failed(core, notice, *reason).await,
            }
        }
        Outcome::Fail { reason } if doubtful => unknown(core, notice, *reason).await,
        Outcome::Fail { reason } => failed(core, notice, *reason).await,
        // Why, the next look tells; where the notice was taken back, it is recorded already.
        Outcome::Withheld => give_back(core, notice, notice.due_at).await,
        Outcome::Unknown { reason } => {
            let wait = waits.first().and_then(|wait| TimeDelta::from_std(*wait).ok()).unwrap_or_default();
            let at = now + wait;
            // The receiver of a mail knows a second copy by its Message-ID; an SMS comes twice.
            if notice.channel == Channel::Mail && !doubtful && at < notice.useless_at {
                again(core, notice, *reason, at, true).await
            } else {
                unknown(core, notice, *reason).await
            }
        }
    }
}

/// When to try again; none when the notice would be useless by then.
///
/// The waits grow, and are spread by `jitter` (0 to 1) so that a crowd that failed together does not come back
/// together. Near the deadline they shrink: a wait never passes the half of what is left.
fn next_attempt(
    now: DateTime<Utc>,
    notice: &notice::Model,
    waits: &[Duration],
    asked: Option<Duration>,
    jitter: f64,
) -> Option<DateTime<Utc>> {
    let nth = usize::try_from(notice.attempts - 1).unwrap_or(0).min(waits.len().saturating_sub(1));
    let planned = waits.get(nth)?.mul_f64(1.0 + 0.2 * jitter);
    let shortest = TimeDelta::from_std(*waits.first()?).ok()?;
    let left = notice.useless_at - now;
    let half = Ord::max(left / 2, shortest);
    let wait = Ord::min(TimeDelta::from_std(planned).ok()?, half);
    // What the receiver asks for is a minimum, whatever is left.
    let wait = Ord::max(wait, asked.and_then(|asked| TimeDelta::from_std(asked).ok()).unwrap_or_default());
    (wait < left).then(|| now + wait)
}

async fn again(
    core: &Core,
    notice: &notice::Model,
    reason: FailureCode,
    at: DateTime<Utc>,
    doubtful: bool,
) -> Result<Recorded, Fault> {
    let reason =
        if doubtful { format!("{DOUBTFUL}:{}", reason.as_str()) } else { reason.as_str().to_owned() };
    let update = under_lease(notice)
        .col_expr(C::State, Expr::value(State::Planned))
        .col_expr(C::Reason, Expr::value(reason))
        .col_expr(C::DueAt, Expr::value(at));
    store(core, update.filter(C::State.eq(State::Claimed)), Recorded::Retried).await
}

async fn unknown(core: &Core, notice: &notice::Model, reason: FailureCode) -> Result<Recorded, Fault> {
    tracing::warn!(notice = %notice.id.0, reason = reason.as_str(), "whether a notice was accepted is unknown");
    let update = under_lease(notice)
        .col_expr(C::State, Expr::value(State::Unknown))
        .col_expr(C::Reason, Expr::value(reason.as_str()));
    store(core, update, Recorded::Unknown).await
}

async fn failed(core: &Core, notice: &notice::Model, reason: FailureCode) -> Result<Recorded, Fault> {
    tracing::warn!(notice = %notice.id.0, reason = reason.as_str(), "a notice was given up");
    let update = under_lease(notice)
        .filter(C::State.eq(State::Claimed))
        .col_expr(C::State, Expr::value(State::Failed))
        .col_expr(C::Reason, Expr::value(reason.as_str()));
    core.db
        .write(async |tx| -> Result<Recorded, Fault> {
            let changed = update.exec(tx).await?.rows_affected;
            if changed == 1 && reason == FailureCode::BadAddress {
                mark_bad(tx, notice).await?;
            }
            Ok(if changed == 1 { Recorded::Failed } else { Recorded::Lost })
        })
        .await
}

/// An address that will never take a message is not used again; the patient is asked for another.
async fn mark_bad(tx: &Tx, notice: &notice::Model) -> Result<(), Fault> {
    let Some(way) = notice.contact_way_id else { return Ok(()) };
    contact_way::Entity::update_many()
        .col_expr(contact_way::Column::Status, Expr::value(contact_way::Status::Bad))
        .col_expr(contact_way::Column::RowVersion, Expr::col(contact_way::Column::RowVersion).add(1))
        .filter(contact_way::Column::Id.eq(way))
        .exec(tx)
        .await?;
    Ok(())
}

/// A change by the holder of the lease, which ends it.
fn under_lease(notice: &notice::Model) -> UpdateMany<notice::Entity> {
    notice::Entity::update_many()
        .col_expr(C::LeaseToken, Expr::value(Option::<uuid::Uuid>::None))
        .col_expr(C::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .filter(C::Id.eq(notice.id))
        .filter(C::LeaseToken.eq(notice.lease_token))
}

async fn store(
    core: &Core,
    update: UpdateMany<notice::Entity>,
    recorded: Recorded,
) -> Result<Recorded, Fault> {
    let changed =
        core.db.write(async |tx| -> Result<u64, Fault> { Ok(update.exec(tx).await?.rows_affected) }).await?;
    Ok(if changed == 1 { recorded } else { Recorded::Lost })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    const WAITS: [Duration; 3] = [Duration::from_mins(1), Duration::from_mins(10), Duration::from_hours(1)];

    fn wait(attempts: i32, left: i64, asked: Option<u64>, jitter: f64) -> Option<i64> {
        let now = DateTime::<Utc>::UNIX_EPOCH;
        let notice = notice::Model { attempts, useless_at: now + TimeDelta::seconds(left), ..claimed(now) };
        next_attempt(now, &notice, &WAITS, asked.map(Duration::from_secs), jitter)
            .map(|at| (at - now).num_seconds())
    }

    fn claimed(now: DateTime<Utc>) -> notice::Model {
        let nil = uuid::Uuid::nil();
        notice::Model {
            id: nil.into(),
            patient_id: nil.into(),
            care_unit_id: nil.into(),
            care_provider_id: nil.into(),
            kind: notice::Kind::Reminder,
            rule: String::new(),
            channel: Channel::Mail,
            contact_way_id: None,
            appointment_id: None,
            schedule_version: None,
            thread_id: None,
            agreement_id: None,
            due_at: now,
            useless_at: now,
            state: State::Claimed,
            reason: None,
            attempts: 1,
            leased_until: None,
            lease_token: None,
            dedupe_key: String::new(),
            provider_ref: None,
            sent_at: None,
            created_at: now,
        }
    }

    #[test]
    fn waits_grow_and_are_spread() {
        let day = 86_400;
        assert_eq!(wait(1, day, None, 0.0), Some(60));
        assert_eq!(wait(2, day, None, 0.0), Some(600));
        assert_eq!(wait(9, day, None, 0.0), Some(3600));
        assert_eq!(wait(2, day, None, 1.0), Some(720));
    }

    #[test]
    fn near_the_deadline_waits_shrink_and_then_it_is_given_up() {
        assert_eq!(wait(3, 1000, None, 0.0), Some(500));
        assert_eq!(wait(3, 90, None, 0.0), Some(60));
        assert_eq!(wait(3, 60, None, 0.0), None);
        assert_eq!(wait(1, -5, None, 0.0), None);
    }

    #[test]
    fn a_wait_that_is_asked_for_is_kept_whatever_is_left() {
        assert_eq!(wait(1, 1000, Some(900), 0.0), Some(900));
        assert_eq!(wait(1, 1000, Some(1000), 0.0), None);
    }
}
