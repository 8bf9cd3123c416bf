//! Plan items (insatser, aktiviteter): the live state. What was agreed is in the revisions.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AssignmentId, CareProviderId, CareUnitId, PatientId, PlanItemId, PlanItemRevisionId, Sealed,
    access_event::ActorKind, agreement_version::Party,
};

text_enum! {
    /// Where the item stands.
    Status {
        /// Proposed by one side.
        Proposed = "PROPOSED",
        /// Agreed by both.
        Accepted = "ACCEPTED",
        /// Begun.
        InProgress = "IN_PROGRESS",
        /// Done (gjort).
        Done = "DONE",
        /// It did not happen (blev inte av).
        NotDone = "NOT_DONE",
        /// Called off, with a reason.
        Cancelled = "CANCELLED",
    }
}

text_enum! {
    /// How far a referral (remiss) has come.
    ReferralState {
        /// Sent (skickad).
        Sent = "SENT",
        /// Received by the other unit (mottagen).
        Received = "RECEIVED",
        /// Assessed there (bedömd).
        Assessed = "ASSESSED",
        /// Accepted, waiting for a time (väntar på tid).
        Waiting = "WAITING",
    }
}

text_enum! {
    /// What the care guarantee (vårdgaranti) promises: it runs for these alone, never for follow-ups.
    GuaranteeKind {
        /// The first contact with primary care.
        FirstContact = "FIRST_CONTACT",
        /// A medical assessment in primary care.
        Assessment = "ASSESSMENT",
        /// The first visit in specialist care.
        FirstSpecialistVisit = "FIRST_SPECIALIST_VISIT",
        /// A treatment that has been decided.
        DecidedTreatment = "DECIDED_TREATMENT",
    }
}

/// One item, under a stable id.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_item")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanItemId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub status: Status,
    pub proposed_by: Party,
    pub status_reason: Option<Sealed>,
    pub status_by_kind: Option<ActorKind>,
    pub status_at: Option<DateTimeUtc>,
    /// When it was begun, if it was.
    pub started_at: Option<DateTimeUtc>,
    /// Arbetsanteckning: not shown in the app, but part of the record.
    pub work_note: Option<Sealed>,
    pub referral_state: Option<ReferralState>,
    pub referral_on: Option<Date>,
    /// When the result was told, as promised.
    pub result_told_on: Option<Date>,
    pub result_told_how: Option<Sealed>,
    /// The wording that the relative who owns the item has said yes to: of another wording it says nothing.
    pub relative_consent_revision_id: Option<PlanItemRevisionId>,
    pub relative_consent_at: Option<DateTimeUtc>,
    /// Who said yes, and how.
    pub relative_consent_words: Option<Sealed>,
    /// The assignment that recorded it.
    pub relative_consent_by_id: Option<AssignmentId>,
    /// What the care guarantee promises about it, if anything.
    pub guarantee_kind: Option<GuaranteeKind>,
    /// The day from which its days count.
    pub guarantee_from: Option<Date>,
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
