//! What care records about the patient as a person.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::PatientId;
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::patient::{
        death_corrected::{Correct, correct},
        deceased::{Deceased, record},
    },
    graphql::{
        patient::Patient,
        read::node,
        scalars::{Date, GlobalId, NodeKind},
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
}
