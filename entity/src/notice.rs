//! Notices: the outbox of the worker. One row per recipient and channel, never content.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AppointmentId, CareProviderId, CareUnitId, ContactWayId, NoticeId, PatientId, ThreadId,
    contact_way::Channel,
};

text_enum! {
    /// What the notice is about.
    Kind {
        /// A rung of the ladder before an appointment.
        Reminder = "REMINDER",
        /// An appointment was cancelled.
        Cancellation = "CANCELLATION",
        /// A message was written.
        Message = "MESSAGE",
        /// The plan changed or waits for an answer.
        Plan = "PLAN",
    }
}

text_enum! {
    /// Where the notice stands.
    State {
        /// Waits for its time, or for the next attempt.
        Planned = "PLANNED",
        /// Claimed by a worker until the lease ends.
        Claimed = "CLAIMED",
        /// Accepted by the channel.
        Sent = "SENT",
        /// Delivered, says the channel.
        Delivered = "DELIVERED",
        /// Given up, with reason; visible to staff.
        Failed = "FAILED",
        /// Whether it was accepted cannot be known.
        Unknown = "UNKNOWN",
        /// Taken back: the appointment was cancelled or moved.
        Withdrawn = "WITHDRAWN",
        /// Held back by a rule at sending time: consent, protected identity, confirmed.
        Suppressed = "SUPPRESSED",
        /// Its time passed before it could leave.
        Missed = "MISSED",
    }
}

/// One reminder or notice. `dedupe_key` is unique; a sender records only under the lease token it claimed with.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NoticeId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: Kind,
    /// The rung of the ladder, or the event.
    pub rule: String,
    pub channel: Channel,
    /// The address at sending time is read from here.
    pub contact_way_id: Option<ContactWayId>,
    pub appointment_id: Option<AppointmentId>,
    pub schedule_version: Option<i32>,
    pub thread_id: Option<ThreadId>,
    pub agreement_id: Option<AgreementId>,
    pub due_at: DateTimeUtc,
    /// After this instant a send helps nobody: then MISSED.
    pub useless_at: DateTimeUtc,
    pub state: State,
    /// A failure or suppression code.
    pub reason: Option<String>,
    pub attempts: i32,
    pub leased_until: Option<DateTimeUtc>,
    pub lease_token: Option<Uuid>,
    pub dedupe_key: String,
    /// The gateway's own id.
    pub provider_ref: Option<String>,
    pub sent_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
