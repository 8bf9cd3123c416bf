//! Absences of contacts, and who steps in.

use sea_orm::entity::prelude::*;

use crate::{AssignmentId, CareContactId, CareProviderId, CareUnitId, ContactAbsenceId};

/// One absence, of one contact or of everything that an assignment holds. Without a substitute it is a gap.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_absence")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContactAbsenceId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub contact_id: Option<CareContactId>,
    pub assignment_id: Option<AssignmentId>,
    pub from_at: DateTimeUtc,
    pub until_at: DateTimeUtc,
    pub substitute_id: Option<AssignmentId>,
    /// The assignment that registered it.
    pub created_by: Uuid,
    pub created_at: DateTimeUtc,
    pub cancelled_at: Option<DateTimeUtc>,
    pub cancelled_by: Option<Uuid>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
