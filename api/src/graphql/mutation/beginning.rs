//! How agreements begin: offers and their answers, requests and where they go.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{AgreementOfferId, AgreementRequestId, CareUnitId, PatientId};
use uuid::Uuid;

use super::payload::{Answer as Shown, payload};
use crate::{
    domain::{
        offer::{
            answer::{Answer, answer},
            make::{Offer, offer},
        },
        request::{
            ask::{Ask, ask},
            pass::{Pass, pass},
            withdraw::{Withdraw, withdraw},
        },
    },
    graphql::{
        read::beginning,
        scalars::{GlobalId, NodeKind},
        types::{
            beginning::{AgreementOffer, AgreementRequest},
            enums::WayOfTelling,
        },
        user_error::session,
    },
};

/// An offer of an agreement (erbjudande om patientkontrakt), made by care.
#[derive(InputObject)]
pub struct AgreementOfferInput {
    /// To whom: the patient's global id.
    patient_id: ID,
    /// How it was said.
    how: WayOfTelling,
    /// The code of a patient group (patientgrupp): one of `patientGroups`.
    patient_group: Option<String>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The patient's answer to an offer (svar på erbjudandet).
#[derive(InputObject)]
pub struct AgreementOfferAnswerInput {
    /// The offer's global id.
    offer_id: ID,
    /// Whether the patient says yes (tackar ja). No after a yes takes the yes back.
    accepted: bool,
    /// How the patient said it, when staff record it. Patients leave it out.
    how: Option<WayOfTelling>,
    /// What more the patient said; at most 4 000 characters.
    words: Option<String>,
    /// The offer's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A request for an agreement (önskan om patientkontrakt).
#[derive(InputObject)]
pub struct AgreementRequestInput {
    /// For whom staff write it down: the patient's global id. Patients leave it out.
    patient_id: Option<ID>,
    /// The unit that is asked. Left out: the patient's own unit; of staff, the unit they act under.
    care_unit_id: Option<ID>,
    /// Why, in the patient's words; at most 4 000 characters.
    why: Option<String>,
    /// How the patient reached staff. Patients leave it out.
    how: Option<WayOfTelling>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A request that the patient takes back (tar tillbaka sin önskan).
#[derive(InputObject)]
pub struct AgreementRequestWithdrawInput {
    /// The request's global id.
    request_id: ID,
    /// How the patient said it, when staff write it down. Patients leave it out.
    how: Option<WayOfTelling>,
    /// Why, if the patient wants to say; at most 4 000 characters.
    words: Option<String>,
    /// The request's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A request that goes to another unit (skickas vidare).
#[derive(InputObject)]
pub struct AgreementRequestPassInput {
    /// The request's global id.
    request_id: ID,
    /// The unit that gets it, of the same care provider.
    care_unit_id: ID,
    /// Why; at most 4 000 characters. The patient reads it.
    reason: String,
    /// The request's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `agreementOffer`.
    AgreementOfferPayload of AgreementOfferId {
        /// The offer.
        offer: AgreementOffer = beginning::offer
    }
}

payload! {
    /// Answer to `agreementOfferAnswer`.
    AgreementOfferAnswerPayload of AgreementOfferId {
        /// The offer as it is now, also when the act was refused.
        offer: AgreementOffer = beginning::offer
    }
}

payload! {
    /// Answer to `agreementRequest`.
    AgreementRequestPayload of AgreementRequestId {
        /// The request. Null when staff wrote it down for a unit that has no care relation to the patient.
        request: AgreementRequest = beginning::request
    }
}

payload! {
    /// Answer to `agreementRequestWithdraw`.
    AgreementRequestWithdrawPayload of AgreementRequestId {
        /// The request as it is now, also when the act was refused.
        request: AgreementRequest = beginning::request
    }
}

payload! {
    /// Answer to `agreementRequestPass`.
    AgreementRequestPassPayload of AgreementRequestId {
        /// The request as it is now, also when the act was refused. Null when the caller's unit had no other care
        /// relation to the patient than by the request.
        request: AgreementRequest = beginning::request
    }
}

fn offer_row(id: &ID) -> AgreementOfferId {
    GlobalId::row(id, NodeKind::AgreementOffer).unwrap_or(AgreementOfferId(Uuid::nil()))
}

fn request_row(id: &ID) -> AgreementRequestId {
    GlobalId::row(id, NodeKind::AgreementRequest).unwrap_or(AgreementRequestId(Uuid::nil()))
}

fn patient_row(id: &ID) -> PatientId {
    GlobalId::row(id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil()))
}

fn unit_row(id: &ID) -> CareUnitId {
    GlobalId::row(id, NodeKind::CareUnit).unwrap_or(CareUnitId(Uuid::nil()))
}

/// How agreements begin.
#[derive(Default)]
pub struct BeginningMutation;

/// How agreements begin.
#[Object(serial)]
impl BeginningMutation {
    /// Records that care has offered an agreement (erbjuder patientkontrakt): by whom, when and how. CONFLICT when an
    /// offer waits for an answer, or the patient has an agreement that the caller can see.
    async fn agreement_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who is offered one, and how it was said.")] input: AgreementOfferInput,
    ) -> Result<AgreementOfferPayload> {
        let session = session(ctx);
        let cmd = Offer {
            patient: patient_row(&input.patient_id),
            how: input.how.into(),
            patient_group: input.patient_group,
        };
        let outcome = offer(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementOfferPayload(Shown::new(session, outcome, "offer", None)?))
    }

    /// Answers an offer (tackar ja eller nej): the patient, or staff who record what the patient said. A yes puts the
    /// agreement on the unit's list of tasks. A no takes an earlier yes back (tar tillbaka sitt ja) and ends that task, as
    /// long as no agreement has been proposed. `WRONG_STATE` when it has been answered otherwise.
    async fn agreement_offer_answer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which offer, and what the patient says.")] input: AgreementOfferAnswerInput,
    ) -> Result<AgreementOfferAnswerPayload> {
        let session = session(ctx);
        let offer = offer_row(&input.offer_id);
        let cmd = Answer {
            offer,
            accepted: input.accepted,
            how: input.how.map(Into::into),
            words: input.words,
            expected_row_version: input.expected_row_version,
        };
        let outcome = answer(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementOfferAnswerPayload(Shown::new(session, outcome, "offer", Some(offer))?))
    }

    /// Asks for an agreement (önskar patientkontrakt): the patient, or staff who write down what the patient asks for.
    /// It becomes a task with a deadline that care cannot close silently. CONFLICT when one waits already, or there is
    /// an agreement that the caller can see.
    async fn agreement_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What the patient asks, and of which unit.")] input: AgreementRequestInput,
    ) -> Result<AgreementRequestPayload> {
        let session = session(ctx);
        let cmd = Ask {
            patient: input.patient_id.as_ref().map(patient_row),
            unit: input.care_unit_id.as_ref().map(unit_row),
            why: input.why,
            how: input.how.map(Into::into),
        };
        let outcome = ask(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementRequestPayload(Shown::new(session, outcome, "request", None)?))
    }

    /// Takes a request back (tar tillbaka sin önskan): the patient, or staff who write down what the patient said and how;
    /// the patient is told of that. Care cannot close it otherwise. `WRONG_STATE` when it waits no more.
    async fn agreement_request_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which request.")] input: AgreementRequestWithdrawInput,
    ) -> Result<AgreementRequestWithdrawPayload> {
        let session = session(ctx);
        let request = request_row(&input.request_id);
        let cmd = Withdraw {
            request,
            how: input.how.map(Into::into),
            words: input.words,
            expected_row_version: input.expected_row_version,
        };
        let outcome = withdraw(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementRequestWithdrawPayload(Shown::new(session, outcome, "request", Some(request))?))
    }

    /// Passes a request on (skickar önskan vidare) to another unit of the same care provider, by the unit that has it.
    /// The deadline stays, and the record keeps the way it went.
    async fn agreement_request_pass(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which request goes where, and why.")] input: AgreementRequestPassInput,
    ) -> Result<AgreementRequestPassPayload> {
        let session = session(ctx);
        let request = request_row(&input.request_id);
        let cmd = Pass {
            request,
            to: unit_row(&input.care_unit_id),
            reason: input.reason,
            expected_row_version: input.expected_row_version,
        };
        let outcome = pass(session, &input.idempotency_key, &cmd).await;
        Ok(AgreementRequestPassPayload(Shown::new(session, outcome, "request", Some(request))?))
    }
}
