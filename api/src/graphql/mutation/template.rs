//! Templates of courses of care.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{AgreementId, TemplateUseId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::template::{
        apply::{Apply, apply},
        discharge::{Run, run},
    },
    graphql::{
        read::{node, template},
        scalars::{Date, GlobalId, NodeKind},
        types::{agreement::Agreement, template::AppliedTemplate},
        user_error::{UserError, fault, session},
    },
};

/// A template to be put into a draft.
#[derive(InputObject)]
pub struct AgreementApplyTemplateInput {
    /// The agreement, with an open draft: its global id.
    agreement_id: ID,
    /// The template's name, such as `surgery`.
    template: String,
    /// The day that times are counted from, such as the day of the operation.
    anchor_date: Date,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The check of a plan before the patient goes home.
#[derive(InputObject)]
pub struct DischargeCheckRunInput {
    /// The agreement: its global id.
    agreement_id: ID,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Answer to `agreementApplyTemplate`.
pub struct AgreementApplyTemplatePayload {
    agreement: Answer<AgreementId>,
    used: Option<TemplateUseId>,
}

/// Answer to `agreementApplyTemplate`.
#[Object(serial)]
impl AgreementApplyTemplatePayload {
    /// The agreement as it is now, also when the act was refused.
    async fn agreement(&self, ctx: &Context<'_>) -> Result<Option<Agreement>> {
        match self.agreement.show {
            Some(id) => node::agreement(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What was put into the draft, and what is still open.
    async fn applied(&self, ctx: &Context<'_>) -> Result<Option<AppliedTemplate>> {
        let session = session(ctx);
        match self.used {
            Some(id) => template::applied(session, id).await.map_err(|e| fault(session, &e)),
            None => Ok(None),
        }
    }

    /// Why it was refused, everything at once; empty when it was done.
    async fn user_errors(&self) -> &[UserError] {
        &self.agreement.errors
    }
}

payload! {
    /// Answer to `dischargeCheckRun`.
    DischargeCheckRunPayload of AgreementId {
        /// The agreement, whose `dischargeCheck` says what is missing.
        agreement: Agreement = node::agreement
    }
}

/// Templates of courses of care.
#[derive(Default)]
pub struct TemplateMutation;

/// Templates of courses of care.
#[Object(serial)]
impl TemplateMutation {
    /// Puts a template (mall) into the draft, by care: its items with times counted from the anchor date, and its texts
    /// where the draft has none, in the patient's language. CONFLICT when it is there already with the same day;
    /// `WRONG_STATE` without a draft.
    async fn agreement_apply_template(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which template, where, counted from which day.")]
        input: AgreementApplyTemplateInput,
    ) -> Result<AgreementApplyTemplatePayload> {
        let session = session(ctx);
        let agreement =
            GlobalId::row(&input.agreement_id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()));
        let cmd = Apply {
            agreement,
            template: input.template,
            anchor_on: input.anchor_date.0,
            expected_row_version: input.expected_row_version,
        };
        let outcome = apply(session, &input.idempotency_key, &cmd).await;
        let used = outcome.as_ref().ok().and_then(|receipt| receipt.id("templateUse"));
        let agreement = Answer::on_agreement(session, outcome, agreement)?;
        Ok(AgreementApplyTemplatePayload { agreement, used })
    }

    /// Checks a plan before the patient goes home (utskrivningskontroll), by care: what is missing becomes a task of
    /// the unit (`DISCHARGE_GAP`), which is done when nothing is missing any more.
    async fn discharge_check_run(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agreement.")] input: DischargeCheckRunInput,
    ) -> Result<DischargeCheckRunPayload> {
        let session = session(ctx);
        let agreement =
            GlobalId::row(&input.agreement_id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()));
        let outcome = run(session, &input.idempotency_key, &Run { agreement }).await;
        Ok(DischargeCheckRunPayload(Answer::on_agreement(session, outcome, agreement)?))
    }
}
