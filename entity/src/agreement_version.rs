//! The versions of an agreement. Content is immutable once proposed; status and assents are not content.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AgreementVersionId, AssignmentId, CareProviderId, CareUnitId, PatientId, RepresentativeId,
    Sealed, access_event::ActorKind, version_assent::Given,
};

text_enum! {
    /// Where the version stands.
    Status {
        /// Being written; no hash yet.
        Draft = "DRAFT",
        /// Fixed by its hash, waiting for assent.
        Proposed = "PROPOSED",
        /// In force.
        Active = "ACTIVE",
        /// In force for care, without the patient's decision (utan patientens ställningstagande).
        PatientUndecided = "PATIENT_UNDECIDED",
        /// Replaced by a later version.
        Superseded = "SUPERSEDED",
        /// Taken back, or its base moved.
        Withdrawn = "WITHDRAWN",
        /// Was in force when the agreement ended.
        Ended = "ENDED",
    }
}

impl Status {
    /// What holds now: at most one of them per agreement.
    pub const IN_FORCE: [Self; 2] = [Self::Active, Self::PatientUndecided];

    /// Whether the version holds now.
    pub fn in_force(self) -> bool {
        Self::IN_FORCE.contains(&self)
    }
}

text_enum! {
    /// Why a version was withdrawn.
    Withdrawal {
        /// By the side that wrote it (återtagen), also where staff wrote down what the patient said.
        TakenBack = "TAKEN_BACK",
        /// The other side said no to it (avböjd).
        Declined = "DECLINED",
        /// Answered with a counter-proposal (motförslag).
        Countered = "COUNTERED",
        /// What it changes was replaced, so that it can no longer come into force.
        BaseMoved = "BASE_MOVED",
        /// The agreement ended while it waited or was being written.
        AgreementEnded = "AGREEMENT_ENDED",
    }
}

text_enum! {
    /// A side of the agreement.
    Party {
        /// The patient, or a representative on the patient's behalf.
        Patient = "PATIENT",
        /// Care (vården).
        Care = "CARE",
    }
}

/// One version. Its content, goals and items are covered by `hash`; it comes into force when both sides have assented to exactly that hash.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agreement_version")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgreementVersionId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// 1, 2, 3 …
    pub number: i32,
    /// The version this one changes; it must still be in force at acceptance.
    pub base_version_id: Option<AgreementVersionId>,
    /// The proposal that this one answers; it is withdrawn when this one is proposed.
    pub answers_version_id: Option<AgreementVersionId>,
    pub status: Status,
    /// Of a version that was withdrawn.
    pub withdrawal: Option<Withdrawal>,
    /// The patient's story, what matters and the other texts, as one JSON document.
    pub content: Sealed,
    /// SHA-256 over the canonical JSON; set when proposed.
    pub hash: Option<Vec<u8>>,
    /// The format number of the canonical JSON.
    pub hash_format: i32,
    pub proposed_by: Option<Party>,
    pub proposed_at: Option<DateTimeUtc>,
    /// When the patient's side was whole: of joint guardians, with the last one's. The assents themselves are in
    /// [`crate::version_assent`]; these columns sum them up for readers.
    pub patient_assent_at: Option<DateTimeUtc>,
    /// PATIENT or REPRESENTATIVE: always shown as who it was.
    pub patient_assent_kind: Option<ActorKind>,
    pub patient_assent_id: Option<Uuid>,
    pub patient_assent_given: Option<Given>,
    /// The objection to what others said or wrote down as the patient's side's assent, as long as it stands. Those that
    /// were made are in [`crate::version_objection`].
    pub objected_at: Option<DateTimeUtc>,
    /// Whose objection it is, where a representative made it: theirs to drop. None: the patient's.
    pub objected_by: Option<RepresentativeId>,
    pub care_assent_at: Option<DateTimeUtc>,
    pub care_assent_id: Option<AssignmentId>,
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
