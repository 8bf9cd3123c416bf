//! Appointment types (besökstyper): what a unit offers, and under what conditions.

use entity::{
    AppointmentTypeId, CareUnitId, appointment_type,
    appointment_type::{Column as C, Mode, WebBooking},
    schedule,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use serde::Serialize;

use crate::{
    auth::policy::{self, Action, Noun},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        booking::rules::{CELL_MINUTES, SEATS_AT_MOST},
        schedule::{
            STAFF_AT_MOST,
            change::{Change, To, carry_out, to_rebook},
            fallen::Fallen,
        },
        text::{TEXT, TITLE, optional, required},
        time_wish,
    },
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// The longest time, in minutes.
const LONGEST: i32 = 12 * 60;
/// The most working days before a visit at which cancelling may close.
const CANCEL_AT_MOST: i32 = 30;

/// What is said of a type.
#[derive(Clone, Debug, Serialize)]
pub struct Terms {
    pub name: String,
    pub mode: Mode,
    pub length_minutes: i32,
    pub seats: i32,
    pub web_booking: WebBooking,
    pub conditions: Option<String>,
    pub preparation: Option<String>,
    pub cancel_working_days: i32,
    pub staff_needed: i32,
}

/// What is to be done.
#[derive(Clone, Debug, Serialize)]
pub enum Turn {
    Create {
        unit: CareUnitId,
        terms: Terms,
    },
    /// Published and booked times keep what they were published and booked with.
    Change {
        id: AppointmentTypeId,
        expected_row_version: i32,
        terms: Terms,
    },
    /// No new times and no new bookings.
    Retire {
        id: AppointmentTypeId,
        expected_row_version: i32,
        /// End its schedules with it, today; else they must have ended.
        end_schedules: bool,
    },
}

impl Turn {
    const fn mutation(&self) -> &'static str {
        match self {
            Self::Create { .. } => "appointmentTypeCreate",
            Self::Change { .. } => "appointmentTypeChange",
            Self::Retire { .. } => "appointmentTypeRetire",
        }
    }
}

impl Terms {
    /// Trimmed, or everything that is wrong.
    fn read(&self) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut number = |field: &str, value: i32, least: i32, most: i32| {
            if !(least..=most).contains(&value) {
                problems.push(Problem::input(
                    field,
                    format!("Ange {least}–{most}."),
                    format!("Give {least} to {most}."),
                ));
            }
        };
        number("seats", self.seats, 1, SEATS_AT_MOST);
        number("cancelWorkingDays", self.cancel_working_days, 0, CANCEL_AT_MOST);
        number("staffNeeded", self.staff_needed, 0, STAFF_AT_MOST as i32);
        number("lengthMinutes", self.length_minutes, CELL_MINUTES as i32, LONGEST);
        if self.length_minutes % CELL_MINUTES as i32 != 0 {
            problems.push(Problem::input(
                "lengthMinutes",
                "Ange längden i hela femtal minuter.",
                "The length is whole five minutes.",
            ));
        }
        let name = required("name", &self.name, TITLE, &mut problems);
        let conditions = optional("conditions", self.conditions.as_deref(), TEXT, &mut problems);
        let preparation = optional("preparation", self.preparation.as_deref(), TEXT, &mut problems);
        if problems.is_empty() {
            Ok(Self { name, conditions, preparation, ..self.clone() })
        } else {
            Err(problems)
        }
    }

    /// As the table has them.
    fn columns(self) -> appointment_type::ActiveModel {
        appointment_type::ActiveModel {
            name: Set(self.name),
            mode: Set(self.mode),
            length_minutes: Set(self.length_minutes),
            seats: Set(self.seats),
            web_booking: Set(self.web_booking),
            conditions: Set(self.conditions),
            preparation: Set(self.preparation),
            cancel_working_days: Set(self.cancel_working_days),
            staff_needed: Set(self.staff_needed),
            ..Default::default()
        }
    }
}

/// Creates, changes or retires a type of the caller's own unit.
pub async fn turn(session: &Session, key: &str, cmd: &Turn) -> Result<Receipt, Fault> {
    act::perform(session, cmd.mutation(), key, cmd, async |tx| {
        let done = |id: AppointmentTypeId| Ok(Done::impersonal().with("appointmentType", id));
        match cmd {
            Turn::Create { unit, terms } => {
                let own = policy::own_unit(
                    &session.actor,
                    Noun::AppointmentType,
                    Action::Create,
                    *unit,
                    "careUnitId",
                )?;
                let terms = terms.read()?;
                let id = AppointmentTypeId(session.core.clock.uuid());
                let row = appointment_type::ActiveModel {
                    id: Set(id),
                    care_unit_id: Set(own.care_unit),
                    care_provider_id: Set(own.care_provider),
                    created_at: Set(session.now()),
                    row_version: Set(1),
                    ..terms.columns()
                };
                appointment_type::Entity::insert(row).exec_without_returning(tx).await?;
                done(id)
            }
            Turn::Change { id, expected_row_version, terms } => {
                let row = own(tx, session, *id).await?;
                let terms = terms.read()?;
                if row.length_minutes != terms.length_minutes && !schedules(tx, *id).await?.is_empty() {
                    return Err(Problem::new(
                        ProblemCode::Conflict,
                        "Längden styr tidböcker som gäller. Avsluta dem först, eller skapa en ny besökstyp.",
                        "The length rules schedules in force. End them first, or create another type.",
                    )
                    .at("lengthMinutes")
                    .into());
                }
                let off_the_web = row.web_booking != WebBooking::Nobody && terms.web_booking == WebBooking::Nobody;
                write(tx, *id, *expected_row_version, terms.columns()).await?;
                if off_the_web {
                    time_wish::off_the_web(tx, *id).await?;
                }
                done(*id)
            }
            Turn::Retire { id, expected_row_version, end_schedules } => {
                own(tx, session, *id).await?;
                let going = schedules(tx, *id).await?;
                if !going.is_empty() && !end_schedules {
                    let count = going.len();
                    return Err(Problem::new(
                        ProblemCode::Conflict,
                        format!("Besökstypen har tidböcker som gäller: {count}. Avsluta dem först, eller samtidigt."),
                        format!("The type has schedules in force: {count}. End them first, or at the same time."),
                    )
                    .at("endSchedules")
                    .into());
                }
                let mut fallen = Fallen::default();
                for row in &going {
                    let end = Change {
                        schedule: row.id,
                        expected_row_version: row.row_version,
                        to: To::End(None),
                        skip_clashes: true,
                    };
                    let of = carry_out(tx, session, row, &end).await?;
                    fallen.slots.extend(of.slots);
                    fallen.patients.extend(of.patients);
                }
                let retired = appointment_type::ActiveModel {
                    retired_at: Set(Some(session.now())),
                    ..Default::default()
                };
                write(tx, *id, *expected_row_version, retired).await?;
                Ok(to_rebook(Done::impersonal().with("appointmentType", *id), fallen))
            }
        }
    })
    .await
}

/// The type, in use at the caller's own unit.
async fn own(tx: &Tx, session: &Session, id: AppointmentTypeId) -> Result<appointment_type::Model, Stop> {
    let field = "appointmentTypeId";
    policy::as_staff(&session.actor, Noun::AppointmentType, Action::Set)?;
    let row = appointment_type::Entity::find_by_id(id).one(tx).await?;
    let row = row.ok_or_else(|| Problem::not_found(field))?;
    policy::own_unit(&session.actor, Noun::AppointmentType, Action::Set, row.care_unit_id, field)?;
    if row.retired_at.is_some() {
        return Err(crate::domain::booking::publish::retired().into());
    }
    Ok(row)
}

/// The schedules in force that publish times of the type.
async fn schedules(tx: &Tx, id: AppointmentTypeId) -> Result<Vec<schedule::Model>, Fault> {
    let of = schedule::Entity::find()
        .filter(schedule::Column::AppointmentTypeId.eq(id))
        .filter(schedule::Column::EndedAt.is_null())
        .order_by_asc(schedule::Column::Id);
    Ok(of.all(tx).await?)
}

async fn write(
    tx: &Tx,
    id: AppointmentTypeId,
    expected: i32,
    changed: appointment_type::ActiveModel,
) -> Result<(), Stop> {
    let written = appointment_type::Entity::update_many()
        .set(changed)
        .col_expr(C::RowVersion, Expr::col(C::RowVersion).add(1))
        .filter(C::Id.eq(id))
        .filter(C::RowVersion.eq(expected))
        .filter(C::RetiredAt.is_null())
        .exec(tx)
        .await?
        .rows_affected;
    if written == 1 { Ok(()) } else { Err(Problem::stale().into()) }
}
