//! Free times (lediga tider): the list to choose from, and the alternatives of one that was taken.

use std::collections::BTreeSet;

use async_graphql::{Context, Enum, ID, InputObject, Result};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use entity::{AppointmentId, PatientId, SlotId, slot};
use sea_orm::{EntityTrait, Value};
use uuid::Uuid;

use super::{
    page::{Page, page_request},
    read::{
        free::{self, Search, SlotPlace, began_since, own_time_free, rows},
        node::{SLOT_JOINS, open_to, open_values, read_slot, slot_columns},
    },
    scalars::{Date, GlobalId, NodeKind},
    types::{
        booking::Slot,
        enums::{AppointmentMode, Weekday},
    },
    user_error::{fault, refused, session, told},
};
use crate::{
    auth::policy::{self, Action, Noun, Who, reach_sql, reach_values},
    calendar::to_instant,
    error::Fault,
    session::Session,
};

/// Alternatives of a time that was taken, at most.
const ALTERNATIVES: usize = 5;
/// Units, types or modes in one search at most.
const NAMED: usize = 20;

/// A part of the day (del av dagen), by the clock on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PartOfDay {
    /// Before noon (förmiddag).
    Morning,
    /// From noon to before 17 (eftermiddag).
    Afternoon,
    /// From 17 (kväll).
    Evening,
}

/// Which free times (lediga tider). Everything that is left out allows all; without unit, type, contact and assignment
/// the patient's own units are searched: where they are listed, and where they have a care relation.
#[derive(Clone, Debug, Default, InputObject)]
pub struct FreeSlotFilter {
    /// Units (vårdenheter), 20 at most. Staff find the times of their own unit.
    care_unit_ids: Option<Vec<ID>>,
    /// Kinds of appointment (besökstyper), 20 at most.
    appointment_type_ids: Option<Vec<ID>>,
    /// How patient and care meet.
    modes: Option<Vec<AppointmentMode>>,
    /// The booked time that is to be moved (omboka). Patients then see times that overlap it too, though none at which they
    /// have another. Staff see both anyway.
    moving_appointment_id: Option<ID>,
    /// A contact of the patient (vårdkontakt): only times with that person.
    contact_id: Option<ID>,
    /// A staff member (medarbetaruppdrag): only times with that person.
    assignment_id: Option<ID>,
    /// Days of the week.
    weekdays: Option<Vec<Weekday>>,
    /// Parts of the day.
    parts_of_day: Option<Vec<PartOfDay>>,
    /// From this instant on; from now on when left out, and never earlier.
    from: Option<DateTime<Utc>>,
    /// From this day on, in Sweden.
    from_day: Option<Date>,
    /// Until and with this day, in Sweden.
    until_day: Option<Date>,
}

/// The free times that the caller may book: the patient's doctor's first, then their other contacts', then the unit's.
pub async fn free_slots(
    ctx: &Context<'_>,
    filter: FreeSlotFilter,
    patient: Option<ID>,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<Page<Slot>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Slot, Action::Read).is_err() {
        return Err(refused(session));
    }
    let request = page_request::<SlotPlace>(first, after, 20)?;
    let search = read_filter(filter, patient)?;
    if session.actor.staff().is_none() && search.patient.is_some() {
        return Err(told(
            "BAD_USER_INPUT",
            "`patientId` anges bara av vården. Utelämna det.",
            "`patientId` is for care alone. Leave it out.",
        ));
    }
    let found = free::search(session, &search, &request).await.map_err(|e| fault(session, &e))?;
    let Some(page) = found else {
        session.trail.denied("NOT_FOUND", None);
        return Ok(free::nothing(&request));
    };
    if let Some(patient) = search.patient {
        session.trail.read(patient);
    }
    Ok(page)
}

fn read_filter(filter: FreeSlotFilter, patient: Option<ID>) -> Result<Search> {
    // The id of another kind, or of no form, is the id of nothing.
    fn row<T: From<Uuid>>(id: &ID, kind: NodeKind) -> T {
        GlobalId::row(id, kind).unwrap_or_else(|| T::from(Uuid::nil()))
    }
    fn all<T: From<Uuid>>(ids: Option<Vec<ID>>, kind: NodeKind) -> Result<Vec<T>> {
        let ids = ids.unwrap_or_default();
        if ids.len() > NAMED {
            return Err(told(
                "BAD_USER_INPUT",
                "Ange högst 20 mottagningar eller besökstyper åt gången.",
                "Name at most 20 units or kinds of appointment at a time.",
            ));
        }
        Ok(ids.iter().map(|id| row(id, kind)).collect())
    }
    let midnight = |day: NaiveDate| to_instant(day.and_time(NaiveTime::MIN));
    let from_day = filter.from_day.map(|day| midnight(day.0));
    let weekdays = filter.weekdays.unwrap_or_default();
    let parts = filter.parts_of_day.unwrap_or_default();
    let slices = if weekdays.is_empty() && parts.is_empty() {
        BTreeSet::new()
    } else {
        let wanted = |day: i32, part: i32| {
            (weekdays.is_empty() || weekdays.iter().any(|wanted| *wanted as i32 == day))
                && (parts.is_empty() || parts.iter().any(|wanted| *wanted as i32 == part))
        };
        (0..21).filter(|slice| wanted(slice / 3, slice % 3)).collect()
    };
    Ok(Search {
        patient: patient.map(|id| row(&id, NodeKind::Patient)),
        units: all(filter.care_unit_ids, NodeKind::CareUnit)?,
        types: all(filter.appointment_type_ids, NodeKind::AppointmentType)?,
        modes: filter.modes.unwrap_or_default().into_iter().map(Into::into).collect(),
        moved: filter.moving_appointment_id.map(|id| row(&id, NodeKind::Appointment)),
        contact: filter.contact_id.map(|id| row(&id, NodeKind::CareContact)),
        assignment: filter.assignment_id.map(|id| row(&id, NodeKind::Assignment)),
        from: [filter.from, from_day].into_iter().flatten().max(),
        until: filter.until_day.map(|day| midnight(day.0.checked_add_days(Days::new(1)).unwrap_or(day.0))),
        slices,
    })
}

/// The slots with these ids, by start.
pub async fn by_ids(session: &Session, ids: &[SlotId]) -> std::result::Result<Vec<Slot>, Fault> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (1..=ids.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT {} FROM slot s {SLOT_JOINS} WHERE s.id IN ({}){} ORDER BY s.starts_at, s.id",
        slot_columns(),
        places.join(", "),
        open_to(&session.actor, ids.len() + 1),
    );
    let values = ids.iter().map(|id| Value::from(id.0)).chain(open_values(session)).collect();
    rows(session, sql, values, read_slot).await
}

/// Whose time it is that alternatives are for.
#[derive(Clone, Copy, Debug)]
pub enum Whose {
    /// Somebody's: the caller's own, where nobody is named.
    Patient(Option<PatientId>),
    /// Whoever has this one, which is to be moved.
    Moved(AppointmentId),
}

/// Free times of the same kind as `wanted`, the nearest to it first: those that can be booked, and so none at which the
/// patient has another. Staff learn nothing by that of times that are out of their reach.
pub async fn alternatives(
    session: &Session,
    wanted: SlotId,
    whose: Whose,
) -> std::result::Result<Vec<Slot>, Fault> {
    let wanted = session
        .core
        .db
        .read(async |db| -> std::result::Result<_, Fault> {
            Ok(slot::Entity::find_by_id(wanted).one(db).await?)
        })
        .await?;
    let Some(wanted) = wanted else { return Ok(Vec::new()) };
    let (theirs, subject) = match whose {
        Whose::Patient(named) => {
            let whom = session.actor.patient().or(named);
            ("own.patient_id = $8", whom.map_or(Uuid::nil(), |id| id.0))
        }
        Whose::Moved(time) => {
            ("own.patient_id = (SELECT patient_id FROM appointment WHERE id = $8) AND own.id <> $8", time.0)
        }
    };
    let who = Who::from(&session.actor);
    let reach = reach_sql(who, Noun::Appointment, "own.patient_id", Some("own.care_provider_id"));
    let free = own_time_free(&format!("{theirs} AND {reach}"), "$9");
    let half = |when: &str, order: &str| {
        format!(
            "SELECT id FROM (SELECT s.id FROM slot s JOIN appointment_type apt ON apt.id = s.appointment_type_id \
             WHERE s.appointment_type_id = $5 AND s.open_seats > 0 AND s.withdrawn_at IS NULL AND s.id <> $7 \
             AND s.starts_at > $4 AND s.starts_at {when} $6{} AND {free} \
             ORDER BY s.starts_at {order}, s.id LIMIT {ALTERNATIVES}) AS part_{order}",
            open_to(&session.actor, 10),
        )
    };
    let sql = format!(
        "SELECT {} FROM slot s {SLOT_JOINS} WHERE s.id IN ({} UNION ALL {})",
        slot_columns(),
        half(">=", "ASC"),
        half("<", "DESC"),
    );
    let mut values = reach_values(&session.actor, session.now());
    values.extend([
        wanted.appointment_type_id.0.into(),
        wanted.starts_at.into(),
        wanted.id.0.into(),
        Value::from(subject),
        began_since(session.now()).into(),
    ]);
    values.extend(open_values(session));
    let mut near = rows(session, sql, values, read_slot).await?;
    near.sort_by_key(|slot| ((slot.starts_at - wanted.starts_at).abs(), slot.starts_at, slot.id.id));
    near.truncate(ALTERNATIVES);
    Ok(near)
}
