//! Moving the times of somebody who is away (massombokning): all that can be moved, some at a time, or those chosen.

use std::collections::{HashMap, HashSet};

use entity::{AppointmentId, ContactAbsenceId, SlotId, appointment, contact_absence, slot};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;

use super::{
    away::{self, ALL, Away, MOST, settled},
    book::offer,
    rebook::{Said, relocate},
    rules,
    told::Told,
};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::sha256,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        notice::unasked::{Unasked, make_known},
        patient::{self, alive},
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Which absence, and which of its times: when none are named, the soonest that can be moved.
#[derive(Clone, Debug, Serialize)]
pub struct AwayRebook {
    pub absence: ContactAbsenceId,
    pub appointments: Option<Vec<AppointmentId>>,
}

/// What became of it.
#[derive(Clone, Debug, Default)]
pub struct Rebooked {
    pub receipt: Receipt,
    pub moved: Vec<AppointmentId>,
    /// Nothing free fits, or somebody else was first: the call stands.
    pub left: Vec<AppointmentId>,
    /// Times that one act did not come to, though something free fits.
    pub remaining: usize,
}

const ACTION: &str = "absenceRebook";

/// One time to one slot, as it is repeated.
#[derive(Serialize)]
struct Step {
    absence: ContactAbsenceId,
    appointment: AppointmentId,
    slot: SlotId,
}

/// Moves them, each in a transaction of its own. A repeated request goes on where the first one stopped.
pub async fn rebook(session: &Session, key: &str, cmd: &AwayRebook) -> Result<Rebooked, Fault> {
    let receipt = act::perform(session, ACTION, key, cmd, async |tx| {
        let absence = reach(tx, session, cmd.absence).await?;
        if cmd.appointments.as_ref().is_some_and(|ids| ids.is_empty() || ids.len() as u64 > MOST) {
            return Err(Problem::input(
                "appointmentIds",
                format!("Ange 1–{MOST} tider, eller ingen alls för alla."),
                format!("Give 1 to {MOST} times, or none at all for all of them."),
            )
            .into());
        }
        let away = Away::of(&absence).ok_or_else(|| Problem::not_found("absenceId"))?;
        let planned = away::plan(tx, session, &away, ALL).await?;
        let named = match &cmd.appointments {
            Some(named) => named.clone(),
            None => {
                planned.iter().filter(|(_, fit)| !fit.is_empty()).map(id_of).take(MOST as usize).collect()
            }
        };
        let touched: HashSet<AppointmentId> = planned.iter().map(id_of).collect();
        if named.iter().any(|id| !touched.contains(id)) {
            return Err(Problem::not_found("appointmentIds").into());
        }
        let done = Done::impersonal().with("absence", absence.id.0);
        Ok(named.iter().enumerate().fold(done, |done, (n, id)| done.with(&format!("time{n:03}"), id.0)))
    })
    .await?;
    let named: Vec<AppointmentId> = (0..).map_while(|n| receipt.id(&format!("time{n:03}"))).collect();
    let mut rebooked = Rebooked { receipt, ..Rebooked::default() };
    if !rebooked.receipt.problems.is_empty() {
        return Ok(rebooked);
    }
    let db = &session.core.db;
    let (away, planned) = db
        .snapshot(async |tx| -> Result<_, Fault> {
            let absence = contact_absence::Entity::find_by_id(cmd.absence).one(tx).await?;
            let away = absence.as_ref().and_then(Away::of);
            let away = away.ok_or_else(|| Fault::internal("an absence vanished"))?;
            let planned = away::plan(tx, session, &away, ALL).await?;
            Ok((away, planned))
        })
        .await?;
    let in_order: Vec<AppointmentId> = planned.iter().map(id_of).collect();
    let mut planned: HashMap<AppointmentId, Vec<SlotId>> =
        planned.into_iter().map(|(of, fit)| (of.booked.id, fit)).collect();
    let mut others = Vec::new();
    for id in named {
        let mut moved = false;
        for slot in planned.remove(&id).unwrap_or_default() {
            let step = Step { absence: cmd.absence, appointment: id, slot };
            let receipt = act::perform(session, ACTION, &step_key(key, &step), &step, async |tx| {
                move_one(tx, session, &step).await
            })
            .await?;
            moved = receipt.problems.is_empty();
            if moved {
                break;
            }
        }
        if moved { rebooked.moved.push(id) } else { others.push(id) }
    }
    // What this act has not moved, it may have before it was repeated, or somebody else has. What was cancelled is
    // neither moved nor left.
    let ahead = db.snapshot(async |tx| still_booked(tx, session, &away, &others).await).await?;
    for id in others {
        match ahead.get(&id) {
            Some(true) => rebooked.left.push(id),
            Some(false) => rebooked.moved.push(id),
            None => {}
        }
    }
    if cmd.appointments.is_none() {
        rebooked.remaining = planned.values().filter(|fit| !fit.is_empty()).count();
        rebooked.left.extend(in_order.into_iter().filter(|id| planned.get(id).is_some_and(Vec::is_empty)));
    }
    Ok(rebooked)
}

/// Those of the times that are booked and ahead, and whether the absence still touches them.
async fn still_booked(
    db: &impl ConnectionTrait,
    session: &Session,
    away: &Away,
    times: &[AppointmentId],
) -> Result<HashMap<AppointmentId, bool>, Fault> {
    use appointment::Column as C;
    if times.is_empty() {
        return Ok(HashMap::new());
    }
    let of = || {
        let these = appointment::Entity::find().filter(C::Id.is_in(times.iter().copied()));
        these.select_only().column(C::Id)
    };
    let booked = of().filter(C::Status.eq(appointment::Status::Booked)).filter(C::StartsAt.gt(session.now()));
    let booked = booked.into_tuple::<AppointmentId>().all(db).await?;
    let touched = of().filter(away.touches(session.now())).into_tuple::<AppointmentId>().all(db).await?;
    Ok(booked.into_iter().map(|id| (id, touched.contains(&id))).collect())
}

const fn id_of((of, _): &(away::Touched, Vec<SlotId>)) -> AppointmentId {
    of.booked.id
}

fn step_key(key: &str, step: &Step) -> String {
    let (time, slot) = (step.appointment.0.as_bytes(), step.slot.0.as_bytes());
    sha256(&[key.as_bytes(), time, slot]).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The absence of a person at the caller's own unit that has not been called off.
async fn reach(tx: &Tx, session: &Session, id: ContactAbsenceId) -> Result<contact_absence::Model, Stop> {
    let staff = policy::as_staff(&session.actor, Noun::ContactAbsence, Action::Register)?;
    let row = contact_absence::Entity::find_by_id(id)
        .filter(contact_absence::Column::CareUnitId.eq(staff.care_unit))
        .filter(contact_absence::Column::AssignmentId.is_not_null())
        .one(tx)
        .await?
        .ok_or_else(|| Problem::not_found("absenceId"))?;
    if row.cancelled_at.is_some() || row.until_at <= session.now() {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Frånvaron är redan över.",
            "The absence is over already.",
        )
        .into());
    }
    Ok(row)
}

async fn move_one(tx: &Tx, session: &Session, step: &Step) -> Result<Done, Stop> {
    let absence = reach(tx, session, step.absence).await?;
    let gone = || Problem::not_found("appointmentIds");
    let found = appointment::Entity::find_by_id(step.appointment)
        .filter(appointment::Column::CareUnitId.eq(absence.care_unit_id))
        .one(tx)
        .await?
        .ok_or_else(gone)?;
    // The patient, then the appointment, before the slots: see the order of locks.
    let whom = patient::lock(tx, found.patient_id).await?;
    alive(&whom)?;
    let away = Away::of(&absence).ok_or_else(gone)?;
    let old = appointment::Entity::find_by_id(found.id)
        .filter(away.touches(session.now()))
        .lock_exclusive()
        .one(tx)
        .await?
        .ok_or_else(gone)?;
    let time = slot::Entity::find_by_id(step.slot)
        .filter(slot::Column::CareUnitId.eq(old.care_unit_id))
        .filter(slot::Column::AppointmentTypeId.eq(old.appointment_type_id))
        .one(tx)
        .await?
        .ok_or_else(rules::slot_taken)?;
    if time.starts_at <= session.now() {
        return Err(rules::slot_past().into());
    }
    let (kind, unit) = offer(tx, &time).await?;
    let told = Told { act: ACTION, event: "appointment.rebooked", channel: None };
    let moved = relocate(tx, session, &whom, &old, (&time, &kind, &unit), told, Said::default()).await?;
    // Where nobody else tells the patient of the new time, the call stands.
    if !make_known(tx, session, &whom, Unasked::Moved(&moved)).await? {
        settled(tx, session, moved.id).await?;
    }
    Ok(Done::on(moved.patient_id).with("appointment", moved.id.0))
}
