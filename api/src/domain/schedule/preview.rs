//! Seeing what a schedule would publish, and what clashes, before anything is done.

use entity::ScheduleId;

use super::{
    horizon, members_of, own,
    publish::Publish,
    replan::{self, Draft, There},
    today,
};
use crate::{
    auth::policy::Action,
    error::{Problem, Stop},
    session::Session,
};

/// What [`super::publish::publish`] would do up to the horizon, or [`super::change::change`] to the schedule `of`. Changes
/// nothing.
pub async fn preview(session: &Session, cmd: &Publish, of: Option<ScheduleId>) -> Result<Draft, Stop> {
    session
        .core
        .db
        .read(async |db| -> Result<Draft, Stop> {
            let plan = cmd.plan(db, session, Action::Publish).await?;
            let (mut there, mut until) = (None, horizon(session));
            if let Some(schedule) = of {
                let row = own(db, session, schedule).await?;
                if row.appointment_type_id != plan.kind.id {
                    return Err(Problem::input(
                        "appointmentTypeId",
                        "Tidboken är för en annan besökstyp.",
                        "The schedule is for another appointment type.",
                    )
                    .into());
                }
                let before = members_of(db, schedule).await?;
                let same_staff = before.iter().map(|member| &member.assignment).eq(&cmd.staff);
                there = Some(There { schedule, same_staff, lock: false });
                until = row.published_until;
            }
            let draft = replan::draft(db, &plan, there, (today(session), until), session.now()).await?;
            draft.fits()?;
            Ok(draft)
        })
        .await
}
