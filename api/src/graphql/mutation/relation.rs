//! Care relations that staff declare.

use async_graphql::{Context, InputObject, Object, Result};
use entity::PatientId;

use super::payload::{Answer, payload};
use crate::{
    domain::relation::register::{Register, register},
    graphql::{
        patient::Patient, read::node, scalars::PersonalIdentityNumber, types::enums::RelationDeclaration,
        user_error::session,
    },
};

/// A care relation (vårdrelation) that staff declare.
#[derive(InputObject)]
pub struct CareRelationRegisterInput {
    /// Personnummer, samordningsnummer or national reserve number.
    patient_number: PersonalIdentityNumber,
    /// On what ground.
    declaration: RelationDeclaration,
    /// Why the record is opened; at most 500 characters. The patient can see it.
    reason: String,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `careRelationRegister`.
    CareRelationRegisterPayload of PatientId {
        /// The patient, who is now within reach.
        patient: Patient = node::patient
    }
}

/// Care relations.
#[derive(Default)]
pub struct RelationMutation;

/// Care relations.
#[Object(serial)]
impl RelationMutation {
    /// Registers that the patient is here or on the phone (anger vårdrelation). Opens the record to the unit that the
    /// caller acts under, for 24 hours. `NOT_FOUND` for an unknown number. Every registration is logged and sampled.
    async fn care_relation_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which patient, and why.")] input: CareRelationRegisterInput,
    ) -> Result<CareRelationRegisterPayload> {
        let session = session(ctx);
        let cmd = Register {
            patient_number: input.patient_number.0,
            declaration: input.declaration.into(),
            reason: input.reason,
        };
        let outcome = register(session, &input.idempotency_key, &cmd).await;
        Ok(CareRelationRegisterPayload(Answer::new(session, outcome, "patient", None)?))
    }
}
