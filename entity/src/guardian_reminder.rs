//! Guardians' reminders (vårdnadshavares påminnelser): who is reminded of a child's times instead of the child.

use sea_orm::entity::prelude::*;

use crate::{
    CareProviderId, CareUnitId, GuardianReminderId, LookupHash, PatientId, RepresentativeId, Sealed,
    access_event::ActorKind,
    contact_way::{Channel, Status},
    reminder_preference::Detail,
};

/// One guardian's decision for one child and channel, with the guardian's own address. No row is no.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guardian_reminder")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GuardianReminderId,
    /// The child.
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The guardian.
    pub representative_id: RepresentativeId,
    pub channel: Channel,
    /// A mail address, or a phone number in E.164.
    pub address: Sealed,
    /// Finds the row from a reply such as STOPP.
    pub lookup: LookupHash,
    pub status: Status,
    pub opted_in: bool,
    pub detail: Detail,
    /// The exact text the guardian decided on.
    pub text_shown: String,
    /// Which of the service's own texts it was, where it was one of them.
    pub text_version: Option<String>,
    pub by_kind: ActorKind,
    /// The guardian or assignment that acted.
    pub by_id: Uuid,
    pub decided_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "crate::representative::Entity",
        from = "Column::RepresentativeId",
        to = "crate::representative::Column::Id"
    )]
    Representative,
}

impl Related<crate::representative::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Representative.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
