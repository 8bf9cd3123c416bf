//! Care contacts: appointing and ending.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};
use chrono::{DateTime, Utc};
use entity::{AssignmentId, CareContactId, PatientId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    domain::contact::{
        appoint::{Appoint, Person, appoint},
        end::{End, end},
    },
    graphql::{
        read::node,
        scalars::{Date, GlobalId, NodeKind, PhoneNumber},
        types::{
            enums::{CareContactRole, Consultation, TreatingKind},
            people::CareContact,
        },
        user_error::session,
    },
};

/// An appointment to a contact role, such as fast vårdkontakt.
#[derive(InputObject)]
pub struct ContactAppointInput {
    /// For whom: the patient's global id.
    patient_id: ID,
    /// The role.
    role: CareContactRole,
    /// Of a behandlande roll: what it treats.
    treating_kind: Option<TreatingKind>,
    /// Who.
    person: ContactPersonInput,
    /// Whether this is the main responsible fast vårdkontakt (huvudansvarig). Left out: if nobody else is.
    is_lead: Option<bool>,
    /// How and when to reach the person, in words; at most 4 000 characters.
    how_to_reach: Option<String>,
    /// From when; now when left out.
    valid_from: Option<DateTime<Utc>>,
    /// Planned end, if any.
    valid_until: Option<DateTime<Utc>>,
    /// When the need is reconsidered.
    review_on: Option<Date>,
    /// Whether the patient asked for it.
    #[graphql(default = false)]
    on_request: bool,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// Who is appointed: one of these.
#[derive(OneofObject)]
pub enum ContactPersonInput {
    /// Staff of the same care provider: the assignment's global id.
    AssignmentId(ID),
    /// A person or function without an account.
    Named(NamedContactInput),
}

/// A person or function without an account.
#[derive(InputObject)]
pub struct NamedContactInput {
    /// The name, as shown to the patient; at most 200 characters.
    name: String,
    /// Title or function, as shown to the patient; at most 200 characters.
    function: String,
    /// The direct number.
    phone: PhoneNumber,
}

/// The end of a contact role.
#[derive(InputObject)]
pub struct ContactEndInput {
    /// The contact's global id.
    contact_id: ID,
    /// Why; at most 4 000 characters.
    reason: String,
    /// How the patient took part.
    consultation: Consultation,
    /// The contact's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

payload! {
    /// Answer to `contactAppoint`.
    ContactAppointPayload of CareContactId {
        /// The contact.
        contact: CareContact = node::care_contact
    }
}

payload! {
    /// Answer to `contactEnd`.
    ContactEndPayload of CareContactId {
        /// The contact as it is now, also when the act was refused. Null when the caller's unit had no other care
        /// relation to the patient than by this contact.
        contact: CareContact = node::care_contact
    }
}

/// Care contacts.
#[derive(Default)]
pub struct ContactMutation;

/// Care contacts.
#[Object(serial)]
impl ContactMutation {
    /// Appoints a contact (utser fast vårdkontakt, fast läkarkontakt, behandlande roll), by care. The person's unit
    /// gets a care relation to the patient. CONFLICT, naming who holds it, when the role has room for one only.
    async fn contact_appoint(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who gets which role, for whom.")] input: ContactAppointInput,
    ) -> Result<ContactAppointPayload> {
        let session = session(ctx);
        let cmd = Appoint {
            patient: GlobalId::row(&input.patient_id, NodeKind::Patient).unwrap_or(PatientId(Uuid::nil())),
            role: input.role.into(),
            treating_kind: input.treating_kind.map(Into::into),
            person: match input.person {
                ContactPersonInput::AssignmentId(id) => Person::Staff(
                    GlobalId::row(&id, NodeKind::Assignment).unwrap_or(AssignmentId(Uuid::nil())),
                ),
                ContactPersonInput::Named(person) => {
                    Person::Named { name: person.name, function: person.function, phone: person.phone.0 }
                }
            },
            is_lead: input.is_lead,
            how_to_reach: input.how_to_reach,
            valid_from: input.valid_from,
            valid_until: input.valid_until,
            review_on: input.review_on.map(|day| day.0),
            on_request: input.on_request,
        };
        let outcome = appoint(session, &input.idempotency_key, &cmd).await;
        Ok(ContactAppointPayload(Answer::new(session, outcome, "contact", None)?))
    }

    /// Ends a contact role (avslutar uppdraget), by care: with a reason, and in consultation with the patient or at
    /// least with the patient told. The care relation that came with the role ends too.
    async fn contact_end(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which role, and why.")] input: ContactEndInput,
    ) -> Result<ContactEndPayload> {
        let session = session(ctx);
        let contact =
            GlobalId::row(&input.contact_id, NodeKind::CareContact).unwrap_or(CareContactId(Uuid::nil()));
        let cmd = End {
            contact,
            reason: input.reason,
            consultation: input.consultation.into(),
            expected_row_version: input.expected_row_version,
        };
        let outcome = end(session, &input.idempotency_key, &cmd).await;
        Ok(ContactEndPayload(Answer::new(session, outcome, "contact", Some(contact))?))
    }
}
