//! Answering an offer: yes books the time, no gives it to the next in turn. To book the time, or to move another there,
//! is a yes too; and to book another of the times that were wished for fulfils the wish.

use entity::{
    AppointmentId, PatientId, SlotId, TimeOfferId,
    appointment::{BookingChannel, Origin},
    appointment_type::Mode,
    slot, slot_staff, time_offer, time_wish,
};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{ExprTrait, LockType},
};
use serde::Serialize;
use uuid::Uuid;

use super::{end as end_wish, offer, rules};
use crate::{
    auth::policy::{self, Action, Granted},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        booking::{
            book::{self, Order, Seat},
            conditions, hold,
            rules::{has_it_already, way},
            seat,
        },
        patient::{self, alive},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// The answer to an offer.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    pub offer: TimeOfferId,
    /// How the patient reached staff; patients leave it out.
    pub channel: Option<BookingChannel>,
}

/// Yes to an offer.
#[derive(Clone, Debug, Serialize)]
pub struct Accept {
    #[serde(flatten)]
    pub answer: Answer,
    /// The patient has read and accepts the type's conditions.
    pub conditions_accepted: bool,
}

pub(crate) const ACTION: &str = "timeOfferAccept";

/// Yes: the seat that was kept is booked, and the wish is fulfilled, or nothing happens. What the patient holds at that
/// time is given up.
pub async fn accept(session: &Session, key: &str, cmd: &Accept) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let Accept { answer: Answer { offer: id, channel }, conditions_accepted } = *cmd;
        let granted = reach(tx, session, id).await?;
        let (origin, channel) = way(&session.actor, channel, false)?;
        let whom = patient::lock(tx, granted.patient_id).await?;
        alive(&whom)?;
        let time = slot::Entity::find_by_id(granted.slot_id)
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("an offer without its time"))?;
        let holds = seat::holds(tx, whom.id).await?;
        seat::lock(tx, holds.iter().map(|held| held.slot_id).chain([time.id])).await?;
        let Some(wish) = yes(tx, session, &granted).await? else {
            return Err(too_late(tx, session, id).await?);
        };
        hold::make_way(tx, session, &time, &holds, |_| false).await?;
        let (kind, unit) = book::offer(tx, &time).await?;
        if kind.retired_at.is_some() {
            return Err(rules::offer_over(false).into());
        }
        conditions::accepted(&kind, conditions_accepted)?;
        let order = Order {
            whom: &whom,
            time: &time,
            origin,
            channel,
            plan_item: None,
            allow_overlap: false,
            conditions_accepted,
        };
        // The claim of the offer is the booked time's from now on, under the same id.
        let kept = Seat { id: granted.id.0, number: granted.seat_no };
        let booked = book::place(tx, session, order, kept, (&kind, &unit)).await;
        let booked = booked.map_err(|stop| of_the_offer(session, stop))?;
        fulfil(tx, session, &wish, booked.id, ACTION).await?;
        Ok(Done::on(whom.id).with("appointment", booked.id.0).with("wish", wish.id.0))
    })
    .await
}

/// Why the offered time cannot be booked, in the words of whoever answers an offer and has chosen no time.
fn of_the_offer(session: &Session, stop: Stop) -> Stop {
    let told = |problem: Problem| match problem.code {
        ProblemCode::AlreadyOccupied => rules::occupied(&session.actor),
        _ => problem.at("offerId"),
    };
    match stop {
        Stop::Refused(problems) => Stop::Refused(problems.into_iter().map(told).collect()),
        fault @ Stop::Fault(_) => fault,
    }
}

/// Ends the offer with a yes, and gives its wish; none when it is too late for that. Patient and slot are locked.
async fn yes(
    tx: &Tx,
    session: &Session,
    offered: &time_offer::Model,
) -> Result<Option<time_wish::Model>, Fault> {
    if !offer::end(tx, session, offered, time_offer::Status::Accepted, ACTION).await? {
        return Ok(None);
    }
    let wish = time_wish::Entity::find_by_id(offered.wish_id).one(tx).await?;
    wish.map(Some).ok_or_else(|| Fault::internal("an offer without its wish"))
}

/// Whoever takes a time of which the patient has a seat already, by `claim`: that is a yes where the seat is kept for an
/// offer, and nothing to be had where it is booked. Patient and slot are locked.
pub(crate) async fn yes_by_taking(
    tx: &Tx,
    session: &Session,
    claim: Uuid,
) -> Result<(time_offer::Model, time_wish::Model), Stop> {
    let Some(offered) = offer::open(tx, claim).await? else {
        return Err(has_it_already(&session.actor).into());
    };
    let wish = yes(tx, session, &offered).await?;
    let late = || Problem { field: Some("slotId".to_owned()), ..rules::offer_over(true) };
    Ok((offered, wish.ok_or_else(late)?))
}

/// The wish has led to a booked time.
pub(crate) async fn fulfil(
    tx: &Tx,
    session: &Session,
    wish: &time_wish::Model,
    booked: AppointmentId,
    action: &'static str,
) -> Result<(), Stop> {
    let to = time_wish::Status::Booked;
    let ended = end_wish(tx, session, wish, to, Some(booked), wish.row_version, action).await?;
    if ended { Ok(()) } else { Err(rules::over().into()) }
}

/// A wish that is fulfilled when its patient books a time without waiting for an offer.
#[derive(Debug)]
pub(crate) struct Met {
    wish: time_wish::Model,
    /// The slot of which a seat is kept for it, by an offer.
    pub kept: Option<SlotId>,
}

/// The wish that this time fulfils. A wish for other days than this one's stays: whoever has a time may wait for an
/// earlier one. The patient is locked, and so is the wish from now on: nobody offers it a time, or changes it, meanwhile.
pub(crate) async fn met_by(
    tx: &Tx,
    patient: PatientId,
    time: &slot::Model,
    mode: Mode,
) -> Result<Option<Met>, Fault> {
    let whom = time_wish::Column::AssignmentId;
    let staff = slot_staff::Entity::find()
        .select_only()
        .column(slot_staff::Column::AssignmentId)
        .filter(slot_staff::Column::SlotId.eq(time.id))
        .into_query();
    let open = time_wish::Entity::find()
        .filter(time_wish::Column::PatientId.eq(patient))
        .filter(time_wish::Column::AppointmentTypeId.eq(time.appointment_type_id))
        .filter(time_wish::Column::Status.eq(time_wish::Status::Open))
        .filter(whom.is_null().or(whom.in_subquery(staff)))
        .lock(LockType::NoKeyUpdate);
    let Some(wish) = open.one(tx).await? else { return Ok(None) };
    let time = rules::Time { starts_at: time.starts_at, mode };
    if !rules::Wanted::of(&wish)?.covers(&time) {
        return Ok(None);
    }
    let kept = offer::open_of(tx, wish.id).await?.map(|offered| offered.slot_id);
    Ok(Some(Met { wish, kept }))
}

impl Met {
    /// The time is booked: the wish is fulfilled, and what was offered for it goes to the next in turn.
    pub(crate) async fn settle(
        self,
        tx: &Tx,
        session: &Session,
        booked: AppointmentId,
        action: &'static str,
    ) -> Result<(), Stop> {
        fulfil(tx, session, &self.wish, booked, action).await?;
        Ok(offer::withdraw_of(tx, session, self.wish.id).await?)
    }
}

/// No: the patient keeps the place in the queue, and the seat goes to the next.
pub async fn decline(session: &Session, key: &str, cmd: &Answer) -> Result<Receipt, Fault> {
    const ACTION: &str = "timeOfferDecline";
    act::perform(session, ACTION, key, cmd, async |tx| {
        let granted = reach(tx, session, cmd.offer).await?;
        let _: (Origin, BookingChannel) = way(&session.actor, cmd.channel, false)?;
        patient::lock(tx, granted.patient_id).await?;
        seat::lock(tx, [granted.slot_id]).await?;
        if !offer::end(tx, session, &granted, time_offer::Status::Declined, ACTION).await? {
            return Err(too_late(tx, session, cmd.offer).await?);
        }
        offer::release(tx, &granted).await?;
        offer::offer_open(tx, session, granted.slot_id).await?;
        Ok(Done::on(granted.patient_id).with("wish", granted.wish_id.0))
    })
    .await
}

async fn reach(tx: &Tx, session: &Session, id: TimeOfferId) -> Result<Granted<time_offer::Model>, Stop> {
    policy::reach::<time_offer::Entity>(tx, &session.actor, Action::Answer, id, "offerId", session.now())
        .await
}

/// Why an offer cannot be answered: its time is over, or it was answered or taken back.
async fn too_late(tx: &Tx, session: &Session, id: TimeOfferId) -> Result<Stop, Fault> {
    use time_offer::Status as S;
    let now = time_offer::Entity::find_by_id(id).one(tx).await?;
    let late = now.is_some_and(|offer| match offer.status {
        S::Unanswered => true,
        S::Open => offer.answer_by <= session.now(),
        S::Accepted | S::Declined | S::Withdrawn => false,
    });
    Ok(rules::offer_over(late).into())
}
