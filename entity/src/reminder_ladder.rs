//! A unit's ladders of reminders (påminnelsetrappor): decisions, each replacing the one before.

use sea_orm::entity::prelude::*;

use crate::{AppointmentTypeId, CareProviderId, CareUnitId, ReminderLadderId};

/// One decision. Written once; the highest number for a subject is in force.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reminder_ladder")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReminderLadderId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The kind of appointment; none for every kind of the unit without a ladder of its own.
    pub appointment_type_id: Option<AppointmentTypeId>,
    /// The appointment type, else the unit.
    pub subject_id: Uuid,
    /// 1, 2, 3 … within the subject.
    pub number: i32,
    /// The rungs as JSON; none when the subject follows what stands above it again.
    pub rungs: Option<String>,
    /// The assignment that decided.
    pub set_by: Uuid,
    pub set_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
