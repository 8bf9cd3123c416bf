//! Requests for an agreement (önskan om patientkontrakt): care cannot close one silently.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, AgreementRequestId, CareProviderId, CareUnitId, PatientId, Sealed, access_event::ActorKind,
    agreement_offer::Way,
};

text_enum! {
    /// What became of a request.
    Status {
        /// Waits for care.
        Open = "OPEN",
        /// An agreement was proposed.
        Fulfilled = "FULFILLED",
        /// The patient took it back.
        Withdrawn = "WITHDRAWN",
        /// The patient died.
        Deceased = "DECEASED",
    }
}

/// One request. The unit that owns the row is the one that must act now; it was another one's if it has been passed.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agreement_request")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AgreementRequestId,
    pub patient_id: PatientId,
    /// The unit that must act.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    /// The coordinating region's code.
    pub region: String,
    pub why: Option<Sealed>,
    /// STAFF where staff recorded what the patient asked for.
    pub asked_by_kind: ActorKind,
    pub asked_by_id: Uuid,
    /// How the patient reached staff; none when the patient asked here.
    pub asked_how: Option<Way>,
    pub asked_at: DateTimeUtc,
    /// Passing it on does not move it.
    pub due_at: DateTimeUtc,
    pub status: Status,
    /// The agreement that was proposed.
    pub agreement_id: Option<AgreementId>,
    pub ended_at: Option<DateTimeUtc>,
    pub ended_by_kind: Option<ActorKind>,
    pub ended_by_id: Option<Uuid>,
    /// How the patient told staff that they take it back; none when the patient did so here.
    pub ended_how: Option<Way>,
    pub end_words: Option<Sealed>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
