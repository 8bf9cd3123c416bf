//! Changing a schedule: another pattern, days off, its end. Only times ahead are touched, and no booked time is lost.

use chrono::NaiveDate;
use entity::{AssignmentId, ScheduleId, schedule, schedule::Column as C, schedule_staff};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;

use super::{
    Plan,
    fallen::Fallen,
    members, own,
    pattern::{Written, clock},
    plan_of, publish,
    replan::{self, There},
    seats, today,
};
use crate::{
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        booking::away_slots::keep_present,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Days off in one act, at most.
const DAYS_AT_MOST: usize = 100;

/// What is to be done to a schedule, as the caller last read it.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    pub schedule: ScheduleId,
    pub expected_row_version: i32,
    pub to: To,
    pub skip_clashes: bool,
}

/// What becomes of a schedule.
#[derive(Clone, Debug, Serialize)]
pub enum To {
    /// Another pattern, other staff.
    Pattern { pattern: Written, staff: Vec<AssignmentId>, seats: Option<i32>, web_bookable: bool },
    /// No times on these days.
    Off(Vec<NaiveDate>),
    /// The last day with times; today when there is none.
    End(Option<NaiveDate>),
}

impl To {
    const fn mutation(&self) -> &'static str {
        match self {
            Self::Pattern { .. } => "scheduleChange",
            Self::Off(_) => "scheduleExcept",
            Self::End(_) => "scheduleEnd",
        }
    }
}

/// Changes the schedule and brings its slots in line. Booked times that fall out of it are taken out of the search and
/// stay with their patients, to be moved; those that are in it again can be booked as before.
pub async fn change(session: &Session, key: &str, cmd: &Change) -> Result<Receipt, Fault> {
    act::perform(session, cmd.to.mutation(), key, cmd, async |tx| {
        let row = own(tx, session, cmd.schedule).await?;
        let fallen = carry_out(tx, session, &row, cmd).await?;
        Ok(to_rebook(Done::impersonal().with("schedule", row.id), fallen))
    })
    .await
}

/// [`change`] within a transaction, of a schedule that the caller may change. Gives the booked slots that are out of it.
pub(crate) async fn carry_out(
    tx: &Tx,
    session: &Session,
    row: &schedule::Model,
    cmd: &Change,
) -> Result<Fallen, Stop> {
    let mut plan = plan_of(tx, row).await?;
    let mut same_staff = true;
    match &cmd.to {
        To::Pattern { pattern, staff, seats: asked, web_bookable } => {
            same_staff = plan.staff.iter().map(|member| &member.assignment).eq(staff);
            plan.staff = members(tx, &plan.kind, staff, session.now()).await?;
            plan.pattern = pattern.read(plan.kind.length())?;
            plan.seats = seats(*asked, &plan.kind)?;
            plan.web_bookable = *web_bookable;
        }
        To::Off(days) => {
            if days.is_empty() || days.len() > DAYS_AT_MOST {
                return Err(Problem::input(
                    "days",
                    format!("Ange 1–{DAYS_AT_MOST} dagar."),
                    format!("Give 1 to {DAYS_AT_MOST} days."),
                )
                .into());
            }
            plan.pattern.take_off(days, today(session))?;
        }
        To::End(last) => plan.pattern.end_by(last.unwrap_or(today(session))),
    }
    store(tx, session, row, cmd, &plan).await?;
    if !same_staff {
        schedule_staff::Entity::delete_many()
            .filter(schedule_staff::Column::ScheduleId.eq(row.id))
            .exec(tx)
            .await?;
        publish::staff(tx, row.id, &plan).await?;
    }
    keep_present(tx, plan.assignments()).await?;
    let span = (today(session), row.published_until);
    let there = There { schedule: row.id, same_staff, lock: true };
    let draft = replan::draft(tx, &plan, Some(there), span, session.now()).await?;
    // Taking days away never fails for what clashes elsewhere.
    let skip = cmd.skip_clashes || !matches!(cmd.to, To::Pattern { .. });
    replan::apply(tx, session, &plan, row.id, &draft, skip).await
}

/// The receipt holds the booked slots that are out, and whom it concerns.
pub(crate) fn to_rebook(done: Done, fallen: Fallen) -> Done {
    let slots = fallen.slots.iter().enumerate();
    let done = slots.fold(done, |done, (n, id)| done.with(&rebook_name(n), id.0));
    fallen.patients.into_iter().fold(done, Done::and)
}

/// The name under which the receipt holds the nth booked slot that fell out of the schedule.
pub fn rebook_name(n: usize) -> String {
    format!("rebook{n:04}")
}

/// Writes the pattern; its row is then held until the transaction ends.
///
/// A schedule that ends within the horizon is over; one that ends later publishes its last days as they come nearer.
async fn store(
    tx: &Tx,
    session: &Session,
    row: &schedule::Model,
    cmd: &Change,
    plan: &Plan,
) -> Result<(), Stop> {
    let [pauses, except_days, extra_days] = plan.pattern.stored()?;
    let over = plan.pattern.until.is_some_and(|until| until <= row.published_until);
    let ended = (over && matches!(cmd.to, To::End(_))).then(|| session.now());
    let stored = schedule::Entity::update_many()
        .col_expr(C::Rule, Expr::value(plan.pattern.rule.clone()))
        .col_expr(C::ValidFrom, Expr::value(plan.pattern.from))
        .col_expr(C::ValidUntil, Expr::value(plan.pattern.until))
        .col_expr(C::BlockFrom, Expr::value(clock(plan.pattern.block.from)))
        .col_expr(C::BlockUntil, Expr::value(clock(plan.pattern.block.until)))
        .col_expr(C::Pauses, Expr::value(pauses))
        .col_expr(C::ExceptDays, Expr::value(except_days))
        .col_expr(C::ExtraDays, Expr::value(extra_days))
        .col_expr(C::OnClosedDays, Expr::value(plan.pattern.on_closed_days))
        .col_expr(C::Seats, Expr::value(plan.seats))
        .col_expr(C::WebBookable, Expr::value(plan.web_bookable))
        .col_expr(C::EndedAt, Expr::value(ended))
        .col_expr(C::RowVersion, Expr::col(C::RowVersion).add(1))
        .filter(C::Id.eq(cmd.schedule))
        .filter(C::RowVersion.eq(cmd.expected_row_version))
        .exec(tx)
        .await?
        .rows_affected;
    if stored == 1 { Ok(()) } else { Err(Problem::stale().into()) }
}
