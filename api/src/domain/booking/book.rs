//! Booking a time (boka tid).

use entity::{
    AppointmentId, PatientId, PlanItemId, SlotId, appointment, appointment_type, care_unit, plan_item, slot,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;

use super::{deadline, open_relation, rules, seat};
use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::{
        act::{self, Done, Event, Receipt, emit, on_unique},
        notice,
        patient::alive,
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
}

/// Books: the seat, the patient's time, the care relation and the reminders come together or not at all.
pub async fn book(session: &Session, key: &str, cmd: &Book) -> Result<Receipt, Fault> {
    act::perform(session, "appointmentBook", key, cmd, async |tx| {
        let now = session.now();
        let actor = &session.actor;
        let whom = policy::patient(tx, actor, Noun::Appointment, Action::Book, cmd.patient, "patientId", now)
            .await?;
        let time = policy::slot(tx, actor, Action::Book, cmd.slot, "slotId").await?;
        let (origin, channel) = rules::way(actor, cmd.channel, cmd.allow_overlap)?;
        alive(&whom).map_err(|died| died.at("patientId"))?;
        if time.starts_at <= now {
            return Err(rules::slot_past().into());
        }
        let plan_item = plan_item_of(tx, session, whom.id, cmd.plan_item).await?;
        let (kind, unit) = offer(tx, &time).await?;
        let seat_no = seat::take(tx, time.id).await?.ok_or_else(rules::slot_taken)?;
        let booked = appointment::Model {
            id: AppointmentId(session.core.clock.uuid()),
            patient_id: whom.id,
            care_unit_id: time.care_unit_id,
            care_provider_id: time.care_provider_id,
            slot_id: time.id,
            seat_no,
            appointment_type_id: kind.id,
            assignment_id: time.assignment_id,
            plan_item_id: plan_item,
            status: appointment::Status::Booked,
            origin,
            booking_channel: channel,
            mode: kind.mode,
            starts_at: time.starts_at,
            ends_at: time.ends_at,
            cancel_by: deadline(time.starts_at, kind.cancel_working_days, &unit)?,
            schedule_version: 1,
            confirmed_at: None,
            cancelled_at: None,
            cancelled_by: None,
            source: "OWN".to_owned(),
            created_at: now,
            row_version: 1,
        };
        let free = seat::occupy(tx, whom.id.0, [(booked.id.0, booked.starts_at, booked.ends_at)]).await?;
        if !free && !cmd.allow_overlap && clash_is_theirs(tx, session, &booked).await? {
            return Err(rules::patient_occupied(actor).into());
        }
        insert(tx, booked.clone()).await?;
        open_relation(tx, session, &booked).await?;
        notice::plan_reminders(tx, session, &whom, &booked, now).await?;
        emit(tx, session, [event("appointment.booked", &booked)]).await?;
        Ok(Done::on(whom.id).with("appointment", booked.id.0))
    })
    .await
}

/// Whether the caller may know that the patient is busy then. Staff learn nothing of times that are out of their
/// reach, at another care provider: there the booking goes through, and the patient sees both.
pub(super) async fn clash_is_theirs(
    tx: &Tx,
    session: &Session,
    booked: &appointment::Model,
) -> Result<bool, Fault> {
    if session.actor.staff().is_none() {
        return Ok(true);
    }
    let known = appointment::Entity::find()
        .filter(appointment::Column::PatientId.eq(booked.patient_id))
        .filter(appointment::Column::Id.ne(booked.id))
        .filter(appointment::Column::Status.eq(appointment::Status::Booked))
        .filter(appointment::Column::StartsAt.lt(booked.ends_at))
        .filter(appointment::Column::EndsAt.gt(booked.starts_at))
        .filter(policy::row_condition::<appointment::Entity>(&session.actor, session.now()));
    Ok(known.one(tx).await?.is_some())
}

/// What the slot is for, and where.
pub(super) async fn offer(
    tx: &Tx,
    time: &slot::Model,
) -> Result<(appointment_type::Model, care_unit::Model), Fault> {
    let gone = || Fault::internal("a slot without its type or unit");
    let kind = appointment_type::Entity::find_by_id(time.appointment_type_id).one(tx).await?;
    let unit = care_unit::Entity::find_by_id(time.care_unit_id).one(tx).await?;
    Ok((kind.ok_or_else(gone)?, unit.ok_or_else(gone)?))
}

/// Something happened to an appointment.
pub(super) fn event(kind: &'static str, booked: &appointment::Model) -> Event {
    Event {
        kind,
        patient: booked.patient_id,
        care_unit: booked.care_unit_id,
        care_provider: booked.care_provider_id,
        subject: booked.id.0,
        for_register: false,
    }
}

/// The plan item that the time is for: of the same patient.
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
    if item.patient_id == whom { Ok(Some(id)) } else { Err(Problem::not_found("planItemId").into()) }
}

async fn insert(tx: &Tx, booked: appointment::Model) -> Result<(), Stop> {
    let row = appointment::ActiveModel {
        id: Set(booked.id),
        patient_id: Set(booked.patient_id),
        care_unit_id: Set(booked.care_unit_id),
        care_provider_id: Set(booked.care_provider_id),
        slot_id: Set(booked.slot_id),
        seat_no: Set(booked.seat_no),
        appointment_type_id: Set(booked.appointment_type_id),
        assignment_id: Set(booked.assignment_id),
        plan_item_id: Set(booked.plan_item_id),
        status: Set(booked.status),
        origin: Set(booked.origin),
        booking_channel: Set(booked.booking_channel),
        mode: Set(booked.mode),
        starts_at: Set(booked.starts_at),
        ends_at: Set(booked.ends_at),
        cancel_by: Set(booked.cancel_by),
        schedule_version: Set(booked.schedule_version),
        confirmed_at: Set(booked.confirmed_at),
        cancelled_at: Set(booked.cancelled_at),
        cancelled_by: Set(booked.cancelled_by),
        source: Set(booked.source),
        created_at: Set(booked.created_at),
        row_version: Set(booked.row_version),
    };
    appointment::Entity::insert(row)
        .exec_without_returning(tx)
        .await
        .map_err(|error| on_unique(error, rules::slot_taken))?;
    Ok(())
}
