//! Schedules (tidböcker).

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::{AssignmentId, ScheduleId, SlotId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::{
        act::Receipt,
        booking::publish::receipt_name,
        schedule::{
            change::{Change, To, change, rebook_name},
            pattern::Written,
            publish::{Publish, publish},
            withdraw::{Withdraw, withdraw},
        },
    },
    error::Fault,
    graphql::{
        read::schedule,
        scalars::{Date, GlobalId, NodeKind},
        slots,
        types::{booking::Slot, schedule::Schedule},
        user_error::{UserError, fault, session, user_errors},
    },
    session::Session,
};

/// Times that are told one by one.
pub(super) const SHOWN: usize = 100;

/// An id of another kind, or of no form, is the id of nothing.
pub(super) fn row<T: From<Uuid>>(id: &ID, kind: NodeKind) -> T {
    GlobalId::row(id, kind).unwrap_or_else(|| T::from(Uuid::nil()))
}

/// A span of the wall clock in Sweden within one day, on whole five minutes.
#[derive(InputObject)]
pub struct ClockSpanInput {
    /// From, such as `08:00`.
    from: String,
    /// Until, such as `12:00`; `24:00` is the end of the day.
    until: String,
}

/// When there are times.
#[derive(InputObject)]
pub struct SchedulePatternInput {
    /// Who is in each time (medarbetaruppdrag at the unit), the one whom the patient meets first; all of them are then
    /// occupied. Nobody for times of the unit; 10 at most.
    #[graphql(default)]
    assignment_ids: Vec<ID>,
    /// The days, as an RFC 5545 recurrence rule, such as `FREQ=WEEKLY;BYDAY=MO,TH` or
    /// `FREQ=MONTHLY;BYDAY=1MO`.
    rule: String,
    /// The first day.
    valid_from: Date,
    /// The last day, where there is one.
    valid_until: Option<Date>,
    /// The working block (pass) that is filled with times of the type's length.
    block: ClockSpanInput,
    /// Without times (pauser), 20 at most.
    #[graphql(default)]
    pauses: Vec<ClockSpanInput>,
    /// Days without times (undantag).
    #[graphql(default)]
    except_days: Vec<Date>,
    /// Days with times beside the rule (extra dagar), also when the unit is closed.
    #[graphql(default)]
    extra_days: Vec<Date>,
    /// Whether there are times on holidays, midsommarafton, julafton, nyårsafton and the unit's closing days too.
    #[graphql(default = false)]
    on_closed_days: bool,
    /// Seats of each time; the type's when left out.
    pub(super) seats: Option<i32>,
    /// Whether those whom the type allows may book the times on the web; else the unit books them.
    #[graphql(default = true)]
    pub(super) web_bookable: bool,
}

impl SchedulePatternInput {
    pub(super) fn staff(&self) -> Vec<AssignmentId> {
        self.assignment_ids.iter().map(|id| row(id, NodeKind::Assignment)).collect()
    }

    pub(super) fn written(self) -> Written {
        let pair = |span: ClockSpanInput| (span.from, span.until);
        Written {
            rule: self.rule,
            valid_from: self.valid_from.0,
            valid_until: self.valid_until.map(|day| day.0),
            block: pair(self.block),
            pauses: self.pauses.into_iter().map(pair).collect(),
            except_days: self.except_days.into_iter().map(|day| day.0).collect(),
            extra_days: self.extra_days.into_iter().map(|day| day.0).collect(),
            on_closed_days: self.on_closed_days,
        }
    }
}

/// A schedule (tidbok) to publish.
#[derive(InputObject)]
pub struct SchedulePublishInput {
    /// What kind of appointment (besökstyp) the times are for; it decides unit and length.
    appointment_type_id: ID,
    /// When there are times.
    pattern: SchedulePatternInput,
    /// Leave out the times at which somebody is occupied, instead of refusing.
    #[graphql(default = false)]
    skip_clashes: bool,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// Another pattern of a schedule.
#[derive(InputObject)]
pub struct ScheduleChangeInput {
    /// The schedule.
    schedule_id: ID,
    /// When there are times from now on, whole.
    pattern: SchedulePatternInput,
    /// Leave out the times at which somebody is occupied, instead of refusing.
    #[graphql(default = false)]
    skip_clashes: bool,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// Days without times in a schedule (undantag).
#[derive(InputObject)]
pub struct ScheduleExceptInput {
    /// The schedule.
    schedule_id: ID,
    /// The days, 100 at most.
    days: Vec<Date>,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// The end of a schedule.
#[derive(InputObject)]
pub struct ScheduleEndInput {
    /// The schedule.
    schedule_id: ID,
    /// The last day with times; today when left out.
    last_day: Option<Date>,
    /// Its `rowVersion` as last read.
    expected_row_version: i32,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

/// Single times to take back (dra in).
#[derive(InputObject)]
pub struct SlotWithdrawInput {
    /// Unbooked times of the caller's unit, 200 at most.
    slot_ids: Vec<ID>,
    /// 1 to 200 characters, new for every action; a retry with the same key acts once.
    idempotency_key: String,
}

payload! {
    /// Answer to `schedulePublish`.
    SchedulePublishPayload of ScheduleId {
        /// The schedule; none when refused.
        schedule: Schedule = schedule::schedule
    }
}

/// Answer to a change of a schedule.
#[derive(SimpleObject)]
pub struct SchedulePayload {
    /// The schedule as it is now, also when the act was refused.
    schedule: Option<Schedule>,
    /// Booked times that are out of it, the first 100: nobody new can book them, and their patients need another time
    /// (ombokning). Each that fell out now is a task too, `CANCELLATION_CALL`. Those that are left stand in
    /// `Schedule.toRebook`.
    to_rebook: Vec<Slot>,
    /// Why it was refused, everything at once; empty when it was done.
    user_errors: Vec<UserError>,
}

/// Answer to `slotWithdraw`.
#[derive(SimpleObject)]
pub struct SlotWithdrawPayload {
    /// How many times were taken back.
    withdrawn: i32,
    /// Why none was, everything at once; empty when it was done.
    user_errors: Vec<UserError>,
}

/// What can be done with schedules.
#[derive(Default)]
pub struct ScheduleMutation;

/// Schedules.
#[Object]
impl ScheduleMutation {
    /// Publishes a schedule (lägger ut en tidbok): its times up to the horizon at once, later ones as the days come nearer.
    async fn schedule_publish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "When there are times, and for what.")] input: SchedulePublishInput,
    ) -> Result<SchedulePublishPayload> {
        let command = Publish {
            appointment_type: row(&input.appointment_type_id, NodeKind::AppointmentType),
            staff: input.pattern.staff(),
            seats: input.pattern.seats,
            web_bookable: input.pattern.web_bookable,
            pattern: input.pattern.written(),
            skip_clashes: input.skip_clashes,
        };
        let outcome = publish(session(ctx), &input.idempotency_key, &command).await;
        Ok(SchedulePublishPayload(Answer::new(session(ctx), outcome, "schedule", None)?))
    }

    /// Changes a schedule (ändrar en tidbok): times ahead that nobody has booked are replaced, booked ones stay, with the new
    /// number of seats. `CONFLICT` when more seats are taken.
    async fn schedule_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one, and to what.")] input: ScheduleChangeInput,
    ) -> Result<SchedulePayload> {
        let to = To::Pattern {
            staff: input.pattern.staff(),
            seats: input.pattern.seats,
            web_bookable: input.pattern.web_bookable,
            pattern: input.pattern.written(),
        };
        let (schedule, skip) = (&input.schedule_id, input.skip_clashes);
        changed(ctx, &input.idempotency_key, schedule, input.expected_row_version, to, skip).await
    }

    /// Takes days out of a schedule (lägger in undantag).
    async fn schedule_except(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which days.")] input: ScheduleExceptInput,
    ) -> Result<SchedulePayload> {
        let to = To::Off(input.days.into_iter().map(|day| day.0).collect());
        let version = input.expected_row_version;
        changed(ctx, &input.idempotency_key, &input.schedule_id, version, to, false).await
    }

    /// Ends a schedule (avslutar en tidbok).
    async fn schedule_end(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one, and when.")] input: ScheduleEndInput,
    ) -> Result<SchedulePayload> {
        let to = To::End(input.last_day.map(|day| day.0));
        let version = input.expected_row_version;
        changed(ctx, &input.idempotency_key, &input.schedule_id, version, to, false).await
    }

    /// Takes single unbooked times back (drar in tider): all of them, or none.
    async fn slot_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which times.")] input: SlotWithdrawInput,
    ) -> Result<SlotWithdrawPayload> {
        let session = session(ctx);
        let slots = input.slot_ids.iter().map(|id| row(id, NodeKind::Slot)).collect();
        let receipt = withdraw(session, &input.idempotency_key, &Withdraw { slots })
            .await
            .map_err(|e| fault(session, &e))?;
        let withdrawn = (0..).map_while(|n| receipt.id::<SlotId>(&receipt_name(n))).count();
        Ok(SlotWithdrawPayload {
            withdrawn: withdrawn as i32,
            user_errors: user_errors(&receipt, session.locale),
        })
    }
}

async fn changed(
    ctx: &Context<'_>,
    key: &str,
    id: &ID,
    expected_row_version: i32,
    to: To,
    skip_clashes: bool,
) -> Result<SchedulePayload> {
    let session = session(ctx);
    let id = row(id, NodeKind::Schedule);
    let command = Change { schedule: id, expected_row_version, to, skip_clashes };
    let outcome = change(session, key, &command).await;
    let (receipt, to_rebook) = fallen_out(session, outcome).await?;
    let denied = receipt.problems.iter().any(crate::error::Problem::is_denial);
    let schedule = if denied { None } else { schedule::schedule(ctx, id).await? };
    Ok(SchedulePayload { schedule, to_rebook, user_errors: user_errors(&receipt, session.locale) })
}

/// The receipt, with the booked times that fell out of a schedule.
pub(super) async fn fallen_out(
    session: &Session,
    outcome: std::result::Result<Receipt, Fault>,
) -> Result<(Receipt, Vec<Slot>)> {
    let receipt = outcome.map_err(|e| fault(session, &e))?;
    let ids: Vec<SlotId> = (0..SHOWN).map_while(|n| receipt.id(&rebook_name(n))).collect();
    let to_rebook = slots::by_ids(session, &ids).await.map_err(|e| fault(session, &e))?;
    Ok((receipt, to_rebook))
}
