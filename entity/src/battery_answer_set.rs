//! Answers to a question battery (frågebatteri), as they were given on one occasion.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementVersionId, BatteryAnswerSetId, CareProviderId, CareUnitId, PatientId, QuestionBatteryId,
    access_event::ActorKind,
};

text_enum! {
    /// The way the answers came.
    Channel {
        /// From the patient's own phone or computer.
        Web = "WEB",
        /// Told by phone, written down by staff.
        Phone = "PHONE",
        /// Told at the unit, written down by staff.
        OnSite = "ON_SITE",
        /// On paper, entered by staff.
        Paper = "PAPER",
    }
}

/// One occasion. Never altered: a correction is a new one that names what it corrects.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "battery_answer_set")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BatteryAnswerSetId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub battery_id: QuestionBatteryId,
    /// The version of the agreement that held, or was being drawn up, when the answers were given.
    pub agreement_version_id: Option<AgreementVersionId>,
    pub channel: Channel,
    /// The answers this one puts right, each put right at most once.
    pub corrects_id: Option<BatteryAnswerSetId>,
    pub by_kind: ActorKind,
    /// The patient, representative or assignment that acted.
    pub by_id: Uuid,
    /// When the questions were answered; of a correction, when they first were.
    pub answered_at: DateTimeUtc,
    /// When this was written.
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
