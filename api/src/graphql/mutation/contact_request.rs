//! What patients ask for and are offered: contacts.

use async_graphql::{Context, ID, InputObject, Object, Result};
use entity::{CareUnitId, ContactOfferId, ContactRequestId, PatientId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::contact::{
        offer::{Offer, offer},
        offer_answer,
        request::{Ask, ask},
        request_pass::{Pass, pass},
        request_withdraw::{Withdraw, withdraw},
    },
    graphql::{
        read::contact_work,
        scalars::{GlobalId, NodeKind},
        types::{
            enums::{CareContactRole, TreatingKind, WayOfTelling},
            people::{ContactOffer, ContactRequest},
        },
        user_error::session,
    },
};

/// A request for a contact.
#[derive(InputObject)]
pub struct ContactRequestInput {
    /// For whom, when staff write it down; patients leave it out.
    patient_id: Option<ID>,
    /// The role asked for.
    role: CareContactRole,
    /// Of a behandlande roll: what it treats.
    treating_kind: Option<TreatingKind>,
    /// Why, in the patient's words; at most 4 000 characters.
    why: String,
    /// The unit that shall appoint; left out: where the patient is listed, or for staff their own.
    care_unit_id: Option<ID>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// The patient takes a request back.
#[derive(InputObject)]
pub struct ContactRequestWithdrawInput {
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

/// A unit passes a request on.
#[derive(InputObject)]
pub struct ContactRequestPassInput {
    /// The request's global id.
    request_id: ID,
    /// The unit that shall appoint, of the same care provider.
    care_unit_id: ID,
    /// Why, for the other unit and for the patient; at most 4 000 characters.
    reason: String,
    /// The request's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// An offer of a contact.
#[derive(InputObject)]
pub struct ContactOfferInput {
    /// To whom: the patient's global id.
    patient_id: ID,
    /// The role offered.
    role: CareContactRole,
    /// Of a behandlande roll: what it treats.
    treating_kind: Option<TreatingKind>,
    /// More about it, such as who it would be; at most 4 000 characters.
    words: Option<String>,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// An answer to an offered contact.
#[derive(InputObject)]
pub struct ContactOfferAnswerInput {
    /// The offer's global id.
    offer_id: ID,
    /// Yes (tackar ja) or no (tackar nej).
    accepted: bool,
    /// What the patient says about it; at most 4 000 characters.
    words: Option<String>,
    /// How the patient said it, when staff record it; patients leave it out.
    how: Option<WayOfTelling>,
    /// The offer's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `contactRequest`.
    ContactRequestPayload of ContactRequestId {
        /// The request.
        request: ContactRequest = contact_work::request
    }
}

payload! {
    /// Answer to `contactRequestWithdraw`.
    ContactRequestWithdrawPayload of ContactRequestId {
        /// The request as it is now, also when the act was refused.
        request: ContactRequest = contact_work::request
    }
}

payload! {
    /// Answer to `contactRequestPass`.
    ContactRequestPassPayload of ContactRequestId {
        /// The request as it is now, also when the act was refused. Null when the caller's unit had no other care
        /// relation to the patient than by this request.
        request: ContactRequest = contact_work::request
    }
}

payload! {
    /// Answer to `contactOffer`.
    ContactOfferPayload of ContactOfferId {
        /// The offer.
        offer: ContactOffer = contact_work::offer
    }
}

payload! {
    /// Answer to `contactOfferAnswer`.
    ContactOfferAnswerPayload of ContactOfferId {
        /// The offer as it is now, also when the act was refused.
        offer: ContactOffer = contact_work::offer
    }
}

/// Contacts that are asked for or offered.
#[derive(Default)]
pub struct ContactRequestMutation;

/// Contacts that are asked for or offered.
#[Object(serial)]
impl ContactRequestMutation {
    /// Asks for a contact (begär en fast vårdkontakt), by the patient, or by staff who write it down. The unit gets a
    /// task with a deadline. Care can neither refuse nor close it: it ends when a contact is appointed to the role,
    /// or when the patient takes it back.
    async fn contact_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is asked for, and why.")] input: ContactRequestInput,
    ) -> Result<ContactRequestPayload> {
        let session = session(ctx);
        let cmd = Ask {
            patient: input
                .patient_id
                .as_ref()
                .map(|id| GlobalId::row(id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil()))),
            role: input.role.into(),
            treating_kind: input.treating_kind.map(Into::into),
            why: input.why,
            care_unit: input
                .care_unit_id
                .as_ref()
                .map(|id| GlobalId::row(id, NodeKind::CareUnit).unwrap_or(CareUnitId(Uuid::nil()))),
        };
        let outcome = ask(session, &input.idempotency_key, &cmd).await;
        Ok(ContactRequestPayload(Answer::new(session, outcome, "request", None)?))
    }

    /// Takes a request for a contact back (återtar begäran): the patient, or staff who write down what the patient said and
    /// how; the patient is told of that. Care cannot close it otherwise.
    async fn contact_request_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which request.")] input: ContactRequestWithdrawInput,
    ) -> Result<ContactRequestWithdrawPayload> {
        let session = session(ctx);
        let request = request_id(&input.request_id);
        let cmd = Withdraw {
            request,
            how: input.how.map(Into::into),
            why: input.words,
            expected_row_version: input.expected_row_version,
        };
        let outcome = withdraw(session, &input.idempotency_key, &cmd).await;
        Ok(ContactRequestWithdrawPayload(Answer::new(session, outcome, "request", Some(request))?))
    }

    /// Passes a request for a contact on to another unit (skickar begäran vidare), by the unit that has it. The
    /// deadline stays, and the patient sees the way it takes.
    async fn contact_request_pass(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which request, to whom, and why.")] input: ContactRequestPassInput,
    ) -> Result<ContactRequestPassPayload> {
        let session = session(ctx);
        let request = request_id(&input.request_id);
        let cmd = Pass {
            request,
            to: GlobalId::row(&input.care_unit_id, NodeKind::CareUnit).unwrap_or(CareUnitId(Uuid::nil())),
            reason: input.reason,
            expected_row_version: input.expected_row_version,
        };
        let outcome = pass(session, &input.idempotency_key, &cmd).await;
        Ok(ContactRequestPassPayload(Answer::new(session, outcome, "request", Some(request))?))
    }

    /// Offers a contact (erbjuder en kontakt), by care. The patient answers with `contactOfferAnswer`. CONFLICT when the
    /// patient has the contact already: of a fast läkarkontakt, and of a fast vårdkontakt where the region allows one
    /// alone, with the care provider; of what several may have, at the same unit.
    async fn contact_offer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What is offered to whom.")] input: ContactOfferInput,
    ) -> Result<ContactOfferPayload> {
        let session = session(ctx);
        let cmd = Offer {
            patient: GlobalId::row(&input.patient_id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil())),
            role: input.role.into(),
            treating_kind: input.treating_kind.map(Into::into),
            words: input.words,
        };
        let outcome = offer(session, &input.idempotency_key, &cmd).await;
        Ok(ContactOfferPayload(Answer::new(session, outcome, "offer", None)?))
    }

    /// Answers an offered contact (tackar ja eller nej), by the patient, or by staff who record what the patient
    /// said. The answer is kept with who gave it, when and by which way. A yes is a task to appoint.
    async fn contact_offer_answer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answer.")] input: ContactOfferAnswerInput,
    ) -> Result<ContactOfferAnswerPayload> {
        let session = session(ctx);
        let id =
            GlobalId::row(&input.offer_id, NodeKind::ContactOffer).unwrap_or(ContactOfferId(Uuid::nil()));
        let cmd = offer_answer::Answer {
            offer: id,
            accepted: input.accepted,
            words: input.words,
            how: input.how.map(Into::into),
            expected_row_version: input.expected_row_version,
        };
        let outcome = offer_answer::answer(session, &input.idempotency_key, &cmd).await;
        Ok(ContactOfferAnswerPayload(Answer::new(session, outcome, "offer", Some(id))?))
    }
}

fn request_id(id: &ID) -> ContactRequestId {
    GlobalId::row(id, NodeKind::ContactRequest).unwrap_or(ContactRequestId(Uuid::nil()))
}
