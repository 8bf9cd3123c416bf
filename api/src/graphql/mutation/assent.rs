//! Yes by word of mouth, objections to it, patients who cannot decide, and joint guardians.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{AgreementId, AgreementVersionId, RepresentativeId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::agreement::{
        guardians::{EndException, RecordException, end_exception, record_exception},
        object::{Object as Objection, object},
        oral::{RecordOral, record_oral},
        undecided::{RecordUndecided, record_undecided},
    },
    graphql::{
        read::node,
        scalars::{Date, GlobalId, NodeKind},
        types::{agreement::Agreement, assent::AssentSetting, enums::WayOfTelling},
        user_error::session,
    },
};

/// A yes by word of mouth (muntligt godkännande).
#[derive(InputObject)]
pub struct AgreementAssentRecordOralInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The version's global id.
    version_id: ID,
    /// The version's `digest` as it was read out: the assent is to exactly that text.
    digest: String,
    /// The representative (ombud) who said yes, where it was not the patient.
    representative_id: Option<ID>,
    /// Where it was given.
    setting: AssentSetting,
    /// Through which interpreter (tolk), such as "arabiska, per telefon"; at most 200 characters.
    interpreter: Option<String>,
    /// Who else was there, in words; at most 4 000 characters.
    present: Option<String>,
    /// The agreement's `rowVersion` as it was read, if nothing at all may have changed since.
    expected_row_version: Option<i32>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// An objection (invändning) to what others said or wrote down as one's yes.
#[derive(InputObject)]
pub struct AgreementObjectInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The version's global id.
    version_id: ID,
    /// What is wrong, in the patient's own words; at most 4 000 characters.
    words: String,
    /// How the patient said it, when staff write it down. Patients leave it out.
    how: Option<WayOfTelling>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// That the patient cannot decide now (utan patientens ställningstagande).
#[derive(InputObject)]
pub struct AgreementPatientUndecidedRecordInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The version's global id: one that care has assented to.
    version_id: ID,
    /// Why the patient cannot decide; at most 4 000 characters.
    reason: String,
    /// What is known of the patient's will (vad man vet om patientens vilja); at most 4 000 characters.
    known_will: String,
    /// When the patient is asked again: tomorrow at the earliest, within a year. A task sees to it.
    ask_again_on: Date,
    /// The agreement's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// That one of several guardians (vårdnadshavare) does not assent.
#[derive(InputObject)]
pub struct AgreementGuardianExceptionRecordInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The guardian without whose assent the agreement may come into force.
    representative_id: ID,
    /// Why; at most 4 000 characters.
    reason: String,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// That a guardian (vårdnadshavare) is waited for again.
#[derive(InputObject)]
pub struct AgreementGuardianExceptionEndInput {
    /// The agreement's global id.
    agreement_id: ID,
    /// The guardian for whom care has recorded an exception.
    representative_id: ID,
    /// Why the exception no longer holds; at most 4 000 characters.
    reason: String,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `agreementGuardianExceptionEnd`.
    AgreementGuardianExceptionEndPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementAssentRecordOral`.
    AgreementAssentRecordOralPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementObject`.
    AgreementObjectPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementPatientUndecidedRecord`.
    AgreementPatientUndecidedRecordPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

payload! {
    /// Answer to `agreementGuardianExceptionRecord`.
    AgreementGuardianExceptionRecordPayload of AgreementId {
        /// The agreement as it is now, also when the act was refused.
        agreement: Agreement = node::agreement
    }
}

/// Assents that are not given in the service.
#[derive(Default)]
pub struct AssentMutation;

/// Assents that are not given in the service.
#[Object(serial)]
impl AssentMutation {
    /// Records a yes by word of mouth (muntligt godkännande) of the patient, by care. It is shown as oral with its
    /// circumstances, the patient is told, and may object at any time with `agreementObject`. With care's own assent the
    /// version comes into force.
    async fn agreement_assent_record_oral(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was read out, who said yes, and how.")] input: AgreementAssentRecordOralInput,
    ) -> Result<AgreementAssentRecordOralPayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = RecordOral {
            agreement,
            version: version_id(&input.version_id),
            digest: hex::decode(input.digest.trim()).unwrap_or_default(),
            representative: input.representative_id.as_ref().map(representative_id),
            setting: input.setting.into(),
            interpreter: input.interpreter,
            present: input.present,
            expected_row_version: input.expected_row_version,
        };
        let outcome = record_oral(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementAssentRecordOralPayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Objects (invänder) to a yes that others gave or wrote down for the patient: the patient, or staff who may record a
    /// yes and write down what the patient says. The version stays in force, visibly objected to, until care and patient
    /// act: another version, an end, or the patient's own assent to this one. A task for the unit.
    async fn agreement_object(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which version, and what is wrong.")] input: AgreementObjectInput,
    ) -> Result<AgreementObjectPayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = Objection {
            agreement,
            version: version_id(&input.version_id),
            words: input.words,
            how: input.how.map(Into::into),
        };
        let outcome = object(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementObjectPayload(Answer::on_agreement(session, outcome, agreement)?))
    }

    /// Records that the patient cannot decide now (utan patientens ställningstagande), by care: the version holds for
    /// care as `PATIENT_UNDECIDED`, never ACTIVE, and a task asks the patient again on the day given. The patient's later
    /// `agreementAssent` makes it ACTIVE. Nobody assents in the patient's place.
    async fn agreement_patient_undecided_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which version, why, what is known, and when to ask again.")]
        input: AgreementPatientUndecidedRecordInput,
    ) -> Result<AgreementPatientUndecidedRecordPayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = RecordUndecided {
            agreement,
            version: version_id(&input.version_id),
            reason: input.reason,
            known_will: input.known_will,
            ask_again_on: input.ask_again_on.0,
            expected_row_version: input.expected_row_version,
        };
        let outcome = record_undecided(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementPatientUndecidedRecordPayload(Answer::new(
            session,
            outcome,
            "agreement",
            Some(agreement),
        )?))
    }

    /// Records why one of several guardians (vårdnadshavare) does not assent, by care. Of joint guardians each must
    /// otherwise assent before a version comes into force.
    async fn agreement_guardian_exception_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which guardian, and why.")] input: AgreementGuardianExceptionRecordInput,
    ) -> Result<AgreementGuardianExceptionRecordPayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = RecordException {
            agreement,
            representative: representative_id(&input.representative_id),
            reason: input.reason,
        };
        let outcome = record_exception(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementGuardianExceptionRecordPayload(Answer::new(
            session,
            outcome,
            "agreement",
            Some(agreement),
        )?))
    }

    /// Ends an exception for one of several guardians (vårdnadshavare), by care: they are waited for again. What is in force
    /// stays so. It also ends by itself, with the guardian's own assent.
    async fn agreement_guardian_exception_end(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which guardian, and why.")] input: AgreementGuardianExceptionEndInput,
    ) -> Result<AgreementGuardianExceptionEndPayload> {
        let session = session(ctx);
        let agreement = agreement_id(&input.agreement_id);
        let cmd = EndException {
            agreement,
            representative: representative_id(&input.representative_id),
            reason: input.reason,
        };
        let outcome = end_exception(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementGuardianExceptionEndPayload(Answer::new(session, outcome, "agreement", Some(agreement))?))
    }
}

fn agreement_id(id: &ID) -> AgreementId {
    GlobalId::row(id, NodeKind::Agreement).unwrap_or(AgreementId(Uuid::nil()))
}

fn version_id(id: &ID) -> AgreementVersionId {
    GlobalId::row(id, NodeKind::AgreementVersion).unwrap_or(AgreementVersionId(Uuid::nil()))
}

fn representative_id(id: &ID) -> RepresentativeId {
    GlobalId::row(id, NodeKind::Representative).unwrap_or(RepresentativeId(Uuid::nil()))
}
