//! Concerns: the patient says that advice conflicts, or that an item is too much now.

use sea_orm::entity::prelude::*;

use crate::{
    AgreementId, CareProviderId, CareUnitId, ItemConcernId, PatientId, PlanItemId, Sealed,
    access_event::ActorKind,
};

text_enum! {
    /// What the patient says.
    Kind {
        /// "Råden går inte ihop": this advice and another cannot both be followed.
        AdviceConflicts = "ADVICE_CONFLICTS",
        /// "Jag klarar inte detta nu".
        TooMuchNow = "TOO_MUCH_NOW",
    }
}

text_enum! {
    /// Whether care owes an answer.
    Status {
        /// Waits for care's answer.
        Open = "OPEN",
        /// Care has answered, in words that the patient sees.
        Answered = "ANSWERED",
        /// The patient took it back.
        Withdrawn = "WITHDRAWN",
        /// The agreement ended before care had answered.
        Ended = "ENDED",
    }
}

/// One concern about one item. Open, it is a task of care; it ends in an answer or is taken back, and then never changes.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "item_concern")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ItemConcernId,
    pub plan_item_id: PlanItemId,
    pub agreement_id: AgreementId,
    pub patient_id: PatientId,
    /// The unit that owns the row.
    pub care_unit_id: CareUnitId,
    /// The care provider that answers for the row.
    pub care_provider_id: CareProviderId,
    pub kind: Kind,
    pub words: Option<Sealed>,
    pub status: Status,
    pub by_kind: ActorKind,
    /// The patient or representative, or the assignment that took it down for the patient.
    pub by_id: Uuid,
    pub created_at: DateTimeUtc,
    pub answer: Option<Sealed>,
    pub ended_by_kind: Option<ActorKind>,
    pub ended_by_id: Option<Uuid>,
    pub ended_at: Option<DateTimeUtc>,
    pub row_version: i32,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
