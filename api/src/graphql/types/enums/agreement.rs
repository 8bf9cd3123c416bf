//! The enums of agreements: their versions, how they begin and end, and what lies around them.

use crate::graphql::plain::plain_enum;

plain_enum! {
    /// Where an agreement (patientkontrakt) stands.
    AgreementStatus = entity::agreement::Status {
        /// Being drawn up (utkast).
        Draft,
        /// A first version waits for assent (föreslagen).
        Proposed,
        /// A version has both assents and is in force (gäller).
        Active,
        /// In force for care because the patient cannot decide now (utan patientens ställningstagande). The patient's
        /// later assent makes it ACTIVE.
        PatientUndecided,
        /// Over (avslutad).
        Ended,
    }
}

plain_enum! {
    /// Where one version of an agreement stands.
    VersionStatus = entity::agreement_version::Status {
        /// Being written (utkast).
        Draft,
        /// Fixed, waiting for assent from the other side (föreslagen).
        Proposed,
        /// In force (gäller).
        Active,
        /// In force for care because the patient cannot decide now (utan patientens ställningstagande).
        PatientUndecided,
        /// Replaced by a later version (ersatt).
        Superseded,
        /// Taken back, or its base moved on (återtagen).
        Withdrawn,
        /// Was in force when the agreement ended (avslutad).
        Ended,
    }
}

plain_enum! {
    /// Why a version was withdrawn.
    VersionWithdrawal = entity::agreement_version::Withdrawal {
        /// By the side that wrote it (återtagen), also where staff wrote down what the patient said.
        TakenBack,
        /// By the other side, which said no to it (avböjd).
        Declined,
        /// Answered with a counter-proposal (motförslag).
        Countered,
        /// What it changes was replaced, so that it can no longer come into force.
        BaseMoved,
        /// The agreement ended while it waited or was being written.
        AgreementEnded,
    }
}

plain_enum! {
    /// A side of the agreement.
    Party = entity::agreement_version::Party {
        /// The patient, or a representative (ombud) on the patient's behalf.
        Patient,
        /// Care (vården).
        Care,
    }
}

plain_enum! {
    /// Why an agreement ended.
    AgreementEndReason = entity::agreement::EndReason {
        /// What was agreed is done (klart).
        Completed,
        /// The patient does not want it (patienten vill inte ha det).
        PatientDeclined,
        /// The patient moved to another region (flyttat).
        Moved,
        /// The patient died (avliden).
        Deceased,
        /// Taken back before both sides had agreed on anything (återtaget). Set by `agreementWithdraw`.
        NeverAgreed,
    }
}

plain_enum! {
    /// In which way something was said between patient and care.
    WayOfTelling = entity::agreement_offer::Way {
        /// Face to face (på plats).
        OnSite,
        /// By phone (per telefon).
        Phone,
        /// By video.
        Video,
        /// By letter (brev).
        Letter,
        /// In a digital service (digitalt).
        Digital,
    }
}

plain_enum! {
    /// What became of an offer (erbjudande).
    AgreementOfferStatus = entity::agreement_offer::Status {
        /// Waits for the patient's answer (väntar på svar).
        Open,
        /// The patient said yes (tackade ja).
        Accepted,
        /// The patient said no, or took a yes back (tackade nej).
        Declined,
        /// An agreement was begun without an answer (ersatt).
        Superseded,
        /// The patient died (avliden): it waits no longer.
        Deceased,
    }
}

plain_enum! {
    /// What became of a request (önskan).
    AgreementRequestStatus = entity::agreement_request::Status {
        /// Waits for care (väntar på vården).
        Open,
        /// An agreement was proposed (föreslaget).
        Fulfilled,
        /// The patient took it back (återtagen).
        Withdrawn,
        /// The patient died (avliden): it waits no longer.
        Deceased,
    }
}

plain_enum! {
    /// What a safety instruction (säkerhetsanvisning) is about.
    SafetyInstructionKind = entity::safety_instruction::Kind {
        /// A warning sign (varningstecken).
        WarningSign,
        /// A medicine (läkemedel); it cites the medication list.
        Medicine,
        /// Whom to call (vem man ringer).
        WhomToCall,
    }
}

plain_enum! {
    /// Whether a safety instruction has been agreed on.
    SafetyInstructionStatus = entity::safety_instruction::Status {
        /// In force by care's word alone (ännu inte överenskommen).
        Open,
        /// Part of a version that both sides have assented to (överenskommen).
        Agreed,
        /// Taken back by care (återtagen).
        Withdrawn,
        /// It holds no longer: a later version left it out, or the agreement ended before it was agreed on (avslutad).
        Ended,
    }
}

plain_enum! {
    /// What kind of existing plan (befintlig plan) an agreement is linked to.
    ExistingPlanKind = entity::plan_link::Kind {
        /// Coordinated individual plan (samordnad individuell plan, SIP).
        Sip,
        /// Care plan (vårdplan).
        Vardplan,
        /// Rehabilitation plan (rehabiliteringsplan).
        Rehab,
        /// Habilitation plan (habiliteringsplan).
        Habilitation,
        /// My care plan, cancer (Min vårdplan cancer).
        MinVardplanCancer,
        /// Person-centred care pathway (personcentrerat och sammanhållet vårdförlopp).
        PersoncentreratVardforlopp,
        /// Digital+.
        DigitalPlus,
        /// Another plan (annan plan).
        Other,
    }
}
