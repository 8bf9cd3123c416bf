//! Assessments (bedömningar) by care of who may reach a patient's data beside, or before, the patient themself.

use sea_orm::entity::prelude::*;

use crate::{
    AccessAssessmentId, AssignmentId, CareProviderId, CareUnitId, PatientId, RepresentativeId, Sealed,
};

text_enum! {
    /// What care decided.
    Decision {
        /// A guardian (vårdnadshavare) keeps access after the age at which it ends, until a day.
        Extend = "EXTEND",
        /// A named guardian is let in although the identity is protected (skyddade personuppgifter).
        Readmit = "READMIT",
        /// A representative's access stops.
        Stop = "STOP",
        /// The young person (den unge) reaches more than their age gives.
        OpenEarly = "OPEN_EARLY",
    }
}

/// One documented decision. Written once; a later one about the same person takes its place.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "access_assessment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AccessAssessmentId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// Whom it is about; none when it is about the young person.
    pub representative_id: Option<RepresentativeId>,
    pub decision: Decision,
    /// Of `OPEN_EARLY`: areas and levels as JSON.
    pub rights: Option<String>,
    pub may_assent: bool,
    /// Until when it holds; none where it holds until another decision.
    pub until: Option<DateTimeUtc>,
    /// Why, in the words of the one who assessed.
    pub reason: Sealed,
    pub assessed_by: AssignmentId,
    pub at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
