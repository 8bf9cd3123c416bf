//! People and places, as other objects refer to them.

use chrono::{DateTime, Utc};

use super::enums::{ActorKind, CareContactRole, ProtectedIdentity, TreatingKind};
use crate::graphql::{
    plain::plain_object,
    scalars::{Date, GlobalId, PhoneNumber},
};

plain_object! {
    /// A care unit (vårdenhet) as other objects refer to it. Refetch it by its id as a `CareUnit`.
    CareUnitSummary {
        /// The unit's global id.
        id: GlobalId,
        /// Its name.
        name: String,
        /// Its phone number.
        phone: PhoneNumber,
        /// Its visiting address, where it has one.
        address: Option<String>,
    }
}

plain_object! {
    /// A staff member (medarbetare) as patients see them.
    StaffSummary {
        /// The name shown; staff may be protected too.
        name: String,
        /// Title or function.
        title: String,
    }
}

plain_object! {
    /// A patient as a row of a list refers to them. Refetch by the id as a `Patient`.
    PatientSummary {
        /// The patient's global id.
        id: GlobalId,
        /// Given name (förnamn).
        given_name: String,
        /// Family name (efternamn).
        family_name: String,
        /// Whether the person has a protected identity (skyddade personuppgifter): handle with care.
        protected_identity: ProtectedIdentity,
    }
}

plain_object! {
    /// A person in a contact role for the patient: fast vårdkontakt, fast läkarkontakt and others.
    CareContact implements Node {
        /// Global id.
        id: GlobalId,
        /// The role.
        role: CareContactRole,
        /// Of a behandlande roll: what it treats.
        treating_kind: Option<TreatingKind>,
        /// Whether this is the main responsible fast vårdkontakt (huvudansvarig).
        is_lead: bool,
        /// The person's name.
        name: String,
        /// The person's title or function.
        function: String,
        /// The direct number, or the unit's where there is none.
        phone: PhoneNumber,
        /// How and when to reach the person, in words.
        how_to_reach: Option<String>,
        /// The person's unit.
        care_unit: CareUnitSummary,
        /// Whether the contact is appointed now; false once it has ended.
        is_active: bool,
        /// From when.
        valid_from: DateTime<Utc>,
        /// Planned end, if any.
        valid_until: Option<DateTime<Utc>>,
        /// When the need is reconsidered.
        review_on: Option<Date>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// Whom to turn to at a moment (vem ska jag vända mig till): always an answer.
    ContactAdvice {
        /// The moment it holds for.
        at: DateTime<Utc>,
        /// What to say to the patient, in plain words.
        message: String,
        /// Person, unit or service to turn to.
        name: String,
        /// The number to call.
        phone: PhoneNumber,
        /// The contact, when it is a named person who can be reached now.
        contact: Option<CareContact>,
        /// When the patient's own contact or unit can be reached next, if not now.
        own_contact_opens_at: Option<DateTime<Utc>>,
        /// For emergencies, always: 112.
        emergency_phone: PhoneNumber,
    }
}

plain_object! {
    /// One access to the patient's data (logg över vem som öppnat journalen).
    AccessLogEntry {
        /// When.
        at: DateTime<Utc>,
        /// What kind of person or system.
        by: ActorKind,
        /// The unit that staff acted under (vårdenhet); none for the patient and the service itself.
        unit_name: Option<String>,
        /// What was done, by its name in this API.
        action: String,
        /// Whether the data was given out or changed; false for a refused attempt.
        served: bool,
    }
}
