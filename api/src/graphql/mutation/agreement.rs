//! Drawing up, proposing and assenting to agreements.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{AgreementId, AgreementVersionId, PatientId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::agreement::{
        assent::{GiveAssent, assent},
        choose::{Choose, choose},
        content::AgreementContent,
        create::{Create, create},
        end::{End, end},
        group_set::{SetGroup, set_group},
        propose::{Propose, propose},
    },
    graphql::{
        read::node,
        scalars::{GlobalId, NodeKind},
        types::{agreement::Agreement, enums::AgreementEndReason},
        user_error::{UserError, session},
    },
};

/// A new agreement (patientkontrakt), as a draft.
#[derive(InputObject)]
pub struct AgreementCreateInput {
    /// Whose agreement: the patient's global id.
    patient_id: ID,
    /// A heading in plain words; at most 200 characters. Everything else can be written with `agreementContentEdit`.
    title: String,
    /// The patient's own story (patientberättelse). This and the other texts: at most 4 000 characters each.
    story: Option<String>,
    /// What matters to the patient (vad är viktigt för mig).
    what_matters: Option<String>,
    /// The shared goal (gemensamt mål).
    shared_goal: Option<String>,
    /// What the patient can take on (vad jag själv kan ansvara för).
    own_responsibility: Option<String>,
    /// Self-care (egenvård).
    self_care: Option<String>,
    /// When and where to seek help (när och var jag söker hjälp).
    when_to_seek_help: Option<String>,
    /// How and when results reach the patient (hur provsvar når mig).
    how_results_come: Option<String>,
    /// The code of a patient group (patientgrupp): one of `patientGroups`.
    patient_group: Option<String>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A choice between two agreements (val av patientkontrakt).
#[derive(InputObject)]
pub struct AgreementChooseInput {
    /// The chosen agreement's global id.
    agreement_id: ID,
    /// The global id of its version that waits for the patient.
    version_id: ID,
    /// The version's `digest` as it was read: the choice is the assent to exactly that text.
    digest: String,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The end of an agreement (avslut av patientkontraktet).
#[derive(InputObject)]
pub struct AgreementEndInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// Why. Patients leave it with `PATIENT_DECLINED` or MOVED; a death is recorded with `patientDeceasedRecord`.
    reason: AgreementEndReason,
    /// Why, in words; at most 4 000 characters. Required of staff; a patient need not say, nor whoever acts for them.
    words: Option<String>,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The patient group (patientgrupp) of an agreement.
#[derive(InputObject)]
pub struct AgreementPatientGroupSetInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The code of a patient group: one of `patientGroups`. An empty text takes the group away.
    patient_group: String,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A draft to be proposed (föreslås).
#[derive(InputObject)]
pub struct AgreementProposeInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A yes to a version of an agreement (godkännande av överenskommelsen).
#[derive(InputObject)]
pub struct AgreementAssentInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The version's global id.
    version_id: ID,
    /// The version's `digest` as it was read: the assent is to exactly that text.
    digest: String,
    /// The agreement's `rowVersion` as it was read, if nothing at all may have changed since.
    expected_row_version: Option<i32>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Answer to `agreementCreate`.
pub struct AgreementCreatePayload(Answer<AgreementId>);

/// Answer to `agreementCreate`.
#[Object(serial)]
impl AgreementCreatePayload {
    /// The draft.
    async fn agreement(&self, ctx: &Context<'_>) -> Result<Option<Agreement>> {
        match self.0.show {
            Some(id) => node::agreement(ctx, id).await,
            None => Ok(None),
        }
    }

    /// What to ask the patient (fråga patienten). The same words whoever asks, whether there is another agreement or not:
    /// one at another care provider is the patient's to tell of.
    async fn ask_the_patient(&self, ctx: &Context<'_>) -> &str {
        session(ctx).locale.pick(
            "Fråga patienten om det redan finns ett patientkontrakt hos någon annan vårdgivare. Patienten väljer i så \
             fall vilket som ska gälla.",
            "Ask the patient whether there already is an agreement at another care provider. If so, the patient chooses \
             which one is to be in force.",
        )
    }

    /// Why it was refused, everything at once; empty when it was done.
    async fn user_errors(&self) -> &[UserError] {
        &self.0.errors
    }
}

payload! {
    /// Answer to `agreementPropose`.
    AgreementProposePayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementAssent`.
    AgreementAssentPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementChoose`.
    AgreementChoosePayload of AgreementId {
        /// The chosen agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementPatientGroupSet`.
    AgreementPatientGroupSetPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementEnd`.
    AgreementEndPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

/// Agreements.
#[derive(Default)]
pub struct AgreementMutation;

/// Agreements.
#[Object(serial)]
impl AgreementMutation {
    /// Draws up an agreement (patientkontrakt) as a draft, by care. `CONFLICT` when the patient already has one that
    /// the caller can see.
    async fn agreement_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose agreement, and its first texts.")] input: AgreementCreateInput,
    ) -> Result<AgreementCreatePayload> {
        let session = session(ctx);
        let cmd = Create {
            patient: GlobalId::row(&input.patient_id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil())),
            content: AgreementContent {
                title: input.title,
                story: input.story,
                what_matters: input.what_matters,
                shared_goal: input.shared_goal,
                own_responsibility: input.own_responsibility,
                self_care: input.self_care,
                when_to_seek_help: input.when_to_seek_help,
                how_results_come: input.how_results_come,
                ..AgreementContent::default()
            },
            patient_group: input.patient_group,
        };
        let outcome = create(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementCreatePayload(Answer::new(session, outcome, "agreement", None)?))
    }

    /// Proposes the draft (föreslår överenskommelsen): its text is fixed and waits for the other side. Proposing is the
    /// assent of a proposer who may assent; not so where the plan holds without the patient's decision
    /// (`PATIENT_UNDECIDED`) and the patient's side proposes: the patient decides with `agreementAssent`. INCOMPLETE with
    /// an error for everything that is missing.
    async fn agreement_propose(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which draft.")] input: AgreementProposeInput,
    ) -> Result<AgreementProposePayload> {
        let session = session(ctx);
        let agreement =
            GlobalId::row(&input.agreement_id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()));
        let cmd = Propose { agreement, expected_row_version: input.expected_row_version };
        let outcome = propose(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementProposePayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Assents to a version (godkänner överenskommelsen): to exactly the text with this digest. When patient and
    /// care have both assented it comes into force and replaces the one before.
    async fn agreement_assent(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which version, and what was read.")] input: AgreementAssentInput,
    ) -> Result<AgreementAssentPayload> {
        let session = session(ctx);
        let agreement =
            GlobalId::row(&input.agreement_id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()));
        let cmd = GiveAssent {
            agreement,
            version: GlobalId::row(&input.version_id, NodeKind::AgreementVersion)
                .unwrap_or(AgreementVersionId(Uuid::nil())),
            digest: hex::decode(input.digest.trim()).unwrap_or_default(),
            expected_row_version: input.expected_row_version,
        };
        let outcome = assent(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementAssentPayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Chooses between two agreements (väljer patientkontrakt), by the patient: assents to this one, which comes into
    /// force, and ends the one in force in the same moment. `WRONG_STATE` while care has not assented to it. Where the
    /// patient had assented to it before care did, the choice is what is left. A representative chooses where they could end
    /// the one in force: see `agreementEnd`.
    async fn agreement_choose(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which one, and what was read.")] input: AgreementChooseInput,
    ) -> Result<AgreementChoosePayload> {
        let session = session(ctx);
        let agreement =
            GlobalId::row(&input.agreement_id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()));
        let cmd = Choose {
            agreement,
            version: GlobalId::row(&input.version_id, NodeKind::AgreementVersion)
                .unwrap_or(AgreementVersionId(Uuid::nil())),
            digest: hex::decode(input.digest.trim()).unwrap_or_default(),
        };
        let outcome = choose(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementChoosePayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Changes the patient group (patientgrupp) that the agreement counts as in follow-up, by care. It is no part of
    /// what was agreed: no version changes.
    async fn agreement_patient_group_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agreement, and which group.")] input: AgreementPatientGroupSetInput,
    ) -> Result<AgreementPatientGroupSetPayload> {
        let session = session(ctx);
        let agreement =
            GlobalId::row(&input.agreement_id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()));
        let cmd = SetGroup {
            agreement,
            group: Some(input.patient_group),
            expected_row_version: input.expected_row_version,
        };
        let outcome = set_group(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementPatientGroupSetPayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Ends an agreement (avslutar patientkontraktet), by either side: it is an agreement, and each may leave it. What
    /// waits for an answer is withdrawn; what was agreed stays readable. A representative needs ACT and the right to assent,
    /// and gets `WRONG_STATE` where the patient has assented or objected themself, the plan waits for the patient's own
    /// decision, or care has recorded that it needs no yes of theirs. Of two guardians one alone does not end what is in
    /// force: the agreement is returned as it was, and care gets a task to talk with both. Care is told by a task that names
    /// who ended it; the patient as they have chosen, or by letter, and so, by letter, are the other guardians.
    async fn agreement_end(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which agreement, and why.")] input: AgreementEndInput,
    ) -> Result<AgreementEndPayload> {
        let session = session(ctx);
        let agreement =
            GlobalId::row(&input.agreement_id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()));
        let cmd = End {
            agreement,
            reason: input.reason.into(),
            words: input.words,
            expected_row_version: input.expected_row_version,
        };
        let outcome = end(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementEndPayload(Answer::on_agreement(session, outcome, agreement)?))
    }
}
