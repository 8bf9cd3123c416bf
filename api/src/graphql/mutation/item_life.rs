//! Where plan items stand: begun, done, called off, referred, told, promised by a relative; and notes of staff.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::PlanItemId;

use super::{
    payload::{Answer, payload},
    plan::plan_item_id,
};
use crate::{
    domain::plan_item::{
        occurrence::{Mark, mark},
        referral::{SetState, set_state},
        relative::{RecordConsent, record},
        result::{ResultTold, told},
        turn::{Turn, TurnItem, turn},
        work_note::{SetNote, set},
    },
    graphql::{
        read::node,
        scalars::Date,
        types::{
            agreement::PlanItem,
            enums::{PlanItemMarkOutcome, ReferralState},
        },
        user_error::{UserError, session},
    },
};

/// A plan item that is begun (påbörjas).
#[derive(InputObject)]
pub struct PlanItemStartInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A plan item that is done (gjort).
#[derive(InputObject)]
pub struct PlanItemCompleteInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// A word about it; at most 4 000 characters.
    reason: Option<String>,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A plan item that did not happen (blev inte av).
#[derive(InputObject)]
pub struct PlanItemNotDoneInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// Why; at most 4 000 characters. The patient may say why and need not; care says why it did not do what it promised.
    reason: Option<String>,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A plan item that is called off (ställs in).
#[derive(InputObject)]
pub struct PlanItemCancelInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// Why; at most 4 000 characters.
    reason: String,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A plan item that was closed by mistake.
#[derive(InputObject)]
pub struct PlanItemReopenInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// Why, for those who want to say; at most 4 000 characters.
    reason: Option<String>,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// What became of one occurrence of a recurring plan item (bocka av).
#[derive(InputObject)]
pub struct PlanItemOccurrenceMarkInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// The day of the occurrence; not a day to come.
    on: Date,
    /// What became of it.
    outcome: PlanItemMarkOutcome,
    /// Why, for those who want to say; at most 4 000 characters.
    reason: Option<String>,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// How far a referral (remiss) has come.
#[derive(InputObject)]
pub struct ReferralStateSetInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// How far.
    state: ReferralState,
    /// Since when; today when left out.
    on: Option<Date>,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A result that the patient has been told (besked lämnat).
#[derive(InputObject)]
pub struct ResultToldInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// How; at most 4 000 characters.
    how: String,
    /// When; today when left out.
    on: Option<Date>,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The yes of a relative (närstående) to do a plan item.
#[derive(InputObject)]
pub struct RelativeConsentRecordInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// Who said yes, and how; at most 4 000 characters.
    words: String,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A work note (arbetsanteckning) of staff.
#[derive(InputObject)]
pub struct WorkNoteSetInput {
    /// The plan item's global id.
    plan_item_id: ID,
    /// The note; at most 4 000 characters. An empty text clears it.
    text: String,
    /// The plan item's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `planItemStart`.
    PlanItemStartPayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `planItemComplete`.
    PlanItemCompletePayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `planItemNotDone`.
    PlanItemNotDonePayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `planItemCancel`.
    PlanItemCancelPayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `planItemReopen`.
    PlanItemReopenPayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `planItemOccurrenceMark`.
    PlanItemOccurrenceMarkPayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `referralStateSet`.
    ReferralStateSetPayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `resultTold`.
    ResultToldPayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

payload! {
    /// Answer to `relativeConsentRecord`.
    RelativeConsentRecordPayload of PlanItemId {
        /// The plan item as it is now, also when the act was refused.
        plan_item: Arc<PlanItem> = node::plan_item
    }
}

/// Answer to `workNoteSet`.
pub struct WorkNoteSetPayload(Answer<PlanItemId>);

/// Answer to `workNoteSet`.
#[Object(serial)]
impl WorkNoteSetPayload {
    /// The plan item as it is now, also when the act was refused.
    async fn plan_item(&self, ctx: &Context<'_>) -> Result<Option<Arc<PlanItem>>> {
        match self.0.show {
            Some(id) => node::plan_item(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What the writer must know, to be shown beside the field: the patient can request the note.
    async fn reminder(&self, ctx: &Context<'_>) -> &'static str {
        session(ctx).locale.pick(
            "Arbetsanteckningen visas inte här för patienten, men den hör till journalen och patienten kan begära ut \
             den.",
            "The work note is not shown to the patient here, but it is part of the record, and the patient can request \
             it.",
        )
    }

    /// Why it was refused, everything at once; empty when it was done.
    async fn user_errors(&self) -> &[UserError] {
        &self.0.errors
    }
}

/// Where plan items stand.
#[derive(Default)]
pub struct ItemLifeMutation;

/// Where plan items stand.
#[Object(serial)]
impl ItemLifeMutation {
    /// Says that a plan item is begun (påbörjad). Patients for what they or their relatives do; staff for
    /// what care does, and on the patient's behalf.
    async fn plan_item_start(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: PlanItemStartInput,
    ) -> Result<PlanItemStartPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = TurnItem {
            plan_item,
            turn: Turn::Start,
            reason: None,
            expected_row_version: input.expected_row_version,
        };
        let outcome = turn(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemStartPayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Says that a plan item is done (gjort). Patients for what they or their relatives do; staff for
    /// what care does, and on the patient's behalf.
    async fn plan_item_complete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: PlanItemCompleteInput,
    ) -> Result<PlanItemCompletePayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = TurnItem {
            plan_item,
            turn: Turn::Done,
            reason: input.reason,
            expected_row_version: input.expected_row_version,
        };
        let outcome = turn(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemCompletePayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Says that a plan item did not happen (blev inte av), and why. Patients for what they or their relatives do; staff for
    /// what care does, and on the patient's behalf.
    /// It blames nobody: what patients and relatives do is never counted.
    async fn plan_item_not_done(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: PlanItemNotDoneInput,
    ) -> Result<PlanItemNotDonePayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = TurnItem {
            plan_item,
            turn: Turn::NotDone,
            reason: input.reason,
            expected_row_version: input.expected_row_version,
        };
        let outcome = turn(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemNotDonePayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Calls a plan item off (ställer in), with a reason. Patients for what they or their relatives do; staff for
    /// what care does, and on the patient's behalf.
    async fn plan_item_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: PlanItemCancelInput,
    ) -> Result<PlanItemCancelPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = TurnItem {
            plan_item,
            turn: Turn::Cancel,
            reason: Some(input.reason),
            expected_row_version: input.expected_row_version,
        };
        let outcome = turn(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemCancelPayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Opens a plan item that was closed by mistake. Patients for what they or their relatives do; staff for
    /// what care does, and on the patient's behalf.
    /// The history keeps what was said.
    async fn plan_item_reopen(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: PlanItemReopenInput,
    ) -> Result<PlanItemReopenPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = TurnItem {
            plan_item,
            turn: Turn::Reopen,
            reason: input.reason,
            expected_row_version: input.expected_row_version,
        };
        let outcome = turn(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemReopenPayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Says what became of one occurrence of a recurring plan item (bockar av). Marking the day again corrects the mark.
    /// Patients for what they or their relatives do; staff for what care does, and on the patient's behalf.
    async fn plan_item_occurrence_mark(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: PlanItemOccurrenceMarkInput,
    ) -> Result<PlanItemOccurrenceMarkPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = Mark {
            plan_item,
            on: input.on.0,
            outcome: input.outcome.into(),
            reason: input.reason,
            expected_row_version: input.expected_row_version,
        };
        let outcome = mark(session, &input.idempotency_key, &cmd).await;
        Ok(PlanItemOccurrenceMarkPayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Says how far a referral (remiss) has come, by care, and since when: a day of the last year. `WRONG_STATE` when the
    /// item is called off.
    async fn referral_state_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: ReferralStateSetInput,
    ) -> Result<ReferralStateSetPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = SetState {
            plan_item,
            state: input.state.into(),
            on: input.on.map(|day| day.0),
            expected_row_version: input.expected_row_version,
        };
        let outcome = set_state(session, &input.idempotency_key, &cmd).await;
        Ok(ReferralStateSetPayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Records that the patient has been told the result (besked lämnat), by care: it keeps the promise in `resultHow`
    /// and `resultBy`. Also after the agreement, while the result is owed; ends the task `RESULT_OWED`. `WRONG_STATE` when
    /// the item is called off.
    async fn result_told(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: ResultToldInput,
    ) -> Result<ResultToldPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = ResultTold {
            plan_item,
            how: input.how,
            on: input.on.map(|day| day.0),
            expected_row_version: input.expected_row_version,
        };
        let outcome = told(session, &input.idempotency_key, &cmd).await;
        Ok(ResultToldPayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Records that the relative (närstående) who is to do a plan item has said yes, by care. The relative needs no login.
    /// The yes is to the item as it is worded now.
    async fn relative_consent_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: RelativeConsentRecordInput,
    ) -> Result<RelativeConsentRecordPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd =
            RecordConsent { plan_item, words: input.words, expected_row_version: input.expected_row_version };
        let outcome = record(session, &input.idempotency_key, &cmd).await;
        Ok(RelativeConsentRecordPayload(Answer::on_item(session, outcome, plan_item)?))
    }

    /// Writes a work note (arbetsanteckning) on a plan item, by staff. It is not shown to the patient or a representative
    /// here, but it is part of the record, and the patient can request it: tell the writer (`reminder`).
    async fn work_note_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan item.")] input: WorkNoteSetInput,
    ) -> Result<WorkNoteSetPayload> {
        let session = session(ctx);
        let plan_item = plan_item_id(&input.plan_item_id);
        let cmd = SetNote { plan_item, text: input.text, expected_row_version: input.expected_row_version };
        let outcome = set(session, &input.idempotency_key, &cmd).await;
        Ok(WorkNoteSetPayload(Answer::on_item(session, outcome, plan_item)?))
    }
}
