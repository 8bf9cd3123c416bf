//! Templates (mallar) that were put into an agreement.

use sea_orm::entity::prelude::*;

use crate::{AgreementId, CareProviderId, CareUnitId, PatientId, TemplateUseId, access_event::ActorKind};

/// One use of one template. Never altered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "template_use")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TemplateUseId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The template's name, such as `surgery`.
    pub template: String,
    pub version: i32,
    /// The day that times are counted from.
    pub anchor_on: Date,
    pub by_kind: ActorKind,
    /// The assignment that put it in.
    pub by_id: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
