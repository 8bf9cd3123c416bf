//! The outcome of a time (utfall): the patient came, or did not (uteblev).
//!
//! It says what became of the plan item that the time was for, unless staff say otherwise: done, or "blev inte av".
//! Whom nobody met is somebody's task to get in touch with, until a new time is booked for the same item or staff say
//! what they did. An item with a new time is open again, and one that has a time ahead already stays open. A wrong outcome
//! is corrected by recording the right one: the history keeps both.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AppointmentId, PatientId, PlanItemId,
    appointment::{self, Status},
    patient, plan_item,
    plan_item_revision::Timing,
    task::{self, Kind},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::Expr,
};
use serde::Serialize;

use super::{
    RELATION_AFTER,
    cancel::{relation_end, within},
    end_relation, rules,
    told::{Told, tell},
};
use crate::{
    auth::policy::Action,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        history::Owner,
        next_step,
        plan_item::{
            live::Live,
            turn::{Turn, apply, goes_on},
        },
        task::{Ending, Raise, end, raise, words::Words},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Times in one transaction of the sweep, and transactions of one sweep at most.
const BATCH: u64 = 100;
const ROUNDS: usize = 50;
/// How soon somebody gets in touch with a patient who did not come, or says what the outcome was.
const DUE: TimeDelta = TimeDelta::days(2);
/// What the plan says of an item whose visit did not happen.
const NOT_MET: &str = "Besöket blev inte av.";

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Outcome {
    Attended,
    Missed,
}

impl Outcome {
    const fn status(self) -> Status {
        match self {
            Self::Attended => Status::Attended,
            Self::Missed => Status::Missed,
        }
    }

    /// What it says of the plan item.
    const fn of_item(self) -> Turn {
        match self {
            Self::Attended => Turn::Done,
            Self::Missed => Turn::NotDone,
        }
    }
}

/// Which appointment, and what became of it.
#[derive(Clone, Debug, Serialize)]
pub struct Record {
    pub appointment: AppointmentId,
    pub outcome: Outcome,
    /// The plan item goes on as it is.
    pub keep_plan_item: bool,
    pub expected_row_version: i32,
}

/// Records or corrects the outcome.
pub async fn record(session: &Session, key: &str, cmd: &Record) -> Result<Receipt, Fault> {
    act::perform(session, "appointmentOutcomeRecord", key, cmd, async |tx| {
        let booked =
            within(tx, session, Action::Complete, cmd.appointment, rules::may_record).await?.into_row();
        if booked.status == cmd.outcome.status() {
            return Err(Problem::new(
                ProblemCode::WrongState,
                "Det utfallet är redan noterat.",
                "That outcome has been recorded already.",
            )
            .at("outcome")
            .into());
        }
        let after = appointment::Model {
            status: cmd.outcome.status(),
            outcome_at: Some(session.now()),
            row_version: cmd.expected_row_version.saturating_add(1),
            ..booked.clone()
        };
        let changed = appointment::Entity::update_many()
            .set(appointment::ActiveModel {
                status: Set(after.status),
                outcome_at: Set(after.outcome_at),
                row_version: Set(after.row_version),
                ..Default::default()
            })
            .filter(appointment::Column::Id.eq(booked.id))
            .filter(appointment::Column::RowVersion.eq(cmd.expected_row_version))
            .filter(appointment::Column::Status.ne(Status::Cancelled))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let told = Told { act: "appointmentOutcomeRecord", event: "appointment.outcome", channel: None };
        tell(tx, session, told, Some(&booked), &after).await?;
        end(tx, session, Kind::OutcomeMissing, booked.id.0, Ending::Done, None).await?;
        let time_ahead = cmd.outcome == Outcome::Missed && has_time_ahead(tx, session, &booked).await?;
        follow_up(tx, session, cmd.outcome, time_ahead, &booked).await?;
        if let Some(item) = booked.plan_item_id {
            let keep = cmd.keep_plan_item || time_ahead;
            let closed_at = settle_item(tx, session, (cmd.outcome, keep), &booked, item).await?;
            appointment::Entity::update_many()
                .col_expr(appointment::Column::ItemClosedAt, Expr::value(closed_at))
                .filter(appointment::Column::Id.eq(booked.id))
                .exec(tx)
                .await?;
        }
        Ok(Done::on(booked.patient_id).with("appointment", booked.id.0))
    })
    .await
}

/// Whether the patient has another time for the same item, which is not over.
async fn has_time_ahead(tx: &Tx, session: &Session, booked: &appointment::Model) -> Result<bool, Fault> {
    use appointment::Column as C;
    let Some(item) = booked.plan_item_id else { return Ok(false) };
    let ahead = appointment::Entity::find()
        .filter(C::PlanItemId.eq(item))
        .filter(C::PatientId.eq(booked.patient_id))
        .filter(C::Id.ne(booked.id))
        .filter(C::Status.eq(Status::Booked))
        .filter(C::EndsAt.gt(session.now()));
    Ok(ahead.one(tx).await?.is_some())
}

/// Who came can be written about for a while; whom nobody met is a task, which keeps the record open as long as it is.
/// Who has a new time already need not be found.
async fn follow_up(
    tx: &Tx,
    session: &Session,
    outcome: Outcome,
    time_ahead: bool,
    booked: &appointment::Model,
) -> Result<(), Fault> {
    match outcome {
        Outcome::Attended => {
            end(tx, session, Kind::VisitMissed, booked.id.0, Ending::Superseded, None).await?;
            let earlier = match booked.plan_item_id {
                Some(item) => missed(tx, booked.patient_id, item).await?,
                None => Vec::new(),
            };
            for time in earlier.iter().filter(|time| time.starts_at < booked.starts_at) {
                let words =
                    Words::ours("Patienten kom till en senare tid.", "The patient came to a later time.");
                end(tx, session, Kind::VisitMissed, time.id.0, Ending::Superseded, Some(words)).await?;
            }
            end_relation(tx, booked, booked.ends_at + RELATION_AFTER).await
        }
        Outcome::Missed => {
            if !time_ahead {
                raise(tx, session, &about(booked, Kind::VisitMissed, session)).await?;
            }
            end_relation(tx, booked, relation_end(&session.actor, booked, session.now())).await
        }
    }
}

fn about(booked: &appointment::Model, kind: Kind, session: &Session) -> Raise {
    Raise {
        kind,
        owner: Owner {
            patient: booked.patient_id,
            care_unit: booked.care_unit_id,
            care_provider: booked.care_provider_id,
            agreement: None,
        },
        assignee: None,
        subject: booked.id.0,
        due_at: session.now() + DUE,
        note: None,
    }
}

/// Closes the item as the outcome says. One that recurs is marked day by day instead, and one that nobody can turn any
/// more stays as it is. What an earlier outcome said of it is taken back first, and when the patient came, that they had
/// not come to another time for it; not what somebody else did. Gives when this one closed it.
async fn settle_item(
    tx: &Tx,
    session: &Session,
    (outcome, keep): (Outcome, bool),
    before: &appointment::Model,
    item: PlanItemId,
) -> Result<Option<DateTime<Utc>>, Stop> {
    let complete = Action::Complete;
    let Some(mut live) = reached(tx, session, complete, item).await? else {
        return Ok(before.item_closed_at);
    };
    let by_this = before.item_closed_at.is_some() && live.item.status_at == before.item_closed_at;
    let by_another = outcome == Outcome::Attended
        && live.item.status == plan_item::Status::NotDone
        && closed_by(&live, &missed(tx, before.patient_id, item).await?);
    if by_this || by_another {
        apply(tx, session, &live, Turn::Reopen, None, live.item.row_version).await?;
        let Some(again) = reached(tx, session, complete, item).await? else { return Ok(None) };
        live = again;
    }
    let open = matches!(live.item.status, plan_item::Status::Accepted | plan_item::Status::InProgress);
    let once = live.agreed().is_ok_and(|wording| wording.timing != Timing::Recurrence);
    if open && once && !keep {
        let reason = (outcome == Outcome::Missed).then_some(NOT_MET);
        apply(tx, session, &live, outcome.of_item(), reason, live.item.row_version).await?;
        return Ok(reached(tx, session, complete, item).await?.and_then(|closed| closed.item.status_at));
    }
    // The item goes on, the time is over: there has to be a next step.
    next_step::settle(tx, session, live.agreement.id).await?;
    Ok(None)
}

async fn reached(tx: &Tx, session: &Session, action: Action, item: PlanItemId) -> Result<Option<Live>, Stop> {
    match Live::take(tx, session, action, item).await {
        Ok(live) => Ok(Some(live)),
        Err(Stop::Refused(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// The times for the item to which the patient did not come.
async fn missed(tx: &Tx, whom: PatientId, item: PlanItemId) -> Result<Vec<appointment::Model>, Fault> {
    use appointment::Column as C;
    let missed = appointment::Entity::find()
        .filter(C::PlanItemId.eq(item))
        .filter(C::PatientId.eq(whom))
        .filter(C::Status.eq(Status::Missed));
    Ok(missed.all(tx).await?)
}

/// Whether the item stands as one of these times left it.
fn closed_by(live: &Live, missed: &[appointment::Model]) -> bool {
    live.item.status == plan_item::Status::NotDone
        && missed
            .iter()
            .any(|time| time.item_closed_at.is_some() && time.item_closed_at == live.item.status_at)
}

/// A time was booked: the tasks about earlier ones for the same item, to which the patient did not come, are done, and
/// an item that one of them left undone goes on.
pub(super) async fn found_again(tx: &Tx, session: &Session, booked: &appointment::Model) -> Result<(), Stop> {
    let Some(item) = booked.plan_item_id else { return Ok(()) };
    let missed = missed(tx, booked.patient_id, item).await?;
    for time in &missed {
        let words = Words::ours("En ny tid är bokad.", "A new time has been booked.");
        end(tx, session, Kind::VisitMissed, time.id.0, Ending::Done, Some(words)).await?;
    }
    if missed.iter().all(|time| time.item_closed_at.is_none()) {
        return Ok(());
    }
    // Who may book a time for the item may read it; to turn it is not theirs, and follows from what they did.
    if let Some(live) =
        reached(tx, session, Action::Read, item).await?.filter(|live| closed_by(live, &missed))
    {
        goes_on(tx, session, &live).await?;
    }
    Ok(())
}

/// Raises what nobody has said the outcome of, some days after it. Gives how many tasks are new.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    use appointment::Column as C;
    let before = session.now() - TimeDelta::days(session.core.settings.outcome_missing_days);
    let alive = patient::Entity::find()
        .select_only()
        .column(patient::Column::Id)
        .filter(patient::Column::DeceasedOn.is_null())
        .into_query();
    let raised_already = task::Entity::find()
        .select_only()
        .column(task::Column::SubjectId)
        .filter(task::Column::Kind.eq(Kind::OutcomeMissing))
        .filter(task::Column::Status.eq(task::Status::Open))
        .into_query();
    let mut new = 0;
    for _ in 0..ROUNDS {
        let late = appointment::Entity::find()
            .filter(C::Status.eq(Status::Booked))
            .filter(C::EndsAt.lte(before))
            .filter(C::PatientId.in_subquery(alive.clone()))
            .filter(C::Id.not_in_subquery(raised_already.clone()))
            .order_by_asc(C::EndsAt)
            .order_by_asc(C::Id)
            .limit(BATCH);
        let (seen, raised) = session
            .core
            .db
            .write(async |tx| -> Result<(usize, usize), Fault> {
                let late = late.all(tx).await?;
                let mut raised = 0;
                for booked in &late {
                    let task = about(booked, Kind::OutcomeMissing, session);
                    raised += usize::from(raise(tx, session, &task).await?.is_some());
                }
                Ok((late.len(), raised))
            })
            .await?;
        new += raised;
        if raised == 0 || (seen as u64) < BATCH {
            break;
        }
    }
    Ok(new)
}
