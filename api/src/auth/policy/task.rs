//! Who sees and works on a task.
//!
//! Care staff: the tasks of their own unit about patients within reach. An open task is itself a care relation, so
//! what must be done can be seen by those who must do it. Managers: what has risen to them at their unit, without
//! whom it is about.

use chrono::{DateTime, Utc};
use entity::{TaskId, assignment::Role, task};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use super::{
    Granted, check,
    matrix::{Action, Noun, Who},
    reach_sql, row_condition,
};
use crate::{
    auth::actor::Actor,
    error::{Problem, Stop},
};

/// The task with this id, if the actor may do `action` to it. Only the unit that must act works on it; colleagues of
/// the same care provider who treat the patient may read it.
pub async fn task(
    db: &impl ConnectionTrait,
    actor: &Actor,
    action: Action,
    id: TaskId,
    field: &str,
    now: DateTime<Utc>,
) -> Result<Granted<task::Model>, Stop> {
    check(actor, Noun::Task, action)?;
    let within = match actor.staff() {
        Some(staff) if staff.role == Role::UnitManager => Condition::all()
            .add(task::Column::CareUnitId.eq(staff.care_unit))
            .add(task::Column::RaisedToManagerAt.is_not_null()),
        Some(staff) if action != Action::Read => {
            row_condition::<task::Entity>(actor, now).add(task::Column::CareUnitId.eq(staff.care_unit))
        }
        Some(_) => row_condition::<task::Entity>(actor, now),
        None => Condition::all().add(Expr::val(1).eq(0)),
    };
    let row = task::Entity::find_by_id(id).filter(within).one(db).await?;
    row.map(|row| Granted { row, action }).ok_or_else(|| Problem::not_found(field).into())
}

/// [`task`] for reading, as a condition on `t` for the read models; its parameters are those of [`super::reach_values`].
pub fn task_sql(who: Who) -> String {
    match who {
        Who::Staff(Role::UnitManager) => {
            "t.care_unit_id = $2 AND t.raised_to_manager_at IS NOT NULL".to_owned()
        }
        Who::Staff(_) => reach_sql(who, Noun::Task, "t.patient_id", Some("t.care_provider_id")),
        _ => "1 = 0".to_owned(),
    }
}
