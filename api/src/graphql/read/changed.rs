//! Booked times that have changed, for those who listen: one statement, under the policy as it is at the event.

use std::collections::HashSet;

use chrono::{Days, NaiveDate, NaiveTime};
use entity::{CareUnitId, PatientId, patient::ProtectedIdentity};
use sea_orm::Value;
use uuid::Uuid;

use super::{
    appointment::{JOINS, columns, opt_appointment},
    cols::Cols,
    rows::rows,
};
use crate::{
    auth::policy::{Noun, Who, reach_sql},
    calendar::to_instant,
    error::Fault,
    graphql::{
        listening::Of,
        scalars::{GlobalId, NodeKind},
        types::{clash::AppointmentChange, people::PatientSummary},
    },
    session::Session,
};

fn reach(session: &Session) -> String {
    reach_sql(Who::from(&session.actor), Noun::Appointment, "ap.patient_id", Some("ap.care_provider_id"))
}

/// Those of the times that are `of` whom is listened to and within reach, in order of time; each is told to the access
/// log.
pub async fn by_ids(session: &Session, of: Of, ids: &[Uuid]) -> Result<Vec<AppointmentChange>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let (whose, owner) = match of {
        Of::Unit(unit) => ("ap.care_unit_id", unit.0),
        Of::Patient(patient) => ("ap.patient_id", patient.0),
        Of::Subject(subject) => ("ap.id", subject),
    };
    let places: Vec<String> = (6..6 + ids.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT {}, p.id, p.given_name, p.family_name, p.protected_identity FROM appointment ap {JOINS} \
         JOIN patient p ON p.id = ap.patient_id WHERE {} AND {whose} = $5 AND ap.id IN ({}) ORDER BY ap.starts_at, ap.id",
        columns(),
        reach(session),
        places.join(", "),
    );
    let values = std::iter::once(owner).chain(ids.iter().copied()).map(Value::from);
    let mut found = Vec::new();
    for row in &rows(session, sql, values).await? {
        let mut cols = Cols::new(row);
        let Some(appointment) = opt_appointment(&mut cols, session)? else { continue };
        let id: Uuid = cols.take()?;
        let patient = PatientSummary {
            id: GlobalId::new(NodeKind::Patient, id),
            given_name: cols.take()?,
            family_name: cols.take()?,
            protected_identity: cols.text_enum::<ProtectedIdentity>()?.into(),
        };
        session.trail.read(PatientId(id));
        found.push(AppointmentChange { appointment, patient });
    }
    Ok(found)
}

/// The times booked at the unit on `day`, so that a listener knows what leaves it. Nothing of them is shown.
pub async fn ids_on(session: &Session, unit: CareUnitId, day: NaiveDate) -> Result<HashSet<Uuid>, Fault> {
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    let midnight = |day: NaiveDate| Value::from(to_instant(day.and_time(NaiveTime::MIN)));
    let sql = format!(
        "SELECT ap.id FROM appointment ap WHERE {} AND ap.care_unit_id = $5 AND ap.status = 'BOOKED' \
         AND ap.starts_at >= $6 AND ap.starts_at < $7",
        reach(session),
    );
    let own = [Value::from(unit.0), midnight(day), midnight(next)];
    rows(session, sql, own).await?.iter().map(|row| Cols::new(row).take()).collect()
}
