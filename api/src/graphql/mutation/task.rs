//! Tasks of staff: taking, giving, passing on, noting and ending.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use entity::{AssignmentId, CareUnitId, TaskId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::task::{
        assign::{Assign, Take, assign, take},
        end::{End, end},
        handover::{Handover, MOST, handover, receipt_name},
        note::{Note, note},
        pass::{Pass, pass},
    },
    graphql::{
        read::task,
        scalars::{GlobalId, NodeKind},
        types::tasks::Task,
        user_error::{UserError, fault, session, user_errors},
    },
};

/// A task to take.
#[derive(InputObject)]
pub struct TaskTakeInput {
    /// The task's global id.
    task_id: ID,
    /// The task's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Who is to do a task.
#[derive(InputObject)]
pub struct TaskAssignInput {
    /// The task's global id.
    task_id: ID,
    /// A colleague at the unit: the assignment's global id. Left out: nobody in particular.
    assignee_id: Option<ID>,
    /// The task's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Which unit is to do a task instead, and why.
#[derive(InputObject)]
pub struct TaskPassInput {
    /// The task's global id.
    task_id: ID,
    /// Another unit of the same care provider: its global id.
    care_unit_id: ID,
    /// Why; at most 4 000 characters. It stays in the history.
    reason: String,
    /// The task's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A note on a task.
#[derive(InputObject)]
pub struct TaskNoteInput {
    /// The task's global id.
    task_id: ID,
    /// For colleagues; at most 4 000 characters. It replaces the note before, which stays in the history.
    note: String,
    /// The task's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The end of a task.
#[derive(InputObject)]
pub struct TaskEndInput {
    /// The task's global id.
    task_id: ID,
    /// What was done; at most 4 000 characters.
    words: String,
    /// The task's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Whose tasks go to whom.
#[derive(InputObject)]
pub struct TaskHandoverInput {
    /// Who has them now, also one who has left: the assignment's global id.
    from_id: ID,
    /// Who gets them, at the same unit: the assignment's global id.
    to_id: ID,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `taskTake`.
    TaskTakePayload of TaskId {
        /// The task as it is now, also when the act was refused.
        task: Task = task::task
    }
}

payload! {
    /// Answer to `taskAssign`.
    TaskAssignPayload of TaskId {
        /// The task as it is now, also when the act was refused.
        task: Task = task::task
    }
}

payload! {
    /// Answer to `taskPass`.
    TaskPassPayload of TaskId {
        /// The task as it is now, also when the act was refused.
        task: Task = task::task
    }
}

payload! {
    /// Answer to `taskNote`.
    TaskNotePayload of TaskId {
        /// The task as it is now, also when the act was refused.
        task: Task = task::task
    }
}

payload! {
    /// Answer to `taskEnd`.
    TaskEndPayload of TaskId {
        /// The task as it is now, also when the act was refused.
        task: Task = task::task
    }
}

/// Answer to `taskHandover`.
#[derive(SimpleObject)]
pub struct TaskHandoverPayload {
    /// How many tasks changed hands.
    handed_over: i32,
    /// Those of them that the caller may see, what is due first before the rest; at most 200.
    tasks: Vec<Task>,
    /// Why it was refused, everything at once; empty when it was done.
    user_errors: Vec<UserError>,
}

/// Tasks of staff.
#[derive(Default)]
pub struct TaskMutation;

fn row(id: &ID) -> TaskId {
    GlobalId::row(id, NodeKind::Task).unwrap_or(TaskId(Uuid::nil()))
}

fn person(id: &ID) -> AssignmentId {
    GlobalId::row(id, NodeKind::Assignment).unwrap_or(AssignmentId(Uuid::nil()))
}

/// Tasks of staff.
#[Object(serial)]
impl TaskMutation {
    /// Takes a task (tar uppgiften): the caller does it.
    async fn task_take(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task.")] input: TaskTakeInput,
    ) -> Result<TaskTakePayload> {
        let (session, id) = (session(ctx), row(&input.task_id));
        let cmd = Take { task: id, expected_row_version: input.expected_row_version };
        let outcome = take(session, &input.idempotency_key, &cmd).await;
        Ok(TaskTakePayload(Answer::new(session, outcome, "task", Some(id))?))
    }

    /// Gives a task to a colleague at the same unit (fördelar uppgiften), or back to the unit as a whole. Managers
    /// may, with what has risen to them.
    async fn task_assign(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task, to whom.")] input: TaskAssignInput,
    ) -> Result<TaskAssignPayload> {
        let (session, id) = (session(ctx), row(&input.task_id));
        let cmd = Assign {
            task: id,
            assignee: input.assignee_id.as_ref().map(person),
            expected_row_version: input.expected_row_version,
        };
        let outcome = assign(session, &input.idempotency_key, &cmd).await;
        Ok(TaskAssignPayload(Answer::new(session, outcome, "task", Some(id))?))
    }

    /// Passes a task to another unit of the same care provider (lämnar uppgiften vidare). Its time stays, and the other
    /// unit gets a care relation to the patient. What the task is about goes with it: a request is with that unit then, and so
    /// is a conversation whose answer is due, which the patient sees.
    async fn task_pass(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task, where, and why.")] input: TaskPassInput,
    ) -> Result<TaskPassPayload> {
        let (session, id) = (session(ctx), row(&input.task_id));
        let cmd = Pass {
            task: id,
            care_unit: GlobalId::row(&input.care_unit_id, NodeKind::CareUnit)
                .unwrap_or(CareUnitId(Uuid::nil())),
            reason: input.reason,
            expected_row_version: input.expected_row_version,
        };
        let outcome = pass(session, &input.idempotency_key, &cmd).await;
        Ok(TaskPassPayload(Answer::new(session, outcome, "task", Some(id))?))
    }

    /// Writes a note for colleagues on a task (anteckning).
    async fn task_note(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task, and what.")] input: TaskNoteInput,
    ) -> Result<TaskNotePayload> {
        let (session, id) = (session(ctx), row(&input.task_id));
        let cmd = Note { task: id, note: input.note, expected_row_version: input.expected_row_version };
        let outcome = note(session, &input.idempotency_key, &cmd).await;
        Ok(TaskNotePayload(Answer::new(session, outcome, "task", Some(id))?))
    }

    /// Ends a task as done (avslutar uppgiften), in words. `WRONG_STATE` for a task that only what it asks for can end,
    /// such as a patient's request; the message says what does.
    async fn task_end(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which task, and what was done.")] input: TaskEndInput,
    ) -> Result<TaskEndPayload> {
        let (session, id) = (session(ctx), row(&input.task_id));
        let cmd = End { task: id, words: input.words, expected_row_version: input.expected_row_version };
        let outcome = end(session, &input.idempotency_key, &cmd).await;
        Ok(TaskEndPayload(Answer::new(session, outcome, "task", Some(id))?))
    }

    /// Hands over what somebody at the caller's unit has to do to a colleague there (lämnar över uppgifter), when they
    /// leave or are away for long: their open tasks, 200 at a time. For care staff and the unit's manager.
    async fn task_handover(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "From whom, to whom.")] input: TaskHandoverInput,
    ) -> Result<TaskHandoverPayload> {
        let session = session(ctx);
        let cmd = Handover { from: person(&input.from_id), to: person(&input.to_id) };
        let receipt =
            handover(session, &input.idempotency_key, &cmd).await.map_err(|e| fault(session, &e))?;
        let ids: Vec<TaskId> =
            (0..MOST as usize).map_while(|n| receipt.id::<TaskId>(&receipt_name(n))).collect();
        let wanted = ctx.look_ahead().field("tasks").exists();
        let tasks = if wanted { task::by_ids(session, &ids).await } else { Ok(Vec::new()) };
        Ok(TaskHandoverPayload {
            handed_over: i32::try_from(ids.len()).unwrap_or(i32::MAX),
            tasks: tasks.map_err(|e| fault(session, &e))?,
            user_errors: user_errors(&receipt, session.locale),
        })
    }
}
