//! Saying where a plan item stands: begun, done, not done, called off, or none of that by mistake.

use entity::{PlanItemId, agreement_version::Party, plan_item, plan_item_revision::Owner, task::Kind};
use sea_orm::ActiveValue::Set;
use serde::Serialize;
use serde_json::json;

pub use super::rules::Turn;
use super::{
    live::{Live, Told},
    owed, rules,
};
use crate::{
    auth::policy::Action,
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt},
        next_step,
        notice::{News, news},
        task::{self, Ending, words::Words},
        text,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// Which item, and which turn it takes.
#[derive(Clone, Debug, Serialize)]
pub struct TurnItem {
    pub plan_item: PlanItemId,
    pub turn: Turn,
    pub reason: Option<String>,
    pub expected_row_version: i32,
}

/// Records the turn, by whom and why. The agreement must still have a next step; if not, somebody is told.
pub async fn turn(session: &Session, key: &str, cmd: &TurnItem) -> Result<Receipt, Fault> {
    let (action, _) = cmd.turn.names();
    act::perform(session, action, key, cmd, async |tx| {
        let live = Live::take(tx, session, Action::Complete, cmd.plan_item).await?;
        let side = session.actor.party().ok_or_else(Problem::forbidden)?;
        let mut problems = Vec::new();
        let reason = text::optional("reason", cmd.reason.as_deref(), text::TEXT, &mut problems);
        let owner = live.agreed()?.owner;
        rules::turn(cmd.turn, live.item.status, live.item.started_at.is_some(), owner, side)?;
        if reason.is_none() && problems.is_empty() && rules::needs_reason(cmd.turn, owner, side) {
            text::required("reason", "", text::TEXT, &mut problems);
        }
        if !problems.is_empty() {
            return Err(problems.into());
        }
        apply(tx, session, &live, cmd.turn, reason.as_deref(), cmd.expected_row_version).await
    })
    .await
}

/// Takes the turn: in an act of its own, or as what follows from another.
pub async fn apply(
    tx: &Tx,
    session: &Session,
    live: &Live,
    turn: Turn,
    reason: Option<&str>,
    expected_row_version: i32,
) -> Result<Done, Stop> {
    let side = session.actor.party().ok_or_else(Problem::forbidden)?;
    let owner = live.agreed()?.owner;
    let now_at = rules::turn(turn, live.item.status, live.item.started_at.is_some(), owner, side)?;
    let done = write(tx, session, live, (turn, now_at), reason, expected_row_version).await?;
    // What care has called off, whoever was to do it, and what it promised and did not do, the patient hears of.
    let off = turn == Turn::Cancel || (turn == Turn::NotDone && owner == Owner::Care);
    if side == Party::Care && off {
        news::tell_of(tx, session, (&*live.agreement).into(), live.item.id.0, News::ItemOff).await?;
    }
    Ok(done)
}

/// What was left undone is to be done after all, for there is a new time for it: whoever booked that.
pub async fn goes_on(tx: &Tx, session: &Session, live: &Live) -> Result<(), Stop> {
    let Ok(wording) = live.agreed() else { return Ok(()) };
    let (turn, begun) = (Turn::Reopen, live.item.started_at.is_some());
    let now_at = rules::turn(turn, live.item.status, begun, wording.owner, Party::Care)?;
    write(tx, session, live, (turn, now_at), None, live.item.row_version).await.map(drop)
}

async fn write(
    tx: &Tx,
    session: &Session,
    live: &Live,
    (turn, now_at): (Turn, plan_item::Status),
    reason: Option<&str>,
    expected_row_version: i32,
) -> Result<Done, Stop> {
    let (action, event) = turn.names();
    let place = Place::new("plan_item.status_reason", live.item.id.0);
    // What was a mistake has no reason any more; the history keeps it.
    let kept = reason.filter(|_| turn != Turn::Reopen);
    let mut row = plan_item::ActiveModel {
        status: Set(now_at),
        status_reason: Set(session.core.keys.seal_opt(place, kept)?),
        status_by_kind: Set(Some(session.actor.kind())),
        status_at: Set(Some(session.now())),
        ..Default::default()
    };
    if turn == Turn::Start {
        row.started_at = Set(Some(session.now()));
    }
    let told = Told {
        action,
        event,
        before: Some(json!({ "status": live.item.status })),
        after: json!({ "status": now_at, "statusReason": reason }),
    };
    let done = live.write(tx, session, expected_row_version, row, told).await?;
    next_step::settle(tx, session, live.agreement.id).await?;
    owed::settle(tx, session, live.agreement.id).await?;
    if turn == Turn::Reopen {
        let words = Words::ours("Insatsen är öppen igen.", "The item is open again.");
        task::end(tx, session, Kind::Letter, live.item.id.0, Ending::Superseded, Some(words)).await?;
    }
    Ok(done)
}
