//! Who is busy when, in cells of five minutes: the portable double-booking constraint.

use sea_orm::entity::prelude::*;

/// One cell of one staff member or patient. The primary key refuses a second holder.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "occupancy")]
pub struct Model {
    /// A staff member (claimed by a slot) or a patient (claimed by an appointment).
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub cell_start: DateTimeUtc,
    /// The slot or appointment.
    pub holder_id: Uuid,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
