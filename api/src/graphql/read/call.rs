//! The call log: a page in one statement, and the attempts at all its calls in another.

use std::collections::HashMap;

use async_graphql::{Context, Enum, Result};
use entity::{CallId, CareUnitId, PatientId, Sealed, patient, phone_call};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    cols::{Cols, staff_columns, unit_columns},
    rows,
};
use crate::{
    auth::policy::{self, Action, Noun, Who, reach_sql, reach_values},
    crypto::Place,
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, NodeKind, PhoneNumber},
        types::{
            calls::{CallAttempt, CallLogEntry},
            people::{PatientSummary, StaffSummary},
        },
        user_error::{fault, refused, session},
    },
    session::Session,
};

/// Which calls of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum CallLogFilter {
    /// Those to make (att ringa), the one that is promised first before the rest.
    #[default]
    ToMake,
    /// Those that are over (ringda), the latest first.
    Ended,
}

/// Where a page goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPlace {
    call_by: Option<chrono::DateTime<chrono::Utc>>,
    id: Uuid,
}

/// Whose calls.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// The unit's.
    Unit(CareUnitId),
    /// About the patient, of every unit of the caller's care provider.
    Patient(PatientId),
}

/// The most attempts that are shown of one call.
const ATTEMPTS: usize = 50;

fn statement(actor: &crate::auth::actor::Actor, condition: &str, order: &str, limit: usize) -> String {
    let reach = reach_sql(Who::from(actor), Noun::CallLog, "l.patient_id", Some("l.care_provider_id"));
    format!(
        "SELECT l.id, l.patient_id, p.given_name, p.family_name, p.protected_identity, l.direction, l.status, \
         l.with_whom, l.about, l.phone, l.call_by, {}, {}, l.created_at, l.row_version \
         FROM (SELECT l.* FROM phone_call l WHERE {reach} AND {condition} {order} LIMIT {limit}) l \
         JOIN patient p ON p.id = l.patient_id JOIN care_unit u ON u.id = l.care_unit_id \
         JOIN assignment x ON x.id = l.created_by JOIN staff_member m ON m.id = x.staff_member_id {order}",
        unit_columns("u"),
        staff_columns("m"),
    )
}

/// A page of the log.
pub async fn page(
    session: &Session,
    of: Of,
    filter: CallLogFilter,
    request: &PageRequest<CallPlace>,
) -> std::result::Result<Page<CallLogEntry>, Fault> {
    let (column, id) = match of {
        Of::Unit(id) => ("l.care_unit_id", id.0),
        Of::Patient(id) => ("l.patient_id", id.0),
    };
    let mut values: Vec<Value> = vec![id.into()];
    let (mut condition, order) = match filter {
        CallLogFilter::ToMake => {
            (format!("{column} = $5 AND l.status = 'TO_MAKE'"), "ORDER BY l.call_by, l.id")
        }
        CallLogFilter::Ended => (format!("{column} = $5 AND l.status <> 'TO_MAKE'"), "ORDER BY l.id DESC"),
    };
    if let Some(place) = &request.after {
        if filter == CallLogFilter::ToMake {
            condition.push_str(" AND (l.call_by > $6 OR (l.call_by = $6 AND l.id > $7))");
            values.extend([place.call_by.unwrap_or_default().into(), Value::from(place.id)]);
        } else {
            condition.push_str(" AND l.id < $6");
            values.push(place.id.into());
        }
    }
    let sql = statement(&session.actor, &condition, order, request.first + 1);
    let calls = load(session, sql, values, request.first).await?;
    Ok(Page::of_rows(calls, request, |call| CallPlace { call_by: call.call_by, id: call.id.id }))
}

/// A call by id.
pub async fn call(ctx: &Context<'_>, id: CallId) -> Result<Option<CallLogEntry>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::CallLog, Action::Read).is_err() {
        return Err(refused(session));
    }
    let sql = statement(&session.actor, "l.id = $5", "", 1);
    let found = load(session, sql, vec![id.0.into()], 1).await.map_err(|e| fault(session, &e))?.pop();
    if found.is_none() {
        session.trail.denied("NOT_FOUND", None);
    }
    Ok(found)
}

/// Calls with their attempts, and tells the trail of the first `shown` of them.
async fn load(
    session: &Session,
    sql: String,
    values: Vec<Value>,
    shown: usize,
) -> std::result::Result<Vec<CallLogEntry>, Fault> {
    let mut all = reach_values(&session.actor, session.now());
    all.extend(values);
    let rows = rows::run(session, sql, all).await?;
    let mut calls: Vec<CallLogEntry> =
        rows.iter().map(|row| read(session, &mut Cols::new(row))).collect::<std::result::Result<_, _>>()?;
    for call in calls.iter().take(shown) {
        session.trail.read(PatientId(call.patient.id.id));
    }
    let mut attempts = attempts(session, &calls).await?;
    for call in &mut calls {
        call.attempts = attempts.remove(&call.id.id).unwrap_or_default();
    }
    Ok(calls)
}

fn read(session: &Session, cols: &mut Cols<'_>) -> std::result::Result<CallLogEntry, Fault> {
    let keys = &session.core.keys;
    let id: Uuid = cols.take()?;
    let open = |column, sealed: &Sealed| keys.open(Place::new(column, id), sealed);
    let patient = PatientSummary {
        id: GlobalId::new(NodeKind::Patient, cols.take::<Uuid>()?),
        given_name: cols.take()?,
        family_name: cols.take()?,
        protected_identity: cols.text_enum::<patient::ProtectedIdentity>()?.into(),
    };
    let direction: phone_call::Direction = cols.text_enum()?;
    let status: phone_call::Status = cols.text_enum()?;
    let with_whom = open("phone_call.with_whom", &Sealed(cols.take()?))?;
    let about = open("phone_call.about", &Sealed(cols.take()?))?;
    let phone = keys.open_opt(Place::new("phone_call.phone", id), cols.opt_sealed()?.as_ref())?;
    let call_by: Option<chrono::DateTime<chrono::Utc>> = cols.opt()?;
    let waits = status == phone_call::Status::ToMake;
    Ok(CallLogEntry {
        id: GlobalId::new(NodeKind::CallLogEntry, id),
        patient,
        direction: direction.into(),
        status: status.into(),
        with_whom,
        about,
        phone: phone.map(PhoneNumber),
        call_by,
        is_overdue: waits && call_by.is_some_and(|by| by < session.now()),
        care_unit: cols.unit()?,
        created_by: StaffSummary { name: cols.take()?, title: cols.take()? },
        created_at: cols.take()?,
        attempts: Vec::new(),
        row_version: cols.take()?,
    })
}

/// The attempts at calls whose rows are in reach.
async fn attempts(
    session: &Session,
    calls: &[CallLogEntry],
) -> std::result::Result<HashMap<Uuid, Vec<CallAttempt>>, Fault> {
    if calls.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (1..=calls.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT a.call_id, a.id, a.at, a.reached, a.words, {} FROM phone_call_attempt a \
         JOIN assignment x ON x.id = a.by JOIN staff_member m ON m.id = x.staff_member_id \
         WHERE a.call_id IN ({}) ORDER BY a.id",
        staff_columns("m"),
        places.join(", "),
    );
    let values = calls.iter().map(|call| call.id.id.into()).collect();
    let mut found: HashMap<Uuid, Vec<CallAttempt>> = HashMap::new();
    for row in rows::run(session, sql, values).await? {
        let mut cols = Cols::new(&row);
        let of = found.entry(cols.take()?).or_default();
        if of.len() == ATTEMPTS {
            continue;
        }
        let id: Uuid = cols.take()?;
        let (at, reached) = (cols.take()?, cols.take()?);
        let words = cols.opt_sealed()?;
        let place = Place::new("phone_call_attempt.words", id);
        let words = session.core.keys.open_opt(place, words.as_ref())?;
        let by = StaffSummary { name: cols.take()?, title: cols.take()? };
        of.push(CallAttempt { at, reached, words, by });
    }
    Ok(found)
}
