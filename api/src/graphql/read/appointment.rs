//! Booked times and free ones, read from flat rows.

use async_graphql::Context;
use chrono::{DateTime, Utc};
use entity::{PatientId, SlotHoldId, appointment::Status};
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use super::{
    cols::{Cols, staff_columns, unit_columns},
    node::{SLOT_JOINS, read_slot, slot_columns},
    rows::rows,
};
use crate::{
    auth::{
        actor::Actor,
        policy::{self, Action, Noun, Who, reach_sql, reach_values},
    },
    crypto::Place,
    domain::{
        booking::rules::{self, Standing},
        patient::needs::ACCESS_NEEDS,
    },
    error::{Fault, Problem},
    graphql::{
        page::{Page, PageRequest},
        scalars::{GlobalId, LanguageTag, NodeKind},
        types::{
            booking::{
                AcceptedConditions, Appointment, AppointmentType, Permission, PlanItemSummary, SlotHold,
            },
            enums::WebBooking,
        },
        user_error::{fault, refused, session},
    },
    session::Session,
};

/// The columns of an [`Appointment`], for `ap` (appointment), `apt` (its type), `apu` (its unit), `aps` (staff), `app`
/// (patient), and `api` (plan item) with `apr` (its wording).
pub fn columns() -> String {
    format!(
        "ap.id, ap.status, ap.origin, ap.booking_channel, ap.mode, ap.starts_at, ap.ends_at, ap.cancel_by, \
         ap.confirmed_at, ap.confirmed_by, ap.booked_by, ap.outcome_at, ap.patient_id, app.interpreter_language, \
         app.access_needs, ap.row_version, ap.conditions, ap.conditions_version, ap.conditions_accepted_at, \
         ap.conditions_accepted_by, ap.cancelled_at, ap.cancelled_by, api.id, api.care_provider_id, apr.id, apr.title, \
         {}, {}, {}",
        type_columns("apt"),
        unit_columns("apu"),
        staff_columns("aps"),
    )
}

/// How many columns [`columns`] names.
pub const COLUMNS: usize = 26 + TYPE_COLUMNS + 4 + 2;

/// The joins that [`columns`] needs beside `ap`.
pub const JOINS: &str = "LEFT JOIN appointment_type apt ON apt.id = ap.appointment_type_id \
     LEFT JOIN care_unit apu ON apu.id = ap.care_unit_id \
     LEFT JOIN assignment apa ON apa.id = ap.assignment_id \
     LEFT JOIN staff_member aps ON aps.id = apa.staff_member_id \
     LEFT JOIN patient app ON app.id = ap.patient_id \
     LEFT JOIN plan_item api ON api.id = ap.plan_item_id \
     LEFT JOIN agreement apg ON apg.id = api.agreement_id \
     LEFT JOIN version_item apv ON apv.version_id = apg.current_version_id AND apv.plan_item_id = api.id \
     LEFT JOIN plan_item_revision apr ON apr.id = apv.plan_item_revision_id";

/// The columns of an [`AppointmentType`] under a table alias.
pub fn type_columns(alias: &str) -> String {
    format!(
        "{alias}.id, {alias}.name, {alias}.mode, {alias}.length_minutes, {alias}.seats, {alias}.web_booking, \
         {alias}.conditions, {alias}.preparation, {alias}.cancel_working_days, {alias}.staff_needed, \
         {alias}.retired_at, {alias}.row_version"
    )
}

const TYPE_COLUMNS: usize = 12;

/// Reads [`columns`] after a left join.
pub fn opt_appointment(cols: &mut Cols<'_>, session: &Session) -> Result<Option<Appointment>, Fault> {
    let Some(id) = cols.opt::<Uuid>()? else {
        cols.skip(COLUMNS - 1);
        return Ok(None);
    };
    let status: Status = cols.text_enum()?;
    let origin: entity::appointment::Origin = cols.text_enum()?;
    let booking_channel: entity::appointment::BookingChannel = cols.text_enum()?;
    let mode: entity::appointment_type::Mode = cols.text_enum()?;
    let (starts_at, ends_at): (DateTime<Utc>, DateTime<Utc>) = (cols.take()?, cols.take()?);
    let cancel_by: DateTime<Utc> = cols.take()?;
    let confirmed_at: Option<DateTime<Utc>> = cols.opt()?;
    let confirmed_by: Option<entity::access_event::ActorKind> = cols.opt_enum()?;
    let booked_by: entity::access_event::ActorKind = cols.text_enum()?;
    let outcome_at = cols.opt()?;
    let patient: Uuid = cols.take()?;
    let interpreter: Option<String> = cols.opt()?;
    let needs = cols.opt_sealed()?;
    let needs = session.core.keys.open_opt(Place::new(ACCESS_NEEDS, patient), needs.as_ref())?;
    let row_version = cols.take()?;
    let accepted_conditions = accepted_conditions(cols)?;
    let cancelled_at = cols.opt()?;
    let cancelled_by: Option<entity::access_event::ActorKind> = cols.opt_enum()?;
    let plan_item = plan_item(cols, session)?;
    let appointment_type = appointment_type(cols)?;
    let care_unit = cols.unit()?;
    let staff = cols.opt_staff()?;
    let standing = Standing {
        status,
        starts_at,
        cancel_by,
        confirmed: confirmed_at.is_some(),
        web_bookable: appointment_type.web_booking != WebBooking::Nobody
            && appointment_type.retired_at.is_none(),
        care_unit: care_unit.id.id.into(),
        unit_phone: &care_unit.phone.0,
    };
    let may = |action, rule: fn(&Actor, &Standing<'_>, DateTime<Utc>) -> Result<(), Problem>| {
        let asked = policy::check(&session.actor, Noun::Appointment, action)
            .and_then(|()| rule(&session.actor, &standing, session.now()));
        Permission::of(asked, session.locale)
    };
    let can_cancel = may(Action::Cancel, rules::may_change);
    let can_rebook = may(Action::Book, rules::may_rebook);
    let can_confirm = may(Action::Confirm, rules::may_confirm);
    let can_record_outcome = may(Action::Complete, rules::may_record);
    Ok(Some(Appointment {
        id: GlobalId::new(NodeKind::Appointment, id),
        status: status.into(),
        origin: origin.into(),
        booking_channel: booking_channel.into(),
        mode: mode.into(),
        starts_at,
        ends_at,
        appointment_type,
        staff,
        care_unit,
        cancel_by,
        can_cancel,
        can_rebook,
        can_confirm,
        can_record_outcome,
        confirmed_at,
        confirmed_by: confirmed_by.map(Into::into),
        booked_by: booked_by.into(),
        cancelled_at,
        cancelled_by: cancelled_by.map(Into::into),
        outcome_at,
        accepted_conditions,
        plan_item,
        interpreter_language: interpreter.map(LanguageTag),
        access_needs: needs,
        row_version,
    }))
}

/// The plan item, where the caller may see it: staff those of their own care provider, whoever reads the time.
fn plan_item(cols: &mut Cols<'_>, session: &Session) -> Result<Option<PlanItemSummary>, Fault> {
    let (id, provider): (Option<Uuid>, Option<Uuid>) = (cols.opt()?, cols.opt()?);
    let (revision, title): (Option<Uuid>, _) = (cols.opt()?, cols.opt_sealed()?);
    let allowed = policy::check(&session.actor, Noun::PlanItem, Action::Read).is_ok()
        && session.actor.staff().is_none_or(|staff| Some(staff.care_provider.0) == provider);
    let (Some(id), Some((revision, title)), true) = (id, revision.zip(title), allowed) else {
        return Ok(None);
    };
    let title = session.core.keys.open(Place::new("plan_item_revision.title", revision), &title)?;
    Ok(Some(PlanItemSummary { id: GlobalId::new(NodeKind::PlanItem, id), title }))
}

fn accepted_conditions(cols: &mut Cols<'_>) -> Result<Option<AcceptedConditions>, Fault> {
    let (text, version): (Option<String>, Option<i32>) = (cols.opt()?, cols.opt()?);
    let at: Option<DateTime<Utc>> = cols.opt()?;
    let by: Option<entity::access_event::ActorKind> = cols.opt_enum()?;
    let Some(((text, type_row_version), (accepted_at, by))) = text.zip(version).zip(at.zip(by)) else {
        return Ok(None);
    };
    Ok(Some(AcceptedConditions { text, type_row_version, accepted_at, accepted_by: by.into() }))
}

/// Reads [`type_columns`].
pub fn appointment_type(cols: &mut Cols<'_>) -> Result<AppointmentType, Fault> {
    Ok(AppointmentType {
        id: GlobalId::new(NodeKind::AppointmentType, cols.take::<Uuid>()?),
        name: cols.take()?,
        mode: cols.text_enum::<entity::appointment_type::Mode>()?.into(),
        length_minutes: cols.take()?,
        seats: cols.take()?,
        web_booking: cols.text_enum::<entity::appointment_type::WebBooking>()?.into(),
        conditions: cols.opt()?,
        preparation: cols.opt()?,
        cancel_working_days: cols.take()?,
        staff_needed: cols.take()?,
        retired_at: cols.opt()?,
        row_version: cols.take()?,
    })
}

/// The holds that satisfy `filter` (on `h`, its values from `$6`), are not over, and can be booked still.
async fn holds_where(
    session: &Session,
    filter: &str,
    value: Value,
) -> Result<Vec<(PatientId, SlotHold)>, Fault> {
    let reach =
        reach_sql(Who::from(&session.actor), Noun::Appointment, "h.patient_id", Some("h.care_provider_id"));
    let sql = format!(
        "SELECT h.id, h.patient_id, h.held_until, h.by_kind, {} FROM seat_claim h JOIN slot s ON s.id = h.slot_id {SLOT_JOINS} \
         WHERE {reach} AND h.held_until > $5 AND s.withdrawn_at IS NULL AND {filter} ORDER BY h.held_until, h.id",
        slot_columns(),
    );
    let found = rows(session, sql, [session.now().into(), value]).await?;
    found
        .iter()
        .map(|row| {
            let cols = &mut Cols::new(row);
            let id: Uuid = cols.take()?;
            let patient = PatientId(cols.take()?);
            let held_until = cols.take()?;
            let by: entity::access_event::ActorKind = cols.text_enum()?;
            let slot = read_slot(cols)?;
            let id = GlobalId::new(NodeKind::SlotHold, id);
            Ok((patient, SlotHold { id, slot, held_until, held_by: by.into() }))
        })
        .collect()
}

/// What is held for a patient now.
pub async fn holds(session: &Session, patient: Uuid) -> Result<Vec<SlotHold>, Fault> {
    let found = holds_where(session, "h.patient_id = $6", patient.into()).await?;
    Ok(found.into_iter().map(|(_, hold)| hold).collect())
}

/// A hold by id, until it is over.
pub async fn hold(ctx: &Context<'_>, id: SlotHoldId) -> async_graphql::Result<Option<SlotHold>> {
    let session = session(ctx);
    if policy::check(&session.actor, Noun::Appointment, Action::Read).is_err() {
        return Err(refused(session));
    }
    let found = holds_where(session, "h.id = $6", id.0.into()).await.map_err(|e| fault(session, &e))?.pop();
    let Some((patient, hold)) = found else {
        session.trail.denied("NOT_FOUND", None);
        return Ok(None);
    };
    session.trail.read(patient);
    Ok(Some(hold))
}

/// The appointments of a patient that satisfy `filter` (on `ap`, its values from `$6`), in `order`, at most `limit`.
pub async fn of_patient(
    session: &Session,
    db: &impl ConnectionTrait,
    patient: Uuid,
    filter: &str,
    values: impl IntoIterator<Item = Value>,
    order: &str,
    limit: u64,
) -> Result<Vec<Appointment>, Fault> {
    let reach =
        reach_sql(Who::from(&session.actor), Noun::Appointment, "ap.patient_id", Some("ap.care_provider_id"));
    let sql = format!(
        "SELECT {} FROM appointment ap {JOINS} WHERE {reach} AND ap.patient_id = $5 AND {filter} ORDER BY {order} LIMIT {limit}",
        columns()
    );
    let mut all = reach_values(&session.actor, session.now());
    all.push(patient.into());
    all.extend(values);
    let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, all)).await?;
    rows.iter().filter_map(|row| opt_appointment(&mut Cols::new(row), session).transpose()).collect()
}

/// A page of the patient's booked times, for one who has more than a plan holds: the latest first, or with `upcoming`
/// those still ahead, the soonest first.
pub async fn page(
    session: &Session,
    patient: Uuid,
    upcoming: bool,
    request: &PageRequest<Uuid>,
    counted: bool,
) -> Result<Page<Appointment>, Fault> {
    let (filter, direction, beyond) = if upcoming {
        ("ap.status = 'BOOKED' AND ap.starts_at >= $6", "ASC", ">")
    } else {
        ("1 = 1", "DESC", "<")
    };
    let after = if request.after.is_some() {
        format!(
            " AND (ap.starts_at, ap.id) {beyond} (SELECT c.starts_at, c.id FROM appointment c \
             WHERE c.id = $7 AND c.patient_id = ap.patient_id)"
        )
    } else {
        String::new()
    };
    let mut values: Vec<Value> = vec![session.now().into()];
    values.extend(request.after.map(Value::from));
    let order = format!("ap.starts_at {direction}, ap.id {direction}");
    let rows = session
        .core
        .db
        .read(async |db| {
            let filter = format!("{filter}{after}");
            of_patient(session, db, patient, &filter, values, &order, request.first as u64 + 1).await
        })
        .await?;
    let total = if counted { Some(count(session, patient, filter).await?) } else { None };
    Ok(Page::of_rows(rows, request, |time| time.id.id).with_total(total))
}

async fn count(session: &Session, patient: Uuid, filter: &str) -> Result<i32, Fault> {
    let reach =
        reach_sql(Who::from(&session.actor), Noun::Appointment, "ap.patient_id", Some("ap.care_provider_id"));
    let sql =
        format!("SELECT COUNT(*) FROM appointment ap WHERE {reach} AND ap.patient_id = $5 AND {filter}");
    let mut values = reach_values(&session.actor, session.now());
    values.extend([patient.into(), session.now().into()]);
    session
        .core
        .db
        .read(async |db| -> Result<_, Fault> {
            let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
            let row = db.query_one_raw(statement).await?;
            let count: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
            Ok(i32::try_from(count).unwrap_or(i32::MAX))
        })
        .await
}

/// The patient's times that are not cancelled, from the first or beyond one, the soonest first.
pub async fn following(
    session: &Session,
    patient: Uuid,
    beyond: Option<(DateTime<Utc>, Uuid)>,
    limit: u64,
) -> Result<Vec<Appointment>, Fault> {
    let filter = match beyond {
        Some(_) => "ap.status <> 'CANCELLED' AND (ap.starts_at, ap.id) > ($6, $7)",
        None => "ap.status <> 'CANCELLED'",
    };
    let values = beyond.into_iter().flat_map(|(at, id)| [Value::from(at), id.into()]);
    session
        .core
        .db
        .read(async |db| of_patient(session, db, patient, filter, values, "ap.starts_at, ap.id", limit).await)
        .await
}

/// One of the patient's times.
pub async fn one_of_patient(
    session: &Session,
    patient: Uuid,
    id: Uuid,
) -> Result<Option<Appointment>, Fault> {
    session
        .core
        .db
        .read(async |db| of_patient(session, db, patient, "ap.id = $6", [id.into()], "ap.id", 1).await)
        .await
        .map(|found| found.into_iter().next())
}
