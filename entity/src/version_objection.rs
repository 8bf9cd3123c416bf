//! Objections (invändningar) to what others said or wrote down as the patient's side's assent to a version.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AgreementVersionId, AssignmentId, CareProviderId, CareUnitId, PatientId, Sealed,
    VersionObjectionId, access_event::ActorKind, agreement_offer::Way,
};

text_enum! {
    /// Why an objection stands no longer.
    Ending {
        /// Whoever objected has assented to the version.
        Dropped = "DROPPED",
        /// A representative's: the patient has spoken, by objecting or assenting.
        Overruled = "OVERRULED",
        /// A representative's, who has no say about it any more.
        Lapsed = "LAPSED",
        /// Another version came into force, or the agreement ended.
        Superseded = "SUPERSEDED",
        /// The proposal that it was to was taken back, declined or countered.
        Withdrawn = "WITHDRAWN",
    }
}

/// One objection, by one person, in their own words. Written once; only its ending is added, once. At most one to a
/// version stands: [`crate::agreement_version`] sums that one up for readers.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "version_objection")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VersionObjectionId,
    pub agreement_id: AgreementId,
    pub version_id: AgreementVersionId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// PATIENT or REPRESENTATIVE: always shown as who it was.
    pub by_kind: ActorKind,
    /// The patient or representative whose objection it is.
    pub by_id: Uuid,
    pub at: DateTimeUtc,
    pub words: Sealed,
    /// Of one that the patient said to staff: who wrote it down.
    pub recorded_by: Option<AssignmentId>,
    /// How it was said to them.
    pub how: Option<Way>,
    pub ended_at: Option<DateTimeUtc>,
    pub ending: Option<Ending>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
