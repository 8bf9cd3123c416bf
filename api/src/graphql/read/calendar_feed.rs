//! The calendar feed of a patient, read from a flat row.

use async_graphql::{Context, Result};
use entity::{PatientId, reminder_preference::Detail};
use sea_orm::{ConnectionTrait, Statement};

use super::cols::Cols;
use crate::{
    auth::policy::{self, Action, Noun, Who, reach_sql, reach_values},
    error::Fault,
    graphql::{
        types::calendar::CalendarFeed,
        user_error::{fault, refused, session},
    },
};

/// The feed, if the patient has one and the caller may see it.
pub async fn of_patient(ctx: &Context<'_>, patient: PatientId) -> Result<Option<CalendarFeed>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::CalendarFeed, Action::Read).is_err() {
        return Err(refused(session));
    }
    let reach = reach_sql(Who::from(&session.actor), Noun::CalendarFeed, "f.patient_id", None);
    let sql = format!(
        "SELECT f.detail, f.created_at, f.row_version FROM calendar_feed f \
         WHERE f.patient_id = $5 AND f.secret_hash IS NOT NULL AND {reach}"
    );
    let mut values = reach_values(&session.actor, session.now());
    values.push(patient.0.into());
    let found = session
        .core
        .db
        .read(async |db| -> std::result::Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            let Some(row) = db.query_one_raw(statement).await? else { return Ok(None) };
            let mut cols = Cols::new(&row);
            let detail: Detail = cols.text_enum()?;
            Ok(Some(CalendarFeed {
                detail: detail.into(),
                address_from: cols.take()?,
                row_version: cols.take()?,
            }))
        })
        .await
        .map_err(|e| fault(session, &e))?;
    session.trail.read(patient);
    Ok(found)
}
