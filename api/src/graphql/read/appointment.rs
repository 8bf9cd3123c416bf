//! Booked times and free ones, read from flat rows.

use chrono::{DateTime, Utc};
use entity::appointment::Status;
use sea_orm::{ConnectionTrait, Statement, Value};
use uuid::Uuid;

use super::cols::{Cols, staff_columns, unit_columns};
use crate::{
    auth::{
        actor::Actor,
        policy::{Noun, Who, reach_sql, reach_values},
    },
    domain::booking::rules::{Changeable, may_change as may},
    error::Fault,
    graphql::{
        scalars::{GlobalId, NodeKind},
        types::booking::{Appointment, AppointmentType, Permission},
    },
    locale::Locale,
    session::Session,
};

/// The columns of an [`Appointment`], for `ap` (appointment), `apt` (its type), `apu` (its unit) and `aps` (staff).
pub fn columns() -> String {
    format!(
        "ap.id, ap.status, ap.origin, ap.booking_channel, ap.mode, ap.starts_at, ap.ends_at, ap.cancel_by, \
         ap.confirmed_at, ap.row_version, {}, {}, {}",
        type_columns("apt"),
        unit_columns("apu"),
        staff_columns("aps"),
    )
}

/// How many columns [`columns`] names.
pub const COLUMNS: usize = 10 + TYPE_COLUMNS + 4 + 2;

/// The joins that [`columns`] needs beside `ap`.
pub const JOINS: &str = "LEFT JOIN appointment_type apt ON apt.id = ap.appointment_type_id \
     LEFT JOIN care_unit apu ON apu.id = ap.care_unit_id \
     LEFT JOIN assignment apa ON apa.id = ap.assignment_id \
     LEFT JOIN staff_member aps ON aps.id = apa.staff_member_id";

/// The columns of an [`AppointmentType`] under a table alias.
pub fn type_columns(alias: &str) -> String {
    format!(
        "{alias}.id, {alias}.name, {alias}.mode, {alias}.length_minutes, {alias}.web_bookable, \
         {alias}.cancel_working_days, {alias}.preparation"
    )
}

const TYPE_COLUMNS: usize = 7;

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
    let confirmed_at = cols.opt()?;
    let row_version = cols.take()?;
    let appointment_type = appointment_type(cols)?;
    let care_unit = cols.unit()?;
    let staff = cols.opt_staff()?;
    let change = may_change(
        &session.actor,
        status,
        starts_at,
        cancel_by,
        session.now(),
        session.locale,
        &care_unit.phone.0,
    );
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
        can_cancel: change.clone(),
        can_rebook: change,
        confirmed_at,
        row_version,
    }))
}

/// Reads [`type_columns`].
pub fn appointment_type(cols: &mut Cols<'_>) -> Result<AppointmentType, Fault> {
    Ok(AppointmentType {
        id: GlobalId::new(NodeKind::AppointmentType, cols.take::<Uuid>()?),
        name: cols.take()?,
        mode: cols.text_enum::<entity::appointment_type::Mode>()?.into(),
        length_minutes: cols.take()?,
        web_bookable: cols.take()?,
        cancel_working_days: cols.take()?,
        preparation: cols.opt()?,
    })
}

/// Whether the caller may cancel or rebook now. Patients until the deadline, staff until it begins.
pub fn may_change(
    actor: &Actor,
    status: Status,
    starts_at: DateTime<Utc>,
    cancel_by: DateTime<Utc>,
    now: DateTime<Utc>,
    locale: Locale,
    phone: &str,
) -> Permission {
    let time = Changeable { status, starts_at, cancel_by, unit_phone: phone };
    let reason = may(actor, &time, now).err().map(|problem| problem.text.in_locale(locale).to_owned());
    Permission { allowed: reason.is_none(), reason }
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
