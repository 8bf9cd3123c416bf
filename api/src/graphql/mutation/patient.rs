//! What care records about the patient as a person.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::PatientId;
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::patient::deceased::{Deceased, record},
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
    /// Records a death (registrerar dödsfall), by care. At once: nothing more is sent, booked times are freed,
    /// representatives lose their reach, and agreements, requests and tasks end.
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
