//! Moving a time (omboka): the old time is given back only when the new one is got.
//!
//! To another time of the same kind at the same unit. Another kind, or another unit, is another visit with another
//! cancellation rule and preparation: that is booked anew, and the old one cancelled.

use entity::{
    AppointmentId, SlotId,
    appointment::{self, BookingChannel},
    appointment_type::{self, Mode},
    care_unit, patient, slot, time_wish,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde::Serialize;

use super::{
    RELATION_AFTER,
    away::settled,
    book::{clash_is_theirs, open_time},
    cancel::with_place,
    conditions, deadline, deadline_unasked, end_relation, hold, rules,
    seat::{self, Taken, Wanted},
    told::{Told, tell},
};
use crate::{
    auth::policy::Action,
    db::Tx,
    domain::{
        act::{self, Done, Receipt, on_unique},
        notice::{
            self, Since,
            known::{known_before, leads_back},
            unasked::{Unasked, make_known},
        },
        patient::{self as people, alive},
        time_wish::{
            answer, left,
            offer::{self, offer_to_others},
        },
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which appointment, to which slot.
#[derive(Clone, Debug, Serialize)]
pub struct Rebook {
    pub appointment: AppointmentId,
    pub slot: SlotId,
    /// How the patient reached staff; patients leave it out, and staff whom no patient has asked.
    pub channel: Option<BookingChannel>,
    /// Staff move although the patient is occupied then.
    pub allow_overlap: bool,
    /// The patient has read and accepts the type's conditions, which are others than those accepted before.
    pub conditions_accepted: bool,
    pub expected_row_version: i32,
}

/// Moves the appointment to another time of the same type at the same unit, and replaces its reminders.
pub async fn rebook(session: &Session, key: &str, cmd: &Rebook) -> Result<Receipt, Fault> {
    act::perform(session, "appointmentRebook", key, cmd, async |tx| {
        let actor = &session.actor;
        let channel = rules::channel(actor, cmd.channel)?;
        let (old, kind, unit) =
            with_place(tx, session, Action::Book, cmd.appointment, rules::may_rebook).await?;
        let old = old.into_row();
        let time = open_time(tx, session, cmd.slot).await?;
        rules::only_staff_override(actor, cmd.allow_overlap)?;
        // The patient, then the appointment, before the slots: see the order of locks.
        let whom = people::lock(tx, old.patient_id).await?;
        alive(&whom)?;
        let locked = appointment::Entity::find_by_id(old.id).lock_exclusive().one(tx).await?;
        if locked.is_none_or(|row| row.row_version != cmd.expected_row_version) {
            return Err(Problem::stale().into());
        }
        if time.id == old.slot_id
            || (time.care_unit_id, time.appointment_type_id) != (old.care_unit_id, old.appointment_type_id)
        {
            return Err(Problem::input(
                "slotId",
                "Välj en annan tid av samma slag på samma mottagning.",
                "Choose another time of the same kind at the same unit.",
            )
            .into());
        }
        match channel {
            Some(_) => conditions::accepted_anew(&old, &kind, cmd.conditions_accepted)?,
            None => conditions::nobody_was_asked(cmd.conditions_accepted)?,
        }
        let told = Told { act: "appointmentRebook", event: "appointment.rebooked", channel };
        let said = Said { allow_overlap: cmd.allow_overlap, conditions_accepted: cmd.conditions_accepted };
        let moved = relocate(tx, session, &whom, &old, (&time, &kind, &unit), told, said).await?;
        let what = Unasked::Moved(&moved);
        let asked = channel.is_some();
        if asked || !make_known(tx, session, &whom, what).await? {
            settled(tx, session, old.id).await?;
        }
        offer_to_others(tx, session, old.slot_id, Some(whom.id)).await?;
        Ok(Done::on(old.patient_id).with("appointment", old.id.0))
    })
    .await
}

/// What was said with the wish to move a time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    /// Although the patient is occupied then.
    pub allow_overlap: bool,
    pub conditions_accepted: bool,
}

/// Moves a time of `whom`, who is locked like the time itself, and replaces its reminders.
pub(super) async fn relocate(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    old: &appointment::Model,
    (time, kind, unit): (&slot::Model, &appointment_type::Model, &care_unit::Model),
    told: Told,
    said: Said,
) -> Result<appointment::Model, Stop> {
    let (seat_no, wish) = swap_seats(tx, session, old, time, told.channel.map(|_| kind.mode)).await?;
    let mut moved = old.clone();
    let asked = told.channel.is_some() || session.actor.staff().is_none();
    let unheard = known_before(tx, session, old, asked).await?;
    notice::withdraw(tx, session, old, "REBOOKED").await?;
    let back = leads_back(tx, session, old, unheard, time.starts_at).await?;
    let known = unheard.unwrap_or(old.starts_at);
    moved.known_starts_at = (!asked && !back).then_some(known);
    moved.slot_id = time.id;
    moved.seat_no = seat_no;
    moved.assignment_id = time.assignment_id;
    moved.mode = kind.mode;
    moved.starts_at = time.starts_at;
    moved.ends_at = time.ends_at;
    moved.cancel_by = deadline(time.starts_at, kind.cancel_working_days, unit)?;
    if !asked {
        moved.cancel_by = deadline_unasked(moved.cancel_by, time.starts_at, session.now());
    }
    moved.schedule_version += 1;
    moved.confirmed_at = None;
    moved.confirmed_by = None;
    moved.row_version += 1;
    if said.conditions_accepted {
        conditions::keep(&mut moved, kind, session.actor.kind(), session.now());
    }
    store(tx, old, &moved).await?;
    if asked {
        left::remember(tx, session, old).await?;
    }
    match wish {
        Wish::Offered(wish) => answer::fulfil(tx, session, &wish, moved.id, answer::ACTION).await?,
        Wish::Met(met) => met.settle(tx, session, moved.id, told.act).await?,
        Wish::None => {}
    }
    seat::vacate_booked(tx, old.patient_id, (old.id.0, old.starts_at, old.ends_at)).await?;
    let span = (old.id.0, moved.starts_at, moved.ends_at);
    let free = seat::occupy(tx, old.patient_id.0, [span]).await?;
    if !free && !said.allow_overlap && clash_is_theirs(tx, session, old.patient_id, span).await? {
        return Err(rules::patient_occupied(&session.actor).into());
    }
    end_relation(tx, &moved, moved.ends_at + RELATION_AFTER).await?;
    let since = Since { at: session.now(), moved_from: Some(known), known: back };
    notice::plan_reminders(tx, session, whom, &moved, since).await?;
    tell(tx, session, told, Some(old), &moved).await?;
    Ok(moved)
}

/// The wish that a move fulfils.
enum Wish {
    None,
    /// By saying yes to its offer.
    Offered(time_wish::Model),
    /// By another of the times that were wished for.
    Met(answer::Met),
}

/// Gives the old seat back and takes one of the new slot: the one that the patient holds, if they do, or the one that is
/// offered to them. What the patient asked for, in this way, fulfils a wish; what others do to them does not.
async fn swap_seats(
    tx: &Tx,
    session: &Session,
    old: &appointment::Model,
    time: &slot::Model,
    asked: Option<Mode>,
) -> Result<(i32, Wish), Stop> {
    let holds = seat::holds(tx, old.patient_id).await?;
    let met = match asked {
        Some(mode) => answer::met_by(tx, old.patient_id, time, mode).await?,
        None => None,
    };
    let kept = met.as_ref().and_then(|met| met.kept);
    seat::lock(tx, holds.iter().map(|held| held.slot_id).chain([old.slot_id, time.id]).chain(kept)).await?;
    seat::release(tx, old.slot_id, old.id.0).await?;
    // A held seat of the new slot is free for this moment: nobody else gets at the slot meanwhile.
    hold::make_way(tx, session, time, &holds, |held| held.slot_id == time.id).await?;
    let wanted = Wanted { id: old.id.0, patient: old.patient_id, time, until: None };
    let (taken, wish) = match seat::take(tx, session, wanted).await? {
        Taken::Theirs(claim) => {
            let (offered, wish) = answer::yes_by_taking(tx, session, claim).await?;
            offer::release(tx, &offered).await?;
            (seat::take(tx, session, wanted).await?, Wish::Offered(wish))
        }
        taken => (taken, met.map_or(Wish::None, Wish::Met)),
    };
    match taken {
        Taken::Seat(number) => Ok((number, wish)),
        Taken::Theirs(_) | Taken::Full => Err(rules::slot_taken().into()),
    }
}

async fn store(tx: &Tx, old: &appointment::Model, moved: &appointment::Model) -> Result<(), Stop> {
    use appointment::Column as C;
    let stored = appointment::Entity::update_many()
        .set(appointment::ActiveModel {
            slot_id: Set(moved.slot_id),
            seat_no: Set(moved.seat_no),
            assignment_id: Set(moved.assignment_id),
            mode: Set(moved.mode),
            starts_at: Set(moved.starts_at),
            ends_at: Set(moved.ends_at),
            cancel_by: Set(moved.cancel_by),
            schedule_version: Set(moved.schedule_version),
            confirmed_at: Set(moved.confirmed_at),
            confirmed_by: Set(moved.confirmed_by),
            known_starts_at: Set(moved.known_starts_at),
            conditions: Set(moved.conditions.clone()),
            conditions_version: Set(moved.conditions_version),
            conditions_accepted_at: Set(moved.conditions_accepted_at),
            conditions_accepted_by: Set(moved.conditions_accepted_by),
            row_version: Set(moved.row_version),
            ..Default::default()
        })
        .filter(C::Id.eq(old.id))
        .filter(C::RowVersion.eq(old.row_version))
        .filter(C::Status.eq(appointment::Status::Booked))
        .exec(tx)
        .await
        .map_err(|error| on_unique(error, rules::slot_taken))?
        .rows_affected;
    if stored == 1 { Ok(()) } else { Err(Problem::stale().into()) }
}
