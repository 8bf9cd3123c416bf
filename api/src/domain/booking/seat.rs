//! Seats of slots and cells of people: the two things that only one can have.
//!
//! Every seat that is taken has a row, [`seat_claim`], whether it is booked, held or kept for an offer; its unique keys
//! and the slot's open seats, which never fall below zero, refuse a second one in the database: a seat is one patient's,
//! and a patient has one seat of a time. A hold whose time is over
//! claims its seat until somebody wants it: no constraint knows the time, so whoever comes too late for the last
//! seat first deletes what has expired, in the same transaction ([`purge`]).
//!
//! Whoever claims for a patient has locked the patient's row: a patient's claims and cells change in turn.

use chrono::{DateTime, Utc};
use entity::{PatientId, SlotId, occupancy, seat_claim, slot, time_offer};
use sea_orm::{
    ActiveEnum,
    ActiveValue::Set,
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    Statement, TryInsertResult,
    sea_query::{Expr, ExprTrait, LockType},
};
use uuid::Uuid;

use super::rules::cells;
use crate::{db::Tx, domain::act::by, error::Fault, fault, session::Session};

/// Rows in one statement: well below the parameters that either database takes.
const ROWS: usize = 2_000;

/// A seat that is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The appointment or the hold.
    pub id: Uuid,
    pub patient: PatientId,
    pub time: &'a slot::Model,
    /// Of a hold.
    pub until: Option<DateTime<Utc>>,
}

/// What came of wanting a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// This one is theirs now.
    Seat(i32),
    /// The patient has one of this time already: the claim's id.
    Theirs(Uuid),
    /// There is none left.
    Full,
}

/// The seat's number is the lowest that is free, found in the statement that claims it; nothing where the patient has one.
const CLAIM: &str = "INSERT INTO seat_claim (id, patient_id, care_unit_id, care_provider_id, slot_id, starts_at, ends_at, \
     held_until, by_kind, by_id, created_at, seat_no) SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
     (SELECT MIN(x.n) FROM (SELECT 1 AS n UNION ALL SELECT c.seat_no + 1 FROM seat_claim c WHERE c.slot_id = $5) x \
      WHERE NOT EXISTS (SELECT 1 FROM seat_claim d WHERE d.slot_id = $5 AND d.seat_no = x.n)) \
     WHERE NOT EXISTS (SELECT 1 FROM seat_claim e WHERE e.slot_id = $5 AND e.patient_id = $2) RETURNING seat_no";

/// Takes a seat of the slot, if there is one and the patient has none. The slot is then locked until the transaction
/// ends.
pub async fn take(tx: &Tx, session: &Session, wanted: Wanted<'_>) -> Result<Taken, Fault> {
    let time = wanted.time;
    if !count_down(tx, time.id).await? {
        purge(tx, session, time.id).await?;
        if !count_down(tx, time.id).await? {
            return Ok(theirs(tx, wanted).await?.map_or(Taken::Full, Taken::Theirs));
        }
    }
    let (by_kind, by_id) = by(session);
    let values = [
        wanted.id.into(),
        wanted.patient.0.into(),
        time.care_unit_id.0.into(),
        time.care_provider_id.0.into(),
        time.id.0.into(),
        time.starts_at.into(),
        time.ends_at.into(),
        wanted.until.into(),
        by_kind.to_value().into(),
        by_id.into(),
        session.now().into(),
    ];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), CLAIM, values);
    if let Some(row) = tx.query_one_raw(statement).await? {
        fault::point("seated").await;
        return Ok(Taken::Seat(row.try_get_by_index(0)?));
    }
    freed(tx, time.id, 1).await?;
    let theirs = theirs(tx, wanted).await?;
    theirs.map(Taken::Theirs).ok_or_else(|| Fault::internal("a claim without a seat"))
}

/// The seat of this time that the patient has.
async fn theirs(tx: &Tx, wanted: Wanted<'_>) -> Result<Option<Uuid>, Fault> {
    Ok(seat_claim::Entity::find()
        .select_only()
        .column(seat_claim::Column::Id)
        .filter(seat_claim::Column::SlotId.eq(wanted.time.id))
        .filter(seat_claim::Column::PatientId.eq(wanted.patient))
        .into_tuple::<Uuid>()
        .one(tx)
        .await?)
}

async fn count_down(tx: &Tx, slot: SlotId) -> Result<bool, Fault> {
    let won = slot::Entity::update_many()
        .col_expr(slot::Column::OpenSeats, Expr::col(slot::Column::OpenSeats).sub(1))
        .filter(slot::Column::Id.eq(slot))
        .filter(slot::Column::OpenSeats.gt(0))
        .filter(slot::Column::WithdrawnAt.is_null())
        .exec(tx)
        .await?;
    Ok(won.rows_affected == 1)
}

/// Gives the seat of a booked time back. The time's cells stay with the caller.
pub async fn release(tx: &Tx, slot: SlotId, booked: Uuid) -> Result<(), Fault> {
    // The slot before the claim, as everywhere: see the order of locks.
    freed(tx, slot, 1).await?;
    let gone = seat_claim::Entity::delete_by_id(booked).exec(tx).await?.rows_affected;
    fault::point("seated").await;
    if gone == 1 { Ok(()) } else { Err(Fault::internal("a booked time without its seat")) }
}

/// Gives a hold up, with its seat and its cells; false when it had expired and somebody else took the seat. The slot
/// is locked already, by [`lock`].
pub async fn give_up(tx: &Tx, hold: &seat_claim::Model) -> Result<bool, Fault> {
    let gone = seat_claim::Entity::delete_by_id(hold.id).exec(tx).await?.rows_affected == 1;
    if gone {
        freed(tx, hold.slot_id, 1).await?;
        vacate(tx, hold.id).await?;
    }
    Ok(gone)
}

/// Gives up what is held of slots that nobody can have any more. The slots are locked already. What somebody books at
/// this moment is no hold any more, and stays.
pub async fn drop_holds(tx: &Tx, slots: &[SlotId]) -> Result<(), Fault> {
    for some in slots.chunks(ROWS) {
        let dropped = seat_claim::Entity::delete_many()
            .filter(seat_claim::Column::SlotId.is_in(some.iter().copied()))
            .filter(seat_claim::Column::HeldUntil.is_not_null())
            .exec_with_returning(tx)
            .await?;
        for held in dropped {
            vacate(tx, held.id).await?;
            freed(tx, held.slot_id, 1).await?;
        }
    }
    Ok(())
}

/// Deletes the holds of a slot whose time is over. Gives how many there were.
pub async fn purge(tx: &Tx, session: &Session, slot: SlotId) -> Result<usize, Fault> {
    lock(tx, [slot]).await?;
    let expired = seat_claim::Entity::delete_many()
        .filter(seat_claim::Column::SlotId.eq(slot))
        .filter(seat_claim::Column::HeldUntil.lte(session.now()))
        .exec_with_returning(tx)
        .await?;
    if expired.is_empty() {
        return Ok(0);
    }
    occupancy::Entity::delete_many()
        .filter(occupancy::Column::HolderId.is_in(expired.iter().map(|hold| hold.id)))
        .exec(tx)
        .await?;
    freed(tx, slot, expired.len()).await?;
    Ok(expired.len())
}

/// The one place where seats become free. Nobody is kept for a time that was taken back and that nobody has any more.
async fn freed(tx: &Tx, slot: SlotId, seats: usize) -> Result<(), Fault> {
    let seats = i32::try_from(seats).map_err(Fault::internal)?;
    let given = slot::Entity::update_many()
        .col_expr(slot::Column::OpenSeats, Expr::col(slot::Column::OpenSeats).add(seats))
        .filter(slot::Column::Id.eq(slot))
        .exec_with_returning(tx)
        .await?;
    let Some(row) = given.first() else { return Err(Fault::internal("the slot of a claim is gone")) };
    // Of one whose person is away, the person stays kept: it is given back when they return.
    let for_good = row.withdrawn_at.is_some() && row.withdrawn_for.is_none();
    if for_good && row.open_seats == row.seats {
        vacate(tx, slot.0).await?;
    }
    Ok(())
}

/// Locks slots in the order of their ids: two who change places wait for each other in turn, not for ever.
pub async fn lock(tx: &Tx, slots: impl IntoIterator<Item = SlotId>) -> Result<(), Fault> {
    slot::Entity::find()
        .select_only()
        .column(slot::Column::Id)
        .filter(slot::Column::Id.is_in(slots))
        .order_by_asc(slot::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple::<SlotId>()
        .all(tx)
        .await?;
    Ok(())
}

/// [`lock`] of every slot that a patient has a seat of: booked, held, or kept for an offer.
pub async fn lock_all_of(tx: &Tx, session: &Session, patient: PatientId) -> Result<(), Fault> {
    let theirs = seat_claim::Entity::find()
        .select_only()
        .column(seat_claim::Column::SlotId)
        .filter(seat_claim::Column::PatientId.eq(patient))
        .filter(seat_claim::Column::EndsAt.gt(session.now()));
    let slots = theirs.into_tuple::<SlotId>().all(tx).await?;
    lock(tx, slots).await
}

/// What a patient holds, whenever it is.
pub async fn holds(tx: &Tx, patient: PatientId) -> Result<Vec<seat_claim::Model>, Fault> {
    Ok(seat_claim::Entity::find()
        .filter(seat_claim::Column::PatientId.eq(patient))
        .filter(seat_claim::Column::HeldUntil.is_not_null())
        .order_by_asc(seat_claim::Column::SlotId)
        .all(tx)
        .await?)
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
    fault::point("occupied").await;
    Ok(free)
}

/// Frees every cell of a holder.
pub async fn vacate(tx: &Tx, holder: Uuid) -> Result<(), Fault> {
    occupancy::Entity::delete_many().filter(occupancy::Column::HolderId.eq(holder)).exec(tx).await?;
    Ok(())
}

/// Frees the cells of a booked time. Where staff had booked another over it, that one gets them; not a seat that is
/// kept for an offer, which occupies nobody.
pub async fn vacate_booked(
    tx: &Tx,
    patient: PatientId,
    (booked, starts_at, ends_at): (Uuid, DateTime<Utc>, DateTime<Utc>),
) -> Result<(), Fault> {
    use seat_claim::Column as C;
    vacate(tx, booked).await?;
    let offered = time_offer::Entity::find()
        .select_only()
        .column(time_offer::Column::Id)
        .filter(time_offer::Column::PatientId.eq(patient))
        .filter(time_offer::Column::Status.eq(time_offer::Status::Open))
        .into_query();
    let over = seat_claim::Entity::find()
        .filter(
            Condition::all()
                .add(C::PatientId.eq(patient))
                .add(C::Id.ne(booked))
                .add(C::Id.not_in_subquery(offered))
                .add(C::StartsAt.lt(ends_at))
                .add(C::EndsAt.gt(starts_at)),
        )
        .order_by_asc(C::StartsAt)
        .all(tx)
        .await?;
    occupy(tx, patient.0, over.iter().map(|claim| (claim.id, claim.starts_at, claim.ends_at))).await?;
    Ok(())
}
