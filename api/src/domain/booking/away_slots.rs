//! The times of somebody who is away: nobody books them until the person is back.
//!
//! A time that several take part in stays withdrawn as long as one of them is away. Who registers an absence, and who
//! publishes times, hold the person's assignment until they are done: a time is published before the absence, and
//! withdrawn by it, or after it, and withdrawn at once.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use entity::{
    AssignmentId, ContactAbsenceId, SlotId, assignment, contact_absence,
    slot::{self, Withdrawal},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
    sea_query::{Expr, LockType},
};

use super::{away::Away, rules::NewTime, seat};
use crate::{db::Tx, domain::time_wish::offer, error::Fault, session::Session};

/// Ids in one statement.
const ROWS: usize = 500;

/// Nobody registers an absence of these people until the transaction ends. Before any slot is locked.
pub(crate) async fn keep_present(
    tx: &Tx,
    staff: impl IntoIterator<Item = AssignmentId>,
) -> Result<(), Fault> {
    hold(tx, staff, LockType::Share).await
}

/// Nobody publishes times of this person, or registers another absence, until the transaction ends.
pub(crate) async fn keep_unpublished(tx: &Tx, person: AssignmentId) -> Result<(), Fault> {
    hold(tx, [person], LockType::NoKeyUpdate).await
}

async fn hold(tx: &Tx, staff: impl IntoIterator<Item = AssignmentId>, how: LockType) -> Result<(), Fault> {
    let staff: Vec<AssignmentId> = staff.into_iter().collect();
    if staff.is_empty() {
        return Ok(());
    }
    assignment::Entity::find()
        .select_only()
        .column(assignment::Column::Id)
        .filter(assignment::Column::Id.is_in(staff))
        .order_by_asc(assignment::Column::Id)
        .lock(how)
        .into_tuple::<AssignmentId>()
        .all(tx)
        .await?;
    Ok(())
}

/// The absence begins to count: the free times of the person are withdrawn, with what is held or offered of them.
pub(crate) async fn withdraw(
    tx: &Tx,
    session: &Session,
    absence: &contact_absence::Model,
) -> Result<(), Fault> {
    let Some(away) = Away::of(absence) else { return Ok(()) };
    let now = session.now();
    let ids = slot::Entity::find()
        .select_only()
        .column(slot::Column::Id)
        .filter(away.touches_slot(now))
        .filter(slot::Column::WithdrawnAt.is_null())
        // In the order of their ids, as everywhere.
        .order_by_asc(slot::Column::Id)
        .lock_exclusive()
        .into_tuple::<SlotId>()
        .all(tx)
        .await?;
    for some in ids.chunks(ROWS) {
        offer::withdraw_with(tx, session, some).await?;
    }
    mark(tx, now, absence.id, &ids).await?;
    seat::drop_holds(tx, &ids).await
}

async fn mark(tx: &Tx, now: DateTime<Utc>, absence: ContactAbsenceId, ids: &[SlotId]) -> Result<(), Fault> {
    for some in ids.chunks(ROWS) {
        slot::Entity::update_many()
            .col_expr(slot::Column::WithdrawnAt, Expr::value(now))
            .col_expr(slot::Column::Withdrawal, Expr::value(Withdrawal::ByAbsence))
            .col_expr(slot::Column::WithdrawnFor, Expr::value(absence.0))
            .filter(slot::Column::Id.is_in(some.iter().copied()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Times that were published just now, of which somebody is away: withdrawn until they are back. The staff are held
/// ([`keep_present`]).
pub(crate) async fn withdraw_new(
    tx: &Tx,
    session: &Session,
    staff: &[AssignmentId],
    published: &[(SlotId, NewTime)],
) -> Result<(), Fault> {
    let mut of: BTreeMap<ContactAbsenceId, Vec<SlotId>> = BTreeMap::new();
    let absences = standing(tx, staff, published.iter().map(|(_, time)| time)).await?;
    for (id, time) in published {
        if let Some(absence) = absences.iter().find(|absence| touches(absence, time)) {
            of.entry(absence.id).or_default().push(*id);
        }
    }
    for (absence, ids) in of {
        mark(tx, session.now(), absence, &ids).await?;
    }
    Ok(())
}

/// Those of the times at which one of the staff is away.
pub(crate) async fn away_at<'a>(
    tx: &Tx,
    staff: &[AssignmentId],
    times: impl IntoIterator<Item = &'a NewTime> + Clone,
) -> Result<Vec<&'a NewTime>, Fault> {
    let absences = standing(tx, staff, times.clone()).await?;
    Ok(times.into_iter().filter(|time| absences.iter().any(|absence| touches(absence, time))).collect())
}

fn touches(absence: &contact_absence::Model, time: &NewTime) -> bool {
    absence.from_at < time.ends_at && time.starts_at < absence.until_at
}

/// The absences of these people that stand, within the times.
async fn standing<'a>(
    tx: &Tx,
    staff: &[AssignmentId],
    times: impl IntoIterator<Item = &'a NewTime>,
) -> Result<Vec<contact_absence::Model>, Fault> {
    use contact_absence::Column as A;
    let span = times.into_iter().fold(None, |span: Option<(DateTime<Utc>, DateTime<Utc>)>, time| {
        let (first, last) = span.unwrap_or((time.starts_at, time.ends_at));
        Some((first.min(time.starts_at), last.max(time.ends_at)))
    });
    let Some((first, last)) = span.filter(|_| !staff.is_empty()) else { return Ok(Vec::new()) };
    Ok(contact_absence::Entity::find()
        .filter(A::AssignmentId.is_in(staff.iter().copied()))
        .filter(A::CancelledAt.is_null())
        .filter(A::FromAt.lt(last))
        .filter(A::UntilAt.gt(first))
        .order_by_asc(A::FromAt)
        .order_by_asc(A::Id)
        .all(tx)
        .await?)
}

/// An absence of another of the staff, that touches the slot too.
const ALSO_AWAY: &str = "FROM contact_absence o JOIN slot_staff os ON os.assignment_id = o.assignment_id \
     WHERE os.slot_id = slot.id AND o.cancelled_at IS NULL AND o.from_at < slot.ends_at AND o.until_at > slot.starts_at";

/// The absence was called off: times ahead can be booked again, unless another of their staff is away too.
pub(crate) async fn give_back(
    tx: &Tx,
    session: &Session,
    absence: &contact_absence::Model,
) -> Result<(), Fault> {
    let now = session.now();
    let ids = slot::Entity::find()
        .select_only()
        .column(slot::Column::Id)
        .filter(slot::Column::WithdrawnFor.eq(absence.id))
        .filter(slot::Column::StartsAt.gt(now))
        .order_by_asc(slot::Column::Id)
        .lock_exclusive()
        .into_tuple::<SlotId>()
        .all(tx)
        .await?;
    let sql = format!(
        "UPDATE slot SET withdrawn_for = (SELECT o.id {ALSO_AWAY} ORDER BY o.from_at, o.id LIMIT 1) \
         WHERE withdrawn_for = $1 AND starts_at > $2 AND EXISTS (SELECT 1 {ALSO_AWAY})"
    );
    let values = [absence.id.0.into(), now.into()];
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, values)).await?;
    for some in ids.chunks(ROWS) {
        slot::Entity::update_many()
            .col_expr(slot::Column::WithdrawnAt, Expr::value(Option::<DateTime<Utc>>::None))
            .col_expr(slot::Column::Withdrawal, Expr::value(Option::<String>::None))
            .col_expr(slot::Column::WithdrawnFor, Expr::value(Option::<uuid::Uuid>::None))
            .filter(slot::Column::Id.is_in(some.iter().copied()))
            .filter(slot::Column::WithdrawnFor.eq(absence.id))
            .exec(tx)
            .await?;
    }
    Ok(())
}
