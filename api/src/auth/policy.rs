//! Every access rule, in one place. Deny by default.
//!
//! Two questions, in this order. [`allows`]: may this kind of actor ever do this to this kind of thing? Then the
//! row: does it belong to someone this actor reaches? The second is a condition in SQL: a statement under
//! [`reach`] that returns a row *is* the proof ([`Granted`]), and writes demand that proof, never a bare id.
//!
//! Who reaches a row of patient data:
//! - the patient: their own rows;
//! - staff: rows of their own care provider, of patients with whom their unit has a care relation in force;
//! - a representative (ombud): rows of the one they act for, within their rights; a young person likewise their own.
//!
//! Consent between providers, blocks (spärr) and emergency access (nödöppning) belong here, in the one rule of
//! [`row_condition`] and [`reach_sql`]; until they are in force the answer is the stricter one: no.

mod matrix;
mod reach;
mod scope;
mod self_booking;
mod surface;
mod task;

use std::ops::Deref;

use chrono::{DateTime, Utc};
use entity::{
    AppointmentTypeId, CareUnitId, PatientId, SlotId, agreement, agreement_offer, agreement_request,
    agreement_version, appointment, appointment_type, battery_answer_set, care_contact, contact_offer,
    contact_request, goal, item_concern, notice, patient, phone_call, plan_item, plan_link, progress_note,
    representative, safety_instruction, seat_claim, slot, task as task_row, thread, thread_message,
    time_offer, time_wish,
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, Iterable, ModelTrait, PrimaryKeyToColumn, QueryFilter,
    Statement, Value,
};

pub use self::{
    matrix::{Action, Noun, Who, allows},
    reach::{reach_sql, reach_values, row_condition},
    scope::{Area, Level, Rights},
    self_booking::self_booking_sql,
    surface::SURFACE,
    task::{task, task_sql},
};
use super::actor::{Actor, StaffActor};
use crate::{
    access,
    error::{Fault, Problem, Stop},
};

/// Proof that the policy lets this actor do `action` to `row`. Only this module makes one.
#[derive(Clone, Debug)]
pub struct Granted<M> {
    row: M,
    action: Action,
}

impl<M> Granted<M> {
    pub fn action(&self) -> Action {
        self.action
    }

    pub fn into_row(self) -> M {
        self.row
    }
}

impl<M> Deref for Granted<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.row
    }
}

/// A table of patient data: what a rule needs to know of it.
pub trait PatientData: EntityTrait {
    const NOUN: Noun;
    fn patient() -> Self::Column;
    /// None where a care relation alone decides: the patient row itself, which every provider shares.
    fn provider() -> Option<Self::Column>;
}

macro_rules! patient_data {
    ($($table:ident => $noun:ident),+ $(,)?) => {$(
        impl PatientData for $table::Entity {
            const NOUN: Noun = Noun::$noun;
            fn patient() -> Self::Column {
                $table::Column::PatientId
            }
            fn provider() -> Option<Self::Column> {
                Some($table::Column::CareProviderId)
            }
        }
    )+};
}

patient_data! {
    agreement => Agreement,
    agreement_offer => AgreementOffer,
    agreement_request => AgreementRequest,
    agreement_version => Agreement,
    appointment => Appointment,
    battery_answer_set => BatteryAnswer,
    care_contact => CareContact,
    contact_offer => ContactOffer,
    contact_request => ContactRequest,
    goal => Goal,
    item_concern => Concern,
    notice => Reminder,
    phone_call => CallLog,
    plan_item => PlanItem,
    plan_link => PlanLink,
    safety_instruction => SafetyInstruction,
    seat_claim => Appointment,
    progress_note => ProgressNote,
    representative => Representative,
    task_row => Task,
    thread => Thread,
    time_offer => TimeWish,
    time_wish => TimeWish,
    thread_message => Thread,
}

impl PatientData for patient::Entity {
    const NOUN: Noun = Noun::Patient;
    fn patient() -> Self::Column {
        patient::Column::Id
    }
    fn provider() -> Option<Self::Column> {
        None
    }
}

/// Refuses what the actor's kind may never do.
pub fn check(actor: &Actor, noun: Noun, action: Action) -> Result<(), Problem> {
    if allows(actor.into(), noun, action) { Ok(()) } else { Err(Problem::forbidden()) }
}

/// The row with this id, if the actor may do `action` to it. Missing and out of reach are the same refusal.
///
/// `field` names the input that carried the id.
pub async fn reach<E>(
    db: &impl ConnectionTrait,
    actor: &Actor,
    action: Action,
    id: impl Into<Value>,
    field: &str,
    now: DateTime<Utc>,
) -> Result<Granted<E::Model>, Stop>
where
    E: PatientData,
    E::Model: ModelTrait<Entity = E> + Send + Sync,
{
    check(actor, E::NOUN, action)?;
    let key = <E::PrimaryKey as Iterable>::iter().next().map(PrimaryKeyToColumn::into_column);
    let Some(key) = key else { return Err(Problem::not_found(field).into()) };
    let row = E::find().filter(key.eq(id.into())).filter(row_condition::<E>(actor, now)).one(db).await?;
    let row = row.ok_or_else(|| Problem::not_found(field))?;
    if let Value::Uuid(Some(patient)) = row.get(E::patient()) {
        access::reached(PatientId(patient));
    }
    Ok(Granted { row, action })
}

/// The care unit staff act under, if they may do `action` at it. Another unit is out of reach.
pub fn own_unit(
    actor: &Actor,
    noun: Noun,
    action: Action,
    unit: CareUnitId,
    field: &str,
) -> Result<Granted<StaffActor>, Problem> {
    check(actor, noun, action)?;
    match actor.staff() {
        Some(staff) if staff.care_unit == unit => Ok(Granted { row: staff.clone(), action }),
        _ => Err(Problem::not_found(field)),
    }
}

/// The acting staff member, if the role may do `action` to this noun at all.
pub fn as_staff(actor: &Actor, noun: Noun, action: Action) -> Result<Granted<StaffActor>, Problem> {
    check(actor, noun, action)?;
    actor.staff().map(|staff| Granted { row: staff.clone(), action }).ok_or_else(Problem::forbidden)
}

/// A published time that the actor may book: staff those of their own unit, patients those that are open to them.
pub async fn slot(
    db: &impl ConnectionTrait,
    actor: &Actor,
    action: Action,
    id: SlotId,
    field: &str,
    now: DateTime<Utc>,
) -> Result<Granted<slot::Model>, Stop> {
    check(actor, Noun::Appointment, action)?;
    let row = match (actor.staff(), actor.patient()) {
        (Some(staff), _) => {
            let own = slot::Entity::find_by_id(id).filter(slot::Column::WithdrawnAt.is_null());
            own.filter(slot::Column::CareUnitId.eq(staff.care_unit)).one(db).await?
        }
        (None, Some(patient)) => {
            let open = format!(
                "SELECT slot.* FROM slot JOIN appointment_type apt ON apt.id = slot.appointment_type_id WHERE \
                 slot.id = $3 AND slot.withdrawn_at IS NULL AND slot.web_bookable AND {}",
                self_booking_sql("apt", "$1", "$2")
            );
            let values = [Value::from(patient.0), Value::from(now), Value::from(id.0)];
            let open = Statement::from_sql_and_values(db.get_database_backend(), open, values);
            slot::Entity::find().from_raw_sql(open).one(db).await?
        }
        (None, None) => None,
    };
    row.map(|row| Granted { row, action }).ok_or_else(|| Problem::not_found(field).into())
}

/// Whether the actor may know that a time has been there which [`slot`] refuses: staff of their own unit, patients of one
/// that was theirs to book until it was taken back, or that they hold.
pub async fn knows_slot(
    db: &impl ConnectionTrait,
    actor: &Actor,
    action: Action,
    id: SlotId,
    now: DateTime<Utc>,
) -> Result<bool, Fault> {
    if check(actor, Noun::Appointment, action).is_err() {
        return Ok(false);
    }
    let found = match (actor.staff(), actor.patient()) {
        (Some(staff), _) => {
            let own = slot::Entity::find_by_id(id);
            own.filter(slot::Column::CareUnitId.eq(staff.care_unit)).one(db).await?
        }
        (None, Some(patient)) => {
            let known = format!(
                "SELECT slot.* FROM slot JOIN appointment_type apt ON apt.id = slot.appointment_type_id WHERE \
                 slot.id = $3 AND ((slot.web_bookable AND {}) OR EXISTS (SELECT 1 FROM seat_claim held \
                 WHERE held.slot_id = slot.id AND held.patient_id = $1 AND held.held_until > $2))",
                self_booking_sql("apt", "$1", "$2")
            );
            let values = [Value::from(patient.0), Value::from(now), Value::from(id.0)];
            let known = Statement::from_sql_and_values(db.get_database_backend(), known, values);
            slot::Entity::find().from_raw_sql(known).one(db).await?
        }
        (None, None) => None,
    };
    Ok(found.is_some())
}

/// A kind of appointment that the caller may book: one of their own unit's, or one that `whom` may book on the web.
pub async fn appointment_type(
    db: &impl ConnectionTrait,
    actor: &Actor,
    id: AppointmentTypeId,
    whom: PatientId,
    now: DateTime<Utc>,
) -> Result<Option<appointment_type::Model>, Fault> {
    use appointment_type::Column as C;
    if let Some(staff) = actor.staff() {
        let own = appointment_type::Entity::find_by_id(id).filter(C::CareUnitId.eq(staff.care_unit));
        return Ok(own.filter(C::RetiredAt.is_null()).one(db).await?);
    }
    let open = format!(
        "SELECT apt.* FROM appointment_type apt WHERE apt.id = $3 AND {}",
        self_booking_sql("apt", "$1", "$2")
    );
    let values = [Value::from(whom.0), Value::from(now), Value::from(id.0)];
    let open = Statement::from_sql_and_values(db.get_database_backend(), open, values);
    Ok(appointment_type::Entity::find().from_raw_sql(open).one(db).await?)
}

/// The patient a command is about: the caller or the one they act for, or the one staff name and reach.
pub async fn patient(
    db: &impl ConnectionTrait,
    actor: &Actor,
    noun: Noun,
    action: Action,
    named: Option<PatientId>,
    field: &str,
    now: DateTime<Utc>,
) -> Result<Granted<patient::Model>, Stop> {
    check(actor, noun, action)?;
    let id = match (actor.patient(), named) {
        // A patient who names another is out of reach like any other id.
        (Some(id), None) => id,
        (_, Some(named)) => named,
        (None, None) => {
            return Err(Problem::input(
                field,
                "Ange vilken patient det gäller.",
                "Say which patient it concerns.",
            )
            .into());
        }
    };
    let row = patient::Entity::find_by_id(id)
        .filter(row_condition::<patient::Entity>(actor, now))
        .one(db)
        .await?
        .ok_or_else(|| Problem::not_found(field))?;
    access::reached(row.id);
    Ok(Granted { row, action })
}

/// A patient in reach of care, and who of care acts.
pub async fn patient_of_care(
    db: &impl ConnectionTrait,
    actor: &Actor,
    noun: Noun,
    action: Action,
    id: PatientId,
    now: DateTime<Utc>,
) -> Result<(Granted<StaffActor>, Granted<patient::Model>), Stop> {
    let staff = as_staff(actor, noun, action)?;
    Ok((staff, patient(db, actor, noun, action, Some(id), "patientId", now).await?))
}
