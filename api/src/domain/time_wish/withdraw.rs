//! Taking a wish back; and what a death ends.

use entity::{PatientId, TimeWishId, time_wish};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use super::{end, offer, rules};
use crate::{
    auth::policy::{self, Action},
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        booking::seat,
        patient,
    },
    error::{Fault, Problem},
    session::Session,
};

/// Which wish.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    pub wish: TimeWishId,
    pub expected_row_version: i32,
}

const ACTION: &str = "timeWishWithdraw";

/// Takes it back, with the offer that is out.
pub async fn withdraw(session: &Session, key: &str, cmd: &Withdraw) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        let wish = policy::reach::<time_wish::Entity>(tx, actor, Action::Withdraw, cmd.wish, "wishId", now)
            .await?
            .into_row();
        if wish.status != time_wish::Status::Open {
            return Err(rules::over().into());
        }
        patient::lock(tx, wish.patient_id).await?;
        let to = time_wish::Status::Withdrawn;
        if !end(tx, session, &wish, to, None, cmd.expected_row_version, ACTION).await? {
            return Err(Problem::stale().into());
        }
        offer::withdraw_of(tx, session, wish.id).await?;
        Ok(Done::on(wish.patient_id).with("wish", wish.id.0))
    })
    .await
}

/// Ends every wish of a patient who has died, and frees what was kept for them. The patient is locked, and so are the
/// slots, before any of them is given to somebody else.
pub(crate) async fn after_death(
    tx: &Tx,
    session: &Session,
    whom: PatientId,
    action: &'static str,
) -> Result<(), Fault> {
    let open = time_wish::Entity::find()
        .filter(time_wish::Column::PatientId.eq(whom))
        .filter(time_wish::Column::Status.eq(time_wish::Status::Open))
        .order_by_asc(time_wish::Column::Id)
        .all(tx)
        .await?;
    seat::lock_all_of(tx, session, whom).await?;
    for wish in open {
        let to = time_wish::Status::Withdrawn;
        end(tx, session, &wish, to, None, wish.row_version, action).await?;
        offer::withdraw_of(tx, session, wish.id).await?;
    }
    Ok(())
}
