//! Writing an agreement together: revising, editing, answering and taking back.

use async_graphql::{Context, Enum, ID, InputObject, Object, OneofObject, Result};
use entity::{AgreementId, AgreementVersionId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::agreement::{
        content::{Section, TextSection},
        content_edit::{ContentEdit, content_edit},
        counter::{Counter, counter},
        decline::{Decline, decline},
        revise::{Revise, revise},
        withdraw::{Withdraw, withdraw},
    },
    graphql::{
        read::node,
        scalars::{GlobalId, NodeKind},
        types::{
            agreement::Agreement,
            content::{AsNeededMedicineInput, OwnMeasurementInput, WarningSignInput},
            enums::WayOfTelling,
        },
        user_error::session,
    },
};

/// A new version to be written (revidering).
#[derive(InputObject)]
pub struct AgreementReviseInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Sections to change.
#[derive(InputObject)]
pub struct AgreementContentEditInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// What to change, each with its whole new content. What is not named stays as it is.
    sections: Vec<AgreementSectionInput>,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// One section with its whole new content: one of these.
#[derive(OneofObject)]
pub enum AgreementSectionInput {
    /// A text.
    Text(AgreementTextInput),
    /// The warning signs (varningstecken), all of them; at most 30.
    WarningSigns(Vec<WarningSignInput>),
    /// The as-needed medication (läkemedel vid behov), all of it; at most 30.
    AsNeededMedication(Vec<AsNeededMedicineInput>),
    /// The own measurements (egna mätningar), all of them; at most 20.
    OwnMeasurements(Vec<OwnMeasurementInput>),
}

/// A text section.
#[derive(InputObject)]
pub struct AgreementTextInput {
    /// Which one.
    section: AgreementTextSection,
    /// Its new text; at most 4 000 characters, 200 for the heading. An empty text clears it.
    text: String,
}

/// The sections that are texts.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "TextSection")]
pub enum AgreementTextSection {
    /// The heading (rubrik). It cannot be cleared.
    Title,
    /// The patient's own story (patientberättelse).
    Story,
    /// What matters to the patient (vad är viktigt för mig).
    WhatMatters,
    /// The shared goal (gemensamt mål).
    SharedGoal,
    /// The level of ambition (ambitionsnivå).
    Ambition,
    /// What the patient can take on (vad jag själv kan ansvara för).
    OwnResponsibility,
    /// What and whom the patient can build on (resurser).
    Resources,
    /// The patient's wishes (önskemål).
    Wishes,
    /// Self-care (egenvård).
    SelfCare,
    /// When and where to seek help (när och var jag söker hjälp).
    WhenToSeekHelp,
    /// How and when results reach the patient (hur provsvar når mig).
    HowResultsCome,
}

impl From<AgreementSectionInput> for Section {
    fn from(input: AgreementSectionInput) -> Self {
        match input {
            AgreementSectionInput::Text(text) => Self::Text(text.section.into(), text.text),
            AgreementSectionInput::WarningSigns(signs) => {
                Self::WarningSigns(signs.into_iter().map(Into::into).collect())
            }
            AgreementSectionInput::AsNeededMedication(medicines) => {
                Self::AsNeededMedication(medicines.into_iter().map(Into::into).collect())
            }
            AgreementSectionInput::OwnMeasurements(measurements) => {
                Self::OwnMeasurements(measurements.into_iter().map(Into::into).collect())
            }
        }
    }
}

/// A proposal to be answered with another (motförslag).
#[derive(InputObject)]
pub struct AgreementCounterInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The proposal: the version's global id.
    version_id: ID,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A draft or proposal to be taken back (återtas).
#[derive(InputObject)]
pub struct AgreementWithdrawInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The draft or proposal: the version's global id.
    version_id: ID,
    /// Why. Care must say it of a first draft, for the agreement ends with it; the patient need not.
    words: Option<String>,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A no to a proposal (avböja).
#[derive(InputObject)]
pub struct AgreementDeclineInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The proposal, or the version that holds without the patient's decision: its global id.
    version_id: ID,
    /// Why not, in the words of whoever says no; at most 4 000 characters.
    words: String,
    /// Staff only: how the patient said it. With it, it is the patient's no, which staff write down, whichever side proposed;
    /// without it, it is care's own answer to what the patient's side proposed. To what care proposes staff give it always.
    how: Option<WayOfTelling>,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `agreementRevise`.
    AgreementRevisePayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementContentEdit`.
    AgreementContentEditPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementCounter`.
    AgreementCounterPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementWithdraw`.
    AgreementWithdrawPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementDecline`.
    AgreementDeclinePayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

fn agreement_id(id: &ID) -> AgreementId {
    GlobalId::row(id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()))
}

fn version_id(id: &ID) -> AgreementVersionId {
    GlobalId::row(id, NodeKind::AgreementVersion).unwrap_or(AgreementVersionId(Uuid::nil()))
}

/// Writing agreements together.
#[derive(Default)]
pub struct AgreementEditMutation;

/// Writing agreements together.
#[Object(serial)]
impl AgreementEditMutation {
    /// Begins the next version of an agreement in force (reviderar), as a draft that both sides write in. What is in
    /// force stays in force. `CONFLICT` when there is a draft already.
    async fn agreement_revise(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agreement.")] input: AgreementReviseInput,
    ) -> Result<AgreementRevisePayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = Revise { agreement, expected_row_version: input.expected_row_version };
        let outcome = revise(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementRevisePayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Changes sections of an agreement: in the draft if there is one; else, on an agreement in force, as a proposal
    /// on top of that, with the writer's assent.
    async fn agreement_content_edit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agreement, and what it is to say.")] input: AgreementContentEditInput,
    ) -> Result<AgreementContentEditPayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = ContentEdit {
            agreement,
            sections: input.sections.into_iter().map(Into::into).collect(),
            expected_row_version: input.expected_row_version,
        };
        let outcome = content_edit(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementContentEditPayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Answers the other side's proposal with a counter-proposal (motförslag): a draft that begins as what was
    /// proposed. The proposal can be assented to until the answer is proposed, and is withdrawn then.
    async fn agreement_counter(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which proposal.")] input: AgreementCounterInput,
    ) -> Result<AgreementCounterPayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = Counter {
            agreement,
            version: version_id(&input.version_id),
            expected_row_version: input.expected_row_version,
        };
        let outcome = counter(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementCounterPayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Takes back (återtar) a draft, or a proposal of the caller's own side that has not come into force. What is in
    /// force stays. A first version that was proposed goes on as a draft; a first draft that is taken back ends the
    /// agreement, and the other side is told, as of any draft that said something. What the patient had asked for or said yes
    /// to waits again with its deadline, unless the patient's side takes it back. A representative gets `WRONG_STATE` to what
    /// the patient has assented or objected to themself, and needs the right to assent for what others have assented to and
    /// for a first draft; the patient is told of what they take back.
    async fn agreement_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which draft or proposal.")] input: AgreementWithdrawInput,
    ) -> Result<AgreementWithdrawPayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = Withdraw {
            agreement,
            version: version_id(&input.version_id),
            words: input.words,
            expected_row_version: input.expected_row_version,
        };
        let outcome = withdraw(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementWithdrawPayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Says no to a proposal (avböjer). It is withdrawn and stays readable; what is in force stays so, and a first proposal
    /// goes on as a draft. Each side says no to what the other one proposes, which makes it DECLINED; to what one's own side
    /// proposes: `agreementWithdraw`. Staff who may record a yes write down the patient's no with `how`, also to what the
    /// patient's side proposed, which is `TAKEN_BACK` then. `WRONG_STATE` when care has assented already (answer with
    /// `agreementCounter`), and to a representative when the patient has. Care is told by a task that names who said no; the
    /// patient as they have chosen, or by letter, and so, by letter, are the guardians, but for whoever said no. To a version
    /// that is `PATIENT_UNDECIDED` the patient alone says no, here or to staff: the agreement ends as `PATIENT_DECLINED`.
    async fn agreement_decline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which proposal, and why not.")] input: AgreementDeclineInput,
    ) -> Result<AgreementDeclinePayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = Decline {
            agreement,
            version: version_id(&input.version_id),
            words: input.words,
            how: input.how.map(Into::into),
            expected_row_version: input.expected_row_version,
        };
        let outcome = decline(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementDeclinePayload(Answer::on_agreement(session, outcome, agreement)?))
    }
}
