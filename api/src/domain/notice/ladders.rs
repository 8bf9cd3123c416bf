//! The reminders of appointments: planned with the booking, and anew when what they follow from changes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use entity::{
    AppointmentTypeId, CareUnitId, NoticeId, PatientId, appointment,
    contact_way::Channel,
    notice::{self, Kind, State},
    patient, reminder_ladder,
    reminder_preference::PreferenceKind,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{LockType, Query},
};
use uuid::Uuid;

use super::{
    Planned, Way, by_hand, by_patient,
    known::known_start,
    ways::{self, Recipient},
    withdraw_where, write,
};
use crate::{
    db::Tx,
    domain::ladder::{Booking, DEFAULT, First, Rule, Rung, Step, ladder},
    error::Fault,
    session::Session,
};

/// How many appointments are planned anew with one set of statements: their reminders fit in one insertion.
const AT_ONCE: usize = 100;

/// The ladders in force of units, and of kinds of appointment that have their own.
#[derive(Clone, Debug, Default)]
pub struct Ladders(BTreeMap<Uuid, Vec<Step>>);

impl Ladders {
    /// The one of a kind of appointment: its own, else the unit's, else the default.
    pub fn of(&self, kind: AppointmentTypeId, unit: CareUnitId) -> &[Step] {
        self.0.get(&kind.0).or_else(|| self.0.get(&unit.0)).map_or(&DEFAULT[..], Vec::as_slice)
    }
}

/// The ladders in force for these subjects: appointment types and units.
pub async fn in_force(
    db: &impl ConnectionTrait,
    subjects: impl IntoIterator<Item = Uuid>,
) -> Result<Ladders, Fault> {
    use reminder_ladder::Column as C;
    let decided = reminder_ladder::Entity::find()
        .filter(C::SubjectId.is_in(subjects))
        .order_by_asc(C::Number)
        .all(db)
        .await?;
    let mut ladders = BTreeMap::new();
    for row in decided {
        match &row.rungs {
            Some(rungs) => {
                ladders.insert(row.subject_id, serde_json::from_str(rungs).map_err(Fault::internal)?)
            }
            None => ladders.remove(&row.subject_id),
        };
    }
    Ok(Ladders(ladders))
}

/// When a time was booked or moved, and from when it was moved.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// Rungs before this are left out.
    pub at: DateTime<Utc>,
    pub moved_from: Option<DateTime<Utc>>,
    /// Whether the patient knows the time as it is: then nothing confirms it.
    pub known: bool,
}

/// Plans the ladder of an appointment: each rung by the first of its ways that was said yes to. What care has moved is
/// told, whatever the ladder.
pub async fn plan_reminders(
    tx: &Tx,
    session: &Session,
    whom: &patient::Model,
    booked: &appointment::Model,
    since: Since,
) -> Result<(), Fault> {
    let ways = ways::of(tx, session, whom, PreferenceKind::Appointment).await?;
    if ways.is_empty() {
        return by_hand::plan(tx, session, whom, booked).await;
    }
    let ladders = in_force(tx, [booked.appointment_type_id.0, booked.care_unit_id.0]).await?;
    let mut steps = ladders.of(booked.appointment_type_id, booked.care_unit_id).to_vec();
    let moved_by_care = booked.schedule_version > 1 && !by_patient(session);
    if moved_by_care && !steps.iter().any(|step| step.rule == Rule::Confirmation) {
        steps.push(Step { rule: Rule::Confirmation, first: First::Mail });
    }
    write(tx, session, reminders(session, booked, &steps, &ways, since)).await
}

/// Plans anew what a patient's times still have ahead.
pub async fn replan_patient(tx: &Tx, session: &Session, whom: PatientId) -> Result<(), Fault> {
    replan(tx, session, appointment::Column::PatientId.eq(whom).into()).await
}

/// [`replan`] of many patients, who are all held first, in the order of their ids as everywhere.
pub async fn replan_all(tx: &Tx, session: &Session, which: Condition) -> Result<(), Fault> {
    use appointment::Column as C;
    let whose = Query::select()
        .column((appointment::Entity, C::PatientId))
        .from(appointment::Entity)
        .cond_where(which.clone())
        .and_where(C::Status.eq(appointment::Status::Booked))
        .and_where(C::StartsAt.gt(session.now()))
        .to_owned();
    patient::Entity::find()
        .select_only()
        .column(patient::Column::Id)
        .filter(patient::Column::Id.in_subquery(whose))
        .order_by_asc(patient::Column::Id)
        .lock(LockType::NoKeyUpdate)
        .into_tuple::<PatientId>()
        .all(tx)
        .await?;
    replan(tx, session, which).await
}

/// Plans anew what appointments still have ahead, by the choices, the ladders and the representatives as they are now.
///
/// A rung that now goes another way, to somebody else, or not at all, is taken back where it was to go before, so that
/// nobody is reminded twice. What was due already is left alone: it may be on its way, or wait for another attempt. A
/// confirmation belongs to the booking and is not sent afterwards.
async fn replan(tx: &Tx, session: &Session, which: Condition) -> Result<(), Fault> {
    use appointment::Column as C;
    let mut after: Option<entity::AppointmentId> = None;
    loop {
        let mut page = appointment::Entity::find()
            .filter(which.clone())
            .filter(C::Status.eq(appointment::Status::Booked))
            .filter(C::StartsAt.gt(session.now()));
        if let Some(after) = after {
            page = page.filter(C::Id.gt(after));
        }
        let page = page.order_by_asc(C::Id).limit(AT_ONCE as u64).all(tx).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        some_anew(tx, session, &page).await?;
        if page.len() < AT_ONCE {
            return Ok(());
        }
    }
}

async fn some_anew(tx: &Tx, session: &Session, ahead: &[appointment::Model]) -> Result<(), Fault> {
    let now = session.now();
    let whom = patient::Entity::find()
        .filter(patient::Column::Id.is_in(ahead.iter().map(|booked| booked.patient_id)))
        .all(tx)
        .await?;
    let ways = ways::of_all(tx, session, &whom, PreferenceKind::Appointment).await?;
    let ladders =
        in_force(tx, ahead.iter().flat_map(|b| [b.appointment_type_id.0, b.care_unit_id.0])).await?;
    let mut planned = Vec::new();
    let mut dropped: BTreeMap<&'static str, Vec<NoticeId>> = BTreeMap::new();
    let standing = standing(tx, ahead).await?;
    let told_by_hand = by_hand::anew(tx, session, ahead, &whom, &ways).await?;
    for booked in ahead {
        let steps = ladders.of(booked.appointment_type_id, booked.care_unit_id);
        let ways = ways.get(&booked.patient_id).map_or(&[][..], Vec::as_slice);
        let since = Since { at: now, moved_from: None, known: true };
        let wanted = reminders(session, booked, steps, ways, since);
        let keys: BTreeSet<String> = wanted.iter().map(Planned::key).collect();
        for notice in standing.iter().filter(|notice| notice.appointment_id == Some(booked.id)) {
            let rule = notice.rule.as_str();
            let reason = if !steps.iter().any(|step| step.rule.as_str() == rule) {
                "LADDER_CHANGED"
            } else if wanted.iter().any(|w| w.rule == rule) && !keys.contains(&notice.dedupe_key) {
                "OTHER_CHANNEL"
            } else if told_by_hand.contains(&booked.id) && notice.due_at > now {
                "BY_HAND"
            } else {
                continue;
            };
            dropped.entry(reason).or_default().push(notice.id);
        }
        planned.extend(wanted);
    }
    for (reason, ids) in dropped {
        withdraw_where(tx, notice::Column::Id.is_in(ids), reason).await?;
    }
    write(tx, session, planned).await
}

/// The reminders that have not left yet, without the confirmations.
async fn standing(tx: &Tx, of: &[appointment::Model]) -> Result<Vec<notice::Model>, Fault> {
    use notice::Column as C;
    Ok(notice::Entity::find()
        .filter(C::AppointmentId.is_in(of.iter().map(|booked| booked.id)))
        .filter(C::Kind.eq(Kind::Reminder))
        .filter(C::Rule.ne(Rule::Confirmation.as_str()))
        .filter(C::State.is_in([State::Planned, State::Claimed]))
        .all(tx)
        .await?)
}

/// The notices of the ladder, whatever is stored already: to each recipient by the first of the rung's ways; by all of
/// them what must be told before the hours begin.
fn reminders(
    session: &Session,
    booked: &appointment::Model,
    steps: &[Step],
    ways: &[Way],
    since: Since,
) -> Vec<Planned> {
    let hang_on = Booking {
        starts_at: booked.starts_at,
        booked_at: since.at,
        cancel_by: booked.cancel_by,
        mode: booked.mode,
        moved_from: since.moved_from,
        by_patient: by_patient(session),
    };
    let mut recipients: Vec<Uuid> = Vec::new();
    let id = |recipient: Recipient| recipient.id(booked.patient_id);
    for way in ways {
        if !recipients.contains(&id(way.recipient)) {
            recipients.push(id(way.recipient));
        }
    }
    let hours = session.core.settings.hours;
    // Care has moved a time that the patient will soon be on the way to: if one way fails, the other may be too late.
    let is_urgent = |rung: &Rung| !hang_on.by_patient && !hours.is_open(rung.due_at);
    let mut planned = Vec::new();
    let is_left_out = |rung: &Rung| since.known && rung.rule == Rule::Confirmation;
    for rung in ladder(&hang_on, hours, steps).into_iter().filter(|rung| !is_left_out(rung)) {
        for recipient in &recipients {
            let own = || ways.iter().filter(|way| id(way.recipient) == *recipient);
            let chosen = |channel: &Channel| own().find(|way| way.channel == *channel);
            let by = rung.channels.iter().filter_map(chosen);
            let rule = rung.rule.as_str();
            for way in by.take(if is_urgent(&rung) { usize::MAX } else { 1 }) {
                let notice = Planned::about(booked, Kind::Reminder, rule, *way, rung.due_at);
                planned.push(Planned { useless_at: helps_until(rule, booked), ..notice });
            }
        }
    }
    planned
}

/// Until when what is told of a visit helps: after the last moment to cancel, the rung before it helps nobody any more;
/// the later ones remind.
pub(super) fn helps_until(rule: &str, visit: &appointment::Model) -> DateTime<Utc> {
    match visit.status {
        appointment::Status::Cancelled => known_start(visit),
        _ if rule == Rule::BeforeDeadline.as_str() => visit.cancel_by,
        _ => visit.starts_at,
    }
}
