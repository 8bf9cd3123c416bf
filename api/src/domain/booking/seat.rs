//! Seats of slots and cells of people: the two things that only one can have.

use chrono::{DateTime, Utc};
use entity::{SlotId, appointment, occupancy, slot};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, TryInsertResult,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::rules::cells;
use crate::{db::Tx, error::Fault};

/// Rows in one statement: well below the parameters that either database takes.
const ROWS: usize = 2_000;

/// Takes a seat of the slot; none when there is none left. Its row is then locked until the transaction ends.
pub async fn take(tx: &Tx, slot: SlotId) -> Result<Option<i32>, Fault> {
    let won = slot::Entity::update_many()
        .col_expr(slot::Column::OpenSeats, Expr::col(slot::Column::OpenSeats).sub(1))
        .filter(slot::Column::Id.eq(slot))
        .filter(slot::Column::OpenSeats.gt(0))
        .exec(tx)
        .await?
        .rows_affected;
    if won == 0 {
        return Ok(None);
    }
    let taken: Vec<i32> = appointment::Entity::find()
        .select_only()
        .column(appointment::Column::SeatNo)
        .filter(appointment::Column::SlotId.eq(slot))
        .filter(appointment::Column::Status.eq(appointment::Status::Booked))
        .into_tuple()
        .all(tx)
        .await?;
    Ok((1..=i32::MAX).find(|seat| !taken.contains(seat)))
}

/// Gives a seat back.
pub async fn release(tx: &Tx, slot: SlotId) -> Result<(), Fault> {
    let given = slot::Entity::update_many()
        .col_expr(slot::Column::OpenSeats, Expr::col(slot::Column::OpenSeats).add(1))
        .filter(slot::Column::Id.eq(slot))
        .exec(tx)
        .await?
        .rows_affected;
    if given == 1 { Ok(()) } else { Err(Fault::internal("the slot of an appointment is gone")) }
}

/// Claims cells of `subject` for holders; false when some had a holder already (those stay as they are).
pub async fn occupy(
    tx: &Tx,
    subject: Uuid,
    spans: impl IntoIterator<Item = (Uuid, DateTime<Utc>, DateTime<Utc>)>,
) -> Result<bool, Fault> {
    let rows: Vec<_> = spans
        .into_iter()
        .flat_map(|(holder, starts_at, ends_at)| {
            cells(starts_at, ends_at).into_iter().map(move |cell| occupancy::ActiveModel {
                subject_id: Set(subject),
                cell_start: Set(cell),
                holder_id: Set(holder),
            })
        })
        .collect();
    let mut free = true;
    for chunk in rows.chunks(ROWS) {
        let inserted = occupancy::Entity::insert_many(chunk.to_vec())
            .on_conflict_do_nothing()
            .exec_without_returning(tx)
            .await?;
        free &= matches!(inserted, TryInsertResult::Inserted(n) if n == chunk.len() as u64);
    }
    Ok(free)
}

/// Frees every cell of a holder.
pub async fn vacate(tx: &Tx, holder: Uuid) -> Result<(), Fault> {
    occupancy::Entity::delete_many().filter(occupancy::Column::HolderId.eq(holder)).exec(tx).await?;
    Ok(())
}
