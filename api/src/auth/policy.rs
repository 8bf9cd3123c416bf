//! Every access rule, in one place. Deny by default.
//!
//! Two questions, in this order. [`allows`]: may this kind of actor ever do this to this kind of thing? Then the
//! row: does it belong to someone this actor reaches? The second is a condition in SQL: a statement under
//! [`reach`] that returns a row *is* the proof ([`Granted`]), and writes demand that proof, never a bare id.
//!
//! Who reaches a row of patient data:
//! - the patient: their own rows;
//! - staff: rows of their own care provider, of patients with whom their unit has a care relation in force;
//! - a representative: nothing yet. Scopes, consent between providers, blocks (spärr) and emergency access
//!   (nödöppning) belong here, in [`row_condition`] and [`reach_sql`]; until they are in force the answer is the
//!   stricter one: no.

mod matrix;
mod surface;
mod task;

use std::ops::Deref;

use chrono::{DateTime, Utc};
use entity::{
    CareUnitId, PatientId, SlotId, agreement, agreement_version, appointment, care_contact, care_relation,
    goal, patient, plan_item, slot, task as task_row, thread, thread_message,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, Iterable, ModelTrait, PrimaryKeyToColumn,
    QueryFilter, Value,
    sea_query::{Expr, ExprTrait, Query},
};

pub use self::{
    matrix::{Action, Noun, Who, allows},
    surface::SURFACE,
    task::{task, task_sql},
};
use super::actor::{Actor, StaffActor};
use crate::error::{Problem, Stop};

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
    agreement_version => Agreement,
    appointment => Appointment,
    care_contact => CareContact,
    goal => Goal,
    plan_item => PlanItem,
    task_row => Task,
    thread => Thread,
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
    row.map(|row| Granted { row, action }).ok_or_else(|| Problem::not_found(field).into())
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

/// A published time that the actor may book: staff those of their own unit, patients those that are open to
/// patients.
pub async fn slot(
    db: &impl ConnectionTrait,
    actor: &Actor,
    action: Action,
    id: SlotId,
    field: &str,
) -> Result<Granted<slot::Model>, Stop> {
    check(actor, Noun::Appointment, action)?;
    let within = match actor {
        Actor::Patient { .. } => slot::Column::WebBookable.eq(true),
        Actor::Staff(staff) => slot::Column::CareUnitId.eq(staff.care_unit),
        Actor::Anonymous | Actor::Representative { .. } | Actor::System => Expr::val(1).eq(0),
    };
    let row = slot::Entity::find_by_id(id).filter(within).one(db).await?;
    row.map(|row| Granted { row, action }).ok_or_else(|| Problem::not_found(field).into())
}

/// The patient a command is about: the caller's own id, or the one staff name and reach.
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
    let id = match (actor, named) {
        // A patient who names another is out of reach like any other id.
        (Actor::Patient { id }, None) => *id,
        (_, Some(named)) => named,
        (_, None) => {
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
    Ok(Granted { row, action })
}

/// The condition under which a row of patient data is within the actor's reach.
pub fn row_condition<E: PatientData>(actor: &Actor, now: DateTime<Utc>) -> Condition {
    match actor {
        Actor::Patient { id } => Condition::all().add(E::patient().eq(*id)),
        Actor::Staff(staff) => {
            let relation = Query::select()
                .expr(Expr::val(1))
                .from(care_relation::Entity)
                .and_where(
                    Expr::col((care_relation::Entity, care_relation::Column::PatientId))
                        .equals((E::default(), E::patient())),
                )
                .and_where(care_relation::Column::CareUnitId.eq(staff.care_unit))
                .and_where(care_relation::Column::ValidFrom.lte(now))
                .cond_where(
                    Condition::any()
                        .add(care_relation::Column::ValidUntil.is_null())
                        .add(care_relation::Column::ValidUntil.gt(now)),
                )
                .to_owned();
            let mut condition = Condition::all().add(Expr::exists(relation));
            if let Some(provider) = E::provider() {
                condition = condition.add(provider.eq(staff.care_provider));
            }
            condition
        }
        Actor::Anonymous | Actor::Representative { .. } | Actor::System => {
            Condition::all().add(Expr::val(1).eq(0))
        }
    }
}

/// [`row_condition`] as text, for the read models' flat statements: a condition on `patient` (a column with the
/// patient's id) and, where given, `provider` (a column with the owning provider's id).
///
/// Its parameters are `$1` to `$4`, in every statement: see [`reach_values`].
pub fn reach_sql(who: Who, patient: &str, provider: Option<&str>) -> String {
    match who {
        Who::Patient => format!("{patient} = $1"),
        Who::Staff(_) => {
            let provider = provider.map_or_else(String::new, |column| format!(" AND {column} = $3"));
            format!(
                "EXISTS (SELECT 1 FROM care_relation rel WHERE rel.patient_id = {patient} AND rel.care_unit_id = $2 \
                 AND rel.valid_from <= $4 AND (rel.valid_until IS NULL OR rel.valid_until > $4)){provider}"
            )
        }
        Who::Anonymous | Who::Representative | Who::System => "1 = 0".to_owned(),
    }
}

/// The values of `$1` to `$4` for [`reach_sql`].
pub fn reach_values(actor: &Actor, now: DateTime<Utc>) -> Vec<Value> {
    let nil = uuid::Uuid::nil();
    let (patient, unit, provider) = match actor {
        Actor::Patient { id } => (id.0, nil, nil),
        Actor::Staff(staff) => (nil, staff.care_unit.0, staff.care_provider.0),
        Actor::Anonymous | Actor::Representative { .. } | Actor::System => (nil, nil, nil),
    };
    vec![patient.into(), unit.into(), provider.into(), now.into()]
}
