//! What the access log tells a patient: which unit reached their data, and when.

use entity::PatientId;
use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::cols::Cols;
use crate::{
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        types::people::AccessLogEntry,
    },
    session::Session,
};

/// A page of the accesses to the data of `patient`, the latest first. The caller has been found to be the patient.
pub async fn of_patient(
    session: &Session,
    patient: PatientId,
    request: &PageRequest<Uuid>,
) -> Result<Page<AccessLogEntry>, Fault> {
    // Event ids rise with time; the largest one stands for the beginning.
    let after = request.after.unwrap_or(Uuid::max());
    let sql = format!(
        "SELECT e.id, e.at, e.actor_kind, e.action, e.outcome, u.name FROM access_event_patient x \
         JOIN access_event e ON e.id = x.event_id LEFT JOIN care_unit u ON u.id = e.care_unit_id \
         WHERE x.patient_id = $1 AND x.event_id < $2 ORDER BY x.event_id DESC LIMIT {}",
        request.first + 1
    );
    let rows = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let values = [patient.0.into(), after.into()];
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            Ok(db.query_all_raw(statement).await?)
        })
        .await?;
    let entries: Vec<(Uuid, AccessLogEntry)> =
        rows.iter().map(|row| entry(&mut Cols::new(row))).collect::<Result<_, _>>()?;
    Ok(Page::of_rows(entries, request, |(id, _)| *id).map(|(_, entry)| entry))
}

fn entry(cols: &mut Cols<'_>) -> Result<(Uuid, AccessLogEntry), Fault> {
    let id = cols.take()?;
    Ok((
        id,
        AccessLogEntry {
            at: cols.take()?,
            by: cols.text_enum::<entity::access_event::ActorKind>()?.into(),
            action: cols.take()?,
            served: cols.text_enum::<entity::access_event::Outcome>()?
                == entity::access_event::Outcome::Allowed,
            unit_name: cols.opt()?,
        },
    ))
}
