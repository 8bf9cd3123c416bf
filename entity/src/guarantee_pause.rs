//! Pauses of the care guarantee (vårdgaranti): waiting that does not count.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, CareProviderId, CareUnitId, GuaranteePauseId, PatientId, PlanItemId, access_event::ActorKind,
};

text_enum! {
    /// Why the days do not count.
    Kind {
        /// The patient chose to wait (patientvald väntan).
        PatientChosen = "PATIENT_CHOSEN",
        /// Waiting is medically needed (medicinskt motiverad väntan).
        Medical = "MEDICAL",
    }
}

/// Days of one item that do not count, both ends included. At most one of each kind has no end yet.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guarantee_pause")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GuaranteePauseId,
    pub plan_item_id: PlanItemId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: Kind,
    pub from_day: Date,
    /// None: until further notice.
    pub until_day: Option<Date>,
    pub by_kind: ActorKind,
    /// The assignment that recorded it.
    pub by_id: Uuid,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
