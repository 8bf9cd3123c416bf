//! Safety instructions (säkerhetsanvisningar): what care lays over an agreement at once.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AgreementVersionId, AssignmentId, CareProviderId, CareUnitId, PatientId,
    SafetyInstructionId, Sealed,
};

text_enum! {
    /// What it is about.
    Kind {
        /// A warning sign (varningstecken).
        WarningSign = "WARNING_SIGN",
        /// A medicine (läkemedel).
        Medicine = "MEDICINE",
        /// Whom to call (vem man ringer).
        WhomToCall = "WHOM_TO_CALL",
    }
}

text_enum! {
    /// Whether it has been agreed on.
    Status {
        /// In force by care's word alone (ännu inte överenskommen).
        Open = "OPEN",
        /// Part of a version that both sides have assented to.
        Agreed = "AGREED",
        /// Taken back by care.
        Withdrawn = "WITHDRAWN",
        /// It holds no longer: a later version left it out, or the agreement ended before it was agreed on.
        Ended = "ENDED",
    }
}

/// One instruction. Its wording never changes: another one takes its place.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "safety_instruction")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SafetyInstructionId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: Kind,
    pub text: Sealed,
    /// What to do.
    pub action: Option<Sealed>,
    pub phone: Option<String>,
    /// Of a medicine: the medication list that it is taken from.
    pub source: Option<Sealed>,
    pub source_on: Option<Date>,
    pub status: Status,
    pub added_by: AssignmentId,
    pub added_at: DateTimeUtc,
    /// The version by which both sides agreed on it.
    pub agreed_version_id: Option<AgreementVersionId>,
    /// When it was agreed on or taken back.
    pub settled_at: Option<DateTimeUtc>,
    pub withdrawn_by: Option<AssignmentId>,
    pub withdraw_reason: Option<Sealed>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
