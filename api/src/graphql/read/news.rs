//! The news of a unit: a page in one statement.

use entity::{PatientId, patient::ProtectedIdentity};
use uuid::Uuid;

use super::{cols::Cols, rows::rows};
use crate::{
    auth::{
        actor::StaffActor,
        policy::{Granted, Noun, Who, reach_sql},
    },
    domain::news::{CANCELLED_BY_OTHER_UNIT, EVENTS, Kind},
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, NodeKind},
        types::{news::UnitNews, people::PatientSummary},
    },
    session::Session,
};

/// What patients, and other units, have done at the caller's own unit, the latest first, as far as the caller reaches them.
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
         AND (e.by_kind IN ('PATIENT', 'REPRESENTATIVE') OR e.kind = '{CANCELLED_BY_OTHER_UNIT}') AND e.kind IN ({}) \
         AND {reach} ORDER BY e.id DESC LIMIT {}",
        kinds.join(", "),
        request.first + 1,
    );
    // Event ids rise with time; the largest one stands for the beginning.
    let own = [own.care_unit.0.into(), request.after.unwrap_or(Uuid::max()).into()];
    let rows = rows(session, sql, own).await?;
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
