//! The enums about people and what they may do.

use crate::graphql::plain::plain_enum;

plain_enum! {
    /// What kind of person or system acted.
    ActorKind = entity::access_event::ActorKind {
        /// Nobody signed in.
        Anonymous,
        /// The patient.
        Patient,
        /// A representative (ombud); always shown as such.
        Representative,
        /// Staff (medarbetare).
        Staff,
        /// The service itself.
        System,
    }
}

plain_enum! {
    /// Protected identity (skyddade personuppgifter).
    ProtectedIdentity = entity::patient::ProtectedIdentity {
        /// None.
        None,
        /// Sekretessmarkering.
        Sekretessmarkering,
        /// Skyddad folkbokföring.
        SkyddadFolkbokforing,
    }
}

plain_enum! {
    /// What an assignment (medarbetaruppdrag) allows.
    StaffRole = entity::assignment::Role {
        /// Any profession in care.
        Care,
        /// Coordinates care (samordnare).
        Coordinator,
        /// Manages the unit (verksamhetschef, enhetschef).
        UnitManager,
        /// Statistics only.
        Analyst,
        /// Administers the service.
        Admin,
    }
}

plain_enum! {
    /// The ground on which staff declare a care relation (vårdrelation).
    RelationDeclaration = entity::care_relation::Declaration {
        /// The patient is here (patienten är på plats).
        PatientPresent,
        /// The patient is on the phone, identified by questions (patienten är i telefon).
        PatientOnPhone,
    }
}

plain_enum! {
    /// What came of an access to the patient's data.
    AccessOutcome = entity::access_event::Outcome {
        /// The data was shown or changed (gick igenom).
        Allowed,
        /// Somebody who reaches the data wanted to change something, and nothing was changed: it did not fit as things
        /// stood, such as a time that somebody else had just taken (gick inte igenom).
        Refused,
        /// Stopped: somebody who may not do this (nekades).
        Denied,
    }
}
