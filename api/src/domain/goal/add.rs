//! Adding a goal: into the draft, or as a proposal on top of what is in force.

use chrono::NaiveDate;
use entity::{AgreementId, GoalId, GoalRevisionId, agreement, goal, goal_revision};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde::Serialize;
use serde_json::json;

use crate::{
    auth::policy::{self, Action, Noun},
    calendar::to_local,
    crypto::Place,
    db::Tx,
    domain::{
        act::{self, Done, Receipt, by},
        agreement::{
            addition::{self, Added},
            canonical::GoalWording,
            rules::{self, Addition},
            version::{self, Locked, event},
        },
        history::{self, Change},
        text,
    },
    error::{Fault, Problem, Stop},
    session::Session,
};

/// A new goal.
#[derive(Clone, Debug, Serialize)]
pub struct Add {
    pub agreement: AgreementId,
    pub text: String,
    /// 1 first; after all others when left out.
    pub priority: Option<i32>,
    pub target_on: Option<NaiveDate>,
}

const ACTION: &str = "goalAdd";

/// Adds a goal. On an agreement in force it is the adder's assent to the next version.
pub async fn add(session: &Session, key: &str, cmd: &Add) -> Result<Receipt, Fault> {
    act::perform(session, ACTION, key, cmd, async |tx| {
        let (actor, now) = (&session.actor, session.now());
        policy::check(actor, Noun::Goal, Action::Create)?;
        let granted =
            policy::reach::<agreement::Entity>(tx, actor, Action::Propose, cmd.agreement, "agreementId", now)
                .await?;
        let checked = check(cmd, to_local(now).date_naive())?;
        let mut agreement = Locked::take(tx, &granted).await?;
        let place = rules::addition(agreement.status)?;
        let current = agreement.current(tx).await?;
        let document = version::document(tx, &session.core.keys, &current).await?;
        let last = document.goals.iter().map(|g| g.priority).max().unwrap_or(0);
        let wording = GoalWording {
            id: GoalId(session.core.clock.uuid()),
            text: checked,
            priority: cmd.priority.unwrap_or(last.saturating_add(1)),
            target_on: cmd.target_on,
        };
        let revision = insert(tx, session, &agreement, &wording).await?;
        let goal = wording.id;
        let after = json!({ "wording": wording, "status": goal::Status::Proposed });
        let added = Added::Goal { wording, revision };
        let version = match place {
            Addition::ToDraft => {
                addition::add_to_draft(tx, session, &mut agreement, &current, &document, &added).await?;
                current.id
            }
            Addition::AsProposal => {
                addition::propose_successor(tx, session, &mut agreement, &current, document, &added).await?
            }
        };
        let change = Change { kind: "goal", subject: goal.0, before: None, after: Some(after) };
        history::record(tx, session, (&*agreement).into(), ACTION, [change]).await?;
        let mut events = vec![event(&agreement, "goal.added", goal.0)];
        if place == Addition::AsProposal {
            events.push(event(&agreement, "agreement.proposed", version.0));
        }
        act::emit(tx, session, events).await?;
        Ok(Done::on(agreement.patient_id)
            .with("goal", goal.0)
            .with("agreement", agreement.id.0)
            .with("version", version.0))
    })
    .await
}

fn check(cmd: &Add, today: NaiveDate) -> Result<String, Vec<Problem>> {
    let mut problems = Vec::new();
    let text = text::required("text", &cmd.text, text::TEXT, &mut problems);
    if cmd.priority.is_some_and(|p| !(1..=99).contains(&p)) {
        problems.push(Problem::input(
            "priority",
            "Ange ett tal mellan 1 och 99.",
            "Give a number from 1 to 99.",
        ));
    }
    if cmd.target_on.is_some_and(|day| day < today) {
        problems.push(Problem::input(
            "targetOn",
            "Välj en dag som inte har passerat.",
            "Choose a day that has not passed.",
        ));
    }
    if problems.is_empty() { Ok(text) } else { Err(problems) }
}

async fn insert(
    tx: &Tx,
    session: &Session,
    agreement: &agreement::Model,
    wording: &GoalWording,
) -> Result<GoalRevisionId, Stop> {
    let now = session.now();
    let set_by = session.actor.party().ok_or_else(Problem::forbidden)?;
    goal::Entity::insert(goal::ActiveModel {
        id: Set(wording.id),
        agreement_id: Set(agreement.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        status: Set(goal::Status::Proposed),
        achievement: Set(goal::Achievement::InProgress),
        set_by: Set(set_by),
        created_at: Set(now),
        row_version: Set(1),
        ..Default::default()
    })
    .exec_without_returning(tx)
    .await?;
    let id = GoalRevisionId(session.core.clock.uuid());
    let (by_kind, by_id) = by(session);
    goal_revision::Entity::insert(goal_revision::ActiveModel {
        id: Set(id),
        goal_id: Set(wording.id),
        patient_id: Set(agreement.patient_id),
        care_unit_id: Set(agreement.care_unit_id),
        care_provider_id: Set(agreement.care_provider_id),
        text: Set(session.core.keys.seal(Place::new("goal_revision.text", id.0), &wording.text)?),
        priority: Set(wording.priority),
        target_on: Set(wording.target_on),
        by_kind: Set(by_kind),
        by_id: Set(by_id),
        created_at: Set(now),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(id)
}
