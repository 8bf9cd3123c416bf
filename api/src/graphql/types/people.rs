//! People and places, as other objects refer to them.

use chrono::{DateTime, Utc};

use super::enums::{
    AccessOutcome, ActorKind, CareContactRole, Consultation, ContactAdviceKind, ContactOfferStatus,
    ContactRequestStatus, ContactState, ProtectedIdentity, StaffRole, ToldGround, TreatingKind, WayOfTelling,
};
use crate::graphql::{
    plain::plain_object,
    scalars::{Date, GlobalId, HsaId, LanguageTag, PhoneNumber},
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
    /// What staff act under (medarbetaruppdrag) as a row of a list refers to it. Refetch by the id as an `Assignment`.
    AssignmentSummary {
        /// The assignment's global id.
        id: GlobalId,
        /// The assignment's HSA-id.
        hsa_id: HsaId,
        /// What it allows.
        role: StaffRole,
        /// Name and title of the person.
        staff: StaffSummary,
    }
}

plain_object! {
    /// What a patient needs to take part (behov vid besök). It follows every booking.
    PatientNeeds {
        /// The language to interpret (tolkspråk), where an interpreter is needed; `swl` is Swedish sign language.
        interpreter_language: Option<LanguageTag>,
        /// What else is needed (tillgänglighetsbehov), such as a hearing loop.
        access_needs: Option<String>,
        /// For `expectedRowVersion`.
        row_version: i32,
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
        /// When the person takes calls (telefontid), in words; whenever the unit is open when left out.
        takes_calls: Option<String>,
        /// The person's unit.
        care_unit: CareUnitSummary,
        /// Whether the role is held now; false before it begins and once it has ended.
        is_active: bool,
        /// Where the role stands: planned, held now, or over.
        state: ContactState,
        /// The absence that goes on or comes next, and who steps in (frånvaro och ersättare).
        absence: Option<ContactAbsence>,
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
    /// A contact role that is over (tidigare kontakt), and why.
    PastContact {
        /// The contact as it was.
        contact: CareContact,
        /// When the role ended.
        ended_at: DateTime<Utc>,
        /// Why.
        reason: Option<String>,
        /// How the patient took part; null when it came to its planned end.
        consultation: Option<Consultation>,
        /// Why the patient was told, and not consulted.
        told_ground: Option<ToldGround>,
        /// Who took over (efterträdare), if somebody did.
        successor: Option<String>,
    }
}

plain_object! {
    /// An absence (frånvaro) of a contact, and who steps in.
    ContactAbsence implements Node {
        /// Global id.
        id: GlobalId,
        /// From when.
        from: DateTime<Utc>,
        /// Until when.
        until: DateTime<Utc>,
        /// Who steps in (ersättare); none, or away too for all that remains of it: call the unit.
        substitute: Option<StaffSummary>,
        /// The number of whoever steps in.
        substitute_phone: Option<PhoneNumber>,
        /// The absence in plain words: "Anna är borta till fredag 5 mars 2027, Bo ersätter."
        message: String,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// Whom to turn to at a moment (vem ska jag vända mig till): always an answer.
    ContactAdvice {
        /// What stands first, whoever is the answer: when to call 112.
        emergency: String,
        /// The moment it holds for.
        at: DateTime<Utc>,
        /// Until when the answer holds, as far as is known now.
        until: DateTime<Utc>,
        /// What kind of answer it is.
        kind: ContactAdviceKind,
        /// What to say to the patient, in plain words.
        message: String,
        /// Person, unit or service to turn to.
        name: String,
        /// The number to call.
        phone: PhoneNumber,
        /// The contact who answers in person, or for whom somebody else answers.
        contact: Option<CareContact>,
        /// When the patient's own contact or unit can be reached next, if not now.
        own_contact_opens_at: Option<DateTime<Utc>>,
        /// For emergencies, always: 112.
        emergency_phone: PhoneNumber,
    }
}

plain_object! {
    /// A patient's request for a contact (begäran om fast vårdkontakt): care must appoint one. It ends in an
    /// appointment, or when the patient takes it back.
    ContactRequest implements Node {
        /// Global id.
        id: GlobalId,
        /// The role asked for.
        role: CareContactRole,
        /// Of a behandlande roll: what it treats.
        treating_kind: Option<TreatingKind>,
        /// Why, in the patient's words.
        why: String,
        /// Where it stands.
        status: ContactRequestStatus,
        /// The unit that must act now.
        care_unit: CareUnitSummary,
        /// By when care must have appointed.
        due_at: DateTime<Utc>,
        /// When it rose to the manager of the unit, because it was overdue.
        raised_to_manager_at: Option<DateTime<Utc>>,
        /// Who asked: the patient, or staff who wrote it down for them.
        asked_by: ActorKind,
        /// When it was asked.
        asked_at: DateTime<Utc>,
        /// When it ended.
        ended_at: Option<DateTime<Utc>>,
        /// How the patient said it to staff, when staff wrote down that it was taken back.
        ended_how: Option<WayOfTelling>,
        /// What the patient said when taking it back.
        end_words: Option<String>,
        /// The contact who was appointed.
        contact: Option<CareContact>,
        /// How it was passed on from unit to unit, in order.
        passes: Vec<ContactRequestPass>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// A unit manager's decision on which functions may be contacts (funktioner som får vara kontakter).
    ContactFunctions {
        /// The number of the decision, for `expectedNumber`; 0 when there is none.
        number: i32,
        /// The functions; an empty list allows any.
        functions: Vec<String>,
    }
}

plain_object! {
    /// One step of a request for a contact from a unit to another (vidarebefordran).
    ContactRequestPass {
        /// The unit that passed it on.
        from_unit_name: String,
        /// The unit that got it.
        to_unit_name: String,
        /// Why.
        reason: String,
        /// When.
        at: DateTime<Utc>,
    }
}

plain_object! {
    /// An offer of a contact (erbjudande om kontakt), and the patient's answer: a no is recorded too.
    ContactOffer implements Node {
        /// Global id.
        id: GlobalId,
        /// The role offered.
        role: CareContactRole,
        /// Of a behandlande roll: what it treats.
        treating_kind: Option<TreatingKind>,
        /// More about it, such as who it would be.
        words: Option<String>,
        /// The unit that offers.
        care_unit: CareUnitSummary,
        /// What the patient has said.
        status: ContactOfferStatus,
        /// When it was offered.
        offered_at: DateTime<Utc>,
        /// When it was answered.
        answered_at: Option<DateTime<Utc>>,
        /// Who answered: the patient, or staff who recorded what the patient said.
        answered_by: Option<ActorKind>,
        /// How the patient said it.
        answered_how: Option<WayOfTelling>,
        /// What the patient said about it.
        answer_words: Option<String>,
        /// For `expectedRowVersion`.
        row_version: i32,
    }
}

plain_object! {
    /// One access to the patient's data (logg över vem som öppnat journalen), or an attempt at one.
    AccessLogEntry {
        /// When.
        at: DateTime<Utc>,
        /// What kind of person or system.
        by: ActorKind,
        /// The unit that staff acted under (vårdenhet); none for the patient and the service itself.
        unit_name: Option<String>,
        /// What was done or attempted, by its name in this API.
        action: String,
        /// What came of it.
        outcome: AccessOutcome,
        /// The same as a sentence to the patient, in the language of `Accept-Language`: who, and what came of it.
        message: String,
    }
}
