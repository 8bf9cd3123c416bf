//! The outcome of a time (utfall): the patient came, or did not (uteblev).
//!
//! It says what became of the plan item that the time was for, unless staff say otherwise: done, or "blev inte av".
//! Whom nobody met is somebody's task to get in touch with, until a new time is booked for the same item or staff say
//! what they did. A wrong outcome is corrected by recording the right one: the history keeps both.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AppointmentId, PlanItemId,
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
use uuid::Uuid;

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
            turn::{Turn, apply},
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
        follow_up(tx, session, cmd.outcome, &booked).await?;
        if let Some(item) = booked.plan_item_id {
            let closed_at = settle_item(tx, session, cmd, &booked, item).await?;
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

/// Who came can be written about for a while; whom nobody met is a task, which keeps the record open as long as it is.
async fn follow_up(
    tx: &Tx,
    session: &Session,
    outcome: Outcome,
    booked: &appointment::Model,
) -> Result<(), Fault> {
    match outcome {
        Outcome::Attended => {
            end(tx, session, Kind::VisitMissed, booked.id.0, Ending::Superseded, None).await?;
            end_relation(tx, booked, booked.ends_at + RELATION_AFTER).await
        }
        Outcome::Missed => {
            raise(tx, session, &about(booked, Kind::VisitMissed, session)).await?;
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
/// more stays as it is. What an earlier outcome said of it is taken back first, not what somebody else did. Gives when
/// this one closed it.
async fn settle_item(
    tx: &Tx,
    session: &Session,
    cmd: &Record,
    before: &appointment::Model,
    item: PlanItemId,
) -> Result<Option<DateTime<Utc>>, Stop> {
    let Some(mut live) = reached(tx, session, item).await? else { return Ok(before.item_closed_at) };
    if before.item_closed_at.is_some() && live.item.status_at == before.item_closed_at {
        apply(tx, session, &live, Turn::Reopen, None, live.item.row_version).await?;
        let Some(again) = reached(tx, session, item).await? else { return Ok(None) };
        live = again;
    }
    let open = matches!(live.item.status, plan_item::Status::Accepted | plan_item::Status::InProgress);
    let once = live.agreed().is_ok_and(|wording| wording.timing != Timing::Recurrence);
    if open && once && !cmd.keep_plan_item {
        let turn = cmd.outcome.of_item();
        let reason = (cmd.outcome == Outcome::Missed).then_some(NOT_MET);
        apply(tx, session, &live, turn, reason, live.item.row_version).await?;
        return Ok(reached(tx, session, item).await?.and_then(|closed| closed.item.status_at));
    }
    // The item goes on, the time is over: there has to be a next step.
    next_step::settle(tx, session, live.agreement.id).await?;
    Ok(None)
}

async fn reached(tx: &Tx, session: &Session, item: PlanItemId) -> Result<Option<Live>, Stop> {
    match Live::take(tx, session, Action::Complete, item).await {
        Ok(live) => Ok(Some(live)),
        Err(Stop::Refused(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// A time was booked: the tasks about earlier ones for the same item, to which the patient did not come, are done.
pub(super) async fn found_again(
    tx: &Tx,
    session: &Session,
    booked: &appointment::Model,
) -> Result<(), Fault> {
    let Some(item) = booked.plan_item_id else { return Ok(()) };
    let missed: Vec<Uuid> = appointment::Entity::find()
        .select_only()
        .column(appointment::Column::Id)
        .filter(appointment::Column::PlanItemId.eq(item))
        .filter(appointment::Column::PatientId.eq(booked.patient_id))
        .filter(appointment::Column::Status.eq(Status::Missed))
        .into_tuple()
        .all(tx)
        .await?;
    for missed in missed {
        let words = Words::ours("En ny tid är bokad.", "A new time has been booked.");
        end(tx, session, Kind::VisitMissed, missed, Ending::Done, Some(words)).await?;
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
