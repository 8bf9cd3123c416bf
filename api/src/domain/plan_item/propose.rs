//! Proposing a plan item: into the draft, or on top of what is in force, which it then waits to replace.

use entity::{AgreementId, PlanItemId};
use serde::Serialize;

use super::{
    rules::{self, Wanted},
    wording,
};
use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    domain::{
        act::{self, Receipt},
        agreement::{
            change::{self, Target},
            edit::Edit,
            version::{Locked, event},
        },
        text,
    },
    error::{Fault, Problem},
    session::Session,
};

/// A new plan item.
#[derive(Clone, Debug, Serialize)]
pub struct Propose {
    pub agreement: AgreementId,
    pub wanted: Wanted,
    /// Staff only.
    pub work_note: Option<String>,
}

const ACTION: &str = "planItemPropose";

/// Proposes an item. On an agreement in force it is the proposer's assent to the next version.
pub async fn propose(session: &Session, key: &str, cmd: &Propose) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        policy::check(actor, Noun::PlanItem, Action::Propose)?;
        if cmd.work_note.is_some() && policy::check(actor, Noun::WorkNote, Action::Read).is_err() {
            return Err(Problem::forbidden().at("workNote").into());
        }
        let mut agreement = Locked::reach(tx, session, Action::Propose, cmd.agreement).await?;
        let id = PlanItemId(session.core.clock.uuid());
        let mut problems = Vec::new();
        let mut wording = rules::check(id, &cmd.wanted, None, to_local(now).date_naive(), &mut problems);
        let work_note = text::optional("workNote", cmd.work_note.as_deref(), text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let target = Target::of(tx, session, &agreement).await?;
        wording::resolve(tx, session, &agreement, target.document(), None, &mut wording).await?;
        let edits = [Edit::AddItem { wording: Box::new(wording), work_note }];
        let changed = change::change(tx, session, &mut agreement, target, &edits, ACTION)
            .await
            .map_err(|stop| wording::named_by_input(stop, id))?;
        act::emit(tx, session, [event(&agreement, "plan_item.proposed", id.0)]).await?;
        Ok(changed.done(&agreement, "planItem", id.0))
    })
    .await
}
