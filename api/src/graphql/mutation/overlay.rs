//! What lies over and under an agreement: safety instructions, and links to existing plans.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{AgreementId, PlanLinkId, SafetyInstructionId, safety_instruction};
use uuid::Uuid;

use super::payload::{Answer, payload, shows_current};
use crate::{
    domain::{
        plan_link::{
            add::{Add as LinkAdd, add as link_add},
            remove::{Remove, remove},
        },
        safety::{
            add::{Add, add},
            remove::{Remove as SafetyRemove, remove as safety_remove},
            withdraw::{Withdraw, withdraw},
        },
    },
    graphql::{
        read::{node, overlay},
        scalars::{Date, GlobalId, NodeKind, PhoneNumber},
        types::{
            agreement::Agreement,
            enums::{ExistingPlanKind, SafetyInstructionKind},
            overlay::{PlanLink, SafetyInstruction},
        },
        user_error::session,
    },
};

/// A new safety instruction (säkerhetsanvisning).
#[derive(InputObject)]
pub struct SafetyInstructionAddInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// What it is about.
    kind: SafetyInstructionKind,
    /// The instruction, in plain words; at most 4 000 characters.
    text: String,
    /// What to do; at most 4 000 characters.
    action: Option<String>,
    /// Whom to call. Required of `WHOM_TO_CALL`.
    phone: Option<PhoneNumber>,
    /// The medication list (läkemedelslista) that it is taken from; at most 200 characters. Required of a medicine.
    source: Option<String>,
    /// The date of that list. Required of a medicine.
    source_on: Option<Date>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A safety instruction to take out of the plan (ta bort).
#[derive(InputObject)]
pub struct SafetyInstructionRemoveInput {
    /// The instruction's global id.
    instruction_id: ID,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A safety instruction that care takes back (tar tillbaka).
#[derive(InputObject)]
pub struct SafetyInstructionWithdrawInput {
    /// The instruction's global id.
    instruction_id: ID,
    /// Why; at most 4 000 characters. The patient reads it.
    reason: String,
    /// The instruction's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A link to an existing plan (befintlig plan).
#[derive(InputObject)]
pub struct PlanLinkAddInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// What kind of plan.
    kind: ExistingPlanKind,
    /// What the plan is called; at most 200 characters.
    title: String,
    /// Who keeps it; at most 200 characters.
    holder: String,
    /// The system it stands in, and its reference there; at most 200 characters.
    reference: Option<String>,
    /// Where it can be read: https only; at most 500 characters.
    url: Option<String>,
    /// The plan's own date.
    dated_on: Option<Date>,
    /// Parties outside care, such as Försäkringskassan and Arbetsförmedlingen; at most 20, of 200 characters each.
    #[graphql(default)]
    parties: Vec<String>,
    /// Whether this plan is the agreement itself (fulfilledBy), so that only what it lacks is added. Care decides.
    #[graphql(default = false)]
    fulfils: bool,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A link that ends.
#[derive(InputObject)]
pub struct PlanLinkRemoveInput {
    /// The link's global id.
    link_id: ID,
    /// Why; at most 4 000 characters.
    reason: String,
    /// The link's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `safetyInstructionAdd`.
    SafetyInstructionAddPayload of SafetyInstructionId {
        /// The instruction.
        instruction: SafetyInstruction = overlay::instruction
    }
}

payload! {
    /// Answer to `safetyInstructionWithdraw`.
    SafetyInstructionWithdrawPayload of SafetyInstructionId {
        /// The instruction as it is now, also when the act was refused.
        instruction: SafetyInstruction = overlay::instruction
    }
}

payload! {
    /// Answer to `safetyInstructionRemove`.
    SafetyInstructionRemovePayload of AgreementId {
        /// The agreement as it is now, also when the act was refused for having changed.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `planLinkAdd`.
    PlanLinkAddPayload of PlanLinkId {
        /// The link.
        link: PlanLink = overlay::link
    }
}

payload! {
    /// Answer to `planLinkRemove`.
    PlanLinkRemovePayload of PlanLinkId {
        /// The link as it is now, also when the act was refused.
        link: PlanLink = overlay::link
    }
}

fn instruction_row(id: &ID) -> SafetyInstructionId {
    GlobalId::row(id, NodeKind::SafetyInstruction).unwrap_or(SafetyInstructionId(Uuid::nil()))
}

/// Safety instructions and links to existing plans.
#[derive(Default)]
pub struct OverlayMutation;

/// Safety instructions and links to existing plans.
#[Object(serial)]
impl OverlayMutation {
    /// Lays a safety instruction (säkerhetsanvisning) over an agreement in force, by care: it holds at once, the patient
    /// is told, and sees that it is not agreed yet. The next version that care proposes says it too. `CONFLICT` when 30
    /// wait that the version in force does not say.
    async fn safety_instruction_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to watch for, take or call.")] input: SafetyInstructionAddInput,
    ) -> Result<SafetyInstructionAddPayload> {
        let session = session(ctx);
        let cmd = Add {
            agreement: agreement_row(&input.agreement_id),
            kind: input.kind.into(),
            text: input.text,
            action: input.action,
            phone: input.phone.map(|phone| phone.0),
            source: input.source,
            source_on: input.source_on.map(|day| day.0),
        };
        let outcome = add(session, &input.idempotency_key, &cmd).await;
        Ok(SafetyInstructionAddPayload(Answer::new(session, outcome, "instruction", None)?))
    }

    /// Takes a safety instruction out of the plan (tar bort säkerhetsanvisningen), by either side: out of the draft if
    /// there is one; else as a proposal on top of what is in force. It holds until a version without it is in force.
    /// `WRONG_STATE` when no version says it yet: then care takes it back.
    async fn safety_instruction_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which instruction.")] input: SafetyInstructionRemoveInput,
    ) -> Result<SafetyInstructionRemovePayload> {
        let session = session(ctx);
        let instruction = instruction_row(&input.instruction_id);
        let cmd = SafetyRemove { instruction, expected_row_version: input.expected_row_version };
        let outcome = safety_remove(session, &input.idempotency_key, &cmd).await;
        let agreement = if shows_current(&outcome) {
            node::reach::<safety_instruction::Entity>(session, instruction).await?.map(|row| row.agreement_id)
        } else {
            None
        };
        Ok(SafetyInstructionRemovePayload(Answer::new(session, outcome, "agreement", agreement)?))
    }

    /// Takes a safety instruction back (återtar säkerhetsanvisningen), by care, with a reason. Proposals that say it are
    /// withdrawn; where the version in force says it (`PATIENT_UNDECIDED`), it is shown there no longer and care gets the
    /// task `REVISE_PLAN`. `WRONG_STATE` when it has been agreed on: then `safetyInstructionRemove` proposes a version
    /// without it.
    async fn safety_instruction_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which instruction, and why.")] input: SafetyInstructionWithdrawInput,
    ) -> Result<SafetyInstructionWithdrawPayload> {
        let session = session(ctx);
        let instruction = instruction_row(&input.instruction_id);
        let cmd =
            Withdraw { instruction, reason: input.reason, expected_row_version: input.expected_row_version };
        let outcome = withdraw(session, &input.idempotency_key, &cmd).await;
        Ok(SafetyInstructionWithdrawPayload(Answer::new(session, outcome, "instruction", Some(instruction))?))
    }

    /// Links an existing plan (länkar en befintlig plan): the agreement builds on it, or it is the agreement. Nothing in
    /// that plan is copied or changed.
    async fn plan_link_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which plan, and where it is kept.")] input: PlanLinkAddInput,
    ) -> Result<PlanLinkAddPayload> {
        let session = session(ctx);
        let cmd = LinkAdd {
            agreement: agreement_row(&input.agreement_id),
            kind: input.kind.into(),
            title: input.title,
            holder: input.holder,
            reference: input.reference,
            url: input.url,
            dated_on: input.dated_on.map(|day| day.0),
            parties: input.parties,
            fulfils: input.fulfils,
        };
        let outcome = link_add(session, &input.idempotency_key, &cmd).await;
        Ok(PlanLinkAddPayload(Answer::new(session, outcome, "link", None)?))
    }

    /// Ends a link to an existing plan (avslutar länken). It stays on record; the plan is untouched.
    async fn plan_link_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which link, and why.")] input: PlanLinkRemoveInput,
    ) -> Result<PlanLinkRemovePayload> {
        let session = session(ctx);
        let link = GlobalId::row(&input.link_id, NodeKind::PlanLink).unwrap_or(PlanLinkId(Uuid::nil()));
        let cmd = Remove { link, reason: input.reason, expected_row_version: input.expected_row_version };
        let outcome = remove(session, &input.idempotency_key, &cmd).await;
        Ok(PlanLinkRemovePayload(Answer::new(session, outcome, "link", Some(link))?))
    }
}

fn agreement_row(id: &ID) -> AgreementId {
    GlobalId::row(id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()))
}
