//! A conversation goes where the task of answering it goes: whoever answers is who the patient sees, what is written next
//! reaches them, and closing it is theirs. What was written to a role goes to that role again where it comes back, or to
//! where the role is held by now.

use entity::{CareUnitId, ThreadId, task, thread};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel, QuerySelect};
use serde_json::{Value, json};

use super::{answerer::is_held_at, emit, opening, stand_in};
use crate::{
    db::Tx,
    domain::{
        history::{self, Change, Owner},
        relation,
    },
    error::Fault,
    session::Session,
};

/// The thread, behind the lock that a message takes: before its task, as everything is that ends one.
pub async fn hold(tx: &Tx, id: ThreadId) -> Result<thread::Model, Fault> {
    let held = thread::Entity::find_by_id(id).lock_exclusive().one(tx).await?;
    held.ok_or_else(|| Fault::internal("a thread that is there vanished"))
}

/// Goes with the task of answering, which is passed to the unit `to`: to its role, if that is held there or was written to
/// there, else to the whole unit. Nobody is made to talk with themselves: passed to the unit that it is with already, it
/// stays.
pub async fn follow(
    tx: &Tx,
    session: &Session,
    of: thread::Model,
    passed: &task::Model,
    to: CareUnitId,
    action: &'static str,
) -> Result<(), Fault> {
    if to == of.care_unit_id || of.from_unit_id == Some(to) {
        return Ok(());
    }
    let asks = of.from_unit_id == Some(passed.care_unit_id) && of.care_unit_id != passed.care_unit_id;
    let with = |of: &thread::Model| -> Value {
        if asks {
            json!({ "careUnit": of.from_unit_id })
        } else {
            let role = of.to_role.filter(|_| of.role_unit_id == Some(of.care_unit_id));
            json!({ "careUnit": of.care_unit_id, "role": role })
        }
    };
    let (before, owner) = (with(&of), Owner::from(&of));
    let held = !asks && is_held_at(tx, session, &of, to).await?;
    let mut row = of.into_active_model();
    if asks {
        row.from_unit_id = Set(Some(to));
    } else {
        row.care_unit_id = Set(to);
        if held {
            row.role_unit_id = Set(Some(to));
        }
    }
    let now_with = row.update(tx).await?;
    let change =
        Change { kind: "thread", subject: now_with.id.0, before: Some(before), after: Some(with(&now_with)) };
    history::record(tx, session, owner, action, [change]).await?;
    // The unit that it leaves looks into it for as long as it would have, and no longer because others go on.
    relation::open(tx, session, &opening(session, &now_with, to)).await?;
    if !asks {
        stand_in::welcome(tx, session, &now_with, passed.id).await?;
    }
    emit(tx, session, &now_with, "thread.passed").await
}
