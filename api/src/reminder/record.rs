//! Recording what became of a claimed notice.
//!
//! Every statement names the lease token: whoever has lost the lease changes nothing. That a message has left is
//! recorded even if the notice was taken back while it was on its way: the record tells the truth.

mod address;
mod attempts;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    contact_way,
    notice::{self, Column as C, State},
    staff_notice,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, UpdateMany,
    sea_query::{CaseStatement, Expr, ExprTrait, LockType},
};

pub(super) use self::address::{given_since, set_way};
use self::{address::is_of_the_address, attempts::next_attempt};
use super::{
    channel::{FailureCode, Outcome},
    receipt,
};
use crate::{
    auth::actor::Actor,
    db::Tx,
    domain::{
        notice::{self as outbox, DOUBTFUL, FOR_THE_OTHER_WAY, is_still_to_be_told},
        patient,
    },
    error::Fault,
    locale::Locale,
    session::{Core, Session},
};

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

/// A notice that must not leave, or not once more: of what may have left already, nobody is told that it was missed.
pub async fn hold(
    core: &Core,
    notice: &notice::Model,
    state: State,
    reason: &'static str,
) -> Result<Recorded, Fault> {
    let refused = is_still_to_be_told(reason) && notice.staff_notice_id.is_none();
    if (state == State::Missed || refused) && is_doubtful(notice) {
        return interrupted(core, notice).await;
    }
    if matches!(state, State::Failed | State::Missed) {
        tracing::warn!(notice = %notice.id.0, state = state.as_str(), reason, "a notice did not leave");
    }
    let recorded = match state {
        State::Failed => Recorded::Failed,
        State::Missed => Recorded::Missed,
        _ => Recorded::Withheld,
    };
    let update = under_lease(notice)
        .filter(C::State.eq(State::Claimed))
        .col_expr(C::State, Expr::value(state))
        .col_expr(C::Reason, Expr::value(reason))
        .col_expr(C::EndedAt, Expr::value(core.clock.now()));
    match FailureCode::from_text(reason).filter(|_| state == State::Failed) {
        Some(reason) => give_up(core, notice, update, reason).await,
        None if refused => found_refused(core, notice, update).await,
        None => store(core, update, recorded).await,
    }
}

async fn found_refused(
    core: &Core,
    notice: &notice::Model,
    update: UpdateMany<notice::Entity>,
) -> Result<Recorded, Fault> {
    core.db
        .write(async |tx| -> Result<Recorded, Fault> {
            hold_receiver(tx, notice).await?;
            if update.exec(tx).await?.rows_affected == 0 {
                return Ok(Recorded::Lost);
            }
            outbox::found_refused(tx, &as_service(core), notice).await?;
            Ok(Recorded::Withheld)
        })
        .await
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

/// What the channel said. `repeats_safely`: a second copy by it is known as the same message.
pub async fn outcome(
    core: &Core,
    notice: &notice::Model,
    outcome: &Outcome,
    waits: &[Duration],
    repeats_safely: bool,
) -> Result<Recorded, Fault> {
    let now = core.clock.now();
    let doubtful = is_doubtful(notice);
    match outcome {
        Outcome::Accepted { provider_ref } => {
            let update = under_lease(notice)
                .col_expr(C::State, unless_reported(Expr::value(State::Sent), C::State))
                .col_expr(C::Reason, unless_reported(Expr::value(Option::<String>::None), C::Reason))
                .col_expr(C::SentAt, Expr::value(now))
                .col_expr(C::ReportBy, Expr::value(receipt::awaited(core, notice, now)))
                .col_expr(C::ProviderRef, Expr::value(provider_ref.clone()));
            store(core, update, Recorded::Sent).await
        }
        Outcome::Retry { reason, after } => match retried_at(core, notice, waits, *after).await? {
            Some(at) => again(core, notice, *reason, at, doubtful).await,
            None if doubtful => unknown(core, notice, *reason).await,
            None => failed(core, notice, *reason).await,
        },
        Outcome::Fail { reason } if doubtful => unknown(core, notice, *reason).await,
        Outcome::Fail { reason } => failed(core, notice, *reason).await,
        // Why, the next look tells; where the notice was taken back, it is recorded already.
        Outcome::Withheld => give_back(core, notice, notice.due_at).await,
        Outcome::Unknown { reason } => {
            let wait = waits.first().and_then(|wait| TimeDelta::from_std(*wait).ok()).unwrap_or_default();
            let at = now + wait;
            if repeats_safely && !doubtful && at < notice.useless_at {
                again(core, notice, *reason, at, true).await
            } else {
                unknown(core, notice, *reason).await
            }
        }
    }
}

/// When it is tried again; none when it is given up, so early that there is time for the other way if there is one.
async fn retried_at(
    core: &Core,
    notice: &notice::Model,
    waits: &[Duration],
    asked: Option<Duration>,
) -> Result<Option<DateTime<Utc>>, Fault> {
    let jitter = f64::from(core.clock.uuid().as_bytes()[15]) / 255.0;
    let (now, hours) = (core.clock.now(), core.settings.hours);
    let at = |left| next_attempt(now, notice, waits, asked, jitter, hours, left);
    match (at(FOR_THE_OTHER_WAY), at(TimeDelta::zero())) {
        (None, Some(last)) if !other_way_leads_on(core, notice).await? => Ok(Some(last)),
        (at, _) => Ok(at),
    }
}

/// Whether a notice would go by the other way if this one gave it up now.
pub(super) async fn other_way_leads_on(core: &Core, notice: &notice::Model) -> Result<bool, Fault> {
    core.db.snapshot(async |tx| outbox::leads_on(tx, &as_service(core), notice).await).await
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
    match store(core, update.filter(C::State.eq(State::Claimed)), Recorded::Retried).await? {
        Recorded::Lost => taken_back(core, notice).await,
        recorded => Ok(recorded),
    }
}

/// An attempt that was not accepted, of a notice that was taken back while it was on its way: nothing of it stays, so
/// that it can be planned again. What an earlier attempt left in doubt stays in doubt.
async fn taken_back(core: &Core, notice: &notice::Model) -> Result<Recorded, Fault> {
    let mut update = under_lease(notice).filter(C::State.eq(State::Withdrawn));
    if !is_doubtful(notice) {
        update = update.col_expr(C::Reason, Expr::value("TAKEN_BACK"));
    }
    store(core, update, Recorded::Withheld).await
}

async fn unknown(core: &Core, notice: &notice::Model, reason: FailureCode) -> Result<Recorded, Fault> {
    tracing::warn!(notice = %notice.id.0, reason = reason.as_str(), "whether a notice was accepted is unknown");
    let update = under_lease(notice)
        .col_expr(C::State, unless_reported(Expr::value(State::Unknown), C::State))
        .col_expr(C::Reason, unless_reported(Expr::value(reason.as_str()), C::Reason))
        .col_expr(C::EndedAt, Expr::value(core.clock.now()));
    store(core, update, Recorded::Unknown).await
}

/// What the channel reported while its own answer was still on its way stands.
fn unless_reported(otherwise: Expr, column: C) -> Expr {
    let reported = C::State.is_in([State::Delivered, State::Failed]);
    CaseStatement::new().case(reported, Expr::col(column)).finally(otherwise).into()
}

/// Marks a claimed notice of unknown fate that must not be tried again.
pub async fn interrupted(core: &Core, notice: &notice::Model) -> Result<Recorded, Fault> {
    unknown(core, notice, FailureCode::Interrupted).await
}

/// Whether an earlier attempt may have been accepted.
pub fn is_doubtful(notice: &notice::Model) -> bool {
    notice.reason.as_deref().is_some_and(|reason| reason.starts_with(DOUBTFUL))
}

async fn failed(core: &Core, notice: &notice::Model, reason: FailureCode) -> Result<Recorded, Fault> {
    tracing::warn!(notice = %notice.id.0, reason = reason.as_str(), "a notice was given up");
    let update = under_lease(notice)
        .filter(C::State.eq(State::Claimed))
        .col_expr(C::State, Expr::value(State::Failed))
        .col_expr(C::Reason, Expr::value(reason.as_str()))
        .col_expr(C::EndedAt, Expr::value(core.clock.now()));
    match give_up(core, notice, update, reason).await? {
        Recorded::Lost => taken_back(core, notice).await,
        recorded => Ok(recorded),
    }
}

async fn give_up(
    core: &Core,
    notice: &notice::Model,
    update: UpdateMany<notice::Entity>,
    reason: FailureCode,
) -> Result<Recorded, Fault> {
    core.db
        .write(async |tx| -> Result<Recorded, Fault> {
            hold_receiver(tx, notice).await?;
            let changed = update.exec(tx).await?.rows_affected;
            if changed == 1 {
                given_up(tx, core, notice, reason).await?;
            }
            Ok(if changed == 1 { Recorded::Failed } else { Recorded::Lost })
        })
        .await
}

/// Takes hold of whom a notice is about before anything of theirs is changed, as every act does: what one has begun with
/// their notices, nobody else is in the middle of. Mail to staff is about nobody: its receiver is held.
pub(super) async fn hold_receiver(tx: &Tx, notice: &notice::Model) -> Result<(), Fault> {
    match notice.staff_notice_id {
        Some(id) => {
            staff_notice::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(tx).await?;
        }
        None => {
            patient::lock(tx, notice.patient_id).await?;
        }
    }
    Ok(())
}

/// As which the service itself plans.
pub(super) fn as_service(core: &Core) -> Session {
    Session::new(core.clone(), Actor::System, Locale::default(), String::new())
}

/// What follows when a notice is given up: the notice goes by the other way that the patient has said yes to. An address
/// that does not work is not used again, unless another stands there by now: what is ahead goes by the other way as well,
/// or on the unit's list of letters and calls.
pub(super) async fn given_up(
    tx: &Tx,
    core: &Core,
    notice: &notice::Model,
    reason: FailureCode,
) -> Result<(), Fault> {
    let session = as_service(core);
    if !is_of_the_address(reason) || given_since(tx, notice).await? {
        return outbox::fall_back(tx, &session, notice).await;
    }
    set_way(tx, notice, contact_way::Status::Bad).await?;
    if notice.staff_notice_id.is_some() {
        return Ok(());
    }
    outbox::fall_back(tx, &session, notice).await?;
    outbox::replan_patient(tx, &session, notice.patient_id).await
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
