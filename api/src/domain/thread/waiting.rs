//! A message that waits for an answer is a task of the unit, due when the answer was promised.
//!
//! It is raised with the first message of those that wait: the ones after it, until care has answered, rest on the same
//! promise and the same task. Where words end it, because the answer was given in another way, the promise counts as
//! kept, and the next message raises it anew.

use chrono::{DateTime, Utc};
use entity::{PatientId, care_unit, task, thread};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};

use super::{
    answer_time,
    answerer::{Whose, other_unit, whose},
};
use crate::{
    db::Tx,
    domain::{
        history::Owner,
        task::{Raise, raise as raise_task},
    },
    error::Fault,
    session::Session,
};

/// Raises the task of answering, unless it is open already: at the other side's unit, or for whoever holds the role that
/// was written to, or steps in, where they work.
pub(super) async fn raise(
    tx: &Tx,
    session: &Session,
    waits: &thread::Model,
    due_at: DateTime<Utc>,
) -> Result<(), Fault> {
    let author = session.actor.staff().map(|staff| staff.care_unit);
    let care_unit = other_unit(waits, author);
    // At the unit that asked it is nobody's yet.
    let whose =
        if care_unit == waits.care_unit_id { whose(tx, session, waits).await? } else { Whose::default() };
    let care_unit = whose.unit.unwrap_or(care_unit);
    let raise = Raise {
        kind: task::Kind::UnansweredMessage,
        owner: Owner { care_unit, ..Owner::from(waits) },
        assignee: whose.assignee,
        subject: waits.id.0,
        due_at,
        note: None,
    };
    let Some(raised) = raise_task(tx, session, &raise).await? else { return Ok(()) };
    if whose.instead_of.is_some() {
        task::Entity::update_many()
            .set(task::ActiveModel { instead_of_id: Set(whose.instead_of), ..Default::default() })
            .filter(task::Column::Id.eq(raised))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Messages that still waited when a death was recorded by mistake wait anew, under a promise made now.
pub async fn wait_again(tx: &Tx, session: &Session, whom: PatientId) -> Result<(), Fault> {
    use thread::Column as T;
    let now = session.now();
    let waiting = thread::Entity::find()
        .filter(T::PatientId.eq(whom))
        .filter(T::Kind.eq(thread::Kind::PatientCare))
        .filter(T::Status.eq(thread::Status::Open))
        .filter(T::AnswerBy.is_not_null())
        .order_by_asc(T::Id)
        .lock_exclusive();
    for waits in waiting.all(tx).await? {
        let unit = care_unit::Entity::find_by_id(waits.care_unit_id)
            .one(tx)
            .await?
            .ok_or_else(|| Fault::internal("a thread without its unit"))?;
        let by = answer_time(&unit, now)?;
        thread::Entity::update_many()
            .col_expr(T::AnswerBy, Expr::value(by))
            .filter(T::Id.eq(waits.id))
            .exec(tx)
            .await?;
        raise(tx, session, &waits, by).await?;
    }
    Ok(())
}

impl From<&thread::Model> for Owner {
    fn from(row: &thread::Model) -> Self {
        Self {
            patient: row.patient_id,
            care_unit: row.care_unit_id,
            care_provider: row.care_provider_id,
            agreement: None,
        }
    }
}
