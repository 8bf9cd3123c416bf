//! Somebody is away: which booked times that touches, and what could take their place.
//!
//! Registering the absence withdraws the free times ([`super::away_slots`]) and raises a call (ringa återbud) for every
//! booked one ([`super::away_calls`]), so that nobody is forgotten. Moving them is an act of its own
//! ([`super::away_rebook`]), all of them or those chosen, each in a transaction of its own: one that cannot be moved
//! does not keep the others. Of a time with several staff each one's absence counts.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AppointmentId, AppointmentTypeId, AssignmentId, CareUnitId, PatientId, SlotId, appointment, care_contact,
    contact_absence, slot, slot_staff, task::Kind,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::SelectStatement,
};

use crate::{
    db::Tx,
    domain::{
        history::Owner,
        task::{self, Ending},
    },
    error::Fault,
    session::Session,
};

/// Times of one absence that are shown, or moved in one act: the soonest.
pub const MOST: u64 = 200;
/// Times of one absence that are looked at: more than anybody has booked within a horizon.
pub const ALL: u64 = 5_000;
/// Free times looked at for them.
const FREE: u64 = 1_000;
/// How soon a time may be that is earlier than the one that was booked: a patient must have heard of it.
const NOTICE: TimeDelta = TimeDelta::hours(24);
/// A patient is called this long before the time, if there is still time for it.
const CALL_BEFORE: TimeDelta = TimeDelta::hours(1);
/// Free times proposed for each.
const PROPOSED: usize = 3;

/// Who is away, where and when.
#[derive(Clone, Copy, Debug)]
pub struct Away {
    pub unit: CareUnitId,
    pub person: AssignmentId,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
    pub substitute: Option<AssignmentId>,
}

impl Away {
    /// Of a person's absence; none of that of one contact.
    pub fn of(absence: &contact_absence::Model) -> Option<Self> {
        Some(Self {
            unit: absence.care_unit_id,
            person: absence.assignment_id?,
            from: absence.from_at,
            until: absence.until_at,
            substitute: absence.substitute_id,
        })
    }

    /// The times that the person takes part in, alone or with others, until they are back.
    fn theirs(&self) -> SelectStatement {
        slot_staff::Entity::find()
            .select_only()
            .column(slot_staff::Column::SlotId)
            .filter(slot_staff::Column::AssignmentId.eq(self.person))
            .filter(slot_staff::Column::StartsAt.lt(self.until))
            .into_query()
    }

    /// A booked time of the person that the absence touches: what has not begun.
    pub(super) fn touches(&self, now: DateTime<Utc>) -> Condition {
        use appointment::Column as C;
        Condition::all()
            .add(C::CareUnitId.eq(self.unit))
            .add(C::SlotId.in_subquery(self.theirs()))
            .add(C::Status.eq(appointment::Status::Booked))
            .add(C::StartsAt.gt(now))
            .add(C::StartsAt.lt(self.until))
            .add(C::EndsAt.gt(self.from))
    }

    /// A time of the person, booked or not, that the absence touches: what has not begun.
    pub(super) fn touches_slot(&self, now: DateTime<Utc>) -> Condition {
        use slot::Column as C;
        Condition::all()
            .add(C::Id.in_subquery(self.theirs()))
            .add(C::StartsAt.gt(now))
            .add(C::EndsAt.gt(self.from))
    }
}

/// A booked time that an absence touches, with the assignments of the patient's own contacts.
#[derive(Clone, Debug)]
pub struct Touched {
    pub booked: appointment::Model,
    pub team: Vec<AssignmentId>,
}

/// A free time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Free {
    pub slot: SlotId,
    pub kind: AppointmentTypeId,
    pub people: Vec<AssignmentId>,
    pub starts_at: DateTime<Utc>,
    pub seats: i32,
}

/// Which of two free times is the better one.
type Order = (u8, TimeDelta, DateTime<Utc>, SlotId);

/// What one patient is offered instead of a time.
struct Instead<'a> {
    kind: AppointmentTypeId,
    starts_at: DateTime<Utc>,
    team: &'a [AssignmentId],
    substitute: Option<AssignmentId>,
}

impl Instead<'_> {
    /// Whether `free` can take its place: of the same kind, and not so early that the patient cannot have heard of it.
    fn may_be(&self, free: &Free, now: DateTime<Utc>) -> bool {
        let in_time = free.starts_at >= self.starts_at || free.starts_at >= now + NOTICE;
        free.kind == self.kind && free.seats > 0 && free.starts_at > now && in_time
    }

    /// Whoever steps in first, then the patient's own contacts, then anybody; the nearest first.
    fn order(&self, free: &Free) -> Order {
        let rank = if self.substitute.is_some_and(|person| free.people.contains(&person)) {
            0
        } else if free.people.iter().any(|person| self.team.contains(person)) {
            1
        } else {
            2
        };
        (rank, (free.starts_at - self.starts_at).abs(), free.starts_at, free.slot)
    }
}

/// What each is proposed, the best first. The first proposals of all can be taken together: a seat is the first
/// proposal of one only.
pub fn propose(
    touched: &[Touched],
    mut free: Vec<Free>,
    substitute: Option<AssignmentId>,
    now: DateTime<Utc>,
) -> Vec<Vec<SlotId>> {
    touched
        .iter()
        .map(|of| {
            let (kind, starts_at) = (of.booked.appointment_type_id, of.booked.starts_at);
            let instead = Instead { kind, starts_at, team: &of.team, substitute };
            let mut fit: Vec<Order> = Vec::with_capacity(PROPOSED + 1);
            for slot in free.iter().filter(|slot| instead.may_be(slot, now)) {
                let order = instead.order(slot);
                let place = fit.partition_point(|better| *better < order);
                if place < PROPOSED {
                    fit.insert(place, order);
                    fit.truncate(PROPOSED);
                }
            }
            let chosen: Vec<SlotId> = fit.into_iter().map(|(_, _, _, slot)| slot).collect();
            if let Some(taken) = free.iter_mut().find(|slot| Some(&slot.slot) == chosen.first()) {
                taken.seats -= 1;
            }
            chosen
        })
        .collect()
}

/// By when a patient is phoned about a time: an hour before it, at once when that has passed.
pub fn call_by(starts_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    Ord::max(now, starts_at - CALL_BEFORE)
}

/// What an absence touches, in order of time, each with what is proposed instead: four statements, however many. The
/// soonest `most` of them.
pub async fn plan(
    db: &impl ConnectionTrait,
    session: &Session,
    away: &Away,
    most: u64,
) -> Result<Vec<(Touched, Vec<SlotId>)>, Fault> {
    use slot::Column as S;
    let now = session.now();
    let booked = appointment::Entity::find()
        .filter(away.touches(now))
        .order_by_asc(appointment::Column::StartsAt)
        .order_by_asc(appointment::Column::Id)
        .limit(most)
        .all(db)
        .await?;
    if booked.is_empty() {
        return Ok(Vec::new());
    }
    let contacts = care_contact::Entity::find()
        .filter(care_contact::Column::PatientId.is_in(booked.iter().map(|b| b.patient_id)))
        .filter(care_contact::Column::Status.eq(care_contact::Status::Active))
        .filter(care_contact::Column::AssignmentId.is_not_null())
        .all(db)
        .await?;
    let mut kinds: Vec<AppointmentTypeId> = booked.iter().map(|b| b.appointment_type_id).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let within = now + TimeDelta::days(i64::from(session.core.settings.booking.rebook_within_days));
    let free = slot::Entity::find()
        .filter(S::CareUnitId.eq(away.unit))
        .filter(S::AppointmentTypeId.is_in(kinds))
        .filter(S::OpenSeats.gt(0))
        .filter(S::WithdrawnAt.is_null())
        .filter(S::StartsAt.gt(now))
        .filter(S::StartsAt.lt(Ord::max(within, away.until)))
        .filter(S::Id.not_in_subquery(away.theirs()))
        .order_by_asc(S::StartsAt)
        .order_by_asc(S::Id)
        .limit(FREE)
        .all(db)
        .await?;
    let mut people: HashMap<SlotId, Vec<AssignmentId>> = HashMap::new();
    let staff = slot_staff::Entity::find()
        .filter(slot_staff::Column::SlotId.is_in(free.iter().map(|slot| slot.id)))
        .all(db)
        .await?;
    for one in staff {
        people.entry(one.slot_id).or_default().push(one.assignment_id);
    }
    let team = |patient: PatientId| {
        contacts.iter().filter(|c| c.patient_id == patient).filter_map(|c| c.assignment_id).collect()
    };
    let touched: Vec<Touched> =
        booked.into_iter().map(|booked| Touched { team: team(booked.patient_id), booked }).collect();
    let free = free
        .into_iter()
        .map(|slot| Free {
            slot: slot.id,
            kind: slot.appointment_type_id,
            people: people.remove(&slot.id).unwrap_or_default(),
            starts_at: slot.starts_at,
            seats: slot.open_seats,
        })
        .collect();
    let proposed = propose(&touched, free, away.substitute, now);
    Ok(touched.into_iter().zip(proposed).collect())
}

/// The time was moved or cancelled, and the patient is told: nobody needs to phone.
pub(super) async fn settled(tx: &Tx, session: &Session, time: AppointmentId) -> Result<(), Fault> {
    task::end(tx, session, Kind::CancellationCall, time.0, Ending::Done, None).await.map(drop)
}

/// Whether somebody whom the patient is to meet is away then: the call about the time is about that too.
pub(crate) async fn somebody_is_away(tx: &Tx, time: &appointment::Model) -> Result<bool, Fault> {
    use contact_absence::Column as C;
    let staff = slot_staff::Entity::find()
        .select_only()
        .column(slot_staff::Column::AssignmentId)
        .filter(slot_staff::Column::SlotId.eq(time.slot_id))
        .into_query();
    let away = contact_absence::Entity::find()
        .filter(C::AssignmentId.in_subquery(staff))
        .filter(C::CareUnitId.eq(time.care_unit_id))
        .filter(C::CancelledAt.is_null())
        .filter(C::FromAt.lt(time.ends_at))
        .filter(C::UntilAt.gt(time.starts_at));
    Ok(away.one(tx).await?.is_some())
}

/// Whether the time is to be moved, whatever the patient knows of it: somebody is away, or its schedule has let it go.
pub(super) async fn must_be_moved(tx: &Tx, time: &appointment::Model) -> Result<bool, Fault> {
    let fallen = slot::Entity::find_by_id(time.slot_id)
        .filter(slot::Column::Withdrawal.eq(slot::Withdrawal::BySchedule));
    Ok(fallen.one(tx).await?.is_some() || somebody_is_away(tx, time).await?)
}

impl From<&appointment::Model> for Owner {
    fn from(row: &appointment::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use entity::{CareProviderId, access_event::ActorKind, appointment_type::Mode};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    fn person(n: u128) -> AssignmentId {
        AssignmentId(Uuid::from_u128(n))
    }

    fn booked(n: u128, minute: i64, team: &[u128]) -> Touched {
        let booked = appointment::Model {
            id: AppointmentId(Uuid::from_u128(n)),
            patient_id: PatientId(Uuid::from_u128(n)),
            care_unit_id: CareUnitId(Uuid::nil()),
            care_provider_id: CareProviderId(Uuid::nil()),
            slot_id: SlotId(Uuid::nil()),
            seat_no: 1,
            appointment_type_id: AppointmentTypeId(Uuid::nil()),
            assignment_id: None,
            plan_item_id: None,
            status: appointment::Status::Booked,
            origin: appointment::Origin::Agreed,
            booking_channel: appointment::BookingChannel::Phone,
            mode: Mode::Visit,
            starts_at: at(minute),
            ends_at: at(minute + 30),
            cancel_by: at(0),
            schedule_version: 1,
            known_starts_at: None,
            confirmed_at: None,
            cancelled_at: None,
            cancelled_by: None::<ActorKind>,
            booked_by: ActorKind::Staff,
            confirmed_by: None,
            outcome_at: None,
            item_closed_at: None,
            conditions: None,
            conditions_version: None,
            conditions_accepted_at: None,
            conditions_accepted_by: None,
            source: String::new(),
            created_at: at(0),
            row_version: 1,
        };
        Touched { booked, team: team.iter().copied().map(person).collect() }
    }

    fn free(n: u128, minute: i64, of: u128) -> Free {
        let kind = AppointmentTypeId(Uuid::nil());
        Free {
            slot: SlotId(Uuid::from_u128(n)),
            kind,
            people: vec![person(of)],
            starts_at: at(minute),
            seats: 1,
        }
    }

    fn numbers(proposed: &[Vec<SlotId>]) -> Vec<Vec<u128>> {
        proposed.iter().map(|slots| slots.iter().map(|id| id.0.as_u128()).collect()).collect()
    }

    #[test]
    fn whoever_steps_in_comes_before_the_team_and_the_team_before_the_nearest() {
        let day = 24 * 60;
        let slots = vec![free(1, 2 * day + 5, 9), free(2, 4 * day, 7), free(3, 5 * day, 8)];
        let proposed = propose(&[booked(1, 2 * day, &[7])], slots, Some(person(8)), at(0));
        assert_eq!(numbers(&proposed), [[3, 2, 1]]);
    }

    #[test]
    fn a_time_that_whoever_steps_in_shares_with_another_is_theirs_too() {
        let shared = |n, minute, of: &[u128]| Free {
            people: of.iter().copied().map(person).collect(),
            ..free(n, minute, 9)
        };
        let slots = vec![free(1, 2_000, 9), shared(2, 2_400, &[9, 7]), shared(3, 2_800, &[9, 8])];
        let proposed = propose(&[booked(1, 2_000, &[7])], slots, Some(person(8)), at(0));
        assert_eq!(numbers(&proposed), [[3, 2, 1]]);
    }

    #[test]
    fn an_earlier_time_is_proposed_only_a_day_ahead_and_a_call_is_due_an_hour_before() {
        let slots = vec![free(1, 60, 9), free(2, 240, 9)];
        assert_eq!(numbers(&propose(&[booked(1, 180, &[])], slots, None, at(0))), [[2]]);
        assert_eq!(call_by(at(180), at(0)), at(120));
        assert_eq!(call_by(at(30), at(0)), at(0), "at once");
    }

    proptest! {
        /// Whatever is touched and free: all first proposals can be taken at once.
        #[test]
        fn no_seat_is_the_first_proposal_of_two(
            touched in prop::collection::vec(0i64..5_000, 0..12),
            slots in prop::collection::vec((0i64..9_000, 1i32..3), 0..12),
        ) {
            let touched: Vec<_> =
                touched.iter().zip(1..).map(|(minute, n)| booked(n, *minute, &[])).collect();
            let slots: Vec<_> = slots
                .iter()
                .zip(1..)
                .map(|((minute, seats), n)| Free { seats: *seats, ..free(n, *minute, 9) })
                .collect();
            let proposed = propose(&touched, slots.clone(), None, at(0));
            for slot in slots {
                let first = proposed.iter().filter(|of| of.first() == Some(&slot.slot)).count();
                prop_assert!(first <= usize::try_from(slot.seats).unwrap());
            }
        }
    }
}
