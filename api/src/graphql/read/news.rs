//! The news of a unit: a page in one statement.

use entity::{PatientId, patient::ProtectedIdentity};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use super::cols::Cols;
use crate::{
    auth::{
        actor::StaffActor,
        policy::{Granted, Noun, Who, reach_sql, reach_values},
    },
    domain::news::{EVENTS, Kind},
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, NodeKind},
        types::{news::UnitNews, people::PatientSummary},
    },
    session::Session,
};

/// What patients have done at the caller's own unit, the latest first, as far as the caller reaches them.
pub async fn of_unit(
    session: &Session,
    own: &Granted<StaffActor>,
    request: &PageRequest<Uuid>,
) -> Result<Page<UnitNews>, Fault> {
    let kinds: Vec<String> = EVENTS.iter().map(|(kind, _)| format!("'{kind}'")).collect();
    let reach =
        reach_sql(Who::from(&session.actor), Noun::Patient, "e.patient_id", Some("e.care_provider_id"));
    let sql = format!(
        "SELECT e.id, e.kind, e.at, p.id, p.given_name, p.family_name, p.protected_identity \
         FROM domain_event e JOIN patient p ON p.id = e.patient_id WHERE e.care_unit_id = $5 AND e.id < $6 \
         AND e.by_kind IN ('PATIENT', 'REPRESENTATIVE') AND e.kind IN ({}) AND {reach} ORDER BY e.id DESC LIMIT {}",
        kinds.join(", "),
        request.first + 1,
    );
    let mut values = reach_values(&session.actor, session.now());
    // Event ids rise with time; the largest one stands for the beginning.
    values.extend([Value::from(own.care_unit.0), request.after.unwrap_or(Uuid::max()).into()]);
    let rows = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            Ok(db.query_all_raw(statement).await?)
        })
        .await?;
    let mut found = Vec::new();
    for row in &rows {
        let mut cols = Cols::new(row);
        let (event, kind): (Uuid, String) = (cols.take()?, cols.take()?);
        let kind = Kind::of(&kind).ok_or_else(|| Fault::internal("an event that is no news"))?;
        let at = cols.take()?;
        let patient: Uuid = cols.take()?;
        let news = UnitNews {
            kind: kind.into(),
            patient: PatientSummary {
                id: GlobalId::new(NodeKind::Patient, patient),
                given_name: cols.take()?,
                family_name: cols.take()?,
                protected_identity: cols.text_enum::<ProtectedIdentity>()?.into(),
            },
            at,
        };
        session.trail.read(PatientId(patient));
        found.push((event, news));
    }
    Ok(Page::of_rows(found, request, |(event, _)| *event).map(|(_, news)| news))
}
