//! The call log (samtalslista): calls to make, and calls that were made.

use sea_orm::entity::prelude::*;

use crate::{AssignmentId, CallId, CareProviderId, CareUnitId, PatientId, Sealed};

text_enum! {
    /// Who called whom.
    Direction {
        /// Somebody called care (inkommande).
        Incoming = "INCOMING",
        /// Care calls (utgående).
        Outgoing = "OUTGOING",
    }
}

text_enum! {
    /// Whether there is still a call to make.
    Status {
        /// To be made (att ringa).
        ToMake = "TO_MAKE",
        /// Made (ringt).
        Made = "MADE",
        /// Given up: nobody was reached (ej nådd).
        NotReached = "NOT_REACHED",
    }
}

/// One call, promised or made. Never deleted; what came of each attempt stands in `phone_call_attempt`.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "phone_call")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: CallId,
    pub patient_id: PatientId,
    /// The unit that makes it.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub direction: Direction,
    /// With whom: the patient, a relative, another care giver …
    pub with_whom: Sealed,
    /// What it is about.
    pub about: Sealed,
    /// The number to call.
    pub phone: Option<Sealed>,
    /// By when the call is promised, while it is to be made.
    pub call_by: Option<DateTimeUtc>,
    pub status: Status,
    /// Who wrote it down.
    pub created_by: AssignmentId,
    pub created_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
