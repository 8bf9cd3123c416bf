//! Care contacts: appointing and ending.

use async_graphql::{Context, ID, InputObject, Object, OneofObject, Result};
use chrono::{DateTime, Utc};
use entity::{AssignmentId, CareContactId, PatientId};
use uuid::Uuid;

use super::payload::{Answer, payload};
use crate::{
    calendar::{OpenSpan, OpeningHours},
    domain::contact::{
        appoint::{Appoint, Person, appoint},
        end::{End, end},
        review::{Outcome, Review, review},
    },
    error::Problem,
    graphql::{
        read::node,
        scalars::{Date, GlobalId, NodeKind, PhoneNumber},
        types::{
            enums::{CareContactRole, Consultation, ToldGround, TreatingKind, Weekday},
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
    /// When the person takes calls (telefontid); whenever the unit is open when left out. At most 20 spans.
    takes_calls: Option<Vec<CallHoursInput>>,
    /// From when; now when left out. A successor may be planned ahead.
    valid_from: Option<DateTime<Utc>>,
    /// Planned end, if any.
    valid_until: Option<DateTime<Utc>>,
    /// When the need is reconsidered (omprövning); the region's setting when left out.
    review_on: Option<Date>,
    /// Whether the patient asked for it.
    #[graphql(default = false)]
    on_request: bool,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A span of hours in which a contact takes calls, on some days of the week; never on public holidays.
#[derive(InputObject)]
pub struct CallHoursInput {
    /// On which days.
    weekdays: Vec<Weekday>,
    /// From, such as "09:00".
    from: String,
    /// Until, such as "11:00".
    until: String,
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
    /// How the patient took part. They are told, and not consulted, only on a ground.
    consultation: Consultation,
    /// Why the patient was told, and not consulted.
    told_ground: Option<ToldGround>,
    /// When it ends (planerat slut); now when left out.
    ends_at: Option<DateTime<Utc>>,
    /// The contact's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// A review of the need for a contact.
#[derive(InputObject)]
pub struct ContactReviewInput {
    /// The contact's global id.
    contact_id: ID,
    /// What came of it.
    outcome: ContactReviewOutcomeInput,
    /// The contact's `rowVersion` as it was read.
    expected_row_version: i32,
    /// New for every action, the same when the action is tried again; 1 to 200 characters.
    idempotency_key: String,
}

/// What came of a review: one of these.
#[derive(OneofObject)]
pub enum ContactReviewOutcomeInput {
    /// The need is still there.
    Keep(ContactReviewKeepInput),
    /// The role ends now.
    End(ContactReviewEndInput),
}

/// The need for the contact is still there.
#[derive(InputObject)]
pub struct ContactReviewKeepInput {
    /// When it is reconsidered next.
    next_review_on: Date,
}

/// The need for the contact is over.
#[derive(InputObject)]
pub struct ContactReviewEndInput {
    /// Why; at most 4 000 characters.
    reason: String,
    /// How the patient took part.
    consultation: Consultation,
    /// Why the patient was told, and not consulted.
    told_ground: Option<ToldGround>,
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

payload! {
    /// Answer to `contactReview`.
    ContactReviewPayload of CareContactId {
        /// The contact as it is now, also when the act was refused. Null when it ended, and the caller's unit had no
        /// other care relation to the patient.
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
    /// gets a care relation to the patient. CONFLICT, naming who holds it, when the role has room for one only. A fast
    /// läkarkontakt is a doctor by their title.
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
            reach_hours: input.takes_calls.map(call_hours).transpose(),
            valid_from: input.valid_from,
            valid_until: input.valid_until,
            review_on: input.review_on.map(|day| day.0),
            on_request: input.on_request,
        };
        let outcome = appoint(session, &input.idempotency_key, &cmd).await;
        Ok(ContactAppointPayload(Answer::new(session, outcome, "contact", None)?))
    }

    /// Ends a contact role (avslutar uppdraget), by care, now or as planned: with a reason, and in consultation with
    /// the patient; telling is enough when the person leaves or the patient cannot be reached. Where nobody follows, what
    /// the patient had asked for waits again if the role ends within 30 days, also after a consultation: a patient who wants
    /// nobody takes it back, themself or to staff (`contactRequestWithdraw`). Otherwise a handover task is raised where the
    /// patient was only told. The care relation that came with the role ends too.
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
            told_ground: input.told_ground.map(Into::into),
            ends_at: input.ends_at,
            expected_row_version: input.expected_row_version,
        };
        let outcome = end(session, &input.idempotency_key, &cmd).await;
        Ok(ContactEndPayload(Answer::new(session, outcome, "contact", Some(contact))?))
    }

    /// Reconsiders the need for a contact (omprövar behovet), by care: it goes on until a new day, or ends.
    async fn contact_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What came of it.")] input: ContactReviewInput,
    ) -> Result<ContactReviewPayload> {
        let session = session(ctx);
        let contact =
            GlobalId::row(&input.contact_id, NodeKind::CareContact).unwrap_or(CareContactId(Uuid::nil()));
        let cmd = Review {
            contact,
            outcome: match input.outcome {
                ContactReviewOutcomeInput::Keep(keep) => Outcome::Keep { next: keep.next_review_on.0 },
                ContactReviewOutcomeInput::End(end) => Outcome::End {
                    reason: end.reason,
                    consultation: end.consultation.into(),
                    told_ground: end.told_ground.map(Into::into),
                },
            },
            expected_row_version: input.expected_row_version,
        };
        let outcome = review(session, &input.idempotency_key, &cmd).await;
        Ok(ContactReviewPayload(Answer::new(session, outcome, "contact", Some(contact))?))
    }
}

/// The spans as the hours of a week.
fn call_hours(spans: Vec<CallHoursInput>) -> std::result::Result<OpeningHours, Problem> {
    let wrong = |sv: &str, en: &str| Problem::input("takesCalls", sv, en);
    if spans.is_empty() || spans.len() > 20 {
        return Err(wrong(
            "Ange 1–20 telefontider, eller lämna det tomt.",
            "Give 1 to 20 spans, or leave it out.",
        ));
    }
    let mut hours = OpeningHours::default();
    for span in spans {
        let open = OpenSpan::new(&span.from, &span.until).map_err(|_| {
            wrong(
                "Skriv telefontiden som 09:00 till 11:00, med början före slutet.",
                "Write the hours as 09:00 to 11:00, the start before the end.",
            )
        })?;
        for day in span.weekdays {
            let day = match day {
                Weekday::Monday => &mut hours.monday,
                Weekday::Tuesday => &mut hours.tuesday,
                Weekday::Wednesday => &mut hours.wednesday,
                Weekday::Thursday => &mut hours.thursday,
                Weekday::Friday => &mut hours.friday,
                Weekday::Saturday => &mut hours.saturday,
                Weekday::Sunday => &mut hours.sunday,
            };
            day.push(open);
        }
    }
    Ok(hours)
}
