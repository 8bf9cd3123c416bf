//! What is recorded about the patient as a person.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::PatientId;
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::patient::{
        death_corrected::{Correct, correct},
        deceased::{Deceased, record},
        language::{self, SetLanguage},
        needs::{SetNeeds, set},
    },
    graphql::{
        patient::Patient,
        read::node,
        scalars::{Date, GlobalId, LanguageTag, NodeKind},
        user_error::session,
    },
};

/// A death (dödsfall).
#[derive(InputObject)]
pub struct PatientDeceasedRecordInput {
    /// Who: the patient's global id.
    patient_id: ID,
    /// The day of death.
    died_on: Date,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// All that a patient needs to take part (behov vid besök). It takes the place of what was known: send everything.
#[derive(InputObject)]
pub struct PatientNeedsSetInput {
    /// For staff: whose needs they record. Patients leave it out.
    patient_id: Option<ID>,
    /// The language to interpret (tolkspråk), such as `ar`; `swl` is Swedish sign language (svenskt teckenspråk). Null
    /// when no interpreter is needed.
    interpreter_language: Option<LanguageTag>,
    /// What else is needed (tillgänglighetsbehov), such as a hearing loop or a room without stairs; at most 500
    /// characters. Null when nothing is.
    access_needs: Option<String>,
    /// `Patient.needs.rowVersion` as it was last read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The language that a patient is written to in (språk för meddelanden).
#[derive(InputObject)]
pub struct PatientLanguageSetInput {
    /// For staff: whose language they record. Patients leave it out.
    patient_id: Option<ID>,
    /// One of `Patient.messageLanguages`, such as `en`; a region in the tag makes no difference.
    language: LanguageTag,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A death that was recorded by mistake (felregistrerat dödsfall).
#[derive(InputObject)]
pub struct PatientDeceasedCorrectInput {
    /// Who is alive: the patient's global id.
    patient_id: ID,
    /// How the mistake came about; at most 4 000 characters.
    reason: String,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `patientDeceasedCorrect`.
    PatientDeceasedCorrectPayload of PatientId {
        /// The patient.
        patient: Patient = node::patient
    }
}

payload! {
    /// Answer to `patientDeceasedRecord`.
    PatientDeceasedRecordPayload of PatientId {
        /// The patient.
        patient: Patient = node::patient
    }
}

payload! {
    /// Answer to `patientLanguageSet`.
    PatientLanguageSetPayload of PatientId {
        /// The patient, with the language as it is now.
        patient: Patient = node::patient
    }
}

payload! {
    /// Answer to `patientNeedsSet`.
    PatientNeedsSetPayload of PatientId {
        /// The patient, with the needs as they are now.
        patient: Patient = node::patient
    }
}

/// What care records about the patient as a person.
#[derive(Default)]
pub struct PatientMutation;

/// What care records about the patient as a person.
#[Object(serial)]
impl PatientMutation {
    /// Takes back a death that was recorded by mistake (rättar ett felregistrerat dödsfall), by care, with the reason.
    /// What the record ended stays ended: each unit that lost something gets a task to take it up with the patient.
    async fn patient_deceased_correct(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is alive, and how the mistake came about.")] input: PatientDeceasedCorrectInput,
    ) -> Result<PatientDeceasedCorrectPayload> {
        let session = session(ctx);
        let patient = GlobalId::row(&input.patient_id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil()));
        let cmd = Correct { patient, reason: input.reason };
        let outcome = correct(session, &input.idempotency_key, &cmd).await;
        Ok(PatientDeceasedCorrectPayload(Answer::new(session, outcome, "patient", Some(patient))?))
    }

    /// Records a death (registrerar dödsfall), by care. At once: nothing more is sent, booked times are freed,
    /// representatives lose their reach, and agreements, contact roles, offers, requests and tasks end.
    async fn patient_deceased_record(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who died, and when.")] input: PatientDeceasedRecordInput,
    ) -> Result<PatientDeceasedRecordPayload> {
        let session = session(ctx);
        let patient = GlobalId::row(&input.patient_id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil()));
        let cmd = Deceased { patient, died_on: input.died_on.0 };
        let outcome = record(session, &input.idempotency_key, &cmd).await;
        Ok(PatientDeceasedRecordPayload(Answer::new(session, outcome, "patient", Some(patient))?))
    }

    /// Chooses the language that the patient is written to in (språk för meddelanden), by the patient or by staff of their
    /// care provider on their behalf. Messages that are planned are written in it too. The texts that were said yes to
    /// stand: `reminderTexts` shows them in the new language.
    async fn patient_language_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose language, and which.")] input: PatientLanguageSetInput,
    ) -> Result<PatientLanguageSetPayload> {
        let session = session(ctx);
        let patient = input.patient_id.as_ref();
        let patient =
            patient.map(|id| GlobalId::row(id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil())));
        let cmd = SetLanguage { patient, language: input.language.0 };
        let outcome = language::set(session, &input.idempotency_key, &cmd).await;
        let named = patient.or(session.actor.patient());
        Ok(PatientLanguageSetPayload(Answer::new(session, outcome, "patient", named)?))
    }

    /// Says what the patient needs to take part (behov vid besök): interpreter, sign language, access. By the patient, a
    /// representative (ombud) who books, or staff on the patient's behalf. Every booked time shows it to staff.
    async fn patient_needs_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who needs what.")] input: PatientNeedsSetInput,
    ) -> Result<PatientNeedsSetPayload> {
        let session = session(ctx);
        let patient = input.patient_id.as_ref();
        let patient =
            patient.map(|id| GlobalId::row(id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil())));
        let cmd = SetNeeds {
            patient,
            interpreter_language: input.interpreter_language.map(|tag| tag.0),
            access_needs: input.access_needs,
            expected_row_version: input.expected_row_version,
        };
        let outcome = set(session, &input.idempotency_key, &cmd).await;
        let named = patient.or(session.actor.patient());
        Ok(PatientNeedsSetPayload(Answer::new(session, outcome, "patient", named)?))
    }
}
