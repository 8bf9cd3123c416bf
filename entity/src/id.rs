//! Typed ids: a UUIDv7 that cannot be taken for the id of another table.

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => {
        $(
            $(#[$meta])*
            #[derive(
                Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, DeriveValueType, Serialize, Deserialize,
            )]
            #[serde(transparent)]
            pub struct $name(pub Uuid);

            impl sea_orm::TryFromU64 for $name {
                fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                    Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
                }
            }

            impl From<$name> for Uuid {
                fn from(id: $name) -> Self {
                    id.0
                }
            }

            impl From<Uuid> for $name {
                fn from(id: Uuid) -> Self {
                    Self(id)
                }
            }
        )+
    };
}

ids! {
    /// Of a record that the patient cannot decide (utan patientens ställningstagande).
    PatientUndecidedId,
    /// Of an assent to a version.
    VersionAssentId,
    /// Of an objection (invändning) to a version.
    VersionObjectionId,
    /// Of an assessment of access (bedömning).
    AccessAssessmentId,
    /// Of an access-log event.
    AccessEventId,
    /// Of an agreement (patientkontrakt).
    AgreementId,
    /// Of an offer of an agreement (erbjudande).
    AgreementOfferId,
    /// Of a request for an agreement (önskan).
    AgreementRequestId,
    /// Of one step of a request from unit to unit.
    AgreementRequestPassId,
    /// Of one version of an agreement.
    AgreementVersionId,
    /// Of an appointment (bokad tid).
    AppointmentId,
    /// Of an appointment type (besökstyp).
    AppointmentTypeId,
    /// Of an assignment (medarbetaruppdrag).
    AssignmentId,
    /// Of the answer to one question of a battery.
    BatteryAnswerId,
    /// Of a set of answers to a question battery.
    BatteryAnswerSetId,
    /// Of a call in the call log (samtalslista).
    CallId,
    /// Of one attempt at a call.
    CallAttemptId,
    /// Of a personal calendar feed (kalenderprenumeration).
    CalendarFeedId,
    /// Of a care contact (fast vårdkontakt and the other roles).
    CareContactId,
    /// Of a care provider (vårdgivare).
    CareProviderId,
    /// Of a care relation (vårdrelation).
    CareRelationId,
    /// Of a care unit (vårdenhet).
    CareUnitId,
    /// Of an entry in the change history.
    ChangeEntryId,
    /// Of an absence of a contact.
    ContactAbsenceId,
    /// Of a unit's decision on who may be contacts.
    ContactFunctionRuleId,
    /// Of an offer of a contact.
    ContactOfferId,
    /// Of a patient's request for a contact.
    ContactRequestId,
    /// Of one passing on of a request for a contact.
    ContactRequestPassId,
    /// Of a contact way (kontaktväg) of a patient.
    ContactWayId,
    /// Of a domain event.
    DomainEventId,
    /// Of an exception for a guardian (undantag för vårdnadshavare).
    GuardianExceptionId,
    /// Of a guardian's reminders (vårdnadshavares påminnelser) of a child's times.
    GuardianReminderId,
    /// Of a goal (mål).
    GoalId,
    /// Of one wording of a goal.
    GoalRevisionId,
    /// Of a pause of the care guarantee (vårdgaranti).
    GuaranteePauseId,
    /// Of a concern of the patient about a plan item.
    ItemConcernId,
    /// Of a notice (påminnelse, avisering).
    NoticeId,
    /// Of a patient.
    PatientId,
    /// Of an identity number of a patient.
    PatientIdentityId,
    /// Of a plan item (insats, aktivitet).
    PlanItemId,
    /// Of a done-mark of one occurrence of a recurring plan item.
    PlanItemMarkId,
    /// Of one wording of a plan item.
    PlanItemRevisionId,
    /// Of a progress note (anteckning om hur det går).
    ProgressNoteId,
    /// Of one version of a question battery (frågebatteri) as it was answered.
    QuestionBatteryId,
    /// Of a link to an existing plan.
    PlanLinkId,
    /// Of an event for the population register.
    RegisterEventId,
    /// Of a decision on a ladder of reminders (påminnelsetrappa).
    ReminderLadderId,
    /// Of a reminder preference.
    ReminderPreferenceId,
    /// Of a representative (ombud).
    RepresentativeId,
    /// Of a safety instruction (säkerhetsanvisning).
    SafetyInstructionId,
    /// Of a schedule (tidbok).
    ScheduleId,
    /// Of a hold of a slot (hållen tid).
    SlotHoldId,
    /// Of a slot (ledig tid).
    SlotId,
    /// Of a hold or release of the sending of reminders.
    SendingHoldId,
    /// Of a staff member (medarbetare).
    StaffMemberId,
    /// Of the choice of a member of staff about notices.
    StaffNoticeId,
    /// Of a task (uppgift).
    TaskId,
    /// Of one use of a template (mall).
    TemplateUseId,
    /// Of a thread (meddelandetråd).
    ThreadId,
    /// Of a message in a thread.
    ThreadMessageId,
    /// Of an offer of a freed time (återbudstid).
    TimeOfferId,
    /// Of a wish for a time (önskemål om tid).
    TimeWishId,
    /// Of a worker that sends reminders.
    WorkerId,
}
