//! What a patient needs to take part, read when it is asked for.

use uuid::Uuid;

use super::{cols::Cols, rows::rows};
use crate::{
    auth::policy::{Noun, Who, reach_sql},
    crypto::Place,
    domain::patient::needs::ACCESS_NEEDS,
    error::Fault,
    graphql::{scalars::LanguageTag, types::people::PatientNeeds},
    session::Session,
};

/// The needs of a patient that the caller reaches.
pub async fn of_patient(session: &Session, patient: Uuid) -> Result<Option<PatientNeeds>, Fault> {
    let reach = reach_sql(Who::from(&session.actor), Noun::PatientNeeds, "p.id", None);
    let sql = format!(
        "SELECT p.interpreter_language, p.access_needs, p.row_version FROM patient p WHERE {reach} AND p.id = $5"
    );
    let found = rows(session, sql, [patient.into()]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    let cols = &mut Cols::new(row);
    let language: Option<String> = cols.opt()?;
    let sealed = cols.opt_sealed()?;
    let access_needs = session.core.keys.open_opt(Place::new(ACCESS_NEEDS, patient), sealed.as_ref())?;
    Ok(Some(PatientNeeds {
        interpreter_language: language.map(LanguageTag),
        access_needs,
        row_version: cols.take()?,
    }))
}
