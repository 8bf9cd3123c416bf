//! Wishes for a time, each with its place and the offer that is out: one statement, however many.

use async_graphql::{Context, Result as GraphqlResult};
use chrono::{DateTime, NaiveDate, Utc};
use entity::{
    CareUnitId, PatientId, TimeOfferId, TimeWishId, patient::ProtectedIdentity, time_offer, time_wish,
};
use sea_orm::Value;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    appointment::{appointment_type, type_columns},
    cols::{Cols, staff_columns, unit_columns},
    rows::rows,
};
use crate::{
    auth::policy::{Action, Noun, Who, allows, reach_sql},
    domain::time_wish::rules::modes,
    error::Fault,
    graphql::{
        page::{Page, PageRequest},
        scalars::{Date, GlobalId, NodeKind},
        types::{
            booking::Slot,
            enums::Weekday,
            people::PatientSummary,
            time_wish::{DaySpan, TimeOffer, TimeWish},
        },
        user_error::{fault, session},
    },
    session::Session,
};

/// Where a page goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WishPlace {
    at: DateTime<Utc>,
    id: Uuid,
}

/// The wishes in reach that satisfy `condition` (on `w` and `o`, its values from `$5`); `offer` says which offer is
/// shown with each.
async fn find(
    session: &Session,
    offer: &str,
    condition: &str,
    own: Vec<Value>,
    limit: usize,
) -> Result<Vec<TimeWish>, Fault> {
    let who = Who::from(&session.actor);
    if !allows(who, Noun::TimeWish, Action::Read) {
        return Ok(Vec::new());
    }
    let reach = reach_sql(who, Noun::TimeWish, "w.patient_id", Some("w.care_provider_id"));
    let sql = format!(
        "SELECT w.id, w.status, w.patient_id, p.given_name, p.family_name, p.protected_identity, {}, {}, {}, \
         w.weekdays, w.spans, w.modes, w.from_on, w.until_on, w.notice_minutes, w.by_phone, w.answer_by, w.unanswered, \
         w.created_at, w.ended_at, w.row_version, \
         (SELECT count(*) FROM time_wish q WHERE q.appointment_type_id = w.appointment_type_id AND q.status = 'OPEN' \
           AND (q.created_at < w.created_at OR (q.created_at = w.created_at AND q.id < w.id))), \
         o.id, o.status, o.offered_at, o.answer_by, s.id, s.starts_at, s.ends_at, s.open_seats, s.seats, {} \
         FROM time_wish w JOIN patient p ON p.id = w.patient_id \
         JOIN appointment_type apt ON apt.id = w.appointment_type_id JOIN care_unit u ON u.id = w.care_unit_id \
         LEFT JOIN assignment wa ON wa.id = w.assignment_id LEFT JOIN staff_member wm ON wm.id = wa.staff_member_id \
         LEFT JOIN time_offer o ON o.wish_id = w.id AND {offer} LEFT JOIN slot s ON s.id = o.slot_id \
         LEFT JOIN assignment sa ON sa.id = s.assignment_id LEFT JOIN staff_member sm ON sm.id = sa.staff_member_id \
         WHERE {reach} AND {condition} \
         ORDER BY CASE w.status WHEN 'OPEN' THEN 0 ELSE 1 END, w.created_at, w.id LIMIT {limit}",
        type_columns("apt"),
        unit_columns("u"),
        staff_columns("wm"),
        staff_columns("sm"),
    );
    let rows = rows(session, sql, own).await?;
    let wishes = rows.iter().map(|row| read(&mut Cols::new(row))).collect::<Result<Vec<_>, Fault>>()?;
    for wish in &wishes {
        session.trail.read(PatientId(wish.patient.id.id));
    }
    Ok(wishes)
}

fn read(cols: &mut Cols<'_>) -> Result<TimeWish, Fault> {
    let id: Uuid = cols.take()?;
    let status: time_wish::Status = cols.text_enum()?;
    let patient = PatientSummary {
        id: GlobalId::new(NodeKind::Patient, cols.take::<Uuid>()?),
        given_name: cols.take()?,
        family_name: cols.take()?,
        protected_identity: cols.text_enum::<ProtectedIdentity>()?.into(),
    };
    let kind = appointment_type(cols)?;
    let care_unit = cols.unit()?;
    let staff = cols.opt_staff()?;
    let days: i32 = cols.take()?;
    let spans: Vec<[String; 2]> = serde_json::from_str(&cols.take::<String>()?).map_err(Fault::internal)?;
    let ways = modes(&cols.take::<String>()?)?;
    let (from, until): (NaiveDate, NaiveDate) = (cols.take()?, cols.take()?);
    let (notice_minutes, by_phone) = (cols.take()?, cols.take()?);
    let (answer_by, unanswered_offers) = (cols.take()?, cols.take()?);
    let (created_at, ended_at, row_version) = (cols.take()?, cols.opt()?, cols.take()?);
    let before: i64 = cols.take()?;
    let open = status == time_wish::Status::Open;
    let mut wish = TimeWish {
        id: GlobalId::new(NodeKind::TimeWish, id),
        status: status.into(),
        patient,
        appointment_type: kind,
        care_unit,
        staff,
        weekdays: Weekday::ALL.into_iter().filter(|day| days & day.bit() != 0).collect(),
        times: spans.into_iter().map(|[from, until]| DaySpan { from, until }).collect(),
        modes: ways.into_iter().map(Into::into).collect(),
        from: Date(from),
        until: Date(until),
        notice_minutes,
        by_phone,
        place: open.then(|| i32::try_from(before + 1).unwrap_or(i32::MAX)),
        answer_by,
        offer: None,
        unanswered_offers,
        created_at,
        ended_at,
        row_version,
    };
    if let Some(offer) = cols.opt::<Uuid>()? {
        let status: time_offer::Status = cols.text_enum()?;
        let (offered_at, answer_by) = (cols.take()?, cols.take()?);
        let slot = Slot {
            id: GlobalId::new(NodeKind::Slot, cols.take::<Uuid>()?),
            starts_at: cols.take()?,
            ends_at: cols.take()?,
            open_seats: cols.take()?,
            seats: cols.take()?,
            appointment_type: wish.appointment_type.clone(),
            staff: cols.opt_staff()?,
            care_unit: wish.care_unit.clone(),
            tier: None,
            held_until: None,
            held_by: None,
        };
        let id = GlobalId::new(NodeKind::TimeOffer, offer);
        wish.offer = Some(TimeOffer { id, status: status.into(), slot, offered_at, answer_by });
    }
    Ok(wish)
}

const OUT: &str = "o.status = 'OPEN'";

/// The wishes of a patient.
pub async fn of_patient(session: &Session, patient: PatientId) -> Result<Vec<TimeWish>, Fault> {
    find(session, OUT, "w.patient_id = $5", vec![patient.0.into()], 100).await
}

/// Who waits at a unit, the oldest first.
pub async fn of_unit(
    session: &Session,
    unit: CareUnitId,
    request: &PageRequest<WishPlace>,
) -> Result<Page<TimeWish>, Fault> {
    let start = WishPlace { at: DateTime::<Utc>::UNIX_EPOCH, id: Uuid::nil() };
    let after = request.after.as_ref().unwrap_or(&start);
    let condition = "w.care_unit_id = $5 AND w.status = 'OPEN' AND (w.created_at > $6 OR (w.created_at = $6 AND w.id > $7))";
    let own = vec![unit.0.into(), after.at.into(), after.id.into()];
    let found = find(session, OUT, condition, own, request.first + 1).await?;
    Ok(Page::of_rows(found, request, |wish| WishPlace { at: wish.created_at, id: wish.id.id }))
}

/// A wish by id.
pub async fn wish(ctx: &Context<'_>, id: TimeWishId) -> GraphqlResult<Option<TimeWish>> {
    one(session(ctx), OUT, "w.id = $5", id.0).await
}

/// An offer by id, whatever became of it.
pub async fn offer(ctx: &Context<'_>, id: TimeOfferId) -> GraphqlResult<Option<TimeOffer>> {
    Ok(one(session(ctx), "o.id = $5", "o.id = $5", id.0).await?.and_then(|wish| wish.offer))
}

async fn one(session: &Session, offer: &str, condition: &str, id: Uuid) -> GraphqlResult<Option<TimeWish>> {
    let found =
        find(session, offer, condition, vec![id.into()], 1).await.map_err(|e| fault(session, &e))?.pop();
    if found.is_none() {
        session.trail.denied("NOT_FOUND", None);
    }
    Ok(found)
}
