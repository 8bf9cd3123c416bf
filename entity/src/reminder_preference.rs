//! What a patient has said yes to: reminders and notices per kind and channel.

use sea_orm::entity::prelude::*;

use crate::{
    CareProviderId, CareUnitId, PatientId, ReminderPreferenceId, access_event::ActorKind,
    contact_way::Channel,
};

text_enum! {
    /// What the decision is about.
    PreferenceKind {
        /// Reminders of appointments (påminnelser om tider).
        Appointment = "APPOINTMENT",
        /// Notices of new messages.
        Message = "MESSAGE",
        /// Notices of changes in the plan.
        Plan = "PLAN",
    }
}

text_enum! {
    /// How much may stand in a reminder.
    Detail {
        /// Only the time and a phone number.
        TimeOnly = "TIME_ONLY",
        /// The unit's name too.
        UnitName = "UNIT_NAME",
        /// The unit's name and address too.
        UnitAndAddress = "UNIT_AND_ADDRESS",
    }
}

/// One decision, with the exact text that was shown. No row is no.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reminder_preference")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReminderPreferenceId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: PreferenceKind,
    pub channel: Channel,
    pub opted_in: bool,
    pub detail: Detail,
    /// The exact text the patient decided on.
    pub text_shown: String,
    /// Which of the service's own texts it was, where it was one of them.
    pub text_version: Option<String>,
    pub by_kind: ActorKind,
    /// The patient, representative or assignment that acted; nil for the system.
    pub by_id: Uuid,
    pub decided_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
