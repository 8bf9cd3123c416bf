//! A unit's ladders of reminders.

use std::collections::BTreeMap;

use entity::{CareUnitId, reminder_ladder};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::unit;
use crate::{
    domain::ladder::{DEFAULT, Step},
    error::Fault,
    graphql::types::{booking::AppointmentType, reminders::ReminderLadder},
    session::Session,
};

/// The unit's ladder, and those of the kinds of appointment that have, or had, their own.
pub async fn of_unit(session: &Session, unit: CareUnitId) -> Result<Vec<ReminderLadder>, Fault> {
    use reminder_ladder::Column as C;
    let decided = session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            Ok(reminder_ladder::Entity::find()
                .filter(C::CareUnitId.eq(unit))
                .order_by_asc(C::Number)
                .all(db)
                .await?)
        })
        .await?;
    // Of each subject the latest.
    let latest: BTreeMap<Uuid, reminder_ladder::Model> =
        decided.into_iter().map(|row| (row.subject_id, row)).collect();
    let mut ladders = vec![ladder(None, latest.get(&unit.0))?];
    for kind in unit::appointment_types(session, unit).await? {
        if let Some(row) = latest.get(&kind.id.id) {
            ladders.push(ladder(Some(kind), Some(row))?);
        }
    }
    Ok(ladders)
}

fn ladder(
    appointment_type: Option<AppointmentType>,
    row: Option<&reminder_ladder::Model>,
) -> Result<ReminderLadder, Fault> {
    let own: Option<Vec<Step>> = row
        .and_then(|row| row.rungs.as_deref())
        .map(serde_json::from_str)
        .transpose()
        .map_err(Fault::internal)?;
    Ok(ReminderLadder {
        appointment_type,
        number: row.map_or(0, |row| row.number),
        is_own: own.is_some(),
        rungs: own.as_deref().unwrap_or(&DEFAULT).iter().map(Into::into).collect(),
    })
}
