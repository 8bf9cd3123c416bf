//! The times that an absence touches: planned by the domain, shown as far as the caller sees patients.

use std::collections::HashMap;

use entity::AppointmentId;
use uuid::Uuid;

use super::changed;
use crate::{
    auth::policy::{self, Action, Noun},
    domain::booking::away::{Away, MOST, plan},
    error::Fault,
    graphql::{
        listening::Of,
        slots,
        types::{
            booking::{Appointment, Slot},
            clash::TouchedTime,
        },
    },
    session::Session,
};

/// The soonest, in order of time, each with what could take its place: six statements, however many.
pub async fn touched(session: &Session, away: &Away) -> Result<Vec<TouchedTime>, Fault> {
    let planned = session.core.db.snapshot(async |tx| plan(tx, session, away, MOST).await).await?;
    let mut ids: Vec<_> = planned.iter().flat_map(|(_, slots)| slots.iter().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    let free: HashMap<Uuid, Slot> =
        slots::by_ids(session, &ids).await?.into_iter().map(|slot| (slot.id.id, slot)).collect();
    let mut seen = HashMap::new();
    if policy::check(&session.actor, Noun::Appointment, Action::Read).is_ok() {
        let times: Vec<Uuid> = planned.iter().map(|(of, _)| of.booked.id.0).collect();
        let found = changed::by_ids(session, Of::Unit(away.unit), &times).await?;
        seen.extend(found.into_iter().map(|change| (change.appointment.id.id, change)));
    }
    Ok(planned
        .into_iter()
        .map(|(of, slots)| {
            let (appointment, patient) =
                seen.remove(&of.booked.id.0).map(|change| (change.appointment, change.patient)).unzip();
            TouchedTime {
                starts_at: of.booked.starts_at,
                ends_at: of.booked.ends_at,
                appointment,
                patient,
                proposals: slots.iter().filter_map(|id| free.get(&id.0).cloned()).collect(),
            }
        })
        .collect())
}

/// Those of the unit's times that the caller may see.
pub async fn shown(session: &Session, ids: &[AppointmentId]) -> Result<Vec<Appointment>, Fault> {
    let Some(staff) = session.actor.staff() else { return Ok(Vec::new()) };
    if policy::check(&session.actor, Noun::Appointment, Action::Read).is_err() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let found = changed::by_ids(session, Of::Unit(staff.care_unit), &ids).await?;
    Ok(found.into_iter().map(|change| change.appointment).collect())
}
