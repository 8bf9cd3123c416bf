//! A conversation goes where the task of answering it goes: whoever answers is who the patient sees, what is written next
//! reaches them, and closing it is theirs.

use entity::{CareUnitId, ThreadId, task, thread};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel, QuerySelect};
use serde_json::{Value, json};

use super::{emit, opening};
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

/// Goes with the task of answering, which is passed to the unit `to`. It goes to the whole unit then, not to a role. Nobody
/// is made to talk with themselves: passed to the unit that it is with already, it stays.
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
            json!({ "careUnit": of.care_unit_id, "role": of.to_role })
        }
    };
    let (before, owner) = (with(&of), Owner::from(&of));
    let mut row = of.into_active_model();
    if asks {
        row.from_unit_id = Set(Some(to));
    } else {
        row.care_unit_id = Set(to);
        row.to_role = Set(None);
        row.to_treating_kind = Set(None);
    }
    let now_with = row.update(tx).await?;
    let change =
        Change { kind: "thread", subject: now_with.id.0, before: Some(before), after: Some(with(&now_with)) };
    history::record(tx, session, owner, action, [change]).await?;
    // The unit that it leaves looks into it for as long as it would have, and no longer because others go on.
    relation::open(tx, session, &opening(session, &now_with, to)).await?;
    emit(tx, session, &now_with, "thread.passed").await
}
