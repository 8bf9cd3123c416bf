//! Wishes for a time (önskemål om tid), and the offers of freed times (återbudstider) to those who wait.
//!
//! A freed seat goes in the transaction that freed it to whoever waits for it, the oldest wish first, and the patients
//! of a fast läkarkontakt before others for that doctor's times. The seat is kept for the patient until the offer is
//! answered or its time is over: then it goes to the next, by the sweep. One seat and one wish have one offer at a
//! time, kept so by the database, so that several sweeps at once make one offer. What nobody books on the web is offered by
//! phone: the sweep raises a task.

pub mod answer;
pub mod change;
pub mod leave;
pub mod left;
pub mod offer;
pub mod rules;
pub mod sweep;
pub mod withdraw;

use chrono::{DateTime, Utc};
use entity::{AppointmentId, AppointmentTypeId, care_relation, task::Kind, time_offer, time_wish};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::json;

use crate::{
    db::Tx,
    domain::{
        act::{self, Event, by},
        history::{self, Change, Owner},
        relation,
        task::{self, Ending},
    },
    error::Fault,
    session::Session,
};

impl From<&time_wish::Model> for Owner {
    fn from(row: &time_wish::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: None,
        }
    }
}

impl From<&time_offer::Model> for Owner {
    fn from(row: &time_offer::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: None,
        }
    }
}

/// Nobody books such times on the web from now on: of each who waits for one the unit is told anew, since nothing will be
/// offered to them.
pub(crate) async fn off_the_web(tx: &Tx, kind: AppointmentTypeId) -> Result<(), Fault> {
    use time_wish::Column as C;
    time_wish::Entity::update_many()
        .col_expr(C::RaisedAt, Expr::value(None::<DateTime<Utc>>))
        .filter(C::AppointmentTypeId.eq(kind))
        .filter(C::Status.eq(time_wish::Status::Open))
        .exec(tx)
        .await?;
    Ok(())
}

/// Something happened to a wish.
fn event(kind: &'static str, wish: &time_wish::Model) -> Event {
    Event {
        kind,
        patient: wish.patient_id,
        care_unit: wish.care_unit_id,
        care_provider: wish.care_provider_id,
        subject: wish.id.0,
    }
}

/// What of a wish stands in the history.
fn shown(wish: &time_wish::Model) -> serde_json::Value {
    json!({
        "status": wish.status, "from": wish.from_on, "until": wish.until_on, "noticeMinutes": wish.notice_minutes,
        "byPhone": wish.by_phone,
    })
}

/// Ends an open wish; false when it had ended or changed meanwhile. `expected` is the row version that was read.
async fn end(
    tx: &Tx,
    session: &Session,
    wish: &time_wish::Model,
    to: time_wish::Status,
    booked: Option<AppointmentId>,
    expected: i32,
    action: &'static str,
) -> Result<bool, Fault> {
    use time_wish::Column as C;
    let (by_kind, by_id) = by(session);
    let changed = time_wish::Entity::update_many()
        .set(time_wish::ActiveModel {
            status: Set(to),
            appointment_id: Set(booked),
            ended_at: Set(Some(session.now())),
            ended_by_kind: Set(Some(by_kind)),
            ended_by_id: Set(Some(by_id)),
            row_version: Set(expected.saturating_add(1)),
            ..Default::default()
        })
        .filter(C::Id.eq(wish.id))
        .filter(C::Status.eq(time_wish::Status::Open))
        .filter(C::RowVersion.eq(expected))
        .exec(tx)
        .await?;
    if changed.rows_affected != 1 {
        return Ok(false);
    }
    let ending = if to == time_wish::Status::Booked { Ending::Done } else { Ending::Withdrawn };
    task::end(tx, session, Kind::TimeWish, wish.id.0, ending, None).await?;
    relation::end(tx, wish.patient_id, care_relation::Source::Appointment, wish.id.0, session.now()).await?;
    let change = Change {
        kind: "time_wish",
        subject: wish.id.0,
        before: Some(json!({ "status": wish.status })),
        after: Some(json!({ "status": to })),
    };
    history::record(tx, session, wish.into(), action, [change]).await?;
    let kind = match to {
        time_wish::Status::Booked => "time_wish.booked",
        time_wish::Status::Expired => "time_wish.expired",
        _ => "time_wish.withdrawn",
    };
    act::emit(tx, session, [event(kind, wish)]).await?;
    Ok(true)
}
