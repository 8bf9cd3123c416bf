//! Bringing the slots of a schedule in line with its pattern.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use entity::{
    AssignmentId, ScheduleId, SlotId, appointment, occupancy, slot,
    slot::{Column as C, Withdrawal},
    slot_staff,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    Plan,
    fallen::{self, Fallen},
};
use crate::{
    calendar::to_instant,
    db::Tx,
    domain::{
        booking::{
            away_slots,
            publish::{Shape, insert},
            rules::{NewTime, cells, wall_clock},
            seat,
        },
        time_wish::offer,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// Ids in one statement.
pub(super) const ROWS: usize = 1_000;
/// Clashes that are told by name.
const TOLD: usize = 20;

/// What is to be done to the slots.
#[derive(Debug, Default)]
pub struct Draft {
    pub publish: Vec<NewTime>,
    /// Times that one of the staff cannot take, and who.
    pub clashes: Vec<(NewTime, AssignmentId)>,
    /// Unbooked slots that are no longer in the pattern.
    withdraw: Vec<SlotId>,
    /// Booked slots that stay, for others to book when they come free than before.
    reopen: Vec<SlotId>,
    /// Booked slots that stay, with another number of seats.
    resize: Vec<SlotId>,
    /// Those that stay and have more seats taken than there are to be, and how many.
    too_full: Vec<(DateTime<Utc>, i32)>,
    /// Booked slots that had fallen out and are in the pattern again.
    take_in: Vec<(SlotId, NewTime)>,
    /// Booked slots that are no longer in the pattern, also since before: their patients need another time.
    pub rebook: Vec<SlotId>,
    /// Those of them that fall out now.
    falling: Vec<SlotId>,
}

impl Draft {
    /// How many unbooked times are taken back.
    pub const fn withdrawn(&self) -> usize {
        self.withdraw.len()
    }

    /// Nobody loses a seat that they have.
    pub fn fits(&self) -> Result<(), Problem> {
        let Some(most) = self.too_full.iter().map(|(_, taken)| *taken).max() else { return Ok(()) };
        let times: BTreeSet<DateTime<Utc>> = self.too_full.iter().map(|(at, _)| *at).collect();
        let (sv, en) = list(&times);
        Err(Problem::new(
            ProblemCode::Conflict,
            format!("Fler platser är tagna: {sv}. Ange minst {most} platser. Inget har ändrats."),
            format!("More seats are taken: {en}. Give at least {most} seats. Nothing was changed."),
        )
        .at("seats"))
    }
}

/// A schedule that has slots already.
#[derive(Clone, Copy, Debug)]
pub struct There {
    pub schedule: ScheduleId,
    /// The staff are those of the slots that are there.
    pub same_staff: bool,
    /// What is worked out is also done, by the same transaction.
    pub lock: bool,
}

/// Works out what is to be done in `from..=to`. Only what somebody has booked must be moved: what is held or offered and
/// no longer in the pattern is given up.
pub async fn draft(
    db: &impl ConnectionTrait,
    plan: &Plan,
    there: Option<There>,
    (from, to): (NaiveDate, NaiveDate),
    now: DateTime<Utc>,
) -> Result<Draft, Fault> {
    let mut wanted: BTreeMap<DateTime<Utc>, NewTime> =
        plan.times(from, to, now).into_iter().map(|time| (time.starts_at, time)).collect();
    let mut draft = Draft::default();
    if let Some(There { schedule, same_staff, lock }) = there {
        let begins = Ord::max(now, to_instant(from.and_time(NaiveTime::MIN)));
        let mut slots = slot::Entity::find()
            .filter(C::ScheduleId.eq(schedule))
            .filter(C::StartsAt.gte(begins))
            .filter(C::StartsAt.gt(now))
            .order_by_asc(C::Id);
        if lock {
            slots = slots.lock_exclusive();
        }
        let mut slots = slots.all(db).await?;
        let booked = booked(db, &slots).await?;
        let fell_out = |row: &slot::Model| row.withdrawal == Some(Withdrawal::BySchedule);
        let fallen = slots.iter().filter(|row| fell_out(row) && booked.contains(&row.id)).map(|row| row.id);
        let staff_then = staff_of(db, &fallen.collect::<Vec<_>>()).await?;
        let staff_now: BTreeSet<AssignmentId> = plan.assignments().into_iter().collect();
        // What has another time in its place by now does not come back.
        slots.sort_by_key(fell_out);
        for row in slots {
            if row.withdrawal == Some(Withdrawal::ByHand) {
                wanted.remove(&row.starts_at);
                continue;
            }
            let booked = booked.contains(&row.id);
            let away = row.withdrawal == Some(Withdrawal::ByAbsence);
            let fell_out = booked && fell_out(&row);
            if row.withdrawn_at.is_some() && !away && !fell_out {
                continue;
            }
            let same_staff = if fell_out {
                staff_then.get(&row.id).map_or(staff_now.is_empty(), |then| *then == staff_now)
            } else {
                same_staff
            };
            let in_pattern = wanted.get(&row.starts_at).is_some_and(|time| time.ends_at == row.ends_at);
            let alike = row.seats == plan.seats && row.web_bookable == plan.web_bookable;
            if in_pattern && same_staff && (booked || alike) {
                let time = wanted.remove(&row.starts_at);
                draft.take_in.extend(time.filter(|_| fell_out).map(|time| (row.id, time)));
                if row.web_bookable != plan.web_bookable {
                    draft.reopen.push(row.id);
                }
                let taken = row.seats - row.open_seats;
                if taken > plan.seats {
                    draft.too_full.push((row.starts_at, taken));
                } else if row.seats != plan.seats {
                    draft.resize.push(row.id);
                }
            } else if booked {
                draft.rebook.push(row.id);
                if !fell_out {
                    draft.falling.push(row.id);
                }
            } else {
                draft.withdraw.push(row.id);
            }
        }
    }
    let ours: BTreeSet<Uuid> = draft.withdraw.iter().map(|id| id.0).collect();
    let (Some(first), Some(last)) = (wanted.values().next(), wanted.values().map(|time| time.ends_at).max())
    else {
        return Ok(draft);
    };
    let first = first.starts_at;
    let mut taken: BTreeSet<DateTime<Utc>> = BTreeSet::new();
    for member in &plan.staff {
        let busy: BTreeSet<DateTime<Utc>> = occupancy::Entity::find()
            .filter(occupancy::Column::SubjectId.eq(member.person.0))
            .filter(occupancy::Column::CellStart.gte(first))
            .filter(occupancy::Column::CellStart.lt(last))
            .all(db)
            .await?
            .into_iter()
            .filter(|cell| !ours.contains(&cell.holder_id))
            .map(|cell| cell.cell_start)
            .collect();
        for time in wanted.values() {
            if cells(time.starts_at, time.ends_at).iter().any(|cell| busy.contains(cell)) {
                taken.insert(time.starts_at);
                draft.clashes.push((time.clone(), member.assignment));
            }
        }
    }
    draft.publish = wanted.into_values().filter(|time| !taken.contains(&time.starts_at)).collect();
    Ok(draft)
}

/// Who is in each of the slots; nothing of those of the unit.
async fn staff_of(
    db: &impl ConnectionTrait,
    slots: &[SlotId],
) -> Result<HashMap<SlotId, BTreeSet<AssignmentId>>, Fault> {
    let mut staff: HashMap<SlotId, BTreeSet<AssignmentId>> = HashMap::new();
    for some in slots.chunks(ROWS) {
        let of = slot_staff::Entity::find().filter(slot_staff::Column::SlotId.is_in(some.iter().copied()));
        for row in of.all(db).await? {
            staff.entry(row.slot_id).or_default().insert(row.assignment_id);
        }
    }
    Ok(staff)
}

/// Those of the slots that somebody has booked.
pub async fn booked(db: &impl ConnectionTrait, slots: &[slot::Model]) -> Result<HashSet<SlotId>, Fault> {
    let taken: Vec<SlotId> = slots.iter().filter(|s| s.open_seats < s.seats).map(|s| s.id).collect();
    let mut booked = HashSet::new();
    for some in taken.chunks(ROWS) {
        let of = appointment::Entity::find()
            .select_only()
            .column(appointment::Column::SlotId)
            .filter(appointment::Column::SlotId.is_in(some.iter().copied()))
            .filter(appointment::Column::Status.eq(appointment::Status::Booked))
            .into_tuple::<SlotId>();
        booked.extend(of.all(db).await?);
    }
    Ok(booked)
}

/// Gives up what is held and offered of slots that nobody can have any more; they are locked. Says which are booked
/// nevertheless, at this moment.
pub async fn clear(tx: &Tx, session: &Session, ids: &[SlotId]) -> Result<HashSet<SlotId>, Fault> {
    let mut still = HashSet::new();
    for some in ids.chunks(ROWS) {
        offer::withdraw_with(tx, session, some).await?;
        seat::drop_holds(tx, some).await?;
        let rows = slot::Entity::find().filter(C::Id.is_in(some.iter().copied())).all(tx).await?;
        still.extend(booked(tx, &rows).await?);
    }
    Ok(still)
}

/// Does it. With `skip`, times that clash are left out; else they refuse the whole. What was to be taken back and is booked
/// nevertheless, at this moment, falls out too. Of each time that falls out somebody is to phone.
pub async fn apply(
    tx: &Tx,
    session: &Session,
    plan: &Plan,
    schedule: ScheduleId,
    draft: &Draft,
    skip: bool,
) -> Result<Fallen, Stop> {
    let clashes = (!skip && !draft.clashes.is_empty()).then(|| clashing(&draft.clashes));
    let problems: Vec<Problem> = draft.fits().err().into_iter().chain(clashes).collect();
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let still = clear(tx, session, &draft.withdraw).await?;
    take_back(tx, session, &draft.withdraw, Withdrawal::BySchedule).await?;
    let (booked, empty): (Vec<SlotId>, Vec<SlotId>) =
        draft.withdraw.iter().copied().partition(|id| still.contains(id));
    for ids in empty.chunks(ROWS) {
        let held = occupancy::Column::HolderId.is_in(ids.iter().map(|id| id.0));
        occupancy::Entity::delete_many().filter(held).exec(tx).await?;
    }
    take_back(tx, session, &draft.falling, Withdrawal::BySchedule).await?;
    let staff = plan.assignments();
    let mut patients = fallen::take_in(tx, session, &staff, &draft.take_in).await?;
    patients.extend(fallen::call(tx, session, &draft.falling).await?);
    patients.extend(fallen::call(tx, session, &booked).await?);
    for ids in draft.reopen.chunks(ROWS) {
        slot::Entity::update_many()
            .col_expr(C::WebBookable, Expr::value(plan.web_bookable))
            .filter(C::Id.is_in(ids.iter().copied()))
            .exec(tx)
            .await?;
    }
    for ids in draft.resize.chunks(ROWS) {
        slot::Entity::update_many()
            .col_expr(C::OpenSeats, Expr::col(C::OpenSeats).add(plan.seats).sub(Expr::col(C::Seats)))
            .col_expr(C::Seats, Expr::value(plan.seats))
            .filter(C::Id.is_in(ids.iter().copied()))
            .exec(tx)
            .await?;
    }
    let slots: Vec<(SlotId, NewTime)> =
        draft.publish.iter().map(|time| (SlotId(session.core.clock.uuid()), time.clone())).collect();
    let mut people: Vec<Uuid> = plan.staff.iter().map(|member| member.person.0).collect();
    // One order for everybody: two publications never wait for each other.
    people.sort_unstable();
    for person in people {
        let spans = slots.iter().map(|(id, time)| (id.0, time.starts_at, time.ends_at));
        if !seat::occupy(tx, person, spans).await? {
            // Somebody else published at this moment; the next attempt sees what.
            return Err(Problem::new(
                ProblemCode::AlreadyOccupied,
                "Någon annan lade ut tider samtidigt. Försök igen.",
                "Somebody else published times at the same moment. Try again.",
            )
            .into());
        }
    }
    let shape = Shape {
        schedule: Some(schedule),
        kind: &plan.kind,
        seats: plan.seats,
        web_bookable: plan.web_bookable,
        created_at: session.now(),
    };
    insert(tx, &shape, &staff, &slots).await?;
    away_slots::withdraw_new(tx, session, &staff, &slots).await?;
    Ok(Fallen { slots: draft.rebook.iter().copied().chain(booked).collect(), patients })
}

/// No new bookings of these, also when somebody who is away comes back. What is booked stays, and its staff stay
/// occupied.
pub async fn take_back(tx: &Tx, session: &Session, ids: &[SlotId], how: Withdrawal) -> Result<(), Stop> {
    for some in ids.chunks(ROWS) {
        let done = slot::Entity::update_many()
            .col_expr(C::WithdrawnAt, Expr::value(session.now()))
            .col_expr(C::Withdrawal, Expr::value(how))
            .col_expr(C::WithdrawnFor, Expr::value(Option::<Uuid>::None))
            .filter(C::Id.is_in(some.iter().copied()))
            .filter(C::WithdrawnAt.is_null().or(C::Withdrawal.eq(Withdrawal::ByAbsence)))
            .exec(tx)
            .await?
            .rows_affected;
        if done != some.len() as u64 {
            return Err(Problem::stale().into());
        }
    }
    Ok(())
}

/// The times by name, so many as can be read.
fn list(times: &BTreeSet<DateTime<Utc>>) -> (String, String) {
    let list: Vec<String> = times.iter().take(TOLD).map(|at| wall_clock(*at)).collect();
    let list = list.join(", ");
    match times.len().saturating_sub(TOLD) {
        0 => (list.clone(), list),
        more => (format!("{list} och {more} till"), format!("{list} and {more} more")),
    }
}

/// Which times cannot be published, and that nothing was.
fn clashing(clashes: &[(NewTime, AssignmentId)]) -> Problem {
    let (sv, en) = list(&clashes.iter().map(|(time, _)| time.starts_at).collect());
    Problem::new(
        ProblemCode::AlreadyOccupied,
        format!("Medarbetare är redan upptagna: {sv}. Inget har ändrats. De andra tiderna kan läggas ut utan dem."),
        format!(
            "Staff are already occupied: {en}. Nothing was changed. The other times can be published without these."
        ),
    )
    .at("block")
}
