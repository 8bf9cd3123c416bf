//! Assignments (medarbetaruppdrag): what staff act under.

use sea_orm::entity::prelude::*;

use crate::{AssignmentId, CareProviderId, CareUnitId, StaffMemberId};

text_enum! {
    /// What the assignment allows.
    Role {
        /// Any profession in care: may create an agreement, appoint contacts.
        Care = "CARE",
        /// Coordinates; may do what CARE may.
        Coordinator = "COORDINATOR",
        /// Manages the unit.
        UnitManager = "UNIT_MANAGER",
        /// Statistics only, no patient data.
        Analyst = "ANALYST",
        /// Administers the service, no patient data.
        Admin = "ADMIN",
    }
}

/// One staff member in one role at one unit.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "assignment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AssignmentId,
    pub staff_member_id: StaffMemberId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// Lower case; unique.
    pub hsa_id: String,
    pub role: Role,
    pub valid_from: DateTimeUtc,
    pub valid_until: Option<DateTimeUtc>,
    pub source: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
