//! The agreement (patientkontrakt) as a whole: its life. The content is in its versions.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AgreementVersionId, CareProviderId, CareUnitId, PatientId, Sealed, access_event::ActorKind,
};

text_enum! {
    /// Where the agreement stands.
    Status {
        /// Being drawn up.
        Draft = "DRAFT",
        /// A first version waits for assent.
        Proposed = "PROPOSED",
        /// A version has both assents and is in force.
        Active = "ACTIVE",
        /// In force for care, without the patient's decision (utan patientens ställningstagande).
        PatientUndecided = "PATIENT_UNDECIDED",
        /// Over.
        Ended = "ENDED",
    }
}

impl Status {
    /// What holds now: at most one of them per patient and coordinating region.
    pub const IN_FORCE: [Self; 2] = [Self::Active, Self::PatientUndecided];

    /// Whether the agreement holds now.
    pub fn in_force(self) -> bool {
        Self::IN_FORCE.contains(&self)
    }
}

text_enum! {
    /// Why an agreement ended.
    EndReason {
        /// What was agreed is done.
        Completed = "COMPLETED",
        /// The patient wants no agreement.
        PatientDeclined = "PATIENT_DECLINED",
        /// The patient moved to another region (flyttat).
        Moved = "MOVED",
        /// The patient died.
        Deceased = "DECEASED",
        /// Taken back before both sides had agreed on anything (återtaget).
        NeverAgreed = "NEVER_AGREED",
    }
}

/// One agreement. At most one is in force per patient and coordinating region, enforced by the database.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agreement")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The coordinating region's code.
    pub region: String,
    pub status: Status,
    /// What a reader sees first: the ACTIVE version, else the newest.
    pub current_version_id: AgreementVersionId,
    /// A code of the region's list of patient groups.
    pub patient_group: Option<String>,
    pub end_reason: Option<EndReason>,
    pub ended_at: Option<DateTimeUtc>,
    pub ended_by_kind: Option<ActorKind>,
    /// The patient, representative or assignment that ended it; nil for the system.
    pub ended_by_id: Option<Uuid>,
    /// Why, in words.
    pub end_words: Option<Sealed>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
