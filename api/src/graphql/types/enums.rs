//! The enums of the schema: one for each stored enum that clients see.

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
        /// By the side that wrote it (återtagen).
        TakenBack,
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
    /// Goal status, FHIR R4 goal-status.
    GoalStatus = entity::goal::Status {
        /// Suggested, not yet agreed (föreslaget).
        Proposed,
        /// Agreed, not yet begun (överenskommet).
        Accepted,
        /// Being worked on (pågår).
        Active,
        /// Paused (vilande).
        OnHold,
        /// Over (avslutat).
        Completed,
        /// Given up (avbrutet).
        Cancelled,
    }
}

plain_enum! {
    /// How near a goal is, FHIR R4 goal-achievement.
    GoalAchievement = entity::goal::Achievement {
        /// Work goes on (pågår).
        InProgress,
        /// Getting better (förbättras).
        Improving,
        /// Getting worse (försämras).
        Worsening,
        /// No change (oförändrat).
        NoChange,
        /// Reached (uppnått).
        Achieved,
        /// Not reached (inte uppnått).
        NotAchieved,
    }
}

plain_enum! {
    /// Where a plan item (insats) stands.
    PlanItemStatus = entity::plan_item::Status {
        /// Proposed by one side, waiting for the other (föreslagen).
        Proposed,
        /// Agreed by both (överenskommen).
        Accepted,
        /// Begun (pågår).
        InProgress,
        /// Done (gjort).
        Done,
        /// It did not happen (blev inte av).
        NotDone,
        /// Called off, with a reason (inställd).
        Cancelled,
    }
}

plain_enum! {
    /// What kind of plan item (insats).
    PlanItemCategory = entity::plan_item_revision::Category {
        /// Coordination (samordning).
        Coordination,
        /// Contact (kontakt).
        Contact,
        /// Self-care (egenvård).
        SelfCare,
        /// Examination or test (undersökning, provtagning).
        Examination,
        /// Treatment (behandling).
        Treatment,
        /// Follow-up (uppföljning).
        FollowUp,
        /// Referral (remiss).
        Referral,
        /// Information.
        Information,
        /// Loan of equipment (hjälpmedel).
        LoanOfEquipment,
    }
}

plain_enum! {
    /// Who does a plan item.
    PlanItemOwner = entity::plan_item_revision::Owner {
        /// The patient.
        Patient,
        /// Care (vården).
        Care,
        /// A relative (närstående) who has said yes on record.
        Relative,
    }
}

plain_enum! {
    /// How the time of a plan item is told.
    PlanItemTiming = entity::plan_item_revision::Timing {
        /// On a date: `dueOn`.
        Date,
        /// Within a period: `startsOn` to `dueOn`.
        Period,
        /// Again and again: `recurrence`, from `startsOn`.
        Recurrence,
        /// When something happens: `trigger`, followed up on `dueOn` at the latest.
        Trigger,
    }
}

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

plain_enum! {
    /// Where a booked time stands.
    AppointmentStatus = entity::appointment::Status {
        /// Booked (bokad).
        Booked,
        /// Cancelled (avbokad).
        Cancelled,
        /// The patient came (genomförd).
        Attended,
        /// The patient did not come (uteblev).
        Missed,
    }
}

plain_enum! {
    /// How a booked time came about.
    AppointmentOrigin = entity::appointment::Origin {
        /// Booked together with care (överenskommen tid).
        Agreed,
        /// Booked by the patient (självbokad).
        SelfBooked,
    }
}

plain_enum! {
    /// The way a booking was made.
    BookingChannel = entity::appointment::BookingChannel {
        /// In the app or on the web.
        Web,
        /// By phone, entered by staff.
        Phone,
        /// At the unit, entered by staff.
        OnSite,
    }
}

plain_enum! {
    /// How patient and care meet.
    AppointmentMode = entity::appointment_type::Mode {
        /// At the unit (besök).
        Visit,
        /// By video.
        Video,
        /// By phone (telefon).
        Phone,
        /// In the patient's home (hembesök).
        Home,
    }
}

plain_enum! {
    /// A way a message can take.
    Channel = entity::contact_way::Channel {
        /// Mail (e-post).
        Mail,
        /// SMS.
        Sms,
        /// A letter: on the unit's print list (brev).
        Letter,
        /// A call: on the unit's call list (telefon).
        Phone,
    }
}

plain_enum! {
    /// What reminders or notices a decision is about.
    ReminderKind = entity::reminder_preference::PreferenceKind {
        /// Reminders of booked times (påminnelser om tider).
        Appointment,
        /// Notices of new messages.
        Message,
        /// Notices of changes in the plan.
        Plan,
    }
}

plain_enum! {
    /// How much may stand in a reminder: the patient's own choice.
    ReminderDetail = entity::reminder_preference::Detail {
        /// Only the time and a phone number. The default.
        TimeOnly,
        /// The unit's name too.
        UnitName,
        /// The unit's name and address too.
        UnitAndAddress,
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
    /// Who talk in a thread.
    ThreadKind = entity::thread::Kind {
        /// Patient and care.
        PatientCare,
        /// Care givers about a patient.
        CareCare,
    }
}

plain_enum! {
    /// Whether a thread goes on.
    ThreadStatus = entity::thread::Status {
        /// Open.
        Open,
        /// Closed.
        Closed,
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
        /// The patient said no (tackade nej).
        Declined,
        /// Something else took its place (ersatt).
        Superseded,
    }
}

plain_enum! {
    /// What became of a request (önskan).
    AgreementRequestStatus = entity::agreement_request::Status {
        /// Waits for care (väntar på vården).
        Open,
        /// An agreement was begun (påbörjat).
        Fulfilled,
        /// The patient took it back (återtagen).
        Withdrawn,
        /// The patient died (upphörde).
        Superseded,
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

plain_enum! {
    /// How far a referral (remiss) has come.
    ReferralState = entity::plan_item::ReferralState {
        /// Sent (skickad).
        Sent,
        /// Received by the other unit (mottagen).
        Received,
        /// Assessed there (bedömd).
        Assessed,
        /// Accepted, waiting for a time (väntar på tid).
        Waiting,
    }
}

plain_enum! {
    /// What the care guarantee (vårdgaranti) promises. It is never for follow-ups.
    CareGuaranteeKind = entity::plan_item::GuaranteeKind {
        /// The first contact with primary care (kontakt med primärvården).
        FirstContact,
        /// A medical assessment in primary care (medicinsk bedömning).
        Assessment,
        /// The first visit in specialist care (första besök i specialistvården).
        FirstSpecialistVisit,
        /// A treatment that has been decided (beslutad behandling).
        DecidedTreatment,
    }
}

plain_enum! {
    /// Why days of the care guarantee do not count. Whether they do is the region's setting; by default they do not.
    CareGuaranteePauseKind = entity::guarantee_pause::Kind {
        /// The patient chose to wait (patientvald väntan).
        PatientChosen,
        /// Waiting is medically needed (medicinskt motiverad väntan).
        Medical,
    }
}

plain_enum! {
    /// What the patient says of an item.
    PlanItemConcernKind = entity::item_concern::Kind {
        /// "Råden går inte ihop": this advice and other advice cannot both be followed.
        AdviceConflicts,
        /// "Jag klarar inte detta nu".
        TooMuchNow,
    }
}

plain_enum! {
    /// Whether care owes an answer to a concern.
    PlanItemConcernStatus = entity::item_concern::Status {
        /// Waits for care's answer (väntar på svar).
        Open,
        /// Care has answered (besvarad).
        Answered,
        /// The patient took it back (återtagen).
        Withdrawn,
    }
}

plain_enum! {
    /// What became of one occurrence of a recurring item.
    PlanItemMarkOutcome = entity::plan_item_mark::Outcome {
        /// Done (gjort).
        Done,
        /// It did not happen (blev inte av).
        NotDone,
    }
}
