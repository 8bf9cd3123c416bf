//! Progress notes (hur det går): written by both sides about a goal or an item, never altered.

use entity::{GoalId, PlanItemId, ProgressNoteId, goal, plan_item, progress_note};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde::Serialize;
use serde_json::json;

use super::{
    act::{self, Done, Receipt, by},
    agreement::{rules::not_ended, version::Locked},
    history::Change,
    plan_item::live::tell,
    text,
};
use crate::{
    auth::policy::{self, Action, Noun},
    crypto::Place,
    db::Tx,
    error::{Fault, Problem, ProblemCode, Stop},
    session::Session,
};

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum About {
    Goal(GoalId),
    Item(PlanItemId),
}

/// A new note.
#[derive(Clone, Debug, Serialize)]
pub struct Add {
    pub about: About,
    pub text: String,
    /// The own note that this one corrects; the original stays.
    pub corrects: Option<ProgressNoteId>,
}

const ACTION: &str = "progressNoteAdd";

/// Writes a note.
pub async fn add(session: &Session, key: &str, cmd: &Add) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        policy::check(&session.actor, Noun::ProgressNote, Action::Create)?;
        let agreement = agreement_of(tx, session, cmd.about).await?;
        not_ended(agreement.status)?;
        let mut problems = Vec::new();
        let text = text::required("text", &cmd.text, text::TEXT, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into());
        }
        if let Some(corrects) = cmd.corrects {
            may_correct(tx, session, cmd.about, corrects).await?;
        }
        let id = ProgressNoteId(session.core.clock.uuid());
        let (by_kind, by_id) = by(session);
        let (goal, item, kind) = match cmd.about {
            About::Goal(goal) => (Some(goal), None, "goal.noted"),
            About::Item(item) => (None, Some(item), "plan_item.noted"),
        };
        progress_note::Entity::insert(progress_note::ActiveModel {
            id: Set(id),
            agreement_id: Set(agreement.id),
            patient_id: Set(agreement.patient_id),
            care_unit_id: Set(agreement.care_unit_id),
            care_provider_id: Set(agreement.care_provider_id),
            goal_id: Set(goal),
            plan_item_id: Set(item),
            corrects_id: Set(cmd.corrects),
            text: Set(session.core.keys.seal(Place::new("progress_note.text", id.0), &text)?),
            by_kind: Set(by_kind),
            by_id: Set(by_id),
            created_at: Set(session.now()),
        })
        .exec_without_returning(tx)
        .await
        .map_err(|e| act::on_unique(e, already_corrected))?;
        let subject = goal.map_or_else(|| item.map_or(id.0, |item| item.0), |goal| goal.0);
        let after = json!({ "note": text, "corrects": cmd.corrects, "about": subject });
        let change = Change { kind: "progress_note", subject: id.0, before: None, after: Some(after) };
        tell(tx, session, &agreement, ACTION, kind, subject, change).await?;
        Ok(Done::on(agreement.patient_id).with("note", id.0).with("agreement", agreement.id.0))
    })
    .await
}

async fn agreement_of(tx: &Tx, session: &Session, about: About) -> Result<Locked, Stop> {
    let (actor, now) = (&session.actor, session.now());
    match about {
        About::Goal(id) => {
            let granted =
                policy::reach::<goal::Entity>(tx, actor, Action::Read, id, "about.goalId", now).await?;
            Locked::of_goal(tx, &granted).await
        }
        About::Item(id) => {
            let granted =
                policy::reach::<plan_item::Entity>(tx, actor, Action::Read, id, "about.planItemId", now)
                    .await?;
            Locked::of_item(tx, &granted).await
        }
    }
}

/// Only one's own note, about the same thing, can be corrected.
async fn may_correct(tx: &Tx, session: &Session, about: About, id: ProgressNoteId) -> Result<(), Stop> {
    let original = policy::reach::<progress_note::Entity>(
        tx,
        &session.actor,
        Action::Read,
        id,
        "correctsId",
        session.now(),
    )
    .await?;
    let same = match about {
        About::Goal(goal) => original.goal_id == Some(goal),
        About::Item(item) => original.plan_item_id == Some(item),
    };
    if !same {
        return Err(Problem::not_found("correctsId").into());
    }
    if by(session) != (original.by_kind, original.by_id) {
        return Err(Problem::new(
            ProblemCode::Forbidden,
            "Bara den som skrev anteckningen kan rätta den. Skriv en egen i stället.",
            "Only the one who wrote the note can correct it. Write one of your own instead.",
        )
        .at("correctsId")
        .into());
    }
    Ok(())
}

fn already_corrected() -> Problem {
    Problem::new(
        ProblemCode::Conflict,
        "Anteckningen är redan rättad. Rätta den senaste i stället.",
        "The note has already been corrected. Correct the latest one instead.",
    )
    .at("correctsId")
}
