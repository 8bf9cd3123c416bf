//! Times that clash, and times that could be taken together: read under the policy of the caller, compared in memory.
//! What the caller does not reach is not read, and so leaves no trace.

use std::collections::HashMap;

use chrono::{Days, NaiveTime, TimeDelta};
use entity::{CareUnitId, PatientId, PlanItemId, Sealed};
use sea_orm::Value;
use uuid::Uuid;

use super::{
    appointment,
    cols::{Cols, unit_columns},
    node::{SLOT_JOINS, open_to, open_values, read_slot, slot_columns},
    rows,
};
use crate::{
    auth::policy::{self, Action, Noun, Who, reach_sql, reach_values},
    calendar::to_instant,
    crypto::Place as Seal,
    domain::booking::clash::{self, Kind, Place, Time, day, is_sampling, one_sampling, same_journey},
    error::{Fault, Text},
    graphql::{
        scalars::{Date, GlobalId, NodeKind},
        types::{
            booking::{Appointment, Slot},
            clash::{AppointmentClash, BundledItem, BundlingKind, BundlingSuggestion},
        },
    },
    session::Session,
};

/// Times that are compared: the soonest.
const MOST: u64 = 500;
/// Clashes and suggestions shown.
const SHOWN: usize = 100;
/// Journeys that free times are looked for, and free times looked at for each.
const JOURNEYS: usize = 20;
const LOOKED_AT: usize = 50;
const OFFERED: usize = 3;
/// Visits this near each other, in days, could share a day.
const JOURNEY_DAYS: i64 = 7;
/// Samples due this near each other, in days, could be one.
const SAMPLING_DAYS: i64 = 14;

fn time(booked: &Appointment) -> Time {
    Time {
        starts_at: booked.starts_at,
        ends_at: booked.ends_at,
        place: Place::of(booked.mode.into(), CareUnitId(booked.care_unit.id.id)),
    }
}

/// The booked times ahead that the caller reaches, the soonest first.
async fn ahead(session: &Session, patient: PatientId) -> Result<Vec<Appointment>, Fault> {
    let (filter, order) = ("ap.status = 'BOOKED' AND ap.ends_at > $6", "ap.starts_at, ap.id");
    let now = session.now().into();
    session
        .core
        .db
        .read(async |db| appointment::of_patient(session, db, patient.0, filter, [now], order, MOST).await)
        .await
}

/// The clashes of a patient's booked times ahead, in order of time.
pub async fn clashes(session: &Session, patient: PatientId) -> Result<Vec<AppointmentClash>, Fault> {
    let booked = ahead(session, patient).await?;
    let times: Vec<Time> = booked.iter().map(time).collect();
    let found = clash::clashes(&times, &session.core.settings.booking);
    let minutes = |delta: TimeDelta| i32::try_from(delta.num_minutes()).unwrap_or(i32::MAX);
    Ok(found
        .into_iter()
        .take(SHOWN)
        .map(|clash| {
            let (between, needed) = (minutes(clash.between), minutes(clash.needed));
            let text = match clash.kind {
                Kind::Overlap => Text::new(
                    "Tiderna krockar. Boka om eller avboka en av dem.",
                    "The times overlap. Move or cancel one of them.",
                ),
                Kind::TooTight => Text::new(
                    format!("Det är {between} minuter mellan tiderna, och du kan behöva {needed}."),
                    format!("There are {between} minutes between the times, and you may need {needed}."),
                ),
            };
            AppointmentClash {
                kind: clash.kind.into(),
                first: booked[clash.first].clone(),
                second: booked[clash.second].clone(),
                minutes_between: between,
                minutes_needed: needed,
                message: text.in_locale(session.locale).to_owned(),
            }
        })
        .collect())
}

/// What a patient's times and samples ahead could be taken together.
pub async fn bundling(session: &Session, patient: PatientId) -> Result<Vec<BundlingSuggestion>, Fault> {
    let mut suggestions = same_day(session, &ahead(session, patient).await?).await?;
    if policy::check(&session.actor, Noun::PlanItem, Action::Read).is_ok() {
        suggestions.extend(samplings(session, patient).await?);
    }
    suggestions.truncate(SHOWN);
    Ok(suggestions)
}

/// Two visits to one address within a week, where one of them can move to the day of the other.
async fn same_day(session: &Session, booked: &[Appointment]) -> Result<Vec<BundlingSuggestion>, Fault> {
    let site = |of: &Appointment| {
        let address = of.care_unit.address.as_deref().map(|a| a.trim().to_lowercase());
        matches!(time(of).place, Place::Unit(_))
            .then(|| address.unwrap_or_else(|| of.care_unit.id.to_string()))
    };
    let times: Vec<(Time, Option<String>)> = booked.iter().map(|of| (time(of), site(of))).collect();
    // Either may move; the later one to the earlier day is looked at first.
    let moves: Vec<(usize, usize)> = same_journey(&times, JOURNEY_DAYS)
        .into_iter()
        .flat_map(|(early, late)| [(early, late), (late, early)])
        .filter(|(_, moved)| booked[*moved].can_rebook.allowed)
        .take(2 * JOURNEYS)
        .collect();
    let free = free_on(session, booked, &moves).await?;
    let rules = &session.core.settings.booking;
    let mut done: Vec<(usize, usize)> = Vec::new();
    let mut found = Vec::new();
    for ((keep, moved), slots) in moves.into_iter().zip(free) {
        let pair = (keep.min(moved), keep.max(moved));
        if done.contains(&pair) {
            continue;
        }
        let others: Vec<Time> =
            times.iter().enumerate().filter(|(n, _)| *n != moved).map(|(_, (time, _))| *time).collect();
        let mut slots: Vec<Slot> = slots
            .into_iter()
            .filter(|slot| {
                let new =
                    Time { starts_at: slot.starts_at, ends_at: slot.ends_at, place: times[moved].0.place };
                clash::fits(&new, &others, rules)
            })
            .collect();
        if slots.is_empty() {
            continue;
        }
        let start = booked[keep].starts_at;
        slots.sort_by_key(|slot| ((slot.starts_at - start).abs(), slot.starts_at));
        slots.truncate(OFFERED);
        done.push(pair);
        let message = session.locale.pick(
            "Det är två tider på samma plats inom en vecka. Båda går att ta samma dag.",
            "There are two times at the same place within a week. Both can be had on one day.",
        );
        found.push(BundlingSuggestion {
            kind: BundlingKind::SameDay,
            message: message.to_owned(),
            keep: Some(booked[keep].clone()),
            moves: Some(booked[moved].clone()),
            slots,
            items: Vec::new(),
        });
    }
    Ok(found)
}

/// For each move, the free times of its kind and unit on the day of what stays: one statement for all of them.
async fn free_on(
    session: &Session,
    booked: &[Appointment],
    moves: &[(usize, usize)],
) -> Result<Vec<Vec<Slot>>, Fault> {
    if moves.is_empty() {
        return Ok(Vec::new());
    }
    let mut values: Vec<Value> = vec![session.now().into()];
    let open = open_to(&session.actor, values.len() + 1);
    if session.actor.staff().is_none() {
        values.extend(open_values(session));
    }
    let mut parts = Vec::new();
    for (n, (keep, moved)) in moves.iter().enumerate() {
        let (of, on) = (&booked[*moved], day(booked[*keep].starts_at));
        let next = on.checked_add_days(Days::new(1)).unwrap_or(on);
        let at = values.len();
        values.extend([
            Value::from(of.care_unit.id.id),
            of.appointment_type.id.id.into(),
            to_instant(on.and_time(NaiveTime::MIN)).into(),
            to_instant(next.and_time(NaiveTime::MIN)).into(),
        ]);
        parts.push(format!(
            "SELECT id, n FROM (SELECT s.id, {n} AS n FROM slot s \
             JOIN appointment_type apt ON apt.id = s.appointment_type_id \
             WHERE s.open_seats > 0 AND s.withdrawn_at IS NULL AND s.care_unit_id = ${} \
             AND s.appointment_type_id = ${} AND s.starts_at >= ${} AND s.starts_at < ${} AND s.starts_at > $1{open} \
             ORDER BY s.starts_at, s.id LIMIT {LOOKED_AT}) AS part_{n}",
            at + 1,
            at + 2,
            at + 3,
            at + 4,
        ));
    }
    let sql = format!(
        "SELECT f.n, {} FROM ({}) f JOIN slot s ON s.id = f.id {SLOT_JOINS}",
        slot_columns(),
        parts.join(" UNION ALL "),
    );
    let rows = rows::run(session, sql, values).await?;
    let mut free: Vec<Vec<Slot>> = vec![Vec::new(); moves.len()];
    for row in &rows {
        let mut cols = Cols::new(row);
        let n: i32 = cols.take()?;
        if let Some(part) = free.get_mut(usize::try_from(n).unwrap_or(usize::MAX)) {
            part.push(read_slot(&mut cols)?);
        }
    }
    Ok(free)
}

/// Samples that several units have asked for: open examinations of agreements in force.
async fn samplings(session: &Session, patient: PatientId) -> Result<Vec<BundlingSuggestion>, Fault> {
    let reach =
        reach_sql(Who::from(&session.actor), Noun::PlanItem, "i.patient_id", Some("i.care_provider_id"));
    let sql = format!(
        "SELECT i.id, r.id, r.title, r.due_on, {} FROM agreement a \
         JOIN version_item w ON w.version_id = a.current_version_id JOIN plan_item i ON i.id = w.plan_item_id \
         JOIN plan_item_revision r ON r.id = w.plan_item_revision_id \
         JOIN care_unit u ON u.id = COALESCE(r.responsible_unit_id, i.care_unit_id) \
         WHERE {reach} AND a.patient_id = $5 AND i.patient_id = $5 AND a.status = 'ACTIVE' \
         AND i.status IN ('ACCEPTED', 'IN_PROGRESS') AND r.category = 'EXAMINATION' AND r.due_on >= $6 \
         ORDER BY r.due_on, i.id LIMIT {MOST}",
        unit_columns("u"),
    );
    let mut values = reach_values(&session.actor, session.now());
    values.extend([Value::from(patient.0), day(session.now()).into()]);
    let mut asked: HashMap<usize, BundledItem> = HashMap::new();
    let mut due = Vec::new();
    for row in &rows::run(session, sql, values).await? {
        let mut cols = Cols::new(row);
        let (item, revision): (Uuid, Uuid) = (cols.take()?, cols.take()?);
        let sealed = Sealed(cols.take()?);
        let title = session.core.keys.open(Seal::new("plan_item_revision.title", revision), &sealed)?;
        let (due_on, care_unit) = (cols.take()?, cols.unit()?);
        if is_sampling(&title) {
            due.push((due_on, care_unit.id));
            let id = GlobalId::new(NodeKind::PlanItem, PlanItemId(item).0);
            asked.insert(due.len() - 1, BundledItem { id, title, due_on: Date(due_on), care_unit });
        }
    }
    let message = session.locale.pick(
        "Flera mottagningar vill att du lämnar prov. Fråga om det kan göras vid ett och samma tillfälle.",
        "Several clinics want samples from you. Ask whether one visit can do for all of them.",
    );
    Ok(one_sampling(&due, SAMPLING_DAYS)
        .into_iter()
        .map(|group| BundlingSuggestion {
            kind: BundlingKind::OneSampling,
            message: message.to_owned(),
            keep: None,
            moves: None,
            slots: Vec::new(),
            items: group.iter().filter_map(|n| asked.remove(n)).collect(),
        })
        .collect())
}
