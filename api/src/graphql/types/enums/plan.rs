//! The enums of goals and plan items.

use crate::graphql::plain::plain_enum;

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
        /// Reached, and kept so (upprätthålls).
        Sustaining,
        /// Not reached (inte uppnått).
        NotAchieved,
        /// Nothing has come nearer (inga framsteg).
        NoProgress,
        /// Cannot be reached (går inte att nå).
        NotAttainable,
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
        /// A relative (närstående); whether they have said yes is told by `needsRelativeConsent`.
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
        /// The agreement ended before care had answered (avslutad).
        Ended,
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
