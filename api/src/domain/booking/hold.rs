//! Holding a time (hålla en tid) for the minutes in which the patient decides.
//!
//! A hold has a seat and the patient's time like a booking, but not for long. Each person - the patient, a
//! representative, staff on the phone - holds one time for a patient: a new hold gives the former one up. A decision
//! goes before a deliberation: what is newly held or booked for a patient gives up the holds that it overlaps.

use chrono::{DateTime, Utc};
use entity::{PatientId, SlotHoldId, SlotId, patient, seat_claim, slot};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use serde::Serialize;

use super::{
    book::{clash_is_theirs, open_time},
    rules,
    seat::{self, Taken, Wanted},
};
use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::{
        act::{self, Done, Receipt, by},
        patient::{self as people, alive},
        time_wish::offer,
    },
    error::{Fault, Problem, Stop},
    fault,
    session::{Core, Session},
};

/// Slots that are freed of expired holds in one round.
const BATCH: u64 = 100;

/// Which time, for whom.
#[derive(Clone, Debug, Serialize)]
pub struct Hold {
    pub slot: SlotId,
    pub patient: Option<PatientId>,
    /// Staff hold although the patient is occupied then.
    pub allow_overlap: bool,
}

/// Holds a seat. Who holds one of the same slot for the patient already keeps it, and its end.
pub async fn hold(session: &Session, key: &str, cmd: &Hold) -> Result<Receipt, Fault> {
    act::perform(session, "slotHold", key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let whom = policy::patient(tx, actor, Noun::Appointment, Action::Book, cmd.patient, "patientId", now)
            .await?;
        let time = open_time(tx, session, cmd.slot).await?;
        rules::only_staff_override(actor, cmd.allow_overlap)?;
        let whom = people::lock(tx, whom.id).await?;
        alive(&whom).map_err(|died| died.at("patientId"))?;
        let holds = seat::holds(tx, whom.id).await?;
        let id = match mine(&holds, time.id, now) {
            Some(held) => held.id,
            None => new(tx, session, cmd, &whom, &time, &holds).await?,
        };
        Ok(Done::on(whom.id).with("hold", id).with("slot", time.id.0))
    })
    .await
}

/// The hold on this slot that is still good.
fn mine(holds: &[seat_claim::Model], slot: SlotId, now: DateTime<Utc>) -> Option<&seat_claim::Model> {
    holds.iter().find(|held| held.slot_id == slot && held.held_until.is_some_and(|until| now < until))
}

async fn new(
    tx: &Tx,
    session: &Session,
    cmd: &Hold,
    whom: &patient::Model,
    time: &slot::Model,
    holds: &[seat_claim::Model],
) -> Result<uuid::Uuid, Stop> {
    let own = by(session);
    make_way(tx, session, time, holds, |held| held.slot_id == time.id || (held.by_kind, held.by_id) == own)
        .await?;
    let id = session.core.clock.uuid();
    let until = Some(session.now() + session.core.settings.slot_hold);
    match seat::take(tx, session, Wanted { id, patient: whom.id, time, until }).await? {
        Taken::Seat(_) => {}
        Taken::Full => return Err(rules::slot_taken().into()),
        Taken::Theirs(claim) => {
            let offered = offer::open(tx, claim).await?.is_some();
            let refused =
                if offered { rules::kept_for_offer() } else { rules::has_it_already(&session.actor) };
            return Err(refused.into());
        }
    }
    let span = (id, time.starts_at, time.ends_at);
    let free = seat::occupy(tx, whom.id.0, [span]).await?;
    if !free && !cmd.allow_overlap && clash_is_theirs(tx, session, whom.id, span).await? {
        return Err(rules::patient_occupied(&session.actor).into());
    }
    Ok(id)
}

/// Gives up the holds of the patient that are over, or overlap `time`, or are `superseded` otherwise. The slots are
/// locked in order, `time` among them.
pub(crate) async fn make_way(
    tx: &Tx,
    session: &Session,
    time: &slot::Model,
    holds: &[seat_claim::Model],
    superseded: impl Fn(&seat_claim::Model) -> bool,
) -> Result<(), Fault> {
    let now = session.now();
    let going: Vec<_> = holds
        .iter()
        .filter(|held| {
            let over = held.held_until.is_some_and(|until| until <= now);
            over || (held.starts_at < time.ends_at && time.starts_at < held.ends_at) || superseded(held)
        })
        .collect();
    if going.is_empty() {
        return Ok(());
    }
    seat::lock(tx, going.iter().map(|held| held.slot_id).chain([time.id])).await?;
    for held in going {
        seat::give_up(tx, held).await?;
    }
    Ok(())
}

/// Which hold.
#[derive(Clone, Debug, Serialize)]
pub struct Release {
    pub hold: SlotHoldId,
}

/// Gives a held time back before its end. Anybody who may book for the patient can.
pub async fn release(session: &Session, key: &str, cmd: &Release) -> Result<Receipt, Fault> {
    act::perform(session, "slotRelease", key, cmd, async |tx| {
        let held = policy::reach::<seat_claim::Entity>(
            tx,
            &session.actor,
            Action::Book,
            cmd.hold,
            "holdId",
            session.now(),
        )
        .await?;
        if held.held_until.is_none() {
            return Err(Problem::not_found("holdId").into());
        }
        people::lock(tx, held.patient_id).await?;
        seat::lock(tx, [held.slot_id]).await?;
        // Booked meanwhile, it is no hold any more.
        let still = seat_claim::Entity::find_by_id(held.id)
            .filter(seat_claim::Column::HeldUntil.is_not_null())
            .one(tx)
            .await?;
        if still.is_none() || !seat::give_up(tx, &held).await? {
            return Err(Problem::not_found("holdId").into());
        }
        Ok(Done::on(held.patient_id).with("slot", held.slot_id.0))
    })
    .await
}

/// Turns the hold of this slot into a booked time, if it is still there: the seat and the patient's cells stay where
/// they are, under the same id.
pub(super) async fn consume(tx: &Tx, held: &seat_claim::Model) -> Result<bool, Fault> {
    let turned = seat_claim::Entity::update_many()
        .col_expr(seat_claim::Column::HeldUntil, Expr::value(None::<DateTime<Utc>>))
        .filter(seat_claim::Column::Id.eq(held.id))
        .filter(seat_claim::Column::HeldUntil.is_not_null())
        .exec(tx)
        .await?;
    fault::point("seated").await;
    Ok(turned.rows_affected == 1)
}

/// Deletes the holds whose time is over, so that their times are offered again. Gives how many there were.
pub async fn expire(core: &Core) -> Result<usize, Fault> {
    use crate::{auth::actor::Actor, locale::Locale};
    let expired = |now| {
        seat_claim::Entity::find()
            .select_only()
            .column(seat_claim::Column::SlotId)
            .filter(seat_claim::Column::HeldUntil.lte(now))
            .group_by(seat_claim::Column::SlotId)
            .order_by_asc(seat_claim::Column::SlotId)
            .limit(BATCH)
            .into_tuple::<SlotId>()
    };
    let slots = core
        .db
        .read(async |db| -> Result<Vec<SlotId>, Fault> { Ok(expired(core.clock.now()).all(db).await?) });
    let session = Session::new(core.clone(), Actor::System, Locale::default(), "holds".to_owned());
    let mut gone = 0;
    for slot in slots.await? {
        // One at a time: nobody waits for the others.
        gone += core.db.write(async |tx| seat::purge(tx, &session, slot).await).await?;
    }
    Ok(gone)
}
