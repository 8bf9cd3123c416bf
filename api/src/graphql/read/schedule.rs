//! Schedules of a unit, for its own staff: one statement, and one more where booked times have fallen out.

use std::collections::BTreeSet;

use async_graphql::{Context, Result};
use chrono::NaiveDate;
use entity::{CareUnitId, ScheduleId};
use sea_orm::Value;
use uuid::Uuid;

use super::{
    appointment,
    cols::staff_columns,
    free::rows,
    node::{SLOT_JOINS, read_slot, slot_columns},
};
use crate::{
    auth::policy::{self, Action, Noun},
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{Date, GlobalId, NodeKind},
        types::schedule::{ClockSpan, Schedule},
        user_error::{fault, refused, session},
    },
    session::Session,
};

/// Times that are shown of each, at most.
const SHOWN: usize = 100;

/// A schedule by id, of the caller's own unit.
pub async fn schedule(ctx: &Context<'_>, id: ScheduleId) -> Result<Option<Schedule>> {
    let session = session(ctx);
    let Ok(own) = policy::as_staff(&session.actor, Noun::Schedule, Action::Read) else {
        return Err(refused(session));
    };
    let values = vec![own.care_unit.0.into(), id.0.into()];
    let found = load(session, "AND x.id = $2", 1, values).await.map_err(|e| fault(session, &e))?;
    Ok(found.into_iter().next())
}

/// A page of the schedules of the unit that staff act under, the oldest first.
pub async fn of_unit(
    session: &Session,
    unit: CareUnitId,
    request: &PageRequest<Uuid>,
) -> Result<Page<Schedule>, Fault> {
    let after = request.after.unwrap_or(Uuid::nil());
    let found = load(session, "AND x.id > $2", request.first + 1, vec![unit.0.into(), after.into()]).await?;
    Ok(Page::of_rows(found, request, |schedule| schedule.id.id))
}

async fn load(
    session: &Session,
    which: &str,
    limit: usize,
    mut values: Vec<Value>,
) -> Result<Vec<Schedule>, Fault> {
    values.push(session.now().into());
    let sql = format!(
        "SELECT x.id, {}, x.rule, x.valid_from, x.valid_until, x.block_from, x.block_until, x.pauses, x.except_days, \
         x.extra_days, x.on_closed_days, x.seats, x.web_bookable, x.published_until, x.ended_at, x.row_version, \
         CASE WHEN EXISTS (SELECT 1 FROM slot s WHERE s.schedule_id = x.id AND {}) THEN 1 ELSE 0 END, {} \
         FROM (SELECT * FROM schedule x WHERE x.care_unit_id = $1 {which} ORDER BY x.id LIMIT {limit}) x \
         JOIN appointment_type apt ON apt.id = x.appointment_type_id \
         LEFT JOIN schedule_staff w ON w.schedule_id = x.id LEFT JOIN assignment xa ON xa.id = w.assignment_id \
         LEFT JOIN staff_member m ON m.id = xa.staff_member_id ORDER BY x.id, w.place",
        appointment::type_columns("apt"),
        fallen_sql("$3"),
        staff_columns("m"),
    );
    let mut schedules: Vec<Schedule> = Vec::new();
    let found = rows(session, sql, values, |cols| {
        let days = |text: String| -> Result<Vec<Date>, Fault> {
            let days: Vec<NaiveDate> = serde_json::from_str(&text).map_err(Fault::internal)?;
            Ok(days.into_iter().map(Date).collect())
        };
        let schedule = Schedule {
            id: GlobalId::new(NodeKind::Schedule, cols.take::<Uuid>()?),
            appointment_type: appointment::appointment_type(cols)?,
            rule: cols.take()?,
            valid_from: Date(cols.take()?),
            valid_until: cols.opt()?.map(Date),
            block: ClockSpan { from: cols.take()?, until: cols.take()? },
            pauses: {
                let pairs: Vec<(String, String)> =
                    serde_json::from_str(&cols.take::<String>()?).map_err(Fault::internal)?;
                pairs.into_iter().map(|(from, until)| ClockSpan { from, until }).collect()
            },
            except_days: days(cols.take()?)?,
            extra_days: days(cols.take()?)?,
            on_closed_days: cols.take()?,
            seats: cols.take()?,
            web_bookable: cols.take()?,
            published_until: Date(cols.take()?),
            ended_at: cols.opt()?,
            row_version: cols.take()?,
            to_rebook: Vec::new(),
            staff: Vec::new(),
        };
        let fallen = cols.take::<i32>()? == 1;
        let staff = cols.opt_staff()?.into_iter().collect();
        Ok((Schedule { staff, ..schedule }, fallen))
    })
    .await?;
    let mut fallen: BTreeSet<Uuid> = BTreeSet::new();
    for (row, some) in found {
        if some {
            fallen.insert(row.id.id);
        }
        match schedules.last_mut().filter(|last| last.id == row.id) {
            Some(last) => last.staff.extend(row.staff),
            None => schedules.push(row),
        }
    }
    if !fallen.is_empty() {
        load_fallen(session, &fallen, &mut schedules).await?;
    }
    Ok(schedules)
}

/// Whether the slot `s` is ahead of `now`, out of its schedule, and booked.
fn fallen_sql(now: &str) -> String {
    format!(
        "s.withdrawal = 'BY_SCHEDULE' AND s.starts_at > {now} AND EXISTS (SELECT 1 FROM appointment b \
         WHERE b.slot_id = s.id AND b.status = 'BOOKED')"
    )
}

async fn load_fallen(
    session: &Session,
    of: &BTreeSet<Uuid>,
    schedules: &mut [Schedule],
) -> Result<(), Fault> {
    let places: Vec<String> = (2..of.len() + 2).map(|n| format!("${n}")).collect();
    let sql = format!(
        "SELECT s.schedule_id, {} FROM slot s {SLOT_JOINS} WHERE {} AND s.schedule_id IN ({}) \
         ORDER BY s.starts_at, s.id",
        slot_columns(),
        fallen_sql("$1"),
        places.join(", "),
    );
    let values = [Value::from(session.now())].into_iter().chain(of.iter().map(|id| (*id).into())).collect();
    for (id, slot) in rows(session, sql, values, |cols| Ok((cols.take::<Uuid>()?, read_slot(cols)?))).await? {
        let schedule = schedules.iter_mut().find(|schedule| schedule.id.id == id);
        if let Some(schedule) = schedule.filter(|schedule| schedule.to_rebook.len() < SHOWN) {
            schedule.to_rebook.push(slot);
        }
    }
    Ok(())
}
