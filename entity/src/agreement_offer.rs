//! Offers of an agreement (erbjudanden om patientkontrakt), and what the patient answered.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementOfferId, AssignmentId, CareProviderId, CareUnitId, PatientId, Sealed, access_event::ActorKind,
};

text_enum! {
    /// What became of an offer.
    Status {
        /// Waits for the patient's answer.
        Open = "OPEN",
        /// The patient said yes.
        Accepted = "ACCEPTED",
        /// The patient said no, or took a yes back.
        Declined = "DECLINED",
        /// An agreement was begun without an answer.
        Superseded = "SUPERSEDED",
        /// The patient died.
        Deceased = "DECEASED",
    }
}

text_enum! {
    /// In which way something was said.
    Way {
        /// Face to face (på plats).
        OnSite = "ON_SITE",
        /// By phone (per telefon).
        Phone = "PHONE",
        /// By video.
        Video = "VIDEO",
        /// By letter (brev).
        Letter = "LETTER",
        /// In a digital service (digitalt).
        Digital = "DIGITAL",
    }
}

/// One offer. Once answered it stays as it was answered, but for a yes that is taken back. A patient has one open offer per care provider.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agreement_offer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgreementOfferId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The coordinating region's code.
    pub region: String,
    /// A code of the region's list of patient groups.
    pub patient_group: Option<String>,
    pub offered_by: AssignmentId,
    pub offered_how: Way,
    pub offered_at: DateTimeUtc,
    pub status: Status,
    pub answered_at: Option<DateTimeUtc>,
    /// STAFF where staff recorded what the patient said.
    pub answered_by_kind: Option<ActorKind>,
    pub answered_by_id: Option<Uuid>,
    pub answered_how: Option<Way>,
    pub answer_words: Option<Sealed>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
