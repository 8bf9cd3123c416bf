//! What patients ask for: a contact (fast vårdkontakt ska utses om patienten begär det).

use sea_orm::entity::prelude::*;

use crate::{
    CareContactId, CareProviderId, CareUnitId, ContactRequestId, PatientId, Sealed,
    access_event::ActorKind,
    agreement_offer::Way,
    care_contact::{Role, TreatingKind},
};

text_enum! {
    /// Where a request stands.
    Status {
        /// Care must act (öppen).
        Open = "OPEN",
        /// A contact was appointed (utsedd).
        Appointed = "APPOINTED",
        /// The patient took it back (återtagen).
        Withdrawn = "WITHDRAWN",
        /// The patient died (avliden): it waits no longer.
        Deceased = "DECEASED",
    }
}

/// A request. It has two ends: an appointment to the role, or the patient's own withdrawal. Care has no third.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "contact_request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ContactRequestId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub role: Role,
    /// Of a `BEHANDLANDE_ROLL`.
    pub treating_kind: Option<TreatingKind>,
    pub why: Sealed,
    pub status: Status,
    /// By when care must have appointed; then it rises to the manager.
    pub due_at: DateTimeUtc,
    pub asked_by_kind: ActorKind,
    pub asked_by_id: Uuid,
    pub created_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
    /// How the patient told staff that they take it back; none when the patient did so here.
    pub ended_how: Option<Way>,
    /// Why the patient took it back, in their words.
    pub ending: Option<Sealed>,
    /// The contact that was appointed.
    pub contact_id: Option<CareContactId>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
