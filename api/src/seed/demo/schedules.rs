//! The demo's schedules (tidböcker): late times twice a week, beside the single times of the day.

use super::{
    stage::{Stage, done},
    units::Units,
};
use crate::{
    domain::schedule::{
        pattern::Written,
        publish::{Publish, publish},
    },
    error::Fault,
};

/// Each unit publishes one for the first of its staff.
pub async fn all(stage: &mut Stage, units: &Units) -> Result<(), Fault> {
    stage.days_ago(1, 8);
    for unit in [&units.health_centre, &units.heart, &units.home, &units.rehab] {
        let (Some(worker), Some(kind)) = (unit.workers.first(), unit.types.first()) else { continue };
        let span = |from: &str, until: &str| (from.to_owned(), until.to_owned());
        let command = Publish {
            appointment_type: kind.id,
            staff: vec![worker.assignment],
            pattern: Written {
                rule: "FREQ=WEEKLY;BYDAY=TU,TH".to_owned(),
                valid_from: stage.day(1),
                valid_until: None,
                block: span("16:30", "18:45"),
                pauses: vec![span("17:30", "17:45")],
                except_days: Vec::new(),
                extra_days: Vec::new(),
                on_closed_days: false,
            },
            seats: None,
            web_bookable: true,
            skip_clashes: true,
        };
        let key = stage.key();
        done(publish(&stage.staff((unit, worker)), &key, &command).await?)?;
    }
    Ok(())
}
