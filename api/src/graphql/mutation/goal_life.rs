//! Where goals stand, and notes about how it goes.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};
use entity::{GoalId, ProgressNoteId};
use uuid::Uuid;

use super::{
    payload::{Answer, payload},
    plan::plan_item_id,
};
use crate::{
    domain::{
        goal::live::{SetAchievement, SetStatus, set_achievement, set_status},
        progress_note::{About, Add, add},
    },
    graphql::{
        read::node,
        scalars::{GlobalId, NodeKind},
        types::{
            agreement::Goal,
            enums::{GoalAchievement, GoalStatus},
            life::ProgressNote,
        },
        user_error::session,
    },
};

/// Where a goal (mål) stands.
#[derive(InputObject)]
pub struct GoalStatusSetInput {
    /// The goal's global id.
    goal_id: ID,
    /// Where it stands now. `PROPOSED` and `ACCEPTED` are said by assents alone.
    to: GoalStatus,
    /// Why; at most 4 000 characters. Required for a goal that is given up.
    reason: Option<String>,
    /// The goal's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// How near a goal (mål) is.
#[derive(InputObject)]
pub struct GoalAchievementSetInput {
    /// The goal's global id.
    goal_id: ID,
    /// How near.
    achievement: GoalAchievement,
    /// The goal's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A progress note (hur det går).
#[derive(InputObject)]
pub struct ProgressNoteAddInput {
    /// What it is about.
    about: ProgressNoteAboutInput,
    /// What it says; at most 4 000 characters.
    text: String,
    /// The own note that this one corrects: its global id. The original stays.
    corrects_id: Option<ID>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// What a note is about: one of these.
#[derive(OneofObject)]
pub enum ProgressNoteAboutInput {
    /// A goal's global id.
    GoalId(ID),
    /// A plan item's global id.
    PlanItemId(ID),
}

payload! {
    /// Answer to `goalStatusSet`.
    GoalStatusSetPayload of GoalId {
        /// The goal as it is now, also when the act was refused.
        goal: Arc<Goal> = node::goal
    }
}

payload! {
    /// Answer to `goalAchievementSet`.
    GoalAchievementSetPayload of GoalId {
        /// The goal as it is now, also when the act was refused.
        goal: Arc<Goal> = node::goal
    }
}

payload! {
    /// Answer to `progressNoteAdd`.
    ProgressNoteAddPayload of ProgressNoteId {
        /// The note.
        note: ProgressNote = node::progress_note
    }
}

fn goal_id(id: &ID) -> GoalId {
    GlobalId::row(id, NodeKind::Goal).unwrap_or(GoalId(Uuid::nil()))
}

/// Where goals stand.
#[derive(Default)]
pub struct GoalLifeMutation;

/// Where goals stand.
#[Object(serial)]
impl GoalLifeMutation {
    /// Says where a goal (mål) stands, by either side: it is shown who said so. Whether it is agreed is for the assents.
    async fn goal_status_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which goal, and where it stands.")] input: GoalStatusSetInput,
    ) -> Result<GoalStatusSetPayload> {
        let session = session(ctx);
        let goal = goal_id(&input.goal_id);
        let cmd = SetStatus {
            goal,
            to: input.to.into(),
            reason: input.reason,
            expected_row_version: input.expected_row_version,
        };
        let outcome = set_status(session, &input.idempotency_key, &cmd).await;
        Ok(GoalStatusSetPayload(Answer::new(session, outcome, "goal", Some(goal))?))
    }

    /// Says how near a goal (mål) is, by either side: it is shown who said so.
    async fn goal_achievement_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which goal, and how near it is.")] input: GoalAchievementSetInput,
    ) -> Result<GoalAchievementSetPayload> {
        let session = session(ctx);
        let goal = goal_id(&input.goal_id);
        let cmd = SetAchievement {
            goal,
            achievement: input.achievement.into(),
            expected_row_version: input.expected_row_version,
        };
        let outcome = set_achievement(session, &input.idempotency_key, &cmd).await;
        Ok(GoalAchievementSetPayload(Answer::new(session, outcome, "goal", Some(goal))?))
    }

    /// Writes a progress note (hur det går) about a goal or plan item, by either side. A note is never altered: a
    /// correction is a new note by the same author.
    async fn progress_note_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The note.")] input: ProgressNoteAddInput,
    ) -> Result<ProgressNoteAddPayload> {
        let session = session(ctx);
        let cmd = Add {
            about: match &input.about {
                ProgressNoteAboutInput::GoalId(id) => About::Goal(goal_id(id)),
                ProgressNoteAboutInput::PlanItemId(id) => About::Item(plan_item_id(id)),
            },
            text: input.text,
            corrects: input
                .corrects_id
                .map(|id| GlobalId::row(&id, NodeKind::ProgressNote).unwrap_or(ProgressNoteId(Uuid::nil()))),
        };
        let outcome = add(session, &input.idempotency_key, &cmd).await;
        Ok(ProgressNoteAddPayload(Answer::new(session, outcome, "note", None)?))
    }
}
