//! Notices: the outbox of the worker. One row per recipient and channel, never content.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AppointmentId, CareProviderId, CareUnitId, ContactWayId, GuardianReminderId, NoticeId,
    PatientId, StaffNoticeId, ThreadId, contact_way::Channel,
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
        /// A freed time is offered (återbudstid).
        Offer = "OFFER",
        /// There is something new for a member of staff.
        Staff = "STAFF",
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

text_enum! {
    /// What staff did about a notice that did not arrive.
    Handling {
        /// It was sent by the other channel.
        OtherWay = "OTHER_WAY",
        /// Somebody phoned (ringt).
        Phoned = "PHONED",
    }
}

/// One reminder or notice. `dedupe_key` is unique; a sender records only under the lease token it claimed with.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "notice")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: NoticeId,
    /// Whom it is about; of a notice to staff, which gathers what is new, whom the first of it is about.
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
    /// The guardian it goes to instead of the patient; then the address is read from here.
    pub guardian_reminder_id: Option<GuardianReminderId>,
    /// The member of staff it goes to; then the address is read from here.
    pub staff_notice_id: Option<StaffNoticeId>,
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
    /// When it was last claimed: the address it goes to is no older.
    pub claimed_at: Option<DateTimeUtc>,
    pub dedupe_key: String,
    /// SHA-256 of the secret in the links of the message.
    pub link_hash: Option<Vec<u8>>,
    /// The gateway's own id.
    pub provider_ref: Option<String>,
    pub sent_at: Option<DateTimeUtc>,
    /// By when the gateway is to have reported what became of it; none where it was not asked to.
    pub report_by: Option<DateTimeUtc>,
    /// When it was last found to have arrived, not to have, or that nobody knows.
    pub ended_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    /// What staff did about one that did not arrive.
    pub handled_as: Option<Handling>,
    pub handled_by: Option<Uuid>,
    pub handled_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "crate::care_unit::Entity",
        from = "Column::CareUnitId",
        to = "crate::care_unit::Column::Id"
    )]
    CareUnit,
}

impl Related<crate::care_unit::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::CareUnit.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
