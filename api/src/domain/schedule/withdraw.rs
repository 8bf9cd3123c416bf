//! Taking single times back (dra in tider).

use entity::{SlotId, occupancy, slot, slot::Withdrawal};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;

use super::replan::{clear, take_back};
use crate::{
    auth::policy::{self, Action, Noun},
    domain::{
        act::{self, Done, Receipt},
        booking::{publish::receipt_name, rules::TIMES_AT_MOST},
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// Which times of the caller's unit.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    pub slots: Vec<SlotId>,
}

/// Takes the times back, all or none: those that are booked must be moved or cancelled first. Their schedule does not
/// publish them again.
pub async fn withdraw(session: &Session, key: &str, cmd: &Withdraw) -> Result<Receipt, Fault> {
    act::perform(session, "slotWithdraw", key, cmd, async |tx| {
        let field = "slotIds";
        let unit = policy::as_staff(&session.actor, Noun::Slot, Action::Publish)?.care_unit;
        if cmd.slots.is_empty() || cmd.slots.len() > TIMES_AT_MOST {
            return Err(Problem::input(
                field,
                format!("Ange 1–{TIMES_AT_MOST} tider."),
                format!("Give 1 to {TIMES_AT_MOST} times."),
            )
            .into());
        }
        let rows = slot::Entity::find()
            .filter(slot::Column::Id.is_in(cmd.slots.iter().copied()))
            .filter(slot::Column::CareUnitId.eq(unit))
            .filter(slot::Column::WithdrawnAt.is_null())
            .order_by_asc(slot::Column::Id)
            .lock_exclusive()
            .all(tx)
            .await?;
        let mut asked = cmd.slots.clone();
        asked.sort_unstable();
        asked.dedup();
        if rows.len() != asked.len() {
            return Err(Problem::not_found(field).into());
        }
        // What is only held, or offered to somebody who waits, is given up.
        let booked = clear(tx, session, &asked).await?;
        if !booked.is_empty() || rows.iter().any(|row| row.starts_at <= session.now()) {
            return Err(Problem::new(
                ProblemCode::Conflict,
                "En av tiderna är bokad eller har varit. Boka om eller avboka den först.",
                "One of the times is booked or has been. Move or cancel it first.",
            )
            .at(field)
            .into());
        }
        take_back(tx, session, &asked, Withdrawal::ByHand).await?;
        let held = occupancy::Column::HolderId.is_in(asked.iter().map(|id| id.0));
        occupancy::Entity::delete_many().filter(held).exec(tx).await?;
        let done = Done::impersonal();
        Ok(asked.iter().enumerate().fold(done, |done, (n, id)| done.with(&receipt_name(n), id.0)))
    })
    .await
}
