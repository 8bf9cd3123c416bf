//! What was agreed about a plan item: immutable.

use sea_orm::entity::prelude::*;

use crate::{
    AssignmentId, CareContactId, CareProviderId, CareUnitId, GoalId, PatientId, PlanItemId,
    PlanItemRevisionId, Sealed, access_event::ActorKind,
};

text_enum! {
    /// What kind of item.
    Category {
        /// Coordination (samordning).
        Coordination = "COORDINATION",
        /// Contact (kontakt).
        Contact = "CONTACT",
        /// Self-care (egenvård).
        SelfCare = "SELF_CARE",
        /// Examination (undersökning, provtagning).
        Examination = "EXAMINATION",
        /// Treatment (behandling).
        Treatment = "TREATMENT",
        /// Follow-up (uppföljning).
        FollowUp = "FOLLOW_UP",
        /// Referral (remiss).
        Referral = "REFERRAL",
        /// Information.
        Information = "INFORMATION",
        /// Loan of equipment (hjälpmedel).
        LoanOfEquipment = "LOAN_OF_EQUIPMENT",
    }
}

text_enum! {
    /// Who does it.
    Owner {
        /// The patient.
        Patient = "PATIENT",
        /// Care (vården).
        Care = "CARE",
        /// A relative who has said yes on record (närstående).
        Relative = "RELATIVE",
    }
}

text_enum! {
    /// How its time is told.
    Timing {
        /// On a date.
        Date = "DATE",
        /// Within a period.
        Period = "PERIOD",
        /// Again and again.
        Recurrence = "RECURRENCE",
        /// When something happens, with a latest follow-up date.
        Trigger = "TRIGGER",
    }
}

/// One wording of one item. Versions point at it; it never changes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_item_revision")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanItemRevisionId,
    pub plan_item_id: PlanItemId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub category: Category,
    /// What, in plain words.
    pub title: Sealed,
    pub description: Option<Sealed>,
    pub owner: Owner,
    /// Of a relative who owns it.
    pub relative_name: Option<Sealed>,
    pub timing: Timing,
    /// The date, the end of the period, or the latest follow-up: what the plan is sorted by.
    pub due_on: Option<Date>,
    /// Of a period or recurrence.
    pub starts_on: Option<Date>,
    /// RFC 5545 RRULE.
    pub recurrence: Option<String>,
    /// Such as "när provsvaret kommit".
    pub trigger: Option<Sealed>,
    pub responsible_unit_id: Option<CareUnitId>,
    pub responsible_assignment_id: Option<AssignmentId>,
    pub responsible_contact_id: Option<CareContactId>,
    pub goal_id: Option<GoalId>,
    /// How the result is told.
    pub result_how: Option<Sealed>,
    pub result_by: Option<Date>,
    pub by_kind: ActorKind,
    /// The patient, representative or assignment that acted; nil for the system.
    pub by_id: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
