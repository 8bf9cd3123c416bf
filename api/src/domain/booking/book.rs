//! Booking a time (boka tid).

use chrono::{DateTime, Utc};
use entity::{
    AppointmentId, PatientId, PlanItemId, SlotId, appointment, appointment_type, care_unit, patient,
    plan_item, slot,
};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde::Serialize;
use uuid::Uuid;

use super::{
    conditions, deadline, hold, open_relation, outcome, rules,
    seat::{self, Taken, Wanted},
    told::{Told, tell},
};
use crate::{
    auth::policy::{self, Action, Granted, Noun},
    db::Tx,
    domain::{
        act::{self, Done, Receipt, on_unique},
        notice,
        patient::{self as people, alive},
        time_wish::answer,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// A time for a patient: for the caller, or for the patient that staff name.
#[derive(Clone, Debug, Serialize)]
pub struct Book {
    pub slot: SlotId,
    pub patient: Option<PatientId>,
    pub plan_item: Option<PlanItemId>,
    /// How the patient reached staff; patients leave it out.
    pub channel: Option<appointment::BookingChannel>,
    /// Staff book although the patient is occupied then.
    pub allow_overlap: bool,
    /// The patient has read and accepts the type's conditions.
    pub conditions_accepted: bool,
}

/// Books: the seat, the patient's time, the care relation and the reminders come together or not at all.
pub async fn book(session: &Session, key: &str, cmd: &Book) -> Result<Receipt, Fault> {
    act::perform(session, "appointmentBook", key, cmd, async |tx| {
        let now = session.now();
        let actor = &session.actor;
        let whom = policy::patient(tx, actor, Noun::Appointment, Action::Book, cmd.patient, "patientId", now)
            .await?;
        let time = open_time(tx, session, cmd.slot).await?;
        let (origin, channel) = rules::way(actor, cmd.channel, cmd.allow_overlap)?;
        let plan_item = plan_item_of(tx, session, whom.id, cmd.plan_item).await?;
        let whom = people::lock(tx, whom.id).await?;
        alive(&whom).map_err(|died| died.at("patientId"))?;
        let order = Order {
            whom: &whom,
            time: &time,
            origin,
            channel,
            plan_item,
            allow_overlap: cmd.allow_overlap,
            conditions_accepted: cmd.conditions_accepted,
        };
        let booked = write(tx, session, order).await?;
        Ok(Done::on(whom.id).with("appointment", booked.id.0))
    })
    .await
}

/// A time that is to be booked, when who may do so has been settled.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// Behind [`people::lock`].
    pub whom: &'a patient::Model,
    pub time: &'a slot::Model,
    pub origin: appointment::Origin,
    pub channel: appointment::BookingChannel,
    pub plan_item: Option<PlanItemId>,
    /// Although the patient is occupied then.
    pub allow_overlap: bool,
    pub conditions_accepted: bool,
}

/// Books: what the patient holds of the slot is used; what they hold beside it at that time is given up. To book the time
/// that is offered to them is to accept the offer, and to book another that they wished for fulfils the wish.
pub async fn write(tx: &Tx, session: &Session, order: Order<'_>) -> Result<appointment::Model, Stop> {
    let Order { whom, time, .. } = order;
    let (kind, unit) = offer(tx, time).await?;
    conditions::accepted(&kind, order.conditions_accepted)?;
    let holds = seat::holds(tx, whom.id).await?;
    let met = answer::met_by(tx, whom.id, time, kind.mode).await?;
    let kept = met.as_ref().and_then(|met| met.kept);
    // A hold becomes a booking behind its slot, as every claim changes: whoever takes the slot back has it first.
    if kept.is_some() || holds.iter().any(|held| held.slot_id == time.id) {
        seat::lock(tx, holds.iter().map(|held| held.slot_id).chain([time.id]).chain(kept)).await?;
    }
    let (here, beside): (Vec<_>, Vec<_>) = holds.into_iter().partition(|held| held.slot_id == time.id);
    hold::make_way(tx, session, time, &beside, |_| false).await?;
    let seat = match here.first() {
        Some(hold) if hold::consume(tx, hold).await? => {
            // Whoever held it may have been allowed to overlap: whether the patient is free is asked of who books.
            seat::vacate(tx, hold.id).await?;
            Seat { id: hold.id, number: hold.seat_no }
        }
        _ => {
            let id = session.core.clock.uuid();
            match seat::take(tx, session, Wanted { id, patient: whom.id, time, until: None }).await? {
                Taken::Seat(number) => Seat { id, number },
                Taken::Full => return Err(rules::slot_taken().into()),
                Taken::Theirs(claim) => {
                    let (offer, wish) = answer::yes_by_taking(tx, session, claim).await?;
                    let kept = Seat { id: offer.id.0, number: offer.seat_no };
                    let booked = place(tx, session, order, kept, (&kind, &unit)).await?;
                    answer::fulfil(tx, session, &wish, booked.id, answer::ACTION).await?;
                    return Ok(booked);
                }
            }
        }
    };
    let booked = place(tx, session, order, seat, (&kind, &unit)).await?;
    if let Some(met) = met {
        met.settle(tx, session, booked.id, "appointmentBook").await?;
    }
    Ok(booked)
}

/// A seat that has been claimed.
#[derive(Clone, Copy, Debug)]
pub struct Seat {
    /// The claim's, and so the appointment's.
    pub id: Uuid,
    pub number: i32,
}

/// Books a seat that has been claimed: the patient's time, the care relation and the reminders come with it.
pub(crate) async fn place(
    tx: &Tx,
    session: &Session,
    order: Order<'_>,
    seat: Seat,
    (kind, unit): (&appointment_type::Model, &care_unit::Model),
) -> Result<appointment::Model, Stop> {
    let Order { whom, time, .. } = order;
    let (id, now) = (seat.id, session.now());
    let mut booked = appointment::Model {
        id: AppointmentId(id),
        patient_id: whom.id,
        care_unit_id: time.care_unit_id,
        care_provider_id: time.care_provider_id,
        slot_id: time.id,
        seat_no: seat.number,
        appointment_type_id: kind.id,
        assignment_id: time.assignment_id,
        plan_item_id: order.plan_item,
        status: appointment::Status::Booked,
        origin: order.origin,
        booking_channel: order.channel,
        mode: kind.mode,
        starts_at: time.starts_at,
        ends_at: time.ends_at,
        cancel_by: deadline(time.starts_at, kind.cancel_working_days, unit)?,
        schedule_version: 1,
        known_starts_at: None,
        confirmed_at: None,
        cancelled_at: None,
        cancelled_by: None,
        booked_by: session.actor.kind(),
        confirmed_by: None,
        outcome_at: None,
        item_closed_at: None,
        conditions: None,
        conditions_version: None,
        conditions_accepted_at: None,
        conditions_accepted_by: None,
        source: "OWN".to_owned(),
        created_at: now,
        row_version: 1,
    };
    conditions::keep(&mut booked, kind, session.actor.kind(), now);
    let span = (id, booked.starts_at, booked.ends_at);
    if !seat::occupy(tx, whom.id.0, [span]).await?
        && !order.allow_overlap
        && clash_is_theirs(tx, session, whom.id, span).await?
    {
        return Err(rules::patient_occupied(&session.actor).into());
    }
    insert(tx, booked.clone()).await?;
    open_relation(tx, session, &booked).await?;
    let since = notice::Since { at: now, moved_from: None, known: false };
    notice::plan_reminders(tx, session, whom, &booked, since).await?;
    let told = Told { act: "appointmentBook", event: "appointment.booked", channel: Some(order.channel) };
    tell(tx, session, told, None, &booked).await?;
    outcome::found_again(tx, session, &booked).await?;
    Ok(booked)
}

/// A published time that the caller may book, and that lies ahead. Whoever has seen it hears that it is gone.
pub(super) async fn open_time(
    tx: &Tx,
    session: &Session,
    slot: SlotId,
) -> Result<Granted<slot::Model>, Stop> {
    let (actor, now) = (&session.actor, session.now());
    let found = policy::slot(tx, actor, Action::Book, slot, "slotId", now).await;
    if matches!(found, Err(Stop::Refused(_)))
        && policy::knows_slot(tx, actor, Action::Book, slot, now).await?
    {
        return Err(rules::slot_gone(actor).into());
    }
    let time = found?;
    if time.starts_at <= now {
        return Err(rules::slot_past().into());
    }
    Ok(time)
}

/// Whether the caller may know that the patient is busy then. Staff learn nothing of times that are out of their
/// reach, at another care provider: there the booking goes through, and the patient sees both.
pub(super) async fn clash_is_theirs(
    tx: &Tx,
    session: &Session,
    whom: PatientId,
    (own, starts_at, ends_at): (Uuid, DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, Fault> {
    if session.actor.staff().is_none() {
        return Ok(true);
    }
    let known = appointment::Entity::find()
        .filter(appointment::Column::PatientId.eq(whom))
        .filter(appointment::Column::Id.ne(own))
        .filter(appointment::Column::Status.eq(appointment::Status::Booked))
        .filter(appointment::Column::StartsAt.lt(ends_at))
        .filter(appointment::Column::EndsAt.gt(starts_at))
        .filter(policy::row_condition::<appointment::Entity>(&session.actor, session.now()));
    Ok(known.one(tx).await?.is_some())
}

/// What the slot is for, and where.
pub(crate) async fn offer(
    tx: &Tx,
    time: &slot::Model,
) -> Result<(appointment_type::Model, care_unit::Model), Fault> {
    let gone = || Fault::internal("a slot without its type or unit");
    let kind = appointment_type::Entity::find_by_id(time.appointment_type_id).one(tx).await?;
    let unit = care_unit::Entity::find_by_id(time.care_unit_id).one(tx).await?;
    Ok((kind.ok_or_else(gone)?, unit.ok_or_else(gone)?))
}

/// The plan item that the time is for: of the same patient, and open.
async fn plan_item_of(
    tx: &Tx,
    session: &Session,
    whom: PatientId,
    named: Option<PlanItemId>,
) -> Result<Option<PlanItemId>, Stop> {
    let Some(id) = named else { return Ok(None) };
    let item =
        policy::reach::<plan_item::Entity>(tx, &session.actor, Action::Read, id, "planItemId", session.now())
            .await?;
    if item.patient_id != whom {
        return Err(Problem::not_found("planItemId").into());
    }
    rules::item_open(item.status)?;
    Ok(Some(id))
}

async fn insert(tx: &Tx, booked: appointment::Model) -> Result<(), Stop> {
    appointment::Entity::insert(booked.into_active_model().reset_all())
        .exec_without_returning(tx)
        .await
        .map_err(|error| on_unique(error, rules::slot_taken))?;
    Ok(())
}
