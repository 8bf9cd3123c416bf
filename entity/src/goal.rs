//! Goals (mål): the live state. The wording is in its revisions.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, CareProviderId, CareUnitId, GoalId, PatientId, Sealed, access_event::ActorKind,
    agreement_version::Party,
};

text_enum! {
    /// FHIR goal lifecycle status.
    Status {
        /// Suggested, not yet agreed.
        Proposed = "PROPOSED",
        /// Agreed, not yet begun.
        Accepted = "ACCEPTED",
        /// Being worked on.
        Active = "ACTIVE",
        /// Paused.
        OnHold = "ON_HOLD",
        /// Over.
        Completed = "COMPLETED",
        /// Given up.
        Cancelled = "CANCELLED",
    }
}

text_enum! {
    /// FHIR goal achievement status.
    Achievement {
        /// Work goes on.
        InProgress = "IN_PROGRESS",
        /// Getting better.
        Improving = "IMPROVING",
        /// Getting worse.
        Worsening = "WORSENING",
        /// No change.
        NoChange = "NO_CHANGE",
        /// Reached.
        Achieved = "ACHIEVED",
        /// Reached, and kept so.
        Sustaining = "SUSTAINING",
        /// Not reached.
        NotAchieved = "NOT_ACHIEVED",
        /// Nothing has come nearer.
        NoProgress = "NO_PROGRESS",
        /// Cannot be reached.
        NotAttainable = "NOT_ATTAINABLE",
    }
}

/// One goal, under a stable id.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "goal")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: GoalId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub status: Status,
    pub achievement: Achievement,
    pub set_by: Party,
    /// Why it was paused or given up.
    pub status_reason: Option<Sealed>,
    /// Who last said where it stands; none while the assents alone have.
    pub status_by_kind: Option<ActorKind>,
    pub status_at: Option<DateTimeUtc>,
    /// Who last said how near it is.
    pub achievement_by_kind: Option<ActorKind>,
    pub achievement_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
