//! Tasks (uppgifter) of staff: what somebody in care must do for a patient, and by when.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AssignmentId, CareProviderId, CareUnitId, PatientId, Sealed, TaskId, access_event::ActorKind,
};

text_enum! {
    /// What a task asks for.
    Kind {
        /// The patient has asked for a contact, or needs one (utse en kontakt).
        AppointContact = "APPOINT_CONTACT",
        /// A contact ends or is away without a substitute (överlämning).
        Handover = "HANDOVER",
        /// An agreement in force without a next step (nästa steg saknas).
        OrphanedNextStep = "ORPHANED_NEXT_STEP",
        /// A call in a daily follow-up that did not reach the patient (missat samtal).
        MissedCall = "MISSED_CALL",
        /// The patient has asked for an agreement (önskan om patientkontrakt).
        AgreementRequest = "AGREEMENT_REQUEST",
        /// A message that waits for an answer (obesvarat meddelande).
        UnansweredMessage = "UNANSWERED_MESSAGE",
        /// A proposal that waits for care's answer (förslag att svara på).
        AnswerProposal = "ANSWER_PROPOSAL",
        /// The need for a contact is to be reconsidered (ompröva kontakten).
        ContactReview = "CONTACT_REVIEW",
        /// The patient says that advice conflicts, or that it is too much (råden går inte ihop, klarar inte detta nu).
        ItemConcern = "ITEM_CONCERN",
        /// A call to make (ring upp).
        Call = "CALL",
        /// A letter or print to send (skicka brev).
        Letter = "LETTER",
        /// The patient objects to an assent that care recorded (invändning).
        Objection = "OBJECTION",
        /// Somebody else has drawn up an agreement: for the fast vårdkontakt to know (signal).
        PlanSignal = "PLAN_SIGNAL",
        /// What is missing before the patient goes home (utskrivningskontroll).
        DischargeGap = "DISCHARGE_GAP",
        /// The patient could not decide: ask again (fråga patienten igen).
        PatientDecision = "PATIENT_DECISION",
        /// The plan in force says a safety instruction that care has taken back (ny version av planen behövs).
        RevisePlan = "REVISE_PLAN",
        /// A patient to phone, because whoever they were to meet is away (ringa återbud).
        CancellationCall = "CANCELLATION_CALL",
        /// A patient who waits for a time (önskemål om tid).
        TimeWish = "TIME_WISH",
        /// The patient did not come: get in touch, find a new time (uteblivet besök).
        VisitMissed = "VISIT_MISSED",
        /// Nobody has said whether the patient came (utfall saknas).
        OutcomeMissing = "OUTCOME_MISSING",
        /// A result was promised for a day that has passed, and has not been told (besked att lämna).
        ResultOwed = "RESULT_OWED",
        /// The day has passed for what care was to do (vården är försenad).
        CareLate = "CARE_LATE",
    }
}

text_enum! {
    /// Whether a task is still to be done.
    Status {
        /// To be done (öppen).
        Open = "OPEN",
        /// Done (klar).
        Done = "DONE",
        /// The patient took back what it was about (återtagen).
        Withdrawn = "WITHDRAWN",
        /// Something else took its place (ersatt).
        Superseded = "SUPERSEDED",
    }
}

/// One task. It belongs to a unit; an assignee is a person there. Never deleted: it ends with who, when and how.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "task")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TaskId,
    pub patient_id: PatientId,
    /// The unit that must act.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: Kind,
    /// What it is about: the contact, agreement, item, thread … At most one open task per kind and subject.
    pub subject_id: Uuid,
    pub agreement_id: Option<AgreementId>,
    pub assignee_id: Option<AssignmentId>,
    /// Whose it is, where it was given to the assignee or to the unit because they are away.
    pub instead_of_id: Option<AssignmentId>,
    /// More about it, in words for staff.
    pub note: Option<Sealed>,
    pub due_at: DateTimeUtc,
    /// When it rose to the manager of the unit, if it has.
    pub raised_to_manager_at: Option<DateTimeUtc>,
    pub status: Status,
    pub created_by_kind: ActorKind,
    pub created_by_id: Uuid,
    pub created_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
    pub ended_by_kind: Option<ActorKind>,
    pub ended_by_id: Option<Uuid>,
    /// How it ended, in words.
    pub ending: Option<Sealed>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
