//! Links from an agreement to existing plans: it builds on them, and never overwrites them.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, CareProviderId, CareUnitId, PatientId, PlanLinkId, Sealed, access_event::ActorKind,
};

text_enum! {
    /// What kind of plan.
    Kind {
        /// Samordnad individuell plan.
        Sip = "SIP",
        /// Vårdplan.
        Vardplan = "VARDPLAN",
        /// Rehabiliteringsplan.
        Rehab = "REHAB",
        /// Habiliteringsplan.
        Habilitation = "HABILITATION",
        /// Min vårdplan cancer.
        MinVardplanCancer = "MIN_VARDPLAN_CANCER",
        /// Personcentrerat och sammanhållet vårdförlopp.
        PersoncentreratVardforlopp = "PERSONCENTRERAT_VARDFORLOPP",
        /// Digital+.
        DigitalPlus = "DIGITAL_PLUS",
        /// Another plan.
        Other = "OTHER",
    }
}

/// One link. Its wording never changes; it ends, and is never deleted. At most one plan *is* the agreement.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_link")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PlanLinkId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: Kind,
    pub title: Sealed,
    /// Who keeps the plan.
    pub holder: Sealed,
    /// The system it stands in, and its reference there.
    pub reference: Option<Sealed>,
    pub url: Option<Sealed>,
    /// The plan's own date.
    pub dated_on: Option<Date>,
    /// Parties outside care, as JSON.
    pub parties: Option<Sealed>,
    /// Whether this plan is the agreement, and only what is missing is added.
    pub fulfils: bool,
    pub added_by_kind: ActorKind,
    pub added_by_id: Uuid,
    pub added_at: DateTimeUtc,
    pub removed_at: Option<DateTimeUtc>,
    pub removed_by_kind: Option<ActorKind>,
    pub removed_by_id: Option<Uuid>,
    pub remove_reason: Option<Sealed>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
