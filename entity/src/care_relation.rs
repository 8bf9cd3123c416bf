//! Care relations (vårdrelationer): why staff of a unit may reach a patient.

use sea_orm::entity::prelude::*;

use crate::{AssignmentId, CareProviderId, CareRelationId, CareUnitId, PatientId, Sealed};

text_enum! {
    /// What the relation rests on.
    Source {
        /// A booked visit.
        Appointment = "APPOINTMENT",
        /// A contact role.
        Contact = "CONTACT",
        /// An agreement.
        Agreement = "AGREEMENT",
        /// A received referral (remiss).
        Referral = "REFERRAL",
        /// An admission (inskrivning).
        Admission = "ADMISSION",
        /// Enrolled in home care (hemsjukvård).
        HomeCare = "HOME_CARE",
        /// Listed at the unit (listad).
        Listing = "LISTING",
        /// An open thread.
        Thread = "THREAD",
        /// An open task of the unit about the patient, such as a request (önskan).
        Task = "TASK",
        /// Declared by staff, with a reason.
        StaffDeclared = "STAFF_DECLARED",
    }
}

text_enum! {
    /// The ground staff declare.
    Declaration {
        /// The patient is here (patienten är på plats).
        PatientPresent = "PATIENT_PRESENT",
        /// The patient is on the phone, identified by questions, never by the number.
        PatientOnPhone = "PATIENT_ON_PHONE",
    }
}

/// One reason, for one unit, for one span of time. Staff without a relation in force have no access.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "care_relation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CareRelationId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub source: Source,
    /// In the declarer's words, for `STAFF_DECLARED` relations.
    pub reason: Option<Sealed>,
    pub declaration: Option<Declaration>,
    pub declared_by: Option<AssignmentId>,
    /// The appointment, contact, absence, agreement, request, thread or task that the relation follows.
    pub subject_id: Option<Uuid>,
    pub valid_from: DateTimeUtc,
    pub valid_until: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
