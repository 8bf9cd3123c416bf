//! Done-marks of a recurring item: what became of one occurrence.

use chrono::NaiveDate;
use entity::{
    PlanItemId, PlanItemMarkId,
    agreement_version::Party,
    plan_item::{self, Status},
    plan_item_mark::{self, Outcome},
    plan_item_revision::{self, Owner},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::json;

use super::{
    live::{Live, row_about},
    owed, recurrence,
};
use crate::{
    auth::policy::Action,
    calendar::to_local,
    crypto::Place,
    domain::{
        act::{self, Receipt},
        history::Change,
        next_step,
        template::calls,
        text,
    },
    error::{Fault, Problem, ProblemCode},
    session::Session,
};

/// What became of which occurrence.
#[derive(Clone, Debug, Serialize)]
pub struct Mark {
    pub plan_item: PlanItemId,
    pub on: NaiveDate,
    pub outcome: Outcome,
    pub reason: Option<String>,
    pub expected_row_version: i32,
}

const ACTION: &str = "planItemOccurrenceMark";

/// Marks one occurrence; marking it again corrects the mark, and the history keeps what it was.
pub async fn mark(session: &Session, key: &str, cmd: &Mark) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let live = Live::take(tx, session, Action::Complete, cmd.plan_item).await?;
        let side = session.actor.party().ok_or_else(Problem::forbidden)?;
        let mut problems = Vec::new();
        let reason = text::optional("reason", cmd.reason.as_deref(), text::TEXT, &mut problems);
        let today = to_local(session.now()).date_naive();
        check(live.agreed()?, live.item.status, side, cmd.on, today)?;
        if !problems.is_empty() {
            return Err(problems.into());
        }
        // The first mark of an item begins it.
        let mut begun = plan_item::ActiveModel::default();
        if live.item.status == Status::Accepted {
            begun.status = Set(Status::InProgress);
            begun.status_by_kind = Set(Some(session.actor.kind()));
            begun.status_at = Set(Some(session.now()));
            begun.started_at = Set(Some(session.now()));
        }
        live.set(tx, cmd.expected_row_version, begun).await?;
        let earlier = plan_item_mark::Entity::find()
            .filter(plan_item_mark::Column::PlanItemId.eq(live.item.id))
            .filter(plan_item_mark::Column::OnDay.eq(cmd.on))
            .one(tx)
            .await?;
        let id = earlier.as_ref().map_or_else(|| PlanItemMarkId(session.core.clock.uuid()), |mark| mark.id);
        let row = plan_item_mark::ActiveModel {
            id: Set(id),
            on_day: Set(cmd.on),
            outcome: Set(cmd.outcome),
            reason: Set(session
                .core
                .keys
                .seal_opt(Place::new("plan_item_mark.reason", id.0), reason.as_deref())?),
            marked_at: Set(session.now()),
            ..row_about!(plan_item_mark, live, session)
        };
        if earlier.is_some() {
            plan_item_mark::Entity::update_many()
                .set(row)
                .filter(plan_item_mark::Column::Id.eq(id))
                .exec(tx)
                .await?;
        } else {
            plan_item_mark::Entity::insert(row).exec_without_returning(tx).await?;
        }
        let change = Change {
            kind: "plan_item",
            subject: live.item.id.0,
            before: earlier.map(|mark| json!({ "on": cmd.on, "outcome": mark.outcome })),
            after: Some(json!({ "on": cmd.on, "outcome": cmd.outcome, "reason": reason })),
        };
        live.tell(tx, session, ACTION, "plan_item.marked", change).await?;
        if cmd.outcome == Outcome::Done {
            calls::made(tx, session, live.item.id, live.agreed()?.due_on, cmd.on).await?;
        }
        // Nothing may be left of it.
        next_step::settle(tx, session, live.agreement.id).await?;
        owed::settle(tx, session, live.agreement.id).await?;
        Ok(live.done())
    })
    .await
}

fn check(
    wording: &plan_item_revision::Model,
    status: Status,
    side: Party,
    on: NaiveDate,
    today: NaiveDate,
) -> Result<(), Problem> {
    if side == Party::Patient && wording.owner == Owner::Care {
        return Err(Problem::new(
            ProblemCode::Forbidden,
            "Det är vården som gör det här och som säger när det är gjort. Skriv till din kontakt om det inte stämmer.",
            "Care does this and says when it is done. Write to your contact if that is not right.",
        ));
    }
    if !matches!(status, Status::Accepted | Status::InProgress) {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Insatsen är redan avslutad.",
            "The item is already closed.",
        ));
    }
    let (Some(rule), Some(first)) = (&wording.recurrence, wording.starts_on) else {
        return Err(Problem::new(
            ProblemCode::WrongState,
            "Insatsen återkommer inte. Säg i stället vad som blev av den.",
            "The item does not recur. Say what became of it instead.",
        ));
    };
    if on > today {
        return Err(Problem::input("on", "Den dagen har inte kommit än.", "That day has not come yet."));
    }
    if recurrence::days(rule, first, wording.due_on, on, on).is_empty() {
        return Err(Problem::input(
            "on",
            "Den dagen hör inte till det som är överenskommet. Välj en dag i planen.",
            "That day is not among those agreed. Choose a day of the plan.",
        ));
    }
    Ok(())
}
