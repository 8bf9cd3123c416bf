//! The enums of care contacts.

use crate::graphql::plain::plain_enum;

plain_enum! {
    /// The roles a care contact can have.
    CareContactRole = entity::care_contact::Role {
        /// Fast vårdkontakt: coordinates all care.
        FastVardkontakt,
        /// Fast läkarkontakt in primary care.
        FastLakarkontakt,
        /// Fast omsorgskontakt in municipal home care.
        FastOmsorgskontakt,
        /// Behandlande roll: treats one condition.
        BehandlandeRoll,
        /// Digital coach, patientstödjare or peer.
        Supporter,
    }
}

plain_enum! {
    /// What a behandlande roll treats or does.
    TreatingKind = entity::care_contact::TreatingKind {
        /// Astma- och KOL-sjuksköterska.
        AsthmaCopdNurse,
        /// Diabetessjuksköterska.
        DiabetesNurse,
        /// Hjärtsviktssjuksköterska.
        HeartFailureNurse,
        /// Omvårdnadsansvarig sjuksköterska.
        ResponsibleNurse,
        /// Arbetsterapeut.
        OccupationalTherapist,
        /// Fysioterapeut.
        Physiotherapist,
        /// Psykolog.
        Psychologist,
        /// Kurator.
        Counsellor,
        /// Undersköterska.
        AssistantNurse,
    }
}

plain_enum! {
    /// How the patient took part when a contact role ended.
    Consultation = entity::care_contact::Consultation {
        /// The patient was consulted (i samråd).
        Consulted,
        /// The patient was told: the person leaves, or the patient could not be reached.
        Told,
    }
}

plain_enum! {
    /// Why the patient was told of an ending, and not consulted.
    ToldGround = entity::care_contact::ToldGround {
        /// The person leaves (medarbetaren slutar).
        StaffLeaves,
        /// The patient could not be reached (patienten gick inte att nå).
        PatientUnreachable,
    }
}

plain_enum! {
    /// Where a request for a contact stands (begäran om kontakt).
    ContactRequestStatus = entity::contact_request::Status {
        /// Care must act (öppen).
        Open,
        /// A contact was appointed (utsedd).
        Appointed,
        /// The patient took it back (återtagen).
        Withdrawn,
        /// The patient died (avliden): it waits no longer.
        Deceased,
    }
}

plain_enum! {
    /// What the patient has said to an offered contact (erbjudande).
    ContactOfferStatus = entity::contact_offer::Status {
        /// Nothing yet.
        Open,
        /// Yes (tackade ja).
        Accepted,
        /// No (tackade nej).
        Declined,
        /// Somebody has been given the role (ersatt): it waits no longer.
        Superseded,
        /// The patient died (avliden): it waits no longer.
        Deceased,
    }
}

plain_enum! {
    /// What kind of answer `whoToContact` gives.
    ContactAdviceKind = crate::domain::contact::whom::Kind {
        /// A contact in person.
        Contact,
        /// Whoever steps in for a contact (ersättare).
        Substitute,
        /// A unit that is open (mottagning).
        Unit,
        /// The service that answers for the unit when it is closed (jour).
        AfterHours,
        /// 1177, at any hour.
        National,
    }
}

plain_enum! {
    /// Where a contact role stands now.
    ContactState = entity::care_contact::Status {
        /// Appointed from a moment that lies ahead (planerad).
        Planned,
        /// Held now (gäller).
        Active,
        /// Over (avslutad).
        Ended,
    }
}
