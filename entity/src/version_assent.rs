//! Assents: who said yes to a version, to which text, when and how.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AgreementVersionId, AssignmentId, CareProviderId, CareUnitId, PatientId, Sealed,
    VersionAssentId, access_event::ActorKind, agreement_version::Party,
};

text_enum! {
    /// How an assent was given.
    Given {
        /// By the one whose it is, in the service.
        Direct = "DIRECT",
        /// By word of mouth (muntligt), recorded by staff.
        Oral = "ORAL",
    }
}

text_enum! {
    /// Where an oral assent was given.
    Setting {
        /// At a visit (vid besök).
        AtVisit = "AT_VISIT",
        /// By phone (per telefon).
        ByPhone = "BY_PHONE",
        /// By video.
        ByVideo = "BY_VIDEO",
        /// At home (hemma).
        AtHome = "AT_HOME",
    }
}

/// One yes to exactly the text of `digest`. Written once.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "version_assent")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VersionAssentId,
    pub agreement_id: AgreementId,
    pub version_id: AgreementVersionId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub side: Party,
    /// PATIENT or REPRESENTATIVE for the patient's side: always shown as who it was.
    pub by_kind: ActorKind,
    /// The patient, representative or assignment whose yes it is.
    pub by_id: Uuid,
    pub digest: Vec<u8>,
    pub given: Given,
    pub at: DateTimeUtc,
    /// Of an oral assent: who wrote it down.
    pub recorded_by: Option<AssignmentId>,
    pub setting: Option<Setting>,
    /// Through which interpreter, in words.
    pub interpreter: Option<Sealed>,
    /// Who else was there, in words.
    pub present: Option<Sealed>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
