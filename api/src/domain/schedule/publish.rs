//! Publishing a schedule (lägga ut en tidbok).

use entity::{AppointmentTypeId, AssignmentId, ScheduleId, schedule, schedule_staff};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde::Serialize;

use super::{
    Plan, horizon, members, offered,
    pattern::{Written, clock},
    replan, seats, today,
};
use crate::{
    auth::policy::Action,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        booking::away_slots::keep_present,
    },
    error::{Fault, Stop},
    session::Session,
};

/// A pattern of times of one type, for the unit, for one of its staff, or for several together.
#[derive(Clone, Debug, Serialize)]
pub struct Publish {
    pub appointment_type: AppointmentTypeId,
    pub staff: Vec<AssignmentId>,
    pub pattern: Written,
    /// The type's when left out.
    pub seats: Option<i32>,
    pub web_bookable: bool,
    /// Leave out the times at which somebody is occupied, instead of refusing.
    pub skip_clashes: bool,
}

impl Publish {
    /// What it would publish; everything that is wrong with it at once.
    pub(super) async fn plan(
        &self,
        db: &impl sea_orm::ConnectionTrait,
        session: &Session,
        action: Action,
    ) -> Result<Plan, Stop> {
        let (kind, closing) = offered(db, session, action, self.appointment_type).await?;
        let staff = members(db, &kind, &self.staff, session.now()).await?;
        let (pattern, seats) = match (self.pattern.read(kind.length()), seats(self.seats, &kind)) {
            (Ok(pattern), Ok(seats)) => (pattern, seats),
            (pattern, seats) => {
                let mut problems = pattern.err().unwrap_or_default();
                problems.extend(seats.err());
                return Err(problems.into());
            }
        };
        Ok(Plan { kind, closing, pattern, staff, seats, web_bookable: self.web_bookable })
    }
}

/// Publishes the schedule, and its times up to the horizon.
pub async fn publish(session: &Session, key: &str, cmd: &Publish) -> Result<Receipt, Fault> {
    act::perform(session, "schedulePublish", key, cmd, async |tx| {
        let plan = cmd.plan(tx, session, Action::Publish).await?;
        let id = ScheduleId(session.core.clock.uuid());
        let until = horizon(session);
        let [pauses, except_days, extra_days] = plan.pattern.stored()?;
        let row = schedule::ActiveModel {
            id: Set(id),
            care_unit_id: Set(plan.kind.care_unit_id),
            care_provider_id: Set(plan.kind.care_provider_id),
            appointment_type_id: Set(plan.kind.id),
            rule: Set(plan.pattern.rule.clone()),
            valid_from: Set(plan.pattern.from),
            valid_until: Set(plan.pattern.until),
            block_from: Set(clock(plan.pattern.block.from)),
            block_until: Set(clock(plan.pattern.block.until)),
            pauses: Set(pauses),
            except_days: Set(except_days),
            extra_days: Set(extra_days),
            on_closed_days: Set(plan.pattern.on_closed_days),
            seats: Set(plan.seats),
            web_bookable: Set(plan.web_bookable),
            published_until: Set(until),
            ended_at: Set(None),
            created_by: Set(session.actor.id()),
            created_at: Set(session.now()),
            row_version: Set(1),
        };
        schedule::Entity::insert(row).exec_without_returning(tx).await?;
        staff(tx, id, &plan).await?;
        keep_present(tx, plan.assignments()).await?;
        let draft = replan::draft(tx, &plan, None, (today(session), until), session.now()).await?;
        replan::apply(tx, session, &plan, id, &draft, cmd.skip_clashes).await?;
        Ok(Done::impersonal().with("schedule", id))
    })
    .await
}

/// Writes who is in the schedule.
pub(super) async fn staff(tx: &Tx, id: ScheduleId, plan: &Plan) -> Result<(), Fault> {
    if plan.staff.is_empty() {
        return Ok(());
    }
    schedule_staff::Entity::insert_many(plan.staff.iter().zip(0..).map(|(member, place)| {
        schedule_staff::ActiveModel {
            schedule_id: Set(id),
            assignment_id: Set(member.assignment),
            place: Set(place),
        }
    }))
    .exec_without_returning(tx)
    .await?;
    Ok(())
}
