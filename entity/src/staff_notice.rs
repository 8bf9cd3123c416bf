//! Notices to staff (aviseringar till medarbetare): who wants a mail when there is something new.

use sea_orm::entity::prelude::*;

use crate::{AssignmentId, CareProviderId, CareUnitId, Sealed, StaffNoticeId, contact_way::Status};

text_enum! {
    /// What the mail is about.
    About {
        /// Tasks that are the member's own.
        Own = "OWN",
        /// Everything new at the unit.
        Unit = "UNIT",
    }
}

/// The choice of one member of staff in one assignment, with an address of their own. No row is no.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "staff_notice")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: StaffNoticeId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub assignment_id: AssignmentId,
    /// A mail address.
    pub address: Sealed,
    pub status: Status,
    pub opted_in: bool,
    pub about: About,
    pub decided_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "crate::assignment::Entity",
        from = "Column::AssignmentId",
        to = "crate::assignment::Column::Id"
    )]
    Assignment,
}

impl Related<crate::assignment::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::Assignment.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
