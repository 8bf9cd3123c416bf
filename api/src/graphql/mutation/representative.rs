//! Naming representatives, taking that back, and care's assessments of them.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result};
use chrono::{DateTime, Utc};
use entity::{PatientId, RepresentativeId, access_assessment::Decision};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::representative::{
        assess::{About, Assess, assess},
        grant::{Grant, Revoke, grant, revoke},
    },
    graphql::{
        read::representative,
        scalars::{GlobalId, NodeKind, PersonalIdentityNumber},
        types::representative::{Representative, RepresentativeRightInput, stored},
        user_error::session,
    },
};

/// What care decides after an assessment (bedömning).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Decision")]
pub enum AccessDecision {
    /// A guardian (vårdnadshavare) keeps access after the child's 13th birthday, until a day.
    Extend,
    /// A named guardian is let in although the identity is protected (skyddade personuppgifter).
    Readmit,
    /// A representative's (ombud) access stops.
    Stop,
    /// The young person (den unge) reaches more than their age gives.
    OpenEarly,
}

/// Whom one lets represent oneself (ombud, fullmakt).
#[derive(InputObject)]
pub struct RepresentativeGrantInput {
    /// Whose representative: oneself, also when left out. Anyone else is out of reach.
    patient_id: Option<ID>,
    /// The person's personnummer, samordningsnummer or reserve number.
    number: PersonalIdentityNumber,
    /// The person's name, shown wherever they act; at most 200 characters.
    name: String,
    /// What they may see and do.
    rights: Vec<RepresentativeRightInput>,
    /// Whether they may assent (godkänna) to the agreement.
    may_assent: bool,
    /// Until when, five years ahead at most; until taken back when left out.
    valid_until: Option<DateTime<Utc>>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A grant to take back (återkalla).
#[derive(InputObject)]
pub struct RepresentativeRevokeInput {
    /// The representative's global id.
    representative_id: ID,
    /// The representative's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// An assessment of access (bedömning).
#[derive(InputObject)]
pub struct RepresentativeAssessInput {
    /// What was decided.
    decision: AccessDecision,
    /// The representative it is about; left out for `OPEN_EARLY`.
    representative_id: Option<ID>,
    /// The young person, for `OPEN_EARLY`.
    patient_id: Option<ID>,
    /// What the young person may reach, for `OPEN_EARLY`.
    rights: Option<Vec<RepresentativeRightInput>>,
    /// Whether the young person may assent (godkänna), for `OPEN_EARLY`.
    #[graphql(default = false)]
    may_assent: bool,
    /// Until when: required for EXTEND, possible for `OPEN_EARLY`.
    until: Option<DateTime<Utc>>,
    /// Why; at most 4 000 characters.
    reason: String,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `representativeGrant`.
    RepresentativeGrantPayload of RepresentativeId {
        /// The representative.
        representative: Representative = representative::representative
    }
}

payload! {
    /// Answer to `representativeRevoke`.
    RepresentativeRevokePayload of RepresentativeId {
        /// The representative as it is now, also when the act was refused.
        representative: Representative = representative::representative
    }
}

payload! {
    /// Answer to `representativeAssess`.
    RepresentativeAssessPayload of RepresentativeId {
        /// The representative as it is now; none where the decision is about the young person.
        representative: Representative = representative::representative
    }
}

/// Representatives.
#[derive(Default)]
pub struct RepresentativeMutation;

/// Representatives.
#[Object(serial)]
impl RepresentativeMutation {
    /// Lets somebody represent oneself (utser ombud): the signed-in patient alone, and only for themself. It cannot be
    /// passed on. What a representative does is always shown as theirs.
    async fn representative_grant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom, and what they may do.")] input: RepresentativeGrantInput,
    ) -> Result<RepresentativeGrantPayload> {
        let session = session(ctx);
        let named = |id: &ID| GlobalId::row(id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil()));
        let cmd = Grant {
            patient: input.patient_id.as_ref().map(named),
            number: input.number.0,
            name: input.name,
            areas: stored(&input.rights),
            may_assent: input.may_assent,
            until: input.valid_until,
        };
        let outcome = grant(session, &input.idempotency_key, &cmd).await;
        Ok(RepresentativeGrantPayload(Answer::new(session, outcome, "representative", None)?))
    }

    /// Takes a grant back (återkallar): it ends at once, also for what the representative has open.
    async fn representative_revoke(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which grant.")] input: RepresentativeRevokeInput,
    ) -> Result<RepresentativeRevokePayload> {
        let session = session(ctx);
        let id = representative_id(&input.representative_id);
        let cmd = Revoke { representative: id, expected_row_version: input.expected_row_version };
        let outcome = revoke(session, &input.idempotency_key, &cmd).await;
        Ok(RepresentativeRevokePayload(Answer::new(session, outcome, "representative", Some(id))?))
    }

    /// Records care's assessment (bedömning) of who reaches a patient's data: lets a guardian (vårdnadshavare) in longer
    /// or in spite of protected identity, stops a representative, or lets a young person in earlier. The latest one
    /// counts, from the next request on.
    async fn representative_assess(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What was decided, about whom, and why.")] input: RepresentativeAssessInput,
    ) -> Result<RepresentativeAssessPayload> {
        let session = session(ctx);
        let id = input.representative_id.as_ref().map(representative_id);
        let decision = Decision::from(input.decision);
        let about = if decision == Decision::OpenEarly && id.is_none() {
            let patient = input.patient_id.as_ref().and_then(|id| GlobalId::row(id, NodeKind::Patient));
            About::YoungPerson {
                patient: patient.unwrap_or(PatientId(Uuid::nil())),
                areas: stored(input.rights.as_deref().unwrap_or_default()),
                may_assent: input.may_assent,
                until: input.until,
            }
        } else {
            About::Representative {
                id: id.unwrap_or(RepresentativeId(Uuid::nil())),
                decision,
                until: input.until,
            }
        };
        let cmd = Assess { about, reason: input.reason };
        let outcome = assess(session, &input.idempotency_key, &cmd).await;
        Ok(RepresentativeAssessPayload(Answer::new(session, outcome, "representative", id)?))
    }
}

fn representative_id(id: &ID) -> RepresentativeId {
    GlobalId::row(id, NodeKind::Representative).unwrap_or(RepresentativeId(Uuid::nil()))
}
