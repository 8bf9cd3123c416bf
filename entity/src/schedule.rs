//! Schedules (tidböcker): patterns that become slots.

use sea_orm::entity::prelude::*;

use crate::{AppointmentTypeId, CareProviderId, CareUnitId, ScheduleId};

/// The availability of a unit, or of staff together ([`crate::schedule_staff`]), for one appointment type.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "schedule")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ScheduleId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub appointment_type_id: AppointmentTypeId,
    /// RFC 5545 recurrence rule of the days.
    pub rule: String,
    pub valid_from: Date,
    pub valid_until: Option<Date>,
    /// Wall clock, `08:00`.
    pub block_from: String,
    /// Wall clock, `12:00`; `24:00` is the end of the day.
    pub block_until: String,
    /// JSON list of pairs such as `["09:30","10:00"]`.
    pub pauses: String,
    /// JSON list of dates without times.
    pub except_days: String,
    /// JSON list of dates with times beside the rule.
    pub extra_days: String,
    /// Whether there are times on holidays and the unit's closing days too.
    pub on_closed_days: bool,
    pub seats: i32,
    pub web_bookable: bool,
    /// The days until and with this one have become slots.
    pub published_until: Date,
    pub ended_at: Option<DateTimeUtc>,
    /// The assignment that published it.
    pub created_by: Uuid,
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
