//! Free times (lediga tider): the list to choose from, and the alternatives of one that was taken.

use async_graphql::{Context, Result};
use chrono::{DateTime, Utc};
use entity::{AppointmentTypeId, CareUnitId, SlotId, slot};
use sea_orm::{ConnectionTrait, EntityTrait, Statement, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    page::{Page, page_request},
    read::{
        cols::Cols,
        node::{SLOT_JOINS, read_slot, slot_columns},
    },
    types::booking::Slot,
    user_error::{fault, refused, session},
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun},
    },
    error::Fault,
    session::Session,
};

/// Alternatives of a time that was taken, at most.
const ALTERNATIVES: usize = 5;

/// Where a page of free times goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotPlace {
    at: DateTime<Utc>,
    id: Uuid,
}

/// The free times at one unit from `from` on, of one kind or of all, never before now, the soonest first.
pub async fn free_slots(
    ctx: &Context<'_>,
    unit: CareUnitId,
    kind: Option<AppointmentTypeId>,
    from: Option<DateTime<Utc>>,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<Page<Slot>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Slot, Action::Read).is_err() {
        return Err(refused(session));
    }
    let request = page_request::<SlotPlace>(first, after, 20)?;
    let from = from.map_or_else(|| session.now(), |from| Ord::max(from, session.now()));
    let start = request.after.clone().unwrap_or(SlotPlace { at: from, id: Uuid::max() });
    let mut values: Vec<Value> = vec![unit.0.into(), Ord::max(start.at, from).into(), start.id.into()];
    // Each text has an index of its own.
    let mut filter =
        "s.care_unit_id = $1 AND (s.starts_at > $2 OR (s.starts_at = $2 AND s.id > $3))".to_owned();
    if let Some(kind) = kind {
        filter.push_str(" AND s.appointment_type_id = $4");
        values.push(kind.0.into());
    }
    let sql = format!(
        "SELECT {} FROM slot s {SLOT_JOINS} WHERE s.open_seats > 0 AND {filter}{} \
         ORDER BY s.starts_at, s.id LIMIT {}",
        slot_columns(),
        open_to(&session.actor),
        request.first + 1
    );
    let slots = load(session, sql, values).await.map_err(|e| fault(session, &e))?;
    Ok(Page::of_rows(slots, &request, |slot| SlotPlace { at: slot.starts_at, id: slot.id.id }))
}

/// The slots with these ids, by start.
pub async fn by_ids(session: &Session, ids: &[SlotId]) -> std::result::Result<Vec<Slot>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT {} FROM slot s {SLOT_JOINS} WHERE s.id IN ({}){} ORDER BY s.starts_at, s.id",
        slot_columns(),
        places.join(", "),
        open_to(&session.actor),
    );
    load(session, sql, ids.iter().map(|id| id.0.into()).collect()).await
}

/// Free times of the same kind at the same unit as `wanted`, the nearest to it first.
pub async fn alternatives(session: &Session, wanted: SlotId) -> std::result::Result<Vec<Slot>, Fault> {
    let wanted = session
        .core
        .db
        .read(async |db| -> std::result::Result<_, Fault> {
            Ok(slot::Entity::find_by_id(wanted).one(db).await?)
        })
        .await?;
    let Some(wanted) = wanted else { return Ok(Vec::new()) };
    let half = |when: &str, order: &str| {
        format!(
            "SELECT id FROM (SELECT s.id FROM slot s WHERE s.care_unit_id = $1 AND s.appointment_type_id = $2 \
             AND s.open_seats > 0 AND s.id <> $5 AND s.starts_at > $4 AND s.starts_at {when} $3{} \
             ORDER BY s.starts_at {order}, s.id LIMIT {ALTERNATIVES}) AS part_{order}",
            open_to(&session.actor),
        )
    };
    let sql = format!(
        "SELECT {} FROM slot s {SLOT_JOINS} WHERE s.id IN ({} UNION ALL {})",
        slot_columns(),
        half(">=", "ASC"),
        half("<", "DESC"),
    );
    let values = vec![
        wanted.care_unit_id.0.into(),
        wanted.appointment_type_id.0.into(),
        wanted.starts_at.into(),
        session.now().into(),
        wanted.id.0.into(),
    ];
    let mut near = load(session, sql, values).await?;
    near.sort_by_key(|slot| ((slot.starts_at - wanted.starts_at).abs(), slot.starts_at, slot.id.id));
    near.truncate(ALTERNATIVES);
    Ok(near)
}

/// Patients see the times that are open to patients.
fn open_to(actor: &Actor) -> &'static str {
    if actor.staff().is_some() { "" } else { " AND s.web_bookable" }
}

async fn load(session: &Session, sql: String, values: Vec<Value>) -> std::result::Result<Vec<Slot>, Fault> {
    session
        .core
        .db
        .read(async |db| -> std::result::Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            let rows = db.query_all_raw(statement).await?;
            rows.iter().map(|row| read_slot(&mut Cols::new(row))).collect()
        })
        .await
}
