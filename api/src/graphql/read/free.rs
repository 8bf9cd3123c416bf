//! The search for free times: two statements, and no more rows read than a page has, however many times are free.
//!
//! The first statement finds what decides: which types the caller may book, and who the patient's contacts are. The
//! second asks each of few indexes for one page's worth of rows - one branch for each contact, one for each type (and
//! part of the week, when that was asked for), and those of what is held for the patient, which is free to nobody else -
//! and cuts the page from what they gave. The order is the tier, then the
//! start, then the id; a page goes on after the key of the last row, so that times that come or go between two pages
//! neither repeat nor hide others.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use entity::{
    AppointmentId, AppointmentTypeId, AssignmentId, CareContactId, CareUnitId, PatientId,
    access_event::ActorKind, appointment_type::Mode, care_contact,
};
use sea_orm::{ConnectionTrait, Statement, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    cols::Cols,
    node::{SLOT_JOINS, read_slot, slot_columns},
};
use crate::{
    auth::policy::{self, Action, Noun, Who, reach_sql, reach_values, self_booking_sql},
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        types::{booking::Slot, enums::SlotTier},
    },
    session::Session,
};

/// Types that one search looks through at most.
const TYPES: usize = 60;
/// Branches of one statement at most; SQLite takes 500.
const BRANCHES: usize = 400;

/// Which free times.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// For staff: whom they are for.
    pub patient: Option<PatientId>,
    pub units: Vec<CareUnitId>,
    pub types: Vec<AppointmentTypeId>,
    pub modes: Vec<Mode>,
    /// The patient's booked time that is to be moved.
    pub moved: Option<AppointmentId>,
    /// Of the patient.
    pub contact: Option<CareContactId>,
    pub assignment: Option<AssignmentId>,
    pub from: Option<DateTime<Utc>>,
    /// Times that start before it.
    pub until: Option<DateTime<Utc>>,
    /// Of [`crate::calendar::time_slice`]; all when empty.
    pub slices: BTreeSet<i32>,
}

/// Where a page of free times goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotPlace {
    tier: i32,
    at: DateTime<Utc>,
    id: Uuid,
}

/// A page of the times that the caller may book. `None` when staff name a patient who is out of their reach.
pub async fn search(
    session: &Session,
    search: &Search,
    request: &PageRequest<SlotPlace>,
) -> Result<Option<Page<Slot>>, Fault> {
    let Some(found) = standing(session, search).await? else { return Ok(None) };
    let Some((sql, values)) = page(session, search, &found, request) else {
        return Ok(Some(nothing(request)));
    };
    let known = search.patient.is_some() || session.actor.patient().is_some();
    let slots: Vec<Slot> = rows(session, sql, values, |cols| {
        let mut slot = read_slot(cols)?;
        let tier = tier(cols.take()?);
        slot.tier = known.then_some(tier);
        slot.held_until = cols.opt()?;
        slot.held_by = cols.opt_enum::<ActorKind>()?.map(Into::into);
        Ok(slot)
    })
    .await?;
    // A mark tells of the patient; free times alone do not.
    if let Some(patient) = session.actor.patient().filter(|_| slots.iter().any(|s| s.held_until.is_some())) {
        session.trail.read(patient);
    }
    Ok(Some(Page::of_rows(slots, request, place)))
}

/// A page without times.
pub fn nothing(request: &PageRequest<SlotPlace>) -> Page<Slot> {
    Page::of_rows(Vec::new(), request, place)
}

const DOCTOR: i32 = 1;
const TEAM: i32 = 2;
const UNIT: i32 = 3;

fn tier(number: i32) -> SlotTier {
    match number {
        DOCTOR => SlotTier::YourDoctor,
        TEAM => SlotTier::YourTeam,
        _ => SlotTier::TheUnit,
    }
}

fn place(slot: &Slot) -> SlotPlace {
    let tier = match slot.tier {
        Some(SlotTier::YourDoctor) => DOCTOR,
        Some(SlotTier::YourTeam) => TEAM,
        Some(SlotTier::TheUnit) | None => UNIT,
    };
    SlotPlace { tier, at: slot.starts_at, id: slot.id.id }
}

/// What decides which times are offered, and in which order.
#[derive(Debug, Default)]
struct Standing {
    types: Vec<Uuid>,
    doctors: BTreeSet<Uuid>,
    team: BTreeSet<Uuid>,
    /// The assignment of the contact that was asked for.
    contact: Option<Uuid>,
}

/// Values, each with its place in the statement.
struct Values(Vec<Value>);

impl Values {
    fn put(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    fn list(&mut self, all: impl IntoIterator<Item = impl Into<Value>>) -> String {
        all.into_iter().map(|value| self.put(value)).collect::<Vec<_>>().join(", ")
    }
}

async fn standing(session: &Session, search: &Search) -> Result<Option<Standing>, Fault> {
    let who = Who::from(&session.actor);
    let mut values = Values(reach_values(&session.actor, session.now()));
    let staff = session.actor.staff();
    let whom = session.actor.patient().or(search.patient);
    let patient = values.put(whom.map_or(Uuid::nil(), |id| id.0));
    let mut within = match staff {
        Some(_) => "t.care_unit_id = $2 AND t.retired_at IS NULL".to_owned(),
        None => self_booking_sql("t", "$1", "$4"),
    };
    let mut narrowed = staff.is_some();
    let mut and = |condition: String| {
        within.push_str(" AND ");
        within.push_str(&condition);
    };
    if !search.units.is_empty() {
        narrowed = true;
        and(format!("t.care_unit_id IN ({})", values.list(search.units.iter().map(|id| id.0))));
    }
    if !search.types.is_empty() {
        narrowed = true;
        and(format!("t.id IN ({})", values.list(search.types.iter().map(|id| id.0))));
    }
    if !search.modes.is_empty() {
        and(format!("t.mode IN ({})", values.list(search.modes.iter().map(|mode| mode.as_str().to_owned()))));
    }
    if let Some(assignment) = search.assignment {
        narrowed = true;
        let assignment = values.put(assignment.0);
        and(format!("t.care_unit_id IN (SELECT care_unit_id FROM assignment WHERE id = {assignment})"));
    }
    if let Some(contact) = search.contact {
        narrowed = true;
        let contact = values.put(contact.0);
        and(format!(
            "t.care_unit_id IN (SELECT x.care_unit_id FROM assignment x JOIN care_contact c ON c.assignment_id = x.id \
             WHERE c.id = {contact} AND c.patient_id = {patient})"
        ));
    }
    if !narrowed {
        // The units that the patient knows.
        and("t.care_unit_id IN (SELECT care_unit_id FROM patient WHERE id = $1 UNION SELECT care_unit_id FROM \
             care_relation WHERE patient_id = $1 AND valid_from <= $4 AND (valid_until IS NULL OR valid_until > $4))"
            .to_owned());
    }
    let mut sql = format!(
        "SELECT * FROM (SELECT 'TYPE', t.id, t.id FROM appointment_type t WHERE {within} ORDER BY t.id LIMIT {TYPES}) t"
    );
    if whom.is_some() {
        let reach = reach_sql(who, Noun::Patient, "p.id", None);
        sql = format!(
            "{sql} UNION ALL SELECT 'PATIENT', p.id, p.id FROM patient p WHERE p.id = {patient} AND {reach} \
             UNION ALL SELECT c.role, c.assignment_id, c.id FROM care_contact c WHERE c.patient_id = {patient} \
             AND c.assignment_id IS NOT NULL AND c.ended_at IS NULL AND c.valid_from <= $4 \
             AND (c.valid_until IS NULL OR c.valid_until > $4)"
        );
    }
    let mut found = Standing::default();
    let mut reached = whom.is_none();
    for (kind, id, row) in rows(session, sql, values.0, |cols| {
        Ok((cols.take::<String>()?, cols.take::<Uuid>()?, cols.take::<Uuid>()?))
    })
    .await?
    {
        if search.contact.is_some_and(|asked| asked.0 == row) {
            found.contact = Some(id);
        }
        if kind == "TYPE" {
            found.types.push(id);
        } else if kind == "PATIENT" {
            reached = true;
        } else if kind == care_contact::Role::FastLakarkontakt.as_str() {
            found.doctors.insert(id);
        } else if kind != care_contact::Role::Supporter.as_str() {
            found.team.insert(id);
        }
    }
    found.team = &found.team - &found.doctors;
    Ok(reached.then_some(found))
}

/// The statement of a page; none when nothing can be found.
fn page(
    session: &Session,
    search: &Search,
    found: &Standing,
    request: &PageRequest<SlotPlace>,
) -> Option<(String, Vec<Value>)> {
    if found.types.is_empty() || (search.contact.is_some() && found.contact.is_none()) {
        return None;
    }
    let limit = request.first + 1;
    let now = session.now();
    let from = search.from.map_or(now, |from| Ord::max(from, now));
    // What begins now can no longer be booked.
    let id = if from > now { Uuid::nil() } else { Uuid::max() };
    let first = SlotPlace { tier: DOCTOR, at: from, id };
    let after = request.after.clone().unwrap_or_else(|| first.clone());
    let mut values = Values(Vec::new());
    let until = search.until.map(|until| values.put(until));
    // A page goes on in its tier; the tiers after it begin at the beginning.
    let going = if after.at < from { &first } else { &after };
    let goes_on = (values.put(going.at), values.put(going.id));
    let begins = (values.put(from), values.put(id));
    let span = |tier: i32, at: &str, id: &str| {
        let (start, row) = if tier == after.tier { &goes_on } else { &begins };
        let end = until.as_ref().map(|until| format!(" AND {at} < {until}")).unwrap_or_default();
        format!("({at}, {id}) > ({start}, {row}){end}")
    };
    let own_choice = session.actor.staff().is_none();
    let slices = search.slices.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let in_slices =
        if slices.is_empty() { String::new() } else { format!(" AND s.time_slice IN ({slices})") };
    let types = values.list(found.types.iter().copied());
    let doctors = values.list(found.doctors.iter().copied());
    let team = values.list(found.team.iter().copied());
    let not_of = |people: &[&str]| {
        let people: Vec<&str> = people.iter().copied().filter(|list| !list.is_empty()).collect();
        if people.is_empty() {
            return String::new();
        }
        format!(
            " AND NOT EXISTS (SELECT 1 FROM slot_staff o WHERE o.slot_id = s.id AND o.assignment_id IN ({}))",
            people.join(", ")
        )
    };
    let mut branches = Vec::new();
    let asked = found.contact.or(search.assignment.map(|id| id.0));
    let people = found
        .doctors
        .iter()
        .map(|id| (DOCTOR, *id))
        .chain(found.team.iter().map(|id| (TEAM, *id)))
        .chain(
            asked.filter(|id| !found.doctors.contains(id) && !found.team.contains(id)).map(|id| (UNIT, id)),
        )
        .filter(|(tier, id)| *tier >= after.tier && asked.is_none_or(|asked| asked == *id));
    let with = |people: &str| {
        format!(
            " AND EXISTS (SELECT 1 FROM slot_staff o WHERE o.slot_id = s.id AND o.assignment_id IN ({people}))"
        )
    };
    // Only to who may see the patient's times.
    let sees = policy::check(&session.actor, Noun::Appointment, Action::Read).is_ok();
    let whom = session.actor.patient().or(search.patient).filter(|_| sees);
    let holder = values.put(whom.map_or(Uuid::nil(), |id| id.0));
    let web = if own_choice { " AND s.web_bookable" } else { "" };
    let bookable = if own_choice {
        let moved = search.moved.map(|id| values.put(id.0));
        // The time that is moved stands in nobody's way but its own.
        let others =
            moved.map(|id| format!(" AND (own.id <> {id} OR own.slot_id = s.id)")).unwrap_or_default();
        let whose = format!("own.patient_id = {holder}{others}");
        format!(" AND {}", own_time_free(&whose, &values.put(began_since(now))))
    } else {
        // Staff may book over another time of the patient's, but nobody gets a second seat of one.
        format!(
            " AND NOT EXISTS (SELECT 1 FROM appointment own WHERE own.patient_id = {holder} \
             AND own.status <> 'CANCELLED' AND own.starts_at = s.starts_at AND own.slot_id = s.id)"
        )
    };
    for (own, person) in people {
        let person = values.put(person);
        let before = match own {
            DOCTOR => String::new(),
            TEAM => not_of(&[&doctors]),
            _ => not_of(&[&doctors, &team]),
        };
        let mut tiers = vec![(own, before)];
        // Of one person alone: times that they share with somebody who comes before them are found here or nowhere.
        if asked.is_some() && own > DOCTOR && !doctors.is_empty() {
            tiers.push((DOCTOR, with(&doctors)));
        }
        if asked.is_some() && own > TEAM && !team.is_empty() {
            tiers.push((TEAM, with(&team) + &not_of(&[&doctors])));
        }
        for (tier, shared) in tiers.into_iter().filter(|(tier, _)| *tier >= after.tier) {
            branches.push(format!(
                "SELECT {tier} AS tier, w.starts_at AS at, w.slot_id AS id FROM slot_staff w JOIN slot s ON s.id = w.slot_id \
                 WHERE w.assignment_id = {person} AND {} AND s.open_seats > 0 AND s.withdrawn_at IS NULL{web}{bookable} \
                 AND s.appointment_type_id IN ({types}){in_slices}{shared} ORDER BY w.starts_at, w.slot_id LIMIT {limit}",
                span(tier, "w.starts_at", "w.slot_id")
            ));
        }
    }
    let current = values.put(now);
    if whom.is_some() {
        let only = asked.map(|id| with(&values.put(id))).unwrap_or_default();
        let tiers = [
            (DOCTOR, (!doctors.is_empty()).then(|| with(&doctors))),
            (TEAM, (!team.is_empty()).then(|| with(&team) + &not_of(&[&doctors]))),
            (UNIT, Some(not_of(&[&doctors, &team]))),
        ];
        for (tier, whose) in tiers {
            let Some(whose) = whose.filter(|_| tier >= after.tier) else { continue };
            branches.push(format!(
                "SELECT {tier} AS tier, h.starts_at AS at, h.slot_id AS id FROM seat_claim h JOIN slot s ON s.id = h.slot_id \
                 WHERE h.patient_id = {holder} AND h.held_until > {current} AND {} AND s.withdrawn_at IS NULL{web} \
                 AND s.appointment_type_id IN ({types}){in_slices}{only}{whose} ORDER BY h.starts_at, h.slot_id LIMIT {limit}",
                span(tier, "h.starts_at", "h.slot_id")
            ));
        }
    }
    if asked.is_none() {
        let web: &[&str] = if own_choice { &["TRUE"] } else { &["TRUE", "FALSE"] };
        let apart = !search.slices.is_empty()
            && found.types.len() * web.len() * search.slices.len() + branches.len() <= BRANCHES;
        let parts: Vec<String> = if apart {
            search.slices.iter().map(|slice| format!(" AND s.time_slice = {slice}")).collect()
        } else {
            vec![in_slices]
        };
        let others = not_of(&[&doctors, &team]);
        let span = span(UNIT, "s.starts_at", "s.id");
        for (n, _) in found.types.iter().enumerate() {
            let kind = types.split(", ").nth(n).unwrap_or_default();
            for web in web {
                for part in &parts {
                    branches.push(format!(
                        "SELECT {UNIT} AS tier, s.starts_at AS at, s.id AS id FROM slot s \
                         WHERE s.appointment_type_id = {kind} AND s.web_bookable = {web}{part} AND s.open_seats > 0 \
                         AND s.withdrawn_at IS NULL AND {span}{others}{bookable} ORDER BY s.starts_at, s.id LIMIT {limit}"
                    ));
                }
            }
        }
    }
    if branches.is_empty() {
        return None;
    }
    let branches: Vec<String> =
        branches.iter().enumerate().map(|(n, sql)| format!("SELECT * FROM ({sql}) b{n}")).collect();
    let sql = format!(
        "SELECT {}, f.tier, mine.held_until, mine.by_kind FROM (SELECT DISTINCT tier, at, id FROM ({}) u \
         ORDER BY tier, at, id LIMIT {limit}) f JOIN slot s ON s.id = f.id {SLOT_JOINS} \
         LEFT JOIN seat_claim mine ON mine.slot_id = s.id AND mine.patient_id = {holder} AND mine.held_until > {current} \
         ORDER BY f.tier, f.at, f.id",
        slot_columns(),
        branches.join(" UNION ALL ")
    );
    Some((sql, values.0))
}

/// That no time `own` which fulfils `whose` lies over the slot `s`, which is ahead. `since` is the place of
/// [`began_since`].
pub fn own_time_free(whose: &str, since: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM appointment own WHERE {whose} AND own.status <> 'CANCELLED' \
         AND own.starts_at > {since} AND own.starts_at < s.ends_at AND own.ends_at > s.starts_at)"
    )
}

/// No time is as long as a day: what began before this is over, and is not looked at.
pub fn began_since(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::days(1)
}

/// Reads the rows of one statement.
pub async fn rows<T>(
    session: &Session,
    sql: String,
    values: Vec<Value>,
    read: impl Fn(&mut Cols<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            let rows = db.query_all_raw(statement).await?;
            rows.iter().map(|row| read(&mut Cols::new(row))).collect()
        })
        .await
}
