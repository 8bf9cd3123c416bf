//! What nobody has done in time rises to the manager of the unit.

use entity::task;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;

use super::event;
use crate::{
    db::Tx,
    domain::{
        act,
        history::{self, Change, Owner},
    },
    error::Fault,
    session::Session,
};

/// Tasks that rise in one transaction, and transactions of one sweep at most.
const BATCH: u64 = 100;
const ROUNDS: usize = 50;

/// Raises the open tasks whose time has passed, each once. Gives how many.
pub async fn sweep(session: &Session) -> Result<usize, Fault> {
    let mut risen = 0;
    for _ in 0..ROUNDS {
        let found = session.core.db.write(async |tx| batch(tx, session).await).await?;
        risen += found.risen;
        if found.seen < BATCH {
            break;
        }
    }
    Ok(risen)
}

struct Batch {
    seen: u64,
    risen: usize,
}

async fn batch(tx: &Tx, session: &Session) -> Result<Batch, Fault> {
    use task::Column as C;
    let now = session.now();
    let waiting = C::RaisedToManagerAt.is_null();
    let overdue = task::Entity::find()
        .filter(C::Status.eq(task::Status::Open))
        .filter(waiting.clone())
        .filter(C::DueAt.lt(now))
        .order_by_asc(C::DueAt)
        .limit(BATCH)
        .all(tx)
        .await?;
    let mut risen = 0;
    for row in &overdue {
        // What the task is has not changed: who has read it may still act.
        let changed = task::Entity::update_many()
            .set(task::ActiveModel { raised_to_manager_at: Set(Some(now)), ..Default::default() })
            .filter(C::Id.eq(row.id))
            .filter(C::Status.eq(task::Status::Open))
            .filter(waiting.clone())
            .exec(tx)
            .await?;
        // Another instance was first.
        if changed.rows_affected != 1 {
            continue;
        }
        let owner = Owner::from(row);
        let entry = Change {
            kind: "task",
            subject: row.id.0,
            before: Some(json!({ "raisedToManagerAt": null })),
            after: Some(json!({ "raisedToManagerAt": now })),
        };
        history::record(tx, session, owner, "taskRise", [entry]).await?;
        act::emit(tx, session, [event("task.risen", owner, row.id)]).await?;
        risen += 1;
    }
    Ok(Batch { seen: overdue.len() as u64, risen })
}
