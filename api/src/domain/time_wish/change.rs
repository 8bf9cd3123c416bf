//! Changing a wish: the patient keeps the place in the queue.

use entity::{TimeWishId, care_relation, time_wish};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;

use super::{
    leave::{Content, after, fill},
    rules, shown,
};
use crate::{
    auth::policy::{self, Action},
    domain::{
        act::{self, Done, Receipt},
        history::{self, Change as Changed},
        relation,
    },
    error::{Fault, Problem},
    session::Session,
};

/// What the wish is to be.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    pub wish: TimeWishId,
    pub content: Content,
    pub expected_row_version: i32,
}

const ACTION: &str = "timeWishChange";

/// Changes it. An offer that is out stands.
pub async fn change(session: &Session, key: &str, cmd: &Change) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        use time_wish::Column as C;
        let (actor, now) = (&session.actor, session.now());
        let old = policy::reach::<time_wish::Entity>(tx, actor, Action::Set, cmd.wish, "wishId", now)
            .await?
            .into_row();
        if old.status != time_wish::Status::Open {
            return Err(rules::over().into());
        }
        let mut new = old.clone();
        fill(tx, session, &mut new, &cmd.content).await?;
        let changed = time_wish::Entity::update_many()
            .set(time_wish::ActiveModel {
                assignment_id: Set(new.assignment_id),
                weekdays: Set(new.weekdays),
                spans: Set(new.spans.clone()),
                modes: Set(new.modes.clone()),
                from_on: Set(new.from_on),
                until_on: Set(new.until_on),
                notice_minutes: Set(new.notice_minutes),
                by_phone: Set(new.by_phone),
                row_version: Set(cmd.expected_row_version.saturating_add(1)),
                ..Default::default()
            })
            .filter(C::Id.eq(old.id))
            .filter(C::Status.eq(time_wish::Status::Open))
            .filter(C::RowVersion.eq(cmd.expected_row_version))
            .exec(tx)
            .await?;
        if changed.rows_affected != 1 {
            return Err(Problem::stale().into());
        }
        let until = Some(after(new.until_on));
        relation::move_end(tx, old.patient_id, care_relation::Source::Appointment, old.id.0, until).await?;
        let change = Changed {
            kind: "time_wish",
            subject: old.id.0,
            before: Some(shown(&old)),
            after: Some(shown(&new)),
        };
        history::record(tx, session, (&new).into(), ACTION, [change]).await?;
        Ok(Done::on(old.patient_id).with("wish", old.id.0))
    })
    .await
}
